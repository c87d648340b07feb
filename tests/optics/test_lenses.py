"""Real lenses: what free space and a thin lens make of light, and what grids they need for it."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from scipy.special import fresnel

from optics import (
    Circle,
    Decentred,
    Field,
    FourierLens,
    FresnelTransfer,
    FresnelTransform,
    Grid,
    Lens,
    OpticalSystem,
    Rectangle,
    SamplingWarning,
    flat,
    gauss,
)
from tests.optics.oracles import WAVELENGTH, random_complex, relative_error

PITCH = 8e-6


@pytest.mark.parametrize("shape", [512, 511, (500, 400)], ids=str)
def test_space_lens_space_is_the_ideal_lens(shape):
    """For light that stays inside window and lens; free space adds i^(-d/2) to the ideal lens."""
    grid, focal_length = Grid(shape, 4e-6), 15e-3
    y = grid.coordinates[0]
    spot = torch.exp(-sum(((x - 60e-6) / 90e-6) ** 2 for x in grid.coordinates)) * torch.exp(2j * math.pi * 5000 * y)
    field = Field(spot, grid, WAVELENGTH)
    space = FresnelTransfer(focal_length)
    got = OpticalSystem(space, Lens(focal_length), space)(field)
    wanted = FourierLens(focal_length, grid)(field)
    # What the spot's Gaussian tail leaves outside the lens is below rounding.
    assert relative_error(got.data * 1j ** (grid.ndim / 2), wanted.data) < 1e-10


def vignetted(source: Grid, target: Grid, focal_length: float, pupil: float) -> np.ndarray:
    """The 2f system of a thin lens behind a slit, in closed form, as a matrix from samples to samples.

    Free space, lens and free space together leave one Fresnel integral over the pupil:
    exp(-2πi·xu/λf) · [F(pupil/2 - x - u) - F(-pupil/2 - x - u)] / (λf·√i²), where F(l) = ∫₀ˡ exp(iπt²/λf)dt.
    """
    scale = WAVELENGTH * focal_length
    x, u = source.axes[0].coordinates.numpy(), target.axes[0].coordinates.numpy()
    shift = u[:, None] + x[None, :]
    root = math.sqrt(2 / scale)
    (s1, c1), (s2, c2) = fresnel(root * (pupil / 2 - shift)), fresnel(root * (-pupil / 2 - shift))
    passed = (c1 - c2 + 1j * (s1 - s2)) / root
    kernel = np.exp(-2j * np.pi * np.outer(u, x) / scale) * passed / (1j * scale)
    return kernel * source.axes[0].weights.numpy()


def test_a_pupil_vignettes_as_fresnel_integrals_say():
    focal_length, pupil = 20e-3, 2e-3
    pixels, spectrum = Grid(12, PITCH, gauss(4)), Grid(40, 30e-6)
    # The pupil ends where the grid of the lens does, so its edge is exact; 8 nodes in every cell resolve the phase.
    glass = Grid(200, pupil / 200, gauss(8))
    system = OpticalSystem(
        FresnelTransform(focal_length, glass), Lens(focal_length), FresnelTransform(focal_length, spectrum)
    )
    data = random_complex(12).repeat_interleave(4)
    expected = torch.from_numpy(vignetted(pixels, spectrum, focal_length, pupil)) @ data
    got = system(Field(data, pixels, WAVELENGTH)).data
    assert relative_error(got, expected) < 1e-10
    ideal = FourierLens(focal_length, spectrum)(Field(data, pixels, WAVELENGTH)).data * 1j**-0.5
    assert 1e-3 < relative_error(got, ideal) < 0.5  # the pupil matters here


def test_a_lens_moves_light_to_where_it_should():
    """A plane wave that rises towards +y comes to focus above the axis, one behind a diverging lens spreads."""
    grid, focal_length = Grid((256, 4), 4e-6), 20e-3
    y = grid.coordinates[0]
    beam = torch.exp(-((y / 200e-6) ** 2) + 2j * math.pi * 2000 * y).expand(grid.shape)
    focus = Grid((64, 4), 2e-6)
    light = OpticalSystem(Lens(focal_length), FresnelTransform(focal_length, focus))(Field(beam, grid, WAVELENGTH))
    height = (light.intensity * focus.coordinates[0]).sum() / light.intensity.sum()
    assert float(height) == pytest.approx(2000 * WAVELENGTH * focal_length, rel=1e-3)


@pytest.mark.filterwarnings("ignore::optics.SamplingWarning")
def test_a_pupil_is_independent_of_the_grid():
    data = torch.ones(40, 40, dtype=torch.complex128)
    for pupil, area in ((Circle(200e-6), math.pi * 100e-6**2), (Rectangle((100e-6, 200e-6)), 2e-8)):
        for cells in (40, 160):
            grid = Grid((cells, cells), 320e-6 / cells)
            behind = Lens(50e-3, pupil)(Field(data[:1, :1].expand(cells, cells), grid, WAVELENGTH))
            # The edge is right to a cell: a few per cent, less on the finer grid.
            assert float(behind.power) == pytest.approx(area, rel=4 / cells * 2)


class TestSampling:
    focal_length = 10e-3

    def apply(self, extent, spacing, pupil=None):
        grid = Grid(round(extent / spacing), spacing)
        return Lens(self.focal_length, pupil)(Field(torch.ones(grid.shape), grid, WAVELENGTH))

    def test_a_resolved_lens_says_nothing(self):
        limit = WAVELENGTH * self.focal_length / 1e-3  # spacing λf/D for a width of 1 mm
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.apply(1e-3, limit * 0.99)
            self.apply(4e-3, limit * 0.99, Circle(0.99e-3))

    def test_an_aliased_lens_names_what_it_needs(self):
        with pytest.warns(SamplingWarning, match=r"f = 10 mm: samples every 8 um over 1 mm; needs spacing ≤ 6\.33 um"):
            self.apply(1e-3, 8e-6)

    def test_the_named_fix_works(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.apply(1e-3, 1e-3 / 158)  # ≤ 6.33 µm
            self.apply(1e-3, 8e-6, Circle(0.791e-3))  # the width it named

    def test_a_lens_beyond_all_resolution_is_refused(self):
        with pytest.raises(ValueError, match="needs spacing ≤"):
            self.apply(4e-3, 8e-6)

    def test_nodes_are_asked_by_their_mean_distance(self):
        """Four nodes every 24 µm are samples every 6 µm, three are samples every 8 µm."""
        lens = Lens(self.focal_length)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            lens.check(Grid(41, 24e-6, gauss(4)), WAVELENGTH)
            lens.check(Grid(1, 1e-3, gauss(200)), WAVELENGTH)
        with pytest.warns(SamplingWarning, match=r"samples every 8 um over 984 um; needs spacing ≤ 6\.433 um"):
            lens.check(Grid(41, 24e-6, gauss(3)), WAVELENGTH)
        with pytest.raises(ValueError, match="needs spacing ≤"):
            lens.check(Grid(1, 1e-3, gauss(20)), WAVELENGTH)

    def test_nodes_that_are_enough_are_right(self):
        """Silence is deserved: the phase of a lens over a cell of 200 nodes, against its integral."""
        root = math.sqrt(2 / (WAVELENGTH * self.focal_length))
        sine, cosine = fresnel(root * 0.5e-3)
        exact = 2 * complex(cosine, -sine) / root
        light = Lens(self.focal_length)(Field(torch.ones(200).double(), Grid(1, 1e-3, gauss(200)), WAVELENGTH))
        # The phase turns 20 times from the middle to the rim, over a hundred nodes: rounding is left.
        assert abs(complex((light.data * light.grid.weights).sum()) - exact) < 1e-12 * abs(exact)

    def test_a_pupil_is_asked_for_the_width_along_each_axis(self):
        """Samples every 12 µm resolve half a millimetre of the phase, those every 4 µm one and a half."""
        grid = Grid((125, 375), (12e-6, 4e-6))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            Lens(self.focal_length, Rectangle((0.5e-3, 1.5e-3))).check(grid, WAVELENGTH)
            Lens(self.focal_length, Decentred(Rectangle((0.4e-3, 1e-3)), (0.05e-3, 0.25e-3))).check(grid, WAVELENGTH)
        with pytest.raises(ValueError, match=r"samples every 12 um over 1\.5 mm"):
            Lens(self.focal_length, Rectangle((1.5e-3, 0.5e-3))).check(grid, WAVELENGTH)
        with pytest.warns(SamplingWarning, match="samples every 12 um over 600 um"):
            Lens(self.focal_length, Decentred(Rectangle((0.4e-3, 1e-3)), (0.1e-3, 0.0))).check(grid, WAVELENGTH)

    def test_a_spherical_wave_is_asked_too(self):
        grid = Grid(250, 8e-6)
        with pytest.warns(SamplingWarning, match="Fresnel transform over 20 mm"):
            FresnelTransform(20e-3, Grid(8, 1e-5))(Field(torch.ones(250), grid, WAVELENGTH))

    def test_a_transfer_function_is_asked_where_it_is_padded(self):
        grid = Grid(100, 8e-6)
        field = Field(torch.ones(100), grid, WAVELENGTH)
        reach = 2 * 100 * (8e-6) ** 2 / WAVELENGTH
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            FresnelTransfer(reach * 0.99)(field)
            FresnelTransfer(reach * 5, padding=1)(field)
        with pytest.warns(SamplingWarning, match=r"serves 20\.22 mm; needs a padded window ≥ 1\.616 mm"):
            FresnelTransfer(reach * 1.01)(field)


@pytest.mark.parametrize("focal_length", [0.0, math.nan, math.inf])
def test_focal_lengths_are_checked(focal_length):
    with pytest.raises(ValueError, match=f"not zero; got {focal_length}"):
        Lens(focal_length)


def test_flat_pixels_are_refused():
    with pytest.raises(ValueError, match="varies within a flat pixel"):
        Lens(0.1)(Field(torch.ones(4), Grid(4, PITCH, flat()), WAVELENGTH))
