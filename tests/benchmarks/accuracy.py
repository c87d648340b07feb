"""How far the light stays from the numerical layer: ``python -m tests.benchmarks.accuracy``.

Relative L2 error over Gaussian inputs, on the preset bench with a full-fill Fourier mask, the mean over seeds.
"""

from __future__ import annotations

from statistics import mean

import torch

from acdc_optical import Bench, Exact, Ideal, Sampled, realise
from acdc_optical.verification import light_used
from tests.benchmarks.table import publish
from tests.realisation.cases import KINDS, SHAPES, STARTS, inputs, layer, relative_error

SEEDS = range(3)
PROBES = 4
SINGLE = {"ACDC": torch.float32, "AFDF": torch.complex64}

HEADER = [
    "layer",
    "shape",
    "diagonals",
    "ideal",
    "sampled mask, continuous",
    "exact mask, continuous",
    "the same in float32",
    "light used",
]


def errors(kind: str, shape: tuple[int, ...], start: str, seed: int) -> tuple[float, ...]:
    """Ideal, sampled, exact, exact in float32; and the share of light that reaches the camera."""
    table = Bench.preset()
    numbers = layer(kind, shape, start, seed=seed)
    x = inputs(numbers, PROBES, seed=seed)
    wanted = numbers(x)
    single = layer(kind, shape, start, seed=seed, dtype=SINGLE[kind])
    x32 = inputs(single, PROBES, seed=seed)
    exact = realise(numbers, table, method=Exact())
    return (
        relative_error(realise(numbers, table, model=Ideal())(x), wanted),
        relative_error(realise(numbers, table, method=Sampled())(x), wanted),
        relative_error(exact(x), wanted),
        relative_error(realise(single, table, method=Exact())(x32), single(x32)),
        light_used(exact, x),
    )


def main() -> None:
    rows = []
    with torch.no_grad():
        for kind in KINDS:
            for shape in SHAPES:
                for start in STARTS:
                    columns = zip(*(errors(kind, shape, start, seed) for seed in SEEDS), strict=True)
                    *figures, share = map(mean, columns)
                    size = " × ".join(map(str, shape))
                    rows.append([kind, size, start, *(f"{figure:.1e}" for figure in figures), f"{share:.1%}"])
    notes = [
        f"Relative L2 error against the numerical layer, mean of {len(SEEDS)} layers with {PROBES} Gaussian inputs "
        "each; bench preset `lcos-8um`, full-fill Fourier mask, two pixels per coefficient where exact.",
        "Light used: power on the camera over power of the input, exact mask.",
        "",
        f"torch {torch.__version__}; `python -m tests.benchmarks.accuracy`.",
    ]
    publish("accuracy", "Accuracy of the optical layers", notes, HEADER, rows)


if __name__ == "__main__":
    main()
