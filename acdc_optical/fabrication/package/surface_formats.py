"""Height maps, dose images and solids in the order package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from acdc_optical.fabrication.orders import MaskOrder
from acdc_optical.fabrication.package.format import Format, relief
from acdc_optical.fabrication.package.readings import Numbers, Reading, of_numbers, to_scale
from acdc_optical.fabrication.plate import Plate
from acdc_optical.fabrication.surfaces.doses import DoseCurve, read_dose_image, write_dose_bmp, write_dose_png
from acdc_optical.fabrication.surfaces.height_maps import (
    HeightScale,
    read_height_map,
    relief_of,
    write_height_png,
    write_height_tiff,
)
from acdc_optical.fabrication.surfaces.rasters import readers_of
from acdc_optical.fabrication.surfaces.solids import (
    closed_triangles_in,
    read_points,
    read_solid,
    triangles_in,
    write_points,
    write_solid,
)

DOSE_CURVE = "dose_curve.csv"

# Of numbers rounded to a step, which are read as they were written, and of the arithmetic in between.
_HALF = 0.5 * (1 + 1e-6)
_XYZ_DIGIT = 1e-11  # the fifth decimal of a micrometre
_SINGLE = 2.0**-23

# A solid has some 400 bytes for a cell, text some 30: beyond this few programs read either.
_MOST_CELLS = 2**20


def _held(order: MaskOrder, seen: Numbers, within: float, reader: str) -> Reading:
    """Heights as the shop sees them, beside those of the levels."""
    plate = order.plate
    assert plate.heights is not None  # else there is no such file
    heights = seen[:, ::-1] if plate.mirrored else seen
    return of_numbers(plate, heights, plate.heights, within=within, reader=reader)


def _map_reader(file: str) -> Callable[[Path, MaskOrder], Reading]:
    def found(folder: Path, order: MaskOrder) -> Reading:
        step = HeightScale.of(relief_of(order.plate)).step
        found = read_height_map(folder / file)
        held = _held(order, found.heights, _HALF * step, readers_of(file, found.heights.size))
        return to_scale(held, order.plate, pitch=found.pitch)

    return found


def dose_curve(order: MaskOrder) -> DoseCurve:
    """The curve that the process names; else a straight line, falling where a surface is lowered, else rising."""
    if order.process.dose_curve is not None:
        return DoseCurve.read(order.process.dose_curve)
    heights = relief_of(order.plate)
    span = max(float(np.ptp(heights)), 1e-12)
    ends = np.array([heights.min(), heights.min() + span])
    return DoseCurve(np.array([0.0, 255.0]), ends if order.process.made.startswith("added") else ends[::-1])


def _dose_writer(file: str, write: Callable[[Path, Plate, DoseCurve], None]) -> Callable[[Path, MaskOrder], None]:
    def written(folder: Path, order: MaskOrder) -> None:
        curve = dose_curve(order)
        curve.write(folder / DOSE_CURVE)
        write(folder / file, order.plate, curve)

    return written


def _dose_reader(file: str) -> Callable[[Path, MaskOrder], Reading]:
    def found(folder: Path, order: MaskOrder) -> Reading:
        curve = DoseCurve.read(folder / DOSE_CURVE)
        within = curve.error(relief_of(order.plate)) * (1 + 1e-6) + 1e-15
        heights = read_dose_image(folder / file, curve).heights
        return _held(order, heights, within, readers_of(file, heights.size))

    return found


def _small_relief(order: MaskOrder) -> str:
    """What a mask lacks for files that grow with every cell; stripes, whose rows are alike, make few."""
    lacking = relief(order)
    if lacking or order.pixels.ndim == 1 or order.plate.levels.size <= _MOST_CELLS:
        return lacking
    return f"a relief of at most {_MOST_CELLS} cells"


def _write_solid(folder: Path, order: MaskOrder) -> None:
    write_solid(folder / "relief.stl", order.plate, base=order.process.base)


def _read_solid(folder: Path, order: MaskOrder) -> Reading:
    plate = order.plate
    triangles, reader = _mesh_reader()
    heights = read_solid(folder / "relief.stl", shape=plate.levels.shape, pitch=plate.pitch, triangles=triangles)
    largest = float(np.abs(relief_of(plate)).max()) + order.process.base
    return _held(order, heights, 4 * _SINGLE * largest, reader)


def _mesh_reader() -> tuple[Callable[[str | Path], np.ndarray], str]:
    try:
        import trimesh  # noqa: F401 - an extra for development
    except ImportError:
        return triangles_in, "own reader; trimesh is not installed"
    return closed_triangles_in, "trimesh"


def _write_points(folder: Path, order: MaskOrder) -> None:
    write_points(folder / "relief.xyz", order.plate)


def _read_points(folder: Path, order: MaskOrder) -> Reading:
    plate = order.plate
    heights = read_points(folder / "relief.xyz", shape=plate.levels.shape, pitch=plate.pitch)
    return _held(order, heights, _HALF * _XYZ_DIGIT, "NumPy")


def _height_map(name: str, file: str, write: Callable[[Path, Plate], object]) -> Format:
    def written(folder: Path, order: MaskOrder) -> None:
        write(folder / file, order.plate)

    about = "16-bit height map, scale in height.json"
    return Format(name, file, about, relief, written, _map_reader(file), customary=True)


def _dose_image(name: str, file: str, write: Callable[[Path, Plate, DoseCurve], None]) -> Format:
    about = f"8-bit doses for gray-scale exposure, by {DOSE_CURVE}"
    return Format(name, file, about, relief, _dose_writer(file, write), _dose_reader(file))


SURFACES = (
    _height_map("png", "height.png", write_height_png),
    _height_map("tiff", "height.tif", write_height_tiff),
    _dose_image("dose", "dose.png", write_dose_png),
    _dose_image("dose-bmp", "dose.bmp", write_dose_bmp),
    Format("stl", "relief.stl", "closed solid on a base, in micrometres", _small_relief, _write_solid, _read_solid),
    Format(
        "xyz", "relief.xyz", "height of every cell as text, in micrometres", _small_relief, _write_points, _read_points
    ),
)
