"""Masks without pixels: rows of stripes between edges at any place, clear ones and etched ones by turns.

No samples of a plane fall on all edges. But light that a lens has made is smooth within a cell of a grid: it is the
polynomial through its Gauss nodes. So every node is given what the stripes weigh its polynomial with,

    t_k = ∫ t(x)·l_k(x) dx / ∫ l_k(x) dx      over the cell,  l_k = 1 at node k and 0 at the others,

and the sum over nodes is the integral over all stripes (product integration: Davis and Rabinowitz, Methods of Numerical
Integration, §2.5.6). With n nodes it is exact for light that is a polynomial of degree n - 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from optics.field import Field
from optics.grid import Axis, Grid, gauss
from optics.units import format_length

# Two lengths computed along different routes agree to a few float64 ulps; this leaves room for a file's digits.
_SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Stripes:
    """Where phase 0 turns into phase π and back, and lets all light through.

    Attributes:
        edges: [m], float64, ascending along each row, shape (rows, edges) or, in one dimension, (edges,). Rows of fewer
            edges have the others at the ends of the row, where they part nothing.
        first: at the lower end of each row +1 where it is clear, -1 where it is etched, shape (rows,) or (); it
            changes with every edge.
        extent: of the mask, (height, width) or (width,) [m]; rows are of equal height.
        etched: transmittance of etched stripes, -1 for phase π; that of clear ones is 1.

    Raises:
        ValueError: edges that do not ascend, or lie beyond the mask; signs that are not ±1; extents that are no
            lengths; shapes that do not fit.
    """

    edges: Tensor
    first: Tensor
    extent: tuple[float, ...]
    etched: complex = -1.0

    def __post_init__(self) -> None:
        if self.edges.dtype != torch.float64 or self.edges.ndim not in (1, 2) or self.edges.ndim != len(self.extent):
            raise ValueError(
                "expected edges in float64 of shape (edges,) or (rows, edges), and one extent for each axis; got "
                f"{self.edges.dtype} {tuple(self.edges.shape)} and {self.extent}"
            )
        if not all(math.isfinite(e) and e > 0 for e in self.extent):
            raise ValueError(f"expected a positive extent along each axis [m]; got {self.extent}")
        if self.first.shape != self.edges.shape[:-1] or (self.first.abs() != 1).any():
            raise ValueError(f"expected +1 or -1 for each of {self.rows} rows; got {self.first.tolist()}")
        within = self.edges.detach()
        inside = (within.abs() <= self.width / 2 * (1 + _SAME)).all()  # NaN is not
        if not inside or (within.diff() < 0).any():
            raise ValueError(
                f"expected edges that ascend from -{format_length(self.width / 2)} to {format_length(self.width / 2)}"
            )

    @property
    def ndim(self) -> int:
        """1 or 2."""
        return self.edges.ndim

    @property
    def rows(self) -> int:
        """How many rows of stripes; 1 in one dimension."""
        return self.edges.shape[0] if self.ndim == 2 else 1

    @property
    def width(self) -> float:
        """Along x [m]."""
        return self.extent[-1]

    @property
    def bounds(self) -> Tensor:
        """Both ends of each row and the edges between, shape (rows, edges + 2)."""
        edges = self.edges.reshape(self.rows, -1)
        ends = edges.new_full((self.rows, 1), self.width / 2)
        return torch.cat((-ends, edges, ends), dim=1)

    @property
    def count(self) -> int:
        """Edges that part something."""
        return int((self.bounds.detach().diff() > 0).sum()) - self.rows

    @property
    def narrowest(self) -> float:
        """Width of the narrowest stripe [m]."""
        widths = self.bounds.detach().diff()
        return float(widths[widths > 0].min())

    @property
    def rectangles(self) -> Tensor:
        """The etched stripes: x0, y0, x1, y1 [m], shape (n, 4); of unit height in one dimension.

        Rows touch: where stripes of neighbours meet, so do their rectangles.
        """
        bounds = self.bounds.detach()
        parity = torch.arange(bounds.shape[1] - 1, device=bounds.device) % 2
        drawn = (self.first.reshape(-1, 1) * (1 - 2 * parity) < 0) & (bounds.diff() > 0)
        height = self.extent[0] / self.rows if self.ndim == 2 else 1.0
        row, place = drawn.nonzero(as_tuple=True)
        y0 = (row.double() - self.rows / 2) * height
        return torch.stack((bounds[row, place], y0, bounds[row, place + 1], y0 + height), dim=1)

    def flip(self, dims: Sequence[int]) -> Stripes:
        """Turned about the given axes, as a tensor's ``flip``."""
        axes = {dim % self.ndim for dim in dims}
        edges, first = self.edges, self.first
        if self.ndim - 1 in axes:
            edges, first = -edges.flip(-1), first * (-1) ** edges.shape[-1]
        if self.ndim == 2 and 0 in axes:
            edges, first = edges.flip(0), first.flip(0)
        return replace(self, edges=edges, first=first)

    def transmittance(self, x: Tensor) -> Tensor:
        """At places x [m], shape (rows, x) or (x,)."""
        edges = self.edges.detach().reshape(self.rows, -1).contiguous()
        passed = torch.searchsorted(edges, x.to(edges).expand(self.rows, -1).contiguous(), right=True)
        signs = (self.first.reshape(-1, 1) * (1 - 2 * (passed % 2))).reshape(*self.edges.shape[:-1], -1)
        return self._between(signs.to(edges))

    def weights(self, axis: Axis) -> Tensor:
        """t_k above for every node of an axis, shape (rows, nodes) or (nodes,); differentiable in the edges.

        Raises:
            ValueError: an axis that is not as wide as the mask, or whose cells are not resolved by :func:`gauss`.
        """
        self._check(axis)
        edges = self.edges.reshape(self.rows, -1)
        place = edges / axis.spacing + axis.cells / 2
        cell = place.detach().floor().long().clamp(0, axis.cells - 1)
        behind = _behind((2 * (place - cell) - 1).clamp(-1, 1), len(axis.cell))
        turns = 1 - 2 * (torch.arange(edges.shape[1], device=edges.device) % 2)
        signs = self.first.reshape(-1, 1) * turns  # in front of every edge
        rows = torch.arange(self.rows, device=edges.device)[:, None].expand_as(cell)
        passed = cell.new_zeros(self.rows, axis.cells).index_put_((rows, cell), torch.ones_like(cell), accumulate=True)
        before = passed.cumsum(1) - passed
        from_left = (self.first.reshape(-1, 1) * (1 - 2 * (before % 2))).to(edges)
        weights = from_left[..., None].expand(-1, -1, len(axis.cell))
        weights = weights.index_put((rows, cell), -2 * signs[..., None].to(edges) * behind, accumulate=True)
        return self._between(weights.reshape(*self.edges.shape[:-1], axis.size))

    def _between(self, signs: Tensor) -> Tensor:
        """From -1 for etched and +1 for clear to their transmittances, in proportion."""
        if self.etched == -1:
            return signs
        return (1 + self.etched) / 2 + (1 - self.etched) / 2 * signs

    def _check(self, axis: Axis) -> None:
        if not math.isclose(axis.extent, self.width, rel_tol=_SAME):
            raise ValueError(
                f"the stripes must fill the field's grid: they are {format_length(self.width)} wide, the grid "
                f"{format_length(axis.extent)}"
            )
        if axis.cell != gauss(len(axis.cell)):
            raise ValueError("stripes are integrated over cells with Gauss nodes; resolve the grid, as by gauss(16)")

    def __repr__(self) -> str:
        size = " × ".join(format_length(e, 4) for e in self.extent)
        return f"Stripes({self.count} edges in {self.rows} rows, {size})"


