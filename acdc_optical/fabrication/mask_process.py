"""How one mask is made, as validated data: words of a process file, and the objects they stand for."""

from __future__ import annotations

import math
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from acdc_optical.fabrication.encodings import (
    BinaryLee,
    BinaryPhase,
    BlazedCarrier,
    ChromeAndEtch,
    DoublePhase,
    Encoding,
    PhaseSteps,
)
from acdc_optical.fabrication.layouts.rules import Rules
from acdc_optical.fabrication.materials import Fixed, Material, material_named
from acdc_optical.fabrication.relief import (
    Added,
    BareChrome,
    ChromeDrawn,
    Etched,
    GrayScale,
    Making,
    OppositeSign,
    Reflection,
    Relief,
    Transmission,
)
from acdc_optical.parts import Distance, Length, Part
from optics.units import format_length

_ENCODINGS: dict[str, type[Any]] = {
    "phase-steps": PhaseSteps,
    "chrome-and-etch": ChromeAndEtch,
    "binary-phase": BinaryPhase,
    "double-phase": DoublePhase,
    "blazed-carrier": BlazedCarrier,
    "binary-lee": BinaryLee,
}

Count = Annotated[int, Field(ge=1)]

# A pixel that is a whole number of features is divided by that many, whatever the rounding of its pitch.
_ROUNDING = 1e-9


