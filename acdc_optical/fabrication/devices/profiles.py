"""Profiles of modulators as TOML files: what stands in a data sheet, and tables beside it.

::

    shape = [1080, 1920]          # rows, columns
    pitch = ["8 um", "8 um"]      # along rows, columns
    bits = 8
    gray = "falls"                # with phase, or "rises"
    stroke = 1.0                  # the phase of all grays over 2π
    flatness = "flat.bmp"         # optional: an image of grays as vendors give it, or a .npy of phases [rad]
    padding_rad = 0.0             # around the mask

    [placement]
    flip_columns = true           # or flip_rows, transpose, offset = [down, right]

``response = "panel.csv"`` instead of ``gray`` and ``stroke`` is a measured table, gray,phase_rad. Only shape, pitch and
bits are required. Names of files count from the folder of the profile.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from acdc_optical.fabrication.devices.modulators import ModulatorProfile
from acdc_optical.fabrication.devices.placement import Placement
from acdc_optical.fabrication.devices.responses import Phases, Response
from acdc_optical.fabrication.surfaces.rasters import read_raster
from acdc_optical.files import read_array, write_array, write_text
from acdc_optical.parts import Length, Part, read_toml
from optics.units import format_length

Count = Annotated[int, Field(ge=1)]


class _Placed(Part):
    transpose: bool = False
    flip_rows: bool = False
    flip_columns: bool = False
    offset: tuple[int, int] = (0, 0)


class _Sheet(Part):
    shape: tuple[Count, Count]
    pitch: tuple[Length, Length]
    bits: Annotated[int, Field(ge=1, le=16)]
    gray: Literal["falls", "rises"] | None = None
    stroke: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    response: str | None = None
    flatness: str | None = None
    padding_rad: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    placement: _Placed = _Placed()

    @model_validator(mode="after")
    def _one_response(self) -> _Sheet:
        if self.response is not None and (self.gray is not None or self.stroke is not None):
            raise ValueError("give either response, or gray and stroke")
        return self

    def answer(self, folder: Path) -> Response:
        """The phase of each gray."""
        if self.response is not None:
            return Response.read(folder / self.response, self.bits)
        line = Response.rising if self.gray == "rises" else Response.falling
        return line(self.bits, stroke=1.0 if self.stroke is None else self.stroke)

    def flat(self, folder: Path, response: Response) -> Phases | None:
        """The phase to be added, of the shape of the panel's image."""
        if self.flatness is None:
            return None
        path = folder / self.flatness
        if path.suffix == ".npy":
            return np.real(read_array(path)).astype(np.float64)
        grays = read_raster(path).image
        if grays.dtype == np.bool_ or int(grays.max()) >= len(response.phases):
            raise ValueError(f"{path}: expected an image of {self.bits}-bit grays; got {grays.dtype} to {grays.max()}")
        return response.phases[grays]


def read_profile(path: str | Path) -> ModulatorProfile:
    """The modulator that a TOML file describes.

    Raises:
        FileNotFoundError: no such file, or a table that it names is missing.
        ValueError: not such a file; the message names each wrong key.
    """
    path = Path(path)
    sheet = read_toml(_Sheet, path, "the profile of a modulator")
    response = sheet.answer(path.parent)
    try:
        return ModulatorProfile(
            pitch=sheet.pitch,
            response=response,
            placement=Placement(sheet.shape, **dict(sheet.placement)),
            flatness=sheet.flat(path.parent, response),
            padding=sheet.padding_rad,
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def write_profile(path: str | Path, profile: ModulatorProfile) -> None:
    """Write a profile, its response as CSV and its flatness as .npy beside it, under the name of the profile.

    Raises:
        OSError: as :func:`acdc_optical.files.replacing`.
    """
    path = Path(path)
    place = profile.placement
    lines = [
        f"shape = {list(place.shape)}",
        f"pitch = {json.dumps([format_length(pitch, digits=12) for pitch in profile.pitch])}",
        f"bits = {profile.response.bits}",
        f"response = {json.dumps(path.stem + '.response.csv')}",
        f"padding_rad = {float(profile.padding)!r}",
    ]
    profile.response.write(path.with_name(path.stem + ".response.csv"))
    if profile.flatness is not None:
        lines.append(f"flatness = {json.dumps(path.stem + '.flatness.npy')}")
        write_array(path.with_name(path.stem + ".flatness.npy"), profile.flatness)
    turned = (f"{key} = {str(getattr(place, key)).lower()}" for key in ("transpose", "flip_rows", "flip_columns"))
    write_text(path, "\n".join([*lines, "", "[placement]", *turned, f"offset = {list(place.offset)}"]) + "\n")
