"""Training any network, seeded, in steps that can be interrupted and taken up again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from acdc_optical import checkpoint as checkpoints
from acdc_optical.layers import ACDC, AFDF
from acdc_optical.realisation import run_in_batches
from acdc_optical.training.augmentation import Augmentation
from acdc_optical.training.processes import Team, gathered
from acdc_optical.training.trained_masks import TrainedMasks

Loss = Callable[[Tensor, Tensor], Tensor]
"""Of a batch of outputs and what they should be: a scalar, the mean over the batch."""


@dataclass(frozen=True)
class CrossEntropy:
    """Of logits and labels, with labels smoothed a little."""

    smoothing: float = 0.1

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(logits, labels, label_smoothing=self.smoothing)


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train: AdamW with a cosine from ``learning_rate`` to zero.

    Weight decay acts on all but the masks, diagonals and biases of optical and ACDC and AFDF layers, as in the paper.

    Raises:
        ValueError: less than one epoch, or less than one input in a batch.
    """

    epochs: int = 150
    batch: int = 128
    learning_rate: float = 2e-2
    weight_decay: float = 1e-2

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 1:
            raise ValueError(f"a schedule has one epoch or more, of one input a batch or more; got {self}")


class Epoch(NamedTuple):
    """What one pass through the training data showed.

    Attributes:
        loss: its mean over the pass.
        accuracy: share of right answers during the pass, augmented inputs and all; None unless the targets are labels
            and the outputs logits: one int64 for each input, and two numbers or more.
        held_out: share of right answers, or the loss where there is none, on data held out; None without any.
    """

    loss: float
    accuracy: float | None = None
    held_out: float | None = None

    def __str__(self) -> str:
        found = [f"loss {self.loss:.4f}"]
        if self.accuracy is not None:
            found += [f"right {self.accuracy:.2%}"]
        if self.held_out is not None:
            found += [f"held out {self.held_out:.2%}" if self.accuracy is not None else f"held out {self.held_out:.4g}"]
        return ", ".join(found)


@runtime_checkable
class Annealed(Protocol):
    """A module that wants to know how far training has come."""

    def anneal(self, progress: float) -> None:
        """From 0 to 1, at the end."""


@runtime_checkable
class Bounded(Protocol):
    """A module with parameters that are to stay within bounds."""

    def inward(self) -> None:
        """Take from the gradients what would lead farther out; called when those of a step are complete."""


def fit(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    loss: Loss | None = None,
    schedule: Schedule | None = None,
    augment: Augmentation | None = None,
    held_out: tuple[Tensor, Tensor] | None = None,
    seed: int = 0,
    checkpoint: str | Path | None = None,
) -> Iterator[Epoch]:
    """Train a network in place, yielding after every epoch; ``list(fit(...))`` is its history.

    Started by ``torchrun`` in several processes, each takes its share of every batch and all come to the same numbers
    as one process alone, to rounding. (What normalises over a batch, as BatchNorm, sees its share only, and dropout
    is another in each.)

    Args:
        network: any module. Optical layers are trained through their light, or faster if
            :func:`~acdc_optical.training.condensed.condensed`.
        x, y: inputs, and labels (int64) or other targets, on the network's device.
        loss: cross entropy with labels smoothed by 0.1 unless given.
        schedule, augment: defaults of :class:`Schedule`; no augmentation.
        held_out: inputs and targets to measure after every epoch, and not to train on.
        seed: of shuffling, augmentation and dropout; the same seed gives the same numbers.
        checkpoint: a file to which every finished epoch is written. If it is there, training goes on from it, after
            the epochs it holds have been yielded, to the numbers it would have come to without a break.

    Raises:
        ValueError: nothing to train, nothing to train on, as many targets as inputs are not given, or a checkpoint of
            another training.
        FloatingPointError: the loss is no longer finite.
    """
    schedule, loss = schedule or Schedule(), loss or CrossEntropy()
    if len(x) != len(y) or not len(x):
        raise ValueError(f"expected as many targets as inputs, and at least one; got {len(x)} inputs, {len(y)} targets")
    team = gathered(x.device)
    run = _Run(network, x, y, loss, schedule, augment, seed, team)
    fingerprint = ""
    history: list[Epoch] = []
    if checkpoint is not None:
        data = (x, y, *(held_out or ()))
        fingerprint = checkpoints.fingerprint_of(network, data, schedule, augment, seed, loss)
        if Path(checkpoint).exists():
            past = checkpoints.load(checkpoint, network, run.optimiser, fingerprint)
            history = [Epoch(**epoch) for epoch in past]  # type: ignore[arg-type]
            network.eval()  # as every epoch leaves it
            yield from history
    team.wait()  # nobody writes before all have read
    while len(history) < schedule.epochs:
        found = run.epoch(len(history))
        history.append(found if held_out is None else found._replace(held_out=_measured(network, *held_out, loss)))
        if checkpoint is not None and team.rank == 0:
            past = [epoch._asdict() for epoch in history]
            checkpoints.save(checkpoint, network, run.optimiser, past, fingerprint)
        yield history[-1]
    team.wait()  # nobody leaves before all are done


