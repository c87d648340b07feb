"""Etched masks whose borders are not where they were drawn: areas that grow, and etches that do not overlie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from optics.devices.fringing import bordered
from optics.devices.parts import Parts, absent, drawn, per_axis
from optics.devices.steps import drive, like, phase_tolerance, refuse
from optics.screens import Quantity


@dataclass(frozen=True, eq=False)
class EdgeGrowth:
    """Etched areas that come out wider than drawn: at every border the deeper pixel grows into the shallower.

    Deeper is the one with the larger phase, from 0 to below 2π: of a real mask the negative one, phase π. Opaque pixels
    count as of phase 0. Equal depths stay as they are, and so does the rim of the mask. Corners are square: growth
    goes along x first and then, of what that made, along y.

    Attributes:
        growth: [m] on each side, by which etched areas shrink if it is negative. At zero its gradient is that of
            growing.
        pitch: pixel size [m]; one number or one for each axis.

    Raises:
        ValueError: a growth that is not finite, or a pitch that is not positive. When applied: a growth of more than
            half a pixel.
    """

    growth: Quantity
    pitch: float | Sequence[float]

    def __post_init__(self) -> None:
        refuse(self.growth, "a growth [m]")
        _check_pitch(self.pitch)

    def __call__(self, parts: Parts) -> Parts:
        if absent(self.growth):
            return parts
        growth = drawn(self.growth, parts, "a growth")
        for axis, pitch in reversed(list(enumerate(per_axis(self.pitch, parts, "a pitch")))):
            if (growth.detach().abs() > pitch / 2).any():
                raise ValueError(f"a growth may be half a pixel of {pitch} m at most; got {growth.tolist()} m")
            parts = _grown(parts, axis, growth / pitch)
        return parts


def _grown(parts: Parts, axis: int, growth: Tensor) -> Parts:
    grows = growth.detach() >= 0
    first, last = (parts.values.select(parts.part_dim(axis), i).unsqueeze(parts.part_dim(axis)) for i in (0, -1))
    pixels = parts.part_dim(axis) - 1
    parts, borders = bordered(parts, axis, torch.where(grows, growth, -growth))
    values = parts.values
    deepening = grows.reshape(*grows.shape, *[1] * (2 * parts.ndim))
    for border, own, other, step in zip(borders, (first, last), (last, first), (1, -1), strict=True):
        neighbour = _next(other, own, pixels, step)
        deeper = drive(neighbour) - drive(own)
        takes = torch.where(deepening, deeper, -deeper) > phase_tolerance(values)
        values = torch.where(parts.along(axis, border) & takes, neighbour, values)
    return Parts(values, parts.edges)


def _next(other: Tensor, own: Tensor, dim: int, step: int) -> Tensor:
    """What the neighbour below (step 1) or above (-1) shows at a pixel's border; at the rim what the pixel does."""
    count = own.shape[dim]
    rim = 0 if step > 0 else count - 1
    place = torch.arange(count, device=own.device) == rim
    return torch.where(place.reshape([-1 if d == dim else 1 for d in range(dim, 0)]), own, other.roll(step, dim))


