"""The order package: whole or not at all, the same bytes twice, and texts that machines read."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace

import jsonschema
import numpy as np
import pytest

from acdc_optical.fabrication.package import formats, writing
from acdc_optical.fabrication.package.checksums import LISTING
from acdc_optical.fabrication.package.readback import verify_package
from acdc_optical.fabrication.pictures import plot_plate
from acdc_optical.fabrication.process import Process
from acdc_optical.files import replacing_folder
from tests.fabrication.packages import ETCHED, RESIST, Case, copied, design_of, files_in

TOP = {"README.txt", "SHA256SUMS", "design.safetensors", "process.json", "process.schema.json", "simulation.json"}


@pytest.fixture
def small():
    """One mask, in as few files as there can be."""
    return Case(design_of("complex"), Process(name="small", A=ETCHED))


@pytest.fixture
def broken(monkeypatch):
    """A format that fails after it has written half of its file."""

    def write(folder, order):
        (folder / "layout.oas").write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(writing, "formats_for", formats.formats_for)
    forms = {name: replace(form, write=write) if name == "oas" else form for name, form in formats.FORMATS.items()}
    monkeypatch.setattr(formats, "FORMATS", forms)


@pytest.mark.parametrize("case", ["chrome", "etched", "stripes", "panel", "profile", "curve", "mirrors"])
def test_what_is_written_is_verified(package, case):
    report = verify_package(package(case))
    assert report.passed, report
    assert set(files_in(package(case))) >= TOP
    layers = {row.source: row.error for row in report.errors}
    assert layers["the design"] < 1e-12
    # Levels, carriers and cells cost something; whatever it is, the levels in the file cost the same.
    memory = layers.pop("the order, in memory")
    assert memory > 1e-3
    read = {name: error for name, error in layers.items() if re.search(r", mask [AD]", name)}
    assert any(name.startswith("npz") for name in read)
    exact = {name: error for name, error in read.items() if case != "profile" or not name.startswith("slm")}
    assert max(abs(error - memory) for error in exact.values()) < 1e-12


def test_a_panel_that_rounds_shows_what_rounding_costs(package):
    """A flatness makes the phases of the levels fall between grays: the files are right, the light is another."""
    report = verify_package(package("profile"))
    errors = {row.source: row.error for row in report.errors}
    cost = abs(errors["slm, mask A"] - errors["the order, in memory"])
    assert 1e-12 < cost < np.pi / 1024  # at most half a gray of phase in every cell
    assert errors["slm, mask A"] == errors["slm-npy, mask A"] == errors["slm-csv, mask A"]


def test_the_same_order_gives_the_same_bytes(orders, package, tmp_path):
    for name in ("stripes", "profile"):
        again = orders[name].export(tmp_path / name, "all")
        assert files_in(again) == files_in(package(name))
        assert again.with_suffix(".zip").read_bytes() == package(name).with_suffix(".zip").read_bytes()


def test_the_archive_holds_the_folder(package):
    with zipfile.ZipFile(package("panel").with_suffix(".zip")) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    assert held == {f"panel/{name}": data for name, data in files_in(package("panel")).items()}


def test_customary_formats_are_written_by_default(small, tmp_path):
    written = {path.name for path in (small.export(tmp_path / "out") / "L1A").iterdir()}
    tables = {"depths.csv", "layers.csv", "marks.csv", "rules.json", "preview.png"}
    assert written - tables == {"layout.gds", "layout.oas", "height.png", "height.tif", "height.json", "levels.npz"}
    assert tables <= written


def test_failures_leave_nothing(small, tmp_path, broken):
    with pytest.raises(OSError, match="no space"):
        small.export(tmp_path / "out", "gds", "oas")
    assert not list(tmp_path.iterdir())


def test_failures_keep_the_package_that_is_there(small, tmp_path, request):
    folder = small.export(tmp_path / "out", "gds")
    before, archive = files_in(folder), (tmp_path / "out.zip").read_bytes()
    request.getfixturevalue("broken")
    with pytest.raises(OSError, match="no space"):
        small.export(folder, "gds", "oas")
    assert (files_in(folder), (tmp_path / "out.zip").read_bytes()) == (before, archive)
    assert {path.name for path in tmp_path.iterdir()} == {"out", "out.zip"}


def test_a_package_is_replaced_as_a_whole(small, tmp_path):
    small.export(tmp_path / "out", "gds")
    folder = Case(small.design, Process(name="other", D=ETCHED)).export(tmp_path / "out", "png")
    assert not (folder / "L1A").exists()
    assert verify_package(folder).passed
    assert verify_package(tmp_path / "out.zip").passed
    assert {path.name for path in tmp_path.iterdir()} == {"out", "out.zip"}


@pytest.mark.parametrize("name", ["holiday.txt", LISTING])
def test_other_folders_are_not_replaced(small, tmp_path, name):
    """Many folders have a SHA256SUMS."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("mine")
    with pytest.raises(FileExistsError, match="something else here"):
        small.export(tmp_path / "out")
    assert files_in(tmp_path) == {f"out/{name}": b"mine"}


