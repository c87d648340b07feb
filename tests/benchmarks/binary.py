"""Masks of one etch, of phase 0 and π: ``python -m tests.benchmarks.binary``, a quarter of an hour.

What moving the edges leaves of an error, what rounding them to a grid brings back, and what least widths cost.
"""

from __future__ import annotations

import time
from dataclasses import replace
from statistics import mean
from typing import NamedTuple

import torch

from acdc_optical import ACDC, Brightest, Continuous, Exact, Masks, OneEtch, OpticalLayer, Splitting, realise
from acdc_optical.compilation.methods import Method
from acdc_optical.compilation.moments import Moments
from acdc_optical.compilation.searches import Found, Search
from acdc_optical.sources import FixedMasks
from optics import Stripes
from tests.benchmarks.bright import SCHEDULE, compiled, trained
from tests.benchmarks.table import Section, machine, publish_sections
from tests.realisation.cases import STARTS, bench, inputs, layer, relative_error

SEEDS = range(5)
GRID = 1e-9
EXACT = 1e-10
SIZES = [(8,), (16,), (32,), (64,), (128,)]
SUBPIXELS = {(16,): (2, 3, 4), (64,): (2, 3, 4)}
# Digits are shown to trained layers as squares.
TRAINED = [(16,), (64,), (8, 8)]
IMAGES = [(8, 8), (16, 16)]
# 3e-3 of the maximum, in a third of the time.
LARGE, LARGE_SHAPE = Splitting(gap=3e-3), (64, 64)
FEATURES = (0.25e-6, 0.5e-6, 1e-6, 2e-6, 4e-6, 8e-6)
FEATURE_SIZES = (64, 128)

HEADER = [
    "shape",
    "diagonals",
    "pixels per coefficient",
    "edges per coefficient",
    "narrowest stripe [q]",
    "residual",
    "error of the outputs",
    "exact",
    "error on a grid of 1 nm",
    "rounded plainly",
    "light × brightest",
    "light × least squares",
    "seconds",
]


class Outcome(NamedTuple):
    """Of one layer."""

    edges: float
    narrowest: float
    residual: float
    error: float
    on_grid: float
    plain: float
    bright: float
    least_squares: float
    seconds: float


def outcome(numbers: ACDC, subpixels: int, search: Search) -> Outcome:
    search = once(search)
    start = time.process_time()
    optical = etched(numbers, subpixels, OneEtch(search=search))
    seconds = time.process_time() - start
    masks = optical.masks()
    stripes = masks.fourier_mask
    assert isinstance(stripes, Stripes)
    q = stripes.width / masks.planes.input.cells[-1]
    return Outcome(
        stripes.count / stripes.rows / masks.planes.input.cells[-1],
        stripes.narrowest / q,
        masks.residual,
        error(optical),
        error(etched(numbers, subpixels, OneEtch(grid=GRID, search=search))),
        error(rounded_plainly(optical)),
        light(masks, compiled(numbers, subpixels, Brightest(search=search))),
        light(masks, compiled(numbers, subpixels, Exact())),
        seconds,
    )


def once(search: Search) -> Search:
    """The same search, made once: for several masks of one layer.

    On a grid mask pixels are larger or smaller by some 1e-5 of them: the mask nearest to the one found makes the layer.
    """
    found: list[Found] = []

    def remembered(moments: Moments, error: float) -> Found:
        if not found:
            found.append(search(moments, error))
        return found[0]._replace(mask=moments.nearest(found[0].mask))

    return remembered


def etched(numbers: ACDC, subpixels: int, method: Method) -> OpticalLayer:
    return realise(numbers, bench(subpixels=subpixels), method=method)


def rounded_plainly(optical: OpticalLayer) -> OpticalLayer:
    masks = optical.masks()
    stripes = masks.fourier_mask
    assert isinstance(stripes, Stripes)
    moved = replace(stripes, edges=(stripes.edges / GRID).round() * GRID)
    return OpticalLayer(optical.layer, FixedMasks(replace(masks, fourier_mask=moved)), optical.bench, Continuous())


def error(optical: OpticalLayer) -> float:
    x = inputs(optical.layer, 4)
    return relative_error(optical(x), optical.layer(x))


def light(masks: Masks, others: Masks) -> float:
    """On the camera, over that of others of the same layer."""
    return float(others.gain / masks.gain) ** 2


def layers(shape: tuple[int, ...]) -> dict[str, list[ACDC]]:
    """Layers by their diagonals, one for each seed."""
    found = {start: [layer("ACDC", shape, start, seed=seed) for seed in SEEDS] for start in STARTS}
    return {**found, "trained": [trained(shape, seed) for seed in SEEDS]} if shape in TRAINED else found


