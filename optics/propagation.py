"""Free space by transfer function, on the field's own grid: for light that spreads little.

The spectrum is multiplied by

    angular spectrum   exp(2πiz·(√(1/λ² - ν²) - 1/λ))     exact for scalar waves; band-limited to where its phase
                                                          turns slowly enough for the padded window (Matsushima
                                                          and Shimobaba, Opt. Express 17, 19662, 2009)
    Fresnel            exp(-iπλz·ν²)                      its paraxial limit (Goodman, Fourier Optics, §4.2)

Both leave out exp(ikz), which is constant over the plane, and agree in phase with each other and with
:mod:`optics.diffraction`, for light that spreads much.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from scipy.fft import next_fast_len
from torch import Tensor, nn

from optics.field import Field
from optics.grid import Grid
from optics.kernel import Kernel, Memo, double, number
from optics.lengths import finite, over
from optics.reach import check_band, check_transfer, check_wrap
from optics.sampling import check_pitch, steepest
from optics.waves import squares


class AngularSpectrum(nn.Module):
    """Band-limited angular spectrum propagation: exact for scalar waves, at any angle.

    Args:
        distance: [m]; negative goes back. A tensor is differentiated through, at the price of a transfer
            function built at every call; that of a float is built once for each grid and wavelength.
        padding: width of the computation over that of the field, 1 or more. 2 keeps light that leaves the field's
            window from coming in again on the other side; 1 is a periodic window, for light that stays inside.

    Raises:
        ValueError: a distance that is not finite, a padding below 1, or what :meth:`check` refuses.
    """

    def __init__(self, distance: float | Tensor, *, padding: float = 2.0):
        super().__init__()
        self.distance, self.padding = finite(distance, "distance"), _checked_padding(padding)
        self._filter = _SpectralFilter(_angular_spectrum)

    def forward(self, field: Field) -> Field:
        return self._filter(field, self.distance, self.padding, self.check)

    def check(self, grid: Grid, wavelength: float) -> Grid:
        """Ask whether a grid serves, for light of a wavelength [m]; the grid on which the light leaves.

        Raises:
            ValueError: cells that are not points, or see :func:`~optics.sampling.check_pitch` and
                :func:`~optics.reach.check_band`.

        Warns:
            SamplingWarning: see :func:`~optics.reach.check_band` and :func:`~optics.reach.check_wrap`.
        """
        name, distance = over("angular spectrum", finite(self.distance, "distance"))
        _check_points(grid)
        check_pitch(grid, wavelength, name)
        for axis in grid.axes:
            check_band(axis, self.padding, distance, wavelength, name)
            check_wrap(axis, self.padding, abs(distance) * steepest(axis.spacing, wavelength), name)
        return grid

    def extra_repr(self) -> str:
        return f"distance={self.distance}, padding={self.padding}"


class FresnelTransfer(nn.Module):
    """Fresnel (paraxial) propagation on the field's own grid; arguments and errors as :class:`AngularSpectrum`."""

    def __init__(self, distance: float | Tensor, *, padding: float = 2.0):
        super().__init__()
        self.distance, self.padding = finite(distance, "distance"), _checked_padding(padding)
        self._filter = _SpectralFilter(_fresnel)

    def forward(self, field: Field) -> Field:
        return self._filter(field, self.distance, self.padding, self.check)

    def check(self, grid: Grid, wavelength: float) -> Grid:
        """Ask whether a grid serves, for light of a wavelength [m]; the grid on which the light leaves.

        A periodic window, without padding, is not asked about its width: the samples are all there is.

        Raises:
            ValueError: cells that are not points, or see :func:`~optics.sampling.check_pitch`.

        Warns:
            SamplingWarning: see :func:`~optics.reach.check_transfer` and :func:`~optics.reach.check_wrap`.
        """
        name, distance = over("Fresnel transfer", finite(self.distance, "distance"))
        _check_points(grid)
        check_pitch(grid, wavelength, name)
        for axis in grid.axes:
            if self.padding > 1:
                check_transfer(axis.extent * self.padding, axis.spacing, distance, wavelength)
            check_wrap(axis, self.padding, abs(distance) * wavelength / (2 * axis.spacing), name)
        return grid

    def extra_repr(self) -> str:
        return f"distance={self.distance}, padding={self.padding}"


