"""Pixels on grids that are not theirs."""

from __future__ import annotations

import math
import warnings

import pytest
import torch

from optics import Field, FourierLens, Grid, Mask, Pixelated, SamplingWarning, flat, gauss, midpoint
from tests.optics.oracles import (
    FOCAL_LENGTH,
    PITCH,
    SCALE,
    WAVELENGTH,
    orders,
    random_complex,
    random_real,
    relative_error,
)


def through(values: torch.Tensor, pitch, grid: Grid, data: torch.Tensor | None = None) -> torch.Tensor:
    data = torch.ones(grid.shape, dtype=torch.complex128) if data is None else data
    return Pixelated(values, pitch)(Field(data, grid, WAVELENGTH)).data


@pytest.mark.parametrize("cell", [None, gauss(3), midpoint(2)], ids=["point", "gauss", "midpoint"])
@pytest.mark.parametrize("values", [random_real((5, 4)), random_complex((2, 5, 4))], ids=["real", "complex-batch"])
def test_on_its_own_pixels_it_is_the_mask(values, cell):
    grid = Grid((5, 4), PITCH, cell)
    data = random_complex(grid.shape, 1)
    expected = Mask(values, PITCH)(Field(data, grid, WAVELENGTH)).data
    assert relative_error(through(values, PITCH, grid, data), expected) < 1e-13  # quotients of lengths


def test_finer_and_wider_grids_see_the_same_map():
    values = random_complex((3, 4), 2)
    got = through(values, (2 * PITCH, 3 * PITCH), Grid((10, 14), PITCH))
    inside = torch.kron(values, torch.ones(2, 3))
    assert relative_error(got, torch.nn.functional.pad(inside, (1, 1, 2, 2))) < 1e-13


@pytest.mark.parametrize("cell", [flat(0.6), gauss(3, 0.6), midpoint(2, 0.6)], ids=["flat", "gauss", "midpoint"])
def test_gaps_between_pixels_are_those_between_cells(cell):
    values, grid = random_complex((5, 4)), Grid((5, 4), PITCH, cell)
    lit = Field(random_complex(grid.shape, 1), grid, WAVELENGTH)
    got = Pixelated(values, PITCH, 0.6)(lit).data  # silent: warnings are errors
    assert relative_error(got, Mask(values, PITCH)(lit).data) < 1e-13


def test_gaps_are_opaque_and_samples_on_their_edges_get_a_share():
    """Of a pixel of five samples 0.6 are three whole ones; 0.8 are three and two halves of another two."""
    grid = Grid(10, PITCH / 5)
    field = Field(torch.ones(10, dtype=torch.complex128), grid, WAVELENGTH)
    for fill, shares in ((0.6, [0.0, 1, 1, 1, 0]), (0.8, [0.5, 1, 1, 1, 0.5])):
        got = Pixelated(torch.tensor([1.0, 2.0]), PITCH, fill)(field).data
        expected = torch.kron(torch.tensor([1.0, 2.0]), torch.tensor(shares))
        assert relative_error(got, expected) < 1e-13


@pytest.mark.parametrize("fill", [0.0, 1.1, math.nan])
def test_fill_is_a_share(fill):
    with pytest.raises(ValueError, match="fill is the active fraction of a pixel's width, above 0 and at most 1"):
        Pixelated(torch.ones(4), PITCH, fill)


@pytest.mark.filterwarnings("ignore::optics.SamplingWarning")
@pytest.mark.parametrize("fill", [0.7, 1.0])
def test_any_grid_converges_with_the_second_order(fill):
    """Towards what pixels of Gauss nodes give, whose edges are exact."""
    values, output = random_complex(6, 3), Grid(40, SCALE / (50 * PITCH))
    lens = FourierLens(FOCAL_LENGTH, output)
    exact = lens(Mask(values, PITCH)(Field(torch.ones(48), Grid(6, PITCH, gauss(8, fill)), WAVELENGTH))).data

    def error(n: int) -> float:
        # The window is wider than the pixels by a part of a sample, as on every other grid.
        grid = Grid(n, 6 * PITCH / (n - 4 / 3))
        return relative_error(
            lens(Pixelated(values, PITCH, fill)(Field(torch.ones(n).double(), grid, WAVELENGTH))).data, exact
        )

    errors = [error(n) for n in (64, 256, 1024)]
    assert sum(orders(errors)) / 4 == pytest.approx(2, abs=0.2)


