"""Phases of waves: the tilt of a plane one, the curvature that lenses give and free space takes, a path difference."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from optics.grid import Grid


def cis(turns: Tensor) -> Tensor:
    """exp(2πi·turns), complex; whole turns are taken away before the phase is evaluated."""
    turns = torch.remainder(turns, 1.0)
    return torch.polar(torch.ones_like(turns), 2 * math.pi * turns)


def curvature(grid: Grid, scale: float | Tensor) -> Tensor:
    """exp(iπr²/scale) on the samples of a grid, complex128, shape ``grid.shape``.

    Args:
        grid: the samples; its cells may have nodes but must not be flat.
        scale: λz of a wave that comes from a point at distance z, or -λf of a thin lens [m²].

    Raises:
        ValueError: flat cells, within which the phase varies.
    """
    refuse_flat(grid, "a curved wave")
    return spherical(grid.coordinates, scale)


def spherical(coordinates: Sequence[Tensor], scale: float | Tensor) -> Tensor:
    """exp(iπr²/scale) at coordinates [m] that broadcast against each other; ``scale`` as for :func:`curvature`."""
    return cis(squares(coordinates) / (2 * scale))


def plane(coordinates: Sequence[Tensor], frequencies: Sequence[float | Tensor]) -> Tensor:
    """exp(2πi·ν·r) for a spatial frequency ν [1/m] along each axis, at coordinates [m] that broadcast."""
    turns = coordinates[0] * frequencies[0]
    for along, frequency in zip(coordinates[1:], frequencies[1:], strict=True):
        turns = turns + along * frequency
    return cis(turns)


def retarded(path: Tensor, wavelength: float | Tensor) -> Tensor:
    """exp(2πi·path/λ): what a path difference [m] does to a wave; positive where the wave is retarded."""
    return cis(path / wavelength)


def refuse_flat(grid: Grid, name: str) -> None:
    """Raise ValueError if cells of the grid are flat; ``name`` says what varies within them."""
    if any(axis.cell.width for axis in grid.axes):
        raise ValueError(f"{name} varies within a flat pixel; resolve the pixels by nodes, as of gauss(4)")


def squares(coordinates: Sequence[Tensor]) -> Tensor:
    """Sum of the squares of coordinates that broadcast against each other."""
    total = coordinates[0].square()
    for along in coordinates[1:]:
        total = total + along.square()
    return total
