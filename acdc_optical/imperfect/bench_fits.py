"""A bench fitted to what it makes of inputs: the least-squares problem, and the way down to its solution.

The parameters are few and the outputs many: Gauss and Newton's steps, damped (Levenberg, Q. Appl. Math. 2, 164 (1944);
Marquardt, J. SIAM 11, 431 (1963)), with the exact derivatives of the simulated bench. Some parameters do the same to
the outputs, as a shift of the modulator and one of a lens. What the outputs leave open is settled by how wrong things
usually are: with deviations s of the parameters p about the start, and noise of an unknown strength on m outputs,

    m/2 · log ‖model(p) - y‖² + ½ · ‖(p - p₀) / s‖²

is least, the posterior's negative logarithm with the noise's strength at its likeliest. Without noise the first term
decides everything that shows at all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.autograd import forward_ad

from acdc_optical.benches.imperfections import Imperfections
from acdc_optical.imperfect.layer import ImperfectLayer
from acdc_optical.realisation import OpticalLayer

# Of the outputs, as rounding in the middle of a computation leaves it: less noise than that there never is.
_ROUNDING = 1e-14

# Light in a quadrature that is so weak, as a share of all, is rounding, and no gain is fitted to it.
_DARK = 1e-18

# By symmetry, and while a mask moves behind the gaps between pixels, nothing may pull. From where steps end, a
# parameter at a time is therefore tried so many deviations away, and steps go on from the best of these.
_HOPS = (-0.5, -0.2, 0.2, 0.5)

# Damping at the first step that needs some, and by how much it changes. Least that is not taken for none.
_DAMPING, _FACTOR, _LEAST = 1e-2, 8.0, 1e-6

# A step of so many of the usual deviations is no step, nor is one that lowers what is minimised by less.
_STILL, _LOWER = 1e-9, 1e-6


@dataclass(frozen=True)
class Reference:
    """Reads the field beside a reference beam that is not quite as it should be.

    Attributes:
        gain: complex number by which what is read differs from the field: of its strength and, reversed, its phase.
    """

    gain: complex = 1.0

    def __call__(self, field: Tensor) -> Tensor:
        return field * self.gain


class Seen(Protocol):
    """What is known of the outputs of a bench."""

    def __call__(self, bench: ImperfectLayer, x: Tensor) -> Tensor:
        """Outputs for a batch of inputs, real or complex."""


@dataclass(frozen=True)
class LayerOutputs:
    """The layer's outputs, shape (..., *shape).

    Those of a real layer are means over pixels on both sides of the axis: while its masks are mirrored, all shifts and
    tilts along an axis may change their signs together and nothing is seen of it. Masks that are not mirrored tell.
    """

    def __call__(self, bench: ImperfectLayer, x: Tensor) -> Tensor:
        return bench(x)


@dataclass(frozen=True)
class CameraFields:
    """What every camera pixel reads, in both quadratures, complex, shape (..., *camera pixels).

    A four-step read-out has both; others read one after the other, the reference a quarter of a turn later.
    """

    def __call__(self, bench: ImperfectLayer, x: Tensor) -> Tensor:
        masks = bench.masks()
        return bench.reading(bench.arriving(bench.optical.checked(x), masks)) * masks.gain.to(x.real)


@dataclass(frozen=True)
class Fitting:
    """How a bench is fitted.

    Attributes:
        seen: what the outputs are.
        steps: at most, from each start.
        starts: how many, the best of which counts: what is expected, and others at random about it.
        nodes: for the integrals over pixels; see :class:`~acdc_optical.imperfect.layer.ImperfectLayer`.
        seed: of the other starts.

    Raises:
        ValueError: no step or no start.
    """

    seen: Seen = LayerOutputs()
    steps: int = 40
    starts: int = 1
    nodes: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.starts < 1:
            raise ValueError(f"a fit takes one step or more from one start or more; got {self}")


class Place(NamedTuple):
    """A bench that is tried.

    Attributes:
        at: its parameters, in their usual deviations from the start.
        gain: the reference's gain with which it fits best.
        outputs: as real numbers, shape (m,).
        gains: what they change by with the gain's real and imaginary part, shape (m, 2).
        least: what is minimised.
    """

    at: Tensor
    gain: complex
    outputs: Tensor
    gains: Tensor
    least: float


class Fit:
    """The least-squares problem of a layer, pairs, and what may be wrong.

    Args:
        optical, x, y, start, fitting: see :func:`~acdc_optical.imperfect.characterisation.characterise`.
        usual: deviations by name.

    Raises:
        ValueError: outputs that do not fit the inputs, are not finite, or all zero.
    """

    def __init__(
        self,
        optical: OpticalLayer,
        pairs: tuple[Tensor, Tensor],
        usual: Mapping[str, float],
        *,
        start: Imperfections,
        fitting: Fitting,
    ):
        self.optical, self.usual, self.start, self.fitting = optical, dict(usual), start, fitting
        self.before = start.values()
        x, y = pairs
        self.x = x.to(torch.promote_types(x.dtype, torch.float64))
        self.wanted = _flat(y)
        if not (torch.isfinite(self.wanted).all() and self.wanted.any()):
            raise ValueError("expected measured outputs that are finite and not all zero")
        self.floor = _ROUNDING**2 * float(self.wanted.square().sum())
        self.start_outputs = self.outputs(torch.zeros(len(self.usual), dtype=torch.float64))
        if self.start_outputs.shape != self.wanted.shape:
            raise ValueError(
                f"inputs of shape {tuple(x.shape)} do not make outputs of shape {tuple(y.shape)}: give all of them, "
                "and in fitting.seen what they are"
            )

    def starts(self) -> list[Tensor]:
        """What is expected, and others at random about it."""
        generator = torch.Generator().manual_seed(self.fitting.seed)
        drawn = torch.randn(self.fitting.starts, len(self.usual), generator=generator, dtype=torch.float64)
        drawn[0] = 0
        return list(drawn)

    def imperfections(self, t: Sequence[Tensor] | Tensor) -> Imperfections:
        moved = zip(self.usual.items(), t, strict=True)
        return self.start.changed({name: self.before[name] + s * each for (name, s), each in moved})

    def outputs(self, t: Tensor, along: int | None = None, *, gain: complex = 1.0) -> Tensor:
        """Outputs as real numbers, shape (m,); or their derivative with respect to one parameter."""
        with forward_ad.dual_level():
            values = list(t.unbind())
            if along is not None:
                values[along] = forward_ad.make_dual(values[along], torch.ones_like(values[along]))
            wrong = self.imperfections(values)
            bench = ImperfectLayer(self.optical, wrong, reading=Reference(gain), nodes=self.fitting.nodes)
            y = forward_ad.unpack_dual(self.fitting.seen(bench, self.x))
            if along is None:
                return _flat(y.primal)
            return torch.zeros_like(self.wanted) if y.tangent is None else _flat(y.tangent)

    def error(self, outputs: Tensor) -> float:
        """Relative to what was measured."""
        return float((outputs - self.wanted).norm() / self.wanted.norm())

    def place(self, t: Tensor) -> Place:
        still = self.outputs(t, gain=0)
        gains = torch.stack([self.outputs(t, gain=gain) - still for gain in (1, 1j)], dim=1)  # they are linear in it
        normal = gains.mT @ gains
        ridge = _DARK * max(float(normal.trace()), self.floor) * torch.eye(2, dtype=normal.dtype)
        gain = torch.linalg.solve(normal + ridge, gains.mT @ (self.wanted - still))
        outputs = still + gains @ gain
        return Place(t, complex(*gain.tolist()), outputs, gains, self._least(t, outputs))

    def _least(self, t: Tensor, outputs: Tensor) -> float:
        squares = float((outputs - self.wanted).square().sum()) + self.floor
        return len(self.wanted) / 2 * math.log(squares) + float(t.square().sum()) / 2

    def jacobian(self, place: Place) -> Tensor:
        """What each parameter changes that no gain does, over the noise; shape (m, parameters)."""
        columns = [self.outputs(place.at, each, gain=place.gain) for each in range(len(self.usual))]
        jacobian, gains = torch.stack(columns, dim=1), place.gains
        ridge = _DARK * gains.square().sum() * torch.eye(2, dtype=gains.dtype)
        done = gains @ torch.linalg.solve(gains.mT @ gains + ridge, gains.mT @ jacobian)
        return (jacobian - done) / self.noise(place)

    def noise(self, place: Place) -> float:
        """Standard deviation of what the model leaves."""
        return math.sqrt((float((place.outputs - self.wanted).square().sum()) + self.floor) / len(self.wanted))

    def settled(self, t: Tensor) -> tuple[Place, list[float]]:
        """Where steps lead, and hops lead no farther; with the errors on the way."""
        best = self.place(t)
        history = [self.error(best.outputs)]
        place = self._searched(best, history)
        while len(history) <= self.fitting.steps:
            best = place
            hop = self._hop(best)
            if hop is best:
                break
            place = self._searched(hop, history)
            if place.least > best.least - _LOWER:
                break
        return min(best, place, key=lambda each: each.least), history

    def _hop(self, place: Place) -> Place:
        """The best place of those near by that differ in one parameter; the same if it is."""
        best, least = place.at, place.least
        for each, hop in product(range(len(self.usual)), _HOPS):
            moved = place.at.clone()
            moved[each] += hop
            found = self._least(moved, self.outputs(moved, gain=place.gain))
            best, least = (moved, found) if found < least else (best, least)
        return place if best is place.at else self.place(best)

    def _searched(self, place: Place, history: list[float]) -> Place:
        damping = 0.0
        while len(history) <= self.fitting.steps:
            jacobian, left = self.jacobian(place), (self.wanted - place.outputs) / self.noise(place)
            while True:
                step = _step(jacobian, left, place.at, damping)
                tried = self.place(place.at + step)
                history.append(self.error(min(place, tried, key=lambda each: each.least).outputs))
                if tried.least < place.least or float(step.abs().max()) < _STILL or len(history) > self.fitting.steps:
                    break
                damping = max(_DAMPING, damping * _FACTOR)
            if tried.least > place.least - _LOWER:
                return min(place, tried, key=lambda each: each.least)
            place, damping = tried, damping / _FACTOR if damping > _LEAST else 0.0
        return place


def _step(jacobian: Tensor, left: Tensor, at: Tensor, damping: float) -> Tensor:
    """The damped step that fits what is left of the outputs, and keeps to what is usual (Levenberg and Marquardt).

    By the equations themselves and not their squares: without noise these would drown the usual in rounding.
    """
    steepness = (jacobian.square().sum(0) + 1).sqrt()
    equations = torch.cat((jacobian, torch.eye(len(at), dtype=at.dtype), math.sqrt(damping) * steepness.diag()))
    wanted = torch.cat((left, -at, torch.zeros_like(at)))
    return torch.linalg.lstsq(equations, wanted[:, None], driver="gelsd").solution[:, 0]


def _flat(y: Tensor) -> Tensor:
    y = torch.view_as_real(y) if y.is_complex() else y
    return y.detach().double().flatten()
