"""Zernike aberrations: their size, their sign, and what they do to a focus."""

from __future__ import annotations

import math

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
    ZernikeAberration,
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
