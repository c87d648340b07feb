"""ACDC and AFDF layers, and the permutations between them: numbers only, no optics.

Row vectors, as in the paper (Moczulski, Denil, Appleyard and de Freitas, ICLR 2016, arXiv 1511.05946):

    y = x·A·C·D·C⁻¹    multiply by a, transform, multiply by d, transform back.

A deep cascade is an ``nn.Sequential`` of these layers and activations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from acdc_optical.transforms import CosineTransform, as_shape, check_trailing

Initialiser = Callable[[Tensor, torch.Generator | None], None]
"""Fills a diagonal, real or complex, in place."""


@dataclass(frozen=True)
class IdentityPlusNoise:
    """Diagonals drawn from N(1, std²): the start that trains at every depth (paper, section 6.1)."""

    std: float = 0.1

    def __call__(self, diagonal: Tensor, generator: torch.Generator | None) -> None:
        diagonal.normal_(generator=generator).mul_(self.std).add_(1)


@dataclass(frozen=True)
class Gaussian:
    """Diagonals drawn from N(0, std²): signed, the start that fails as depth grows (paper, section 6.1)."""

    std: float = 1.0

    def __call__(self, diagonal: Tensor, generator: torch.Generator | None) -> None:
        diagonal.normal_(generator=generator).mul_(self.std)


class ACDC(nn.Module):
    """The real layer y = x·A·C·D·C⁻¹ with C the orthonormal DCT-II, over one or two axes.

    Args:
        shape: N, or (h, w) for the separable 2-D transform.
        bias: adds a trained vector after D, in the transform domain, where the paper puts it.
        init: fills ``a`` and ``d``; identity plus noise by default.
        generator: source of the random start; torch's own by default.
        dtype, device: of the parameters.

    Called with a real tensor of shape (..., *shape); returns the same shape.

    Raises:
        ValueError: an empty or unusual shape, or input that does not end in it.
        TypeError: parameters or input that are not real floating point.
    """

    def __init__(
        self,
        shape: int | Sequence[int],
        *,
        bias: bool = False,
        init: Initialiser | None = None,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ):
        super().__init__()
        self.shape = as_shape(shape)
        self.transform = CosineTransform(self.shape)
        like = _empty(dtype or torch.get_default_dtype(), device)
        if like.dtype not in (torch.float32, torch.float64):
            raise TypeError(f"an ACDC layer has float32 or float64 parameters; got {like.dtype}")
        self.a, self.d, self.bias = _diagonals(self.shape, bias, init, generator, like)

    def forward(self, x: Tensor) -> Tensor:
        if not x.is_floating_point():
            raise TypeError(f"an ACDC layer takes real floating-point input; got {x.dtype}")
        check_trailing(x, self.shape)
        h = self.forth(x * self.a) * self.d
        return self.back(h if self.bias is None else h + self.bias)

    def forth(self, x: Tensor) -> Tensor:
        """x·C."""
        return self.transform.dct(x)

    def back(self, h: Tensor) -> Tensor:
        """h·C⁻¹."""
        return self.transform.idct(h)

    def offset(self) -> Tensor | None:
        """What the bias adds to every output, of the layer's shape; None without a bias."""
        return None if self.bias is None else self.back(self.bias)

    def extra_repr(self) -> str:
        return f"shape={self.shape}, bias={self.bias is not None}"


class KeepsComplex(nn.Module):
    """A module whose complex numbers stay so: a real dtype in ``Module.to`` stands for its complex counterpart."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        # Module.to(torch.float64) would cast imaginary parts away.
        def keeping_complex(value: Tensor) -> Tensor:
            like = fn(value.real.new_empty(0))
            cast_to_real = value.is_complex() and not fn(value.new_empty(0)).is_complex()
            return value.to(like.device, like.dtype.to_complex()) if cast_to_real else fn(value)

        return super()._apply(keeping_complex, recurse)


class AFDF(KeepsComplex):
    """The complex layer y = x·A·F·D·F⁻¹ with F the discrete Fourier transform, over one or two axes.

    ``d`` is in the order of ``torch.fft.fft``: zero frequency first. Real input is taken as complex; a real
    dtype, also in ``Module.to``, stands for its complex counterpart. (``Module.double`` and ``Module.float`` pass
    complex parameters by, as torch has them do.)

    Arguments, calls and errors as for :class:`ACDC`.
    """

    def __init__(
        self,
        shape: int | Sequence[int],
        *,
        bias: bool = False,
        init: Initialiser | None = None,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ):
        super().__init__()
        self.shape = as_shape(shape)
        like = _empty(dtype or torch.get_default_dtype(), device)
        if like.dtype not in (torch.float32, torch.float64, torch.complex64, torch.complex128):
            raise TypeError(f"an AFDF layer has complex64 or complex128 parameters; got {like.dtype}")
        like = like.to(like.dtype.to_complex())
        self.a, self.d, self.bias = _diagonals(self.shape, bias, init, generator, like)

    def forward(self, x: Tensor) -> Tensor:
        if not (x.is_floating_point() or x.is_complex()):
            raise TypeError(f"an AFDF layer takes floating-point or complex input; got {x.dtype}")
        check_trailing(x, self.shape)
        if not x.numel():
            return x * self.a  # torch's FFT refuses an empty batch
        h = self.forth(x * self.a) * self.d
        return self.back(h if self.bias is None else h + self.bias)

    def forth(self, x: Tensor) -> Tensor:
        """x·F."""
        return torch.fft.fftn(x, dim=tuple(range(-len(self.shape), 0)))

    def back(self, h: Tensor) -> Tensor:
        """h·F⁻¹."""
        return torch.fft.ifftn(h, dim=tuple(range(-len(self.shape), 0)))

    def offset(self) -> Tensor | None:
        """What the bias adds to every output, of the layer's shape; None without a bias."""
        return None if self.bias is None else self.back(self.bias)

    def extra_repr(self) -> str:
        return f"shape={self.shape}, bias={self.bias is not None}"


