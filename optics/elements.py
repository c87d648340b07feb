"""What stands on the bench: masks, ideal Fourier lenses and apertures. Each is a module Field -> Field."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from optics.field import Field
from optics.fourier import FourierIntegral
from optics.grid import Grid
from optics.kernel import Kernel
from optics.sampling import check_curvature
from optics.units import format_length
from optics.waves import curvature

# Two pitches computed along different routes agree to a few float64 ulps; this leaves room for a file's digits.
_SAME_PITCH = 1e-9


class Mask(nn.Module):
    """A pixelated transmittance: every pixel multiplies the field that crosses it by one complex number.

    Args:
        transmittance: real or complex, shape (..., ny, nx) or (..., nx). An ``nn.Parameter`` is trained; any
            other tensor is kept as a buffer, and gradients flow through it to whatever it was computed from.
        pitch: pixel size [m]; one number or one for each axis.

    The pixels are the cells of the field's grid; how much of a pixel is active is the affair of the grid's
    :class:`~optics.grid.Cell`. Called with a field whose cells are not the mask's pixels it raises ValueError.
    """

    transmittance: Tensor

    def __init__(self, transmittance: Tensor, pitch: float | Sequence[float]):
        super().__init__()
        if isinstance(transmittance, nn.Parameter):
            self.transmittance = transmittance
        else:
            self.register_buffer("transmittance", transmittance, persistent=False)
        self.pitch = (float(pitch),) if isinstance(pitch, int | float) else tuple(pitch)

    def forward(self, field: Field) -> Field:
        self._check_pixels(field.grid)
        like = field.data if self.transmittance.is_complex() else field.data.real
        return field.replace(field.data * _over_nodes(self.transmittance.to(like), field.grid))

    def _check_pixels(self, grid: Grid) -> None:
        pixels = tuple(self.transmittance.shape[-grid.ndim :])
        pitch = self.pitch * grid.ndim if len(self.pitch) == 1 else self.pitch
        same = pixels == grid.cells and len(pitch) == grid.ndim
        same = same and all(math.isclose(a, b, rel_tol=_SAME_PITCH) for a, b in zip(pitch, grid.spacing, strict=True))
        if not same:
            raise ValueError(
                f"the mask's pixels must be the cells of the field's grid: the mask has {pixels} pixels of "
                f"{pitch} m, the grid {grid.cells} cells of {grid.spacing} m"
            )

    def extra_repr(self) -> str:
        return f"pixels={tuple(self.transmittance.shape)}, pitch={self.pitch}"


def _over_nodes(values: Tensor, grid: Grid) -> Tensor:
    """Give every node of a cell the value of its cell."""
    for i, axis in enumerate(grid.axes):
        if len(axis.cell) > 1:
            values = values.repeat_interleave(len(axis.cell), dim=i - grid.ndim)
    return values


class FourierLens(nn.Module):
    """An ideal lens from its front to its back focal plane: the Fourier integral, free of aberrations.

    Args:
        focal_length: [m], positive.
        output: grid in the back focal plane. Without it, the output has as many point cells as the input has
            cells, at the pitch λf/(nΔ) of :func:`output_pitch`; from points, that is a unitary DFT.

    Two such lenses in a row image the first plane upside down: E(-x). See :mod:`optics.fourier`.

    Raises:
        ValueError: a focal length that is not positive and finite.
    """

    def __init__(self, focal_length: float, output: Grid | None = None):
        super().__init__()
        if not (math.isfinite(focal_length) and focal_length > 0):
            raise ValueError(f"focal length must be a positive length in metres; got {focal_length}")
        self.focal_length = focal_length
        self.output = output
        self._integrals: dict[tuple[Grid, Grid, float], FourierIntegral] = {}

    def forward(self, field: Field) -> Field:
        scale = field.wavelength * self.focal_length
        key = (field.grid, self.output or _natural_output(field.grid, scale), scale)
        if key not in self._integrals:
            self._integrals[key] = FourierIntegral(*key)
        integral = self._integrals[key]
        return field.replace(integral(field.data), integral.target)

    def extra_repr(self) -> str:
        return f"focal_length={self.focal_length}"


class Lens(nn.Module):
    """A thin lens: the phase -πr²/(λf) and, if it has one, a pupil. On a 1-D grid, a cylindrical lens.

    Args:
        focal_length: [m], negative for a diverging lens.
        pupil: its opening; without one the lens is as wide as the grid.

    When it first meets a grid it checks that the samples resolve its phase within the pupil; see
    :func:`~optics.sampling.check_curvature`.

    Raises:
        ValueError: a focal length that is zero or not finite, a grid too coarse by a factor of two or more, or flat
            cells, within which the phase varies.
    """

    def __init__(self, focal_length: float, pupil: Circle | Rectangle | None = None):
        super().__init__()
        if not math.isfinite(focal_length) or focal_length == 0:
            raise ValueError(f"focal length must be a finite length in metres, not zero; got {focal_length}")
        self.focal_length, self.pupil = focal_length, pupil
        self._kernels: dict[tuple[Grid, float], Kernel] = {}

    def forward(self, field: Field) -> Field:
        key = (field.grid, field.wavelength * self.focal_length)
        if key not in self._kernels:
            self._kernels[key] = Kernel(self._transmittance(*key))
        return field.replace(field.data * self._kernels[key].like(field.data))

    def _transmittance(self, grid: Grid, scale: float) -> Tensor:
        width = None if self.pupil is None else self.pupil.width
        check_curvature(grid, abs(scale), f"lens of f = {format_length(self.focal_length)}", width)
        phase = curvature(grid, -scale)
        return phase if self.pupil is None else phase * self.pupil.contains(grid)

    def extra_repr(self) -> str:
        return f"focal_length={self.focal_length}, pupil={self.pupil}"


def output_pitch(cells: int, spacing: float, scale: float) -> float:
    """Pitch λf/(nΔ) [m] in the back focal plane of ``cells`` samples of ``spacing`` [m]; ``scale`` is λf [m²]."""
    return scale / (cells * spacing)


def _natural_output(grid: Grid, scale: float) -> Grid:
    return Grid(grid.cells, [output_pitch(axis.cells, axis.spacing, scale) for axis in grid.axes])


@dataclass(frozen=True)
class Circle:
    """A round opening of ``diameter`` [m]; on a 1-D grid, a slit of that width.

    Raises:
        ValueError: a diameter that is not positive and finite.
    """

    diameter: float

    def __post_init__(self) -> None:
        _check_size("diameter", self.diameter)

    @property
    def width(self) -> float:
        """Its largest extent [m]."""
        return self.diameter

    def contains(self, grid: Grid) -> Tensor:
        """Which samples of the grid lie inside, boolean, shape ``grid.shape``."""
        squares = torch.zeros(grid.shape, dtype=torch.float64)
        for x in grid.coordinates:
            squares = squares + x.square()
        return squares <= (self.diameter / 2) ** 2


@dataclass(frozen=True)
class Rectangle:
    """A rectangular opening of ``extent`` [m], one number for each axis, (y, x) or (x,).

    Raises:
        ValueError: an extent that is not positive and finite, or not as many as a grid has axes.
    """

    extent: tuple[float, ...]

    def __post_init__(self) -> None:
        for width in self.extent:
            _check_size("extent", width)

    @property
    def width(self) -> float:
        """Its largest extent [m]."""
        return max(self.extent)

    def contains(self, grid: Grid) -> Tensor:
        """Which samples of the grid lie inside, boolean, shape ``grid.shape``."""
        if len(self.extent) != grid.ndim:
            raise ValueError(f"expected an extent for each of the grid's {grid.ndim} axes; got {self.extent}")
        inside = torch.ones(grid.shape, dtype=torch.bool)
        for x, width in zip(grid.coordinates, self.extent, strict=True):
            inside = inside & (x.abs() <= width / 2)
        return inside


def _check_size(name: str, size: float) -> None:
    if not (math.isfinite(size) and size > 0):
        raise ValueError(f"{name} of an opening must be a positive length in metres; got {size}")


class Aperture(nn.Module):
    """An opaque screen with an opening, given in metres and so independent of the grid."""

    def __init__(self, opening: Circle | Rectangle):
        super().__init__()
        self.opening = opening
        self._kernels: dict[Grid, Kernel] = {}

    def forward(self, field: Field) -> Field:
        if field.grid not in self._kernels:
            self._kernels[field.grid] = Kernel(self.opening.contains(field.grid).double())
        return field.replace(field.data * self._kernels[field.grid].like(field.data).real)

    def extra_repr(self) -> str:
        return repr(self.opening)
