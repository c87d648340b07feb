"""Dose images: the gray of a pixel is the dose that a gray-tone writer gives it, and the resist's curve its height.

Images hold :attr:`Plate.seen`, top first, 8 bits. They say nothing of heights: the curve does, and belongs to a resist,
its development and a writer. Scattered and blurred dose is not modelled: a curve is right for areas wider than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acdc_optical.fabrication.plate import Plate
from acdc_optical.fabrication.surfaces.curves import read_curve, write_curve
from acdc_optical.fabrication.surfaces.height_maps import HeightMap, Heights, relief_of
from acdc_optical.fabrication.surfaces.rasters import Image8, read_raster, upright, write_bmp, write_png
from optics.units import nm, um

_COLUMNS = ("dose", "height_nm")
_GRAYS = np.arange(256)
_ROUNDING = 1e-9  # of the curve's range, by which a height computed elsewhere may lie outside


@dataclass(frozen=True, eq=False)
class DoseCurve:
    """The height that the resist has after each dose.

    Attributes:
        doses: whole grays from 0 to 255, increasing, shape (points,); between them the height is a straight line.
        heights: above the same plane as the plate's [m], shape (points,); falling in a positive resist, rising in a
            negative one.

    Raises:
        ValueError: less than two points, doses that are not whole, do not increase or leave 0 to 255, or heights that
            are not finite, all equal, or now rise and now fall.
    """

    doses: NDArray[np.float64]
    heights: Heights

    def __post_init__(self) -> None:
        doses, heights = self.doses, self.heights
        if doses.ndim != 1 or doses.shape != heights.shape or len(doses) < 2:
            raise ValueError(f"expected two doses or more and a height for each; got {doses.shape}, {heights.shape}")
        if not (np.diff(doses) > 0).all() or doses[0] < 0 or doses[-1] > 255 or (doses % 1).any():
            raise ValueError("expected whole doses that increase, from 0 to 255 at most; sort them, drop repetitions")
        steps = np.diff(heights)
        if not np.isfinite(heights).all() or not steps.any() or (steps.min() < 0 < steps.max()):
            raise ValueError("expected heights that only fall, or only rise, with dose; smooth the measured ones")

    @classmethod
    def read(cls, path: str | Path) -> DoseCurve:
        """From a CSV file with columns dose, height_nm, say of a measured staircase of 256 steps.

        Raises:
            FileNotFoundError: no such file.
            ValueError: not such a table, or no such curve.
        """
        doses, heights = read_curve(path, _COLUMNS)
        try:
            return cls(doses, heights * nm)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def write(self, path: str | Path) -> None:
        """As CSV; errors as for :func:`acdc_optical.files.replacing`."""
        write_curve(path, _COLUMNS, (self.doses, self.heights / nm))

    @property
    def reach(self) -> tuple[float, float]:
        """The lowest and the highest height [m]."""
        return float(self.heights.min()), float(self.heights.max())

    def heights_of(self, grays: Image8) -> Heights:
        """The height of each gray [m].

        Raises:
            ValueError: grays without a measured height; the message counts them.
        """
        strays = int(((grays < self.doses[0]) | (grays > self.doses[-1])).sum())
        if strays:
            raise ValueError(f"{strays} pixels have a dose outside the curve's {self.doses[0]:g} to {self.doses[-1]:g}")
        heights: Heights = np.interp(_GRAYS, self.doses, self.heights)[grays]
        return heights

    def grays_of(self, heights: Heights) -> Image8:
        """The gray whose height is nearest; of several the least dose.

        Raises:
            ValueError: heights that the curve does not reach; the message counts them and says how far it reaches.
        """
        lowest, highest = self.reach
        margin = _ROUNDING * (highest - lowest)
        strays = int((~((heights >= lowest - margin) & (heights <= highest + margin))).sum())
        if strays:
            raise ValueError(
                f"{strays} heights are outside the dose curve, {lowest / um:.6g} to {highest / um:.6g} um; "
                "measure a longer curve, or move the relief into it"
            )
        grays = _GRAYS[(self.doses[0] <= _GRAYS) & (self.doses[-1] >= _GRAYS)]
        known, first = np.unique(np.interp(grays, self.doses, self.heights), return_index=True)
        nearest = np.searchsorted((known[1:] + known[:-1]) / 2, heights)
        return grays[first[nearest]].astype(np.uint8)

    def error(self, heights: Heights) -> float:
        """The largest difference between heights [m] and what their grays give [m]."""
        return float(np.abs(self.heights_of(self.grays_of(heights)) - heights).max())


def write_dose_bmp(path: str | Path, plate: Plate, curve: DoseCurve) -> None:
    """The relief as an 8-bit BMP of doses.

    Raises:
        ValueError: the plate has no relief, or heights outside the curve.
        OSError: as :func:`acdc_optical.files.replacing`.
    """
    write_bmp(path, upright(curve.grays_of(relief_of(plate))), pitch=plate.pitch)


def write_dose_png(path: str | Path, plate: Plate, curve: DoseCurve) -> None:
    """The relief as an 8-bit PNG of doses; errors as for :func:`write_dose_bmp`."""
    write_png(path, upright(curve.grays_of(relief_of(plate))), pitch=plate.pitch)


def read_dose_image(path: str | Path, curve: DoseCurve) -> HeightMap:
    """The heights that a BMP or PNG of doses will have, and the pitch as precisely as it is in the file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: damaged, not of 8 bits, without a resolution, or with doses outside the curve.
    """
    raster = read_raster(path)
    if raster.image.dtype != np.uint8 or raster.pitch is None:
        raise ValueError(f"{path}: expected 8-bit gray with its resolution; got {raster.image.dtype}, {raster.pitch}")
    return HeightMap(curve.heights_of(upright(raster.image.astype(np.uint8))), raster.pitch)
