"""Units as plain SI floats, and the one reader of quantities written by people ("633 nm").

Everything inside the library is SI: metres, radians, watts. These names exist for literals,
``wavelength = 633 * nm``, and for files.
"""

from __future__ import annotations

import re

nm = 1e-9
um = 1e-6
mm = 1e-3
cm = 1e-2
m = 1.0

_LENGTHS = {"nm": nm, "um": um, "µm": um, "μm": um, "mm": mm, "cm": cm, "m": m}
_QUANTITY = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\d\s]+)\s*")


def parse_length(text: str) -> float:
    """Read a length with its unit, such as ``"633 nm"`` or ``"8um"``.

    Returns:
        The length [m].

    Raises:
        ValueError: the text is not a number followed by a known unit of length.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2] not in _LENGTHS:
        raise ValueError(f"expected a length with its unit, like '633 nm' ({', '.join(_LENGTHS)}); got {text!r}")
    return float(match[1]) * _LENGTHS[match[2]]


def format_length(length: float, digits: int = 6) -> str:
    """Write a length [m] with the unit that reads best: ``6.33e-07`` becomes ``"633 nm"``."""
    rounded = float(f"{length:.{digits}g}")  # first, or 0.9999999 mm would read 1000 um
    unit, name = next(((u, n) for u, n in ((m, "m"), (mm, "mm"), (um, "um")) if abs(rounded) >= u), (nm, "nm"))
    return f"{rounded / unit:.{digits}g} {name}"
