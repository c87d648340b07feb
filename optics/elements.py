"""What stands on the bench: masks, lenses, apertures and wedges. Each is a module Field -> Field."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import torch
from torch import Tensor, nn

from optics.field import Field
from optics.fourier import FourierIntegral
from optics.grid import Axis, Grid
from optics.kernel import Kernel, Memo, double, number
from optics.lengths import positive
from optics.openings import Opening
from optics.sampling import check_curvature, check_directions, check_quadrature
from optics.screens import Quantity, Samples, Screen, Turning, Vector, components, on_axes
from optics.units import format_length
from optics.waves import plane, refuse_flat, spherical

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
        return field.replace(_crossed(field.data, self.transmittance.to(like), field.grid))

    def decentred(self, field: Field, shift: Sequence[Quantity]) -> Field:
        """Refused by :meth:`check`: the cells of its grid cannot hold a moved pixel."""
        self.check(field.grid, number(field.wavelength), shift)
        return self(field)

    def check(self, grid: Grid, wavelength: float, shift: Sequence[Quantity] = ()) -> Grid:
        """The grid itself, on which the light leaves.

        Raises:
            ValueError: its cells are not the mask's pixels, or the axis of the mask is moved by a ``shift`` [m].
        """
        self._check_pixels(grid)
        if any(number(s) for s in shift):
            raise ValueError(
                f"a mask moved by {[number(s) for s in shift]} m does not fit the cells of its own grid; take "
                "Pixelated(transmittance, pitch) on a finer grid of points, as Grid([4 * n for n in cells], pitch / 4)"
            )
        return grid

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


def _crossed(light: Tensor, values: Tensor, grid: Grid) -> Tensor:
    """Light times the value of the pixel that each sample lies in."""
    pixels, nodes = grid.cells, [len(axis.cell) for axis in grid.axes]
    batch, values_batch = light.shape[: -grid.ndim], values.shape[: -grid.ndim]
    light = light.reshape(*batch, *(n for both in zip(pixels, nodes, strict=True) for n in both))
    values = values.reshape(*values_batch, *(n for cells in pixels for n in (cells, 1)))
    if values.is_complex():
        crossed = light * values
    else:  # both parts of the light by one number: less work, above all on the way back to the mask
        crossed = torch.view_as_complex(torch.view_as_real(light.resolve_conj()) * values[..., None])
    return crossed.reshape(*crossed.shape[: -2 * grid.ndim], *grid.shape)


class FourierLens(nn.Module):
    """An ideal lens from its front to its back focal plane: the Fourier integral, free of aberrations.

    Args:
        focal_length: [m], positive.
        output: grid in the back focal plane. Without it, the output has as many point cells as the input has
            cells, at the pitch λf/(nΔ) of :func:`output_pitch`; from points, that is a unitary DFT.

    Two such lenses in a row image the first plane upside down: E(-x). See :mod:`optics.fourier`.

    Raises:
        ValueError: a focal length that is not positive and finite, or what :meth:`check` refuses.
    """

    def __init__(self, focal_length: float, output: Grid | None = None):
        super().__init__()
        self.focal_length, self.output = positive(focal_length, "focal length"), output
        self._integrals: Memo[FourierIntegral] = Memo()

    def forward(self, field: Field) -> Field:
        scale = field.wavelength * self.focal_length
        integral = self._integrals.get(self._integral, field.grid, self._output_of(field.grid, scale), scale)
        return field.replace(integral(field.data), integral.target)

    def decentred(self, field: Field, shift: Sequence[Quantity]) -> Field:
        """The light in the back focal plane if the axis of the lens stands at ``shift`` [m], (y, x) or (x,).

        A shift s is a tilt before and behind: U(u) = exp(2πi·s(u - s)/λf)·F[E(x)·exp(2πi·s·x/λf)](u).

        Raises:
            ValueError: flat cells, within which a tilted wave varies.
        """
        steps = [double(s) / (double(field.wavelength) * self.focal_length) for s in shift]
        before = Kernel(_plane_wave(Samples.of(field.grid), steps))
        focus = self(field.replace(field.data * before.like(field.data)))
        behind = Kernel(_plane_wave(Samples.of(focus.grid, shift), steps))
        return focus.replace(focus.data * behind.like(focus.data))

    def check(self, grid: Grid, wavelength: float, shift: Sequence[Quantity] = ()) -> Grid:
        """The grid in the back focal plane, on which light of a wavelength [m] leaves.

        Points whose output repeats are not complained of: the sampled picture of a bench lives on that.

        Raises:
            ValueError: an output of more or fewer axes than the grid, or see
                :func:`~optics.sampling.check_directions` and :func:`~optics.sampling.check_quadrature`; flat cells
                where the lens is moved by ``shift``.

        Warns:
            SamplingWarning: see :func:`~optics.sampling.check_quadrature`.
        """
        output = self._output_of(grid, wavelength * self.focal_length)
        if output.ndim != grid.ndim:
            raise ValueError(f"source and target must both be 1-D or both 2-D; got {grid.ndim}-D and {output.ndim}-D")
        if any(number(s) for s in shift):
            refuse_flat(grid, "a tilted wave")
            refuse_flat(output, "a tilted wave")
        self._ask(grid, output, wavelength * self.focal_length)
        return output

    def _integral(self, grid: Grid, output: Grid, scale: Quantity) -> FourierIntegral:
        self._ask(grid, output, number(scale))
        return FourierIntegral(grid, output, scale)

    def _ask(self, grid: Grid, output: Grid, scale: float) -> None:
        check_directions(output, self.focal_length)
        if output.ndim == grid.ndim:  # else the integral refuses
            check_quadrature(grid, output.extent, scale, f"lens of f = {format_length(self.focal_length)}")

    def _output_of(self, grid: Grid, scale: Quantity) -> Grid:
        return self.output or _natural_output(grid, number(scale))

    def extra_repr(self) -> str:
        return f"focal_length={self.focal_length}"


class Lens(Screen):
    """A thin lens: the phase -πr²/(λf) and, if it has one, a pupil. On a 1-D grid, a cylindrical lens.

    Args:
        focal_length: [m], negative for a diverging lens; a tensor is differentiated through.
        pupil: its opening, as :class:`~optics.Circle`; without one the lens is as wide as the grid.

    Raises:
        ValueError: a focal length that is zero or not finite.
    """

    def __init__(self, focal_length: Quantity, pupil: Opening | None = None):
        super().__init__()
        _focus(focal_length)
        self.focal_length, self.pupil = focal_length, pupil

    @property
    def quantities(self) -> tuple[Hashable, ...]:
        return (self.focal_length, *(() if self.pupil is None else self.pupil.quantities))

    def turning(self, grid: Grid) -> Turning:
        widths = () if self.pupil is None else self.pupil.widths(grid)
        return Turning(power=1 / number(self.focal_length), widths=widths)

    def transmittance(self, samples: Samples, wavelength: Quantity) -> Tensor:
        phase = spherical(samples.positions, -wavelength * double(self.focal_length))
        return phase if self.pupil is None else phase * self.pupil.share(samples)

    def ask(self, samples: Samples, wavelength: float) -> None:
        """Ask for samples that resolve the phase within the pupil, and the pupil.

        Raises:
            ValueError: a grid too coarse by a factor of two or more, a pupil wider than the window, flat cells,
                within which the phase varies, or a focal length that training has spoilt.

        Warns:
            SamplingWarning: see :func:`~optics.sampling.check_curvature` and :mod:`optics.openings`.
        """
        refuse_flat(samples.grid, "a curved wave")
        focal_length = _focus(self.focal_length)
        widths = None if self.pupil is None else self.pupil.widths(samples.grid)
        name = f"lens of f = {format_length(focal_length)}"
        check_curvature(samples.window, abs(wavelength * focal_length), name, widths)
        if self.pupil is not None:
            self.pupil.ask(samples)

    def extra_repr(self) -> str:
        return f"focal_length={self.focal_length}, pupil={self.pupil}"


class Aperture(Screen):
    """An opaque screen with an opening, given in metres and so independent of the grid; see :mod:`optics.openings`."""

    def __init__(self, opening: Opening):
        super().__init__()
        self.opening = opening

    @property
    def quantities(self) -> tuple[Hashable, ...]:
        return self.opening.quantities

    def transmittance(self, samples: Samples, wavelength: Quantity) -> Tensor:
        return self.opening.share(samples)

    def ask(self, samples: Samples, wavelength: float) -> None:
        """Raise ValueError for an opening wider than the window, warn where the window cuts it or edges are coarse."""
        self.opening.ask(samples)

    def extra_repr(self) -> str:
        return repr(self.opening)


class Tilt(Screen):
    """A thin wedge, or a mirror seen unfolded: it turns the light by an angle, whatever the light does.

    Multiplies by exp(2πi·(x·sin θx + y·sin θy)/λ): light along the axis leaves along the direction (sin θx, sin θy),
    and a lens of focal length f behind it has its focus at f·sin θ. A mirror turned by θ tilts the light by 2θ.

    Args:
        angles: [rad], one for each axis, (y, x) or (x,); a tensor is differentiated through.
    """

    def __init__(self, angles: Vector):
        super().__init__()
        self.angles = angles

    @property
    def quantities(self) -> tuple[Hashable, ...]:
        return components(self.angles, "an angle")

    def turning(self, grid: Grid) -> Turning:
        return Turning(slopes=tuple(math.sin(number(a)) for a in on_axes(self.angles, grid, "an angle")))

    def transmittance(self, samples: Samples, wavelength: Quantity) -> Tensor:
        angles = on_axes(self.angles, samples.grid, "an angle")
        return plane(samples.positions, [_sine(angle) / wavelength for angle in angles])

    def ask(self, samples: Samples, wavelength: float) -> None:
        """Ask for samples that tell the tilted wave from another one.

        Raises:
            ValueError: the phase turns by more than half a turn from sample to sample, flat cells, or not as many
                angles as axes.
        """
        refuse_flat(samples.grid, "a tilted wave")
        for axis, angle in zip(samples.grid.axes, on_axes(self.angles, samples.grid, "an angle"), strict=True):
            _check_tilt(axis, number(angle), wavelength)

    def extra_repr(self) -> str:
        return f"angles={self.angles}"


def _focus(focal_length: Quantity) -> float:
    """The focal length of a thin lens, if it is one."""
    length = number(focal_length)
    if not math.isfinite(length) or length == 0:
        raise ValueError(f"focal length must be a finite length in metres, not zero; got {length}")
    return length


def _plane_wave(samples: Samples, frequencies: Sequence[Quantity]) -> Tensor:
    refuse_flat(samples.grid, "a tilted wave")
    return plane(samples.positions, frequencies)


def _sine(angle: Quantity) -> Quantity:
    angle = double(angle)
    return angle.sin() if isinstance(angle, Tensor) else math.sin(angle)


def _check_tilt(axis: Axis, angle: float, wavelength: float) -> None:
    spacing = axis.spacing / len(axis.cell)
    turns = abs(math.sin(angle)) * spacing / wavelength
    if axis.size > 1 and turns > 0.5 * (1 + 1e-9):
        raise ValueError(
            f"tilt by {angle:.4g} rad: samples every {format_length(spacing, 4)} take it for another one; needs "
            f"spacing ≤ {format_length(wavelength / (2 * abs(math.sin(angle))), 4)} or an angle ≤ "
            f"{math.asin(wavelength / (2 * spacing)):.4g} rad"
        )


def output_pitch(cells: int, spacing: float, scale: float) -> float:
    """Pitch λf/(nΔ) [m] in the back focal plane of ``cells`` samples of ``spacing`` [m]; ``scale`` is λf [m²]."""
    return scale / (cells * spacing)


def _natural_output(grid: Grid, scale: float) -> Grid:
    return Grid(grid.cells, [output_pitch(axis.cells, axis.spacing, scale) for axis in grid.axes])
