"""Layouts for mask shops: GDSII and OASIS of a plate, or of geometry on no pixel grid, written by gdstk.

Rectangles alone: no polygon has more corners than a format allows, and none needs a keyhole. The pattern and the marks
of a mask layer share one number of layer, datatype 0. Formats: GDSII stream 6; OASIS, SEMI P39.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import gdstk
import numpy as np

from acdc_optical.fabrication.layouts.marks import Corners, Mark, Marks
from acdc_optical.fabrication.layouts.rectangles import (
    Edges,
    Rectangles,
    centred,
    from_metres,
    joined,
    merged,
    on_grid,
    rasterised,
)
from acdc_optical.fabrication.plate import Levels, Plate
from acdc_optical.files import replacing

DBU = 1e-9
"""The usual database unit [m]."""

_USER_UNIT = 1e-6  # of the numbers that layout programs show
_NO_DATE = datetime(2000, 1, 1)  # so that the same design gives the same bytes
_LONGEST_NAME = 32
_LONGEST_SUFFIX = "_L255_MARKS"
_HIGHEST_LAYER = 255
_HIGHEST_INT32 = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Layout:
    """Rectangles on numbered layers, ready to be written.

    Attributes:
        name: of the top cell, at most 21 of A-Z a-z 0-9 _ $ ?, without "main", which some writing tools keep for
            themselves; names of the cells below begin with it.
        dbu: database unit [m].
        pattern: for each number of a layer, 0 to 255, what it draws.
        marks: the same for alignment marks and labels; on layers of the pattern.
        table: of the marks.

    Raises:
        ValueError: a name or number that files do not hold, marks on a layer that is none or on the pattern.
    """

    name: str
    dbu: float
    pattern: Mapping[int, Rectangles]
    marks: Mapping[int, Rectangles]
    table: tuple[Mark, ...] = ()

    def __post_init__(self) -> None:
        longest = _LONGEST_NAME - len(_LONGEST_SUFFIX)
        if not re.fullmatch(rf"[A-Za-z0-9_$?]{{1,{longest}}}", self.name) or "main" in self.name.lower():
            raise ValueError(
                f"expected a name of 1 to {longest} characters A-Z a-z 0-9 _ $ ? without 'main'; got {self.name!r}"
            )
        for number in self.pattern:
            if not 0 <= number <= _HIGHEST_LAYER:
                raise ValueError(f"expected numbers of layers from 0 to {_HIGHEST_LAYER}; got {number}: renumber it")
        stray = set(self.marks) - set(self.pattern)
        if stray:
            raise ValueError(
                f"marks are on layers {sorted(stray)}, the pattern is not: expected {sorted(self.pattern)}"
            )
        x0, y0, x1, y1 = joined(list(self.pattern.values())).bounds
        for number, marks in self.marks.items():
            mx0, my0, mx1, my1 = marks.corners.T
            touching = (mx0 < x1) & (mx1 > x0) & (my0 < y1) & (my1 > y0)
            if touching.any():
                raise ValueError(
                    f"{int(touching.sum())} rectangles of marks on layer {number} lie on the pattern's field "
                    f"{x0, y0, x1, y1} [dbu]: make marks for its extent"
                )

    @property
    def layers(self) -> dict[int, Rectangles]:
        """For each number of a layer all that it draws, pattern and marks."""
        nothing = joined([])
        return {number: joined([drawn, self.marks.get(number, nothing)]) for number, drawn in self.pattern.items()}

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1 around everything [dbu]."""
        return joined([*self.pattern.values(), *self.marks.values()]).bounds


def edges_of(plate: Plate, dbu: float = DBU) -> tuple[Edges, Edges]:
    """Edges of the cells of a plate, as the shop sees it, along x and y [dbu], shapes (nx + 1,) and (ny + 1,).

    Raises:
        ValueError: cells smaller than the grid.
    """
    ny, pitch_y = plate.levels.shape[0], plate.pitch[0]
    return on_grid(plate.seen_edges, dbu), centred(ny, pitch_y, dbu)


def layout_of(plate: Plate, marks: Marks, dbu: float = DBU) -> Layout:
    """The layers of a plate as the shop sees them, x mirrored if it is so, and marks around them.

    Raises:
        ValueError: no layers or two of one number, cells smaller than the grid, or as :class:`Layout`.
    """
    numbers = [layer.number for layer in plate.layers]
    if not numbers or len(set(numbers)) < len(numbers):
        raise ValueError(f"expected layers of different numbers on plate {plate.name!r}; got {numbers}")
    x_edges, y_edges = edges_of(plate, dbu)
    pattern = {layer.number: merged(plate.drawn(layer), x_edges, y_edges) for layer in plate.layers}
    return Layout(plate.name, dbu, pattern, _snapped(marks.shapes, dbu), marks.table)


