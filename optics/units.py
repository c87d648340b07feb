"""Units as plain SI floats, and the one reader of quantities written by people ("633 nm").

Everything inside the library is SI: metres, radians, watts. These names exist for literals,
``wavelength = 633 * nm``, and for files.
"""

from __future__ import annotations

import math
import re

nm = 1e-9
um = 1e-6
mm = 1e-3
cm = 1e-2
m = 1.0

mrad = 1e-3
deg = math.pi / 180
mW = 1e-3
ms = 1e-3

_LENGTHS = {"nm": nm, "um": um, "µm": um, "μm": um, "mm": mm, "cm": cm, "m": m}
_ANGLES = {"urad": 1e-6, "µrad": 1e-6, "μrad": 1e-6, "mrad": mrad, "rad": 1.0, "deg": deg}
_POWERS = {"pW": 1e-12, "nW": 1e-9, "uW": 1e-6, "µW": 1e-6, "μW": 1e-6, "mW": mW, "W": 1.0}
_TIMES = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": ms, "s": 1.0}
_QUANTITY = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\d\s]+)\s*")


def parse_length(text: str) -> float:
    """Read a length with its unit, such as ``"633 nm"`` or ``"8um"``.

    Returns:
        The length [m].

    Raises:
        ValueError: the text is not a number followed by a known unit of length.
    """
    return _parse(text, _LENGTHS, "a length with its unit, like '633 nm'")


def parse_angle(text: str) -> float:
    """Read an angle with its unit, such as ``"1 mrad"`` or ``"-0.1 deg"``, in radians; errors as parse_length."""
    return _parse(text, _ANGLES, "an angle with its unit, like '1 mrad'")


def parse_power(text: str) -> float:
    """Read a power with its unit, such as ``"5 mW"``, in watts; errors as parse_length."""
    return _parse(text, _POWERS, "a power with its unit, like '5 mW'")


def parse_time(text: str) -> float:
    """Read a time with its unit, such as ``"10 ms"``, in seconds; errors as parse_length."""
    return _parse(text, _TIMES, "a time with its unit, like '10 ms'")


def _parse(text: str, units: dict[str, float], expected: str) -> float:
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2] not in units:
        raise ValueError(f"expected {expected} ({', '.join(units)}); got {text!r}")
    return float(match[1]) * units[match[2]]


def format_length(length: float, digits: int = 6) -> str:
    """Write a length [m] with the unit that reads best: ``6.33e-07`` becomes ``"633 nm"``."""
    rounded = float(f"{length:.{digits}g}")  # first, or 0.9999999 mm would read 1000 um
    unit, name = next(((u, n) for u, n in ((m, "m"), (mm, "mm"), (um, "um")) if abs(rounded) >= u), (nm, "nm"))
    return f"{rounded / unit:.{digits}g} {name}"
