"""Aberrations: their size, their sign, what they do to a focus, and that they are those of POPPY."""

from __future__ import annotations

import copy
import math

import astropy.units as u
import numpy as np
import poppy
import pytest
import torch

from optics import (
    Aperture,
    Circle,
    Field,
    FourierLens,
    Grid,
    Lens,
    OpticalSystem,
    SamplingWarning,
    SurfaceError,
    ZernikeAberration,
    flat,
    gauss,
    point,
)
from tests.optics.oracles import WAVELENGTH, random_complex, relative_error

DIAMETER = 2e-3
PUPIL = Grid((200, 200), DIAMETER / 190)
NOLL = range(2, 12)


def inside() -> torch.Tensor:
    return Circle(DIAMETER).contains(PUPIL)


@pytest.mark.parametrize("noll", NOLL)
def test_a_coefficient_is_the_rms_over_the_pupil(noll):
    opd = ZernikeAberration({noll: 30e-9}, DIAMETER).path_difference(PUPIL)[inside()]
    # The pupil's edge is right to a sample of 190: a per cent of the mean square.
    assert float(opd.square().mean().sqrt()) == pytest.approx(30e-9, rel=0.02)
    assert abs(float(opd.mean())) < 0.02 * 30e-9


def test_different_terms_are_orthogonal_and_add_up():
    maps = torch.stack([ZernikeAberration({n: 1.0}, DIAMETER).path_difference(PUPIL)[inside()] for n in NOLL])
    products = maps @ maps.T / maps.shape[1]
    assert (products - torch.eye(len(maps), dtype=torch.float64)).abs().max() < 0.03  # the edge, again
    both = ZernikeAberration({4: 2e-8, 7: -1e-8}, DIAMETER).path_difference(PUPIL)[inside()]
    assert relative_error(both, 2e-8 * maps[2] - 1e-8 * maps[5]) < 1e-14


def test_defocus_is_a_weak_lens():
    """2√3·a·r²/R² of path is the phase -πr²/(λf) of a lens with 1/f = -4√3·a/R²."""
    rms = 100e-9
    field = Field(random_complex(PUPIL.shape), PUPIL, WAVELENGTH)
    defocused = ZernikeAberration({1: math.sqrt(3) * rms, 4: rms}, DIAMETER)(field)
    lens = Lens(-((DIAMETER / 2) ** 2) / (4 * math.sqrt(3) * rms))(field)
    assert relative_error(defocused.data[inside()], lens.data[inside()]) < 1e-12
    assert torch.equal(defocused.data[~inside()], field.data[~inside()])


@pytest.mark.parametrize(("noll", "axis"), [(2, 1), (3, 0)])
def test_tilt_moves_the_focus_along_its_axis(noll, axis):
    """2a·x/R of path is a wave of spatial frequency 2a/(Rλ); the lens brings it to λf times that."""
    rms, focal_length = 200e-9, 0.1
    focus = Grid((256, 256), 4e-6)
    beam = torch.exp(-sum((x / 0.3e-3) ** 2 for x in PUPIL.coordinates))
    system = OpticalSystem(ZernikeAberration({noll: rms}, DIAMETER), FourierLens(focal_length, focus))
    light = system(Field(beam, PUPIL, WAVELENGTH)).intensity
    shifts = [float((light * u).sum() / light.sum()) for u in focus.coordinates]
    assert shifts[axis] == pytest.approx(2 * rms / (DIAMETER / 2) * focal_length, rel=1e-3)
    assert abs(shifts[1 - axis]) < 1e-9


@pytest.mark.parametrize("noll", [4, 5, 7, 11])
def test_a_weak_aberration_dims_the_focus_by_its_variance(noll):
    """Strehl ratio 1 - (2πσ/λ)² (Maréchal) at σ = λ/40, and its fourth order beyond."""
    sigma, focus = WAVELENGTH / 40, Grid((1, 1), 1e-6)
    stop, lens = Aperture(Circle(DIAMETER)), FourierLens(0.1, focus)
    field = Field(torch.ones(PUPIL.shape, dtype=torch.float64), PUPIL, WAVELENGTH)
    perfect = OpticalSystem(stop, lens)(field).intensity
    aberrated = OpticalSystem(stop, ZernikeAberration({noll: sigma}, DIAMETER), lens)(field).intensity
    # (2π/40)⁴ = 6e-4, and two per cent of σ² from the pupil's edge.
    assert float(aberrated / perfect) == pytest.approx(1 - (2 * math.pi / 40) ** 2, abs=1.5e-3)


