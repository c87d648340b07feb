"""The same systems here and in POPPY, and whether the comparison would notice if they were not the same."""

from __future__ import annotations

import math
import subprocess
import sys

import astropy.units as u
import numpy as np
import poppy
import pytest
import torch

from optics import (
    AngularSpectrum,
    Aperture,
    Circle,
    Field,
    FourierLens,
    FresnelTransfer,
    Grid,
    Lens,
    Mask,
    OpticalSystem,
    Rectangle,
    Tilt,
    ZernikeAberration,
    flat,
)
from optics.poppy_bridge import _Lattice, second_opinion, to_poppy
from tests.optics.oracles import WAVELENGTH, random_complex, relative_error

# Random light fills the spectrum up to where a transfer function may alias: both programs then do the same.
pytestmark = pytest.mark.filterwarnings("ignore::optics.SamplingWarning")

PITCH = 8e-6

# A few hundred roundings of phases of a hundred turns; a wrong sign, scale or centre is of order one.
SAME = 1e-12


def focal_length(samples: int) -> float:
    """At which the Fourier plane has the pitch of the input plane."""
    return samples * PITCH**2 / WAVELENGTH


def four_f(samples: int, padding: float = 1.0, *, lens: type[Lens] = Lens, stretch: float = 1.0) -> OpticalSystem:
    f, pupil = focal_length(samples), Circle(0.9 * samples * PITCH)

    def space() -> FresnelTransfer:
        return FresnelTransfer(stretch * f, padding=padding)

    return OpticalSystem(
        Mask(random_complex((samples, samples), seed=1), PITCH),
        OpticalSystem(space(), lens(f, pupil), space(), names=("to the lens", "lens", "to the focus")),
        Mask(random_complex((samples, samples), seed=2).real.clone(), PITCH),
        space(),
        lens(f, pupil),
        space(),
        names=("input", "first half", "Fourier mask", "to lens 2", "lens 2", "to the camera"),
    )


def light(samples: int, batch: tuple[int, ...] = (), dtype: torch.dtype = torch.complex128) -> Field:
    data = random_complex((*batch, samples, samples), seed=3, dtype=dtype)
    return Field(data, Grid((samples, samples), PITCH), WAVELENGTH)


# The axis between two samples of the padded lattice or on one, by half a sample or not off POPPY's.
@pytest.mark.parametrize(("samples", "padding"), [(48, 1), (48, 2), (45, 2), (33, 1.1), (50, 1.3)], ids=str)
def test_a_paraxial_4f_is_the_same_in_every_plane(samples, padding):
    system, field = four_f(samples, padding), light(samples)
    opinions = second_opinion(system, field)
    assert [o.name for o in opinions] == [
        "input",
        *(f"first half.{name}" for name in ("to the lens", "lens", "to the focus")),
        *("Fourier mask", "to lens 2", "lens 2", "to the camera"),
    ]
    assert max(o.error for o in opinions) < SAME
    assert torch.equal(opinions[-1].ours.data, system(field).data)
    assert relative_error(opinions[-1].theirs.data, system(field).data) == pytest.approx(opinions[-1].error)


def test_every_element_there_is_a_counterpart_for():
    system = OpticalSystem(
        Aperture(Rectangle((30 * PITCH, 21 * PITCH))),
        ZernikeAberration({4: 80e-9, 7: -50e-9}, 40 * PITCH),
        Mask(random_complex((48, 48)).imag.clone(), PITCH),
        Tilt((1e-3, -2e-3)),
        Lens(torch.tensor(-0.05, dtype=torch.float64)),
        FresnelTransfer(torch.tensor(2e-3, dtype=torch.float64), padding=1.5),
        Aperture(Circle(35.5 * PITCH)),
        FresnelTransfer(-1e-3, padding=1.5),
    )
    assert max(o.error for o in second_opinion(system, light(48))) < SAME


