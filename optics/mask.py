"""Masks: one complex number for each pixel."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from optics.field import Field
from optics.grid import Grid
from optics.kernel import number
from optics.screens import Quantity

# Two pitches computed along different routes agree to a few float64 ulps; this leaves room for a file's digits.
_SAME_PITCH = 1e-9


class Mask(nn.Module):
    """A pixelated transmittance: every pixel multiplies the field that crosses it by one complex number.

    Args:
        transmittance: real or complex, shape (..., ny, nx) or (..., nx). An ``nn.Parameter`` is trained; any
            other tensor is kept as a buffer, and gradients flow through it to whatever it was computed from.
        pitch: pixel size [m]; one number or one for each axis.

    The pixels are the cells of the field's grid; how much of a pixel is active is the affair of the grid's
    :class:`~optics.grid.Cell`. Called with a field whose cells are not the mask's pixels it raises ValueError.
    """

    transmittance: Tensor

    def __init__(self, transmittance: Tensor, pitch: float | Sequence[float]):
        super().__init__()
        if isinstance(transmittance, nn.Parameter):
            self.transmittance = transmittance
        else:
            self.register_buffer("transmittance", transmittance, persistent=False)
        self.pitch = (float(pitch),) if isinstance(pitch, int | float) else tuple(pitch)

    def forward(self, field: Field) -> Field:
        self._check_pixels(field.grid)
        like = field.data if self.transmittance.is_complex() else field.data.real
        return field.replace(_crossed(field.data, self.transmittance.to(like), field.grid))

    def decentred(self, field: Field, shift: Sequence[Quantity]) -> Field:
        """Refused by :meth:`check`: the cells of its grid cannot hold a moved pixel."""
        self.check(field.grid, number(field.wavelength), shift)
        return self(field)

    def check(self, grid: Grid, wavelength: float, shift: Sequence[Quantity] = ()) -> Grid:
        """The grid itself, on which the light leaves.

        Raises:
            ValueError: its cells are not the mask's pixels, or the axis of the mask is moved by a ``shift`` [m].
        """
        self._check_pixels(grid)
        if any(number(s) for s in shift):
            raise ValueError(
                f"a mask moved by {[number(s) for s in shift]} m does not fit the cells of its own grid; take "
                "Pixelated(transmittance, pitch) on a finer grid of points, as Grid([4 * n for n in cells], pitch / 4)"
            )
        return grid

    def _check_pixels(self, grid: Grid) -> None:
        pixels = tuple(self.transmittance.shape[-grid.ndim :])
        pitch = self.pitch * grid.ndim if len(self.pitch) == 1 else self.pitch
        same = pixels == grid.cells and len(pitch) == grid.ndim
        same = same and all(math.isclose(a, b, rel_tol=_SAME_PITCH) for a, b in zip(pitch, grid.spacing, strict=True))
        if not same:
            raise ValueError(
                f"the mask's pixels must be the cells of the field's grid: the mask has {pixels} pixels of "
                f"{pitch} m, the grid {grid.cells} cells of {grid.spacing} m"
            )

    def extra_repr(self) -> str:
        return f"pixels={tuple(self.transmittance.shape)}, pitch={self.pitch}"


def _crossed(light: Tensor, values: Tensor, grid: Grid) -> Tensor:
    """Light times the value of the pixel that each sample lies in."""
    pixels, nodes = grid.cells, [len(axis.cell) for axis in grid.axes]
    batch, values_batch = light.shape[: -grid.ndim], values.shape[: -grid.ndim]
    light = light.reshape(*batch, *(n for both in zip(pixels, nodes, strict=True) for n in both))
    values = values.reshape(*values_batch, *(n for cells in pixels for n in (cells, 1)))
    if values.is_complex():
        crossed = light * values
    else:  # both parts of the light by one number: less work, above all on the way back to the mask
        crossed = torch.view_as_complex(torch.view_as_real(light.resolve_conj()) * values[..., None])
    return crossed.reshape(*crossed.shape[: -2 * grid.ndim], *grid.shape)