class MaskProcess(Part):
    """How one mask is made.

    Attributes:
        encoding: how values become cells; see :mod:`acdc_optical.fabrication.encodings`.
        cells: cells per pixel and axis; or
        feature: size of the smallest cell [m], of which a pixel holds as many as fit.
        levels: steps of phase from 0 to below 2π, where the encoding has a choice.
        period: cells for a period of the carrier, where there is one.
        made: etched, added (resist, print), in gray scale (etched or added in one go), as chrome alone, or shown by a
            phase modulator.
        light: through the surface, or back from it.
        material, index: what the surface is of, by name or by its refractive index.
        medium, medium_index: what is above it.
        angle_deg: of the light in the medium, from the normal.
        phase_sign: +1 for light exp(+ikz), as everywhere in this library; -1 for designs of the other kind.
        pedestal: below all levels, of what is added [m].
        faces_source: whether the patterned side faces the light's source, so that the shop sees x mirrored.
        chrome_drawn: whether polygons are the chrome, not the openings in it.
        surroundings: of mask D, which the bench takes to be opaque around it: chrome, which the layout then has for
            masks of phase alone, too, or a stop that is mounted.
        min_feature, min_gap: what the process resolves [m].
        corner_contacts: whether cells may touch at a corner alone.
        base: below the relief of a solid [m].
        dose_curve: file of a measured curve for gray-scale doses; a straight line without.
        profile: file of the modulator's profile; a panel of the mask's size, 8 bits and 2π without.
        panel: rows and columns of a mirror array; the mask's own without.
    """

    encoding: Literal["phase-steps", "chrome-and-etch", "binary-phase", "double-phase", "blazed-carrier", "binary-lee"]
    cells: Count | None = None
    feature: Length | None = None
    levels: Annotated[int, Field(ge=2)] | None = None
    period: Count | None = None
    made: Literal["etched", "added", "etched-gray-scale", "added-gray-scale", "chrome", "modulator"] = "etched"
    light: Literal["transmission", "reflection"] = "transmission"
    material: str = "fused-silica"
    index: Annotated[float, Field(gt=0)] | None = None
    medium: str = "air"
    medium_index: Annotated[float, Field(gt=0)] | None = None
    angle_deg: Annotated[float, Field(gt=-90, lt=90)] = 0.0
    phase_sign: Literal[1, -1] = 1
    pedestal: Distance = 0.0
    faces_source: bool = False
    chrome_drawn: bool = False
    surroundings: Literal["chrome", "stop"] = "chrome"
    min_feature: Distance = 0.0
    min_gap: Distance = 0.0
    corner_contacts: bool = True
    base: Length = 10e-6
    dose_curve: str | None = None
    profile: str | None = None
    panel: tuple[Count, Count] | None = None

    @model_validator(mode="after")
    def _sound(self) -> MaskProcess:
        if self.cells is not None and self.feature is not None:
            raise ValueError("give cells or feature: either says how many cells a pixel has")
        self.encoding_for(self.feature or 1.0)
        for value in (self.material if self.index is None else "air", self.medium):
            material_named(value)
        if self.light == "reflection" and self.made != "modulator":
            self._check_reflection()
        self._check_uses()
        return self

    def _check_uses(self) -> None:
        """Refuse settings that have no effect on what they stand beside."""
        idle = {
            "material": self.index is not None or self.light == "reflection",
            "index": self.light == "reflection",
            "medium": self.medium_index is not None,
            "pedestal": not self.made.startswith("added"),
            "chrome_drawn": self.encoding not in ("chrome-and-etch", "binary-lee"),
            "profile": self.made != "modulator",
        }
        for key, unused in idle.items():
            if unused and getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"{key} has no effect beside the other settings of this mask: leave it out")
        if self.made == "modulator" and self.encoding in ("chrome-and-etch", "binary-lee"):
            raise ValueError(f"a phase modulator has no opaque pixels, which {self.encoding} needs: encode in phases")

    def _check_reflection(self) -> None:
        if not self.faces_source:
            raise ValueError("light that is reflected meets the patterned side first: give faces_source = true")
        if self.made == "chrome" or self.encoding in ("chrome-and-etch", "binary-lee"):
            raise ValueError("chrome is bright in reflection, and no opaque level: choose an encoding of phases alone")

    def encoding_for(self, pixel: float) -> Encoding:
        """The encoding of a mask whose smallest pixel has this pitch [m].

        Raises:
            ValueError: settings that the encoding does not have, or lacks; a pixel smaller than a cell.
        """
        kind = _ENCODINGS[self.encoding]
        known = {field.name for field in fields(kind)}
        given = {"levels": self.levels, "period": self.period, "cells": self._cells(pixel)}
        chosen = {name: value for name, value in given.items() if value is not None}
        strays = [name for name in chosen if name not in known]
        if strays:
            raise ValueError(f"the encoding {self.encoding} has no {' and no '.join(strays)}; it has {sorted(known)}")
        try:
            encoding: Encoding = kind(**chosen)
        except TypeError:
            lacking = sorted(known - set(chosen))
            raise ValueError(f"the encoding {self.encoding} needs {', '.join(lacking)}; give them") from None
        return encoding

    def _cells(self, pixel: float) -> int | None:
        if self.feature is None:
            return self.cells
        cells = math.floor(pixel / self.feature * (1 + _ROUNDING))
        if cells < 1:
            raise ValueError(
                f"a pixel of {format_length(pixel)} is smaller than a feature of {format_length(self.feature)}; "
                "take a finer process or a bench with larger pixels"
            )
        return cells

    def solid(self) -> Material:
        """What the surface is of."""
        return _material(self.material, self.index)

    def above(self) -> Material:
        """What is above the surface."""
        return _material(self.medium, self.medium_index)

    def relief(self) -> Relief:
        """What height does to the light."""
        angle = math.radians(self.angle_deg)
        relief: Relief = Reflection(self.above(), angle)
        if self.light == "transmission":
            relief = Transmission(self.solid(), self.above(), angle)
        return relief if self.phase_sign == 1 else OppositeSign(relief)

    def making(self) -> Making | None:
        """How the surface is made; None for a modulator, which makes none."""
        if self.made == "modulator":
            return None
        relief = self.relief()
        makings: dict[str, Making] = {
            "etched": Etched(relief),
            "added": Added(relief, self.pedestal),
            "etched-gray-scale": GrayScale(Etched(relief)),
            "added-gray-scale": GrayScale(Added(relief, self.pedestal)),
            "chrome": BareChrome(),
        }
        making = makings[self.made]
        return ChromeDrawn(making) if self.chrome_drawn else making

    def beside(self, folder: Path) -> MaskProcess:
        """The same with files found from a folder."""
        files = {key: getattr(self, key) for key in ("dose_curve", "profile")}
        return self.replace(**{key: str(folder / file) for key, file in files.items() if file is not None})

    def rules(self) -> Rules:
        """What the layout is held against."""
        return Rules(self.min_feature, self.min_gap, self.corner_contacts)


def _material(name: str, index: float | None) -> Material:
    return material_named(name) if index is None else Fixed(index)
