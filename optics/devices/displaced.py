"""A mask that stands beside the pixels of its plane, or turned against them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from optics.devices.parts import Parts, absent, drawn, per_axis
from optics.devices.steps import refuse
from optics.screens import Quantity

# Of a mask that turns by nothing yet: strips so wide [pixels] take up the first of its turn.
_LEAST = 2.0**-10

# Parts of a pixel of the plane hold what stood up to two pixels below in the mask, or one above.
_REACH = (-2, -1, 0, 1)


@dataclass(frozen=True, eq=False)
class Moved:
    """A mask displaced, and turned about the axis, against the pixels of the plane that it stands in.

    Parts of the plane's pixels hold what of the mask stands before them; beyond its rim it is opaque. A shift is exact:
    edges move with it, differentiably. At zero its gradient is that of a shift upwards, which differs from that of one
    downwards in the light at the rim alone.

    Turned by θ, from x towards y, what stands at (x, y) is displaced by shift + (θ·x along y, -θ·y along x): by other
    amounts in other rows, which parts cannot follow. So strips as wide as the largest displacement by turning, w
    pixels, on both sides of where the mask's borders stand on the average, get the mean of what stands before them:
    pixel by pixel the light is exact, and its place is wrong by second order in w. Within the band of the pixels,
    half a cycle to each, ½w to 1.2w of what turning changes is wrong (measured for masks of 6² to 48² pixels against
    the mask turned in its Fourier integral). Parts are displaced as their centres are. That they turn about those as
    well is left out: outside the band it matters, by one to three parts in the number of pixels across; pixels that
    are cut in the middle first, ``parts.cut(0, 0.0).cut(1, 0.0)``, follow it. The gradient in θ is that of both ways
    of turning together.

    Attributes:
        shift: [m] towards positive coordinates, one number for each axis, (dy, dx) or (dx,).
        pitch: pixel size [m]; one number or one for each axis.
        rotation: [rad], of two axes alone.

    Raises:
        ValueError: a number that is not finite, or a pitch that is not positive. When applied: not as many numbers as
            axes, a rotation of one axis, or one by which the rim moves by half a pixel or more.
    """

    shift: Quantity | Sequence[Quantity]
    pitch: float | Sequence[float]
    rotation: Quantity = 0.0

    def __post_init__(self) -> None:
        for shift in self.shift if isinstance(self.shift, Sequence) else (self.shift,):
            refuse(shift, "a shift [m]")
        for pitch in self.pitch if isinstance(self.pitch, Sequence) else (self.pitch,):
            refuse(pitch, "a pitch [m]", above=0.0)
        refuse(self.rotation, "a rotation [rad]")

    def __call__(self, parts: Parts) -> Parts:
        shifts = per_axis(self.shift, parts, "a shift")
        if absent(*shifts, self.rotation):
            return parts
        pitch = per_axis(self.pitch, parts, "a pitch")
        steps = [drawn(s, parts, "a shift") / p for s, p in zip(shifts, pitch, strict=True)]
        if absent(self.rotation):
            for axis, step in enumerate(steps):
                parts = parts if absent(shifts[axis]) else _shifted(parts, axis, step)
            return parts
        if parts.ndim != 2:
            raise ValueError("a mask of one axis cannot turn about the optical axis: give no rotation")
        angle = drawn(self.rotation, parts, "a rotation")
        parts = _sheared(parts, 1, steps[1], -angle[..., None, None] * _places(parts, 0) * (pitch[0] / pitch[1]))
        return _sheared(parts, 0, steps[0], angle[..., None, None] * _places(parts, 1) * (pitch[1] / pitch[0]))


def _places(parts: Parts, axis: int) -> Tensor:
    """The centres of all parts along an axis, in pixels from the middle of the mask, shape (draws, n, P)."""
    edges, pixels = parts.edges[axis], parts.pixels[axis]
    centres = (edges[..., 1:] + edges[..., :-1]) / 2
    return centres[..., None, :] + (torch.arange(pixels, device=edges.device)[:, None] - (pixels - 1) / 2)


def _shifted(parts: Parts, axis: int, step: Tensor) -> Parts:
    """The mask moved along an axis by ``step`` pixels, shape (draws,)."""
    pixels = step.detach().floor()
    rest = step - pixels  # from 0 to 1: what of a pixel comes over its upper border stands first in the next
    cut = parts.cut(axis, 0.5 - rest)
    edges, count = cut.edges[axis], cut.edges[axis].shape[-1] - 1
    last = parts.within(axis, (0.5 - rest).detach())[..., None]
    order = (torch.arange(count, device=last.device) + last + 1) % count
    over = order > last
    pixel = torch.arange(parts.pixels[axis], device=last.device)[:, None] - pixels.long()[..., None, None]
    index = (pixel - over[..., None, :].long()) * count + order[..., None, :]
    ends = edges[..., 1:].gather(-1, order.expand(*edges.shape[:-1], count)) + rest[..., None] - over.to(edges)
    # Both ends exactly, whatever sums of lengths round to.
    half = torch.full_like(ends[..., :1], 0.5)
    return cut.picked(axis, index, torch.cat([-half, ends[..., :-1].clamp(-0.5, 0.5), half], dim=-1))


def _sheared(parts: Parts, axis: int, step: Tensor, turns: Tensor) -> Parts:
    """Rows moved along an axis by ``step`` + ``turns`` pixels, shapes (draws,) and (draws, rows, their parts)."""
    width = turns.abs().amax((-2, -1)).clamp(min=_LEAST)
    widest = float(width.detach().max())
    if widest >= 0.5:
        raise ValueError(
            f"a rotation may move the rim of the mask by less than half a pixel; got {widest:.3g} pixels: turn it "
            "less, or paint it on finer pixels"
        )
    pixels = step.detach().floor()
    edges = _strips(parts.edges[axis], step - pixels, width)
    weights = _overlaps(parts.edges[axis], edges, (step - pixels)[..., None, None] + turns)
    lines, count = parts.pixels[axis], parts.edges[axis].shape[-1] - 1
    values: Tensor | float = 0.0
    for reach, weight in zip(_REACH, weights, strict=True):
        pixel = torch.arange(lines, device=edges.device) + reach - pixels.long()[..., None]
        index = pixel[..., None] * count + torch.arange(count, device=edges.device)
        there = parts.picked(axis, index, parts.edges[axis]).values
        dims = (parts.part_dim(axis) - 1, parts.part_dim(axis))
        mixed = there.movedim(dims, (-2, -1)) @ weight.to(there)  # (..., rows, their parts, n, P) @ (..., P, new P)
        values = values + mixed.movedim((-2, -1), dims)
    return Parts(torch.as_tensor(values), tuple(edges if i == axis else e for i, e in enumerate(parts.edges)))


def _strips(edges: Tensor, rest: Tensor, width: Tensor) -> Tensor:
    """Edges of strips about every border of a mask moved by a part of a pixel, within the pixels of the plane."""
    borders = edges[..., :-1] + rest[..., None]
    cuts = torch.cat([borders - width[..., None], borders + width[..., None]], dim=-1)
    cuts = (cuts + 0.5).remainder(1.0) - 0.5
    half = torch.full_like(cuts[..., :1], 0.5)
    return torch.cat([-half, cuts.sort(dim=-1).values, half], dim=-1)


def _overlaps(old: Tensor, new: Tensor, steps: Tensor) -> list[Tensor]:
    """What old parts are of new ones, for each pixel in reach, shape (draws, rows, their parts, P, new P).

    At steps of zero ``maximum`` and ``minimum`` give each way of moving half of the gradient.
    """
    lower, upper = (t[..., None, None, None, :] for t in (new[..., :-1], new[..., 1:]))
    begin, end = (t[..., None, None, :] + steps[..., None] for t in (old[..., :-1], old[..., 1:]))
    size = upper - lower
    size = torch.where(size > 0, size, 1.0)
    nothing = torch.zeros((), dtype=new.dtype, device=new.device)
    shares = []
    for reach in _REACH:
        common = torch.minimum(upper, end[..., None] + reach) - torch.maximum(lower, begin[..., None] + reach)
        shares.append(torch.maximum(common, nothing) / size)
    return shares
