"""Pixels on a grid that is not theirs: finer, wider, or not aligned with them."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from optics.grid import Axis, Grid, flat
from optics.sampling import SamplingWarning
from optics.screens import Samples, Screen
from optics.units import format_length

# Rounding of pixels that samples are meant to divide evenly, as a share of a sample.
_ROUNDING = 1e-9

# A pixel's edge is blurred over a sample; this many samples across keep that to a quarter of the pixel.
_FEWEST = 4


class Pixelated(Screen):
    """The map of a :class:`~optics.Mask` as a function of place: on any grid, and moved by parts of a pixel.

    A sample gets the mean of the map over the stretch of space that it stands for; beyond the pixels it is opaque.
    Where samples divide the pixels evenly that is the pixel's value. Elsewhere it converges with the second order in
    the spacing. Differentiable in the values and in where the pixels are.

    Args:
        values: the transmittance of the pixels, real or complex, shape (..., ny, nx) or (..., nx).
        pitch: pixel size [m]; one number or one for each axis.
        fill: central fraction of a pixel's width that holds its value; around it is an opaque gap.

    Raises:
        ValueError: a fill that is not above 0 and at most 1.
    """

    def __init__(self, values: Tensor, pitch: float | Sequence[float], fill: float = 1.0):
        super().__init__()
        self.values, self.cell = values, flat(fill)
        self.pitch = (float(pitch),) if isinstance(pitch, int | float) else tuple(pitch)

    @property
    def quantities(self) -> tuple[Hashable, ...]:
        return (*self.pitch, self.cell, self.values)

    def transmittance(self, samples: Samples, wavelength: float | Tensor) -> Tensor:
        values = self.values.cpu().to(torch.complex128 if self.values.is_complex() else torch.float64)
        for i, ((lower, upper), pixels) in enumerate(zip(samples.stretches, self._pixels(samples.grid), strict=True)):
            share = _shares(lower.flatten(), upper.flatten(), pixels).to(values)
            values = (values.movedim(i - samples.grid.ndim, -1) @ share).movedim(-1, i - samples.grid.ndim)
        return values

    def ask(self, samples: Samples, wavelength: float) -> None:
        """Ask for samples no larger than the pixels.

        Raises:
            ValueError: values or pitches that do not fit the grid's axes; samples larger than a pixel.

        Warns:
            SamplingWarning: less than four samples, or nodes, for the active part of a pixel, if its edges are not
                where theirs are.
        """
        axes = zip(samples.grid.axes, samples.stretches, self._pixels(samples.grid), strict=True)
        for axis, (lower, upper), pixels in axes:
            _check_samples(axis, pixels, _shares(lower.detach().flatten(), upper.detach().flatten(), pixels))

    def _pixels(self, grid: Grid) -> list[Axis]:
        pitch = self.pitch * grid.ndim if len(self.pitch) == 1 else self.pitch
        if len(pitch) != grid.ndim or self.values.ndim < grid.ndim:
            raise ValueError(
                f"expected values and a pitch along each of the grid's {grid.ndim} axes; got values of shape "
                f"{tuple(self.values.shape)}, pitch {pitch}"
            )
        return [Axis(n, p, self.cell) for n, p in zip(self.values.shape[-grid.ndim :], pitch, strict=True)]

    def extra_repr(self) -> str:
        return f"pixels={tuple(self.values.shape)}, pitch={self.pitch}, fill={self.cell.width}"


def _shares(lower: Tensor, upper: Tensor, pixels: Axis) -> Tensor:
    """What the active part of every pixel is of every stretch, shape (pixels, stretches)."""
    centres, half = pixels.centres[:, None], pixels.cell.width * pixels.spacing / 2
    common = torch.minimum(upper, centres + half) - torch.maximum(lower, centres - half)
    return common.clamp(min=0) / (upper - lower)


def _check_samples(axis: Axis, pixels: Axis, shares: Tensor) -> None:
    step, active = axis.spacing / len(axis.cell), pixels.cell.width * pixels.spacing
    has = f"pixels of {format_length(pixels.spacing, 4)} on samples of {format_length(step, 4)}"
    if step > pixels.spacing * (1 + _ROUNDING):
        raise ValueError(f"{has}: samples must not be larger than pixels")
    even = ((shares - shares.round()).abs() < _ROUNDING * axis.size).all()  # every sample is within a pixel or without
    if not even and step > active / _FEWEST * (1 + _ROUNDING):
        finer = format_length(axis.spacing * active / _FEWEST / step, 4)
        warnings.warn(f"{has} that do not divide them evenly; needs spacing ≤ {finer}", SamplingWarning, stacklevel=2)