def levels_in(layers: Mapping[int, Rectangles], plate: Plate, dbu: float = DBU) -> Levels:
    """The levels of every cell, in the frame of the light, from what a file draws: the inverse of :func:`layout_of`.

    Args:
        layers: as read from a file, with or without marks around the field of the plate.
        plate: whose shape, layers and levels are expected; its own levels are not looked at.
        dbu: database unit of the file [m].

    Raises:
        ValueError: layers that the plate does not have; rectangles that overlap, lie across the edge of the field or
            on no cells; a combination of layers that is no level.
    """
    strays = set(layers) - {layer.number for layer in plate.layers}
    if strays:
        raise ValueError(f"layers {sorted(strays)} are none of plate {plate.name!r}; expected its own alone")
    x_edges, y_edges = edges_of(plate, dbu)
    field = int(x_edges[0]), int(y_edges[0]), int(x_edges[-1]), int(y_edges[-1])
    drawn = []
    for layer in plate.layers:
        pattern, _ = layers.get(layer.number, joined([])).split(field)
        counts = rasterised(pattern, x_edges, y_edges)
        if counts.max(initial=0) > 1:
            raise ValueError(f"rectangles of layer {layer.number} overlap in {int((counts > 1).sum())} cells")
        drawn.append(counts > 0)
    seen = plate.levels_of(drawn)
    return seen[:, ::-1] if plate.mirrored else seen


def layout_of_geometry(name: str, geometry: Mapping[int, Corners], marks: Marks, dbu: float = DBU) -> Layout:
    """Geometry on no pixel grid: for each number of a layer rectangles x0, y0, x1, y1 [m], shape (n, 4).

    Taken as the shop sees it; nothing is mirrored here.

    Raises:
        ValueError: as :func:`~acdc_optical.fabrication.layouts.rectangles.from_metres` and :class:`Layout`.
    """
    return Layout(name, dbu, _snapped(geometry, dbu), _snapped(marks.shapes, dbu), marks.table)


def _snapped(geometry: Mapping[int, Corners], dbu: float) -> dict[int, Rectangles]:
    return {number: from_metres(corners, dbu) for number, corners in geometry.items()}


class Arrangement(Protocol):
    """How a layout is divided into cells."""

    def cells(self, layout: Layout) -> list[gdstk.Cell]:
        """All cells, the top cell first."""


@dataclass(frozen=True)
class Flat:
    """Everything in the top cell: for tools that limit the references in a file."""

    def cells(self, layout: Layout) -> list[gdstk.Cell]:
        return [_cell(layout.name, layout.layers, layout.dbu)]


@dataclass(frozen=True)
class Hierarchical:
    """The top cell refers to one cell of pattern and one of marks for each layer, so that either can be replaced."""

    def cells(self, layout: Layout) -> list[gdstk.Cell]:
        parts = [(number, "", drawn) for number, drawn in layout.pattern.items()]
        parts += [(number, "_MARKS", drawn) for number, drawn in layout.marks.items()]
        below = [_cell(f"{layout.name}_L{n}{suffix}", {n: drawn}, layout.dbu) for n, suffix, drawn in parts]
        return [gdstk.Cell(layout.name).add(*(gdstk.Reference(cell) for cell in below)), *below]


def write_gds(path: str | Path, layout: Layout, arrangement: Arrangement) -> None:
    """Write a GDSII file; the same layout gives the same bytes.

    Raises:
        ValueError: coordinates beyond 32 bits, which the format cannot hold.
        OSError: as :func:`~acdc_optical.files.replacing`.
    """
    farthest = max(map(abs, layout.bounds))
    if farthest > _HIGHEST_INT32:
        raise ValueError(
            f"a coordinate of {farthest} units of {layout.dbu:.3g} m is beyond the 32 bits of GDSII (at most "
            f"{_HIGHEST_INT32}, {_HIGHEST_INT32 * layout.dbu:.3g} m): take a coarser database unit, or OASIS"
        )
    with replacing(path) as temporary:
        _library(layout, arrangement).write_gds(temporary, timestamp=_NO_DATE)


def write_oasis(path: str | Path, layout: Layout, arrangement: Arrangement) -> None:
    """Write an OASIS file with a CRC-32 of its own; the same layout gives the same bytes.

    Raises:
        OSError: as :func:`~acdc_optical.files.replacing`.
    """
    with replacing(path) as temporary:
        _library(layout, arrangement).write_oas(temporary, detect_rectangles=True, validation="crc32")


def _library(layout: Layout, arrangement: Arrangement) -> gdstk.Library:
    return gdstk.Library(layout.name, unit=_USER_UNIT, precision=layout.dbu).add(*arrangement.cells(layout))


def _cell(name: str, layers: Mapping[int, Rectangles], dbu: float) -> gdstk.Cell:
    cell = gdstk.Cell(name)
    for number, drawn in layers.items():
        cell.add(*_repeated(drawn, number, dbu / _USER_UNIT))
    return cell


def _repeated(drawn: Rectangles, layer: int, scale: float) -> list[gdstk.Polygon]:
    """One object for each size of rectangle, repeated wherever that size occurs.

    A pattern of millions of rectangles has some hundred sizes. GDSII gets every copy written out; OASIS keeps the
    repetitions, and is smaller for it.
    """
    x0, y0, x1, y1 = drawn.corners.T
    corners = drawn.corners[np.lexsort((y1 - y0, x1 - x0))]  # those of one size keep their order, from near to near
    width, height = corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]
    starts = np.flatnonzero((np.diff(width, prepend=0) != 0) | (np.diff(height, prepend=0) != 0))
    ends = np.append(starts, len(corners))[1:]
    polygons = []
    for start, end in zip(starts, ends, strict=True):
        first = corners[start] * scale
        polygon = gdstk.rectangle(tuple(first[:2]), tuple(first[2:]), layer=layer)
        if end > start + 1:
            offsets = (corners[start + 1 : end, :2] - corners[start, :2]) * scale
            polygon.repetition = gdstk.Repetition(offsets=(offsets[:, 0] + 1j * offsets[:, 1]).tolist())
        polygons.append(polygon)
    return polygons
