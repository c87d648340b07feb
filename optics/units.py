"""Units as plain SI floats, and the one reader of quantities written by people ("633 nm").

Everything inside the library is SI: metres, radians, watts. These names exist for literals,
``wavelength = 633 * nm``, and for files.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

nm = 1e-9
um = 1e-6
mm = 1e-3
cm = 1e-2
m = 1.0

mrad = 1e-3
deg = math.pi / 180
mW = 1e-3  # noqa: N816  (a unit has its own capitals)
ms = 1e-3

_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_QUANTITY = re.compile(rf"\s*([+-]?{_NUMBER})\s*([^\d\s]+)\s*")
# A number of up to so many digits is written in the unit that reads best; others are for machines.
_READABLE = range(6, 13)


@dataclass(frozen=True, eq=False)
class Dimension:
    """A kind of quantity, and how people write it.

    Attributes:
        kind: in words, with its article.
        example: how it is written.
        units: what may stand behind the number, and what it is in SI.
        shown: those in which quantities are written, from large to small; the first is that of the SI.

    >>> LENGTH.format(6.33e-07), ANGLE.format(-2e-3)
    ('633 nm', '-2 mrad')
    """

    kind: str
    example: str
    units: Mapping[str, float]
    shown: tuple[str, ...]

    def parse(self, text: str) -> float:
        """Read a quantity with its unit, in SI.

        Raises:
            ValueError: the text is not a number followed by a known unit of this kind.
        """
        match = _QUANTITY.fullmatch(text)
        if match is None or match[2] not in self.units:
            expected = f"{self.kind} with its unit, like {self.example!r} ({', '.join(self.units)})"
            raise ValueError(f"expected {expected}; got {text!r}")
        return float(match[1]) * self.units[match[2]]

    def format(self, value: float, digits: int = 6) -> str:
        """Write a quantity, given in SI, with the unit that reads best."""
        rounded = float(f"{value:.{digits}g}")  # first, or 0.9999999 mm would read 1000 um
        unit = next((name for name in self.shown if abs(rounded) >= self.units[name]), self.shown[-1])
        return f"{rounded / self.units[unit]:.{digits}g} {unit}"

    def format_exactly(self, value: float) -> str:
        """Write a quantity so that it is read back to the last bit; what has many digits in the unit of the SI."""
        best = self.format(value).split()[1]
        units = (best, *(name for name in reversed(self.shown) if name != best))
        texts = (f"{value / self.units[name]:.{digits}g} {name}" for digits in _READABLE for name in units)
        found = (text for text in texts if "e" not in text.split()[0] and self.parse(text) == value)
        return next(found, f"{float(value)!r} {self.shown[0]}")

    def pattern(self, sign: str = "[+-]?") -> str:
        """A regular expression, as JSON schemas know them, of what :meth:`parse` reads; the sign is one, too."""
        return rf"^\s*{sign}{_NUMBER}\s*({'|'.join(self.units)})\s*$"


LENGTH = Dimension(
    "a length",
    "633 nm",
    {"nm": nm, "um": um, "µm": um, "μm": um, "mm": mm, "cm": cm, "m": m},
    ("m", "mm", "um", "nm"),
)
ANGLE = Dimension(
    "an angle",
    "1 mrad",
    {"urad": 1e-6, "µrad": 1e-6, "μrad": 1e-6, "mrad": mrad, "rad": 1.0, "deg": deg},
    ("rad", "mrad", "urad"),
)
POWER = Dimension(
    "a power",
    "5 mW",
    {"pW": 1e-12, "nW": 1e-9, "uW": 1e-6, "µW": 1e-6, "μW": 1e-6, "mW": mW, "W": 1.0},
    ("W", "mW", "uW", "nW", "pW"),
)
TIME = Dimension(
    "a time",
    "10 ms",
    {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": ms, "s": 1.0},
    ("s", "ms", "us", "ns"),
)


def parse_length(text: str) -> float:
    """Read a length with its unit, such as ``"633 nm"`` or ``"8um"``.

    Returns:
        The length [m].

    Raises:
        ValueError: the text is not a number followed by a known unit of length.
    """
    return LENGTH.parse(text)


def parse_angle(text: str) -> float:
    """Read an angle with its unit, such as ``"1 mrad"`` or ``"-0.1 deg"``, in radians; errors as parse_length."""
    return ANGLE.parse(text)


def parse_power(text: str) -> float:
    """Read a power with its unit, such as ``"5 mW"``, in watts; errors as parse_length."""
    return POWER.parse(text)


def parse_time(text: str) -> float:
    """Read a time with its unit, such as ``"10 ms"``, in seconds; errors as parse_length."""
    return TIME.parse(text)


def format_length(length: float, digits: int = 6) -> str:
    """Write a length [m] with the unit that reads best: ``6.33e-07`` becomes ``"633 nm"``."""
    return LENGTH.format(length, digits)
