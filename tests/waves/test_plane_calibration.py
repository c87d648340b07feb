"""Calibration of a whole plane, by iteration, held against the axis-by-axis solution and against exact masks."""

import pytest
import torch

from acdc_optical import Calibrated, ComplexValues, Lenses, Wave, calibrate, realise
from acdc_optical.progress import silent
from acdc_optical.waves.calibration import least_squares
from acdc_optical.waves.plane_calibration import least_squares_iterated
from tests.realisation.cases import bench, inputs, layer, relative_error

WAVELENGTH, PITCH = 633e-9, 8e-6


def table(subpixels=2, n=8, **lenses):
    focal_length = 2 * n * PITCH**2 / WAVELENGTH
    return bench(subpixels=subpixels, fill=1.0, camera_fill=0.0, focal_length=focal_length, lenses=Lenses(**lenses))


def error(optical, numbers):
    x = inputs(numbers, 8)
    with torch.no_grad():
        return relative_error(optical(x), numbers(x))


def test_iteration_finds_what_least_squares_finds():
    generator = torch.Generator().manual_seed(0)
    system = torch.randn(60, 12, generator=generator, dtype=torch.float64)
    wanted = torch.randn(60, generator=generator, dtype=torch.float64)
    start = torch.zeros(12, dtype=torch.float64)

    def alone(gradient, ridge):
        return gradient

    # The ridge is estimated from one probe of ±1, so none is asked for here.
    found = least_squares_iterated(lambda x: system @ x, wanted, start, 0.0, alone, 12, silent)
    # Twelve unknowns take twelve steps.
    assert relative_error(found, least_squares(system, wanted[:, None], 0.0)[:, 0]) < 1e-8


@pytest.mark.parametrize(("kind", "shape"), [("ACDC", (8,)), ("AFDF", (8,)), ("ACDC", (4, 3))], ids=str)
def test_where_axes_do_not_mix_it_is_as_good_as_axis_by_axis(kind, shape):
    numbers, method = layer(kind, shape), Calibrated(values=ComplexValues(), weight=1e-6)
    axes = error(realise(numbers, table(4), model=Wave(), method=method), numbers)
    plane = calibrate(numbers, table(4), method, iterations=20)
    exact = error(realise(numbers, table(4), model=Wave()), numbers)
    assert error(plane, numbers) < max(2 * axes, exact / 50)
    assert plane.masks().fourier_mask.abs().max() == pytest.approx(1)


@pytest.mark.slow
def test_round_stops_are_solved_for():
    numbers = layer("ACDC", (3, 3))
    narrow = table(n=3, stop="round")
    exact = error(realise(numbers, narrow, model=Wave()), numbers)
    with pytest.raises(ValueError, match=r"use calibrate\(\)"):
        realise(numbers, narrow, model=Wave(), method=Calibrated())
    assert error(calibrate(numbers, narrow, Calibrated(weight=1e-6), iterations=4), numbers) < 0.9 * exact


def test_a_bias_and_the_input_mask_are_kept():
    numbers = layer("ACDC", 8, bias=True)
    with torch.no_grad():
        numbers.bias.add_(0.5)
        numbers.a.mul_(torch.linspace(0.2, 2, 8, dtype=torch.float64))
    plane = calibrate(numbers, table(4), Calibrated(values=ComplexValues(), weight=1e-6), iterations=10)
    assert error(plane, numbers) < 1e-4


def test_it_shows_its_progress():
    seen = []

    def track(steps, description, total):
        seen.append((description, total))
        return iter(steps)

    calibrate(layer("ACDC", 4), table(), Calibrated(), iterations=2, track=track)
    assert seen == [("calibrating", 2)]
