"""Times as ratios to the bare transforms inside: ``python -m tests.benchmarks.speed [--device cuda]``.

The numerical layer and the ideal optical one, on one thread; propagation is in :mod:`tests.benchmarks.waves`. A device
that was not asked for, or is not there, stays unmeasured.
"""

from __future__ import annotations

import torch
from torch import nn

from acdc_optical import ACDC, Bench, Continuous, OpticalLayer, realise
from tests.benchmarks.table import machine, publish
from tests.benchmarks.timing import (
    TURNS,
    UNMEASURED,
    Ratio,
    Work,
    and_back,
    asked_device,
    cell,
    ratio,
    without_gradient,
)

BATCH = 128
CONTINUOUS_BATCH = 8


def round_trip(x: torch.Tensor) -> torch.Tensor:
    return torch.fft.irfft(torch.fft.rfft(x), n=x.shape[-1])


def layers(device: str) -> dict[str, Ratio]:
    results = {}
    for n in (1024, 2048, 4096):
        x = torch.randn(BATCH, n, device=device)
        layer = ACDC(n, device=device)
        references = {"rfft + irfft": round_trip, "nn.Linear": nn.Linear(n, n, bias=False, device=device)}
        for pass_name, as_work in (("forward", without_gradient), ("forward + backward", and_back)):
            for name, reference in references.items():
                case = f"ACDC({n}), {BATCH} inputs, float32, {pass_name} / {name}"
                results[case] = ratio(as_work(layer, x), as_work(reference, x), device)
    return results


def continuous(device: str) -> dict[str, Ratio]:
    results = {}
    for shape in ((16, 16), (32, 32)):
        optical = realise(ACDC(shape, device=device), Bench.preset(), model=Continuous())
        x = torch.randn(CONTINUOUS_BATCH, *shape, device=device)
        case = f"Continuous, ACDC{shape}, {CONTINUOUS_BATCH} inputs, float32, forward / the FFTs of the node-wise way"
        results[case] = ratio(without_gradient(optical, x), bare_ffts(optical, device), device)
    return results


def bare_ffts(optical: OpticalLayer, device: str) -> Work:
    """The FFTs of two lenses, axis by axis: one of the mask's length for each node of a mask pixel and each line."""
    planes, nodes = optical.masks().planes, optical.model.samples
    (rows, columns), (mask_rows, mask_columns) = planes.input.cells, planes.mask.cells
    to_mask = [(rows, mask_columns), (mask_columns * nodes, mask_rows)]
    to_camera = [(mask_rows * nodes, mask_columns), (columns, mask_rows)]
    stacks = [
        torch.randn(CONTINUOUS_BATCH * lines * nodes, length, dtype=torch.complex64, device=device)
        for lines, length in to_mask + to_camera
    ]
    return lambda: [torch.fft.fft(stack) for stack in stacks]


def main() -> None:
    asked = asked_device(__doc__)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    measured = {device: {**layers(device), **continuous(device)} for device in dict.fromkeys(("cpu", asked))}
    rows = [
        [case, *(cell(measured.get(device, {}).get(case)) for device in ("cpu", "cuda"))] for case in measured["cpu"]
    ]
    notes = [
        f"Time over the time of the reference, and that time: median of up to {TURNS} interleaved turns, one thread.",
        "",
        f"CPU: {machine()}. GPU: {machine('cuda') if asked == 'cuda' else UNMEASURED}. torch {torch.__version__}; "
        "`python -m tests.benchmarks.speed [--device cuda]`.",
    ]
    publish("speed", "Speed against the bare transforms", notes, ["work / reference", "CPU", "GPU"], rows)


if __name__ == "__main__":
    main()
