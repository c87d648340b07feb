"""Two focal lengths of paraxial free space with a lens of finite width in the middle, in closed form.

Without an edge such a system is the Fourier integral of :mod:`optics.fourier`. A slit of width D in the lens leaves
one Fresnel integral over the pupil (complete the square in Goodman, Fourier Optics, §5.2.3):

    U(u) = ∫ E(x)·exp(-2πi x·u/λf)·P(x + u) dx / √λf
    P(s) = [F(D/2 - s) - F(-D/2 - s)] / √(i·λf),         F(l) = ∫₀ˡ exp(iπt²/λf) dt

P is close to 1 where the ray from x to u passes through the slit, close to 0 where it does not, and ripples between.
In the paraxial limit this is true of a thin lens and of a sine-corrected one alike. In two dimensions a square
opening leaves the product of two such integrals, one for each axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from scipy.special import fresnel
from torch import Tensor

from optics.grid import Axis, Grid, gauss
from optics.waves import cis

# Diffracted waves that matter reach so many Fresnel zones √λf beyond the geometrical shadow.
_BLUR = 9.0
# Cells of a lens are so wide that its phase turns this often across one: many nodes in a few cells are the most
# accurate, few nodes in many cells the fastest.
_TURNS_PER_CELL = 8.0


def vignetted_integral(source: Axis, target: Axis, scale: float, width: float) -> Tensor:
    """The integral above as a matrix from samples to samples: complex128, shape (source.size, target.size).

    Args:
        source, target: axes in the front and the back focal plane; flat cells are integrated and averaged over.
        scale: λf [m²].
        width: of the slit in the lens [m].

    Raises:
        ValueError: a width that is not positive and finite.
    """
    if not (math.isfinite(width) and width > 0):
        raise ValueError(f"width of the slit must be a positive length in metres; got {width}")
    rate = turns_per_metre(source, target, scale, width)
    matrix = torch.zeros(source.size, target.size, dtype=torch.complex128)
    for x, x_share in _across_pixels(source, rate):
        for u, u_share in _across_pixels(target, rate):
            wave = cis(-torch.outer(x, u) / scale)
            matrix += x_share * u_share * wave * _passed(x[:, None] + u, scale, width)
    return matrix * source.weights[:, None] / math.sqrt(scale)


def turns_per_metre(source: Axis, target: Axis, scale: float, width: float) -> float:
    """How fast the phase of the kernel turns at most, along either axis: that of waves from the edges of the slit."""
    return (width + source.extent + target.extent) / (2 * scale)


def nodes_for(turns: float) -> int:
    """Gauss nodes with which an integral over so many turns of a phase is right to some 1e-13.

    n nodes are exact to degree 2n - 1, and the Legendre coefficients of exp(iπ·turns·t), spherical Bessel functions,
    fall off faster than exponentially from degree π·turns on, over some cube roots of that degree.
    """
    degree = math.pi * turns
    return math.ceil(degree / 2 + 5 * math.cbrt(degree)) + 3


def glass(widths: Sequence[float], source: Grid, target: Grid, scale: float, *, density: float = 1.0) -> Grid:
    """Gauss nodes over the opening of a lens between two focal planes, as dense as its light needs.

    Behind the lens the phase turns by at most half the width of the source over λf a metre; towards the target, and
    some Fresnel zones around the geometrical shadow, by half the widths of target and lens.

    Args:
        widths: of the opening along each axis [m].
        source, target: grids in the focal planes.
        scale: λf [m²].
        density: samples over as many as are needed.
    """
    blur = _BLUR / math.sqrt(scale)
    cells = [
        math.ceil(density * width * (turns_per_metre(a, b, scale, width) + blur) / _TURNS_PER_CELL)
        for width, a, b in zip(widths, source.axes, target.axes, strict=True)
    ]
    cell = gauss(nodes_for(_TURNS_PER_CELL))
    return Grid(cells, [width / n for width, n in zip(widths, cells, strict=True)], cell)


def _across_pixels(axis: Axis, rate: float) -> list[tuple[Tensor, float]]:
    """Positions in every cell, and their shares in its mean: the samples themselves unless the cells are flat."""
    width = axis.cell.width
    if not width:
        return [(axis.coordinates, 1.0)]
    cell = gauss(nodes_for(rate * width * axis.spacing), width)
    return [
        (axis.centres + node * axis.spacing, weight / width)
        for node, weight in zip(cell.nodes, cell.weights, strict=True)
    ]


def _passed(shift: Tensor, scale: float, width: float) -> Tensor:
    """P: the share of the wave that comes through the slit."""
    root = math.sqrt(2 / scale)
    right, left = (_fresnel(root * (edge - shift)) for edge in (width / 2, -width / 2))
    return (right - left) / (root * math.sqrt(scale)) * complex(math.cos(math.pi / 4), -math.sin(math.pi / 4))


def _fresnel(argument: Tensor) -> Tensor:
    """C + iS: ∫₀ˢ exp(iπt²/2) dt."""
    sine, cosine = fresnel(argument.numpy())
    return torch.complex(torch.from_numpy(cosine), torch.from_numpy(sine))
