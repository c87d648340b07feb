"""slmsuite's own conversion of phases to grays against ours: the same whole numbers, and where they differ."""

from __future__ import annotations

import math

import numpy as np
import pytest

from acdc_optical.fabrication.devices.modulators import ModulatorProfile
from acdc_optical.fabrication.devices.placement import Placement
from acdc_optical.fabrication.devices.responses import Response
from acdc_optical.fabrication.surfaces.rasters import read_raster, write_png

pytestmark = pytest.mark.peers

TURN = 2 * math.pi
ROWS, COLUMNS = 24, 40
BITS = pytest.mark.parametrize("bits", [8, 10, 16])


def panel(bits: int, *, scaling: float = 1.0):
    """slmsuite's simulated panel; resolution is (width, height)."""
    pytest.importorskip("slmsuite", reason="slmsuite is not installed: pip install 'acdc-optical[peers]'")
    from slmsuite.hardware.slms.simulated import SimulatedSLM

    return SimulatedSLM((COLUMNS, ROWS), bitdepth=bits, wav_um=scaling, wav_design_um=1.0, gpu=False)


def ours(response: Response, **options) -> ModulatorProfile:
    return ModulatorProfile((8e-6, 8e-6), response, Placement((ROWS, COLUMNS)), **options)


def random_phases(low: float = -3 * TURN, high: float = 3 * TURN, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, (ROWS, COLUMNS))


def converted(slm, phases: np.ndarray) -> np.ndarray:
    """By the routine behind set_phase, in the float64 that it is given; set_phase itself rounds to float32 first."""
    return slm._phase2gray(phases.copy()).copy()


@BITS
@pytest.mark.parametrize("seed", range(5))
def test_every_gray_of_random_phases(bits, seed):
    phases = random_phases(seed=seed)
    # Both images have their top first; slmsuite's arrays too, ours have the lowest row first.
    np.testing.assert_array_equal(ours(Response.falling(bits)).image(phases[::-1]), converted(panel(bits), phases))


@BITS
def test_every_gray_around_the_wraps(bits):
    step = TURN / 2**bits
    turns = np.arange(-3, 4)[:, None] * TURN + np.arange(-20, 21) * step / 4 + step / 8  # beside the ties
    phases = np.resize(turns, (ROWS, COLUMNS))
    grays = converted(panel(bits), phases)
    np.testing.assert_array_equal(ours(Response.falling(bits)).image(phases[::-1]), grays)
    assert {0, 2**bits - 1} <= set(grays.ravel().tolist())


@BITS
def test_every_gray_by_the_public_call(bits):
    """Where float32, of six turns 2^bits grays each, does not decide between two of them."""
    phases = random_phases()
    place = phases * 2**bits / TURN
    decided = np.abs(place - np.floor(place) - 0.5) > 4 * np.spacing(np.float32(3 * 2**bits))
    assert decided.mean() > 0.85
    difference = ours(Response.falling(bits)).image(phases[::-1]) != panel(bits).set_phase(phases)
    assert not difference[decided].any()


def test_a_source_phase_is_a_flatness(tmp_path):
    """A vendor's image of grays, by slmsuite's loader and as a flatness of ours."""
    write_png(tmp_path / "vendor.png", np.random.default_rng(1).integers(0, 256, (ROWS, COLUMNS)).astype(np.uint8))
    slm, response = panel(8), Response.falling(8)
    theirs = slm.load_vendor_phase_correction(str(tmp_path / "vendor.png"))
    flatness = response.phases[read_raster(tmp_path / "vendor.png").image]
    np.testing.assert_allclose(flatness, theirs, atol=1e-14)
    # Whole grays and an eighth: no rounding to float32 decides.
    phases = (np.random.default_rng(2).integers(0, 256, (ROWS, COLUMNS)) + 0.125) * (TURN / 256)
    image = ours(response, flatness=flatness).image(phases[::-1])
    np.testing.assert_array_equal(image, slm.set_phase(phases))
    assert (image != slm.set_phase(phases, phase_correct=False)).any()


@BITS
def test_rising_grays_are_one_lower_there(bits):
    """slmsuite's zero is the highest gray for either sign; ours is gray 0 where the phase rises: a constant phase."""
    slm, phases = panel(bits), random_phases()
    slm._gamma_sign = 1
    grays = ours(Response.rising(bits)).image(phases[::-1]).astype(np.int64)
    np.testing.assert_array_equal((grays - 1) % 2**bits, converted(slm, phases))


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("scaling", [0.8, 1.25])
def test_other_ranges_of_phase_are_truncated_there_and_rounded_here(bits, scaling):
    """Their gray is the whole part, so half a gray less of phase makes it ours, wherever both have that phase."""
    slm, response = panel(bits, scaling=scaling), Response.falling(bits, stroke=1 / scaling)
    gray = TURN / scaling / 2**bits
    last = min(TURN, TURN / scaling) - 2 * gray
    phases = random_phases(gray, last)
    np.testing.assert_array_equal(ours(response).image(phases[::-1]), converted(slm, phases - gray / 2))
    less = ours(response).image(phases[::-1]).astype(np.int64) - converted(slm, phases)
    assert set(less.ravel().tolist()) == {0, 1}


def test_phases_beyond_the_range_are_zero_there_and_the_nearest_here():
    """phase_scaling 1.25: the panel reaches 0.8 of a turn."""
    slm, response = panel(8, scaling=1.25), Response.falling(8, stroke=0.8)
    phases = random_phases(0.8 * TURN + 0.01, TURN - 0.05)
    theirs, grays = converted(slm, phases), ours(response).image(phases[::-1])
    assert set(theirs.ravel().tolist()) == {255}  # phase zero
    assert set(grays.ravel().tolist()) == {0, 255}  # the ends of the range, whichever is nearer

    def error(image: np.ndarray) -> np.ndarray:
        return np.abs(np.angle(np.exp(1j * (response.phases[image] - phases))))

    assert (error(grays) <= error(theirs) + 1e-12).all()
    assert error(grays).max() <= response.worst_error < error(theirs).max()


def test_the_comparison_can_fail():
    phases = random_phases()
    expected = converted(panel(8), phases)
    for wrong in (phases, phases[::-1] + TURN / 256, -phases[::-1]):
        assert (ours(Response.falling(8)).image(wrong) != expected).mean() > 0.9
