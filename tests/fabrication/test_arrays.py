"""NPZ: numbers and names without pickle, the same bytes every time."""

from __future__ import annotations

import dataclasses
import zipfile

import numpy as np
import pytest

from acdc_optical.fabrication.design_tools.arrays import FLAT, RELIEF, write_arrays
from acdc_optical.files import read_arrays
from tests.fabrication.random_plates import SHAPES, plate


@pytest.mark.parametrize("shape", SHAPES)
def test_every_number_comes_back(tmp_path, shape):
    mask = plate(shape)
    write_arrays(tmp_path / "x.npz", mask)
    got = read_arrays(tmp_path / "x.npz", RELIEF, FLAT)
    assert set(got) == set(RELIEF)
    for name, values in got.items():
        np.testing.assert_array_equal(values, getattr(mask, name))
    assert got["levels"].dtype == np.uint8


def test_names_are_text_without_pickle(tmp_path):
    mask = plate((5, 9))
    write_arrays(tmp_path / "x.npz", mask)
    with np.load(tmp_path / "x.npz", allow_pickle=False) as archive:
        assert str(archive["name"]) == "random"
        assert archive["layer_names"].tolist() == ["etch_1"]
        np.testing.assert_array_equal(archive["layer_drawn"], [[0, 1] * 4])


def test_a_plate_without_relief_or_layers(tmp_path):
    mask = dataclasses.replace(plate((5, 9)), heights=None, layers=())
    write_arrays(tmp_path / "x.npz", mask)
    assert set(read_arrays(tmp_path / "x.npz", RELIEF, FLAT)) == set(FLAT)
    with np.load(tmp_path / "x.npz", allow_pickle=False) as archive:
        assert archive["layer_drawn"].shape == (0, 8)


def test_bytes_do_not_depend_on_time_or_on_order_in_memory(tmp_path):
    mask = plate((5, 9))
    write_arrays(tmp_path / "a.npz", mask)
    write_arrays(tmp_path / "b.npz", dataclasses.replace(mask, levels=np.asfortranarray(mask.levels)))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
