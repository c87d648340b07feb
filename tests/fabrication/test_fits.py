"""FITS for POPPY: what POPPY reads and propagates is the plate, and damage is named."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import poppy
import pytest
import torch
from astropy.io import fits

from acdc_optical.fabrication.design_tools.fits import read_fits, write_fits
from optics import Field, FourierLens, Grid, Mask
from tests.fabrication.random_plates import SHAPES, WAVELENGTH, WITH_OPAQUE, plate

# Plate, pixels of a cell, side of the square. Where one side is even and the other odd, cells are split once more.
SQUARES = [
    (plate((8, 8), WITH_OPAQUE, (8e-6, 8e-6)), (1, 1), 8),
    (plate((7, 9), WITH_OPAQUE, (8e-6, 8e-6)), (1, 1), 9),
    (plate((8, 9), WITH_OPAQUE, (8e-6, 8e-6)), (2, 2), 18),
    (plate((9, 14), WITH_OPAQUE, (12e-6, 8e-6)), (6, 4), 56),
    (plate((1, 6), WITH_OPAQUE, (48e-6, 8e-6)), (6, 1), 6),
]


def write(folder, mask):
    paths = str(folder / "amplitude.fits"), str(folder / "opd.fits")
    write_fits(*paths, mask)
    return paths


@pytest.mark.parametrize(("mask", "split", "side"), SQUARES, ids=[str(m.levels.shape) for m, _, _ in SQUARES])
def test_the_plate_comes_back(tmp_path, mask, split, side):
    paths = write(tmp_path, mask)
    got = read_fits(*paths)
    # Phases of up to 2π through a path and back: a few roundings of 2π·2⁻⁵³.
    np.testing.assert_allclose(got.transmittance, mask.transmittance[mask.levels], rtol=0, atol=4e-15)
    assert np.array_equal(got.transmittance == 0, mask.levels == 0)
    assert got.pitch == pytest.approx(mask.pitch, rel=1e-15)  # a header has 16 digits
    assert got.wavelength == WAVELENGTH
    path, header = fits.getdata(paths[1], header=True)
    assert path.shape == (side, side)
    assert (header["SPLITY"], header["SPLITX"]) == split
    assert header["BUNIT"] == "meter"
    assert path.min() >= 0
    assert path.max() < WAVELENGTH


@pytest.mark.parametrize(("mask", "split", "side"), SQUARES, ids=[str(m.levels.shape) for m, _, _ in SQUARES])
def test_poppy_sends_light_through_it_as_we_do(tmp_path, mask, split, side):
    amplitude, opd = write(tmp_path, mask)
    optic = poppy.FITSOpticalElement(transmission=amplitude, opd=opd)
    assert optic.planetype == poppy.poppy_core.PlaneType.pupil
    system = poppy.OpticalSystem()
    system.add_pupil(optic)
    focal_length, spacing, samples = 0.1, WAVELENGTH * 0.1 / (side * optic.pixelscale.value) / 2, 24
    system.add_detector(math.degrees(spacing / focal_length) * 3600, fov_pixels=samples, oversample=1)
    _, planes = system.calc_psf(WAVELENGTH, return_final=True)
    theirs = planes[0].wavefront[::-1, ::-1]  # the sign of POPPY's transform is the other one

    values = torch.from_numpy(np.kron(mask.transmittance[mask.levels], np.ones(split)))
    pitch = mask.pitch[0] / split[0]
    light = Field(torch.ones_like(values), Grid(values.shape, pitch), WAVELENGTH)
    ours = FourierLens(focal_length, Grid((samples, samples), spacing))(Mask(values, pitch)(light)).data.numpy()
    theirs = theirs * (np.vdot(theirs, ours) / np.vdot(theirs, theirs))  # POPPY sets the power to one
    # Sums of some thousand terms in double precision; a shift by half a pixel, or x mirrored, is an error of order 1.
    assert np.linalg.norm(theirs - ours) < 1e-12 * np.linalg.norm(ours)


def test_grey_levels_are_amplitudes_not_intensities(tmp_path):
    grey = dataclasses.replace(plate((6, 6)), transmittance=0.5 * plate((6, 6)).transmittance, pitch=(8e-6, 8e-6))
    amplitude, opd = write(tmp_path, grey)
    wave = poppy.Wavefront(wavelength=WAVELENGTH, npix=6, diam=48e-6 * poppy.poppy_core.u.m)
    phasor = poppy.FITSOpticalElement(transmission=amplitude, opd=opd).get_phasor(wave)
    # As above.
    np.testing.assert_allclose(phasor, grey.transmittance[grey.levels], rtol=0, atol=4e-15)


def test_the_same_plate_gives_the_same_bytes_with_checksums(tmp_path):
    paths = []
    for name in "ab":
        (tmp_path / name).mkdir()
        paths.append(write(tmp_path / name, plate(SHAPES[1])))
    for first, second in zip(*paths, strict=True):
        with open(first, "rb") as one, open(second, "rb") as other:
            content = one.read()
            assert content == other.read()
        cards = fits.getheader(first).cards
        comments = {key: cards[key].comment for key in ("CHECKSUM", "DATASUM")}
        assert comments == {"CHECKSUM": "of this HDU", "DATASUM": "data of this HDU"}  # not the time


def test_files_of_others_are_read_pixel_by_pixel(tmp_path):
    for name, values in [("t", np.full((4, 4), 0.5)), ("o", np.arange(16).reshape(4, 4) * 1e-8)]:
        header = fits.Header({"PIXELSCL": 1e-5, "WAVELEN": 5e-7, "BUNIT": "meter"})
        fits.PrimaryHDU(values, header).writeto(tmp_path / name)
    got = read_fits(tmp_path / "t", tmp_path / "o")
    np.testing.assert_allclose(got.transmittance, 0.5 * np.exp(0.04j * np.pi * np.arange(16).reshape(4, 4)), rtol=1e-14)
    assert got.pitch == (1e-5, 1e-5)


def _edit(path, **changes):
    with fits.open(path, mode="update") as units:
        for key, value in changes.items():
            if value is None:
                del units[0].header[key]
            else:
                units[0].header[key] = value


def _poke(path, place, value):
    with fits.open(path, mode="update") as units:
        units[0].data[place] = value
        units[0].add_checksum()


def _flip(path):
    content = bytearray(path.read_bytes())
    content[2880 + 100] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_flip, "checksum"),
        (lambda p: p.write_bytes(p.read_bytes()[:4000]), "expected a FITS image"),
        (lambda p: p.write_bytes(b"hello"), "expected a FITS image"),
        (lambda p: p.write_bytes(b""), "expected a FITS image"),
        (lambda p: p.unlink(), "no such file"),
        (lambda p: fits.PrimaryHDU(np.zeros((9, 9))).writeto(p, overwrite=True), "two images alike"),
        (lambda p: fits.PrimaryHDU().writeto(p, overwrite=True), "an image of finite numbers"),
        (lambda p: _poke(p, (5, 5), np.nan), "an image of finite numbers"),
        (lambda p: _poke(p, (16, 16), 0.25), "a cell has pixels that differ"),
        (lambda p: _poke(p, (0, 0), 1.0), "the frame around the cells is not empty"),
    ],
)
def test_damage_is_named(tmp_path, damage, message):
    amplitude, opd = write(tmp_path, plate((5, 8), WITH_OPAQUE))
    damage(tmp_path / "amplitude.fits")
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        read_fits(amplitude, opd)
    assert amplitude in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"PIXELSCL": None}, "a header lacks"),
        ({"BUNIT": None}, "a header lacks"),
        ({"BUNIT": "micron"}, "not in metres"),
        ({"WAVELEN": 1e-6}, "the headers disagree"),
    ],
)
def test_headers_that_do_not_fit_are_named(tmp_path, changes, message):
    amplitude, opd = write(tmp_path, plate((5, 8), WITH_OPAQUE))
    _edit(opd, **changes)
    with fits.open(opd, mode="update") as units:
        units[0].add_checksum()
    if "PIXELSCL" in changes:
        _edit(amplitude, **changes)
        with fits.open(amplitude, mode="update") as units:
            units[0].add_checksum()
    with pytest.raises(ValueError, match=message):
        read_fits(amplitude, opd)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pitch": (math.pi * 1e-6, 8e-6)}, "in no ratio of integers"),
        ({"pitch": (1023e-9, 1024e-9), "levels": np.zeros((20, 20), dtype=np.uint8)}, "a square of 20480 pixels"),
        ({"transmittance": np.full(8, 1.5 + 0j)}, "an amplitude of 1.5"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        write(tmp_path, dataclasses.replace(plate((5, 8)), **changes))
    assert not list(tmp_path.iterdir())
