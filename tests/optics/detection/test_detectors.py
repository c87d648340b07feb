"""What detectors read: one number for each pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from optics import Field, FieldDetector, FourierIntegral, Grid, IntensityDetector, flat, gauss, midpoint, point
from tests.optics.oracles import PITCH, SCALE, WAVELENGTH, detuned, orders, random_complex, relative_error

CELLS = [gauss(3), gauss(2, 0.6), midpoint(4), midpoint(3, 0.5)]
cells = pytest.mark.parametrize("cell", CELLS, ids=str)


def pixel_means(values: np.ndarray, grid: Grid) -> torch.Tensor:
    """The weighted mean over the nodes of every pixel of a 2-D grid, pixel by pixel."""
    nodes = [len(axis.cell) for axis in grid.axes]
    weights = np.outer(grid.axes[0].cell.weights, grid.axes[1].cell.weights)
    means = np.empty(grid.cells, dtype=values.dtype)
    for j in range(grid.cells[0]):
        for i in range(grid.cells[1]):
            block = values[j * nodes[0] : (j + 1) * nodes[0], i * nodes[1] : (i + 1) * nodes[1]]
            means[j, i] = np.average(block, weights=weights)
    return torch.from_numpy(means)


@cells
def test_detectors_average_over_the_active_part(cell):
    grid = Grid((3, 5), PITCH, cell)
    field = Field(random_complex(grid.shape, 1), grid, WAVELENGTH)
    intensity, amplitude = IntensityDetector()(field), FieldDetector()(field)
    # A few roundings of sums of at most 16 terms.
    assert relative_error(intensity, pixel_means((field.data.abs() ** 2).numpy(), grid)) < 1e-14
    assert relative_error(amplitude, pixel_means(field.data.numpy(), grid)) < 1e-14
    assert not intensity.is_complex()


@cells
def test_uniform_light_reads_the_same_whatever_the_fill(cell):
    grid = Grid((3, 5), PITCH, cell)
    field = Field(torch.full(grid.shape, 0.6 - 0.8j, dtype=torch.complex128), grid, WAVELENGTH)
    assert IntensityDetector()(field).numpy() == pytest.approx(1.0, rel=1e-15)
    assert (FieldDetector()(field) - (0.6 - 0.8j)).abs().max() < 1e-15


@pytest.mark.parametrize("cell", [point(), flat(0.5)], ids=str)
def test_one_sample_is_its_own_mean(cell):
    field = Field(random_complex((3, 5), 2), Grid((3, 5), PITCH, cell), WAVELENGTH)
    assert torch.equal(FieldDetector()(field), field.data)


def test_intensity_is_not_read_from_the_mean_of_a_field():
    assert IntensityDetector()(Field(torch.full((3,), 2.0), Grid(3, PITCH), WAVELENGTH)).tolist() == [4, 4, 4]
    with pytest.raises(ValueError, match="varies within a flat pixel"):
        IntensityDetector()(Field(torch.ones(3), Grid(3, PITCH, flat(0.5)), WAVELENGTH))


@cells
def test_readings_add_up_to_the_power(cell):
    grid = Grid((3, 5), (PITCH, 2 * PITCH), cell)
    field = Field(random_complex((2, *grid.shape), 3), grid, WAVELENGTH)
    active_area = sum(cell.weights) ** 2 * PITCH * 2 * PITCH
    total = IntensityDetector()(field).sum(dim=(-2, -1)) * active_area
    assert total.tolist() == pytest.approx(field.power.tolist(), rel=1e-14)  # sums of a few hundred terms


@pytest.mark.parametrize(
    ("dtype", "real"), [(torch.complex128, torch.float64), (torch.complex64, torch.float32)], ids=["float64", "float32"]
)
@cells
def test_batches_and_dtypes(cell, dtype, real):
    grid = Grid((3, 5), PITCH, cell)
    field = Field(random_complex((2, 4, *grid.shape), 4, dtype), grid, WAVELENGTH)
    for detector, expected in ((IntensityDetector(), real), (FieldDetector(), dtype)):
        reading = detector(field)
        assert reading.dtype == expected
        assert reading.shape == (2, 4, 3, 5)
        one = detector(field.replace(field.data[1, 2]))
        assert relative_error(reading[1, 2], one) < 4 * torch.finfo(real).eps  # a batched sum may take another order


def test_camera_pixel_converges_to_the_energy_that_falls_on_it():
    """A camera pixel sees |E|² of a smooth field: order 2 for equal samples, at once for Gauss's."""
    source, pixels, data = Grid(9, PITCH), detuned(12), random_complex(9, 5)

    def read(cell):
        grid = pixels.resolved(cell)
        return IntensityDetector()(Field(FourierIntegral(source, grid, SCALE)(data), grid, WAVELENGTH))

    exact = read(gauss(12))
    assert relative_error(read(gauss(8)), exact) < 1e-13  # rounding
    assert orders([relative_error(read(midpoint(n)), exact) for n in (4, 8, 16)]) == pytest.approx([2, 2], abs=0.05)


def test_intensity_is_an_average_of_squares():
    grid = Grid(1, PITCH, midpoint(2))
    field = Field(torch.tensor([1.0, -1.0], dtype=torch.float64), grid, WAVELENGTH)
    assert IntensityDetector()(field).item() == 1.0
    assert FieldDetector()(field).item() == 0.0


@pytest.mark.parametrize("detector", [IntensityDetector(), FieldDetector()], ids=["intensity", "field"])
@pytest.mark.parametrize("cell", [point(), gauss(2, 0.6)], ids=str)
def test_gradcheck(detector, cell):
    grid = Grid((2, 3), PITCH, cell)
    data = random_complex((2, *grid.shape), 6).requires_grad_()
    assert torch.autograd.gradcheck(lambda d: detector(Field(d, grid, WAVELENGTH)), (data,))


@pytest.mark.parametrize("detector", [IntensityDetector(), FieldDetector()], ids=["intensity", "field"])
def test_reading_in_inference_mode_does_not_spoil_training(detector):
    grid = Grid((2, 3), PITCH, gauss(2))
    data = random_complex(grid.shape, 7)
    with torch.inference_mode():
        before = detector(Field(data, grid, WAVELENGTH)).clone()
    reading = detector(Field(data.requires_grad_(), grid, WAVELENGTH))
    reading.abs().sum().backward()
    assert torch.equal(reading, before)
    assert data.grad.abs().min() > 0
