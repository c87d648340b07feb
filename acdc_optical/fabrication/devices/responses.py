"""The phase that a modulator shows for each gray, and the gray for each phase."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acdc_optical.fabrication.surfaces.curves import read_curve, write_curve

Phases = NDArray[np.float64]
Grays = NDArray[np.unsignedinteger]

_TURN = 2 * math.pi
_COLUMNS = ("gray", "phase_rad")
_ROUNDING = 1e-9  # [rad]; a gray a turn above the first is the first one again, however its phase was rounded


@dataclass(frozen=True, eq=False)
class Response:
    """What a panel does, at one wavelength.

    Attributes:
        phases: of each gray [rad], not wrapped, shape (2^bits,), bits from 1 to 16.

    Grays are chosen by the circular distance of their phases, so that wrapped phases need no care. A panel that turns
    the phase by more than 2π is used within one turn from its least phase: else neighbouring pixels of nearly equal
    phase might get grays far apart. Of two grays equally near, the one of lesser phase is taken.

    Raises:
        ValueError: not one finite phase for each of 2^bits grays.
    """

    phases: Phases

    def __post_init__(self) -> None:
        count = len(self.phases) if self.phases.ndim == 1 else 0
        if not 2 <= count <= 2**16 or count & (count - 1) or not np.isfinite(self.phases).all():
            raise ValueError(f"expected a finite phase for each of 2 to 65536 = 2^bits grays; got {self.phases.shape}")

    @classmethod
    def falling(cls, bits: int, *, stroke: float = 1.0) -> Response:
        """A straight line; the highest gray has phase 0, lower ones more.

        That is how slmsuite has it, and most liquid crystals: more voltage, less delay. slmsuite's ``phase_scaling`` is
        the inverse of the stroke.

        Args:
            bits: of the gray.
            stroke: the phase of as many grays as there are, over 2π.

        Raises:
            ValueError: bits below 1 or above 16, or a stroke that is not positive.
        """
        return cls(_line(bits, stroke)[::-1])

    @classmethod
    def rising(cls, bits: int, *, stroke: float = 1.0) -> Response:
        """A straight line; gray 0 has phase 0, higher ones more. Errors as for :meth:`falling`."""
        return cls(_line(bits, stroke))

    @classmethod
    def measured(cls, bits: int, grays: NDArray[np.float64], phases: Phases) -> Response:
        """From a table of at most 2^bits grays, increasing from 0 to the highest, with straight lines between them.

        Raises:
            ValueError: grays that are not whole, do not increase or leave out the first or the last one, or phases
                that jump by more than π from one gray to the next, as wrapped ones do.
        """
        last = 2**bits - 1
        if grays.ndim != 1 or grays.shape != phases.shape or len(grays) < 2:
            raise ValueError(f"expected two grays or more, a phase for each; got {grays.shape} and {phases.shape}")
        if (grays % 1).any() or not (np.diff(grays) > 0).all() or grays[0] != 0 or grays[-1] != last:
            raise ValueError(f"expected whole grays that increase from 0 to {last}; measure or extrapolate both ends")
        if (np.abs(np.diff(phases))[np.diff(grays) == 1] > math.pi).any():
            raise ValueError("the phase jumps by more than π from one gray to the next; unwrap it first (numpy.unwrap)")
        return cls(np.interp(np.arange(last + 1), grays, phases))

    @classmethod
    def read(cls, path: str | Path, bits: int) -> Response:
        """From a CSV file with columns gray, phase_rad; as :meth:`measured`.

        Raises:
            FileNotFoundError: no such file.
            ValueError: not such a table.
        """
        grays, phases = read_curve(path, _COLUMNS)
        try:
            return cls.measured(bits, grays, phases)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def write(self, path: str | Path) -> None:
        """As CSV, one row for each gray; errors as for :func:`acdc_optical.files.replacing`."""
        write_curve(path, _COLUMNS, (np.arange(len(self.phases), dtype=np.float64), self.phases))

    @property
    def bits(self) -> int:
        """Of the gray."""
        return len(self.phases).bit_length() - 1

    @property
    def stroke(self) -> float:
        """The range of phases over 2π, counting one mean step more than from the first to the last gray."""
        count = len(self.phases)
        return float(np.ptp(self.phases)) * count / (count - 1) / _TURN

    @property
    def efficiency(self) -> float:
        """The share of light that goes where evenly spread phases send it; the rest goes elsewhere.

        |⟨exp(i·error)⟩|² with the nearest gray for every phase: a gap d between the phases that there are contributes
        2·sin(d/2)/(2π). For L equal steps that is sinc²(1/L) (Farn and Veldkamp, Handbook of Optics II, ch. 8).

        >>> round(Response.falling(3).efficiency, 4), round(Response.falling(8, stroke=0.8).efficiency, 3)
        (0.9496, 0.973)
        """
        return float((2 * np.sin(self._gaps() / 2)).sum() / _TURN) ** 2

    @property
    def worst_error(self) -> float:
        """The largest error that any phase can have [rad]: half the widest gap between the phases that there are."""
        return float(self._gaps().max()) / 2

    def grays(self, phases: Phases) -> Grays:
        """The gray of the nearest phase, uint8 up to 8 bits, else uint16.

        Raises:
            ValueError: phases that are not finite.
        """
        if not np.isfinite(phases).all():
            raise ValueError("expected finite phases; got NaN or infinity")
        order, turned = self._first_turn()
        borders = turned + np.diff(turned, append=_TURN) / 2
        nearest = np.searchsorted(borders, np.mod(phases - self.phases.min(), _TURN)) % len(order)
        return order[nearest].astype(np.uint8 if self.bits <= 8 else np.uint16)

    def _first_turn(self) -> tuple[NDArray[np.int64], Phases]:
        """The grays in use, in the order of their phases, and these from 0 on."""
        above = self.phases - self.phases.min()
        order = np.argsort(above, kind="stable")
        order = order[above[order] < _TURN - _ROUNDING]
        return order, above[order]

    def _gaps(self) -> Phases:
        return np.diff(self._first_turn()[1], append=_TURN)


def _line(bits: int, stroke: float) -> Phases:
    if not 1 <= bits <= 16 or not 0 < stroke < math.inf:
        raise ValueError(f"expected 1 to 16 bits and a positive stroke; got {bits} bits, stroke {stroke}")
    return np.arange(2**bits) * (_TURN * stroke / 2**bits)
