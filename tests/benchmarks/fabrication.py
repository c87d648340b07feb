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
from tests.benchmarks.made import (
    PRESET,
    PROBES,
    SEEDS,
    SOLVING,
    Case,
    Error,
    each_start,
    errors,
    light,
    of_digits,
    solved,
)
from tests.benchmarks.table import Section, machine, publish_sections

LEVELS = (2, 4, 8, 16, 32, 1024)
BITS = (1, 2, 3, 4, 5, 6, 7, 8, 10)
FEATURES = (0.5e-6, 1e-6, 2e-6, 4e-6, 8e-6)
CELLS = 16
PERIOD = 8

SHORT = PRESET.replace(focal_length="6.25 mm")
"""Pixels of mask D a sixteenth as large: a plate of half a millimetre, 1000² cells of half a micrometre."""

REMARKS = {
    "levels": [
        "Double phase hands what rounding leaves on to the next cell, so a pixel keeps the remainder of its last "
        "cell alone and the error falls as 1/levels. In 1-D π/(√3·levels) over 16 cells and over the rms |t| of "
        "0.42 would make 8.4e-3 at 32 levels.",
        "",
        "Complex 1-D layers also read where in a pixel its phases stand, which falls as 1/cells: 16 cells leave "
        "1.4e-2 near the identity and 8.5e-2 for random ones, whatever the levels.",
        "",
        "Chrome and etch hands the rounding of phases on from open cell to open cell; its floor is the rounding of "
        "the openings themselves.",
        "",
        "Phase steps, one cell per pixel, hand on nothing. Masks are phases first, trained for the layer's matrix "
        f"({SOLVING.epochs} steps), and then rounded. With D alone as phases that loses less than 1e-3 before "
        "rounding; A and D both as phases are 0.05 from layers near the identity and 0.4 from random ones even so. "
        "Most values are small: with 4 levels their cosines become 0, and with 2 the gain is off, as it counts the "
        "sines.",
    ],
    "bits": [
        "One cell per pixel: rounding a phase moves its cosine by π/(√3·levels) times the sine, which over the "
        "rms |t| of 0.2 (2-D) to 0.45 (1-D) makes 3e-3 to 12e-3 at 10 bit. At 2 bit the cosines are 1, 0 and -1, "
        "and nearly all values become 0.",
        "",
        "A blazed carrier stops at what eight cells can show of a ramp, for complex layers at six to thirteen times as "
        "much as for real ones of the same size; longer periods lower that.",
    ],
    "features": [
        f"Of pixels of 15.5 µm the bench has lenses of {SHORT.focal_length * 1e3:g} mm. "
        "The openings in each row are rounded to whole cells. In 1-D that is an error of 1/cells; in 2-D rows are "
        "rounded at different places, and errors fall as 1/cells². Double phase with 16 levels is between the "
        "two.",
        "",
        "A carrier of eight cells gets no better with smaller cells in 1-D: of a binary Lee mask, symmetric about "
        "the axis, eight cells make three amplitudes, and only a longer period helps; in 2-D the rows share.",
        "",
        "It stops at half a period per pixel for carriers, and at one cell per pixel for chrome and binary phase, "
        "where errors reach 1. On this bench mask A decides, whose pixels are 8 µm: features of 1 µm leave 1 to 6 "
        "% in 2-D and 2 to 24 % in 1-D. A real double phase works with one cell per pixel, as the sines are not "
        "read.",
    ],
    "light": [
        "Signal on the camera over that of the exact compiled masks / all light on the camera's pixels over "
        f"theirs, mean of {len(SEEDS)} layers. Chrome and etch has all the signal that the compiled mask has, and "
        "so have binary and double phase: what a cell absorbs there, it sends aside here. Carriers of fine steps "
        "lose the sinc² of a cell, 5 %, and binary Lee all but 1/π² of the rest.",
        "",
        "One cell per pixel puts the sines on the camera, up to 36 times the light, out of phase: it is not read, "
        "but the camera must bear it. Phases in A and D have 3 to 12 times the signal, for layers as near as the "
        "levels say.",
    ],
}

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
    finer = LEVELS[1:]  # two phases make no complex mask

    def in_chrome(levels: float) -> tuple[Encoding | None, Encoding | None]:
        return None, ChromeAndEtch(CELLS, int(levels))

    ways: list[tuple[str, list[Case], Masks]] = [
        ("double phase", real + complex_, lambda n: (None, DoublePhase(int(n), CELLS))),
        ("phase steps, mask D", [solved(c, None) for c in near], lambda n: (None, PhaseSteps(int(n)))),
        ("phase steps, A and D", [solved(c, PhaseOnly()) for c in near], lambda n: (PhaseSteps(int(n)),) * 2),
    ]
    rows = [
        [name, case.name, case.diagonals, *curve(case, LEVELS, masks, LEVELS[:-1])]
        for name, cases, masks in ways
        for case in cases
    ]
    rows[len(real + complex_) : len(real + complex_)] = [
        ["chrome and etch", case.name, case.diagonals, "–", *curve(case, finer, in_chrome, finer[:-1])]
        for case in complex_
    ]
    header = ["encoding", "layer", "diagonals", *map(str, LEVELS), "power, to 32"]
    return Section(f"Levels of an etched mask D, {CELLS} cells per pixel", header, rows, REMARKS["levels"])


def by_bits() -> Section:
    real, mixed = each_start("ACDC", (16,), (64,), (16, 16)), each_start("ACDC", (16,), (8, 8))
    mixed += each_start("AFDF", (16,))
    ways: list[tuple[str, list[Case], Masks]] = [
        ("double phase", real, lambda n: (None, DoublePhase(int(n), 1))),
        ("blazed carrier, period 8 of 16 cells", mixed, lambda n: (None, BlazedCarrier(int(n), CELLS, PERIOD))),
        ("blazed carrier, period 32 of 64 cells", mixed[-2:], lambda n: (None, BlazedCarrier(int(n), 64, 32))),
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


def notes() -> list[str]:
    return [
        f"Relative L2 error of a layer against the numerical one, mean ± std of {len(SEEDS)} layers with "
        f"{PROBES} Gaussian inputs each, with the gain that the encoding states; in brackets the mean after the output "
        "is calibrated by one real number. Preset `lcos-8um`, continuous model, float64; masks compiled exactly, two "
        "pixels of mask D per coefficient; the mask that is not named is as designed. Power: of what stands above the "
        "columns, by which the error goes, fitted over the columns named.",
        "",
        f"CPU: {machine()}. torch {torch.__version__}; `python -m tests.benchmarks.fabrication`.",
    ]


def main() -> None:
    torch.set_num_threads(1)
    sections = [by_levels(), by_bits(), by_feature(), of_light()]
    publish_sections("fabrication", "Masks as they are made", notes(), sections)


if __name__ == "__main__":
    main()
