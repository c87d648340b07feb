"""The bench with its masks as they are made: cells in place of pixels, in the continuous model.

What :class:`~acdc_optical.models.Continuous` does for pixels, this does for the cells that a pixel is made of: the
light across every cell is integrated by Gauss-Legendre nodes, so that no edge falls between two samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from acdc_optical.compilation import Masks
from acdc_optical.realisation import OpticalLayer
from optics import Field, FieldDetector, FourierLens, Grid
from optics.grid import divided

WHOLE = (-0.5, 0.5)
"""The edges of a pixel that is one cell."""


@dataclass(frozen=True, eq=False)
class Cells:
    """What the light meets in one plane.

    Attributes:
        values: transmittance of every cell, shape (ny·c, nx·c) or (nx·c,) for c cells per pixel and axis.
        edges: where the cells of a pixel begin and end, ascending from -1/2 to 1/2 pixel, c + 1 of them.
        factor: what arrives is the mask's light times this.
        turns: of a carrier, per pixel along x, which deflects the light wanted; the camera stands where that goes.
    """

    values: Tensor
    edges: tuple[float, ...] = WHOLE
    factor: complex = 1.0
    turns: float = 0.0


class MadeLayer(nn.Module):
    """The call of an optical layer through masks as they are made; called like the layer.

    Args:
        optical: the layer on its bench; its own masks tell the planes and the gain.
        input: mask A as made.
        fourier: mask D as made.

    Raises:
        ValueError: cells that are not a whole number for each pixel of the masks.
    """

    def __init__(self, optical: OpticalLayer, input: Cells, fourier: Cells):
        super().__init__()
        self.optical, self.input, self.fourier = optical, input, fourier
        self.masks: Masks = optical.masks()
        planes = self.masks.planes
        n, per_coefficient = planes.input.cells[-1], self.masks.pixels_per_coefficient
        # Between its edges a mask pixel sees the waves of all inputs to all outputs turn by so much, and an input
        # pixel those from the outermost mask pixels.
        self.shown = _resolved(
            planes.input, input, math.pi * planes.mask.cells[-1] / (n * per_coefficient), optical.bench.modulator.fill
        )
        self.mask = _resolved(planes.mask, fourier, 2 * math.pi / per_coefficient, optical.bench.mask.fill)
        self.to_mask = FourierLens(planes.focal_length, self.mask)
        self.to_camera = FourierLens(planes.focal_length, planes.camera)
        self.detector = FieldDetector()

    @property
    def samples(self) -> int:
        """Numbers that the light of one input takes at its largest."""
        return math.prod(self.mask.shape)

    def forward(self, x: Tensor) -> Tensor:
        axes = len(self.optical.shape)
        pixels = self.optical.presentation.encode(self.optical.checked(x), axes)
        wavelength = self.masks.planes.wavelength
        shown = _spread(pixels, self.shown) * _on(self.input, self.shown, pixels)
        light = self.to_mask(Field(shown, self.shown, wavelength))
        light = light.replace(light.data * _on(self.fourier, self.mask, light.data))
        seen = self.detector(self.to_camera(light)) / (self.input.factor * self.fourier.factor)
        return self.optical.decode(seen, self.masks)


def _resolved(pixels: Grid, cells: Cells, turn: float, fill: float) -> Grid:
    """Pixels with nodes in each of their cells, enough for waves that turn by so much [rad] across the pixel."""
    count = len(cells.edges) - 1
    expected = tuple(n * count for n in pixels.cells)
    if tuple(cells.values.shape) != expected:
        raise ValueError(
            f"expected {expected} cells, {count} for each pixel and axis of the mask; got {tuple(cells.values.shape)}"
        )
    widest = max(b - a for a, b in zip(cells.edges[:-1], cells.edges[1:], strict=True))
    # Gauss-Legendre on exp(iθx): 5 nodes are right to 1e-13 up to a turn of π/4, 8 to π, 12 to 2π.
    nodes = 4 + math.ceil(1.2 * widest * (turn + 2 * math.pi * abs(cells.turns)))
    return pixels.resolved(divided(cells.edges, nodes, fill))


def _on(cells: Cells, grid: Grid, like: Tensor) -> Tensor:
    """The transmittance at every node, without the carrier."""
    values = cells.values.to(like.device)
    for axis, whole in enumerate(grid.axes):
        values = values.repeat_interleave(whole.size // values.shape[axis], dim=axis)
    if cells.turns:
        x = grid.axes[-1].coordinates.to(like.device) / grid.axes[-1].spacing
        values = values * torch.polar(torch.ones_like(x), -2 * math.pi * cells.turns * x)
    return values.to(torch.promote_types(values.dtype, like.dtype)) if values.is_complex() else values.to(like.real)


def _spread(pixels: Tensor, grid: Grid) -> Tensor:
    """Pixel values at all nodes of their pixels."""
    for i, axis in enumerate(grid.axes):
        pixels = pixels.repeat_interleave(len(axis.cell), dim=i - grid.ndim)
    return pixels
