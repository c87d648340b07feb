"""Aberrations: what real glass does to a wave besides what it is meant to do."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from optics.field import Field
from optics.grid import Grid
from optics.kernel import Kernel


class ZernikeAberration(nn.Module):
    """An optical path difference in Zernike polynomials over a round pupil; the pupil itself lets all light through.

    The polynomials are POPPY's, in Noll's order and normalisation: index 1 is piston, 2 and 3 tilt along x and y, 4
    defocus, 5 and 6 astigmatism, 7 and 8 coma, 11 spherical aberration (Noll, J. Opt. Soc. Am. 66, 207, 1976).

    Args:
        coefficients: rms path difference [m] of each Noll index; positive where the wave is retarded to a phase
            +2π·opd/λ, as POPPY has it.
        diameter: of the pupil on which the polynomials are defined [m]. Nothing happens outside.

    Raises:
        ValueError: an index below 1, a coefficient or diameter that is not finite, a diameter that is not positive,
            or a 1-D field.
    """

    def __init__(self, coefficients: Mapping[int, float], diameter: float):
        super().__init__()
        for noll, rms in coefficients.items():
            if noll < 1 or not math.isfinite(rms):
                raise ValueError(f"expected finite coefficients [m] of Noll indices from 1; got {rms} for {noll}")
        if not (math.isfinite(diameter) and diameter > 0):
            raise ValueError(f"diameter of the pupil must be a positive length in metres; got {diameter}")
        self.coefficients, self.diameter = dict(coefficients), diameter
        self._kernels: dict[tuple[Grid, float], Kernel] = {}

    def forward(self, field: Field) -> Field:
        key = (field.grid, field.wavelength)
        if key not in self._kernels:
            turns = torch.remainder(self.path_difference(field.grid) / field.wavelength, 1.0)
            self._kernels[key] = Kernel(torch.polar(torch.ones_like(turns), 2 * math.pi * turns))
        return field.replace(field.data * self._kernels[key].like(field.data))

    def path_difference(self, grid: Grid) -> Tensor:
        """The path difference [m] on the samples of a 2-D grid, float64, shape ``grid.shape``."""
        if grid.ndim != 2:
            raise ValueError("Zernike polynomials need a 2-D grid; got a 1-D one")
        from poppy.zernike import zernike1  # takes a second or two to import

        # By way of lists: inside torch.func transforms a tensor has no memory to share with NumPy.
        y, x = (np.array(along.tolist()) for along in grid.coordinates)
        rho, theta = np.hypot(x, y) / (self.diameter / 2), np.arctan2(y, x)
        total = np.zeros(grid.shape)
        for noll, rms in self.coefficients.items():
            total += rms * zernike1(noll, rho=rho, theta=theta, outside=0.0)
        return torch.from_numpy(total)

    def extra_repr(self) -> str:
        return f"coefficients={self.coefficients}, diameter={self.diameter}"