def test_none_is_the_identity():
    field = Field(random_complex(PUPIL.shape), PUPIL, WAVELENGTH)
    assert torch.equal(ZernikeAberration({}, DIAMETER)(field).data, field.data)
    assert torch.equal(ZernikeAberration({4: 0.0}, DIAMETER)(field).data, field.data)


@pytest.mark.parametrize(
    ("coefficients", "diameter", "message"),
    [
        ({0: 1e-9}, 1e-3, "Noll indices from 1; got 1e-09 for 0"),
        ({4: math.nan}, 1e-3, "got nan for 4"),
        ({4: 1e-9}, 0.0, "positive length in metres; got 0"),
    ],
)
def test_bad_values_are_named(coefficients, diameter, message):
    with pytest.raises(ValueError, match=message):
        ZernikeAberration(coefficients, diameter)


def test_a_line_has_no_round_pupil():
    with pytest.raises(ValueError, match="need a 2-D grid"):
        ZernikeAberration({4: 1e-9}, 1e-3)(Field(torch.ones(8), Grid(8, 1e-5), WAVELENGTH))


# Against POPPY ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(40, 40), (41, 38)], ids=str)
def test_the_polynomials_are_poppys(shape):
    from poppy.zernike import zernike1

    grid = Grid(shape, DIAMETER / 36)
    y, x = (c.numpy() for c in grid.coordinates)
    rho, theta = np.hypot(x, y) / (DIAMETER / 2), np.arctan2(y, x)
    for noll in range(1, 46):
        ours = ZernikeAberration({noll: 1.0}, DIAMETER).path_difference(grid)
        expected = torch.from_numpy(zernike1(noll, rho=rho, theta=theta, outside=0.0) + np.zeros(shape))
        # Sums of powers up to the eighth with coefficients up to 70.
        assert relative_error(ours, expected) < 1e-12, noll


@pytest.mark.parametrize("shape", [(40, 40), (41, 41), (40, 37)], ids=str)
@pytest.mark.parametrize("sign", [1, -1])
def test_zernikes_by_poppys_element_are_ours(shape, sign):
    """One element of POPPY's, the same numbers: order, normalisation, axes, and the sign of a retarded wave."""
    rms = [0.0, 20e-9, -35e-9, 0.0, 10e-9, 5e-9, sign * 25e-9, -15e-9]
    grid = Grid(shape, DIAMETER / 36)
    theirs = SurfaceError(poppy.ZernikeWFE(radius=DIAMETER / 2 * u.m, coefficients=rms))
    ours = ZernikeAberration({i: a for i, a in enumerate(rms, start=1) if a}, DIAMETER)
    field = Field(random_complex(shape), grid, WAVELENGTH)
    assert relative_error(theirs(field).data, ours(field).data) < 1e-12


def test_poppy_multiplies_light_by_the_same():
    """POPPY's own wavefront behind its own element: exp(+2πi·opd/λ), y before x, symmetric about the axis."""
    n, spacing = 32, 50e-6
    optic = poppy.ZernikeWFE(radius=1e-3 * u.m, coefficients=[0, 30e-9, -70e-9, 20e-9, 0, 10e-9])
    light = poppy.Wavefront(wavelength=WAVELENGTH * u.m, npix=n, diam=n * spacing * u.m)
    y, x = light.coordinates()
    grid = Grid((n, n), spacing)
    assert np.abs(y - grid.coordinates[0].numpy()).max() < 1e-15
    assert np.abs(x - grid.coordinates[1].numpy()).max() < 1e-15
    ours = SurfaceError(optic)(Field(torch.from_numpy(light.wavefront), grid, WAVELENGTH)).data
    light *= optic
    # Its element is also a round stop, which an aberration of ours is not.
    inside = torch.from_numpy(np.hypot(y, x) < 1e-3)
    assert relative_error(ours[inside], torch.from_numpy(light.wavefront)[inside]) < 1e-12


