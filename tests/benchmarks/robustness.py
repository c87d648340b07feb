"""Accuracy on benches that are misaligned: ``python -m tests.benchmarks.robustness``.

The digits network, trained as numbers and trained on with imperfections in the loop, on benches drawn at random.
``--work DIR`` keeps checkpoints: interrupted, it goes on from them. ``--figure FILE`` draws the curves.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch
from torch import nn

from acdc_optical import Bench, Imperfections, InTheLoop, Schedule, realise_each
from acdc_optical.benches.distributions import Distributions, Normal
from acdc_optical.budgets.exposure import Exposure
from acdc_optical.figures import plot_robustness
from acdc_optical.imperfect.robust import each_drawn, outputs_on
from acdc_optical.routes import Run, train_numbers
from acdc_optical.training.datasets import Split
from acdc_optical.training.fitting import accuracy, fit
from acdc_optical.training.networks import Recipe, for_digits
from tests.benchmarks.photon_budget import Camera, exposures, ideal
from tests.benchmarks.table import Section, machine, publish_sections

SEEDS = range(3)
DRAWS = 20
SEED_OF_DRAWS = 1000
LEVELS = (0.0, 0.5, 0.75, 1.0, 1.5, 2.0)
LEVEL = LEVELS.index(1.0)

SHIFT, DEFOCUS = 1.6e-6, 50e-6
"""Standard deviations at level 1: a fifth of a pixel, for every part along each axis; half a tenth of a millimetre."""

BITS = 6
PER_OUTPUT = 4.0
"""Photons detected for each output of a layer where noise comes on top, at level 1."""

IN_THE_LOOP = Schedule(epochs=30, learning_rate=1e-2)
WITH_NOISE = Schedule(epochs=8, learning_rate=5e-3)
WIDER = 1.25
"""Level of the benches in the loop."""

HEADER = ["network", *[f"level {level:g}" for level in LEVELS]]
GAP_HEADER = ["seed", "perfect bench", "level 1", "benches in the loop", "gap closed"]
NOISE_HEADER = [*GAP_HEADER[:2], "level 1 and noise", *GAP_HEADER[3:], "noise in the loop, too", "gap closed"]


def misaligned(level: float) -> Distributions:
    """Planes, lenses and mask A on the modulator, each for itself."""
    parts = ("modulator", "fourier_mask", "camera", "first_lens", "second_lens", "input_mask")
    shifts = {f"{part}.shift_{axis}": Normal(level * SHIFT) for part in parts for axis in "yx"}
    return shifts | {f"{part}.defocus": Normal(level * DEFOCUS) for part in parts[:3]}


def steps() -> Imperfections:
    """What is wrong with every bench: masks of few amplitudes."""
    bits = {"input_device.amplitude_bits": BITS, "fourier_device.amplitude_bits": BITS}
    return Imperfections().changed(bits)


class Outcome(NamedTuple):
    """Of one seed.

    Attributes:
        perfect: accuracy by numbers, which is that of a perfect bench.
        before, after: for each level accuracies on each bench, without and with imperfections in the loop.
        noisy: on benches of level 1 with noise: without, with benches, and with benches and noise in the loop.
    """

    perfect: float
    before: list[list[float]]
    after: list[list[float]]
    noisy: tuple[list[float], list[float], list[float]]

    @property
    def closed(self) -> float:
        """The share of the gap between the perfect bench and those of level 1 that is closed."""
        return self._closed(self.before[LEVEL], self.after[LEVEL])

    @property
    def closed_in_noise(self) -> tuple[float, float]:
        """The same with noise, by benches and by benches and noise in the loop."""
        before, *after = self.noisy
        return self._closed(before, after[0]), self._closed(before, after[1])

    def _closed(self, before: list[float], after: list[float]) -> float:
        return (mean(after) - mean(before)) / (self.perfect - mean(before))


def on_benches(optical: nn.Module, data: Split, level: float, readings: list[Exposure] | None = None) -> list[float]:
    """Accuracy on each bench that was drawn."""
    benches = list(each_drawn(steps(), misaligned(level), seed=SEED_OF_DRAWS, draws=range(DRAWS if level else 1)))
    return [accuracy(y, data.test_y) for y in outputs_on(optical, data.test_x, benches, readings=readings)]


def few_photons(optical: nn.Module, data: Split) -> list[Exposure]:
    """As many as said reach the camera of a perfect bench."""
    return exposures(optical, Camera(Bench.preset(), ideal), data.train_x, PER_OUTPUT)


def in_noise(optical: nn.Module, data: Split) -> list[float]:
    """The same at level 1 with few photons."""
    return on_benches(optical, data, LEVELS[LEVEL], few_photons(optical, data))


def trained_on(loop: InTheLoop, recipe: Recipe, schedule: Schedule, run: Run) -> nn.Module:
    """The network in the loop, another bench for every batch."""
    x, y = recipe.data.train_x, recipe.data.train_y
    options = {"augment": recipe.augment, "seed": run.seed, "checkpoint": run.checkpoint}
    for _ in fit(loop, x, y, schedule=schedule, **options):  # type: ignore[arg-type]
        pass
    return loop.network


def in_the_loop(numbers: nn.Module, recipe: Recipe, seed: int, work: Path) -> tuple[nn.Module, nn.Module]:
    """The network trained on with benches, and from there with benches and noise."""
    loop = InTheLoop(realise_each(copy.deepcopy(numbers), Bench.preset()), misaligned(WIDER), wrong=steps())
    benches = trained_on(loop, recipe, IN_THE_LOOP, Run(seed, checkpoint=work / f"digits-{seed}-benches.checkpoint"))
    optical = copy.deepcopy(benches)
    loop = InTheLoop(optical, misaligned(WIDER), wrong=steps(), readings=few_photons(optical, recipe.data))
    noise = trained_on(loop, recipe, WITH_NOISE, Run(seed, checkpoint=work / f"digits-{seed}-noise.checkpoint"))
    return benches, noise


def outcome(recipe: Recipe, seed: int, work: Path) -> Outcome:
    """Train both ways, and put both on the same benches."""
    data = recipe.data
    numbers = train_numbers(recipe, run=Run(seed, checkpoint=work / f"digits-{seed}-numbers.checkpoint")).network.eval()
    with torch.no_grad():
        perfect = accuracy(numbers(data.test_x), data.test_y)
    plain = realise_each(numbers, Bench.preset())
    before = [on_benches(plain, data, level) for level in LEVELS]
    benches, noise = in_the_loop(numbers, recipe, seed, work)
    after = [on_benches(benches, data, level) for level in LEVELS]
    return Outcome(perfect, before, after, tuple(in_noise(each, data) for each in (plain, benches, noise)))


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation in %."""
    values = [100 * value for value in values]
    return f"{mean(values):.1f} ± {stdev(values) if len(values) > 1 else 0.0:.1f}"


