"""How long one piece of work takes next to another.

Contestants take turns, and the median over the turns of the ratio of their times is reported, so that a machine busy
with other things slows all of them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

import torch
from torch import nn

TURNS = 15
FEWEST_TURNS = 3
LEAST_SECONDS = 0.02
"""For one turn of one contestant: short work is repeated until the clock's grain does not matter."""
MOST_SECONDS = 1.5
"""For all turns; long work takes fewer."""

UNMEASURED = "unmeasured"

Work = Callable[[], object]


class Ratio(NamedTuple):
    times: float
    """Median time over the reference's."""
    reference: float
    """Median time of the reference [s]."""


def asked_device(doc: str) -> str:
    """The device that the command line of a benchmark asks for besides the CPU: cpu for no other."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="measured besides the CPU")
    asked: str = parser.parse_args().device
    if asked == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: torch finds no CUDA device here")
    return asked


def seconds(work: Work, times: int, device: str) -> float:
    start = time.perf_counter()
    for _ in range(times):
        work()
    if device == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / times


def ratio(work: Work, reference: Work, device: str) -> Ratio:
    """The work against its reference, and nobody else: whoever goes before leaves his mark on caches and heap."""
    counts, one_turn = [], 0.0
    for contestant in (work, reference):
        seconds(contestant, 1, device)  # builds kernels and plans
        once = seconds(contestant, 1, device)
        counts.append(max(1, round(LEAST_SECONDS / once)))
        one_turn += once * counts[-1]
    number = max(FEWEST_TURNS, min(TURNS, int(MOST_SECONDS / one_turn)))
    turns = [[seconds(w, n, device) for w, n in zip((work, reference), counts, strict=True)] for _ in range(number)]
    return Ratio(median(ours / bare for ours, bare in turns), median(bare for _, bare in turns))


def and_back(module: Callable, x: torch.Tensor) -> Work:
    """Forward and backward, to the input and every parameter."""
    x = x.clone().requires_grad_()
    weights = list(module.parameters()) if isinstance(module, nn.Module) else []
    g = torch.randn_like(x)
    return lambda: torch.autograd.grad(module(x), [x, *weights], g)


def without_gradient(module: Callable, x: object) -> Work:
    def work() -> None:
        with torch.no_grad():
            module(x)

    return work


def cell(result: Ratio | None) -> str:
    return UNMEASURED if result is None else f"{result.times:.2g} × {result.reference * 1e3:.3g} ms"
