"""Other simulators against ours, on the same lattice; the tolerances say what limits the agreement."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from optics import AngularSpectrum, Circle, Field, FourierLens, FresnelTransform, Grid
from tests.optics.oracles import random_complex, relative_error
from tests.peers import rigs
from tests.peers.rigs import Lattice, Ours, wave_4f

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::optics.SamplingWarning")]

LATTICE = Lattice(64, 8e-6, 633e-9)
GRID = Grid((64, 64), LATTICE.spacing)

# At 64·Δ²/λ = 6.5 mm HCIPy goes over from the transfer function to its impulse response, aliased otherwise than ours.
FOCAL_LENGTH = 6.1e-3

# Simulators, and how far their fields are from ours: one step, and a 4f with a random complex mask. All but one are
# limited by some hundred roundings of float64. LightPipes has 2π = 3.141592654·2 in free space and 3.1415926·2 in
# lenses, 2e-8 of a phase of up to fifty radians in each.
PEERS = [
    pytest.param("LightPipes", "LightPipes", 1e-9, 5e-6, id="LightPipes"),
    pytest.param("HCIPy", "hcipy", 1e-12, 1e-12, id="HCIPy"),
    pytest.param("TorchOptics", "torchoptics", 1e-12, 1e-12, id="torchoptics"),
    pytest.param("Poppy", "poppy", 1e-12, 1e-12, id="POPPY"),
]


def beam(grid: Grid = GRID, waist: float = 60e-6) -> torch.Tensor:
    """A Gaussian off the axis, tilted: no symmetry hides a flip or a shift."""
    y, x = grid.coordinates
    return torch.exp(-((y - 25e-6).square() + (x + 40e-6).square()) / waist**2 + 2j * math.pi * (4e3 * x - 2e3 * y))


def disagreement(theirs: torch.Tensor, ours: torch.Tensor) -> float:
    """Relative L2 distance of the complex fields after a constant phase, of which exp(ikz) is one."""
    turn = torch.vdot(theirs.flatten(), ours.flatten())
    return relative_error(theirs * turn / turn.abs(), ours)


def both(name: str, package: str):
    """The simulator, and ours with the pupil its lenses have."""
    pytest.importorskip(package, reason=f"{package} is not installed: pip install 'acdc-optical[peers]'")
    pupil = LATTICE.window if package == "torchoptics" else None
    return getattr(rigs, name)(LATTICE), Ours(LATTICE, pupil)


def run(rig, build, data: torch.Tensor) -> torch.Tensor:
    return rig.samples(build(rig)(rig.light(data)))


@pytest.mark.parametrize(("name", "package", "step_limit", "system_limit"), PEERS)
class TestTheSameBench:
    def test_one_step_of_a_beam(self, name, package, step_limit, system_limit):
        got, expected = (run(rig, lambda r: r.space(FOCAL_LENGTH), beam()) for rig in both(name, package))
        assert disagreement(got, expected) < step_limit

    def test_one_step_of_light_of_all_directions(self, name, package, step_limit, system_limit):
        light = random_complex(GRID.shape, seed=5)
        got, expected = (run(rig, lambda r: r.space(FOCAL_LENGTH), light) for rig in both(name, package))
        assert disagreement(got, expected) < step_limit

    def test_a_4f_with_a_mask(self, name, package, step_limit, system_limit):
        mask = random_complex(GRID.shape, seed=6)
        got, expected = (run(rig, lambda r: wave_4f(r, FOCAL_LENGTH, mask), beam()) for rig in both(name, package))
        assert disagreement(got, expected) < system_limit

    def test_the_comparison_can_fail(self, name, package, step_limit, system_limit):
        """A distance one per cent off, a lens or a mask of the wrong sign, an axis half a sample off."""
        theirs, ours = both(name, package)
        mask = random_complex(GRID.shape, seed=6)
        right = run(ours, lambda r: wave_4f(r, FOCAL_LENGTH, mask), beam())

        def lens_only(rig, f):
            return run(rig, lambda r: r.lens(f), beam())

        far = run(theirs, lambda r: wave_4f(r, 1.01 * FOCAL_LENGTH, mask), beam())
        conjugate = run(theirs, lambda r: wave_4f(r, FOCAL_LENGTH, mask.conj().resolve_conj()), beam())
        assert disagreement(far, right) > 100 * system_limit
        assert disagreement(conjugate, right) > 0.5
        assert disagreement(lens_only(theirs, -FOCAL_LENGTH), lens_only(ours, FOCAL_LENGTH)) > 0.5
        assert disagreement(lens_only(theirs, FOCAL_LENGTH).roll(1, 0), lens_only(ours, FOCAL_LENGTH)) > 1e-2


class TestAtAnyAngle:
    """Non-paraxial free space; a beam of two wavelengths' waist in a window padded to twice its width."""

    lattice = Lattice(96, 0.5 * 633e-9, 633e-9)
    grid = Grid((96, 96), 0.5 * 633e-9)
    distance = 8e-6

    def ours(self):
        y, x = self.grid.coordinates
        data = torch.exp(-((y - 1e-6).square() + (x + 2e-6).square()) / (2 * 633e-9) ** 2) + 0j
        return data, AngularSpectrum(self.distance)(Field(data, self.grid, 633e-9)).data

    # The beam has no light beyond our band limit (exp(-37)); ours and theirs differ by rounding of phases.
    def test_torchoptics(self):
        torchoptics = pytest.importorskip("torchoptics")
        data, expected = self.ours()
        field = torchoptics.Field(data, 633e-9, spacing=self.lattice.spacing)
        got = field.propagate_to_z(self.distance, propagation_method="ASM", asm_pad=(48, 48)).data
        assert disagreement(got, expected) < 1e-11
        paraxial = field.propagate_to_z(self.distance, propagation_method="ASM_FRESNEL", asm_pad=(48, 48)).data
        assert disagreement(paraxial, expected) > 1e-3

    def test_hcipy(self):
        hcipy = pytest.importorskip("hcipy")
        data, expected = self.ours()
        rig = rigs.HCIPy(self.lattice)
        step = hcipy.AngularSpectrumPropagator(rig.grid, self.distance, num_oversampling=1)
        assert disagreement(rig.samples(step(rig.light(data))), expected) < 1e-11


