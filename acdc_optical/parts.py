"""Validated data from files: parts of a bench, of a process; lengths with their units.

Strings with a unit ("633 nm") are read wherever a length stands. Files must give them so; in Python, numbers are in
metres.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.json_schema import SkipJsonSchema
from torch import Tensor

from optics.units import parse_angle, parse_length, parse_power, parse_time

P = TypeVar("P", bound="Part")


@dataclass(frozen=True)
class Unit:
    """That a number has a unit, which files must give.

    Attributes:
        parse: reads it from text.
        example: how it is written.
    """

    parse: Callable[[str], float]
    example: str

    def __call__(self, value: Any) -> Any:
        return self.parse(value) if isinstance(value, str) else value


_LENGTH = BeforeValidator(Unit(parse_length, "633 nm"))
_ANGLE = BeforeValidator(Unit(parse_angle, "1 mrad"))
_POWER = BeforeValidator(Unit(parse_power, "5 mW"))
_TIME = BeforeValidator(Unit(parse_time, "10 ms"))
Length = Annotated[float, _LENGTH, Field(gt=0, allow_inf_nan=False)]
Distance = Annotated[float, _LENGTH, Field(ge=0, allow_inf_nan=False)]
Power = Annotated[float, _POWER, Field(gt=0, allow_inf_nan=False)]
Duration = Annotated[float, _TIME, Field(gt=0, allow_inf_nan=False)]
Fill = Annotated[float, Field(gt=0, le=1)]

# What is wrong on a bench may be a tensor: drawn at random, differentiated through, fitted. Files hold numbers.
_Drawn = SkipJsonSchema[Tensor]
_Finite = Annotated[float, Field(allow_inf_nan=False)]
Displacement = Annotated[_Finite | _Drawn, _LENGTH]
Turn = Annotated[_Finite | _Drawn, _ANGLE]
Relative = _Finite | _Drawn
Share = Annotated[float, Field(ge=0, le=1)] | _Drawn


class Part(BaseModel):
    """Frozen, named data; unknown names and values out of range are refused in one line."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    if not TYPE_CHECKING:  # keeps the generated signature for editors and type checkers

        def __init__(self, **values: Any):
            try:
                super().__init__(**values)
            except ValidationError as error:
                raise ValueError(_one_line(error, type(self))) from None

    def replace(self, **changes: Any) -> Self:
        """The same part with some values changed, validated anew.

        >>> from acdc_optical import Bench
        >>> Bench.preset().replace(focal_length="50 mm").focal_length
        0.05
        """
        return type(self)(**{**dict(self), **changes})


def _one_line(error: ValidationError, part: type[BaseModel]) -> str:
    return "; ".join(_sentence(item["type"], item["loc"], item["msg"], item["input"], part) for item in error.errors())


def _sentence(kind: str, location: tuple[int | str, ...], message: str, value: Any, part: type[BaseModel]) -> str:
    name = ".".join(map(str, location))
    if kind == "extra_forbidden":
        return f"unknown key {name!r}; known are {', '.join(part.model_fields)}"
    if kind == "missing":
        return f"{name} is missing"
    if kind == "value_error":
        text = message.removeprefix("Value error, ")
        return f"{name}: {text}" if name else text
    return f"{name}: {message[0].lower()}{message[1:]}; got {value!r}"


def length_names(part: type[BaseModel]) -> set[str]:
    """Names of all lengths in a part and the parts in it."""
    names = set()
    for name, field in part.model_fields.items():
        mentioned = [*field.metadata, *_mentioned(field.annotation)]
        names |= {name} if _LENGTH in mentioned else set()
        for inner in mentioned:
            if isinstance(inner, type) and issubclass(inner, Part):
                names |= length_names(inner)
    return names


def _mentioned(annotation: Any) -> Iterator[Any]:
    yield annotation
    for inner in get_args(annotation):
        yield from _mentioned(inner)


def read_toml(part: type[P], path: str | Path, what: str) -> P:
    """Read a part from a TOML file.

    Args:
        part: what the file holds.
        path: the file.
        what: the file's content in words, for errors.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not TOML, or not valid; the message names the file and the key.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file; expected {what} as TOML") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected a TOML text file; {error}") from None
    return parse_toml(part, text, str(path))


def parse_toml(part: type[P], text: str, origin: str) -> P:
    """A part from TOML text; errors, which name the origin, as for :func:`read_toml`."""
    try:
        values = tomllib.loads(text)
        _require_units(values, length_names(part))
        return part(**values)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{origin}: expected a TOML file; {error}") from None
    except ValueError as error:
        raise ValueError(f"{origin}: {error}") from None


def preset_names(package: str) -> list[str]:
    """Names of the TOML files in the folder ``presets`` of a package."""
    files = (resources.files(package) / "presets").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def read_preset(part: type[P], package: str, name: str, what: str) -> P:
    """Read a part that ships with a package.

    Raises:
        ValueError: no such preset; the message says of what, and lists those that there are.
    """
    if name not in preset_names(package):
        raise ValueError(f"no {what} preset {name!r}; there are: {', '.join(preset_names(package))}")
    file = resources.files(package) / "presets" / f"{name}.toml"
    return parse_toml(part, file.read_text(encoding="utf-8"), name)


def _require_units(values: dict[str, Any], lengths: set[str]) -> None:
    for key, value in values.items():
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, dict):
                _require_units(entry, lengths)
            elif key in lengths and not isinstance(entry, str):
                raise ValueError(f"{key}: a length in a file needs its unit, like '633 nm'; got {entry!r}")
