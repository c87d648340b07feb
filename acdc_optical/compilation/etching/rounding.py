"""Edges on the grid of a layout, each rounding error carried to the edges that are still free.

One edge after the other is rounded, from the row's begin on, and those that follow move so as to make up for it by
least squares. With H = JᵀJ + μ and UᵀU = H⁻¹, an error ε of edge i moves edge j by ε·U_ij/U_ii. This is Babai's nearest
plane (Combinatorica 6, 1986), as in GPTQ (Frantar et al., 2022). The damping μ keeps moves to some tens of steps of the
grid; the slopes are taken anew on the way.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.linalg import qr, solve_triangular
from torch import Tensor

from acdc_optical.compilation.etching.gaps import Array, Gaps
from acdc_optical.compilation.etching.lines import Line
from acdc_optical.compilation.etching.steps import Fit

# Relative to the largest squared slope of an edge. Which is best depends on the number of edges and the grid.
_DAMPINGS = (1e-4, 1e-6, 1e-8)
_STRETCHES = 4
# A length that is a whole number of steps but for rounding is one.
_WHOLE = 1e-9


def on_grid(gaps: Gaps, grid: float) -> Gaps:
    """The same room in whole steps of the grid, and no less."""
    low, least = (math.ceil(length / grid - _WHOLE) * grid for length in (gaps.low, gaps.least))
    return Gaps(gaps.count, low, math.floor(gaps.high / grid + _WHOLE) * grid, least)


def rounded(line: Line, edges: Tensor, first: int, gaps: Gaps, grid: float) -> Fit:
    """The edges on multiples of the grid, with room between them, that miss least.

    Args:
        line: what is wanted.
        edges: as they would be without a grid, shape (edges,).
        first: +1 or -1, in front of the first edge.
        gaps: room to leave, in whole steps; see :func:`on_grid`.
        grid: its step, in the line's unit.
    """
    fits = []
    for damping in _DAMPINGS:
        found = torch.from_numpy(_carried(line, edges, first, gaps, grid, damping))
        fits.append(Fit(found, float(line.missed(found, first).norm())))
    return min(fits, key=lambda fit: fit.missed)


def _carried(line: Line, edges: Tensor, first: int, gaps: Gaps, grid: float, damping: float) -> Array:
    here = edges.numpy().copy()
    least, low, high = (round(length / grid) for length in (gaps.least, gaps.low, gaps.high))
    for stretch in np.array_split(np.arange(gaps.count), min(_STRETCHES, gaps.count)):
        free = slice(stretch[0], None)
        ahead = torch.from_numpy(here)
        slopes = line.slopes(ahead, first).numpy()[:, free]
        shares = spread(slopes, damping * float(np.square(slopes).sum(0).max()))
        here[free] -= shares.T @ (shares @ (slopes.T @ line.missed(ahead, first).numpy()))
        for i, row in zip(stretch, shares, strict=False):
            step = min(max(round(here[i] / grid), low), high - (gaps.count - 1 - int(i)) * least)
            here[i + 1 :] += (step * grid - here[i]) * row[i - stretch[0] + 1 :] / row[i - stretch[0]]
            here[i], low = step * grid, step + least
        here[stretch[-1] + 1 :] = _apart(here[stretch[-1] + 1 :], low * grid, gaps)
    return here


def _apart(edges: Array, low: float, gaps: Gaps) -> Array:
    """The nearest edges that leave room, for those that are still free."""
    return Gaps(len(edges), low, gaps.high, gaps.least).projected(edges).edges if len(edges) else edges


def spread(matrix: Array, damping: float) -> Array:
    """Upper triangular U such that UᵀU is the inverse of matrixᵀ·matrix + damping."""
    count = matrix.shape[-1]
    stacked = np.concatenate((matrix, np.sqrt(damping) * np.eye(count)))
    # With the columns in reverse, QR gives matrixᵀ·matrix + damping = LᵀL, L lower triangular.
    (upper,) = qr(stacked[:, ::-1], mode="r", check_finite=False)
    inverse: Array = solve_triangular(upper[:count, :count][::-1, ::-1], np.eye(count), lower=True)
    return inverse.T
