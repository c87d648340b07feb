"""The hardware on the table, as validated data: what a bench is put together from, as it ought to be.

What is wrong with it is in :mod:`acdc_optical.benches.imperfections`.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from acdc_optical.parts import Bits, Duration, Fill, Length, Part, Power


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


class Laser(Part):
    """The light source; only simulated detection asks.

    Attributes:
        power: of the light that falls on the modulator's pixels in use [W].
        reference: power of the reference beam on the camera's pixels in use [W]; None for as much as the camera bears.
    """

    power: Power | None = None
    reference: Power | None = None


class Camera(Part):
    """The detector, with pixels of the modulator's pitch.

    Attributes:
        fill: active fraction of a pixel's width over which the field is averaged; 0 samples at its centre.
        exposure: time for which it gathers light [s], in all images of a measurement together.
        quantum_efficiency: electrons for a photon.
        read_noise: standard deviation [electrons].
        dark_current: electrons in a second and a pixel, without light.
        full_well: electrons that a pixel holds; None for any number.
        bits: of the converter, whose largest value is a full well; None for no steps.
        read_out: how numbers come from the light: as the field, by an ideal measurement; by one image with a reference
            beam in phase (homodyne); by four images with its phase stepped.

    Raises:
        ValueError: values out of range; bits without a full well, or a dark current without an exposure.
    """

    fill: Annotated[float, Field(ge=0, le=1)] = 0.0
    exposure: Duration | None = None
    quantum_efficiency: Fill = 1.0
    read_noise: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    dark_current: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    full_well: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    bits: Bits | None = None
    read_out: Literal["field", "homodyne", "four-step"] = "field"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.bits is not None and self.full_well is None:
            raise ValueError(f"bits = {self.bits} divide the full well, and there is none: give full_well in electrons")
        if self.dark_current and self.exposure is None:
            raise ValueError("dark_current needs the time in which it gathers: give exposure, or leave both out")
        return self
