"""Half a bench along one axis, between planes whose pixels are divided into cells."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from optics import Axis, Field, FourierLens
from optics.grid import divided


class Arm(NamedTuple):
    """The light along one axis: from cells of mask A to nodes of mask D, and from those to the camera's samples.

    Attributes:
        to_mask: complex128, shape (nodes, cells of A).
        to_camera: complex128, shape (camera samples, nodes).
        pixels: of mask A.
        repeats: nodes for each cell of mask D.
    """

    to_mask: Tensor
    to_camera: Tensor
    pixels: int
    repeats: int

    @property
    def places(self) -> int:
        """Cells in a pixel of mask A."""
        return self.to_mask.shape[1] // self.pixels

    def moments(self) -> Tensor:
        """What every cell of mask D passes on from a place in a pixel of A, shape (places, 2·pixels - 1, cells of D).

        The second axis is the number of the pixel of A plus that of the camera's.
        """
        sent = self.to_mask.unflatten(1, (self.pixels, self.places))
        found = []
        for place in range(self.places):
            first = sent[:, :, place].T * self.to_camera[0]
            last = sent[:, -1, place] * self.to_camera[1:]
            found.append(torch.cat((first, last)).unflatten(1, (-1, self.repeats)).sum(-1))
        return torch.stack(found)


# Fields that go through a lens together: on long lines each needs megabytes on its way.
_AT_A_TIME = 64


@dataclass(frozen=True)
class Divided:
    """An axis whose pixels are divided into cells, and what crosses it.

    Attributes:
        pixels: the axis.
        edges: where the cells of a pixel begin and end, ascending from -1/2 to 1/2.
        fill: active fraction of a pixel's width.
        turn: by which waves turn across a pixel at most [rad].
        carrier: turns of a carrier per pixel, to be taken away.
        accuracy: to which the light across each cell is integrated.
    """

    pixels: Axis
    edges: tuple[float, ...]
    fill: float
    turn: float
    carrier: float
    accuracy: float

    @cached_property
    def nodes(self) -> int:
        """In each cell."""
        widest = max(end - begin for begin, end in pairwise(self.edges))
        return _nodes(widest * (self.turn + 2 * math.pi * abs(self.carrier)), self.accuracy)

    @cached_property
    def axis(self) -> Axis:
        """With nodes in every cell."""
        return replace(self.pixels, cell=divided(self.edges, self.nodes, self.fill))


def _nodes(turn: float, accuracy: float) -> int:
    """Gauss-Legendre nodes that integrate a wave of unit amplitude over so much of a turn [rad] with that accuracy.

    The remainder of n nodes on exp(iθx) over a unit length is at most θ^2n·n!⁴/((2n+1)·(2n)!³)
    (Abramowitz & Stegun 25.4.30).
    """
    n = 1
    while turn ** (2 * n) * math.factorial(n) ** 4 > accuracy * (2 * n + 1) * math.factorial(2 * n) ** 3:
        n += 1
    return n


def straightening(turns: float, x: Tensor) -> Tensor:
    """The wave that takes a carrier of so many turns per pixel away, at places x [pixels], complex128."""
    return torch.polar(torch.ones_like(x), -2 * math.pi * turns * x)


@lru_cache(maxsize=8)  # of a few benches and ways to divide pixels, asked for again and again
def arm_between(front: Divided, mask: Divided, camera: Axis, wavelength: float, focal_length: float) -> Arm:
    """The light from mask A to mask D and on to the camera, between ideal lenses.

    Args:
        front, mask: the masks.
        camera: its samples.
        wavelength, focal_length: [m].
    """
    lens = FourierLens(focal_length, mask.axis.line)

    def through(sent: Tensor, source: Axis) -> Tensor:
        parts = sent.split(_AT_A_TIME)
        return torch.cat([lens(Field(part, source.line, wavelength)).data for part in parts])

    cells = front.axis.size // front.nodes
    sent = torch.eye(cells, dtype=torch.float64).repeat_interleave(front.nodes, dim=1)
    within = torch.tensor(front.axis.cell.nodes, dtype=torch.float64).repeat(front.axis.cells)
    to_mask = through(sent * straightening(front.carrier, within), front.axis)
    # The lens's integral is symmetric: towards the camera it is that from the camera's samples, weighed the other way.
    back = through(torch.eye(camera.size, dtype=torch.float64), camera)
    to_camera = back * mask.axis.weights / camera.weights[:, None]
    x = mask.axis.coordinates / mask.axis.spacing
    return Arm(to_mask.T.contiguous(), to_camera * straightening(mask.carrier, x), front.axis.cells, mask.nodes)