@dataclass(frozen=True, eq=False)
class Overlay:
    """A mask of L = 2^K levels of phase made by K etches, each displaced, and each too deep or too shallow.

    Etch k, of phase 2π·2^k/L, is where bit k of a pixel's level is one; the level is that nearest to its phase. An etch
    is moved as a whole: beyond the rim it is not there. What a pixel lies off its level it keeps, and so its amplitude.
    A real mask, of which only the last etch is made, stays real without errors of depth.

    Attributes:
        levels: L, a power of two from 2 on.
        shifts: of each etch, finest first, (dy, dx) or (dx,) [m] towards positive coordinates.
        pitch: pixel size [m]; one number or one for each axis.
        depth_errors: relative, of each etch; none for exact ones.

    Raises:
        ValueError: levels that are no power of two, not one shift (or error) for each etch, or a number that is not
            finite. When applied: pixels that are cut already, or shifts not of as many numbers as axes.
    """

    levels: int
    shifts: Sequence[Sequence[Quantity]]
    pitch: float | Sequence[float]
    depth_errors: Sequence[Quantity] = ()

    def __post_init__(self) -> None:
        etches = self.levels.bit_length() - 1
        if self.levels < 2 or self.levels != 2**etches:
            raise ValueError(f"expected levels of a power of two, 2 or more; got {self.levels}")
        if len(self.shifts) != etches or len(self.depth_errors) not in (0, etches):
            raise ValueError(
                f"{self.levels} levels are {etches} etches: give a shift for each, and an error of depth for each or "
                f"none; got {len(self.shifts)} and {len(self.depth_errors)}"
            )
        for shift in self.shifts:
            for each in shift:
                refuse(each, "a shift [m]")
        for error in self.depth_errors:
            refuse(error, "a relative error of depth")
        _check_pitch(self.pitch)

    def __call__(self, parts: Parts) -> Parts:
        if absent(*(s for shift in self.shifts for s in shift), *self.depth_errors):
            return parts
        if not parts.whole:
            raise ValueError("etches come first: they take pixels that are not cut, as from whole(mask)")
        level = (drive(parts.values.detach()) * (self.levels / (2 * math.pi))).round().long() % self.levels
        own = [Parts(like(level >> k & 1, parts.values), parts.edges) for k in range(len(self.shifts))]
        shown = list(own)
        for axis, pitch in enumerate(per_axis(self.pitch, parts, "a pitch")):
            steps = [drawn(per_axis(s, parts, "a shift")[axis], parts, "a shift") / pitch for s in self.shifts]
            shown = _laid(shown, axis, steps)
        return self._etched(parts, own, shown)

    def _etched(self, parts: Parts, own: list[Parts], shown: list[Parts]) -> Parts:
        """The mask with the phases that its etches make where they stand, instead of where they should."""
        if not self.depth_errors and not parts.values.is_complex():
            return Parts(parts.values * (1 - 2 * (shown[-1].values - own[-1].values).abs()), shown[0].edges)
        phase: Tensor | float = 0.0
        for k, (etch, drawn_etch) in enumerate(zip(shown, own, strict=True)):
            error = drawn(self.depth_errors[k], parts, "an error of depth") if self.depth_errors else torch.zeros(())
            depth = 1 + like(error, parts.values).reshape(*error.shape, *[1] * (2 * parts.ndim))
            phase = phase + (depth * etch.values - drawn_etch.values) * (2 * math.pi * 2**k / self.levels)
        phase = torch.as_tensor(phase)
        return Parts(parts.values * torch.polar(torch.ones_like(phase), phase), shown[0].edges)


def _laid(etches: list[Parts], axis: int, steps: list[Tensor]) -> list[Parts]:
    """Etches moved along an axis by ``steps`` pixels each, in the parts between all their edges."""
    step = torch.stack(torch.broadcast_tensors(*steps), dim=-1)
    pixels = step.detach().floor()
    cuts, order = (step - pixels - 0.5).sort(dim=-1)
    rank = order.argsort(dim=-1)
    half = torch.full_like(cuts[..., :1], 0.5)
    edges = torch.cat([-half, cuts, half], dim=-1)
    part = torch.arange(len(steps) + 1, device=cuts.device)
    pixel = torch.arange(etches[0].pixels[axis], device=cuts.device)[:, None]
    laid = []
    for k, etch in enumerate(etches):
        # Below its cut a part has the pixel that came over the lower border.
        came = (part <= rank[..., k, None])[..., None, :].long()
        laid.append(etch.picked(axis, pixel - pixels.long()[..., k, None, None] - came, edges))
    return laid


def _check_pitch(pitch: float | Sequence[float]) -> None:
    for each in pitch if isinstance(pitch, Sequence) else (pitch,):
        refuse(each, "a pitch [m]", above=0.0)
