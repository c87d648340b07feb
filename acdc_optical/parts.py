"""Validated data from files: parts of a bench, of a process; quantities with their units.

Strings with a unit ("633 nm") are read wherever a length, an angle, a power or a time stands. Files must give them so;
in Python, numbers are in SI units.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError, WithJsonSchema
from pydantic.fields import FieldInfo
from torch import Tensor

from optics.units import ANGLE, LENGTH, POWER, TIME, Dimension

P = TypeVar("P", bound="Part")
Complete = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Unit:
    """That a number has a unit, which files must give.

    Attributes:
        dimension: what it is a number of.
    """

    dimension: Dimension

    def __call__(self, value: Any) -> Any:
        return self.dimension.parse(value) if isinstance(value, str) else value


@dataclass(frozen=True)
class Drawn:
    """A finite number that may be a tensor: drawn at random, differentiated through, fitted. Files hold numbers.

    Attributes:
        unit: None for a number without one.
        least, most: bounds of a number; what tensors hold is not looked at, so that they can be traced.
        above: what a number must exceed.
    """

    unit: Unit | None = None
    least: float = -math.inf
    most: float = math.inf
    above: float = -math.inf

    def __call__(self, value: Any) -> float | Tensor:
        if isinstance(value, Tensor):
            return self._checked(value)
        given = self.unit(value) if self.unit else value
        if isinstance(given, bool) or not isinstance(given, Real) or not self._holds(float(given)):
            raise ValueError(f"expected {self._expected()}; got {value!r}")
        return float(given)

    def _holds(self, value: float) -> bool:
        return math.isfinite(value) and self.least <= value <= self.most and value > self.above

    def _checked(self, value: Tensor) -> Tensor:
        if value.is_floating_point() and value.ndim <= 1 and value.numel():
            return value
        got = f"one of shape {tuple(value.shape)} and {value.dtype}"
        raise ValueError(f"expected a tensor of real floating-point numbers, of shape () or (draws,); got {got}")

    def _expected(self) -> str:
        least = f" of {self.least:g} or more" if self.least > -math.inf else ""
        above = f" above {self.above:g}" if self.above > -math.inf else ""
        text = f" in SI units, text like {self.unit.dimension.example!r}" if self.unit else ""
        bounds = f" from {self.least:g} to {self.most:g}" if self.most < math.inf else least + above
        return f"a finite number{bounds}{text}, or a tensor"


def _text(dimension: Dimension, sign: str = "[+-]?") -> WithJsonSchema:
    """What a quantity is in a file."""
    schema = {"type": "string", "pattern": dimension.pattern(sign), "examples": [dimension.example]}
    return WithJsonSchema(schema, mode="validation")


def _plain(value: Any) -> Any:
    """Refuses tensors, which would lose their gradients where floats are made of them."""
    if isinstance(value, Tensor):
        raise ValueError("expected a plain number, it cannot be a tensor")
    return value


_POSITIVE = r"\+?(?=[\d.]*[1-9])"  # some digit is none of the zeros
_NO_LESS = r"\+?"
_LENGTH, _ANGLE, _POWER, _TIME = Unit(LENGTH), Unit(ANGLE), Unit(POWER), Unit(TIME)
_Finite = Field(allow_inf_nan=False)
Length = Annotated[float, BeforeValidator(_LENGTH), Field(gt=0), _Finite, _text(LENGTH, _POSITIVE)]
Distance = Annotated[float, BeforeValidator(_LENGTH), Field(ge=0), _Finite, _text(LENGTH, _NO_LESS)]
Angle = Annotated[float, BeforeValidator(_ANGLE), _Finite, _text(ANGLE)]
Power = Annotated[float, BeforeValidator(_POWER), Field(gt=0), _Finite, _text(POWER, _POSITIVE)]
Duration = Annotated[float, BeforeValidator(_TIME), Field(gt=0), _Finite, _text(TIME, _POSITIVE)]
Fill = Annotated[float, Field(gt=0, le=1, strict=True)]
Bits = Annotated[int, Field(ge=1, le=16, strict=True)]
FullScale = Annotated[float, BeforeValidator(_plain), Field(gt=0, allow_inf_nan=False, strict=True)]

# What is wrong on a bench.
_Number = float | Tensor
Displacement = Annotated[_Number, PlainValidator(Drawn(_LENGTH)), _text(LENGTH)]
Turn = Annotated[_Number, PlainValidator(Drawn(_ANGLE)), _text(ANGLE)]
Stroke = Annotated[_Number, PlainValidator(Drawn(_ANGLE, above=0)), _text(ANGLE, _POSITIVE)]
Relative = Annotated[_Number, PlainValidator(Drawn()), WithJsonSchema({"type": "number"}, mode="validation")]
Spread = Annotated[_Number, PlainValidator(Drawn(_LENGTH, least=0)), _text(LENGTH, _NO_LESS)]
AngularSpread = Annotated[_Number, PlainValidator(Drawn(_ANGLE, least=0)), _text(ANGLE, _NO_LESS)]
Amount = Annotated[
    _Number,
    PlainValidator(Drawn(least=0)),
    WithJsonSchema({"type": "number", "minimum": 0}, mode="validation"),
]
Stretch = Annotated[
    _Number,
    PlainValidator(Drawn(above=-1)),
    WithJsonSchema({"type": "number", "exclusiveMinimum": -1}, mode="validation"),
]
Share = Annotated[
    _Number,
    PlainValidator(Drawn(least=0, most=1)),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1}, mode="validation"),
]


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


def unit_of(field: FieldInfo) -> Unit | None:
    """The unit of the number, or of the numbers, that a field holds; None for what has none."""
    for mentioned in (*field.metadata, *_mentioned(field.annotation)):
        read = getattr(mentioned, "func", None)
        if isinstance(read, Unit):
            return read
        if isinstance(read, Drawn):
            return read.unit
    return None


def may_be_drawn(field: FieldInfo) -> bool:
    """Whether a field takes tensors."""
    mentioned = (*field.metadata, *_mentioned(field.annotation))
    return any(isinstance(getattr(each, "func", None), Drawn) for each in mentioned)


def parts_of(part: type[Part]) -> set[type[Part]]:
    """The kinds of the parts in a part, and of those in them."""
    found = {kind for field in part.model_fields.values() if (kind := _inner(field)) is not None}
    return found.union(*(parts_of(kind) for kind in found))


def _inner(field: FieldInfo) -> type[Part] | None:
    kinds = (kind for kind in _mentioned(field.annotation) if isinstance(kind, type) and issubclass(kind, Part))
    return next(kinds, None)


def _mentioned(annotation: Any) -> Iterator[Any]:
    yield annotation
    for inner in get_args(annotation):
        yield from _mentioned(inner)


def read_toml(part: type[P], path: str | Path, what: str, *, complete: Complete | None = None) -> P:
    """Read a part from a TOML file.

    Args:
        part: what the file holds.
        path: the file.
        what: the file's content in words, for errors.
        complete: makes of the file's values those of the part, as by adding what the file only names.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not TOML, or not valid; the message names the file and the key.
    """
    return parse_toml(part, read_text(path, what), str(path), complete=complete)


def read_text(path: str | Path, what: str) -> str:
    """The text of a TOML file that holds what is said in words.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not text.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file; expected {what} as TOML") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected a TOML text file; {error}") from None


