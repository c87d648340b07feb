"""Files for optical design and other simulators in the order package."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from acdc_optical.fabrication.design_tools.arrays import FLAT, RELIEF, STRIPED, write_arrays
from acdc_optical.fabrication.design_tools.code_v import read_int, write_surface_int, write_wavefront_int
from acdc_optical.fabrication.design_tools.fits import read_fits, write_fits
from acdc_optical.fabrication.design_tools.sags import opaque, sags, turns
from acdc_optical.fabrication.design_tools.zemax import (
    LEAST,
    MOST,
    read_grid_phase,
    read_grid_sag,
    write_grid_phase,
    write_grid_sag,
)
from acdc_optical.fabrication.orders import MaskOrder
from acdc_optical.fabrication.package.format import Format, relief
from acdc_optical.fabrication.package.readings import Numbers, Reading, of_numbers, of_transmittances, to_scale
from acdc_optical.fabrication.plate import Drawn, Plate
from acdc_optical.files import read_arrays

_OPD = "opd.fits"
_TRANSMISSION = "transmission.fits"

# Text files hold all digits of a number, in other units: what remains is the rounding of the conversion.
_ROUNDING = 1e-9
_DARK = -1.0  # stands for the phase of opaque cells, below all others


def _phase_alone(order: MaskOrder) -> str:
    moduli = np.abs(order.plate.transmittance)
    return "" if np.ptp(moduli[moduli > 0]) < _ROUNDING else "phases of one amplitude"


def _grid(order: MaskOrder) -> str:
    shape = order.plate.levels.shape
    return "" if min(shape) >= LEAST and order.plate.levels.size <= MOST else f"{LEAST} rows to {MOST} cells"


def _grid_sag(order: MaskOrder) -> str:
    return relief(order) or _grid(order)


def _grid_phase(order: MaskOrder) -> str:
    return _phase_alone(order) or _grid(order)


def _nothing(order: MaskOrder) -> str:
    return ""


def _read_sag(folder: Path, order: MaskOrder) -> Reading:
    grid, of_levels = read_grid_sag(folder / "sag.dat"), sags(order.plate)
    within = _ROUNDING * np.ptp(of_levels)
    held = of_numbers(order.plate, grid.values, of_levels, within=within, reader="own reader")
    return to_scale(held, order.plate, pitch=grid.pitch)


def _read_phase(folder: Path, order: MaskOrder) -> Reading:
    grid = read_grid_phase(folder / "phase.dat")
    return to_scale(
        _of_turns(order.plate, grid.values / (2 * np.pi), grid.valid, _ROUNDING), order.plate, pitch=grid.pitch
    )


def _read_surface(folder: Path, order: MaskOrder) -> Reading:
    found, of_levels = read_int(folder / "surface.int"), sags(order.plate)
    within = 0.501 * found.step * found.wavelength
    held = of_numbers(order.plate, found.lengths, of_levels, within=within, reader="own reader")
    return to_scale(held, order.plate, wavelength=found.wavelength)


def _read_wavefront(folder: Path, order: MaskOrder) -> Reading:
    found = read_int(folder / "wavefront.int")
    held = _of_turns(order.plate, found.waves, found.valid, 0.501 * found.step)
    return to_scale(held, order.plate, wavelength=found.wavelength)


def _of_turns(plate: Plate, found: Numbers, valid: Drawn, within: float) -> Reading:
    around = np.where(found % 1.0 > 1 - within, 0.0, found % 1.0)  # just below a turn is the first level
    of_levels = np.where(opaque(plate), _DARK, turns(plate.transmittance))
    return of_numbers(plate, np.where(valid, around, _DARK), of_levels, within=within, reader="own reader")


def _read_fits(folder: Path, order: MaskOrder) -> Reading:
    found = read_fits(folder / _TRANSMISSION, folder / _OPD)
    held = of_transmittances(order.plate, found.transmittance, within=_ROUNDING, reader="Astropy")
    return to_scale(held, order.plate, pitch=found.pitch, wavelength=found.wavelength)


def _read_arrays(folder: Path, order: MaskOrder) -> Reading:
    arrays, heights = read_arrays(folder / "levels.npz", STRIPED, RELIEF, FLAT), order.plate.heights
    levels, table = arrays["levels"].astype(np.int64), arrays["transmittance"]
    if levels.ndim != 2 or levels.min(initial=0) < 0 or levels.max(initial=0) >= len(table):
        raise ValueError(f"{folder / 'levels.npz'}: expected levels, 2-D, of the {len(table)} with a transmittance")
    found = table[levels].astype(np.complex128)
    held = of_transmittances(order.plate, found, within=0.0, reader="NumPy")
    if heights is not None and not np.array_equal(arrays.get("heights", ()), heights):
        held = replace(held, differing=levels.size, remarks=(*held.remarks, "other heights of the levels"))
    edges = order.plate.x_edges
    if edges is not None and not np.array_equal(arrays.get("x_edges", ()), edges):
        held = replace(held, differing=levels.size, transmittance=None, remarks=(*held.remarks, "other edges"))
    return to_scale(held, order.plate, pitch=arrays["pitch"].tolist(), wavelength=float(arrays["wavelength"]))


DESIGN_TOOLS = (
    Format(
        "zemax-sag",
        "sag.dat",
        "Zemax OpticStudio Grid Sag; interpolate linearly",
        _grid_sag,
        lambda folder, order: write_grid_sag(folder / "sag.dat", order.plate),
        _read_sag,
    ),
    Format(
        "zemax-phase",
        "phase.dat",
        "Zemax OpticStudio Grid Phase; interpolate linearly",
        _grid_phase,
        lambda folder, order: write_grid_phase(folder / "phase.dat", order.plate),
        _read_phase,
    ),
    Format(
        "code-v-surface",
        "surface.int",
        "Code V grid interferogram of the surface",
        relief,
        lambda folder, order: write_surface_int(folder / "surface.int", order.plate),
        _read_surface,
    ),
    Format(
        "code-v-wavefront",
        "wavefront.int",
        "Code V grid interferogram of the wavefront",
        _phase_alone,
        lambda folder, order: write_wavefront_int(folder / "wavefront.int", order.plate),
        _read_wavefront,
    ),
    Format(
        "fits",
        _TRANSMISSION,
        f"amplitude for POPPY; the optical path is {_OPD}",
        _nothing,
        lambda folder, order: write_fits(folder / _TRANSMISSION, folder / _OPD, order.plate),
        _read_fits,
    ),
    Format(
        "npz",
        "levels.npz",
        "the level of every cell, and what each level is, as NumPy arrays",
        _nothing,
        lambda folder, order: write_arrays(folder / "levels.npz", order.plate),
        _read_arrays,
        customary=True,
    ),
)