def test_a_batch_is_compared_field_by_field():
    field, system = light(24, (2, 3)), four_f(24, 1.5)
    last = second_opinion(system, field)[-1]
    assert last.theirs.data.shape == (2, 3, 24, 24)
    assert last.error < SAME
    alone = second_opinion(system, field.replace(field.data[1, 2]))[-1]
    assert torch.equal(alone.theirs.data, last.theirs.data[1, 2])


def test_single_precision_is_measured_against_double():
    errors = [o.error for o in second_opinion(four_f(48, 2), light(48, dtype=torch.complex64))]
    # Eight elements of rounded kernels and fields.
    assert 1e-8 < errors[-1] < 2e-6


def test_darkness_is_agreed_on():
    field = light(24)
    assert [o.error for o in second_opinion(four_f(24), field.replace(torch.zeros_like(field.data)))] == [0.0] * 8


class TestItWouldNotice:
    """POPPY is given what the elements say they are; here they do something else."""

    def worst(self, system):
        return max(o.error for o in second_opinion(system, light(48)))

    def test_a_lens_of_the_wrong_sign(self):
        class Diverging(Lens):
            def forward(self, field):
                return Lens(-self.focal_length, self.pupil)(field)

        assert self.worst(four_f(48, lens=Diverging)) > 0.1

    def test_a_distance_one_per_cent_off(self, monkeypatch):
        forward = FresnelTransfer.forward
        monkeypatch.setattr(
            FresnelTransfer,
            "forward",
            lambda self, field: forward(FresnelTransfer(1.01 * self.distance, padding=self.padding), field),
        )
        assert self.worst(four_f(48)) > 1e-2

    def test_an_axis_half_a_sample_off(self, monkeypatch):
        assert _Lattice.of(four_f(48), light(48)).axis == pytest.approx(-PITCH / 2)
        monkeypatch.setattr(_Lattice, "axis", 0.0)
        assert self.worst(four_f(48)) > 1e-2

    def test_less_light(self):
        class Grey(Lens):
            def forward(self, field):
                return field.replace(0.99 * super().forward(field).data)

        assert self.worst(four_f(48, lens=Grey)) > 5e-3


def test_the_system_is_poppys_own():
    system, field = four_f(32, 2), light(32)
    theirs = to_poppy(system, field)
    assert isinstance(theirs, poppy.FresnelOpticalSystem)
    wave = theirs.input_wavefront(wavelength=WAVELENGTH * u.m)
    assert wave.shape == (64, 64)
    assert wave.pixelscale.to_value(u.m / u.pixel) == pytest.approx(PITCH)
    assert sum(d.to_value(u.m) for d in theirs.distances) == pytest.approx(4 * focal_length(32))


