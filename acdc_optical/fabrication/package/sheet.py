"""The process sheet: everything about an order that a machine may want to know, as process.json with its schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from acdc_optical.design import Design
from acdc_optical.fabrication.efficiency import blaze_efficiency
from acdc_optical.fabrication.finishing import surroundings
from acdc_optical.fabrication.layouts.rules import Findings, check_rules
from acdc_optical.fabrication.orders import MaskOrder
from acdc_optical.fabrication.package.format import Format
from acdc_optical.fabrication.package.layout_formats import layout_for
from acdc_optical.fabrication.process import Process
from optics.units import nm, um

SCHEMA = 1


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LayerEntry(_Entry):
    """One pattern of a layout."""

    layer: int = Field(description="GDSII and OASIS layer; the datatype is 0")
    name: str
    purpose: str = Field(description="what polygons mean: the polygon tone, and what is done there")
    depth_nm: float | None = Field(description="etched or added; null for chrome")
    rectangles: int = Field(description="in the pattern, without marks")
    area_um2: float
    drawn_fraction: float = Field(description="of the area of the mask")
    min_feature_um: float | None = Field(description="smallest drawn width; null if nothing is drawn")
    min_gap_um: float | None = Field(description="smallest width between drawn areas; null if there is none")
    corner_contacts: int = Field(description="pairs of cells that touch at a corner alone")
    keeps_rules: bool


class LevelEntry(_Entry):
    """What one level is."""

    level: int
    amplitude: float
    phase_rad: float
    height_nm: float | None = Field(description="above the lowest that the process makes; null without relief")
    layers: list[str] = Field(description="patterns that are drawn where cells have this level")


class SurfaceEntry(_Entry):
    """How phase becomes height."""

    material: str | None
    index: float | None
    source: str | None
    medium: str
    medium_index: float
    medium_source: str
    turn_nm: float = Field(description="height that adds 2π of phase; negative where height takes phase")


class BlazeEntry(_Entry):
    """What an even ramp of phase, as a lens or a carrier is one, would lose to steps: shares of the light."""

    efficiency: float = Field(description="in the first order, sinc²(1/levels)")
    too_deep: float = Field(description="the same with all depths wrong by the tolerance")
    straight_on: float = Field(description="in the zero order with all depths wrong by the tolerance")


class MaskEntry(_Entry):
    """One mask."""

    name: str = Field(description="of the mask and of its folder")
    optical_layer: int = Field(description="of the network, from 1")
    side: str = Field(description="A stands at the modulator, D in the Fourier plane")
    pixels: list[int] = Field(description="of the mask in the design, (y, x) or (x,)")
    pixel_pitch_um: list[float]
    cells: list[int] = Field(description="of the plate, (y, x)")
    cells_per_pixel: int
    cell_pitch_um: list[float] = Field(description="(y, x); of stripes, whose widths differ, the mean along x")
    edges_moved_nm: float = Field(description="largest rounding of an edge to the grid of the layout")
    mirrored: bool = Field(description="x, as seen by the shop, because the patterned side faces the light's source")
    surroundings: str = Field(description="what has to be around the mask")
    carrier_period_cells: int | None = Field(description="along x; null without a carrier")
    deflection_um: float = Field(
        description="by which a carrier sends the light wanted aside, along x in the frame of the light: where mask D "
        "(of a carrier on A) or the camera (of one on D) has to stand"
    )
    deflected_passes_lens: bool = Field(description="whether that light passes the opening of the lens")
    light_left: float = Field(description="share of the mask's light that the encoding leaves")
    factor: list[float] = Field(description="what arrives is the mask's light times this: real and imaginary part")
    surface: SurfaceEntry | None
    blaze: BlazeEntry | None = Field(description="of as many levels of phase; null for masks with chrome")
    levels: list[LevelEntry]
    layers: list[LayerEntry]
    files: dict[str, str] = Field(description="format: file in the folder of the mask")


class OrderSheet(_Entry):
    """The order."""

    schema_version: int = SCHEMA
    software: str
    design_sha256: str
    wavelength_nm: float
    focal_lengths_mm: list[float] = Field(description="of every optical layer")
    gains: list[float] = Field(description="of every optical layer: output over the field at the camera, as designed")
    bench: dict[str, Any]
    process: dict[str, Any]
    masks: list[MaskEntry]


def sheet_of(
    design: Design,
    process: Process,
    orders: Sequence[MaskOrder],
    formats: Mapping[str, Sequence[Format]],
    design_sha256: str,
) -> OrderSheet:
    """The sheet of an order.

    Args:
        design: what is made.
        process: how; files that it names are left out, their copies are in the folders of the masks.
        orders: its masks.
        formats: for the name of each plate the files it is written as.
        design_sha256: of the design file in the package.
    """
    masks = [masks for masks in design.masks if masks is not None]
    settings = process.replace(**{side: m.replace(profile=None, dose_curve=None) for side, m in process.masks.items()})
    return OrderSheet(
        software=f"acdc-optical {version('acdc-optical')}",
        design_sha256=design_sha256,
        wavelength_nm=short(design.bench.wavelength / nm),
        focal_lengths_mm=[short(m.planes.focal_length * 1e3) for m in masks],
        gains=[float(m.gain) for m in masks],
        bench=design.bench.model_dump(mode="json"),
        process=settings.model_dump(mode="json"),
        masks=[_mask(order, formats[order.plate.name], process, design.bench.lenses.aperture) for order in orders],
    )


def _mask(order: MaskOrder, formats: Sequence[Format], process: Process, aperture: float | None) -> MaskEntry:
    plate = order.plate
    return MaskEntry(
        name=plate.name,
        optical_layer=order.layer + 1,
        side=order.side,
        pixels=list(order.pixels.cells),
        pixel_pitch_um=[short(p / um) for p in order.pixels.spacing],
        cells=list(plate.levels.shape),
        cells_per_pixel=order.encoded.cells,
        cell_pitch_um=[short(p / um) for p in plate.pitch],
        edges_moved_nm=short(_moved(order) / nm),
        mirrored=plate.mirrored,
        surroundings=surroundings(order.side, order.process, plate.extent),
        carrier_period_cells=order.encoded.period,
        deflection_um=short(order.deflection / um),
        deflected_passes_lens=_passes(order, aperture),
        light_left=order.encoded.light,
        factor=[order.encoded.factor.real, order.encoded.factor.imag],
        surface=_surface(order) if plate.heights is not None else None,
        blaze=_blaze(order, process.tolerances.depth),
        levels=_levels(order),
        layers=_layers(order) if plate.layers else [],
        files={form.name: form.file for form in formats},
    )


def _passes(order: MaskOrder, aperture: float | None) -> bool:
    """Whether light deflected by a carrier stays in the opening of the lens behind, with all of the mask's width."""
    return aperture is None or order.deflection + order.plate.extent[1] / 2 <= aperture / 2


