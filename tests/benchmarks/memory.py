"""Peak memory of a wave 4f, in fields of its lattice: ``python -m tests.benchmarks.memory``.

What torch's allocator hands out while the work runs, on top of what was there: its input, its mask, and the kernels
that the elements keep after the first light. These are counted apart. Scratch space inside an FFT is not torch's.
Autograd remembers one field, in front of the mask, so that ``torch.utils.checkpoint`` has nothing to save here.
"""

from __future__ import annotations

from itertools import accumulate

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from optics import AngularSpectrum, Field, Grid, Lens, Mask, OpticalSystem
from tests.benchmarks.table import publish
from tests.benchmarks.timing import Work, without_gradient

SAMPLES = 2048
SPACING, WAVELENGTH = 8e-6, 633e-9
FOCAL_LENGTH = 0.9 * SAMPLES * SPACING**2 / WAVELENGTH


def allocations(work: Work) -> list[int]:
    """Bytes taken from the allocator, and, negative, given back, in order."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        result = work()
    del result  # not before the record has ended: it counts
    events = [e for e in record.profiler.kineto_results.events() if e.name() == "[memory]"]
    return [e.nbytes() for e in sorted(events, key=lambda e: e.start_ns())]


def peak(work: Work) -> int:
    """Most bytes at a time, of what the work allocates."""
    return max(accumulate(allocations(work)), default=0)


def left(work: Work) -> int:
    """Bytes still held afterwards, the result among them."""
    return sum(allocations(work))


def bench(samples: int, *, shared: bool) -> OpticalSystem:
    """Space, lens, space, mask, space, lens, space; equal ones are one object, or each its own."""

    def space() -> nn.Module:
        return AngularSpectrum(FOCAL_LENGTH, padding=1)

    first, lens = space(), Lens(FOCAL_LENGTH)
    mask = Mask(nn.Parameter(torch.randn(samples, samples, dtype=torch.complex64)), SPACING)
    if shared:
        return OpticalSystem(first, lens, first, mask, first, lens, first)
    return OpticalSystem(first, lens, space(), mask, space(), Lens(FOCAL_LENGTH), space())


def back(system: nn.Module, light: Field, *to: torch.Tensor) -> Work:
    g = torch.randn_like(light.data)
    return lambda: torch.autograd.grad(system(light).data, to, g)


def measured(samples: int = SAMPLES) -> list[tuple[str, float]]:
    """What the table shows, in fields of complex64."""
    grid = Grid((samples, samples), SPACING)
    light = Field(torch.randn(samples, samples, dtype=torch.complex64), grid, WAVELENGTH)
    system = bench(samples, shared=True)
    mask = system.elements[3].transmittance
    lit = light.replace(light.data.clone().requires_grad_())
    one = light.data.nbytes
    kept = {shared: left(without_gradient(bench(samples, shared=shared), light)) for shared in (False, True)}
    without_gradient(system, light)()
    return [
        ("kernels kept, every element its own", kept[False] / one),
        ("kernels kept, equal elements one object", kept[True] / one),
        ("forward", peak(without_gradient(system, light)) / one),
        ("forward and backward to the mask", peak(back(system, light, mask)) / one),
        ("forward and backward to mask and input", peak(back(system, lit, mask, lit.data)) / one),
    ]


def main() -> None:
    torch.manual_seed(0)
    notes = [
        f"Fields of {SAMPLES}², complex64; of runs, the most that is allocated at a time on top of input, mask and "
        "kernels, the result and gradients included. Scratch space inside an FFT is not counted.",
        "",
        f"torch {torch.__version__}; `python -m tests.benchmarks.memory`.",
    ]
    rows = [[name, f"{fields:.2g}"] for name, fields in measured()]
    publish("memory", "Memory of a wave 4f", notes, ["what", "fields"], rows)


if __name__ == "__main__":
    main()
