"""Light between planes that are turned against one another, whose axes are therefore coupled.

A plane turned by α about the optical axis sees the product of places in the kernel of :mod:`optics.canonical` turned as
well: beside cos α of it, which stays with each axis, there is exp(i·strength·(x·v - y·u)), from (y, x) in front to
(v, u) behind. It is expanded in powers of both products, as many as leave 1e-7 of the light at the corners.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from optics.canonical import LensArm, lens_kernel, sine
from optics.kernel import number

# Of the light at the corners of both planes, that is left out.
_LEFT_OUT = 1e-7

MOST_TURNED = 2.0
"""Radians by which a rotation may turn the light at the corners of planes."""


class Coupling(NamedTuple):
    """Planes that are turned against one another: exp(i·strength·(x·v - y·u)), in powers of x·v and y·u.

    Attributes:
        strength: 2π·sin α/(λB) [1/m²], float64.
        order: up to which powers are needed, both together.
        front, back: the largest (y, x) and (v, u), in which places are measured here [m]: powers of metres leave the
            range of single precision.
    """

    strength: Tensor
    order: int
    front: tuple[Tensor, Tensor]
    back: tuple[Tensor, Tensor]

    def factors(self) -> Tensor:
        """Of (x·v)^i·(y·u)^j, complex128, shape (..., order + 1, order + 1); what is beyond the order is not needed."""
        (y, x), (v, u) = self.front, self.back
        along = []
        for turned in (1j * self.strength * x * v, -1j * self.strength * y * u):
            shares = [torch.ones_like(turned)]  # of the exponential series
            for k in range(self.order):
                shares.append(shares[k] * turned / (k + 1))
            along.append(torch.stack(shares, -1))
        return along[0][..., :, None] * along[1][..., None, :]

    def powers(self, places: Tensor, largest: Tensor) -> Tensor:
        """Powers 0 … order of places in front or behind, in units of the largest, shape (..., order + 1, points)."""
        return torch.stack([(places / largest) ** k for k in range(self.order + 1)], -2)


def coupling(arm: LensArm, front: Sequence[Tensor], back: Sequence[Tensor]) -> Coupling:
    """How the axes of an arm are coupled between places (y, x) in front and (v, u) behind; of order 0 if not turned.

    Raises:
        ValueError: a rotation that turns the light at the rim by more than a few radians against where it should be.
    """
    scales = [arm.along(axis).scale for axis in (0, 1)]
    strength = torch.as_tensor(2 * math.pi * sine(arm.turn) / ((scales[0] + scales[1]) / 2), dtype=torch.float64)
    y, x, v, u = (places.detach().abs().max() for places in (*front, *back))
    most = float(strength.detach().abs().max() * (x * v + y * u))
    if most > MOST_TURNED:
        raise ValueError(
            f"planes turned by {number(torch.as_tensor(arm.turn).detach().abs().max()):.3g} rad against each other "
            f"change the phase at their corners by {most:.2g} rad; this model holds for up to {MOST_TURNED:g}: use "
            "smaller rotations"
        )
    # Of a tensor, first and second derivatives are asked for also where it is zero.
    least = 2 if isinstance(arm.turn, Tensor) else 0
    order = next(k for k in range(least, 40) if most ** (k + 1) / math.factorial(k + 1) < _LEFT_OUT)
    # A power more where a slope is wanted, which has one less.
    return Coupling(strength, order + strength.requires_grad, (y, x), (v, u))


def carried(
    light: Tensor,
    arm: LensArm,
    front: Sequence[Tensor],
    back: Sequence[Tensor],
    summed: Callable[[int, Tensor], Tensor],
) -> Tensor:
    """Light through an arm, from places to places.

    Args:
        light: in front, shape (..., batch, *front).
        arm: what it passes; its draws come in front of the batch.
        front, back: places [m] for each axis, (y, x) or (x,), shape (..., points).
        summed: what is made of an axis's number and kernel, shape (..., front, back): weights of its integrals, say, or
            sums over some of its places.

    Raises:
        ValueError: see :func:`coupling`.
    """
    kernels = [lens_kernel(a, b, arm.along(axis)) for axis, (a, b) in enumerate(zip(front, back, strict=True))]
    if len(front) == 1:
        return _through(light, [summed(0, kernels[0])])
    coupled = coupling(arm, front, back)
    factors = coupled.factors().to(light)
    before, behind = (
        [coupled.powers(*each).movedim(-2, 0) for each in zip(places, largest, strict=True)]
        for places, largest in ((front, coupled.front), (back, coupled.back))
    )
    arrived = torch.zeros((), dtype=light.dtype, device=light.device)
    for i, j in ((i, total - i) for total in range(coupled.order + 1) for i in range(total + 1)):
        along_y = summed(0, kernels[0] * before[0][j][..., :, None] * behind[0][i][..., None, :])
        along_x = summed(1, kernels[1] * before[1][i][..., :, None] * behind[1][j][..., None, :])
        factor = factors[..., i, j]
        factor = factor[..., None, None, None] if factor.ndim else factor
        arrived = arrived + factor * _through(light, [along_y, along_x])
    return arrived


def _through(light: Tensor, kernels: Sequence[Tensor]) -> Tensor:
    """Light, shape (..., batch, *front), through a kernel for each axis, shape (..., front, back)."""
    kernels = [kernel.unsqueeze(-3).to(light) for kernel in kernels]
    light = light @ kernels[-1] if len(kernels) == 2 else (light.unsqueeze(-2) @ kernels[-1]).squeeze(-2)
    return kernels[0].mT @ light if len(kernels) == 2 else light
