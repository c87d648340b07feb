"""Light between planes that are turned against one another, followed from node to node in two dimensions.

The rotation multiplies the kernel of a lens by a polynomial in x·v and y·u (see :class:`~optics.coupling.Coupling`),

    Σ c_ij·(x·v)^i·(y·u)^j,    from (y, x) in front to (v, u) behind.

Powers of the places that are summed over go into the kernels of the two axes; those of the places that remain are
factors of the light there. So kernels are built once for each power, and not for each of the products.

In the plane of mask D light varies no faster than the planes beside it are wide. It is followed to as few places as
tell it everywhere (Chebyshev's), and from these to the nodes of the mask's pixels and back by interpolation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


@dataclass(frozen=True)
class TurnedArm:
    """One arm of a bench in powers of places.

    Attributes:
        factors: c_ij, shape (..., powers, powers).
        rows, columns: kernels of the axes y and x with each power of the places that are summed over in segments,
            shape (..., powers, front, back).
        down, across: powers of the places along y and x that remain, shape (..., powers, places).
    """

    factors: Tensor
    rows: Tensor
    columns: Tensor
    down: Tensor
    across: Tensor

    def to_mask(self, light: Tensor) -> Tensor:
        """From segments of mask A to places in the plane of mask D, (..., batch, l, j) to (..., v, batch, u)."""
        lines, batch = light.movedim(-3, -2), light.shape[-3]
        arrived = torch.zeros((), dtype=light.dtype, device=light.device)
        for i in range(self.factors.shape[-1]):
            sent = (lines.flatten(-3, -2) @ self.columns[..., i, :, :]).unflatten(-2, lines.shape[-3:-1])
            count = self.factors.shape[-1] - i  # both powers together are of the order
            shares = self.factors[..., i, :count, None] * self.across[..., :count, :]
            terms = (shares[..., :, None, None, :] * sent[..., None, :, :, :]).flatten(-2).flatten(-3, -2)
            field = self.rows[..., :count, :, :].flatten(-3, -2).mT @ terms
            arrived = arrived + self.down[..., i, :, None] * field
        return arrived.unflatten(-1, (batch, -1))

    def to_camera(self, light: Tensor) -> Tensor:
        """From places in the plane of mask D to the camera's pixels, (..., y, batch, x) to (..., batch, k, i)."""
        batch, pixels = light.shape[-2], self.columns.shape[-1]
        arrived = torch.zeros((), dtype=light.dtype, device=light.device)
        for i in range(self.factors.shape[-1]):
            count = self.factors.shape[-1] - i
            shares = self.factors[..., i, :count, None] * self.across[..., i, None, :]
            columns = (shares[..., None] * self.columns[..., :count, :, :]).movedim(-3, -2).flatten(-2)
            seen = (light.flatten(-3, -2) @ columns).unflatten(-2, light.shape[-3:-1]).unflatten(-1, (count, pixels))
            seen = (seen * self.down[..., :count, :].mT[..., :, None, :, None]).sum(-2)
            arrived = arrived + self.rows[..., i, :, :].mT @ seen.flatten(-2)
        return arrived.unflatten(-1, (batch, pixels)).movedim(-2, -3)


class Between(NamedTuple):
    """Places along an axis that tell a function on all of it.

    Attributes:
        places: [m], float64, shape (few,).
        matrix: from values there to those at the nodes, float64, shape (..., nodes, few).
    """

    places: Tensor
    matrix: Tensor

    @classmethod
    def of(cls, nodes: Tensor, turns: float) -> Between:
        """For functions whose phase changes by up to ``turns`` radians from the middle to the outermost node.

        The coefficient of Chebyshev's polynomial of degree n in exp(i·c·w) is 2·J_n(c), and beyond n = c this falls as
        Airy's function of (n - c)/(c/2)^(1/3): to 1e-9 at 10.
        """
        count = math.ceil(turns + 10 * (turns / 2) ** (1 / 3)) + 4
        # No node is at the very rim, where the angle has no gradient.
        rim = 1.001 * nodes.detach().abs().max()
        angles = math.pi * (torch.arange(count, dtype=torch.float64) + 0.5) / count
        degrees = torch.arange(count, dtype=torch.float64)
        shares = torch.cos(degrees[:, None] * angles) * (2 - (degrees == 0).double())[:, None] / count
        polynomials = torch.cos(torch.acos(nodes / rim)[..., None] * degrees)
        return cls(rim * torch.cos(angles), polynomials @ shares)


def through_mask(light: Tensor, values: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """Light through a mask, from places in its plane to the same places, summed over its nodes.

    Args:
        light: complex, shape (..., few, batch, few).
        values: of the mask at its nodes, with their weights, shape (..., y, x).
        down, across: from the places to nodes along y and x, real, shape (..., nodes, few).
    """
    field = _rows(_columns(light, across), down) * values.unsqueeze(-2)
    return _columns(_rows(field, down.mT), across.mT)


def _rows(light: Tensor, matrix: Tensor) -> Tensor:
    """A real matrix applied to the axis -3 of complex light."""
    parts = torch.view_as_real(light)
    return torch.view_as_complex((matrix @ parts.flatten(-3)).unflatten(-1, parts.shape[-3:]))


def _columns(light: Tensor, matrix: Tensor) -> Tensor:
    """A real matrix applied to the last axis of complex light."""
    lines = light.flatten(-3, -2)
    return torch.complex(lines.real @ matrix.mT, lines.imag @ matrix.mT).unflatten(-2, light.shape[-3:-1])
