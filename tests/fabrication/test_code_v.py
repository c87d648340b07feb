"""Code V grid interferograms: to half a count, the right way up, and damage is named."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from acdc_optical.fabrication.design_tools.code_v import read_int, write_surface_int, write_wavefront_int
from acdc_optical.fabrication.plate import phase_steps
from tests.fabrication.random_plates import SHAPES, WAVELENGTH, WITH_OPAQUE, plate


def nearest(values, choices):
    return np.abs(values[..., None] - choices).argmin(axis=-1)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mirrored", [False, True])
def test_every_level_comes_back_from_the_surface(tmp_path, shape, mirrored):
    mask = plate(shape, mirrored=mirrored)
    write_surface_int(tmp_path / "x.INT", mask)
    got = read_int(tmp_path / "x.INT")
    sags = -mask.heights if mirrored else mask.heights
    np.testing.assert_array_equal(nearest(got.lengths, sags), mask.levels)
    # Half a count by rounding; the whole range of 16 bits is used.
    np.testing.assert_allclose(got.lengths, sags[mask.levels], rtol=0, atol=0.501 * got.step * WAVELENGTH)
    assert got.step == pytest.approx(mask.heights.max() / WAVELENGTH / 32767, rel=1e-3)
    assert (got.kind, got.title, got.wavelength) == ("SUR", "random SUR", WAVELENGTH)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_level_comes_back_from_the_wavefront(tmp_path, shape):
    mask = plate(shape, WITH_OPAQUE)
    write_wavefront_int(tmp_path / "x.INT", mask)
    got = read_int(tmp_path / "x.INT")
    np.testing.assert_array_equal(got.valid, mask.levels != 0)
    np.testing.assert_array_equal(np.where(got.valid, nearest(got.phases, WITH_OPAQUE.phases[1:]) + 1, 0), mask.levels)


def test_the_text_has_columns_first_and_the_upper_left_corner_first(tmp_path):
    mask = plate((5, 9))
    write_surface_int(tmp_path / "x.INT", mask)
    title, header, *counts = (tmp_path / "x.INT").read_text().splitlines()
    assert title == "random SUR"
    assert header.split()[:6] == ["GRD", "9", "5", "SUR", "WVL", "0.6328"]
    assert header.split()[8:] == ["NDA", "-32768"]
    assert max(map(len, counts)) <= 80
    values = np.array(" ".join(counts).split(), dtype=int)
    assert values[0] > values[1:].max()
    np.testing.assert_array_equal(np.unique(values, return_inverse=True)[1].reshape(5, 9), mask.levels[::-1])


def test_a_flat_plate_is_all_zero(tmp_path):
    mask = plate((3, 4))
    write_surface_int(tmp_path / "x.INT", dataclasses.replace(mask, heights=np.zeros(8)))
    assert not read_int(tmp_path / "x.INT").waves.any()


def test_files_of_others_are_read(tmp_path):
    (tmp_path / "x.int").write_text(
        "! made by hand\ntitle\n! more\ngrd 3 2 wfr nda -9 wvl 1.0 NNB ssz 2.0\n1\n2 3 -4\n\n5 -9\n"
    )
    got = read_int(tmp_path / "x.int")
    np.testing.assert_array_equal(got.waves[got.valid], [-2, 2.5, 0.5, 1, 1.5])  # the bottom row first
    np.testing.assert_array_equal(got.valid, [[True, True, False], [True, True, True]])
    np.testing.assert_allclose(got.phases[1], np.pi * np.array([1, 2, 3]), rtol=1e-15)
    assert (got.title, got.kind, got.wavelength) == ("title", "WFR", 1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected GRD"),
        ("title\nZFR 36 WFR WVL 0.6 SSZ 1\n1", "line 2: expected GRD"),
        ("title\nGRD 2 2 FIL WVL 0.6 SSZ 1\n1 2 3 4", "line 2: expected GRD"),
        ("title\nGRD 2 2 SUR WVL 0.6\n1 2 3 4", "line 2: expected GRD"),
        ("title\nGRD 2 2 SUR WVL 0.6 SSZ 0\n1 2 3 4", "line 2: expected GRD"),
        ("title\nGRD 2 2 SUR WVL 0.6 SSZ 1 XSC 2\n1 2 3 4", "line 2: expected GRD"),
        ("title\nGRD 99999 99999 SUR WVL 0.6 SSZ 1\n1 2 3 4", "line 2: expected GRD"),
        ("title\nGRD 2 2 SUR WVL 0.6 SSZ 1\n1 2\n3", "line 4: expected 4 counts; the file ends after 3"),
        ("title\nGRD 2 2 SUR WVL 0.6 SSZ 1\n1 2\n3 4 5", "line 4: expected 4 counts; there are more"),
        ("title\nGRD 2 2 SUR WVL 0.6 SSZ 1\n1 2\n3 x", "line 4: expected integers of 16 bits; got 'x'"),
        ("title\nGRD 2 2 SUR WVL 0.6 SSZ 1\n1 2\n3 40000", "line 4: expected integers of 16 bits; got '40000'"),
    ],
)
def test_damage_is_named(tmp_path, text, message):
    path = tmp_path / "x.INT"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_int(path)
    assert str(path) in str(caught.value)


def test_levels_that_sixteen_bits_cannot_tell_apart_are_refused(tmp_path):
    fine = phase_steps(2**16)
    mask = dataclasses.replace(plate((3, 4)), transmittance=fine.transmittance, heights=None)
    with pytest.raises(ValueError, match="closer than the 16 bits"):
        write_wavefront_int(tmp_path / "x", mask)
    with pytest.raises(ValueError, match="has no heights"):
        write_surface_int(tmp_path / "x", mask)
    assert not list(tmp_path.iterdir())
