"""How far outputs of light are from those wanted, for many benches at once: numbers that are better the smaller.

A metric is called with outputs, shape (draws, batch, ...), and with what is wanted, shape (batch, ...), and returns one
number for each draw, shape (draws,).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Metric(Protocol):
    """What one wants small; its ``repr`` must say all that it depends on."""

    def __call__(self, outputs: Tensor, wanted: Tensor) -> Tensor:
        """One number for each draw."""


@dataclass(frozen=True)
class RelativeError:
    """‖y - wanted‖ / ‖wanted‖ over all inputs; without a gradient where it is 0."""

    def __call__(self, outputs: Tensor, wanted: Tensor) -> Tensor:
        return SquaredError()(outputs, wanted).sqrt()


@dataclass(frozen=True)
class SquaredError:
    """The square of the relative error, which has a gradient everywhere."""

    def __call__(self, outputs: Tensor, wanted: Tensor) -> Tensor:
        return _power(outputs - wanted) / _power(wanted.unsqueeze(0))


@dataclass(frozen=True)
class ErrorAfterGain:
    """The relative error that is left when each draw's outputs are multiplied by the factor that is best for it.

    What electronics learn of a bench in one number: how bright it is and, for complex outputs, its phase.
    """

    def __call__(self, outputs: Tensor, wanted: Tensor) -> Tensor:
        seen = _power(outputs)
        overlap = (outputs.conj() * wanted).flatten(1).sum(1)
        gain = overlap / torch.where(seen > 0, seen, torch.ones_like(seen))
        return RelativeError()(gain.reshape(-1, *(1,) * wanted.ndim) * outputs, wanted)


@dataclass(frozen=True)
class ErrorRate:
    """The share of inputs whose largest output is not that of their class: 1 - accuracy.

    Attributes:
        labels: the class of each input.

    Raises:
        ValueError: when called with outputs not of shape (draws, labels, classes).
    """

    labels: tuple[int, ...]

    def __call__(self, outputs: Tensor, wanted: Tensor) -> Tensor:
        if outputs.ndim != 3 or outputs.shape[1] != len(self.labels):
            raise ValueError(
                f"expected outputs of shape (draws, {len(self.labels)}, classes), as of a network that classifies as "
                f"many inputs as there are labels; got {tuple(outputs.shape)}"
            )
        labels = torch.tensor(self.labels, device=outputs.device)
        return (outputs.argmax(-1) != labels).double().mean(1)


def _power(values: Tensor) -> Tensor:
    """Σ|values|² of each draw, in double precision."""
    values = torch.view_as_real(values) if values.is_complex() else values
    return values.double().square().flatten(1).sum(1)
