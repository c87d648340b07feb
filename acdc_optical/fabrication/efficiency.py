"""What light the blaze of a mask sends where, in closed form: for predictions beside a simulation of the mask itself.

A blaze is a phase that grows evenly, by 2π over a period. Locally a lens is one, and so is the carrier of a hologram.
Efficiencies are shares of the light that falls on it, and hold for thin masks whose zones are wide against λ.

Sources: G. J. Swanson, MIT Lincoln Laboratory TR-854 (1989), for the staircase; exp(-σ²) is the Strehl ratio of
independent random phases (A. Maréchal, Rev. Opt. 26, 257 (1947)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def blaze_efficiency(levels: int, *, order: int = 1, depth_error: float = 0.0) -> float:
    """The share of light that a staircase of equal steps sends into an order.

    sinc²(q/L)·|Σ_l exp(2πi·l(1+ε-q)/L)/L|². Without error that is sinc²(q/L) for q ≡ 1 (mod L), and 0 in all other
    orders.

    Args:
        levels: steps L of a period; etched or added, it is the same staircase.
        order: q; 0 is the light that goes straight on.
        depth_error: ε, by which all depths are too large. Light of another wavelength counts as one:
            1+ε = (λ₀/λ)(n(λ)-1)/(n(λ₀)-1).

    Raises:
        ValueError: less than two levels.
    """
    _check_levels(levels)
    steps = np.exp(2j * math.pi * np.arange(levels) * (1 + depth_error - order) / levels)
    return float(np.sinc(order / levels) ** 2 * abs(steps.mean()) ** 2)


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


def noise_efficiency(deviation: float) -> float:
    """exp(-σ²): what is left of the light in wanted orders when phases err at random with this deviation [rad].

    The mean over errors that are normal and independent from cell to cell; what is lost is spread all around.

    Raises:
        ValueError: a deviation below 0.
    """
    if not deviation >= 0:
        raise ValueError(f"expected a standard deviation of 0 or more [rad]; got {deviation}")
    return math.exp(-(deviation**2))


def _edges(m: int, shift: float) -> NDArray[np.float64]:
    places: NDArray[np.float64] = (np.arange(2**m) / 2**m + shift) % 1.0
    return places


def _check_levels(levels: int) -> None:
    if levels < 2:
        raise ValueError(f"expected two or more levels; got {levels}")
