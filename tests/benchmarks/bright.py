"""How much brighter masks of the same layer can be: ``python -m tests.benchmarks.bright``, ten minutes.

Light on the camera is in proportion to 1/max|D|² for all masks that make a layer.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import cache, partial
from statistics import mean
from typing import NamedTuple

import torch
from torch.nn.functional import interpolate

from acdc_optical import (
    ACDC,
    AFDF,
    Brightest,
    Exact,
    LinearProgramme,
    Masks,
    Schedule,
    Splitting,
    compile_layer,
    fit,
    realise,
    trade_off,
)
from acdc_optical.compilation.methods import Method
from acdc_optical.compilation.searches import Search
from acdc_optical.training.datasets import digits
from acdc_optical.training.networks import classifier
from tests.benchmarks.table import Section, machine, publish_sections
from tests.realisation.cases import STARTS, bench, inputs, layer, relative_error

SEEDS = range(5)
SUBPIXELS = (3, 4)
SHAPES = [(16,), (64,), (256,), (8, 8), (16, 16)]
# 3e-3 of the maximum, 6e-3 of the light, in a third of the time.
LARGE = Splitting(gap=3e-3)
LARGE_SHAPES = [(32, 32), (64, 64)]
COMPLEX_SHAPES = [(16,), (64,), (256,), (16, 16)]
ERRORS = (0.0, 1e-4, 1e-3, 1e-2, 3e-2, 0.1, 0.3)
# Ten passes over 1437 digits: far enough from its start that the diagonals are of the task.
SCHEDULE = Schedule(epochs=10)

HEADER = [
    "layer",
    "shape",
    "diagonals",
    "pixels per coefficient",
    "light × least squares",
    "least of the seeds",
    "light × least squares at 2",
    "mean of abs(t)²",
    "of least squares",
    "of least squares at 2",
    "gap",
    "residual",
    "error of the outputs",
    "seconds",
]


class Outcome(NamedTuple):
    """Of one layer; light relative to least squares on the same pixels and on two per coefficient."""

    light: float
    light_of_two: float
    transmission: float
    of_least_squares: float
    of_two: float
    gap: float
    residual: float
    error: float
    seconds: float


def outcome(numbers: ACDC | AFDF, subpixels: int, search: Search) -> Outcome:
    table = bench(subpixels=subpixels)
    gaps: list[float] = []

    def watched(moments, error):
        found = search(moments, error)
        gaps.append(found.gap)
        return found

    start = time.perf_counter()
    optical = realise(numbers, table, method=Brightest(search=watched))
    seconds = time.perf_counter() - start
    bright, plain, two = optical.masks(), compiled(numbers, subpixels, Exact()), compiled(numbers, 2, Exact())
    x = inputs(numbers, 4)
    return Outcome(
        float(plain.gain / bright.gain) ** 2,
        float(two.gain / bright.gain) ** 2,
        *(masks.mean_transmission[1] for masks in (bright, plain, two)),
        gaps[0],
        bright.residual,
        relative_error(optical(x), numbers(x)),
        seconds,
    )


def compiled(numbers: ACDC | AFDF, subpixels: int, method: Method) -> Masks:
    return compile_layer(numbers, bench(subpixels=subpixels), method=method)


@cache
def trained(shape: tuple[int, ...], seed: int) -> ACDC:
    """The first layer of a network for digits, shown at the layer's size, a square number of pixels."""
    data = digits()
    side = math.isqrt(math.prod(shape))
    x = interpolate(data.train_x[:, None], size=(side, side), mode="area").reshape(-1, *shape)
    network = classifier(shape, data.classes, seed=seed)
    with torch.enable_grad():
        list(fit(network, x, data.train_y, schedule=SCHEDULE, seed=seed))
    first = network[0]
    assert isinstance(first, ACDC)
    double = ACDC(shape, dtype=torch.float64)
    double.a.copy_(first.a)
    double.d.copy_(first.d)
    return double