def row(shape: tuple[int, ...], start: str, subpixels: int, outcomes: list[Outcome]) -> list[str]:
    by = Outcome(*map(list, zip(*outcomes, strict=True)))
    return [
        " × ".join(map(str, shape)),
        start,
        str(subpixels),
        f"{mean(by.edges):.2f}",
        f"{min(by.narrowest):.4f}",
        f"{max(by.residual):.0e}",
        f"{max(by.error):.0e}",
        f"{sum(value <= EXACT for value in by.error)} of {len(outcomes)}",
        f"{mean(by.on_grid):.1e}",
        f"{mean(by.plain):.1e}",
        f"{mean(by.bright):.2f}",
        f"{mean(by.least_squares):.2f}",
        f"{mean(by.seconds):.2g}",
    ]


def rows(shapes: list[tuple[int, ...]]) -> list[list[str]]:
    return [
        row(shape, start, count, [outcome(numbers, count, Splitting()) for numbers in some])
        for shape in shapes
        for start, some in layers(shape).items()
        for count in SUBPIXELS.get(shape, (3,))
    ]


def large() -> list[str]:
    """One layer: it takes minutes."""
    start = "signed random"
    return row(LARGE_SHAPE, start, 3, [outcome(layer("ACDC", LARGE_SHAPE, start), 3, LARGE)])


def features(n: int, start: str, width: float) -> list[str]:
    """Both with one slack alone, whose error then grows, and with as much as exactness takes, which costs light."""
    free, bound = OneEtch(minimum_feature=width), OneEtch(minimum_feature=width, slacks=(0.1,))
    errors, fixed, lights, narrowest = [], [], [], []
    for seed in SEEDS:
        numbers, search = layer("ACDC", n, start, seed=seed), once(Splitting())
        optical = etched(numbers, 3, replace(free, search=search))
        masks = optical.masks()
        assert isinstance(masks.fourier_mask, Stripes)
        errors.append(error(optical))
        fixed.append(error(etched(numbers, 3, replace(bound, search=search))))
        lights.append(light(masks, compiled(numbers, 3, Brightest(search=search))))
        narrowest.append(masks.fourier_mask.narrowest)
    return [
        str(n),
        start,
        f"{width * 1e6:g}",
        f"{min(narrowest) * 1e6:.3f}",
        f"{max(errors):.0e}",
        f"{sum(value <= EXACT for value in errors)} of {len(errors)}",
        f"{mean(lights):.2f}",
        f"{max(fixed):.0e}",
        f"{sum(value <= EXACT for value in fixed)} of {len(fixed)}",
    ]


FEATURE_HEADER = [
    "N",
    "diagonals",
    "least width [µm]",
    "narrowest [µm]",
    "error",
    "exact",
    "light × brightest",
    "error at slack 0.1",
    "exact at slack 0.1",
]


def sections() -> list[Section]:
    return [
        Section("One dimension", HEADER, rows(SIZES), []),
        Section("Two dimensions", HEADER, [*rows(IMAGES), large()], []),
        Section(
            "Least widths, three pixels per coefficient",
            FEATURE_HEADER,
            [features(n, start, width) for n in FEATURE_SIZES for start in STARTS for width in FEATURES],
            [],
        ),
    ]


def main() -> None:
    with torch.no_grad():
        tables = sections()
    notes = [
        f"Over {len(SEEDS)} layers, but one of 64 × 64: edges, errors after rounding, light and seconds are means, "
        "the narrowest stripe is the least, residuals and errors are the largest. The error is that of the outputs "
        f"against the numerical layer, by the continuous model; exact: at most {EXACT:g}. 8 µm pixels, 633 nm, "
        "f = 100 mm: q is 3.96 mm/N. Fills 0.9644 (modulator), 1 (mask), 0.9 (camera). Light is what reaches the "
        "camera, in units of that through the brightest and the least-squares mask of as many pixels. Rounded plainly: "
        "the same edges, each to its nearest multiple of 1 nm. Edges per coefficient are along a row, of each of its "
        "halves. Seconds of one core are of `realise` without a grid, bright mask included. Slacks are tried in the "
        f"order {', '.join(map(str, OneEtch().slacks))}. "
        f"Trained: first layers of networks for digits shown at that size, {SCHEDULE.epochs} epochs.",
        "",
        f"{machine()}, torch {torch.__version__}; `python -m tests.benchmarks.binary`.",
    ]
    publish_sections("binary", "Masks of one etch", notes, tables)


if __name__ == "__main__":
    main()
