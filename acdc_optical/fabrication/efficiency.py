"""What light the blaze of a mask sends where, in closed form: for predictions beside a simulation of the mask itself.

A blaze is a phase that grows evenly, by 2π over a period. Locally a lens is one, and so is the carrier of a hologram.
Efficiencies are shares of the light that falls on it, and hold for thin masks whose zones are wide against λ.

Source: G. J. Swanson, MIT Lincoln Laboratory TR-854 (1989).
"""

from __future__ import annotations

import math

import numpy as np


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


def _check_levels(levels: int) -> None:
    if levels < 2:
        raise ValueError(f"expected two or more levels; got {levels}")
