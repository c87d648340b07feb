"""Edges with room between them: the nearest such, exactly.

Edges e_i at least w apart, and within bounds, are e_i - i·w ascending within bounds: an isotonic regression, clipped
(Barlow and Brunk, J. Am. Stat. Assoc. 67, 1972). Where edges meet their gap they move as one block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from acdc_optical.compilation.etching.lines import Line

Array = NDArray[np.float64]


class Projected(NamedTuple):
    """The nearest edges with room between them, and how they follow when the wanted ones move.

    Attributes:
        edges: ascending, shape (edges,).
        starts: where each block of edges begins, shape (blocks,).
        moves: 1 over the root of its size for a block that follows, as one; 0 for one that is held by a bound.
    """

    edges: Array
    starts: NDArray[np.intp]
    moves: Array

    def along(self, slopes: Array) -> Array:
        """S such that S·Sᵀ = slopes·P·slopesᵀ with P the derivative of the projection, shape (…, blocks)."""
        return np.add.reduceat(slopes, self.starts, axis=-1) * self.moves


@dataclass(frozen=True, eq=False)
class Gaps:
    """The room that ``count`` edges must leave.

    Attributes:
        count: edges.
        low, high: bounds of the first and of the last.
        least: distance between neighbours, 0 or more.
    """

    count: int
    low: float
    high: float
    least: float

    @classmethod
    def of(cls, line: Line, count: int, least: float) -> Gaps:
        """For stripes no narrower than ``least``, in the line's unit."""
        return cls(count, line.begin + line.rooms[0] * least, line.end - line.rooms[1] * least, least)

    @property
    def fit(self) -> bool:
        """Whether there is so much room."""
        return self.high - self.low >= (self.count - 1) * self.least

    def projected(self, edges: Array) -> Projected:
        """The nearest edges that leave the room."""
        steps = np.arange(self.count) * self.least
        high = self.high - steps[-1]
        fit = isotonic_regression(edges - steps)
        starts = fit.blocks[:-1]
        levels = fit.x[starts]
        free = (levels > self.low) & (levels < high)
        moves = free / np.sqrt(np.diff(fit.blocks))
        return Projected(fit.x.clip(self.low, high) + steps, starts, moves)
