"""The time and memory of a step of training through light: ``python -m tests.benchmarks.steps [--device cuda]``.

A step is forward and backward to both masks. Through the light of the continuous model it is measured against the bare
FFTs that the node-wise way needs, forth and back; condensed, against the same.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from acdc_optical import ACDC, Bench, CondensedLayer, OpticalLayer, realise, trainable_masks
from tests.benchmarks.memory import peak
from tests.benchmarks.speed import bare_ffts
from tests.benchmarks.table import machine, publish
from tests.benchmarks.timing import TURNS, UNMEASURED, Ratio, Work, asked_device, cell, ratio

SHAPES = ((16, 16), (32, 32))
BATCH = 8
HEADER = ["step", "CPU", "GPU", "memory"]


def trained(shape: tuple[int, ...], device: str) -> OpticalLayer:
    """A layer with masks of its own."""
    layer = trainable_masks(realise(ACDC(shape), Bench.preset())).to(device)
    assert isinstance(layer, OpticalLayer)
    return layer


def step(module: nn.Module, x: torch.Tensor) -> Work:
    """Forward, and backward to all that is trained."""
    weights = [p for p in module.parameters() if p.requires_grad]
    g = torch.randn_like(x)
    return lambda: torch.autograd.grad(module(x), weights, g)


def forth_and_back(optical: OpticalLayer, device: str) -> Work:
    once = bare_ffts(optical, device)
    return lambda: (once(), once())


WAYS: dict[str, Callable[[OpticalLayer], nn.Module]] = {
    "through the light": lambda optical: optical,
    "condensed": CondensedLayer,
    "condensed, compiled by torch": lambda optical: torch.compile(CondensedLayer(optical)),
}


def measured(device: str) -> dict[str, tuple[Ratio, float]]:
    """For each way its time over that of the bare FFTs, forth and back, and its peak memory in bytes (CPU only)."""
    found = {}
    for shape in SHAPES:
        for name, way in WAYS.items():
            torch.manual_seed(0)
            optical = trained(shape, device)
            work = step(way(optical), torch.randn(BATCH, *shape, device=device))
            work()
            memory = peak(work) if device == "cpu" else float("nan")
            found[f"{shape[0]} × {shape[1]}, {name}"] = ratio(work, forth_and_back(optical, device), device), memory
    return found


def main() -> None:
    asked = asked_device(__doc__)
    torch.set_num_threads(1)
    found = {device: measured(device) for device in dict.fromkeys(("cpu", asked))}
    rows = [
        [case, *(cell(found.get(d, {}).get(case, (None, 0))[0]) for d in ("cpu", "cuda")), f"{memory / 2**20:.3g} MiB"]
        for case, (_, memory) in found["cpu"].items()
    ]
    notes = [
        f"Forward and backward to both masks of one layer, {BATCH} inputs, float32, over the bare FFTs of the node-wise"
        f" way forth and back, and the time of those: median of up to {TURNS} interleaved turns, one thread. Memory:"
        " the most that is allocated at a time in a step, on the CPU, kernels not counted.",
        "The heap was told to keep freed pages (MALLOC_MMAP_THRESHOLD_ and MALLOC_TRIM_THRESHOLD_ of 8 GB, see the "
        "Makefile): else large arrays wait for new ones, the bare FFTs of 32 × 32 four times as long.",
        "Light is complex, and torch has no complex numbers of half precision: mixed precision is not offered.",
        "",
        f"CPU: {machine()}. GPU: {machine('cuda') if asked == 'cuda' else UNMEASURED}. torch {torch.__version__}; "
        "`python -m tests.benchmarks.steps [--device cuda]`.",
    ]
    publish("steps", "A step of training through light", notes, HEADER, rows)


if __name__ == "__main__":
    main()
