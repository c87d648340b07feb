"""From phases to layout files and back, of a lens of eight levels: ``python -m tests.benchmarks.layout``.

Every size is written in a process of its own and read in another, so that the peak memory of each is its own.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from acdc_optical.fabrication.layouts.layout import Flat, layout_of, levels_in, write_gds, write_oasis
from acdc_optical.fabrication.layouts.marks import MarkSizes, marks_for
from acdc_optical.fabrication.layouts.streams import Stream, read_gds, read_oasis
from acdc_optical.fabrication.plate import Layer, Levels, Plate, phase_steps
from tests.benchmarks.table import machine, publish

SIZES = (1024, 4096)
PITCH, WAVELENGTH, DBU = 1e-6, 633e-9, 1e-9
LEVELS, MASKS = 8, 3
FEWEST_CELLS = 4
"""In a period of the lens, at the middle of an edge."""

T = TypeVar("T")


class Step(NamedTuple):
    name: str
    seconds: float
    result: str = ""


class Clock:
    """Steps of one process, and the most memory that it has taken."""

    def __init__(self) -> None:
        self.steps = [Step("start of the process", 0.0, _peak())]

    def timed(self, name: str, work: Callable[[], T], result: Callable[[T], str] = lambda _: "") -> T:
        start = time.perf_counter()
        found = work()
        self.steps.append(Step(name, time.perf_counter() - start, result(found)))
        return found

    def ended(self) -> list[Step]:
        return [*self.steps, Step("in all", sum(step.seconds for step in self.steps), _peak())]


def _peak() -> str:
    return f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB"  # Linux counts in KiB


def lens_turns(samples: int) -> NDArray[np.float64]:
    """Phase of the lens over 2π, not wrapped."""
    axis = np.arange(samples) - (samples - 1) / 2
    return (axis[:, None] ** 2 + axis**2) / (FEWEST_CELLS * samples)


def quantised(turns: NDArray[np.float64]) -> Levels:
    return np.mod(np.rint(LEVELS * turns), LEVELS).astype(np.uint8)


def plate_of(levels: Levels) -> Plate:
    masks = tuple(
        Layer(m + 1, f"etch_{m + 1}", "etched", tuple(bool(level >> (MASKS - 1 - m) & 1) for level in range(LEVELS)))
        for m in range(MASKS)
    )
    return Plate("lens", levels, (PITCH, PITCH), phase_steps(LEVELS).transmittance, WAVELENGTH, masks)


def written(samples: int, folder: Path) -> list[Step]:
    clock = Clock()
    turns = lens_turns(samples)
    levels = clock.timed("phases to levels", lambda: quantised(turns))
    plate = plate_of(levels)
    layout = clock.timed(
        "levels to rectangles",
        lambda: layout_of(plate, marks_for(plate, MarkSizes(), DBU), DBU),
        lambda layout: f"{sum(map(len, layout.layers.values())):,} rectangles",
    )
    for name, write in (("lens.gds", write_gds), ("lens.oas", write_oasis)):
        path = folder / name
        clock.timed(
            f"write {name}",
            lambda write=write, path=path: write(path, layout, Flat()),
            lambda _, path=path: f"{path.stat().st_size / 1e6:.2f} MB",
        )
    return clock.ended()


def read_back(samples: int, folder: Path) -> list[Step]:
    clock = Clock()
    plate = plate_of(quantised(lens_turns(samples)))
    for name, read in (("lens.gds", read_gds), ("lens.oas", read_oasis)):
        path = folder / name
        stream: Stream = clock.timed(
            f"read {name}", lambda read=read, path=path: read(path), lambda s: f"by {s.reader}"
        )
        clock.timed(
            f"{name} to levels",
            lambda stream=stream: levels_in(stream.layers, plate, DBU),
            lambda levels: f"{int((levels != plate.levels).sum())} cells differ",
        )
    return clock.ended()


def in_its_own_process(work: Callable[[int, Path], list[Step]], samples: int, folder: Path) -> list[Step]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, samples, folder).result()


def rows() -> Iterator[list[str]]:
    for samples in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            for work in (written, read_back):
                for step in in_its_own_process(work, samples, Path(folder)):
                    yield [f"{samples}²", step.name, f"{step.seconds:.2f}", step.result]


def main() -> None:
    notes = [
        f"A Fresnel lens of {LEVELS} levels as {MASKS} masks, {FEWEST_CELLS} cells in its smallest period, cells of "
        f"{PITCH * 1e6:.0f} µm, units of {DBU * 1e9:.0f} nm, with marks and labels. One run of each. The "
        "imports of the library are in the peak at the start of each process.",
        "",
        f"{machine()}, {len(os.sched_getaffinity(0))} cores; gdstk {version('gdstk')}, NumPy {np.__version__}; "
        "`python -m tests.benchmarks.layout`.",
    ]
    publish("layout", "Layout files, written and read back", notes, ["cells", "step", "seconds", ""], list(rows()))


if __name__ == "__main__":
    main()
