"""What levels, bits and features of masks as they are made cost: ``python -m tests.benchmarks.fabrication``.

Layers are compiled, their masks encoded as cells, and the light through the cells computed in the continuous model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import mean, stdev

import numpy as np
import torch

from acdc_optical import PhaseOnly
from acdc_optical.fabrication.encodings import (
    BinaryLee,
    BinaryPhase,
    BlazedCarrier,
    ChromeAndEtch,
    DoublePhase,
    Encoding,
    PhaseSteps,
)
from tests.benchmarks.made import PRESET, PROBES, SEEDS, Case, Error, each_start, errors, light, of_digits, solved
from tests.benchmarks.table import Section, machine, publish_sections

LEVELS = (2, 4, 8, 16, 32, 1024)
BITS = (1, 2, 3, 4, 5, 6, 7, 8, 10)
FEATURES = (0.5e-6, 1e-6, 2e-6, 4e-6, 8e-6)
CELLS = 16
PERIOD = 8

SHORT = PRESET.replace(focal_length="12.5 mm")
"""Pixels of mask D an eighth as large: a plate of 1 mm, of which 2000² cells are half a micrometre."""

REMARKS: dict[str, list[str]] = {"levels": [], "bits": [], "features": [], "light": []}

Masks = Callable[[float], tuple[Encoding | None, Encoding | None]]
"""How masks A and D are encoded at a place of a curve."""


def curve(case: Case, places: Sequence[float], masks: Masks, fitted: Sequence[float]) -> list[str]:
    """Cells of a table for every place, and the power of the fitted ones by which the error goes."""
    found = [errors(case, *masks(place)) for place in places]
    chosen = [
        (place, mean(e.stated for e in each)) for place, each in zip(places, found, strict=True) if place in fitted
    ]
    x, y = np.log(chosen).T
    return [*map(spread, found), f"{np.polyfit(x, y, 1)[0]:+.1f}"]


def spread(found: Sequence[Error]) -> str:
    stated = [e.stated for e in found]
    return f"{mean(stated):.1e} ± {stdev(stated):.0e} ({mean(e.calibrated for e in found):.1e})"


def by_levels() -> Section:
    real = [*each_start("ACDC", (16,), (64,), (8, 8), (16, 16)), Case("ACDC 16 × 16", "trained on digits", of_digits)]
    complex_ = each_start("AFDF", (16,), (16, 16))
    near = each_start("ACDC", (16,), (8, 8))
    ways: list[tuple[str, list[Case], Masks]] = [
        ("double phase", real + complex_, lambda n: (None, DoublePhase(int(n), CELLS))),
        ("chrome and etch", complex_, lambda n: (None, ChromeAndEtch(CELLS, int(n)))),
        ("phase steps, mask D", [solved(c, None) for c in near], lambda n: (None, PhaseSteps(int(n)))),
        ("phase steps, A and D", [solved(c, PhaseOnly()) for c in near], lambda n: (PhaseSteps(int(n)),) * 2),
    ]
    rows = [
        [name, case.name, case.diagonals, *curve(case, LEVELS, masks, LEVELS[:-1])]
        for name, cases, masks in ways
        for case in cases
    ]
    header = ["encoding", "layer", "diagonals", *map(str, LEVELS), "power, 2 to 32"]
    return Section("Levels of an etched mask D", header, rows, REMARKS["levels"])


def by_bits() -> Section:
    ways: list[tuple[str, list[Case], Masks]] = [
        ("double phase", each_start("ACDC", (16,), (64,), (16, 16)), lambda n: (None, DoublePhase(int(n), 1))),
        (
            "blazed carrier",
            each_start("ACDC", (16,), (8, 8)) + each_start("AFDF", (16,)),
            lambda n: (None, BlazedCarrier(int(n), CELLS, PERIOD)),
        ),
    ]
    places = [2.0**bits for bits in BITS]
    rows = [
        [name, case.name, case.diagonals, *curve(case, places, masks, places[3:])]
        for name, cases, masks in ways
        for case in cases
    ]
    header = ["encoding", "layer", "diagonals", *(f"{bits} bit" for bits in BITS), "power of levels, 4 to 10 bit"]
    return Section("Bits of a phase modulator as mask D", header, rows, REMARKS["bits"])


def count(pixel: float, feature: float) -> int:
    """Cells of this size that fit into a pixel."""
    return math.floor(pixel / feature * (1 + 1e-9))


def by_feature() -> Section:
    encodings: dict[str, Callable[[int], Encoding]] = {
        "chrome and etch": ChromeAndEtch,
        "binary phase": BinaryPhase,
        "double phase, 16 levels": lambda n: DoublePhase(16, n),
        f"blazed carrier, 16 levels, period {PERIOD}": lambda n: BlazedCarrier(16, n, PERIOD),
        f"binary Lee, period {PERIOD}": lambda n: BinaryLee(n, PERIOD),
    }
    wide = {"binary Lee, period a quarter pixel": lambda n: BinaryLee(n, max(4, n // 4))}
    near, short = each_start("ACDC", (16,), (8, 8)), each_start("ACDC", (8, 8), bench=SHORT)
    rows = [
        *(_row("D", name, case, encoding) for case in near[:2] for name, encoding in (encodings | wide).items()),
        *(_row("D", name, case, encoding) for case in short for name, encoding in encodings.items()),
        *(_row("A", name, case, encoding) for case in near for name, encoding in list(encodings.items())[:3]),
    ]
    header = ["mask", "encoding", "layer", "diagonals", "pixel", *(f"{f * 1e6:g} µm" for f in FEATURES), "power"]
    return Section("Smallest feature", header, rows, REMARKS["features"])


def _row(side: str, name: str, case: Case, encoding: Callable[[int], Encoding]) -> list[str]:
    planes = case.optical(0).masks().planes
    pixel = min((planes.input if side == "A" else planes.mask).spacing)

    def masks(feature: float) -> tuple[Encoding | None, Encoding | None]:
        cells = encoding(count(pixel, feature))
        return (cells, None) if side == "A" else (None, cells)

    figures = curve(case, FEATURES, masks, FEATURES)
    return [side, name, case.name, case.diagonals, f"{pixel * 1e6:.1f} µm", *figures]


def of_light() -> Section:
    encodings: dict[str, Encoding] = {
        f"chrome and etch, {CELLS} cells": ChromeAndEtch(CELLS),
        f"binary phase, {CELLS} cells": BinaryPhase(CELLS),
        f"double phase, 2 levels, {CELLS} cells": DoublePhase(2, CELLS),
        f"double phase, 16 levels, {CELLS} cells": DoublePhase(16, CELLS),
        "double phase, 256 levels, 1 cell": DoublePhase(256, 1),
        f"blazed carrier, 16 levels, {CELLS} cells": BlazedCarrier(16, CELLS, PERIOD),
        f"blazed carrier, 256 levels, {CELLS} cells": BlazedCarrier(256, CELLS, PERIOD),
        f"binary Lee, {CELLS} cells": BinaryLee(CELLS, PERIOD),
    }
    cases = each_start("ACDC", (16,), (8, 8))
    rows = [[name, *(_left(case, case, encoding) for case in cases)] for name, encoding in encodings.items()]
    for name, input in {"mask D": None, "A and D": PhaseOnly()}.items():
        phases = [_left(solved(case, input), case, PhaseSteps(16)) for case in cases]
        rows.append([f"phases solved for, {name}, 16 levels", *phases])
    header = ["mask D", *(f"{case.name}, {case.diagonals}" for case in cases)]
    return Section("Light", header, rows, REMARKS["light"])


def _left(case: Case, compiled: Case, encoding: Encoding) -> str:
    found = [light(case.optical(seed), compiled.optical(seed), encoding, seed) for seed in SEEDS]
    return f"{mean(f.wanted for f in found):.3g} / {mean(f.arriving for f in found):.3g}"


def main() -> None:
    torch.set_num_threads(1)
    notes = [
        "Relative L2 error of a layer against the numerical one, with the gain that the encoding states: mean ± standard "
        f"deviation of {len(SEEDS)} layers, {PROBES} Gaussian inputs each; in brackets the mean after the output is "
        "calibrated by one real number. Preset `lcos-8um`, continuous model, float64; masks compiled exactly, two "
        "pixels of mask D per coefficient; the mask that is not named is as designed. Power: of what stands above the "
        "columns, by which the error goes, fitted over the columns named.",
        "",
        f"CPU: {machine()}. torch {torch.__version__}; `python -m tests.benchmarks.fabrication`.",
    ]
    publish_sections("fabrication", "Masks as they are made", notes, [by_levels(), by_bits(), by_feature(), of_light()])


if __name__ == "__main__":
    main()
