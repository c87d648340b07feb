"""What lengths must be, wherever they come from: numbers, or tensors that training may spoil."""

from __future__ import annotations

import math
from typing import TypeVar

from torch import Tensor

from optics.kernel import number
from optics.units import format_length

Length = TypeVar("Length", bound=float | Tensor)


def finite(length: Length, name: str) -> Length:
    """The length as it is; ``name`` says of what.

    Raises:
        ValueError: it is not finite.
    """
    if not math.isfinite(number(length)):
        raise ValueError(f"{name} must be a finite length in metres; got {number(length)}")
    return length


def positive(length: Length, name: str) -> Length:
    """The length as it is; ``name`` says of what.

    Raises:
        ValueError: it is not positive and finite.
    """
    if not (math.isfinite(number(length)) and number(length) > 0):
        raise ValueError(f"{name} must be a positive length in metres; got {number(length)}")
    return length


def over(space: str, distance: float | Tensor) -> tuple[str, float]:
    """What a message calls some free space, and its length [m] as a plain number."""
    length = number(distance)
    return f"{space} over {format_length(abs(length), digits=4)}", length
