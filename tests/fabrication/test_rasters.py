"""Image files against readers of our own, bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from acdc_optical.fabrication.surfaces.rasters import (
    read_csv,
    read_raster,
    upright,
    write_bmp,
    write_csv,
    write_png,
    write_tiff,
)
from tests.fabrication.bitmaps import decode_bmp, decode_png
from tests.fabrication.reliefs import SHAPES

every_shape = pytest.mark.parametrize("shape", SHAPES)
KINDS = {"bit": np.bool_, "gray8": np.uint8, "gray16": np.uint16}


def random_image(shape, kind, seed=0):
    highest = {np.bool_: 2, np.uint8: 256, np.uint16: 65536}[kind]
    return np.random.default_rng(seed).integers(0, highest, shape).astype(kind)


@every_shape
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_png_holds_every_pixel(tmp_path, shape, kind):
    image = random_image(shape, kind)
    write_png(tmp_path / "image.png", image)
    np.testing.assert_array_equal(decode_png(tmp_path / "image.png"), image)
    back = read_raster(tmp_path / "image.png").image
    np.testing.assert_array_equal(back, image)
    assert back.dtype == image.dtype


@every_shape
@pytest.mark.parametrize("kind", [np.bool_, np.uint8])
def test_bmp_holds_every_pixel(tmp_path, shape, kind):
    image = random_image(shape, kind)
    write_bmp(tmp_path / "image.bmp", image)
    white = 255 if kind is np.bool_ else 1
    np.testing.assert_array_equal(decode_bmp(tmp_path / "image.bmp"), image.astype(np.uint8) * white)
    np.testing.assert_array_equal(read_raster(tmp_path / "image.bmp").image, image)


@every_shape
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_tiff_by_tifffile_is_read_by_pillow(tmp_path, shape, kind):
    image = random_image(shape, kind)
    write_tiff(tmp_path / "image.tif", image, pitch=(8e-6, 4e-6), note="{}")
    back = read_raster(tmp_path / "image.tif")
    np.testing.assert_array_equal(back.image, image)
    assert back.note == "{}"
    np.testing.assert_allclose(back.pitch, (8e-6, 4e-6), rtol=1e-6)  # a fraction of two 32-bit numbers


@every_shape
def test_csv_holds_every_pixel(tmp_path, shape):
    image = random_image(shape, np.uint16)
    write_csv(tmp_path / "image.csv", image)
    np.testing.assert_array_equal(read_csv(tmp_path / "image.csv"), image)


@pytest.mark.parametrize("write", [write_png, write_bmp])
def test_both_pitches_are_in_the_file(tmp_path, write):
    write(tmp_path / "image.any", np.zeros((2, 3), np.uint8), pitch=(3.74e-6, 0.5e-6))
    # Whole pixels per metre: 267380 of them are 1.4e-6 away from 1/3.74 µm.
    np.testing.assert_allclose(read_raster(tmp_path / "image.any").pitch, (3.74e-6, 0.5e-6), rtol=2e-6)


def test_the_first_row_of_an_array_is_at_the_bottom_of_its_image(tmp_path):
    rows = np.array([[10, 20, 30], [40, 50, 60]], np.uint8)
    write_png(tmp_path / "image.png", upright(rows))
    with Image.open(tmp_path / "image.png") as picture:
        assert [picture.getpixel(corner) for corner in [(0, 0), (2, 0), (0, 1), (2, 1)]] == [40, 60, 10, 30]


def test_the_same_image_makes_the_same_bytes(tmp_path):
    image = random_image((9, 4), np.uint16)
    for name in ("a", "b"):
        write_tiff(tmp_path / f"{name}.tif", image, pitch=(1e-6, 1e-6), note="note")
        write_png(tmp_path / f"{name}.png", image, pitch=(1e-6, 1e-6), note="note")
    for kind in ("tif", "png"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_a_flipped_bit_in_a_bmp_is_one_pixel(tmp_path):
    image = random_image((6, 8), np.bool_)
    write_bmp(tmp_path / "image.bmp", image)
    content = bytearray((tmp_path / "image.bmp").read_bytes())
    content[-4] ^= 0b00100000  # the last row of the file is the top one, its bytes filled up to four
    (tmp_path / "image.bmp").write_bytes(content)
    changed = np.argwhere(read_raster(tmp_path / "image.bmp").image != image)
    assert changed.tolist() == [[0, 2]]


def test_a_flipped_bit_in_a_png_is_seen(tmp_path):
    write_png(tmp_path / "image.png", random_image((20, 20), np.uint16))
    content = bytearray((tmp_path / "image.png").read_bytes())
    content[content.index(b"IDAT") + 200] ^= 1
    (tmp_path / "image.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"image\.png: expected a gray PNG, BMP or TIFF"):
        read_raster(tmp_path / "image.png")


@pytest.mark.parametrize("kind", ["png", "tif", "bmp"])
def test_a_file_cut_short_is_refused(tmp_path, kind):
    path = tmp_path / f"image.{kind}"
    image = random_image((40, 40), np.uint8)
    {"png": write_png, "bmp": write_bmp}.get(kind, lambda p, i: write_tiff(p, i, pitch=(1e-6, 1e-6), note=""))(
        path, image
    )
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(ValueError, match="expected a gray"):
        read_raster(path)


def test_colours_and_wrong_types_are_refused(tmp_path):
    Image.new("RGB", (3, 3)).save(tmp_path / "colours.png")
    with pytest.raises(ValueError, match="mode 'RGB'"):
        read_raster(tmp_path / "colours.png")
    for wrong in (np.zeros((2, 2)), np.zeros(3, np.uint8), np.zeros((0, 3), np.uint8)):
        with pytest.raises(ValueError, match="expected an image of shape"):
            write_png(tmp_path / "wrong.png", wrong)
    with pytest.raises(ValueError, match="bool or uint8; got"):
        write_bmp(tmp_path / "wrong.bmp", np.zeros((2, 2), np.uint16))
    (tmp_path / "wrong.csv").write_text("1,2\n3,70000\n")
    with pytest.raises(ValueError, match="0 to 65535"):
        read_csv(tmp_path / "wrong.csv")
    for read in (read_raster, read_csv):
        with pytest.raises(FileNotFoundError, match="no such file"):
            read(tmp_path / "none")
    assert not (tmp_path / "wrong.png").exists()
