"""Openings of pupils and stops, given in metres and so independent of the grid.

A sample stands for a stretch of space and lets through the share of it that is open. So the edge lies where it should,
not on the nearest sample: integrals over the opening converge with the second order in the spacing (cut from whole
samples, a slit has the first order and a circle about 1.5, irregularly), and are differentiable in its size and place.
Power counts the square of the share: it is low by up to a quarter of a sample along the edge, and right to first order.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from optics.grid import Axis, Grid
from optics.kernel import double, number
from optics.lengths import positive
from optics.sampling import SamplingWarning
from optics.screens import Quantity, Samples, components, on_axes
from optics.units import format_length
from optics.waves import squares

# Rounding of an edge that is meant to lie between two samples, or at the end of the window: as a share of a sample.
_ROUNDING = 1e-9

# An edge is right to a sample in power; with fewer than twenty samples across that is more than a twentieth.
_COARSEST = 0.05


class Opening(Protocol):
    """A hole in an opaque screen."""

    def widths(self, grid: Grid) -> tuple[float, ...]:
        """Twice the farthest that it reaches from the axis, along each axis of the grid [m]."""

    @property
    def quantities(self) -> tuple[Hashable, ...]:
        """All that it depends on; tensors are differentiated through."""

    def share(self, samples: Samples) -> Tensor:
        """How much of the stretch that each sample stands for is open: from 0 to 1, float64, the grid's shape."""

    def ask(self, samples: Samples) -> None:
        """Raise ValueError if the window is narrower than the opening; warn if it cuts it, or the edge is coarse."""


@dataclass(frozen=True)
class Circle:
    """A round opening of ``diameter`` [m]; on a 1-D grid, a slit of that width.

    Raises:
        ValueError: a diameter that is not positive and finite.
    """

    diameter: Quantity

    def __post_init__(self) -> None:
        _checked(self.diameter)

    def widths(self, grid: Grid) -> tuple[float, ...]:
        return (number(self.diameter),) * grid.ndim

    @property
    def quantities(self) -> tuple[Hashable, ...]:
        return (Circle, self.diameter)

    def contains(self, grid: Grid) -> Tensor:
        """Which samples of the grid lie inside, boolean, shape ``grid.shape``."""
        return squares(grid.coordinates) <= (number(self.diameter) / 2) ** 2

    def share(self, samples: Samples) -> Tensor:
        if samples.grid.ndim == 1:
            return Rectangle((self.diameter,)).share(samples)
        return _disc_share(samples, double(self.diameter) / 2)

    def ask(self, samples: Samples) -> None:
        if samples.grid.ndim == 1:
            return Rectangle((self.diameter,)).ask(samples)
        for along in _edges(samples, self.widths(samples.grid)):
            along.check_window()
            along.check_fineness()
        return None


@dataclass(frozen=True)
class Rectangle:
    """A rectangular opening of ``extent`` [m], one number for each axis, (y, x) or (x,).

    Raises:
        ValueError: an extent that is not positive and finite, or not as many as a grid has axes.
    """

    extent: tuple[Quantity, ...]

    def __post_init__(self) -> None:
        for width in self.extent:
            _checked(width)

    def widths(self, grid: Grid) -> tuple[float, ...]:
        return tuple(number(width) for width in self._along(grid))

    @property
    def quantities(self) -> tuple[Hashable, ...]:
        return (Rectangle, *self.extent)

    def contains(self, grid: Grid) -> Tensor:
        """Which samples of the grid lie inside, boolean, shape ``grid.shape``."""
        inside = torch.ones(grid.shape, dtype=torch.bool)
        for x, width in zip(grid.coordinates, self._along(grid), strict=True):
            inside = inside & (x.abs() <= number(width) / 2)
        return inside

    def share(self, samples: Samples) -> Tensor:
        share = torch.ones(samples.grid.shape, dtype=torch.float64)
        for (lower, upper), width in zip(samples.stretches, self._along(samples.grid), strict=True):
            share = share * _slit_share(lower, upper, double(width) / 2)
        return share

    def ask(self, samples: Samples) -> None:
        for along in _edges(samples, self._along(samples.grid)):
            along.check_window()
            if not along.between_samples:
                along.check_fineness()

    def _along(self, grid: Grid) -> tuple[Quantity, ...]:
        if len(self.extent) != grid.ndim:
            raise ValueError(f"expected an extent for each of the grid's {grid.ndim} axes; got {self.extent}")
        return self.extent


@dataclass(frozen=True)
class Decentred:
    """An opening whose centre stands at ``shift`` [m], (y, x) or (x,), from the axis of its element.

    Raises:
        ValueError: a shift that is not finite, or not as many as a grid has axes.
    """

    opening: Opening
    shift: tuple[Quantity, ...]

    def __post_init__(self) -> None:
        components(self.shift, "a shift")

    def widths(self, grid: Grid) -> tuple[float, ...]:
        shifts = on_axes(self.shift, grid, "a shift")
        return tuple(width + 2 * abs(number(s)) for width, s in zip(self.opening.widths(grid), shifts, strict=True))

    @property
    def quantities(self) -> tuple[Hashable, ...]:
        return (Decentred, *self.shift, *self.opening.quantities)

    def share(self, samples: Samples) -> Tensor:
        return self.opening.share(self._seen(samples))

    def ask(self, samples: Samples) -> None:
        self.opening.ask(self._seen(samples))

    def _seen(self, samples: Samples) -> Samples:
        return samples.moved(on_axes(self.shift, samples.grid, "a shift"))


