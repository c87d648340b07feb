"""From the values of a mask to cells that can be made: chrome, steps of phase, carriers.

Few processes make a cell of any complex transmittance. An encoding divides every pixel of a mask into cells, of which
each has one level of an alphabet. At the output arrives the light of the mask times a factor; the rest is absorbed, or
leaves at angles that the output does not see. The finer the cells, the farther aside it goes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from acdc_optical.fabrication.plate import CHROME, Alphabet, Levels, phase_steps
from acdc_optical.fabrication.spreading import (
    Reals,
    Values,
    from_axis,
    handed_on,
    means,
    nearest_step,
    repeated,
    share,
    staggered,
)

# Transmittances computed from phases in float32, and stored, have modulus 1 to this.
_ABSORBS = 1e-6

# Amplitudes of a carrier's first order, of which J1 and sinc are the inverse, are tabulated at so many places.
_TABULATED = 4097


@dataclass(frozen=True, eq=False)
class Encoded:
    """A mask as cells.

    Attributes:
        levels: of every cell, shape (ny·cells, nx·cells) or (nx·cells,).
        alphabet: what the levels are.
        cells: per pixel, along each axis.
        factor: what arrives is the mask times this, by least squares over the pixels; real for a real mask, but for the
            phase of a carrier. The share of light that the encoding leaves is its square.
        residual: relative rms distance of the pixels' mean transmittance, over the factor, from the mask.
        period: cells for one period of a carrier along x; the light wanted then leaves under an angle of λ over the
            period. None without carrier.
    """

    levels: Levels
    alphabet: Alphabet
    cells: int
    factor: complex
    residual: float
    period: int | None = None

    @property
    def light(self) -> float:
        """The share of the mask's light that the encoding leaves, |factor|²."""
        return abs(self.factor) ** 2


class Encoding(Protocol):
    """A way to make a mask of cells."""

    def __call__(self, values: Values) -> Encoded:
        """Encode a mask.

        Args:
            values: transmittances, |t| ≤ 1, complex128 of shape (ny, nx) or (nx,).

        Raises:
            ValueError: values that cannot be encoded so; the message says what can.
        """


@dataclass(frozen=True)
class PhaseSteps:
    """One cell per pixel with the nearest of ``levels`` steps of phase; for masks that absorb nothing.

    Attributes:
        levels: levels, from 0 to below 2π.
    """

    levels: int

    def __call__(self, values: Values) -> Encoded:
        dark = float(np.abs(1 - np.abs(values)).max())
        if dark > _ABSORBS:
            raise ValueError(
                f"the mask absorbs (|t| differs from 1 by up to {dark:.2g}) and steps of phase do not: "
                "encode it as chrome and etch, as double phase or on a carrier, or train it with |t| = 1"
            )
        return _encoded(values, nearest_step(np.angle(values), self.levels), phase_steps(self.levels), 1)


@dataclass(frozen=True)
class ChromeAndEtch:
    """Amplitude by open cells in chrome, phase by etched steps: two or more masks, aligned.

    Of the cells of a pixel the share |t| is open; see :func:`~acdc_optical.fabrication.spreading.share`. What rounding
    a phase to a step leaves is handed on to the next open cell.

    Attributes:
        cells: per pixel, along each axis.
        levels: steps of phase; two, 0 and π, are all that real masks need.
    """

    cells: int
    levels: int = 2

    def __call__(self, values: Values) -> Encoded:
        if self.levels == 2:
            _require_real(values)
        alphabet = Alphabet((None, *range(self.levels)), self.levels)
        opened = share(np.abs(values), self.cells)
        wanted = opened * np.exp(1j * np.angle(repeated(values, self.cells)))
        levels = opened * (1 + handed_on(wanted, self.levels, self.cells))
        return _encoded(values, levels, alphabet, self.cells)


@dataclass(frozen=True)
class BinaryPhase:
    """Real masks of cells with phase 0 or π: one etch, nothing absorbed; the share (1 + t)/2 of the cells has phase 0.

    Attributes:
        cells: per pixel, along each axis.
    """

    cells: int

    def __call__(self, values: Values) -> Encoded:
        _require_real(values)
        levels = 1 - share((1 + values.real.clip(-1, 1)) / 2, self.cells)
        return _encoded(values, levels, phase_steps(2), self.cells)


@dataclass(frozen=True)
class DoublePhase:
    """Each value as the mean of two phases, φ + δ and φ - δ with cos δ = A (Hsueh & Sawchuk 1978).

    They alternate from cell to cell like the fields of a chessboard, counted from the axis outwards. With one cell per
    pixel they alternate from pixel to pixel: enough for real layers, which do not read what is out of phase. What
    rounding to a step leaves is handed on to the next cell of the pixel, so the mean is better than the steps.

    Attributes:
        levels: steps of phase.
        cells: per pixel, along each axis.
    """

    levels: int
    cells: int = 2

    def __call__(self, values: Values) -> Encoded:
        fine = repeated(values, self.cells)
        sign = 1 - 2 * (sum(np.ix_(*(from_axis(n) for n in fine.shape))) % 2)
        wanted = np.exp(1j * (np.angle(fine) + sign * np.arccos(np.abs(fine).clip(0, 1))))
        return _encoded(values, handed_on(wanted, self.levels, self.cells), phase_steps(self.levels), self.cells)


