"""Newton's steps of edges towards moments, with room kept between the edges.

Each step solves a convex programme: of all edges with room between them those that make

    ½·|J·δ + r|² + ½·μ·|δ|²

least, for the slopes J, what is missed r and the move δ. Its dual has as many unknowns λ as there are moments, and
δ(λ) is a projection onto the edges with room, which is exact: Newton's method with the projection's own derivative
finds λ in a few steps (Qi and Sun, Math. Program. 58, 1993). The damping μ is Levenberg's and Marquardt's: far from a
solution it keeps moves short, and where there is none the result is the nearest by least squares.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from acdc_optical.compilation.etching.gaps import Array, Gaps, Projected
from acdc_optical.compilation.etching.lines import Line

# Damping, relative to the largest squared strength of the slopes: to begin with, and its bounds.
_START, _WEAKEST, _STRONGEST = 1e-6, 1e-12, 1e3
# Once so little is missed, relative to the moments, the rest is rounding.
_EXACT = 2e-15
# Steps that each take less than this share of what is missed lead nowhere.
_SHARE, _IDLE = 1e-3, 4
# Below this the first such step is the last: what is left is rounding.
_SMALL = 1e-12
# Newton's steps in the dual, and halvings of each; it need not be more precise than slopes taken for constant.
_INNER, _HALVINGS = 30, 12
_PRECISION = 1e-8


class Fit(NamedTuple):
    """Edges, and what they miss.

    Attributes:
        edges: ascending, shape (edges,).
        missed: norm of the moments less those wanted.
    """

    edges: Tensor
    missed: float


def fitted(line: Line, edges: Tensor, first: int, gaps: Gaps, *, steps: int = 40) -> Fit:
    """The edges near the given ones whose moments are those wanted, or come as near as so many steps lead.

    Args:
        line: what is wanted.
        edges: to start from, shape (edges,).
        first: +1 or -1, in front of the first edge.
        gaps: room to leave between the edges; they are moved apart first.
        steps: at most.
    """
    edges = torch.from_numpy(gaps.projected(edges.numpy()).edges)
    missed, slopes = line.missed(edges, first), line.slopes(edges, first)
    scale = float(torch.linalg.matrix_norm(slopes, 2)) ** 2
    exact, small = (share * float(line.wanted.norm()) for share in (_EXACT, _SMALL))
    damping, idle = _START, 0
    for _ in range(steps):
        size = float(missed.norm())
        if size <= exact or idle == _IDLE or damping > _STRONGEST:
            break
        moved = torch.from_numpy(_nearest(slopes.numpy(), missed.numpy(), edges.numpy(), damping * scale, gaps))
        after = line.missed(moved, first)
        share = 1 - float(after.norm()) / size
        if share < _SHARE and size <= small:
            break
        if share <= 0:
            damping *= 10
            continue
        idle = idle + 1 if share < _SHARE else 0
        edges, missed, slopes = moved, after, line.slopes(moved, first)
        damping = max(damping / 10, _WEAKEST)
    return Fit(edges, float(missed.norm()))


def _nearest(slopes: Array, missed: Array, edges: Array, damping: float, gaps: Gaps) -> Array:
    """The edges that solve one step's programme."""
    state = _Dual.of(np.zeros(len(missed)), slopes, missed, edges, damping, gaps)
    for _ in range(_INNER):
        if np.linalg.norm(state.slope) <= _PRECISION * np.linalg.norm(missed):
            break
        blocks = state.projected.along(slopes)
        curvature = blocks @ blocks.T + damping * np.eye(len(missed))
        step = np.linalg.solve(curvature, state.slope)
        downhill = float(step @ state.slope)
        for halving in range(_HALVINGS):
            share = 0.5**halving
            other = _Dual.of(state.prices - share * step, slopes, missed, edges, damping, gaps)
            if other.value <= state.value - 1e-4 * share * downhill:
                break
        else:
            break  # what could be gained is less than rounding
        state = other
    return state.projected.edges


class _Dual(NamedTuple):
    """The dual at some prices λ: convex, its least value is where its slope vanishes."""

    prices: Array
    value: float
    slope: Array
    projected: Projected

    @classmethod
    def of(cls, prices: Array, slopes: Array, missed: Array, edges: Array, damping: float, gaps: Gaps) -> _Dual:
        pull = prices @ slopes
        projected = gaps.projected(edges + pull)
        move = projected.edges - edges
        value = pull @ move - move @ move / 2 + prices @ missed + damping / 2 * prices @ prices
        return cls(prices, float(value), slopes @ move + missed + damping * prices, projected)