class TestPoppysOwnWay:
    """A 4f in POPPY as its users build it: QuadraticLens, and lattices that change on the way to and from a waist.

    POPPY's axis lies on sample N/2: one more sample, dark, behind its N makes a lattice symmetric about the axis.
    """

    samples, pitch, focal_length = 256, 8e-6, 0.1

    def planes(self):
        """Input, Fourier plane and output as POPPY has them, with their pitches."""
        light = poppy.FresnelWavefront(
            0.512e-3 * u.m, wavelength=WAVELENGTH * u.m, npix=self.samples // 2, oversample=2
        )
        y, x = light.coordinates()
        start = np.exp(-((x - 60e-6) ** 2 + (y + 30e-6) ** 2) / 150e-6**2) * np.exp(2j * np.pi * 1000 * x)
        light.wavefront = start
        planes = [(start.copy(), self.pitch)]
        for _ in range(2):
            light.propagate_fresnel(self.focal_length * u.m)
            light *= poppy.QuadraticLens(self.focal_length * u.m)
            light.propagate_fresnel(self.focal_length * u.m)
            planes.append((light.wavefront.copy(), light.pixelscale.to_value(u.m / u.pixel)))
        return planes

    def symmetric(self, plane) -> Field:
        data, pitch = plane
        whole = torch.zeros(self.samples + 1, self.samples + 1, dtype=torch.complex128)
        # POPPY keeps Σ|E|² where the pitch changes, we keep ∫|E|².
        whole[:-1, :-1] = torch.from_numpy(data) * (self.pitch / pitch)
        return Field(whole, Grid(tuple(whole.shape), pitch), WAVELENGTH)

    def error(self, ours: Field, theirs: Field) -> float:
        # The dark sample behind POPPY's is not part of its answer, nor is its mirror image.
        inside = (..., slice(1, -1), slice(1, -1))
        mine, other = ours.data[inside], theirs.data[inside]
        turn = torch.vdot(mine.flatten(), other.flatten())
        return relative_error(mine * turn / turn.abs(), other)

    def test_its_lattices_change_and_the_light_is_the_same(self):
        start, focus, end = map(self.symmetric, self.planes())
        assert focus.grid.spacing[0] > 3 * self.pitch  # it did take another way than the bridge
        ours_focus = FourierLens(self.focal_length, focus.grid)(start)
        ours_end = FourierLens(self.focal_length, end.grid)(ours_focus)
        # The Fourier transforms of POPPY's steps to and from a waist have a positive sign, so that the plane between
        # two of them stands upside down; behind both it is right again. Its window cuts the beam at 1e-11.
        upside_down = focus.replace(focus.data.flip(-2, -1))
        assert self.error(ours_focus, upside_down) < 1e-10
        assert self.error(ours_end, end) < 1e-10
        assert self.error(ours_focus, focus) > 0.5


class TestUnsupported:
    def refuses(self, kind, match, *elements, field=None):
        with pytest.raises(kind, match=match):
            second_opinion(OpticalSystem(*elements), field or light(24))

    def test_elements_without_a_counterpart(self):
        self.refuses(TypeError, r"no counterpart in POPPY for FourierLens; .* made of Mask, Lens", FourierLens(0.1))
        self.refuses(TypeError, r"AngularSpectrum; .* \(POPPY's free space is paraxial\)", AngularSpectrum(1e-3))

    @pytest.mark.parametrize("grid", [Grid(24, PITCH), Grid((24, 22), PITCH), Grid((24, 24), (PITCH, 9e-6))], ids=str)
    def test_grids_that_are_not_square(self, grid):
        field = Field(torch.ones(grid.shape), grid, WAVELENGTH)
        self.refuses(ValueError, "POPPY propagates between square planes of points", Lens(0.1), field=field)

    def test_cells_that_are_not_points(self):
        grid = Grid((24, 24), PITCH, flat())
        field = Field(torch.ones(grid.shape), grid, WAVELENGTH)
        self.refuses(ValueError, "square planes of points", Aperture(Circle(1e-4)), field=field)

    def test_an_odd_lattice(self):
        self.refuses(ValueError, "even number of samples; got 25", FresnelTransfer(1e-3, padding=1), field=light(25))

    def test_steps_of_different_padding(self):
        steps = FresnelTransfer(1e-3, padding=1), FresnelTransfer(1e-3, padding=2)
        self.refuses(ValueError, r"one lattice; got steps padded to \[24, 48\] samples", *steps)

    def test_a_batch_of_masks(self):
        masks = Mask(random_complex((2, 24, 24)), PITCH)
        self.refuses(ValueError, r"one mask at a time; got a batch of shape \(2, 24, 24\)", masks)


def test_poppy_is_needed_only_when_asked():
    """It takes a second or two to import."""
    code = "import sys, optics.poppy_bridge; sys.exit('poppy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_steps_beyond_poppys_rayleigh_distance_stay_plane_to_plane():
    """POPPY would change the lattice there; the waist by which it judges follows the length of the system."""
    assert math.pi * (24 * PITCH / 4) ** 2 / WAVELENGTH < 0.5
    # Five metres are a thousand turns at the edge of the spectrum: three digits less.
    assert second_opinion(OpticalSystem(FresnelTransfer(5.0, padding=1)), light(24))[0].error < 1e-9
