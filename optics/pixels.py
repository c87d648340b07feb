"""Pixels on a grid that is not theirs: finer, wider, or not aligned with them."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from optics.grid import Axis, Grid
from optics.kernel import number
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
    """

    def __init__(self, values: Tensor, pitch: float | Sequence[float]):
        super().__init__()
        self.values = values
        self.pitch = (float(pitch),) if isinstance(pitch, int | float) else tuple(pitch)

    @property
    def quantities(self) -> tuple[Hashable, ...]:
        return (*self.pitch, self.values)

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
            SamplingWarning: less than four samples, or nodes, for a pixel that they do not divide evenly.
        """
        for axis, pixels, shift in zip(samples.grid.axes, self._pixels(samples.grid), samples.shift, strict=True):
            _check_samples(axis, pixels, number(shift))

    def _pixels(self, grid: Grid) -> list[Axis]:
        pitch = self.pitch * grid.ndim if len(self.pitch) == 1 else self.pitch
        if len(pitch) != grid.ndim or self.values.ndim < grid.ndim:
            raise ValueError(
                f"expected values and a pitch along each of the grid's {grid.ndim} axes; got values of shape "
                f"{tuple(self.values.shape)}, pitch {pitch}"
            )
        return [Axis(n, p) for n, p in zip(self.values.shape[-grid.ndim :], pitch, strict=True)]

    def extra_repr(self) -> str:
        return f"pixels={tuple(self.values.shape)}, pitch={self.pitch}"


def _shares(lower: Tensor, upper: Tensor, pixels: Axis) -> Tensor:
    """What every pixel is of every stretch, shape (pixels, stretches)."""
    centres, half = pixels.centres[:, None], pixels.spacing / 2
    common = torch.minimum(upper, centres + half) - torch.maximum(lower, centres - half)
    return common.clamp(min=0) / (upper - lower)


def _check_samples(axis: Axis, pixels: Axis, shift: float) -> None:
    step = axis.spacing / len(axis.cell)
    has = f"pixels of {format_length(pixels.spacing, 4)} on samples of {format_length(step, 4)}"
    if step > pixels.spacing * (1 + _ROUNDING):
        raise ValueError(f"{has}: samples must not be larger than pixels")
    first = (shift + (axis.extent - pixels.extent) / 2) / step
    even = all(abs(n - round(n)) < _ROUNDING * axis.size for n in (first, pixels.spacing / step))
    if not even and step > pixels.spacing / _FEWEST * (1 + _ROUNDING):
        finer = format_length(axis.spacing * pixels.spacing / _FEWEST / step, 4)
        warnings.warn(f"{has} that do not divide them evenly; needs spacing ≤ {finer}", SamplingWarning, stacklevel=2)
