"""The bench file: text that reads back, its JSON schema, and what neither takes."""

from __future__ import annotations

import json
import tomllib
from importlib import resources

import jsonschema
import pytest
import torch

from acdc_optical import ACDC, Bench, Camera, Design, Imperfections, Laser
from acdc_optical.benches.bench import presets
from acdc_optical.benches.compositions import device_presets
from acdc_optical.benches.hardware import Modulator
from acdc_optical.benches.imperfections import DeviceErrors, LensPlacement, LightErrors, Placement
from acdc_optical.benches.schema import bench_schema, device_schema
from acdc_optical.cli import main

WRONG = Imperfections(
    fourier_mask=Placement(shift_x="-4 um", rotation="1 mrad", defocus=1 / 3 * 1e-3),
    first_lens=LensPlacement(tilt_y="-0.1 deg", focal_length=0.01),
    input_device=DeviceErrors(phase_bits=8, look_up_table=(0.0, 1.5, "200 mrad"), phase_stroke="6 rad"),
    fourier_device=DeviceErrors(etches=3, overlay_x="0.3 um", etch_depth=-0.02, flatness_seed=7),
    light=LightErrors(bandwidth="0.5 nm", intensity_noise=0.01, stray=0.1),
)
FULL = Bench.preset("lcos-8um", "camera-scmos").replace(
    laser=Laser(power="5 mW", reference=1.23456789012e-4), imperfections=WRONG
)
GOOD = """
wavelength = "633 nm"
focal_length = "100 mm"
[modulator]
pitch = "8 um"
pixels = [100, 200]
[laser]
power = "5 mW"
[camera]
exposure = "10 ms"
full_well = 30000
bits = 12
read_out = "homodyne"
[imperfections.fourier_mask]
shift_x = "-4 um"
rotation = "1 mrad"
[imperfections.first_lens]
focal_length = 0.01
[imperfections.fourier_device]
gap_reflectance = 0.3
look_up_table = ["0 rad", "1 rad"]
phase_stroke = "6 rad"
"""


def load(text: str, tmp_path) -> Bench:
    path = tmp_path / "bench.toml"
    path.write_text(text, encoding="utf-8")
    return Bench.load(path)


class TestText:
    @pytest.mark.parametrize("bench", [Bench.preset(), FULL], ids=["perfect", "full"])
    def test_reads_back_to_an_equal_bench(self, bench, tmp_path):
        assert load(str(bench), tmp_path) == bench

    def test_reads_back_to_the_last_bit(self, tmp_path):
        """Thirds have no short decimals."""
        wrong = Imperfections().changed(
            {"camera.shift_y": -1e-6 / 3, "camera.rotation": 1e-3 / 3, "light.wavelength": 1e-9 / 3}
        )
        bench = Bench.preset().replace(laser=Laser(power=1e-3 / 3), imperfections=wrong)
        assert load(str(bench), tmp_path) == bench

    def test_has_units_and_only_what_is_wrong(self):
        text = str(FULL)
        assert '[imperfections.fourier_mask]\nshift_x = "-4 um"\n' in text
        assert 'rotation = "1 mrad"' in text
        assert 'power = "5 mW"' in text
        assert 'exposure = "10 ms"' in text
        assert "second_lens" not in text
        assert "[imperfections]" not in text
        assert "imperfections" not in str(Bench.preset())

    def test_a_tensor_is_named_and_the_rest_still_reads(self, tmp_path):
        wrong = Imperfections(camera=Placement(shift_x=torch.zeros(3), shift_y=1e-6))
        text = str(Bench.preset().replace(imperfections=wrong))
        assert "# shift_x is a tensor of shape (3,): files hold numbers" in text
        assert load(text, tmp_path).imperfections == Imperfections(camera=Placement(shift_y=1e-6))


class TestDesigns:
    def layer(self):
        return ACDC((4,), dtype=torch.float64)

    def test_imperfections_are_kept(self, tmp_path):
        Design.of(self.layer(), FULL).save(tmp_path / "layer.design")
        assert Design.load(tmp_path / "layer.design").bench == FULL

    def test_tensors_are_refused_by_name_and_nothing_is_written(self, tmp_path):
        wrong = Imperfections().changed({"camera.shift_x": torch.zeros(3), "light.stray": torch.tensor(0.1)})
        design = Design.of(self.layer(), Bench.preset().replace(imperfections=wrong))
        with pytest.raises(ValueError, match=r"camera\.shift_x, light\.stray are tensors"):
            design.save(tmp_path / "layer.design")
        assert not list(tmp_path.iterdir())


