"""Thin elements: light crosses them where it meets them, times a transmittance that depends on the place.

A :class:`Screen` is such an element. It says what its transmittance is at given places; this module does the rest:
builds it in float64 once for each grid and wavelength, or at every call where a tensor may be trained, asks whether
the grid resolves it, and moves it about.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from optics.field import Field
from optics.grid import Axis, Grid
from optics.kernel import Kernel, Memo, double, number
from optics.sampling import complain, short, step

Quantity = float | Tensor
"""A number, or a 0-dim tensor to differentiate through."""

Vector = float | Sequence[Quantity] | Tensor
"""One number for each axis, (y, x) or (x,): a sequence or a 1-D tensor. On a 1-D grid a single number will do."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Where the samples of a grid lie for an element whose axis stands at ``shift`` [m], (y, x) or (x,).

    Everything is in float64, measured from the element's own axis and shaped to broadcast over a field's axes.
    """

    grid: Grid
    shift: tuple[Quantity, ...]

    @classmethod
    def of(cls, grid: Grid, shift: Sequence[Quantity] = ()) -> Samples:
        """On the optical axis if no shift is given."""
        return cls(grid, tuple(shift) or (0.0,) * grid.ndim)

    def moved(self, shift: Sequence[Quantity]) -> Samples:
        """As seen from ``shift`` [m] further along each axis."""
        return Samples(self.grid, tuple(a + double(b) for a, b in zip(self.shift, shift, strict=True)))

    @cached_property
    def positions(self) -> tuple[Tensor, ...]:
        """Of the samples [m]."""
        return tuple(x - double(s) for x, s in zip(self.grid.coordinates, self.shift, strict=True))

    @cached_property
    def stretches(self) -> tuple[tuple[Tensor, Tensor], ...]:
        """Lower and upper end [m] of the stretch along each axis that a sample stands for in an integral.

        A point stands for its cell, a flat pixel for its active part. Nodes share the active part of their cell by
        their weights: Gauss nodes lie within such shares (Szegő, Orthogonal Polynomials, §3.41).
        """
        ends = []
        for i, (axis, s) in enumerate(zip(self.grid.axes, self.shift, strict=True)):
            shape = [-1 if j == i else 1 for j in range(self.grid.ndim)]
            lower, upper = _stretches(axis)
            ends.append((lower.reshape(shape) - double(s), upper.reshape(shape) - double(s)))
        return tuple(ends)

    @property
    def window(self) -> Grid:
        """Cells like the grid's about the element's own axis, as many as reach to the far end of the grid."""
        more = [
            math.floor(2 * abs(number(s)) / axis.spacing) for s, axis in zip(self.shift, self.grid.axes, strict=True)
        ]
        if not any(more):
            return self.grid
        cells = [axis.cells + extra for axis, extra in zip(self.grid.axes, more, strict=True)]
        return Grid(cells, self.grid.spacing, self.grid.axes[0].cell)


def _stretches(axis: Axis) -> tuple[Tensor, Tensor]:
    ends = torch.tensor([0.0, *axis.cell.weights], dtype=torch.float64).cumsum(0)
    ends = (ends - ends[-1] / 2) * axis.spacing
    return (axis.centres[:, None] + ends[:-1]).flatten(), (axis.centres[:, None] + ends[1:]).flatten()


@dataclass(frozen=True)
class Turning:
    """What thin elements do together to the direction of light: by a slope, and a curvature over some width.

    Attributes:
        slopes: sines of the angles by which light is turned, along each axis; none for zeros.
        power: the reciprocal of the focal length [1/m].
        widths: to which light is stopped down along each axis [m]; none for no stop.
    """

    slopes: tuple[float, ...] = ()
    power: float = 0.0
    widths: tuple[float, ...] = ()

    def then(self, other: Turning) -> Turning:
        """Both, one after the other."""
        slopes = tuple(map(sum, zip(self.slopes, other.slopes, strict=True))) if self.slopes and other.slopes else ()
        widths = tuple(map(min, zip(self.widths, other.widths, strict=True))) if self.widths and other.widths else ()
        return Turning(
            slopes or self.slopes or other.slopes, self.power + other.power, widths or self.widths or other.widths
        )

    def check(self, grid: Grid, wavelength: float) -> None:
        """Ask whether samples resolve all turns together, where each element by itself may be resolved.

        Raises:
            ValueError: twice too coarse.

        Warns:
            SamplingWarning: too coarse at the edge.
        """
        slopes, widths = self.slopes or (0.0,) * grid.ndim, self.widths or grid.extent
        for axis, slope, width in zip(grid.axes, slopes, widths, strict=True):
            steepest = abs(slope) + abs(self.power) * min(width, axis.extent) / 2
            if axis.size > 1 and steepest:
                needed = wavelength / (2 * steepest)
                complain(
                    step(axis) / needed,
                    f"together with the thin elements in front of it: samples every {short(step(axis))} for light that "
                    f"is turned by {steepest:.3g} rad at the edge; needs spacing ≤ {short(needed)}",
                )


class Screen(nn.Module, ABC):
    """A thin element. What it is made of is told by three methods; see :class:`~optics.Lens` for an example."""

    def __init__(self) -> None:
        super().__init__()
        self._kernels: Memo[Kernel] = Memo()
        self._asked: tuple[Hashable, ...] | None = None

    @property
    @abstractmethod
    def quantities(self) -> tuple[Hashable, ...]:
        """All that the transmittance depends on besides place and wavelength; tensors are differentiated through."""

    @abstractmethod
    def transmittance(self, samples: Samples, wavelength: Quantity) -> Tensor:
        """Float64 or complex128, of a shape that broadcasts with the grid's; differentiable in every tensor."""

    @abstractmethod
    def ask(self, samples: Samples, wavelength: float) -> None:
        """Raise or warn where the samples do not resolve the transmittance; see :mod:`optics.sampling`."""

    def turning(self, grid: Grid) -> Turning:
        """How the element turns light, if it does so by a plane or curved wave."""
        return Turning()

    def forward(self, field: Field) -> Field:
        return self.decentred(field, (0.0,) * field.grid.ndim)

    def decentred(self, field: Field, shift: Sequence[Quantity]) -> Field:
        """The light behind the element if its axis stands at ``shift`` [m], (y, x) or (x,)."""
        samples = Samples.of(field.grid, shift)

        def build(*_: Hashable) -> Kernel:
            self._ask_anew(samples, number(field.wavelength))
            return Kernel(self.transmittance(samples, double(field.wavelength)))

        kernel = self._kernels.get(build, field.grid, field.wavelength, *shift, *self.quantities)
        return field.replace(field.data * kernel.like(field.data))

    def check(self, grid: Grid, wavelength: float, shift: Sequence[Quantity] = ()) -> Grid:
        """Ask whether a grid resolves the element; the grid on which the light leaves it.

        Args:
            grid: on which light comes.
            wavelength: [m].
            shift: where the axis of the element stands [m], (y, x) or (x,); the optical axis by default.

        Raises:
            ValueError: what the element would do there means nothing.

        Warns:
            SamplingWarning: the grid does not quite resolve it.
        """
        self._asked = None
        self._ask_anew(Samples.of(grid, shift), wavelength)
        return grid

    def _ask_anew(self, samples: Samples, wavelength: float) -> None:
        """Ask, unless that was the last question."""
        depends = (wavelength, *samples.shift, *self.quantities)
        question = (samples.grid, *(tuple(q.reshape(-1).tolist()) if isinstance(q, Tensor) else q for q in depends))
        if question != self._asked:
            self.ask(samples, wavelength)
            self._asked = question


def components(values: Vector, name: str) -> tuple[Quantity, ...]:
    """The numbers of a vector; ``name`` says of what.

    Raises:
        ValueError: one is not finite.
    """
    if isinstance(values, Tensor):
        each: tuple[Quantity, ...] = tuple(values.reshape(-1))
    else:
        each = tuple(values) if isinstance(values, Sequence) else (values,)
    for value in each:
        if not math.isfinite(number(value)):
            raise ValueError(f"{name} must be finite; got {number(value)}")
    return each


def on_axes(values: Vector, grid: Grid, name: str) -> tuple[Quantity, ...]:
    """One number for each axis of the grid, (y, x) or (x,).

    Raises:
        ValueError: not as many as there are axes, or one that is not finite.
    """
    each = components(values, name)
    if len(each) != grid.ndim:
        raise ValueError(f"expected {name} for each of the grid's {grid.ndim} axes; got {len(each)}")
    return each
