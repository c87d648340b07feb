"""Newton's method on phases: t = exp(iθ), turned until its light is as a layer wants it.

With orthonormal rows R the equations are R·t = w, and the derivative by the phases is J = R·diag(i·t), from real
numbers to complex ones. There are more phases than equations, so a step is the one of least norm, Jᵀ·(J·Jᵀ + λ)⁻¹ times
what is missed; the damping λ keeps it where the linearisation holds (Levenberg, Q. Appl. Math. 2, 1944; Marquardt, J.
SIAM 11, 1963). J·Jᵀ is applied axis by axis, never formed, and conjugate gradients invert it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from acdc_optical.compilation.moments import along
from acdc_optical.progress import Track, silent


@dataclass(frozen=True, eq=False)
class PhaseEquations:
    """What is asked of t = exp(iθ), for more phases than twice the equations.

    Attributes:
        rows: R along each axis, orthonormal rows, shape (rank, values).
        wanted: R·t, complex128, shape (rank, …).
    """

    rows: tuple[Tensor, ...]
    wanted: Tensor

    def missed(self, phases: Tensor) -> Tensor:
        """R·exp(iθ) less what is wanted; phases have the shape (values, …)."""
        return along(self.rows, turned(phases)) - self.wanted

    def step(self, phases: Tensor, missed: Tensor, *, damping: float, precision: float) -> Tensor:
        """Of the phases, towards nothing missed; its linear equations are solved to a relative precision."""
        tangent, back = 1j * turned(phases), [row.mH for row in self.rows]

        def pulled(towards: Tensor) -> Tensor:
            return (tangent.conj() * along(back, towards)).real

        def applied(towards: Tensor) -> Tensor:
            return along(self.rows, tangent * pulled(towards)) + damping * towards

        return -pulled(conjugate_gradients(applied, missed, precision))


class Turned(NamedTuple):
    """Phases, and what they miss.

    Attributes:
        phases: [rad], float64.
        residual: ‖R·t - w‖/‖w‖.
        steps: of Newton's method that were taken.
    """

    phases: Tensor
    residual: float
    steps: int


@dataclass(frozen=True)
class Newton:
    """Damped Newton steps on phases, until the equations hold to ``precision`` or no step leads further.

    Args:
        steps: tried at most. Where there are phases to spare 5 to 15 do; where there are hardly enough, some tens.
        precision: relative, at which it stops.
        track: shows progress.

    Raises:
        ValueError: steps or precision are out of range.
    """

    steps: int = 40
    precision: float = 1e-14
    track: Track = field(default=silent, repr=False)

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps must be 1 or more; got {self.steps}")
        if not 0 < self.precision < 1:
            raise ValueError(f"precision must be above 0 and less than 1, relative to the layer; got {self.precision}")

    def __call__(self, equations: PhaseEquations, phases: Tensor) -> Turned:
        scale = float(equations.wanted.norm())
        missed, damping, steps = equations.missed(phases), _DAMPING, 0
        for _ in self.track(range(self.steps), "turning phases", self.steps):
            error = float(missed.norm()) / scale
            if error <= self.precision or damping > _MOST:
                break
            fine = min(max(error, _FINEST), _COARSEST)
            step = equations.step(phases, missed, damping=damping * min(error, 1.0), precision=fine)
            after = equations.missed(phases + step)
            gain = float(missed.norm() / after.norm())
            if gain > 1:
                phases, missed, steps = phases + step, after, steps + 1
            damping = max(_LEAST, damping * _eased(gain))
        return Turned(phases, float(missed.norm()) / scale, steps)


# Of J·Jᵀ, whose eigenvalues are 0 … 1, at a relative error of 1; in proportion to the error, below it.
_DAMPING = 1e-3
_LEAST, _MOST = 1e-12, 1e6
# A step as precise as the error it starts from lets Newton's digits double; nine digits are the last step's.
_COARSEST, _FINEST = 0.1, 1e-7
# Conjugate gradients take 10 to 50 where phases abound; as many as this only next to a singular J·Jᵀ.
_ITERATIONS = 500


def _eased(gain: float) -> float:
    """By what the damping is multiplied, when a step has divided what is missed by ``gain``."""
    if gain > 2:
        return 0.1
    return 1 / 1.5 if gain > 1 else 4.0


def conjugate_gradients(applied: Callable[[Tensor], Tensor], sides: Tensor, precision: float) -> Tensor:
    """x with ``applied``(x) = sides to a relative precision, for a map symmetric in the real inner product, positive.

    Hestenes & Stiefel, J. Res. NBS 49, 1952; ``applied`` need be linear over the real numbers only.
    """
    found, left = torch.zeros_like(sides), sides
    direction, size = left, _product(left, left)
    enough = precision**2 * size
    for _ in range(_ITERATIONS):
        if size <= enough:
            break
        image = applied(direction)
        length = size / _product(direction, image)
        found, left = found + length * direction, left - length * image
        size, before = _product(left, left), size
        direction = left + size / before * direction
    return found


def turned(phases: Tensor) -> Tensor:
    """exp(iθ)."""
    return torch.polar(torch.ones_like(phases), phases)


def _product(one: Tensor, other: Tensor) -> float:
    return float((one.conj() * other).real.sum())
