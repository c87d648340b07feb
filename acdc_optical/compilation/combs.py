"""Masks A between two 4f systems of an all-optical cascade.

The light that falls there varies across every pixel, but neither it nor the light that reaches the next Fourier mask
has more detail than 1/(2p) at modulator pitch p. From plane to plane, mask A with transmittance t(x) is the operator
with kernel T(ν + ν'), T the Fourier integral of t. So it acts like points of strength a,

    ∫ t(x)·exp(-2πi·ν·x) dx = p·Σ a_n·exp(-2πi·ν·x_n)      for |ν| ≤ 1/p,

if its pixels, some for each number and some beyond the outermost, solve that. Mask D behind is made for points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from acdc_optical.benches.bench import Bench, Pixels
from acdc_optical.benches.hardware import RelayMask
from acdc_optical.compilation.brightest import Brightest, BrightSolver
from acdc_optical.compilation.masks import Shown
from acdc_optical.compilation.methods import AxisByAxis, AxisMap, Solved
from acdc_optical.compilation.moments import AxisSystem
from acdc_optical.compilation.searches import Search, Splitting, check_search
from acdc_optical.presentation import Presentation
from optics import Axis, Cell, Grid

# Singular values fall to rounding: waves that stand on the guards alone hardly radiate below 1/p. Of the largest.
_NEGLIGIBLE = 1e-12


@runtime_checkable
class Between(Protocol):
    """What masks A are behind the first of a cascade."""

    def shown(self, shape: Sequence[int], presentation: Presentation, bench: Bench, pixels: Pixels) -> Shown:
        """The mask for diagonals of one shape.

        Args:
            shape: of the layer.
            presentation: of the layer's kind.
            bench: the table.
            pixels: what a pixel is in each plane.
        """


@dataclass(frozen=True)
class OnePixel:
    """One pixel for each number, like the modulator's, which holds it: exact where pixels are points.

    Light varies across a pixel that has a width: two layers near the identity are then off by 3e-2 to 0.15, signed ones
    by 0.3.
    """

    def shown(self, shape: Sequence[int], presentation: Presentation, bench: Bench, pixels: Pixels) -> Shown:
        grid = Grid([presentation.pixels(n) for n in shape], bench.modulator.pitch, pixels.input)
        active = sum(pixels.input.weights)
        one = RelayMask(pixels_per_number=1, guards=0)
        errors = {n: _missed_by_one(*_equations(n, presentation, one, pixels.input), active) for n in set(shape)}
        return Shown(grid, partial(_held, presentation, active, sum(errors[n] for n in shape)))


@dataclass(frozen=True)
class Comb:
    """The bench's relay masks, solved for: points of light, as far as the next Fourier mask can tell.

    Of many solutions it takes the one of least norm; where there is none, for too few pixels or guards, the nearest to
    one in the least-squares sense. The masks' ``residual`` has the relative error that it leaves between two Fourier
    planes. Mask D behind is made for points even then: made for the envelope of the pixels it came out no better, and
    of two pixels for a number ten times worse.
    """

    def shown(self, shape: Sequence[int], presentation: Presentation, bench: Bench, pixels: Pixels) -> Shown:
        relay = bench.relay
        axes = comb_axes(shape, presentation, relay, pixels.relay)
        maps = [axis.least_norm(presentation, relay.pixels_per_number) for axis in axes]
        return Shown(relay_grid(_counts(shape, presentation), bench, pixels.relay), AxisByAxis(maps))


@dataclass(frozen=True)
class BrightComb:
    """The same points of light from the relay mask of smallest maximum, which lets the most through.

    Solved for whenever the diagonal has changed; see :class:`~acdc_optical.compilation.brightest.Brightest`,
    also for gradients.

    Args:
        search: how the mask is found.

    Raises:
        TypeError: the search is not an object such as Splitting().
    """

    search: Search = Splitting()

    def __post_init__(self) -> None:
        check_search(self.search)

    def shown(self, shape: Sequence[int], presentation: Presentation, bench: Bench, pixels: Pixels) -> Shown:
        relay = bench.relay
        axes = comb_axes(shape, presentation, relay, pixels.relay)
        counts = tuple(axis.pixels for axis in axes)
        systems = tuple(axis.system for axis in axes)
        solver = BrightSolver(Brightest(search=self.search), systems, presentation, counts, relay.pixels_per_number)
        return Shown(
            relay_grid(_counts(shape, presentation), bench, pixels.relay),
            partial(_with_rest, solver, sum(axis.unreachable for axis in axes)),
        )


class CombAxis(NamedTuple):
    """The equations of a comb along one axis.

    Attributes:
        system: between independent pixel values and numbers; squared, errors count as often as a difference of two
            frequencies of light occurs, so that they are errors of the operator between the two Fourier planes.
        left: from all equations to those that pixels can tell apart, orthonormal columns.
        pixels: of the mask.
        unreachable: share of the comb that no values of the pixels make; its norm relative to the comb's.
    """

    system: AxisSystem
    left: Tensor
    pixels: int
    unreachable: float

    @classmethod
    def of(cls, n: int, presentation: Presentation, relay: RelayMask, cell: Cell) -> CombAxis:
        """For n numbers; a pixel of the mask is a ``cell``."""
        system, comb = _equations(n, presentation, relay, cell)
        left, strengths, right = torch.linalg.svd(system, full_matrices=False)
        kept = strengths > _NEGLIGIBLE * strengths[0]
        left, reached = left[:, kept], left[:, kept].mT @ comb
        rest = float((comb - left @ reached).norm() / comb.norm())
        pixels = (presentation.pixels(n) + 2 * relay.guards) * relay.pixels_per_number
        return cls(AxisSystem(right[kept], strengths[kept], reached), left, pixels, rest)

    def least_norm(self, presentation: Presentation, pixels_per_number: int) -> AxisMap:
        """The values of least norm, as a matrix."""
        right, strengths, wanted = self.system.right, self.system.strengths[:, None], self.system.wanted
        values = right.mT @ (wanted / strengths)
        missed = float((strengths * (right @ values) - wanted).norm() / wanted.norm())
        return AxisMap(presentation.unfold(values), pixels_per_number, float(np.hypot(missed, self.unreachable)))


def comb_axes(shape: Sequence[int], presentation: Presentation, relay: RelayMask, cell: Cell) -> list[CombAxis]:
    """The equations along each axis, for relay pixels like ``cell``."""
    different = {n: CombAxis.of(n, presentation, relay, cell) for n in set(shape)}
    return [different[n] for n in shape]


def relay_grid(counts: Sequence[int], bench: Bench, cell: Cell) -> Grid:
    """The pixels of a relay mask for so many modulator pixels along each axis, each of them like ``cell``."""
    relay = bench.relay
    pixels = [(count + 2 * relay.guards) * relay.pixels_per_number for count in counts]
    return Grid(pixels, bench.modulator.pitch / relay.pixels_per_number, cell)


def _counts(shape: Sequence[int], presentation: Presentation) -> list[int]:
    return [presentation.pixels(n) for n in shape]


def _equations(n: int, presentation: Presentation, relay: RelayMask, cell: Cell) -> tuple[Tensor, Tensor]:
    """Spectra of independent pixel values and of numbers, float64, shapes (equations, values) and (equations, n)."""
    count = presentation.pixels(n)
    spread = count + 2 * relay.guards
    mask = Axis(spread * relay.pixels_per_number, 1 / relay.pixels_per_number, cell)
    nodes, weights = frequencies(spread)
    system = presentation.fold(weights[:, None] * _spectra(mask, nodes))
    points = weights[:, None] * _spectra(Axis(count, 1.0), nodes)
    comb = points @ presentation.encode(torch.eye(n, dtype=torch.float64), 1).mT.to(points.dtype)
    if not system.is_complex():
        return system, comb.real
    # ±ν conjugate each other: twice as many real equations at ν ≥ 0.
    return torch.cat((system.real, system.imag)), torch.cat((comb.real, comb.imag))


def frequencies(spread: int) -> tuple[Tensor, Tensor]:
    """Gauss's nodes over 0 ≤ ν ≤ 1/p in units of 1/p, and roots of weights; light spreads over so many pitches."""
    # Two waves differ by up to ``spread`` turns over the band; Gauss's rule wants half as many nodes as radians.
    nodes, weights = np.polynomial.legendre.leggauss(2 * spread + 32)
    frequencies = torch.from_numpy((nodes + 1) / 2)
    return frequencies, (torch.from_numpy(weights / 2) * (1 - frequencies)).sqrt()


def _spectra(pixels: Axis, frequencies: Tensor) -> Tensor:
    """The Fourier integral of every pixel by itself, complex128, shape (frequencies, pixels)."""
    phases = -2 * torch.pi * torch.outer(frequencies, pixels.centres)
    strength = pixels.spacing * sum(pixels.cell.weights)
    envelope = strength * torch.sinc(pixels.cell.width * pixels.spacing * frequencies)
    return torch.polar(torch.ones_like(phases), phases) * envelope[:, None]


def _missed_by_one(system: Tensor, comb: Tensor, active: float) -> float:
    """Relative error of pixels that hold their numbers, as for :class:`CombAxis`."""
    return float((system / active - comb).norm() / comb.norm())


def _held(presentation: Presentation, active: float, error: float, a: Tensor) -> Solved:
    """Pixels that hold the numbers of points of light; ``active`` is what they let through of a pitch."""
    return Solved(presentation.encode(a, a.ndim) / active**a.ndim, error)


def _with_rest(solver: BrightSolver, rest: float, a: Tensor) -> Solved:
    solved = solver(a)
    return solved._replace(residual=solved.residual + rest)
