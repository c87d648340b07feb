"""Photons: from watts and seconds to numbers, and back. Everything SI; constants exact since 2019 (CODATA)."""

from __future__ import annotations

import math

from scipy import constants
from torch import Tensor

from optics.detection.parameters import require
from optics.kernel import root


def photon_energy(wavelength: float | Tensor) -> float | Tensor:
    """hc/λ [J] of a photon of a vacuum wavelength [m].

    Raises:
        ValueError: the wavelength is not positive and finite.
    """
    require(wavelength, lambda v: (v > 0) & (v < math.inf), "a positive wavelength in metres")
    return constants.h * constants.c / wavelength


def photons(power: float | Tensor, exposure: float | Tensor, wavelength: float | Tensor) -> float | Tensor:
    """Mean number of photons that light of a power [W] brings during an exposure [s]: P·t·λ/(hc).

    Raises:
        ValueError: a negative power, or an exposure or wavelength that is not positive; or one that is not finite.
    """
    require(power, lambda v: (v >= 0) & (v < math.inf), "a power of 0 W or more")
    return power * _checked(exposure) / photon_energy(wavelength)


def power(count: float | Tensor, exposure: float | Tensor, wavelength: float | Tensor) -> float | Tensor:
    """Power [W] of which an exposure [s] collects so many photons: n·hc/(λt), the inverse of :func:`photons`.

    Raises:
        ValueError: a negative count, or an exposure or wavelength that is not positive; or one that is not finite.
    """
    require(count, lambda v: (v >= 0) & (v < math.inf), "0 photons or more")
    return count * photon_energy(wavelength) / _checked(exposure)


def amplitude_scale(unit_power: float | Tensor, exposure: float | Tensor, wavelength: float | Tensor) -> float | Tensor:
    """What a field is multiplied by to be in √photons, as :mod:`optics.detection.readout` takes it.

    Args:
        unit_power: power [W] that falls on a pixel where |E|² = 1. Of a field whose |E|² is in W/m² that is the
            pixel's active area [m²] in numbers.
        exposure: [s]
        wavelength: vacuum wavelength [m].

    Raises:
        ValueError: as of :func:`photons`.
    """
    return root(photons(unit_power, exposure, wavelength))


def _checked(exposure: float | Tensor) -> float | Tensor:
    require(exposure, lambda v: (v > 0) & (v < math.inf), "a positive exposure in seconds")
    return exposure
