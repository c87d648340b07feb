"""Methods of compilation: ways from the coefficients of a layer to the values of its mask D.

The bench's impulse response is linear in the mask and the layer's is linear in d (see
:mod:`acdc_optical.compilation.response`), so a method may be one matrix per axis from coefficients to mask values,
and in two dimensions the separable product of two. Or it solves for each mask as a whole, and need not be linear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from acdc_optical.compilation.response import AxisResponse
from acdc_optical.light import Pattern
from optics import Axis
from optics.kernel import Kernel


class AxisMap(NamedTuple):
    """The compilation along one axis.

    Attributes:
        matrix: from coefficients to mask values, float64 or complex128, shape (mask pixels, n).
        pixels_per_coefficient: mask pixels for one step of q.
        residual: relative error of the impulse response in the mean over random coefficients; 0 is exact.
    """

    matrix: Tensor
    pixels_per_coefficient: int
    residual: float


@runtime_checkable
class AxisMethod(Protocol):
    """A way to compile coefficients into mask values, along one axis."""

    def axis_map(self, response: AxisResponse, pixels_per_coefficient: int) -> AxisMap:
        """Compile for a bench whose mask has so many pixels for one coefficient."""


class Solved(NamedTuple):
    """The values of one mask, before they are normalised.

    Attributes:
        mask: its pixels' values, float64 or complex128, to be normalised, or stripes, whose values are ±1;
            differentiable with respect to the coefficients.
        residual: relative error of the impulse response; 0 is exact.
        strength: the layer's response over that of stripes, scalar; of pixels, whose values have it in them, 1.
    """

    mask: Pattern
    residual: float
    strength: Tensor = torch.ones((), dtype=torch.float64)


class Solver(Protocol):
    """From the coefficients of one layer to its mask, on one bench."""

    @property
    def pixels(self) -> tuple[int, ...]:
        """Of the mask, along each axis."""

    @property
    def pixels_per_coefficient(self) -> int:
        """Mask pixels for one step of q."""

    def __call__(self, d: Tensor) -> Solved:
        """The mask of coefficients d: float64 or complex128, finite, of the layer's shape."""


@runtime_checkable
class MaskMethod(Protocol):
    """A way to compile all coefficients together into all values of a mask."""

    def solver(self, responses: Sequence[AxisResponse], pixels_per_coefficient: int) -> Solver:
        """Compile for a bench with these responses along its axes and so many mask pixels for one coefficient."""


Method = AxisMethod | MaskMethod
"""A way to compile coefficients into mask values."""


def check_several(pixels_per_coefficient: int, needed: str) -> None:
    """Raise ValueError for a bench with one mask pixel per coefficient, saying what is needed."""
    if pixels_per_coefficient < 2:
        raise ValueError(f"{needed}; the bench has 1: raise it, or compile with the sampled method")


@dataclass(frozen=True)
class Sampled:
    """One mask pixel for each coefficient, holding the coefficient divided by the envelope at its centre.

    Right where pixels are points; with pixels that have a width, the farther light goes the less arrives.
    """

    def axis_map(self, response: AxisResponse, pixels_per_coefficient: int) -> AxisMap:
        k, selection = response.presentation.selection(response.n)
        mask = Axis(len(k), 1.0, response.pixels.mask)
        matrix = selection / (response.envelope(mask.centres) * mask.weights)[:, None]
        return AxisMap(matrix, 1, response.error(mask, matrix))


@dataclass(frozen=True)
class Exact:
    """Several mask pixels for each coefficient, solved for: the response is right at every lag that matters.

    For n modulator pixels the kernel has 2n-1 values that matter and the mask M·n pixels, so M ≥ 2 leaves no error.
    Of many solutions it takes the one of least norm.
    """

    def axis_map(self, response: AxisResponse, pixels_per_coefficient: int) -> AxisMap:
        check_several(pixels_per_coefficient, "exact masks need mask.pixels_per_coefficient of 2 or more")
        presentation = response.presentation
        mask = response.mask_axis(pixels_per_coefficient)
        system = presentation.fold(response.of_mask(mask))
        wanted = response.of_layer()
        # gels: the least-norm solution by QR. The system has full rank, and condition 2.7 to 4 at full fill.
        # (Not gelsy: torch 2.13 hands it uninitialised pivots, and the rank it finds is now and then wrong.)
        values = torch.linalg.lstsq(system, wanted if system.is_complex() else wanted.real, driver="gels").solution
        matrix = presentation.unfold(values)
        return AxisMap(matrix, pixels_per_coefficient, response.error(mask, matrix))


def solver_of(method: Method, responses: Sequence[AxisResponse], pixels_per_coefficient: int) -> Solver:
    """From coefficients to masks by a method, on a bench with these responses along its axes."""
    if isinstance(method, MaskMethod):
        return method.solver(responses, pixels_per_coefficient)
    different = {response.n: response for response in responses}
    solved = {n: method.axis_map(response, pixels_per_coefficient) for n, response in different.items()}
    return AxisByAxis([solved[response.n] for response in responses])


class AxisByAxis:
    """A solver with one matrix for each axis."""

    def __init__(self, maps: Sequence[AxisMap]):
        self._kernels = [Kernel(axis_map.matrix) for axis_map in maps]
        self.pixels = tuple(axis_map.matrix.shape[0] for axis_map in maps)
        self.pixels_per_coefficient = maps[0].pixels_per_coefficient
        # Errors of the axes add up at first order.
        self._residual = sum(axis_map.residual for axis_map in maps)

    def __call__(self, d: Tensor) -> Solved:
        for axis, kernel in enumerate(self._kernels):
            matrix = kernel.like(d)
            dtype = torch.promote_types(d.dtype, matrix.dtype)
            d = torch.tensordot(matrix.to(dtype), d.to(dtype), dims=([1], [axis])).movedim(0, axis)
        return Solved(d, self._residual)
