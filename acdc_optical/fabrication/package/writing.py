"""The order package: a folder and a zip of it, with everything that makes the masks and says what they are."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from acdc_optical.design import Design
from acdc_optical.fabrication.orders import MaskOrder, orders_of
from acdc_optical.fabrication.package.archives import write_folder
from acdc_optical.fabrication.package.checksums import LISTING, checksums, listing
from acdc_optical.fabrication.package.format import Format
from acdc_optical.fabrication.package.formats import formats_for
from acdc_optical.fabrication.package.sheet import OrderSheet, rules_of, sheet_of
from acdc_optical.fabrication.package.texts import readme, rules_text, tables_of
from acdc_optical.fabrication.pictures import draw_plate
from acdc_optical.fabrication.predictions import Prediction, predict
from acdc_optical.fabrication.process import Process
from acdc_optical.files import check_folder, check_target, replacing_folder, write_text
from acdc_optical.progress import Track, silent

DESIGN_FILE = "design.safetensors"
SHEET_FILE = "process.json"
SCHEMA_FILE = "process.schema.json"
RULES_FILE = "rules.json"
PREVIEW_FILE = "preview.png"
UNREAD = ("README.txt", "simulation.json")
"""Texts for people: what they say is known by their digests alone."""


class Package(NamedTuple):
    """An order package that has been written.

    Attributes:
        folder: where it is.
        archive: a zip of it, beside the folder.
        predictions: of every optical layer.
    """

    folder: Path
    archive: Path
    predictions: tuple[Prediction, ...]


def export_package(
    design: Design, process: Process, out: str | Path, *, formats: Iterable[str] = (), track: Track = silent
) -> Package:
    """Write the masks of a design as an order package; the same design and process give the same bytes.

    Args:
        design: what is made.
        process: how.
        out: the folder; a package that is there is replaced, anything else is not.
        formats: names of the files wanted, see :data:`~acdc_optical.fabrication.package.formats.FORMATS`; the
            customary ones by default.
        track: shows progress.

    Returns:
        Where it is, and what its masks will do.

    Raises:
        ValueError: a mask that the process cannot make, a format that suits none.
        OSError: the folder cannot be written there.
    """
    out = Path(out)
    archive = out.parent / f"{check_folder(out, SCHEMA_FILE).name}.zip"  # many other folders have a listing of digests
    _check_archive(archive)
    orders = orders_of(design, process)
    chosen = formats_for(orders, formats)
    with replacing_folder(out, SCHEMA_FILE) as folder:
        design.save(folder / DESIGN_FILE)
        digest = hashlib.sha256((folder / DESIGN_FILE).read_bytes()).hexdigest()
        sheet = sheet_of(design, process, orders, chosen, digest)
        for order, entry in track(tuple(zip(orders, sheet.masks, strict=True)), "writing masks", len(orders)):
            _write_mask(folder / order.plate.name, order, chosen[order.plate.name])
            for name, text in tables_of(order, entry).items():
                write_text(folder / order.plate.name / name, text)
        predictions = predict(design, orders, process.tolerances, track=track)
        write_text(folder / SHEET_FILE, sheet.model_dump_json(indent=1) + "\n")
        write_text(folder / SCHEMA_FILE, _json(OrderSheet.model_json_schema()))
        write_text(folder / "simulation.json", _json([prediction.to_dict() for prediction in predictions]))
        write_text(folder / "README.txt", readme(process, sheet, orders, chosen, predictions))
        write_text(folder / LISTING, listing(checksums(folder)))
    write_folder(archive, out)
    return Package(out, archive, predictions)


def _check_archive(path: Path) -> None:
    """Raise OSError where something else than an order's archive would be replaced."""
    if not check_target(path).exists():
        return
    try:
        with zipfile.ZipFile(path) as archive:
            ours = f"{path.stem}/{SCHEMA_FILE}" in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        ours = False
    if not ours:
        raise FileExistsError(f"{path}: this is no archive of an order, and is not replaced; choose another name")


def _write_mask(folder: Path, order: MaskOrder, formats: Iterable[Format]) -> None:
    folder.mkdir()
    for form in formats:
        form.write(folder, order)
    if order.plate.layers:
        write_text(folder / RULES_FILE, _json(rules_text(rules_of(order))))
    draw_plate(folder / PREVIEW_FILE, order.plate)


def _json(value: object) -> str:
    return json.dumps(value, indent=1, allow_nan=False) + "\n"
