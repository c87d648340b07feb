"""Free space by plane waves onto any grid: against direct sums of diffraction integrals, closed forms, and itself."""

from __future__ import annotations

import math
import re
import warnings

import numpy as np
import pytest
import torch
from scipy.special import hankel1

from optics import (
    AngularSpectrum,
    AngularSpectrumTransform,
    Field,
    FresnelSpectrumTransform,
    FresnelTransfer,
    FresnelTransform,
    Grid,
    SamplingWarning,
    flat,
    gauss,
    point,
)
from optics.units import parse_length
from tests.optics.oracles import WAVELENGTH, random_complex, relative_error
from tests.optics.test_propagation import RAYLEIGH, beam, propagated

# Beams that fade before the rim of their window have none of the waves that the samples of a wide window lack.
SMOOTH = pytest.mark.filterwarnings("ignore:.* lack .* of the waves from the edges:optics.SamplingWarning")
KINDS = pytest.mark.parametrize("kind", [AngularSpectrumTransform, FresnelSpectrumTransform])
PIXELS = Grid(12, 8e-6, flat(0.8))
SCREEN = Grid(81, 5e-6)
NEAR_SCREEN = Grid(57, 5e-6)
# Waves behind the last fading differ from none by 1e-10 of the strength of one wave; measured are 4e-11 and less.
FADED = 1e-9
# Sums of some thousand terms of one size.
ROUNDING = 1e-12


def over_nodes(data: torch.Tensor, nodes: int) -> torch.Tensor:
    for axis in range(data.ndim):
        data = data.repeat_interleave(nodes, dim=axis)
    return data


@pytest.fixture
def by_plans(monkeypatch) -> None:
    """Waves one by one, as where matrices would be too large."""
    monkeypatch.setattr("optics.spectral._LARGEST_MATRIX", 0)


@SMOOTH
class TestBeams:
    # The waists leave nothing of the beam at the edge of its window. Float32: rounded field and rounded kernels.
    precisions = pytest.mark.parametrize(
        ("dtype", "limit"), [(torch.complex128, 1e-12), (torch.complex64, 1e-6)], ids=["float64", "float32"]
    )

    @precisions
    @pytest.mark.parametrize(
        ("source", "output"),
        [(Grid(512, 3e-6), Grid(301, 4.1e-6)), (Grid((100, 120), 6e-6), Grid((50, 61), 11e-6))],
        ids=["1d", "2d"],
    )
    def test_fresnel_has_the_closed_form(self, source, output, dtype, limit):
        got = propagated(FresnelSpectrumTransform(RAYLEIGH, output), beam(source, 0).to(dtype), source)
        assert got.dtype == dtype
        assert relative_error(got, beam(output, RAYLEIGH)) < limit

    @precisions
    @pytest.mark.parametrize(
        ("kind", "transfer"),
        [(AngularSpectrumTransform, AngularSpectrum), (FresnelSpectrumTransform, FresnelTransfer)],
    )
    @pytest.mark.parametrize("shape", [256, 255, (60, 64)], ids=str)
    def test_is_the_transfer_function_on_its_lattice(self, kind, transfer, shape, dtype, limit):
        """A steep beam, whose light stays within eight windows of padding."""
        grid, distance = Grid(shape, 2e-6), 0.4e-3
        steep = torch.exp(2j * math.pi * 60e3 * grid.coordinates[0])
        start = (beam(grid, 0, 10e-6) * steep).to(dtype)
        got = propagated(kind(distance, grid), start, grid)
        assert relative_error(got, propagated(transfer(distance, padding=8), start.cdouble(), grid)) < limit

    @KINDS
    def test_a_second_step_adds_to_the_first(self, kind):
        grid = Grid((128, 120), 4e-6)
        start = beam(grid, 0)
        in_steps = propagated(kind(2e-3, grid), propagated(kind(1e-3, grid), start, grid), grid)
        # The beam stays six waists inside the window; what leaves is exp(-36) of it.
        assert relative_error(in_steps, propagated(kind(3e-3, grid), start, grid)) < 1e-10


