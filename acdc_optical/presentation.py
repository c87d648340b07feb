"""How a layer's vectors are presented to the lens: which pixels, which frequencies, which way up.

A lens computes a Fourier integral. Mirrored about the axis, N values become 2N pixels whose Fourier integral is
the DCT-II; shown as they are, n values are transformed by the DFT. The two presentations answer the same
questions, one axis at a time, and the compilation and the realisation need not know which layer they serve.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from acdc_optical.layers import ACDC, AFDF


class Presentation(Protocol):
    """The optical form of one kind of layer; n below is the number of coefficients along an axis."""

    real: bool
    """Whether the layer's numbers are real."""

    def pixels(self, n: int) -> int:
        """Modulator pixels along an axis."""

    def selection(self, n: int) -> tuple[Tensor, Tensor]:
        """Integer frequencies k, shape (K,), and the share of each coefficient in them, float64 (K, n)."""

    def lags(self, n: int) -> Tensor:
        """Pixel distances at which the kernel between input and output must be right, shape (L,)."""

    def independent(self, pixels: int) -> int:
        """How many of the mask's pixels along an axis may hold different values."""

    def fold(self, moments: Tensor) -> Tensor:
        """Reduce complex moments (L, pixels) to those of the independent mask values."""

    def unfold(self, values: Tensor) -> Tensor:
        """Spread the independent mask values (independent, n) over all mask pixels, (pixels, n)."""

    def distinct(self, pixels: Tensor, axes: int) -> Tensor:
        """The pixel values of a mask that may differ from one another, over the last ``axes`` axes."""

    def whole(self, distinct: Tensor, counts: Sequence[int]) -> Tensor:
        """All pixels of a mask from its distinct ones, ``counts`` of them along each of the last axes."""

    def encode(self, x: Tensor, axes: int) -> Tensor:
        """Vectors (..., *shape) to pixel values, over the last ``axes`` axes."""

    def decode(self, light: Tensor, axes: int) -> Tensor:
        """Complex field behind the second lens, upside down, to vectors; linear, and complex even for a real layer."""


class Mirrored:
    """ACDC: 2N pixels, even about the axis; the frequencies -(N-1) … N-1 carry d_|k|."""

    real = True

    def pixels(self, n: int) -> int:
        return 2 * n

    def selection(self, n: int) -> tuple[Tensor, Tensor]:
        k = torch.arange(-(n - 1), n)
        return k, (k.abs()[:, None] == torch.arange(n)).double()

    def lags(self, n: int) -> Tensor:
        return torch.arange(2 * n)  # the kernel is even: negative lags repeat

    def independent(self, pixels: int) -> int:
        return pixels // 2

    def fold(self, moments: Tensor) -> Tensor:
        # An even mask on an even number of pixels: each value stands at ±u, and the sines cancel.
        return 2 * moments.real[:, moments.shape[1] // 2 :]

    def unfold(self, values: Tensor) -> Tensor:
        return torch.cat((values.flip(0), values))

    def distinct(self, pixels: Tensor, axes: int) -> Tensor:
        for axis in range(-axes, 0):
            n = pixels.shape[axis]
            pixels = pixels.narrow(axis, n // 2, n - n // 2)
        return pixels

    def whole(self, distinct: Tensor, counts: Sequence[int]) -> Tensor:
        for axis, n in enumerate(counts, start=-len(counts)):
            # Of an odd number of pixels the one on the axis stands for itself.
            mirrored = distinct.flip(axis).narrow(axis, 0, n - distinct.shape[axis])
            distinct = torch.cat((mirrored, distinct), dim=axis)
        return distinct

    def encode(self, x: Tensor, axes: int) -> Tensor:
        return self.whole(x, [2 * n for n in x.shape[-axes:]])

    def decode(self, light: Tensor, axes: int) -> Tensor:
        # The image of an even field is even: its halves hold the same numbers, and their mean uses all light.
        for axis in range(-axes, 0):
            below, above = light.chunk(2, dim=axis)
            light = (below.flip(axis) + above) / 2
        return light


class Direct:
    """AFDF: n pixels as they are. For even n the Nyquist coefficient goes half to each end of the spectrum."""

    real = False

    def pixels(self, n: int) -> int:
        return n

    def selection(self, n: int) -> tuple[Tensor, Tensor]:
        k = torch.arange(-(n // 2), n // 2 + 1)
        share = torch.where(2 * k.abs() == n, 0.5, 1.0).double()
        return k, (k[:, None] % n == torch.arange(n)) * share[:, None]

    def lags(self, n: int) -> Tensor:
        return torch.arange(-(n - 1), n)

    def independent(self, pixels: int) -> int:
        return pixels

    def fold(self, moments: Tensor) -> Tensor:
        return moments

    def unfold(self, values: Tensor) -> Tensor:
        return values

    def distinct(self, pixels: Tensor, axes: int) -> Tensor:
        return pixels

    def whole(self, distinct: Tensor, counts: Sequence[int]) -> Tensor:
        return distinct

    def encode(self, x: Tensor, axes: int) -> Tensor:
        return x

    def decode(self, light: Tensor, axes: int) -> Tensor:
        return light.flip(tuple(range(-axes, 0)))  # two forward transforms give E(-x)


def presentation_of(layer: nn.Module) -> Presentation:
    """The presentation of a layer.

    Raises:
        TypeError: not an ACDC or AFDF layer.
    """
    match layer:
        case ACDC():
            return Mirrored()
        case AFDF():
            return Direct()
    raise TypeError(f"expected an ACDC or AFDF layer; got {type(layer).__name__}")
