"""Height maps: the relief of a plate as a 16-bit PNG or TIFF, with its scale in the file and in a sidecar.

The height of a pixel is origin + step · number. The step is 1, 2 or 5 times a power of ten, for people type it into the
dialogs of other programs; of those it is the smallest that the range allows, so that half a step, the largest error, is
at most 1/26000 of the range. The sidecar, the same name ending in .json, is what counts; the same text is in the image
(TIFF ImageDescription, PNG tEXt), and a reader compares the two, and both with the image's own size and resolution.
Images hold :attr:`Plate.seen`, top first.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from acdc_optical.fabrication.plate import Levels, Plate
from acdc_optical.fabrication.surfaces.rasters import Pitch, Raster, read_raster, upright, write_png, write_tiff
from acdc_optical.files import write_text
from optics.units import nm, um

Heights = NDArray[np.float64]

_NUMBERS = 2**16 - 1
_FORMAT = "acdc-optical height map 1"
_KEYS = {"format", "plate", "rows", "columns", "pitch_y_um", "pitch_x_um", "origin_nm", "step_nm"}


@dataclass(frozen=True)
class HeightScale:
    """Height = origin + step · number.

    Attributes:
        origin: height of number 0 [m].
        step: height of one [m].

    >>> scale = HeightScale.of(np.array([0.0, 600e-9, 1200e-9]))
    >>> f"{scale.step:.3g}", scale.numbers(np.array([600e-9])).tolist()
    ('2e-11', [30000])
    """

    origin: float
    step: float

    @classmethod
    def of(cls, heights: Heights) -> HeightScale:
        """The scale for heights [m]: from the lowest of them, in the smallest round step that reaches the highest.

        Raises:
            ValueError: no heights, or not all finite.
        """
        if not heights.size or not np.isfinite(heights).all():
            raise ValueError("expected heights, all of them finite; check the relief of the plate")
        lowest, highest = _rounded(float(heights.min()) / nm), _rounded(float(heights.max()) / nm)
        return cls(lowest * nm, _round_step((highest - lowest) / _NUMBERS) * nm)

    def numbers(self, heights: Heights) -> NDArray[np.uint16]:
        """The nearest numbers; the heights must be within the scale."""
        numbers: NDArray[np.uint16] = np.rint((heights - self.origin) / self.step).astype(np.uint16)
        return numbers

    def heights(self, numbers: NDArray[np.unsignedinteger]) -> Heights:
        """Heights [m]."""
        return self.origin + self.step * numbers.astype(np.float64)


class HeightMap(NamedTuple):
    """What a file of heights holds.

    Attributes:
        heights: [m], float64, shape (ny, nx), the lowest row first, as the shop sees them.
        pitch: size of a cell, (y, x) [m].
    """

    heights: Heights
    pitch: Pitch


def relief_of(plate: Plate) -> Heights:
    """The height of every cell as the shop sees it [m], shape (ny, nx).

    Raises:
        ValueError: the plate has no relief.
    """
    if plate.heights is None:
        raise ValueError(f"plate {plate.name!r} has no relief; heights are written of plates that have one")
    return plate.heights[plate.seen].astype(np.float64)


def levels_at(plate: Plate, heights: Heights, *, tolerance: float) -> Levels:
    """The level whose height each cell has: as :attr:`Plate.seen`, with the first for all that are equally high.

    Args:
        plate: where the levels and their heights come from.
        heights: as read from a file [m], shape (ny, nx).
        tolerance: by which a height may differ from its level's [m].

    Raises:
        ValueError: the plate has no relief, or cells have a height that is no level's; the message counts them.
    """
    if plate.heights is None:
        raise ValueError(f"plate {plate.name!r} has no relief, and no level has a height")
    known, first = np.unique(plate.heights, return_index=True)
    nearest = np.searchsorted((known[1:] + known[:-1]) / 2, heights)
    strays = int((np.abs(known[nearest] - heights) > tolerance).sum())
    if strays:
        raise ValueError(f"{strays} cells have a height that is no level of plate {plate.name!r}")
    levels: Levels = first[nearest].astype(plate.levels.dtype)
    return levels


def sidecar_of(path: str | Path) -> Path:
    """Where the scale of a height map is written: the same name, ending in .json."""
    return Path(path).with_suffix(".json")


def write_height_png(path: str | Path, plate: Plate) -> HeightScale:
    """Write the relief as a 16-bit PNG and its sidecar; the scale that they have.

    Raises:
        ValueError: the plate has no relief, or heights that are not finite.
        OSError: as :func:`acdc_optical.files.replacing`.
    """
    image, scale, note = _drawn(plate)
    write_png(path, image, pitch=plate.pitch, note=note)
    write_text(sidecar_of(path), note + "\n")
    return scale


def write_height_tiff(path: str | Path, plate: Plate) -> HeightScale:
    """Write the relief as a 16-bit TIFF and its sidecar; errors as for :func:`write_height_png`."""
    image, scale, note = _drawn(plate)
    write_tiff(path, image, pitch=plate.pitch, note=note)
    write_text(sidecar_of(path), note + "\n")
    return scale


def read_height_map(path: str | Path) -> HeightMap:
    """Read a PNG or TIFF by its sidecar, having compared that with the image.

    Raises:
        FileNotFoundError: the image or its sidecar is missing.
        ValueError: the image is damaged or not of 16 bits, or the sidecar is not such a one or says another thing than
            the image; the message names the first difference.
    """
    raster, side = read_raster(path), sidecar_of(path)
    if not side.is_file():
        raise FileNotFoundError(f"{path}: no {side.name} beside it; it holds the scale of the heights")
    told = _scale_text(side.read_text(encoding="utf-8"), str(side))
    if raster.image.dtype != np.uint16:
        raise ValueError(f"{path}: expected 16-bit gray; got {raster.image.dtype}")
    differences = list(_differences(raster, told, str(path)))
    if differences:
        raise ValueError(f"{path}: image and {side.name} contradict each other: {differences[0]}; write both anew")
    scale = HeightScale(told["origin_nm"] * nm, told["step_nm"] * nm)
    heights = scale.heights(upright(raster.image.astype(np.uint16)))
    return HeightMap(heights, (told["pitch_y_um"] * um, told["pitch_x_um"] * um))


def _drawn(plate: Plate) -> tuple[NDArray[np.uint16], HeightScale, str]:
    relief = relief_of(plate)
    scale = HeightScale.of(relief)
    ny, nx = relief.shape
    note = {
        "format": _FORMAT,
        "plate": plate.name,
        "height_nm": "origin_nm + step_nm * number",
        "orientation": "first row: top, +y; first column: left; as seen from the patterned side",
        "x_mirrored": plate.mirrored,
        "rows": ny,
        "columns": nx,
        "pitch_y_um": _rounded(plate.pitch[0] / um),
        "pitch_x_um": _rounded(plate.pitch[1] / um),
        "origin_nm": _rounded(scale.origin / nm),
        "step_nm": _rounded(scale.step / nm),
    }
    return upright(scale.numbers(relief)), scale, json.dumps(note, indent=1)


def _rounded(number: float) -> float:
    """Without the last digits, which are the unit's: 3.74 and not 3.7399999999999998."""
    return float(f"{number:.12g}")


