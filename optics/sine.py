"""The sine-corrected Fourier lens: each direction of light to its place, however steep.

A thin lens brings a plane wave that comes under the angle θ to focus near f·tanθ, and blurs it: its parabola is no lens
but for small angles. Lenses for Fourier optics are corrected to meet Abbe's sine condition, u = f·sinθ = λf·ν. Such
a lens maps the spectrum of the field in its front focal plane exactly to its back focal plane, and what is left
of a real lens is its opening, at which the field stands after the free space f.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from optics.field import Field
from optics.fourier import FourierIntegral
from optics.grid import Grid
from optics.kernel import Kernel, Memo, double, number
from optics.lengths import positive
from optics.openings import Opening
from optics.sampling import check_directions, check_held, check_images
from optics.screens import Quantity, Samples
from optics.spectral import AngularSpectrumTransform
from optics.units import format_length
from optics.waves import cis, refuse_flat, squares


class SineLens(nn.Module):
    """A sine-corrected lens with an opening, from its front focal plane to its back focal plane.

        U(u) = F[pupil · propagate(E, f)](u) · exp(-2πif·(√(1/λ² - ν²) - 1/λ)),     ν = u/λf

    Without an opening this is the ideal :class:`~optics.elements.FourierLens`. In the paraxial limit it is a
    thin :class:`~optics.elements.Lens` between two free spaces, without their factor i^(-1/2) of each axis.

    Args:
        focal_length: [m], positive; a tensor is differentiated through.
        opening: of the lens.
        glass: grid on the lens that covers the opening; see :func:`~optics.vignetting.glass`.
        output: grid in the back focal plane, of points or nodes.

    The same lens the other way round, for light that comes from the back focal plane, is :class:`ReversedSineLens`.

    Raises:
        ValueError: a focal length that is not positive and finite, flat output pixels, an output wider than 2f,
            which no direction of light reaches, or what :meth:`check` refuses.
    """

    def __init__(self, focal_length: Quantity, opening: Opening, glass: Grid, output: Grid):
        super().__init__()
        self.focal_length, self.opening, self.glass, self.output = focal_length, opening, glass, output
        _check_back(focal_length, output)
        self._spaces: Memo[AngularSpectrumTransform] = Memo()
        self._plans: Memo[_Spectrum] = Memo()

    def forward(self, field: Field) -> Field:
        depends = (field.wavelength, self.focal_length, self.glass, self.output, *self.opening.quantities)
        plan = self._plans.get(self._plan, field.grid, *depends)
        lit = self._space()(field).data
        lit = lit * plan.pupil.like(lit.real)
        return field.replace(plan.integral(lit) * plan.correction.like(lit), self.output)

    def check(self, grid: Grid, wavelength: float) -> Grid:
        """Ask whether the grids serve, for light of a wavelength [m]; the grid on which the light leaves.

        Raises:
            ValueError: see :meth:`AngularSpectrumTransform.check <optics.AngularSpectrumTransform.check>`,
                :mod:`optics.openings` for the glass, :func:`~optics.sampling.check_held` for the light on it, and
                :func:`~optics.sampling.check_images` for its way to the output.

        Warns:
            SamplingWarning: likewise.
        """
        self._space().check(grid, wavelength)
        self._ask(grid, wavelength)
        return self.output

    def _space(self) -> AngularSpectrumTransform:
        return self._spaces.get(AngularSpectrumTransform, self.focal_length, self.glass)

    def _ask(self, grid: Grid, wavelength: float) -> None:
        """All but what the free space asks itself."""
        focal_length, name = _check_back(self.focal_length, self.output), _name(self.focal_length)
        self.opening.ask(Samples.of(self.glass))
        for lit, axis, width in zip(grid.axes, self.glass.axes, self.opening.widths(self.glass), strict=True):
            farthest = (lit.extent + min(width, axis.extent)) / 2
            check_held(axis, farthest / math.hypot(farthest, focal_length) / wavelength, f"glass of the {name}")
        check_images(self.glass, self.output, wavelength * focal_length, f"glass of the {name}")

    def _plan(self, grid: Grid, wavelength: Quantity, *_: Hashable) -> _Spectrum:
        self._ask(grid, number(wavelength))
        return _Spectrum.of(self.glass, self.output, self.output, self, wavelength)


class ReversedSineLens(nn.Module):
    """A :class:`SineLens` met from its back focal plane: light goes from there, through the opening, to the front.

    Its matrix is the transpose of that of :class:`SineLens`, as reciprocity wants it. Arguments and errors as there;
    the input must be of points or nodes, the output may be flat.
    """

    def __init__(self, focal_length: Quantity, opening: Opening, glass: Grid, output: Grid):
        super().__init__()
        self.focal_length, self.opening, self.glass, self.output = focal_length, opening, glass, output
        positive(focal_length, "focal length")
        self._spaces: Memo[AngularSpectrumTransform] = Memo()
        self._plans: Memo[_Spectrum] = Memo()

    def forward(self, field: Field) -> Field:
        depends = (field.wavelength, self.focal_length, self.glass, self.output, *self.opening.quantities)
        plan = self._plans.get(self._plan, field.grid, *depends)
        spread = plan.integral(field.data * plan.correction.like(field.data))
        return self._space()(field.replace(spread * plan.pupil.like(spread.real), self.glass))

    def check(self, grid: Grid, wavelength: float) -> Grid:
        """Ask whether the grids serve, for light of a wavelength [m]; the grid on which the light leaves.

        Raises, warns: as :meth:`SineLens.check`.
        """
        self._ask(grid, wavelength)
        return self._space().check(self.glass, wavelength)

    def _space(self) -> AngularSpectrumTransform:
        return self._spaces.get(AngularSpectrumTransform, self.focal_length, self.output)

    def _ask(self, back: Grid, wavelength: float) -> None:
        """All but what the free space asks itself."""
        focal_length, name = _check_back(self.focal_length, back), _name(self.focal_length)
        self.opening.ask(Samples.of(self.glass))
        check_images(back, self.glass, wavelength * focal_length, name)
        for axis, lit in zip(self.glass.axes, back.axes, strict=True):
            check_held(axis, lit.extent / (2 * wavelength * focal_length), f"glass of the {name}")

    def _plan(self, back: Grid, wavelength: Quantity, *_: Hashable) -> _Spectrum:
        self._ask(back, number(wavelength))
        return _Spectrum.of(back, self.glass, back, self, wavelength)


@dataclass(frozen=True)
class _Spectrum:
    """What stands between the glass and the back focal plane."""

    integral: FourierIntegral
    correction: Kernel
    pupil: Kernel

    @classmethod
    def of(
        cls, source: Grid, target: Grid, back: Grid, lens: SineLens | ReversedSineLens, wavelength: Quantity
    ) -> _Spectrum:
        focal_length, wavelength = double(lens.focal_length), double(wavelength)
        return cls(
            FourierIntegral(source, target, wavelength * focal_length),
            Kernel(_correction(back, focal_length, wavelength)),
            Kernel(lens.opening.share(Samples.of(lens.glass))),
        )


def _correction(back: Grid, focal_length: Quantity, wavelength: Quantity) -> Tensor:
    """What takes the free space in front of the lens away again, wave by wave."""
    sine2 = squares(back.coordinates) / focal_length**2
    travels = sine2 < 1
    turns = focal_length / wavelength * sine2 / (1 + torch.where(travels, 1 - sine2, 1.0).sqrt())
    return travels.double() * cis(turns)


def _check_back(focal_length: Quantity, back: Grid) -> float:
    """The focal length, if it and the grid in the back focal plane will do."""
    length = number(positive(focal_length, "focal length"))
    refuse_flat(back, "the light in the back focal plane")
    check_directions(back, length)
    return length


def _name(focal_length: Quantity) -> str:
    return f"sine-corrected lens of f = {format_length(number(focal_length), digits=4)}"
