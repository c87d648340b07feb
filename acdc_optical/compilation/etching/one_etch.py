"""Masks of stripes for one layer: one etch, no light absorbed, and exact."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from torch import Tensor

from acdc_optical.compilation.etching.rows import Etched, Rows
from acdc_optical.compilation.methods import Solved, check_several
from acdc_optical.compilation.moments import AxisSystem, Moments, axis_systems
from acdc_optical.compilation.response import AxisResponse
from acdc_optical.compilation.searches import Search, Splitting, check_search
from acdc_optical.progress import Track, silent
from optics import Axis, Cell, Stripes
from optics.elements import output_pitch
from optics.units import format_length

# What an imaginary part of d may amount to, relative to it: rounding.
_REAL = 1e-12
# Relative error up to which a mask counts as exact; measured 1e-15 to 1e-13.
_EXACT = 1e-11
# Error of an opaque mask.
_OPAQUE = 1.0


@dataclass(frozen=True)
class OneEtch:
    """Fully transparent masks of phase 0 and π whose edges stand where light through them makes the layer.

    The brightest exact mask, dimmed by ``slack``, becomes stripes by pulse-width modulation; Newton's steps then move
    the edges until the moments are those of the layer. In two dimensions every line of sub-pixels along x is a row of
    stripes by itself, with the moments along x that this line of the bright mask has: rows come apart into
    one-dimensional problems, so that time grows with their number, and the error that a row cannot avoid is
    carried to those that follow.

    Each row has as many edges for a coefficient as the bench has mask pixels. Two make the widest stripes, but leave
    next to no edges that could make up for rounding others to a grid; three are the rule, and with four the grid costs
    least.

    Gradients reach d through the moments: the edges follow by the least move that keeps to them. Of complex layers
    they reach the real part.

    Args:
        minimum_feature: least width of stripes [m], also from the last edge to the rim; 0 for as they come.
        grid: edges stand on multiples of this length [m] from the axis, the rounding error of each carried to the
            next, and so do the borders of rows and of the mask, which are solved for as they are drawn; None leaves
            them where they are best.
        slacks: by how much the stripes are stronger than the brightest mask's maximum. The first that gives an exact
            mask with that minimum feature is taken, or else the one with the least error. More slack leaves
            wider stripes and less light, as 1/(1 + slack)².
        search: how the bright mask is found.
        track: shows progress over the rows.

    Raises:
        ValueError: a length or slack out of range. When compiling: one mask pixel per coefficient, mask pixels that are
            not filled, more stripes than fit, or an AFDF layer whose d is not real: a mask of ±1 makes Hermitian
            kernels only.
        TypeError: the search is not an object such as Splitting().

    >>> from acdc_optical import ACDC, Bench, FourierMask, realise
    >>> bench = Bench.preset().replace(mask=FourierMask(pixels_per_coefficient=3))
    >>> layer = ACDC(8, dtype=torch.float64)
    >>> optical = realise(layer, bench, method=OneEtch())
    >>> x = torch.rand(5, 8, dtype=torch.float64)
    >>> bool((optical(x) - layer(x)).norm() < 1e-12 * layer(x).norm())
    True
    """

    minimum_feature: float = 0.0
    grid: float | None = None
    slacks: tuple[float, ...] = (0.1, 0.25, 0.5, 1.0, 2.0)
    search: Search = Splitting()
    track: Track = field(default=silent, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.minimum_feature < math.inf:
            raise ValueError(f"minimum_feature must be a length in metres, or 0; got {self.minimum_feature}")
        if self.grid is not None and not 0 < self.grid < math.inf:
            raise ValueError(f"grid must be a length in metres above 0, or None; got {self.grid}")
        if not self.slacks or not all(0 < slack < math.inf for slack in self.slacks):
            raise ValueError(f"slacks must be one or more numbers above 0; got {self.slacks}")
        check_search(self.search)

    def solver(self, responses: Sequence[AxisResponse], pixels_per_coefficient: int) -> StripeSolver:
        needed = "masks of one etch need mask.pixels_per_coefficient of 3 or 4 (2 is the least)"
        check_several(pixels_per_coefficient, needed)
        check_filled(responses[0].pixels.mask, "mask")
        return StripeSolver(self, _of_layer(responses, pixels_per_coefficient, self.grid))


def check_filled(cell: Cell, part: str) -> None:
    """Raise ValueError for pixels that stripes cannot stand for; ``part`` of the bench has them."""
    if cell.width != 1:
        raise ValueError(
            f"stripes leave no gaps between pixels: they need {part}.fill = 1 and a model in which pixels have a "
            f"width, as Continuous(); got pixels filled to {cell.width:g}"
        )


class Ask(NamedTuple):
    """What stripes are asked for.

    Attributes:
        axes: the equations of an exact mask of pixels, from which stripes begin.
        rows: those of the stripes.
        pixels: of that mask, along each axis.
        pixels_per_coefficient: of that mask.
        unit: of length along x, in which rows count [m].
        extent: of the mask [m].
        unreachable: share of what is wanted that no mask makes.
    """

    axes: tuple[AxisSystem, ...]
    rows: Rows
    pixels: tuple[int, ...]
    pixels_per_coefficient: int
    unit: float
    extent: tuple[float, ...]
    unreachable: float = 0.0


class _Made(NamedTuple):
    """The mask of the coefficients d.

    Attributes:
        etched: rows of edges, in units of q.
        strength: of the layer over that of the stripes.
        residual: relative error.
    """

    d: Tensor
    etched: Etched
    strength: float
    residual: float


class StripeSolver:
    """Solves for the stripes of one mask, and keeps the latest: every call of an optical layer asks for them."""

    def __init__(self, method: OneEtch, ask: Ask):
        self.pixels, self.pixels_per_coefficient = ask.pixels, ask.pixels_per_coefficient
        self._method, self._ask = method, ask
        self._grid = None if method.grid is None else method.grid / ask.unit
        self._gaps = ask.rows.gaps(method.minimum_feature / ask.unit, self._grid)
        if not self._gaps.fit:
            raise ValueError(
                f"stripes of at least {format_length(method.minimum_feature)} do not fit: numbers are "
                f"{format_length(ask.unit, 4)} apart, with {self.pixels_per_coefficient} edges for each; lower "
                "minimum_feature or the mask's pixels for each"
            )
        self._latest: _Made | None = None

    def __call__(self, d: Tensor) -> Solved:
        if d.is_meta:  # shapes alone are asked for
            return Solved(d.new_empty(self.pixels), 0.0)
        here = _real(d.cpu())
        made = self._made(here.detach())
        edges = made.etched.edges
        if here.requires_grad:
            edges = edges + self._ask.rows.following(made.etched, here / made.strength)
        strength = torch.tensor(made.strength, dtype=torch.float64, device=d.device)
        return Solved(self._stripes(edges, d.device), made.residual, strength)

    def _made(self, d: Tensor) -> _Made:
        if self._latest is None or not torch.equal(self._latest.d, d):
            with torch.inference_mode(False), torch.no_grad():
                self._latest = self._etched(d.clone())
        return self._latest

    def _etched(self, d: Tensor) -> _Made:
        method = self._method
        found, rows = method.search(Moments.of(self._ask.axes, d), 0.0), self._ask.rows
        bright = found.mask.real
        best: _Made | None = None
        for slack in method.slacks:
            strength = found.peak * (1 + slack) or 1.0
            etched = rows.etched(bright / strength, self._gaps, self._grid, method.track)
            residual = math.hypot(rows.residual(etched, d / strength), self._ask.unreachable)
            made = _Made(d, etched, strength, residual)
            if best is None or made.residual < best.residual:
                best = made
            if etched.missed <= _EXACT:
                return made
        assert best is not None  # there is at least one slack
        if best.residual >= _OPAQUE:
            raise ValueError(
                f"no stripes were found that make this diagonal, the best are off by {best.residual:.2f} of it: lower "
                "minimum_feature, or take other pixels per coefficient or number, or more slack"
            )
        return best

    def _stripes(self, edges: Tensor, device: torch.device) -> Stripes:
        """All stripes in metres, whole multiples of the grid to the last digit."""
        grid = self._method.grid
        places = edges * self._ask.unit
        if grid is not None:
            places = (places.detach() / grid).round() * grid + (places - places.detach())
        whole, first = self._ask.rows.whole(places)
        return Stripes(whole.to(device), first.to(device), self._ask.extent)


def _of_layer(responses: Sequence[AxisResponse], pixels_per_coefficient: int, grid: float | None) -> Ask:
    coefficients = [output_pitch(r.modulator_pixels, r.pitch, r.arm.scale) for r in responses]
    masks = [response.mask_axis(pixels_per_coefficient) for response in responses]
    if grid is not None:
        masks = [_drawn(mask, grid / q) for mask, q in zip(masks, coefficients, strict=True)]
    return Ask(
        axis_systems(responses, masks),
        Rows.of(responses, masks),
        tuple(mask.cells for mask in masks),
        pixels_per_coefficient,
        coefficients[-1],
        tuple(mask.extent * q for mask, q in zip(masks, coefficients, strict=True)),
    )


def _drawn(mask: Axis, grid: float) -> Axis:
    """Pixels so little larger or smaller that all their borders, those of rows and of the mask, are on the grid."""
    steps = round(mask.spacing / grid)
    if steps < 1:
        raise ValueError("the grid is coarser than the mask's pixels: take a finer one, or fewer pixels")
    return replace(mask, spacing=steps * grid)


def _real(d: Tensor) -> Tensor:
    """The coefficients, if stripes can make them."""
    if not d.is_complex():
        return d
    if d.detach().imag.norm() > _REAL * d.detach().norm():
        share = float(d.detach().imag.norm() / d.detach().norm())
        raise ValueError(
            "a mask of +1 and -1 makes Hermitian kernels only, so an AFDF layer's diagonal must be real; got an "
            f"imaginary part of {share:.1e} of it: take masks of pixels, as Brightest() or ExactPhases() for D, and "
            "Comb() or BrightComb() between layers"
        )
    return d.real
