"""Training a network of numerical layers, seeded and reproducible."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from acdc_optical.augmentation import Augmentation
from acdc_optical.layers import ACDC, AFDF


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train: AdamW with a cosine from ``learning_rate`` to zero.

    Weight decay acts on all but the diagonals and biases of ACDC and AFDF layers, as in the paper.
    """

    epochs: int = 150
    batch: int = 128
    learning_rate: float = 2e-2
    weight_decay: float = 1e-2
    label_smoothing: float = 0.1


class Epoch(NamedTuple):
    """Mean loss and share of right answers over one pass through the (augmented) training data."""

    loss: float
    accuracy: float


def train(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    schedule: Schedule | None = None,
    augment: Augmentation | None = None,
    seed: int = 0,
) -> Iterator[Epoch]:
    """Train a classifier in place, yielding after every epoch.

    Args:
        network: maps x to logits.
        x, y: inputs and labels; they stay on their device.
        schedule, augment: defaults of :class:`Schedule`, no augmentation.
        seed: of shuffling and augmentation; the same seed gives the same numbers.
    """
    schedule = schedule or Schedule()
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(_groups(network, schedule), lr=schedule.learning_rate)
    steps = schedule.epochs * math.ceil(len(x) / schedule.batch)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(schedule.epochs):
        loss_sum, right = 0.0, 0
        for index in torch.randperm(len(x), generator=generator).split(schedule.batch):
            batch = x[index] if augment is None else augment(x[index], generator)
            logits = network(batch)
            loss = cross_entropy(logits, y[index], label_smoothing=schedule.label_smoothing)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            cosine.step()
            loss_sum += float(loss.detach()) * len(index)
            right += int((logits.argmax(-1) == y[index]).sum())
        yield Epoch(loss_sum / len(x), right / len(x))


def _groups(network: nn.Module, schedule: Schedule) -> list[dict[str, object]]:
    diagonals = {p for m in network.modules() if isinstance(m, ACDC | AFDF) for p in m.parameters()}
    others = [p for p in network.parameters() if p not in diagonals]
    return [
        {"params": list(diagonals), "weight_decay": 0.0},
        {"params": others, "weight_decay": schedule.weight_decay},
    ]


@torch.no_grad()
def accuracy(logits: Tensor, y: Tensor) -> float:
    """Share of inputs whose largest logit is the label's."""
    return float((logits.argmax(-1) == y).double().mean())
