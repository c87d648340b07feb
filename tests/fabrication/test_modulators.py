"""Images for modulators: the nearest gray by a search through all of them, and every image back to its phases."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from acdc_optical.fabrication.devices.modulators import ModulatorProfile, phases_of
from acdc_optical.fabrication.devices.placement import Placement
from acdc_optical.fabrication.devices.profiles import read_profile, write_profile
from acdc_optical.fabrication.devices.responses import Response
from acdc_optical.fabrication.plate import CHROME_AND_SIGN, Plate
from acdc_optical.fabrication.surfaces.rasters import read_csv, read_raster, write_bmp, write_csv, write_png
from acdc_optical.files import read_array, write_array
from tests.fabrication.reliefs import SHAPES, relief

TURN = 2 * math.pi
PITCH = (8e-6, 8e-6)
GAMMA = np.linspace(0, 1, 256) ** 1.4 * 6.5  # a measured response: bent, and a little more than a turn
RESPONSES = {
    "falling": Response.falling(8),
    "rising": Response.rising(8),
    "10 bits": Response.falling(10),
    "short": Response.falling(8, stroke=0.7),
    "long": Response.rising(8, stroke=1.6),
    "bent": Response(GAMMA),
    "one bit": Response.rising(1),
}
every_response = pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
TURNS = {
    "upright": {},
    "transposed": {"transpose": True},
    "rows": {"flip_rows": True},
    "columns": {"flip_columns": True},
    "all": {"transpose": True, "flip_rows": True, "flip_columns": True, "offset": (1, -2)},
}
every_turn = pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS)


def random_phases(shape=(5, 8), seed=0):
    return np.random.default_rng(seed).uniform(-3 * TURN, 3 * TURN, shape)


def distance(a, b):
    return np.abs(np.angle(np.exp(1j * (a - b))))


def panel(response=RESPONSES["falling"], shape=(20, 24), **placed) -> ModulatorProfile:
    return ModulatorProfile(PITCH, response, Placement(shape, **placed))


@every_response
def test_no_gray_is_nearer(response):
    """Among the grays of one turn; all of them, where there is no more than one."""
    phases = random_phases((2000,))
    used = response.phases[response.phases - response.phases.min() < TURN - 1e-9]
    found = distance(response.phases[response.grays(phases)], phases)
    nearest = distance(used[None, :], phases[:, None]).min(axis=1)
    np.testing.assert_allclose(found, nearest, atol=1e-14)  # some roundings of six turns
    assert found.max() <= response.worst_error + 1e-14


@every_response
def test_the_efficiency_is_that_of_evenly_spread_phases(response):
    phases = (np.arange(200_000) + 0.5) * (TURN / 200_000)
    errors = response.phases[response.grays(phases)] - phases
    # The integral as a sum: cells of 3e-5 rad on the wrong side of some hundred borders.
    assert abs(np.exp(1j * errors).mean()) ** 2 == pytest.approx(response.efficiency, abs=1e-5)


@pytest.mark.parametrize("bits", [1, 2, 3, 8, 16])
def test_the_efficiency_of_equal_steps(bits):
    for response in (Response.falling(bits), Response.rising(bits)):
        assert response.efficiency == pytest.approx(np.sinc(2.0**-bits) ** 2, rel=1e-12)
        assert response.stroke == pytest.approx(1, rel=1e-12)
        assert response.worst_error == pytest.approx(math.pi / 2**bits, rel=1e-9)


def test_a_stroke_too_short_is_told():
    short = Response.falling(8, stroke=0.7)
    assert short.stroke == pytest.approx(0.7)
    assert short.worst_error == pytest.approx(math.pi * 0.3, rel=0.02)  # and one step of 1/256
    assert 0.9 < short.efficiency < 0.95 < Response.falling(8).efficiency


def test_the_signs():
    """Zero is white and more phase is darker on the usual panel, and the other way round on the other."""
    phases = np.array([0.0, TURN / 256, TURN / 2, -TURN / 256, TURN, TURN * 0.999])
    assert Response.falling(8).grays(phases).tolist() == [255, 254, 127, 0, 255, 255]
    assert Response.rising(8).grays(phases).tolist() == [0, 1, 128, 255, 0, 0]
    assert Response.falling(10).grays(phases[:3]).tolist() == [1023, 1019, 511]
    assert [Response.falling(bits).grays(phases).dtype for bits in (8, 10, 16)] == [np.uint8, np.uint16, np.uint16]


def test_a_long_stroke_is_used_within_one_turn():
    phases = np.linspace(0, TURN, 1000)
    for response in (Response.falling(8, stroke=2), Response.rising(8, stroke=2)):
        grays = response.grays(phases).astype(int)
        assert len(np.unique(grays)) == 128
        assert np.unique(np.abs(np.diff(grays))).tolist() == [0, 1, 127]  # 127: the one wrap


@every_turn
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bits", [8, 10, 16])
def test_every_image_leads_back_to_its_phases(turn, shape, bits):
    profile = panel(Response.falling(bits), **turn)
    phases = random_phases(shape)
    back = profile.phases(profile.image(phases), shape)
    assert distance(back, phases).max() <= math.pi / 2**bits + 1e-12  # half a step, and roundings of three turns
    np.testing.assert_array_equal(profile.image(back), profile.image(phases))
    largest, rms = profile.errors(phases)
    assert largest == pytest.approx(distance(back, phases).max(), rel=1e-9)
    assert rms == pytest.approx(np.sqrt((distance(back, phases) ** 2).mean()), rel=1e-9)


def test_flatness_and_padding_are_added():
    flatness = np.random.default_rng(3).uniform(0, TURN, (20, 24))
    response = Response.falling(8)
    profile = ModulatorProfile(PITCH, response, Placement((20, 24)), flatness=flatness, padding=1.0)
    phases = random_phases()
    shown = response.phases[profile.image(phases)] - flatness
    assert distance(shown[7:12, 8:16][::-1], phases).max() <= response.worst_error + 1e-12
    shown[7:12, 8:16] = 1.0
    assert distance(shown, 1.0).max() <= response.worst_error + 1e-12
    assert profile.errors(phases).largest <= response.worst_error + 1e-12


def test_a_corner_is_where_the_panel_has_it(tmp_path):
    """The pixel at the left of the top row, on panels mounted in five ways: (column, row) as Pillow counts."""
    phases = np.zeros((5, 8))
    phases[-1, 0] = math.pi
    places = {"upright": (8, 7), "rows": (8, 11), "columns": (15, 7), "transposed": (9, 6), "all": (11, 14)}
    for name, at in places.items():
        write_png(tmp_path / "image.png", panel(**TURNS[name]).image(phases))
        with Image.open(tmp_path / "image.png") as picture:
            assert picture.size == (24, 20)
            assert [picture.getpixel(at), np.asarray(picture).sum()] == [127, 20 * 24 * 255 - 128], name


@pytest.mark.parametrize("bits", [8, 10, 16])
def test_every_file_holds_the_image(tmp_path, bits):
    image = panel(Response.rising(bits)).image(random_phases())
    write_png(tmp_path / "image.png", image)
    write_array(tmp_path / "image.npy", image)
    write_csv(tmp_path / "image.csv", image)
    read = [
        read_raster(tmp_path / "image.png").image,
        read_array(tmp_path / "image.npy"),
        read_csv(tmp_path / "image.csv"),
    ]
    if bits == 8:
        write_bmp(tmp_path / "image.bmp", image)
        read.append(read_raster(tmp_path / "image.bmp").image)
    for back in read:
        np.testing.assert_array_equal(back, image)
    assert read[0].dtype == read[1].dtype == image.dtype


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_plate_shows_its_phases(mirrored):
    plate = relief((5, 8), mirrored=mirrored)
    profile = panel()
    shown = profile.phases(profile.image_of(plate), (5, 8))
    np.testing.assert_allclose(np.exp(1j * shown), plate.transmittance[plate.seen], atol=1e-14)  # 8 of 256 steps


def test_plates_that_a_panel_cannot_show_are_refused():
    with pytest.raises(ValueError, match=r"pixels of .*8e-06.* the plate of .*4e-06"):
        panel().image_of(relief(pitch=(8e-6, 4e-6)))
    absorbing = Plate("chrome", np.array([[0, 1, 0]], np.uint8), PITCH, CHROME_AND_SIGN.transmittance, 633e-9)
    with pytest.raises(ValueError, match="2 cells of plate 'chrome' absorb"):
        phases_of(absorbing)
    with pytest.raises(ValueError, match="no place for 21 × 8 pixels on a device of 20 × 24"):
        panel().image(random_phases((21, 8)))
    with pytest.raises(ValueError, match="no place"):
        panel(offset=(0, 9)).image(random_phases((5, 8)))
    with pytest.raises(ValueError, match="finite phases"):
        panel().image(np.full((2, 2), np.nan))
    with pytest.raises(ValueError, match=r"shape \(ny, nx\)"):
        panel().image(np.zeros(4))


def test_oblong_pixels_turn_with_the_panel():
    profile = ModulatorProfile((4e-6, 8e-6), Response.falling(8), Placement((20, 24), transpose=True))
    assert profile.image_of(relief(pitch=(8e-6, 4e-6))).shape == (20, 24)


def test_images_of_other_panels_are_refused():
    with pytest.raises(ValueError, match="grays of 8 bits; got uint16 up to 256"):
        panel().phases(np.full((20, 24), 256, np.uint16), (5, 8))
    with pytest.raises(ValueError, match="grays of 8 bits; got float64"):
        panel().phases(np.zeros((20, 24)), (5, 8))
    with pytest.raises(ValueError, match="expected an image of the device's"):
        panel().phases(np.zeros((24, 20), np.uint8), (5, 8))


def test_profiles_and_responses_that_make_no_sense_are_refused():
    for wrong in (np.zeros(100), np.zeros(1), np.zeros((2, 2)), np.array([0, np.inf])):
        with pytest.raises(ValueError, match="finite phase for each"):
            Response(wrong)
    for bits, stroke in [(0, 1.0), (17, 1.0), (8, 0.0), (8, math.nan)]:
        with pytest.raises(ValueError, match="1 to 16 bits and a positive stroke"):
            Response.falling(bits, stroke=stroke)
    for grays, phases, message in [
        ([0, 100], [0, 6], "from 0 to 255"),
        ([0, 100, 100, 255], [0, 1, 2, 3], "increase from 0"),
        ([0, 1, 255], [0, 6, 7], "unwrap"),
        ([0, 1.5, 255], [0, 1, 2], "whole grays"),
        ([0], [0], "two grays or more"),
    ]:
        with pytest.raises(ValueError, match=message):
            Response.measured(8, np.array(grays, float), np.array(phases, float))
    with pytest.raises(ValueError, match="positive pitches"):
        ModulatorProfile((0, 8e-6), Response.falling(8), Placement((2, 2)))
    with pytest.raises(ValueError, match="flatness of the device's shape"):
        ModulatorProfile(PITCH, Response.falling(8), Placement((2, 3)), flatness=np.zeros((3, 2)))
    with pytest.raises(ValueError, match="finite phase around"):
        ModulatorProfile(PITCH, Response.falling(8), Placement((2, 3)), padding=math.inf)
    with pytest.raises(ValueError, match="shape of a device"):
        Placement((0, 3))


def test_a_table_of_few_points_is_a_broken_line():
    response = Response.measured(8, np.array([0.0, 51.0, 255.0]), np.array([0.0, 0.6, 6.3]))
    assert response.phases[[0, 17, 51, 153, 255]] == pytest.approx([0, 0.2, 0.6, 3.45, 6.3], rel=1e-12)


def test_a_profile_is_read_as_written(tmp_path):
    flatness = np.random.default_rng(0).uniform(0, TURN, (6, 9))
    profile = ModulatorProfile(
        (3.74e-6, 8e-6), Response(GAMMA), Placement((6, 9), **TURNS["all"]), flatness=flatness, padding=0.1
    )
    write_profile(tmp_path / "panel.toml", profile)
    back = read_profile(tmp_path / "panel.toml")
    assert (back.placement, back.padding) == (profile.placement, profile.padding)
    assert back.pitch == pytest.approx(profile.pitch, rel=1e-11)  # twelve digits are written
    np.testing.assert_array_equal(back.response.phases, profile.response.phases)
    np.testing.assert_array_equal(back.flatness, flatness)


def test_a_profile_written_by_hand(tmp_path):
    write_bmp(tmp_path / "flat.bmp", np.arange(12, dtype=np.uint8).reshape(3, 4))
    (tmp_path / "panel.toml").write_text(
        'shape = [3, 4]\npitch = ["8 um", "8 um"]\nbits = 8\ngray = "rises"\nstroke = 0.9\nflatness = "flat.bmp"\n'
        "[placement]\nflip_rows = true\n"
    )
    profile = read_profile(tmp_path / "panel.toml")
    assert profile.placement == Placement((3, 4), flip_rows=True)
    np.testing.assert_allclose(profile.response.phases, np.arange(256) * TURN * 0.9 / 256, rtol=1e-12)
    np.testing.assert_allclose(profile.flatness.ravel(), np.arange(12) * TURN * 0.9 / 256, rtol=1e-12)
    (tmp_path / "panel.toml").write_text('shape = [3, 4]\npitch = ["8 um", "8 um"]\nbits = 10\n')
    np.testing.assert_array_equal(read_profile(tmp_path / "panel.toml").response.phases, Response.falling(10).phases)


SHEET = 'shape = [3, 4]\npitch = ["8 um", "8 um"]\nbits = 8\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("shape = [3, 4]", "pitch is missing; bits is missing"),
        ("shape = [3, 4]\npitch = [8, 8]\nbits = 8\n", "pitch: a length in a file needs its unit"),
        (SHEET + "colour = 1\n", "unknown key 'colour'"),
        (SHEET + 'gray = "down"\n', "gray: "),
        (
            'shape = [3, 4]\npitch = ["8 um", "8 um"]\nbits = 8\nstroke = 1.0\nresponse = "a.csv"\n',
            "give either response",
        ),
        (SHEET + 'flatness = "bits.png"\n', "8-bit grays; got bool"),
        (SHEET + 'flatness = "small.npy"\n', "flatness of the device's"),
        (SHEET + 'response = "short.csv"\n', "from 0 to 255"),
        ("shape = ", "expected a TOML file"),
    ],
)
def test_what_is_no_profile_is_refused(tmp_path, text, message):
    write_png(tmp_path / "bits.png", np.zeros((3, 4), np.bool_))
    write_array(tmp_path / "small.npy", np.zeros((2, 4)))
    (tmp_path / "short.csv").write_text("gray,phase_rad\n0,0\n200,6\n")
    (tmp_path / "panel.toml").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_profile(tmp_path / "panel.toml")


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"panel\.toml"):
        read_profile(tmp_path / "panel.toml")
    (tmp_path / "panel.toml").write_text(SHEET + 'response = "lost.csv"\n')
    with pytest.raises(FileNotFoundError, match=r"lost\.csv"):
        read_profile(tmp_path / "panel.toml")
