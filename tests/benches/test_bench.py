"""The bench: reading it, and what it says to a table that cannot stand."""

from __future__ import annotations

import re

import pytest

from acdc_optical import Bench, Camera, FourierMask, Modulator
from acdc_optical.benches.bench import presets

GOOD = """
wavelength = "633 nm"
focal_length = "100 mm"
[modulator]
pitch = "8 um"
fill = 0.95
pixels = [100, 200]
[mask]
pixels_per_coefficient = 3
fill = 0.9
[camera]
fill = 0.5
"""


@pytest.fixture
def write(tmp_path):
    def write(text: str | bytes):
        path = tmp_path / "bench.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def error_of(call, *kinds: type[Exception]) -> str:
    """The message of the error that the call raises; one line, as a command line shows it."""
    with pytest.raises(kinds or (ValueError,)) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


class TestReading:
    def test_every_preset_loads(self):
        assert "lcos-8um" in presets()
        for name in presets():
            assert Bench.preset(name).wavelength > 0

    def test_the_default_preset_is_an_lcos_modulator(self):
        bench = Bench.preset()
        assert bench == Bench.preset("lcos-8um")
        assert bench.wavelength == pytest.approx(633e-9, rel=1e-15)
        assert bench.modulator.pixels == (1080, 1920)
        # 0.9644 is written with four digits: areal fill 93 % to 1e-4.
        assert bench.modulator.fill**2 == pytest.approx(0.93, abs=1e-4)

    def test_a_file_with_units_is_the_bench_in_metres(self, write):
        assert Bench.load(write(GOOD)) == Bench(
            wavelength=633 * 1e-9,
            focal_length=100 * 1e-3,
            modulator=Modulator(pitch=8 * 1e-6, fill=0.95, pixels=(100, 200)),
            mask=FourierMask(pixels_per_coefficient=3, fill=0.9),
            camera=Camera(fill=0.5),
        )

    @pytest.mark.parametrize("text", ["8 um", "8um", "8 µm", "0.008 mm", "8000nm", "8e-6 m", " 8 um "])
    def test_lengths_as_people_write_them(self, text):
        assert Modulator(pitch=text).pitch == pytest.approx(8e-6, rel=1e-15)

    def test_is_frozen(self):
        bench = Bench.preset()
        with pytest.raises(ValueError, match="frozen"):
            bench.wavelength = 1.0


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "wavelength =",
            "wave_length =",
            ["unknown key 'wave_length'", "wavelength is missing"],
        ),
        ("fill = 0.95", "fil = 0.95", ["modulator", "unknown key 'fil'", "known are pitch, fill, pixels"]),
        ('pitch = "8 um"', "", ["modulator", "pitch is missing"]),
        ('wavelength = "633 nm"', "", ["wavelength is missing"]),
        ('"8 um"', '"-8 um"', ["pitch", "greater than 0", "-8 um"]),
        ('"8 um"', '"0 um"', ["pitch", "greater than 0", "0 um"]),
        ('"8 um"', "8e-6", ["pitch", "needs its unit", "8e-06"]),
        ('"633 nm"', "633", ["wavelength", "needs its unit", "633"]),
        ('"8 um"', '"8 px"', ["pitch", "length with its unit", "'8 px'"]),
        ('"8 um"', '"8"', ["pitch", "length with its unit", "'8'"]),
        ('"8 um"', '"um"', ["pitch", "length with its unit", "'um'"]),
        ('"100 mm"', '"1e999 m"', ["focal_length", "finite", "1e999 m"]),
        ("fill = 0.95", "fill = 1.5", ["modulator", "fill", "1.5"]),
        ("fill = 0.95", "fill = 0", ["modulator", "fill", "0"]),
        ("fill = 0.5", "fill = -0.5", ["camera", "fill", "-0.5"]),
        ("coefficient = 3", "coefficient = 0", ["mask", "pixels_per_coefficient", "0"]),
        ("coefficient = 3", "coefficient = 2.5", ["mask", "pixels_per_coefficient", "2.5"]),
        ("[100, 200]", "[100]", ["modulator", "pixels"]),
        ("[100, 200]", "[0, 200]", ["modulator", "pixels", "0"]),
        ('focal_length = "100 mm"', "", ["focal_length", "mask.pitch"]),
        ("[modulator]", "[modulator", ["expected a TOML file", "line 4"]),
        (GOOD, "", ["wavelength is missing", "modulator is missing"]),
    ],
)
def test_bad_files(write, old, new, says):
    assert old in GOOD
    path = write(GOOD.replace(old, new))
    text = error_of(lambda: Bench.load(path))
    for part in [str(path), *says]:
        assert part in text


