"""What a device shows of the transmittance that each of its pixels is asked for: what is wrong pixel by pixel.

Each object here takes a mask, real or complex, shape (..., ny, nx) or (..., nx), |t| ≤ 1, to one of that shape. A real
mask is an amplitude with phase 0 or π; it stays real where phases are not touched. Where nothing is wrong an object
returns the mask itself. A number may be a tensor: it is differentiated through, and one of shape (draws, 1[, 1]) gives
all draws at once, in front of the mask's own dimensions. A tensor that is zero gives the values of the mask to the
last bit, with its own gradient. What a pixel does within itself and to its neighbours is in
:mod:`optics.devices.parts`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from optics.screens import Quantity

_TURN = 2 * math.pi


def drive(mask: Tensor) -> Tensor:
    """The phase [rad] that a device is told, from 0 to below 2π: how deep it etches, or how far it drives a pixel.

    Rounding must not decide between the two ends: what lies below a full turn by less than the root of the mask's
    rounding is as much below zero. An opaque pixel has phase 0.
    """
    phase = mask.angle().remainder(_TURN)
    return torch.where(phase > _TURN - phase_tolerance(mask), phase - _TURN, phase)


def phase_tolerance(mask: Tensor) -> float:
    """Phases [rad] less apart than this are the same, in the mask's precision."""
    return math.sqrt(torch.finfo(mask.dtype).eps)


def numbers(values: complex | Sequence[complex] | Tensor) -> Tensor:
    """A tensor as it is; anything else in double precision."""
    if isinstance(values, Tensor):
        return values
    each = values if isinstance(values, Sequence) else (values,)
    dtype = torch.complex128 if any(isinstance(v, complex) for v in each) else torch.float64
    return torch.tensor(values, dtype=dtype)


def like(values: complex | Sequence[complex] | Tensor, mask: Tensor) -> Tensor:
    """A number, or several, real or complex as they are, in the precision and on the device of a mask."""
    found = numbers(values)
    real = mask.real.dtype if mask.is_complex() else mask.dtype
    return found.to(device=mask.device, dtype=real.to_complex() if found.is_complex() else real)


def refuse(values: complex | Tensor, name: str, *, above: float = -math.inf, to: float = math.inf) -> None:
    """Refuse a number, or one among those of a tensor, that is not finite, above one bound and at most another.

    Raises:
        ValueError: it is not.
    """
    found = numbers(values).detach()
    if not torch.isfinite(found.abs()).all():
        raise ValueError(f"{name} must be finite; got {found.tolist()}")
    if above != -math.inf and not (found > above).all():
        raise ValueError(f"{name} must be above {above:g}; got {found.tolist()}")
    if to != math.inf and not (found.abs() <= to).all():
        raise ValueError(f"{name} must be {to:g} at most; got {found.tolist()}")


@dataclass(frozen=True)
class QuantisedPhase:
    """Phases to the nearest of 2^bits equally spaced ones, 0 among them; amplitudes are kept.

    The mask's gradient is that of the unrounded values (straight through: Bengio et al., arXiv 1308.3432). Of phases at
    random the mask is wrong by (2π/2^bits)/√12 in rms.

    Attributes:
        bits: 1 to 16; None for phases at will.

    Raises:
        ValueError: another number of bits.
    """

    bits: int | None

    def __post_init__(self) -> None:
        _check_bits(self.bits)

    def __call__(self, mask: Tensor) -> Tensor:
        if self.bits is None or not mask.is_complex():  # phases 0 and π are among those of every device
            return mask
        step, asked = _TURN / 2**self.bits, mask.detach()
        level = (asked.angle() / step).round().remainder(2**self.bits)
        return _through(torch.polar(asked.abs(), level * step), mask)


@dataclass(frozen=True)
class QuantisedAmplitude:
    """Moduli to the nearest of 2^bits equally spaced ones from 0 to 1; phases, and signs of real masks, are kept.

    The mask's gradient is that of the unrounded values, straight through.

    Attributes:
        bits: 1 to 16; None for amplitudes at will.

    Raises:
        ValueError: another number of bits.
    """

    bits: int | None

    def __post_init__(self) -> None:
        _check_bits(self.bits)

    def __call__(self, mask: Tensor) -> Tensor:
        if self.bits is None:
            return mask
        steps, asked = 2**self.bits - 1, mask.detach()
        return _through(asked.sgn() * ((asked.abs() * steps).round() / steps), mask)


