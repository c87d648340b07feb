"""What the pixels of a device can show, as something to train under.

A mask is trained through free numbers, its settings. A constraint turns settings into transmittances that the device
has, never more than 1 in modulus, and lets gradients reach every setting: a pixel at its limit can come back.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

# Strengths that are tried for a start, as shares of the largest value.
_TRIED = 100

# In phase with the reading, exp(iφ) shows cos φ, whose slope vanishes at its ends: start a little inside.
_INSIDE = 0.98


class Constraint(Protocol):
    """What a device can show."""

    def settings(self, values: Tensor) -> Tensor:
        """Settings whose transmittance comes close to given values, real or complex; more than 1 is out of reach."""

    def transmittance(self, settings: Tensor, progress: float) -> Tensor:
        """What the device shows, |t| ≤ 1.

        Args:
            settings: any numbers.
            progress: of the training, from 0 to 1. At 1 the device shows what it can and nothing else; before, a
                constraint may be loose.
        """

    def inward(self, settings: Tensor, gradient: Tensor) -> Tensor:
        """The gradient of settings without what would lead those beyond a bound farther out."""


class Graded(Constraint, Protocol):
    """A device with one knob, whose positions can be numbered."""

    def grade(self, settings: Tensor, levels: int) -> Tensor:
        """Where on a scale of ``levels`` positions 0, 1, … the knob stands; any real number."""

    def at(self, grade: Tensor, levels: int) -> Tensor:
        """The transmittance at a place on that scale."""


@dataclass(frozen=True)
class SignedAmplitude:
    """Real values from -1 to 1: amplitude with phase 0 or π."""

    def settings(self, values: Tensor) -> Tensor:
        return values.real.clamp(-1, 1) if values.is_complex() else values.clamp(-1, 1)

    def transmittance(self, settings: Tensor, progress: float) -> Tensor:
        return bounded(settings)

    def inward(self, settings: Tensor, gradient: Tensor) -> Tensor:
        return inward(settings, gradient)

    def grade(self, settings: Tensor, levels: int) -> Tensor:
        return (bounded(settings) + 1) / 2 * (levels - 1)

    def at(self, grade: Tensor, levels: int) -> Tensor:
        return 2 * grade / (levels - 1) - 1


@dataclass(frozen=True)
class ComplexAmplitude:
    """Complex values of modulus up to 1: amplitude and phase, each for itself."""

    def settings(self, values: Tensor) -> Tensor:
        values = values.to(values.real.dtype.to_complex())
        return values / values.abs().clamp(min=1)

    def transmittance(self, settings: Tensor, progress: float) -> Tensor:
        return bounded(settings)

    def inward(self, settings: Tensor, gradient: Tensor) -> Tensor:
        return inward(settings, gradient)


@dataclass(frozen=True)
class PhaseOnly:
    """exp(iφ): nothing is absorbed, and settings are phases [rad].

    A real layer reads the part in phase with its reference beam, in which a phase shows any value from -1 to 1 as its
    cosine. Real values start so, with sines that alternate in sign: the light out of phase goes aside.
    """

    def settings(self, values: Tensor) -> Tensor:
        if values.is_complex():
            return values.angle()
        phase = torch.acos(values.clamp(-_INSIDE, _INSIDE))
        place = sum(torch.meshgrid(*(torch.arange(n) for n in values.shape), indexing="ij"))
        return torch.where(torch.as_tensor(place, device=phase.device) % 2 == 0, phase, -phase)

    def transmittance(self, settings: Tensor, progress: float) -> Tensor:
        return torch.polar(torch.ones_like(settings), settings)

    def inward(self, settings: Tensor, gradient: Tensor) -> Tensor:
        return gradient

    def grade(self, settings: Tensor, levels: int) -> Tensor:
        return settings * (levels / (2 * math.pi))

    def at(self, grade: Tensor, levels: int) -> Tensor:
        around = grade.remainder(levels)  # once around the circle is the same level, to the last bit
        return torch.polar(torch.ones_like(grade), around * (2 * math.pi / levels))


class Rounding(Protocol):
    """How gradients pass a knob that has only whole positions."""

    def __call__(self, at: Callable[[Tensor], Tensor], grade: Tensor, progress: float) -> Tensor:
        """The transmittance ``at`` the whole position next to ``grade``, or near it while training goes on."""


@dataclass(frozen=True)
class StraightThrough:
    """Shows the next whole position, with the gradient of the unrounded one (Bengio et al., arXiv 1308.3432)."""

    def __call__(self, at: Callable[[Tensor], Tensor], grade: Tensor, progress: float) -> Tensor:
        free = at(grade)
        # Not free + (shown - free): that shows what is shown but for rounding.
        return at(grade.detach().round()) + (free - free.detach())


@dataclass(frozen=True)
class SoftStaircase:
    """A staircase whose steps grow steeper as training goes on (Agustsson and Theis, NeurIPS 2020), and then are hard.

    Values on the way from one step to the next are what no device shows, and a network comes to rely on them. So the
    last part of training goes straight through hard steps.

    Attributes:
        first, last: steepness at the beginning and when steps become hard, geometric in between; near 0 there is no
            staircase.
        hard: the part of training after which steps are hard.

    Raises:
        ValueError: a steepness that is not positive, or steps that are never hard.
    """

    first: float = 1.0
    last: float = 8.0
    hard: float = 0.5

    def __post_init__(self) -> None:
        if not (0 < self.first < math.inf and 0 < self.last < math.inf):
            raise ValueError(f"steps need a positive steepness; got {self.first} at first and {self.last} at last")
        if not 0 <= self.hard <= 1:
            raise ValueError(f"steps are hard after a part of training from 0 to 1; got {self.hard}")

    def __call__(self, at: Callable[[Tensor], Tensor], grade: Tensor, progress: float) -> Tensor:
        if progress >= self.hard:
            return StraightThrough()(at, grade, progress)
        steepness = self.first * (self.last / self.first) ** (progress / self.hard)
        middle = grade.detach().floor() + 0.5
        return at(middle + torch.tanh(steepness * (grade - middle)) / (2 * math.tanh(steepness / 2)))


@dataclass(frozen=True)
class Quantised:
    """A device whose knob has 2^bits positions: equally spaced amplitudes from -1 to 1, or phases around the circle.

    Attributes:
        device: what the knob turns.
        bits: of the knob.
        rounding: how gradients pass it.

    Raises:
        ValueError: less than one bit or more than 16.
        TypeError: a device that has no single knob.
    """

    device: Graded
    bits: int
    rounding: Rounding = StraightThrough()

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 16:
            raise ValueError(f"a quantised device has 1 to 16 bits; got {self.bits}")
        if not hasattr(self.device, "grade"):
            raise TypeError(f"expected a device with one knob, SignedAmplitude() or PhaseOnly(); got {self.device!r}")

    @property
    def levels(self) -> int:
        """Positions of the knob."""
        return int(2**self.bits)

    def settings(self, values: Tensor) -> Tensor:
        return self.device.settings(values)

    def transmittance(self, settings: Tensor, progress: float) -> Tensor:
        grade = self.device.grade(settings, self.levels)
        return self.rounding(lambda place: self.device.at(place, self.levels), grade, progress)

    def inward(self, settings: Tensor, gradient: Tensor) -> Tensor:
        return self.device.inward(settings, gradient)


def binary_phase(rounding: Rounding | None = None) -> Quantised:
    """Fully transparent pixels of phase 0 or π, t = ±1: what a single etch makes."""
    return Quantised(SignedAmplitude(), 1, rounding or StraightThrough())


class Start(NamedTuple):
    """Settings to start from, and the strength by which what they show is to be multiplied."""

    settings: Tensor
    strength: float


def start(constraint: Constraint, values: Tensor) -> Start:
    """The strength for which a device comes closest to given values, and its settings.

    Of real values only the part in phase counts. All strengths up to the largest value are tried; at that, a device of
    continuous amplitudes is exact, and coarse ones prefer less: they saturate, and use their levels better.
    """
    peak = float(values.abs().max()) or 1.0
    best = min((peak * (i + 1) / _TRIED for i in range(_TRIED)), key=lambda s: _misfit(constraint, values, s))
    return Start(constraint.settings(values / best), best)


def _misfit(constraint: Constraint, values: Tensor, strength: float) -> float:
    shown = constraint.transmittance(constraint.settings(values / strength), 1.0)
    shown = shown if values.is_complex() else shown.real
    # The last strength is exact where any is: rounding must not prefer another.
    return round(float((strength * shown - values).norm() / values.norm().clamp(min=1e-300)), 12)


class _Bounded(torch.autograd.Function):
    """Values pulled back to modulus 1, whose gradient is that of the values."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, settings: Tensor) -> Tensor:
        return settings / settings.abs().clamp(min=1)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *gradients: Tensor) -> Tensor:
        return gradients[0]


def bounded(settings: Tensor) -> Tensor:
    """Numbers of modulus up to 1 as they are, others scaled to 1; the gradient is everywhere that of the number itself.

    So no pixel that has reached its limit is lost, as it would be behind a clamp. That none is led farther and farther
    out is the affair of :func:`inward`, once the gradient of a step is complete.
    """
    bound: Tensor = _Bounded.apply(settings)
    return bound


def inward(settings: Tensor, gradient: Tensor) -> Tensor:
    """A gradient without what would lead numbers beyond modulus 1 farther out, in a step of descent."""
    modulus = settings.abs()
    direction = settings / modulus.clamp(min=1)
    radial = (direction.conj() * gradient).real  # a step goes against the gradient
    return torch.where(modulus > 1, gradient - radial.clamp(max=0) * direction, gradient)
