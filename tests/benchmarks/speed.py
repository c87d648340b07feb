"""Times as ratios to the bare transforms inside: ``python -m tests.benchmarks.speed [--device cuda]``.

One thread. Contestants take turns, and the median over the turns of the ratio of their times is reported, so that a
machine busy with other things slows both. A device that was not asked for, or is not there, stays unmeasured.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import torch
from torch import nn

from acdc_optical import ACDC, Bench, Continuous, OpticalLayer, realise
from optics import AngularSpectrum, Field, FourierLens, Grid, OpticalSystem
from tests.benchmarks.table import machine, publish

TURNS = 15
LEAST_SECONDS = 0.02
"""For one turn of one contestant: short work is repeated until the clock's grain does not matter."""

BATCH = 128
CONTINUOUS_BATCH = 8
UNMEASURED = "unmeasured"

Work = Callable[[], object]


def seconds(work: Work, times: int, device: str) -> float:
    start = time.perf_counter()
    for _ in range(times):
        work()
    if device == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / times


def ratio(work: Work, reference: Work, device: str) -> tuple[float, float]:
    """Median time ratio, and the median time of the reference [s]."""
    counts = []
    for contestant in (work, reference):
        seconds(contestant, 2, device)  # builds kernels and plans
        counts.append(max(1, round(LEAST_SECONDS / seconds(contestant, 1, device))))
    turns = [[seconds(w, n, device) for w, n in zip((work, reference), counts, strict=True)] for _ in range(TURNS)]
    return median(ours / bare for ours, bare in turns), median(bare for _, bare in turns)


def and_back(module: Callable, x: torch.Tensor) -> Work:
    """Forward and backward, to the input and every parameter."""
    x = x.clone().requires_grad_()
    weights = list(module.parameters()) if isinstance(module, nn.Module) else []
    g = torch.randn_like(x)
    return lambda: torch.autograd.grad(module(x), [x, *weights], g)


def without_gradient(module: Callable, x: torch.Tensor) -> Work:
    def work() -> None:
        with torch.no_grad():
            module(x)

    return work


def round_trip(x: torch.Tensor) -> torch.Tensor:
    return torch.fft.irfft(torch.fft.rfft(x), n=x.shape[-1])


def layers(device: str) -> dict[str, tuple[float, float]]:
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


def planes(device: str) -> dict[str, tuple[float, float]]:
    """Two ideal lenses, and one step through free space in a periodic window, against two bare FFTs each."""
    contestants = {
        "two lenses, {} / two fft2": (
            OpticalSystem(FourierLens(0.1), FourierLens(0.1)),
            lambda data: torch.fft.fft2(torch.fft.fft2(data)),
        ),
        "angular spectrum, {}, unpadded / fft2 + ifft2": (
            AngularSpectrum(0.01, padding=1),
            lambda data: torch.fft.ifft2(torch.fft.fft2(data)),
        ),
    }
    results = {}
    for case, (element, bare) in contestants.items():
        for n in (512, 1024, 2048):
            for dtype in (torch.complex64, torch.complex128):
                field = Field(torch.randn(n, n, dtype=dtype, device=device), Grid((n, n), 8e-6), 633e-9)
                name = case.format(f"{n} × {n}, {str(dtype).removeprefix('torch.')}")
                results[name] = ratio(partial(element, field), partial(bare, field.data), device)
    return results


def continuous(device: str) -> dict[str, tuple[float, float]]:
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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="measured besides the CPU")
    asked = parser.parse_args().device
    if asked == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: torch finds no CUDA device here")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    measured = {
        device: {**layers(device), **planes(device), **continuous(device)} for device in dict.fromkeys(("cpu", asked))
    }
    rows = [
        [case, *(cell(measured.get(device, {}).get(case)) for device in ("cpu", "cuda"))] for case in measured["cpu"]
    ]
    notes = [
        f"Time over the time of the reference, and that time: median of {TURNS} interleaved turns, one thread.",
        "",
        f"CPU: {machine()}. GPU: {machine('cuda') if asked == 'cuda' else UNMEASURED}. torch {torch.__version__}; "
        "`python -m tests.benchmarks.speed [--device cuda]`.",
    ]
    publish("speed", "Speed against the bare transforms", notes, ["work / reference", "CPU", "GPU"], rows)


def cell(result: tuple[float, float] | None) -> str:
    return UNMEASURED if result is None else f"{result[0]:.2g} × {result[1] * 1e3:.3g} ms"


if __name__ == "__main__":
    main()
