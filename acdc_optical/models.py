"""Models of the bench: how faithfully the light between the planes is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

from torch import Tensor

from acdc_optical.benches.bench import Bench, Pixels
from acdc_optical.benches.planes import Planes
from acdc_optical.compilation.combs import Between, Comb, OnePixel
from acdc_optical.compilation.methods import Exact, Method, Sampled
from acdc_optical.light import Light, Pattern, Relay, size
from optics import Field, FourierLens, Grid, Plane, Stripes, gauss, point


class Model(Protocol):
    """A way to compute the light of a bench."""

    @property
    def method(self) -> Method:
        """How masks are compiled for this model unless one says otherwise."""

    @property
    def between(self) -> Between:
        """What masks A are behind the first of a cascade unless one says otherwise."""

    @property
    def lens_error(self) -> float:
        """Relative error that is the lenses' doing, and no fault of masks compiled for ideal ones."""

    def pixels(self, bench: Bench) -> Pixels:
        """What this model takes a pixel for; masks are compiled accordingly."""

    def sampling_error(self, planes: Planes) -> float:
        """What is known to remain of its samples, relative to the light; 0 where they converge to rounding."""

    def mixes_axes(self, planes: Planes) -> bool:
        """Whether two-dimensional light is more than the product of what happens along each axis."""

    def light(self, planes: Planes) -> Light:
        """How light gets from the modulator through the mask to the camera."""

    def whole_pixels(self, pixels: Grid, fill: float = 1.0) -> Grid:
        """Pixels in the plane of modulator or camera resolved, for all the light that falls on their active part."""

    def refined(self) -> Model:
        """The same model with twice the samples, to see whether it has converged."""


@dataclass(frozen=True)
class Ideal:
    """One sample per pixel, in every plane: the discrete picture in which a 4f system is two DFTs.

    It confirms the algebra. It hides that pixels have a width; see :class:`Continuous`.
    """

    method: Method = Sampled()
    between: Between = OnePixel()
    lens_error: float = field(default=0.0, init=False)

    def pixels(self, bench: Bench) -> Pixels:
        return Pixels(point(), point(), point(), point())

    def sampling_error(self, planes: Planes) -> float:
        return 0.0

    def mixes_axes(self, planes: Planes) -> bool:
        return False

    def light(self, planes: Planes) -> Light:
        return _through_ideal_lenses(planes, planes.mask)

    def whole_pixels(self, pixels: Grid, fill: float = 1.0) -> Grid:
        return pixels.resolved(point())

    def refined(self) -> Ideal:
        return self


@dataclass(frozen=True)
class Continuous:
    """Pixels as they are: patches of light whose diffraction is integrated, through ideal lenses.

    Modulator and camera pixels enter by their exact sinc envelopes; the light across each mask pixel, which
    is not constant, is integrated with ``samples`` Gauss-Legendre nodes along each axis. What lies between the
    active parts of pixels, and all around the Fourier mask, is taken for opaque.

    Attributes:
        samples: nodes per mask pixel and axis. The error falls exponentially; 8 reach 1e-14
            from two pixels per coefficient on.
    """

    samples: int = 8
    method: Method = Exact()
    between: Between = Comb()
    lens_error: float = field(default=0.0, init=False)

    def pixels(self, bench: Bench) -> Pixels:
        return bench.pixels()

    def sampling_error(self, planes: Planes) -> float:
        return 0.0

    def mixes_axes(self, planes: Planes) -> bool:
        return False

    def light(self, planes: Planes) -> Light:
        return IdealLenses(planes, self.samples)

    def whole_pixels(self, pixels: Grid, fill: float = 1.0) -> Grid:
        return pixels.resolved(gauss(self.samples, fill))

    def refined(self) -> Continuous:
        return replace(self, samples=2 * self.samples)


@dataclass(frozen=True)
class IdealLenses:
    """The light of :class:`Continuous`.

    Attributes:
        planes: of the bench.
        nodes: per mask pixel and axis. Stripes are integrated on twice as many: n nodes integrate polynomials up to
            degree n - 1 against stripes, and up to 2n - 1 against a pixel.
    """

    planes: Planes
    nodes: int

    @property
    def samples(self) -> int:
        return self._pixels.samples

    def __call__(self, field: Field, fourier_mask: Pattern) -> Field:
        return self._relay(fourier_mask)(field, fourier_mask)

    def arrived(self, field: Field) -> Callable[[Tensor], Field]:
        return self._pixels.arrived(field)

    def trace(self, field: Field, fourier_mask: Pattern) -> list[Plane]:
        return self._relay(fourier_mask).trace(field, fourier_mask)

    def _relay(self, fourier_mask: Pattern) -> Relay:
        return self._stripes if isinstance(fourier_mask, Stripes) else self._pixels

    @cached_property
    def _pixels(self) -> Relay:
        fill = self.planes.mask.axes[0].cell.width
        return _through_ideal_lenses(self.planes, self.planes.mask.resolved(gauss(self.nodes, fill)))

    @cached_property
    def _stripes(self) -> Relay:
        return _through_ideal_lenses(self.planes, self.planes.mask.resolved(gauss(2 * self.nodes)))


def _through_ideal_lenses(planes: Planes, mask: Grid) -> Relay:
    f = planes.focal_length
    largest = size(planes.input, mask, planes.camera)
    return Relay(FourierLens(f, mask), FourierLens(f, planes.camera), planes.mask.spacing, largest)
