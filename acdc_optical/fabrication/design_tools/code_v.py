"""Grid interferogram files (.INT) of Code V.

Text, known from public readers and writers (prysm's ``io`` and scripts), not from the manual::

    ! comments, if any
    title, at most 80 characters
    GRD nx ny {SUR|WFR} WVL <µm> SSZ <counts per wave> NDA <count of no data>
    counts                                 (nx·ny 16-bit integers, any line breaks)

SUR is a deformation of a surface, WFR of a wavefront; a count stands for 1/SSZ waves of WVL. Points run from the upper
left (-x, +y) to the right, then down. There is no pitch: the grid fills the aperture that it is attached to.

Some readers take the two numbers of a grid that is not square the other way round (prysm's own writer gives rows
first). Look at such a grid before you trust it, or pad the plate to a square. Look also at the sign: positive is
a sag along the light, or a longer path.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acdc_optical.fabrication.design_tools.lines import LineError, naming, numbered
from acdc_optical.fabrication.design_tools.sags import opaque, sags, turns
from acdc_optical.fabrication.plate import Drawn, Plate
from acdc_optical.files import replacing

MOST = 2**24
"""Points that are written or read."""

_HIGHEST = 2**15 - 1
_NO_DATA = -(2**15)
_PER_LINE = 11  # counts of up to six characters and a space: below the 80 characters of old readers


@dataclass(frozen=True, eq=False)
class Interferogram:
    """What an .INT file holds.

    Attributes:
        title: of the file.
        kind: ``SUR`` or ``WFR``.
        waves: float64, shape (ny, nx); rows grow with y, columns with x.
        valid: which points have data, shape (ny, nx).
        wavelength: [m].
        step: one count [waves]; a value is off by half of it at most.
    """

    title: str
    kind: str
    waves: NDArray[np.float64]
    valid: Drawn
    wavelength: float
    step: float

    @property
    def lengths(self) -> NDArray[np.float64]:
        """Sag or path [m], shape (ny, nx)."""
        return self.waves * self.wavelength

    @property
    def phases(self) -> NDArray[np.float64]:
        """2π for every wave [rad], shape (ny, nx)."""
        return 2 * np.pi * self.waves


def write_surface_int(path: str | Path, plate: Plate) -> None:
    """Write the sag of a plate as a surface deformation (SUR), to 1/65534 of the largest.

    Args:
        path: usually ``….INT``.
        plate: with heights; their sign is that of :func:`~acdc_optical.fabrication.design_tools.sags.sags`.

    Raises:
        ValueError: no heights; levels closer than 16 bits tell apart; too many cells.
        OSError: see :func:`~acdc_optical.files.replacing`.
    """
    _write(path, plate, "SUR", sags(plate) / plate.wavelength, np.zeros(len(plate.transmittance), dtype=np.bool_))


def write_wavefront_int(path: str | Path, plate: Plate) -> None:
    """Write the phase of a plate as a wavefront deformation (WFR), from 0 to below one wave; opaque cells: no data.

    Raises:
        ValueError: see :func:`~acdc_optical.fabrication.design_tools.sags.opaque`; levels closer than 16 bits tell
            apart; too many cells.
        OSError: see :func:`~acdc_optical.files.replacing`.
    """
    _write(path, plate, "WFR", turns(plate.transmittance), opaque(plate))


def read_int(path: str | Path) -> Interferogram:
    """Read a grid interferogram, SUR or WFR.

    Raises:
        OSError: no such file.
        ValueError: not such a file, a damaged header or count, too few counts or too many; the message names file and
            line.
    """
    with naming(path), open(path, encoding="ascii", errors="replace") as file:
        lines = numbered(file)
        number, title = next(lines, (1, ""))
        number, line = next(lines, (number, ""))
        header = _Header.parse(line, number)
        counts = np.fromiter(_counts(lines, header.nx * header.ny, number), dtype=np.int16)
    grid = counts.reshape(header.ny, header.nx)[::-1]
    wavelength = float(header.wavelength.scaleb(-6))
    return Interferogram(title, header.kind, grid / header.scale, grid != header.blank, wavelength, 1 / header.scale)


def _write(path: str | Path, plate: Plate, kind: str, waves: NDArray[np.float64], blank: Drawn) -> None:
    if plate.levels.size > MOST:
        raise ValueError(f"plate {plate.name!r} has {plate.levels.size} cells; at most {MOST} are written as text")
    largest = float(np.abs(waves[~blank]).max(initial=0.0))
    scale = int(_HIGHEST / largest) if largest else _HIGHEST
    counts = np.rint(waves * scale).astype(np.int64)
    counts[blank] = _NO_DATA
    if len(np.unique(counts[~blank])) < len(np.unique(waves[~blank])):
        raise ValueError(
            f"levels of plate {plate.name!r} are closer than the 16 bits of an INT file tell apart: take fewer "
            "levels, or write FITS, NPZ or a Grid Sag"
        )
    ny, nx = plate.levels.shape
    wavelength = Decimal(repr(float(plate.wavelength))).scaleb(6)
    words = np.array([str(count) for count in counts], dtype=object)[plate.levels[::-1].ravel()]
    with replacing(path) as temporary, open(temporary, "w", encoding="ascii", newline="\n") as file:
        file.write(f"{plate.name} {kind}\nGRD {nx} {ny} {kind} WVL {wavelength} SSZ {scale} NDA {_NO_DATA}\n")
        for start in range(0, len(words), _PER_LINE):
            file.write(" ".join(words[start : start + _PER_LINE]) + "\n")


@dataclass(frozen=True)
class _Header:
    """The GRD line."""

    nx: int
    ny: int
    kind: str
    wavelength: Decimal  # [µm]
    scale: float
    blank: int

    @classmethod
    def parse(cls, line: str, number: int) -> _Header:
        try:
            keyword, nx, ny, kind, *rest = line.upper().split()
            words = [word for word in rest if word != "NNB"]  # asks for the nearest point instead of interpolation
            given = dict(zip(words[::2], words[1::2], strict=True))
            wavelength, scale = Decimal(given.pop("WVL")), float(given.pop("SSZ"))
            header = cls(int(nx), int(ny), kind, wavelength, scale, int(given.pop("NDA", str(_NO_DATA))))
        except (ArithmeticError, KeyError, ValueError):
            keyword, header, given = "", None, {}
        if header is None or keyword != "GRD" or given or not header.is_sound():
            raise LineError(
                f"expected GRD nx ny SUR|WFR WVL wavelength SSZ scale NDA count; got {line[:80]!r}: export a grid "
                "interferogram of a surface or wavefront",
                number,
            )
        return header

    def is_sound(self) -> bool:
        """Whether the numbers can be those of a grid."""
        lengths = self.wavelength.is_finite() and self.wavelength > 0 and np.isfinite(self.scale) and self.scale > 0
        return bool(lengths and self.kind in ("SUR", "WFR") and min(self.nx, self.ny) > 0 and self.nx * self.ny <= MOST)


def _counts(lines: Iterator[tuple[int, str]], expected: int, number: int) -> Iterator[int]:
    """The counts, in the order of the file."""

    @lru_cache(maxsize=2**16)  # all the counts that there are
    def count(word: str) -> int:
        value = int(word)
        if not _NO_DATA <= value <= _HIGHEST:
            raise ValueError(word)
        return value

    found = 0
    for number, line in lines:
        for word in line.split():
            try:
                yield count(word)
            except ValueError:
                raise LineError(f"expected integers of 16 bits; got {word[:20]!r}", number) from None
            found += 1
        if found > expected:
            raise LineError(f"expected {expected} counts; there are more: header and data disagree", number)
    if found < expected:
        raise LineError(f"expected {expected} counts; the file ends after {found}: it is cut off", number)
