"""Images for mirror arrays: every bit, in every format."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from acdc_optical.fabrication.devices.mirrors import MirrorArray, open_cells, read_bits, write_bits
from acdc_optical.fabrication.devices.placement import Placement
from acdc_optical.fabrication.plate import CHROME, CHROME_AND_SIGN, Plate
from acdc_optical.fabrication.surfaces.rasters import read_raster, write_bmp, write_png
from tests.fabrication.bitmaps import decode_bmp, decode_png
from tests.fabrication.reliefs import SHAPES

PITCH = (10.8e-6, 10.8e-6)


def chrome(shape=(5, 8), *, mirrored=False, pitch=PITCH) -> Plate:
    levels = np.random.default_rng(2).integers(0, 2, shape).astype(np.uint8)
    return Plate("mirrors", levels, pitch, CHROME.transmittance, 633e-9, mirrored=mirrored)


def array(shape=(19, 21), **placed) -> MirrorArray:
    return MirrorArray(PITCH, Placement(shape, **placed))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("placed", [{}, {"transpose": True, "flip_rows": True, "offset": (-1, 2)}])
def test_every_bit_comes_back_from_every_file(tmp_path, shape, placed):
    plate, device = chrome(shape, mirrored=True), array(**placed)
    image = device.image_of(plate)
    write_png(tmp_path / "image.png", image)
    write_bmp(tmp_path / "image.bmp", image)
    write_bits(tmp_path / "image.bin", image)
    np.testing.assert_array_equal(decode_png(tmp_path / "image.png"), image)
    np.testing.assert_array_equal(decode_bmp(tmp_path / "image.bmp"), image * 255)
    for back in (
        read_raster(tmp_path / "image.png").image,
        read_raster(tmp_path / "image.bmp").image,
        read_bits(tmp_path / "image.bin", (19, 21)),
    ):
        np.testing.assert_array_equal(device.cells(back, shape), plate.seen == 1)
        assert back.sum() == plate.levels.sum()  # mirrors around the mask send nothing on


def test_the_corner_of_a_plate_in_the_image(tmp_path):
    """The left cell of the top row; open is white."""
    levels = np.zeros((3, 4), np.uint8)
    levels[-1, 0] = 1
    image = array((5, 8)).image_of(Plate("corner", levels, PITCH, CHROME.transmittance, 633e-9))
    for name, write in {"image.png": write_png, "image.bmp": write_bmp}.items():
        write(tmp_path / name, image)
        with Image.open(tmp_path / name) as picture:
            assert (picture.mode, picture.size) == ("1", (8, 5))
            assert [picture.getpixel((2, 1)), np.asarray(picture).sum()] == [255, 1]
    write_bits(tmp_path / "image.bin", image)
    assert (tmp_path / "image.bin").read_bytes() == bytes([0, 0b00100000, 0, 0, 0])


def test_a_flipped_bit_is_one_cell(tmp_path):
    plate, device = chrome(), array()
    write_bits(tmp_path / "image.bin", device.image_of(plate))
    content = bytearray((tmp_path / "image.bin").read_bytes())
    content[3 * 9 + 1] ^= 0b10000000  # row 9 of the image, column 8
    (tmp_path / "image.bin").write_bytes(content)
    cells = device.cells(read_bits(tmp_path / "image.bin", (19, 21)), (5, 8))
    assert np.argwhere(cells != (plate.seen == 1)).tolist() == [[2, 2]]


def test_plates_that_mirrors_cannot_show_are_refused():
    signed = Plate("sign", np.array([[0, 1, 2]], np.uint8), PITCH, CHROME_AND_SIGN.transmittance, 633e-9)
    with pytest.raises(ValueError, match="1 cells of plate 'sign' are neither open nor opaque"):
        open_cells(signed)
    with pytest.raises(ValueError, match="design for the device"):
        array().image_of(chrome(pitch=(7e-6, 7e-6)))
    with pytest.raises(ValueError, match="no place for 20 × 8"):
        array().image_of(chrome((20, 8)))


@pytest.mark.parametrize("shape", [(1140, 912), (684, 608), (608, 684)])
def test_diamond_pixels_are_refused(shape):
    with pytest.raises(ValueError, match="has diamond pixels"):
        array(shape)


def test_files_that_hold_no_such_bits_are_refused(tmp_path):
    path = tmp_path / "image.bin"
    with pytest.raises(FileNotFoundError):
        read_bits(path, (2, 12))
    write_bits(path, np.ones((2, 12), np.bool_))
    with pytest.raises(ValueError, match="expected 2 bytes for"):
        read_bits(path, (2, 8))
    with pytest.raises(ValueError, match="beyond column 11"):
        read_bits(path, (2, 11))
    with pytest.raises(ValueError, match="bool; got"):
        write_bits(path, np.ones((2, 12), np.uint8))
    with pytest.raises(ValueError, match="an image of 1 bit; got uint8"):
        array().cells(np.ones((19, 21), np.uint8), (5, 8))
