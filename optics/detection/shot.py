"""Shot noise: light arrives in whole photons, at random, with a variance equal to the mean.

Numbers are drawn from a generator on the CPU and then moved, so that every device sees the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class ShotNoise(Protocol):
    """How a number of electrons comes about from its mean."""

    def __call__(self, mean: Tensor, generator: torch.Generator) -> Tensor:
        """One draw for each element.

        Args:
            mean: real, 0 or more, of any shape.
            generator: of the CPU; advanced by what is drawn.

        Returns:
            Electrons, of the same shape, dtype and device.
        """


# Of the means that torch draws whole numbers for; it counts in 64 bits.
_MOST = 1e15


@dataclass(frozen=True)
class Noiseless:
    """The mean itself, bit by bit; nothing is drawn."""

    def __call__(self, mean: Tensor, generator: torch.Generator) -> Tensor:
        return mean


@dataclass(frozen=True)
class Poisson:
    """Whole numbers by Poisson's law, with the gradient of their mean (straight through: unbiased for the mean).

    Called with a negative mean it raises RuntimeError. Means above 10¹⁵ have whole numbers of the normal law, which
    is no different there: of Poisson's, torch would draw some that no integer holds.
    """

    def __call__(self, mean: Tensor, generator: torch.Generator) -> Tensor:
        asked = mean.detach().cpu()
        drawn = torch.poisson(asked.clamp(max=_MOST), generator=generator)
        if (beyond := asked > _MOST).any():
            drawn = drawn.where(~beyond, GaussianShot()(asked, generator).round())
        drawn = drawn.to(mean.device)
        return drawn + (mean - mean.detach())  # adds zero: what is shown is what was drawn, to the last bit


@dataclass(frozen=True)
class GaussianShot:
    """n + √n·ξ with ξ of the normal law: right in mean and variance, differentiable by reparametrisation.

    Close to Poisson's law from some twenty electrons on; below, it has negative values. Where the mean is 0 there is
    no noise, and the gradient is that of the mean (that of √n would be infinite).
    """

    def __call__(self, mean: Tensor, generator: torch.Generator) -> Tensor:
        lit = mean > 0
        deviation = torch.where(lit, torch.where(lit, mean, 1).sqrt(), 0)  # twice: or 0·∞ comes back as NaN
        return mean + deviation * normal(mean, generator)


def normal(like: Tensor, generator: torch.Generator) -> Tensor:
    """Numbers of the normal law, of the shape, dtype and device of a real tensor."""
    return torch.randn(like.shape, dtype=like.dtype, generator=generator).to(like.device)