RADIUS = DIAMETER / 2 * u.m
OPTICS = {
    "parameterized": lambda: poppy.ParameterizedWFE(
        coefficients=[0, 20e-9, 0, 30e-9], radius=RADIUS, basis_factory=poppy.zernike.zernike_basis
    ),
    "sine": lambda: poppy.SineWaveWFE(spatialfreq=2000 / u.m, amplitude=30e-9 * u.m, rotation=20),
    "statistical": lambda: poppy.StatisticalPSDWFE(index=2.5, wfe=40e-9 * u.m, radius=RADIUS, seed=1),
    "spectrum": lambda: poppy.PowerSpectrumWFE(
        psd_parameters=[[2.0, 1e-20 * u.m**2, 1 * u.m, 1e-5, 0 * u.m**4]], seed=2, rms=20e-9 * u.m, radius=RADIUS
    ),
    "kolmogorov": lambda: poppy.KolmogorovWFE(r0=5e-3 * u.m, dz=1 * u.m, seed=3),
    "array": lambda: poppy.ArrayOpticalElement(opd=np.random.default_rng(4).normal(size=(32, 32)) * 1e-8),
}


@pytest.mark.parametrize("name", OPTICS)
def test_surface_errors_of_every_kind(name):
    grid, optic = Grid((32, 32), DIAMETER / 30), OPTICS[name]()
    screen = SurfaceError(optic)
    wave = poppy.Wavefront(wavelength=WAVELENGTH * u.m, npix=32, diam=32 * DIAMETER / 30 * u.m)
    path = torch.from_numpy(np.asarray(OPTICS[name]().get_opd(wave)))  # from the same seed
    assert float(path.std()) > 1e-9
    field = Field(random_complex(grid.shape), grid, WAVELENGTH)
    expected = field.data * torch.exp(2j * math.pi * path / WAVELENGTH)
    assert relative_error(screen(field).data, expected) < 1e-12
    assert torch.equal(screen.path_difference(grid, WAVELENGTH), path)


def test_a_random_surface_is_the_same_at_every_call():
    screen = SurfaceError(poppy.StatisticalPSDWFE(radius=1e-3 * u.m))  # without a seed
    field = Field(torch.ones(32, 32), Grid((32, 32), 50e-6), WAVELENGTH)
    assert torch.equal(screen(field).data, screen(field).data)
    assert torch.equal(copy.deepcopy(screen)(field).data, screen(field).data)


def ramp(shape: tuple[int, int], spacing: float, slope: tuple[float, float]) -> poppy.ArrayOpticalElement:
    """A map with a pixel scale, of a path that rises by a slope along y and x: interpolated without error."""
    y, x = (c.numpy() for c in Grid(shape, spacing).coordinates)
    return poppy.ArrayOpticalElement(opd=slope[0] * y + slope[1] * x, pixelscale=spacing * u.m / u.pixel)


@pytest.mark.parametrize("cell", [point(), gauss(3)], ids=["points", "gauss"])
def test_a_map_with_a_pixel_scale_lies_where_it_says(cell):
    grid = Grid((31, 24), (23e-6, 31e-6), cell)  # 0.71 × 0.74 mm
    screen = SurfaceError(ramp((21, 18), 45e-6, (1e-4, -3e-4)))  # its points reach ±0.45 and ±0.38 mm
    y, x = grid.coordinates
    expected = 1e-4 * y - 3e-4 * x
    assert relative_error(screen.path_difference(grid, WAVELENGTH), expected) < 1e-12
    light = screen(Field(torch.ones(grid.shape, dtype=torch.float64), grid, WAVELENGTH)).data
    assert relative_error(light, torch.exp(2j * math.pi * expected / WAVELENGTH)) < 1e-10


def test_a_fits_file(tmp_path):
    """Written by astropy, read by POPPY: micrometres and a pixel scale in its header."""
    from astropy.io import fits

    heights = np.random.default_rng(5).normal(size=(20, 20)) * 0.02
    header = fits.Header({"PIXELSCL": 5e-5, "BUNIT": "micron"})
    fits.PrimaryHDU(heights, header=header).writeto(tmp_path / "surface.fits")
    screen = SurfaceError(
        poppy.FITSOpticalElement(opd=str(tmp_path / "surface.fits"), planetype=poppy.poppy_core.PlaneType.pupil)
    )
    got = screen.path_difference(Grid((20, 20), 5e-5), WAVELENGTH)
    assert relative_error(got, torch.from_numpy(heights * 1e-6)) < 1e-12


def test_points_of_its_own_where_the_light_has_none():
    optic, points = poppy.SineWaveWFE(spatialfreq=500 / u.m, amplitude=30e-9 * u.m), Grid((200, 200), 1e-5)
    grid = Grid((30, 20), 50e-6, gauss(3))
    path = SurfaceError(optic, points).path_difference(grid, WAVELENGTH)
    expected = 30e-9 * torch.sin(2 * math.pi * 500 * grid.coordinates[1]).expand(grid.shape)
    # Between points h apart the error is h²/8 of the second derivative: (2π·500·1e-5)²/8.
    assert float((path - expected).abs().max()) < 30e-9 * (2 * math.pi * 500 * 1e-5) ** 2 / 8 * 1.01


