"""The relief of a plate as a solid (binary STL) or as points (ASCII XYZ), and back.

The solid is a staircase whose walls lean by a thousandth of a cell: each cell has a flat top with four corners of its
own, that far inside its border, and between the tops lie narrow slopes. So the surface is closed and has two faces at
every edge, also where two high cells touch at a corner only, which with vertical walls no mesh can show. A slope holds
as much as the wall it stands for, so that the volume is that of the cells. Equal neighbouring rows and columns become
one: a mask of stripes needs few faces. STL knows no units: numbers are in micrometres, as its header says.

Both show :attr:`Plate.seen`, x to the right, y upwards, z towards the viewer, the origin in the middle at height 0.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from acdc_optical.fabrication.plate import Plate
from acdc_optical.fabrication.surfaces.height_maps import Heights, relief_of
from acdc_optical.fabrication.surfaces.rasters import Pitch
from acdc_optical.files import replacing
from optics.units import um

Axis = NDArray[np.float32]
Facets = NDArray[np.void]
Triangles = NDArray[np.floating]

_LEAN = 1e-3  # of a cell, on either side of its border
_STEPS = 4  # of float32, that a lean needs at least, so that no face collapses
_STEEPEST = 0.05  # of a cell; beyond, float32 is too coarse for so many cells
_LARGEST = 512 * 2**20
_ROWS = 64  # written at a time: all facets at once would take several times the memory of the file
_MOST_POINTS = 2048**2

# The format of 3D Systems, 1989: 80 bytes of text, the number of facets, 50 bytes for each.
_HEADER = 80
_FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


class _Steps(NamedTuple):
    """Cells of one row or column: where their flat tops begin and end [um], and which of the plate's they are."""

    lines: Axis
    cells: NDArray[np.int64]


def write_solid(path: str | Path, plate: Plate, *, base: float, largest: int = _LARGEST) -> None:
    """Write the relief on a base as a closed solid, binary STL in micrometres.

    Args:
        path: of the file.
        plate: whose relief it is.
        base: thickness below height 0 [m].
        largest: size of file [bytes].

    Raises:
        ValueError: no relief, no thickness under some cell, more cells in a row than float32 can tell apart, or a file
            larger than allowed; the message says how large.
        OSError: as :func:`acdc_optical.files.replacing`.
    """
    relief = relief_of(plate)
    if not np.isfinite(relief).all() or not 0 < base < np.inf or not float(relief.min()) + base > 0:
        raise ValueError(f"expected finite heights on a base under all of them; got a base of {base} m")
    y, x = (_steps(relief, axis, plate.pitch[axis], plate.name) for axis in (0, 1))
    tops, rim = (len(y.lines) - 1) * (len(x.lines) - 1), 2 * (len(y.lines) + len(x.lines) - 2)
    size = _HEADER + 4 + (2 * tops + 3 * rim) * _FACET.itemsize
    if size > largest:
        raise ValueError(
            f"the solid of plate {plate.name!r} needs {size / 2**20:.0f} MiB, more than {largest / 2**20:.0f}; write a "
            "height map or a layout, fewer cells, or one period: only equal neighbouring rows and columns are merged"
        )
    surface = _surface(y, x, relief[np.ix_(y.cells, x.cells)] / um)
    with replacing(path) as temporary, open(temporary, "wb") as file:
        header = f"acdc-optical {plate.name[:16]}; units: micrometres; z = 0 at height 0"
        file.write(header.encode("ascii", "replace").ljust(_HEADER) + (2 * tops + 3 * rim).to_bytes(4, "little"))
        for start in range(0, len(y.lines) - 1, _ROWS):
            file.write(_tops(surface[start : start + _ROWS + 1]).tobytes())
        file.write(_sides_and_bottom(surface, np.float32(-base / um)).tobytes())


def triangles_in(path: str | Path) -> Triangles:
    """The corners of all facets of a binary STL, float32, shape (facets, 3, 3); errors as for :func:`read_facets`."""
    corners: Triangles = read_facets(path)["corners"]
    return corners


