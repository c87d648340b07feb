"""The bench: what stands on the table, as validated data.

A 4f system: a modulator that shows the input and carries mask A, a lens, the Fourier mask D, a second lens of the
same focal length, a camera whose pixels match the modulator's. For n modulator pixels of pitch p, neighbouring
Fourier coefficients lie q = λf/(np) apart in the mask plane, so focal length and pitches are not independent:
give the focal length, or the pitch of the mask, and the other follows from the layer's size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, Field, model_validator

from acdc_optical.parts import Fill, Length, Part, length_names, preset_names, read_preset, read_toml
from optics import Cell, flat, point
from optics.elements import output_pitch
from optics.units import format_length

# People write focal lengths with six digits; a misfit of 1e-6 displaces the outermost of 1000 mask pixels
# by a thousandth of its width.
_FIT = 1e-6


class Modulator(Part):
    """The device in the input plane; it shows x, and mask A stands on it.

    Every pixel is taken to set any signed (for AFDF, complex) amplitude. A phase-only panel needs two pixels or a
    carrier for each such value; what that costs in resolution and light is not modelled here.

    Attributes:
        pitch: pixel size [m].
        fill: active fraction of a pixel's width.
        pixels: number of pixels (y, x), or None if there are always enough.
    """

    pitch: Length
    fill: Fill = 1.0
    pixels: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]] | None = None


class FourierMask(Part):
    """The mask in the Fourier plane.

    Attributes:
        pixels_per_coefficient: mask pixels along each axis for one Fourier coefficient, M; two or more
            let the compilation be exact.
        fill: active fraction of a mask pixel's width.
        pitch: mask pixel size [m]; None if it follows from the focal length.
    """

    pixels_per_coefficient: Annotated[int, Field(ge=1)] = 2
    fill: Fill = 1.0
    pitch: Length | None = None


class RelayMask(Part):
    """The masks A between the systems of an all-optical cascade, where light falls that no modulator has shown.

    Attributes:
        pixels_per_number: mask pixels along each axis for one number, which is as wide as a modulator pixel; four let
            the mask sample the light that falls on it, as points would.
        guards: numbers by which the mask is wider than the modulator's pixels in use, at each end.
        fill: active fraction of a mask pixel's width.
    """

    pixels_per_number: Annotated[int, Field(ge=1)] = 4
    guards: Annotated[int, Field(ge=0)] = 2
    fill: Fill = 1.0


class Lenses(Part):
    """Both lenses, which are alike; only models that follow the light through them ask.

    Attributes:
        design: a thin lens gives the phase of a parabola; a sine-corrected (Fourier) lens sends each direction of light
            to its place in the Fourier plane, however steep. In the paraxial limit they are one.
        aperture: width of the opening in the lens [m]; None for twice what the light of modulator and mask fills.
        stop: shape of the opening; in a 1-D bench both are a slit. Round ones mix the axes, and want a short focal
            length: light on a one-inch lens of 100 mm has more detail than fits in memory.
    """

    design: Literal["thin", "sine-corrected"] = "thin"
    aperture: Length | None = None
    stop: Literal["square", "round"] = "square"


class Camera(Part):
    """The detector, with pixels of the modulator's pitch; it measures the field, by an ideal reference beam.

    Attributes:
        fill: active fraction of a pixel's width over which the field is averaged; 0 samples at its centre.
    """

    fill: Annotated[float, Field(ge=0, le=1)] = 0.0


class Bench(Part):
    """A 4f bench. All lengths in metres; strings with a unit ("633 nm") are accepted and required in files.

    Attributes:
        wavelength: vacuum wavelength [m].
        focal_length: of both lenses [m]; None if it follows from the mask's pitch.
        modulator, mask, camera: the devices in the three planes.
        lenses: what stands between them.
        relay: the masks A of an all-optical cascade behind its first.

    Raises:
        ValueError: unknown or missing keys, values out of range, neither focal length nor mask pitch.

    >>> bench = Bench(wavelength="633 nm", focal_length="100 mm", modulator=Modulator(pitch="8 um"))
    """

    wavelength: Length
    focal_length: Length | None = None
    modulator: Modulator
    mask: FourierMask = FourierMask()
    camera: Camera = Camera()
    lenses: Lenses = Lenses()
    relay: RelayMask = RelayMask()

    @model_validator(mode="after")
    def _determined(self) -> Bench:
        if self.focal_length is None and self.mask.pitch is None:
            raise ValueError("give focal_length or mask.pitch: one of them is needed to place the coefficients")
        return self

    @classmethod
    def load(cls, path: str | Path) -> Bench:
        """Read a bench from a TOML file.

        Raises:
            FileNotFoundError: no such file.
            ValueError: not TOML, or not a valid bench; the message names the file and the key.
        """
        return read_toml(cls, path, "a bench, or the name of a preset,")

    @classmethod
    def preset(cls, name: str = "lcos-8um") -> Bench:
        """A bench of typical hardware that ships with the package.

        Raises:
            ValueError: no such preset; the message lists them.
        """
        return read_preset(cls, "acdc_optical", name, "bench")

    def __str__(self) -> str:
        """The bench as the TOML file that describes it."""
        parts = ((name, part) for name, part in self if isinstance(part, Part))
        tables = (f"\n[{name}]\n" + "".join(_toml_lines(part)) for name, part in parts)
        return "".join(_toml_lines(self)) + "".join(tables)

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


_LENGTHS = length_names(Bench)


def _toml_lines(part: BaseModel) -> Iterator[str]:
    for key, value in part:
        if value is None or isinstance(value, BaseModel):
            continue
        yield f"{key} = {_toml_value(key, value)}\n"


def _toml_value(key: str, value: Any) -> str:
    if key in _LENGTHS:
        return f'"{_exactly(value)}"'
    if isinstance(value, str):
        return f'"{value}"'
    return str(list(value) if isinstance(value, tuple) else value)


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
    return preset_names("acdc_optical")
