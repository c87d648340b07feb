"""The closed form of a 2f system behind a slit: against quadrature, free space and a lens, and its limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from optics import (
    Axis,
    Cell,
    Field,
    FourierIntegral,
    FresnelSpectrumTransform,
    Grid,
    Lens,
    OpticalSystem,
    flat,
    gauss,
    point,
)
from optics.vignetting import glass, nodes_for, turns_per_metre, vignetted_integral
from tests.optics.oracles import WAVELENGTH, random_complex, relative_error
from tests.optics.test_lenses import vignetted

FOCAL_LENGTH = 20e-3
SCALE = WAVELENGTH * FOCAL_LENGTH
PIXELS, SPECTRUM = Grid(12, 8e-6, gauss(4)), Grid(40, 30e-6)
STRAIGHT = PIXELS.extent[0] + SPECTRUM.extent[0]  # what light on its straight way between them fills of the lens
# From a slit that cuts into the spectrum to one that lets everything through.
WIDTHS = pytest.mark.parametrize("width", [0.5e-3, STRAIGHT, 2e-3])
ROUNDING = 1e-12


def integral(source: Grid, target: Grid, width: float) -> torch.Tensor:
    return vignetted_integral(source.axes[0], target.axes[0], SCALE, width)


def chain(opening: Grid, output: Grid) -> OpticalSystem:
    """Free space, a lens that ends where the grid on it does, free space."""
    return OpticalSystem(
        FresnelSpectrumTransform(FOCAL_LENGTH, opening),
        Lens(FOCAL_LENGTH),
        FresnelSpectrumTransform(FOCAL_LENGTH, output),
    )


@WIDTHS
def test_is_the_closed_form_without_free_spaces_phase(width):
    expected = torch.from_numpy(vignetted(PIXELS, SPECTRUM, FOCAL_LENGTH, width)).mT * 1j**0.5
    assert relative_error(integral(PIXELS, SPECTRUM, width), expected) < ROUNDING


@WIDTHS
def test_is_the_integral_over_the_slit(width):
    """∫ over the lens of free space, lens and free space, exp(iπ[(x-l)² - l² + (u-l)²]/λf)/(λf), by Gauss nodes."""
    cells = math.ceil(2 * width * turns_per_metre(PIXELS.axes[0], SPECTRUM.axes[0], SCALE, width))
    lens = Axis(cells, width / cells, gauss(16))  # half a turn in each cell: 16 nodes are right to rounding
    x, at, u = (axis.coordinates.numpy() for axis in (PIXELS.axes[0], lens, SPECTRUM.axes[0]))
    forth = np.exp(1j * np.pi * ((x[:, None] - at) ** 2 - at**2) / SCALE) * lens.weights.numpy()
    onto = np.exp(1j * np.pi * (at[:, None] - u) ** 2 / SCALE)
    expected = forth @ onto * PIXELS.weights.numpy()[:, None] / SCALE / 1j**0.5
    assert relative_error(integral(PIXELS, SPECTRUM, width), torch.from_numpy(expected)) < ROUNDING


@pytest.mark.parametrize("width", [0.5e-3, STRAIGHT])
@pytest.mark.parametrize("density", [1, 2])
def test_is_space_lens_space(width, density):
    """So the glass is dense enough, too. Free space by plane waves fades at 1e-10; measured 5e-12 and less."""
    data = random_complex(12).repeat_interleave(4)
    opening = glass((width,), PIXELS, SPECTRUM, SCALE, density=density)
    assert opening.extent[0] == pytest.approx(width, rel=1e-14)
    got = chain(opening, SPECTRUM)(Field(data, PIXELS, WAVELENGTH)).data * 1j**0.5
    assert relative_error(got, data @ integral(PIXELS, SPECTRUM, width)) < 1e-10


def test_two_axes_are_two_integrals():
    source, target = Grid((3, 4), 8e-6, flat(0.9)), Grid((9, 6), 30e-6)
    data, widths = random_complex(source.shape), (0.7e-3, 0.5e-3)
    axes = zip(source.axes, target.axes, widths, strict=True)
    rows, columns = (vignetted_integral(a, b, SCALE, width) for a, b, width in axes)
    got = chain(glass(widths, source, target, SCALE), target)(Field(data, source, WAVELENGTH)).data * 1j
    assert relative_error(got, rows.mT @ data @ columns) < 1e-10  # as above


class TestFlatCells:
    @WIDTHS
    @pytest.mark.parametrize("fill", [0.3, 1.0])
    def test_are_integrated_in_front_and_averaged_behind(self, width, fill):
        source, target = Grid(5, 8e-6, flat(fill)), Grid(7, 90e-6, flat(fill))
        front, back = source.resolved(gauss(60, fill)), target.resolved(gauss(60, fill))
        shares = torch.tensor(gauss(60).weights, dtype=torch.float64)
        dense = integral(front, back, width).unflatten(0, (5, 60)).sum(1)  # the weights are in it
        expected = dense.unflatten(1, (7, 60)) @ shares.to(dense)
        assert relative_error(integral(source, target, width), expected) < ROUNDING

    def test_differ_from_points(self):
        """So that the test above can fail: 8 µm pixels turn the phase by 0.3 at the edge of this spectrum."""
        assert (
            relative_error(integral(Grid(5, 8e-6, flat()), SPECTRUM, 2e-3), integral(Grid(5, 8e-6), SPECTRUM, 2e-3))
            > 1e-2
        )


def test_cells_that_are_not_symmetric_are_computed_sample_by_sample():
    """Half of a matrix tells the other half only where both are there."""
    lopsided, points = Axis(3, 8e-6, Cell((-0.5, 0.3), (0.5, 0.5))), Axis(4, 8e-6)
    edges = Axis(4, 8e-6)  # of the three cells: all but the last are samples of theirs
    got = vignetted_integral(lopsided, points, SCALE, 1e-3)[::2] / 4e-6
    wanted = vignetted_integral(edges, points, SCALE, 1e-3)[:3] / 8e-6
    assert relative_error(got, wanted) < ROUNDING
    got = vignetted_integral(points, lopsided, SCALE, 1e-3)[:, ::2]
    assert relative_error(got, vignetted_integral(points, edges, SCALE, 1e-3)[:, :3]) < ROUNDING


@WIDTHS
def test_reciprocity(width):
    """What x sends to u, u sends to x; either may be flat."""
    a, b = Grid(5, 8e-6, flat(0.8)), Grid(7, 30e-6, gauss(3))
    forth = integral(a, b, width) / a.axes[0].weights[:, None]
    back = integral(b, a, width) / b.axes[0].weights[:, None]
    assert relative_error(back, forth.mT) < ROUNDING


def test_without_an_edge_it_is_the_fourier_integral():
    """The edges ripple as 1/width: P - 1 is 1/(√2·π·s) of each, s = √(2/λf)·(width/2 - x - u).

    Between one place and another the ripple turns with the square of the width; its largest value over
    the plane does not.
    """
    source, target = Grid(24, 4e-6), Grid(40, 15e-6)
    ideal = FourierIntegral(source, target, SCALE)(torch.eye(24, dtype=torch.complex128))
    widths = [8e-3, 16e-3, 32e-3, 64e-3]
    errors = [float(((integral(source, target, w) - ideal).abs() / ideal.abs()).max()) for w in widths]
    for width, error in zip(widths, errors, strict=True):
        nearest = width / 2 - (source.extent[0] + target.extent[0]) / 2
        both = 2 / (math.sqrt(2) * math.pi * math.sqrt(2 / SCALE) * nearest)
        assert 0.5 * both < error < 1.01 * both  # the next term of the expansion is (λf/width²) of this one


def test_a_narrow_slit_passes_a_share():
    """P falls to (width/√λf)·i^(-1/2): the slit as a secondary source."""
    width = 1e-8  # so narrow that its own phase is a hundred-thousandth of a turn
    source, target = Grid(3, 8e-6), Grid(4, 8e-6)
    (x,), (u,) = source.coordinates, target.coordinates
    waves = torch.exp(1j * math.pi * (x[:, None] ** 2 + u**2) / SCALE)
    expected = waves * width / SCALE * 8e-6 * 1j**-0.5
    assert relative_error(integral(source, target, width), expected) < 1e-5


class TestNodes:
    @pytest.mark.parametrize("turns", [0, 0.3, 1, 4, 17.5, 100])
    def test_are_enough_and_not_many_more(self, turns):
        """∫exp(iπ·turns·t)dt over ±1 is 2·sinc(turns)."""

        def error(count):
            nodes, weights = np.polynomial.legendre.leggauss(count)
            return abs((weights * np.exp(1j * np.pi * turns * nodes)).sum() - 2 * np.sinc(turns))

        enough = nodes_for(turns)
        assert error(enough) < 1e-12
        assert error(enough * 2 // 3) > 1e-12 or turns < 0.5

    def test_turns_are_those_of_the_steepest_wave(self):
        """The phase that the kernel turns by across the outermost pixel does not exceed the rate."""
        source, target = Axis(2000, 1e-7), Axis(1, 1e-7)
        for width in (0.1e-3, 1e-3):
            rate = turns_per_metre(source, target, SCALE, width)
            phase = np.unwrap(np.angle(vignetted_integral(source, target, SCALE, width)[:, 0].numpy()))
            assert 0.3 * 0.2e-3 / (2 * SCALE) < np.abs(np.diff(phase)).max() / 1e-7 / (2 * np.pi) + 1 < 2 * rate + 1


@pytest.mark.parametrize("width", [0.0, -1e-3, math.nan, math.inf])
def test_widths_are_checked(width):
    with pytest.raises(ValueError, match=f"width of the slit must be a positive length in metres; got {width}"):
        vignetted_integral(Axis(3, 8e-6, point()), Axis(3, 8e-6), SCALE, width)
