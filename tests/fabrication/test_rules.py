"""Run lengths against counting cell by cell."""

import tracemalloc

import numpy as np
import pytest

from acdc_optical.fabrication.layouts import rules as module
from acdc_optical.fabrication.layouts.rules import Rules, check_rules

PITCH = (2e-6, 1e-6)
RULES = Rules(2e-6, 3e-6, corner_contacts_allowed=False)


def runs_of(line, size):
    """Lists of features and of gaps between features: (middle, width) [m], from the line's centre."""
    features, gaps, start, drawn_before = [], [], 0, False
    line = list(line)
    for i in range(1, len(line) + 1):
        if i < len(line) and line[i] == line[start]:
            continue
        run = ((start + i - len(line)) / 2 * size, (i - start) * size)
        if line[start]:
            features.append(run)
            drawn_before = True
        elif drawn_before and i < len(line):
            gaps.append(run)
        start = i
    return features, gaps


def slow(drawn, pitch):
    """Features and gaps along (y, x), each a list of (y, x, width); and corners."""
    (ny, nx), (dy, dx) = drawn.shape, pitch
    down, across = [runs_of(column, dy) for column in drawn.T], [runs_of(row, dx) for row in drawn]
    (features_y, features_x), (gaps_y, gaps_x) = (
        (
            [(middle, (i + 0.5 - nx / 2) * dx, width) for i, line in enumerate(down) for middle, width in line[kind]],
            [((i + 0.5 - ny / 2) * dy, middle, width) for i, line in enumerate(across) for middle, width in line[kind]],
        )
        for kind in (0, 1)
    )
    corners = [
        (y, x)
        for y in range(1, ny)
        for x in range(1, nx)
        if drawn[y, x] == drawn[y - 1, x - 1] != drawn[y - 1, x] == drawn[y, x - 1]
    ]
    return (features_y, features_x), (gaps_y, gaps_x), corners


@pytest.mark.parametrize("at_once", [1, 40, 2**20])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("shape", [(1, 30), (30, 1), (13, 29), (24, 8)])
def test_as_counted_cell_by_cell(monkeypatch, shape, share, at_once):
    monkeypatch.setattr(module, "_CELLS_AT_ONCE", at_once)  # blocks of one row, of some, of all
    drawn = np.random.default_rng(1).random(shape) < share
    found = check_rules(drawn, PITCH, RULES)
    features, gaps, corners = slow(drawn, PITCH)
    for runs, expected, least in ((found.features, features, 2e-6), (found.gaps, gaps, 3e-6)):
        for (smallest, narrow), listed in zip(runs, expected, strict=True):
            widths = [width for *_, width in listed]
            assert smallest == (pytest.approx(min(widths), rel=1e-12) if widths else None)  # rounding
            assert narrow == sum(width < least * (1 - 1e-6) for width in widths)
    assert found.corner_contacts == len(corners)
    assert found.drawn_fraction == pytest.approx(drawn.mean(), rel=1e-12)  # rounding of widths


@pytest.mark.parametrize("at_once", [1, 200, 2**20])
def test_places_are_where_the_narrowest_are(monkeypatch, at_once):
    monkeypatch.setattr(module, "_CELLS_AT_ONCE", at_once)
    drawn = np.random.default_rng(2).random((40, 50)) < 0.9  # few enough of the narrowest to lie in many blocks
    rules = Rules(4e-6, 4e-6, corner_contacts_allowed=False)
    found = check_rules(drawn, PITCH, rules)
    features, gaps, corners = slow(drawn, PITCH)
    listed = {"feature along y": features[0], "feature along x": features[1], "gap along y": gaps[0]}
    listed |= {"gap along x": gaps[1]}
    for rule, expected in listed.items():
        here = [place for place in found.places if place.rule == rule]
        assert [place.width for place in here] == pytest.approx(sorted(w for *_, w in expected)[:5], rel=1e-12)
        for place in here:
            near = [run for run in expected if np.allclose(run, place[1:], rtol=0, atol=1e-12)]  # a millionth of a cell
            assert len(near) == 1
    here = [(place.y / PITCH[0] + 20, place.x / PITCH[1] + 25) for place in found.places if place.width == 0]
    np.testing.assert_allclose(here, corners[:5], atol=1e-9)  # rounding


def test_by_hand():
    drawn = np.array([[1, 1, 0, 1, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]], dtype=bool)
    found = check_rules(drawn, (1e-6, 1e-6), Rules(2e-6, 2e-6, corner_contacts_allowed=False))
    assert found.features == ((1e-6, 4), (1e-6, 2))
    assert found.gaps == ((None, 0), (1e-6, 1))  # what reaches the border is no gap between features
    assert found.corner_contacts == 1
    assert not found.passed
    assert [place.rule for place in found.places if place.width == 0] == ["corner contact"]
    said = "failed: features from 1 um (6 too narrow), gaps from 1 um (1 too narrow), 1 corner contacts, 26.7% drawn"
    assert str(found) == said


def test_corners_fail_only_where_they_are_not_allowed():
    drawn = np.kron(np.eye(2, dtype=bool), np.ones((4, 4), dtype=bool))
    for allowed in (True, False):
        found = check_rules(drawn, PITCH, Rules(4e-6, 4e-6, corner_contacts_allowed=allowed))
        assert found.corner_contacts == 1
        assert found.passed is allowed
        assert len(found.places) == (0 if allowed else 1)


def test_a_rule_of_whole_cells_is_kept_by_so_many():
    """1.1 µm is more than 11 cells of 0.1 µm in floating point."""
    size = 0.1e-6
    assert 1.1e-6 / size > 11
    drawn = np.zeros((15, 15), dtype=bool)
    drawn[2:13, 2:13] = True
    assert check_rules(drawn, (size, size), Rules(1.1e-6, 0.0)).passed
    assert not check_rules(drawn, (size, size), Rules(1.101e-6, 0.0)).passed


@pytest.mark.parametrize("drawn", [np.zeros((3, 4), dtype=bool), np.ones((3, 4), dtype=bool)])
def test_nothing_and_everything(drawn):
    found = check_rules(drawn, PITCH, Rules(3e-6, 3e-6))
    width = (6e-6, 4e-6) if drawn.any() else (None, None)
    assert [runs.smallest for runs in found.features] == list(width)
    assert [runs.smallest for runs in found.gaps] == [None, None]
    assert found.passed


def test_memory_is_a_few_times_the_pattern():
    drawn = np.random.default_rng(3).random((2048, 2048)) < 0.5  # the worst there is
    tracemalloc.start()
    check_rules(drawn, PITCH, RULES)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * drawn.nbytes  # measured: 4 times, most of it one block of runs


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Rules(-1e-6, 0.0), "min_feature: expected a width of 0 or more"),
        (lambda: Rules(0.0, float("nan")), "min_gap: expected a width of 0 or more"),
        (lambda: check_rules(np.zeros(5, dtype=bool), PITCH, RULES), r"shape \(ny, nx\), bool; got \(5,\) bool"),
        (lambda: check_rules(np.zeros((5, 5), dtype=np.uint8), PITCH, RULES), "got .* uint8"),
        (lambda: check_rules(np.zeros((0, 5), dtype=bool), PITCH, RULES), r"got \(0, 5\)"),
        (lambda: check_rules(np.zeros((5, 5), dtype=bool), (1e-6, 0.0), RULES), "size above 0"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
