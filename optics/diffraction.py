"""Free space by one Fourier integral, onto a grid of its own: for light that spreads much.

For the Fourier integral F on d axes (Goodman, Fourier Optics, §4.2 and §4.3):

    Fresnel            i^(-d/2) · exp(iπu²/λz) · F[E(x)·exp(iπx²/λz)]
    Fraunhofer         i^(-d/2) · exp(iπu²/λz) · F[E(x)]

Both leave out exp(ikz), which is constant over the plane, and agree in phase with each other and with
:mod:`optics.propagation`, for light that spreads little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn

from optics.field import Field
from optics.fourier import FourierIntegral
from optics.grid import Grid, check_dimensions
from optics.kernel import Kernel, Memo, double, number
from optics.lengths import over, positive
from optics.reach import check_angles, check_far, check_spread
from optics.sampling import check_curvature, check_images, check_pitch, check_quadrature, highest
from optics.waves import curvature


class FresnelTransform(nn.Module):
    """Fresnel (paraxial) propagation by one Fourier integral, onto a grid of any pitch.

    Args:
        distance: [m], positive. A tensor is differentiated through, at the price of kernels built at every call.
        output: grid to propagate to.

    Raises:
        ValueError: a distance that is not positive and finite, or what :meth:`check` refuses.
    """

    def __init__(self, distance: float | Tensor, output: Grid):
        super().__init__()
        self.distance, self.output = positive(distance, "distance"), output
        self._plans: Memo[_Integral] = Memo()

    def forward(self, field: Field) -> Field:
        plan = self._plans.get(self._plan, field.grid, field.wavelength, self.distance, self.output)
        return field.replace(plan(field.data), self.output)

    def check(self, grid: Grid, wavelength: float) -> Grid:
        """Ask whether a grid serves, for light of a wavelength [m]; the grid on which the light leaves.

        Raises:
            ValueError: grids of different dimension; flat cells, within which the wave's curvature varies (they need
                nodes, as of :func:`~optics.grid.gauss`), or see :func:`~optics.sampling.check_curvature`,
                :func:`~optics.sampling.check_quadrature`, :func:`~optics.reach.check_spread` and :class:`Fraunhofer`.

        Warns:
            SamplingWarning: see there.
        """
        check_dimensions(grid, self.output)
        name, distance = over("Fresnel transform", positive(self.distance, "distance"))
        check_curvature(grid, wavelength * distance, name)
        across = [a + b for a, b in zip(grid.extent, self.output.extent, strict=True)]
        check_quadrature(grid, across, wavelength * distance, name)
        output, scale = _check_integral(grid, self.output, wavelength, distance, name), wavelength * distance
        for source, seen in zip(grid.axes, output.axes, strict=True):
            needed = (source.extent + seen.extent) / (2 * scale)
            if source.cells > 1 and len(source.cell) == 1:
                check_spread(source, seen, wavelength, needed, scale * highest(source), name)
        return output

    def _plan(self, grid: Grid, wavelength: float | Tensor, distance: float | Tensor, output: Grid) -> _Integral:
        self.check(grid, number(wavelength))
        scale = double(wavelength) * double(distance)
        return _Integral.of(grid, output, scale, Kernel(curvature(grid, scale)))

    def extra_repr(self) -> str:
        return f"distance={self.distance}"


class Fraunhofer(nn.Module):
    """Far-field propagation: :class:`FresnelTransform` where the input's curvature πx²/λz is negligible.

    Arguments and errors as for :class:`FresnelTransform`; input cells may be flat, output cells may not.
    """

    def __init__(self, distance: float | Tensor, output: Grid):
        super().__init__()
        self.distance, self.output = positive(distance, "distance"), output
        self._plans: Memo[_Integral] = Memo()

    def forward(self, field: Field) -> Field:
        plan = self._plans.get(self._plan, field.grid, field.wavelength, self.distance, self.output)
        return field.replace(plan(field.data), self.output)

    def check(self, grid: Grid, wavelength: float) -> Grid:
        """Ask whether a grid serves, for light of a wavelength [m]; the grid on which the light leaves.

        Raises:
            ValueError: grids of different dimension, or see :func:`~optics.sampling.check_pitch`,
                :func:`~optics.reach.check_angles`,
                :func:`~optics.sampling.check_images` and :func:`~optics.sampling.check_quadrature`.

        Warns:
            SamplingWarning: see the last two and :func:`~optics.reach.check_far`.
        """
        check_dimensions(grid, self.output)
        name, distance = over("Fraunhofer", positive(self.distance, "distance"))
        check_far(grid, wavelength, distance, name)
        return _check_integral(grid, self.output, wavelength, distance, name)

    def _plan(self, grid: Grid, wavelength: float | Tensor, distance: float | Tensor, output: Grid) -> _Integral:
        self.check(grid, number(wavelength))
        return _Integral.of(grid, output, double(wavelength) * double(distance))

    def extra_repr(self) -> str:
        return f"distance={self.distance}"


@dataclass(frozen=True)
class _Integral:
    """A Fourier integral with the phases that stand before and after it."""

    before: Kernel | None
    integral: FourierIntegral
    after: Kernel

    @classmethod
    def of(cls, grid: Grid, output: Grid, scale: float | Tensor, before: Kernel | None = None) -> _Integral:
        # i^(-d/2)·exp(iπr²/(λz)) is what the Fourier integral lacks of a Fresnel or Fraunhofer integral.
        constant = complex(math.cos(math.pi / 4), -math.sin(math.pi / 4)) ** output.ndim
        return cls(before, FourierIntegral(grid, output, scale), Kernel(curvature(output, scale) * constant))

    def __call__(self, data: Tensor) -> Tensor:
        if self.before is not None:
            data = data * self.before.like(data)
        return self.integral(data) * self.after.like(data)


def _check_integral(grid: Grid, output: Grid, wavelength: float, distance: float, name: str) -> Grid:
    check_pitch(grid, wavelength, name)
    check_angles(output, distance, name)
    check_images(grid, output, wavelength * distance, name)
    check_quadrature(grid, output.extent, wavelength * distance, name)
    return output
