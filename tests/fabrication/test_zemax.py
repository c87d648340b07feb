"""Grid Sag and Grid Phase: exact, the right way up, and damage is named."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from acdc_optical.fabrication.design_tools.zemax import (
    read_grid_phase,
    read_grid_sag,
    write_grid_phase,
    write_grid_sag,
)
from acdc_optical.fabrication.plate import CHROME, phase_steps
from tests.fabrication.random_plates import SHAPES, WITH_OPAQUE, plate


@pytest.mark.parametrize("shape", SHAPES)
def test_sags_come_back_to_the_last_bit(tmp_path, shape):
    mask = plate(shape)
    write_grid_sag(tmp_path / "sag.DAT", mask)
    grid = read_grid_sag(tmp_path / "sag.DAT")
    np.testing.assert_array_equal(grid.values, mask.heights[mask.levels])
    assert grid.valid.all()
    assert (grid.pitch, grid.centre) == (mask.pitch, (0, 0))


@pytest.mark.parametrize("shape", SHAPES)
def test_phases_come_back_to_the_last_bit_and_opaque_cells_have_no_data(tmp_path, shape):
    mask = plate(shape, WITH_OPAQUE)
    write_grid_phase(tmp_path / "phase.DAT", mask)
    grid = read_grid_phase(tmp_path / "phase.DAT")
    np.testing.assert_array_equal(grid.valid, mask.levels != 0)
    assert grid.values.min() >= 0
    assert grid.values.max() < 2 * np.pi
    # exp of an angle of up to 2π, rounded once: 2π·2⁻⁵³ and the rounding of exp itself.
    np.testing.assert_allclose(
        np.where(grid.valid, np.exp(1j * grid.values), 0), mask.transmittance[mask.levels], rtol=0, atol=2e-15
    )


def test_the_text_is_what_the_manual_says(tmp_path):
    """Read by NumPy: six columns of header, millimetres, the first point at -x, +y."""
    mask = plate((5, 9))
    write_grid_sag(tmp_path / "sag.DAT", mask)
    text = (tmp_path / "sag.DAT").read_bytes()
    assert text.startswith(b"9 5 0.008 0.012 0 0 0\r\n")
    points = np.loadtxt(tmp_path / "sag.DAT", skiprows=1)
    assert points.shape == (45, 5)
    assert (points[:, 1:] == 0).all()
    # NumPy rounds the decimals and the factor of 1000, each once.
    np.testing.assert_allclose(points[:, 0].reshape(5, 9) / 1e3, mask.heights[mask.levels[::-1]], rtol=4e-16)
    assert points[0, 0] == points[:, 0].max() > points[1:, 0].max()


def test_relief_that_faces_the_source_rises_against_the_light(tmp_path):
    mask = plate((6, 7), mirrored=True)
    write_grid_sag(tmp_path / "sag.DAT", mask)
    np.testing.assert_array_equal(read_grid_sag(tmp_path / "sag.DAT").values, -mask.heights[mask.levels])
    assert b"-0 " not in (tmp_path / "sag.DAT").read_bytes()  # no negative zero


def test_oversampling_repeats_cells_and_stripes_become_a_grid(tmp_path):
    mask = plate((1, 6))
    with pytest.raises(ValueError, match="at least 5 by 5 points; plate 'random' has 6 by 1: take oversample=5"):
        write_grid_sag(tmp_path / "sag.DAT", mask)
    write_grid_sag(tmp_path / "sag.DAT", mask, oversample=5)
    grid = read_grid_sag(tmp_path / "sag.DAT")
    np.testing.assert_array_equal(grid.values, np.kron(mask.heights[mask.levels], np.ones((5, 5))))
    assert np.allclose(grid.pitch, np.array(mask.pitch) / 5, rtol=1e-15, atol=0)  # one division


def test_the_same_plate_gives_the_same_bytes(tmp_path):
    for name in "ab":
        write_grid_phase(tmp_path / name, plate((5, 9)))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


HAND_MADE = """! someone's grid
 5 5 1 -2 {unit} 0.5 0