class TestWhatPoppyCannotTell:
    sine = poppy.SineWaveWFE(spatialfreq=500 / u.m, amplitude=30e-9 * u.m)

    def ask(self, optic, grid, points=None):
        return SurfaceError(optic, points).check(grid, WAVELENGTH)

    @pytest.mark.parametrize(
        "grid", [Grid((8, 8), (1e-5, 2e-5)), Grid((8, 8), 1e-5, gauss(2)), Grid((8, 8), 1e-5, flat())]
    )
    def test_grids(self, grid):
        with pytest.raises(ValueError, match="points of one spacing along both axes"):
            self.ask(self.sine, grid)
        assert self.ask(self.sine, grid, Grid((16, 16), 1e-5)) == grid

    def test_a_line(self):
        with pytest.raises(ValueError, match="needs a 2-D grid"):
            self.ask(self.sine, Grid(8, 1e-5))

    @pytest.mark.parametrize("name", ["statistical", "kolmogorov", "array"])
    def test_shapes(self, name):
        grid = Grid((32, 30), DIAMETER / 30)
        with pytest.raises(ValueError, match="give `points`, an even number of them along both axes, or a map with"):
            self.ask(OPTICS[name](), grid)
        if name != "array":
            assert self.ask(OPTICS[name](), grid, Grid((32, 32), DIAMETER / 30)) == grid

    def test_holes(self):
        heights = np.zeros((8, 8))
        heights[2, 3] = np.nan
        with pytest.raises(ValueError, match=r"98% of them finite"):
            self.ask(poppy.ArrayOpticalElement(opd=heights), Grid((8, 8), 1e-5))

    def test_a_map_that_ends_within_the_window(self):
        with pytest.warns(
            SamplingWarning, match=r"a map of 800 um on a window of 1 mm; beyond it the path is that of its"
        ):
            self.ask(ramp((8, 8), 1e-4, (0.0, 1e-3)), Grid((20, 20), 5e-5))


# Gradients -------------------------------------------------------------------------------------------------------


def test_gradcheck_of_coefficients_diameter_and_wavelength():
    grid = Grid((5, 6), 0.2e-3)

    def behind(a, b, diameter, wavelength):
        screen = ZernikeAberration({4: a * 1e-7, 8: b * 1e-7}, diameter * 1e-3)
        return screen(Field(torch.ones(5, 6, dtype=torch.float64), grid, wavelength * 1e-6)).data

    numbers = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.8, -0.5, 1.07, 0.633)]
    assert torch.autograd.gradcheck(behind, tuple(numbers))


def test_gradcheck_of_a_surface_in_wavelength():
    screen = SurfaceError(TestWhatPoppyCannotTell.sine)
    wavelength = torch.tensor(0.633, dtype=torch.float64, requires_grad=True)
    field = torch.ones(5, 6, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda w: screen(Field(field, Grid((5, 6), 1e-4), w * 1e-6)).data, (wavelength,))


class TestSteepPaths:
    """A path that grows by more than half a wave from one sample to the next is another one."""

    FIELD = Field(torch.ones(64, 64, dtype=torch.float64), Grid((64, 64), 20e-6), WAVELENGTH)

    def test_zernike_polynomials(self):
        with pytest.warns(SamplingWarning, match="Zernike aberration: its phase turns by 0.7"):
            ZernikeAberration({4: 2e-6}, 1.2e-3)(self.FIELD)
        with pytest.raises(ValueError, match=r"turns by 2.* needs 5.* times as many samples"):
            ZernikeAberration({4: 8e-6}, 1.2e-3)(self.FIELD)

    def test_maps_by_poppy(self):
        with pytest.warns(SamplingWarning, match="surface error"):
            SurfaceError(poppy.SineWaveWFE(spatialfreq=5e3 / u.m, amplitude=0.6e-6 * u.m))(self.FIELD)

    def test_another_optic_is_asked_anew(self):
        optics = [poppy.SineWaveWFE(spatialfreq=1e3 / u.m, amplitude=a * u.m) for a in (20e-9, 60e-9)]
        changed = SurfaceError(optics[0])
        changed(self.FIELD)
        changed.optic = optics[1]
        assert torch.equal(changed(self.FIELD).data, SurfaceError(optics[1])(self.FIELD).data)