def closed_triangles_in(path: str | Path) -> Triangles:
    """The same as trimesh reads it, float64: another reader, and a judge of the surface. It needs some time.

    Raises:
        ImportError: trimesh is not installed.
        FileNotFoundError: no such file.
        ValueError: no solid: not to be read, or with holes, or facets that are wound differently.
    """
    import trimesh  # an extra for development

    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a binary STL")
    try:
        mesh = trimesh.load_mesh(path, file_type="stl")
    except Exception as error:  # whatever its parsers meet
        raise ValueError(f"{path}: expected a binary STL that trimesh reads; {error}") from None
    if not mesh.is_watertight or not mesh.is_winding_consistent:
        raise ValueError(f"{path}: its surface is not closed, or not wound alike everywhere; write it anew")
    return np.asarray(mesh.triangles)


def read_solid(
    path: str | Path,
    *,
    shape: tuple[int, int],
    pitch: Pitch,
    triangles: Callable[[str | Path], Triangles] = triangles_in,
) -> Heights:
    """The height of every cell [m], shape (ny, nx), from the flat tops of a solid in micrometres.

    Args:
        path: of a binary STL file.
        shape: cells along (y, x).
        pitch: of the cells, (y, x) [m].
        triangles: who reads the file; :func:`closed_triangles_in` is independent of the writer.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a binary STL, cut short, or without a flat top in every cell.
    """
    corners = triangles(path)
    corners = corners[np.ptp(corners[..., 2], axis=1) == 0].astype(np.float64)
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    corners = corners[a[:, 0] * b[:, 1] > a[:, 1] * b[:, 0]]  # from above counter-clockwise: tops, not the bottom
    middle, size = np.array(shape) / 2, np.array(pitch) / um
    first = np.rint(corners.min(axis=1)[:, 1::-1] / size + middle).astype(np.int64)
    last = np.rint(corners.max(axis=1)[:, 1::-1] / size + middle).astype(np.int64)
    kept = (last > first).all(axis=1) & (first >= 0).all(axis=1) & (last <= shape).all(axis=1)  # slopes span no cell
    heights = _painted(first[kept], last[kept], corners[kept, 0, 2], shape)
    if np.isnan(heights).any():
        raise ValueError(f"{path}: {int(np.isnan(heights).sum())} of {shape} cells have no flat top; another mask?")
    return heights * um


def read_facets(path: str | Path) -> Facets:
    """The facets of a binary STL: fields normal (3,), corners (3, 3) and attribute, as in the file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a binary STL, or cut short.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a binary STL")
    content = path.read_bytes()
    count = int.from_bytes(content[_HEADER : _HEADER + 4], "little")
    if len(content) != _HEADER + 4 + count * _FACET.itemsize or not count:
        raise ValueError(f"{path}: expected a binary STL of {count} facets; its {len(content)} bytes are not that many")
    return np.frombuffer(content, dtype=_FACET, offset=_HEADER + 4)


def write_points(path: str | Path, plate: Plate) -> None:
    """Write the height at the middle of every cell as lines ``x y z`` in micrometres, row by row from the lowest.

    Raises:
        ValueError: no relief, or more than 2048² cells: a hundred megabytes and more that few programs read.
        OSError: as :func:`acdc_optical.files.replacing`.
    """
    relief = relief_of(plate)
    if relief.size > _MOST_POINTS:
        raise ValueError(
            f"plate {plate.name!r} has {relief.size} cells; as text that is {relief.size * 28 / 2**20:.0f} MiB, which "
            f"few programs read: write a height map, or at most {_MOST_POINTS} cells"
        )
    y, x = np.meshgrid(*_middles(relief.shape, plate.pitch), indexing="ij")
    points = np.stack([x, y, relief / um], axis=-1).reshape(-1, 3)
    with replacing(path) as temporary:
        np.savetxt(temporary, points, fmt=("%.4f", "%.4f", "%.5f"))


def read_points(path: str | Path, *, shape: tuple[int, int], pitch: Pitch) -> Heights:
    """The height of every cell [m], shape (ny, nx), from lines ``x y z`` in micrometres, in any order.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not three numbers in a line, or points that are not the middles of such cells, each once.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file; expected lines of x y z")
    try:
        points = np.loadtxt(path, ndmin=2)
    except ValueError as error:
        raise ValueError(f"{path}: expected lines of three numbers, x y z; {error}") from None
    if points.shape != (shape[0] * shape[1], 3):
        raise ValueError(f"{path}: expected {shape[0] * shape[1]} points of x y z; got an array of {points.shape}")
    y, x = _middles(shape, pitch)
    row, column = (np.rint((points[:, k] - c[0]) / (p / um)) for k, c, p in ((1, y, pitch[0]), (0, x, pitch[1])))
    inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
    row, column = np.where(inside, row, 0).astype(np.int64), np.where(inside, column, 0).astype(np.int64)
    near = (np.abs(points[:, 1] - y[row]) < 1e-4) & (np.abs(points[:, 0] - x[column]) < 1e-4)  # the digits written
    if not (inside & near).all() or len(np.unique(row * shape[1] + column)) != len(points):
        raise ValueError(f"{path}: its points are not the middles of {shape} cells of {pitch} m; another mask?")
    heights = np.empty(shape)
    heights[row, column] = points[:, 2] * um
    return heights


