"""Rectangles read back from GDSII and OASIS files, by readers that did not write them.

GDSII is read here, record by record (two bytes of length, one of kind, one of data type, all big-endian; kinds as in
the GDSII Stream Format Manual, release 6.0). A rectangle is a BOUNDARY element of always the same 64 bytes, so that
millions of them are read as one array. OASIS is turned into GDSII by klayout where that is installed, else by gdstk.
"""

from __future__ import annotations

import math
import struct
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import version
from pathlib import Path

import gdstk
import numpy as np
from numpy.typing import NDArray

from acdc_optical.fabrication.layouts.rectangles import Rectangles, joined

_HEADER, _BGNLIB, _LIBNAME, _UNITS, _ENDLIB, _BGNSTR, _STRNAME, _ENDSTR = range(8)
_BOUNDARY, _SREF, _ENDEL, _SNAME, _XY, _STRANS, _MAG, _ANGLE = 0x08, 0x0A, 0x11, 0x12, 0x10, 0x1A, 0x1B, 0x1C
_OTHERS = {0x09: "PATH", 0x0B: "AREF", 0x0C: "TEXT", 0x15: "NODE", 0x2D: "BOX"}

_ELEMENT = 64  # bytes of a rectangle
_MOST_AT_ONCE = 2**18  # rectangles read in one go


@dataclass(frozen=True, eq=False)
class Stream:
    """What a layout file holds.

    Attributes:
        layers: for each number of a layer its rectangles, of all cells that no other refers to and those below them.
        cells: names, in the order of the file.
        dbu: database unit [m].
        reader: who read it.
    """

    layers: dict[int, Rectangles]
    cells: tuple[str, ...]
    dbu: float
    reader: str


def read_gds(path: str | Path) -> Stream:
    """Read a GDSII file of rectangles.

    Raises:
        OSError: no such file.
        ValueError: a file that is damaged or ends early, that holds anything but rectangles on datatype 0, or cells
            turned, mirrored, scaled or in a ring; says at which byte.
    """
    data = np.fromfile(path, dtype=np.uint8)
    try:
        cells, dbu = _library(data)
        return Stream(_of_tops(cells), tuple(cells), dbu, "acdc-optical")
    except ValueError as error:
        raise ValueError(f"{path}: not a GDSII file of rectangles as written by acdc-optical: {error}") from None


def read_oasis(path: str | Path) -> Stream:
    """Read an OASIS file of rectangles, by way of a temporary GDSII file.

    Raises:
        OSError: no such file.
        ValueError: a checksum that does not hold, a file that is damaged, or as :func:`read_gds`.
    """
    Path(path).stat()
    try:
        valid, _ = gdstk.oas_validate(path)
    except RuntimeError as error:
        raise ValueError(f"{path}: not an OASIS file: {error}") from None
    if valid is False:
        raise ValueError(f"{path}: the checksum in this OASIS file does not hold: it was changed after it was written")
    reader, convert = _converter()
    with tempfile.TemporaryDirectory() as folder:
        converted = Path(folder) / "converted.gds"
        try:
            convert(Path(path), converted)
        except RuntimeError as error:
            raise ValueError(f"{path}: {reader} cannot read this as OASIS: {error}") from None
        stream = read_gds(converted)
    return Stream(stream.layers, stream.cells, stream.dbu, reader)


@dataclass
class _Cell:
    drawn: list[tuple[int, NDArray[np.int64]]] = field(default_factory=list)
    references: list[tuple[str, tuple[int, int]]] = field(default_factory=list)


def _library(data: NDArray[np.uint8]) -> tuple[dict[str, _Cell], float]:
    cells: dict[str, _Cell] = {}
    cell, dbu, at = _Cell(), math.nan, 0
    while True:
        kind, body, after = _record(data, at)
        if at == 0 and kind != _HEADER:
            raise ValueError("it does not begin with a HEADER record")
        if kind == _UNITS:
            dbu = _real(body[8:16])
        elif kind == _STRNAME:
            cell = _Cell()
            if cells.setdefault(_text(body), cell) is not cell:
                raise ValueError(f"byte {at}: a second cell {_text(body)!r}")
        elif kind == _BOUNDARY:
            after = at + _read_rectangles(data, at, cell)
        elif kind == _SREF:
            reference, after = _reference(data, after)
            cell.references.append(reference)
        elif kind == _ENDLIB:
            break
        elif kind in _OTHERS:
            raise ValueError(f"byte {at}: a {_OTHERS[kind]} element; expected rectangles and references alone")
        elif kind not in (_HEADER, _BGNLIB, _LIBNAME, _BGNSTR, _ENDSTR):
            raise ValueError(f"byte {at}: a record of the unexpected kind 0x{kind:02x}")
        at = after
    if data[after:].any():  # tapes are padded with zeros
        raise ValueError(f"byte {after}: more data behind the end of the library")
    if not dbu > 0:
        raise ValueError("it has no UNITS record with a positive database unit")
    return cells, dbu


