"""Cascades of two layers whose masks are all stripes but the first A: ``python -m tests.benchmarks.etched_cascades``.

Relay masks A of phase 0 and π are combs only as far as weak light near the edge of its spectrum goes.
"""

from __future__ import annotations

import time
from statistics import mean

import torch
from torch import nn

from acdc_optical import EtchedComb, OneEtch, realise
from optics import Stripes
from tests.benchmarks.table import machine, publish
from tests.realisation.cases import STARTS, bench, inputs, layer, relative_error

SEEDS = range(5)
SHAPES: dict[tuple[int, ...], range] = {
    (8,): SEEDS,
    (16,): SEEDS,
    (32,): SEEDS,
    (64,): SEEDS,
    (4, 4): SEEDS,
    (8, 8): range(1),
}
RULES = {
    "as they come": OneEtch(),
    "on a grid of 1 nm": OneEtch(grid=1e-9),
    "0.25 µm or wider": OneEtch(minimum_feature=0.25e-6),
    "0.5 µm or wider": OneEtch(minimum_feature=0.5e-6),
    "0.8 µm or wider": OneEtch(minimum_feature=0.8e-6),
}
HEADER = ["shape", "diagonals", "stripes of A", "error", "largest", "residual of A and D", "narrowest [µm]", "seconds"]


def outcome(shape: tuple[int, ...], start: str, rule: OneEtch, seed: int) -> tuple[float, float, float, float]:
    """Error of the output, residual and narrowest stripe of the second layer's masks, and seconds of one core."""
    network = nn.Sequential(*(layer("ACDC", shape, start, seed=10 * seed + place) for place in range(2)))
    began = time.process_time()
    cascade = realise(network, bench(subpixels=3), method=OneEtch(), between=EtchedComb(rule))
    seconds = time.process_time() - began
    x, second = inputs(network[0], 4, seed=seed), cascade.masks()[1]
    assert isinstance(second.input_mask, Stripes)
    return relative_error(cascade(x), network(x)), second.residual, second.input_mask.narrowest, seconds


def row(shape: tuple[int, ...], start: str, rule: str, seeds: range) -> list[str]:
    errors, residuals, widths, seconds = zip(*(outcome(shape, start, RULES[rule], s) for s in seeds), strict=True)
    figures = [f"{mean(errors):.1e}", f"{max(errors):.1e}", f"{max(residuals):.0e}"]
    return [" × ".join(map(str, shape)), start, rule, *figures, f"{min(widths) * 1e6:.2f}", f"{mean(seconds):.2g}"]


def rows() -> list[list[str]]:
    free = [row(shape, start, "as they come", seeds) for shape, seeds in SHAPES.items() for start in STARTS]
    ruled = [row((16,), start, rule, SEEDS) for start in STARTS for rule in RULES if rule != "as they come"]
    return free + ruled


def main() -> None:
    torch.set_num_threads(1)
    with torch.no_grad():
        found = rows()
    notes = [
        f"Two layers without detection between them, over {len(SEEDS)} draws, of 8 × 8 over one; bench of the tests, "
        "8 µm pixels, three mask pixels per coefficient. Mask A of the first layer is shown by the modulator; the "
        "others are stripes, four for a number and two guards in A. Error: relative L2 of the output by the continuous "
        "model, mean and largest. Seconds of one core are of `realise`.",
        "",
        f"{machine()}, torch {torch.__version__}; `python -m tests.benchmarks.etched_cascades`.",
    ]
    publish("etched_cascades", "Cascades of masks in one etch", notes, HEADER, found)


if __name__ == "__main__":
    main()
