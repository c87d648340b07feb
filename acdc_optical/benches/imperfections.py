"""What is wrong with a bench, as validated data: where its parts really stand, and what its devices really show.

Everything is zero, or absent, on a perfect bench. Lengths in metres, angles in radians; strings with a unit
("2 um", "1 mrad") are accepted, and required in files. Numbers of where things stand may be tensors, 0-dim or of shape
(draws,): they are differentiated through, and several benches are computed together.
"""

from __future__ import annotations

import cmath
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from acdc_optical.parts import (
    Amount,
    Angle,
    AngularSpread,
    Bits,
    Displacement,
    Distance,
    FullScale,
    Part,
    Relative,
    Share,
    Spread,
    Stretch,
    Stroke,
    Turn,
    may_be_drawn,
)

Number = float | Tensor

NOISE = ("light.intensity_noise", "light.stray")
"""Those that are noise of a camera's reading."""

# What says how another one is meant, and does nothing without it.
_WITH = {"flatness": "flatness_seed", "overlay_y": "etches", "overlay_x": "etches"}


class Placement(Part):
    """Where a plane stands: the modulator with mask A on it, mask D, or the camera.

    Attributes:
        shift_y, shift_x: [m] towards positive coordinates.
        defocus: [m] by which it stands too far down the table.
        rotation: [rad] about the optical axis, from x towards y.
    """

    shift_y: Displacement = 0.0
    shift_x: Displacement = 0.0
    defocus: Displacement = 0.0
    rotation: Turn = 0.0


class Attachment(Part):
    """Where mask A lies on the modulator whose pixels it covers.

    Attributes:
        shift_y, shift_x, rotation: as of :class:`Placement`.
    """

    shift_y: Displacement = 0.0
    shift_x: Displacement = 0.0
    rotation: Turn = 0.0


class LensPlacement(Part):
    """How a lens stands, and what it is.

    Attributes:
        shift_y, shift_x: of its axis [m].
        tilt_y, tilt_x: [rad] by which it faces towards positive coordinates.
        focal_length: relative error of the focal length, above -1.
    """

    shift_y: Displacement = 0.0
    shift_x: Displacement = 0.0
    tilt_y: Turn = 0.0
    tilt_x: Turn = 0.0
    focal_length: Stretch = 0.0


class DeviceErrors(Part):
    """What the device of a mask really shows.

    Attributes:
        phase_bits, amplitude_bits: of its steps; None for none.
        state_phases, state_amplitudes: of a device that has these states and no others, the phase [rad] and the
            amplitude of each (1 throughout unless given); None for a device without steps.
        look_up_table: phases [rad] shown where 0 … 2π(1 - 1/n) are asked for; None if it does what it is told.
        phase_stroke: the largest phase it reaches [rad]; None for 2π and more.
        flatness: its surface error as an optical path difference [m], rms, of low order and piston taken away; where
            light is reflected that is twice the error of height.
        flatness_seed: which surface.
        crosstalk: fringing between pixels, standard deviation [m].
        gap_reflectance: amplitude of the light between the active parts of its pixels, over that of what falls there.
        etch_depth: relative error of all depths, that is of all phases.
        edge_growth: [m] by which deeper pixels grow into their neighbours.
        etches: of a multi-level relief of 2^etches phases; None if it is no such thing.
        overlay_y, overlay_x: [m] by which the last etch is beside the others.

    Raises:
        ValueError: values out of range; etches and phase bits, or fringing and etched borders, of one device; an
            overlay without etches; amplitudes of states that are not there.
    """

    phase_bits: Bits | None = None
    amplitude_bits: Bits | None = None
    state_phases: Annotated[tuple[Angle, ...], Field(min_length=1)] | None = None
    state_amplitudes: Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(min_length=1)] | None = None
    look_up_table: Annotated[tuple[Angle, ...], Field(min_length=1)] | None = None
    phase_stroke: Stroke | None = None
    flatness: Spread = 0.0
    flatness_seed: int = 0
    crosstalk: Distance = 0.0
    gap_reflectance: Share = 0.0
    etch_depth: Relative = 0.0
    edge_growth: Displacement = 0.0
    etches: Annotated[int, Field(ge=1, le=6)] | None = None
    overlay_y: Displacement = 0.0
    overlay_x: Displacement = 0.0

    @model_validator(mode="after")
    def _one_device(self) -> Self:
        if self.etches is not None and self.phase_bits is not None:
            raise ValueError(
                f"etches = {self.etches} is of a relief and phase_bits = {self.phase_bits} of a modulator, and no "
                "device is both: choose one and leave the other out"
            )
        # What is drawn may do nothing on some bench; what a file says may not.
        if self.etches is None and any(isinstance(v, float) and v for v in (self.overlay_y, self.overlay_x)):
            raise ValueError("an overlay is of etches, and there are none: give etches, or leave the overlay out")
        if self.crosstalk and (self.etches is not None or isinstance(self.edge_growth, Tensor) or self.edge_growth):
            raise ValueError(
                "crosstalk is of a modulator, and etches and edge_growth are of a relief, and no device is both: "
                "choose one and leave the other out"
            )
        if self.state_amplitudes is not None and len(self.state_amplitudes) != len(self.state_phases or ()):
            raise ValueError(
                f"expected as many state_amplitudes as state_phases; got {len(self.state_amplitudes)} and "
                f"{len(self.state_phases or ())}"
            )
        return self

    @property
    def states(self) -> tuple[complex, ...] | None:
        """Transmittances of a device that has these and no others."""
        if self.state_phases is None:
            return None
        amplitudes = self.state_amplitudes or (1.0,) * len(self.state_phases)
        return tuple(cmath.rect(*state) for state in zip(amplitudes, self.state_phases, strict=True))