class TestTheFocusOfALens:
    """A round pupil and its Airy disc, on a lattice ten times finer than the disc."""

    focal_length, diameter = 20e-3, 400e-6

    def test_hcipy(self):
        hcipy = pytest.importorskip("hcipy")
        disc = Grid((50, 50), 1.22 * LATTICE.wavelength * self.focal_length / self.diameter / 10)
        pupil = Field(torch.ones(GRID.shape, dtype=torch.complex128), GRID, LATTICE.wavelength)
        opening = Circle(self.diameter).contains(GRID).double()
        ours = FourierLens(self.focal_length, disc)(pupil.replace(pupil.data * opening))
        rig = rigs.HCIPy(LATTICE)
        camera = hcipy.make_uniform_grid([50, 50], [50 * disc.spacing[0]] * 2)
        circle = rig.mask(opening)
        lens = hcipy.FraunhoferPropagator(rig.grid, camera, self.focal_length)
        # Both are the Fourier integral of the same samples, by a matrix or a chirp.
        got = rig.samples(lens(circle(rig.light(pupil.data))))
        assert disagreement(got, ours.data) < 1e-12
        assert float(np.abs(got.numpy()).max()) == pytest.approx(float(ours.data.abs().max()))

    def test_torchoptics(self):
        torchoptics = pytest.importorskip("torchoptics")
        light = beam()
        ours = Ours(LATTICE, LATTICE.window)
        expected = FresnelTransform(self.focal_length, GRID)(ours.lens(self.focal_length)(ours.light(light))).data
        rig = rigs.TorchOptics(LATTICE)
        focus = rig.lens(self.focal_length)(rig.light(light)).propagate_to_z(
            self.focal_length, propagation_method="DIM_FRESNEL"
        )
        # Its direct integration is a convolution of the same samples with the same kernel.
        assert isinstance(focus, torchoptics.Field)
        assert disagreement(focus.data, expected) < 1e-11
