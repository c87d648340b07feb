"""How far trainings of the demo's networks part that differ by rounding alone: ``python -m tests.benchmarks.rounding``.

Processors round differently, and training multiplies that. Here initial weights are off by a ten-millionth, which is
what float32 rounds by; ten minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import mean, stdev
from typing import NamedTuple

import torch
from torch import nn

from acdc_optical import Bench, Continuous, OpticalLayer, Sampled, binary_phase, realise_each, verify
from acdc_optical.realisation import run_in_batches
from acdc_optical.routes import Run, train_masks, train_numbers
from acdc_optical.training.fitting import accuracy
from acdc_optical.training.networks import Recipe, for_digits
from acdc_optical.verification import Report
from tests.benchmarks.table import Section, machine, publish_sections

TRAININGS = range(12)
PART = 1e-7
"""Relative, of each initial weight; none of the first training."""


class Trained(NamedTuple):
    """Test images that are right, of numbers, by sampled masks, by one etch; and the budget of the first layer."""

    numbers: int
    sampled: int
    etched: int
    report: Report


def trained(recipe: Recipe, number: int) -> Trained:
    """The networks of the demo, from initial weights that are a little off."""
    start, bench = recipe.network(seed=0), Bench.preset()
    generator = torch.Generator().manual_seed(number)
    with torch.no_grad():
        for weights in start.parameters() if number else ():
            weights.mul_(1 + PART * torch.randn(weights.shape, generator=generator))
    network = train_numbers(recipe, start, run=Run()).network
    etched = train_masks(network, recipe, bench, binary_phase(), run=Run()).network
    network = network.double()
    sampled = realise_each(network, bench, model=Continuous(method=Sampled()))
    x, y = recipe.data.test_x, recipe.data.test_y

    def right(module: nn.Module, inputs: torch.Tensor) -> int:
        return round(accuracy(run_in_batches(module, inputs), y) * len(y))

    first = next(stage for stage in realise_each(network, bench) if isinstance(stage, OpticalLayer))
    return Trained(right(network, x.double()), right(sampled, x.double()), right(etched, x), verify(first.layer, first))


def spread(values: Sequence[float], form: Callable[[float], str]) -> list[str]:
    return [form(mean(values)), form(stdev(values)), form(min(values)), form(max(values))]


def sections(runs: Sequence[Trained], images: int) -> list[Section]:
    """Of images, and of each row of the budget that is no rounding itself."""
    counts = [
        [name, *spread([getattr(run, field) for run in runs], "{:.1f}".format)]
        for name, field in (("numbers", "numbers"), ("sampled masks", "sampled"), ("one etch", "etched"))
    ]
    budget = []
    for rows in zip(*(run.report.budget for run in runs), strict=True):
        for what in ("error", "gain", "light"):
            values = [getattr(row, what) for row in rows]
            if min(values) > 1e-12:
                about = mean(values)
                parted = [(v / about - 1) * 100 for v in values]
                budget.append([f"{rows[0].name}: {what}", f"{about:.3g}", f"{stdev(parted):.1f} %"])
    return [
        Section(f"Of {images} test images right", ["", "mean", "deviation", "least", "most"], counts, []),
        Section("Error budget of the first layer", ["", "mean", "deviation"], budget, []),
    ]


def main() -> None:
    recipe = for_digits()
    runs = [trained(recipe, number) for number in TRAININGS]
    notes = [
        f"{len(runs)} trainings of the demo's networks whose initial weights differ by {PART:g} of themselves. Another "
        "processor's rounding does as much. `tests/test_readme.py` holds the demo to three of these deviations.",
        "",
        f"CPU: {machine()}. torch {torch.__version__}; `python -m tests.benchmarks.rounding`.",
    ]
    publish_sections("rounding", "Trainings that differ by rounding", notes, sections(runs, len(recipe.data.test_y)))


if __name__ == "__main__":
    main()
