"""Layers in a row by light alone, exactly: ``python -m tests.benchmarks.exact_cascades``, a quarter of an hour.

Masks A between the systems are combs, so that the cascade is the layers' product; beside it one pixel for each number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from statistics import geometric_mean, mean
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from acdc_optical import ACDC, AFDF, BrightComb, Comb, OnePixel, RelayMask, Schedule, Splitting, fit, realise
from acdc_optical.budgets.contributions import contributions
from acdc_optical.budgets.light_budget import light_budget
from acdc_optical.compilation.combs import Between
from acdc_optical.training.datasets import digits
from acdc_optical.training.networks import classifier
from tests.benchmarks.table import Section, machine, publish_sections
from tests.realisation.cases import STARTS, bench, inputs, layer, relative_error
from tests.training.cases import SINGLE

SEEDS = range(5)
DEPTHS = (1, 2, 4, 8)
SHAPES = [(16,), (64,), (8, 8), (16, 16)]
COMPLEX_SHAPES = [(16,), (8, 8)]
# Of light, of few pixels, and of planes.
SHOWN = [("ACDC", (16,)), ("ACDC", (8, 8)), ("AFDF", (16,))]
FEW = [("ACDC", (16,)), ("AFDF", (16,))]
SPLIT = [("ACDC", (16,)), ("ACDC", (8, 8))]
PIXELS, GUARDS = (1, 2, 3, 4), (0, 1, 2, 4)
BRIGHT = BrightComb(Splitting(gap=1e-2))
BETWEEN: dict[str, Between] = {"comb": Comb(), "brightest comb": BRIGHT, "one pixel a number": OnePixel()}
# Ten passes over 1437 digits, with a ReLU and a permutation between the layers, which are left out here.
SCHEDULE = Schedule(epochs=10)

Rows = Callable[[int], nn.Sequential]
"""Eight layers in a row from a seed."""


class Outcome(NamedTuple):
    """Of one row of layers: errors of the output, and by how much rounding in the first layers may weigh in it."""

    error: float
    of_one_pixel: float
    single: float
    amplification: float


@cache
def trained(shape: tuple[int, ...], seed: int) -> nn.Sequential:
    """The layers of a network for digits, shown at the layers' size, a square number of pixels."""
    data = digits()
    side = math.isqrt(math.prod(shape))
    x = interpolate(data.train_x[:, None], size=(side, side), mode="area").reshape(-1, *shape)
    network = classifier(shape, data.classes, layers=max(DEPTHS), seed=seed)
    with torch.enable_grad():
        list(fit(network, x, data.train_y, schedule=SCHEDULE, seed=seed))
    return nn.Sequential(*(without_bias(module) for module in network if isinstance(module, ACDC)))


def without_bias(given: ACDC | AFDF, dtype: torch.dtype = torch.float64) -> ACDC | AFDF:
    plain = type(given)(given.shape, dtype=dtype)
    plain.a.copy_(given.a)
    plain.d.copy_(given.d)
    return plain


def sources(kind: str, shape: tuple[int, ...]) -> dict[str, Rows]:
    """Layers in a row by their diagonals."""

    def random(start: str) -> Rows:
        return lambda seed: nn.Sequential(*(layer(kind, shape, start, seed=100 * seed + k) for k in range(max(DEPTHS))))

    found = {start: random(start) for start in STARTS}
    return {**found, "trained": lambda seed: trained(shape, seed)} if kind == "ACDC" else found


def outcome(network: nn.Sequential) -> Outcome:
    x = inputs(network[0], 1)
    y = network(x)
    kind = type(network[0]).__name__
    single = nn.Sequential(*(without_bias(one, SINGLE[kind]) for one in network))
    return Outcome(
        relative_error(realise(network, bench())(x), y),
        relative_error(realise(network, bench(), between=OnePixel())(x), y),
        relative_error(realise(single, bench())(x.to(SINGLE[kind])), y),
        amplification(network, x, y),
    )


def amplification(network: nn.Sequential, x: Tensor, y: Tensor) -> float:
    """The largest that such layers could make of the input, over what they make of it."""
    largest = [float(one.a.abs().max() * one.d.abs().max()) for one in network]
    return math.prod(largest) * float(x.norm() / y.norm())


def error_rows(kind: str, shapes: Sequence[tuple[int, ...]]) -> list[list[str]]:
    found = []
    for shape in shapes:
        for start, make in sources(kind, shape).items():
            for depth in DEPTHS:
                by = Outcome(*zip(*(outcome(make(seed)[:depth]) for seed in SEEDS), strict=True))
                name = [kind, " × ".join(map(str, shape)), start, str(depth)]
                errors = [f"{mean(by.error):.1e}", f"{max(by.error):.1e}", f"{mean(by.of_one_pixel):.1e}"]
                rest = [f"{mean(by.single):.1e}", f"{geometric_mean(by.amplification):.1e}"]
                found.append([*name, *errors, *rest])
    return found


