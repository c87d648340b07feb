"""Rectangles with whole coordinates: what layouts hold, from pixels and back to pixels.

Coordinates are counted in database units (dbu), the smallest step of a layout file. Every edge is rounded by itself and
no width ever is, so that what abuts in metres abuts in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Edges = NDArray[np.int64]

FARTHEST = 2**53
"""Coordinates beyond this [dbu] are not exact in the double precision that layout libraries compute in."""


@dataclass(frozen=True, eq=False)
class Rectangles:
    """Rectangles in database units.

    Attributes:
        corners: x0, y0, x1, y1 of each, x0 < x1 and y0 < y1, int64, shape (n, 4).

    Raises:
        ValueError: another shape or type, or a rectangle without an area.

    >>> Rectangles(np.array([[0, 0, 2, 1], [2, 0, 3, 5]])).area
    7
    """

    corners: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.corners.ndim != 2 or self.corners.shape[1] != 4 or self.corners.dtype != np.int64:
            raise ValueError(f"expected int64 corners of shape (n, 4); got {self.corners.shape} {self.corners.dtype}")
        x0, y0, x1, y1 = self.corners.T
        flat = (x0 >= x1) | (y0 >= y1)
        if flat.any():
            raise ValueError(
                f"{int(flat.sum())} of {len(flat)} rectangles have no area, the first is "
                f"{self.corners[flat][0].tolist()} (x0, y0, x1, y1) [dbu]: put smaller before larger"
            )

    def __len__(self) -> int:
        return len(self.corners)

    @property
    def area(self) -> int:
        """Sum of the areas [dbu²]; what overlaps counts twice."""
        x0, y0, x1, y1 = self.corners.T
        sides = zip((x1 - x0).tolist(), (y1 - y0).tolist(), strict=True)
        return sum(width * height for width, height in sides)  # Python's numbers do not wrap

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1 around all of them [dbu]; zeros for none."""
        if not len(self):
            return 0, 0, 0, 0
        x0, y0, x1, y1 = self.corners.T
        return int(x0.min()), int(y0.min()), int(x1.max()), int(y1.max())

    def ordered(self) -> Rectangles:
        """The same in one fixed order, by y0, then x0, y1, x1."""
        x0, y0, x1, y1 = self.corners.T
        return Rectangles(self.corners[np.lexsort((x1, y1, x0, y0))])

    def split(self, bounds: tuple[int, int, int, int]) -> tuple[Rectangles, Rectangles]:
        """Those inside bounds (x0, y0, x1, y1) [dbu], and those outside: a pattern and the marks around it.

        Raises:
            ValueError: a rectangle lies across the bounds.
        """
        x0, y0, x1, y1 = self.corners.T
        inside = (x0 >= bounds[0]) & (y0 >= bounds[1]) & (x1 <= bounds[2]) & (y1 <= bounds[3])
        outside = (x1 <= bounds[0]) | (y1 <= bounds[1]) | (x0 >= bounds[2]) | (y0 >= bounds[3])
        across = ~(inside | outside)
        if across.any():
            raise ValueError(
                f"{int(across.sum())} rectangles lie across the bounds {bounds} [dbu], the first is "
                f"{self.corners[across][0].tolist()}: expected each inside or outside"
            )
        return Rectangles(self.corners[inside]), Rectangles(self.corners[outside])


def joined(parts: Sequence[Rectangles]) -> Rectangles:
    """All of several, one after the other."""
    return Rectangles(np.concatenate([np.empty((0, 4), np.int64), *(part.corners for part in parts)]))


def on_grid(edges: NDArray[np.floating], dbu: float) -> Edges:
    """Edges [m], ascending, shape (n,), each rounded to whole database units.

    Raises:
        ValueError: a dbu that is not positive, edges that are not finite, out of order, out of range, or two of which
            fall on one another.

    >>> on_grid(np.array([-1.1e-9, 0.2e-9, 3.4e-9]), 1e-9).tolist()
    [-1, 0, 3]
    """
    rounded = _whole(edges, dbu)
    collapsed = np.flatnonzero(np.diff(rounded) <= 0)
    if collapsed.size:
        i = int(collapsed[0])
        raise ValueError(
            f"edges {i} and {i + 1} at {edges[i]:.6g} m and {edges[i + 1]:.6g} m do not ascend on a grid of {dbu:.3g} m"
            f" ({collapsed.size} such pairs): take a finer grid"
        )
    return rounded


def centred(count: int, pitch: float, dbu: float) -> Edges:
    """The edges of ``count`` cells of a pitch [m], symmetric about the optical axis, shape (count + 1,).

    Raises:
        ValueError: as :func:`on_grid`.

    >>> centred(3, 1.5e-9, 1e-9).tolist()
    [-2, -1, 1, 2]
    """
    return on_grid((np.arange(count + 1) - count / 2) * pitch, dbu)