def _empty(dtype: torch.dtype, device: torch.device | str | None) -> Tensor:
    return torch.empty(0, dtype=dtype, device=device)


def _diagonals(
    shape: tuple[int, ...],
    bias: bool,
    init: Initialiser | None,
    generator: torch.Generator | None,
    like: Tensor,
) -> tuple[nn.Parameter, nn.Parameter, nn.Parameter | None]:
    fill = init or IdentityPlusNoise()
    a, d = like.new_empty(shape), like.new_empty(shape)
    fill(a, generator)
    fill(d, generator)
    return nn.Parameter(a), nn.Parameter(d), nn.Parameter(like.new_zeros(shape)) if bias else None


class Permutation(nn.Module):
    """A fixed random permutation of the features, over one or two trailing axes together.

    Args:
        shape: N or (h, w).
        seed: the same seed gives the same permutation on every device.

    The order is a buffer of the state_dict, so a loaded network permutes as the saved one did.

    Raises:
        ValueError: an empty or unusual shape, or input that does not end in it.
    """

    order: Tensor

    def __init__(self, shape: int | Sequence[int], seed: int = 0):
        super().__init__()
        self.shape = as_shape(shape)
        order = torch.randperm(math.prod(self.shape), generator=torch.Generator().manual_seed(seed))
        self.register_buffer("order", order)

    def forward(self, x: Tensor) -> Tensor:
        check_trailing(x, self.shape)
        flat = x.flatten(-len(self.shape))
        return flat[..., self.order].unflatten(-1, self.shape)

    def extra_repr(self) -> str:
        return f"shape={self.shape}"


def as_matrix(module: nn.Module, shape: int | Sequence[int] | None = None) -> Tensor:
    """The dense matrix M of a linear module on row vectors, x.flatten() @ M, found by pushing the identity.

    Args:
        module: any linear layer or sequence of layers.
        shape: of its input; by default that of the first layer inside that has one.

    Returns:
        shape (N, N_out) with N the number of input features, in the module's own dtype.

    Raises:
        ValueError: no shape is given or found, or the module is not linear (a bias, an activation).
    """
    features = as_shape(shape) if shape is not None else _input_shape(module)
    parameter = next(module.parameters(), torch.empty(0))
    count = math.prod(features)
    with torch.no_grad():
        basis = torch.eye(count, dtype=parameter.dtype, device=parameter.device)
        probe = torch.linspace(-0.5, 2, count, dtype=basis.real.dtype, device=basis.device).to(basis.dtype)
        rows = torch.cat((basis, probe[None], torch.zeros_like(probe)[None])).unflatten(-1, features)
        images = module(rows).flatten(1)
    matrix, image, dark = images[:-2], images[-2], images[-1]
    # A thousand roundings are far more than a cascade of transforms makes, and far less than a function bends.
    rounding = 1e3 * torch.finfo(matrix.dtype).eps * matrix.norm() * probe.norm()
    if dark.norm() > 0 or (probe.to(matrix.dtype) @ matrix - image).norm() > rounding:
        raise ValueError("as_matrix needs a linear module; this one is not (does it hold a bias or an activation?)")
    return matrix


def _input_shape(module: nn.Module) -> tuple[int, ...]:
    for inner in module.modules():
        if isinstance(inner, ACDC | AFDF | Permutation):
            return inner.shape
    raise ValueError("as_matrix could not find the input shape in the module; pass shape=N or shape=(h, w)")
