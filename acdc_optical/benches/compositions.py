"""Benches put together from presets: whole benches, and devices that take the place of some of their parts.

What comes later wins, key by key. Presets themselves name no others.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

from acdc_optical.parts import preset_names

_PACKAGE = "acdc_optical"
_BENCHES = "presets"
_DEVICES = "presets/devices"


def whole_presets() -> list[str]:
    """Names of the benches that ship with the package."""
    return preset_names(_PACKAGE, _BENCHES)


def device_presets() -> list[str]:
    """Names of the devices that ship with the package: parts of a bench, with what is wrong with them."""
    return preset_names(_PACKAGE, _DEVICES)


def whole(names: tuple[str, ...]) -> dict[str, Any]:
    """What is in the file of a bench that is put together from presets.

    Raises:
        ValueError: an unknown name, or no bench among them.
    """
    values = preset_values(names)
    if not set(names) & set(whole_presets()):
        raise ValueError(
            f"{', '.join(names)}: devices, and no bench that they are parts of; "
            f"name one of {', '.join(whole_presets())} before them"
        )
    return values


def preset_values(names: Iterable[str]) -> dict[str, Any]:
    """What the files of some presets say together; later ones win.

    Raises:
        ValueError: an unknown name; the message lists those that there are.
    """
    values: dict[str, Any] = {}
    for name in names:
        values = merged(values, _read(name))
    return values


def completed(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a bench file with those of the presets that it uses; its own are last.

    Raises:
        ValueError: ``use`` is no list of names, or names what there is not.
    """
    own = dict(values)
    names = own.pop("use", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f'use: expected a list of presets, like ["lcos-8um", "camera-scmos"]; got {names!r}')
    try:
        return merged(preset_values(names), own)
    except ValueError as error:
        raise ValueError(f"use: {error}") from None


def merged(first: Mapping[str, Any], then: Mapping[str, Any]) -> dict[str, Any]:
    """Two files as one: tables are joined, and of what stands in both the second's is taken.

    >>> merged({"camera": {"fill": 0.9, "bits": 12}}, {"camera": {"bits": 16}})
    {'camera': {'fill': 0.9, 'bits': 16}}
    """
    result = dict(first)
    for key, value in then.items():
        before = first.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            result[key] = merged(before, value)
        else:
            result[key] = value
    return result


def _read(name: str) -> dict[str, Any]:
    folders = {**dict.fromkeys(device_presets(), _DEVICES), **dict.fromkeys(whole_presets(), _BENCHES)}
    if name not in folders:
        benches, devices = ", ".join(whole_presets()), ", ".join(device_presets())
        raise ValueError(f"no bench preset {name!r}; there are: {benches}; and of devices: {devices}")
    file = resources.files(_PACKAGE) / folders[name] / f"{name}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))
