"""Segments: pixels or parts of them that show one value each; where light is integrated in them, and sums over them."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from optics import Axis, gauss

# Radians by which the phase of light changes from the middle of a pixel to its edge: what a pixel sends to the rim of
# the plane behind the lens differs by half a turn from edge to edge.
_TO_THE_EDGE = math.pi / 2

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
        """Gauss nodes in the parts of every pixel, which begin and end at ``edges``.

        Args:
            axis: the pixels.
            edges: of their parts, in units of a pixel, shape (..., parts + 1).
            count: nodes for a pixel that is not cut; its parts have as many as make them as exact.
        """
        unit = gauss(_enough(count, float(edges.detach().diff(dim=-1).max())))
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


def _enough(count: int, width: float) -> int:
    """Nodes for a part of a pixel of a relative width with which its integral is as exact as with ``count`` over all.

    Over a phase of ±c radians n nodes are wrong by about c^(2n)/(2n)!.
    """
    whole, part = (2 * math.log(_TO_THE_EDGE * w) for w in (1.0, max(width, 1e-9)))
    wanted = count * whole - math.lgamma(2 * count + 1)
    return next((n for n in range(1, count) if n * part - math.lgamma(2 * n + 1) <= wanted), count)


def steps(light: Tensor, mask: Tensor, camera: tuple[int, ...]) -> int:
    """How many :func:`through_segments` takes, for so many pixels of the camera along y and x."""
    return min(_steps(light.shape[-3], mask.shape[-2:], light.shape[-2:], camera))


def _steps(batch: int, mask: tuple[int, ...], light: tuple[int, ...], camera: tuple[int, ...]) -> tuple[int, int]:
    """Input by input, and all together."""
    (t, s), (n, j), (k, i) = mask, light, camera
    together = t * s * n * k + s * n * k * j * i + batch * n * j * k * i
    return batch * (n * j * t * k + j * t * k * s + j * s * k * i), together


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
    camera = rows.shape[-1], columns.shape[-1]
    inputwise, together = _steps(light.shape[-3], mask.shape[-2:], light.shape[-2:], camera)
    if inputwise <= together or math.prod(light.shape[-2:]) * math.prod(camera) > _MOST:
        seen = torch.einsum("...blj,...tlk->...bjtk", light, rows)
        seen = torch.einsum("...bjtk,...ts->...bjsk", seen, mask)
        return torch.einsum("...bjsk,...sji->...bki", seen, columns)
    operator = torch.einsum("...slk,...sji->...ljki", torch.einsum("...ts,...tlk->...slk", mask, rows), columns)
    return torch.einsum("...blj,...ljki->...bki", light, operator)
