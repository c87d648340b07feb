"""Grids: where a field is sampled, and how each of its cells is resolved.

Every grid is symmetric about the optical axis: cell ``j`` of ``n`` is centred on
``(j - (n-1)/2)·spacing``. With ``n`` even the axis lies between two cells, with ``n`` odd one cell is on it.

A cell may be a sampling point, a hardware pixel over which the field is constant, or a stretch of space that
needs several samples. A :class:`Cell` says which, so that one Fourier integral serves them all:

- :func:`point`: one sample stands for the cell. The textbook discrete picture.
- :func:`flat`: one sample, constant over the active part of the cell: its diffraction envelope is exact.
- :func:`gauss`: Gauss-Legendre nodes in the active part: converges exponentially for fields that are
  smooth within the cell, whatever happens at its edges.
- :func:`midpoint`: equal sub-samples: what a refined uniform grid does, converging with the second order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import index

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Cell:
    """How one cell of unit width is resolved; see the functions of this module for the usual ones.

    Attributes:
        nodes: positions of the samples within the cell, from -1/2 to 1/2.
        weights: what each sample counts in an integral over the cell; their sum is the active fraction.
        width: fraction of the cell over which the field is constant around its node; 0 for a point sample.
    """

    nodes: tuple[float, ...]
    weights: tuple[float, ...]
    width: float = 0.0

    def __len__(self) -> int:
        return len(self.nodes)


def point() -> Cell:
    """One sample that stands for the whole cell."""
    return Cell((0.0,), (1.0,))


def flat(fill: float = 1.0) -> Cell:
    """A pixel over whose central fraction ``fill`` the field is constant; opaque elsewhere."""
    return Cell((0.0,), (_checked_fill(fill),), fill)


def gauss(samples: int, fill: float = 1.0) -> Cell:
    """``samples`` Gauss-Legendre nodes over the central fraction ``fill`` of the cell; opaque elsewhere."""
    nodes, weights = np.polynomial.legendre.leggauss(_checked_samples(samples))
    scale = _checked_fill(fill) / 2
    return Cell(tuple((nodes * scale).tolist()), tuple((weights * scale).tolist()))


def midpoint(samples: int, fill: float = 1.0) -> Cell:
    """``samples`` equal sub-cells over the central fraction ``fill`` of the cell, each sampled at its middle."""
    count = _checked_samples(samples)
    step = _checked_fill(fill) / count
    return Cell(tuple((j - (count - 1) / 2) * step for j in range(count)), (step,) * count)


def divided(edges: Sequence[float], samples: int, fill: float = 1.0) -> Cell:
    """A cell of several parts, each with ``samples`` Gauss-Legendre nodes, over the central fraction ``fill``.

    Args:
        edges: where the parts begin and end, ascending from -1/2 to 1/2. Of what lies outside ``fill``, parts have less
            or no weight, and as many nodes.
        samples: per part.
        fill: as for :func:`gauss`.

    Raises:
        ValueError: edges that are not such.
    """
    begins, ends = np.array(edges[:-1]), np.array(edges[1:])
    if len(edges) < 2 or edges[0] != -0.5 or edges[-1] != 0.5 or (ends <= begins).any():
        raise ValueError(f"expected edges ascending from -0.5 to 0.5; got {list(edges)}")
    unit = gauss(samples)
    half = _checked_fill(fill) / 2
    begins, ends = begins.clip(-half, half), ends.clip(-half, half)
    nodes = (begins + ends)[:, None] / 2 + np.outer(ends - begins, unit.nodes)
    return Cell(tuple(nodes.ravel().tolist()), tuple(np.outer(ends - begins, unit.weights).ravel().tolist()))


@dataclass(frozen=True)
class Axis:
    """One axis of a grid: ``cells`` cells of ``spacing`` metres, symmetric about the optical axis.

    Raises:
        ValueError: no cells, or a spacing that is not a positive, finite length.
    """

    cells: int
    spacing: float
    cell: Cell = point()

    def __post_init__(self) -> None:
        if self.cells < 1:
            raise ValueError(f"a grid needs at least one cell along each axis; got {self.cells}")
        if not (math.isfinite(self.spacing) and self.spacing > 0):
            raise ValueError(f"spacing must be a positive length in metres; got {self.spacing}")

    @property
    def size(self) -> int:
        """Number of samples: cells times nodes per cell."""
        return self.cells * len(self.cell)

    @property
    def extent(self) -> float:
        """Width covered by the cells [m]."""
        return self.cells * self.spacing

    @property
    def centres(self) -> Tensor:
        """Cell centres [m], float64, shape (cells,)."""
        return (torch.arange(self.cells, dtype=torch.float64) - (self.cells - 1) / 2) * self.spacing

    @property
    def coordinates(self) -> Tensor:
        """Sample positions [m], float64, ascending, shape (size,)."""
        nodes = torch.tensor(self.cell.nodes, dtype=torch.float64)
        return (self.centres[:, None] + nodes * self.spacing).flatten()

    @property
    def line(self) -> Grid:
        """The axis by itself, as a 1-D grid."""
        return Grid(self.cells, self.spacing, self.cell)

    @property
    def weights(self) -> Tensor:
        """Integration weights [m], float64, shape (size,): ∫f dx ≈ Σ weights·f."""
        return torch.tensor(self.cell.weights, dtype=torch.float64).repeat(self.cells) * self.spacing


@dataclass(frozen=True, init=False)
class Grid:
    """A 1-D (x) or 2-D (y, x) grid, symmetric about the optical axis.

    Args:
        shape: number of cells along (x,) or (y, x); an int makes a 1-D grid.
        spacing: cell size [m]; one number for all axes or one for each.
        cell: how every cell is resolved; a point by default.

    Raises:
        ValueError: no or more than two axes, an axis without cells, a spacing that is not positive and finite.
        TypeError: a number of cells that is not whole.

    >>> Grid((4, 6), 8e-6).shape
    (4, 6)
    >>> Grid((4, 6), 8e-6, gauss(3)).shape
    (12, 18)
    """

    axes: tuple[Axis, ...]

    def __init__(self, shape: int | Sequence[int], spacing: float | Sequence[float], cell: Cell | None = None):
        cells = tuple(index(n) for n in (shape if isinstance(shape, Sequence) else (shape,)))
        if len(cells) not in (1, 2):
            raise ValueError(f"a grid has one axis (x) or two (y, x); got shape {cells}")
        pitches = tuple(map(float, spacing)) if isinstance(spacing, Sequence) else (float(spacing),) * len(cells)
        if len(pitches) != len(cells):
            raise ValueError(f"expected one spacing for each of the {len(cells)} axes; got {len(pitches)}")
        axes = tuple(Axis(n, d, cell or point()) for n, d in zip(cells, pitches, strict=True))
        object.__setattr__(self, "axes", axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of samples along each axis: the trailing shape of a field on this grid."""
        return tuple(axis.size for axis in self.axes)

    @property
    def cells(self) -> tuple[int, ...]:
        """Number of cells along each axis."""
        return tuple(axis.cells for axis in self.axes)

    @property
    def spacing(self) -> tuple[float, ...]:
        """Cell size along each axis [m]."""
        return tuple(axis.spacing for axis in self.axes)

    @property
    def extent(self) -> tuple[float, ...]:
        """Width covered along each axis [m]."""
        return tuple(axis.extent for axis in self.axes)

    @property
    def ndim(self) -> int:
        """1 or 2."""
        return len(self.axes)

    @property
    def coordinates(self) -> tuple[Tensor, ...]:
        """Sample positions [m] along each axis, float64, shaped to broadcast over a field's trailing axes."""
        return tuple(_along(axis.coordinates, i, self.ndim) for i, axis in enumerate(self.axes))

    @property
    def weights(self) -> Tensor:
        """Integration weights [m or m²], float64, of the grid's shape."""
        weights = torch.ones(self.shape, dtype=torch.float64)
        for i, axis in enumerate(self.axes):
            weights = weights * _along(axis.weights, i, self.ndim)
        return weights

    def resolved(self, cell: Cell) -> Grid:
        """The same cells, each resolved by ``cell``."""
        return Grid(self.cells, self.spacing, cell)


def check_dimensions(source: Grid, target: Grid) -> None:
    """Raise ValueError unless two grids have as many axes."""
    if source.ndim != target.ndim:
        raise ValueError(f"source and target must both be 1-D or both 2-D; got {source.ndim}-D and {target.ndim}-D")


def _along(values: Tensor, axis: int, ndim: int) -> Tensor:
    return values.reshape([-1 if i == axis else 1 for i in range(ndim)])


def _checked_fill(fill: float) -> float:
    if not 0 < fill <= 1:
        raise ValueError(f"fill is the active fraction of a pixel's width, above 0 and at most 1; got {fill}")
    return fill


def _checked_samples(samples: int) -> int:
    if samples < 1:
        raise ValueError(f"a cell needs at least one sample; got {samples}")
    return samples
