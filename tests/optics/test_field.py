"""The field as a value."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from optics import Field, Grid, flat, gauss, midpoint
from tests.optics.oracles import PITCH, WAVELENGTH, random_complex, random_real

GRID = Grid((3, 4), PITCH)


@pytest.mark.parametrize(
    ("real", "dtype"), [(torch.float64, torch.complex128), (torch.float32, torch.complex64)], ids=["float64", "float32"]
)
def test_real_data_become_complex_of_the_same_precision(real, dtype):
    data = random_real(GRID.shape).to(real)
    field = Field(data, GRID, WAVELENGTH)
    assert field.data.dtype == dtype
    assert torch.equal(field.data.real, data)
    assert not field.data.imag.any()


def test_intensity_and_phase_rebuild_the_field():
    field = Field(random_complex((2, *GRID.shape)), GRID, WAVELENGTH)
    rebuilt = torch.polar(field.intensity.sqrt(), field.phase)
    assert torch.allclose(rebuilt, field.data, rtol=1e-14, atol=0)  # a square, a root, an arctangent: ulps


def test_phase_of_known_values():
    field = Field(torch.tensor([1, 1j, -1, -1j], dtype=torch.complex128), Grid(4, PITCH), WAVELENGTH)
    assert field.phase.tolist() == [0.0, math.pi / 2, math.pi, -math.pi / 2]


@pytest.mark.parametrize(
    ("cell", "fill"), [(None, 1.0), (flat(0.5), 0.5), (gauss(3, 0.8), 0.8), (midpoint(4), 1.0)], ids=str
)
def test_power_of_uniform_light_is_intensity_times_active_area(cell, fill):
    grid = Grid((3, 4), (PITCH, 2 * PITCH), cell)
    amplitudes = torch.tensor([1.0, 2.0], dtype=torch.float64)[:, None, None]
    power = Field(amplitudes * torch.ones(grid.shape, dtype=torch.float64), grid, WAVELENGTH).power
    area = 12 * PITCH * 2 * PITCH * fill**2
    assert power.tolist() == pytest.approx([area, 4 * area], rel=1e-14)  # sums of a hundred terms


def test_power_of_a_gaussian():
    grid, waist = Grid(64, PITCH), 8 * PITCH
    data = torch.exp(-(grid.coordinates[0] / waist).square())
    # ∫exp(-2x²/w²)dx; the trapezoidal rule is exact to rounding for a Gaussian cut at exp(-32).
    assert Field(data, grid, WAVELENGTH).power.item() == pytest.approx(waist * math.sqrt(math.pi / 2), rel=1e-13)


def test_replace_keeps_what_is_not_replaced():
    field = Field(random_complex(GRID.shape), GRID, WAVELENGTH)
    other = field.replace(2 * field.data)
    assert (other.grid, other.wavelength) == (GRID, WAVELENGTH)
    moved = field.replace(torch.ones(5), Grid(5, PITCH))
    assert (moved.grid, moved.wavelength) == (Grid(5, PITCH), WAVELENGTH)


def test_fields_are_frozen_and_can_be_compared():
    field = Field(random_complex(GRID.shape), GRID, WAVELENGTH)
    with pytest.raises(dataclasses.FrozenInstanceError):
        field.wavelength = 1e-6
    assert field != field.replace(2 * field.data)  # must answer, not raise on the truth value of a tensor


def test_power_in_inference_mode_does_not_spoil_training():
    grid = Grid((3, 4), PITCH, gauss(2))
    data = random_complex(grid.shape, 2)
    with torch.inference_mode():
        before = Field(data, grid, WAVELENGTH).power.item()
    field = Field(data.requires_grad_(), grid, WAVELENGTH)
    field.power.backward()
    # ∂(Σ w|E|²) = 2wE in torch's convention, so Re⟨E, grad⟩ is twice the power; rounding of 48 terms.
    assert (data.grad.conj() * data).real.sum().item() == pytest.approx(2 * before, rel=1e-14)


@pytest.mark.parametrize("shape", [(4, 3), (3,), (), (3, 4, 1)], ids=str)
def test_data_must_end_in_the_shape_of_the_grid(shape):
    with pytest.raises(ValueError, match=r"field data must end in the grid's shape \(3, 4\); got") as error:
        Field(torch.ones(shape), GRID, WAVELENGTH)
    assert str(error.value).endswith(str(shape))


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool, torch.float16])
def test_data_must_be_floating_point(dtype):
    with pytest.raises(TypeError, match=rf"field data must be float32, float64 or their complex types; got {dtype}"):
        Field(torch.ones(3, 4).to(dtype), GRID, WAVELENGTH)


@pytest.mark.parametrize("wavelength", [0.0, -WAVELENGTH, math.nan, math.inf])
def test_wavelength_must_be_positive(wavelength):
    with pytest.raises(ValueError, match=rf"wavelength must be a positive length in metres; got {wavelength}"):
        Field(torch.ones(3, 4), GRID, wavelength)


def test_a_wavelength_may_be_a_tensor():
    wavelength = torch.tensor(WAVELENGTH, dtype=torch.float64, requires_grad=True)
    assert Field(torch.ones(3, 4), GRID, wavelength).replace(torch.ones(5), Grid(5, PITCH)).wavelength is wavelength
    for wrong in (0.0, -WAVELENGTH, math.nan):
        with pytest.raises(ValueError, match=f"wavelength must be a positive length in metres; got {wrong}"):
            Field(torch.ones(3, 4), GRID, torch.tensor(wrong, dtype=torch.float64))


@pytest.mark.parametrize("wavelength", [torch.tensor(WAVELENGTH), torch.full((1,), WAVELENGTH).double()], ids=str)
def test_a_wavelength_as_tensor_is_one_precise_number(wavelength):
    with pytest.raises(TypeError, match=r"a wavelength as a tensor must be 0-dim and float64; got torch\.float"):
        Field(torch.ones(3, 4), GRID, wavelength)