def from_metres(corners: NDArray[np.floating], dbu: float) -> Rectangles:
    """Geometry that is on no pixel grid: x0, y0, x1, y1 of each rectangle [m], shape (n, 4).

    Raises:
        ValueError: another shape, values that are not finite or out of range, a rectangle that has no area once its
            edges are rounded.
    """
    if corners.ndim != 2 or corners.shape[1] != 4:
        raise ValueError(f"expected rectangles x0, y0, x1, y1 of shape (n, 4); got {corners.shape}")
    return Rectangles(_whole(corners, dbu))


def _whole(metres: NDArray[np.floating], dbu: float) -> NDArray[np.int64]:
    if not dbu > 0:
        raise ValueError(f"expected a positive database unit [m]; got {dbu}")
    scaled = np.rint(np.asarray(metres, dtype=np.float64) / dbu)
    if not (np.abs(scaled) <= FARTHEST).all():  # also refuses NaN
        raise ValueError(f"expected coordinates within ±{FARTHEST} units of {dbu:.3g} m; got {metres!r}")
    return scaled.astype(np.int64)


def merged(drawn: NDArray[np.bool_], x_edges: Edges, y_edges: Edges) -> Rectangles:
    """The drawn cells as few rectangles that do not overlap: runs along x, equal runs of successive rows in one.

    Args:
        drawn: shape (ny, nx), rows growing with y.
        x_edges, y_edges: between which columns and rows lie [dbu], shapes (nx + 1,) and (ny + 1,).

    Raises:
        ValueError: shapes that do not belong together.
    """
    ny, nx = drawn.shape
    if x_edges.shape != (nx + 1,) or y_edges.shape != (ny + 1,):
        raise ValueError(
            f"expected {nx + 1} and {ny + 1} edges around cells of shape {drawn.shape}; "
            f"got {x_edges.shape} and {y_edges.shape}"
        )
    padded = np.zeros((ny, nx + 2), dtype=np.bool_)
    padded[:, 1:-1] = drawn
    changes = np.flatnonzero(padded[:, 1:] != padded[:, :-1])  # starts and ends of runs by turns
    row, first = np.divmod(changes[0::2], nx + 1)
    last = changes[1::2] - row * (nx + 1)
    # Runs of the same columns come next to each other, from row to row.
    key = np.sort((first * (nx + 1) + last) * ny + row)
    fresh = np.ones(len(key), dtype=np.bool_)
    fresh[1:] = (np.diff(key) != 1) | (key[1:] % ny == 0)
    starts = np.flatnonzero(fresh)
    columns, bottom = np.divmod(key[starts], ny)
    top = bottom + np.diff(starts, append=len(key))
    left, right = np.divmod(columns, nx + 1)
    return Rectangles(
        np.stack([x_edges[left], y_edges[bottom], x_edges[right], y_edges[top]], axis=1).astype(np.int64, copy=False)
    )


def rasterised(rectangles: Rectangles, x_edges: Edges, y_edges: Edges) -> NDArray[np.int32]:
    """How many rectangles cover each cell, shape (ny, nx): the inverse of :func:`merged` where nothing overlaps.

    Exact: each corner counts once in an array of differences, which is then summed along both axes.

    Raises:
        ValueError: a rectangle whose edges are not edges of cells.
    """
    ny, nx = len(y_edges) - 1, len(x_edges) - 1
    x0, y0, x1, y1 = rectangles.corners.T
    columns = [_places(x, x_edges, "x") for x in (x0, x1)]
    rows = [_places(y, y_edges, "y") * (nx + 1) for y in (y0, y1)]
    counts = np.zeros((ny + 1, nx + 1), dtype=np.int32)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            np.add.at(counts.reshape(-1), row + column, np.int32(1 if i == j else -1))
    for below, above in pairwise(counts):  # several times faster than a cumulative sum along this axis
        above += below
    np.cumsum(counts, axis=1, out=counts)
    return counts[:-1, :-1]


def _places(coordinates: NDArray[np.int64], edges: Edges, axis: str) -> NDArray[np.int64]:
    """Which edge each coordinate is."""
    places = np.minimum(np.searchsorted(edges, coordinates), len(edges) - 1)
    strays = edges[places] != coordinates
    if strays.any():
        raise ValueError(
            f"{int(strays.sum())} {axis} coordinates of rectangles are on no edge of the cells, the first is "
            f"{int(coordinates[strays][0])} dbu"
        )
    return places.astype(np.int64, copy=False)
