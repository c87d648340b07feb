"""What a plate is to programs of optical design, level by level: a sag along the light, and a phase.

Their z runs with the light. Relief on the side that faces the source rises against it, and its sag is negative.
Positive phase is a longer path, as here (exp(iφ) with exp(ikz)).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from acdc_optical.fabrication.plate import Drawn, Plate

# Moduli that differ by less are the rounding of one number; a device's next step is far larger.
_SAME = 1e-9


def sags(plate: Plate) -> NDArray[np.float64]:
    """Displacement of the surface along the light at each level [m], shape (count,), from the lowest surface.

    Raises:
        ValueError: a plate without relief.
    """
    if plate.heights is None:
        raise ValueError(
            f"plate {plate.name!r} has no heights, so no sag: write its phase, or make it by a process with relief"
        )
    return 0.0 - plate.heights if plate.mirrored else plate.heights + 0.0  # neither leaves a negative zero


def turns(transmittance: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Phase in turns, at least 0 and below 1; 0 where no light passes.

    >>> turns(np.array([1, 1j, -1, -1j, 0])).tolist()
    [0.0, 0.25, 0.5, 0.75, 0.0]
    >>> turns(np.array([1 - 1e-20j])).tolist()
    [0.0]
    """
    part = np.where(transmittance == 0, 0.0, np.angle(transmittance) / (2 * math.pi)) % 1.0
    return np.where(part >= 1.0, 0.0, part)  # what is below zero by less than a rounding becomes a whole turn


def opaque(plate: Plate) -> Drawn:
    """For each level whether it lets no light through, for files that hold phase alone, shape (count,).

    Raises:
        ValueError: levels that let light through differ in amplitude, which such a file would lose.
    """
    moduli = np.abs(plate.transmittance)
    closed: Drawn = moduli == 0
    through = moduli[~closed]
    if through.size and np.ptp(through) > _SAME:
        raise ValueError(
            f"the transparent levels of plate {plate.name!r} have amplitudes from {through.min():.4g} to "
            f"{through.max():.4g}, and this file holds phase alone: write FITS or NPZ, which hold both"
        )
    return closed
