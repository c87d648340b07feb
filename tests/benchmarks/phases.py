"""Where masks of phases alone are exact, and at what light: ``python -m tests.benchmarks.phases``, 20 minutes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from statistics import mean, median
from typing import NamedTuple

import torch
from torch import Tensor

from acdc_optical import ACDC, AFDF, Brightest, Exact, ExactPhases, InQuadrature, Newton, OpticalLayer, realise
from acdc_optical.compilation.methods import Method
from acdc_optical.compilation.turning import PhaseEquations, Turned
from acdc_optical.verification import light_used
from tests.benchmarks import bright
from tests.benchmarks.table import Section, machine, publish_sections
from tests.realisation.cases import STARTS, bench, inputs, relative_error

SEEDS = range(5)
EXACT = 1e-10  # what the issue calls exact
# Kind, shape, pixels per coefficient. Where there are hardly enough phases all 32 starts may fail: small layers only.
CASES: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = [
    *(("ACDC", (n,), (3, 4, 5, 6)) for n in (8, 16, 32)),
    *(("ACDC", (n,), (5, 6)) for n in (64, 128)),
    ("ACDC", (8, 8), (2, 3, 4)),
    ("ACDC", (16, 16), (3, 4)),
    ("AFDF", (16,), (3, 4, 5, 6)),
    ("AFDF", (64,), (5, 6)),
    ("AFDF", (8, 8), (3, 4)),
]
QUADRATURE: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = [
    ("ACDC", shape, (2, 3, 4)) for shape in [(16,), (64,), (8, 8), (16, 16)]
]
# Those whose number of coefficients is a square: digits are shown on it.
TRAINED = [(16,), (64,), (8, 8), (16, 16)]

NAMES = ["layer", "shape", "diagonals", "pixels per coefficient"]
LIGHTS = ["light read × Exact", "× Brightest", "light on the camera × Exact", "× Brightest"]
HEADER = [*NAMES, "exact", "starts", "Newton steps", "residual", "of the others", "error of the outputs", *LIGHTS]
HEADER += ["seconds"]
QUADRATURE_HEADER = [*NAMES, "residual", "error of the outputs", *LIGHTS, "seconds"]


class Outcome(NamedTuple):
    """Of one layer; light as it is read and as it falls on the camera, over that of Exact and of Brightest."""

    residual: float
    error: float
    read: tuple[float, float]
    fallen: tuple[float, float]
    seconds: float
    starts: int
    steps: int


def outcome(numbers: ACDC | AFDF, subpixels: int, method: Method, turns: Sequence[Turned] = ()) -> Outcome:
    """Of a method; ``turns`` is where its Newton leaves what it has found."""
    start = time.perf_counter()
    optical = made(numbers, subpixels, method)
    seconds = time.perf_counter() - start
    x, masks = inputs(numbers, 4), optical.masks()
    others = [made(numbers, subpixels, other) for other in (Exact(), Brightest())]
    exact = [number for number, found in enumerate(turns) if found.residual <= EXACT]
    first = exact[0] if exact else len(turns) - 1
    return Outcome(
        masks.residual,
        relative_error(optical(x), numbers(x)),
        tuple(float(other.masks().gain / masks.gain) ** 2 for other in others),
        tuple(light_used(optical, x) / light_used(other, x) for other in others),
        seconds,
        first + 1,
        turns[first].steps if turns else 0,
    )


def phases(numbers: ACDC | AFDF, subpixels: int) -> Outcome:
    turns: list[Turned] = []

    def watched(equations: PhaseEquations, start: Tensor) -> Turned:
        turns.append(Newton()(equations, start))
        return turns[-1]

    return outcome(numbers, subpixels, ExactPhases(newton=watched), turns)


def made(numbers: ACDC | AFDF, subpixels: int, method: Method) -> OpticalLayer:
    return realise(numbers, bench(subpixels=subpixels), method=method)


def row(outcomes: list[Outcome]) -> list[str]:
    exact = [found for found in outcomes if found.residual <= EXACT]
    others = [found.residual for found in outcomes if found.residual > EXACT]
    of_exact = Outcome(*map(list, zip(*exact, strict=True))) if exact else None
    return [
        f"{len(exact)} of {len(outcomes)}",
        *([f"{mean(of_exact.starts):.1f}", f"{mean(of_exact.steps):.1f}"] if of_exact else ["–"] * 2),
        f"{max(of_exact.residual):.0e}" if of_exact else "–",
        f"{median(others):.0e}" if others else "–",
        f"{max(of_exact.error):.0e}" if of_exact else "–",
        *lights(exact),
        f"{mean(found.seconds for found in outcomes):.2g}",
    ]


def quadrature_row(outcomes: list[Outcome]) -> list[str]:
    residual, error, *_ = (max(values) for values in zip(*outcomes, strict=True))
    seconds = mean(found.seconds for found in outcomes)
    return [f"{residual:.0e}", f"{error:.0e}", *lights(outcomes), f"{seconds:.2g}"]


def lights(outcomes: list[Outcome]) -> list[str]:
    ratios = zip(*((*found.read, *found.fallen) for found in outcomes), strict=True)
    return [f"{mean(ratio):.2f}" for ratio in ratios] or ["–"] * len(LIGHTS)


def layers(kind: str, shape: tuple[int, ...]) -> Iterable[tuple[str, list[ACDC | AFDF]]]:
    """Diagonals by name, and the layers with them."""
    for name, source in bright.sources(kind, shape).items():
        if name in STARTS or shape in TRAINED:
            yield name, [source(seed) for seed in SEEDS]


def rows(cases, outcome_of, row_of) -> list[list[str]]:
    found = []
    for kind, shape, counts in cases:
        for name, of_seeds in layers(kind, shape):
            for count in counts:
                outcomes = [outcome_of(numbers, count) for numbers in of_seeds]
                found.append([kind, " × ".join(map(str, shape)), name, str(count), *row_of(outcomes)])
    return found


def in_quadrature(numbers: ACDC | AFDF, subpixels: int) -> Outcome:
    return outcome(numbers, subpixels, InQuadrature())


def main() -> None:
    with torch.no_grad():
        tables = [
            Section("Exact in both quadratures, by Newton's method", HEADER, rows(CASES, phases, row), []),
            Section(
                "Exact in phase, the rest in quadrature",
                QUADRATURE_HEADER,
                rows(QUADRATURE, in_quadrature, quadrature_row),
                [],
            ),
        ]
    notes = [
        f"Over {len(SEEDS)} layers, bench of the tests: fills 0.9644 (modulator), 1 (mask), 0.9 (camera). Exact: how "
        f"many have a residual of at most {EXACT:g}; of these the means of starts, of Newton's steps from the start "
        "that led there, and of light, and the largest residual and error of the outputs, against the numerical layer "
        "by the continuous model; of the others the median residual. Light read is that of the outputs, 1/gain²; light "
        "on the camera is all that falls on its pixels; both over those of `Exact` and `Brightest` masks on as many "
        "pixels. Seconds are of `realise`, the brightest mask and all starts included, one thread, means over all. "
        f"Trained: first layers of networks for digits shown at that size, {bright.SCHEDULE.epochs} epochs.",
        "",
        f"{machine()}, torch {torch.__version__}; `python -m tests.benchmarks.phases`.",
    ]
    publish_sections("phases", "Masks of phases alone", notes, tables)


if __name__ == "__main__":
    main()
