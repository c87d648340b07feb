"""Accuracy against photons: ``python -m tests.benchmarks.photon_budget``.

The digits network by light on a perfect bench, read with the noise of an exposure, from few photons to many.
``--work DIR`` keeps checkpoints: interrupted, it goes on from them.
"""

from __future__ import annotations

import argparse
import copy
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch
from torch import Tensor, nn

from acdc_optical import Bench, Imperfections, InTheLoop, Laser, Schedule, realise_each
from acdc_optical.benches.planes import Planes
from acdc_optical.budgets.exposure import Exposure, exposure_of
from acdc_optical.imperfect.layer import Reading
from acdc_optical.imperfect.operator import ImperfectMatrix
from acdc_optical.imperfect.robust import full_scales, on_bench
from acdc_optical.realisation import run_in_batches
from acdc_optical.routes import Run, train_numbers
from acdc_optical.training.datasets import Split
from acdc_optical.training.fitting import accuracy, fit
from acdc_optical.training.networks import Recipe, for_digits
from optics import BalancedHomodyne, Sensor
from optics.detection.shot import Poisson
from tests.benchmarks.table import Section, machine, publish_sections

SEEDS = range(3)
EXPOSURES = 5
PER_OUTPUT = (0.1, 0.3, 1.0, 2.0, 4.0, 10.0, 256.0)
"""Signal photons detected for each output; the last is one for each multiplication of a dense layer of 256."""

STRONG = 1e2
"""Amplitude of the reference over that of a modulator pixel that shows 1: its own photons no longer matter."""

IN_THE_LOOP = Schedule(epochs=10, learning_rate=5e-3)
TRAINED_AT = 1.0
"""Photons for each output with which the second network is trained."""

HEADER = ["read by", *[f"{n:g}" for n in PER_OUTPUT], "90 % at, an output", "90 % at, a multiplication"]
LAUNCHED = ["layer", "of the photons launched are detected", "launched for each multiplication, at 90 %"]


class Camera(NamedTuple):
    """How the field is read."""

    bench: Bench
    exposure: Callable[[Bench, Planes, float], Exposure]
    """Of a bench, for a field of so many photons where a modulator pixel shows 1."""


def ideal(bench: Bench, planes: Planes, photons: float) -> Exposure:
    """Balanced homodyne by perfect sensors beside a strong reference."""
    reference = STRONG * math.sqrt(photons)
    return Exposure(BalancedHomodyne(reference, Sensor(shot=Poisson())), math.sqrt(photons), planes.camera.ndim)


def of_bench(bench: Bench, planes: Planes, photons: float) -> Exposure:
    """By the camera of the bench, with as much power as that takes."""
    of_a_watt = exposure_of(bench.replace(laser=Laser(power=1.0)), planes).amplitude ** 2
    return exposure_of(bench.replace(laser=Laser(power=photons / of_a_watt)), planes)


def cameras() -> dict[str, Camera]:
    scmos = Bench.preset("lcos-8um", "camera-scmos")
    homodyne = scmos.replace(camera=scmos.camera.replace(read_out="homodyne"))
    return {
        "homodyne, perfect sensors": Camera(Bench.preset(), ideal),
        "homodyne, sCMOS": Camera(homodyne, of_bench),
        "four steps, sCMOS": Camera(scmos, of_bench),
    }


class Metered:
    """A reading that notes how much light it was given."""

    def __init__(self, reading: Reading | None = None):
        self.reading = reading
        self.energies: list[float] = []

    def __call__(self, field: Tensor) -> Tensor:
        """What is read; the mean over inputs of Σ|E|² is noted."""
        energy = field.detach().abs().square().sum((-2, -1)).mean()
        self.energies.append(float(energy))
        return field if self.reading is None else self.reading(field)

    @property
    def energy(self) -> float:
        return mean(self.energies)


def lit(optical: nn.Module) -> list[ImperfectMatrix]:
    """The layers on a perfect bench."""
    return [m for m in on_bench(optical, Imperfections()).modules() if isinstance(m, ImperfectMatrix)]


