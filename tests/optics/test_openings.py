"""Openings: how much of each sample they leave open, and which grids they refuse."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch

from optics import (
    Aperture,
    Circle,
    Decentred,
    Field,
    FourierLens,
    Grid,
    Lens,
    Rectangle,
    SamplingWarning,
    flat,
    gauss,
    midpoint,
    point,
)
from optics.openings import Opening
from optics.screens import Samples
from tests.optics.oracles import FOCAL_LENGTH, SCALE, WAVELENGTH, orders, relative_error

MM = 1e-3


def share(opening: Opening, grid: Grid) -> torch.Tensor:
    return opening.share(Samples.of(grid))


def brute_force(radius: float, centre: tuple[float, float], grid: Grid, n: int = 64) -> np.ndarray:
    """Share of every cell within a circle, counted on n × n places in it."""
    fine = grid.resolved(midpoint(n))
    (y,), (x,) = ([c.numpy()] for c in fine.coordinates)
    inside = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2
    return inside.reshape(grid.cells[0], n, grid.cells[1], n).mean(axis=(1, 3))


@pytest.mark.parametrize("shape", [(10, 10), (9, 9), (12, 7), (1, 9)], ids=str)
@pytest.mark.parametrize("centre", [(0.0, 0.0), (0.13 * MM, -0.21 * MM), (0.8 * MM, 0.0)], ids=str)
@pytest.mark.parametrize("radius", [0.9 * MM, 0.31 * MM, 0.04 * MM])
def test_the_share_of_a_circle_is_its_area(shape, centre, radius):
    grid = Grid(shape, (0.2 * MM, 0.25 * MM))
    got = share(Decentred(Circle(2 * radius), centre), grid)
    # Counting places n to a side is right to their rows along the arc, which is shorter than 2√2 cells: 3/n at most.
    assert np.abs(got.numpy() - brute_force(radius, centre, grid)).max() < 3 / 64
    assert not ((got < 0) | (got > 1)).any()
    assert not ((got != got.round()) & ((got - got.round()).abs() < 1e-9)).any()  # shut is shut, open is open


@pytest.mark.parametrize("cell", [point(), flat(), gauss(3), midpoint(4)], ids=["point", "flat", "gauss", "midpoint"])
@pytest.mark.parametrize("shape", [(40, 40), (41, 38)], ids=str)
@pytest.mark.parametrize(
    ("opening", "area"),
    [
        (Circle(0.73 * MM), math.pi * (0.365 * MM) ** 2),
        (Rectangle((0.31 * MM, 0.77 * MM)), 0.31 * 0.77 * MM**2),
        (Decentred(Circle(0.5 * MM), (0.11 * MM, -0.07 * MM)), math.pi * (0.25 * MM) ** 2),
        (Decentred(Rectangle((0.31 * MM, 0.5 * MM)), (-0.03 * MM, 0.1 * MM)), 0.31 * 0.5 * MM**2),
    ],
    ids=["circle", "rectangle", "circle-off", "rectangle-off"],
)
def test_the_area_of_an_opening_is_exact_on_every_grid(opening, area, shape, cell):
    grid = Grid(shape, 25e-6, cell)
    total = float((share(opening, grid) * grid.weights).sum())
    # Some thousand samples, each a difference of areas of order one over the (1/40)² of a sample.
    assert total == pytest.approx(area, rel=1e-11)


@pytest.mark.parametrize("opening", [Circle(0.5 * MM), Rectangle((0.5 * MM,))], ids=["circle", "rectangle"])
def test_on_a_line_a_circle_is_a_slit(opening):
    grid = Grid(6, 0.2 * MM)
    # The slit ends a quarter of the way into the outer cells: half of the sample at 0.1 mm to 0.3 mm ... 0.25 mm.
    expected = [0, 0.25, 1, 1, 0.25, 0]
    assert share(opening, grid).tolist() == pytest.approx(expected, abs=1e-12)


def test_an_edge_between_samples_is_sharp():
    """Rounding of an edge meant to lie between two samples leaves no trace of light beyond it."""
    for n in (7, 8, 30):
        grid = Grid(n, 7.3e-6)
        for k in range(n % 2 or 2, n + 1, 2):
            got = share(Rectangle((k * 7.3e-6,)), grid).tolist()
            assert got == [float(abs(2 * j - (n - 1)) < k) for j in range(n)]


def test_a_slit_converges_with_the_second_order():
    """Against the sinc of its width; cut from whole samples it would err by a sample, at first order."""
    width = 1 * MM
    output = Grid(65, SCALE / width / 8)
    u = output.coordinates[0]
    expected = width / math.sqrt(SCALE) * torch.sinc(width * u / SCALE).to(torch.complex128)

    def error(n: int) -> float:
        # A third of a sample beyond whole ones, on every grid: the worst place for an edge but one.
        grid = Grid(n, width / (n - 10 + 2 / 3))
        return relative_error(
            FourierLens(FOCAL_LENGTH, output)(lit(Aperture(Rectangle((width,))), grid)).data, expected
        )

    assert orders([error(n) for n in (106, 202, 394)]) == pytest.approx([2, 2], abs=0.2)


def lit(element, grid: Grid) -> Field:
    return element(Field(torch.ones(grid.shape, dtype=torch.float64), grid, WAVELENGTH))


def test_a_decentred_pupil_lets_light_through_where_it_stands():
    grid = Grid((60, 80), 20e-6)
    centre = (0.13 * MM, -0.31 * MM)
    for element in (Aperture(Decentred(Circle(0.5 * MM), centre)), Lens(1.0, Decentred(Circle(0.5 * MM), centre))):
        behind = lit(element, grid).data.abs()
        means = [float((behind * x).sum() / behind.sum()) for x in grid.coordinates]
        # The centre of gravity of shares is off by the second moment of a sample: (20 µm)²/12 over 0.5 mm.
        assert means == pytest.approx(centre, abs=1e-7)


@pytest.mark.parametrize("ndim", [1, 2])
def test_gradients_of_size_and_place(ndim):
    grid = Grid((7, 9)[:ndim], 1.0)
    size = torch.tensor(4.3, dtype=torch.float64, requires_grad=True)
    place = torch.tensor([0.13, -0.21][:ndim], dtype=torch.float64, requires_grad=True)

    def circle(d, s):
        return Decentred(Circle(d), tuple(s)).share(Samples.of(grid))

    def rectangle(d, s):
        return Decentred(Rectangle((d, 0.7 * d)[:ndim]), tuple(s)).share(Samples.of(grid))

    assert torch.autograd.gradcheck(circle, (size, place))
    assert torch.autograd.gradcheck(rectangle, (size, place))
    # A circle grows by its circumference, 2πr·dr.
    (slope,) = torch.autograd.grad(circle(size, place).sum(), size)
    assert float(slope) == pytest.approx(1.0 if ndim == 1 else math.pi * 4.3 / 2, rel=1e-9)


def test_a_trained_opening_is_built_at_every_call():
    grid = Grid((9, 9), 20e-6)
    diameter = torch.tensor(100e-6, dtype=torch.float64, requires_grad=True)
    stop = Aperture(Circle(diameter))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        first = lit(stop, grid).power
        with torch.no_grad():
            diameter += 40e-6
        assert lit(stop, grid).power > 1.5 * first


class TestGates:
    """What a grid is asked before light passes an opening."""

    window = Grid((200, 200), 20e-6)  # 4 mm

    @pytest.mark.parametrize("opening", [Circle(5 * MM), Rectangle((1 * MM, 5 * MM))], ids=["circle", "rectangle"])
    @pytest.mark.parametrize("build", [Aperture, lambda opening: Lens(1.0, opening)], ids=["aperture", "lens"])
    def test_wider_than_the_window_is_refused(self, opening, build):
        message = "an opening of 5 mm on a window of 4 mm; needs a window ≥ 5 mm or an opening ≤ 4 mm"
        with pytest.raises(ValueError, match=message):
            build(opening).check(self.window, WAVELENGTH)
        with pytest.raises(ValueError, match=message):
            lit(build(opening), self.window)

    def test_the_long_axis_may_be_too_short_alone(self):
        with pytest.raises(ValueError, match="window of 2 mm"):
            Aperture(Circle(3 * MM)).check(Grid((100, 200), 20e-6), WAVELENGTH)

    @pytest.mark.parametrize("cells", [49, 200, 333])
    @pytest.mark.parametrize("pitch", [7.3e-6, 20e-6 / 3])
    def test_as_wide_as_the_window_passes(self, cells, pitch):
        grid = Grid((cells, cells), pitch)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for opening in (Circle(cells * pitch), Rectangle((pitch * cells,) * 2), Circle(pitch / 3 * (3 * cells))):
                assert Aperture(opening).check(grid, WAVELENGTH) == grid

    def test_cut_by_the_window_warns(self):
        stop = Aperture(Decentred(Circle(3.5 * MM), (0.0, -0.4 * MM)))
        with pytest.warns(SamplingWarning, match=r"3\.5 mm, 400 um off .* window of 4 mm; needs a window ≥ 4\.3 mm"):
            stop.check(self.window, WAVELENGTH)

    def test_coarse_edges_warn_and_the_fix_works(self):
        with pytest.warns(SamplingWarning, match=r"of 300 um has .* samples of 20 um, 7% of it; needs spacing ≤ 15 um"):
            Aperture(Circle(0.3 * MM)).check(self.window, WAVELENGTH)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            Aperture(Circle(0.3 * MM)).check(Grid((200, 200), 15e-6), WAVELENGTH)
            Aperture(Circle(0.3 * MM)).check(Grid((40, 40), 20e-6, gauss(4)), WAVELENGTH)  # judged by its nodes
            Aperture(Rectangle((40e-6, 80e-6))).check(self.window, WAVELENGTH)  # edges between samples

    def test_warned_once_when_built_and_not_again_by_the_light(self):
        stop = Aperture(Circle(0.3 * MM))
        with pytest.warns(SamplingWarning):
            stop.check(self.window, WAVELENGTH)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            lit(stop, self.window)
            lit(stop, self.window)

    def test_the_light_asks_where_nobody_did(self):
        with pytest.warns(SamplingWarning):
            lit(Aperture(Circle(0.3 * MM)), self.window)


def test_bad_shifts_are_named():
    with pytest.raises(ValueError, match="a shift must be finite; got nan"):
        Decentred(Circle(1.0), (math.nan, 0.0))
    with pytest.raises(ValueError, match="expected a shift for each of the grid's 2 axes; got 1"):
        Aperture(Decentred(Circle(1e-4), (0.0,))).check(Grid((9, 9), 2e-5), WAVELENGTH)
