"""Searches for the mask of smallest maximum among those that make a layer.

By scale alone, a passive mask D/max|D| sends light in proportion to 1/max|D|²: the smallest maximum is the brightest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
import torch
from scipy.optimize import linprog
from torch import Tensor

from acdc_optical.compilation.moments import Moments
from acdc_optical.progress import Track, silent


class Found(NamedTuple):
    """A mask, and how good any mask could be.

    Attributes:
        mask: independent values, as large as they need be.
        bound: no mask with the stated error has a smaller maximum; proved by a dual solution.
    """

    mask: Tensor
    bound: float

    @property
    def peak(self) -> float:
        """max|D|."""
        return float(self.mask.abs().max())

    @property
    def gap(self) -> float:
        """The maximum over its bound, less 1; 0 is the brightest. In light it is twice that."""
        if self.bound:
            return self.peak / self.bound - 1
        return math.inf if self.peak else 0.0


class Search(Protocol):
    """A way to find the mask of smallest maximum."""

    def __call__(self, moments: Moments, error: float) -> Found:
        """The mask with at most this relative error; exact if that is 0."""


def check_search(search: object) -> None:
    """Raise TypeError for what is no search."""
    if isinstance(search, str | type) or not callable(search):
        raise TypeError(f"expected Splitting() or LinearProgramme() as search; got {search!r}")


@dataclass(frozen=True)
class LinearProgramme:
    """The vertex that HiGHS finds: for exact, real masks of one-dimensional layers, to the last digits.

    With z = D/ρ it is: the largest 1/ρ such that B·z = c/ρ and |z| ≤ 1. Seconds for n = 128, half a minute for 256.

    Raises:
        ValueError: complex values, two axes, or an error above 0, which are no linear programmes of that size.
        RuntimeError: HiGHS gives up.
    """

    def __call__(self, moments: Moments, error: float) -> Found:
        wanted = moments.wanted
        if wanted.is_complex() or wanted.ndim > 1 or error:
            raise ValueError(
                "the linear programme is for exact masks of one-dimensional ACDC layers; for complex layers, for two "
                "axes and for a stated error use Splitting()"
            )
        (axis,) = moments.axes
        sides = (wanted / axis.strengths).numpy()
        scale = np.abs(sides).max()
        if not scale:
            return Found(moments.least_norm(), 0.0)
        count = axis.right.shape[1]
        result = linprog(
            np.append(np.zeros(count), -1.0),
            A_eq=np.column_stack((axis.right.numpy(), -sides / scale)),
            b_eq=np.zeros(len(sides)),
            bounds=[(-1, 1)] * count + [(0, None)],
            method="highs-ipm",  # with its crossover to a vertex; twice as fast as the simplex at n = 256
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        if result.status:
            raise RuntimeError(f"HiGHS found no brightest mask: {result.message}; use Splitting()")
        # The programme holds its equations to 1e-10; the nearest mask holds them to rounding.
        mask = moments.nearest(torch.from_numpy(result.x[:-1] * (scale / result.x[-1])))
        # For any y: y·c = (Bᵀy)·D ≤ ‖Bᵀy‖₁·max|D|.
        prices = result.eqlin.marginals
        bound = abs(prices @ sides) / np.abs(prices @ axis.right.numpy()).sum()
        return Found(mask, float(bound))


@dataclass(frozen=True)
class Splitting:
    """Douglas-Rachford splitting: real or complex, one axis or two, exact or with a stated error.

    It alternates the nearest mask that makes the layer with the proximal step of max|D|, each in closed form, and
    stops when its maximum is proved to be within ``gap`` of the smallest (Eckstein & Bertsekas, Math. Program. 55,
    1992; steps balanced as by Boyd et al., Found. Trends Mach. Learn. 3, 2011, §3.4.1). Whenever it stops, the mask
    makes the layer: what may be missing is light.

    Args:
        gap: of the maximum over the proved bound, less 1; the light is then within twice that of the brightest.
        iterations: at most. Some hundreds reach 1e-3; one takes 10 ms for 64 × 64 with four pixels per coefficient.
        track: shows progress.

    Raises:
        ValueError: gap or iterations are not above 0.
    """

    gap: float = 1e-3
    iterations: int = 5000
    track: Track = field(default=silent, repr=False)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.gap) and self.gap > 0):
            raise ValueError(f"gap must be a finite number above 0; got {self.gap}")
        if self.iterations < 1:
            raise ValueError(f"iterations must be 1 or more; got {self.iterations}")

    def __call__(self, moments: Moments, error: float) -> Found:
        start = moments.least_norm()
        state = _State.of(moments, error, start)
        best = Found(moments.nearest(start, error), 0.0)
        if not start.any():
            return best
        for iteration in self.track(range(self.iterations), "brightening", self.iterations):
            best = state.improved(best)
            if best.gap <= self.gap:
                break
            state = state.next(balance=iteration % _EVERY == _EVERY - 1 and iteration < _BALANCED)
        # Once more: it costs nothing and leaves the equations at rounding.
        return Found(moments.nearest(best.mask, error), best.bound)


_RELAXATION = 1.6  # of 0 … 2; above 1.5 or so a third fewer iterations
_START = 0.03  # of the step, in units of the least-norm mask's maximum times its pixels; balanced from there
_EVERY = 25
_BALANCED = 400  # a step that changes for ever may keep it from converging


@dataclass(frozen=True, eq=False)
class _State:
    """Where the splitting is: ``around``, and the nearest mask that makes the layer."""

    moments: Moments
    error: float
    step: float
    around: Tensor
    mask: Tensor
    previous: Tensor | None

    @classmethod
    def of(cls, moments: Moments, error: float, start: Tensor) -> _State:
        step = _START * float(start.abs().max()) * start.numel()
        return cls(moments, error, step, start, moments.nearest(start, error), None)

    def improved(self, best: Found) -> Found:
        """The better mask and the better bound.

        Every mask D that makes the layer is on the far side of the one nearest to w: ⟨x-w, D⟩ ≥ ⟨x-w, x⟩. And
        ⟨x-w, D⟩ ≤ ‖x-w‖₁·max|D|.
        """
        normal = self.mask - self.around
        length = float(normal.abs().sum())
        bound = float((normal.conj() * self.mask).real.sum()) / length if length else 0.0
        mask = self.mask if float(self.mask.abs().max()) < best.peak else best.mask
        return Found(mask, max(best.bound, bound))

    def next(self, *, balance: bool) -> _State:
        lower = lowered(2 * self.mask - self.around, self.step)
        if balance and self.previous is not None:
            state = self._rescaled(self._balance(lower, self.previous))
            lower = lowered(2 * state.mask - state.around, state.step)
        else:
            state = self
        around = state.around + _RELAXATION * (lower - state.mask)
        return _State(self.moments, self.error, state.step, around, self.moments.nearest(around, self.error), lower)

    def _balance(self, lower: Tensor, previous: Tensor) -> float:
        """By how much the step is too long: the square root of primal over dual relative residuals, within 2."""
        primal = (self.mask - lower).norm() / lower.norm()
        dual = (lower - previous).norm() / (self.mask - self.around).norm()
        ratio = float(primal / dual)
        return min(2.0, max(0.5, math.sqrt(ratio))) if math.isfinite(ratio) else 1.0

    def _rescaled(self, factor: float) -> _State:
        """The same mask and the same dual solution, with a shorter step."""
        around = self.mask + (self.around - self.mask) / factor
        return _State(self.moments, self.error, self.step / factor, around, self.mask, self.previous)


def lowered(values: Tensor, amount: float) -> Tensor:
    """argmin over y of amount·max|y| + ‖y - values‖²/2: moduli cut at the level that removes ``amount`` in all."""
    moduli = values.abs()
    ordered = moduli.flatten().sort(descending=True).values
    # With k values cut, their level is the mean of what remains of them; it rises with k while a value is above it.
    levels = (ordered.cumsum(0) - amount) / torch.arange(1, len(ordered) + 1, dtype=ordered.dtype)
    count = int((ordered > levels).sum())
    level = max(0.0, float(levels[count - 1])) if count else 0.0
    if not values.is_complex():
        return values.clamp(-level, level)
    return values * (level / moduli.clamp(min=torch.finfo(moduli.dtype).tiny)).clamp(max=1)
