"""Free space against closed forms, direct sums, and itself."""

from __future__ import annotations

import math

import astropy.units as u
import numpy as np
import poppy
import pytest
import torch
from scipy.special import fresnel, j1

from optics import (
    AngularSpectrum,
    AngularSpectrumTransform,
    Field,
    FourierLens,
    Fraunhofer,
    FresnelSpectrumTransform,
    FresnelTransfer,
    FresnelTransform,
    Grid,
    flat,
    gauss,
    midpoint,
)
from optics.waves import squares
from tests.optics.oracles import WAVELENGTH, orders, random_complex, relative_error

# Some windows do not resolve the transfer function at the edge of a spectrum where these beams have no light.
pytestmark = pytest.mark.filterwarnings("ignore::optics.SamplingWarning")

WAIST = 40e-6
RAYLEIGH = math.pi * WAIST**2 / WAVELENGTH


def beam(grid: Grid, z: float, waist: float = WAIST) -> torch.Tensor:
    """A Gaussian beam of the paraxial wave equation, without exp(ikz) (Siegman, Lasers, §16.3)."""
    q = complex(z, -math.pi * waist**2 / WAVELENGTH)
    squares = sum(x.square() for x in grid.coordinates)
    amplitude = (complex(0, -math.pi * waist**2 / WAVELENGTH) / q) ** (grid.ndim / 2)
    return amplitude * torch.exp(1j * math.pi / WAVELENGTH * squares / q)


def propagated(propagator, data: torch.Tensor, grid: Grid) -> torch.Tensor:
    return propagator(Field(data, grid, WAVELENGTH)).data


@pytest.mark.parametrize("shape", [512, (256, 300)], ids=str)
# Twelve waists of window: the cut-off tail is below rounding. Float32 is rounded field and rounded kernel.
@pytest.mark.parametrize(("dtype", "limit"), [(torch.complex128, 1e-12), (torch.complex64, 5e-7)], ids=str)
def test_gaussian_beam_at_the_rayleigh_distance(shape, dtype, limit):
    grid = Grid(shape, 3e-6)
    start = beam(grid, 0).to(dtype)
    expected = beam(grid, RAYLEIGH)
    for propagator in (FresnelTransfer(RAYLEIGH), FresnelTransform(RAYLEIGH, grid)):
        got = propagated(propagator, start, grid)
        assert got.dtype == dtype
        assert relative_error(got, expected) < limit


def test_the_angular_spectrum_leaves_the_paraxial_beam_at_second_order():
    """At z_R the first non-paraxial term is of the order (λ/w)²: twice the waist, a quarter of the difference."""
    differences = []
    for waist in (10e-6, 20e-6, 40e-6, 80e-6):
        z = math.pi * waist**2 / WAVELENGTH
        grid = Grid(512, waist / 25)
        differences.append(
            relative_error(propagated(AngularSpectrum(z), beam(grid, 0, waist), grid), beam(grid, z, waist))
        )
    assert differences[-1] < 1e-5
    assert orders(differences) == pytest.approx([2, 2, 2], abs=0.1)


def test_the_angular_spectrum_is_the_rayleigh_sommerfeld_integral():
    """A beam of 2 λ waist, far from paraxial, against the direct sum of the first Rayleigh-Sommerfeld integral.

    E(r) = ∫ E(r') · z/(2πR²) · (1/R - ik) · exp(ikR) dr'. The sum is spectrally accurate for a smooth beam that
    ends within the grid. Half a wavelength is the finest spacing of light that travels, and enough for it.
    """
    grid, z = Grid((44, 44), WAVELENGTH / 2), 12 * WAVELENGTH
    start = beam(grid, 0, 2 * WAVELENGTH)
    got = propagated(AngularSpectrum(z, padding=4), start, grid)
    y, x = (axis.coordinates.numpy() for axis in grid.axes)
    k = 2 * np.pi / WAVELENGTH
    for row, column in ((22, 22), (12, 27), (37, 6)):
        distance = np.sqrt((y[row] - y[:, None]) ** 2 + (x[column] - x[None, :]) ** 2 + z**2)
        impulse = z / (2 * np.pi * distance**2) * (1 / distance - 1j * k) * np.exp(1j * k * distance)
        expected = (start.numpy() * impulse).sum() * grid.spacing[0] ** 2 * np.exp(-1j * k * z)
        # Four windows of padding: what the periodic window folds back is below 1e-3 of the peak.
        assert abs(complex(got[row, column]) - expected) < 1e-3 * float(got.abs().max())