class DisplayErrors(Part):
    """How the modulator really shows the numbers of an input.

    Attributes:
        amplitude_bits: of the steps of a number's modulus, from 0 to the number for which a pixel lets all light
            through; signs, and phases of complex numbers, are kept. None for none.
        full_scale: that number, and what is larger is cut off. If it is None, nothing is, and steps are those up to the
            full scale of the exposure, or without one up to the largest number of each input.
    """

    amplitude_bits: Bits | None = None
    full_scale: FullScale | None = None


class LightErrors(Part):
    """What is wrong with the light.

    Attributes:
        wavelength: error [m].
        bandwidth: standard deviation of its spectrum [m]; the path of the reference beam is as long as the signal's,
            lenses are achromatic, and only what colours do to masks and places is in the error.
        divergence: standard deviation of the angles from which a source that is no point shines [rad].
        intensity_noise: relative, rms, from exposure to exposure.
        stray: light on every camera pixel that is coherent with nothing, over that of a modulator pixel that shows 1.
    """

    wavelength: Displacement = 0.0
    bandwidth: Spread = 0.0
    divergence: AngularSpread = 0.0
    intensity_noise: Share = 0.0
    stray: Amount = 0.0


class Imperfections(Part):
    """All that is wrong with a bench; nothing unless one says so.

    Attributes:
        modulator, fourier_mask, camera: where the planes stand.
        input_mask: where mask A lies on the modulator.
        first_lens, second_lens: how the lenses stand.
        modulator_device: how the modulator shows the input.
        input_device, fourier_device: what shows masks A and D.
        light: the laser and what surrounds it.
    """

    modulator: Placement = Placement()
    input_mask: Attachment = Attachment()
    fourier_mask: Placement = Placement()
    camera: Placement = Placement()
    first_lens: LensPlacement = LensPlacement()
    second_lens: LensPlacement = LensPlacement()
    modulator_device: DisplayErrors = DisplayErrors()
    input_device: DeviceErrors = DeviceErrors()
    fourier_device: DeviceErrors = DeviceErrors()
    light: LightErrors = LightErrors()

    def values(self) -> dict[str, Any]:
        """All of them by name, as ``"fourier_mask.shift_x"``."""
        return dict(_named(self))

    def present(self) -> dict[str, Any]:
        """What is not as on a perfect bench, by name, as ``{"fourier_mask.shift_x": 4e-6}``; tensors always are."""
        perfect = dict(_named(Imperfections()))
        return {name: value for name, value in _named(self) if isinstance(value, Tensor) or value != perfect[name]}

    def drawn(self) -> dict[str, Tensor]:
        """Those that are tensors, by name; files cannot hold them."""
        return {name: value for name, value in _named(self) if isinstance(value, Tensor)}

    def drawable(self) -> dict[str, Number]:
        """Those that are numbers and may be tensors, by name; steps of devices, and what there is none of, are not."""
        fields = {part: type(getattr(self, part)).model_fields for part in type(self).model_fields}
        free = {f"{part}.{name}" for part, own in fields.items() for name, each in own.items() if may_be_drawn(each)}
        return {n: value for n, value in _named(self) if n in free and isinstance(value, float | Tensor)}

    def changed(self, values: Mapping[str, Any]) -> Self:
        """The same with some values changed, by their names.

        Raises:
            ValueError: an unknown name, or a value out of range.

        >>> Imperfections().changed({"fourier_mask.shift_x": 4e-6}).present()
        {'fourier_mask.shift_x': 4e-06}
        """
        parts: dict[str, dict[str, Any]] = {}
        known = dict(_named(self))
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"unknown imperfection {name!r}; known are {', '.join(known)}")
            part, key = name.split(".")
            parts.setdefault(part, {})[key] = value
        return self.replace(**{part: getattr(self, part).replace(**new) for part, new in parts.items()})

    def only(self, *names: str) -> Self:
        """A bench with these of its imperfections, and what says how they are meant, and no others.

        Args:
            names: of imperfections, or of whole parts.

        >>> device = DeviceErrors(flatness=1e-8, flatness_seed=3, crosstalk=1e-6)
        >>> Imperfections(input_device=device).only("input_device.flatness").present()
        {'input_device.flatness': 1e-08, 'input_device.flatness_seed': 3}
        """
        wanted = {*names, *map(companion, names)}
        kept = {n: v for n, v in self.present().items() if n in wanted or n.split(".")[0] in wanted}
        return type(self)().changed(kept)


def _named(imperfections: Imperfections) -> Iterator[tuple[str, Any]]:
    for part, values in imperfections:
        for name, value in values:
            yield f"{part}.{name}", value


def companion(name: str) -> str:
    """The name of what says how an imperfection is meant, as its seed; its own if nothing does."""
    part, _, key = name.partition(".")
    return f"{part}.{_WITH[key]}" if key in _WITH else name


def magnitude(value: Any) -> float:
    """The largest of a number or of several drawn ones, without its sign."""
    return float(torch.as_tensor(value).detach().abs().max())
