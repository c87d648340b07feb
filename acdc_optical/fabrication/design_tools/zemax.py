"""Grid Sag and Grid Phase files (.DAT) of Zemax OpticStudio.

Text (OpticStudio Help, "Grid Sag", "Importing Grid Data"; "Grid Phase" has the same form)::

    nx ny delx dely unitflag xdec ydec
    z dz/dx dz/dy d2z/dxdy nodata          (nx·ny lines)

The first point is at the upper left (-x, +y); points run to the right, then down. Unitflag 0, 1, 2, 3 stands for mm,
cm, inches, metres; it scales all lengths, z of a sag among them; z of a phase is in radians. Derivatives are left at
zero: a mask is a staircase.

OpticStudio interpolates between points. A staircase wants its linear interpolation: the splines overshoot at edges, and
they take derivatives that are zero everywhere as a request to estimate them. Even so an edge becomes a ramp from one
point to the next; ``oversample`` makes it steeper. Points are centres of cells (or of parts of cells), so the outermost
half point of the mask has none.
"""

from __future__ import annotations

import math
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

LEAST = 5
"""Points along each axis that OpticStudio asks for."""

MOST = 2**22
"""Points that are written or read: a text of some hundred megabytes."""

_METRES = {0: Decimal("0.001"), 1: Decimal("0.01"), 2: Decimal("0.0254"), 3: Decimal(1)}  # in each unitflag
_RADIANS = dict.fromkeys(_METRES, Decimal(1))


@dataclass(frozen=True, eq=False)
class GridFile:
    """What a grid file holds.

    Attributes:
        values: sag [m] or phase [rad], float64, shape (ny, nx); rows grow with y, columns with x.
        valid: which points have data, shape (ny, nx).
        pitch: distance of the points, (y, x) [m].
        centre: of the grid on its surface, (y, x) [m].
    """

    values: NDArray[np.float64]
    valid: Drawn
    pitch: tuple[float, float]
    centre: tuple[float, float]


def write_grid_sag(path: str | Path, plate: Plate, *, oversample: int = 1) -> None:
    """Write the sag of a plate as a Grid Sag, in mm, exact to the last bit.

    Args:
        path: usually ``….DAT``.
        plate: with heights; their sign is that of :func:`~acdc_optical.fabrication.design_tools.sags.sags`.
        oversample: points along each side of a cell.

    Raises:
        ValueError: no heights; fewer points than OpticStudio takes, or more than a text is good for.
        OSError: see :func:`~acdc_optical.files.replacing`.
    """
    points = [f"{_decimal(z, 3)} 0 0 0 0" for z in sags(plate)]
    _write(path, plate, points, oversample)


def write_grid_phase(path: str | Path, plate: Plate, *, oversample: int = 1) -> None:
    """Write the phase of a plate as a Grid Phase, in radians from 0 to below 2π; opaque cells have no data.

    Args:
        path: usually ``….DAT``.
        plate: transparent cells must be alike in amplitude.
        oversample: points along each side of a cell.

    The phase is wrapped. What OpticStudio interpolates across a step of 2π is light that the mask does not send.

    Raises:
        ValueError: see :func:`~acdc_optical.fabrication.design_tools.sags.opaque`; fewer points than OpticStudio
            takes, or more than a text is good for.
        OSError: see :func:`~acdc_optical.files.replacing`.
    """
    phases = 2 * np.pi * turns(plate.transmittance)
    points = [f"{_decimal(z)} 0 0 0 {int(blank)}" for z, blank in zip(phases, opaque(plate), strict=True)]
    _write(path, plate, points, oversample)


def read_grid_sag(path: str | Path) -> GridFile:
    """Read a Grid Sag; values in metres.

    Lines that are blank or begin with ``!`` are passed over, comments behind ``!`` too.

    Raises:
        OSError: no such file.
        ValueError: not such a file, a damaged line, too few or too many; the message names file and line.
    """
    return _read(path, _METRES)


def read_grid_phase(path: str | Path) -> GridFile:
    """Read a Grid Phase; values in radians. Otherwise as :func:`read_grid_sag`."""
    return _read(path, _RADIANS)


def _decimal(value: float, shift: int = 0) -> str:
    """Value·10^shift with all the digits that tell it from its neighbours: the decimal point moves, nothing rounds."""
    return str(Decimal(repr(float(value))).scaleb(shift)) if value else "0"


