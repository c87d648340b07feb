"""Layers, benches and inputs that the tests and the measurement commands share."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from acdc_optical import (
    ACDC,
    AFDF,
    Bench,
    Camera,
    FourierMask,
    Gaussian,
    IdentityPlusNoise,
    Modulator,
    OpticalLayer,
    realise,
)
from acdc_optical.compilation.moments import Moments
from acdc_optical.compilation.searches import Found, Search

KINDS = {"ACDC": ACDC, "AFDF": AFDF}
STARTS = {"identity-like": IdentityPlusNoise(), "signed random": Gaussian()}

# The sizes at which issue 2 wants figures: powers of two, odd and prime lengths, 1-D and 2-D, oblong ones.
SHAPES = [(16,), (64,), (256,), (7,), (17,), (8, 8), (12, 20), (32, 32), (5, 9)]


def bench(
    *, subpixels: int = 2, mask_fill: float = 1.0, fill: float = 0.9644, camera_fill: float = 0.9, **changes: Any
) -> Bench:
    """The preset's geometry, with the fills and the pixels per coefficient in hand."""
    parts = {
        "wavelength": 633e-9,
        "focal_length": 0.1,
        "modulator": Modulator(pitch=8e-6, fill=fill),
        "mask": FourierMask(pixels_per_coefficient=subpixels, fill=mask_fill),
        "camera": Camera(fill=camera_fill),
    }
    return Bench(**{**parts, **changes})


def layer(
    kind: str, shape: int | tuple[int, ...], start: str = "identity-like", *, seed: int = 0, **options: Any
) -> ACDC | AFDF:
    """A random layer in float64 unless a dtype is given."""
    options.setdefault("dtype", torch.float64)
    return KINDS[kind](shape, init=STARTS[start], generator=_generator(seed), **options)


def scattered(kind: str, shape: int | tuple[int, ...]) -> OpticalLayer:
    """A layer whose diagonals are 1 and noise of 0.3, real or complex, realised on the preset."""
    numbers = KINDS[kind](shape, dtype=torch.float64 if kind == "ACDC" else torch.complex128)
    generator = _generator(0)
    with torch.no_grad():
        for diagonal in (numbers.a, numbers.d):
            diagonal.copy_(1 + 0.3 * torch.randn(diagonal.shape, generator=generator, dtype=diagonal.dtype))
    return realise(numbers, Bench.preset())


def inputs(layer: ACDC | AFDF, *batch: int, seed: int = 0) -> Tensor:
    """Gaussian inputs of the layer's shape and dtype."""
    return torch.randn(*batch, *layer.shape, generator=_generator(1000 + seed), dtype=layer.a.dtype)


def gradient_error(made: nn.Module, numbers: ACDC | AFDF, x: Tensor) -> float:
    """Relative error of the gradients by a and d together, of a loss that is not quadratic."""
    found = []
    for module in (made, numbers):
        numbers.zero_grad()
        module(x).abs().pow(3).sum().backward()
        found.append(torch.stack((numbers.a.grad, numbers.d.grad)).clone())
    return relative_error(*found)


def counting(search: Search, calls: list[float]) -> Search:
    """The same search, which notes the error of each call."""

    def counted(moments: Moments, error: float) -> Found:
        calls.append(error)
        return search(moments, error)

    return counted


def relative_error(got: Tensor, wanted: Tensor) -> float:
    """Relative L2 error over everything, in float64."""
    got, wanted = (t.detach().to(torch.complex128) for t in (got, wanted))
    return float((got - wanted).norm() / wanted.norm())


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
