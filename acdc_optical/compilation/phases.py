"""Masks of phases alone: nothing is absorbed, and the layer is made all the same.

The mask's mean light decides what the camera sees; the rest goes elsewhere. A value D of modulus below 1 is the mean of
two phases, exp(i·arg D ± i·arccos|D|), and with signs that change from pixel to pixel the difference is of so high a
frequency that most of it misses the camera.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from acdc_optical.compilation.brightest import Brightest
from acdc_optical.compilation.methods import MaskMethod, Solved, Solver, check_several
from acdc_optical.compilation.moments import Moments, along
from acdc_optical.compilation.response import AxisResponse
from acdc_optical.compilation.searches import Found, Search, Splitting, check_search
from acdc_optical.compilation.turning import Newton, PhaseEquations, Turned, turned
from acdc_optical.light import pixels_of

# Of the layer; Newton's steps end at some 1e-15 or far above.
_EXACT = 1e-12


class InexactMask(UserWarning):
    """A mask that was to be exact, and is not."""


@dataclass(frozen=True)
class ExactPhases:
    """Masks with |t| = 1 in every pixel and the phases free that make the layer, found by Newton's method.

    Both quadratures at the camera are right, so real layers may be read without a reference of known phase, or their
    light go on to a next layer. Every equation is then one in complex numbers, and every pixel has one real unknown: in
    one dimension four pixels per coefficient are just enough to find a mask now and then, and five are plenty (for real
    and complex layers alike); in two, three are. With fewer there is none, and the mask is as good as one was found:
    its residual says how good.

    No mask of phases sends more light to the outputs than the brightest of all masks, :class:`Brightest`, since
    that is of smallest maximum: with a slack s it is 1/(1 + s)² of it. What a mask of phases spares is the absorption,
    and the device that absorbs. Of a layer whose diagonal d is 0 throughout the mask is opaque.

    Gradients, and when masks are solved for, are as for :class:`Brightest`.

    Args:
        slacks: by what the light's amplitude stays below that of the brightest mask, rising; the first with an exact
            mask counts. With more slack there are more exact masks.
        draws: starts at each slack, until one leads to an exact mask: signs as on a chessboard, then at random.
        least: slack at which it stops when halving that slack, from exact mask to exact mask.
        search: how the brightest mask is found, from which it starts.
        newton: how the phases are turned.

    Warns:
        InexactMask: when compiling, if no exact mask was found; the residual says how good the best is.

    Raises:
        TypeError: the search is not an object such as Splitting().
        ValueError: slacks do not rise from above 0, draws are less than 1, or the least is not above 0; when compiling,
            the bench has one mask pixel per coefficient.

    >>> from acdc_optical import ACDC, Bench, FourierMask, compile_layer
    >>> bench = Bench.preset().replace(mask=FourierMask(pixels_per_coefficient=6))
    >>> masks = compile_layer(ACDC(8, dtype=torch.float64), bench, method=ExactPhases())
    >>> bool(masks.residual < 1e-12), round(masks.mean_transmission[1], 12)
    (True, 1.0)
    """

    slacks: tuple[float, ...] = (0.1, 0.25, 0.5, 1.0)
    draws: int = 8
    least: float = 0.01
    search: Search = Splitting()
    newton: Newton = Newton()

    def __post_init__(self) -> None:
        check_search(self.search)
        rising = all(low < high for low, high in itertools.pairwise((0.0, *self.slacks, math.inf)))
        if not (self.slacks and rising):
            raise ValueError(f"slacks must rise from above 0, such as (0.1, 0.5); got {self.slacks}")
        if self.draws < 1:
            raise ValueError(f"draws must be 1 or more; got {self.draws}")
        if not self.least > 0:
            raise ValueError(f"least must be above 0; got {self.least}")

    def solver(self, responses: Sequence[AxisResponse], pixels_per_coefficient: int) -> Solver:
        needed = "5 or more, in two dimensions 3 or more (2 is the least that is tried)"
        check_several(pixels_per_coefficient, f"exact phases need mask.pixels_per_coefficient of {needed}")
        return Brightest(search=self._found).solver(responses, pixels_per_coefficient)

    def _found(self, moments: Moments, error: float) -> Found:
        bright = self.search(moments, error)
        if not bright.mask.any():
            return bright
        rows = tuple(axis.right for axis in moments.axes)
        task = _Task(rows, bright.mask / bright.peak, along(rows, moments.least_norm()) / bright.peak, self.newton)
        best = self._tightened(task, self._first(task))
        mask = bright.peak * (1 + best.slack) * turned(best.phases)
        if not best.exact:
            warnings.warn(
                f"no exact mask of phases was found, the best is off by {moments.residual(mask):.1e}: take five pixels "
                "per coefficient or more in one dimension, three or more in two",
                InexactMask,
                stacklevel=2,
            )
        return Found(mask, bright.bound)

    def _first(self, task: _Task) -> _Attempt:
        """The first exact one, or else that which misses least."""
        # Where phases are fewer than equations no start leads to an exact mask.
        draws = self.draws if task.mask.numel() >= 2 * task.wanted.numel() else 1
        attempts: list[_Attempt] = []
        for slack, draw in itertools.product(self.slacks, range(draws)):
            attempts.append(task.attempt(slack, split(task.mask / (1 + slack), signs(task.mask.shape, draw))))
            if attempts[-1].exact:
                return attempts[-1]
        return min(attempts, key=lambda attempt: attempt.residual)

    def _tightened(self, task: _Task, best: _Attempt) -> _Attempt:
        while best.exact and best.slack / 2 >= self.least:
            tighter = task.attempt(best.slack / 2, best.phases)
            if not tighter.exact:
                break
            best = tighter
        return best


class _Attempt(NamedTuple):
    """Phases at one slack."""

    slack: float
    phases: Tensor
    residual: float

    @property
    def exact(self) -> bool:
        return self.residual <= _EXACT


@dataclass(frozen=True, eq=False)
class _Task:
    """The brightest mask, of largest modulus 1, and what the rows make of it."""

    rows: tuple[Tensor, ...]
    mask: Tensor
    wanted: Tensor
    newton: Newton

    def attempt(self, slack: float, phases: Tensor) -> _Attempt:
        wanted = self.wanted.to(torch.complex128) / (1 + slack)
        found: Turned = self.newton(PhaseEquations(self.rows, wanted), phases)
        return _Attempt(slack, found.phases, found.residual)


def split(mask: Tensor, signs: Tensor) -> Tensor:
    """Phases arg D ± arccos|D| of values |D| ≤ 1."""
    return torch.angle(mask) + signs * torch.arccos(mask.abs().clamp(max=1))


def signs(shape: Sequence[int], draw: int) -> Tensor:
    """±1: as on a chessboard for draw 0, at random for the others."""
    if draw:
        random = torch.randint(2, tuple(shape), generator=torch.Generator().manual_seed(draw))
        return 1.0 - 2 * random
    return chessboard([torch.arange(count) for count in shape])


def chessboard(places: Sequence[Tensor]) -> Tensor:
    """±1 at whole places along each axis, another at the next place."""
    fields = torch.zeros((), dtype=torch.int64)
    for place in places:
        fields = fields[..., None] + place
    return 1.0 - 2 * (fields % 2)


@dataclass(frozen=True)
class InQuadrature:
    """Masks with |t| = 1 of a real layer that is read in phase: what another mask absorbs goes into quadrature instead.

    A real mask D becomes D ± i·√(1 - D²). Its light in phase is that of D, exactly, from two mask pixels per
    coefficient on, in one dimension and in two, and a balanced homodyne receiver reads nothing else. Nobody may read
    the light in quadrature: no camera without reference, and no next layer of an all-optical cascade, for which there
    is :class:`ExactPhases`. The residual is of what is read.

    Args:
        method: for the real mask; by default the brightest.

    Raises:
        TypeError: the method is none that solves for whole masks.
        ValueError: when compiling, a complex layer, which is read in both quadratures.

    >>> from acdc_optical import ACDC, Bench, compile_layer
    >>> masks = compile_layer(ACDC(8, dtype=torch.float64), Bench.preset(), method=InQuadrature())
    >>> bool(masks.residual < 1e-12), round(masks.mean_transmission[1], 12)
    (True, 1.0)
    """

    method: MaskMethod = Brightest()

    def __post_init__(self) -> None:
        if isinstance(self.method, type) or not isinstance(self.method, MaskMethod):
            raise TypeError(f"expected a method for whole masks, such as Brightest(); got {self.method!r}")

    def solver(self, responses: Sequence[AxisResponse], pixels_per_coefficient: int) -> Solver:
        if not responses[0].presentation.real:
            raise ValueError("an AFDF layer is complex, and read in both quadratures; compile it with ExactPhases()")
        return _Quadrature(self.method.solver(responses, pixels_per_coefficient))


class _Quadrature:
    """The masks of another solver, and light in quadrature."""

    def __init__(self, inner: Solver):
        self.pixels, self.pixels_per_coefficient = inner.pixels, inner.pixels_per_coefficient
        self._inner = inner

    def __call__(self, d: Tensor) -> Solved:
        solved = self._inner(d)
        mask = pixels_of(solved.mask)
        values = mask.detach()
        rest = (values.abs().max().square() - values.square()).sqrt()
        # Even about the axes, as the mask of a mirrored layer is.
        places = [torch.minimum(torch.arange(count), torch.arange(count).flip(0)) for count in mask.shape]
        return solved._replace(mask=torch.complex(mask, rest * chessboard(places).to(rest)))
