"""Stripes of phase 0 and π: integrated exactly, wherever their edges are."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from optics import Field, Grid, Mask, StripedMask, Stripes, gauss, midpoint
from optics.grid import Axis

WIDTH = 3e-3
ROUNDING = 1e-13  # sums of a hundred terms of order one


def stripes(*edges: float, first: float = 1.0) -> Stripes:
    """In one dimension; edges in units of the width, -½ … ½."""
    return Stripes(torch.tensor(edges, dtype=torch.float64) * WIDTH, torch.tensor(first).double(), (WIDTH,))


def rows(seed: int = 0, count: int = 4, edges: int = 7) -> Stripes:
    generator = torch.Generator().manual_seed(seed)
    places = (torch.rand(count, edges, generator=generator, dtype=torch.float64) - 0.5) * WIDTH
    first = 1.0 - 2 * (torch.arange(count) % 2).double()
    return Stripes(places.sort(dim=1).values, first, (2e-3, WIDTH))


def axis(cells: int, nodes: int) -> Axis:
    return Axis(cells, WIDTH / cells, gauss(nodes))


def integral(mask: Stripes, row: int, antiderivative) -> float:
    bounds = antiderivative(mask.bounds[row])
    signs = mask.first.reshape(-1)[row] * (-1.0) ** torch.arange(len(bounds) - 1)
    return float((bounds.diff() * signs).sum())


class TestWeights:
    @pytest.mark.parametrize(("cells", "nodes"), [(1, 6), (3, 5), (8, 16)])
    def test_polynomials_of_a_degree_below_the_nodes_are_integrated_exactly(self, cells, nodes):
        mask, line = rows(), axis(cells, nodes)
        x = line.coordinates / WIDTH
        weights = mask.weights(line)
        for degree in range(nodes):
            got = (weights * line.weights * x**degree).sum(1)
            for row in range(mask.rows):
                wanted = integral(mask, row, lambda e, n=degree: (e / WIDTH) ** (n + 1) / (n + 1) * WIDTH)
                assert float(got[row]) == pytest.approx(wanted, abs=ROUNDING * WIDTH)

    def test_waves_converge_exponentially(self):
        mask, phase = rows(seed=1), 2 * math.pi * 4 / WIDTH
        wanted = [integral(mask, row, lambda e: (phase * e).sin() / phase) for row in range(mask.rows)]
        errors = []
        for nodes in (4, 8, 16):
            line = axis(8, nodes)
            got = (mask.weights(line) * line.weights * (phase * line.coordinates).cos()).sum(1)
            errors.append(float((got - torch.tensor(wanted, dtype=torch.float64)).abs().max()) / WIDTH)
        assert errors[1] < errors[0] / 100
        assert errors[2] < 1e-14

    def test_edges_between_cells_make_pixels(self):
        mask, line = stripes(-0.25, 0.0, 0.25, first=-1), axis(4, 5)
        wanted = torch.tensor([-1.0, 1.0, -1.0, 1.0]).double().repeat_interleave(5)
        assert torch.allclose(mask.weights(line), wanted, rtol=0, atol=ROUNDING)

    def test_several_edges_in_a_cell_and_none(self):
        mask, line = stripes(-0.1, 0.05, 0.06, 0.3), axis(2, 9)
        got = (mask.weights(line) * line.weights).sum()
        assert float(got) == pytest.approx(integral(mask, 0, lambda e: e), abs=ROUNDING * WIDTH)
        bare = stripes(first=-1.0)
        assert torch.equal(bare.weights(line), -torch.ones(18, dtype=torch.float64))

    def test_edges_at_the_rim_part_nothing(self):
        line = axis(3, 4)
        padded, plain = stripes(-0.2, 0.1, 0.5, 0.5), stripes(-0.2, 0.1)
        assert torch.allclose(padded.weights(line), plain.weights(line), rtol=0, atol=ROUNDING)
        assert padded.count == plain.count == 2
        assert padded.narrowest == pytest.approx(plain.narrowest)

    def test_gradients(self):
        edges, first = rows(seed=2, count=2, edges=3).edges / WIDTH, torch.tensor([1.0, -1.0]).double()
        line = Axis(3, 1 / 3, gauss(5))
        assert torch.autograd.gradcheck(lambda e: Stripes(e, first, (1.0, 1.0)).weights(line), edges.requires_grad_())

    def test_a_raster_of_areas_converges_to_them_with_the_second_order(self):
        mask, turns = rows(seed=3), 5.0
        line = axis(8, 16)
        exact = (mask.weights(line) * line.weights * (2 * math.pi * turns * line.coordinates / WIDTH).cos()).sum(1)
        errors = []
        for cells in (256, 512, 1024):
            raster = Axis(cells, WIDTH / cells, gauss(1))
            field = (2 * math.pi * turns * raster.coordinates / WIDTH).cos()
            rastered = (mask.weights(raster) * raster.weights * field).sum(1)
            errors.append(float((rastered - exact).norm()))
        # Four times less each time, give or take where edges fall within their cells.
        assert errors[2] < errors[0] / 8


class TestGeometry:
    def test_signs_change_at_every_edge(self):
        x = torch.tensor([-0.4, -0.1, 0.1, 0.4]).double() * WIDTH
        assert stripes(-0.2, 0.0, 0.2, first=-1).transmittance(x).tolist() == [-1, 1, -1, 1]

    @pytest.mark.parametrize("dims", [(-1,), (0,), (0, 1), (-2, -1)])
    @pytest.mark.parametrize("edges", [6, 7])
    def test_flips_as_its_raster_does(self, dims, edges):
        mask = rows(edges=edges)
        x = axis(50, 1).coordinates
        assert torch.equal(mask.flip(dims).transmittance(x), mask.transmittance(x).flip(dims))
        assert torch.equal(mask.flip(dims).flip(dims).edges, mask.edges)

    def test_rectangles_are_the_stripes_of_phase_pi(self):
        mask = rows()
        height = 2e-3 / mask.rows
        rectangles = mask.rectangles
        area = ((rectangles[:, 2] - rectangles[:, 0]) * (rectangles[:, 3] - rectangles[:, 1])).sum()
        opened = sum(integral(mask, row, lambda e: e) for row in range(mask.rows)) * height
        assert float(area) == pytest.approx((2e-3 * WIDTH - opened) / 2, rel=1e-12)
        x = axis(200, 1).coordinates
        y = (torch.arange(mask.rows) - (mask.rows - 1) / 2) * height
        inside = (
            (rectangles[:, 0] <= x[:, None])
            & (x[:, None] < rectangles[:, 2])
            & (rectangles[:, 1] < y[:, None, None])
            & (y[:, None, None] < rectangles[:, 3])
        )
        assert torch.equal(inside.sum(-1), (mask.transmittance(x) < 0).long())

    def test_of_one_dimension_they_are_of_unit_height(self):
        assert stripes(-0.25, 0.25, first=-1).rectangles.tolist() == [
            [-WIDTH / 2, -0.5, -WIDTH / 4, 0.5],
            [WIDTH / 4, -0.5, WIDTH / 2, 0.5],
        ]

    def test_width_and_count(self):
        mask = stripes(-0.2, -0.1, 0.3)
        assert mask.count == 3
        assert mask.narrowest == pytest.approx(0.1 * WIDTH)
        assert repr(mask) == "Stripes(3 edges in 1 rows, 3 mm)"


class TestMask:
    def field(self, grid: Grid) -> Field:
        generator = torch.Generator().manual_seed(0)
        data = torch.randn(2, *grid.shape, generator=generator, dtype=torch.float64)
        return Field(data + 0.5j * data.flip(0), grid, 633e-9)

    def grid(self, nodes: int = 4) -> Grid:
        return Grid((4, 6), (0.5e-3, WIDTH / 6), gauss(nodes))

    def test_of_pixels_is_a_mask_of_pixels(self):
        edges = torch.tensor([[-1.0, 0.0, 0.5], [-0.5, 0.5, 1.0]]).double().repeat(2, 1) * 1e-3
        mask = Stripes(edges, torch.tensor([1.0, -1.0, 1.0, -1.0]).double(), (2e-3, WIDTH))
        pixels = mask.transmittance(axis(6, 1).coordinates)
        field = self.field(self.grid())
        got = StripedMask(mask)(field)
        assert torch.allclose(got.data, Mask(pixels, field.grid.spacing)(field).data, rtol=0, atol=ROUNDING)

    def test_light_behind_it_keeps_its_modulus(self):
        field = self.field(self.grid())
        assert torch.equal(StripedMask(rows()).crossed(field).data.abs(), field.data.abs())

    @pytest.mark.parametrize(
        ("grid", "message"),
        [
            (Grid((5, 6), (0.4e-3, WIDTH / 6), gauss(4)), "4 rows in 2-D"),
            (Grid(6, WIDTH / 6, gauss(4)), "4 rows in 2-D"),
            (Grid((4, 6), (0.5e-3, WIDTH / 5), gauss(4)), "must fill the field's grid"),
            (Grid((4, 6), (0.5e-3, WIDTH / 6), midpoint(3)), "resolve the grid"),
        ],
    )
    def test_refuses_other_grids(self, grid, message):
        with pytest.raises(ValueError, match=message):
            StripedMask(rows())(self.field(grid))


@pytest.mark.parametrize(
    ("edges", "first", "extent", "message"),
    [
        (torch.zeros(3), torch.ones(()), (1.0,), "float64"),
        (torch.zeros(3).double(), torch.ones(()), (1.0, 1.0), "one extent for each axis"),
        (torch.zeros(2, 3).double(), torch.ones(3), (1.0, 1.0), r"for each of 2 rows"),
        (torch.zeros(3).double(), torch.tensor(0.5), (1.0,), r"expected \+1 or -1"),
        (torch.tensor([0.2, 0.1]).double(), torch.ones(()), (1.0,), "ascend"),
        (torch.tensor([0.2, 0.6]).double(), torch.ones(()), (1.0,), "ascend from -500 mm to 500 mm"),
    ],
)
def test_bad_input(edges, first, extent, message):
    with pytest.raises(ValueError, match=message):
        Stripes(edges, first, extent)


def test_numpy_agrees_by_brute_force():
    """A sum over ten million points, first order: 1e-7 for each edge."""
    mask = stripes(-0.31, -0.02, 0.17, 0.4, first=-1)
    x = ((np.arange(10_000_000) + 0.5) / 10_000_000 - 0.5) * WIDTH
    signs = -((-1.0) ** np.searchsorted(mask.edges.numpy(), x))
    wanted = (signs * np.exp(3 * x / WIDTH)).mean()
    line = axis(5, 8)
    got = (mask.weights(line) * line.weights * (3 * line.coordinates / WIDTH).exp()).sum() / WIDTH
    assert float(got) == pytest.approx(wanted, abs=4e-7 * np.e**1.5)


@pytest.mark.parametrize(
    ("edges", "first", "extent"),
    [
        ([float("nan"), 1e-6], 1.0, (4e-6,)),
        ([0.0], 1.0, (-4e-6,)),
        ([0.0], 1.0, (float("inf"),)),
        ([3e-6], 1.0, (4e-6,)),
        ([0.0], 0.5, (4e-6,)),
    ],
)
def test_what_is_no_geometry_is_refused(edges, first, extent):
    with pytest.raises(ValueError, match="expected"):
        Stripes(torch.tensor(edges, dtype=torch.float64), torch.tensor(first), extent)
