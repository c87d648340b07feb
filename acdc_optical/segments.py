"""Segments: pixels or parts of them that show one value each; where light is integrated in them, and sums over them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from optics import Axis, gauss

# Numbers between all inputs and all camera pixels, for each bench: 64 MB in complex64.
_MOST = 2**23


class Nodes(NamedTuple):
    """Where light is integrated along one axis of a plane.

    Attributes:
        places: [m], float64, shape (..., segments, nodes).
        weights: [m], likewise.
    """

    places: Tensor
    weights: Tensor

    @classmethod
    def of(cls, axis: Axis, edges: Tensor, count: int) -> Nodes:
        """Gauss nodes in the parts of every pixel, which begin and end at ``edges``."""
        unit = gauss(count)
        at, weights = (torch.tensor(values, dtype=torch.float64) for values in (unit.nodes, unit.weights))
        edges = edges.double().cpu()
        begins, ends = edges[..., :-1, None], edges[..., 1:, None]
        within = (begins + ends) / 2 + (ends - begins) * at
        places = axis.centres[:, None, None] + axis.spacing * within[..., None, :, :]
        share = (axis.spacing * (ends - begins) * weights)[..., None, :, :].expand(places.shape)
        return cls(places.flatten(-3, -2), share.flatten(-3, -2))

    @property
    def flat(self) -> Tensor:
        """Places, shape (..., segments·nodes)."""
        return self.places.flatten(-2)


def in_a_row(values: Tensor, axes: int) -> Tensor:
    """Parts of pixels one after another along each axis."""
    values = values.flatten(-2)
    return values.flatten(-3, -2) if axes == 2 else values


def through_segments(light: Tensor, mask: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """y[k, i] = Σ E[l, j]·D[t, s]·R'[t, l, k]·R[s, j, i], in the order that takes fewer steps.

    Args:
        light: E, shape (..., batch, l, j).
        mask: D, shape (..., t, s).
        rows, columns: R' and R, shape (..., t, l, k) and (..., s, j, i).
    """
    batch, (t, s) = light.shape[-3], mask.shape[-2:]
    (n, k), (j, i) = rows.shape[-2:], columns.shape[-2:]
    inputwise = batch * (n * j * t * k + j * t * k * s + j * s * k * i)
    together = t * s * n * k + s * n * k * j * i + batch * n * j * k * i
    if inputwise <= together or n * j * k * i > _MOST:
        seen = torch.einsum("...blj,...tlk->...bjtk", light, rows)
        seen = torch.einsum("...bjtk,...ts->...bjsk", seen, mask)
        return torch.einsum("...bjsk,...sji->...bki", seen, columns)
    operator = torch.einsum("...slk,...sji->...ljki", torch.einsum("...ts,...tlk->...slk", mask, rows), columns)
    return torch.einsum("...blj,...ljki->...bki", light, operator)