@pytest.mark.parametrize("kind", [AngularSpectrum, FresnelTransfer])
def test_a_second_step_adds_to_the_first(kind):
    grid = Grid((128, 120), 4e-6)
    start = beam(grid, 0)
    at_once = propagated(kind(3e-3), start, grid)
    in_steps = propagated(kind(2e-3), propagated(kind(1e-3), start, grid), grid)
    back = propagated(kind(-3e-3), at_once, grid)
    # The beam stays six waists inside the window; what padding cuts off is exp(-36) of it.
    assert relative_error(in_steps, at_once) < 1e-10
    assert relative_error(back, start) < 1e-10


def test_a_periodic_window_keeps_all_power():
    grid = Grid((15, 16), 4e-6)
    field = Field(random_complex(grid.shape), grid, WAVELENGTH)
    assert relative_error(FresnelTransfer(0.02, padding=1)(field).power, field.power) < 1e-13


def test_a_periodic_window_has_the_period_of_its_samples():
    """Also where a faster FFT would be longer: 127 is a prime. Against the sum over the waves of that window."""
    count, distance = 127, 4e-3
    grid = Grid(count, 4e-6)
    field = Field(random_complex(count), grid, WAVELENGTH)
    got = FresnelTransfer(distance, padding=1)(field)
    j, k = np.arange(count), np.arange(count) - count // 2
    waves = np.exp(2j * np.pi * np.outer(j, k) / count)
    turned = waves * np.exp(-1j * np.pi * WAVELENGTH * distance * (k / grid.extent[0]) ** 2)
    expected = torch.from_numpy(turned @ waves.conj().T / count) @ field.data
    # Rounding of some hundred terms and, in the phases, of some hundred turns.
    assert relative_error(got.data, expected) < 1e-12
    assert float(got.power / field.power) == pytest.approx(1, abs=1e-12)


