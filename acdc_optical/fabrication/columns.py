"""Stripes as cells of a plate, and back: columns begin and end wherever an edge of some row is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from acdc_optical.fabrication.plate import Levels
from optics import Stripes
from optics.units import format_length

XEdges = NDArray[np.float64]

# An edge is at the end of its row but for the rounding of lengths in metres.
_ROUNDING = 1e-9


def columns_of(stripes: Stripes, grid: float) -> tuple[XEdges, Levels]:
    """The columns of a plate, shape (columns + 1,) [m], and the levels of its cells, shape (rows, columns).

    Args:
        stripes: level 0 where they are clear, 1 where they are etched.
        grid: to which every edge is rounded [m].

    Raises:
        ValueError: a stripe that is narrower than the grid, and vanishes.
    """
    edges, end = stripes.edges.detach().cpu().reshape(stripes.rows, -1), stripes.width / 2
    inside = edges.abs() < end * (1 - _ROUNDING)
    rounded = torch.where(inside, (edges / grid).round() * grid, edges.sign() * end).clamp(-end, end)
    drawn = replace(stripes, edges=rounded.reshape(stripes.edges.shape), first=stripes.first.cpu(), etched=-1.0)
    if drawn.count < stripes.count:
        raise ValueError(
            f"{stripes.count - drawn.count} stripes vanish on a grid of {format_length(grid)}: compile with a "
            "minimum feature of some grid steps"
        )
    columns = torch.cat((rounded.flatten(), rounded.new_tensor([-end, end]))).unique()
    signs = drawn.transmittance((columns[1:] + columns[:-1]) / 2).reshape(stripes.rows, -1)
    return columns.numpy(), (signs < 0).numpy().astype(np.uint8)


def stripes_of(transmittance: NDArray[np.complex128], x_edges: XEdges, extent: tuple[float, ...]) -> Stripes:
    """The stripes of a plate's cells; the inverse of :func:`columns_of`.

    Args:
        transmittance: of every cell: 1 where it is clear, and one other value, shape (rows, columns).
        x_edges: of the columns [m].
        extent: of the mask [m].

    Raises:
        ValueError: more than two transmittances, or clear cells that are not.
    """
    others = np.unique(transmittance[transmittance != 1])
    if len(others) > 1:
        raise ValueError(f"expected cells that are clear (1) or etched; got {len(others) + 1} transmittances")
    clear = transmittance == 1
    changes = clear[:, 1:] != clear[:, :-1]
    # Rows of fewer edges have the others at their end.
    edges = np.sort(np.where(changes, x_edges[1:-1], x_edges[-1]), axis=1)[:, : changes.sum(axis=1).max(initial=0)]
    first = np.where(clear[:, 0], 1.0, -1.0)
    rows = slice(None) if len(extent) == 2 else 0
    etched = complex(others[0]) if len(others) else -1.0
    etched = etched.real if etched.imag == 0 else etched
    return Stripes(torch.from_numpy(edges[rows].copy()), torch.as_tensor(first[rows]), extent, etched)


def widened(stripes: Stripes, growth: float) -> tuple[Stripes, tuple[float, ...]]:
    """Etched areas wider on every side, and where the rows of a row then begin and end, in parts of it.

    In one dimension stripes have no ends along y, and rows stay whole. Beyond the mask nothing is etched.

    Args:
        stripes: what is drawn.
        growth: on every side [m]; negative for narrower. Less than half a row is high.

    Raises:
        ValueError: a growth of half a row or more.
    """
    columns, levels = columns_of(stripes, np.spacing(stripes.width))
    etched = levels.astype(np.bool_)
    share = abs(growth) / (stripes.extent[0] / stripes.rows) if stripes.ndim == 2 else 0.0
    if share >= 0.5:
        raise ValueError(f"a growth of {format_length(growth)} is half a row or more of {stripes!r}")
    parts: tuple[float, ...] = (-0.5, 0.5)
    if stripes.ndim == 2 and growth:
        none = np.zeros_like(etched[:1])
        below, above = np.vstack((none, etched[:-1])), np.vstack((etched[1:], none))
        meet = np.logical_or if growth > 0 else np.logical_and
        etched = np.stack((meet(etched, below), etched, meet(etched, above)), axis=1).reshape(-1, etched.shape[1])
        parts = (-0.5, share - 0.5, 0.5 - share, 0.5)
    moved = _moved(etched, columns, growth)
    return stripes_of(*moved, stripes.extent), parts


def _moved(etched: NDArray[np.bool_], columns: XEdges, growth: float) -> tuple[NDArray[np.complex128], XEdges]:
    """Runs along x wider on both sides: where something, or for narrower ones everything, within reach is etched."""
    end, reach = columns[-1], abs(growth)
    finer = np.unique(np.clip(np.concatenate((columns - reach, columns, columns + reach)), -end, end))
    middle = (finer[1:] + finer[:-1]) / 2
    outside = np.concatenate(([-2 * end], columns, [2 * end]))
    held = np.pad(etched, ((0, 0), (1, 1)))
    first = np.searchsorted(outside, middle - reach, side="right") - 1
    last = np.searchsorted(outside, middle + reach, side="left") - 1
    before = np.pad(held.cumsum(axis=1), ((0, 0), (1, 0)))
    found = before[:, last + 1] - before[:, first]  # etched cells within reach
    kept = found > 0 if growth > 0 else found == last + 1 - first
    return np.where(kept, -1.0, 1.0).astype(np.complex128), finer