def energies(optical: nn.Module, x: Tensor) -> list[float]:
    """Σ|E|² on the camera of each layer without noise, where a modulator pixel that shows 1 has |E|² = 1."""
    meters = [Metered() for _ in lit(optical)]
    run_in_batches(on_bench(optical, Imperfections(), readings=meters), x)
    return [meter.energy for meter in meters]


def exposures(optical: nn.Module, camera: Camera, x: Tensor, per_output: float) -> list[Exposure]:
    """For each layer, with so many electrons of signal for each of its outputs, in the mean over inputs x."""
    found = []
    for matrix, energy in zip(lit(optical), energies(optical, x), strict=True):
        electrons = per_output * math.prod(matrix.shape)
        photons = electrons / camera.bench.camera.quantum_efficiency / energy
        found.append(camera.exposure(camera.bench, matrix.layer.masks().planes, photons))
    return found


class Point(NamedTuple):
    """Accuracy for each of several exposures, and electrons for each output in the mean of all layers."""

    accuracies: list[float]
    electrons: float


def judged(optical: nn.Module, camera: Camera, data: Split, per_output: float) -> Point:
    """On test data; noise that goes on to the next layer is light there, and counted."""
    efficiency = camera.bench.camera.quantum_efficiency
    readings = exposures(optical, camera, data.train_x, per_output)
    meters = [Metered(exposure.seeded(place)) for place, exposure in enumerate(readings)]
    light = on_bench(optical, Imperfections(), readings=meters)
    with torch.no_grad():
        outputs = light(data.test_x.repeat(EXPOSURES, 1, 1)).chunk(EXPOSURES)
    electrons = [
        meter.energy * exposure.amplitude**2 * efficiency / math.prod(matrix.shape)
        for meter, exposure, matrix in zip(meters, readings, lit(optical), strict=True)
    ]
    return Point([accuracy(y, data.test_y) for y in outputs], mean(electrons))


def in_the_loop(numbers: nn.Module, recipe: Recipe, seed: int, checkpoint: Path) -> nn.Module:
    """The network trained on with the noise of few photons."""
    camera, data = cameras()["homodyne, perfect sensors"], recipe.data
    optical = realise_each(copy.deepcopy(numbers), camera.bench)
    readings = exposures(optical, camera, data.train_x, TRAINED_AT)
    loop = InTheLoop(optical, {}, readings=readings)
    options = {"schedule": IN_THE_LOOP, "augment": recipe.augment, "seed": seed, "checkpoint": checkpoint}
    for _ in fit(loop, data.train_x, data.train_y, **options):  # type: ignore[arg-type]
        pass
    return loop.network


def launched(optical: nn.Module, x: Tensor) -> list[float]:
    """Of each layer, the share of the light on the modulator's pixels in use that comes to the camera's active parts.

    The modulator lets all light through for the largest number among inputs x.
    """
    shares = []
    for matrix, energy, largest in zip(lit(optical), energies(optical, x), full_scales(optical, x), strict=True):
        planes = matrix.layer.masks().planes
        active = math.prod(axis.cell.width or 1.0 for axis in planes.camera.axes)
        shares.append(energy * active / (largest**2 * math.prod(planes.input.cells)))
    return shares


def threshold(points: Sequence[Point], full: float) -> float:
    """Electrons for each output at which 90 % of the full accuracy is reached, between points on a log scale."""
    wanted, means = 0.9 * full, [mean(point.accuracies) for point in points]
    above = next((i for i, value in enumerate(means) if value >= wanted), None)
    if not above:  # nowhere, or everywhere
        return math.inf if above is None else points[0].electrons
    low, high = points[above - 1], points[above]
    share = (wanted - means[above - 1]) / (means[above] - means[above - 1])
    return low.electrons * (high.electrons / low.electrons) ** share


class Curve(NamedTuple):
    """What one network, of one seed, does by one camera."""

    points: list[Point]
    full: float

    @property
    def threshold(self) -> float:
        return threshold(self.points, self.full)


