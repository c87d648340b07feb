"""``acdc-optical tolerance``."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from acdc_optical import ACDC, Bench, Design
from acdc_optical.cli import main

MINE = '[camera]\nshift_x = { normal = "1 um" }\n'


@pytest.fixture(scope="module")
def designs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("designs")
    torch.manual_seed(0)
    layers = [ACDC((4,)) for _ in range(2)]
    Design.of(layers[0], Bench.preset()).save(folder / "one.safetensors")
    Design.of(nn.Sequential(layers[0], nn.ReLU(), layers[1]), Bench.preset()).save(folder / "two.safetensors")
    Design.of(nn.Sequential(nn.Sequential(*layers)), Bench.preset()).save(folder / "cascade.safetensors")
    (folder / "mine.toml").write_text(MINE)
    return folder


def test_says_what_it_found_and_goes_on(designs, tmp_path, capsys):
    asked = ["tolerance", str(designs / "one.safetensors"), "--tolerances", str(designs / "mine.toml"), "--limit", "1"]
    files = [
        "--json",
        str(tmp_path / "found.json"),
        "--resume",
        str(tmp_path / "run"),
        "--plot",
        str(tmp_path / "a.png"),
    ]
    assert main([*asked, "--draws", "5", *files, "--sensitivities"]) == 0
    said = capsys.readouterr().out
    assert "Within 1: 100.0 ± 8.3 % of the benches" in said  # five of five: 1/(2(n + 1))
    assert "camera.shift_x" in said
    (found,) = json.loads((tmp_path / "found.json").read_text())
    assert (found["draws"], found["yield"]) == (5, 1.0)
    assert found["sensitivities"][0]["name"] == "camera.shift_x"
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert main([*asked, "--draws", "7", "--resume", str(tmp_path / "run"), "--json", "-"]) == 0
    (more,) = json.loads(capsys.readouterr().out)
    assert more["errors"][:5] == found["errors"]
    assert main([*asked, "--draws", "7", "--seed", "1", "--resume", str(tmp_path / "run")]) == 2
    assert "another run" in capsys.readouterr().err


def test_every_optical_layer_is_reported(designs, tmp_path, capsys):
    asked = ["tolerance", str(designs / "two.safetensors"), "--draws", "2", "--json", "-", "--resume"]
    assert main([*asked, str(tmp_path / "run.st")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found) == 2
    assert found[0]["errors"] != found[1]["errors"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run-1.st", "run-2.st"]


@pytest.mark.parametrize(
    ("design", "tolerances", "message"),
    [("one", "fine", "precision, workshop"), ("one", "none.toml", "no such file"), ("cascade", "workshop", "cascade")],
)
def test_what_it_cannot_do_it_says(designs, capsys, design, tolerances, message):
    assert main(["tolerance", str(designs / f"{design}.safetensors"), "--tolerances", tolerances]) == 2
    assert message in capsys.readouterr().err
