"""Rows of stripes, one for each line of sub-pixels, that together make the kernel of a layer.

The kernel is B_y·T, where row r of T holds the moments along x of row r of the mask, and B_y is what rows of
unit transmittance give along y. With the T of an exact mask of pixels every row is a problem by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from acdc_optical.etching.gaps import Gaps
from acdc_optical.etching.lines import Line
from acdc_optical.etching.pulses import joined_pulses
from acdc_optical.etching.rounding import on_grid, rounded, spread
from acdc_optical.etching.steps import fitted
from acdc_optical.progress import Track
from acdc_optical.response import AxisResponse
from optics import Axis

FIRST = 1
"""The transmittance in front of the first edge of every row."""

# Of moments of stripes, relative to the largest: of a complex layer half of them follow from the others.
_SEEN = 1e-9
# Rows that follow make up for what a row leaves over, by moments some tens of times as large at most.
_DAMPING = 1e-4


class Etched(NamedTuple):
    """The independent rows of a mask.

    Attributes:
        edges: in units of the coefficients' pitch, shape (rows, edges).
        moments: of each row along x, shape (rows, moments_x).
        missed: of the rows' moments before edges were rounded, relative to all of them.
    """

    edges: Tensor
    moments: Tensor
    missed: float


@dataclass(frozen=True, eq=False)
class Rows:
    """The equations of rows of stripes; lengths are in units of the coefficients' pitch.

    Attributes:
        across, along: to moments from the pixels of a column, B_y above, and from those of a row, shapes
            (moments, pixels); of one-dimensional masks ``across`` is 1.
        layers: to the moments of both from the layer's coefficients, shapes (moments, n).
        line: one row; what is wanted of it stands open.
        pitch: of the bright mask's pixels along x.
        alone: whether the mask has one dimension.
    """

    across: Tensor
    along: Tensor
    layers: tuple[Tensor, Tensor]
    line: Line
    pitch: float
    alone: bool

    @classmethod
    def of(cls, responses: Sequence[AxisResponse], masks: Sequence[Axis]) -> Rows:
        """For a bench with these responses, and a bright mask of these pixels."""
        x, alone = responses[-1], len(responses) == 1
        along, layer_x = _equations(x, masks[-1])
        one = torch.ones_like(along[:1, :1])
        across, layer_y = (one, one) if alone else _equations(responses[0], masks[0])
        end = masks[-1].extent / 2
        # An even mask is given by its half behind the axis, which the first stripe crosses.
        begin, room = (0.0, 0.5) if x.presentation.real else (-end, 1.0)
        line = Line(density_of(x), torch.zeros(0), begin, end, (room, 1.0))
        return cls(across, along, (layer_y, layer_x), line, masks[-1].spacing, alone)

    def gaps(self, least: float, grid: float | None) -> Gaps:
        """The room between the edges of a row whose stripes are no narrower than ``least``, on a grid or none."""
        gaps = Gaps.of(self.line, self.along.shape[1], least)
        return gaps if grid is None else on_grid(gaps, grid)

    def etched(self, values: Tensor, gaps: Gaps, grid: float | None, track: Track) -> Etched:
        """Stripes in place of pixels.

        Args:
            values: of the independent pixels of an exact mask, -1 to 1, shape (pixels,) or (rows, pixels).
            gaps: room to leave between the edges of each row.
            grid: for the edges, or None.
            track: shows progress.
        """
        values = values.reshape(-1, values.shape[-1])
        asked = values.to(self.along) @ self.along.mT
        pulses = joined_pulses(values, self.line.begin, self.pitch)
        carry = self._carry()
        edges, moments, missed = pulses.clone(), torch.empty_like(asked), 0.0
        for row in track(range(len(values)), "placing edges", len(values)):
            line = replace(self.line, wanted=_stacked(asked[row]))
            fit = fitted(line, pulses[row], FIRST, gaps)
            missed += fit.missed**2
            if grid is not None:
                fit = rounded(line, fit.edges, FIRST, gaps, grid)
            edges[row] = fit.edges
            moments[row] = _unstacked(line.moments(fit.edges, FIRST), asked)
            asked[row + 1 :] += carry[row, row + 1 :, None] * (moments[row] - asked[row])
        size = float(asked.norm()) or 1.0
        return Etched(edges, moments, missed**0.5 / size)

    def residual(self, etched: Etched, d: Tensor) -> float:
        """Relative L2 error of the layer's outputs over random inputs, its matrix with a = 1; 0 for d = 0."""
        wanted = self._wanted(d)
        size = float(wanted.norm())
        return float((self.across @ etched.moments - wanted).norm()) / size if size else 0.0

    def following(self, etched: Etched, d: Tensor) -> Tensor:
        """0, with the derivative of the edges as they follow d: their least move, shape (rows, edges)."""
        asked = torch.linalg.pinv(self.across) @ self._wanted(d)
        slopes = torch.stack([self.line.slopes(row, FIRST) for row in etched.edges])
        follows = (torch.linalg.pinv(slopes, rtol=_SEEN) @ _stacked(asked)[..., None])[..., 0]
        return follows - follows.detach()

    def whole(self, edges: Tensor) -> tuple[Tensor, Tensor]:
        """Edges of the whole mask and the sign in front of each row, shapes (rows, edges), (rows,) or (edges,), ()."""
        first = torch.full(edges.shape[:1], float(FIRST), dtype=torch.float64)
        if self.line.rooms[0] != 1:
            edges, first = torch.cat((-edges.flip(1), edges), dim=1), first * (-1) ** edges.shape[1]
            if not self.alone:
                edges, first = torch.cat((edges.flip(0), edges)), torch.cat((first, first))
        return (edges[0], first[0]) if self.alone else (edges, first)

    def _wanted(self, d: Tensor) -> Tensor:
        layer_y, layer_x = self.layers
        return layer_y @ d.reshape(-1, d.shape[-1]).to(layer_x) @ layer_x.mT

    def _carry(self) -> Tensor:
        """By what share of a row's error those that follow make up for it, shape (rows, rows), upper triangular."""
        system = _stacked(self.across.mT).mT
        shares = torch.from_numpy(spread(system.numpy(), _DAMPING * float(torch.linalg.matrix_norm(system, 2)) ** 2))
        return shares / shares.diagonal()[:, None]