def _record(data: NDArray[np.uint8], at: int) -> tuple[int, bytes, int]:
    """Kind and contents of the record at a byte, and where the next one begins."""
    head = data[at : at + 4].tobytes()
    length = int.from_bytes(head[:2], "big") if len(head) == 4 else 0
    if at + max(length, 4) > len(data):
        raise ValueError(f"byte {at}: the file of {len(data)} bytes ends before its library does; it is truncated")
    if length < 4:
        raise ValueError(f"byte {at}: a record of {length} bytes; the file is damaged")
    return head[2], data[at + 4 : at + length].tobytes(), at + length


def _read_rectangles(data: NDArray[np.uint8], at: int, cell: _Cell) -> int:
    """Read the rectangles that begin at a byte; return how many bytes they take."""
    start, count = at, 64
    while True:
        fit = min(count, (len(data) - at) // _ELEMENT)
        words = np.frombuffer(data, dtype=">u4", count=fit * 16, offset=at).reshape(fit, 16)
        regular = _are_plain(words)
        plain = fit if regular.all() else int(np.argmin(regular))
        layers, corners = _corners(words[:plain], at)
        cell.drawn += [(int(number), corners[layers == number]) for number in np.unique(layers)]
        at += plain * _ELEMENT
        if plain < count:
            break
        count = min(2 * count, _MOST_AT_ONCE)
    if at == start:
        kind = _BOUNDARY
        while kind != _ENDEL:  # says so if the file ends here
            kind, _, at = _record(data, at)
        raise ValueError(f"byte {start}: a polygon that is no rectangle on datatype 0, or has properties")
    return at - start


def _are_plain(words: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Which elements are BOUNDARY, LAYER, DATATYPE 0, XY of five points, ENDEL."""
    plain = words[:, 0] == 0x00040800
    for column, value in ((1, 0x00060D02), (3, 0x0E020000), (4, 0x002C1003), (15, 0x00041100)):
        plain &= words[:, column] == value
    return plain & (words[:, 2] & 0xFFFF == 0x0006)


def _corners(words: NDArray[np.uint32], at: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Layers, shape (n,), and corners, shape (n, 4), of plain elements; whichever corner and way round they begin."""
    points = words[:, 5:15].astype(np.uint32).view(np.int32)
    x, y = points[:, 0::2], points[:, 1::2]
    flat = (y[:, 0] == y[:, 1]) & (x[:, 1] == x[:, 2]) & (y[:, 2] == y[:, 3]) & (x[:, 3] == x[:, 0])
    tall = (x[:, 0] == x[:, 1]) & (y[:, 1] == y[:, 2]) & (x[:, 2] == x[:, 3]) & (y[:, 3] == y[:, 0])
    closed = (x[:, 0] == x[:, 4]) & (y[:, 0] == y[:, 4])
    # Opposite corners of a rectangle with an area differ in both coordinates.
    wrong = ~((flat | tall) & closed & (x[:, 0] != x[:, 2]) & (y[:, 0] != y[:, 2]))
    if wrong.any():
        raise ValueError(f"byte {at + _ELEMENT * int(np.argmax(wrong))}: five points that are no rectangle")
    ends = [np.minimum(x[:, 0], x[:, 2]), np.minimum(y[:, 0], y[:, 2])]
    ends += [np.maximum(x[:, 0], x[:, 2]), np.maximum(y[:, 0], y[:, 2])]
    return words[:, 2].astype(np.int64) >> 16, np.stack(ends, axis=1).astype(np.int64)


def _reference(data: NDArray[np.uint8], at: int) -> tuple[tuple[str, tuple[int, int]], int]:
    """Name and place of a cell that an SREF puts down unturned, and where the next record begins."""
    name, place = "", (0, 0)
    start = at
    while True:
        kind, body, at = _record(data, at)
        if kind == _SNAME:
            name = _text(body)
        elif kind == _XY and len(body) == 8:
            place = struct.unpack(">2i", body)
        elif kind == _ENDEL:
            return (name, place), at
        elif not _changes_nothing(kind, body):
            raise ValueError(f"byte {start}: a reference that turns, mirrors or scales; expected one that shifts")


def _changes_nothing(kind: int, body: bytes) -> bool:
    if kind == _STRANS:
        return not any(body)
    return (kind == _MAG and _real(body) == 1) or (kind == _ANGLE and _real(body) == 0)


def _of_tops(cells: dict[str, _Cell]) -> dict[int, Rectangles]:
    below = {name: {inner for inner, _ in cell.references} for name, cell in cells.items()}
    referred = {inner for inners in below.values() for inner in inners}
    if referred - set(cells):
        raise ValueError(f"references to cells {sorted(referred - set(cells))}, which are not in the file")
    try:
        TopologicalSorter(below).prepare()
    except CycleError as error:
        raise ValueError(f"cells that contain themselves: {', '.join(error.args[1])}") from None
    parts: dict[int, list[Rectangles]] = {}
    for name in cells:
        if name not in referred:
            for number, corners in _expanded(cells, name):
                parts.setdefault(number, []).append(Rectangles(corners))
    return {number: joined(parts[number]) for number in sorted(parts)}


def _expanded(cells: dict[str, _Cell], name: str) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """What a cell draws, and what those draw that it refers to."""
    yield from cells[name].drawn
    for inner, (x, y) in cells[name].references:
        for number, corners in _expanded(cells, inner):
            yield number, corners + np.array([x, y, x, y])


def _text(body: bytes) -> str:
    return body.rstrip(b"\0").decode("ascii", errors="replace")


def _real(body: bytes) -> float:
    """Eight bytes: a sign, a power of 16 in excess of 64, and a fraction of 56 bits."""
    if len(body) != 8:
        raise ValueError(f"a real number of {len(body)} bytes; expected 8")
    value = math.ldexp(int.from_bytes(body[1:], "big"), 4 * ((body[0] & 0x7F) - 64) - 56)
    return -value if body[0] & 0x80 else value


def _converter() -> tuple[str, Callable[[Path, Path], None]]:
    try:
        import klayout.db  # noqa: F401
    except ImportError:
        return f"gdstk {version('gdstk')}", _convert_by_gdstk
    return f"klayout {version('klayout')}", _convert_by_klayout


def _convert_by_klayout(source: Path, target: Path) -> None:
    import klayout.db as klayout

    layout = klayout.Layout()
    layout.read(str(source))
    options = klayout.SaveLayoutOptions()
    options.format = "GDS2"
    options.write_context_info = False  # else as text in a cell of its own
    layout.write(str(target), options)


def _convert_by_gdstk(source: Path, target: Path) -> None:
    gdstk.read_oas(source).write_gds(target)


@dataclass(frozen=True)
class Difference:
    """Areas by klayout [dbu²]: of a layer of a file with overlaps counted once, and of what differs from expected."""

    area: int
    differing: int


def difference_by_klayout(path: str | Path, layer: int, expected: Rectangles) -> Difference:
    """A layer of a GDSII or OASIS file held against rectangles, all by klayout: some 10 µs per rectangle.

    Raises:
        ImportError: klayout is not installed; it comes with the development extra.
        ValueError: klayout cannot read the file.
    """
    import klayout.db as klayout

    layout = klayout.Layout()
    try:
        layout.read(str(path))
    except RuntimeError as error:
        raise ValueError(f"{path}: klayout cannot read this layout: {error}") from None
    index = layout.layer(layer, 0)
    found = klayout.Region()
    for cell in layout.top_cells():
        found.insert(cell.begin_shapes_rec(index))
    wanted = klayout.Region()
    for corners in expected.corners.tolist():
        wanted.insert(klayout.Box(*corners))
    return Difference(found.area(), (found ^ wanted).area())