def test_a_file_that_is_no_text(write):
    path = write(b"\xff\xfe\x00")
    text = error_of(lambda: Bench.load(path))
    assert str(path) in text
    assert "TOML" in text


def test_a_missing_file(tmp_path):
    path = tmp_path / "nowhere.toml"
    assert str(path) in error_of(lambda: Bench.load(path), FileNotFoundError)


@pytest.mark.parametrize("name", ["lcos", ""])
def test_an_unknown_preset(name):
    assert "lcos-8um" in error_of(lambda: Bench.preset(name))


@pytest.mark.parametrize("length", [-8e-6, 0.0, float("nan"), float("inf")])
def test_lengths_in_code_are_checked_too(length):
    assert "pitch" in error_of(lambda: Modulator(pitch=length))


class TestGeometry:
    def bench(self, *, room=None, **lengths) -> Bench:
        mask = FourierMask(pitch=lengths.pop("mask_pitch", None))
        return Bench(wavelength="633 nm", modulator=Modulator(pitch="8 um", pixels=room), mask=mask, **lengths)

    def test_the_focal_length_as_given(self):
        assert self.bench(focal_length=0.1).fitted_focal_length((32,)) == 0.1

    @pytest.mark.parametrize("pixels", [(32,), (7,), (16, 16)], ids=str)
    def test_the_focal_length_from_the_mask(self, pixels):
        """q = λf/(np) and M = 2 pixels per coefficient: f = 2·pitch·n·p/λ."""
        wanted = 2 * 15e-6 * pixels[0] * 8e-6 / 633e-9
        assert self.bench(mask_pitch="15 um").fitted_focal_length(pixels) == pytest.approx(wanted, rel=1e-12)

    @pytest.mark.parametrize("pixels", [7, 10, 34, 64, 101, 398, 1021])
    @pytest.mark.parametrize(("key", "group"), [("focal_length", 1), ("mask_pitch", 2)])
    def test_over_determined_names_values_that_work(self, pixels, key, group):
        lengths = {"focal_length": "100 mm", "mask_pitch": "15 um"}
        text = error_of(lambda: self.bench(**lengths).fitted_focal_length((pixels,)))
        named = re.search(r'either focal_length = "(.+?)" or mask\.pitch = "(.+?)" would', text)[group]
        assert self.bench(**{**lengths, key: named}).fitted_focal_length((pixels,)) > 0

    def test_one_mask_pitch_cannot_serve_an_oblong_layer(self):
        text = error_of(lambda: self.bench(mask_pitch="15 um").fitted_focal_length((16, 32)))
        assert "leave mask.pitch out" in text
        assert self.bench(focal_length="100 mm").fitted_focal_length((16, 32)) == 0.1

    @pytest.mark.parametrize(
        ("pixels", "fits"), [((200,), True), ((201,), False), ((100, 200), True), ((101, 1), False)]
    )
    def test_room_on_the_modulator(self, pixels, fits):
        bench = self.bench(focal_length="100 mm", room=(100, 200))
        if fits:
            assert bench.fitted_focal_length(pixels) == 0.1
        else:
            assert " × ".join(map(str, pixels)) in error_of(lambda: bench.fitted_focal_length(pixels))

    def test_neither_focal_length_nor_mask_pitch(self):
        text = error_of(self.bench)
        assert "focal_length" in text
        assert "mask.pitch" in text

    def test_pixels_are_what_the_fills_say(self):
        pixels = Bench(
            wavelength=633e-9, focal_length=0.1, modulator=Modulator(pitch=8e-6, fill=0.75), mask=FourierMask(fill=0.5)
        ).pixels()
        assert (pixels.input.width, pixels.mask.width, pixels.camera.width) == (0.75, 0.5, 0.0)


def test_a_bench_prints_as_its_own_file(tmp_path):
    bench = Bench.preset()
    path = tmp_path / "bench.toml"
    path.write_text(str(bench))
    assert Bench.load(path) == bench
    assert 'wavelength = "633 nm"' in str(bench)


def test_replace_validates_anew():
    bench = Bench.preset()
    assert bench.replace(focal_length="50 mm").focal_length == 0.05
    assert bench.replace(mask=bench.mask.replace(fill=0.5)).mask.fill == 0.5
    with pytest.raises(ValueError, match=r"fill: input should be less than or equal to 1; got 2"):
        bench.mask.replace(fill=2)
