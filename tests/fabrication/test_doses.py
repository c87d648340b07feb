"""Dose images: the nearest dose for each height, and heights that no dose gives are refused."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from acdc_optical.fabrication.plate import Plate
from acdc_optical.fabrication.surfaces.doses import DoseCurve, read_dose_image, write_dose_bmp, write_dose_png
from acdc_optical.fabrication.surfaces.height_maps import levels_at, relief_of
from tests.fabrication.bitmaps import decode_bmp, decode_png
from tests.fabrication.reliefs import SHAPES, relief

GRAYS = np.arange(256.0)
# A positive resist with its contrast: 1.5 µm unexposed, deeper with dose, ever more slowly.
POSITIVE = DoseCurve(GRAYS, 1.5e-6 * (1 - (GRAYS / 255) ** 0.7))
NEGATIVE = DoseCurve(np.array([0.0, 100.0, 255.0]), np.array([0.0, 0.9e-6, 1.5e-6]))
CURVES = pytest.mark.parametrize("curve", [POSITIVE, NEGATIVE], ids=["positive", "negative"])


@CURVES
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("write", "decode", "kind"), [(write_dose_bmp, decode_bmp, "bmp"), (write_dose_png, decode_png, "png")]
)
def test_every_level_comes_back(tmp_path, curve, shape, write, decode, kind):
    plate = relief(shape, mirrored=True)
    write(tmp_path / f"dose.{kind}", plate, curve)
    heights, pitch = read_dose_image(tmp_path / f"dose.{kind}", curve)
    np.testing.assert_array_equal(levels_at(plate, heights, tolerance=75e-9), plate.seen)
    np.testing.assert_array_equal(decode(tmp_path / f"dose.{kind}")[::-1], curve.grays_of(relief_of(plate)))
    np.testing.assert_allclose(pitch, plate.pitch, rtol=1e-6)  # whole pixels per metre


@CURVES
def test_the_dose_is_the_nearest_of_all(curve):
    heights = np.random.default_rng(0).uniform(0, 1.5e-6, 500)
    error = np.abs(curve.heights_of(np.arange(256, dtype=np.uint8))[None, :] - heights[:, None])
    np.testing.assert_array_equal(curve.grays_of(heights), error.argmin(axis=1))
    assert curve.error(heights) == pytest.approx(error.min(axis=1).max(), rel=1e-12)


def test_more_dose_is_deeper_in_a_positive_resist(tmp_path):
    assert POSITIVE.grays_of(np.array([0.0, 1.5e-6])).tolist() == [255, 0]
    assert NEGATIVE.grays_of(np.array([0.0, 1.5e-6])).tolist() == [0, 255]
    plate = Plate(
        "corner", np.array([[0, 0], [1, 0]], np.uint8), (1e-6, 1e-6), np.ones(2), 1e-6, (), np.array([0, 1.5e-6])
    )
    write_dose_bmp(tmp_path / "dose.bmp", plate, POSITIVE)
    with Image.open(tmp_path / "dose.bmp") as picture:
        assert (picture.mode, picture.getpixel((0, 0)), picture.getpixel((0, 1))) == ("L", 0, 255)


def test_of_equal_heights_the_least_dose_is_taken():
    curve = DoseCurve(np.array([0.0, 10.0, 20.0, 30.0]), np.array([1e-6, 1e-6, 0.0, 0.0]))
    assert curve.grays_of(np.array([1e-6, 0.0])).tolist() == [0, 20]


def test_heights_outside_the_curve_are_counted():
    with pytest.raises(ValueError, match=r"2 heights are outside the dose curve, 0 to 1\.5 um"):
        POSITIVE.grays_of(np.array([-1e-9, 0.1e-6, 1.6e-6]))
    with pytest.raises(ValueError, match="1 heights are outside"):
        POSITIVE.grays_of(np.array([np.nan, 1e-6]))
    with pytest.raises(ValueError, match="1 pixels have a dose outside the curve's 10 to 20"):
        DoseCurve(np.array([10.0, 20.0]), np.array([0, 1e-6])).heights_of(np.array([5, 15], np.uint8))


def test_a_curve_is_read_as_written(tmp_path):
    POSITIVE.write(tmp_path / "curve.csv")
    back = DoseCurve.read(tmp_path / "curve.csv")
    np.testing.assert_array_equal(back.doses, POSITIVE.doses)
    np.testing.assert_allclose(back.heights, POSITIVE.heights, rtol=1e-15)  # nanometres and back: two roundings


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dose,height_um\n0,1\n255,0\n", "expected the first line dose,height_nm"),
        ("dose,height_nm\n0,1\n", "two rows or more"),
        ("dose,height_nm\n0,1\n255,nan\n", "finite"),
        ("dose,height_nm\n0,1\n255\n", "expected the columns"),
        ("", "expected the columns"),
        ("dose,height_nm\n0,1\n300,0\n", "from 0 to 255"),
        ("dose,height_nm\n0,1\n0,0\n", "whole doses that increase"),
        ("dose,height_nm\n0,1\n3.5,0\n", "whole doses"),
        ("dose,height_nm\n0,1\n9,5\n20,3\n", "only fall, or only rise"),
        ("dose,height_nm\n0,1\n9,1\n", "only fall, or only rise"),
    ],
)
def test_what_is_no_curve_is_refused(tmp_path, text, message):
    (tmp_path / "curve.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        DoseCurve.read(tmp_path / "curve.csv")


def test_files_without_doses_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        DoseCurve.read(tmp_path / "curve.csv")
    Image.new("I;16", (2, 2)).save(tmp_path / "map.png")
    with pytest.raises(ValueError, match="8-bit gray with its resolution"):
        read_dose_image(tmp_path / "map.png", POSITIVE)
    with pytest.raises(ValueError, match="two doses or more"):
        DoseCurve(np.zeros(3), np.zeros(2))