class TestDirectSums:
    """The diffraction integrals summed over Gauss nodes, for light that goes aside by up to twice the distance."""

    # Towards grazing waves, positions crowd in frequency and the fading is no longer one of 4.5 zones: by how much is
    # measured, from 1e-11 at 52° and 5e-7 at 69°. Waves cut off at some angle would show at 1e-3 and more.
    @pytest.mark.parametrize(("distance", "limit"), [(0.1e-3, 1e-6), (0.2e-3, FADED), (1e-3, FADED)])
    def test_rayleigh_sommerfeld_in_one_dimension(self, distance, limit):
        """E(x) = ∫ E(x') · (ik/2)·(z/R)·H₁(kR) dx', the normal derivative of the wave of a line source."""
        data, nodes = random_complex(12), PIXELS.resolved(gauss(60, 0.8))
        k = 2 * math.pi / WAVELENGTH
        x, u = nodes.axes[0].coordinates.numpy(), SCREEN.axes[0].coordinates.numpy()
        r = np.hypot(u[:, None] - x, distance)
        kernel = 0.5j * k * distance / r * hankel1(1, k * r) * np.exp(-1j * k * distance)
        expected = torch.from_numpy(kernel * nodes.axes[0].weights.numpy()) @ over_nodes(data, 60)
        got = propagated(AngularSpectrumTransform(distance, SCREEN), data, PIXELS)
        assert relative_error(got, expected) < limit
        paraxial = propagated(FresnelSpectrumTransform(distance, NEAR_SCREEN), data, PIXELS)
        assert relative_error(paraxial, expected[12:69]) > 0.03  # Fresnel's approximation does not reach so far

    def test_rayleigh_sommerfeld_in_two_dimensions(self):
        source, output, distance = Grid((3, 4), 3e-6, flat()), Grid((9, 7), 4e-6), 40e-6
        data = random_complex((3, 4))
        nodes = source.resolved(gauss(24))
        k = 2 * math.pi / WAVELENGTH
        (y, x), (v, u) = nodes.coordinates, output.coordinates
        r = torch.sqrt((v[..., None, None] - y) ** 2 + (u[..., None, None] - x) ** 2 + distance**2)
        kernel = distance / (2 * math.pi * r**2) * (1 / r - 1j * k) * torch.exp(1j * k * (r - distance))
        expected = (kernel * nodes.weights * over_nodes(data, 24)).sum((-2, -1))
        got = propagated(AngularSpectrumTransform(distance, output), data, source)
        # As above, at 40°; measured 2.4e-7. Without its evanescent waves the integral is wrong by 1/kz = 2.5e-3.
        assert relative_error(got, expected) < 1e-6

    @pytest.mark.parametrize(
        ("distance", "screen"), [(0.1e-3, NEAR_SCREEN), (0.3e-3, SCREEN), (2e-3, SCREEN), (30e-3, SCREEN)]
    )
    def test_fresnel(self, distance, screen):
        """Near and far, for waves that would be evanescent, too: in the paraxial limit none are."""
        scale = WAVELENGTH * distance
        data, nodes = random_complex(12), PIXELS.resolved(gauss(60, 0.8))
        x, u = nodes.axes[0].coordinates.numpy(), screen.axes[0].coordinates.numpy()
        kernel = np.exp(1j * np.pi * (u[:, None] - x) ** 2 / scale) / np.sqrt(1j * scale)
        expected = torch.from_numpy(kernel * nodes.axes[0].weights.numpy()) @ over_nodes(data, 60)
        got = propagated(FresnelSpectrumTransform(distance, screen), data, PIXELS)
        assert relative_error(got, expected) < FADED


class TestCells:
    @KINDS
    @pytest.mark.parametrize("distance", [1e-3, 20e-3])
    def test_flat_pixels_send_what_their_nodes_send(self, kind, distance):
        data, propagator = random_complex(12), kind(distance, SCREEN)
        nodes = propagated(propagator, over_nodes(data, 24), PIXELS.resolved(gauss(24, 0.8)))
        assert relative_error(propagated(propagator, data, PIXELS), nodes) < ROUNDING

    @KINDS
    @pytest.mark.parametrize(("source", "cells"), [(PIXELS, 81), (Grid((5, 4), 8e-6, flat(0.8)), (9, 6))], ids=str)
    def test_flat_pixels_receive_the_mean_over_their_nodes(self, kind, source, cells):
        data = random_complex(source.shape)
        camera = Grid(cells, 5e-6, flat(0.7))
        nodes = camera.resolved(gauss(16, 0.7))
        light = propagated(kind(1e-3, nodes), data, source)
        mean = light * nodes.weights / (0.7 * 5e-6) ** nodes.ndim
        for axis, count in enumerate(camera.cells):
            mean = mean.unflatten(axis, (count, 16)).sum(axis + 1)
        assert relative_error(propagated(kind(1e-3, camera), data, source), mean) < ROUNDING


