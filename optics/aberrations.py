"""Aberrations: what real glass does to a wave besides what it is meant to do.

Both kinds are optical path differences [m], positive where the wave is retarded, to a phase +2πi·opd/λ: POPPY's sign.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from optics.grid import Grid, point
from optics.kernel import Memo, double, number
from optics.sampling import SamplingWarning, check_path
from optics.screens import Quantity, Samples, Screen
from optics.units import format_length
from optics.waves import retarded, squares

if TYPE_CHECKING:
    import astropy.units
    import poppy


class ZernikeAberration(Screen):
    """An optical path difference in Zernike polynomials over a round pupil; the pupil itself lets all light through.

    In Noll's order and normalisation, as POPPY has them: index 1 is piston, 2 and 3 tilt along x and y, 4 defocus, 5
    and 6 astigmatism, 7 and 8 coma, 11 spherical aberration (Noll, J. Opt. Soc. Am. 66, 207, 1976).

    Args:
        coefficients: rms path difference [m] of each Noll index; tensors are differentiated through.
        diameter: of the pupil on which the polynomials are defined [m]. Nothing happens outside.

    Raises:
        ValueError: an index below 1, a coefficient or diameter that is not finite, a diameter that is not positive,
            or a 1-D field.
    """

    def __init__(self, coefficients: Mapping[int, Quantity], diameter: Quantity):
        super().__init__()
        for noll, rms in coefficients.items():
            if noll < 1 or not math.isfinite(number(rms)):
                raise ValueError(f"expected finite coefficients [m] of Noll indices from 1; got {rms} for {noll}")
        if not (math.isfinite(number(diameter)) and number(diameter) > 0):
            raise ValueError(f"diameter of the pupil must be a positive length in metres; got {number(diameter)}")
        self.coefficients, self.diameter = dict(coefficients), diameter

    @property
    def quantities(self) -> tuple[Hashable, ...]:
        return (self.diameter, *self.coefficients, *self.coefficients.values())

    def transmittance(self, samples: Samples, wavelength: Quantity) -> Tensor:
        path, inside = self._path(samples)
        return retarded(torch.where(inside, path, 0.0), wavelength)

    def ask(self, samples: Samples, wavelength: float) -> None:
        """Ask for samples that resolve the phase within the pupil.

        Raises:
            ValueError: a 1-D grid, or see :func:`~optics.sampling.check_path`.

        Warns:
            SamplingWarning: see :func:`~optics.sampling.check_path`.
        """
        _refuse_line(samples.grid)
        path, inside = self._path(samples)
        check_path(path.masked_fill(~inside, math.nan), wavelength, "Zernike aberration")

    def path_difference(self, grid: Grid) -> Tensor:
        """The path difference [m] on the samples of a 2-D grid, float64, shape ``grid.shape``."""
        _refuse_line(grid)
        path, inside = self._path(Samples.of(grid))
        return torch.where(inside, path, 0.0)

    def _path(self, samples: Samples) -> tuple[Tensor, Tensor]:
        """The polynomials [m], and where they count."""
        radius = double(self.diameter) / 2
        y, x = (along / radius for along in samples.positions)
        total = torch.zeros(samples.grid.shape, dtype=torch.float64)
        for noll, rms in self.coefficients.items():
            total = total + double(rms) * _zernike(noll, y, x)
        return total, squares((y, x)) <= 1

    def extra_repr(self) -> str:
        return f"coefficients={self.coefficients}, diameter={self.diameter}"


def _refuse_line(grid: Grid) -> None:
    if grid.ndim != 2:
        raise ValueError("Zernike polynomials need a 2-D grid; got a 1-D one")


def _zernike(noll: int, y: Tensor, x: Tensor) -> Tensor:
    """A polynomial of unit rms over the unit disc: √(n+1)·R(ρ), and for m ≠ 0 √2·cos mθ or √2·sin mθ (Noll, eq. 3).

    ρ^m·exp(imθ) = (x + iy)^m, so that it is a polynomial in x and y, differentiable everywhere.
    """
    from poppy.zernike import noll_indices  # takes a second or two to import

    n, m = noll_indices(noll)
    radial, rho2, turn = torch.zeros(()), squares((y, x)), torch.complex(x + 0 * y, y + 0 * x) ** abs(m)
    for k in range((n - abs(m)) // 2 + 1):  # Horner in ρ², from the highest power
        term = math.comb(n - k, k) * math.comb(n - 2 * k, (n - abs(m)) // 2 - k)
        radial = radial * rho2 + (-1) ** k * term
    if m == 0:
        return math.sqrt(n + 1) * radial
    return math.sqrt(2 * (n + 1)) * radial * (turn.real if m > 0 else turn.imag)


class SurfaceError(Screen):
    """An optical path difference made by POPPY: any of its optics with ``get_opd``, as those of ``poppy.wfe``.

    An optic that has a pixel scale, as one read from a FITS file, is a map on points of its own; between them the path
    is interpolated linearly, and beyond them it is that of the rim. Any other is evaluated at the samples of the
    light: a grid of points, of one spacing. Moved by a part of a sample, it is interpolated in the same way.

    Args:
        optic: POPPY's. Its transmission is not asked for. A random one should have a seed: it is asked once for each
            grid and wavelength.
        points: where to evaluate an optic that has no pixel scale, if not at the samples of the light. POPPY wants one
            spacing along both axes; its power spectra want a square.
    """

    def __init__(self, optic: poppy.OpticalElement, points: Grid | None = None):
        super().__init__()
        self.optic, self.points = optic, points
        self._maps: Memo[tuple[Grid, Tensor]] = Memo()

    @property
    def quantities(self) -> tuple[Hashable, ...]:
        return (self.optic, self.points)

    def transmittance(self, samples: Samples, wavelength: Quantity) -> Tensor:
        return retarded(self._path(samples, number(wavelength)), wavelength)

    def _path(self, samples: Samples, wavelength: float) -> Tensor:
        grid, path = self._told(samples.grid, wavelength)
        here = grid == samples.grid and not any(isinstance(s, Tensor) or s for s in samples.shift)
        return path if here else _interpolated(path, grid, samples)

    def ask(self, samples: Samples, wavelength: float) -> None:
        """Ask POPPY.

        Raises:
            ValueError: it cannot tell the path difference on this grid, or tells none that is finite; see
                :func:`~optics.sampling.check_path`.

        Warns:
            SamplingWarning: the map ends within the window, or see :func:`~optics.sampling.check_path`.
        """
        grid, _ = self._told(samples.grid, wavelength)
        check_path(self._path(samples, wavelength), wavelength, self._name)
        for axis, known in zip(samples.window.axes, grid.axes, strict=True):
            if grid != samples.grid and known.extent < axis.extent * (1 - 1e-9):
                _warn(
                    f"{self._name}: a map of {format_length(known.extent, 4)} on a window of "
                    f"{format_length(axis.extent, 4)}; beyond it the path is that of its rim"
                )

    def path_difference(self, grid: Grid, wavelength: float) -> Tensor:
        """The path difference [m] on the samples of a 2-D grid for a wavelength [m], float64, shape ``grid.shape``."""
        known, path = self._told(grid, wavelength)
        return path if known == grid else _interpolated(path, known, Samples.of(grid))

    def _told(self, grid: Grid, wavelength: float) -> tuple[Grid, Tensor]:
        """Where POPPY knows the path difference for light on a grid, and what it is there."""
        if grid.ndim != 2:
            raise ValueError("a map by POPPY needs a 2-D grid; got a 1-D one")
        return self._maps.get(self._ask_poppy, self.points or grid, wavelength, self.optic)

    def _ask_poppy(self, grid: Grid, wavelength: float, optic: poppy.OpticalElement) -> tuple[Grid, Tensor]:
        import astropy.units as u

        scale = optic.pixelscale
        light = _light(grid, wavelength) if scale is None else u.Quantity(wavelength, u.m)
        try:
            path = np.asarray(optic.get_opd(light), dtype=float)
        except Exception as error:  # of whatever kind: POPPY does not check what it cannot do
            raise ValueError(f"{self._name}: POPPY fails on {grid.shape} samples ({error}); {_FIX}") from error
        known = grid if scale is None else Grid(path.shape, _metres(scale))
        if path.shape != known.shape or not np.isfinite(path).all():
            got = f"{path.shape} values, {np.isfinite(path).mean():.0%} of them finite"
            raise ValueError(f"{self._name}: POPPY tells {got}, for {known.shape} samples; {_FIX}")
        return known, torch.tensor(path)

    @property
    def _name(self) -> str:
        return f"surface error {self.optic.name!r}"

    def extra_repr(self) -> str:
        return f"optic={self.optic.name!r}, points={self.points}"


_FIX = "give `points`, an even number of them along both axes, or a map with a pixel scale"


def _light(grid: Grid, wavelength: float) -> poppy.Wavefront:
    """A plane wave of POPPY's on the samples of a grid; its samples are symmetric about the axis, as ours."""
    import astropy.units as u
    import poppy  # takes a second or two to import

    if len(set(grid.spacing)) > 1 or any(axis.cell != point() for axis in grid.axes):
        raise ValueError(f"POPPY takes points of one spacing along both axes; got {grid}: give `points`")
    rows, columns = grid.shape
    light = poppy.Wavefront(wavelength=wavelength * u.m, npix=rows, diam=rows * grid.spacing[0] * u.m)
    light.wavefront = np.ones((rows, columns), dtype=complex)
    return light


def _metres(scale: astropy.units.Quantity) -> float:
    """POPPY's pixel scale, with its unit or without [m]."""
    import astropy.units as u

    return float(u.Quantity(scale, u.m / u.pixel).value)


def _interpolated(path: Tensor, grid: Grid, samples: Samples) -> Tensor:
    """The path between the points of a grid, linearly, and that of its rim beyond them."""
    ends = [max(axis.cells - 1, 1) / 2 * axis.spacing for axis in grid.axes]
    y, x = (along / end for along, end in zip(samples.positions, ends, strict=True))
    places = torch.stack([x + 0 * y, y + 0 * x], dim=-1)
    found = nn.functional.grid_sample(path[None, None], places[None], padding_mode="border", align_corners=True)
    return found[0, 0]


def _warn(message: str) -> None:
    warnings.warn(message, SamplingWarning, stacklevel=2)
