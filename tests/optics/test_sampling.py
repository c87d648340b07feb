"""Gates: what grids are refused or complained of, whether the named fix works, and whether silence is deserved."""

from __future__ import annotations

import math
import re
import warnings

import pytest
import torch

from optics import (
    AngularSpectrum,
    Field,
    FourierLens,
    Fraunhofer,
    FresnelTransfer,
    FresnelTransform,
    Grid,
    SamplingWarning,
    flat,
    gauss,
)
from optics.units import parse_length
from tests.optics.oracles import WAVELENGTH, relative_error

FAR = Grid(8, 1e-5)


@pytest.fixture(autouse=True)
def _loud():
    """A complaint that a test does not expect fails it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def run(propagator: torch.nn.Module, grid: Grid) -> Field:
    return propagator(Field(torch.ones(grid.shape, dtype=torch.float64), grid, WAVELENGTH))


def needed(message: str) -> list[float]:
    """The lengths that a complaint asks for [m], in its order."""
    return [parse_length(text) for text in re.findall(r"[≥≤] ([\d.]+ \w+)", message)]


TRANSFERS = [AngularSpectrum, FresnelTransfer]
EVERY = [
    AngularSpectrum(1e-4),
    FresnelTransfer(1e-4),
    FresnelTransform(1e-2, FAR),
    Fraunhofer(0.1, FAR),
]
every = pytest.mark.parametrize("propagator", EVERY, ids=lambda p: type(p).__name__)


@every
def test_evanescent_pitches_are_refused(propagator):
    with pytest.raises(ValueError, match=r"every 300 nm hold evanescent waves.*needs spacing ≥ 316\.5 nm"):
        run(propagator, Grid(8, 300e-9))
    with pytest.raises(ValueError, match="evanescent"):
        propagator.check(Grid(8, 300e-9), WAVELENGTH)


@pytest.mark.parametrize("kind", TRANSFERS)
def test_half_a_wavelength_is_enough(kind):
    propagator = kind(1e-6)
    assert propagator.check(Grid(64, WAVELENGTH / 2), WAVELENGTH).shape == (64,)


@every
def test_asking_answers_as_running_does(propagator):
    grid = Grid(8, 20e-6)
    assert propagator.check(grid, WAVELENGTH) == run(propagator, grid).grid


@pytest.mark.parametrize("distance", [math.nan, -1e-2])
@pytest.mark.parametrize("kind", [FresnelTransform, Fraunhofer])
def test_a_distance_that_training_spoils_is_refused(kind, distance):
    trained = torch.nn.Parameter(torch.tensor(1e-2, dtype=torch.float64))
    propagator = kind(trained, FAR)
    with torch.no_grad():
        trained.fill_(distance)
    with pytest.raises(ValueError, match=f"distance must be a .*length in metres; got {distance}"):
        run(propagator, Grid(8, 20e-6))


class TestBand:
    """The band-limited angular spectrum, 128 samples every 4 µm."""

    grid = Grid(128, 4e-6)
    waves = 512e-6 * 2 * 4e-6 / WAVELENGTH
    """Distance over which the steepest paraxial wave wanders the window's width."""

    def test_near_distances_are_served(self):
        for padding in (1, 2):
            run(AngularSpectrum(self.waves * 0.9 * padding, padding=padding), self.grid)

    @pytest.mark.parametrize("padding", [1, 2])
    def test_what_is_cut_is_named_and_the_fix_works(self, padding):
        # Half of the band serves half the padded window: padding times the window's width.
        distance = self.waves * 1.5 * padding
        with pytest.warns(SamplingWarning, match=r"angular spectrum over .* keeps 0\.33 of the band") as caught:
            run(AngularSpectrum(distance, padding=padding), self.grid)
        window, spacing = needed(str(caught[0].message))
        run(AngularSpectrum(distance, padding=window / 512e-6 * 1.001), self.grid)  # four digits are written
        run(AngularSpectrum(distance, padding=padding), Grid(math.ceil(512e-6 / spacing), spacing * 1.001))

    def test_where_all_is_cut_it_is_refused(self):
        # The second wave of the window wanders as far as half of it at W²/2λ, 0.83 m.
        with pytest.warns(SamplingWarning, match="keeps"):
            run(AngularSpectrum(0.8), self.grid)
        with pytest.raises(ValueError, match="or FresnelTransform with an output grid"):
            run(AngularSpectrum(0.85), self.grid)


class TestWrap:
    grid, distance = Grid(256, 4e-6), 6e-3  # the steepest waves wander by 475 µm

    @pytest.mark.parametrize("kind", TRANSFERS)
    def test_a_narrow_guard_is_named_and_the_fix_works(self, kind):
        with pytest.warns(SamplingWarning, match=r"wander by 47\d\..* across a padding of 307\.2 um; needs") as caught:
            run(kind(self.distance, padding=1.3), self.grid)
        padding = float(str(caught[0].message).split("padding ≥ ")[1])
        assert padding == pytest.approx(1 + 475 / 1024, rel=0.01)
        run(kind(self.distance, padding=padding * 1.001), self.grid)

    @pytest.mark.parametrize("kind", TRANSFERS)
    def test_what_comes_in_again_is_wrong_and_with_the_fix_it_is_not(self, kind):
        """A steep spot near one edge leaves the window: with too little padding it comes in on the other side."""
        x = self.grid.coordinates[0]
        # 0.9 of the steepest wave: it wanders by 427 µm, from 450 µm to 877 µm, and a period of 1331 µm back.
        spot = torch.exp(-(((x - 450e-6) / 40e-6) ** 2)) * torch.exp(0.9j * math.pi * x / 4e-6)
        field = Field(spot, self.grid, WAVELENGTH)
        with pytest.warns(SamplingWarning):
            wrapped = kind(self.distance, padding=1.3)(field)
        assert wrapped.power > 0.8 * field.power
        # The tail of the spot, two of its widths away.
        assert kind(self.distance, padding=1.47)(field).power < 1e-2 * field.power

    @pytest.mark.parametrize("kind", TRANSFERS)
    def test_a_periodic_window_is_not_asked(self, kind):
        run(kind(self.distance, padding=1), self.grid)


