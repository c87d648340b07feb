"""Benches put together from presets: what wins, what is refused, and what the devices that ship say."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from acdc_optical import Bench, Imperfections
from acdc_optical.benches.bench import presets
from acdc_optical.benches.compositions import completed, device_presets, merged

FOLDER = resources.files("acdc_optical") / "presets"


def file_of(name: str) -> str:
    return (FOLDER / "devices" / f"{name}.toml").read_text(encoding="utf-8")


class TestJoining:
    def test_tables_join_and_the_later_value_wins(self):
        first = {"a": 1, "t": {"x": 1, "u": {"y": 1, "z": 2}}, "list": [1, 2]}
        then = {"t": {"u": {"z": 3}}, "list": [4], "b": 5}
        assert merged(first, then) == {"a": 1, "b": 5, "t": {"x": 1, "u": {"y": 1, "z": 3}}, "list": [4]}
        assert first["t"]["u"]["z"] == 2

    def test_python_and_files_put_together_alike(self, tmp_path):
        names = ["lcos-8um", "phase-slm-4k", "camera-scmos", "fused-silica"]
        (tmp_path / "bench.toml").write_text(f"use = {names}")
        assert Bench.load(tmp_path / "bench.toml") == Bench.preset(*names)

    def test_the_order_counts(self):
        assert Bench.preset("lcos-8um", "phase-slm-8um", "dmd").modulator.pitch == pytest.approx(7.56e-6, rel=1e-15)
        assert Bench.preset("lcos-8um", "dmd", "phase-slm-8um").modulator.pitch == pytest.approx(8e-6, rel=1e-15)

    def test_what_the_file_itself_says_is_last(self, tmp_path):
        text = 'use = ["lcos-8um", "camera-scmos"]\nwavelength = "532 nm"\n[camera]\nread_noise = 2.5\n'
        (tmp_path / "bench.toml").write_text(text)
        bench = Bench.load(tmp_path / "bench.toml")
        camera = Bench.preset("lcos-8um", "camera-scmos").camera
        assert bench.camera == camera.replace(read_noise=2.5)
        assert bench.wavelength == pytest.approx(532e-9, rel=1e-15)

    def test_devices_complete_a_bench_that_is_the_file_s_own(self, tmp_path):
        text = 'use = ["dmd"]\nwavelength = "532 nm"\nfocal_length = "50 mm"\n'
        (tmp_path / "bench.toml").write_text(text)
        assert Bench.load(tmp_path / "bench.toml").modulator.pixels == (1080, 1920)

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ('use = "dmd"', ["use: expected a list of presets", "'dmd'"]),
            ("use = [1]", ["use: expected a list of presets", "[1]"]),
            ('use = ["gold"]', ["use: no bench preset 'gold'", "lcos-8um", *device_presets()]),
            ('use = ["dmd"]', ["wavelength is missing"]),
            ('use = ["lcos-8um"]\n[modulator]\npitch = 8e-6', ["modulator: pitch: a length in a file needs its unit"]),
            ('use = ["lcos-8um"]\nmodulator = 3', ["modulator", "3"]),
            (
                'use = ["lcos-8um", "fused-silica", "phase-slm-8um-mask"]',
                ["imperfections: fourier_device: etches = 3", "phase_bits = 8", "choose one"],
            ),
        ],
    )
    def test_bad_uses(self, text, says, tmp_path):
        (tmp_path / "bench.toml").write_text(text)
        with pytest.raises(ValueError, match=r"bench\.toml: ") as error:
            Bench.load(tmp_path / "bench.toml")
        for part in says:
            assert part in str(error.value)

    def test_unknown_and_partial_presets_in_python(self):
        with pytest.raises(ValueError, match="no bench preset 'gold'; there are: lcos-8um; and of devices: "):
            Bench.preset("lcos-8um", "gold")
        with pytest.raises(ValueError, match="dmd: devices, and no bench that they are parts of; name one of lcos-8um"):
            Bench.preset("dmd")

    def test_a_file_without_uses_is_as_it_was(self):
        assert completed({"a": {"b": 1}}) == {"a": {"b": 1}}


class TestWhatShips:
    def test_benches_and_devices_are_told_apart(self):
        assert presets() == ["lcos-8um"]
        assert {"phase-slm-8um", "phase-slm-4k", "dmd", "camera-scmos", "fused-silica"} <= set(device_presets())
        assert not set(presets()) & set(device_presets())

    @pytest.mark.parametrize("name", device_presets())
    def test_a_device_is_a_part_that_uses_nothing_and_says_what_it_is(self, name):
        text = file_of(name)
        first, second = text.splitlines()[:2]
        assert first.startswith("# ")
        assert second.startswith("# Typical values: replace them by")
        assert "use" not in tomllib.loads(text)
        assert Bench.preset("lcos-8um", name) != Bench.preset()

    @pytest.mark.parametrize("name", device_presets())
    def test_every_number_says_what_it_means(self, name):
        lines = [line for line in file_of(name).splitlines() if "=" in line and not line.startswith("#")]
        silent = [line for line in lines if "# " not in line]
        assert silent in ([], ['overlay_x = "0.3 um"'])  # said one line above

    def test_the_bench_itself_is_perfect(self):
        bench = Bench.preset()
        assert bench.imperfections == Imperfections()
        assert bench.camera.read_out == "field"
        assert bench.laser.power is None

    # Roots of the areal fills, written with four digits.
    @pytest.mark.parametrize(
        ("name", "pitch", "areal", "pixels"),
        [
            ("phase-slm-8um", 8e-6, 0.93, (1200, 1920)),
            ("phase-slm-4k", 3.74e-6, 0.90, (2160, 3840)),
            ("dmd", 7.56e-6, 0.92, (1080, 1920)),
        ],
    )
    def test_modulators(self, name, pitch, areal, pixels):
        modulator = Bench.preset("lcos-8um", name).modulator
        assert modulator.pitch == pytest.approx(pitch, rel=1e-15)
        assert modulator.fill**2 == pytest.approx(areal, abs=1e-4)
        assert modulator.pixels == pixels

    @pytest.mark.parametrize("name", ["phase-slm-8um", "phase-slm-4k"])
    def test_a_phase_panel_is_the_same_in_both_planes(self, name):
        bench = Bench.preset("lcos-8um", name, f"{name}-mask")
        wrong = bench.imperfections
        assert wrong.input_device == wrong.fourier_device
        assert wrong.modulator_device.amplitude_bits == wrong.input_device.phase_bits == 8
        assert bench.mask.fill == bench.modulator.fill
        assert wrong.input_device.crosstalk == pytest.approx(bench.modulator.pitch / 4, rel=1e-12)

    def test_an_etched_mask_joins_a_panel_and_a_camera(self):
        bench = Bench.preset("lcos-8um", "phase-slm-8um", "camera-scmos", "fused-silica")
        assert (bench.imperfections.input_device.phase_bits, bench.imperfections.fourier_device.etches) == (8, 3)
        assert bench.camera.full_well == 30000
