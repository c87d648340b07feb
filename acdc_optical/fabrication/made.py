"""The bench with its masks as they are made: cells in place of pixels, in the continuous model.

What :class:`~acdc_optical.models.Continuous` does for pixels, this does for the cells that a pixel is made of: the
light across every cell is integrated by Gauss-Legendre nodes, so that no edge falls between two samples. Masks as made
have millions of nodes: outputs are found by the impulse response, and all the light that falls on the camera by going
through the mask a few rows at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor, nn

from acdc_optical.benches.planes import Planes
from acdc_optical.fabrication.arms import Arm, Divided, arm_between, straightening
from acdc_optical.fabrication.encodings import Encoded
from acdc_optical.fabrication.impulse import impulse_response, respond
from acdc_optical.models import Continuous
from acdc_optical.realisation import OpticalLayer
from optics import Field, Stripes, gauss

WHOLE = (-0.5, 0.5)
"""The edges of a pixel that is one cell."""

# Nodes of the mask that light crosses at a time: a few complex128 arrays of this size are a quarter of a gigabyte.
_AT_A_TIME = 2**22

# To which the light on the camera is added up.
_OF_LIGHT = 1e-6


@dataclass(frozen=True, eq=False)
class Cells:
    """What the light meets in one plane.

    Attributes:
        values: transmittance of every cell, shape (ny·c, nx·c') or (nx·c,), for c cells per pixel along each axis.
        edges: for each axis where the cells of a pixel begin and end, ascending from -1/2 to 1/2 pixel, c + 1 of them.
        factor: what arrives is the mask's light times this.
        turns: of a carrier, per pixel along x, which deflects the light wanted; what follows stands where it goes.
    """

    values: Tensor
    edges: tuple[tuple[float, ...], ...]
    factor: complex = 1.0
    turns: float = 0.0

    @classmethod
    def of(cls, encoded: Encoded) -> Cells:
        """A mask as an encoding makes it."""
        count, period = encoded.cells, encoded.period
        edges = (*(i / count - 0.5 for i in range(count)), 0.5)
        values = torch.from_numpy(encoded.alphabet.transmittance[encoded.levels])
        return cls(values, (edges,) * values.ndim, encoded.factor, count / period if period else 0.0)

    @classmethod
    def whole(cls, pixels: Tensor) -> Cells:
        """Pixels that are one cell each."""
        return cls(pixels, (WHOLE,) * pixels.ndim)


@dataclass(frozen=True, eq=False)
class Striped:
    """What the light meets in the Fourier plane where stripes were drawn.

    Attributes:
        stripes: in as many rows for each pixel.
        rows: where those of a pixel begin and end along y, ascending from -1/2 to 1/2 pixel.
    """

    stripes: Stripes
    rows: tuple[float, ...] = WHOLE


MadeMask = Cells | Striped
"""What the light meets where mask D stands."""


class MadeLayer(nn.Module):
    """The call of an optical layer through masks as they are made; called like the layer.

    Args:
        optical: the layer on its bench; its own masks tell the planes and the gain.
        input: mask A as made.
        fourier: mask D as made: cells, or stripes.
        accuracy: to which the light across each cell is integrated, relative to what falls on it.

    Raises:
        ValueError: cells that are not a whole number for each pixel of the masks; a mask A of stripes.
    """

    def __init__(self, optical: OpticalLayer, input: MadeMask, fourier: MadeMask, *, accuracy: float = 1e-13):
        super().__init__()
        if not isinstance(input, Cells):
            raise ValueError("expected cells as mask A; got stripes, which stand in the Fourier plane")
        self.optical, self.input, self.fourier, self.accuracy = optical, input, fourier, accuracy
        self.masks = optical.masks()
        _check(self.masks.planes.input.cells, input)
        if isinstance(fourier, Cells):
            _check(self.masks.planes.mask.cells, fourier)

    def through(self, input: MadeMask, fourier: MadeMask) -> MadeLayer:
        """The same bench with other masks; if they are divided alike, its light need not be worked out anew."""
        other = MadeLayer(self.optical, input, fourier, accuracy=self.accuracy)
        if _divided_alike(input, self.input) and _divided_alike(fourier, self.fourier):
            other._arms = self._arms
        return other

    @property
    def samples(self) -> int:
        """Numbers that the light of one input takes at its largest."""
        return 4 * math.prod(self.input.values.shape)

    def forward(self, x: Tensor) -> Tensor:
        factor = self.input.factor * (self.fourier.factor if isinstance(self.fourier, Cells) else 1.0)
        seen = respond(self._shown(x), self._response, self._arms) / factor
        return self.optical.decode(seen, self.masks)

    @torch.no_grad()
    def light_used(self, x: Tensor) -> float:
        """Power that falls on the camera's pixels over power of the inputs in front of mask A, to a millionth."""
        planes = self.masks.planes
        whole = replace(planes, camera=Continuous().whole_pixels(planes.camera))
        seen = self._cross(self._shown(x), self._arms_of(whole, max(self.accuracy, _OF_LIGHT)))
        arrived = Field(seen, whole.camera, planes.wavelength).power.sum()
        sent = self.optical.encode(self.optical.checked(x), self.masks).power.sum()
        return float(arrived / sent)

    def _shown(self, x: Tensor) -> Tensor:
        """The light behind the cells of mask A, without the steps of a carrier from pixel to pixel."""
        axes = len(self.optical.shape)
        x = self.optical.checked(x)
        pixels = self.optical.presentation.encode(x if x.is_complex() else torch.complex(x, torch.zeros_like(x)), axes)
        for axis, edges in enumerate(self.input.edges, start=-axes):
            pixels = pixels.repeat_interleave(len(edges) - 1, dim=axis)
        x = self.masks.planes.input.axes[-1].centres / self.masks.planes.input.spacing[-1]
        straight = straightening(self.input.turns, x).repeat_interleave(len(self.input.edges[-1]) - 1)
        return pixels * self.input.values.to(pixels) * straight.to(pixels)

    def _cross(self, shown: Tensor, arms: tuple[Arm, ...]) -> Tensor:
        """From behind mask A to the camera, node by node and in double precision."""
        shown = shown.to(torch.complex128)
        along, values = arms[-1], self._values(arms).to(shown)
        values = values.repeat_interleave(along.repeats, dim=-1)
        if len(arms) == 1:
            return ((shown @ along.to_mask.T) * values) @ along.to_camera.T
        across, seen = arms[0], torch.zeros((), dtype=shown.dtype)
        light = shown @ along.to_mask.T  # cells of A along y, nodes of D along x
        for rows, nodes in _blocks(len(values), across.repeats, values.shape[-1]):
            crossing = (across.to_mask[nodes] @ light) * values[rows].repeat_interleave(across.repeats, dim=0)
            seen = seen + across.to_camera[:, nodes] @ (crossing @ along.to_camera.T)
        return seen

    @cached_property
    def _response(self) -> Tensor:
        return impulse_response(self._arms, self._values(self._arms))

    def _values(self, arms: tuple[Arm, ...]) -> Tensor:
        """The transmittance of every cell of mask D; what every node along x weighs stripes with."""
        if isinstance(self.fourier, Cells):
            return self.fourier.values
        pixels = self.masks.planes.mask.axes[-1]
        return self.fourier.stripes.weights(replace(pixels, cell=gauss(len(arms[-1].to_mask) // pixels.cells)))

    @cached_property
    def _arms(self) -> tuple[Arm, ...]:
        return self._arms_of(self.masks.planes, self.accuracy)

    def _arms_of(self, planes: Planes, accuracy: float) -> tuple[Arm, ...]:
        bench, per_coefficient, last = self.optical.bench, self.masks.pixels_per_coefficient, len(planes.input.axes) - 1
        arms = []
        for i, (a, d, camera) in enumerate(zip(planes.input.axes, planes.mask.axes, planes.camera.axes, strict=True)):
            # Across a pixel of A the waves from the outermost pixels of D turn by so much, across one of D those of all
            # inputs to all outputs; carriers add their own turns along x.
            deflected, carrier = (_carrier(mask) if i == last else 0.0 for mask in (self.input, self.fourier))
            turn = math.pi * d.cells / (a.cells * per_coefficient)
            front = Divided(a, self.input.edges[i], bench.modulator.fill, turn, deflected, accuracy)
            turn, edges, finest = 2 * math.pi / per_coefficient, _edges(self.fourier, i, last), accuracy
            if i == last and isinstance(self.fourier, Striped):
                finest = accuracy**2  # against stripes, nodes integrate half the degree that they do across a cell
            mask = Divided(d, edges, bench.mask.fill, turn, carrier, finest)
            arms.append(arm_between(front, mask, camera, planes.wavelength, planes.focal_length))
        if isinstance(self.fourier, Striped):  # along x every node has a weight of its own
            arms[-1] = arms[-1]._replace(repeats=1)
        return tuple(arms)


def _carrier(mask: MadeMask) -> float:
    return mask.turns if isinstance(mask, Cells) else 0.0


def _edges(mask: MadeMask, axis: int, last: int) -> tuple[float, ...]:
    if isinstance(mask, Cells):
        return mask.edges[axis]
    return WHOLE if axis == last else mask.rows


def _divided_alike(a: MadeMask, b: MadeMask) -> bool:
    if isinstance(a, Cells) and isinstance(b, Cells):
        return a.edges == b.edges and a.turns == b.turns
    return isinstance(a, Striped) and isinstance(b, Striped) and a.rows == b.rows


def _blocks(cells: int, repeats: int, across: int) -> Iterator[tuple[slice, slice]]:
    """Rows of cells, and of their nodes, a few at a time."""
    step = max(1, _AT_A_TIME // (repeats * across))
    for first in range(0, cells, step):
        last = min(first + step, cells)
        yield slice(first, last), slice(first * repeats, last * repeats)


def _check(pixels: tuple[int, ...], cells: Cells) -> None:
    expected = tuple(n * (len(edges) - 1) for n, edges in zip(pixels, cells.edges, strict=True))
    if tuple(cells.values.shape) != expected:
        raise ValueError(
            f"expected {expected} cells for the {pixels} pixels of the mask; got {tuple(cells.values.shape)}"
        )