class TestImages:
    distance = 0.4
    period = WAVELENGTH * 0.4 / 20e-6  # 12.66 mm, of 16 samples every 20 µm

    def test_copies_are_named_and_the_fixes_work(self):
        with pytest.warns(SamplingWarning, match=r"repeat in an output of 18\.99 mm; needs an output ex.* ≤ 12\.66 mm"):
            run(Fraunhofer(self.distance, Grid(15, self.period / 10)), Grid(16, 20e-6))
        run(Fraunhofer(self.distance, Grid(10, self.period / 10)), Grid(16, 20e-6))
        run(Fraunhofer(self.distance, Grid(15, self.period / 10)), Grid(24, 20e-6 / 1.5))
        run(Fraunhofer(self.distance, Grid(15, self.period / 10)), Grid(16, 20e-6, gauss(4)))

    @pytest.mark.parametrize("kind", [FresnelTransform, Fraunhofer])
    def test_an_output_that_is_mostly_copies_is_refused(self, kind):
        with pytest.raises(ValueError, match=r"needs an output extent ≤ 12\.66 mm"):
            run(kind(self.distance, Grid(21, self.period / 10)), Grid(16, 20e-6))

    def test_they_are_copies(self):
        camera = Grid(30, self.period / 20)
        with pytest.warns(SamplingWarning):
            light = run(Fraunhofer(self.distance, camera), Grid(15, 20e-6)).intensity
        assert relative_error(light[:10], light[20:]) < 1e-12  # one period further, but for rounding

    def test_flat_pixels_have_an_envelope_instead(self):
        light = run(Fraunhofer(self.distance, Grid(41, self.period / 10)), Grid(16, 20e-6, flat())).intensity
        # The envelope of full pixels is dark in the middle of every copy: sinc(±1).
        assert light[10] < 1e-25 * light[20]

    @pytest.mark.parametrize("kind", [FresnelTransform, Fraunhofer])
    def test_no_wave_travels_beyond_grazing(self, kind):
        with pytest.raises(ValueError, match=r"no travelling wave.*needs an extent ≤ 200 um"):
            run(kind(100e-6, Grid(30, 10e-6)), Grid(4, 1e-6))


class TestNodes:
    """Gauss nodes are a quadrature, which fails long before as many equally spaced samples repeat."""

    @staticmethod
    def field(nodes: int, cells: int = 4, width: float = 1e-3) -> Field:
        grid = Grid(cells, width / cells, gauss(nodes))
        return Field(torch.ones(grid.shape, dtype=torch.float64), grid, WAVELENGTH)

    @pytest.mark.parametrize("cells", [1, 4])
    @pytest.mark.parametrize("kind", [Fraunhofer, FresnelTransform, FourierLens])
    def test_waves_too_steep_for_them_are_named(self, kind, cells):
        width = 0.5e-3  # whose far field begins at 0.8 m
        output = Grid(100, 3.0 * cells * WAVELENGTH / width / 100)
        with pytest.warns(SamplingWarning, match="4 nodes in cells of .* integrate waves over"):
            kind(1.0, output)(self.field(4, cells, width))
        with pytest.raises(ValueError, match=r"4 nodes in cells|repeat"):
            kind(1.0, Grid(100, 3 * output.spacing[0]))(self.field(4, cells, width))

    @pytest.mark.parametrize("nodes", [4, 8, 16])
    def test_silence_is_right_to_a_hundredth(self, nodes):
        degree = 2 * nodes
        widest = 8 * WAVELENGTH / 1e-3 * (degree - 1.9 * math.cbrt(degree)) / math.pi
        focus = FourierLens(1.0, Grid(400, 0.999 * widest / 400))(self.field(nodes))
        wanted = torch.sinc(1e-3 * focus.grid.coordinates[0] / WAVELENGTH) * 1e-3 / math.sqrt(WAVELENGTH)
        assert relative_error(focus.data, wanted.to(focus.data)) < 1e-2


class TestFreeSpaceByOneIntegral:
    """A slit that fills its window of points, and the same slit by Gauss nodes."""

    width, camera = 1.28e-3, Grid(64, 20e-6)
    distance = 1.28e-3 * 20e-6 / WAVELENGTH  # where the samples repeat just beyond the camera

    def error(self, kind, points, distance):
        fine = FresnelTransform(distance, self.camera)
        nodes = Grid(16, self.width / 16, gauss(24))
        wanted = fine(Field(torch.ones(nodes.shape, dtype=torch.float64), nodes, WAVELENGTH))
        return relative_error(run(kind(distance, self.camera), Grid(points, self.width / points)).data, wanted.data)

    def test_light_that_samples_do_not_hold_is_named_and_the_fix_works(self):
        with pytest.warns(SamplingWarning, match=r"lack 50% of the waves .* needs spacing ≤ 10 um"):
            assert self.error(FresnelTransform, 64, self.distance) > 0.05
        assert self.error(FresnelTransform, 128, self.distance) < 0.05

    def test_the_near_field_is_not_the_far_field(self):
        with pytest.warns(
            SamplingWarning, match=r"far field of a window of 1\.28 mm begins at 5\.177 m.*FresnelTransform"
        ):
            assert self.error(Fraunhofer, 256, 0.5) > 0.5
        assert self.error(Fraunhofer, 256, 2.1 * self.width**2 / WAVELENGTH) < 0.2
