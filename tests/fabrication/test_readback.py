"""Read-back names whatever happened to a package: by the digests, and by the contents where these are written anew.

What a file says in other bytes, or says to nobody (the text of a picture, the date of an archive's entry, the last
digits of a number), digests alone can tell; README.txt, simulation.json and preview.png are known by them alone.
"""

from __future__ import annotations

import json
import re
import zipfile

import pytest
from PIL import Image

from acdc_optical.fabrication.package.checksums import LISTING
from acdc_optical.fabrication.package.readback import verify_package
from tests.fabrication.packages import copied, files_in, resealed, said
from tests.fabrication.tampering import CHANGES, FLIPS, flip


@pytest.fixture
def taken(package, tmp_path):
    """A copy of a case's package."""
    return lambda case: copied(package(case), tmp_path)


def complaints(folder):
    """What is said of a package that must not pass."""
    report = verify_package(folder)
    assert not report.passed
    return "\n".join(said(report))


@pytest.mark.parametrize("case", ["chrome", "stripes", "profile", "curve", "mirrors"])
def test_digests_name_every_file_of_which_a_bit_is_flipped(taken, case):
    folder = taken(case)
    kept = {LISTING, "design.safetensors", "process.json"}  # without these nothing else is read
    names = sorted(set(files_in(folder)) - kept)
    for name in names:
        flip(folder / name, len((folder / name).read_bytes()) // 2)
    complaint = complaints(folder)
    assert [name for name in names if f"{name} is as listed in SHA256SUMS: changed" not in complaint] == []


@pytest.mark.parametrize("name", ["design.safetensors", "process.json", LISTING])
@pytest.mark.parametrize("where", [0.02, 0.5, 0.97])
def test_what_all_is_held_against_is_named_too(taken, name, where):
    folder = taken("profile")
    flip(folder / name, int(len((folder / name).read_bytes()) * where))
    assert name in complaints(folder)


@pytest.mark.parametrize(("case", "file", "where"), FLIPS, ids=[file for _, file, _ in FLIPS])
def test_a_flipped_bit_is_named_by_the_contents(taken, case, file, where):
    folder = taken(case)
    path = folder / "L1A" / file
    flip(path, where(path.read_bytes()))
    resealed(folder)
    assert file in complaints(folder)


CUTS = ["layout.gds", "layout.oas", "height.png", "height.tif", "relief.stl", "relief.xyz", "dose.bmp", "sag.dat",
        "wavefront.int", "transmission.fits", "opd.fits", "levels.npz", "marks.csv", "rules.json"]  # fmt: skip


@pytest.mark.parametrize("file", CUTS)
@pytest.mark.parametrize("rest", [0.0, 0.6])
def test_truncated_files_are_named_by_the_contents(taken, file, rest):
    folder = taken("etched")
    path = folder / "L1D" / file
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * rest)])
    resealed(folder)
    assert file in complaints(folder)


@pytest.mark.parametrize("seal", ["old", "new"])
@pytest.mark.parametrize(("case", "name", "change", "message"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES])
def test_changes_are_named(taken, case, name, change, message, seal):
    folder = taken(case)
    change(folder / name)
    if seal == "new":
        resealed(folder)
    complaint = complaints(folder)
    assert name.rsplit("/", 1)[-1] in complaint
    assert re.search(message, complaint), complaint
    listed = re.search(rf"{re.escape(name)} is as listed in SHA256SUMS: (changed|missing|unlisted)", complaint)
    assert (listed is not None) == (seal == "old")


def test_what_digests_alone_can_tell(taken):
    """Another encoding of the same pixels, texts for people: equal contents, other bytes."""
    folder = taken("etched")
    names = ["L1A/dose.png", "L1A/preview.png", "README.txt", "simulation.json"]
    with Image.open(folder / names[0]) as picture:
        picture.save(folder / names[0], compress_level=1, dpi=picture.info["dpi"])
    Image.new("L", (4, 4)).save(folder / names[1])
    for name in names[2:]:
        (folder / name).write_text("nothing\n")
    complaint = complaints(folder)
    assert re.findall("(.*) is as listed", complaint) == sorted(names, key=str.encode)
    resealed(folder)
    assert verify_package(folder).passed


def test_a_package_without_its_listing_is_read_all_the_same(taken):
    folder = taken("etched")
    (folder / LISTING).unlink()
    complaint = complaints(folder)
    assert complaint.startswith("SHA256SUMS can be read")
    assert "\n" not in complaint


def test_orders_from_before_benches_had_lasers_are_read(taken):
    folder = taken("profile")
    sheet = json.loads((folder / "process.json").read_text())
    for key in ("laser", "imperfections"):
        del sheet["bench"][key]
    for key in ("exposure", "quantum_efficiency", "read_out"):
        del sheet["bench"]["camera"][key]
    (folder / "process.json").write_text(json.dumps(sheet, indent=2) + "\n")
    resealed(folder)
    assert verify_package(folder).passed


def test_readers_are_named_and_errors_listed(package):
    report = verify_package(package("etched"))
    notes = {check.name.split(":")[0]: check.note for check in report.checks}
    readers = {"height.tif": "Pillow", "relief.stl": "trimesh", "layout.oas": "klayout", "transmission.fits": "Astropy"}
    assert [file for file, reader in readers.items() if reader not in notes[f"L1A/{file}"]] == []
    assert {row.source.split(",")[0] for row in report.errors} >= {"gds", "oas", "png", "stl", "fits", "npz"}


# Archives.


def test_archives_are_read_and_damage_to_them_told(package, tmp_path):
    whole = package("panel").with_suffix(".zip").read_bytes()
    path = tmp_path / "order.zip"
    path.write_bytes(whole)
    assert verify_package(path).passed
    for damaged in (whole[: len(whole) // 2], b"", b"hello"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="expected an order package, a folder or its zip archive"):
            verify_package(path)
    with zipfile.ZipFile(package("panel").with_suffix(".zip")) as archive:
        middles = [e.header_offset + 30 + len(e.filename) + e.compress_size // 2 for e in archive.infolist()]
    for at in middles:
        path.write_bytes(whole)
        flip(path, at)
        with pytest.raises(ValueError, match=r"order\.zip: expected"):
            verify_package(path)


def test_archives_of_something_else_are_refused(tmp_path):
    for names in ([], ["a/x", "b/x"], ["x"]):
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            for name in names:
                archive.writestr(name, "x")
        with pytest.raises(ValueError, match="expected one folder in the archive"):
            verify_package(tmp_path / "x.zip")
    with pytest.raises(FileNotFoundError, match="no such package"):
        verify_package(tmp_path / "nothing")
