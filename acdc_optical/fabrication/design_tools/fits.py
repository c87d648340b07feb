"""A plate for POPPY: two FITS files, transmission in amplitude and optical path difference in metres.

POPPY (``FITSOpticalElement``, "FITS File Headers" of its documentation) takes squares of square pixels, rows growing
with y, and takes files with PUPLSCAL [m per pixel] for a pupil plane. Cells that are not square are split into
squares where their sides are in a ratio of small integers; plates that are not square get an opaque frame. Where
one side has an even and the other an odd number of pixels, every pixel is split into four, so that the axis stays in
the middle. Own keywords say what was split: NCELLY, NCELLX, SPLITY, SPLITX.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning
from numpy.typing import NDArray

from acdc_optical.fabrication.design_tools.sags import turns
from acdc_optical.fabrication.plate import Plate
from acdc_optical.files import replacing

MOST_ALONG = 2**13
"""Pixels along a side: files of half a gigabyte."""

_MOST_SPLIT = 1024
_SAME = 1e-9  # of two pitches: they agree to rounding, or to the digits of a header
_WHEN = "of this HDU"  # in place of the date that astropy notes, so that the same plate gives the same bytes


@dataclass(frozen=True, eq=False)
class Pupil:
    """What a pair of files holds.

    Attributes:
        transmittance: of every cell, complex128, shape (ny, nx); rows grow with y.
        pitch: size of a cell, (y, x) [m].
        wavelength: [m].
    """

    transmittance: NDArray[np.complex128]
    pitch: tuple[float, float]
    wavelength: float


def write_fits(transmission: str | Path, opd: str | Path, plate: Plate) -> None:
    """Write a plate as a pair of FITS files in float64, both with checksums.

    Args:
        transmission: the amplitude of every pixel, 0 to 1, is written there.
        opd: the optical path difference [m], at least 0 and below a wavelength, there.
        plate: of any shape.

    Raises:
        ValueError: amplitudes above 1; cells that no division makes square; too many pixels.
        OSError: see :func:`~acdc_optical.files.replacing`.
    """
    moduli = np.abs(plate.transmittance)
    if moduli.max(initial=0.0) > 1 + _SAME:
        raise ValueError(f"plate {plate.name!r} has an amplitude of {moduli.max():.6g}; POPPY takes 0 to 1: scale it")
    frame = _Frame.around(plate)
    paths = turns(plate.transmittance) * plate.wavelength
    with replacing(transmission) as first, replacing(opd) as second:
        _write(first, plate, frame, np.minimum(moduli, 1.0), {})
        _write(second, plate, frame, paths, {"BUNIT": ("meter", "of the optical path difference")})


def read_fits(transmission: str | Path, opd: str | Path) -> Pupil:
    """Read such a pair by astropy, and take away what was split and framed.

    Files of others, without the own keywords, are read pixel by pixel; WAVELEN they must have.

    Raises:
        OSError: no such file.
        ValueError: a damaged file, a checksum that fails, headers that lack a keyword or disagree, a frame that is not
            empty, a cell whose pixels differ.
    """
    (amplitude, header), (path, other) = _opened(transmission), _opened(opd)
    if amplitude.shape != path.shape or amplitude.ndim != 2:
        raise ValueError(f"{transmission} and {opd}: expected two images alike; got {amplitude.shape}, {path.shape}")
    try:
        spacing, wavelength = (float(header[key]) for key in ("PIXELSCL", "WAVELEN"))
        same = all(math.isclose(header[key], other[key], rel_tol=_SAME) for key in ("PIXELSCL", "WAVELEN"))
        unit = other["BUNIT"]
    except KeyError as error:
        raise ValueError(f"{transmission} and {opd}: a header lacks {error}; write the pair by write_fits") from None
    if not same or unit not in ("meter", "m"):
        raise ValueError(f"{transmission} and {opd}: the headers disagree, or the path is not in metres ({unit})")
    try:
        frame = _Frame.of(header, spacing, amplitude.shape)
        moduli, paths = frame.cells(amplitude), frame.cells(path)
    except ValueError as error:
        raise ValueError(f"{transmission} and {opd}: {error}") from None
    cells = moduli * np.exp(2j * math.pi * paths / wavelength)
    return Pupil(cells, (frame.split[0] * spacing, frame.split[1] * spacing), wavelength)


@dataclass(frozen=True)
class _Frame:
    """Where the cells of a plate lie in a square of square pixels."""

    shape: tuple[int, int]
    split: tuple[int, int]
    side: int
    spacing: float

    @classmethod
    def around(cls, plate: Plate) -> _Frame:
        (ny, nx), (high, wide) = plate.levels.shape, plate.pitch
        ratio = Fraction(high / wide).limit_denominator(_MOST_SPLIT)
        down, across = ratio.numerator, ratio.denominator
        if not 0 < down <= _MOST_SPLIT or not math.isclose(down / across, high / wide, rel_tol=_SAME):
            raise ValueError(
                f"POPPY takes square pixels; the cells of plate {plate.name!r} are {high:.9g} m by {wide:.9g} m, in no "
                f"ratio of integers up to {_MOST_SPLIT}: choose pitches that are, as 8 µm and 12 µm"
            )
        if (ny * down - nx * across) % 2:
            down, across = 2 * down, 2 * across
        side = max(ny * down, nx * across)
        if side > MOST_ALONG:
            raise ValueError(
                f"plate {plate.name!r} makes a square of {side} pixels a side; at most {MOST_ALONG} are written: "
                "choose pitches in a simpler ratio, or write NPZ"
            )
        return cls((ny, nx), (down, across), side, high / down)

    @classmethod
    def of(cls, header: Any, spacing: float, shape: tuple[int, ...]) -> _Frame:
        """As the keywords say; every pixel a cell where there are none."""
        ny, nx, down, across = (
            int(header.get(key, default))
            for key, default in zip(("NCELLY", "NCELLX", "SPLITY", "SPLITX"), (*shape, 1, 1), strict=True)
        )
        return cls((ny, nx), (down, across), shape[0], spacing)

    def square(self, cells: NDArray[np.float64]) -> NDArray[np.float64]:
        """Cells, shape (ny, nx), as pixels of the square, zero around them."""
        pixels = np.zeros((self.side, self.side))
        pixels[self._window] = cells.repeat(self.split[0], axis=0).repeat(self.split[1], axis=1)
        return pixels

    def cells(self, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        """The inverse of :meth:`square`; raises ValueError where there is none."""
        high, wide = (n * k for n, k in zip(self.shape, self.split, strict=True))
        if not (0 < high <= pixels.shape[0] and 0 < wide <= pixels.shape[1]):
            raise ValueError(f"the header speaks of {high} by {wide} pixels; the image has {pixels.shape}")
        inside = pixels[self._window]
        cells = inside[:: self.split[0], :: self.split[1]].copy()
        if (inside != cells.repeat(self.split[0], axis=0).repeat(self.split[1], axis=1)).any():
            raise ValueError("a cell has pixels that differ")
        if np.count_nonzero(pixels) != np.count_nonzero(inside):
            raise ValueError("the frame around the cells is not empty")
        return cells

    @property
    def _window(self) -> tuple[slice, slice]:
        sizes = [n * k for n, k in zip(self.shape, self.split, strict=True)]
        first, second = (slice((self.side - size) // 2, (self.side - size) // 2 + size) for size in sizes)
        return first, second


def _write(path: Path, plate: Plate, frame: _Frame, values: NDArray[np.float64], unit: dict[str, Any]) -> None:
    image = fits.PrimaryHDU(frame.square(values[plate.levels]))
    keywords: dict[str, Any] = {
        "OBJECT": (plate.name, "the mask"),
        "PIXELSCL": (frame.spacing, "[m] per pixel"),
        "PUPLSCAL": (frame.spacing, "[m] per pixel: a pupil plane"),
        "WAVELEN": (plate.wavelength, "[m] in vacuum"),
        "DIAM": (frame.side * frame.spacing, "[m] of the square"),
        "NCELLY": (frame.shape[0], "rows of cells"),
        "NCELLX": (frame.shape[1], "columns of cells"),
        "SPLITY": (frame.split[0], "pixels of a cell along y"),
        "SPLITX": (frame.split[1], "pixels of a cell along x"),
        **unit,
    }
    image.header.update(keywords)
    image.add_datasum(when=f"data {_WHEN}")
    image.add_checksum(when=_WHEN, override_datasum=True)
    image.writeto(path, overwrite=True)


def _opened(path: str | Path) -> tuple[NDArray[np.float64], Any]:
    """Data and header of the first image; what astropy warns of is an error."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a FITS image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", AstropyUserWarning)
            with fits.open(path, checksum=True, memmap=False) as units:
                data, header = units[0].data, units[0].header
    except (AstropyUserWarning, OSError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path}: expected a FITS image, whole and with its checksum right; {reason}") from None
    if data is None or not np.isfinite(data).all():
        raise ValueError(f"{path}: expected an image of finite numbers in the first HDU")
    return np.asarray(data, dtype=np.float64), header