class TestNumbers:
    @pytest.mark.parametrize(
        ("value", "says"),
        [
            (float("nan"), "expected a finite number in SI units, text like '633 nm', or a tensor; got nan"),
            (True, "expected a finite number in SI units, text like '633 nm', or a tensor; got True"),
            (None, "expected a finite number in SI units, text like '633 nm', or a tensor; got None"),
            ("4 mrad", "expected a length with its unit, like '633 nm' (nm, um, µm, μm, mm, cm, m); got '4 mrad'"),
            (torch.zeros(2, 3), "of shape () or (draws,); got one of shape (2, 3) and torch.float32"),
            (torch.zeros(0), "of shape () or (draws,); got one of shape (0,) and torch.float32"),
            (
                torch.tensor(1),
                "floating-point numbers, of shape () or (draws,); got one of shape () and torch.int64",
            ),
            (torch.tensor(1j), "got one of shape () and torch.complex64"),
        ],
    )
    def test_one_sentence_says_what_is_expected(self, value, says):
        with pytest.raises(ValueError, match=r"^shift_x: expected ") as error:
            Placement(shift_x=value)
        assert str(error.value).endswith(says)
        assert str(error.value).count("shift_x") == 1

    @pytest.mark.parametrize("tensor", [torch.tensor(1e-6), torch.zeros(5, dtype=torch.float64)], ids=["one", "draws"])
    def test_tensors_stay_themselves_with_their_gradient(self, tensor):
        assert Placement(shift_x=tensor.requires_grad_()).shift_x is tensor

    def test_bounds_of_numbers(self):
        with pytest.raises(ValueError, match=r"gap_reflectance: expected a finite number from 0 to 1, .* got 1\.5"):
            DeviceErrors(gap_reflectance=1.5)
        with pytest.raises(ValueError, match=r"phase_stroke: expected a finite number above 0 .* got '0 rad'"):
            DeviceErrors(phase_stroke="0 rad")


class TestAcrossParts:
    @pytest.mark.parametrize(
        ("build", "says"),
        [
            (lambda: Camera(bits=12), "bits = 12 divide the full well, and there is none: give full_well"),
            (lambda: Camera(dark_current=1.0), "dark_current needs .* give exposure"),
            (lambda: DeviceErrors(etches=3, phase_bits=8), "etches = 3 .* phase_bits = 8 .* choose one"),
            (
                lambda: Bench.preset().replace(imperfections=Imperfections(light=LightErrors(wavelength="-633 nm"))),
                r"imperfections\.light\.wavelength .* 633 nm, .* got -633 nm",
            ),
        ],
    )
    def test_contradictions_say_what_to_do(self, build, says):
        with pytest.raises(ValueError, match=says):
            build()

    def test_what_belongs_together_is_taken(self):
        assert Camera(bits=12, full_well=1e4, dark_current=1.0, exposure="1 s").bits == 12


@pytest.fixture(scope="module")
def validator():
    jsonschema.Draft202012Validator.check_schema(bench_schema())
    return jsonschema.Draft202012Validator(bench_schema())


def broken(old: str, new: str):
    assert old in GOOD
    return pytest.param(GOOD.replace(old, new), id=new or f"no {old}")


