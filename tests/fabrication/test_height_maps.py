"""Height maps: every level comes back, and a file that contradicts itself is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from acdc_optical.fabrication.plate import CHROME, Plate
from acdc_optical.fabrication.surfaces.height_maps import (
    HeightScale,
    levels_at,
    read_height_map,
    relief_of,
    write_height_png,
    write_height_tiff,
)
from acdc_optical.fabrication.surfaces.rasters import read_raster, write_png
from tests.fabrication.bitmaps import decode_png
from tests.fabrication.reliefs import SHAPES, relief

WRITERS = {"png": write_height_png, "tif": write_height_tiff}
every_format = pytest.mark.parametrize("kind", WRITERS)


@every_format
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mirrored", [False, True])
def test_every_level_comes_back(tmp_path, kind, shape, mirrored):
    plate = relief(shape, mirrored=mirrored)
    scale = WRITERS[kind](tmp_path / f"map.{kind}", plate)
    heights, pitch = read_height_map(tmp_path / f"map.{kind}")
    # Half a step, and rounding of the unit.
    assert np.abs(heights - relief_of(plate)).max() <= 0.5 * scale.step * (1 + 1e-6)
    np.testing.assert_array_equal(levels_at(plate, heights, tolerance=scale.step), plate.seen)
    np.testing.assert_allclose(pitch, plate.pitch, rtol=1e-11)  # twelve digits are written
    assert heights.dtype == np.float64


@every_format
def test_heights_of_many_uneven_levels_are_hit_within_half_a_step(tmp_path, kind):
    heights = np.sort(np.random.default_rng(1).uniform(0.3e-6, 1.7e-6, 256))
    plate = Plate(
        "uneven", np.arange(256, dtype=np.uint8).reshape(8, 32), (1e-6, 1e-6), np.ones(256), 633e-9, (), heights
    )
    scale = WRITERS[kind](tmp_path / f"map.{kind}", plate)
    back = read_height_map(tmp_path / f"map.{kind}").heights
    assert np.abs(back.ravel() - heights).max() <= 0.5 * scale.step * (1 + 1e-6)
    assert 26_000 < (heights[-1] - heights[0]) / scale.step <= 65535


@pytest.mark.parametrize("kind", ["png", "tif"])
@pytest.mark.parametrize(("mirrored", "corner"), [(False, [30, 40, 10, 20]), (True, [40, 30, 20, 10])])
def test_the_corners_are_where_they_belong(tmp_path, kind, mirrored, corner):
    """Top left, top right, bottom left, bottom right, as Pillow has them."""
    levels = np.array([[1, 0, 2], [3, 0, 4]], np.uint8)
    plate = Plate("corners", levels, (1e-6, 1e-6), np.ones(5), 633e-9, (), np.arange(5) * 10e-9, mirrored)
    scale = WRITERS[kind](tmp_path / f"map.{kind}", plate)
    with Image.open(tmp_path / f"map.{kind}") as picture:
        found = [picture.getpixel(at) * scale.step * 1e9 for at in [(0, 0), (2, 0), (0, 1), (2, 1)]]
    np.testing.assert_allclose(found, corner, atol=1e-3)  # half a step of 1 pm


def test_other_readers_find_the_same_pixels_and_the_scale(tmp_path):
    plate = relief((5, 8), pitch=(4e-6, 8e-6))
    write_height_png(tmp_path / "map.png", plate)
    write_height_tiff(tmp_path / "map.tif", plate)
    with tifffile.TiffFile(tmp_path / "map.tif") as file:
        page = file.pages[0]
        numbers, note = page.asarray(), json.loads(page.description)
        assert page.tags["ResolutionUnit"].value == 3  # centimetres
        assert [n / d for n, d in (page.tags[name].value for name in ("XResolution", "YResolution"))] == [1250, 2500]
    np.testing.assert_array_equal(decode_png(tmp_path / "map.png"), numbers)
    assert note == json.loads((tmp_path / "map.json").read_text())
    height = (note["origin_nm"] + note["step_nm"] * numbers[::-1]) * 1e-9
    np.testing.assert_allclose(height, plate.heights[plate.levels], atol=0.5001e-9 * note["step_nm"])
    assert (note["pitch_y_um"], note["pitch_x_um"], note["rows"], note["columns"]) == (4, 8, 5, 8)
    assert read_raster(tmp_path / "map.png").pitch == pytest.approx((4e-6, 8e-6), rel=1e-12)  # whole pixels per metre


@pytest.mark.parametrize(("reach", "step"), [(1.2e-6, 2e-11), (6.5535e-6, 1e-10), (6.5536e-6, 2e-10), (0.0, 1e-12)])
def test_the_step_is_round(reach, step):
    assert HeightScale.of(np.array([0, reach])).step == pytest.approx(step, rel=1e-12)


def test_a_flat_plate_has_one_number(tmp_path):
    plate = relief((3, 3), count=2)
    flat = Plate("flat", np.ones((3, 3), np.uint8), plate.pitch, plate.transmittance, 633e-9, (), plate.heights)
    write_height_tiff(tmp_path / "map.tif", flat)
    np.testing.assert_allclose(read_height_map(tmp_path / "map.tif").heights, 150e-9, rtol=1e-12)


@every_format
@pytest.mark.parametrize("key", ["step_nm", "origin_nm", "pitch_x_um", "rows", "x_mirrored"])
def test_a_sidecar_of_another_mask_is_refused(tmp_path, kind, key):
    WRITERS[kind](tmp_path / f"map.{kind}", relief())
    told = json.loads((tmp_path / "map.json").read_text())
    told[key] = told[key] * 2 + 1
    (tmp_path / "map.json").write_text(json.dumps(told))
    with pytest.raises(ValueError, match=rf"contradict each other: {key} is .* in the image and {told[key]} beside"):
        read_height_map(tmp_path / f"map.{kind}")


@pytest.mark.parametrize(("change", "message"), [("pitch", "resolution along x"), ("shape", "pixels, not 5 × 8")])
def test_an_image_that_contradicts_its_own_text_is_refused(tmp_path, change, message):
    """Scaled or cropped by a program that kept the text."""
    path = tmp_path / "map.png"
    write_height_png(path, relief())
    image, pitch, note = read_raster(path)
    write_png(
        path,
        image[:-1] if change == "shape" else image,
        pitch=(pitch[0], 2 * pitch[1]) if change == "pitch" else pitch,
        note=note,
    )
    with pytest.raises(ValueError, match=message):
        read_height_map(path)


def test_what_is_no_height_map_is_refused(tmp_path):
    path = tmp_path / "map.png"
    write_height_png(path, relief())
    image, pitch, note = read_raster(path)
    write_png(path, image, pitch=pitch)
    with pytest.raises(ValueError, match="says nothing of its scale"):
        read_height_map(path)
    write_png(path, image.astype(np.uint8), pitch=pitch, note=note)
    with pytest.raises(ValueError, match="expected 16-bit gray"):
        read_height_map(path)
    for text in ("{", "[1]", '{"format": "another"}', note.replace('"step_nm": 0.02', '"step_nm": -1')):
        (tmp_path / "map.json").write_text(text)
        with pytest.raises(ValueError, match=r"map\.json: expected"):
            read_height_map(path)
    (tmp_path / "map.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"no map\.json beside it"):
        read_height_map(path)


def test_heights_that_are_no_level_are_counted():
    plate = relief()
    heights = relief_of(plate)
    heights[0, 0] += 40e-9
    with pytest.raises(ValueError, match="1 cells have a height that is no level"):
        levels_at(plate, heights, tolerance=1e-9)


def test_a_plate_without_relief_is_refused(tmp_path):
    chrome = Plate("chrome", np.zeros((2, 2), np.uint8), (1e-6, 1e-6), CHROME.transmittance, 633e-9)
    for write in WRITERS.values():
        with pytest.raises(ValueError, match="has no relief"):
            write(tmp_path / "map.png", chrome)
    with pytest.raises(ValueError, match="no level has a height"):
        levels_at(chrome, np.zeros((2, 2)), tolerance=1e-9)
    broken = Plate("nan", np.zeros((2, 2), np.uint8), (1e-6, 1e-6), np.ones(1), 633e-9, (), np.array([np.nan]))
    with pytest.raises(ValueError, match="all of them finite"):
        write_height_png(tmp_path / "map.png", broken)
    assert list(tmp_path.iterdir()) == []
