"""Derivatives by what is wrong on a bench, against finite differences, and about perfect benches and others."""

from __future__ import annotations

import math

import pytest
import torch

from acdc_optical import Imperfections, ImperfectLayer, Normal
from acdc_optical.figures import plot_sensitivities
from acdc_optical.tables import sensitivity_table
from acdc_optical.tolerances.metrics import SquaredError
from acdc_optical.tolerances.sensitivities import Sensitivity, sensitivities
from acdc_optical.verification import default_probes
from tests.realisation.cases import scattered

STEPS = {"camera.shift_x": 2e-9, "modulator.rotation": 1e-5, "second_lens.focal_length": 1e-6}
"""So small that third order is 1e-6 of the first, and so large that rounding is 1e-5 of second differences."""


@pytest.fixture(scope="module")
def turned():
    """A complex layer, about a bench on which everything is wrong already."""
    usual = {"camera.shift_x": 1e-6, "modulator.rotation": 1e-3, "first_lens.focal_length": 1e-3}
    return ImperfectLayer(scattered("AFDF", (3, 3)), Imperfections().changed(usual))


@pytest.mark.parametrize("name", STEPS)
def test_agree_with_finite_differences(turned, name):
    (found,) = sensitivities(turned, {name: Normal(STEPS[name])})
    x = default_probes(turned.optical.layer, turned.shape)
    wanted = turned.optical.layer(x).detach()
    usual = turned.wrong.values()[name]
    with torch.no_grad():
        low, mid, high = (
            ImperfectLayer(turned.optical, turned.wrong.changed({name: usual + k * STEPS[name]}), nodes=5)(x)
            for k in (-1, 0, 1)
        )
        errors = [float(SquaredError()(y[None], wanted)[0]) for y in (low, mid, high)]
    step = STEPS[name]
    # Central differences: see the steps; ten times as much is allowed, and of second differences a hundred times.
    assert found.first == pytest.approx(float((high - low).norm() / wanted.norm()) / (2 * step), rel=1e-5)
    assert found.second == pytest.approx(float((high - 2 * mid + low).norm() / wanted.norm()) / step**2, rel=1e-3)
    assert found.slope == pytest.approx((errors[2] - errors[0]) / (2 * step), rel=1e-5)
    assert found.curvature == pytest.approx((errors[2] - 2 * errors[1] + errors[0]) / step**2, rel=1e-3)
    assert (found.below, found.above) == pytest.approx((errors[0] ** 0.5, errors[2] ** 0.5), rel=1e-9)


def test_about_a_perfect_bench_the_squared_error_is_a_parabola():
    """Its curvature is 2·‖J‖²/‖y‖²; also of a rotation that is zero, whose derivatives need powers that it does not."""
    names = {"camera.shift_x": Normal(1e-8), "camera.rotation": Normal(1e-5)}
    for found in sensitivities(scattered("AFDF", (3, 3)), names, nodes=8):
        assert found.first > 0
        # Integrals by 8 nodes are exact to rounding; the error about which it is taken is 1e-14.
        assert found.curvature == pytest.approx(2 * found.first**2, rel=1e-6)
        assert abs(found.slope) < 1e-6 * found.curvature * found.deviation
        # One standard deviation away the first order rules: the second adds in quadrature, or with its small share.
        assert found.above == pytest.approx(found.first * found.deviation, rel=1e-2)


def test_mirrored_layers_have_no_first_order_in_shifts():
    names = {"fourier_mask.shift_x": Normal(1e-6), "light.wavelength": Normal(1e-9)}
    shift, colour = sensitivities(scattered("ACDC", (4,)), names)
    assert shift.first * shift.deviation < 1e-9 * shift.second * shift.deviation**2
    # Third and fourth order are a thousandth of the second here; nodes = 5 leave 1e-8 of the output.
    assert shift.above == pytest.approx(shift.error(shift.deviation), rel=1e-2)
    assert colour.first * colour.deviation > 10 * colour.second * colour.deviation**2


def test_limits_are_where_the_error_is_what_is_allowed():
    both = Sensitivity("a", 1.0, 0.0, 0.0, first=2.0, second=3.0, below=0.0, above=0.0)
    assert both.error(both.limit(0.1)) == pytest.approx(0.1, rel=1e-12)
    linear = Sensitivity("a", 1.0, 0.0, 0.0, first=2.0, second=0.0, below=0.0, above=0.0)
    assert linear.limit(0.1) == 0.05
    kinked = Sensitivity("a", 0.5, 0.0, 0.0, first=0.0, second=0.0, below=0.2, above=0.1)
    assert kinked.limit(0.1) == 0.25
    assert Sensitivity("a", 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0).limit(0.1) == math.inf


def test_a_table_and_a_picture():
    rows = [Sensitivity(name, 1.0, 0.0, 0.0, size, 0.0, size, size) for name, size in (("a", 0.1), ("b", 0.2))]
    assert sensitivity_table(rows, 0.05).columns[0]._cells == ["b", "a"]
    (axes,) = plot_sensitivities(rows, limit=0.05).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "a"]
    with pytest.raises(ValueError, match="at least one"):
        plot_sensitivities([])


def test_what_is_no_continuous_number_is_refused():
    with pytest.raises(ValueError, match="phase_bits"):
        sensitivities(scattered("ACDC", (4,)), {"input_device.phase_bits": Normal(1.0)})
