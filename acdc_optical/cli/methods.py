"""Methods of compilation, and masks between layers, by their names on the command line."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from acdc_optical.compilation.brightest import Brightest
from acdc_optical.compilation.combs import Between, BrightComb, Comb, OnePixel
from acdc_optical.compilation.etched_combs import EtchedComb
from acdc_optical.compilation.etching.one_etch import OneEtch
from acdc_optical.compilation.methods import Exact, Method, Sampled
from acdc_optical.compilation.phases import ExactPhases
from acdc_optical.waves.calibration import Calibrated, ComplexValues, RealValues, Values
from optics.units import parse_length


class MethodName(StrEnum):
    """Names of the methods of compilation."""

    exact = "exact"
    bright = "bright"
    sampled = "sampled"
    calibrated = "calibrated"
    binary = "binary"
    phase = "phase"


class RelayName(StrEnum):
    """Names of masks A between the layers of a cascade."""

    comb = "comb"
    bright = "bright"
    etched = "etched"
    one_pixel = "one-pixel"


class ValuesName(StrEnum):
    """Names of what a mask's pixels can hold."""

    real = "real"
    complex = "complex"


VALUES: dict[ValuesName | None, Values | None] = {
    None: None,
    ValuesName.real: RealValues(),
    ValuesName.complex: ComplexValues(),
}


class MethodOptions(NamedTuple):
    """What some methods of compilation take; None where nothing was said."""

    values: ValuesName | None = None
    weight: float | None = None
    min_feature: str | None = None
    grid: str | None = None

    @property
    def etch(self) -> OneEtch:
        """Stripes, with the least width and the grid that were asked for."""
        feature = _length("--min-feature", self.min_feature)
        return OneEtch(minimum_feature=feature or 0.0, grid=_length("--grid", self.grid))


def relay_named(name: RelayName | None, cascade: bool, options: MethodOptions) -> Between | None:
    """What masks A between the layers of a cascade are; None leaves it to the model."""
    if name is not None and not cascade:
        raise ValueError("--relay is for the masks A between layers: it goes with --cascade")
    match name:
        case RelayName.comb:
            return Comb()
        case RelayName.bright:
            return BrightComb()
        case RelayName.etched:
            return EtchedComb(options.etch)
        case RelayName.one_pixel:
            return OnePixel()
    return None


def method_named(name: MethodName, options: MethodOptions, relay: RelayName | None = None) -> Method:
    """The method of compilation."""
    if name is not MethodName.calibrated and (options.values is not None or options.weight is not None):
        raise ValueError(f"--values and --weight go with --method calibrated; the method is {name}")
    etched = name is MethodName.binary or relay is RelayName.etched
    if not etched and (options.min_feature is not None or options.grid is not None):
        raise ValueError(f"--min-feature and --grid go with --method binary or --relay etched; the method is {name}")
    match name:
        case MethodName.exact:
            return Exact()
        case MethodName.bright:
            return Brightest()
        case MethodName.sampled:
            return Sampled()
        case MethodName.calibrated:
            weight = Calibrated.weight if options.weight is None else options.weight
            return Calibrated(values=VALUES[options.values], weight=weight)
        case MethodName.binary:
            return options.etch
        case MethodName.phase:
            return ExactPhases()


def _length(option: str, text: str | None) -> float | None:
    try:
        return None if text is None else parse_length(text)
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from None
