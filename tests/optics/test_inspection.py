"""The look at the light: silence where it stays inside, and a finding for each way in which it does not."""

from __future__ import annotations

import math

import pytest
import torch

from optics import (
    AngularSpectrum,
    AngularSpectrumTransform,
    Field,
    FresnelSpectrumTransform,
    FresnelTransfer,
    Grid,
    OpticalSystem,
    Rectangle,
    SineLens,
    flat,
    gauss,
    inspect,
)
from tests.optics.oracles import WAVELENGTH

pytestmark = pytest.mark.filterwarnings("ignore::optics.SamplingWarning")

GRID = Grid((100, 120), 8e-6)


def spot(width: float, grid: Grid = GRID, turns: float = 0.0) -> Field:
    """A spot that rises towards +y by a share ``turns`` of the steepest wave."""
    y = grid.coordinates[0]
    data = torch.exp(-sum((x / width) ** 2 for x in grid.coordinates) + 1j * math.pi * turns * y / grid.spacing[0])
    return Field(data, grid, WAVELENGTH)


def found(system: OpticalSystem, field: Field) -> set[tuple[str, str]]:
    """Which element, and which plane's rim or loss."""
    return {(finding.element, finding.problem.split(":")[0]) for finding in inspect(system, field)}


SPECTRUM = "light at the rim of the spectrum"
WINDOW = "light at the rim of the window behind it"
LOST = "light cut, or gone from the window"

LIMITED = AngularSpectrum(24e-3, padding=1)


@pytest.mark.parametrize("padding", [1, 2])
@pytest.mark.parametrize("kind", [AngularSpectrum, FresnelTransfer])
def test_light_that_stays_inside_is_no_finding(kind, padding):
    system = OpticalSystem(kind(10e-3, padding=padding), kind(10e-3, padding=padding))
    assert inspect(system, spot(80e-6)) == []


@pytest.mark.parametrize("kind", [AngularSpectrum, FresnelTransfer])
def test_samples_too_coarse_for_the_light(kind):
    assert found(OpticalSystem(kind(1e-4)), spot(6e-6)) == {(kind.__name__, SPECTRUM)}


@pytest.mark.parametrize("kind", [AngularSpectrum, FresnelTransfer])
def test_light_that_wanders_to_the_rim(kind):
    # Half of the steepest wave rises by 20 mm · λ/(4·8 µm), 396 µm: the rim of the window.
    name = kind.__name__
    assert found(OpticalSystem(kind(20e-3, padding=1)), spot(60e-6, turns=0.5)) >= {(name, WINDOW)}
    assert found(OpticalSystem(kind(20e-3)), spot(60e-6, turns=0.5)) == {(name, WINDOW), (name, LOST)}


def test_light_that_the_band_limit_cuts():
    """In a periodic window of 0.8 mm waves that wander beyond 0.4 mm are cut; Fresnel lets them come round."""
    light = spot(60e-6, turns=0.7)
    shares = {finding.problem.split(":")[0]: finding.share for finding in inspect(OpticalSystem(LIMITED), light)}
    assert shares[LOST] == pytest.approx(1.0, abs=0.05)
    assert found(OpticalSystem(FresnelTransfer(24e-3, padding=1)), light) == set()


BY_PLANE_WAVES = {
    "angular-spectrum": AngularSpectrumTransform(1e-3, Grid((9, 9), 20e-6)),
    "fresnel": FresnelSpectrumTransform(1e-3, Grid((9, 9), 20e-6)),
    "sine-lens": SineLens(20e-3, Rectangle((2e-3, 2e-3)), Grid((4, 4), 5e-4, gauss(100)), Grid((9, 9), 20e-6)),
}


@pytest.mark.parametrize("name", BY_PLANE_WAVES)
def test_light_that_goes_by_plane_waves_is_looked_at_where_it_starts(name):
    """Sharp pixels of one sample each are steeper than their samples; a smooth spot is not, and flat cells may be."""
    system = OpticalSystem(BY_PLANE_WAVES[name], names=[name])
    assert inspect(system, spot(80e-6)) == []
    assert found(system, spot(6e-6)) == {(name, SPECTRUM)}
    assert inspect(system, spot(6e-6, GRID.resolved(flat()))) == []


def test_a_window_that_cuts_light_off_sends_it_aside():
    """Constant light on eight points ends at the rim of their window: the spectrum of its edges is there."""
    light = Field(torch.ones(8), Grid(8, 8e-6), WAVELENGTH)
    (finding,) = inspect(OpticalSystem(AngularSpectrumTransform(1e-3, Grid(9, 8e-6))), light)
    # |sin(8x)/sin(x)|² about 1/2 for the outer tenth of the spectrum, over eight times its mean, 8.
    assert finding.share == pytest.approx(0.1 / 2 / 8, rel=0.3)


def test_findings_name_the_way_into_nested_systems_and_the_worst_of_a_batch():
    inner = OpticalSystem(FresnelTransfer(1e-4), names=["gap"])
    system, wide = OpticalSystem(inner, FresnelTransfer(1e-4), names=["relay", "gap"]), spot(80e-6)
    finding, behind = inspect(system, wide.replace(torch.stack([wide.data, spot(6e-6).data])))
    alone, _ = inspect(system, spot(6e-6))
    assert (finding.element, behind.element) == ("relay.gap", "gap")
    assert finding.share == pytest.approx(alone.share, rel=1e-12)


def test_the_limit_is_the_callers():
    (finding,) = inspect(OpticalSystem(FresnelTransfer(1e-4)), spot(6e-6))
    assert inspect(OpticalSystem(FresnelTransfer(1e-4)), spot(6e-6), limit=finding.share * 1.01) == []


def test_the_dark_is_no_finding():
    assert inspect(OpticalSystem(FresnelTransfer(1e-4)), Field(torch.zeros(GRID.shape), GRID, WAVELENGTH)) == []
