"""Which process makes a design: a file, the name of a preset, or the preset that suits its masks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acdc_optical.fabrication.process import Process, process_named, suited
from tests.fabrication.designs import striped
from tests.fabrication.packages import design_of


@pytest.mark.parametrize(("kind", "preset"), [("real", "chrome-and-etch"), ("complex", "double-phase")])
def test_suited_presets(kind, preset):
    assert suited(design_of(kind)) == Process.preset(preset) == process_named(preset)


def test_masks_of_signs_get_one_etch():
    design = design_of("real")
    (masks,) = design.masks
    signs = replace(masks, input_mask=masks.input_mask.sign(), fourier_mask=masks.fourier_mask.sign())
    assert suited(replace(design, masks=(signs,))).name == Process.preset("one-etch").name


def test_stripes_are_drawn_as_they_are():
    assert suited(striped()) == Process.preset("stripes")


def test_processes_by_file_and_name(tmp_path, monkeypatch):
    (tmp_path / "a.toml").write_text(
        'name = "mine"\n[A]\nencoding = "double-phase"\nlevels = 4\nmade = "modulator"\nprofile = "p.toml"\n'
    )
    found = process_named(str(tmp_path / "a.toml"))
    assert found.A.profile == str(tmp_path / "p.toml")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.toml").rename(tmp_path / "plain")
    assert process_named("plain").name == "mine"
    with pytest.raises(ValueError, match="no process preset 'glass'; there are: chrome-and-etch, double-phase"):
        process_named("glass")
    with pytest.raises(FileNotFoundError):
        process_named("glass.toml")