_Transfer = Callable[[Sequence[Tensor], Sequence[float], Tensor, float | Tensor], Tensor]
"""Transfer function at the frequencies [1/m] of each axis, whose steps are given, for a distance and wavelength [m]."""

_Check = Callable[[Grid, float], Grid]


class _SpectralFilter:
    """Multiplies the spectrum of a zero-padded field by a transfer function, which it keeps."""

    def __init__(self, transfer: _Transfer):
        self._transfer = transfer
        self._kernels: Memo[Kernel] = Memo()

    def __call__(self, field: Field, distance: float | Tensor, padding: float, check: _Check) -> Field:
        def kernel(grid: Grid, wavelength: float | Tensor, distance: float | Tensor, padding: float) -> Kernel:
            check(grid, number(wavelength))
            z = torch.as_tensor(double(distance), dtype=torch.float64)
            padded = _Padded.of(grid, padding)
            return Kernel(self._transfer(padded.frequencies, padded.steps, z, double(wavelength)))

        shape, axes = _Padded.of(field.grid, padding).shape, tuple(range(-field.grid.ndim, 0))
        transfer = self._kernels.get(kernel, field.grid, field.wavelength, distance, padding).like(field.data)
        spectrum = torch.fft.fftn(field.data, s=shape, dim=axes)
        # In place where no gradient asks for the spectrum afterwards: it is a fresh array, of the padded size.
        filtered = spectrum * transfer if transfer.requires_grad else spectrum.mul_(transfer)
        whole = torch.fft.ifftn(filtered, dim=axes)
        # A convolution does not care where the origin lies: padding may all stand behind the data.
        return field.replace(whole[(..., *(slice(n) for n in field.grid.shape))])


def padded_length(cells: int, padding: float) -> int:
    """Cells of a padded window, rounded up to a fast FFT; without padding just the field's, which is then periodic."""
    return cells if padding == 1 else next_fast_len(math.ceil(cells * padding))


@dataclass(frozen=True)
class _Padded:
    """The frequencies of a zero-padded grid, in the order of the FFT."""

    shape: tuple[int, ...]
    spacing: tuple[float, ...]

    @classmethod
    def of(cls, grid: Grid, padding: float) -> _Padded:
        return cls(tuple(padded_length(n, padding) for n in grid.shape), grid.spacing)

    @property
    def steps(self) -> list[float]:
        return [1 / (n * d) for n, d in zip(self.shape, self.spacing, strict=True)]

    @property
    def frequencies(self) -> list[Tensor]:
        count = len(self.shape)
        along = [torch.fft.fftfreq(n, d, dtype=torch.float64) for n, d in zip(self.shape, self.spacing, strict=True)]
        return [nu.reshape([-1 if i == axis else 1 for i in range(count)]) for axis, nu in enumerate(along)]


def _angular_spectrum(nu: Sequence[Tensor], steps: Sequence[float], z: Tensor, wavelength: float | Tensor) -> Tensor:
    nu2 = squares(nu)
    kept = wavelength**2 * nu2 < 1  # evanescent waves do not travel, and have no gradient
    cosine = torch.where(kept, 1 - wavelength**2 * nu2, 1.0).sqrt()
    # z(√(1/λ²-ν²) - 1/λ) without the difference of two large numbers.
    turns = -z * wavelength * nu2 / (1 + cosine)
    for along, step in zip(nu, steps, strict=True):
        limit = 1 / (number(wavelength) * torch.sqrt((2 * step * z.detach()) ** 2 + 1))
        kept = kept & (along.abs() <= limit)
    return torch.polar(kept.double(), 2 * math.pi * torch.remainder(turns, 1.0))


def _fresnel(nu: Sequence[Tensor], steps: Sequence[float], z: Tensor, wavelength: float | Tensor) -> Tensor:
    turns = -z * wavelength * squares(nu) / 2
    return torch.polar(torch.ones_like(turns), 2 * math.pi * torch.remainder(turns, 1.0))


def _check_points(grid: Grid) -> None:
    if any(len(axis.cell) > 1 or axis.cell.width for axis in grid.axes):
        raise ValueError("a transfer function needs a grid of points; resolve pixels by a finer Grid first")


def _checked_padding(padding: float) -> float:
    if not (math.isfinite(padding) and padding >= 1):
        raise ValueError(f"padding is the padded width over the field's, 1 or more; got {padding}")
    return padding