def test_talbot_a_grating_images_itself():
    """At 2d²/λ a grating of period d images itself, at half that distance shifted by half a period."""
    period, count = 64e-6, 16
    grid = Grid(64, period / count)
    grating = (torch.arange(64) % count < 5).to(torch.complex128)
    distance = 2 * period**2 / WAVELENGTH
    assert relative_error(propagated(FresnelTransfer(distance, padding=1), grating, grid), grating) < 1e-11
    half = propagated(FresnelTransfer(distance / 2, padding=1), grating, grid)
    assert relative_error(half, grating.roll(count // 2)) < 1e-11


def test_poppy_propagates_the_same_way():
    """Plane to plane within its Rayleigh distance POPPY multiplies by the same transfer function, with our sign.

    Its axis stands on a sample, ours between two: a convolution does not mind. It adds the constant phase exp(ikz).
    """
    light = poppy.FresnelWavefront(beam_radius=0.64e-3 * u.m, wavelength=WAVELENGTH * u.m, npix=128, oversample=2)
    y, x = light.coordinates()
    start = np.exp(-((x - 60e-6) ** 2 + (y + 30e-6) ** 2) / 150e-6**2) * np.exp(2j * np.pi * 2000 * x)
    light.wavefront = start.copy()
    grid = Grid(start.shape, light.pixelscale.to_value(u.m / u.pixel))
    light.propagate_fresnel(20e-3 * u.m)
    got = propagated(FresnelTransfer(20e-3, padding=1), torch.from_numpy(start), grid)
    theirs = torch.from_numpy(light.wavefront)
    constant = torch.vdot(got.flatten(), theirs.flatten())
    assert relative_error(got * constant / constant.abs(), theirs) < 1e-12


def slit(grid: Grid, width: float, distance: float) -> torch.Tensor:
    """Fresnel diffraction of a slit along one axis, by Fresnel integrals (Goodman, §4.5.1)."""
    root = math.sqrt(2 / (WAVELENGTH * distance))
    x = grid.axes[0].coordinates.numpy()
    upper_s, upper_c = fresnel(root * (width / 2 - x))
    lower_s, lower_c = fresnel(root * (-width / 2 - x))
    return torch.from_numpy((upper_c - lower_c + 1j * (upper_s - lower_s)) * np.exp(-1j * np.pi / 4) / math.sqrt(2))


class TestSlit:
    width, distance = 400e-6, 50e-3
    camera = Grid(200, 4e-6)

    def error(self, cell):
        grid = Grid(20, self.width / 20, cell)
        got = propagated(FresnelTransform(self.distance, self.camera), torch.ones(grid.shape).double(), grid)
        return relative_error(got, slit(self.camera, self.width, self.distance))

    def test_midpoints_converge_at_second_order(self):
        errors = [self.error(midpoint(samples)) for samples in (4, 8, 16, 32)]
        assert errors[-1] < 1e-3
        assert orders(errors) == pytest.approx([2, 2, 2], abs=0.1)

    def test_gauss_nodes_converge_to_rounding(self):
        errors = [self.error(gauss(samples)) for samples in (2, 4, 8)]
        assert errors[0] > 100 * errors[1] > 1e4 * errors[2]
        assert errors[2] < 1e-12

    def test_a_square_converges_too(self):
        """In 2-D, by the midpoints that a refined uniform grid has: 1e-3, and a quarter of it for half the spacing."""
        camera, errors = Grid((40, 50), 16e-6), []
        expected = torch.outer(*(slit(Grid(n, 16e-6), self.width, self.distance) for n in camera.shape))
        for samples in (4, 8, 16):
            grid = Grid((20, 20), self.width / 20, midpoint(samples))
            got = propagated(FresnelTransform(self.distance, camera), torch.ones(grid.shape).double(), grid)
            errors.append(relative_error(got, expected))
        assert errors[-1] < 1e-3
        assert orders(errors) == pytest.approx([2, 2], abs=0.1)

    def test_a_square_is_the_product_of_two_slits(self):
        grid, camera = Grid((20, 20), self.width / 20, gauss(5)), Grid((40, 50), 16e-6)
        got = propagated(FresnelTransform(self.distance, camera), torch.ones(grid.shape).double(), grid)
        along_y, along_x = (slit(Grid(n, 16e-6), self.width, self.distance) for n in (40, 50))
        assert relative_error(got, torch.outer(along_y, along_x)) < 1e-8


def test_the_near_field_becomes_the_far_field():
    """Without the input's curvature πx²/λz the field is off by its size: half for twice the distance."""
    grid, differences = Grid(64, 4e-6), []
    for z in (1.0, 2.0, 4.0):
        camera = Grid(64, WAVELENGTH * z / (64 * 4e-6) / 8)
        start = beam(grid, 0)
        near, far = (propagated(kind(z, camera), start, grid) for kind in (FresnelTransform, Fraunhofer))
        differences.append(relative_error(far, near))
    assert differences[0] < 1e-2
    assert orders(differences) == pytest.approx([1, 1], abs=0.05)


def disc(cells: int, spacing: float, diameter: float) -> torch.Tensor:
    """Which share of each cell lies within a disc: its chord in closed form, by 16 Gauss nodes across each column."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    edges = (np.arange(cells + 1) - cells / 2) * spacing
    share = np.zeros((cells, cells))
    for node, weight in zip(nodes, weights, strict=True):
        x = (edges[:-1] + edges[1:] + node * spacing) / 2
        chord = np.sqrt(np.clip((diameter / 2) ** 2 - x**2, 0, None))
        inside = np.clip(edges[1:, None], -chord, chord) - np.clip(edges[:-1, None], -chord, chord)
        share += weight / 2 * inside / spacing
    return torch.from_numpy(share)


class TestAiry:
    """The far field of a round pupil: (πD²/4λz)·2J₁(a)/a with a = πDr/(λz) (Goodman, §4.4.2).

    On a lattice a pupil of ones and zeros has a ragged edge, which costs 1e-4 at 1024². With the share of each cell in
    the pupil, what is left is the mean over the cell of the wave from it: 1 - (πΔr/λz)²/6, of second order.
    """

    diameter, distance = 2e-3, 1.0
    camera = Grid((81, 80), 25e-6)  # three dark rings: the first at 1.22·λz/D = 386 µm

    def expected(self) -> torch.Tensor:
        r = squares(self.camera.coordinates).sqrt()
        argument = (math.pi * self.diameter / (WAVELENGTH * self.distance) * r).numpy()
        jinc = np.divide(2 * j1(argument), argument, out=np.ones_like(argument), where=argument != 0)
        return math.pi * self.diameter**2 / 4 / (WAVELENGTH * self.distance) * torch.from_numpy(jinc)

    def light(self, step, cells: int) -> torch.Tensor:
        grid = Grid((cells, cells), 1.05 * self.diameter / cells)
        return propagated(step, disc(cells, grid.spacing[0], self.diameter), grid)

    def test_in_the_focus_of_a_lens(self):
        lens = FourierLens(self.distance, self.camera)
        errors = [relative_error(self.light(lens, cells), self.expected()) for cells in (256, 512, 1024)]
        assert errors[-1] < 1e-5
        # Where the edge falls within its cells differs from grid to grid: 0.2 of an order.
        assert orders(errors) == pytest.approx([2, 2], abs=0.2)

    def test_far_away(self):
        turns = squares(self.camera.coordinates) / (2 * WAVELENGTH * self.distance)
        expected = -1j * torch.exp(2j * math.pi * turns) * self.expected()
        assert relative_error(self.light(Fraunhofer(self.distance, self.camera), 1024), expected) < 1e-5


@pytest.mark.parametrize("kind", [AngularSpectrum, FresnelTransfer])
def test_a_tilted_beam_moves_towards_its_tilt(kind):
    grid, z, shift = Grid((128, 96), 5e-6), 5e-3, 60e-6
    y = grid.coordinates[0]
    tilt = torch.exp(2j * math.pi * y * shift / (WAVELENGTH * z))
    image = kind(z)(Field(beam(grid, 0) * tilt, grid, WAVELENGTH)).intensity
    # sin θ = 0.012: the paraxial position misses by θ³z/2, four nanometres.
    assert float((image * y).sum() / image.sum()) == pytest.approx(shift, abs=1e-8)


STEPS = {
    "angular spectrum": lambda z, output: AngularSpectrum(z),
    "Fresnel transfer": lambda z, output: FresnelTransfer(z),
    "Fresnel transform": FresnelTransform,
    "Fraunhofer": Fraunhofer,
}
steps = pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)


class TestLengthsAsTensors:
    grids = pytest.mark.parametrize(
        ("grid", "output"), [(Grid(8, 20e-6), Grid(7, 30e-6)), (Grid((5, 6), 20e-6), Grid((4, 3), 30e-6))], ids="12"
    )

    @grids
    @steps
    def test_gradients_reach_distance_wavelength_and_field(self, step, grid, output):
        self.check_gradients(step, grid, output)

    @grids
    @steps
    @pytest.mark.usefixtures("without_matrices")
    def test_also_through_chirps(self, step, grid, output):
        self.check_gradients(step, grid, output)

    def check_gradients(self, step, grid, output):
        def run(data, millimetres, micrometres):
            field = Field(data, grid, micrometres * 1e-6)
            return torch.view_as_real(step(millimetres * 1e-3, output)(field).data)

        data = random_complex(grid.shape, seed=3).requires_grad_()
        lengths = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (20.0, WAVELENGTH * 1e6)]
        assert torch.autograd.gradcheck(run, (data, *lengths))

    @pytest.mark.parametrize("kind", [AngularSpectrum, FresnelTransfer])
    def test_steep_waves_have_finite_gradients(self, kind):
        """In the corner of the spectrum of samples λ/2 apart waves are evanescent: they have no part in it."""
        grid = Grid((5, 6), WAVELENGTH / 2)
        wavelength, distance = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (WAVELENGTH, 1e-6))
        light = kind(distance)(Field(torch.ones(grid.shape), grid, wavelength))
        slopes = torch.autograd.grad(light.intensity.sum(), (wavelength, distance))
        assert all(torch.isfinite(slope) and slope != 0 for slope in slopes)

    @pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128], ids=str)
    @grids
    @steps
    def test_are_the_same_lengths(self, step, grid, output, dtype):
        data = random_complex(grid.shape, dtype=dtype)
        z, wavelength = torch.tensor(2e-2, dtype=torch.float64), torch.tensor(WAVELENGTH, dtype=torch.float64)
        fixed = step(2e-2, output)(Field(data, grid, WAVELENGTH)).data
        for distance, colour in ((z, WAVELENGTH), (2e-2, wavelength), (z, wavelength)):
            light = step(distance, output)(Field(data, grid, colour)).data
            assert light.dtype == dtype
            # The same sums, or a chirp-z instead of an FFT: rounding of phases of 1e3 rad before the last cast.
            assert relative_error(light, fixed) < (1e-12 if dtype == torch.complex128 else 1e-6)

    @steps
    def test_training_may_go_on(self, step):
        """Kernels of tensors are not kept: two steps of descent see two distances, and a float's stay as they are."""
        grid, output = Grid(8, 20e-6), Grid(7, 30e-6)
        field = Field(random_complex(8, seed=4), grid, WAVELENGTH)
        wanted = step(2.2e-2, output)(field).data
        distance = torch.nn.Parameter(torch.tensor(2e-2, dtype=torch.float64))
        propagator, losses = step(distance, output), []
        for _ in range(3):
            loss = (propagator(field).data - wanted).abs().square().sum()
            losses.append(loss.item())
            (slope,) = torch.autograd.grad(loss, distance)
            with torch.no_grad():
                distance -= 1e-4 * slope.sign()
        assert losses[0] > losses[1] > losses[2]


@pytest.mark.parametrize("kind", [AngularSpectrum, FresnelTransfer])
def test_a_distance_as_tensor_is_the_same_distance(kind):
    grid = Grid((6, 7), 8e-6)
    data = random_complex(grid.shape, dtype=torch.complex64)
    fixed, trained = kind(3e-3), kind(torch.tensor(3e-3, dtype=torch.float64))
    assert torch.equal(propagated(fixed, data, grid), propagated(trained, data, grid))


@pytest.mark.parametrize("distance", [math.nan, math.inf])
@pytest.mark.parametrize("kind", [AngularSpectrum, FresnelTransfer])
def test_a_distance_must_be_finite(kind, distance):
    with pytest.raises(ValueError, match=f"distance must be a finite length in metres; got {distance}"):
        kind(distance)


@pytest.mark.parametrize("distance", [math.nan, 0.0, -1.0])
@pytest.mark.parametrize("kind", [FresnelTransform, Fraunhofer])
def test_a_far_distance_must_be_positive(kind, distance):
    with pytest.raises(ValueError, match=f"distance must be a positive length in metres; got {distance}"):
        kind(distance, Grid(8, 1e-6))


def test_padding_and_cells_are_checked():
    with pytest.raises(ValueError, match=r"1 or more; got 0\.5"):
        AngularSpectrum(1e-3, padding=0.5)
    pixels, nodes = Grid(4, 8e-6, flat()), Grid(4, 8e-6, gauss(2))
    for grid in (pixels, nodes):
        with pytest.raises(ValueError, match="needs a grid of points"):
            propagated(FresnelTransfer(1e-3), torch.ones(grid.shape), grid)
    with pytest.raises(ValueError, match="resolve the pixels by nodes"):
        propagated(FresnelTransform(1e-3, nodes), torch.ones(4), pixels)


@pytest.mark.parametrize("kind", [FresnelTransform, Fraunhofer, AngularSpectrumTransform, FresnelSpectrumTransform])
def test_another_output_is_followed(kind):
    field = Field(random_complex((64,)), Grid(64, 8e-6), WAVELENGTH)
    outputs = Grid(64, 10e-6), Grid(64, 20e-6)
    changed = kind(0.2, outputs[0])
    changed(field)
    changed.output = outputs[1]
    assert torch.equal(changed(field).data, kind(0.2, outputs[1])(field).data)


@pytest.mark.parametrize("kind", [AngularSpectrum, FresnelTransfer])
def test_another_padding_is_followed(kind):
    field = Field(random_complex((64,)), Grid(64, 8e-6), WAVELENGTH)
    changed = kind(1e-3)
    changed(field)
    changed.padding = 1.0
    assert torch.equal(changed(field).data, kind(1e-3, padding=1.0)(field).data)
