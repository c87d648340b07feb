"""Phase modulators (SLMs): from a mask's phases to the image that a panel is sent, and back.

Images have their top first; write them by :mod:`acdc_optical.fabrication.surfaces.rasters` (PNG of 8 or 16 bits, BMP,
CSV) or :func:`acdc_optical.files.write_array`, as the panel's software wants them. More than 8 bits lie in the lower
bits of uint16. How a vendor packs them into the colours of a video signal is left to its software.

The default conversion is that of slmsuite (``SLM.set_phase``; tests/peers holds the two together), whose arrays have y
downwards, as images have. Where a panel turns the phase by another range than 2π, the two differ: slmsuite truncates to
whole grays, we round; and where the range is too short, it shows zero for the phases that are missing, we the nearest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from acdc_optical.fabrication.devices.placement import Placement
from acdc_optical.fabrication.devices.responses import Grays, Phases, Response
from acdc_optical.fabrication.plate import Plate
from acdc_optical.fabrication.surfaces.rasters import Pitch

_FULL = 1e-6  # how far from 1 a transmittance may be to be called a phase


class PhaseErrors(NamedTuple):
    """How far the phases on a panel are from those asked for [rad]."""

    largest: float
    rms: float


@dataclass(frozen=True, eq=False)
class ModulatorProfile:
    """A phase modulator as it stands on the table.

    Attributes:
        pitch: of its pixels, (rows, columns) [m].
        response: the phase of each gray.
        placement: its shape, and where on it the mask lies.
        flatness: phase that makes it flat [rad], of the shape of its image, top first; added to the mask's, and in the
            margins too. From a vendor's image of grays: ``response.phases[image]``.
        padding: phase around the mask [rad].

    Raises:
        ValueError: pitches that are not positive, or a flatness of another shape or not finite.
    """

    pitch: Pitch
    response: Response
    placement: Placement
    flatness: Phases | None = None
    padding: float = 0.0

    def __post_init__(self) -> None:
        if not all(0 < pitch < math.inf for pitch in self.pitch):
            raise ValueError(f"expected positive pitches (rows, columns) in metres; got {self.pitch}")
        if not math.isfinite(self.padding):
            raise ValueError(f"expected a finite phase around the mask; got {self.padding}")
        if self.flatness is None:
            return
        if self.flatness.shape != self.placement.shape or not np.isfinite(self.flatness).all():
            raise ValueError(
                f"expected a finite flatness of the device's shape {self.placement.shape}; got {self.flatness.shape}"
            )

    def image(self, phases: Phases) -> Grays:
        """The image for phases [rad], of any number of turns, shape (ny, nx), as seen on the panel.

        Returns:
            Shape (rows, columns), uint8 up to 8 bits, else uint16.

        Raises:
            ValueError: not finite, not 2-D, or no place for it on the panel.
        """
        placed = self.placement.place(np.asarray(phases, dtype=np.float64), fill=self.padding)
        return self.response.grays(placed if self.flatness is None else placed + self.flatness)

    def image_of(self, plate: Plate) -> Grays:
        """The image for a plate.

        Raises:
            ValueError: levels that absorb, or cells that are no pixels of the panel, or no place for them.
        """
        self.placement.require_pitch(plate.pitch, self.pitch)
        return self.image(phases_of(plate))

    def phases(self, image: Grays, shape: tuple[int, int]) -> Phases:
        """The phases of a mask of that shape on the panel [rad], from 0 to 2π: the inverse of :meth:`image`.

        Raises:
            ValueError: not of the panel's shape, not whole numbers, grays beyond its bits, or no place for such a mask.
        """
        if image.dtype.kind != "u" or int(image.max(initial=0)) >= len(self.response.phases):
            raise ValueError(
                f"expected grays of {self.response.bits} bits; got {image.dtype} up to {image.max(initial=0)}: "
                "is it another panel's image?"
            )
        shown = self.response.phases[image]
        mask = self.placement.take(shown if self.flatness is None else shown - self.flatness, shape)
        return np.mod(mask, 2 * math.pi)

    def errors(self, phases: Phases) -> PhaseErrors:
        """What rounding to grays, and a stroke too short, make of phases [rad]; errors as for :meth:`image`."""
        ny, nx = phases.shape
        difference = self.phases(self.image(phases), (ny, nx)) - phases
        circular = np.remainder(difference + math.pi, 2 * math.pi) - math.pi
        return PhaseErrors(float(np.abs(circular).max()), float(np.sqrt(np.square(circular).mean())))


def phases_of(plate: Plate) -> Phases:
    """The phase of each cell of a plate as it is seen [rad], shape (ny, nx).

    Raises:
        ValueError: a cell that absorbs; a panel of phases cannot show it.
    """
    cells = plate.seen
    absorbing = np.abs(np.abs(plate.transmittance) - 1) > _FULL
    strays = int(absorbing[cells].sum())
    if strays:
        raise ValueError(
            f"{strays} cells of plate {plate.name!r} absorb, and a phase modulator cannot; "
            "encode the mask in phases first, or train it as phases"
        )
    phases: Phases = np.angle(plate.transmittance)[cells]
    return phases