class _Run:
    """One training: the network with what trains it."""

    def __init__(
        self,
        network: nn.Module,
        x: Tensor,
        y: Tensor,
        loss: Loss,
        schedule: Schedule,
        augment: Augmentation | None,
        seed: int,
        team: Team,
    ):
        self.network, self.team = network, team
        self.x, self.y, self.loss, self.schedule, self.augment, self.seed = x, y, loss, schedule, augment, seed
        self.optimiser = torch.optim.AdamW(_groups(network, schedule), lr=schedule.learning_rate)
        self.joined = team.joined(network)
        self.steps_an_epoch = math.ceil(len(x) / schedule.batch)

    def epoch(self, number: int) -> Epoch:
        """One pass; all that is random in it follows from the seed and its number."""
        seed = int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])
        generator = torch.Generator().manual_seed(seed)
        totals = torch.zeros(2, dtype=torch.float64, device=self.x.device)
        self.network.train()
        with torch.random.fork_rng():
            torch.manual_seed(seed + self.team.rank)  # of dropout
            batches = torch.randperm(len(self.x), generator=generator).split(self.schedule.batch)
            for step, index in enumerate(batches, number * self.steps_an_epoch):
                self._prepare(step / (self.schedule.epochs * self.steps_an_epoch))
                totals += self._step(index, generator)
        self._prepare(1.0)
        self.network.eval()
        loss, right = (self.team.total(totals) / len(self.x)).tolist()
        if not math.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss} in epoch {number + 1}; train more slowly, or check the data")
        return Epoch(loss, None if math.isnan(right) else right)

    def _prepare(self, progress: float) -> None:
        rate = self.schedule.learning_rate * (1 + math.cos(math.pi * progress)) / 2
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        for module in self.network.modules():
            if isinstance(module, Annealed):
                module.anneal(progress)

    def _step(self, index: Tensor, generator: torch.Generator) -> Tensor:
        """One step; loss and right answers (or NaN), summed over this process's share of the batch."""
        batch = self.x[index] if self.augment is None else self.augment(self.x[index], generator)
        own = self.team.share(torch.arange(len(index)))
        count = len(own)
        if not count:  # of a batch smaller than the team: an example that counts for nothing, for gradients to average
            own = torch.zeros(1, dtype=torch.int64)
        y = self.y[index[own]]
        outputs = self.joined(batch[own])
        # The mean over processes of such losses is the mean over the batch, however many examples each has.
        loss = self.loss(outputs, y) * (count * self.team.size / len(index))
        self.optimiser.zero_grad()
        loss.backward()
        for module in self.network.modules():
            if isinstance(module, Bounded):
                module.inward()
        self.optimiser.step()
        right = (outputs.argmax(-1) == y)[:count].sum() if _classify(outputs, y) else torch.tensor(math.nan)
        return torch.stack([loss.detach() * len(index) / self.team.size, right.to(loss)]).double()


def _groups(network: nn.Module, schedule: Schedule) -> list[dict[str, object]]:
    spared = {p for m in network.modules() if isinstance(m, ACDC | AFDF | TrainedMasks) for p in m.parameters()}
    trained = [p for p in network.parameters() if p.requires_grad]
    if not trained:
        raise ValueError("nothing in the network is to be trained: none of its parameters requires a gradient")
    return [
        {"params": [p for p in trained if p in spared], "weight_decay": 0.0},
        {"params": [p for p in trained if p not in spared], "weight_decay": schedule.weight_decay},
    ]


def _classify(outputs: Tensor, y: Tensor) -> bool:
    """Whether outputs are logits, and targets the labels of inputs."""
    return y.dtype == torch.int64 and y.ndim == 1 and outputs.ndim == 2 and outputs.shape[1] > 1


@torch.no_grad()
def _measured(network: nn.Module, x: Tensor, y: Tensor, loss: Loss) -> float:
    outputs = run_in_batches(network, x)
    return accuracy(outputs, y) if _classify(outputs, y) else float(loss(outputs, y))


@torch.no_grad()
def accuracy(logits: Tensor, y: Tensor) -> float:
    """Share of inputs whose largest logit is the label's."""
    return float((logits.argmax(-1) == y).double().mean())
