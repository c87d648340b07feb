"""Propagation as multiples of the bare FFTs inside, with other simulators: ``python -m tests.benchmarks.waves``.

    one step       free space in a periodic window                                  2 FFTs
    4f             space, lens, space, mask, space, lens, space                     8 FFTs
    4f and back    the same, and the gradient to the mask                           12 FFTs
                   or to mask and input                                             16 FFTs
    two lenses     two ideal lenses by Fourier integrals                            2 FFTs

One core. Simulators that are not installed (extra ``peers``), and a device that was not asked for, stay unmeasured.
"""

from __future__ import annotations

import importlib.util
import math
import os
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch

from optics import AngularSpectrum, FourierLens, OpticalSystem, SamplingWarning
from tests.benchmarks.table import machine, publish
from tests.benchmarks.timing import (
    FEWEST_TURNS,
    TURNS,
    UNMEASURED,
    Ratio,
    Work,
    asked_device,
    cell,
    ratio,
    without_gradient,
)
from tests.peers import rigs
from tests.peers.rigs import Lattice, wave_4f

SIZES = (512, 1024, 2048)
PEER_SIZES = (512, 1024)
"""Larger ones would take the others minutes."""

OURS = "this library"
PEERS = {"torchoptics": "TorchOptics", "poppy": "Poppy", "hcipy": "HCIPy", "LightPipes": "LightPipes"}

TASKS = {"one step": 2, "4f": 8, "4f and back to the mask": 12, "4f and back to mask and input": 16, "two lenses": 2}
"""Each with the FFTs it cannot do without."""

Case = tuple[str, int, torch.dtype]


def cases() -> list[Case]:
    return [(task, n, dtype) for task in TASKS for n in SIZES for dtype in (torch.complex64, torch.complex128)]


def measured(case: Case, device: str) -> dict[str, Ratio]:
    """Each contestant of a case against bare FFTs of its size and precision."""
    task, n, dtype = case
    lattice = Lattice(n, 8e-6, 633e-9)
    bare = partial(_bare, torch.randn(n, n, dtype=dtype, device=device), TASKS[task])
    found = {}
    for name, rig in _rigs(lattice, with_peers=n in PEER_SIZES and device == "cpu").items():
        if name == "torchoptics":
            rig.to.set_default_dtype(dtype.to_real())
        if (work := work_of(task, rig, lattice, dtype, device)) is not None:
            found[name] = ratio(work, bare, device)
    return found


def work_of(task: str, rig: Any, lattice: Lattice, dtype: torch.dtype, device: str) -> Work | None:
    """One run of a task on a rig; None where the rig cannot do it."""
    n, f = lattice.samples, 0.9 * lattice.samples * lattice.spacing**2 / lattice.wavelength
    data = torch.randn(n, n, dtype=dtype, device=device)
    # Of phase alone: POPPY changes its light in place, and grey masks would let it fade run by run.
    mask = torch.polar(torch.ones(n, n), 2 * math.pi * torch.rand(n, n)).to(device, dtype)
    differentiable = isinstance(rig, rigs.Ours | rigs.TorchOptics)
    match task:
        case "one step":
            return without_gradient(rig.space(f), rig.light(data))
        case "4f":
            return without_gradient(wave_4f(rig, f, mask), rig.light(data))
        case "4f and back to the mask" if differentiable:
            return _and_back(rig, f, mask.requires_grad_(), data, [mask])
        case "4f and back to mask and input" if differentiable:
            return _and_back(rig, f, mask.requires_grad_(), data.requires_grad_(), [mask, data])
        case "two lenses" if isinstance(rig, rigs.Ours):
            return without_gradient(OpticalSystem(FourierLens(f), FourierLens(f)), rig.light(data))
    return None


def _and_back(rig: Any, f: float, mask: torch.Tensor, data: torch.Tensor, to: list[torch.Tensor]) -> Work:
    bench = wave_4f(rig, f, mask)
    g = torch.randn_like(data)
    return lambda: torch.autograd.grad(rig.samples(bench(rig.light(data))), to, g)


def _rigs(lattice: Lattice, *, with_peers: bool) -> Mapping[str, Any]:
    found = {OURS: rigs.Ours(lattice, propagator=AngularSpectrum)}
    if with_peers:
        found |= {name: getattr(rigs, rig)(lattice) for name, rig in PEERS.items() if importlib.util.find_spec(name)}
    return found


def _bare(data: torch.Tensor, transforms: int) -> None:
    directions: list[Callable] = [torch.fft.fft2, torch.fft.ifft2]
    with torch.no_grad():
        for i in range(transforms):
            data = directions[i % 2](data)


def main() -> None:
    asked = asked_device(__doc__)
    torch.set_num_threads(1)
    os.environ["NUMEXPR_MAX_THREADS"] = "1"  # of POPPY and HCIPy, before their import
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # HCIPy starts a thread for every core
    warnings.simplefilter("ignore", SamplingWarning)  # random light, to be timed and not looked at
    torch.manual_seed(0)
    rows = []
    for case in cases():
        results = measured(case, "cpu")
        on_gpu = measured(case, "cuda")[OURS] if asked == "cuda" else None
        rows.append(row(case, results, on_gpu))
    notes = [
        "Time over the time of the bare `torch.fft.fft2` and `ifft2` the work needs, and that time: median of "
        f"{FEWEST_TURNS} to {TURNS} interleaved turns, one core. Periodic windows; `this library` with its angular "
        "spectrum, the others with their paraxial propagation; POPPY, HCIPy and LightPipes have no gradient.",
        "",
        f"CPU: {machine()}. GPU: {machine('cuda') if asked == 'cuda' else UNMEASURED}. torch {torch.__version__}; "
        "`python -m tests.benchmarks.waves [--device cuda]`.",
    ]
    header = ["work", "FFTs", "lattice", OURS, *PEERS, "this library on a GPU"]
    publish("waves", "Propagation against the bare FFTs", notes, header, rows)


def row(case: Case, results: Mapping[str, Ratio], on_gpu: Ratio | None) -> list[str]:
    task, n, dtype = case
    peers = [f"{results[name].times:.2g}" if name in results else "–" for name in PEERS]
    lattice = f"{n}², {str(dtype).removeprefix('torch.')}"
    return [task, str(TASKS[task]), lattice, cell(results[OURS]), *peers, cell(on_gpu)]


if __name__ == "__main__":
    main()
