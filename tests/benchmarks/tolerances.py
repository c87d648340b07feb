"""Monte Carlo over benches with everything out of place: how long, next to calls of the layer on a perfect one."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Sequence
from typing import NamedTuple

import torch

from acdc_optical import ACDC, Bench, Draws, OpticalLayer, Tolerances, realise, tolerance
from acdc_optical.benches.distribution_files import tolerance_preset
from acdc_optical.verification import default_probes
from tests.benchmarks.table import machine, publish
from tests.benchmarks.timing import UNMEASURED

DRAWS = 1000
JOBS = (1, 2)
CALLS = 20
HEADER = ["layer", "processes", "time, CPU", "CPU time", "over as many calls of the layer", "the same numbers", "GPU"]


class Run(NamedTuple):
    found: Tolerances
    seconds: float
    cpu_seconds: float
    """Of all processes."""


def near_identity(shape: tuple[int, ...], dtype: torch.dtype) -> OpticalLayer:
    torch.manual_seed(0)
    layer = ACDC(shape, dtype=dtype)
    with torch.no_grad():
        for diagonal in (layer.a, layer.d):
            diagonal += 0.3 * torch.randn_like(diagonal)
    return realise(layer, Bench.preset())


def run(optical: OpticalLayer, draws: int, jobs: int) -> Run:
    """With all that the workshop's preset has: shifts, defocus, rotations, tilts, focal lengths, wavelength."""
    distributions = tolerance_preset("workshop", axes=len(optical.shape))
    start, used = time.perf_counter(), _used()
    found = tolerance(optical, distributions, draws=Draws(draws, jobs=jobs))
    seconds = time.perf_counter() - start
    if jobs > 1:
        _finish()  # the time of processes counts when they have ended
    return Run(found, seconds, _used() - used)


def _used() -> float:
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def _finish() -> None:
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)


@torch.no_grad()
def one_call(optical: OpticalLayer) -> float:
    """CPU seconds of a call with the same inputs."""
    x = default_probes(optical.layer, optical.shape)
    optical(x)
    start = time.process_time()
    for _ in range(CALLS):
        optical(x)
    return (time.process_time() - start) / CALLS


def rows(shape: tuple[int, ...], dtype: torch.dtype, draws: int = DRAWS, jobs: Sequence[int] = JOBS) -> list[list[str]]:
    optical = near_identity(shape, dtype)
    plain = one_call(optical)
    runs = {count: run(optical, draws, count) for count in jobs}
    first = runs[jobs[0]].found
    cells = []
    for count, own in runs.items():
        same = torch.equal(own.found.errors, first.errors) and torch.equal(own.found.values, first.values)
        times = own.cpu_seconds / (plain * draws)
        cells.append(
            [
                f"ACDC({shape}), {str(dtype).removeprefix('torch.')}, {draws} draws",
                f"{count}",
                f"{own.seconds:.1f} s",
                f"{own.cpu_seconds:.1f} s",
                f"{times:.2g} × {plain * 1e3:.3g} ms",
                "–" if count == jobs[0] else "yes" if same else "NO",
                UNMEASURED,
            ]
        )
    return cells


def main() -> None:
    torch.set_num_threads(1)
    load = os.getloadavg()[0]
    found = [row for dtype in (torch.float32, torch.float64) for row in rows((16, 16), dtype)]
    notes = [
        "26 imperfections drawn in every bench (the preset 'workshop': shifts, defocus, rotations, tilts, focal "
        "lengths, wavelength), 4 inputs, integrals by 4 nodes. One thread for each process; starting them is in the "
        "time. CPU time is that of all processes; a call of the layer on its perfect bench is the reference.",
        "",
        f"CPU: {machine()}, {os.cpu_count()} cores, load average {load:.1f} before (by others). GPU: {UNMEASURED}. "
        f"torch {torch.__version__}; `python -m tests.benchmarks.tolerances`.",
    ]
    publish("tolerances", "Tolerances: time of Monte Carlo runs", notes, HEADER, found)


if __name__ == "__main__":
    main()