@dataclass(frozen=True, eq=False)
class NearestLevel:
    """The nearest of given levels in the complex plane: a device all of whose states have been measured.

    The mask's gradient is that of the unrounded values, straight through; levels get that of the pixels they serve.

    Attributes:
        levels: complex or real, shape (levels,); None for values at will. A real mask on real levels stays real.

    Raises:
        ValueError: no levels, one that is not finite, or not one row of them.
    """

    levels: Tensor | Sequence[complex] | None

    def __post_init__(self) -> None:
        if self.levels is None:
            return
        levels = numbers(self.levels)
        if levels.ndim != 1 or not len(levels) or not torch.isfinite(levels.abs()).all():
            raise ValueError(f"expected finite levels of shape (levels,); got {levels.tolist()}")

    def __call__(self, mask: Tensor) -> Tensor:
        if self.levels is None:
            return mask
        levels, asked = like(self.levels, mask), mask.detach()
        nearest = torch.zeros(mask.shape, dtype=torch.long, device=mask.device)
        least = torch.full_like(asked.abs(), math.inf)
        for i, level in enumerate(levels.detach()):  # one after the other: all at once would be a mask for each
            distance = (asked - level).abs()
            nearest, least = torch.where(distance < least, i, nearest), torch.minimum(distance, least)
        return _through(levels[nearest], mask)


@dataclass(frozen=True, eq=False)
class LookUpTable:
    """The phase really shown for a phase asked for: a measured response, linear in between.

    Attributes:
        phases: [rad] shown where 0, 2π/n, … 2π(1 - 1/n) are asked for, shape (n,) or (draws, n), each row unwrapped:
            neighbours differ by what lies between them. From the last the response goes on to the first by the shorter
            way around the circle. None for what is asked for.

    Raises:
        ValueError: fewer than two phases, or one that is not finite.
    """

    phases: Tensor | Sequence[float] | None

    def __post_init__(self) -> None:
        if self.phases is None:
            return
        phases = numbers(self.phases)
        if phases.ndim < 1 or phases.shape[-1] < 2 or not torch.isfinite(phases).all():
            raise ValueError(f"expected finite phases [rad] of shape (..., n), n ≥ 2; got {phases.tolist()}")

    def __call__(self, mask: Tensor) -> Tensor:
        if self.phases is None:
            return mask
        table = numbers(self.phases).double()
        count = table.shape[-1]
        asked = torch.tensor([_TURN * k / count for k in range(count)], dtype=torch.float64, device=table.device)
        # Halfway round, as between 0 and π, the way on is up.
        turns = ((table[..., -1:] - table[..., :1]).detach() / _TURN + 0.5 + 1e-6).floor()
        error = table - asked
        error = torch.cat([error, error[..., :1] + _TURN * (turns - 1)], dim=-1)
        error = like(error, mask)
        place = drive(mask).clamp(min=0) * (count / _TURN)
        below = place.detach().floor().clamp(max=count - 1)
        share, index = place - below, below.long().flatten()
        draws = error.shape[:-1]
        lower, upper = (error[..., index + i].reshape(*draws, *mask.shape) for i in (0, 1))
        return _turned(mask, lower + share * (upper - lower))


@dataclass(frozen=True, eq=False)
class PhaseStroke:
    """A device whose phase reaches from 0 to less than 2π: phases beyond go to that end which is nearer on the circle.

    The mask's gradient is straight through, so that no pixel beyond the stroke is lost to training.

    Attributes:
        stroke: [rad]; None, or 2π and more, for all phases.

    Raises:
        ValueError: a stroke that is not positive and finite.
    """

    stroke: Quantity | None

    def __post_init__(self) -> None:
        if self.stroke is not None:
            refuse(self.stroke, "a phase stroke [rad]", above=0.0)

    def __call__(self, mask: Tensor) -> Tensor:
        if self.stroke is None:
            return mask
        if not isinstance(self.stroke, Tensor) and self.stroke >= (_TURN if mask.is_complex() else math.pi):
            return mask
        stroke, phase = like(self.stroke, mask), drive(mask.detach())
        beyond = phase > stroke + phase_tolerance(mask)
        end = torch.where(phase < (stroke + _TURN) / 2, stroke, 0.0)
        return torch.where(beyond, _through(torch.polar(mask.detach().abs() + 0 * end, end + 0 * phase), mask), mask)


@dataclass(frozen=True, eq=False)
class EtchDepth:
    """An etch that is too deep or too shallow: a phase φ of 0 to below 2π becomes (1 + error)·φ.

    Of a real mask, phase π becomes π(1 + error), and the result is complex. The same is what an etch made for a
    wavelength λ does to light of λ', error = λ/λ' - 1, the index being the same.

    Attributes:
        error: relative, of the depth.

    Raises:
        ValueError: an error that is not finite.
    """

    error: Quantity = 0.0

    def __post_init__(self) -> None:
        refuse(self.error, "a relative error of depth")

    def __call__(self, mask: Tensor) -> Tensor:
        if not isinstance(self.error, Tensor) and not self.error:
            return mask
        return _turned(mask, like(self.error, mask) * drive(mask))


def _turned(mask: Tensor, phase: Tensor) -> Tensor:
    """The mask times exp(iφ): its own values, to the last bit, where φ = 0."""
    return mask * torch.polar(torch.ones_like(phase), phase)


def _through(shown: Tensor, mask: Tensor) -> Tensor:
    """Values shown, with the gradient of the mask."""
    return shown + (mask - mask.detach())


def _check_bits(bits: int | None) -> None:
    if bits is not None and not 1 <= bits <= 16:
        raise ValueError(f"a device has 1 to 16 bits, or None for no steps; got {bits}")