class StripedMask(nn.Module):
    """A mask of stripes: the field's nodes multiplied by what the stripes weigh them with.

    Called with a field whose grid the mask fills, with as many cells along y as rows; see :meth:`Stripes.weights`.
    What it returns is for integrals over the plane, as those of a lens: node by node it is not the light there.

    Raises:
        ValueError: when called, another grid.
    """

    def __init__(self, stripes: Stripes):
        super().__init__()
        self.stripes = stripes

    def forward(self, field: Field) -> Field:
        self.check(field.grid)
        return field.replace(self._times(field, self.stripes.weights(field.grid.axes[-1])))

    def crossed(self, field: Field) -> Field:
        """The light itself right behind the mask, for a look at it."""
        self.check(field.grid)
        return field.replace(self._times(field, self.stripes.transmittance(field.grid.axes[-1].coordinates)))

    def check(self, grid: Grid, wavelength: float = 1.0) -> Grid:
        """The grid itself, on which the light leaves.

        Raises:
            ValueError: its rows of cells are not those of the stripes.
        """
        rows = grid.cells[0] if grid.ndim == 2 else 1
        if grid.ndim != self.stripes.ndim or rows != self.stripes.rows:
            raise ValueError(
                f"the rows of the stripes must be the cells of the field's grid along y: {self.stripes.rows} rows in "
                f"{self.stripes.ndim}-D, {grid.cells} cells"
            )
        return grid

    def _times(self, field: Field, values: Tensor) -> Tensor:
        if field.grid.ndim == 2:
            values = values.repeat_interleave(len(field.grid.axes[0].cell), dim=0)
        return field.data * values.to(field.data if values.is_complex() else field.data.real)

    def extra_repr(self) -> str:
        return repr(self.stripes)


def _behind(x: Tensor, nodes: int) -> Tensor:
    """Of each node's polynomial on -1 … 1 the share behind x, shape (*x.shape, nodes); differentiable in x.

    By Legendre coefficients, (n + ½)·P_n(x_k) for the node's weight, and ∫ P_n from x to 1.
    """
    at, _ = np.polynomial.legendre.leggauss(nodes)
    degrees = np.arange(nodes)
    coefficients = torch.from_numpy(np.polynomial.legendre.legvander(at, nodes - 1) * (degrees + 0.5))
    p = [torch.ones_like(x), x]
    for n in range(1, nodes):
        p.append(((2 * n + 1) * x * p[n] - n * p[n - 1]) / (n + 1))
    integrals = [1 - x, *((p[n - 1] - p[n + 1]) / (2 * n + 1) for n in range(1, nodes))]
    return torch.stack(integrals, dim=-1) @ coefficients.to(x).mT
