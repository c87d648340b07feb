"""Optical layers with masks of their own that the tests of training share."""

from __future__ import annotations

import torch
from torch import nn

from acdc_optical import Bench, Continuous, Ideal, Wave, realise
from acdc_optical.models import Model
from acdc_optical.realisation import OpticalLayer
from tests.realisation.cases import bench, layer

MODELS: dict[str, Model] = {"ideal": Ideal(), "continuous": Continuous(), "wave": Wave()}
SINGLE = {"ACDC": torch.float32, "AFDF": torch.complex64}


def table(model: Model, kind: str, shape: tuple[int, ...]) -> Bench:
    """The preset's geometry; for waves so short that they need few samples: f = n·p²/λ."""
    pixels = max(shape) * (2 if kind == "ACDC" else 1)
    return bench(focal_length=pixels * 64e-12 / 633e-9) if isinstance(model, Wave) else bench()


def optical(kind: str, shape: tuple[int, ...], model: Model, **options: object) -> OpticalLayer:
    """A realised layer of random signs, with a bias in general position where it has one."""
    numbers = layer(kind, shape, "signed random", **options)
    if numbers.bias is not None:
        nn.init.normal_(numbers.bias, generator=torch.Generator().manual_seed(5))
    return realise(numbers, table(model, kind, shape), model=model)


def shake(module: nn.Module, size: float = 0.3, seed: int = 0) -> None:
    """Move every trained number somewhere else."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter.add_(size * torch.randn(parameter.shape, dtype=parameter.dtype, generator=generator))
