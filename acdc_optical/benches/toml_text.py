"""Parts as the TOML files that they are read from."""

from __future__ import annotations

import json
from typing import Any

from torch import Tensor

from acdc_optical.parts import Part, Unit, unit_of


def toml_text(part: Part, *, sparse: tuple[type[Part], ...] = ()) -> str:
    """The file that a part is read from, to the last bit, with units. What is None is left out, as files do.

    Args:
        part: of numbers, words, lists of these, and parts of these, which become tables.
        sparse: parts, with those in them, of which only what is not as by default is written.

    Returns:
        TOML. A tensor, which no file can hold, is named in a comment.
    """
    return "\n".join(_tables(part, "", sparse, isinstance(part, sparse)))


def _tables(part: Part, name: str, sparse: tuple[type[Part], ...], only_changed: bool) -> list[str]:
    lines = []
    inner = []
    for key, value in part:
        if isinstance(value, Part):
            inner += _tables(value, f"{name}.{key}" if name else key, sparse, only_changed or isinstance(value, sparse))
        elif value is not None and not (only_changed and _is_default(part, key, value)):
            lines.append(_line(key, value, unit_of(type(part).model_fields[key])))
    header = f"[{name}]\n" if name else ""
    return [header + "".join(lines), *inner] if lines else inner


def _is_default(part: Part, key: str, value: Any) -> bool:
    return not isinstance(value, Tensor) and bool(value == type(part).model_fields[key].default)


def _line(key: str, value: Any, unit: Unit | None) -> str:
    if isinstance(value, Tensor):
        return f"# {key} is a tensor of shape {tuple(value.shape)}: files hold numbers\n"
    return f"{key} = {_value(value, unit)}\n"


def _value(value: Any, unit: Unit | None) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(_value(entry, unit) for entry in value)}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)  # TOML quotes as JSON does
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{unit.dimension.format_exactly(value)}"' if unit else repr(value)
