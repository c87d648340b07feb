"""The texts of an order: a summary for people, and its tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from acdc_optical.fabrication.layouts.rules import Findings
from acdc_optical.fabrication.orders import MaskOrder
from acdc_optical.fabrication.package.checksums import LISTING
from acdc_optical.fabrication.package.format import Format
from acdc_optical.fabrication.package.layout_formats import layout_for
from acdc_optical.fabrication.package.sheet import MaskEntry, OrderSheet, short
from acdc_optical.fabrication.package.sheets import DEPTHS, LAYERS, MARKS, Row
from acdc_optical.fabrication.predictions import Prediction
from acdc_optical.fabrication.process import Process
from optics.units import format_length, um


def tables_of(order: MaskOrder, entry: MaskEntry) -> dict[str, str]:
    """layers.csv and marks.csv, where there is a layout, and depths.csv."""
    levels: Iterator[Row] = (
        {
            "level": level.level,
            "phase_rad": level.phase_rad,
            "amplitude": level.amplitude,
            "height_nm": level.height_nm,
            "layers_drawn": " ".join(level.layers),
        }
        for level in entry.levels
    )
    tables = {"depths.csv": DEPTHS.text(levels)}
    if not entry.layers:
        return tables
    rows: Iterator[Row] = (
        {
            "layer": layer.layer,
            "datatype": 0,
            "mask": layer.name,
            "purpose": layer.purpose,
            "etch_depth_nm": layer.depth_nm,
            "min_feature_um": layer.min_feature_um,
            "min_gap_um": layer.min_gap_um,
            "n_rectangles": layer.rectangles,
            "area_um2": layer.area_um2,
            "fill": layer.drawn_fraction,
        }
        for layer in entry.layers
    )
    marks: Iterator[Row] = (
        {
            "mark": mark.id,
            "layer": mark.layer,
            "x_um": short(mark.x / um),
            "y_um": short(mark.y / um),
            "type": mark.kind,
        }
        for mark in layout_for(order).table
    )
    return tables | {"layers.csv": LAYERS.text(rows), "marks.csv": MARKS.text(marks)}


def rules_text(findings: dict[str, Findings]) -> dict[str, object]:
    """What the design rules found, as plain data in metres."""
    return {name: asdict(found) | {"passed": found.passed} for name, found in findings.items()}


def readme(
    process: Process,
    sheet: OrderSheet,
    orders: Sequence[MaskOrder],
    formats: dict[str, tuple[Format, ...]],
    predictions: Sequence[Prediction],
) -> str:
    """README.txt: what is ordered, what is drawn, what it will do."""
    lines = [
        f"Masks of an optical neural network: {process.name}",
        "",
        *_identity(process, sheet),
        "",
        "Coordinates: the optical axis is the origin, y is up. All masks are seen from their patterned side.",
        "Layouts hold rectangles that abut; merge them (OR) before a tool that would expose seams.",
        "Images have their top row first. Units are in the names of columns and keys: _nm, _um, _rad.",
        f"{LISTING} lists every file; 'acdc-optical verify-package' reads each of them again.",
    ]
    for order, entry in zip(orders, sheet.masks, strict=True):
        lines += ["", *_mask_lines(order, entry, formats[entry.name])]
    lines += ["", "What the masks will do (continuous model of light, no other imperfection)"]
    lines += ["  Set anew are the gain and, of complex layers, the phase of the reference.", *_outlook(predictions)]
    return "\n".join(lines) + "\n"


def _identity(process: Process, sheet: OrderSheet) -> Iterator[str]:
    yield f"Wavelength {sheet.wavelength_nm:g} nm in vacuum. Design SHA-256 {sheet.design_sha256}."
    yield f"Made by {sheet.software}; process sheet: process.json, schema {sheet.schema_version}."
    for name, said in (("Contact", process.contact), ("Revision", process.revision)):
        if said:
            yield f"{name}: {said}"


def _mask_lines(order: MaskOrder, entry: MaskEntry, formats: Sequence[Format]) -> Iterator[str]:
    place = "at the modulator" if entry.side == "A" else "in the Fourier plane"
    size = " × ".join(format_length(length, 6) for length in reversed(order.plate.extent))
    ny, nx = entry.cells
    yield f"{entry.name}: mask {entry.side} of optical layer {entry.optical_layer}, {place}"
    sizes = " × ".join(format_length(length, 6) for length in dict.fromkeys(reversed(order.plate.pitch)))
    if order.plate.x_edges is None:
        yield f"  {size} (x × y), {nx} × {ny} cells of {sizes}"
    else:
        yield f"  {size} (x × y), geometry: {ny} rows of stripes with edges at {nx - 1} places along x"
    if len(entry.pixels) == 1:
        yield "  Stripes for cylindrical lenses: they serve as many rows of light as they are high."
    yield f"  Around it: {entry.surroundings}."
    if entry.mirrored:
        yield "  The patterned side faces the source of the light: files for the shop have x mirrored already."
    if entry.carrier_period_cells is not None:
        stands = "mask D" if entry.side == "A" else "the camera"
        passes = "" if entry.deflected_passes_lens else " IT DOES NOT PASS THE LENS: take a longer period."
        yield f"  Carrier: {stands} has to stand at x = {entry.deflection_um:+g} um, seen with the light.{passes}"
    if entry.surface is not None:
        solid = "mirrored surface"
        if entry.surface.material is not None:
            solid = f"{entry.surface.material}, index {entry.surface.index:.6f} ({entry.surface.source})"
        yield f"  {solid}, in {entry.surface.medium}: {abs(entry.surface.turn_nm):.2f} nm for 2π"
    if entry.layers:
        yield f"  Edges lie on a grid, up to {entry.edges_moved_nm:g} nm from where they are simulated."
    for layer in entry.layers:
        verdict = "keeps the rules" if layer.keeps_rules else "BREAKS THE RULES, see rules.json"
        feature = "nothing drawn" if layer.min_feature_um is None else f"smallest {layer.min_feature_um:g} um"
        yield f"  layer {layer.layer:>2} {layer.name}: {layer.purpose}; {feature}; {verdict}"
    for form in formats:
        yield f"  {entry.name}/{form.file}: {form.about}"


def _outlook(predictions: Sequence[Prediction]) -> Iterator[str]:
    for layer in predictions:
        yield (
            f"  optical layer {layer.layer}: error {layer.made:.2e} ({layer.designed:.0e} as designed), "
            f"light on the camera {layer.light_made:.3%}"
        )
        if not layer.tolerances:
            yield "    Tolerances were not simulated."
        else:
            worst = max(layer.tolerances, key=lambda outcome: outcome.after_calibration)
            yield f"    of the tolerances the dearest is {worst.name}: error {worst.after_calibration:.2e}"
        for outcome in layer.tolerances:
            yield (
                f"    {outcome.name}: error {outcome.error:.2e}, {outcome.after_calibration:.2e} once the gain is set "
                f"anew; signal power × {outcome.light:.3f}"
            )
