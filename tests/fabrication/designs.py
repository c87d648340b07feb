"""Designs that processes make masks of."""

from __future__ import annotations

import torch

from acdc_optical import Design, OneEtch, PhaseOnly, binary_phase, realise, trainable_masks
from tests.realisation.cases import bench, layer


def compiled(kind: str = "ACDC", shape: tuple[int, ...] = (2, 3), **changes: float) -> Design:
    return Design.of(layer(kind, shape, "signed random"), bench(**changes))


def one_etch(shape: tuple[int, ...] = (2, 3)) -> Design:
    """Masks of phase 0 or π, untrained."""
    torch.manual_seed(0)
    optical = realise(layer("ACDC", shape, "signed random"), bench())
    return Design.of_masks(trainable_masks(optical, binary_phase(), input=binary_phase()))


def striped(shape: tuple[int, ...] = (2, 3), **settings: float) -> Design:
    """A mask D of stripes, on a grid of a nanometre."""
    method = OneEtch(**{"minimum_feature": 1e-6, "grid": 1e-9, **settings})
    return Design.of(layer("ACDC", shape, "signed random"), bench(subpixels=3), method=method)


def phases(shape: tuple[int, ...] = (2, 3)) -> Design:
    """Masks of any phase, untrained."""
    torch.manual_seed(0)
    optical = realise(layer("AFDF", shape, "signed random"), bench())
    return Design.of_masks(trainable_masks(optical, PhaseOnly(), input=PhaseOnly()))