def light_rows(kind: str, shape: tuple[int, ...], start: str) -> list[list[str]]:
    """Light behind 1, 2, 4 and 8 layers, and what the masks between are like; geometric means over seeds."""
    found = []
    for name, between in BETWEEN.items():
        budgets = []
        for seed in SEEDS:
            network = sources(kind, shape)[start](seed)
            budgets.append(light_budget(realise(network, bench(), between=between), inputs(network[0], 1)))
        arrived = [geometric_mean([b.layers[depth - 1].arrived for b in budgets]) for depth in DEPTHS]
        each = [(row, a, d) for b in budgets for row, a, d in zip(b.layers, b.masks[::2], b.masks[1::2], strict=True)]
        behind = [(row, a, d) for row, a, d in each if a.mask != "mask A 1"]
        steps = (
            [row.behind_a / row.before_a for row, _, _ in behind],
            [row.before_d / row.behind_a for row, _, _ in behind],
            [row.behind_d / row.before_d for row, _, _ in behind],
            [row.arrived / row.behind_d for row, _, _ in behind],
        )
        ranges = ([a.range for _, a, _ in behind], [d.range for _, _, d in behind])
        found.append(
            [
                kind,
                " × ".join(map(str, shape)),
                start,
                name,
                *(f"{share:.1e}" for share in arrived),
                *(f"{geometric_mean(step):.2g}" for step in steps),
                *(f"{geometric_mean(one):.2g}" for one in ranges),
            ]
        )
    return found


def few_pixels(kind: str, shape: tuple[int, ...], start: str) -> list[list[str]]:
    """Two layers by pixels for a number and guards: the mean error of the output, and the mask's residual."""
    found = []
    for pixels in PIXELS:
        cells = []
        for guards in GUARDS:
            table = bench(relay=RelayMask(pixels_per_number=pixels, guards=guards))
            errors = []
            for seed in SEEDS:
                network = sources(kind, shape)[start](seed)[:2]
                cascade, x = realise(network, table), inputs(network[0], 2)
                errors.append(relative_error(cascade(x), network(x)))
            cells.append(f"{mean(errors):.1e} ({cascade.masks()[1].residual:.0e})")
        found.append([kind, " × ".join(map(str, shape)), start, str(pixels), *cells])
    return found


def plane_rows(kind: str, shape: tuple[int, ...]) -> list[list[str]]:
    """What each plane of three layers near the identity adds to the error."""
    kinds = {"comb": (bench(), Comb()), "one pixel a number": (bench(), OnePixel())}
    kinds["comb of two pixels"] = bench(relay=RelayMask(pixels_per_number=2)), Comb()
    found = []
    for name, (table, between) in kinds.items():
        network = sources(kind, shape)["identity-like"](0)[:3]
        added = contributions(realise(network, table, between=between), inputs(network[0], 4))
        found.append([kind, " × ".join(map(str, shape)), name, *(f"{row.error:.1e}" for row in added)])
    return found


def sections() -> list[Section]:
    who = ["layer", "shape", "diagonals"]
    errors = ["layers", "error", "largest", "one pixel a number", "float32", "amplification"]
    behind = [f"light behind {depth}" for depth in DEPTHS]
    steps = ["through A", "to D", "through D", "onward", "range of A", "range of D"]
    lights = [row for case in SHOWN for start in STARTS for row in light_rows(*case, start)]
    few = [row for case in FEW for start in STARTS for row in few_pixels(*case, start)]
    planes = [f"mask {mask} {n}" for n in (1, 2, 3) for mask in "AD"][1:]
    return [
        Section("Real layers", [*who, *errors], error_rows("ACDC", SHAPES), []),
        Section("Complex layers", [*who, *errors], error_rows("AFDF", COMPLEX_SHAPES), []),
        Section("Light", [*who, "mask A", *behind, *steps], lights, []),
        Section(
            "Two layers by pixels for a number and guards: error (residual)",
            [*who, "pixels", *(f"{guards} guards" for guards in GUARDS)],
            few,
            [],
        ),
        Section(
            "What each plane of three layers near the identity adds to the error",
            ["layer", "shape", "mask A", *planes],
            [row for case in SPLIT for row in plane_rows(*case)],
            [],
        ),
    ]


def main() -> None:
    with torch.no_grad():
        tables = sections()
    notes = [
        f"Continuous model, float64 but for one column, over {len(SEEDS)} draws. Bench of the tests: fills 0.9644 "
        "(modulator), 1 (masks), 0.9 (camera); four mask pixels for a number and two guards between systems. Error: "
        "relative L2 of the whole output for a Gaussian input, mean and largest. One pixel a number: the masks A "
        "between are like the modulator. Amplification: the product of the layers' norms, max(a)·max(d), over what the "
        "input grows by; geometric mean. By so much rounding in front may weigh more than the output.",
        "",
        "Light: power behind so many layers over that of the input, and of one layer behind the first: what mask A "
        "lets through, what of it meets mask D's pixels, what that lets through, what of it meets the next plane; "
        "geometric means. Range: the largest abs(t) over the smallest that matters; all fainter pixels hold a "
        "millionth of the sum of abs(t)². Trained: layers of networks for digits of eight layers, "
        f"{SCHEDULE.epochs} epochs, with a ReLU and a permutation between them that are left out here.",
        "",
        f"{machine()}, torch {torch.__version__}; `python -m tests.benchmarks.exact_cascades`.",
    ]
    publish_sections("exact_cascades", "Exact all-optical cascades", notes, tables)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
