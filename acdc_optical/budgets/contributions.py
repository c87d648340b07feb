"""What each plane of an all-optical cascade contributes to the error of its output.

Between the numerical layers and the cascade stand hybrids: light up to one plane, and from there on the ideal, points
for pixels, which is the numerical layers. From hybrid to hybrid one plane more is as it is, so the differences add up
to the whole error exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from acdc_optical.benches.planes import Planes
from acdc_optical.cascade import OpticalCascade, System, total_gain
from acdc_optical.compilation.masks import Compiler, Masks
from acdc_optical.compilation.methods import Sampled
from acdc_optical.electronics import checked, scaled, sent
from acdc_optical.layers import ACDC, AFDF
from acdc_optical.models import Ideal
from optics import Field, Grid, point


class Contribution(NamedTuple):
    """What one plane adds to the error.

    Attributes:
        plane: "mask D 1", "mask A 2", "mask D 2" …, in the order the light meets them. The first mask A adds nothing:
            it multiplies the modulator's light, pixel by pixel. Lenses count with the mask D that they stand around.
        change: of the output, in its shape; over all planes they sum to the error.
        error: norm of the change over that of the layers' output.
    """

    plane: str
    change: Tensor
    error: float


def contributions(cascade: OpticalCascade, x: Tensor) -> list[Contribution]:
    """The error of a cascade plane by plane, for inputs x of shape (..., *cascade.shape).

    A mask's gain undoes what A and D dim together. What of it is A's is found by letting the mask D act on points.

    Raises:
        ValueError, TypeError: as the cascade does for its input.
    """
    with torch.no_grad():
        planes, outputs = zip(*_hybrids(cascade, x), strict=True)
    scale = float(outputs[0].norm()) or 1.0
    changes = [after - before for before, after in pairwise(outputs)]
    rows = zip(planes[1:], changes, strict=True)
    return [Contribution(plane, change, float(change.norm()) / scale) for plane, change in rows]


def _hybrids(cascade: OpticalCascade, x: Tensor) -> Iterator[tuple[str, Tensor]]:
    layers, masks = cascade.layers, cascade.masks()
    numbers = checked(layers[0], x)
    yield "layers", _through(layers, numbers)
    field, last = sent(layers[0], x, masks[0].planes), len(layers)
    for count, (system, own) in enumerate(zip(cascade.systems(masks), masks, strict=True), 1):
        layer, rest, gain = layers[count - 1], layers[count:], total_gain(masks[:count])
        shown = system.shown(field)
        if count > 1:
            ideal, strength = _points(cascade, layer), _strength_behind(cascade, own, layer, numbers)
            y = cascade.read(_ideally(ideal, shown, cascade, count), count)
            yield f"mask A {count}", _through(rest, scaled(layer, y, gain / strength * ideal.gain))
        if count == last:
            yield f"mask D {count}", cascade.decode(system.light(shown, system.fourier_mask), masks)
            return
        at_points = cascade.model.light(replace(own.planes, input=shown.grid, camera=_point_grid(own.planes)))
        numbers = scaled(layer, cascade.read(at_points(shown, system.fourier_mask), count), gain)
        yield f"mask D {count}", _through(rest, numbers)
        field = system.light(shown, system.fourier_mask)


def _through(layers: Sequence[ACDC | AFDF], x: Tensor) -> Tensor:
    for layer in layers:
        x = layer(x)
    return x


def _points(cascade: OpticalCascade, layer: ACDC | AFDF) -> Masks:
    """Mask D of points, for points of light, and its gain."""
    pixels = Ideal().pixels(cascade.bench)
    compiler = Compiler(layer.shape, cascade.presentation, cascade.bench, method=Sampled(), pixels=pixels)
    return compiler(torch.ones_like(layer.a), layer.d)


def _ideally(ideal: Masks, shown: Field, cascade: OpticalCascade, count: int) -> Field:
    """The light behind mask A through ideal lenses and an ideal mask D, at points."""
    light = Ideal().light(replace(ideal.planes, input=shown.grid))
    turned = System.of(ideal, light, axes=0 if count % 2 else len(cascade.shape))
    return light(shown, turned.fourier_mask)


def _strength_behind(cascade: OpticalCascade, own: Masks, layer: ACDC | AFDF, numbers: Tensor) -> Tensor:
    """The factor by which mask D is too weak for points of light that are the layer's numbers; scalar."""
    axes, points = len(cascade.shape), _point_grid(own.planes)
    field = Field(cascade.presentation.encode(layer.a * numbers, axes), points, own.planes.wavelength)
    light = cascade.model.light(replace(own.planes, input=points))
    seen = cascade.presentation.decode(cascade.detector(light(field, own.fourier_mask)), axes)
    offset = layer.offset()
    wanted = layer(numbers) if offset is None else layer(numbers) - offset
    power = seen.abs().square().sum()
    return (seen.conj() * wanted).real.sum() / power if power > 0 else torch.ones_like(power)


def _point_grid(planes: Planes) -> Grid:
    return planes.camera.resolved(point())
