"""Detectors: what is read from the light, one number for each pixel (cell) of the field's grid."""

from __future__ import annotations

from torch import Tensor, nn

from optics.field import Field
from optics.grid import Grid


class IntensityDetector(nn.Module):
    """A camera: the mean of |E|² over the active part of each pixel, real, shape (..., *grid.cells).

    Raises:
        ValueError: flat pixels, whose one sample is already the mean of E; resolve them, by gauss(4) for example.
    """

    def forward(self, field: Field) -> Tensor:
        if any(axis.cell.width for axis in field.grid.axes):
            raise ValueError("the intensity varies within a flat pixel; resolve the camera's pixels, as by gauss(4)")
        return _pixel_mean(field.intensity, field.grid)


class FieldDetector(nn.Module):
    """A coherent receiver (ideal homodyne): the mean of E over the active part of each pixel, complex."""

    def forward(self, field: Field) -> Tensor:
        return _pixel_mean(field.data, field.grid)


def _pixel_mean(values: Tensor, grid: Grid) -> Tensor:
    for i, axis in enumerate(grid.axes):
        if len(axis.cell) > 1:
            dim = i - grid.ndim
            weights = axis.weights.to(values)[: len(axis.cell)]
            split = values.movedim(dim, -1).unflatten(-1, (axis.cells, len(axis.cell)))
            values = (split @ (weights / weights.sum())).movedim(-1, dim)
    return values
