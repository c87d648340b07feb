"""Orthonormal discrete cosine transforms of any length, in torch.

    DCT-II   X_k = s_k Σ_n x_n cos(πk(n+½)/N),   s_0 = √(1/N), s_k = √(2/N)
    DCT-III  its inverse and its transpose

One real FFT of the same length does each (Makhoul, IEEE Trans. ASSP 28, 1980): the even samples in order
followed by the odd ones reversed have a DFT whose half spectrum, turned by exp(-iπk/2N), holds X_k in its
real part and -X_{N-k} in its imaginary part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import index

import torch
from torch import Tensor
from torch.nn.functional import pad


class CosineTransform:
    """The orthonormal DCT pair over the trailing axes of a given shape.

    Args:
        shape: length of the last axis, or (h, w) of the last two.

    The phase factors are built once, in float64, and then cast to each dtype and device they meet.

    Raises:
        ValueError: no or more than two axes, or an axis without samples.
    """

    def __init__(self, shape: int | Sequence[int]):
        self.shape = as_shape(shape)
        self._casts: dict[tuple[int, torch.dtype, torch.device], tuple[Tensor, Tensor]] = {}

    def dct(self, x: Tensor) -> Tensor:
        """DCT-II of a float32 or float64 tensor of shape (..., *shape)."""
        return self._over_axes(self._dct_last, x)

    def idct(self, x: Tensor) -> Tensor:
        """DCT-III, the inverse of :meth:`dct`."""
        return self._over_axes(self._idct_last, x)

    def _over_axes(self, transform: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        if x.dtype not in (torch.float32, torch.float64):
            raise TypeError(f"the cosine transform takes float32 or float64 data; got {x.dtype}")
        check_trailing(x, self.shape)
        if not x.numel():
            return x  # torch's FFT refuses an empty batch
        x = transform(x)
        return x if len(self.shape) == 1 else transform(x.mT).mT

    def _dct_last(self, x: Tensor) -> Tensor:
        n = x.shape[-1]
        reordered = torch.cat((x[..., ::2], x[..., 1::2].flip(-1)), dim=-1)
        half = torch.fft.rfft(reordered) * self._factors(n, x)[0]
        return torch.cat((half.real, -half.imag[..., 1 : (n + 1) // 2].flip(-1)), dim=-1)

    def _idct_last(self, x: Tensor) -> Tensor:
        n = x.shape[-1]
        bins = n // 2 + 1
        mirrored = pad(x.flip(-1), (1, 0))[..., :bins]  # X_{N-k}, with X_N = 0
        reordered = torch.fft.irfft(torch.complex(x[..., :bins], -mirrored) * self._factors(n, x)[1], n=n)
        even, odd = reordered[..., : (n + 1) // 2], reordered[..., (n + 1) // 2 :].flip(-1)
        return torch.stack((even, pad(odd, (0, n % 2))), dim=-1).flatten(-2)[..., :n]

    def _factors(self, n: int, like: Tensor) -> tuple[Tensor, Tensor]:
        """s_k·exp(-iπk/2N) for the half spectrum, and its inverse."""
        key = (n, like.dtype, like.device)
        if key not in self._casts:
            k = torch.arange(n // 2 + 1, dtype=torch.float64)
            scale = torch.full_like(k, math.sqrt(2 / n))
            scale[0] = math.sqrt(1 / n)
            turn = torch.polar(scale, -math.pi * k / (2 * n))
            dtype = torch.complex64 if like.dtype == torch.float32 else torch.complex128
            self._casts[key] = (turn.to(like.device, dtype), (1 / turn).to(like.device, dtype))
        return self._casts[key]


def dct(x: Tensor, axes: int = 1) -> Tensor:
    """Orthonormal DCT-II over the last one or two axes.

    Args:
        x: float32 or float64, at least ``axes`` dimensions.
        axes: 1, or 2 for the separable two-dimensional transform.

    Equal to ``scipy.fft.dct(x, norm="ortho")`` (``dctn`` for two axes). :class:`CosineTransform` keeps its phase
    factors between calls; this function builds them each time.

    Raises:
        TypeError: x is neither float32 nor float64.
        ValueError: ``axes`` is not 1 or 2, or an axis has no samples.
    """
    return CosineTransform(_trailing_shape(x, axes)).dct(x)


def idct(x: Tensor, axes: int = 1) -> Tensor:
    """Orthonormal DCT-III over the last one or two axes, the inverse of :func:`dct`; same arguments and errors."""
    return CosineTransform(_trailing_shape(x, axes)).idct(x)


def as_shape(shape: int | Sequence[int]) -> tuple[int, ...]:
    """A length or an (h, w) pair as a tuple.

    Raises:
        ValueError: not one or two positive whole numbers.
    """
    try:
        lengths = tuple(index(n) for n in (shape if isinstance(shape, Sequence) else (shape,)))
    except TypeError:
        lengths = ()
    if len(lengths) not in (1, 2) or min(lengths) < 1:
        raise ValueError(f"expected a positive length N or an (h, w) pair of them; got {shape!r}")
    return lengths


def check_trailing(x: Tensor, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless x has shape (..., *shape)."""
    if tuple(x.shape[-len(shape) :]) != shape:
        wanted = ", ".join(("...", *map(str, shape)))
        raise ValueError(f"expected input of shape ({wanted}); got {tuple(x.shape)}")


def _trailing_shape(x: Tensor, axes: int) -> tuple[int, ...]:
    if axes not in (1, 2) or x.ndim < axes:
        raise ValueError(f"axes must be 1 or 2 and at most the {x.ndim} dimensions of the data; got {axes}")
    return tuple(x.shape[-axes:])