def parse_toml(part: type[P], text: str, origin: str, *, complete: Complete | None = None) -> P:
    """A part from TOML text; errors, which name the origin, as for :func:`read_toml`."""
    try:
        values = tomllib.loads(text)
        return from_file(part, complete(values) if complete else values)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{origin}: expected a TOML file; {error}") from None
    except ValueError as error:
        raise ValueError(f"{origin}: {error}") from None


def from_file(part: type[P], values: dict[str, Any]) -> P:
    """A part of values as they stand in a file, with their units.

    Raises:
        ValueError: a unit is missing, or see the part.
    """
    _require_units(values, part)
    return part(**values)


def preset_names(package: str, folder: str = "presets") -> list[str]:
    """Names of the TOML files in a folder of a package."""
    files = (resources.files(package) / folder).iterdir()
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


def _require_units(values: dict[str, Any], part: type[Part]) -> None:
    for key, value in values.items():
        field = part.model_fields.get(key)
        if field is None:
            continue  # the part will refuse it
        unit = unit_of(field)
        inner = _inner(field)
        for entry in value if isinstance(value, list) else [value]:
            if unit and not isinstance(entry, str):
                kind, example = unit.dimension.kind, unit.dimension.example
                raise ValueError(f"{key}: {kind} in a file needs its unit, like {example!r}; got {entry!r}")
            if inner and isinstance(entry, dict):
                _require_units_in(key, entry, inner)


def _require_units_in(key: str, values: dict[str, Any], part: type[Part]) -> None:
    try:
        _require_units(values, part)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None
