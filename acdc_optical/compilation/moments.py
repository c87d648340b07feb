"""The equations B·D = c between the values of a mask and the kernel of a layer, over all axes at once.

In two dimensions B_y·D·B_xᵀ = c. In the singular vectors of each axis's B they are diagonal, and the mask nearest to
another that solves them, exactly or to a stated error, is found in closed form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from acdc_optical.compilation.response import AxisResponse
from optics import Axis

# Newton's steps towards a stated error roughly double the digits: 3 to 6 are enough, fifty are a fault.
_STEPS = 50
# Of the stated error; some hundred roundings.
_PRECISION = 1e-13


@dataclass(frozen=True, eq=False)
class AxisSystem:
    """The equations along one axis, B = left·diag(strengths)·right.

    Attributes:
        right: to the equations from the independent mask values, orthonormal rows, shape (rank, values).
        strengths: float64, shape (rank,).
        wanted: to the equations from the coefficients, left† times the layer's own, shape (rank, n).
    """

    right: Tensor
    strengths: Tensor
    wanted: Tensor

    @classmethod
    def of(cls, response: AxisResponse, mask: Axis) -> AxisSystem:
        """Weighted as outputs see them, so that norms of errors are those of the layer's matrix with a = 1.

        Args:
            response: of the bench.
            mask: its pixels, in units of q.
        """
        system = response.presentation.fold(response.of_mask(mask))
        layer = response.of_layer() if system.is_complex() else response.of_layer().real
        seen = response.seen().to(system.dtype)
        left, strengths, right = torch.linalg.svd(seen @ system, full_matrices=False)
        return cls(right, strengths, left.mH @ seen @ layer)


def axis_systems(responses: Sequence[AxisResponse], masks: Sequence[Axis]) -> tuple[AxisSystem, ...]:
    """The equations along each axis, of masks with pixels in units of q."""
    different = {(response.n, mask): response for response, mask in zip(responses, masks, strict=True)}
    systems = {(n, mask): AxisSystem.of(response, mask) for (n, mask), response in different.items()}
    return tuple(systems[response.n, mask] for response, mask in zip(responses, masks, strict=True))


@dataclass(frozen=True, eq=False)
class Moments:
    """What one layer asks of its mask.

    Attributes:
        axes: the equations along each axis.
        wanted: right-hand side in the singular vectors, shape (rank, …).
    """

    axes: tuple[AxisSystem, ...]
    wanted: Tensor

    @classmethod
    def of(cls, axes: Sequence[AxisSystem], d: Tensor) -> Moments:
        """For coefficients d of the layer's shape, float64 or complex128; differentiable."""
        return cls(tuple(axes), along([axis.wanted for axis in axes], d))

    def least_norm(self) -> Tensor:
        """Of the exact masks the one of least norm, independent values; linear in d, and differentiable."""
        return along([axis.right.mH for axis in self.axes], self.wanted / self._strengths)

    def nearest(self, mask: Tensor, error: float = 0.0) -> Tensor:
        """Of the masks with at most this relative error the one nearest to ``mask``, itself if it is one of them."""
        missed = self._missed(mask)
        if not error:
            move = missed / self._strengths
        else:
            pull = self._pull(missed, error * float(self.wanted.norm()))
            move = pull * self._strengths * missed / (1 + pull * self._strengths.square())
        return mask - along([axis.right.mH for axis in self.axes], move)

    def residual(self, mask: Tensor) -> float:
        """‖B·D - c‖/‖c‖: relative L2 error of the layer's outputs over random inputs, with a = 1; 0 for d = 0."""
        asked = float(self.wanted.norm())
        return float(self._missed(mask).norm()) / asked if asked else 0.0

    @cached_property
    def _strengths(self) -> Tensor:
        product = torch.ones((), dtype=torch.float64)
        for axis in self.axes:
            product = product[..., None] * axis.strengths
        return product

    def _missed(self, mask: Tensor) -> Tensor:
        return self._strengths * along([axis.right for axis in self.axes], mask) - self.wanted

    def _pull(self, missed: Tensor, allowed: float) -> float:
        """λ ≥ 0 of the nearest mask: what is missed then, missed/(1 + λs²), has the norm allowed.

        By Newton's method on the norm's reciprocal, nearly linear in λ, which converges from 0 without overshooting
        (Conn, Gould & Toint, Trust-Region Methods, §7.3).
        """
        powers, squares = missed.abs().square(), self._strengths.square()
        pull = 0.0
        for _ in range(_STEPS):
            shrunk = powers / (1 + pull * squares).square()
            size = float(shrunk.sum())
            if size**0.5 <= allowed * (1 + _PRECISION):
                break
            pull += (size**0.5 / allowed - 1) * size / float((shrunk * squares / (1 + pull * squares)).sum())
        return pull


def along(matrices: Sequence[Tensor], values: Tensor) -> Tensor:
    """Values with one matrix applied along each dimension."""
    for axis, matrix in enumerate(matrices):
        if values.is_complex() and not matrix.is_complex():  # twice the real products, not four times
            values = torch.view_as_complex(_applied(matrix, torch.view_as_real(values.resolve_conj()), axis))
        else:
            dtype = torch.promote_types(matrix.dtype, values.dtype)
            values = _applied(matrix.to(dtype), values.to(dtype), axis)
    return values


def _applied(matrix: Tensor, values: Tensor, axis: int) -> Tensor:
    return torch.tensordot(matrix, values, dims=([1], [axis])).movedim(0, axis).contiguous()