def _write(path: str | Path, plate: Plate, points: list[str], oversample: int) -> None:
    if oversample < 1:
        raise ValueError(f"expected at least one point along each side of a cell; got oversample={oversample}")
    ny, nx = (oversample * n for n in plate.levels.shape)
    if min(nx, ny) < LEAST:
        raise ValueError(
            f"OpticStudio takes grids of at least {LEAST} by {LEAST} points; plate {plate.name!r} has {nx} by {ny}: "
            f"take oversample={-(-LEAST // min(plate.levels.shape))} or more"
        )
    if nx * ny > MOST:
        raise ValueError(
            f"{nx} by {ny} points of plate {plate.name!r} make a text of about {30 * nx * ny / 1e6:.0f} MB; at most "
            f"{MOST} points are written: oversample less, or write FITS or NPZ"
        )
    dely, delx = (_decimal(p / oversample, 3) for p in plate.pitch)
    lines = np.array([f"{point}\r\n".encode("ascii") for point in points], dtype=object)
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(f"{nx} {ny} {delx} {dely} 0 0 0\r\n".encode("ascii"))
        for row in plate.levels[::-1]:
            file.write(b"".join(lines[np.repeat(row, oversample)]) * oversample)


def _read(path: str | Path, scale: dict[int, Decimal]) -> GridFile:
    with naming(path), open(path, encoding="ascii", errors="replace") as file:
        lines = numbered(file)
        shape, unit, lengths = _header(*next(lines, (1, "")))
        points = _points(lines, scale[unit], shape[0] * shape[1])
        grid = np.fromiter(points, dtype=[("z", np.float64), ("valid", np.bool_)]).reshape(shape)[::-1]
    dely, delx, ydec, xdec = lengths
    return GridFile(grid["z"].copy(), grid["valid"].copy(), (abs(dely), abs(delx)), (ydec, xdec))


def _header(number: int, line: str) -> tuple[tuple[int, int], int, tuple[float, ...]]:
    """(ny, nx), the unitflag, and dely, delx, ydec, xdec [m]."""
    fields = line.split()
    try:
        nx, ny, unit = int(fields[0]), int(fields[1]), int(fields[4])
        delx, dely, xdec, ydec = (_finite(fields[i]) for i in (2, 3, 5, 6))
    except (IndexError, ArithmeticError, ValueError):
        fields = []
    if len(fields) != 7 or unit not in _METRES or min(nx, ny) < LEAST or not (delx and dely):
        raise LineError(
            f"expected nx ny delx dely unitflag xdec ydec, nx and ny at least {LEAST}, spacings, unitflag 0 to 3; "
            f"got {line[:60]!r}",
            number,
        )
    if nx * ny > MOST:
        raise LineError(f"a grid of {nx} by {ny} points; at most {MOST} are read: take a coarser one", number)
    return (ny, nx), unit, tuple(float(d * _METRES[unit]) for d in (dely, delx, ydec, xdec))


def _finite(text: str) -> Decimal:
    value = Decimal(text)
    if not math.isfinite(float(value)):
        raise ValueError(f"{text} is no number")
    return value


def _points(lines: Iterator[tuple[int, str]], scale: Decimal, count: int) -> Iterator[tuple[float, bool]]:
    """Value and validity of each point, in the order of the file."""

    @lru_cache(maxsize=2**16)  # of a mask with few levels, nearly all lines are alike
    def point(line: str) -> tuple[float, bool]:
        z, *slopes = line.split()
        if len(slopes) not in (3, 4) or slopes[3:] not in ([], ["0"], ["1"]):
            raise ValueError(line)
        for slope in slopes[:3]:
            _finite(slope)
        return float(_finite(z) * scale), slopes[3:] != ["1"]

    found, number = 0, 1
    for number, line in lines:
        if found == count:
            raise LineError(f"expected {count} points; this is one more: the header and the data disagree", number)
        try:
            yield point(line)
        except (ArithmeticError, ValueError):
            raise LineError(f"expected z dz/dx dz/dy d2z/dxdy nodata; got {line[:60]!r}", number) from None
        found += 1
    if found < count:
        raise LineError(f"expected {count} points; the file ends after {found}: it is cut off", number)
