"""Masks A between two systems of a cascade as stripes: one etch, no light absorbed, and combs all the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from acdc_optical.bench import Bench, Pixels
from acdc_optical.combs import CombAxis, comb_axes, frequencies, relay_grid
from acdc_optical.compilation import Shown
from acdc_optical.etching.lines import Line
from acdc_optical.etching.one_etch import Ask, OneEtch, StripeSolver
from acdc_optical.etching.rows import Rows
from acdc_optical.presentation import Presentation


@dataclass(frozen=True)
class EtchedComb:
    """Fully transparent relay masks of phase 0 and π, whose edges make points of light of them.

    Like :class:`~acdc_optical.etching.one_etch.OneEtch` for mask D: the comb of pixels of smallest maximum becomes
    stripes, a row for each line of the bench's relay mask, whose edges Newton's steps then move. A comb is stronger
    than ±1 between its points: light that is not wanted leaves at angles that the next Fourier mask does not see.

    Args:
        etch: least width, grid and search.

    Raises:
        ValueError: when compiling, relay pixels that are not filled, stripes that do not fit, or a complex diagonal.
    """

    etch: OneEtch = OneEtch()

    def shown(self, shape: Sequence[int], presentation: Presentation, bench: Bench, pixels: Pixels) -> Shown:
        relay = bench.relay
        if pixels.relay.width != 1:
            raise ValueError(
                "stripes leave no gaps between pixels: they need relay.fill = 1 and a model in which pixels have a "
                f"width, as Continuous(); got pixels filled to {pixels.relay.width:g}"
            )
        axes = comb_axes(shape, presentation, relay, pixels.relay)
        grid = relay_grid([presentation.pixels(n) for n in shape], bench, pixels.relay)
        ask = Ask(
            axes=tuple(axis.system for axis in axes),
            rows=_rows(axes, presentation, relay.pixels_per_number),
            pixels=grid.cells,
            pixels_per_coefficient=relay.pixels_per_number,
            unit=bench.modulator.pitch,
            extent=grid.extent,
            unreachable=math.fsum(axis.unreachable for axis in axes),
        )
        return Shown(grid, StripeSolver(self.etch, ask))


def _rows(axes: Sequence[CombAxis], presentation: Presentation, pixels_per_number: int) -> Rows:
    """Lengths are in units of the modulator's pitch."""
    x, end = axes[-1], axes[-1].pixels / pixels_per_number / 2
    begin, room = (0.0, 0.5) if presentation.real else (-end, 1.0)
    one, alone = torch.ones(1, 1, dtype=torch.float64), len(axes) == 1
    return Rows(
        across=one if alone else _of_pixels(axes[0]),
        along=_of_pixels(x),
        layers=(one if alone else axes[0].system.wanted, x.system.wanted),
        line=Line(_density(x, 2 * end, presentation), torch.zeros(0), begin, end, (room, 1.0)),
        pitch=1 / pixels_per_number,
        alone=alone,
    )


def _of_pixels(axis: CombAxis) -> Tensor:
    return axis.system.strengths[:, None] * axis.system.right


def _density(axis: CombAxis, spread: float, presentation: Presentation) -> Callable[[Tensor], Tensor]:
    """The spectrum of light that passes at x, in the equations of the comb; of an even mask x and -x count together."""
    nodes, weights = frequencies(round(spread))
    equations = axis.left.mT

    def density(x: Tensor) -> Tensor:
        phases = 2 * torch.pi * torch.outer(nodes, x)
        if presentation.real:
            return equations @ phases.cos_().mul_(2 * weights[:, None])
        return equations @ torch.cat((weights[:, None] * phases.cos(), -weights[:, None] * phases.sin()))

    return density
