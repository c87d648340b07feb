"""Spherical waves near their axis: the phase that lenses give and free space takes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from optics.grid import Grid


def curvature(grid: Grid, scale: float) -> Tensor:
    """exp(iπr²/scale) on the samples of a grid, complex128, shape ``grid.shape``.

    Args:
        grid: the samples; its cells may have nodes but must not be flat.
        scale: λz of a wave that comes from a point at distance z, or -λf of a thin lens [m²].

    Raises:
        ValueError: flat cells, within which the phase varies.
    """
    if any(axis.cell.width for axis in grid.axes):
        raise ValueError("a curved wave varies within a flat pixel; resolve the pixels by nodes, as of gauss(4)")
    # Whole turns are taken away before the phase is evaluated.
    turns = torch.remainder(squares(grid.coordinates) / (2 * scale), 1.0)
    return torch.polar(torch.ones_like(turns), 2 * math.pi * turns)


def squares(coordinates: Sequence[Tensor]) -> Tensor:
    """Sum of the squares of coordinates that broadcast against each other."""
    total = coordinates[0].square()
    for along in coordinates[1:]:
        total = total + along.square()
    return total