@dataclass(frozen=True)
class _Edges:
    """Two edges of an opening of ``width`` about ``centre`` along an axis of a grid [m]."""

    axis: Axis
    width: float
    centre: float

    def check_window(self) -> None:
        """The window must not be narrower than the opening, and should not cut it."""
        extent, reach = self.axis.extent, self.width + 2 * abs(self.centre)
        if self.width > extent * (1 + _ROUNDING):
            raise ValueError(
                f"an opening of {_short(self.width)} on a window of {_short(extent)}; "
                f"needs a window ≥ {_short(reach)} or an opening ≤ {_short(extent)}"
            )
        if reach > extent * (1 + _ROUNDING):
            _warn(
                f"an opening of {_short(self.width)}, {_short(abs(self.centre))} off the axis, is cut by a window of "
                f"{_short(extent)}; needs a window ≥ {_short(reach)}"
            )

    @property
    def between_samples(self) -> bool:
        """Whether both edges fall between two cells, so that every sample is open or shut."""
        ends = [(self.centre + side * self.width / 2) / self.axis.spacing + self.axis.cells / 2 for side in (-1, 1)]
        return all(abs(end - round(end)) < _ROUNDING * self.axis.cells for end in ends)

    def check_fineness(self) -> None:
        """The edges should be a small part of the opening. Cells of several nodes are judged by their nodes."""
        step = self.axis.spacing / len(self.axis.cell)
        if step > _COARSEST * self.width * (1 + _ROUNDING):
            _warn(
                f"an opening of {_short(self.width)} has edges blurred over samples of {_short(step)}, "
                f"{step / self.width:.0%} of it; needs spacing ≤ {_short(_COARSEST * self.width * len(self.axis.cell))}"
            )


def _edges(samples: Samples, widths: Sequence[Quantity]) -> list[_Edges]:
    """Along each axis; one of a single cell has no window to speak of."""
    rows = zip(samples.grid.axes, [_checked(width) for width in widths], samples.shift, strict=True)
    return [_Edges(axis, number(width), number(s)) for axis, width, s in rows if axis.cells > 1]


def _checked(width: Quantity) -> Quantity:
    return positive(width, "width of an opening")


def _slit_share(lower: Tensor, upper: Tensor, half: Quantity) -> Tensor:
    """How much of each stretch lies within ±half."""
    half = torch.as_tensor(half, dtype=torch.float64)
    open_part = torch.minimum(upper, half) - torch.maximum(lower, -half)
    return _snapped(open_part.clamp(min=0) / (upper - lower))


def _disc_share(samples: Samples, radius: Quantity) -> Tensor:
    """How much of each rectangle of stretches lies within ``radius`` [m] of the centre, exactly."""
    shape = samples.grid.shape
    (y0, y1), (x0, x1) = ((lower / radius, upper / radius) for lower, upper in samples.stretches)
    far = torch.maximum(y0.abs(), y1.abs()).square() + torch.maximum(x0.abs(), x1.abs()).square()
    near = _distance(y0, y1).square() + _distance(x0, x1).square()
    share = (far <= 1).double()
    edge = (far > 1) & (near < 1)
    y0, y1, x0, x1 = (along.expand(shape)[edge] for along in (y0, y1, x0, x1))
    corners = _disc_area(y1, x1) - _disc_area(y0, x1) - _disc_area(y1, x0) + _disc_area(y0, x0)
    return _snapped(share.masked_scatter(edge, corners / ((y1 - y0) * (x1 - x0))))


def _distance(lower: Tensor, upper: Tensor) -> Tensor:
    """Of a stretch from the origin."""
    return torch.maximum(lower, -upper).clamp(min=0)


def _disc_area(y: Tensor, x: Tensor) -> Tensor:
    """Area of the unit disc between the axes and the point (y, x), negative in the second and fourth quadrant."""
    y, x = y.clamp(-1, 1), x.clamp(-1, 1)
    chord = _semichord(y)
    below = torch.where(x < 0, -chord, chord)  # where the height y meets the circle, on the side of x
    beyond = torch.where(y < 0, -1.0, 1.0) * (_half_segment(x) - _half_segment(below))
    return torch.where(x.abs() <= chord, x * y, below * y + beyond)


def _semichord(t: Tensor) -> Tensor:
    """√(1 - t²), with a gradient that stays finite at the rim."""
    return (1 - t.square()).clamp(min=1e-30).sqrt()


def _half_segment(t: Tensor) -> Tensor:
    """∫₀ᵗ √(1 - s²) ds."""
    return (t * _semichord(t) + torch.atan2(t, _semichord(t))) / 2


def _snapped(share: Tensor) -> Tensor:
    """Shares that are none or all but for rounding; their gradient is that of the share."""
    whole = share.detach().round()
    return torch.where((share.detach() - whole).abs() < _ROUNDING, share + (whole - share.detach()), share)


def _warn(message: str) -> None:
    warnings.warn(message, SamplingWarning, stacklevel=2)


def _short(length: float) -> str:
    return format_length(length, digits=4)
