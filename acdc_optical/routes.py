"""Two routes from data to masks: train a numerical network and compile it, or train the masks through their light.

The second starts from where the first, or its untrained network, stands; so the two can be compared side by side.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from acdc_optical.benches.bench import Bench
from acdc_optical.design import Design
from acdc_optical.models import Continuous, Model
from acdc_optical.progress import Track, silent
from acdc_optical.realisation import OpticalLayer, realise_each, run_in_batches
from acdc_optical.training.condensed import check_condensable, condensed
from acdc_optical.training.constraints import Constraint
from acdc_optical.training.datasets import Split
from acdc_optical.training.fitting import Epoch, Schedule, accuracy, fit
from acdc_optical.training.networks import Recipe
from acdc_optical.training.trained_masks import trainable_masks
from acdc_optical.verification import relative_error

_PROBES = 8
"""Inputs for which light is computed sample by sample, beside the condensed response that judges all."""


@dataclass(frozen=True)
class Run:
    """One training, whatever it trains.

    Attributes:
        seed: of start, shuffling and augmentation.
        device: where.
        checkpoint: see :func:`~acdc_optical.training.fitting.fit`.
        track: shows progress.
    """

    seed: int = 0
    device: str = "cpu"
    checkpoint: Path | None = None
    track: Track = silent


class Trained(NamedTuple):
    """A network and what each epoch of its training showed."""

    network: nn.Module
    history: list[Epoch]


def check(recipe: Recipe, bench: Bench, model: Model | None = None) -> None:
    """See beforehand whether what a recipe trains can stand on a bench, and its light be condensed.

    Raises:
        ValueError: a layer does not fit the bench, or a model whose axes mix.
    """
    for module in realise_each(recipe.network(seed=0), bench, model=model).modules():
        if isinstance(module, OpticalLayer):
            check_condensable(module)


def train_numbers(recipe: Recipe, start: nn.Module | None = None, *, run: Run = Run()) -> Trained:
    """Train the numerical network of a recipe.

    Args:
        recipe: what to train, on what, and how.
        start: the network to start from, which stays as it is, as ``Design.of_masks(masks).network``, the numbers
            nearest to masks; the recipe's random one by default.
        run: seed, device, checkpoint and progress.
    """
    network = (recipe.network(seed=run.seed) if start is None else copy.deepcopy(start)).to(run.device)
    return Trained(network, _fitted(network, recipe, recipe.numbers, "numbers", run))


def train_masks(
    network: nn.Module,
    recipe: Recipe,
    bench: Bench,
    constraint: Constraint | None = None,
    *,
    input: Constraint | None = None,
    model: Model | None = None,
    run: Run = Run(),
) -> Trained:
    """Train masks through their light, from those that a numerical network is compiled to.

    Args:
        network: where to start; it stays as it is.
        recipe, run: as for :func:`train_numbers`.
        bench: the table.
        constraint: what mask D can show; see :func:`~acdc_optical.training.trained_masks.trainable_masks`.
        input: what mask A can show; the same unless given.
        model: of the light; its axes must not mix.
    """
    optical = trainable_masks(realise_each(network, bench, model=model), constraint, input=input or constraint)
    optical = optical.to(run.device)
    history = _fitted(condensed(optical), recipe, recipe.masks, "masks", run)
    return Trained(optical.eval(), history)


def _fitted(network: nn.Module, recipe: Recipe, schedule: Schedule, what: str, run: Run) -> list[Epoch]:
    data = type(recipe.data)(*(part.to(run.device) for part in recipe.data))
    epochs = fit(
        network,
        data.train_x,
        data.train_y,
        schedule=schedule,
        augment=recipe.augment,
        held_out=(data.test_x, data.test_y),
        seed=run.seed,
        checkpoint=run.checkpoint,
    )
    return list(run.track(epochs, f"training {what}", schedule.epochs))


class Verdict(NamedTuple):
    """How a design does on data held out.

    Attributes:
        by_light: accuracy by the response of the bench's masks.
        light_error: relative L2 distance of that response from the light itself, computed plane by plane.
    """

    by_light: float
    light_error: float


@torch.no_grad()
def judge(design: Design, data: Split, model: Model | None = None) -> Verdict:
    """Judge the masks of a design by the test data.

    Args:
        design: what is judged.
        data: whose test part counts.
        model: of the light, :class:`~acdc_optical.models.Continuous` by default; one that takes pixels for what they
            are, or it has no use for the masks.

    Raises:
        ValueError: a model whose axes mix; see :class:`~acdc_optical.training.condensed.CondensedLayer`.
    """
    light = design.realise(model or Continuous())
    x = data.test_x.to(next(light.parameters()).dtype)
    outputs = run_in_batches(condensed(light), x)
    seen = run_in_batches(light, x[:_PROBES])
    return Verdict(accuracy(outputs, data.test_y), relative_error(outputs[:_PROBES], seen))
