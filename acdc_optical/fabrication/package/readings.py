"""What a file says of a mask, beside what was ordered."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from acdc_optical.fabrication.plate import Plate

Transmittance = NDArray[np.complex128]
Numbers = NDArray[np.float64]

# Pitches and wavelengths in files have all digits, or twelve of them.
_SAME_SCALE = 1e-9

_TURNS: Mapping[str, Callable[[NDArray[np.generic]], NDArray[np.generic]]] = {
    "mirrored left-right": lambda values: values[:, ::-1],
    "upside down": lambda values: values[::-1],
    "turned by 180°": lambda values: values[::-1, ::-1],
    "transposed, x for y": np.transpose,
}


@dataclass(frozen=True, eq=False)
class Reading:
    """A mask as a file has it.

    Attributes:
        differing: cells, or pixels of a device, or rectangles, that are not as ordered.
        reader: what read the file.
        transmittance: of every cell in the frame of the light, complex128, shape of ``plate.levels``; None if the file
            does not tell all levels apart, as heights do not where there is chrome.
        remarks: what seems to have happened to the file.
        ordered: the transmittance that it should tell, where that is not the plate's, as on a panel that rounds to its
            grays.
    """

    differing: int
    reader: str
    transmittance: Transmittance | None = None
    remarks: tuple[str, ...] = ()
    ordered: Transmittance | None = None


def of_numbers(plate: Plate, found: Numbers, of_levels: Numbers, *, within: float, reader: str) -> Reading:
    """Hold a number for each cell against that of its level.

    Args:
        plate: as ordered.
        found: of every cell, in the frame of the light; NaN differs.
        of_levels: of each level; levels of the same number are not told apart.
        within: how far a number may be from its level's.
        reader: what read the file.
    """
    expected = of_levels[plate.levels]
    differing, remarks = _differences(found, expected, within)
    known, first = np.unique(of_levels, return_index=True)
    if len(known) < len(of_levels) or found.shape != expected.shape or not np.isfinite(found).all():
        return Reading(differing, reader, None, remarks)
    nearest = np.searchsorted((known[1:] + known[:-1]) / 2, found)
    return Reading(differing, reader, plate.transmittance[first[nearest]], remarks)


def of_transmittances(plate: Plate, found: Transmittance, *, within: float, reader: str) -> Reading:
    """Hold the transmittance of each cell against that of its level; arguments as for :func:`of_numbers`."""
    expected = plate.transmittance[plate.levels]
    differing, remarks = _differences(found, expected, within)
    return Reading(differing, reader, found if found.shape == expected.shape else None, remarks)


def to_scale(reading: Reading, plate: Plate, *, pitch: Sequence[float] = (), wavelength: float = 0.0) -> Reading:
    """The same, but that every cell differs where a file has another pitch, (y, x) [m], or wavelength [m]."""
    told = [("pitch", a, b) for a, b in zip(pitch, plate.pitch, strict=False)]
    told += [("wavelength", wavelength, plate.wavelength)] if wavelength else []
    strays = [f"{what} {a:.6g} m, not {b:.6g} m" for what, a, b in told if not math.isclose(a, b, rel_tol=_SAME_SCALE)]
    if not strays:
        return reading
    return replace(reading, differing=plate.levels.size, remarks=(*reading.remarks, *strays))


def of_pixels(found: NDArray[np.generic], expected: NDArray[np.generic], reader: str) -> Reading:
    """Hold the image of a device against what it should be, pixel by pixel."""
    differing, remarks = _differences(found, expected, 0)
    return Reading(differing, reader, None, remarks)


def _differences(
    found: NDArray[np.generic], expected: NDArray[np.generic], within: float
) -> tuple[int, tuple[str, ...]]:
    if found.shape != expected.shape:
        said = f"{' × '.join(map(str, found.shape))} in place of {' × '.join(map(str, expected.shape))}"
        return expected.size, (said, *_turned(found, expected, within))
    differing = _count(found, expected, within)
    return differing, tuple(_turned(found, expected, within)) if differing else ()


def _count(found: NDArray[np.generic], expected: NDArray[np.generic], within: float) -> int:
    """Entries that differ; what is not a number does."""
    kinds = (np.int64 if found.dtype.kind in "biu" else found.dtype, expected.dtype)
    return int((~(np.abs(found.astype(kinds[0]) - expected) <= within)).sum())


def _turned(found: NDArray[np.generic], expected: NDArray[np.generic], within: float) -> Iterator[str]:
    """How the file has to be turned to be as ordered."""
    for said, turn in _TURNS.items():
        turned = turn(found)
        if turned.shape == expected.shape and not _count(turned, expected, within):
            yield said
