"""Distributions of what may be wrong, from TOML files and from presets: ``shift_x = { normal = "2 um" }``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from acdc_optical.benches.distributions import Distribution, Distributions, Normal, Uniform
from acdc_optical.benches.imperfections import Imperfections
from acdc_optical.parts import Part, preset_names, read_text, unit_of

_PACKAGE, _FOLDER = "acdc_optical", "presets/tolerances"
_KINDS: dict[str, type[Normal] | type[Uniform]] = {"normal": Normal, "uniform": Uniform}


def tolerance_presets() -> list[str]:
    """Names of the tolerances that ship with the package."""
    return preset_names(_PACKAGE, _FOLDER)


def tolerance_preset(name: str, *, axes: int = 2) -> Distributions:
    """Typical tolerances of a table; to be replaced by those of one's own.

    Args:
        name: one of :func:`tolerance_presets`.
        axes: of the layer. A one-dimensional bench has no y and nothing turns: what a preset says of that is left out.

    Raises:
        ValueError: no such preset; the message lists those that there are.
    """
    if name not in tolerance_presets():
        raise ValueError(f"no preset of tolerances {name!r}; there are: {', '.join(tolerance_presets())}")
    text = (resources.files(_PACKAGE) / _FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    found = parse_distributions(text, name)
    return {n: each for n, each in found.items() if axes == 2 or not n.endswith(("_y", ".rotation"))}


def read_distributions(path: str | Path) -> Distributions:
    """Distributions from a TOML file, with the tables and names of a bench file's imperfections.

    Each is ``{ normal = "2 um" }``, a standard deviation, or ``{ uniform = "5 um" }``, the largest difference to
    either side; with a unit, where the imperfection has one.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not TOML, or not valid; the message names the file and the key.
    """
    return parse_distributions(read_text(path, "distributions"), str(path))


def parse_distributions(text: str, origin: str) -> Distributions:
    """Distributions from TOML text; errors, which name the origin, as for :func:`read_distributions`.

    >>> parse_distributions('[camera]\\nshift_x = { normal = "2 um" }', "here")
    {'camera.shift_x': Normal(deviation=2e-06)}
    """
    try:
        return dict(_entries(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{origin}: expected a TOML file; {error}") from None
    except ValueError as error:
        raise ValueError(f"{origin}: {error}") from None


def _entries(values: dict[str, Any]) -> Iterator[tuple[str, Distribution]]:
    drawable = Imperfections().drawable()
    for part, entries in values.items():
        fields = Imperfections.model_fields
        if part not in fields or not isinstance(entries, dict):
            raise ValueError(f"expected tables of imperfections, [{'], ['.join(fields)}]; got {part!r}")
        known = getattr(Imperfections(), part)
        for key, entry in entries.items():
            if f"{part}.{key}" not in drawable:
                own = [name for name in type(known).model_fields if f"{part}.{name}" in drawable]
                raise ValueError(f"{part}.{key} cannot be drawn; of {part}, {', '.join(own) or 'nothing'} can")
            yield f"{part}.{key}", _distribution(f"{part}.{key}", entry, known, key)


def _distribution(name: str, entry: Any, part: Part, key: str) -> Distribution:
    unit = unit_of(type(part).model_fields[key])
    example = f'"{unit.dimension.example}"' if unit else "0.01"
    if not isinstance(entry, dict) or len(entry) != 1 or not set(entry) <= set(_KINDS):
        raise ValueError(f"{name}: expected {{ normal = {example} }} or {{ uniform = {example} }}; got {entry!r}")
    ((kind, value),) = entry.items()
    try:
        given = unit(value) if unit and isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if (unit and not isinstance(value, str)) or isinstance(given, bool) or not isinstance(given, int | float):
        raise ValueError(f"{name}: expected {kind} = {example}{', with its unit' if unit else ''}; got {value!r}")
    try:
        return _KINDS[kind](float(given))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
