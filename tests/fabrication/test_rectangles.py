"""Cells to rectangles and back, and edges on a grid."""

import numpy as np
import pytest

from acdc_optical.fabrication.layouts.rectangles import (
    Rectangles,
    centred,
    from_metres,
    joined,
    merged,
    on_grid,
    rasterised,
)
from tests.fabrication.plates import lens, noise, stripes

PATTERNS = {
    "noise": noise() > 3,
    "stripes": stripes() > 3,
    "lens": lens(64) > 3,
    "nothing": np.zeros((3, 4), dtype=bool),
    "everything": np.ones((3, 4), dtype=bool),
    "corner contacts": np.eye(5, dtype=bool),
    "no rows": np.zeros((0, 4), dtype=bool),
}


def uneven(cells: int, seed: int) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).integers(1, 9, cells + 1)) - 3 * cells


@pytest.mark.parametrize("drawn", PATTERNS.values(), ids=PATTERNS)
def test_cells_come_back_and_nothing_overlaps(drawn):
    y_edges, x_edges = uneven(drawn.shape[0], 0), uneven(drawn.shape[1], 1)
    counts = rasterised(merged(drawn, x_edges, y_edges), x_edges, y_edges)
    np.testing.assert_array_equal(counts, drawn)


@pytest.mark.parametrize("drawn", PATTERNS.values(), ids=PATTERNS)
def test_area_is_that_of_the_cells(drawn):
    y_edges, x_edges = uneven(drawn.shape[0], 0), uneven(drawn.shape[1], 1)
    cells = np.outer(np.diff(y_edges), np.diff(x_edges))
    assert merged(drawn, x_edges, y_edges).area == cells[drawn].sum()


def test_a_stripe_is_one_rectangle_per_run():
    drawn = stripes() > 3
    runs = np.count_nonzero(np.diff(drawn[0].astype(int), prepend=0, append=0) == 1)
    assert len(merged(drawn, uneven(90, 1), uneven(24, 0))) == runs


def test_runs_are_fused_only_where_columns_are_equal_and_rows_successive():
    drawn = np.array([[1, 1, 0], [1, 1, 0], [1, 1, 1], [0, 0, 0], [1, 1, 1]], dtype=bool)
    found = merged(drawn, np.arange(4), np.arange(6)).ordered().corners.tolist()
    assert found == [[0, 0, 2, 2], [0, 2, 3, 3], [0, 4, 3, 5]]


def test_the_last_row_is_not_fused_with_the_first_of_other_columns():
    """Their sort keys follow one another."""
    drawn = np.array([[0, 1], [1, 0]], dtype=bool)
    assert len(merged(drawn, np.arange(3), np.arange(3))) == 2


def test_overlaps_show():
    twice = Rectangles(np.array([[0, 0, 2, 2], [1, 1, 3, 3]]))
    assert rasterised(twice, np.arange(4), np.arange(4)).tolist() == [[1, 1, 0], [1, 2, 1], [0, 1, 1]]


def test_a_corner_beside_the_cells_is_told():
    with pytest.raises(ValueError, match=r"1 x coordinates .* the first is 3 dbu"):
        rasterised(Rectangles(np.array([[0, 0, 3, 2]])), np.array([0, 2, 4]), np.array([0, 2]))
    with pytest.raises(ValueError, match="y coordinates"):
        rasterised(Rectangles(np.array([[0, 0, 2, 9]])), np.array([0, 2, 4]), np.array([0, 2]))


def test_edges_are_rounded_each_by_itself():
    """Of 1000 cells of 1.0004 units, none is rounded on its own: the last edge is where it belongs."""
    edges = centred(1000, 1.0004e-9, 1e-9)
    assert edges[-1] - edges[0] == 1000  # 500.2 rounds to 500 on either side
    np.testing.assert_array_equal(edges, -edges[::-1])
    assert abs(edges - np.linspace(-500.2, 500.2, 1001)).max() <= 0.5 + 1e-9  # rounding; and that of the floats


def test_what_abuts_in_metres_abuts_on_the_grid():
    at = np.sort(np.random.default_rng(0).uniform(-1e-3, 1e-3, 100))
    columns = np.stack([at[:-1], np.full(99, -1e-3), at[1:], np.full(99, 1e-3)], axis=1)
    corners = from_metres(columns, 1e-9).corners
    np.testing.assert_array_equal(corners[:-1, 2], corners[1:, 0])


def test_split_tells_inside_from_outside():
    inside, outside = Rectangles(np.array([[0, 0, 1, 1], [1, 0, 2, 1]])).split((0, 0, 1, 1))
    assert inside.corners.tolist() == [[0, 0, 1, 1]]
    assert outside.corners.tolist() == [[1, 0, 2, 1]]
    with pytest.raises(ValueError, match="lie across"):
        Rectangles(np.array([[0, 0, 2, 1]])).split((0, 0, 1, 1))


def test_areas_do_not_wrap():
    side = 2**40
    assert Rectangles(np.array([[-side, -side, side, side]])).area == 4 * side**2


def test_joined():
    assert len(joined([])) == 0
    assert joined([]).bounds == (0, 0, 0, 0)
    one, other = Rectangles(np.array([[0, 0, 1, 1]])), Rectangles(np.array([[5, -2, 6, 7]]))
    assert joined([one, other]).bounds == (0, -2, 6, 7)


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        (np.zeros((2, 3), dtype=np.int64), "shape"),
        (np.zeros((2, 4)), "int64"),
        (np.array([[0, 0, 1, 1], [0, 1, 1, 1]]), "1 of 2 rectangles have no area"),
        (np.array([[1, 0, 0, 1]]), "no area"),
    ],
)
def test_rectangles_have_a_shape_and_an_area(corners, message):
    with pytest.raises(ValueError, match=message):
        Rectangles(corners)


def test_edges_that_collapse_are_told():
    with pytest.raises(ValueError, match="edges 1 and 2"):
        on_grid(np.array([0, 1e-9, 1.1e-9, 5e-9]), 1e-9)
    with pytest.raises(ValueError, match="no area"):
        from_metres(np.array([[0, 0, 0.3e-9, 1e-6]]), 1e-9)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e8])
def test_coordinates_that_are_none_are_told(bad):
    with pytest.raises(ValueError, match="within"):
        from_metres(np.array([[0, 0, 1, bad]]), 1e-9)


def test_grids_and_shapes_that_are_none_are_told():
    with pytest.raises(ValueError, match="positive database unit"):
        centred(3, 1e-6, 0)
    with pytest.raises(ValueError, match=r"shape \(n, 4\)"):
        from_metres(np.zeros(4), 1e-9)
    with pytest.raises(ValueError, match="edges around"):
        merged(np.ones((2, 3), dtype=bool), np.arange(3), np.arange(3))
