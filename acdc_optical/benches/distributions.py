"""What may be wrong with a bench, at random: a distribution for each imperfection, and benches drawn from them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from acdc_optical.benches.imperfections import Imperfections


class Distribution(Protocol):
    """How an imperfection is distributed about what it is on the bench."""

    @property
    def deviation(self) -> float:
        """Its standard deviation, in the imperfection's unit."""

    def draw(self, random: np.random.Generator) -> float:
        """One value of the difference."""


@dataclass(frozen=True)
class Normal:
    """Normally distributed.

    Attributes:
        deviation: standard deviation, in the imperfection's unit (SI).

    Raises:
        ValueError: it is negative, or not finite.
    """

    deviation: float

    def __post_init__(self) -> None:
        _check("a standard deviation", self.deviation)

    def draw(self, random: np.random.Generator) -> float:
        return self.deviation * random.standard_normal()


@dataclass(frozen=True)
class Uniform:
    """Anything between two limits, as a part that passed its inspection.

    Attributes:
        limit: the largest difference to either side, in the imperfection's unit (SI).

    Raises:
        ValueError: it is negative, or not finite.
    """

    limit: float

    def __post_init__(self) -> None:
        _check("a limit", self.limit)

    @property
    def deviation(self) -> float:
        return self.limit / math.sqrt(3)

    def draw(self, random: np.random.Generator) -> float:
        return random.uniform(-self.limit, self.limit)


Distributions = Mapping[str, Distribution]
"""By the names of imperfections, as ``{"fourier_mask.shift_x": Normal(2e-6)}``."""


def drawn(bench: Imperfections, distributions: Distributions, *, seed: int, draws: Sequence[int]) -> Imperfections:
    """Benches at random about one.

    Every draw has a sequence of random numbers of its own, which follows from the seed and its number alone: a draw is
    the same whatever is drawn beside it.

    Args:
        bench: what is wrong on the average.
        distributions: of the differences from it.
        seed: of all draws.
        draws: their numbers.

    Returns:
        the imperfections, where drawn as tensors of shape (draws,), float64.

    Raises:
        TypeError: something else than a distribution.
        ValueError: an unknown imperfection, or one that is not a continuous number.
    """
    values = bench.drawable()
    for name, each in distributions.items():
        if name not in values:
            raise ValueError(f"{name!r} is not an imperfection that can be drawn; those are {', '.join(values)}")
        if not (hasattr(each, "draw") and hasattr(each, "deviation")):
            raise TypeError(f"{name}: expected a distribution, as Normal({each!r}); got {type(each).__name__}")
    rows = [
        [each.draw(random) for each in distributions.values()]
        for random in (np.random.default_rng([seed, draw]) for draw in draws)
    ]
    columns = torch.tensor(rows, dtype=torch.float64).reshape(len(rows), len(distributions)).unbind(1)
    return bench.changed({name: values[name] + column for name, column in zip(distributions, columns, strict=True)})


def _check(name: str, value: float) -> None:
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"expected {name} of 0 or more; got {value}")
