"""All-optical cascades before and after training their masks through light: ``python -m tests.benchmarks.cascades``.

Several layers in a row without detection. Mask A has one pixel for each number, so it does not quite sample the light
that falls on it; training makes the masks do together what the layers' product asks.
"""

from __future__ import annotations

from statistics import mean

import torch
from torch import Tensor, nn

from acdc_optical import (
    ACDC,
    Bench,
    ComplexAmplitude,
    Exact,
    OnePixel,
    Sampled,
    Schedule,
    SignedAmplitude,
    fit,
    realise,
    trainable_masks,
)
from acdc_optical.compilation.methods import Method
from acdc_optical.training.constraints import Constraint
from acdc_optical.verification import relative_error
from tests.benchmarks.table import machine, publish

N = 16
SEEDS = range(3)
SCHEDULE = Schedule(epochs=1000, batch=N, learning_rate=1e-2)
METHODS: dict[str, Method] = {"one pixel per coefficient": Sampled(), "two pixels per coefficient": Exact()}
DEVICES: dict[str, Constraint] = {"signed amplitudes": SignedAmplitude(), "complex amplitudes": ComplexAmplitude()}
HEADER = ["layers", "mask D", "masks", "as compiled", "trained"]


def errors(
    depth: int, method: Method, device: Constraint, seed: int, schedule: Schedule = SCHEDULE
) -> tuple[float, float]:
    """Relative Frobenius distance of the cascade's matrix from the layers' product, before and after training."""
    generator = torch.Generator().manual_seed(seed)
    layers = nn.Sequential(*(ACDC(N, dtype=torch.float64, generator=generator) for _ in range(depth)))
    unit = torch.eye(N, dtype=torch.float64)
    wanted = layers(unit).detach()
    compiled = realise(layers, Bench.preset(), method=method, between=OnePixel())
    cascade = trainable_masks(compiled, device, input=device)

    def misfit(got: Tensor, wanted: Tensor) -> Tensor:
        return (got - wanted).square().mean()

    for _ in fit(cascade, unit, wanted, loss=misfit, schedule=schedule, seed=seed):
        pass
    return relative_error(compiled(unit), wanted), relative_error(cascade(unit), wanted)


def main() -> None:
    torch.set_num_threads(1)
    rows = []
    for depth in (2, 4):
        for method_name, method in METHODS.items():
            for device_name, device in DEVICES.items():
                pairs = zip(*(errors(depth, method, device, seed) for seed in SEEDS), strict=True)
                figures = [f"{mean(values):.1e} ({min(values):.1e} … {max(values):.1e})" for values in pairs]
                rows.append([f"{depth}", method_name, device_name, *figures])
    notes = [
        f"Relative Frobenius distance from the product of {N} × {N} ACDC layers near the identity; mean (range) of "
        f"{len(SEEDS)} draws, float64. Preset `lcos-8um`, continuous model; mask A has one pixel for each number, "
        "mirrored. Compiled: every layer for itself, for point inputs behind the first.",
        "",
        f"{SCHEDULE.epochs} steps of AdamW on all inputs. CPU: {machine()}. torch {torch.__version__}; "
        "`python -m tests.benchmarks.cascades`.",
    ]
    publish("cascades", "All-optical cascades, trained", notes, HEADER, rows)


if __name__ == "__main__":
    main()
