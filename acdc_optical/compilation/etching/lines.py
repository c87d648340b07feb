"""One row of stripes: the moments that its edges give it, in closed form and by Gauss's rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

# In a cell the phase of the kernel turns by at most 2π: twelve Gauss nodes integrate that to rounding.
_NODES = 12


Density = Callable[[Tensor], Tensor]
"""Of moments, real: from places (places,) to (moments, places), float64."""


@dataclass(frozen=True, eq=False)
class Line:
    """What a row of stripes is asked for: ∫ t(v)·density(v) dv = wanted, with t = ±1 from ``begin`` to ``end``.

    The unit of length is the caller's.

    Attributes:
        density: of the moments.
        wanted: shape (moments,).
        begin, end: of the row.
        rooms: least distance of edges from begin and end, in units of the least width. Where the row is mirrored at
            its begin the first stripe goes on beyond: ½.
        cell: of this length the density turns by at most 2π.
    """

    density: Density
    wanted: Tensor
    begin: float
    end: float
    rooms: tuple[float, float] = (1.0, 1.0)
    cell: float = 1.0

    def moments(self, edges: Tensor, first: int) -> Tensor:
        """∫ t(v)·density(v) dv, shape (moments,), for ascending edges between which t is ±1, and ``first`` before."""
        parts, order = torch.cat((self._cells, edges)).sort()
        passed = (order >= len(self._cells)).cumsum(0)[:-1]
        signs = first * (1 - 2 * (passed % 2)).double()
        at, shares = (torch.from_numpy(values) for values in np.polynomial.legendre.leggauss(_NODES))
        middles, halves = (parts[1:] + parts[:-1])[:, None] / 2, parts.diff()[:, None] / 2
        weights = signs[:, None] * halves * shares
        return self.density((middles + halves * at).flatten()) @ weights.flatten()

    def missed(self, edges: Tensor, first: int) -> Tensor:
        """The moments less those wanted."""
        return self.moments(edges, first) - self.wanted

    def slopes(self, edges: Tensor, first: int) -> Tensor:
        """∂moments/∂edges, shape (moments, edges): an edge that moves on turns the sign of what it passes."""
        signs = first * (1 - 2 * (torch.arange(len(edges)) % 2)).double()
        return 2 * signs * self.density(edges)

    @cached_property
    def _cells(self) -> Tensor:
        count = max(1, int(np.ceil((self.end - self.begin) / self.cell)))
        return torch.linspace(self.begin, self.end, count + 1, dtype=torch.float64)
