"""What light misaligned patterns send where, in closed form."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def overlay_efficiency(shifts: Sequence[float], *, order: int = 1) -> float:
    """The share of light that a blaze of 2^M levels sends into an order, its M binary patterns not quite aligned.

    The Fourier coefficient of a period, exact: between the edges of all patterns the phase is constant.

    Args:
        shifts: of each pattern, the deepest first, in periods.
        order: q.

    Raises:
        ValueError: no pattern.
    """
    if not shifts:
        raise ValueError("expected a shift for each of one or more patterns; got none")
    edges = np.unique(np.concatenate([[0.0, 1.0], *(_edges(m, shift) for m, shift in enumerate(shifts, 1))]))
    centres, widths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    # Pattern m of a rising staircase: the m-th binary digit of the place, which adds 2π/2^m.
    turns = sum(np.floor((centres - shift) * 2**m) % 2 / 2**m for m, shift in enumerate(shifts, 1))
    parts = widths * np.sinc(order * widths) * np.exp(2j * math.pi * (turns - order * centres))
    return float(abs(parts.sum()) ** 2)


def _edges(m: int, shift: float) -> NDArray[np.float64]:
    places: NDArray[np.float64] = (np.arange(2**m) / 2**m + shift) % 1.0
    return places