def test_gradcheck_of_values():
    grid = Grid((5, 6), 0.7 * PITCH)
    values = random_complex((2, 2), 4).requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        assert torch.autograd.gradcheck(lambda v: through(v, 1.7 * PITCH, grid), (values,))


def test_a_parameter_is_trained():
    screen = Pixelated(torch.nn.Parameter(torch.ones(4)), PITCH)
    assert [name for name, _ in screen.named_parameters()] == ["values"]
    light = screen(Field(torch.ones(8), Grid(8, PITCH / 2), WAVELENGTH))
    assert light.data.dtype == torch.complex64
    light.power.backward()
    assert screen.values.grad.numpy() == pytest.approx(2 * PITCH, rel=1e-6)  # of float32


class TestGates:
    def test_samples_larger_than_pixels(self):
        with pytest.raises(ValueError, match=r"pixels of 8 um on samples of 10 um: samples must not be larger"):
            Pixelated(torch.ones(4, 4), PITCH).check(Grid((4, 4), 10e-6), WAVELENGTH)

    def test_samples_that_do_not_divide_the_pixels(self):
        screen = Pixelated(torch.ones(4, 4), PITCH)
        with pytest.warns(
            SamplingWarning, match=r"samples of 3 um that do not divide them evenly; needs spacing ≤ 2 um"
        ):
            screen.check(Grid((9, 9), 3e-6), WAVELENGTH)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            screen.check(Grid((9, 9), 2e-6), WAVELENGTH)
            screen.check(Grid((4, 6), PITCH), WAVELENGTH)
            screen.check(Grid((12, 12), PITCH / 3), WAVELENGTH)
            screen.check(Grid((3, 3), 12e-6, gauss(6)), WAVELENGTH)

    def test_gaps_that_samples_do_not_resolve(self):
        with pytest.warns(
            SamplingWarning, match=r"samples of 2 um that do not divide them evenly; needs spacing ≤ 1.2 um"
        ):
            Pixelated(torch.ones(4, 4), PITCH, 0.6).check(Grid((16, 16), 2e-6), WAVELENGTH)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            Pixelated(torch.ones(4, 4), PITCH, 0.5).check(Grid((16, 16), 2e-6), WAVELENGTH)

    def test_pixels_moved_by_a_part_of_a_sample(self):
        screen, grid = Pixelated(torch.ones(4, 4), PITCH), Grid((8, 8), PITCH / 2)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            screen.check(grid, WAVELENGTH, (PITCH / 2, -PITCH))
        with pytest.warns(SamplingWarning, match="do not divide them evenly; needs spacing ≤ 2 um"):
            screen.check(grid, WAVELENGTH, (PITCH / 3, 0.0))

    @pytest.mark.parametrize(("values", "pitch"), [(torch.ones(4), PITCH), (torch.ones(4, 4), (PITCH,) * 3)])
    def test_axes(self, values, pitch):
        with pytest.raises(ValueError, match="a pitch along each of the grid's 2 axes; got values of shape"):
            Pixelated(values, pitch).check(Grid((4, 4), PITCH), WAVELENGTH)

    @pytest.mark.parametrize("pitch", [0.0, -PITCH, math.nan])
    def test_pitch(self, pitch):
        with pytest.raises(ValueError, match="must be a positive length"):
            Pixelated(torch.ones(4), pitch).check(Grid(4, PITCH), WAVELENGTH)
