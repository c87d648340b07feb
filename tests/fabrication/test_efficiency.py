"""Closed forms against printed values and against the transform of the profile itself."""

import math

import numpy as np
import pytest

from acdc_optical.fabrication.efficiency import blaze_efficiency
from tests.fabrication.closed_forms import overlay_efficiency


@pytest.mark.parametrize(("levels", "percent"), [(2, 40.53), (4, 81.06), (8, 94.96), (16, 98.72), (32, 99.68)])
def test_first_order_of_a_staircase(levels, percent):
    assert 100 * blaze_efficiency(levels) == pytest.approx(percent, abs=0.005)  # so many digits are printed
    assert blaze_efficiency(levels) == pytest.approx(np.sinc(1 / levels) ** 2, rel=1e-14)  # rounding


@pytest.mark.parametrize("levels", [2, 3, 8])
def test_orders_of_a_staircase(levels):
    for order in range(-20, 21):
        expected = np.sinc(order / levels) ** 2 if (order - 1) % levels == 0 else 0
        assert blaze_efficiency(levels, order=order) == pytest.approx(expected, abs=1e-14)  # rounding


@pytest.mark.parametrize(
    ("levels", "error", "first", "zeroth"),
    [(8, 0.01, 94.93, 0.01), (8, 0.03, 94.69, 0.09), (8, 0.05, 94.20, 0.24), (2, 0.05, 40.28, 0.62)],
)
def test_too_deep(levels, error, first, zeroth):
    assert 100 * blaze_efficiency(levels, depth_error=error) == pytest.approx(first, abs=0.005)  # digits printed
    assert 100 * blaze_efficiency(levels, order=0, depth_error=error) == pytest.approx(zeroth, abs=0.005)


def test_another_wavelength_is_another_depth():
    """A blaze without steps sends sinc²(α-q) into order q, α its depth in turns."""
    for order in (0, 1, 2):
        # A staircase so fine is one without steps, to the square of a step.
        fine = blaze_efficiency(1000, order=order, depth_error=0.057)
        assert fine == pytest.approx(np.sinc(1.057 - order) ** 2, abs=2e-5)


def transformed(turns: np.ndarray, order: int) -> float:
    """The coefficient of a period given by cells, each constant: FFT times the envelope of a cell."""
    cells = len(turns)
    spectrum = np.fft.fft(np.exp(2j * math.pi * turns)) / cells
    return float(abs(spectrum[order % cells]) ** 2 * np.sinc(order / cells) ** 2)


@pytest.mark.parametrize("order", [-3, 0, 1, 5])
def test_the_staircase_is_the_transform_of_its_profile(order):
    turns = 1.03 * np.repeat(np.arange(6), 4) / 6
    # Rounding.
    assert blaze_efficiency(6, order=order, depth_error=0.03) == pytest.approx(transformed(turns, order), abs=1e-14)


@pytest.mark.parametrize(
    ("shifts", "percent"),
    [
        ((0, 0.01), 76.0),
        ((0, 0.02), 70.9),
        ((0, 0.05), 56.0),
        ((0, 0.01, 0), 87.8),
        ((0, 0.02, 0), 80.9),
        ((0, 0.05, 0), 61.2),
        ((0, 0, 0.01), 90.7),
        ((0, 0, 0.02), 86.5),
        ((0, 0, 0.05), 74.2),
    ],
)
def test_misaligned_patterns(shifts, percent):
    assert 100 * overlay_efficiency(shifts) == pytest.approx(percent, abs=0.05)  # digits printed


@pytest.mark.parametrize("order", [-1, 0, 1, 4])
def test_misaligned_patterns_are_the_transform_of_their_profile(order):
    cells = np.arange(800) / 800
    shifts = (0.0, 0.03, -0.0125)  # whole numbers of cells
    turns = sum(np.roll(np.floor((cells + 1e-9) * 2**m) % 2, round(800 * s)) / 2**m for m, s in enumerate(shifts, 1))
    assert overlay_efficiency(shifts, order=order) == pytest.approx(transformed(turns, order), abs=1e-13)  # rounding


def test_patterns_moved_together_lose_nothing():
    assert overlay_efficiency((0.3, 0.3, 0.3)) == pytest.approx(blaze_efficiency(8), rel=1e-13)  # rounding


def test_errors():
    with pytest.raises(ValueError, match="two or more levels; got 1"):
        blaze_efficiency(1)
    with pytest.raises(ValueError, match="got none"):
        overlay_efficiency(())
