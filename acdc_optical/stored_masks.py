"""Masks as the named tensors of a design file, and back: values of pixels, or the geometry of stripes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from acdc_optical.benches.bench import Bench
from acdc_optical.benches.planes import Planes
from acdc_optical.compilation.combs import relay_grid
from acdc_optical.compilation.masks import Masks, fitting
from acdc_optical.layers import ACDC, AFDF
from acdc_optical.light import Pattern
from acdc_optical.presentation import presentation_of
from optics import Grid, Stripes, point


def tensors_of(masks: Masks) -> dict[str, Tensor]:
    """What :func:`masks_of` needs to make the same masks again, but for what the bench and the layer say."""
    return {
        **_stored("input", masks.input_mask),
        **_stored("fourier", masks.fourier_mask),
        "gain": masks.gain,
        "residual": torch.tensor(masks.residual, dtype=torch.float64),
    }


def masks_of(
    layer: ACDC | AFDF,
    bench: Bench,
    tensors: Mapping[str, Tensor],
    pixels_per_coefficient: int,
    *,
    behind: bool,
    onward: bool,
) -> Masks:
    """Masks from their tensors.

    Args:
        layer, bench: whose masks they are, and where they stand.
        tensors: as of :func:`tensors_of`.
        pixels_per_coefficient: of mask D.
        behind: whether the light comes from another layer, and mask A is a relay mask.
        onward: whether the light goes on to another layer, whose mask A takes points of it.

    Raises:
        KeyError: a tensor is missing.
        ValueError: masks that are not those of the layer on this bench.
    """
    counts = [presentation_of(layer).pixels(n) for n in layer.shape]
    pixels = [n * pixels_per_coefficient for n in counts]
    if "fourier" in tensors:
        pixels = list(tensors["fourier"].shape)
    planes = planes_of(layer, bench, pixels, pixels_per_coefficient)
    if behind and tuple(tensors.get("input", torch.empty(0)).shape) != planes.input.cells:
        planes = replace(planes, input=relay_grid(counts, bench, bench.pixels().relay))
    if onward:
        planes = replace(planes, camera=planes.camera.resolved(point()))
    fourier_mask = _read("fourier", tensors, planes.mask)
    if isinstance(fourier_mask, Stripes):
        planes = replace(planes, mask=fitting(planes.mask, fourier_mask))
    return Masks(
        input_mask=_read("input", tensors, planes.input),
        fourier_mask=fourier_mask,
        gain=tensors["gain"],
        planes=planes,
        pixels_per_coefficient=pixels_per_coefficient,
        residual=float(tensors["residual"]),
    )


def planes_of(layer: ACDC | AFDF, bench: Bench, pixels: Sequence[int], pixels_per_coefficient: int) -> Planes:
    """Where the masks of a layer stand on a bench, with so many pixels of mask D along each axis."""
    counts = [presentation_of(layer).pixels(n) for n in layer.shape]
    return Planes.of(bench, counts, pixels, pixels_per_coefficient, bench.pixels())


def _stored(name: str, pattern: Pattern) -> dict[str, Tensor]:
    if isinstance(pattern, Stripes):
        extent = torch.tensor(pattern.extent, dtype=torch.float64)
        return {f"{name}.edges": pattern.edges, f"{name}.first": pattern.first, f"{name}.extent": extent}
    return {name: pattern}


def _read(name: str, tensors: Mapping[str, Tensor], pixels: Grid) -> Pattern:
    if f"{name}.edges" in tensors:
        extent = tuple(tensors[f"{name}.extent"].tolist())
        stripes = Stripes(tensors[f"{name}.edges"], tensors[f"{name}.first"], extent)
        if stripes.ndim == 2 and stripes.rows != pixels.cells[0]:
            raise ValueError(f"the {name} mask has {stripes.rows} rows of stripes; the layer needs {pixels.cells[0]}")
        return stripes
    if tuple(tensors[name].shape) != pixels.cells:
        raise ValueError(f"the {name} mask has {tuple(tensors[name].shape)} pixels; the layer needs {pixels.cells}")
    return tensors[name]