def sources(kind: str, shape: tuple[int, ...]) -> dict[str, Callable[[int], ACDC | AFDF]]:
    """Layers by their diagonals, each from a seed."""
    random = {start: lambda seed, start=start: layer(kind, shape, start, seed=seed) for start in STARTS}
    return {**random, "trained": partial(trained, shape)} if kind == "ACDC" else random


def row(name: list[str], subpixels: int, outcomes: list[Outcome]) -> list[str]:
    by = Outcome(*map(list, zip(*outcomes, strict=True)))
    return [
        *name,
        str(subpixels),
        f"{mean(by.light):.2f}",
        f"{min(by.light):.2f}",
        f"{mean(by.light_of_two):.2f}",
        *(f"{mean(share):.1%}" for share in (by.transmission, by.of_least_squares, by.of_two)),
        f"{max(by.gap):.0e}",
        f"{max(by.residual):.0e}",
        f"{max(by.error):.0e}",
        f"{mean(by.seconds):.2g}",
    ]


def rows(search: Search, cases: list[tuple[str, tuple[int, ...]]], subpixels: tuple[int, ...]) -> list[list[str]]:
    found = []
    for kind, shape in cases:
        for start, make in sources(kind, shape).items():
            for count in subpixels:
                outcomes = [outcome(make(seed), count, search) for seed in SEEDS]
                found.append(row([kind, " × ".join(map(str, shape)), start], count, outcomes))
    return found


def curve(shape: tuple[int, ...], start: str) -> list[str]:
    """Light at each error, the mean over seeds."""
    points = [trade_off(sources("ACDC", shape)[start](seed), bench(subpixels=4), ERRORS) for seed in SEEDS]
    lights = [mean(point.light for point in at_one) for at_one in zip(*points, strict=True)]
    return ["ACDC", " × ".join(map(str, shape)), start, *(f"{light:.2f}" for light in lights)]


def sections() -> list[Section]:
    real = [("ACDC", shape) for shape in SHAPES]
    complexes = [("AFDF", shape) for shape in COMPLEX_SHAPES]
    programmes = [("ACDC", shape) for shape in [(16,), (64,), (144,)]]
    curves = [curve(shape, start) for shape in [(16,), (64,), (16, 16)] for start in sources("ACDC", shape)]
    found = rows(Splitting(), real, SUBPIXELS) + rows(LARGE, [("ACDC", shape) for shape in LARGE_SHAPES], (4,))
    return [
        Section("Real masks, by splitting", HEADER, found, []),
        Section("Complex masks, by splitting", HEADER, rows(Splitting(), complexes, (4,)), []),
        Section("The linear programme", HEADER, rows(LinearProgramme(), programmes, (4,)), []),
        Section(
            "Light × least squares by the relative error of the outputs, four pixels per coefficient",
            ["layer", "shape", "diagonals", *(f"{error:g}" for error in ERRORS)],
            curves,
            [],
        ),
    ]


def main() -> None:
    with torch.no_grad():
        tables = sections()
    notes = [
        f"Means over {len(SEEDS)} layers; gap, residual and error are the largest of them. Bench of the tests: fills "
        "0.9644 (modulator), 1 (mask), 0.9 (camera). Light is what reaches the camera, in units of that through the "
        "least-squares mask (`Exact`) on as many pixels, or on two per coefficient. The mean of abs(t)² is the light "
        "through the mask were it lit evenly. Gap: the maximum over its proved lower bound, less 1. The error of the "
        "outputs is against the numerical layer, by the continuous model. Seconds are of `realise`, equations "
        "included, one thread. "
        f"Trained: first layers of networks for digits shown at that size, {SCHEDULE.epochs} epochs.",
        "",
        f"{machine()}, torch {torch.__version__}; `python -m tests.benchmarks.bright`.",
    ]
    publish_sections("bright", "Brightest masks", notes, tables)


if __name__ == "__main__":
    main()
