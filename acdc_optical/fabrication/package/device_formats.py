"""Images for phase modulators and mirror arrays in the order package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from acdc_optical.fabrication.devices.mirrors import MirrorArray, read_bits, write_bits
from acdc_optical.fabrication.devices.modulators import ModulatorProfile
from acdc_optical.fabrication.devices.placement import Placement
from acdc_optical.fabrication.devices.profiles import read_profile, write_profile
from acdc_optical.fabrication.devices.responses import Grays, Response
from acdc_optical.fabrication.orders import MaskOrder
from acdc_optical.fabrication.package.format import Format
from acdc_optical.fabrication.package.readings import Reading, of_pixels
from acdc_optical.fabrication.plate import CHROME, Drawn
from acdc_optical.fabrication.surfaces.rasters import read_csv, read_raster, readers_of, write_bmp, write_csv, write_png
from acdc_optical.files import read_array, write_array

PROFILE = "profile.toml"

Written = Callable[[Path, MaskOrder], None]
Read = Callable[[Path, MaskOrder], Reading]


def _phases(order: MaskOrder) -> str:
    if np.abs(np.abs(order.plate.transmittance) - 1).max() > 1e-9:
        return "phases alone"
    return "" if order.process.made == "modulator" else "a modulator as its process (made = 'modulator')"


def _bytes(order: MaskOrder) -> str:
    lacking = _phases(order)
    return lacking or ("" if profile_for(order).response.bits <= 8 else "a panel of at most 8 bits")


def profile_for(order: MaskOrder) -> ModulatorProfile:
    """The modulator that the process names; else one of the mask's size with 8 bits, whose grays fall with phase."""
    if order.process.profile is not None:
        return read_profile(order.process.profile)
    shape, pitch = order.plate.levels.shape, order.plate.pitch
    return ModulatorProfile(pitch, Response.falling(8), Placement((shape[0], shape[1])))


def _writer(file: str, write: Callable[[Path, Grays], None]) -> Written:
    def written(folder: Path, order: MaskOrder) -> None:
        profile = profile_for(order)
        write(folder / file, profile.image_of(order.plate))
        write_profile(folder / PROFILE, profile)

    return written


def _reader(file: str, read: Callable[[Path], np.ndarray], by: str = "") -> Read:
    def found(folder: Path, order: MaskOrder) -> Reading:
        profile, image, plate = read_profile(folder / PROFILE), read(folder / file), order.plate
        reader = by or readers_of(file, image.size)
        held = of_pixels(image, profile.image_of(plate), reader)
        if image.dtype.kind != "u" or image.shape != profile.placement.shape:
            return held
        shape = plate.levels.shape
        try:
            seen = profile.phases(image, (shape[0], shape[1]))
        except ValueError as error:
            return Reading(held.differing, reader, None, (*held.remarks, str(error)))
        wanted = profile.phases(profile.image_of(plate), (shape[0], shape[1]))
        transmittance, ordered = _on_levels(order, seen), _on_levels(order, wanted)
        exact = np.array_equal(ordered, plate.transmittance[plate.levels])
        return Reading(held.differing, reader, transmittance, held.remarks, None if exact else ordered)

    return found


def _on_levels(order: MaskOrder, seen: np.ndarray) -> np.ndarray:
    """exp(iφ); with the digits of the level where the panel shows it but for rounding."""
    phases = seen[:, ::-1] if order.plate.mirrored else seen
    shown = np.exp(1j * phases)
    step = 2 * np.pi / len(order.plate.transmittance)
    nearest = order.plate.transmittance[np.rint(phases / step).astype(np.int64) % len(order.plate.transmittance)]
    return np.where(np.abs(shown - nearest) < 1e-9, nearest, shown)


def _binary(order: MaskOrder) -> str:
    same = len(order.plate.transmittance) == 2 and bool((order.plate.transmittance == CHROME.transmittance).all())
    return "" if same else "open and opaque cells alone"


def _mirrors(order: MaskOrder) -> MirrorArray:
    shape = order.process.panel or order.plate.levels.shape
    return MirrorArray(order.plate.pitch, Placement((shape[0], shape[1])))


def _mirror_writer(file: str, write: Callable[[Path, Drawn], None]) -> Written:
    def written(folder: Path, order: MaskOrder) -> None:
        write(folder / file, _mirrors(order).image_of(order.plate))

    return written


def _mirror_reader(file: str, read: Callable[[Path, tuple[int, int]], np.ndarray], by: str = "") -> Read:
    def found(folder: Path, order: MaskOrder) -> Reading:
        array, plate = _mirrors(order), order.plate
        image = read(folder / file, array.placement.shape)
        reader = by or readers_of(file, image.size)
        held = of_pixels(image, array.image_of(plate), reader)
        if image.shape != array.placement.shape or image.dtype != np.bool_:
            return held
        shape = plate.levels.shape
        seen = array.cells(image, (shape[0], shape[1]))
        cells = seen[:, ::-1] if plate.mirrored else seen
        return Reading(held.differing, reader, plate.transmittance[cells.astype(np.int64)], held.remarks)

    return found


def _raster(path: Path, shape: tuple[int, int] | None = None) -> np.ndarray:
    return read_raster(path).image


_SLM, _DMD = "image for the phase modulator of profile.toml", "image for a mirror array, 1 is open"

DEVICES = (
    Format("slm", "slm.png", _SLM, _phases, _writer("slm.png", write_png), _reader("slm.png", _raster), True),
    Format("slm-bmp", "slm.bmp", _SLM, _bytes, _writer("slm.bmp", write_bmp), _reader("slm.bmp", _raster)),
    Format(
        "slm-npy", "slm.npy", _SLM, _phases, _writer("slm.npy", write_array), _reader("slm.npy", read_array, "NumPy")
    ),
    Format("slm-csv", "slm.csv", _SLM, _phases, _writer("slm.csv", write_csv), _reader("slm.csv", read_csv, "NumPy")),
    Format(
        "dmd",
        "dmd.png",
        _DMD,
        _binary,
        _mirror_writer("dmd.png", write_png),
        _mirror_reader("dmd.png", _raster),
    ),
    Format(
        "dmd-bmp",
        "dmd.bmp",
        _DMD,
        _binary,
        _mirror_writer("dmd.bmp", write_bmp),
        _mirror_reader("dmd.bmp", _raster),
    ),
    Format(
        "dmd-bits",
        "dmd.bin",
        f"{_DMD}; packed bits, rows filled to bytes",
        _binary,
        _mirror_writer("dmd.bin", write_bits),
        _mirror_reader("dmd.bin", read_bits, "own reader"),
    ),
)
