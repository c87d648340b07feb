"""Free space: from one plane to another a distance away.

By transfer function, on the field's own grid, for light that spreads little. The spectrum is multiplied by

    angular spectrum   exp(2πiz·(√(1/λ² - ν²) - 1/λ))     exact for scalar waves; band-limited to where its phase
                                                          turns slowly enough for the padded window (Matsushima
                                                          and Shimobaba, Opt. Express 17, 19662, 2009)
    Fresnel            exp(-iπλz·ν²)                      its paraxial limit (Goodman, Fourier Optics, §4.2)

By one Fourier integral F, onto a grid of its own, for light that spreads much (Goodman, §4.2 and §4.3), on d axes:

    Fresnel            i^(-d/2) · exp(iπu²/λz) · F[E(x)·exp(iπx²/λz)]
    Fraunhofer         i^(-d/2) · exp(iπu²/λz) · F[E(x)]

All leave out exp(ikz), which is constant over the plane, and agree with one another in phase.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from scipy.fft import next_fast_len
from torch import Tensor, nn

from optics.field import Field
from optics.fourier import FourierIntegral
from optics.grid import Grid
from optics.kernel import Kernel
from optics.sampling import check_curvature, check_transfer
from optics.units import format_length
from optics.waves import curvature, squares


class AngularSpectrum(nn.Module):
    """Band-limited angular spectrum propagation: exact for scalar waves, at any angle.

    Args:
        distance: [m]; negative goes back. A tensor is differentiated through, at the price of a transfer
            function built at every call; that of a float is built once for each grid and wavelength.
        padding: width of the computation over that of the field, 1 or more. 2 keeps light that leaves the field's
            window from coming in again on the other side; 1 is a periodic window, for light that stays inside.

    Raises:
        ValueError: a distance that is not finite, a padding below 1, or a field whose cells are not points.
    """

    def __init__(self, distance: float | Tensor, *, padding: float = 2.0):
        super().__init__()
        self.distance, self.padding = _checked_distance(distance), _checked_padding(padding)
        self._filter = _SpectralFilter(_angular_spectrum, self.padding)

    def forward(self, field: Field) -> Field:
        return self._filter(field, self.distance)

    def extra_repr(self) -> str:
        return f"distance={self.distance}, padding={self.padding}"


class FresnelTransfer(nn.Module):
    """Fresnel (paraxial) propagation on the field's own grid; arguments and errors as :class:`AngularSpectrum`.

    With padding it warns where the padded window does not resolve the transfer function: see
    :func:`~optics.sampling.check_transfer`. In a periodic window, without padding, the samples are all there is.
    """

    def __init__(self, distance: float | Tensor, *, padding: float = 2.0):
        super().__init__()
        self.distance, self.padding = _checked_distance(distance), _checked_padding(padding)
        self._filter = _SpectralFilter(_fresnel, self.padding)

    def forward(self, field: Field) -> Field:
        if self.padding > 1:
            distance = float(self.distance.detach()) if isinstance(self.distance, Tensor) else self.distance
            for axis in field.grid.axes:
                check_transfer(axis.extent * self.padding, axis.spacing, distance, field.wavelength)
        return self._filter(field, self.distance)

    def extra_repr(self) -> str:
        return f"distance={self.distance}, padding={self.padding}"


class FresnelTransform(nn.Module):
    """Fresnel (paraxial) propagation by one Fourier integral, onto a grid of any pitch.

    Args:
        distance: [m], positive.
        output: grid to propagate to.

    Raises:
        ValueError: a distance that is not positive and finite, or cells that are flat: the wave's curvature
            within a pixel needs nodes, as of :func:`~optics.grid.gauss`.
    """

    def __init__(self, distance: float, output: Grid):
        super().__init__()
        self.distance, self.output = _checked_far(distance), output
        self._plans: dict[tuple[Grid, float], tuple[Kernel, FourierIntegral, Kernel]] = {}

    def forward(self, field: Field) -> Field:
        key = (field.grid, field.wavelength)
        if key not in self._plans:
            scale = field.wavelength * self.distance
            check_curvature(field.grid, scale, f"Fresnel transform over {format_length(self.distance)}")
            integral = FourierIntegral(field.grid, self.output, scale)
            self._plans[key] = (Kernel(curvature(field.grid, scale)), integral, _arriving(self.output, scale))
        before, integral, after = self._plans[key]
        data = integral(field.data * before.like(field.data)) * after.like(field.data)
        return field.replace(data, self.output)

    def extra_repr(self) -> str:
        return f"distance={self.distance}"


class Fraunhofer(nn.Module):
    """Far-field propagation: :class:`FresnelTransform` where the input's curvature πx²/λz is negligible.

    Arguments and errors as for :class:`FresnelTransform`; input cells may be flat, output cells may not.
    """

    def __init__(self, distance: float, output: Grid):
        super().__init__()
        self.distance, self.output = _checked_far(distance), output
        self._plans: dict[tuple[Grid, float], tuple[FourierIntegral, Kernel]] = {}

    def forward(self, field: Field) -> Field:
        key = (field.grid, field.wavelength)
        if key not in self._plans:
            scale = field.wavelength * self.distance
            self._plans[key] = (FourierIntegral(field.grid, self.output, scale), _arriving(self.output, scale))
        integral, after = self._plans[key]
        return field.replace(integral(field.data) * after.like(field.data), self.output)

    def extra_repr(self) -> str:
        return f"distance={self.distance}"


_Transfer = Callable[[Sequence[Tensor], Sequence[float], Tensor, float], Tensor]
"""Transfer function at the frequencies [1/m] of each axis, whose steps are given, for a distance and wavelength [m]."""


class _SpectralFilter:
    """Multiplies the spectrum of a zero-padded field by a transfer function, which it keeps."""

    def __init__(self, transfer: _Transfer, padding: float):
        self._transfer, self._padding = transfer, padding
        self._kernels: dict[tuple[Grid, float, float], Kernel] = {}

    def __call__(self, field: Field, distance: float | Tensor) -> Field:
        padded = _Padded.of(field.grid, self._padding)
        transfer = self._of(padded, field, distance)
        axes = tuple(range(-field.grid.ndim, 0))
        spectrum = torch.fft.fftn(field.data, s=padded.shape, dim=axes) * transfer
        whole = torch.fft.ifftn(spectrum, dim=axes)
        # A convolution does not care where the origin lies: padding may all stand behind the data.
        return field.replace(whole[(..., *(slice(n) for n in field.grid.shape))])

    def _of(self, padded: _Padded, field: Field, distance: float | Tensor) -> Tensor:
        if isinstance(distance, Tensor):
            values = self._transfer(padded.frequencies, padded.steps, distance.double().cpu(), field.wavelength)
            return values.to(field.data)
        key = (field.grid, field.wavelength, distance)
        if key not in self._kernels:
            z = torch.tensor(distance, dtype=torch.float64)
            self._kernels[key] = Kernel(self._transfer(padded.frequencies, padded.steps, z, field.wavelength))
        return self._kernels[key].like(field.data)


@dataclass(frozen=True)
class _Padded:
    """The frequencies of a zero-padded grid, in the order of the FFT."""

    shape: tuple[int, ...]
    spacing: tuple[float, ...]

    @classmethod
    def of(cls, grid: Grid, padding: float) -> _Padded:
        if any(len(axis.cell) > 1 or axis.cell.width for axis in grid.axes):
            raise ValueError("a transfer function needs a grid of points; resolve pixels by a finer Grid first")
        return cls(tuple(next_fast_len(math.ceil(n * padding)) for n in grid.shape), grid.spacing)

    @property
    def steps(self) -> list[float]:
        return [1 / (n * d) for n, d in zip(self.shape, self.spacing, strict=True)]

    @property
    def frequencies(self) -> list[Tensor]:
        count = len(self.shape)
        along = [torch.fft.fftfreq(n, d, dtype=torch.float64) for n, d in zip(self.shape, self.spacing, strict=True)]
        return [nu.reshape([-1 if i == axis else 1 for i in range(count)]) for axis, nu in enumerate(along)]


def _angular_spectrum(nu: Sequence[Tensor], steps: Sequence[float], z: Tensor, wavelength: float) -> Tensor:
    nu2 = squares(nu)
    cosine = (1 - wavelength**2 * nu2).clamp(min=0).sqrt()
    # z(√(1/λ²-ν²) - 1/λ) without the difference of two large numbers.
    turns = -z * wavelength * nu2 / (1 + cosine)
    kept = wavelength**2 * nu2 < 1  # evanescent waves do not travel
    for along, step in zip(nu, steps, strict=True):
        limit = 1 / (wavelength * torch.sqrt((2 * step * z.detach()) ** 2 + 1))
        kept = kept & (along.abs() <= limit)
    return torch.polar(kept.double(), 2 * math.pi * torch.remainder(turns, 1.0))


def _fresnel(nu: Sequence[Tensor], steps: Sequence[float], z: Tensor, wavelength: float) -> Tensor:
    turns = -z * wavelength * squares(nu) / 2
    return torch.polar(torch.ones_like(turns), 2 * math.pi * torch.remainder(turns, 1.0))


def _arriving(grid: Grid, scale: float) -> Kernel:
    """i^(-d/2)·exp(iπr²/(λz)): what the Fourier integral lacks of a Fresnel or Fraunhofer integral."""
    return Kernel(curvature(grid, scale) * complex(math.cos(math.pi / 4), -math.sin(math.pi / 4)) ** grid.ndim)


def _checked_distance(distance: float | Tensor) -> float | Tensor:
    length = float(distance.detach()) if isinstance(distance, Tensor) else distance
    if not math.isfinite(length):
        raise ValueError(f"distance must be a finite length in metres; got {length}")
    return distance


def _checked_far(distance: float) -> float:
    if not (math.isfinite(distance) and distance > 0):
        raise ValueError(f"distance must be a positive length in metres; got {distance}")
    return distance


def _checked_padding(padding: float) -> float:
    if not (math.isfinite(padding) and padding >= 1):
        raise ValueError(f"padding is the padded width over the field's, 1 or more; got {padding}")
    return padding
