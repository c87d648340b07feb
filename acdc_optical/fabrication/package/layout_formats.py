"""GDSII and OASIS in the order package."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acdc_optical.fabrication.layouts.layout import (
    Arrangement,
    Flat,
    Hierarchical,
    Layout,
    layout_of,
    levels_in,
    write_gds,
    write_oasis,
)
from acdc_optical.fabrication.layouts.marks import MarkSizes, marks_for
from acdc_optical.fabrication.layouts.rectangles import Rectangles, joined
from acdc_optical.fabrication.layouts.streams import Stream, read_gds, read_oasis
from acdc_optical.fabrication.orders import MaskOrder
from acdc_optical.fabrication.package.format import Format
from acdc_optical.fabrication.package.readings import Reading

# Odd numbers without a pattern, by which the corners of a rectangle become one number.
_MIXING = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], dtype=np.uint64)


@lru_cache(maxsize=2)  # of one mask, asked for by each writer, reader and table
def layout_for(order: MaskOrder) -> Layout:
    """The layout of an order, with its marks."""
    dbu = order.layout.grid
    return layout_of(order.plate, marks_for(order.plate, MarkSizes(), dbu), dbu)


def _patterns(order: MaskOrder) -> str:
    return "" if order.plate.layers else "patterns"


def _writer(file: str, write: Callable[[Path, Layout, Arrangement], None]) -> Callable[[Path, MaskOrder], None]:
    def written(folder: Path, order: MaskOrder) -> None:
        arrangement = Hierarchical() if order.layout.hierarchical else Flat()
        write(folder / file, layout_for(order), arrangement)

    return written


def _reader(file: str, read: Callable[[Path], Stream]) -> Callable[[Path, MaskOrder], Reading]:
    def found(folder: Path, order: MaskOrder) -> Reading:
        return _reading(read(folder / file), order)

    return found


def _reading(stream: Stream, order: MaskOrder) -> Reading:
    """Rectangle by rectangle, marks and labels too; and what the cells of the field come to."""
    expected, plate = layout_for(order), order.plate
    remarks = [*_other_units(stream, expected)]
    differing = 0
    for number, rectangles in expected.layers.items():
        strays = _differing(stream.layers.get(number, joined([])), rectangles)
        differing += strays
        if strays:
            remarks += _misplaced(number, stream.layers.get(number, joined([])), expected.layers)
    try:
        levels = levels_in(stream.layers, plate, stream.dbu)
    except ValueError as error:
        return Reading(max(differing, 1), stream.reader, None, (*remarks, str(error)))
    return Reading(differing, stream.reader, plate.transmittance[levels], tuple(remarks))


def _other_units(stream: Stream, expected: Layout) -> Iterator[str]:
    if not np.isclose(stream.dbu, expected.dbu, rtol=1e-9, atol=0):
        yield f"its database unit is {stream.dbu:.3g} m, not {expected.dbu:.3g} m"


def _differing(found: Rectangles, expected: Rectangles) -> int:
    """Rectangles that are on one side alone, and copies that are too many."""
    ours, theirs = np.sort(_keys(expected)), np.sort(_keys(found))
    if np.array_equal(ours, theirs):
        return 0
    _, counts = np.unique(np.concatenate([np.unique(ours), np.unique(theirs)]), return_counts=True)
    alone = int((counts == 1).sum())
    return alone or abs(len(found) - len(expected))


def _keys(rectangles: Rectangles) -> NDArray[np.uint64]:
    """A number for each rectangle: of eight million, two share one by chance once in half a million layouts."""
    keys: NDArray[np.uint64] = rectangles.corners.astype(np.uint64) @ _MIXING
    return keys ^ (keys >> np.uint64(29))


def _misplaced(number: int, found: Rectangles, expected: Mapping[int, Rectangles]) -> Iterator[str]:
    """What a layer holds instead of its own."""
    if not len(found):
        yield f"layer {number} is empty"
        return
    x0, y0, x1, y1 = found.corners.T
    turned = {
        "": (x0, y0, x1, y1),
        " mirrored left-right": (-x1, y0, -x0, y1),
        " upside down": (x0, -y1, x1, -y0),
        " turned by 180°": (-x1, -y1, -x0, -y0),
    }
    for said, corners in turned.items():
        for other, rectangles in expected.items():
            if not _differing(Rectangles(np.stack(corners, axis=1)), rectangles):
                yield f"layer {number} holds what belongs on layer {other}{said}"


LAYOUTS = (
    Format(
        "gds",
        "layout.gds",
        "GDSII layout of all patterns, with alignment marks",
        _patterns,
        _writer("layout.gds", write_gds),
        _reader("layout.gds", read_gds),
        customary=True,
    ),
    Format(
        "oas",
        "layout.oas",
        "OASIS layout of all patterns, with alignment marks",
        _patterns,
        _writer("layout.oas", write_oasis),
        _reader("layout.oas", read_oasis),
        customary=True,
    ),
)
