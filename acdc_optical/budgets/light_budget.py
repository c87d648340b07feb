"""Where the light of an all-optical cascade goes, layer by layer, and what its masks ask of their maker."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from acdc_optical.cascade import OpticalCascade
from acdc_optical.compilation.masks import Masks
from acdc_optical.light import Pattern
from acdc_optical.models import Model
from acdc_optical.realisation import OpticalLayer
from acdc_optical.sources import FixedMasks
from optics import Stripes

# Of a mask's light; without it the mask is off by a thousandth.
_FAINT = 1e-6


class LayerLight(NamedTuple):
    """Power at the planes of one layer, over that of the input.

    Attributes:
        before_a, behind_a: mask A.
        before_d, behind_d: mask D, within its pixels.
        arrived: on the next mask A, guards included; behind the last layer, on the whole of the camera's pixels.
    """

    before_a: float
    behind_a: float
    before_d: float
    behind_d: float
    arrived: float


class MaskFigures(NamedTuple):
    """What a mask is like.

    Attributes:
        mask: "mask A 1", "mask D 1", …
        transmission: mean of |t|² over its active area.
        range: its largest |t| over the smallest that matters; see :func:`dynamic_range`.
    """

    mask: str
    transmission: float
    range: float


class LightBudget(NamedTuple):
    """Of a cascade: its layers and its masks, in the order the light meets them."""

    layers: tuple[LayerLight, ...]
    masks: tuple[MaskFigures, ...]


def light_budget(cascade: OpticalCascade, x: Tensor) -> LightBudget:
    """The light of all inputs x together, plane by plane; shape (..., *cascade.shape).

    The last camera's pixels collect all that falls on them, whatever share of it their fill picks up.

    Raises:
        ValueError, TypeError: as the cascade does for its input; ValueError for inputs without light.
    """
    with torch.no_grad():
        powers = [float(plane.field.power.sum()) for plane in observed(cascade).trace(x)]
    if not powers[0]:
        raise ValueError("the input is 0 throughout: there is no light to follow; give one that is not")
    shares = [power / powers[0] for power in powers]
    layers = tuple(LayerLight(*shares[4 * k : 4 * k + 5]) for k in range(len(cascade.stages)))
    masks = []
    for number, own in enumerate(cascade.masks(), 1):
        of_a, of_d = own.mean_transmission
        masks.append(MaskFigures(f"mask A {number}", of_a, dynamic_range(own.input_mask)))
        masks.append(MaskFigures(f"mask D {number}", of_d, dynamic_range(own.fourier_mask)))
    return LightBudget(layers, tuple(masks))


def observed(optical: OpticalLayer | OpticalCascade) -> OpticalLayer | OpticalCascade:
    """A layer or cascade with its masks as they stand, seen by a camera whose pixels collect all that falls on them."""
    if isinstance(optical, OpticalLayer):
        source = FixedMasks(_seen_whole(optical.masks(), optical.model))
        return OpticalLayer(optical.layer, source, optical.bench, optical.model)
    *before, last = optical.masks()
    masks = [*before, _seen_whole(last, optical.model)]
    return OpticalCascade.of_masks(optical.layers, masks, optical.bench, optical.model)


def _seen_whole(masks: Masks, model: Model) -> Masks:
    return replace(masks, planes=replace(masks.planes, camera=model.whole_pixels(masks.planes.camera)))


def dynamic_range(mask: Pattern) -> float:
    """The largest |t| over the smallest that matters: all fainter pixels hold a millionth of Σ|t|²; 1 for stripes."""
    if isinstance(mask, Stripes):
        return 1.0
    moduli = mask.detach().abs().double().flatten().sort().values
    if not moduli.any():
        return 1.0
    powers = moduli.square().cumsum(0)
    smallest = moduli[powers > _FAINT * powers[-1]][0]
    return float(moduli[-1] / smallest)