def curves(recipe: Recipe, seed: int, work: Path) -> tuple[dict[str, Curve], list[float]]:
    """By each camera, and the share of light that is detected."""
    data = recipe.data
    numbers = train_numbers(recipe, run=Run(seed, checkpoint=work / f"digits-{seed}-numbers.checkpoint")).network.eval()
    trained = in_the_loop(numbers, recipe, seed, work / f"digits-{seed}-photons.checkpoint")
    found: dict[str, Curve] = {}
    shares: list[float] = []
    with torch.no_grad():
        full = accuracy(numbers(data.test_x), data.test_y)
        for name, camera in cameras().items():
            optical = realise_each(numbers, camera.bench)
            found[name] = Curve([judged(optical, camera, data, n) for n in PER_OUTPUT], full)
            shares = shares or launched(optical, data.train_x)
        name, camera = next(iter(cameras().items()))
        points = [judged(trained, camera, data, n) for n in PER_OUTPUT]
        found[f"{name}; trained at {TRAINED_AT:g}"] = Curve(points, full)
    return found, shares


def spread(values: Sequence[float], scale: float = 100.0, form: str = ".1f") -> str:
    values = [scale * value for value in values]
    return f"{mean(values):{form}} ± {stdev(values) if len(values) > 1 else 0.0:{form}}"


def rows(runs: Sequence[dict[str, Curve]], outputs: int) -> list[list[str]]:
    """Accuracy in the mean over exposures, its spread over seeds."""
    table = []
    for name in runs[0]:
        each = [run[name] for run in runs]
        cells = [spread([mean(curve.points[i].accuracies) for curve in each]) for i in range(len(each[0].points))]
        needed = [curve.threshold for curve in each]
        table.append([name, *cells, spread(needed, 1.0, ".2g"), spread(needed, 1 / outputs, ".2g")])
    return table


def launched_rows(runs: Sequence[dict[str, Curve]], shares: Sequence[Sequence[float]], outputs: int) -> list[list[str]]:
    """What the photons that perfect sensors detect take on the modulators, layer by layer."""
    needed = [next(iter(run.values())).threshold / outputs for run in runs]
    return [
        [str(number), spread(each, 1.0, ".1e"), spread([n / s for n, s in zip(needed, each, strict=True)], 1.0, ".2g")]
        for number, each in enumerate(zip(*shares, strict=True), 1)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, help="folder for checkpoints, to go on from")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    recipe = for_digits()
    outputs = math.prod(recipe.data.train_x.shape[1:])
    with TemporaryDirectory() as temporary:
        runs: list[dict[str, Curve]] = []
        shares: list[list[float]] = []
        for seed in SEEDS:
            run, share = curves(recipe, seed, asked.work or Path(temporary))
            runs.append(run)
            shares.append(share)
            report(runs, shares, outputs)


def report(runs: Sequence[dict[str, Curve]], shares: Sequence[Sequence[float]], outputs: int) -> None:
    """Write what is there."""
    full = [next(iter(run.values())).full for run in runs]
    notes = [
        f"Accuracy on {EXPOSURES} exposures of the test data in %, mean ± standard deviation of {len(runs)} seeds, "
        f"against electrons of signal for each output of a layer (of {outputs}, so a dense layer takes {outputs} "
        f"multiplications for each); without noise it is {spread(full)}. Set for the training data without noise, the "
        "same for both layers. 90 %: of the accuracy without noise, between two columns, by electrons as counted, with "
        "those that the noise of the first layer makes in the second.",
        f"Poisson's law for every pixel; perfect sensors have a reference with {STRONG:g} times the "
        "amplitude of a modulator pixel that shows 1, "
        "sCMOS (preset `camera-scmos`) one that fills half of a well, read noise, dark current, converter and all. "
        f"Trained: {IN_THE_LOOP.epochs} epochs more, with noise in the loop.",
        "Launched are photons on the modulator's pixels in use, if the largest number among the training data lets all "
        "light through (larger ones among the test data are shown all the same), for homodyne by perfect sensors. The "
        "reference beam is not counted.",
        "",
        f"CPU: {machine()}. torch {torch.__version__}, one thread; `python -m tests.benchmarks.photon_budget`.",
    ]
    sections = [
        Section("Digits", HEADER, rows(runs, outputs), []),
        Section("Photons launched", LAUNCHED, launched_rows(runs, shares, outputs), []),
    ]
    publish_sections("photon_budget", "Photons and accuracy", notes, sections)


if __name__ == "__main__":
    main()