class TestBand:
    @KINDS
    @pytest.mark.parametrize("distance", [0.6e-3, 1e-3, 20e-3])
    def test_a_wider_output_changes_nothing_in_the_middle(self, kind, distance):
        """Pixel edges send light everywhere: cut off sharply, the waves not needed would show as ripples."""
        source = PIXELS
        data, wide = random_complex(source.shape), Grid(243, 5e-6)
        middle = propagated(kind(distance, wide), data, source)[81:162]
        assert relative_error(propagated(kind(distance, SCREEN), data, source), middle) < FADED

    @KINDS
    def test_a_wider_output_in_the_plane(self, kind):
        source = Grid((3, 4), 8e-6, flat())
        data = random_complex(source.shape)
        middle = propagated(kind(1e-3, Grid((27, 20), 5e-6)), data, source)[9:18, 5:15]
        assert relative_error(propagated(kind(1e-3, Grid((9, 10), 5e-6)), data, source), middle) < FADED

    @KINDS
    def test_one_place_far_beside_or_one_source(self, kind):
        """Single cells: what one point of a plane sends and receives is one number of the whole."""
        single, both = Grid(1, 5e-6), Grid(81, 5e-6)
        unit = torch.zeros(81, dtype=torch.complex128)
        unit[40] = 1
        everywhere = propagated(kind(1e-3, both), unit, both.resolved(flat()))
        alone = propagated(kind(1e-3, both), unit[40:41], single.resolved(flat()))
        assert relative_error(alone, everywhere) < FADED
        assert relative_error(propagated(kind(1e-3, single), unit, both.resolved(flat())), everywhere[40:41]) < FADED


class TestRoutes:
    cases = pytest.mark.parametrize(
        ("source", "output"),
        [
            (PIXELS.resolved(gauss(24, 0.8)), SCREEN),
            (Grid((3, 4), 8e-6, gauss(24, 0.8)), Grid((15, 12), 7e-6)),
        ],
        ids=["1d", "2d"],
    )

    @cases
    @pytest.mark.parametrize(("dtype", "limit"), [(torch.complex128, FADED), (torch.complex64, 2e-6)], ids=str)
    def test_matrices_are_the_fresnel_transform(self, source, output, dtype, limit):
        self.compare(source, output, dtype, limit)

    @cases
    @pytest.mark.usefixtures("by_plans")
    @pytest.mark.parametrize(("dtype", "limit"), [(torch.complex128, FADED), (torch.complex64, 2e-6)], ids=str)
    def test_wave_by_wave_is_the_fresnel_transform(self, source, output, dtype, limit):
        self.compare(source, output, dtype, limit)

    def compare(self, source, output, dtype, limit):
        # Both have kernels rounded from float64; some hundred terms add up in float32.
        data = over_nodes(random_complex(source.cells), 24)
        expected = propagated(FresnelTransform(5e-3, output), data, source)
        got = propagated(FresnelSpectrumTransform(5e-3, output), data.to(dtype), source)
        assert got.dtype == dtype
        assert relative_error(got, expected) < limit

    def test_a_matrix_made_in_parts_is_the_matrix(self, monkeypatch):
        source, output = Grid((3, 4), 8e-6, flat(0.8)), Grid((9, 7), 7e-6)
        data = random_complex(source.shape)
        whole = propagated(FresnelSpectrumTransform(1e-3, output), data, source)
        monkeypatch.setattr("optics.spectral._LARGEST_MATRIX", 4 * 9)  # room for the matrices, not for two spectra
        assert relative_error(propagated(FresnelSpectrumTransform(1e-3, output), data, source), whole) < ROUNDING

    @pytest.mark.parametrize("kind", [AngularSpectrumTransform, FresnelSpectrumTransform])
    def test_what_is_kept_belongs_to_its_grid_and_wavelength(self, kind):
        propagator, data = kind(1e-3, SCREEN), random_complex(12)
        coarse = PIXELS.resolved(flat(0.4))
        for grid, wavelength in ((PIXELS, WAVELENGTH), (coarse, WAVELENGTH), (PIXELS, 2 * WAVELENGTH)):
            field = Field(data, grid, wavelength)
            assert torch.equal(propagator(field).data, kind(1e-3, SCREEN)(field).data)