{points}
"""


@pytest.mark.parametrize(("unit", "metres"), [(0, 1e-3), (1, 1e-2), (2, 0.0254), (3, 1.0)])
def test_files_of_others_are_read(tmp_path, unit, metres):
    points = "\n".join(f"{k}.e0\t0. 0 1E-3" + (" 1 ! hole" if k == 7 else "") for k in range(25))
    (tmp_path / "x.dat").write_text(HAND_MADE.format(unit=unit, points=points))
    grid = read_grid_sag(tmp_path / "x.dat")
    expected = np.arange(25).reshape(5, 5)[::-1]
    np.testing.assert_allclose(grid.values, expected * metres, rtol=2e-16)  # one rounding
    np.testing.assert_array_equal(grid.valid, expected != 7)
    assert grid.pitch == (2 * metres, metres)
    assert grid.centre == (0, 0.5 * metres)
    np.testing.assert_array_equal(read_grid_phase(tmp_path / "x.dat").values, expected)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda lines: [], "line 1: expected nx ny delx dely"),
        (lambda lines: [b"9 5 0.008 0.012 0 0", *lines[1:]], "line 1: expected nx ny delx dely"),
        (lambda lines: [b"9 5 0.008 0.012 4 0 0", *lines[1:]], "line 1: expected nx ny delx dely"),
        (lambda lines: [b"9 4 0.008 0.012 0 0 0", *lines[1:]], "line 1: expected nx ny"),
        (lambda lines: [b"9 5 nan 0.012 0 0 0", *lines[1:]], "line 1: expected nx ny"),
        (lambda lines: [b"99999 99999 1 1 0 0 0", *lines[1:]], "line 1: a grid of 99999 by 99999"),
        (lambda lines: lines[:-1], "line 45: expected 45 points; the file ends after 44"),
        (lambda lines: [*lines, b"0 0 0 0 0"], "line 47: expected 45 points; this is one more"),
        (lambda lines: [*lines[:10], b"0 0 0", *lines[11:]], "line 11: expected z dz/dx"),
        (lambda lines: [*lines[:10], b"zero 0 0 0 0", *lines[11:]], "line 11: expected z dz/dx"),
        (lambda lines: [*lines[:10], b"inf 0 0 0 0", *lines[11:]], "line 11: expected z dz/dx"),
        (lambda lines: [*lines[:10], b"1e999 0 0 0 0", *lines[11:]], "line 11: expected z dz/dx"),
        (lambda lines: [*lines[:10], b"0 0 0 0 2", *lines[11:]], "line 11: expected z dz/dx"),
        (lambda lines: [*lines[:10], b"\xff\xfe", *lines[11:]], "line 11: expected z dz/dx"),
    ],
)
def test_damage_is_named(tmp_path, damage, message):
    path = tmp_path / "sag.DAT"
    write_grid_sag(path, plate((5, 9)))
    path.write_bytes(b"\n".join(damage(path.read_bytes().splitlines())))
    with pytest.raises(ValueError, match=message) as caught:
        read_grid_sag(path)
    assert str(path) in str(caught.value)


def test_what_cannot_be_written_is_refused(tmp_path):
    mask = plate((5, 9))
    with pytest.raises(ValueError, match="has no heights, so no sag"):
        write_grid_sag(tmp_path / "x", dataclasses.replace(mask, heights=None))
    with pytest.raises(ValueError, match="at least one point"):
        write_grid_sag(tmp_path / "x", mask, oversample=0)
    with pytest.raises(ValueError, match="make a text of about"):
        write_grid_sag(tmp_path / "x", mask, oversample=1000)
    grey = phase_steps(8).transmittance * np.linspace(0.5, 1, 8)
    with pytest.raises(ValueError, match=r"amplitudes from 0\.5 to 1"):
        write_grid_phase(tmp_path / "x", dataclasses.replace(mask, transmittance=grey))
    assert not list(tmp_path.iterdir())


def test_chrome_has_a_phase_of_zero_and_holes(tmp_path):
    mask = plate((5, 9), CHROME)
    write_grid_phase(tmp_path / "x", mask)
    grid = read_grid_phase(tmp_path / "x")
    assert not grid.values.any()
    np.testing.assert_array_equal(grid.valid, mask.levels == 1)
