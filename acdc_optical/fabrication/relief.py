"""From phase to height, and from heights to the binary patterns that make them.

Phases are those of t = exp(+iφ) with light exp(+ikz): where light goes through more material it gains phase. A relief
says by how much a surface has to rise for 2π; a making says whether it rises or is lowered, in which steps.

The levels that binary etches make are the coding of binary optics: G. J. Swanson, MIT Lincoln Laboratory TR-854 (1989);
M. W. Farn and W. B. Veldkamp, "Binary optics", Handbook of Optics II, ch. 8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from acdc_optical.fabrication.materials import AIR, Material
from acdc_optical.fabrication.plate import Alphabet, Layer
from optics.units import format_length

CHROME_LAYER = 10
"""The number of the layer that tells opaque from open; etches and coats have the other numbers from 1 on."""

# Of the index: below this difference no height that can be made gives a turn of phase.
_MATCHED = 1e-9


class Relief(Protocol):
    """A surface whose height sets the phase of light."""

    def turn(self, wavelength: float) -> float:
        """The height that adds 2π to the phase [m], at a wavelength in vacuum [m]; negative where height takes phase.

        Raises:
            ValueError: an index is not known there, or no height gives phase.
        """


@dataclass(frozen=True)
class Transmission:
    """Light goes through the surface, from the material to the medium or back.

    A height h puts material where medium was: φ = (2π/λ)·h·(√(n² - n_m² sin²θ) - n_m cosθ), with the wave vector's
    part along the surface the same on both sides.

    Attributes:
        material: what the surface is of.
        medium: what is above it.
        angle: of the light in the medium, from the normal [rad].

    Raises:
        ValueError: an angle of 90° or beyond.
    """

    material: Material
    medium: Material = AIR
    angle: float = 0.0

    def __post_init__(self) -> None:
        _check_angle(self.angle)

    def turn(self, wavelength: float) -> float:
        outside = self.medium.index(wavelength)
        squared = self.material.index(wavelength) ** 2 - (outside * math.sin(self.angle)) ** 2
        if squared <= 0:
            raise ValueError(
                f"light at {math.degrees(self.angle):.4g}° in {self.medium.name} does not enter {self.material.name}, "
                f"whose index is lower: expected less than {self._critical(wavelength):.4g}°"
            )
        difference = math.sqrt(squared) - outside * math.cos(self.angle)
        if abs(difference) < _MATCHED:
            raise ValueError(
                f"{self.material.name} in {self.medium.name} has the same index, so no height gives phase; "
                "choose another material or medium"
            )
        return wavelength / difference

    def _critical(self, wavelength: float) -> float:
        return math.degrees(math.asin(self.material.index(wavelength) / self.medium.index(wavelength)))


@dataclass(frozen=True)
class Reflection:
    """Light comes through the medium and goes back from a mirrored surface.

    A surface higher by h is met sooner, and the way to it and back is shorter by 2h cosθ: φ = -(2π/λ)·2h·n_m cosθ. So
    a turn is negative: height takes phase, and what is etched away adds it.

    Attributes:
        medium: what is above the surface.
        angle: of the light in the medium, from the normal [rad].

    Raises:
        ValueError: an angle of 90° or beyond.
    """

    medium: Material = AIR
    angle: float = 0.0

    def __post_init__(self) -> None:
        _check_angle(self.angle)

    def turn(self, wavelength: float) -> float:
        return -wavelength / (2 * self.medium.index(wavelength) * math.cos(self.angle))


@dataclass(frozen=True)
class OppositeSign:
    """For designs made with light exp(-ikz): what adds phase here takes it there."""

    relief: Relief

    def turn(self, wavelength: float) -> float:
        return -self.relief.turn(wavelength)


class Surface(NamedTuple):
    """What a making gives.

    Attributes:
        heights: of each level above the lowest that the process makes [m], shape (levels,); None without relief.
        layers: the binary patterns whose drawn areas tell the levels apart.
    """

    heights: NDArray[np.float64] | None
    layers: tuple[Layer, ...]


class Making(Protocol):
    """A way to make the levels of an alphabet."""

    def surface(self, alphabet: Alphabet, wavelength: float) -> Surface:
        """Heights and binary patterns, for light of a wavelength in vacuum [m].

        Raises:
            ValueError: what the alphabet holds cannot be made so, or not at this wavelength.
        """


@dataclass(frozen=True)
class Etched:
    """The surface is lowered where patterns are drawn: M of them for up to 2^M levels, each half as deep as the last.

    With P steps of phase to a turn, a level of l steps is lowered (-l) mod P times |turn|/P where height adds phase,
    as in transmission, and l mod P times where height takes it, as in reflection. Patterns ETCH1, ETCH2, … are the
    binary digits of that number, the most significant first; for L = 2^M levels pattern m is |turn|/2^m deep. Opaque
    levels are not etched. Heights count from the deepest level. Patterns that would be alike are one, and etches that
    all levels would share are left out.
    """

    relief: Relief

    def surface(self, alphabet: Alphabet, wavelength: float) -> Surface:
        counts, step = _steps(alphabet, -self.relief.turn(wavelength))
        layers = _binary(counts, step, "ETCH", "polygons are etched, {depth} deep")
        heights = (counts.max(initial=0) - counts).astype(np.float64) * step if layers else None
        return Surface(heights, (*layers, *_chrome(alphabet)))


@dataclass(frozen=True)
class Added:
    """Material is added where patterns are drawn: resist, print, coat and lift-off.

    As :class:`Etched`, with a level of l steps raised l mod P steps where height adds phase, and (-l) mod P where it
    takes it, by patterns ADD1, ADD2, …

    Attributes:
        relief: what height does to the light.
        pedestal: what is below all levels [m]; heights hold it, patterns do not.

    Raises:
        ValueError: a pedestal below 0.
    """

    relief: Relief
    pedestal: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.pedestal) and self.pedestal >= 0):
            raise ValueError(f"expected a pedestal of 0 or more [m]; got {self.pedestal}")

    def surface(self, alphabet: Alphabet, wavelength: float) -> Surface:
        counts, step = _steps(alphabet, self.relief.turn(wavelength))
        layers = _binary(counts, step, "ADD", "polygons are covered, {depth} thick")
        heights = self.pedestal + counts.astype(np.float64) * step if layers else None
        return Surface(heights, (*layers, *_chrome(alphabet)))


@dataclass(frozen=True)
class GrayScale:
    """All heights in one go, by gray-scale exposure or two-photon printing: no binary patterns.

    Attributes:
        making: what would make the same heights by patterns; tells whether they rise or are lowered.
    """

    making: Making

    def surface(self, alphabet: Alphabet, wavelength: float) -> Surface:
        if alphabet.opaque.any():
            raise ValueError("a gray-scale process makes no opaque cells; use levels of phase alone, or Etched")
        return Surface(self.making.surface(alphabet, wavelength).heights, ())


@dataclass(frozen=True)
class BareChrome:
    """Chrome with openings and nothing else: all open levels have the same phase."""

    def surface(self, alphabet: Alphabet, wavelength: float) -> Surface:
        phases = len(np.unique(alphabet.phases[~alphabet.opaque]))
        if phases > 1:
            raise ValueError(f"chrome alone has one phase; the alphabet has {phases}: use Etched or Added")
        if not alphabet.opaque.any():
            raise ValueError("expected an alphabet with an opaque level; this one leaves nothing for chrome to do")
        return Surface(None, _chrome(alphabet))


@dataclass(frozen=True)
class ChromeDrawn:
    """Polygons are the chrome, not the openings in it. What is beyond the mask is then open, unless a frame is drawn.

    Attributes:
        making: whose chrome it is.
    """

    making: Making

    def surface(self, alphabet: Alphabet, wavelength: float) -> Surface:
        surface = self.making.surface(alphabet, wavelength)
        return surface._replace(layers=tuple(_inverted(layer) for layer in surface.layers))


def _check_angle(angle: float) -> None:
    if not abs(angle) < math.pi / 2:
        raise ValueError(f"expected an angle below π/2 from the normal [rad]; got {angle}")


def _steps(alphabet: Alphabet, turn: float) -> tuple[NDArray[np.int64], float]:
    """How many steps each level is away from the untouched surface, and a step [m].

    Args:
        alphabet: of the levels.
        turn: how far from it is 2π [m]; negative if it is -2π.

    Returns:
        Of the transparent levels the least count is 0; opaque ones are untouched.
    """
    sign = 1 if turn > 0 else -1
    counts = np.array([sign * (step or 0) % alphabet.per_turn for step in alphabet.steps], dtype=np.int64)
    least = counts[~alphabet.opaque].min(initial=alphabet.per_turn)
    return np.where(alphabet.opaque, 0, counts - least), abs(turn) / alphabet.per_turn


def _binary(counts: NDArray[np.int64], step: float, name: str, purpose: str) -> tuple[Layer, ...]:
    """The binary digits of the counts, the most significant first; digits that are alike in one pattern."""
    steps: dict[tuple[bool, ...], int] = {}
    for bit in reversed(range(int(counts.max(initial=0)).bit_length())):
        drawn = tuple(bool(count >> bit & 1) for count in counts.tolist())
        if any(drawn):
            steps[drawn] = steps.get(drawn, 0) + 2**bit
    layers = []
    for m, (drawn, times) in enumerate(steps.items(), 1):
        number = m if m < CHROME_LAYER else m + 1
        said = purpose.format(depth=format_length(times * step, 5))
        layers.append(Layer(number, f"{name}{m}", said, drawn, times * step))
    return tuple(layers)


def _chrome(alphabet: Alphabet) -> tuple[Layer, ...]:
    opaque = alphabet.opaque
    if not opaque.any():
        return ()
    return (Layer(CHROME_LAYER, "CHROME", "polygons are clear openings in chrome", tuple((~opaque).tolist())),)


def _inverted(layer: Layer) -> Layer:
    if layer.number != CHROME_LAYER:
        return layer
    drawn = tuple(not cells for cells in layer.drawn)
    return replace(layer, purpose="polygons are chrome, the rest is clear", drawn=drawn)
