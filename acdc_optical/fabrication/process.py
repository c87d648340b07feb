"""The process file: how each mask of a design is to be made, as validated data.

It maps words to objects: encodings, reliefs, makings, rules. All lengths carry their unit in the file.
"""

from __future__ import annotations

import math
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from acdc_optical.design import Design
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
from acdc_optical.parts import Distance, Length, Part, parse_toml, read_toml
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

# Masks trained in float32 are real, and absorb nothing, to this.
_REAL = 1e-6

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
        return self

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


class LayoutProcess(Part):
    """What is common to the layouts of an order.

    Attributes:
        grid: database unit, to which every edge is rounded [m].
        hierarchical: whether pattern and marks are cells of their own below the top cell, or all is flat.
        stripe_height: of one-dimensional masks [m], to a whole cell.
    """

    grid: Length = 1e-9
    hierarchical: bool = False
    stripe_height: Length = 2e-3


class Tolerances(Part):
    """What the shop promises; the order states what each deviation would cost.

    Attributes:
        depth: relative error of all heights.
        overlay: of one pattern on another, along each axis [m].
        width: by which drawn areas are wider on every side [m].
    """

    depth: Annotated[float, Field(ge=0, lt=1)] = 0.03
    overlay: Distance = 0.25e-6
    width: Distance = 0.1e-6


class Process(Part):
    """How the masks of a design are made.

    Attributes:
        name: of the process, for the order.
        contact, revision: for the order, as they are to stand there.
        A, D: how mask A, and mask D, of every optical layer is made; None for masks that are not ordered.
        layout, tolerances: common to all.

    Raises:
        ValueError: unknown keys, settings that contradict one another, no mask to be made.

    >>> Process.preset("chrome-and-etch").D.encoding
    'chrome-and-etch'
    """

    name: str
    contact: str = ""
    revision: str = ""
    A: MaskProcess | None = None
    D: MaskProcess | None = None
    layout: LayoutProcess = LayoutProcess()
    tolerances: Tolerances = Tolerances()

    @model_validator(mode="after")
    def _something(self) -> Process:
        if self.A is None and self.D is None:
            raise ValueError("a process makes mask A, mask D or both: give a table [A] or [D]")
        return self

    @property
    def masks(self) -> dict[str, MaskProcess]:
        """The masks that are made, "A" before "D"."""
        return {side: mask for side, mask in (("A", self.A), ("D", self.D)) if mask is not None}

    @classmethod
    def load(cls, path: str | Path) -> Process:
        """Read a process from a TOML file; files that it names are found from the folder it is in.

        Raises:
            FileNotFoundError: no such file.
            ValueError: not TOML, or not a valid process; the message names the file and the key.
        """
        process = read_toml(cls, path, "a process")
        return process.replace(**{side: mask.beside(Path(path).parent) for side, mask in process.masks.items()})

    @classmethod
    def preset(cls, name: str) -> Process:
        """A typical process that ships with the package.

        Raises:
            ValueError: no such preset; the message lists them.
        """
        if name not in processes():
            raise ValueError(f"no process preset {name!r}; there are: {', '.join(processes())}")
        file = resources.files("acdc_optical.fabrication") / "presets" / f"{name}.toml"
        return parse_toml(cls, file.read_text(encoding="utf-8"), name)


def processes() -> list[str]:
    """Names of the processes that ship with the package."""
    files = (resources.files("acdc_optical.fabrication") / "presets").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def process_named(name: str) -> Process:
    """A process from a file, or the preset of that name.

    Raises:
        OSError, ValueError: see :meth:`Process.load` and :meth:`Process.preset`.
    """
    return Process.load(name) if name.endswith(".toml") or Path(name).is_file() else Process.preset(name)


def suited(design: Design) -> Process:
    """The preset that suits the masks of a design.

    Masks that absorb nothing and have phases 0 and π are made by one etch, real masks by chrome and an etch, others by
    levels of phase.
    """
    masks = [values for m in design.masks if m is not None for values in (m.input_mask, m.fourier_mask)]
    real = all(not values.is_complex() or float(values.imag.abs().max()) < _REAL for values in masks)
    if real and all(float((values.abs() - 1).abs().max()) < _REAL for values in masks):
        return Process.preset("one-etch")
    return Process.preset("chrome-and-etch" if real else "double-phase")
