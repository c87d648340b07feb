"""What the device of a mask makes of the values that it is asked to show."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor

from acdc_optical.imperfections import DeviceErrors, Number
from optics import Grid
from optics.devices import EtchDepth, LookUpTable, PhaseStroke, QuantisedAmplitude, QuantisedPhase
from optics.etches import EdgeGrowth, Overlay
from optics.flatness import Flatness, random_flatness
from optics.fringing import Crosstalk
from optics.kernel import double
from optics.parts import Parts, whole

N = TypeVar("N", Tensor, float, "Tensor | float", "Tensor | float | None")


def as_shown(device: DeviceErrors, mask: Tensor, grid: Grid, *, wavelength: Number, nominal: float) -> Tensor:
    """The transmittance of every pixel of a device, in the order in which it comes about.

    Args:
        device: what is wrong with it.
        mask: what is asked for, shape ``grid.cells``.
        grid: its pixels.
        wavelength: of the light [m]; the phase of whatever delays it goes with its inverse.
        nominal: the wavelength for which it is made [m].

    Returns:
        shape (..., *grid.cells), with draws in front if some numbers are drawn; ``mask`` itself if nothing is wrong.
    """
    depth = _and(device.etch_depth, nominal / wavelength - 1 if wavelength is not nominal else 0.0)
    steps = (
        QuantisedAmplitude(device.amplitude_bits),
        QuantisedPhase(device.phase_bits),
        PhaseStroke(room(device.phase_stroke, grid)),
        LookUpTable(device.look_up_table),
        EtchDepth(room(depth, grid)),
    )
    for step in steps:
        mask = step(mask)
    if isinstance(device.flatness, Tensor) or device.flatness:
        error = random_flatness(grid.cells, room(device.flatness, grid), seed=device.flatness_seed)
        mask = Flatness(error, wavelength=room(wavelength, grid))(mask)
    return mask


def in_parts(device: DeviceErrors, mask: Tensor, grid: Grid) -> Parts:
    """What varies within the pixels of a device that shows a mask, shape (..., *grid.cells)."""
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
    return value[(..., *(None,) * grid.ndim)] if isinstance(value, Tensor) and value.ndim else value
