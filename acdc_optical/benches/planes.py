"""Where things stand on a 4f bench: its two arms, and the planes at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from acdc_optical.benches.bench import Bench, Pixels
from acdc_optical.benches.hardware import Lenses
from optics import Circle, Grid, Rectangle
from optics.elements import output_pitch
from optics.units import format_length


@dataclass(frozen=True)
class Arm:
    """One half of a 4f bench: free space, a lens, free space, from pixels in front to the Fourier plane behind.

    The other half is the same, seen from the camera.

    Attributes:
        wavelength, focal_length: [m].
        lenses: what the lens is like.
    """

    wavelength: float
    focal_length: float
    lenses: Lenses

    @property
    def scale(self) -> float:
        """λf [m²]."""
        return self.wavelength * self.focal_length

    def widths(self, front: Grid, back: Grid) -> tuple[float, ...]:
        """Width of the lens's opening along each axis [m]; twice that of both planes together if none is given."""
        return tuple(self.lenses.aperture or 2 * (a + b) for a, b in zip(front.extent, back.extent, strict=True))

    def opening(self, front: Grid, back: Grid) -> Circle | Rectangle:
        """The opening of the lens."""
        widths = self.widths(front, back)
        return Circle(max(widths)) if self.lenses.stop == "round" and len(widths) == 2 else Rectangle(widths)


@dataclass(frozen=True)
class Planes:
    """The three planes of a 4f bench, as the layer's light meets them.

    Attributes:
        wavelength, focal_length: [m].
        input: modulator pixels in use.
        mask: pixels of the Fourier mask.
        camera: camera pixels in use; the image of ``input``, upside down.
        lenses: what stands between.
    """

    wavelength: float
    focal_length: float
    input: Grid
    mask: Grid
    camera: Grid
    lenses: Lenses

    @property
    def arm(self) -> Arm:
        """From the modulator to the mask; from the camera to the mask it is the same."""
        return Arm(self.wavelength, self.focal_length, self.lenses)

    @property
    def lenses_in_words(self) -> str:
        """Which lenses stand there, in a few words."""
        widths = dict.fromkeys(self.arm.widths(self.input, self.mask))
        stop = "slit" if self.input.ndim == 1 else self.lenses.stop
        return f"{self.lenses.design} lenses, {' × '.join(format_length(w, digits=3) for w in widths)} {stop}"

    @classmethod
    def of(
        cls, bench: Bench, counts: Sequence[int], mask: Sequence[int], pixels_per_coefficient: int, pixels: Pixels
    ) -> Planes:
        """The planes of a bench for given pixel counts of modulator and mask, (y, x) or (x,).

        Raises:
            ValueError: focal length, pitches and counts do not fit; see :meth:`Bench.fitted_focal_length`.
        """
        focal_length = bench.fitted_focal_length(tuple(counts))
        pitch = bench.modulator.pitch
        coefficient = [output_pitch(n, pitch, bench.wavelength * focal_length) for n in counts]
        return cls(
            wavelength=bench.wavelength,
            focal_length=focal_length,
            input=Grid(counts, pitch, pixels.input),
            mask=Grid(mask, [q / pixels_per_coefficient for q in coefficient], pixels.mask),
            camera=Grid(counts, pitch, pixels.camera),
            lenses=bench.lenses,
        )
