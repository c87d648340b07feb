"""Masks as shops really make them: too deep, not quite aligned, drawn too wide.

A deviation is smaller than a cell, so cells are divided where it begins; what is in each part follows from the patterns
that reach it, and the light across it is integrated like any other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter

from acdc_optical.fabrication.columns import widened
from acdc_optical.fabrication.made import Cells, MadeMask, Striped
from acdc_optical.fabrication.orders import MaskOrder
from acdc_optical.fabrication.plate import Drawn, Plate
from optics.units import format_length

Parts = tuple[float, ...]
"""Where parts of a cell begin and end, as shares of it, ascending from 0 to 1."""

_ENTIRE: Parts = (0.0, 1.0)

# To so many digits of a cell edges are moved: what is a whole number of cells but for rounding is one.
_DIGITS = 9


class Deviation(Protocol):
    """A way in which what is made differs from what is ordered."""

    @property
    def name(self) -> str:
        """What it is, in words."""

    def cells(self, order: MaskOrder) -> MadeMask:
        """What the light meets.

        Raises:
            ValueError: a deviation of which the order has nothing.
        """


@dataclass(frozen=True)
class Depth:
    """All heights wrong by a factor: etched too long, or an index that is not the one in the catalogue.

    Attributes:
        error: relative.
    """

    error: float

    @property
    def name(self) -> str:
        return f"all depths {self.error:+.1%}"

    def cells(self, order: MaskOrder) -> MadeMask:
        heights, plate = order.plate.heights, order.plate
        if heights is None:
            raise ValueError(f"{plate.name} has no relief, and no depth that could be wrong")
        # Light is measured against that of the first clear level, as where patterns are off: a pedestal counts nothing.
        heights = heights - heights[_clear(plate)]
        phase = 2 * math.pi * self.error * heights / order.process.relief().turn(plate.wavelength)
        values = plate.transmittance * np.exp(1j * phase)
        met = order.cells
        if isinstance(met, Striped):
            return replace(met, stripes=replace(met.stripes, etched=complex(values[1])))
        return order.cells_of(values[_levels(order)])


@dataclass(frozen=True)
class Overlay:
    """One pattern beside its place, relative to the others.

    Attributes:
        pattern: which of the plate's layers, from 0.
        shift: along one axis [m], 0 or more.
        axis: 0 for y, 1 for x; stripes are shifted along x alone.

    Raises:
        ValueError: a shift below 0.
    """

    pattern: int
    shift: float
    axis: int

    def __post_init__(self) -> None:
        if not self.shift >= 0:
            raise ValueError(f"expected a shift of 0 or more [m]; got {self.shift}")

    @property
    def name(self) -> str:
        return f"pattern {self.pattern + 1} off by {format_length(self.shift, 3)} along {'yx'[self.axis]}"

    def cells(self, order: MaskOrder) -> Cells:
        patterns = _patterns(order)
        if not 0 <= self.pattern < len(patterns):
            raise ValueError(f"{order.plate.name} has {len(patterns)} patterns, and no pattern {self.pattern + 1}")
        if order.pixels.ndim == 1 and self.axis == 0:
            raise ValueError(f"{order.plate.name} is striped: along y its patterns have no place to be off")
        whole, rest = _in_cells(self.shift, order.plate.pitch[self.axis])
        parts = (0.0, rest, 1.0) if rest > 0 else _ENTIRE
        drawn = [np.repeat(pattern, len(parts) - 1, axis=self.axis) for pattern in patterns]
        drawn[self.pattern] = _moved(drawn[self.pattern], whole * (len(parts) - 1) + (rest > 0), self.axis)
        return _made(order, drawn, tuple(parts if axis == self.axis else _ENTIRE for axis in (0, 1)))


@dataclass(frozen=True)
class Width:
    """All drawn areas wider, or narrower, on every side: exposed or developed too much or too little.

    Attributes:
        growth: on every side [m]; negative for narrower.
    """

    growth: float

    @property
    def name(self) -> str:
        return (
            f"drawn areas {'wider' if self.growth > 0 else 'narrower'} by {format_length(abs(self.growth), 3)} a side"
        )

    def cells(self, order: MaskOrder) -> MadeMask:
        met = order.cells
        if isinstance(met, Striped):
            return Striped(*widened(met.stripes, self.growth))  # the opening around them is as it is ordered
        # Edges move into cells on either side of them, where parts begin; stripes have none along y.
        moved = [_widened(abs(self.growth), pitch) for pitch in order.plate.pitch]
        if order.pixels.ndim == 1:
            moved[0] = _ENTIRE, 0
        size = [2 * steps + 1 for _, steps in moved]
        drawn = []
        for pattern in _patterns(order):
            for axis, (parts, _) in enumerate(moved):
                pattern = np.repeat(pattern, len(parts) - 1, axis=axis)
            # Nothing is drawn beyond the pattern: what is drawn at its border has an edge there.
            spread = maximum_filter if self.growth > 0 else minimum_filter
            drawn.append(spread(pattern, size, mode="constant", cval=False))
        return _made(order, drawn, tuple(parts for parts, _ in moved))


def _in_cells(length: float, pitch: float) -> tuple[int, float]:
    """Whole cells, and the share of one that is left."""
    whole, rest = divmod(round(length / pitch, _DIGITS), 1.0)
    return int(whole), rest


def _widened(growth: float, pitch: float) -> tuple[Parts, int]:
    """The parts of a cell in which edges come to lie that move by so much both ways, and how many they move by."""
    whole, rest = _in_cells(growth, pitch)
    parts = tuple(sorted({0.0, rest, 1 - rest, 1.0}))
    return parts, whole * (len(parts) - 1) + sum(part > 1 - rest for part in parts)


def _levels(order: MaskOrder) -> NDArray[np.unsignedinteger]:
    """In the frame of the light; of stripes one line."""
    return order.plate.levels[0] if order.pixels.ndim == 1 else order.plate.levels


def _patterns(order: MaskOrder) -> list[Drawn]:
    """What each layer draws, in the frame of the light; of stripes one row."""
    levels = order.plate.levels[:1] if order.pixels.ndim == 1 else order.plate.levels
    if not order.plate.layers:
        raise ValueError(f"{order.plate.name} has no patterns that could be off")
    return [np.array(layer.drawn)[levels] for layer in order.plate.layers]


def _moved(pattern: Drawn, steps: int, axis: int) -> Drawn:
    """Towards higher places; nothing is drawn beyond the pattern."""
    moved = np.roll(pattern, steps, axis=axis)
    np.moveaxis(moved, axis, 0)[:steps] = False
    return moved


def _made(order: MaskOrder, drawn: Sequence[Drawn], parts: tuple[Parts, ...]) -> Cells:
    """What patterns make, wherever they are drawn, in the cells' parts along (y, x)."""
    axes, count = order.pixels.ndim, order.encoded.cells
    values = _transmittance(order, drawn)
    edges = [
        [*((cell + part) / count - 0.5 for cell in range(count) for part in along[:-1]), 0.5] for along in parts[-axes:]
    ]
    return order.cells_of(values[0] if axes == 1 else values, edges)


def _clear(plate: Plate) -> int:
    """The first level that lets light through."""
    return int(np.flatnonzero(plate.transmittance)[0])


def _transmittance(order: MaskOrder, drawn: Sequence[Drawn]) -> NDArray[np.complex128]:
    """From what is drawn: each etch takes, or each coat adds, its depth; chrome is where its level says."""
    plate, process = order.plate, order.process
    sign = 1 if process.made.startswith("added") else -1
    clear = _clear(plate)
    height, nominal = np.zeros(drawn[0].shape), 0.0
    opened = np.ones(drawn[0].shape, dtype=np.bool_)
    for layer, pattern in zip(plate.layers, drawn, strict=True):
        if layer.depth is None:
            opened &= pattern == layer.drawn[clear]
        else:
            height += sign * layer.depth * pattern
            nominal += sign * layer.depth * layer.drawn[clear]
    if not height.any() and not nominal:
        return np.where(opened, plate.transmittance[clear], 0)
    turn = process.relief().turn(plate.wavelength)
    phase = np.exp(2j * math.pi * (height - nominal) / turn)
    return np.where(opened, plate.transmittance[clear] * phase, 0)
