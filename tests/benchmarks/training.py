"""Accuracy of networks whose masks are trained under a device's constraints: ``python -m tests.benchmarks.training``.

For each data set: the numerical network, the same by light through its compiled masks, and masks trained through the
continuous model from there, as devices show them. ``--work DIR`` keeps checkpoints: interrupted, it goes on from them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from torch import nn

from acdc_optical import (
    Bench,
    Design,
    PhaseOnly,
    Quantised,
    SignedAmplitude,
    SoftStaircase,
    binary_phase,
    condensed,
    realise_each,
    trainable_masks,
)
from acdc_optical.routes import Run, judge, train_masks, train_numbers
from acdc_optical.training.constraints import Constraint
from acdc_optical.training.datasets import Split
from acdc_optical.training.fitting import accuracy, fit
from acdc_optical.training.networks import Recipe, for_digits, for_mnist1d, for_mnist5k
from tests.benchmarks.table import machine, publish

SEEDS = range(3)
RECIPES: dict[str, Callable[[], Recipe]] = {"digits": for_digits, "mnist5k": for_mnist5k, "mnist1d": for_mnist1d}
DEVICES: dict[str, Constraint] = {
    "signed amplitudes": SignedAmplitude(),
    "8-bit amplitudes": Quantised(SignedAmplitude(), 8),
    "4-bit amplitudes": Quantised(SignedAmplitude(), 4),
    "4-bit amplitudes, soft staircase": Quantised(SignedAmplitude(), 4, SoftStaircase()),
    "2-bit amplitudes": Quantised(SignedAmplitude(), 2),
    "phases": PhaseOnly(),
    "4-bit phases": Quantised(PhaseOnly(), 4),
    "binary phase, 0 or π": binary_phase(),
}
FEWER = {"mnist5k": ("4-bit amplitudes", "binary phase, 0 or π"), "mnist1d": ()}
"""Devices of the data sets that take longer: a few minutes each, and half an hour for layers of 320."""

HEADER = ["data", "network", "as compiled", "in the end", "light"]


def baselines(data: Split) -> dict[str, list[float]]:
    """What scikit-learn makes of the same split."""
    x, y = data.train_x.flatten(1).numpy(), data.train_y.numpy()
    test = data.test_x.flatten(1).numpy(), data.test_y.numpy()
    return {
        "logistic regression": [LogisticRegression(max_iter=2000).fit(x, y).score(*test)],
        "perceptron of 64 hidden units": [
            MLPClassifier(64, max_iter=500, random_state=seed).fit(x, y).score(*test) for seed in SEEDS
        ],
        "support vector machine": [SVC().fit(x, y).score(*test)],
    }


def without_relu(recipe: Recipe, seed: int) -> float:
    """Accuracy of the recipe's network if nothing bends between its layers: a linear classifier."""
    network = nn.Sequential(*(stage for stage in recipe.network(seed=seed) if not isinstance(stage, nn.ReLU)))
    data = recipe.data
    for _ in fit(network, data.train_x, data.train_y, schedule=recipe.numbers, augment=recipe.augment, seed=seed):
        pass
    return accuracy(network(data.test_x), data.test_y)


def compiled(network: nn.Module, data: Split, device: Constraint) -> float:
    """Accuracy of compiled masks shown by a device as well as it can, without training."""
    optical = trainable_masks(realise_each(network, Bench.preset()), device, input=device).eval()
    with torch.no_grad():
        return accuracy(condensed(optical)(data.test_x), data.test_y)


class Entry(NamedTuple):
    """A network by one seed: accuracy as compiled, accuracy as it is in the end, and mean |t|² of its masks D."""

    compiled: float | None
    final: float
    light: float | None


def entries(name: str, recipe: Recipe, seed: int, work: Path) -> dict[str, Entry]:
    """Both routes from one seed."""
    numbers = train_numbers(recipe, run=Run(seed, checkpoint=work / f"{name}-{seed}-numbers.checkpoint")).network
    data, bench = recipe.data, Bench.preset()
    with torch.no_grad():
        right = accuracy(numbers.eval()(data.test_x), data.test_y)
    exact = Design.of(numbers, bench)
    found = {
        "numbers": Entry(None, right, None),
        "exact masks, by light": Entry(judged(exact, data), judged(exact, data), through(exact)),
    }
    for place, (device_name, device) in enumerate(DEVICES.items()):
        if device_name not in FEWER.get(name, DEVICES):
            continue
        checkpoint = work / f"{name}-{seed}-masks-{place}.checkpoint"
        masks = train_masks(numbers, recipe, bench, device, run=Run(seed, checkpoint=checkpoint))
        design = Design.of_masks(masks.network)
        found[device_name] = Entry(compiled(numbers, data, device), judged(design, data), through(design))
    return found


def judged(design: Design, data: Split) -> float:
    """Accuracy by light."""
    verdict = judge(design, data)
    if verdict.light_error > 1e-5:
        raise AssertionError(f"the light is {verdict.light_error} from the response that judges it")
    return verdict.by_light


def through(design: Design) -> float:
    """Mean |t|² of the masks D of a design."""
    return mean(masks.mean_transmission[1] for masks in design.masks if masks is not None)


def spread(values: Sequence[float | None]) -> str:
    """Mean and standard deviation, in percent."""
    shares = [100 * value for value in values if value is not None]
    if not shares:
        return ""
    return f"{mean(shares):.2f} ± {stdev(shares):.2f}" if len(shares) > 1 else f"{shares[0]:.2f}"


def rows_of(name: str, recipe: Recipe, work: Path) -> list[list[str]]:
    """The part of the table for a data set."""
    scores = baselines(recipe.data)
    if name == "mnist1d":  # on images a linear classifier does well; here it cannot
        scores["the ACDC network without ReLU"] = [without_relu(recipe, seed) for seed in SEEDS]
    rows = [[name, model, "", spread(found), ""] for model, found in scores.items()]
    runs = [entries(name, recipe, seed, work) for seed in SEEDS]
    for network in runs[0]:
        columns = zip(*(run[network] for run in runs), strict=True)
        rows.append([name, network, *map(spread, columns)])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, help="folder for checkpoints, to go on from")
    parser.add_argument("--data", choices=RECIPES, action="append", help="data sets; all by default")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as temporary:
        work = asked.work or Path(temporary)
        rows = [row for name in asked.data or RECIPES for row in rows_of(name, RECIPES[name](), work)]
    notes = [
        f"Accuracy on held-out data in %, mean ± standard deviation of {len(SEEDS)} seeds. How long and how fast masks "
        "train was chosen by seeds 0 and 1 of digits, on the same data. "
        "Preset `lcos-8um`, two mask pixels per coefficient; constraints hold for mask A and mask D of every layer.",
        "As compiled: the masks of the numerical network, shown by the device as well as it can. In the end: after "
        "training them through the continuous model. Light: mean |t|² of masks D, in %.",
        "Masks are judged by light through the condensed response of the bench; the light itself, computed plane by "
        "plane for eight inputs of every design, is within 1e-5 of it.",
        "",
        f"CPU: {machine()}. torch {torch.__version__}, one thread; `python -m tests.benchmarks.training`.",
    ]
    publish("training", "Masks trained through light", notes, HEADER, rows)


if __name__ == "__main__":
    main()
