"""What all thin elements share: kernels built once, numbers that may be trained."""

from __future__ import annotations

import pytest
import torch

from optics import Circle, Decentred, Field, Grid, Lens, SamplingWarning, Tilt, ZernikeAberration
from tests.optics.oracles import PITCH, WAVELENGTH, random_complex, relative_error


def light(grid: Grid, data: torch.Tensor | None = None) -> Field:
    return Field(torch.ones(grid.shape, dtype=torch.float64) if data is None else data, grid, WAVELENGTH)


def number(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


TRAINED = {
    "lens": lambda a: Lens(a * 1e-3),
    "pupil": lambda a: Lens(2e-3, Decentred(Circle(a * 31e-6), (a * 3e-6, -2e-6))),
    "tilt": lambda a: Tilt((a * 0.01, -0.013)),
    "zernike": lambda a: ZernikeAberration({4: a * 1e-7, 5: 5e-8}, 60e-6),
}


@pytest.mark.filterwarnings("ignore::optics.SamplingWarning")
@pytest.mark.parametrize("name", TRAINED)
def test_gradcheck_in_its_numbers_and_the_wavelength(name):
    data = random_complex((6, 7), 9)

    def behind(a, wavelength):
        return TRAINED[name](a)(Field(data, Grid((6, 7), PITCH), wavelength * 1e-6)).data

    assert torch.autograd.gradcheck(behind, (number(1.03), number(0.633)))


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128], ids=["float32", "float64"])
@pytest.mark.parametrize("name", ["lens", "tilt", "zernike"])
def test_a_tensor_does_what_a_number_does(name, dtype):
    field = light(Grid((6, 7), PITCH), random_complex((6, 7), 8, dtype))
    trained, plain = TRAINED[name](number(1.5))(field), TRAINED[name](1.5)(field)
    assert trained.data.dtype == dtype
    # Quotients in another order, then rounded.
    assert relative_error(trained.data, plain.data) < (1e-14 if dtype == torch.complex128 else 1e-7)


def test_parameters_are_found_and_followed():
    lens = Lens(torch.nn.Parameter(torch.tensor(0.02, dtype=torch.float64)))
    assert [name for name, _ in lens.named_parameters()] == ["focal_length"]
    field = light(Grid((6, 7), PITCH))
    lens(field)
    with torch.no_grad():
        lens.focal_length *= 2
    assert relative_error(lens(field).data, Lens(0.04)(field).data) < 1e-14


def test_a_changed_number_counts_in_a_thin_element():
    lens, field = Lens(0.02), light(Grid((6, 7), PITCH))
    lens(field)
    lens.focal_length = 0.04
    assert torch.equal(lens(field).data, Lens(0.04)(field).data)
    lens.pupil = Circle(5 * PITCH)
    with pytest.warns(SamplingWarning):  # it is asked anew
        assert torch.equal(lens(field).data, Lens(0.04, Circle(5 * PITCH))(field).data)


def test_a_kernel_is_built_once_for_each_grid_and_wavelength(monkeypatch):
    calls = []
    original = Lens.transmittance
    monkeypatch.setattr(Lens, "transmittance", lambda *a: calls.append(1) or original(*a))
    lens = Lens(0.02)
    for _ in range(3):
        for grid in (Grid(8, PITCH), Grid(9, PITCH)):
            for wavelength in (633e-9, 532e-9):
                lens(Field(torch.ones(grid.shape), grid, wavelength))
    assert len(calls) == 4
