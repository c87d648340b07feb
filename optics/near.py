"""Free space to planes that are near: how near waves at any angle may go, and paraxial ones however near they go.

Paraxial light is known at a few Gauss nodes in each pixel: between them it is the polynomial through them. Its way to
a plane at a short distance z,

    U(u) = ∫ E(x)·exp(iπ(u - x)²/λz) dx / √(iλz),

turns much faster than it does. So the polynomials, rather than the samples, are integrated with the kernel (product
integration: Davis and Rabinowitz, Methods of Numerical Integration, §2.5.6), on as many nodes as the kernel needs.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from optics.grid import Axis, Cell, Grid
from optics.vignetting import across_pixels, check_evaluations, nodes_over
from optics.waves import cis

# Values of the phase at a time; bounds the memory that takes.
_AT_A_TIME = 2**21


def near_integral(source: Axis, target: Axis, reach: float) -> Tensor:
    """The integral above as a matrix from samples to samples: complex128, shape (source.size, target.size).

    Args:
        source: axis with Gauss nodes in its cells, which resolve the light on it.
        target: axis of the plane; flat cells are averaged over.
        reach: λz [m²].

    Raises:
        ValueError: planes so near that it would take forever.
    """
    rate = (source.extent + target.extent) / (2 * reach)
    fill = math.fsum(source.cell.weights)
    # Nodes tell up to half a turn for each of them; so much the light may bring along.
    turns = rate * fill * source.spacing + len(source.cell) / 2
    check_evaluations(math.ceil(turns) * source.cells * target.size)
    fine, seen = nodes_over(turns, fill), across_pixels(target, rate)
    check_evaluations(len(fine) * source.cells * target.size * len(seen))
    shares = _polynomials(source.cell, fine) * torch.tensor(fine.weights, dtype=torch.float64) * source.spacing
    within = torch.tensor(fine.nodes, dtype=torch.float64) * source.spacing
    matrix = torch.zeros(source.cells, len(source.cell), target.size, dtype=torch.complex128)
    some = max(1, _AT_A_TIME // (source.cells * target.size))
    for x, share in zip(within.split(some), shares.to(matrix.dtype).split(some, dim=1), strict=True):
        positions = (source.centres[:, None] + x)[..., None]
        for u, u_share in seen:
            matrix += u_share * (share @ cis((u - positions).square() / (2 * reach)))
    return matrix.flatten(0, 1) * complex(math.cos(math.pi / 4), -math.sin(math.pi / 4)) / math.sqrt(reach)


def check_grazing(source: Grid, target: Grid, wavelength: float, distance: float) -> None:
    """Refuse planes between which light at any angle is not right to a millionth by its plane waves.

    :class:`~optics.AngularSpectrumTransform` fades waves out from 4.5 to 9 Fresnel zones beyond the target. Where they
    graze, zones are wide, but all such waves have almost the same frequency: the fading becomes an edge, and an edge
    diffracts onto the target. Measured against Rayleigh and Sommerfeld's integral, it leaves 1e-6 and less where waves
    in the middle of the fading turn at least once across it, as seen from the target.

    Raises:
        ValueError: planes nearer, or wider.
    """
    tangent = math.hypot(*(a + b for a, b in zip(source.extent, target.extent, strict=True))) / (2 * distance)
    zone = math.sqrt(wavelength / distance) * math.hypot(tangent, 1) ** 1.5
    middle, end = (math.sin(math.atan(tangent + zones * zone)) for zones in (4.5, 9.0))
    if (end - middle) * zone * distance / wavelength < 1:
        raise ValueError(
            f"light that goes {distance:.3g} m ahead and {tangent * distance:.3g} m aside grazes the planes, which its "
            "plane waves cannot follow to a millionth; take a plane farther away, a smaller window or, near the axis, "
            "Paraxial() waves"
        )


def _polynomials(cell: Cell, fine: Cell) -> Tensor:
    """The polynomials that are 1 at one Gauss node of a cell and 0 at the others, shape (nodes, fine nodes).

    By their Legendre coefficients, which the Gauss rule of the nodes gives exactly.
    """
    scale, degrees = 2 / math.fsum(cell.weights), np.arange(len(cell))
    at, everywhere = (np.polynomial.legendre.legvander(scale * np.array(c.nodes), len(cell) - 1) for c in (cell, fine))
    coefficients = at * np.array(cell.weights)[:, None] * scale * (degrees + 0.5)
    return torch.from_numpy(coefficients @ everywhere.T)
