"""Tables of an order: plain CSV, every digit kept, strange rows refused."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest

from acdc_optical.fabrication.package.sheets import DEPTHS, LAYERS, MARKS, Sheet

ROWS = [
    {"level": 0, "phase_rad": 0.0, "amplitude": 1.0, "height_nm": None, "layers_drawn": ""},
    {"level": 1, "phase_rad": math.pi / 3, "amplitude": np.float64(0.1), "height_nm": 1e-30, "layers_drawn": "1 2"},
]


def test_numbers_come_back_to_the_last_bit(tmp_path):
    rows = list(csv.DictReader(io.StringIO(DEPTHS.text(ROWS))))
    assert rows == DEPTHS.rows(DEPTHS.text(ROWS))
    assert [float(row["phase_rad"]) for row in rows] == [0.0, math.pi / 3]
    assert (rows[1]["amplitude"], rows[0]["height_nm"], float(rows[1]["height_nm"])) == ("0.1", "", 1e-30)


def test_text_with_commas_quotes_and_line_breaks_comes_back():
    row = dict.fromkeys(LAYERS.columns, 1) | {"purpose": 'etch, then "strip",\nthen rinse', "mask": "étch"}
    text = LAYERS.text([row])
    assert "\r" not in text
    assert LAYERS.rows(text)[0]["purpose"] == row["purpose"]
    assert LAYERS.rows(text)[0]["mask"] == "étch"


def test_truths_are_words():
    assert Sheet(("clear",)).text([{"clear": True}, {"clear": False}]) == "clear\nyes\nno\n"


def test_an_empty_table_is_its_header():
    assert MARKS.text([]) == "mark,layer,x_um,y_um,type\n"
    assert MARKS.rows(MARKS.text([])) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"a": 1}, "row 1: expected columns a, b; missing or strange: b"),
        ({"a": 1, "b": 2, "c": 3}, "missing or strange: c"),
        ({"a": 1, "b": math.nan}, "row 1, b: expected a finite number"),
    ],
)
def test_strange_rows_are_refused(row, message):
    with pytest.raises(ValueError, match=message):
        Sheet(("a", "b")).text([row])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected the header a,b; got ''"),
        ("a,c\n1,2\n", "got 'a,c'"),
        ("a,b\n1\n", "row 1: expected 2 fields; got 1"),
    ],
)
def test_strange_tables_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        Sheet(("a", "b")).rows(text)