class TestSchema:
    @pytest.mark.parametrize("name", presets())
    def test_shipped_benches_validate(self, validator, name):
        text = (resources.files("acdc_optical") / "presets" / f"{name}.toml").read_text(encoding="utf-8")
        validator.validate(tomllib.loads(text))

    @pytest.mark.parametrize("name", device_presets())
    def test_shipped_devices_validate_as_devices_and_as_no_bench(self, validator, name):
        text = (resources.files("acdc_optical") / "presets" / "devices" / f"{name}.toml").read_text(encoding="utf-8")
        values = tomllib.loads(text)
        jsonschema.validate(values, device_schema(), jsonschema.Draft202012Validator)
        assert not validator.is_valid(values)
        assert validator.is_valid({"use": ["lcos-8um", name], **values})

    @pytest.mark.parametrize("text", [GOOD, str(FULL), 'use = ["lcos-8um", "dmd"]'], ids=["good", "written", "used"])
    def test_good_files_validate_and_load(self, validator, text, tmp_path):
        validator.validate(tomllib.loads(text))
        load(text, tmp_path)

    @pytest.mark.parametrize(
        "text",
        [
            broken('wavelength = "633 nm"', ""),
            broken('focal_length = "100 mm"', ""),
            broken('pitch = "8 um"', ""),
            broken('"8 um"', "8e-6"),
            broken('"8 um"', '"-8 um"'),
            broken('"8 um"', '"0.0 um"'),
            broken('"8 um"', '"8"'),
            broken('"8 um"', '"8 mrad"'),
            broken("[100, 200]", "[100]"),
            broken("[100, 200]", "[0, 200]"),
            broken('power = "5 mW"', "power = 0.005"),
            broken('power = "5 mW"', 'power = "5 mm"'),
            broken('power = "5 mW"', 'colour = "red"'),
            broken('exposure = "10 ms"', "exposure = 0.01"),
            broken("bits = 12", "bits = 17"),
            broken("bits = 12", "bits = 2.5"),
            broken("full_well = 30000", "full_well = 0"),
            broken('"homodyne"', '"heterodyne"'),
            broken('shift_x = "-4 um"', "shift_x = -4e-6"),
            broken('shift_x = "-4 um"', 'shift_z = "4 um"'),
            broken('rotation = "1 mrad"', "rotation = 0"),
            broken('rotation = "1 mrad"', 'rotation = "1 um"'),
            broken("focal_length = 0.01", 'focal_length = "1 mm"'),
            broken("focal_length = 0.01", "focal_length = -1.0"),
            broken("gap_reflectance = 0.3", "gap_reflectance = 1.3"),
            broken("gap_reflectance = 0.3", 'flatness = "-30 nm"'),
            broken('["0 rad", "1 rad"]', "[0, 1]"),
            broken('["0 rad", "1 rad"]', "[]"),
            broken('phase_stroke = "6 rad"', 'phase_stroke = "0 rad"'),
            broken("[imperfections.first_lens]", "[imperfections.third_lens]"),
            'use = ["gold"]',
            'use = "lcos-8um"',
        ],
    )
    def test_broken_files_fail_in_the_schema_and_when_loaded(self, validator, text, tmp_path):
        assert not validator.is_valid(tomllib.loads(text))
        with pytest.raises(ValueError, match=r"bench\.toml"):
            load(text, tmp_path)

    def test_every_entry_is_described(self):
        schema = bench_schema()
        for table in [schema, *schema["$defs"].values()]:
            for name, entry in table["properties"].items():
                assert entry.get("description"), (table["title"], name)

    def test_describes_the_file_with_its_units(self):
        found = bench_schema()["$defs"][Modulator.__name__]["properties"]["pitch"]
        assert (found["type"], found["description"]) == ("string", "pixel size [m].")
        assert bench_schema()["$defs"]["Placement"]["properties"]["shift_x"]["default"] == "0 nm"
        assert "null" not in json.dumps(bench_schema())


class TestCommand:
    def test_prints_the_bench_as_its_file(self, capsys, tmp_path):
        (tmp_path / "own.toml").write_text('use = ["lcos-8um", "dmd"]\nwavelength = "532 nm"')
        assert main(["bench", str(tmp_path / "own.toml")]) == 0
        text = capsys.readouterr().out
        assert "use" not in tomllib.loads(text)
        assert load(text, tmp_path) == Bench.preset("lcos-8um", "dmd").replace(wavelength="532 nm")

    @pytest.mark.parametrize("names", [(), ("lcos-8um", "camera-scmos")])
    def test_puts_presets_together(self, names, capsys):
        assert main(["bench", *names]) == 0
        assert capsys.readouterr().out == str(Bench.preset(*names))

    def test_prints_the_schema_alone(self, capsys):
        assert main(["bench", "--schema"]) == 0
        assert json.loads(capsys.readouterr().out) == bench_schema()

    def test_checks(self, capsys, tmp_path):
        (tmp_path / "bad.toml").write_text('wavelength = "633 nm"')
        assert main(["bench", "lcos-8um", "--check"]) == 0
        assert capsys.readouterr().out == "lcos-8um: a valid bench\n"
        assert main(["bench", str(tmp_path / "bad.toml"), "--check"]) == 2
        assert "modulator is missing" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("gold",), "no bench preset 'gold'"),
            (("dmd",), "name one of lcos-8um before"),
            (("no.toml",), "no.toml: no such file"),
            (("no.toml", "dmd"), "a file stands alone"),
            (("--schema", "--check"), "--schema is of all bench files"),
        ],
    )
    def test_errors_are_one_line(self, arguments, says, capsys):
        assert main(["bench", *arguments]) == 2
        captured = capsys.readouterr()
        assert says in captured.err
        assert captured.err.count("\n") == 1
        assert captured.out == ""


@pytest.mark.parametrize(
    ("device", "said"),
    [
        ({"overlay_x": "0.3 um"}, "an overlay is of etches"),
        ({"crosstalk": "1 um", "edge_growth": "0.1 um"}, "no device is both"),
        ({"crosstalk": "1 um", "etches": 3}, "no device is both"),
    ],
)
def test_what_a_device_cannot_be_is_refused_when_the_file_is_read(device, said):
    with pytest.raises(ValueError, match=said):
        Imperfections(fourier_device=device)
