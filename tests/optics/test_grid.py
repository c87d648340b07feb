"""Grids and cells: where samples lie and what they weigh."""

from __future__ import annotations

import math

import pytest
import torch

from optics import Axis, Grid, flat, gauss, midpoint, point
from optics.grid import divided
from tests.optics.oracles import coordinates

CELLS = [point(), flat(), flat(0.3), gauss(1), gauss(4), gauss(5, 0.7), midpoint(1), midpoint(4), midpoint(3, 0.5)]
cells = pytest.mark.parametrize("cell", CELLS, ids=str)


@pytest.mark.parametrize("count", [1, 2, 7, 8, 1001])
def test_grids_are_symmetric_about_the_axis(count):
    centres = Grid(count, 8e-6).coordinates[0]
    assert torch.equal(centres, -centres.flip(0))
    assert (centres == 0).sum() == count % 2  # odd: one sample on the axis; even: none
    assert centres.dtype == torch.float64


@cells
@pytest.mark.parametrize("count", [4, 5])
def test_samples_are_ascending_cell_by_cell(cell, count):
    x = Grid(count, 8e-6, cell).coordinates[0]
    assert x.numpy() == pytest.approx(coordinates(count, 8e-6, cell.nodes), abs=1e-20)  # an ulp of 4e-5 m
    assert (x.diff() > 0).all()


@cells
def test_weights_sum_to_the_active_area(cell):
    grid = Grid((3, 4), (2e-6, 5e-6), cell)
    active = cell.width or sum(cell.weights)
    assert grid.weights.shape == grid.shape
    assert grid.weights.dtype == torch.float64
    assert grid.weights.sum().item() == pytest.approx(120e-12 * active**2, rel=1e-14)  # a sum of 300 terms


@pytest.mark.parametrize("fill", [1.0, 0.4])
@pytest.mark.parametrize("samples", [1, 2, 5])
def test_gauss_is_exact_for_polynomials(samples, fill):
    cell = gauss(samples, fill)
    for power in range(2 * samples):
        exact = fill * (fill / 2) ** power / (power + 1) if power % 2 == 0 else 0.0
        got = sum(w * x**power for x, w in zip(cell.nodes, cell.weights, strict=True))
        assert got == pytest.approx(exact, abs=1e-15)  # NumPy's nodes are good to a few ulps


def test_midpoint_is_a_refined_uniform_grid():
    fine = Grid(6, 8e-6, midpoint(4))
    uniform = Grid(24, 2e-6)
    assert fine.coordinates[0].numpy() == pytest.approx(uniform.coordinates[0].numpy(), abs=1e-19)  # ulps of 5e-5
    assert fine.weights.numpy() == pytest.approx(uniform.weights.numpy(), rel=1e-15)


def test_shape_extent_and_broadcast():
    grid = Grid((4, 6), (8e-6, 2e-6), gauss(3))
    assert (grid.shape, grid.cells, grid.ndim) == ((12, 18), (4, 6), 2)
    assert grid.extent == pytest.approx((32e-6, 12e-6), rel=1e-15)
    assert [tuple(c.shape) for c in grid.coordinates] == [(12, 1), (1, 18)]
    assert grid.resolved(point()) == Grid((4, 6), (8e-6, 2e-6))


def test_grids_are_values():
    assert Grid(4, 8e-6) == Grid((4,), (8e-6,))
    assert hash(Grid(4, 8e-6)) == hash(Grid((4,), (8e-6,)))
    assert Grid(4, 8e-6) != Grid(4, 8e-6, flat())
    assert Grid(4, 8e-6) != Grid(4, 9e-6)


@pytest.mark.parametrize("spacing", [0.0, -1e-6, math.nan, math.inf])
def test_spacing_must_be_positive(spacing):
    with pytest.raises(ValueError, match=rf"spacing must be a positive length in metres; got {spacing}"):
        Grid((4, 4), (8e-6, spacing))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Grid(0, 1e-6), r"a grid needs at least one cell along each axis; got 0"),
        (lambda: Axis(-3, 1e-6), r"a grid needs at least one cell along each axis; got -3"),
        (lambda: Grid((), 1e-6), r"a grid has one axis \(x\) or two \(y, x\); got shape \(\)"),
        (lambda: Grid((2, 2, 2), 1e-6), r"a grid has one axis \(x\) or two \(y, x\); got shape \(2, 2, 2\)"),
        (lambda: Grid((2, 2), (1e-6,)), r"expected one spacing for each of the 2 axes; got 1"),
        (lambda: Grid(2, (1e-6, 1e-6)), r"expected one spacing for each of the 1 axes; got 2"),
    ],
)
def test_bad_grids(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("fill", [0.0, -0.5, 1.01, math.nan])
@pytest.mark.parametrize("cell", [flat, lambda fill: gauss(2, fill), lambda fill: midpoint(2, fill)])
def test_fill_is_a_fraction(cell, fill):
    message = rf"fill is the active fraction of a pixel's width, above 0 and at most 1; got {fill}"
    with pytest.raises(ValueError, match=message):
        cell(fill)


@pytest.mark.parametrize("samples", [0, -1])
@pytest.mark.parametrize("cell", [gauss, midpoint])
def test_a_cell_needs_samples(cell, samples):
    with pytest.raises(ValueError, match=rf"a cell needs at least one sample; got {samples}"):
        cell(samples)


EDGES = [(-0.5, 0.5), (-0.5, 0.0, 0.5), (-0.5, -0.37, 0.1, 0.2, 0.5)]
divisions = pytest.mark.parametrize("edges", EDGES, ids=str)


@divisions
@pytest.mark.parametrize("fill", [1.0, 0.9, 0.3])
@pytest.mark.parametrize("samples", [1, 3])
def test_parts_are_exact_for_polynomials_each(samples, fill, edges):
    """Also for those that have a jump where parts meet; what lies outside the fill counts nothing."""
    cell = divided(edges, samples, fill)
    assert len(cell) == samples * (len(edges) - 1)
    parts = [slice(samples * i, samples * (i + 1)) for i in range(len(edges) - 1)]
    for power in range(2 * samples):
        for part, begin, end in zip(parts, edges[:-1], edges[1:], strict=True):
            begin, end = (min(max(edge, -fill / 2), fill / 2) for edge in (begin, end))
            exact = (end ** (power + 1) - begin ** (power + 1)) / (power + 1)
            got = sum(w * x**power for x, w in zip(cell.nodes[part], cell.weights[part], strict=True))
            assert got == pytest.approx(exact, abs=1e-15)  # NumPy's nodes are good to a few ulps


def test_one_part_is_gauss():
    one, whole = divided((-0.5, 0.5), 5, 0.7), gauss(5, 0.7)
    assert one.nodes == pytest.approx(whole.nodes, abs=1e-16)  # an ulp
    assert one.weights == pytest.approx(whole.weights, abs=1e-16)


@pytest.mark.parametrize(
    "edges", [(), (0.5,), (-0.5,), (-0.4, 0.5), (-0.5, 0.4), (-0.5, 0.1, 0.1, 0.5), (-0.5, 0.2, 0.1, 0.5), (0.5, -0.5)]
)
def test_edges_ascend_from_end_to_end(edges):
    with pytest.raises(ValueError, match=r"expected edges ascending from -0\.5 to 0\.5; got"):
        divided(edges, 2)


def test_parts_need_samples_and_a_fill():
    with pytest.raises(ValueError, match="at least one sample; got 0"):
        divided((-0.5, 0.5), 0)
    with pytest.raises(ValueError, match="fill is the active fraction"):
        divided((-0.5, 0.5), 1, 0.0)