def density_of(response: AxisResponse) -> Callable[[Tensor], Tensor]:
    """The moments of light that passes at v, weighted as outputs see them; complex ones as real and imaginary parts.

    Of an even mask v and -v count together.
    """
    seen, count = response.seen(), response.modulator_pixels
    lags = response.presentation.lags(response.n).double()

    def density(v: Tensor) -> Tensor:
        strength, phase = response.envelope(v) / count, 2 * torch.pi / count * torch.outer(lags, v)
        if response.presentation.real:
            return seen @ phase.cos_().mul_(2 * strength)
        return torch.cat((seen @ (strength * phase.cos()), seen @ (strength * phase.sin())))

    return density


def _equations(response: AxisResponse, mask: Axis) -> tuple[Tensor, Tensor]:
    """The moments of pixels and those of coefficients, weighted alike."""
    system = response.presentation.fold(response.of_mask(mask))
    layer = response.of_layer() if system.is_complex() else response.of_layer().real
    seen = response.seen().to(system)
    return seen @ system, seen @ layer


def _stacked(values: Tensor) -> Tensor:
    """Complex values (…, n) as 2n real ones; real ones as they are."""
    return torch.cat((values.real, values.imag), dim=-1) if values.is_complex() else values


def _unstacked(values: Tensor, like: Tensor) -> Tensor:
    """The inverse of :func:`_stacked`."""
    return torch.complex(*values.chunk(2, dim=-1)) if like.is_complex() else values