class TestGradients:
    """In millimetres and micrometres, so that the finite steps of gradcheck suit both."""

    @staticmethod
    def light(kind, source, output, distance, wavelength, data):
        return torch.view_as_real(kind(distance * 1e-3, output)(Field(data, source, wavelength * 1e-6)).data)

    @pytest.mark.parametrize("kind", [AngularSpectrumTransform, FresnelSpectrumTransform])
    @pytest.mark.parametrize("source", [Grid(5, 8e-6, flat()), Grid((3, 2), 8e-6, flat(0.8))], ids=["1d", "2d"])
    def test_in_distance_wavelength_and_field(self, kind, source):
        output = Grid([3] * source.ndim, 9e-6)
        lengths = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (1.5, 0.633)]
        # 1e-6 of the finite steps, and the band, which follows the lengths without a gradient, to its 1e-10 per 1e-6.
        data = random_complex(source.shape).requires_grad_()
        assert torch.autograd.gradcheck(
            lambda z, w, e: self.light(kind, source, output, z, w, e), (*lengths, data), atol=1e-3, rtol=1e-4
        )

    @pytest.mark.usefixtures("by_plans")
    def test_wave_by_wave(self):
        self.test_in_distance_wavelength_and_field(FresnelSpectrumTransform, Grid((3, 2), 8e-6, flat(0.8)))

    @pytest.mark.parametrize("kind", [AngularSpectrumTransform, FresnelSpectrumTransform])
    def test_a_distance_is_trained_step_by_step(self, kind):
        """Each step sees the distance as it is then, and has a graph of its own."""
        distance = torch.tensor(1e-3, dtype=torch.float64, requires_grad=True)
        propagator, field = kind(distance, SCREEN), Field(random_complex(12), PIXELS, WAVELENGTH)
        for _ in range(2):
            (slope,) = torch.autograd.grad(propagator(field).data[40].abs(), distance)
            with torch.no_grad():
                distance += 1e-5 * slope.sign()
            now = kind(float(distance.detach()), SCREEN)(field).data
            assert relative_error(propagator(field).data, now) < ROUNDING