@dataclass(frozen=True)
class BlazedCarrier:
    """Phases on a carrier whose local depth is the amplitude; the light wanted is its first order (Davis et al. 1999).

    ψ = M·mod(F + 2πx/Λ, 2π) with sinc(1-M) = A and F = φ - πM, so that the first order is A·exp(iφ), up to a sign
    (Bolduc et al. 2013).

    Attributes:
        levels: steps of phase.
        cells: per pixel, along each axis.
        period: Λ in cells.

    Raises:
        ValueError: a period of less than four cells.
    """

    levels: int
    cells: int
    period: int = 8

    def __post_init__(self) -> None:
        _check_period(self.period)

    def __call__(self, values: Values) -> Encoded:
        values_of_cells = repeated(values, self.cells)
        depth = _blaze_depth(np.abs(values_of_cells))
        carrier = _carrier(values_of_cells, self.period)
        # Counted from the first cell: with as many steps as cells in a period every cell is on a step, not between two.
        ramp = np.angle(values_of_cells) - math.pi * depth + (carrier - carrier[0])
        levels = nearest_step(depth * np.mod(ramp, 2 * math.pi), self.levels)
        return _encoded(values, levels, phase_steps(self.levels), self.cells, self.period)


@dataclass(frozen=True)
class BinaryLee:
    """Open and opaque cells on a carrier: a DMD, or one chrome mask (Lee 1979).

    One line of cells has only Λ/2 + 1 amplitudes: one-dimensional masks want a long period.

    Open where cos(2πx/Λ + φ) > cos(πw), sin(πw) = A: the first order is A·exp(iφ)/π, at most a tenth of the light.

    Attributes:
        cells: per pixel, along each axis.
        period: Λ in cells.

    Raises:
        ValueError: a period of less than four cells.
    """

    cells: int
    period: int = 8

    def __post_init__(self) -> None:
        _check_period(self.period)

    def __call__(self, values: Values) -> Encoded:
        values_of_cells = repeated(values, self.cells)
        width = np.arcsin(np.abs(values_of_cells).clip(0, 1)) / math.pi
        # Rows ask at different places within their cells, so that together they find edges between cells.
        rows = staggered(self.cells)[from_axis(len(values_of_cells)) % self.cells] if values.ndim == 2 else 0.5
        within = 2 * math.pi / self.period * (np.reshape(rows, (-1,) + (1,) * (values.ndim - 1)) - 0.5)
        wave = np.cos(_carrier(values_of_cells, self.period) + within + np.angle(values_of_cells))
        levels = (wave > np.cos(math.pi * width)).astype(np.int64)
        return _encoded(values, levels, CHROME, self.cells, self.period)


def _encoded(
    values: Values, levels: NDArray[np.integer], alphabet: Alphabet, cells: int, period: int | None = None
) -> Encoded:
    """What the cells come to, in the mean over each pixel, beside what was wanted."""
    stored: Levels = levels.astype(np.uint8) if len(alphabet) <= 256 else levels.astype(np.uint16)
    arriving = means(_demodulated(alphabet.transmittance[stored], period), cells)
    power = float(np.vdot(values, values).real)
    factor = complex(np.vdot(values, arriving)) / power if power else 1.0  # of an opaque mask nothing is wanted
    if period is None and not values.imag.any():
        factor = factor.real  # what is out of phase is no light of a real mask, and is not read
    if not factor:
        raise ValueError("no light of the mask is left in so few cells: take more cells for each pixel")
    residual = float(np.linalg.norm(arriving - factor * values)) / (abs(factor) * math.sqrt(power) or 1.0)
    return Encoded(stored, alphabet, cells, factor, residual, period)


def _demodulated(cells: Values, period: int | None) -> Values:
    """What cells of a carrier contribute to its first order: in the mean over a cell the carrier is a sinc weaker."""
    if period is None:
        return cells
    return cells * np.exp(-1j * _carrier(cells, period)) * np.sinc(1 / period)


def _carrier(cells: Values, period: int) -> Reals:
    """The phase of the carrier at the centre of each cell along x [rad]."""
    n = cells.shape[-1]
    phase: Reals = 2 * math.pi / period * (np.arange(n) - (n - 1) / 2)
    return phase


def _require_real(values: Values) -> None:
    if np.abs(values.imag).max(initial=0.0) > _ABSORBS:
        raise ValueError("the mask is complex, and phases 0 and π make real ones: encode it with more levels of phase")


def _check_period(period: int) -> None:
    if period < 4:
        raise ValueError(f"a carrier needs a period of four cells or more to have one bright first order; got {period}")


def _blaze_depth(amplitude: Reals) -> Reals:
    """M with sin(π(1-M))/(π(1-M)) = A: what a ramp of phase that stops short of 2π leaves of its first order."""
    depth = np.linspace(0, 1, _TABULATED)
    inverse: Reals = np.interp(amplitude.clip(0, 1), np.sinc(1 - depth), depth)
    return inverse
