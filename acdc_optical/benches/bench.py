"""The bench: what stands on the table, as validated data.

A 4f system: a modulator that shows the input and carries mask A, a lens, the Fourier mask D, a second lens of the
same focal length, a camera whose pixels match the modulator's. For n modulator pixels of pitch p, neighbouring
Fourier coefficients lie q = λf/(np) apart in the mask plane, so focal length and pitches are not independent:
give the focal length, or the pitch of the mask, and the other follows from the layer's size.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

from pydantic import model_validator
from torch import Tensor

from acdc_optical.benches.compositions import completed, whole, whole_presets
from acdc_optical.benches.hardware import Camera, FourierMask, Laser, Lenses, Modulator, RelayMask
from acdc_optical.benches.imperfections import Imperfections
from acdc_optical.benches.toml_text import toml_text
from acdc_optical.parts import Length, Part, from_file, read_toml
from optics import Cell, flat, point
from optics.elements import output_pitch
from optics.units import format_length

# People write focal lengths with six digits; a misfit of 1e-6 displaces the outermost of 1000 mask pixels
# by a thousandth of its width.
_FIT = 1e-6


class Bench(Part):
    """A 4f bench. SI units; strings with a unit ("633 nm") are accepted for them, and required in files.

    Attributes:
        wavelength: vacuum wavelength [m].
        focal_length: of both lenses [m]; None if it follows from the mask's pitch.
        modulator, mask, camera: the devices in the three planes.
        lenses: what stands between them.
        relay: the masks A of an all-optical cascade behind its first.
        laser: the light source.
        imperfections: what is wrong with all that.

    Raises:
        ValueError: unknown or missing keys, values out of range, neither focal length nor mask pitch, a wavelength
            that its error brings to nothing.

    >>> bench = Bench(wavelength="633 nm", focal_length="100 mm", modulator=Modulator(pitch="8 um"))
    """

    wavelength: Length
    focal_length: Length | None = None
    modulator: Modulator
    mask: FourierMask = FourierMask()
    camera: Camera = Camera()
    lenses: Lenses = Lenses()
    relay: RelayMask = RelayMask()
    laser: Laser = Laser()
    imperfections: Imperfections = Imperfections()

    @model_validator(mode="after")
    def _determined(self) -> Bench:
        if self.focal_length is None and self.mask.pitch is None:
            raise ValueError("give focal_length or mask.pitch: one of them is needed to place the coefficients")
        return self

    @model_validator(mode="after")
    def _shining(self) -> Bench:
        error = self.imperfections.light.wavelength
        if not isinstance(error, Tensor) and self.wavelength + error <= 0:
            raise ValueError(
                f"imperfections.light.wavelength is the error of the wavelength, {format_length(self.wavelength)}, and "
                f"must leave some of it; got {format_length(error)}"
            )
        return self

    @classmethod
    def load(cls, path: str | Path) -> Bench:
        """Read a bench from a TOML file.

        A file may begin with the names of presets, as ``use = ["phase-slm-8um", "camera-scmos"]``: they come first, in
        this order, and what the file itself says is last.

        Raises:
            FileNotFoundError: no such file.
            ValueError: not TOML, or not a valid bench; the message names the file and the key.
        """
        return read_toml(cls, path, "a bench, or the name of a preset,", complete=completed)

    @classmethod
    def preset(cls, *names: str) -> Bench:
        """A bench of typical hardware that ships with the package.

        Args:
            names: of a bench, and of devices that take the place of its own, see :func:`presets` and
                :func:`~acdc_optical.benches.compositions.device_presets`; later ones win. The default bench
                without any.

        Raises:
            ValueError: no such preset, the message lists them; or devices without a bench.

        >>> Bench.preset("lcos-8um", "phase-slm-4k", "camera-scmos").camera.read_noise
        1.5
        """
        return from_file(cls, whole(names or ("lcos-8um",)))

    def __str__(self) -> str:
        """The bench as the TOML file that describes it, to the last bit; of what is imperfect only what is there."""
        return toml_text(self, sparse=(Imperfections,))

    def fitted_focal_length(self, pixels: tuple[int, ...]) -> float:
        """The focal length [m] with which n modulator pixels along each axis fit the mask.

        Args:
            pixels: modulator pixels in use along (y, x) or (x,).

        Raises:
            ValueError: the modulator has too few pixels, or focal length and pitches contradict each other;
                the message says which value would fit.
        """
        self._check_room(pixels)
        if self.mask.pitch is None:
            assert self.focal_length is not None  # the validator saw to it
            return self.focal_length
        coefficient = self.mask.pixels_per_coefficient * self.mask.pitch
        needed = [n * self.modulator.pitch * coefficient / self.wavelength for n in pixels]
        if not math.isclose(min(needed), max(needed), rel_tol=_FIT):
            lengths = " along y and ".join(map(format_length, needed)) + " along x"
            raise ValueError(
                f"a mask pitch of {format_length(self.mask.pitch)} needs a focal length of {lengths} for "
                f"{' × '.join(map(str, pixels))} modulator pixels; leave mask.pitch out and give focal_length"
            )
        if self.focal_length is not None and not math.isclose(self.focal_length, needed[0], rel_tol=_FIT):
            pitch = output_pitch(pixels[0], self.modulator.pitch, self.wavelength * self.focal_length)
            raise ValueError(
                f"focal_length {_exactly(self.focal_length)} and mask.pitch {_exactly(self.mask.pitch)} "
                f"do not fit {pixels[0]} modulator pixels of {_exactly(self.modulator.pitch)}: "
                f'either focal_length = "{_exactly(needed[0])}" or '
                f'mask.pitch = "{_exactly(pitch / self.mask.pixels_per_coefficient)}" would'
            )
        return needed[0] if self.focal_length is None else self.focal_length

    def _check_room(self, pixels: tuple[int, ...]) -> None:
        if self.modulator.pixels is None:
            return
        room = self.modulator.pixels[-len(pixels) :]
        if any(n > available for n, available in zip(pixels, room, strict=True)):
            raise ValueError(
                f"the layer needs {' × '.join(map(str, pixels))} modulator pixels and the bench has "
                f"{' × '.join(map(str, room))}; use a smaller layer or a larger modulator"
            )

    def pixels(self) -> Pixels:
        """What one pixel is in each plane of this bench."""
        return Pixels(
            input=flat(self.modulator.fill),
            mask=flat(self.mask.fill),
            camera=flat(self.camera.fill) if self.camera.fill else point(),
            relay=flat(self.relay.fill),
        )


def _exactly(length: float) -> str:
    """With digits enough to fit when copied into a file."""
    return format_length(length, digits=9)


class Pixels(NamedTuple):
    """What one pixel is in each plane: a flat patch of light, or a mere sampling point.

    ``relay`` is one of a mask A between two systems.
    """

    input: Cell
    mask: Cell
    camera: Cell
    relay: Cell = point()


def presets() -> list[str]:
    """Names of the benches that ship with the package."""
    return whole_presets()
