"""What devices make of the values that they are asked to show: the modulator of an input, others of a mask."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor

from acdc_optical.benches.imperfections import DeviceErrors, DisplayErrors, Number
from optics import Grid
from optics.devices.etches import EdgeGrowth, Overlay
from optics.devices.flatness import Flatness, random_flatness
from optics.devices.fringing import Crosstalk
from optics.devices.parts import Parts, whole
from optics.devices.steps import EtchDepth, LookUpTable, NearestLevel, PhaseStroke, QuantisedAmplitude, QuantisedPhase
from optics.kernel import double

N = TypeVar("N", Tensor, float, "Tensor | float", "Tensor | float | None")


def displayed(display: DisplayErrors, x: Tensor, axes: int, *, full_scale: float | None = None) -> Tensor:
    """The numbers that the modulator really shows.

    Gradients are those of the numbers asked for, straight through the steps; where they are cut off, of their phases.

    Args:
        display: what is wrong with it.
        x: the inputs, shape (..., *shape) with ``axes`` dimensions of one input.
        full_scale: the number for which a pixel lets all light through, unless ``display`` says it; None for the
            largest of each input.

    Returns:
        as x, which it is itself if nothing is wrong.
    """
    if display.full_scale is not None:
        full_scale, size = display.full_scale, x.abs()
        x = x.where(size <= full_scale, x / size.clamp(min=full_scale) * full_scale)
    if display.amplitude_bits is None:
        return x
    full = fully_open(x, axes, full_scale)
    return QuantisedAmplitude(display.amplitude_bits)(x / full) * full


def fully_open(x: Tensor, axes: int, full_scale: float | None) -> Tensor:
    """The number for which a pixel lets all light through, shape (..., 1[, 1]) or (1[, 1]).

    Args:
        x: the inputs, shape (..., *shape) with ``axes`` dimensions of one input.
        full_scale: the number; None for the largest of each input, and 1 where that is 0.
    """
    if full_scale is not None:
        return torch.full((1,) * axes, full_scale, dtype=x.real.dtype if x.is_complex() else x.dtype, device=x.device)
    largest = x.detach().abs().amax(tuple(range(-axes, 0)), keepdim=True)
    return largest.where(largest > 0, 1.0)


def as_shown(device: DeviceErrors, mask: Tensor, grid: Grid, *, wavelength: Number, nominal: float) -> Parts:
    """What the pixels of a device show, and what varies within them, in the order in which it comes about.

    Fields fringe, and etched areas grow, between phases that were asked for, each from 0 to below 2π. Which wavelength
    shines on it, how deep all of it is and how flat comes after that: otherwise a pixel of phase 0 on a surface that is
    a little too low would count as one of almost 2π, for its neighbours to run up to.

    Args:
        device: what is wrong with it.
        mask: what is asked for, shape ``grid.cells``.
        grid: its pixels.
        wavelength: of the light [m]; the phase of whatever delays it goes with its inverse.
        nominal: the wavelength for which it is made [m].

    Returns:
        values of shape (..., ny, Py, nx, Px) or (..., nx, Px), with draws in front if some numbers are drawn; those of
        ``mask`` itself if nothing is wrong.
    """
    axes = 2 * grid.ndim
    parts = _between_pixels(device, _asked(device, mask, grid), grid)
    depth = _and(device.etch_depth, nominal / wavelength - 1 if wavelength is not nominal else 0.0)
    values = EtchDepth(_behind(depth, axes))(parts.values)
    if isinstance(device.flatness, Tensor) or device.flatness:
        path = random_flatness(grid.cells, room(device.flatness, grid), seed=device.flatness_seed)
        path = path.unsqueeze(-1) if grid.ndim == 1 else path.unsqueeze(-1).unsqueeze(-3)
        values = Flatness(path, wavelength=_behind(wavelength, axes))(values)
    return Parts(values, parts.edges)


def _asked(device: DeviceErrors, mask: Tensor, grid: Grid) -> Tensor:
    """The transmittance that each pixel is driven to, or drawn with."""
    steps = (
        QuantisedAmplitude(device.amplitude_bits),
        QuantisedPhase(device.phase_bits),
        NearestLevel(device.states),
        PhaseStroke(room(device.phase_stroke, grid)),
        LookUpTable(device.look_up_table),
    )
    for step in steps:
        mask = step(mask)
    return mask


def _between_pixels(device: DeviceErrors, mask: Tensor, grid: Grid) -> Parts:
    """What pixels do to their neighbours."""
    parts = whole(mask, axes=grid.ndim)
    if device.etches is not None:
        aside = tuple(room(shift, grid) for shift in (device.overlay_y, device.overlay_x)[-grid.ndim :])
        still = ((0.0,) * grid.ndim,) * (device.etches - 1)
        parts = Overlay(2**device.etches, (*still, aside), grid.spacing)(parts)
    parts = EdgeGrowth(room(device.edge_growth, grid), grid.spacing)(parts)
    return Crosstalk(device.crosstalk, grid.spacing)(parts)


def _and(error: Number, other: Number) -> Number:
    """Two relative errors of one thing."""
    if not isinstance(other, Tensor) and other == 0:
        return error
    return (1 + double(error)) * (1 + other) - 1  # the other is of a wavelength, which is where kernels are built


def room(value: N, grid: Grid) -> N:
    """With room for the pixels behind what is drawn."""
    return _behind(value, grid.ndim)


def _behind(value: N, axes: int) -> N:
    return value[(..., *(None,) * axes)] if isinstance(value, Tensor) and value.ndim else value
