"""Masks as shops really make them: too deep, not quite aligned, drawn too wide.

A deviation is smaller than a cell, so cells are divided where it begins; what is in each part follows from the patterns
that reach it, and the light across it is integrated like any other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from acdc_optical.fabrication.made import Cells
from acdc_optical.fabrication.orders import MaskOrder
from acdc_optical.fabrication.plate import Drawn
from optics.units import format_length

Parts = tuple[float, ...]
"""Where parts of a cell begin and end, as shares of it, ascending from 0 to 1."""

_ENTIRE: Parts = (0.0, 1.0)


class Deviation(Protocol):
    """A way in which what is made differs from what is ordered."""

    @property
    def name(self) -> str:
        """What it is, in words."""

    def cells(self, order: MaskOrder) -> Cells:
        """What the light meets.

        Raises:
            ValueError: a deviation too large for the cells, or of which the order has nothing.
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

    def cells(self, order: MaskOrder) -> Cells:
        heights, plate = order.plate.heights, order.plate
        if heights is None:
            raise ValueError(f"{plate.name} has no relief, and no depth that could be wrong")
        phase = 2 * math.pi * self.error * heights / order.process.relief().turn(plate.wavelength)
        return order.cells_of((plate.transmittance * np.exp(1j * phase))[_levels(order)])


@dataclass(frozen=True)
class Overlay:
    """One pattern beside its place, relative to the others.

    Attributes:
        pattern: which of the plate's layers, from 0.
        shift: along one axis [m], 0 or more.
        axis: 0 for y, 1 for x.
    """

    pattern: int
    shift: float
    axis: int

    @property
    def name(self) -> str:
        return f"pattern {self.pattern + 1} off by {format_length(self.shift, 3)} along {'yx'[self.axis]}"

    def cells(self, order: MaskOrder) -> Cells:
        pitch = order.plate.pitch[self.axis]
        whole, rest = divmod(self.shift / pitch, 1.0)
        parts = (0.0, rest, 1.0) if rest > 0 else _ENTIRE
        drawn = [np.repeat(pattern, len(parts) - 1, axis=self.axis) for pattern in _patterns(order)]
        drawn[self.pattern] = _moved(drawn[self.pattern], int(whole) * (len(parts) - 1) + (rest > 0), self.axis)
        return _made(order, drawn, tuple(parts if axis == self.axis else _ENTIRE for axis in (0, 1)))


@dataclass(frozen=True)
class Width:
    """All drawn areas wider, or narrower, on every side: exposed or developed too much or too little.

    Attributes:
        growth: on every side [m]; negative for narrower, less than half a cell in size.
    """

    growth: float

    @property
    def name(self) -> str:
        return (
            f"drawn areas {'wider' if self.growth > 0 else 'narrower'} by {format_length(abs(self.growth), 3)} a side"
        )

    def cells(self, order: MaskOrder) -> Cells:
        striped = order.pixels.ndim == 1
        shares = [abs(self.growth) / pitch for pitch in order.plate.pitch]
        if max(shares[1:] if striped else shares) >= 0.5:
            raise ValueError(f"drawn areas of {order.plate.name} would grow by half a cell or more: {self.name}")
        parts: list[Parts] = [(0.0, share, 1 - share, 1.0) for share in shares]
        if striped:
            parts[0] = _ENTIRE
        drawn = []
        for pattern in _patterns(order):
            for axis in (0, 1):
                pattern = np.repeat(pattern, len(parts[axis]) - 1, axis=axis)
            around = np.ones((1 if striped else 3, 3), dtype=np.bool_)
            drawn.append(_grown(pattern, around) if self.growth > 0 else ~_grown(~pattern, around))
        return _made(order, drawn, tuple(parts))


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


def _grown(pattern: Drawn, around: Drawn) -> Drawn:
    grown: Drawn = binary_dilation(pattern, around)
    return grown


def _made(order: MaskOrder, drawn: Sequence[Drawn], parts: tuple[Parts, ...]) -> Cells:
    """What patterns make, wherever they are drawn, in the cells' parts along (y, x)."""
    axes, count = order.pixels.ndim, order.encoded.cells
    values = _transmittance(order, drawn)
    edges = [
        [*((cell + part) / count - 0.5 for cell in range(count) for part in along[:-1]), 0.5] for along in parts[-axes:]
    ]
    return order.cells_of(values[0] if axes == 1 else values, edges)


def _transmittance(order: MaskOrder, drawn: Sequence[Drawn]) -> NDArray[np.complex128]:
    """From what is drawn: each etch takes, or each coat adds, its depth; chrome is where its level says."""
    plate, process = order.plate, order.process
    sign = 1 if process.made.startswith("added") else -1
    clear = np.flatnonzero(plate.transmittance != 0)[0]
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
