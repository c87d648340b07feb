"""Masks A between two systems of a cascade as stripes: one etch, no light absorbed, and combs all the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from acdc_optical.benches.bench import Bench, Pixels
from acdc_optical.compilation.combs import CombAxis, comb_axes, frequencies, relay_grid
from acdc_optical.compilation.etching.one_etch import Ask, OneEtch, StripeSolver, check_filled
from acdc_optical.compilation.etching.rows import Rows
from acdc_optical.compilation.masks import Shown
from acdc_optical.presentation import Presentation
from optics import Axis


@dataclass(frozen=True)
class EtchedComb:
    """Fully transparent relay masks of phase 0 and π, whose edges make points of light of them.

    Like :class:`~acdc_optical.compilation.etching.one_etch.OneEtch` for mask D: the comb of pixels of smallest maximum
    becomes stripes, a row for each line of the bench's relay mask, whose edges Newton's steps then move. A comb is
    stronger than ±1 between its points: light that is not wanted leaves at angles that the next Fourier mask does not
    see.

    Unlike masks D they are not exact: at frequencies near 1/p light is weak, and stripes do not follow, which leaves
    errors of 1e-7 to 1e-3 (tests/benchmarks/results/etched_cascades.md). Stripes are a fraction of the modulator's
    pitch; where they are narrower than some wavelengths, a mask is not the thin one that is simulated here. Give
    ``etch`` a minimum feature.

    Args:
        etch: least width, grid and search.

    Raises:
        ValueError: when compiling, relay pixels that are not filled, stripes that do not fit, or a complex diagonal.
    """

    etch: OneEtch = OneEtch()

    def shown(self, shape: Sequence[int], presentation: Presentation, bench: Bench, pixels: Pixels) -> Shown:
        relay = bench.relay
        check_filled(pixels.relay, "relay")
        axes = comb_axes(shape, presentation, relay, pixels.relay)
        grid = relay_grid([presentation.pixels(n) for n in shape], bench, pixels.relay)
        ask = Ask(
            axes=tuple(axis.system for axis in axes),
            rows=_rows(axes, presentation, Axis(grid.cells[-1], 1 / relay.pixels_per_number)),
            pixels=grid.cells,
            pixels_per_coefficient=relay.pixels_per_number,
            unit=bench.modulator.pitch,
            extent=grid.extent,
            unreachable=math.fsum(axis.unreachable for axis in axes),
        )
        return Shown(grid, StripeSolver(self.etch, ask))


def _rows(axes: Sequence[CombAxis], presentation: Presentation, pixels: Axis) -> Rows:
    """Lengths are in units of the modulator's pitch."""
    equations = [(axis.system.strengths[:, None] * axis.system.right, axis.system.wanted) for axis in axes]
    density = CombDensity(axes[-1].left, *frequencies(round(pixels.extent)), mirrored=presentation.real)
    return Rows.assembled(equations, density, pixels, mirrored=presentation.real)


@dataclass(frozen=True, eq=False)
class CombDensity:
    """The spectrum of light that passes at x, in the equations of a comb.

    Attributes:
        left: to those equations, shape (frequencies, equations).
        frequencies, weights: of the spectrum; see :func:`~acdc_optical.compilation.combs.frequencies`.
        mirrored: whether the mask is even, and x and -x count together.
    """

    left: Tensor
    frequencies: Tensor
    weights: Tensor
    mirrored: bool

    def __call__(self, x: Tensor) -> Tensor:
        phases, weights = 2 * torch.pi * torch.outer(self.frequencies, x), self.weights[:, None]
        if self.mirrored:
            return self.left.mT @ phases.cos_().mul_(2 * weights)
        return self.left.mT @ torch.cat((weights * phases.cos(), -weights * phases.sin()))
