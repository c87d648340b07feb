"""Rows of stripes, one for each line of sub-pixels, that together make the kernel of a layer.

The kernel is B_y·T, where row r of T holds the moments along x of row r of the mask, and B_y is what rows of
unit transmittance give along y. With the T of an exact mask of pixels every row is a problem by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from acdc_optical.compilation.etching.gaps import Gaps
from acdc_optical.compilation.etching.lines import Density, Line
from acdc_optical.compilation.etching.pulses import joined_pulses
from acdc_optical.compilation.etching.rounding import on_grid, rounded, spread
from acdc_optical.compilation.etching.steps import fitted
from acdc_optical.compilation.response import AxisResponse
from acdc_optical.progress import Track
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
        mirrored: whether it is even, and its rows are those of one half, and halves.
    """

    across: Tensor
    along: Tensor
    layers: tuple[Tensor, Tensor]
    line: Line
    pitch: float
    alone: bool
    mirrored: bool

    @classmethod
    def of(cls, responses: Sequence[AxisResponse], masks: Sequence[Axis]) -> Rows:
        """For a bench with these responses, and a bright mask of these pixels."""
        x = responses[-1]
        axes = [_equations(response, mask) for response, mask in zip(responses, masks, strict=True)]
        return cls.assembled(axes, LayerDensity.of(x), masks[-1], mirrored=x.presentation.real)

    @classmethod
    def assembled(cls, axes: Sequence[tuple[Tensor, Tensor]], density: Density, mask: Axis, *, mirrored: bool) -> Rows:
        """From the equations along one axis, or along y and x.

        Args:
            axes: to the moments from pixels and from what the diagonal holds, shapes (moments, pixels), (moments, n).
            density: of the moments along x.
            mask: the bright mask's pixels along x.
            mirrored: whether the mask is even about both axes, and given by its half behind the axis.
        """
        (along, layer_x), alone = axes[-1], len(axes) == 1
        one = torch.ones_like(along[:1, :1])
        across, layer_y = (one, one) if alone else axes[0]
        end = mask.extent / 2
        # The first stripe crosses the axis of a mirrored mask, and half of its width is there.
        begin, room = (0.0, 0.5) if mirrored else (-end, 1.0)
        line = Line(density, torch.zeros(0), begin, end, (room, 1.0))
        return cls(across, along, (layer_y, layer_x), line, mask.spacing, alone, mirrored)

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
        if self.mirrored:
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


@dataclass(frozen=True, eq=False)
class LayerDensity:
    """The moments of light that passes at v, weighted as outputs see them; complex ones as real and imaginary parts.

    Of an even mask v and -v count together.

    Attributes:
        response: of the bench along x.
        seen: what outputs show of the kernel; see :meth:`~acdc_optical.compilation.response.AxisResponse.seen`.
    """

    response: AxisResponse
    seen: Tensor

    @classmethod
    def of(cls, response: AxisResponse) -> LayerDensity:
        return cls(response, response.seen())

    def __call__(self, v: Tensor) -> Tensor:
        response, count = self.response, self.response.modulator_pixels
        lags = response.presentation.lags(response.n).double()
        strength, phase = response.envelope(v) / count, 2 * torch.pi / count * torch.outer(lags, v)
        if response.presentation.real:
            return self.seen @ phase.cos_().mul_(2 * strength)
        return torch.cat((self.seen @ (strength * phase.cos()), self.seen @ (strength * phase.sin())))


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
