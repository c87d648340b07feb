"""Stripes as columns of a plate and back, and wider or narrower ones against a raster."""

import numpy as np
import pytest
import torch

from acdc_optical.fabrication.columns import columns_of, stripes_of, widened
from optics import Stripes

GRID = 1e-9
WIDTH, HEIGHT = 100e-6, 30e-6


def random_stripes(rows=3, edges=9, seed=0, *, apart=0.5e-6):
    """Rows of edges on the grid, at least so far apart."""
    rng = np.random.default_rng(seed)
    room = WIDTH - (edges + 1) * apart
    places = np.sort(rng.uniform(0, room, (rows, edges)), axis=1) + apart * (1 + np.arange(edges)) - WIDTH / 2
    first = torch.from_numpy(rng.choice([-1.0, 1.0], rows))
    on_grid = torch.from_numpy(np.rint(places / GRID) * GRID)
    return Stripes(on_grid, first, (HEIGHT, WIDTH)) if rows else Stripes(on_grid[0], first[0], (WIDTH,))


def line(seed=0):
    rows = random_stripes(1, seed=seed)
    return Stripes(rows.edges[0], rows.first[0], (WIDTH,))


def cells_of(stripes):
    columns, levels = columns_of(stripes, GRID)
    return np.where(levels, -1.0, 1.0).astype(complex), columns


@pytest.mark.parametrize("stripes", [line(), random_stripes(), random_stripes(5, 1), random_stripes(2, 0)], ids=repr)
def test_there_and_back(stripes):
    values, columns = cells_of(stripes)
    assert values.shape == (stripes.rows, len(columns) - 1)
    again = stripes_of(values, columns, stripes.extent)
    assert torch.equal(again.edges, stripes.edges)
    assert torch.equal(again.first, stripes.first)
    assert again.etched == -1


def test_edges_are_rounded_and_the_ends_stay():
    stripes = Stripes(torch.tensor([-1.2e-9, 3.7e-9], dtype=torch.float64), torch.tensor(1.0), (99.5e-9,))
    columns, levels = columns_of(stripes, GRID)
    np.testing.assert_allclose(columns, [-49.75e-9, -1e-9, 4e-9, 49.75e-9], rtol=1e-12)
    assert levels.tolist() == [[0, 1, 0]]


def test_rows_of_fewer_edges_have_the_others_at_the_end():
    values = np.array([[1, -1, 1, 1], [1, 1, 1, -1]], dtype=complex)
    stripes = stripes_of(values, np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), (2.0, 4.0))
    assert stripes.edges.tolist() == [[-1, 0], [1, 2]]
    assert stripes.count == 3


def test_stripes_that_vanish_on_the_grid_are_refused():
    stripes = Stripes(torch.tensor([0.1e-9, 0.3e-9], dtype=torch.float64), torch.tensor(1.0), (WIDTH,))
    with pytest.raises(ValueError, match="1 stripes vanish on a grid of 1 nm"):
        columns_of(stripes, GRID)


def test_other_transmittances_are_kept_and_a_third_is_refused():
    columns = np.array([-2.0, -1.0, 0.0, 2.0])
    values = np.array([[1, 0.2 - 0.9j, 1]])
    assert stripes_of(values, columns, (4.0,)).etched == 0.2 - 0.9j
    with pytest.raises(ValueError, match="got 3 transmittances"):
        stripes_of(np.array([[1, -1, 1j]]), columns, (4.0,))


def raster(stripes, parts, fine=20):
    """Etched or not, on a raster of 10 nm along x and so many samples for each of three rows along y."""
    x = (np.arange(10_000) + 0.5) * 10e-9 - WIDTH / 2
    rows = stripes.transmittance(torch.from_numpy(x)).reshape(-1, len(x)).numpy() < 0
    per_row = len(parts) - 1
    middles = (np.arange(fine) + 0.5) / fine - 0.5
    return np.concatenate(
        [rows[per_row * r + np.searchsorted(parts, middles) - 1] for r in range(len(rows) // per_row)]
    )


@pytest.mark.parametrize("growth", [1.5e-6, -1.5e-6, 3e-6, -3e-6, 0.0])
@pytest.mark.parametrize("rows", [1, 3])
def test_as_by_moving_the_pattern_around(growth, rows):
    """Wider is what a square reaches that moves about in what is etched, narrower what it leaves of the rest."""
    stripes = random_stripes(rows, apart=1e-6, seed=rows)
    found = raster(*widened(stripes, growth))
    etched = raster(stripes, (-0.5, 0.5))
    reach_x, reach_y = round(abs(growth) / 10e-9), round(abs(growth) / (HEIGHT / rows / 20))
    wanted = etched if growth >= 0 else ~etched
    padded = np.pad(wanted, ((reach_y, reach_y), (reach_x, reach_x)), constant_values=growth < 0)
    spread = np.zeros_like(wanted)
    for dy in range(2 * reach_y + 1):
        counts = np.pad(padded[dy : dy + len(wanted)].cumsum(axis=1), ((0, 0), (1, 0)))
        spread |= counts[:, 2 * reach_x + 1 :] > counts[:, : -(2 * reach_x + 1)]
    wanted = spread if growth >= 0 else ~spread
    # Edges fall between samples of 10 nm, of which 18 in a row of 10,000 may be on the other side.
    assert (found != wanted).mean() < 0.002


def test_in_one_dimension_stripes_have_no_ends_along_y():
    wider, parts = widened(line(), 0.2e-6)
    assert parts == (-0.5, 0.5)
    edges, inside = line().edges, wider.edges
    moved = (inside - edges).abs()
    np.testing.assert_allclose(moved, 0.2e-6, rtol=1e-9)


def test_more_than_half_a_row_is_refused():
    with pytest.raises(ValueError, match="half a row or more"):
        widened(random_stripes(), 6e-6)
