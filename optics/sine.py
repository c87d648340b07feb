"""The sine-corrected Fourier lens: each direction of light to its place, however steep.

A thin lens brings a plane wave that comes under the angle θ to focus near f·tanθ, and blurs it: its parabola is no lens
but for small angles. Lenses for Fourier optics are corrected to meet Abbe's sine condition, u = f·sinθ = λf·ν. Such
a lens maps the spectrum of the field in its front focal plane exactly to its back focal plane, and what is left
of a real lens is its opening, at which the field stands after the free space f.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import nn

from optics.field import Field
from optics.fourier import FourierIntegral
from optics.grid import Grid
from optics.kernel import Kernel, Memo, double
from optics.openings import Opening
from optics.screens import Quantity, Samples
from optics.spectral import AngularSpectrumTransform
from optics.waves import cis, refuse_flat, squares


class SineLens(nn.Module):
    """A sine-corrected lens with an opening, from its front focal plane to its back focal plane.

        U(u) = F[pupil · propagate(E, f)](u) · exp(-2πif·(√(1/λ² - ν²) - 1/λ)),     ν = u/λf

    Without an opening this is the ideal :class:`~optics.elements.FourierLens`. In the paraxial limit it is a
    thin :class:`~optics.elements.Lens` between two free spaces, without their factor i^(-1/2) of each axis.

    Args:
        focal_length: [m], positive.
        opening: of the lens.
        glass: grid on the lens that covers the opening; see :func:`~optics.vignetting.glass`.
        output: grid in the back focal plane, of points or nodes.

    :meth:`reversed` is the same lens the other way round, for light that comes from the back focal plane.

    Raises:
        ValueError: a focal length that is not positive and finite, flat output pixels, or an output wider than 2f,
            which no direction of light reaches.
    """

    def __init__(self, focal_length: float, opening: Opening, glass: Grid, output: Grid):
        super().__init__()
        _check(focal_length, output)
        self.focal_length, self.opening, self.output = focal_length, opening, output
        self._space = AngularSpectrumTransform(focal_length, glass)
        self._pupil = Kernel(opening.share(Samples.of(glass)))
        self._plans: Memo[_Spectrum] = Memo()

    def forward(self, field: Field) -> Field:
        plan = self._plans.get(self._plan, field.wavelength)
        arrived = self._space(field).data
        lit = arrived * self._pupil.like(arrived.real)
        return field.replace(plan.integral(lit) * plan.correction.like(lit), self.output)

    def check(self, grid: Grid, wavelength: float) -> Grid:
        """The grid behind the lens."""
        return self.output

    def _plan(self, wavelength: Quantity) -> _Spectrum:
        integral = FourierIntegral(self._space.output, self.output, double(wavelength) * self.focal_length)
        return _Spectrum(integral, _correction(self.output, self.focal_length, double(wavelength)))


class ReversedSineLens(nn.Module):
    """A :class:`SineLens` met from its back focal plane: light goes from there, through the opening, to the front.

    Its matrix is the transpose of that of :class:`SineLens`, as reciprocity wants it. Arguments and errors as there;
    the input must be of points or nodes, the output may be flat.
    """

    def __init__(self, focal_length: float, opening: Opening, glass: Grid, output: Grid):
        super().__init__()
        self.focal_length, self.opening, self.glass = focal_length, opening, glass
        self._space = AngularSpectrumTransform(focal_length, output)
        self._pupil = Kernel(opening.share(Samples.of(glass)))
        self._plans: Memo[_Spectrum] = Memo()

    def forward(self, field: Field) -> Field:
        plan = self._plans.get(self._plan, field.grid, field.wavelength)
        spread = plan.integral(field.data * plan.correction.like(field.data))
        return self._space(field.replace(spread * self._pupil.like(spread.real), self.glass))

    def check(self, grid: Grid, wavelength: float) -> Grid:
        """The grid behind the lens."""
        _check(self.focal_length, grid)
        return self._space.output

    def _plan(self, back: Grid, wavelength: Quantity) -> _Spectrum:
        _check(self.focal_length, back)
        integral = FourierIntegral(back, self.glass, double(wavelength) * self.focal_length)
        return _Spectrum(integral, _correction(back, self.focal_length, double(wavelength)))


@dataclass(frozen=True)
class _Spectrum:
    integral: FourierIntegral
    correction: Kernel


def _correction(back: Grid, focal_length: float, wavelength: Quantity) -> Kernel:
    """What takes the free space in front of the lens away again, wave by wave."""
    sine2 = squares(back.coordinates) / focal_length**2
    turns = focal_length / wavelength * sine2 / (1 + (1 - sine2).clamp(min=0).sqrt())
    return Kernel((sine2 < 1).double() * cis(turns))


def _check(focal_length: float, back: Grid) -> None:
    if not (math.isfinite(focal_length) and focal_length > 0):
        raise ValueError(f"focal length must be a positive length in metres; got {focal_length}")
    refuse_flat(back, "the light in the back focal plane")
    if max(back.extent) > 2 * focal_length:
        raise ValueError(
            f"a back focal plane of {max(back.extent)} m is wider than 2f = {2 * focal_length} m, beyond which no "
            "light goes: u = f·sinθ"
        )
