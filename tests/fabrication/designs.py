"""Designs that processes make masks of."""

from __future__ import annotations

import torch

from acdc_optical import Design, PhaseOnly, binary_phase, realise, trainable_masks
from tests.realisation.cases import bench, layer


def compiled(kind: str = "ACDC", shape: tuple[int, ...] = (2, 3), **changes: float) -> Design:
    return Design.of(layer(kind, shape, "signed random"), bench(**changes))


def one_etch(shape: tuple[int, ...] = (2, 3)) -> Design:
    """Masks of phase 0 or π, untrained."""
    torch.manual_seed(0)
    optical = realise(layer("ACDC", shape, "signed random"), bench())
    return Design.of_masks(trainable_masks(optical, binary_phase(), input=binary_phase()))


def phases(shape: tuple[int, ...] = (2, 3)) -> Design:
    """Masks of any phase, untrained."""
    torch.manual_seed(0)
    optical = realise(layer("AFDF", shape, "signed random"), bench())
    return Design.of_masks(trainable_masks(optical, PhaseOnly(), input=PhaseOnly()))