def _middles(shape: tuple[int, ...], pitch: Pitch) -> tuple[Heights, Heights]:
    """Along (y, x) [um]."""
    y, x = ((np.arange(n, dtype=np.float64) - (n - 1) / 2) * (p / um) for n, p in zip(shape, pitch, strict=True))
    return y, x


def _steps(relief: Heights, axis: int, pitch: float, name: str) -> _Steps:
    """The cells along an axis, equal neighbours as one, with the lines between which they are flat."""
    n = relief.shape[axis]
    changes = (np.diff(relief, axis=axis) != 0).any(axis=1 - axis)
    cells = np.concatenate([[0], np.flatnonzero(changes) + 1])
    borders = (np.append(cells, n) - n / 2) * (pitch / um)
    lean = max(_LEAN * pitch / um, _STEPS * float(np.spacing(np.float32(borders[-1]))))
    if lean > _STEEPEST * pitch / um:
        raise ValueError(f"plate {name!r} has {n} cells in a row, more than float32 tells apart; write a part of it")
    lines = np.stack([borders[:-1] + lean, borders[1:] - lean], axis=1)
    lines[0, 0], lines[-1, 1] = borders[0], borders[-1]
    return _Steps(lines.ravel().astype(np.float32), cells)


def _surface(y: _Steps, x: _Steps, heights: Heights) -> NDArray[np.float32]:
    """The corners of all tops, (x, y, z) [um], shape (2·rows, 2·columns, 3)."""
    z = heights.astype(np.float32).repeat(2, axis=0).repeat(2, axis=1)
    ys, xs = np.meshgrid(y.lines, x.lines, indexing="ij")
    return np.stack([xs, ys, z], axis=-1)


def _tops(surface: NDArray[np.float32]) -> Facets:
    """Two facets for every four neighbouring corners, counter-clockwise from above."""
    a, b, c, d = surface[:-1, :-1], surface[:-1, 1:], surface[1:, 1:], surface[1:, :-1]
    return _facets(np.stack([np.stack([a, b, c], axis=2), np.stack([a, c, d], axis=2)]))


def _sides_and_bottom(surface: NDArray[np.float32], depth: np.float32) -> Facets:
    """Two facets down from each edge of the rim, one from there to the middle of the bottom: no edge meets a side."""
    rim = np.concatenate([surface[0, :-1], surface[:-1, -1], surface[-1, :0:-1], surface[:0:-1, 0]])
    foot = rim.copy()
    foot[:, 2] = depth
    middle = np.zeros_like(foot)
    middle[:, 2] = depth
    after, foot_after = np.roll(rim, -1, axis=0), np.roll(foot, -1, axis=0)
    triangles = ([rim, foot, foot_after], [rim, foot_after, after], [foot, middle, foot_after])
    return _facets(np.stack([np.stack(corners, axis=1) for corners in triangles]))


def _facets(corners: NDArray[np.float32]) -> Facets:
    """From triangles of shape (…, 3, 3)."""
    facets = np.zeros(corners.size // 9, dtype=_FACET)
    facets["corners"] = corners.reshape(-1, 3, 3)
    wide = corners.reshape(-1, 3, 3).astype(np.float64)  # slopes are thin: their normals need the digits
    normal = np.cross(wide[:, 1] - wide[:, 0], wide[:, 2] - wide[:, 0])
    facets["normal"] = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    return facets


def _painted(first: NDArray[np.int64], last: NDArray[np.int64], z: Heights, shape: tuple[int, int]) -> Heights:
    """Heights of cells from boxes [first, last) of (row, column), NaN where there is none."""
    heights = np.full(shape, np.nan)
    single = (last - first == 1).all(axis=1)  # most, in a mask that is not of stripes
    heights[first[single, 0], first[single, 1]] = z[single]
    for (top, left), (bottom, right), height in zip(first[~single], last[~single], z[~single], strict=True):
        heights[top:bottom, left:right] = height
    return heights
