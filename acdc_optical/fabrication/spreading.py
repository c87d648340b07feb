"""How cells share what a pixel is to be in the mean.

Everything is counted from the axis outwards, so that masks which are mirrored stay mirrored. (But for what is handed on
within the pixels on the axis, where their number is odd: that goes one way through them.)
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.complex128]
Reals = NDArray[np.float64]
Whole = NDArray[np.int64]
S = TypeVar("S", bound=np.generic)

# Sums of many shares are whole numbers to rounding, where they are.
_ROUNDING = 1e-9


def nearest_step(phase: Reals, count: int) -> Whole:
    """The step of phase nearest to each phase [rad], of ``count`` from 0 to below 2π."""
    return np.rint(phase * (count / (2 * math.pi))).astype(np.int64) % count


def handed_on(wanted: Values, count: int, cells: int) -> Whole:
    """Steps of phase for each cell; what rounding one leaves is added to what is wanted of the next in its pixel.

    Cells of which nothing is wanted, because they are opaque, are passed over.
    """
    # Pixels of the lower half of an axis are gone through backwards: mirrored masks stay mirrored.
    ways = np.ix_(*(_outwards(n // cells, cells) for n in wanted.shape))
    blocks = wanted[ways].reshape([n for size in wanted.shape for n in (size // cells, cells)])
    blocks = np.moveaxis(blocks, range(1, 2 * wanted.ndim, 2), range(wanted.ndim))  # cells of a pixel first
    steps, left = np.empty(blocks.shape, dtype=np.int64), np.zeros_like(blocks[(0,) * wanted.ndim])
    for place in np.ndindex(blocks.shape[: wanted.ndim]):
        left = left + blocks[place]
        steps[place] = nearest_step(np.angle(left), count)
        left = left - np.exp(2j * math.pi / count * steps[place]) * (blocks[place] != 0)
    steps = np.moveaxis(steps, range(wanted.ndim), range(1, 2 * wanted.ndim, 2)).reshape(wanted.shape)
    ordered: Whole = steps[ways]  # going backwards twice is going forwards
    return ordered


def _outwards(pixels: int, cells: int) -> Whole:
    """The cells of an axis, those of each pixel in its lower half in reverse."""
    places = np.arange(pixels * cells).reshape(pixels, cells)
    places[: pixels // 2] = places[: pixels // 2, ::-1]
    return places.ravel()


def share(share: Reals, cells: int) -> Whole:
    """Cells of 0 and 1 of which each pixel has a given share of ones, shape (ny·cells, nx·cells) or (nx·cells,).

    Which ones follows from rounding the sum of the shares from the axis outwards, so that a row is never wrong by more
    than a cell up to any place; rows are rounded at different places, so that their sum is wrong by less.
    """
    fine = repeated(share, cells)
    lines = fine if fine.ndim == 2 else fine[None]
    offsets = staggered(cells)[from_axis(len(lines)) % cells] if fine.ndim == 2 else np.full(1, 0.5)
    half = (lines.shape[1] + 1) // 2
    right = _rounded_sums(lines[:, -half:], offsets)
    left = _rounded_sums(lines[:, half - 1 :: -1], offsets)
    middle = 2 * half - lines.shape[1]  # the cell on the axis of an odd number is in both halves
    return np.concatenate((left[:, ::-1], right[:, middle:]), axis=1).reshape(fine.shape)


def _rounded_sums(lines: Reals, offsets: Reals) -> Whole:
    """Steps of the sum along each line, rounded down after an offset from 0 to below 1 is added."""
    sums = np.floor(np.cumsum(lines, axis=1) + offsets[:, None] + _ROUNDING).astype(np.int64)
    return np.diff(sums, axis=1, prepend=0)


def staggered(count: int) -> Reals:
    """Offsets that divide 0 … 1 evenly, neighbours far apart: multiples of the golden section, in their order."""
    order = np.argsort(np.argsort(np.arange(count) * ((math.sqrt(5) - 1) / 2) % 1))
    offsets: Reals = (order + 0.5) / count
    return offsets


def from_axis(n: int) -> Whole:
    """How many cells each of n cells is from the axis: 1 0 0 1 for four, 1 0 1 for three."""
    return np.abs(2 * np.arange(n) - (n - 1)) // 2


def repeated(values: NDArray[S], cells: int) -> NDArray[S]:
    """The value of its pixel for each cell, ``cells`` per pixel and axis."""
    if cells < 1:
        raise ValueError(f"expected one or more cells per pixel; got {cells}")
    for axis in range(values.ndim):
        values = np.repeat(values, cells, axis=axis)
    return values


def means(cells: Values, count: int) -> Values:
    """Over the cells of each pixel."""
    blocks = cells.reshape([n for size in cells.shape for n in (size // count, count)])
    means: Values = blocks.mean(axis=tuple(range(1, 2 * cells.ndim, 2)))
    return means
