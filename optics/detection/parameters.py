"""Numbers that describe a device: plain ones, or tensors that broadcast, for many devices at once.

Checked when they are given, and cast to the light when they are used. Draws of a Monte Carlo stand in front: a
parameter of shape (draws, 1, 1) with light on (ny, nx) pixels makes (draws, ny, nx).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def require(value: float | Tensor, holds: Callable[[Any], Any], expected: str) -> None:
    """See that a number, or every element of a tensor, is in its range.

    Args:
        value: what was given.
        holds: true where it serves; takes numbers and tensors. NaN compares false, and so must not be let in by a
            negation.
        expected: for the message, such as "a dark signal of 0 electrons or more".

    Raises:
        ValueError: it is not.
    """
    if isinstance(value, Tensor):
        values = value.detach()
        if not bool(torch.as_tensor(holds(values)).all()):
            raise ValueError(f"expected {expected}; got values from {values.min():g} to {values.max():g}")
    elif not holds(value):
        raise ValueError(f"expected {expected}; got {value}")


def like(parameter: float | Tensor, data: Tensor) -> float | Tensor:
    """A tensor in the real dtype and on the device of ``data``; a plain number as it is."""
    return parameter.to(data.device, data.real.dtype) if isinstance(parameter, Tensor) else parameter


def spread(data: Tensor, *parameters: float | Tensor) -> Tensor:
    """The data with every dimension that the parameters add to it, so that noise is drawn anew along each."""
    shapes = [parameter.shape for parameter in parameters if isinstance(parameter, Tensor)]
    return data.expand(torch.broadcast_shapes(data.shape, *shapes))
