"""A focal length of paraxial free space, a lens of finite width, and free space behind it, in closed form.

Without an edge two focal lengths are the Fourier integral of :mod:`optics.fourier`. A slit of width D in the lens
leaves one Fresnel integral over the pupil (complete the square in Goodman, Fourier Optics, §5.2.3):

    U(u) = ∫ E(x)·exp(-2πi x·u/λf)·P(x + u) dx / √λf
    P(s) = [F(D/2 - s) - F(-D/2 - s)] / √(i·λf),         F(l) = ∫₀ˡ exp(iπt²/λf) dt

P is close to 1 where the ray from x to u passes through the slit, close to 0 where it does not, and ripples between.
In the paraxial limit this is true of a thin lens and of a sine-corrected one alike. At any other distance z behind the
lens the same steps leave λz in P in place of λf, a slit seen in the scale z/f, and the curvature of light out of focus:

    U(u) = ∫ E(x)·exp(iπx²·(1 - z/f)/λf)·exp(-2πi x·u/λf)·P(x·z/f + u) dx / √λf

In two dimensions a square opening leaves the product of two such integrals, one for each axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from scipy.special import fresnel
from torch import Tensor

from optics.grid import Axis, Cell, Grid, gauss
from optics.waves import cis

# Diffracted waves that matter reach so many Fresnel zones √λf beyond the geometrical shadow.
_BLUR = 9.0
# Up to here the nodes of one Gauss rule are found in milliseconds.
_TURNS_PER_RULE = 64.0

TURNS_PER_CELL = 8.0
"""Cells of a lens are so wide that its phase turns this often across one: many nodes in a few cells are the most
accurate, few nodes in many cells the fastest."""

MOST_EVALUATIONS = 2**31
"""Of a wave's phase, for one matrix: some minutes of work."""


def vignetted_integral(source: Axis, target: Axis, scale: float, width: float, reach: float | None = None) -> Tensor:
    """The integral above as a matrix from samples to samples: complex128, shape (source.size, target.size).

    Args:
        source, target: axes in front and behind; flat cells are integrated and averaged over.
        scale: λf [m²]; the source stands in the front focal plane.
        width: of the slit in the lens [m].
        reach: λz [m²] for a target at z behind the lens; by default it stands in the back focal plane.

    Raises:
        ValueError: a width that is not positive and finite; flat target cells so near to the lens that it would take
            forever to average over them.
    """
    if not (math.isfinite(width) and width > 0):
        raise ValueError(f"width of the slit must be a positive length in metres; got {width}")
    reach = reach or scale
    sent = across_pixels(source, turns_per_metre(source, target, scale, width))
    seen = across_pixels(target, source.extent / (2 * scale) + (width + target.extent) / (2 * reach))
    check_evaluations(source.size * target.size * len(sent) * len(seen))
    rows = needed_rows(source, target)
    matrix = torch.zeros(rows, target.size, dtype=torch.complex128)
    for x, x_share in ((positions[:rows], share) for positions, share in sent):
        curved = x.square()[:, None] * (1 - reach / scale) / (2 * scale)
        for u, u_share in seen:
            wave = cis(curved - torch.outer(x, u) / scale)
            matrix += x_share * u_share * wave * _passed(x[:, None] * (reach / scale) + u, reach, width)
    return mirrored(matrix, source.size) * source.weights[:, None] / math.sqrt(scale)


def needed_rows(source: Axis, target: Axis) -> int:
    """How many rows of a matrix from samples to samples of a symmetric bench tell the others: half of them.

    Axes are symmetric, and so are all cells of :mod:`optics.grid`'s making; where one is not, all rows are needed.
    """
    even = all(
        a == -b for axis in (source, target) for a, b in zip(axis.cell.nodes, axis.cell.nodes[::-1], strict=True)
    )
    return (source.size + 1) // 2 if even else source.size


def mirrored(rows: Tensor, size: int) -> Tensor:
    """The whole matrix from its first rows: from the other side of the axis light goes to the other side."""
    return torch.cat((rows, rows[: size - len(rows)].flip(0, 1)))


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


def nodes_over(turns: float, width: float) -> Cell:
    """Nodes over the central fraction ``width`` of a cell, across which a phase turns so many times.

    As many as :func:`nodes_for` says, or, where the nodes of one rule would take long to find, several rules in a row.
    """
    parts = math.ceil(turns / _TURNS_PER_RULE) or 1
    rule = gauss(nodes_for(turns / parts))
    starts = [(part + 0.5) / parts - 0.5 for part in range(parts)]
    nodes = tuple((start + node / parts) * width for start in starts for node in rule.nodes)
    return Cell(nodes, tuple(weight * width / parts for weight in rule.weights) * parts)


def onward_turns(source: Axis, target: Axis, reach: float) -> float:
    """Turns a metre of the fastest waves on the source that go on to a target λz = ``reach`` [m²] away.

    That is those from edge to edge, and some Fresnel zones around the geometrical shadow.
    """
    return (source.extent + target.extent) / (2 * reach) + _BLUR / math.sqrt(reach)


def glass(
    widths: Sequence[float],
    source: Grid,
    target: Grid,
    scale: float,
    *,
    reach: float | None = None,
    steepest: float = math.inf,
    density: float = 1.0,
) -> Grid:
    """Gauss nodes over the opening of a lens, as dense as its light needs on the way to a target.

    Behind the lens the phase turns by at most half the width of the source over λf a metre; towards the target by
    :func:`onward_turns`, or as fast as any wave and the lens together.

    Args:
        widths: of the opening along each axis [m].
        source: grid in the front focal plane.
        target: grid behind the lens.
        scale: λf [m²].
        reach: λz [m²] for a target at z behind the lens; by default it stands in the back focal plane.
        steepest: turns a metre of the fastest waves there are.
        density: samples over as many as are needed.
    """
    cells = []
    for width, a, b in zip(widths, source.axes, target.axes, strict=True):
        onward = min(onward_turns(Axis(1, width), b, reach or scale), steepest + width / (2 * scale))
        cells.append(math.ceil(density * width * (a.extent / (2 * scale) + onward) / TURNS_PER_CELL))
    cell = gauss(nodes_for(TURNS_PER_CELL))
    return Grid(cells, [width / n for width, n in zip(widths, cells, strict=True)], cell)


def check_evaluations(count: int) -> None:
    """Refuse work that would take forever.

    Raises:
        ValueError: more than :data:`MOST_EVALUATIONS`.
    """
    if count > MOST_EVALUATIONS:
        raise ValueError(
            f"light so near to its last lens or mask turns so fast that it takes {count:.2g} values of a phase; up to "
            f"{MOST_EVALUATIONS:.2g} are computed: take a plane farther away, a smaller window or fewer points in it"
        )


def across_pixels(axis: Axis, rate: float) -> list[tuple[Tensor, float]]:
    """Positions in every cell, and their shares in its mean: the samples themselves unless the cells are flat."""
    width = axis.cell.width
    if not width:
        return [(axis.coordinates, 1.0)]
    turns = rate * width * axis.spacing
    check_evaluations(math.ceil(turns) * axis.size)
    cell = nodes_over(turns, width)
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