def test_files_in_the_way_are_told_before_anything_is_written(small, tmp_path):
    (tmp_path / "a").write_text("mine")
    with pytest.raises(FileExistsError, match="something else here"):
        small.export(tmp_path / "a")
    (tmp_path / "b.zip").mkdir()
    with pytest.raises(OSError, match=r"b\.zip"):
        small.export(tmp_path / "b")
    with pytest.raises(OSError, match="nowhere"):
        small.export(tmp_path / "nowhere" / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b.zip"}


def test_an_empty_folder_is_filled_but_not_the_current_one(small, tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    with pytest.raises(OSError, match="the current folder"):
        small.export(".", "npz")
    monkeypatch.chdir(tmp_path)
    small.export("out", "npz")
    assert verify_package("out").passed
    assert verify_package("out.zip").passed


@pytest.mark.parametrize("name", ["order 7 (final), é", "v1.2.zip", "[red]"])
def test_names_of_every_kind(small, tmp_path, name):
    folder = small.export(tmp_path / name, "npz")
    assert folder == tmp_path / name
    assert verify_package(folder).passed
    assert verify_package(tmp_path / f"{name}.zip").passed


def test_a_replaced_folder_comes_back_if_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mark").write_text("old")
    rename, calls = writing.Path.replace, []

    def fails_second(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise OSError("disk gone")
        rename(writing.Path(source), target)

    monkeypatch.setattr("acdc_optical.files.os.replace", fails_second)
    with pytest.raises(OSError, match="disk gone"), replacing_folder(tmp_path / "out", "mark") as folder:
        (folder / "mark").write_text("new")
    assert files_in(tmp_path) == {"out/mark": b"old"}


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no GNU coreutils")
def test_sha256sum_agrees(package):
    run = subprocess.run(
        ["sha256sum", "--strict", "--quiet", "-c", LISTING], cwd=package("etched"), capture_output=True, timeout=20
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")
    listed = {line.split("  ", 1)[1] for line in (package("etched") / LISTING).read_text().splitlines()}
    assert listed == set(files_in(package("etched"))) - {LISTING}


# What machines read.


@pytest.mark.parametrize("case", ["chrome", "panel", "stripes"])
def test_the_sheet_keeps_its_schema(package, case):
    schema = json.loads((package(case) / "process.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    sheet = json.loads((package(case) / "process.json").read_text())
    validator.validate(sheet)
    for break_it in (
        lambda s: s.pop("wavelength_nm"),
        lambda s: s.update(colour="red"),
        lambda s: s["masks"][0].update(mirrored="perhaps"),
        lambda s: s["masks"][0]["levels"][0].pop("amplitude"),
    ):
        wrong = json.loads(json.dumps(sheet))
        break_it(wrong)
        assert not validator.is_valid(wrong)


def test_the_sheet_says_what_is_in_the_package(package, orders):
    sheet = json.loads((package("chrome") / "process.json").read_text())
    design = (package("chrome") / "design.safetensors").read_bytes()
    assert sheet["design_sha256"] == hashlib.sha256(design).hexdigest()
    assert sheet["wavelength_nm"] == 633
    for mask, order in zip(sheet["masks"], orders["chrome"].orders, strict=True):
        assert mask["cells"] == list(order.plate.levels.shape)
        assert all((package("chrome") / mask["name"] / file).is_file() for file in mask["files"].values())
        # Fused silica: half a wave takes λ/2(n − 1), with n = 1.457 at 633 nm (Malitson).
        (depth,) = [layer["depth_nm"] for layer in mask["layers"] if layer["depth_nm"]]
        assert depth == pytest.approx(633 / 2 / 0.45702, rel=1e-4)


def test_tables_are_csv_and_agree_with_the_sheet(package):
    folder = package("etched")
    for mask in json.loads((folder / "process.json").read_text())["masks"]:
        tables = {
            name: list(csv.DictReader(io.StringIO((folder / mask["name"] / f"{name}.csv").read_text())))
            for name in ("layers", "depths", "marks")
        }
        assert [int(row["layer"]) for row in tables["layers"]] == [layer["layer"] for layer in mask["layers"]]
        etches = [layer["name"] for layer in mask["layers"] if layer["name"] != "CHROME"]
        depths = [float(row["etch_depth_nm"]) for row in tables["layers"] if row["mask"] in etches]
        assert depths == sorted(depths, reverse=True)
        assert depths[0] == pytest.approx(2 * depths[1], rel=1e-9)
        heights = [float(row["height_nm"]) for row in tables["depths"]]
        assert max(heights) - min(heights) == pytest.approx(sum(depths), rel=1e-9)
        drawn = [
            sum(depth for depth, etch in zip(depths, etches, strict=True) if etch in row["layers_drawn"])
            for row in tables["depths"]
        ]
        assert [max(heights) - height for height in heights] == pytest.approx(drawn, rel=1e-9, abs=1e-9)
        assert {row["layer"] for row in tables["marks"]} == {row["layer"] for row in tables["layers"]}
        assert all(row["x_um"] and row["y_um"] for row in tables["marks"])


def test_the_rules_are_told_and_broken_ones_shouted(tmp_path):
    strict = ETCHED.replace(min_feature=5e-6)  # cells of mask A are 4 µm
    folder = Case(design_of("complex"), Process(name="strict", A=strict)).export(tmp_path / "out", "gds")
    rules = json.loads((folder / "L1A" / "rules.json").read_text())
    assert not all(found["passed"] for found in rules.values())
    assert "BREAKS THE RULES" in (folder / "README.txt").read_text()
    assert verify_package(folder).passed  # it is what was ordered


def test_the_readme_names_every_file_and_says_what_is_mirrored(package):
    text = (package("etched") / "README.txt").read_text()
    sheet = json.loads((package("etched") / "process.json").read_text())
    assert all(f"{mask['name']}/{file}:" in text for mask in sheet["masks"] for file in mask["files"].values())
    assert text.count("have x mirrored already") == 2
    assert "mirrored already" not in (package("chrome") / "README.txt").read_text()


def test_files_that_the_process_names_are_copied_not_named(package, orders):
    """A package is read elsewhere: it holds no path of the place where it was made."""
    elsewhere = str(orders["profile"].process.A.profile).rsplit("/", 1)[0].encode()
    assert not [name for case in ("profile", "curve") for name, data in files_in(package(case)).items()
                if elsewhere in data]  # fmt: skip


def test_a_package_can_be_moved(package, tmp_path):
    assert verify_package(copied(package("profile"), tmp_path)).passed


def test_what_cannot_be_made_is_refused_by_name(tmp_path):
    coarse = Process(name="x", A=RESIST.replace(cells=None, feature=1e-3))
    with pytest.raises(ValueError, match="mask A of optical layer 1: a pixel of 8 um is smaller than a feature"):
        Case(design_of("complex"), coarse).export(tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_previews_of_stripes_show_every_stripe(orders):
    """High and narrow plates are thinned out along their height alone."""
    plate = orders["stripes"].orders[0].plate
    tall = replace(plate, levels=np.repeat(plate.levels[:1], 2000, axis=0))
    shown = plot_plate(tall).axes[0].images[0].get_array()
    assert shown.shape[1] == tall.levels.shape[1]
    assert shown.shape[0] <= 512


def test_a_zip_of_something_else_is_not_replaced(tmp_path, package):
    (tmp_path / "order.zip").write_bytes(b"my thesis")
    with pytest.raises(FileExistsError, match="no archive of an order"):
        Case(design_of("complex"), Process(name="x", A=ETCHED)).export(tmp_path / "order", "gds")
    assert (tmp_path / "order.zip").read_bytes() == b"my thesis"
    assert not (tmp_path / "order").exists()


def test_tolerances_that_leave_no_light_are_told(tmp_path):
    absurd = Process(name="x", D=ETCHED, tolerances={"overlay": "80 mm", "width": "80 mm"})
    folder = Case(design_of("complex"), absurd).export(tmp_path / "order", "gds")
    outcomes = json.loads((folder / "simulation.json").read_text())[0]["tolerances"]
    assert any(outcome["light"] == 0 for outcome in outcomes)