def _moved(order: MaskOrder) -> float:
    """How far edges are from where the cells end [m]."""
    dbu, moved = order.layout.grid, 0.0
    rows, pitch = order.plate.levels.shape[0], order.plate.pitch[0]
    for edges in ((np.arange(rows + 1) - rows / 2) * pitch, order.plate.seen_edges):
        moved = max(moved, float(np.abs(np.rint(edges / dbu) * dbu - edges).max()))
    return moved if order.plate.layers else 0.0


def _surface(order: MaskOrder) -> SurfaceEntry:
    process, wavelength = order.process, order.plate.wavelength
    solid, medium = process.solid(), process.above()
    through = process.light == "transmission"
    return SurfaceEntry(
        material=solid.name if through else None,
        index=solid.index(wavelength) if through else None,
        source=solid.source if through else None,
        medium=medium.name,
        medium_index=medium.index(wavelength),
        medium_source=medium.source,
        turn_nm=short(process.relief().turn(wavelength) / nm),
    )


def _blaze(order: MaskOrder, depth: float) -> BlazeEntry | None:
    levels = len(order.encoded.alphabet)
    if order.encoded.alphabet.opaque.any():
        return None
    return BlazeEntry(
        efficiency=blaze_efficiency(levels),
        too_deep=blaze_efficiency(levels, depth_error=depth),
        straight_on=blaze_efficiency(levels, order=0, depth_error=depth),
    )


def _levels(order: MaskOrder) -> list[LevelEntry]:
    plate = order.plate
    return [
        LevelEntry(
            level=level,
            amplitude=float(abs(value)),
            phase_rad=float(np.angle(value) % (2 * np.pi)),
            height_nm=None if plate.heights is None else short(float(plate.heights[level]) / nm),
            layers=[layer.name for layer in plate.layers if layer.drawn[level]],
        )
        for level, value in enumerate(plate.transmittance)
    ]


def rules_of(order: MaskOrder) -> dict[str, Findings]:
    """What the design rules of the process say of each pattern, by the name of its layer."""
    plate, rules = order.plate, order.process.rules()
    return {layer.name: check_rules(plate.drawn(layer), plate.pitch, rules, plate.seen_edges) for layer in plate.layers}


def _layers(order: MaskOrder) -> list[LayerEntry]:
    pattern, findings = layout_for(order).pattern, rules_of(order)
    entries = []
    for layer in order.plate.layers:
        found, drawn = findings[layer.name], pattern[layer.number]
        entries.append(
            LayerEntry(
                layer=layer.number,
                name=layer.name,
                purpose=layer.purpose,
                depth_nm=None if layer.depth is None else short(layer.depth / nm),
                rectangles=len(drawn),
                area_um2=short(drawn.area * (order.layout.grid / um) ** 2),
                drawn_fraction=short(found.drawn_fraction),
                min_feature_um=_smallest([run.smallest for run in found.features]),
                min_gap_um=_smallest([run.smallest for run in found.gaps]),
                corner_contacts=found.corner_contacts,
                keeps_rules=found.passed,
            )
        )
    return entries


def _smallest(widths: Sequence[float | None]) -> float | None:
    known = [width for width in widths if width is not None]
    return short(min(known) / um) if known else None


def short(value: float) -> float:
    """Without the last digits, which are those of the unit: 633 nm and not 633.0000000000001."""
    return float(f"{value:.12g}")