class TestSamples:
    """What is asked of points and nodes that end sharply at the rim of their window: whether flat pixels agree."""

    window, wavelength = 64e-6, 1e-6
    camera = Grid(64, 1e-6)

    def error(self, kind, distance, cells, cell, output=camera) -> float:
        """Of a window of constant light, next to the flat pixel that it is."""
        nodes, pixel = Grid(cells, self.window / cells, cell), Grid(1, self.window, flat())
        propagator = kind(distance, output)
        wanted = propagator(Field(torch.ones(1, dtype=torch.complex128), pixel, self.wavelength))
        got = propagator(Field(torch.ones(nodes.shape, dtype=torch.complex128), nodes, self.wavelength))
        return relative_error(got.data, wanted.data)

    @KINDS
    @pytest.mark.parametrize(("distance", "error"), [(0.3e-3, 0.11), (5e-3, 0.016)])
    def test_too_few_points_are_named_and_the_fix_works(self, kind, distance, error):
        with pytest.warns(SamplingWarning, match="samples every 8 um lack .* a window of 64 um to an output") as caught:
            assert self.error(kind, distance, 8, point()) == pytest.approx(error, rel=0.05)
        (spacing,) = [parse_length(text) for text in re.findall(r"spacing ≤ ([\d.]+ \w+)", str(caught[0].message))]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # Points have edges that are blurred by as much as they are apart: the error falls with the spacing.
            assert self.error(kind, distance, math.ceil(self.window / spacing), point()) < error * spacing / 8e-6

    @KINDS
    @pytest.mark.parametrize("distance", [0.15e-3, 0.3e-3, 1e-3])
    def test_silence_about_nodes_is_deserved(self, kind, distance):
        """From the first number of cells on that nobody complains of, 16 nodes each, light is right to 1e-6."""
        for cells in range(1, 20):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                error = self.error(kind, distance, cells, gauss(16))
            if not caught:
                break
        assert cells > 1
        assert error < 1e-6  # exponentially in the nodes: measured are 3e-8 to 1e-14
        with pytest.warns(SamplingWarning, match="lack"):
            assert self.error(kind, distance, max(1, cells // 2), gauss(16)) > 1e-3

    @KINDS
    def test_two_axes_are_asked_each(self, kind):
        grid = Grid((8, 128), (8e-6, 0.5e-6))
        with pytest.warns(SamplingWarning, match="samples every 8 um lack") as caught:
            kind(0.3e-3, Grid((4, 4), 8e-6)).check(grid, self.wavelength)
        assert len(caught) == 1

    @KINDS
    def test_an_output_beyond_the_light_is_refused(self, kind):
        """Waves of points every 8 µm go 19 µm aside: they light 102 µm of an output, less than half of 256 µm."""
        for ask in (
            lambda: self.error(kind, 0.3e-3, 8, point(), Grid(64, 4e-6)),
            lambda: kind(0.3e-3, Grid(64, 4e-6)).check(Grid(8, 8e-6), self.wavelength),
        ):
            with pytest.raises(ValueError, match=r"light up 101\.\d um at most; needs"):
                ask()

    @KINDS
    def test_warned_once(self, kind):
        propagator, field = kind(0.3e-3, self.camera), Field(torch.ones(8), Grid(8, 8e-6), self.wavelength)
        with pytest.warns(SamplingWarning):
            propagator(field)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            propagator(field)

    @KINDS
    def test_evanescent_points_are_refused(self, kind):
        with pytest.raises(ValueError, match=r"every 300 nm hold evanescent waves.*needs spacing ≥ 500 nm"):
            kind(1e-3, self.camera)(Field(torch.ones(8), Grid(8, 300e-9), self.wavelength))
        kind(1e-3, self.camera).check(Grid(300, 300e-9, gauss(2)), self.wavelength)  # nodes are a quadrature

    def test_no_paraxial_wave_reaches_beyond_the_distance(self):
        propagator = FresnelSpectrumTransform(0.1e-3, Grid(100, 3e-6))
        with pytest.raises(ValueError, match=r"reaches the rim of an output of 300 um; needs an extent ≤ 264 um"):
            propagator.check(Grid(8, 8e-6, flat()), self.wavelength)
        AngularSpectrumTransform(0.1e-3, Grid(100, 3e-6)).check(Grid(8, 8e-6, flat()), self.wavelength)

    @KINDS
    @pytest.mark.parametrize("distance", [math.nan, -1e-3])
    def test_a_distance_that_training_spoils_is_refused(self, kind, distance):
        trained = torch.nn.Parameter(torch.tensor(1e-3, dtype=torch.float64))
        propagator = kind(trained, self.camera)
        with torch.no_grad():
            trained.fill_(distance)
        with pytest.raises(ValueError, match=f"distance must be a positive length in metres; got {distance}"):
            propagator(Field(torch.ones(1), Grid(1, 8e-6, flat()), self.wavelength))


class TestBadInput:
    @KINDS
    @pytest.mark.parametrize("distance", [0.0, -1e-3, math.nan, math.inf])
    def test_distances_are_checked(self, kind, distance):
        with pytest.raises(ValueError, match=f"distance must be a positive length in metres; got {distance}"):
            kind(distance, SCREEN)

    @KINDS
    def test_dimensions_must_agree(self, kind):
        propagator, plane = kind(1e-3, SCREEN), Grid((3, 3), 8e-6)
        for ask in (
            lambda: propagator(Field(random_complex((3, 3)), plane, WAVELENGTH)),
            lambda: propagator.check(plane, WAVELENGTH),
        ):
            with pytest.raises(ValueError, match="both be 1-D or both 2-D; got 2-D and 1-D"):
                ask()

    @KINDS
    def test_check_gives_the_output(self, kind):
        assert kind(1e-3, SCREEN).check(PIXELS, WAVELENGTH) == SCREEN


def test_light_within_a_wavelength_is_said_to_lack_its_evanescent_part():
    with pytest.warns(SamplingWarning, match="within a wavelength of edges light is evanescent"):
        AngularSpectrumTransform(0.5 * WAVELENGTH, Grid(20, 4e-6)).check(PIXELS, WAVELENGTH)
    AngularSpectrumTransform(1.1 * WAVELENGTH, Grid(20, 4e-6)).check(PIXELS, WAVELENGTH)