def report(found: Sequence[Outcome]) -> None:
    """Write what is there."""
    before, after = ([getattr(each, name) for each in found] for name in ("before", "after"))
    rows = []
    for name, each in (("numbers, put on the bench", before), ("trained with benches in the loop", after)):
        rows.append([f"{name}: mean", *(spread([mean(run[i]) for run in each]) for i in range(len(LEVELS)))])
        rows.append([f"{name}: worst bench", *(spread([min(run[i]) for run in each]) for i in range(len(LEVELS)))])
    notes = [
        "Accuracy of the digits network on held-out data in %. At level 1 every plane, every lens and mask A on the "
        f"modulator is shifted by {SHIFT * 1e6:g} µm along each axis (a fifth of a pixel), and every plane is "
        f"{DEFOCUS * 1e6:g} µm out of focus: standard deviations of normal distributions, each for itself. Other "
        f"levels are in proportion. Masks A and D have amplitudes of {BITS} bits at all levels. Both layers stand on "
        "one bench.",
        f"In the loop: {IN_THE_LOOP.epochs} epochs more from the trained numbers, all parameters, another bench of "
        f"level {WIDER:g} for every batch. Tested on {DRAWS} benches for each level, never seen in training, the same "
        "ones for both.",
        f"Noise: {PER_OUTPUT:g} photons detected for each output on a perfect bench, by homodyne with perfect sensors; "
        f"in the loop for {WITH_NOISE.epochs} epochs after those with benches.",
        "",
        f"CPU: {machine()}. torch {torch.__version__}, one thread; `python -m tests.benchmarks.robustness`.",
    ]
    sections = [
        Section(f"Mean ± standard deviation of {len(found)} seeds", HEADER, rows, []),
        _gap(found),
        _gap_in_noise(found),
    ]
    publish_sections("robustness", "Imperfections in the loop", notes, sections)


def _gap(found: Sequence[Outcome]) -> Section:
    gaps = [
        [str(seed), f"{100 * o.perfect:.1f}", spread(o.before[LEVEL]), spread(o.after[LEVEL]), f"{o.closed:.0%}"]
        for seed, o in enumerate(found)
    ]
    remark = f"Closed in the mean over seeds: {spread([o.closed for o in found])} %."
    return Section("The gap at level 1, mean ± standard deviation of the benches", GAP_HEADER, gaps, [remark])


def _gap_in_noise(found: Sequence[Outcome]) -> Section:
    gaps = []
    for seed, o in enumerate(found):
        (before, benches, noise), (first, second) = map(spread, o.noisy), o.closed_in_noise
        gaps.append([str(seed), f"{100 * o.perfect:.1f}", before, benches, f"{first:.0%}", noise, f"{second:.0%}"])
    first, second = (spread(each) for each in zip(*(o.closed_in_noise for o in found), strict=True))
    remark = f"Closed in the mean over seeds: {first} % with benches in the loop, {second} % with noise, too."
    return Section(f"The same with {PER_OUTPUT:g} photons for each output", NOISE_HEADER, gaps, [remark])


def draw(found: Sequence[Outcome], path: Path) -> None:
    """Accuracy against the level, over benches and seeds."""
    pooled = [
        [[value for each in found for value in getattr(each, name)[i]] for i in range(len(LEVELS))]
        for name in ("before", "after")
    ]
    names = ("trained as numbers", "trained with benches in the loop")
    shifts = [level * SHIFT * 1e6 for level in LEVELS]
    plot_robustness(dict(zip(names, pooled, strict=True)), shifts, "shift of every part [µm rms]").savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, help="folder for checkpoints, to go on from")
    parser.add_argument("--figure", type=Path, help="a picture of the curves")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    recipe, found = for_digits(), []
    with TemporaryDirectory() as temporary:
        for seed in SEEDS:
            found.append(outcome(recipe, seed, asked.work or Path(temporary)))
            report(found)
    if asked.figure:
        draw(found, asked.figure)


if __name__ == "__main__":
    main()