def _round_step(least: float) -> float:
    if least <= 0:
        return 1e-3  # all cells are equally high: a picometre, and every number is 0
    power = math.floor(math.log10(least))
    steps = (_rounded(digit * 10.0**exponent) for exponent in (power, power + 1) for digit in (1, 2, 5))
    return next(step for step in steps if step >= least)


def _scale_text(text: str, source: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{source}: expected the scale of a height map as JSON; {error}") from None
    if not isinstance(told, dict) or told.get("format") != _FORMAT or not told.keys() >= _KEYS:
        raise ValueError(f"{source}: expected {_FORMAT!r} with {', '.join(sorted(_KEYS))}")
    numbers = [told[key] for key in _KEYS - {"format", "plate"}]
    if not all(isinstance(n, int | float) and math.isfinite(n) for n in numbers) or told["step_nm"] <= 0:
        raise ValueError(f"{source}: expected finite numbers for rows, columns, pitches and scale, the step positive")
    return told


def _differences(raster: Raster, told: dict[str, Any], path: str) -> Iterator[str]:
    if raster.note is None:
        yield "the image says nothing of its scale"
    else:
        inside = _scale_text(raster.note, path)
        for key in ["plate", *sorted(inside.keys() | told.keys())]:
            if inside.get(key) != told.get(key):
                yield f"{key} is {inside.get(key)} in the image and {told.get(key)} beside it"
    if raster.image.shape != (told["rows"], told["columns"]):
        yield f"the image has {raster.image.shape} pixels, not {told['rows']} × {told['columns']}"
    for axis, found in zip("yx", raster.pitch or (math.nan, math.nan), strict=True):
        expected = told[f"pitch_{axis}_um"] * um
        # PNG has whole pixels per metre; the fractions of TIFF and the inches in between are right to a millionth.
        if not abs(1 / found - 1 / expected) <= 0.5 + 1e-6 / expected:
            yield f"its resolution along {axis} is {found / um:.6g} um per pixel, not {expected / um:.6g} um"
