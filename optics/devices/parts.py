"""Masks that vary within a pixel: every pixel cut into the same parts along each axis, of one value each.

What a device does between its pixels is told in such parts: gaps, borders that have moved, fields that fringe. Where a
mask is uniform within a part, integrals over it are exact; where the parts lie is differentiable. The objects that take
parts to parts are :class:`~optics.Moved`, :class:`~optics.DeadZone`, :class:`~optics.EdgeGrowth`,
:class:`~optics.Overlay` and :class:`~optics.Crosstalk`. Their numbers are as those of :mod:`optics.devices.steps`:
floats, or tensors of no dimension or of shape (draws, 1[, 1]).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from optics.devices.steps import like
from optics.screens import Quantity

# Ends that were computed along different routes agree to a few ulps of the parts' precision.
_ROUNDING = 16


@dataclass(frozen=True, eq=False)
class Parts:
    """A mask whose pixels are cut into parts, all pixels of an axis at the same places.

    Attributes:
        values: transmittance of the parts, real or complex, shape (..., ny, Py, nx, Px) or (..., nx, Px).
        edges: for each axis where its parts begin and end, ascending from -½ to ½, in pixels from the pixel's centre,
            shape (P + 1,) or (draws, P + 1). Draws broadcast with the leading dimensions of the values. Parts may have
            no width.

    Raises:
        ValueError: shapes that do not fit each other, or edges that do not ascend from -½ to ½.
    """

    values: Tensor
    edges: tuple[Tensor, ...]

    def __post_init__(self) -> None:
        shape = self.values.shape[self.values.ndim - 2 * self.ndim :]
        if self.ndim not in (1, 2) or self.values.ndim < 2 * self.ndim:
            raise ValueError(f"expected values of shape (..., ny, Py, nx, Px) or (..., nx, Px); got {tuple(shape)}")
        if tuple(shape[1::2]) != tuple(e.shape[-1] - 1 for e in self.edges):
            raise ValueError(
                f"expected one more edge than parts along each axis; got values of shape {tuple(self.values.shape)} "
                f"and edges of shapes {[tuple(e.shape) for e in self.edges]}"
            )
        for edges in (e.detach() for e in self.edges):
            most = _ROUNDING * torch.finfo(edges.dtype).eps
            ends = torch.stack([edges[..., 0] + 0.5, edges[..., -1] - 0.5]).abs()
            if not ((edges.diff(dim=-1) >= -most).all() and (ends <= most).all()):
                raise ValueError(f"expected edges that ascend from -1/2 to 1/2 of a pixel; got {edges.tolist()}")

    @property
    def ndim(self) -> int:
        """Axes: one or two."""
        return len(self.edges)

    @property
    def pixels(self) -> tuple[int, ...]:
        """Along each axis."""
        return tuple(self.values.shape[-2 * self.ndim :: 2])

    @property
    def whole(self) -> bool:
        """Whether no pixel is cut."""
        return all(edges.shape[-1] == 2 for edges in self.edges)

    def part_dim(self, axis: int) -> int:
        """The dimension of the values, from the last, that counts the parts along an axis; its pixels come before."""
        return 2 * (axis - self.ndim) + 1

    def along(self, axis: int, each: Tensor) -> Tensor:
        """One entry for each part of an axis, shape (draws, P), shaped to broadcast with the values."""
        return each.reshape(
            *each.shape[:-1], *(-1 if d == self.part_dim(axis) else 1 for d in range(-2 * self.ndim, 0))
        )

    def mean(self) -> Tensor:
        """The mean over each pixel, weighted with the areas of its parts, shape (..., ny, nx) or (..., nx)."""
        total = self.values
        for axis, edges in enumerate(self.edges):
            total = total * self.along(axis, edges.diff(dim=-1))
        return total.sum(dim=[self.part_dim(axis) for axis in range(self.ndim)])

    def within(self, axis: int, at: Tensor) -> Tensor:
        """The part that holds a place, shape of the draws; of two that meet there the upper."""
        return (self.edges[axis][..., 1:-1] <= at[..., None]).sum(-1)

    def cut(self, axis: int, at: Quantity) -> Parts:
        """The same mask with every pixel cut at one more place, which may be an edge already.

        Args:
            axis: 0 or 1, in the order of the values.
            at: in pixels from the pixel's centre, from -½ to ½; a tensor of shape (draws,) for each draw.

        Raises:
            ValueError: beyond the pixel.
        """
        at = like(at, self.values)
        if not (at.detach().abs() <= 0.5).all():
            raise ValueError(f"expected a cut between -1/2 and 1/2 of a pixel; got {at.tolist()}")
        old, where = self.edges[axis], self.within(axis, at.detach())[..., None]
        count, draws = old.shape[-1], where.shape[:-1]
        both = torch.cat([old.expand(*draws, count), at.expand(draws)[..., None]], dim=-1)
        place = torch.arange(count + 1, device=old.device)
        # The new edge comes behind the lower edge of the part that it cuts.
        order = torch.where(place <= where, place, torch.where(place == where + 1, count, place - 1))
        parts = self.along(axis, (place - (place > where).long())[..., :-1])
        return self._with(axis, _taken(self.values, parts, self.part_dim(axis)), both.gather(-1, order))

    def picked(self, axis: int, index: Tensor, edges: Tensor) -> Parts:
        """The mask made of other parts of its own along an axis; opaque where there are none.

        Args:
            axis: 0 or 1, in the order of the values.
            index: pixel·P + part, for each new part of each pixel, shape (draws, n, new P).
            edges: of the new parts, shape (draws, new P + 1).
        """
        dim = self.part_dim(axis)
        count = math.prod(self.values.shape[dim - 1 : None if dim == -1 else dim + 1])
        flat = self.values.flatten(self.values.ndim + dim - 1, self.values.ndim + dim)
        shape = [-1 if d == dim else 1 for d in range(1 - 2 * self.ndim, 0)]
        line = index.flatten(-2).reshape(*index.shape[:-2], *shape)
        there = (line >= 0) & (line < count)
        taken = torch.where(there, _taken(flat, line.clamp(0, count - 1), dim), 0.0)
        return self._with(axis, taken.unflatten(dim, index.shape[-2:]), edges)

    def _with(self, axis: int, values: Tensor, edges: Tensor) -> Parts:
        return Parts(values, tuple(edges if i == axis else e for i, e in enumerate(self.edges)))


def whole(mask: Tensor, *, axes: int | None = None) -> Parts:
    """A mask whose pixels are not cut.

    Args:
        mask: real or complex, shape (..., ny, nx) or (..., nx).
        axes: how many of its dimensions, from the last, count pixels: 1 or 2; all of them, but two at most, by default.

    Raises:
        ValueError: neither one nor two axes, or fewer dimensions than that.
    """
    axes = min(mask.ndim, 2) if axes is None else axes
    if axes not in (1, 2) or mask.ndim < axes:
        raise ValueError(f"expected a mask of one or two axes; got {axes} axes and shape {tuple(mask.shape)}")
    values = mask.unsqueeze(-1) if axes == 1 else mask.unsqueeze(-1).unsqueeze(-3)
    return Parts(values, (like((-0.5, 0.5), mask),) * axes)


def drawn(number: complex | Tensor, parts: Parts, name: str) -> Tensor:
    """A number in the precision of the parts, of the shape of its draws: () or (draws,).

    Raises:
        ValueError: a tensor that has dimensions of the mask's pixels.
    """
    value = like(number, parts.values)
    if not value.ndim:
        return value
    if value.ndim < parts.ndim or set(value.shape[value.ndim - parts.ndim :]) != {1}:
        ones = ", 1" * parts.ndim
        raise ValueError(f"expected {name} as one number or of shape (draws{ones}); got shape {tuple(value.shape)}")
    return value.reshape(value.shape[: value.ndim - parts.ndim])


def per_axis(numbers: Quantity | Sequence[Quantity], parts: Parts, name: str) -> tuple[Quantity, ...]:
    """One number for each axis, (y, x) or (x,); a single one stands for all.

    Raises:
        ValueError: neither one nor as many as there are axes.
    """
    each = tuple(numbers) if isinstance(numbers, Sequence) else (numbers,) * parts.ndim
    if len(each) != parts.ndim:
        raise ValueError(f"expected {name} for each of the mask's {parts.ndim} axes; got {len(each)}")
    return each


def absent(*numbers: complex | Tensor) -> bool:
    """Whether they are zero, and not tensors, whose gradient is wanted even there."""
    return not any(isinstance(n, Tensor) or n for n in numbers)


def _taken(values: Tensor, index: Tensor, dim: int) -> Tensor:
    """Values at the index along a dimension, counted from the last; all others broadcast."""
    ndim = max(values.ndim, index.ndim)
    values, index = (t.reshape((1,) * (ndim - t.ndim) + tuple(t.shape)) for t in (values, index))
    return torch.take_along_dim(values, index, dim)
