"""The JSON schema of bench files: what a TOML file holds once it is parsed, quantities as text with their units."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

from acdc_optical.benches.bench import Bench
from acdc_optical.benches.compositions import device_presets, whole_presets
from acdc_optical.parts import Part, parts_of, unit_of

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SOME_PLACE = [{"required": ["focal_length"]}, {"required": ["mask"], "properties": {"mask": {"required": ["pitch"]}}}]
_ROLE = re.compile(r":\w+:`([^`]+)`")


def bench_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of a bench file: of a whole bench, or of one that ``use``s presets.

    It refuses what :meth:`Bench.load <acdc_optical.benches.bench.Bench.load>` refuses of names, kinds, units and
    ranges; what parts make of each other only loading knows.
    """
    schema = device_schema() | {"title": "Bench of acdc-optical", "description": _description(Bench)}
    names = {"type": "string", "enum": [*whole_presets(), *device_presets()]}
    use = {
        "type": "array",
        "items": names,
        "description": "presets that come before what the file says; later ones win",
    }
    schema["properties"] = {"use": use, **schema["properties"]}
    complete = {"required": _required(Bench), "properties": dict(_tables_required(Bench)), "anyOf": _SOME_PLACE}
    return schema | {"if": {"not": {"required": ["use"]}}, "then": complete}


def device_schema() -> dict[str, Any]:
    """The schema of a device's file: as of a bench, with nothing that must be there, and no presets used."""
    schema = Bench.model_json_schema()
    _describe(schema, Bench)
    for part in parts_of(Bench):
        _describe(schema["$defs"][part.__name__], part)
    return {
        "$schema": _DIALECT,
        **schema,
        "title": "Device for a bench of acdc-optical",
        "description": "Parts of a bench, with what is wrong with them.",
    }


def _describe(schema: dict[str, Any], part: type[Part]) -> None:
    """Make of the schema of a part in Python that of its table in a file."""
    schema.pop("required", None)
    schema["description"] = _description(part)
    said = dict(_attributes(part))
    for name, entry in schema["properties"].items():
        entry.pop("title", None)
        default = entry.pop("default", None)
        kinds = [kind for kind in entry.pop("anyOf", []) if kind != {"type": "null"}]  # which TOML has not
        entry.update(kinds[0] if kinds else {})
        entry |= {"description": said[name]} if name in said else {}
        if default is not None and not isinstance(default, dict):
            unit = unit_of(part.model_fields[name])
            entry["default"] = unit.dimension.format_exactly(default) if unit else default


def _required(part: type[Part]) -> list[str]:
    return [name for name, field in part.model_fields.items() if field.is_required()]


def _tables_required(part: type[Part]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in part.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Part) and _required(inner):
            yield name, {"required": _required(inner)}


def _description(part: type[Part]) -> str:
    return " ".join(cleandoc(part.__doc__ or "").split("\n\n")[0].split())


def _attributes(part: type[Part]) -> Iterator[tuple[str, str]]:
    """What the docstring says of each attribute."""
    section = re.search(r"^Attributes:\n((?: .*\n?)+)", cleandoc(part.__doc__ or ""), re.MULTILINE)
    for entry in re.split(r"^ {4}(?! )", section[1] if section else "", flags=re.MULTILINE):
        names, _, text = entry.partition(": ")
        for name in names.split(","):
            yield name.strip(), " ".join(_ROLE.sub(r"\1", text).split())
