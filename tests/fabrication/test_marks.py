"""Marks around a plate: where they are, and that they show which way is up."""

import numpy as np
import pytest

from acdc_optical.fabrication.layouts.marks import MarkSizes, marks_around, marks_for
from acdc_optical.fabrication.layouts.rectangles import Rectangles, from_metres, rasterised
from acdc_optical.fabrication.plate import Layer
from tests.fabrication.plates import etched, noise

DBU = 1e-9
SIZES = MarkSizes()
MOTIONS = {
    "x mirrored": lambda c: c[:, [2, 1, 0, 3]] * [-1, 1, -1, 1],
    "y mirrored": lambda c: c[:, [0, 3, 2, 1]] * [1, -1, 1, -1],
    "turned by 180°": lambda c: -c[:, [2, 3, 0, 1]],
    "turned by 90°": lambda c: c[:, [1, 0, 3, 2]][:, [2, 1, 0, 3]] * [-1, 1, -1, 1],
    "turned by 270°": lambda c: c[:, [1, 0, 3, 2]][:, [0, 3, 2, 1]] * [1, -1, 1, -1],
    "transposed": lambda c: c[:, [1, 0, 3, 2]],
    "antitransposed": lambda c: -c[:, [3, 2, 1, 0]],
}
PLATES = {"small": etched(noise((5, 4))), "one row": etched(noise((1, 300))), "large": etched(noise((300, 200)))}


def around(marks, mark, half: float) -> np.ndarray:
    """What the layer of a mark draws within a square about its centre, from which it is measured [dbu]."""
    x, y, half = round(mark.x / DBU), round(mark.y / DBU), round(half / DBU)
    inside, _ = from_metres(marks.shapes[mark.layer], DBU).split((x - half, y - half, x + half, y + half))
    return inside.corners - [x, y, x, y]


def same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two sets of rectangles cover the same."""
    x = np.unique(np.concatenate([one[:, ::2], other[:, ::2]]))
    y = np.unique(np.concatenate([one[:, 1::2], other[:, 1::2]]))
    return np.array_equal(rasterised(Rectangles(one), x, y), rasterised(Rectangles(other), x, y))


@pytest.mark.parametrize("plate", PLATES.values(), ids=PLATES)
def test_marks_keep_out_of_the_pattern(plate):
    marks = marks_for(plate, SIZES, DBU)
    height, width = plate.extent
    for shapes in marks.shapes.values():
        x0, y0, x1, y1 = shapes.T
        beside = np.maximum(np.maximum(x0 - width / 2, -width / 2 - x1), np.maximum(y0 - height / 2, -height / 2 - y1))
        assert beside.min() >= SIZES.keep_out - DBU  # centres are rounded to the grid


@pytest.mark.parametrize("plate", PLATES.values(), ids=PLATES)
def test_no_two_marks_overlap(plate):
    """Of one layer or of two: the aligned cross does not touch its frame."""
    every = np.concatenate([from_metres(s, DBU).corners for s in marks_for(plate, SIZES, DBU).shapes.values()])
    x0, y0, x1, y1 = every.T
    both = (x0[:, None] < x1) & (x0 < x1[:, None]) & (y0[:, None] < y1) & (y0 < y1[:, None])
    np.testing.assert_array_equal(both, np.eye(len(every), dtype=bool))


@pytest.mark.parametrize("motion", MOTIONS.values(), ids=MOTIONS)
def test_no_motion_leaves_the_key_as_it_was(motion):
    marks = marks_for(PLATES["small"], SIZES, DBU)
    keys = [mark for mark in marks.table if mark.kind == "key"]
    assert {mark.layer for mark in keys} == {1, 2, 3}
    for mark in keys:
        key = around(marks, mark, SIZES.key / 2)
        assert len(key) == 3
        assert same(key, key)
        assert not same(key, motion(key))


def test_crosses_look_alike_from_all_sides():
    """The judge of the test above is not blind: what is symmetric is found so."""
    marks = marks_for(PLATES["small"], SIZES, DBU)
    cross = around(marks, next(mark for mark in marks.table if mark.kind == "cross"), SIZES.half_frame)
    assert all(same(cross, motion(cross)) for motion in MOTIONS.values())


def test_every_later_layer_has_its_own_frames_of_the_first_at_two_far_corners():
    plate = PLATES["large"]
    marks = marks_for(plate, SIZES, DBU)
    crosses = {layer: [(m.x, m.y) for m in marks.table if (m.kind, m.layer) == ("cross", layer)] for layer in (1, 2, 3)}
    frames = [(m.x, m.y) for m in marks.table if m.kind == "frame"]
    assert all(m.layer == 1 for m in marks.table if m.kind == "frame")
    assert sorted(frames) == sorted(crosses[2] + crosses[3])
    for (left, low), (right, high) in crosses.values():
        assert right - left > plate.extent[1]
        assert high - low > plate.extent[0] / 2


def test_the_table_says_where_marks_are():
    """Of pitches that are no whole number of units, too."""
    marks = marks_for(etched(noise((7, 5)), (1.2345e-7, 3.3333e-7)), SIZES, DBU)
    for mark in marks.table:
        assert abs(mark.x / DBU - round(mark.x / DBU)) < 1e-6  # rounding of the division alone
        if mark.kind in ("cross", "frame"):
            x0, y0, x1, y1 = Rectangles(around(marks, mark, SIZES.half_frame)).bounds
            assert (x0 + x1, y0 + y1) == (0, 0)


def letters(name: str) -> list[str]:
    """The label of a plate with one layer, a character for each square of a stroke, top row first."""
    shapes = marks_around(name, [Layer(1, "", "", (False, True))], (1e-5, 1e-5), SIZES, DBU).shapes[1]
    label = from_metres(shapes[9:], DBU)  # behind two crosses and the key of three rectangles each
    x0, y0, x1, y1 = label.bounds
    stroke = round(SIZES.stroke / DBU)
    cells = rasterised(label, np.arange(x0, x1 + 1, stroke), np.arange(y0, y1 + 1, stroke))
    assert cells.max() == 1
    return ["".join(" #"[cell] for cell in row) for row in cells[::-1]]


def test_labels_read_the_right_way_round():
    assert [row[:6] for row in letters("L")] == ["##    "] * 10 + ["######"]


def test_letters_have_holes():
    assert "##  ##" in letters("D")[5][:6]
    assert letters("D") != letters("O")


@pytest.mark.parametrize("sizes", [{"arm": 0}, {"line": -1e-6}, {"keep_out": float("nan")}, {"line": 100e-6}])
def test_sizes_that_are_none_are_told(sizes):
    with pytest.raises(ValueError, match="expected"):
        MarkSizes(**sizes)
