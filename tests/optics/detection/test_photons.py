"""Photons against numbers worked out by hand, and against each other."""

from __future__ import annotations

import pytest
import torch

from optics import amplitude_scale, photon_energy
from optics.detection.photons import photons, power


def test_photons_of_a_red_laser():
    # 1239.841984 eV·nm, the textbook's hc, times the electron volt: nine digits.
    assert photon_energy(633e-9) == pytest.approx(1239.841984 / 633 * 1.602176634e-19, rel=1e-9)
    assert photons(1e-3, 1.0, 633e-9) == pytest.approx(3.1866e15, rel=1e-4)  # five digits of a milliwatt for a second


def test_power_and_photons_undo_each_other():
    assert power(photons(2e-9, 1e-3, 633e-9), 1e-3, 633e-9) == pytest.approx(2e-9, rel=1e-15)


def test_scaled_field_counts_its_photons():
    field = torch.tensor([0.0, 1.0, 3.0 - 4.0j], dtype=torch.complex128)
    counted = (field * amplitude_scale(1e-15, 1e-3, 633e-9)).abs().square()
    # A square root and its square.
    assert torch.allclose(counted, photons(field.abs().square() * 1e-15, 1e-3, 633e-9), rtol=1e-15)


def test_tensors_pass_with_their_gradient():
    watts = torch.tensor([1e-12, 4e-12], dtype=torch.float64, requires_grad=True)
    scale = amplitude_scale(watts, 1e-3, 633e-9)
    scale.sum().backward()
    assert torch.allclose(watts.grad, scale.detach() / (2 * watts.detach()), rtol=1e-14)  # d√P/dP


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: photon_energy(0.0), "positive wavelength in metres; got 0.0"),
        (lambda: photons(-1.0, 1.0, 1e-6), "a power of 0 W or more; got -1.0"),
        (lambda: photons(1.0, 0.0, 1e-6), "a positive exposure in seconds; got 0.0"),
        (lambda: photons(torch.tensor([1.0, float("nan")]), 1.0, 1e-6), "a power of 0 W or more; got values from nan"),
        (lambda: power(float("inf"), 1.0, 1e-6), "0 photons or more; got inf"),
    ],
)
def test_refuses(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
