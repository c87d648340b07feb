"""Reading an order package again: is it whole, does every file hold the masks ordered, and what do those compute?

Nothing in a package is taken on trust. Digests are computed, the plates are worked out anew from design and process,
every file is read and held against them, and the masks that it holds are put on the simulated bench.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from acdc_optical.benches.bench import Bench
from acdc_optical.design import Design
from acdc_optical.fabrication.layouts.streams import difference_by_klayout
from acdc_optical.fabrication.orders import MaskOrder, orders_of
from acdc_optical.fabrication.package.checksums import LISTING, Found, check, read_listing
from acdc_optical.fabrication.package.format import Format
from acdc_optical.fabrication.package.formats import COMPANIONS, FORMATS
from acdc_optical.fabrication.package.layout_formats import LAYOUTS, layout_for
from acdc_optical.fabrication.package.readings import Reading
from acdc_optical.fabrication.package.report import PackageReport
from acdc_optical.fabrication.package.sheet import MaskEntry, OrderSheet, rules_of, sheet_of
from acdc_optical.fabrication.package.simulation import simulate
from acdc_optical.fabrication.package.texts import rules_text, tables_of
from acdc_optical.fabrication.package.writing import (
    DESIGN_FILE,
    PREVIEW_FILE,
    RULES_FILE,
    SCHEMA_FILE,
    SHEET_FILE,
    UNREAD,
)
from acdc_optical.fabrication.process import Process
from acdc_optical.progress import Track, silent
from acdc_optical.reports import Check

# klayout takes some 10 µs for each rectangle; larger layouts are held against the order by our own reader alone.
_FEW_RECTANGLES = 300_000

# Numbers in texts are computed anew, perhaps by another processor; lengths in metres may be small, zeros rounded.
_SAME_NUMBER = 1e-9
_ZERO = 1e-15


def verify_package(path: str | Path, *, track: Track = silent) -> PackageReport:
    """Read an order package again.

    Args:
        path: its folder, or a zip archive of it.
        track: shows progress.

    Returns:
        a report; what is damaged, missing or not as ordered is a failed check that names it.

    Raises:
        FileNotFoundError: no such folder or archive.
        ValueError: an archive that cannot be read, or holds more than one folder.
    """
    path = Path(path)
    if path.is_dir():
        return _report(path, track)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such package; make one with 'acdc-optical export'")
    with tempfile.TemporaryDirectory() as place:
        try:
            with zipfile.ZipFile(path) as archive:
                archive.extractall(place)  # whose names never lead out of the folder
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
            raise ValueError(f"{path}: expected an order package, a folder or its zip archive; {error}") from None
        folders = [folder for folder in Path(place).iterdir() if folder.is_dir()]
        if len(folders) != 1:
            raise ValueError(f"{path}: expected one folder in the archive; got {len(folders)}")
        return _report(folders[0], track)


def _report(folder: Path, track: Track) -> PackageReport:
    title = f"order package {folder.name}"
    checks = list(_listed(folder))
    try:
        design, sheet = _contents(folder)
        process = Process(**sheet.process)
        orders = orders_of(design, process)
    except (ValueError, OSError, ArithmeticError, MemoryError) as error:  # numbers beyond all measure
        failed = Check(f"{DESIGN_FILE} and {SHEET_FILE} can be read", None, 0.0, _first_line(error))
        return PackageReport(title, (*checks, failed))
    entries = {entry.name: entry for entry in sheet.masks}
    checks += _belonging(folder, orders, entries)
    checks += _sheets(folder, design, process, orders, sheet)
    read: dict[str, dict[str, Reading]] = {}
    files = [(order, FORMATS[name]) for order in orders for name in _formats(entries.get(order.plate.name))]
    for order, form in track(files, "reading files", len(files)):
        found, reading = _file(folder, order, form)
        checks += found
        if reading is not None:
            read.setdefault(form.name, {})[order.plate.name] = reading
    errors, same = simulate(design, orders, read, track)
    return PackageReport(title, (*checks, *same), errors)


def _listed(folder: Path) -> Iterator[Check]:
    """Every file as it is listed."""
    try:
        found = check(folder, read_listing(folder / LISTING))
    except (ValueError, OSError) as error:
        yield Check(f"{LISTING} can be read", None, 0.0, _first_line(error))
        return
    strays = {name: state for name, state in found.items() if state is not Found.OK}
    for name, state in strays.items():
        yield Check(f"{name} is as listed in {LISTING}", 1.0, 0.0, state.value)
    if not strays:
        yield Check(f"SHA-256 of {len(found)} files: files that differ", 0.0, 0.0)


def _completed(bench: dict[str, Any]) -> dict[str, Any]:
    """A bench with all keys there are: orders from before know fewer, and their benches are perfect in the others."""
    try:
        return Bench(**bench).model_dump(mode="json")
    except ValueError:  # not a bench; what is said of it differs
        return bench


def _contents(folder: Path) -> tuple[Design, OrderSheet]:
    design = Design.load(folder / DESIGN_FILE)
    try:
        return design, OrderSheet.model_validate_json((folder / SHEET_FILE).read_text(encoding="utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"{SHEET_FILE}: {where or 'the file'}: {first['msg']}") from None


def _belonging(folder: Path, orders: Sequence[MaskOrder], entries: Mapping[str, MaskEntry]) -> Iterator[Check]:
    """Nothing is missing, and nothing is there that is no part of the order."""
    needed, allowed = {SCHEMA_FILE, *UNREAD}, {DESIGN_FILE, SHEET_FILE}
    for order in orders:
        name = order.plate.name
        formats = [FORMATS[form] for form in _formats(entries.get(name))]
        always = (PREVIEW_FILE, "depths.csv", *((RULES_FILE, "layers.csv", "marks.csv") if order.plate.layers else ()))
        needed |= {f"{name}/{file}" for file in (*always, *(form.file for form in formats))}
        allowed |= {f"{name}/{file}" for form in formats for file in COMPANIONS.get(form.name, ())}
    present = set(check(folder, {}))
    said = [f"{name} is missing" for name in sorted(needed - present)]
    said += [f"{name} is no part of the order" for name in sorted(present - needed - allowed)]
    yield Check("files that are missing, or no part of the order", float(len(said)), 0.0, "; ".join(said))


def _formats(entry: MaskEntry | None) -> Iterator[str]:
    yield from (name for name in (entry.files if entry else ()) if name in FORMATS)


def _sheets(
    folder: Path, design: Design, process: Process, orders: Sequence[MaskOrder], sheet: OrderSheet
) -> Iterator[Check]:
    """The process sheet and the tables say what design and process give."""
    listed = {entry.name: tuple(FORMATS[name] for name in _formats(entry)) for entry in sheet.masks}
    formats = {order.plate.name: listed.get(order.plate.name, ()) for order in orders}
    digest = hashlib.sha256((folder / DESIGN_FILE).read_bytes()).hexdigest()
    others = float(digest != sheet.design_sha256)
    yield Check(f"{DESIGN_FILE} is the design of {SHEET_FILE}: digests that differ", others, 0.0)
    expected = sheet_of(design, process, orders, formats, sheet.design_sha256)
    found = {**sheet.model_dump(mode="json"), "software": expected.software, "bench": _completed(sheet.bench)}
    yield _told(SHEET_FILE, list(_unlike(found, expected.model_dump(mode="json"))))
    yield _plain(folder, SCHEMA_FILE, OrderSheet.model_json_schema())
    for order in orders:
        if order.plate.layers:
            yield _plain(folder, f"{order.plate.name}/{RULES_FILE}", rules_text(rules_of(order)))
    for order, entry in zip(orders, expected.masks, strict=True):
        for name, text in tables_of(order, entry).items():
            where = f"{entry.name}/{name}"
            try:
                lines = (folder / where).read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                yield Check(f"{where} can be read", None, 0.0, _first_line(error))
                continue
            yield _told(where, list(_unlike([*csv.reader(lines)], [*csv.reader(text.splitlines())])))


def _plain(folder: Path, where: str, expected: object) -> Check:
    """A JSON file says what is expected."""
    try:
        found = json.loads((folder / where).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return Check(f"{where} can be read", None, 0.0, _first_line(error))
    return _told(where, list(_unlike(found, json.loads(json.dumps(expected)))))


def _told(name: str, strays: list[str]) -> Check:
    said = "; ".join(strays[:3]) + (f" and {len(strays) - 3} more" if len(strays) > 3 else "")
    return Check(f"{name}: entries that design and process do not give", float(len(strays)), 0.0, said)


def _unlike(found: object, expected: object, where: str = "") -> Iterator[str]:
    """Where plain data differ, numbers by more than rounding."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key in sorted({*expected, *found}):
            yield from _unlike(found.get(key), expected.get(key), f"{where}.{key}".lstrip("."))
    elif isinstance(expected, list) and isinstance(found, list) and len(found) == len(expected):
        for i, (a, b) in enumerate(zip(found, expected, strict=True)):
            yield from _unlike(a, b, f"{where}[{i}]")
    elif not _alike(found, expected):
        yield f"{where} is {str(found)[:40]!r}, not {str(expected)[:40]!r}"


