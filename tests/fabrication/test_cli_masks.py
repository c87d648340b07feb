"""Commands export and verify-package as a user meets them: exit codes, one-line errors, JSON alone."""

from __future__ import annotations

import json

import pytest

from acdc_optical.cli import main, masks
from acdc_optical.fabrication import FORMATS, processes
from tests.fabrication.packages import copied, design_of


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.fixture
def design(tmp_path, monkeypatch):
    """A design file in the current folder, in which nothing else is."""
    monkeypatch.chdir(tmp_path)
    design_of("complex").save("layer.design")
    return "layer.design"


PROCESS = """
name = "a panel [of mine]"
contact = "room [/3], a & b"
[A]
encoding = "double-phase"
cells = 2
levels = 8
made = "modulator"
profile = "panels/panel.toml"
"""

PANEL = 'shape = [20, 30]\npitch = ["4 um", "4 um"]\nbits = 8\nflatness = "flat.csv"\n'


@pytest.fixture
def process(design, tmp_path):
    """A process file with a profile in a folder beside it, away from the current folder."""
    place = tmp_path / "given"
    (place / "panels").mkdir(parents=True)
    (place / "mine.toml").write_text(PROCESS)
    (place / "panels" / "panel.toml").write_text(PANEL.replace('flatness = "flat.csv"\n', ""))
    return place / "mine.toml"


def one_line(capsys):
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_export_and_verify_by_default(tmp_path, monkeypatch, capsys):
    """Two millimetres of stripes, sixteen cells a pixel: what a user gets who asks for nothing."""
    monkeypatch.chdir(tmp_path)
    design_of("line").save("layer.design")
    assert run("export", "layer.design", "--out", "order") == 0
    printed = capsys.readouterr()
    assert "chrome on fused silica, one etch" in printed.out
    assert "Written: order, order.zip" in printed.out
    assert printed.err == ""
    assert run("verify-package", "order") == 0
    printed = capsys.readouterr().out
    assert "L1D/layout.gds: rectangles that differ" in printed
    assert "error from the layer" in printed
    assert "FAILED" not in printed
    assert run("verify-package", "order.zip") == 0


def test_formats_are_chosen_one_by_one(process, tmp_path):
    options = ("--process", process, "--format", "slm-npy", "--format", "fits")
    assert run("export", "layer.design", "--out", "my order", *options) == 0
    written = {path.name for path in (tmp_path / "my order" / "L1A").iterdir()}
    panel = {"profile.toml", "profile.response.csv"}
    assert written == {"slm.npy", "transmission.fits", "opd.fits", "levels.npz", "depths.csv", "preview.png"} | panel
    assert run("verify-package", "my order") == run("verify-package", "my order.zip") == 0


def test_all_formats(process, tmp_path, capsys):
    assert run("export", "layer.design", "--out", "order", "--process", process, "--format", "all") == 0
    files = json.loads((tmp_path / "order" / "process.json").read_text())["masks"][0]["files"]
    expected = {"slm", "slm-bmp", "slm-npy", "slm-csv", "zemax-phase", "code-v-wavefront", "fits", "npz"}
    assert set(files) == expected
    printed = capsys.readouterr().out  # what a user writes is no markup
    assert "a panel [of mine]" in printed
    assert "Contact: room [/3], a & b" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--format", "gdsii"), "no format is named 'gdsii'; choose of gds, oas"),
        (("--format", "dmd"), "no mask of this order can be written as dmd"),
        (("--process", "gold"), "no process preset 'gold'; there are: chrome-and-etch"),
        (("--process", "gold.toml"), "gold.toml: no such file"),
        (("--process", "one-etch"), "mask A of optical layer 1"),
        (("--out", "nowhere/order"), "there is no folder"),
        (("--out", "."), "current folder"),
        (("--out", "layer.design"), "something else here"),
    ],
)
def test_errors_of_export(design, tmp_path, capsys, arguments, message):
    assert run("export", design, "--out", "order", *arguments) == 2
    assert message in one_line(capsys)
    assert {path.name for path in tmp_path.iterdir()} == {"layer.design"}


def test_a_profile_that_is_missing_is_named(process, capsys):
    (process.parent / "panels" / "panel.toml").unlink()
    assert run("export", "layer.design", "--out", "order", "--process", process) == 2
    assert "panels/panel.toml: no such file" in one_line(capsys)


def test_a_profile_with_a_damaged_table_is_named(process, capsys):
    (process.parent / "panels" / "panel.toml").write_text(PANEL)
    assert run("export", "layer.design", "--out", "order", "--process", process) == 2
    assert "flat.csv" in one_line(capsys)


def test_a_damaged_package_fails_and_is_named(package, tmp_path, capsys):
    folder = copied(package("profile"), tmp_path)
    (folder / "L1A" / "slm.csv").unlink()
    assert run("verify-package", folder) == 1
    printed = capsys.readouterr()
    assert "L1A/slm.csv is as listed in SHA256SUMS" in " ".join(printed.out.split())
    assert "FAILED" in printed.out
    assert printed.err == ""


def test_json_alone_on_standard_output(package, tmp_path, capsys):
    assert run("verify-package", package("panel"), "--json", "-") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["passed"], report["title"]) == (True, "order package panel")
    assert all(check["passed"] for check in report["checks"])
    assert {error["source"] for error in report["errors"]} >= {"slm, mask A", "npz, mask A and D"}
    folder = copied(package("panel"), tmp_path)
    (folder / "L1A" / "slm.png").write_bytes(b"")
    assert run("verify-package", folder, "--json", "-") == 1
    assert not json.loads(capsys.readouterr().out)["passed"]


def test_json_in_a_file_beside_the_tables(package, tmp_path, capsys):
    path = tmp_path / "report.json"
    assert run("verify-package", package("panel"), "--json", path) == 0
    assert "FAILED" not in capsys.readouterr().out
    assert json.loads(path.read_text())["passed"]
    assert run("verify-package", package("panel"), "--json", tmp_path / "no" / "report.json") == 2
    assert "there is no folder" in one_line(capsys)


def test_what_is_no_package_is_an_error(tmp_path, capsys):
    assert run("verify-package", tmp_path / "nothing") == 2
    assert "no such package" in one_line(capsys)
    (tmp_path / "x.zip").write_text("hello")
    assert run("verify-package", tmp_path / "x.zip") == 2
    assert "x.zip: expected an order package" in one_line(capsys)
    (tmp_path / "empty").mkdir()
    assert run("verify-package", tmp_path / "empty") == 1
    assert "SHA256SUMS can be read" in capsys.readouterr().out


def test_the_help_names_all_formats_and_presets():
    assert masks._FORMATS.split(", ") == list(FORMATS)
    assert masks._PRESETS.split(", ") == processes()