def _alike(found: object, expected: object) -> bool:
    if found == expected:
        return True
    try:
        return math.isclose(float(str(found)), float(str(expected)), rel_tol=_SAME_NUMBER, abs_tol=_ZERO)
    except ValueError:
        return False


@dataclass(frozen=True)
class _Name:
    order: MaskOrder
    form: Format

    def __str__(self) -> str:
        return f"{self.order.plate.name}/{self.form.file}"

    @property
    def beside(self) -> str:
        """What may be to blame as well."""
        return "".join(f", {name}" for name in COMPANIONS.get(self.form.name, ()))


def _file(folder: Path, order: MaskOrder, form: Format) -> tuple[list[Check], Reading | None]:
    """A file held against its mask, and what it says."""
    name = _Name(order, form)
    try:
        with warnings.catch_warnings(action="ignore"):  # what readers warn of is found all the same
            reading = form.read(folder / order.plate.name, order)
    except Exception as error:  # whatever a reader meets in a damaged file
        said = _first_line(error).replace(f"{folder / str(name)}: ", "").replace(f"{folder}/", "")
        return [Check(f"{name}{name.beside} can be read", None, 0.0, said)], None
    blamed = f"see {name}{name.beside}" if reading.differing and name.beside else ""
    note = "; ".join(filter(None, (f"(read by {reading.reader})", *reading.remarks, blamed)))
    what = "rectangles" if form in LAYOUTS else "pixels"
    checks = [Check(f"{name}: {what} that differ", float(reading.differing), 0.0, note)]
    if form in LAYOUTS:
        checks += _by_klayout(folder, name)
    return checks, reading


def _by_klayout(folder: Path, name: _Name) -> Iterator[Check]:
    """The area that differs, by another reader that knows polygons; nothing if it is not installed."""
    layers = layout_for(name.order).layers
    if sum(map(len, layers.values())) > _FEW_RECTANGLES:
        yield Check(f"{name}: areas", 0.0, 0.0, f"not asked of klayout, for more than {_FEW_RECTANGLES} rectangles")
        return
    for number, rectangles in layers.items():
        said = f"{name} layer {number}: area that differs"
        try:
            found = difference_by_klayout(folder / str(name), number, rectangles)
        except ImportError:
            yield Check(f"{name}: areas", 0.0, 0.0, "not asked: klayout is not installed")
            return
        except ValueError as error:
            yield Check(said, None, 0.0, _first_line(error))
            continue
        yield Check(said, float(found.differing), 0.0, f"(by klayout, of {found.area:.4g} dbu²)")


def _first_line(error: Exception) -> str:
    said = str(error) if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {error}"
    return (said or type(error).__name__).splitlines()[0]
