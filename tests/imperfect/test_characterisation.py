"""Benches found from inputs and outputs: parameters that show come out, those that do not are named."""

import math

import pytest
import torch

from acdc_optical import ACDC, AFDF, Bench, Imperfections, ImperfectLayer, realise
from acdc_optical.benches.distributions import Normal
from acdc_optical.imperfect.bench_fits import CameraFields, Fit, Fitting, LayerOutputs, Reference
from acdc_optical.imperfect.characterisation import characterise

FIELDS = Fitting(CameraFields())
USUAL = {
    "camera.shift_x": Normal(2e-6),
    "camera.defocus": Normal(1e-4),
    "second_lens.focal_length": Normal(2e-3),
    "light.wavelength": Normal(5e-10),
    "input_mask.shift_x": Normal(1e-6),
    "modulator.defocus": Normal(1e-4),
}


def layer(kind=ACDC, shape=(4,)):
    made = kind(shape, dtype=torch.float64).requires_grad_(False)
    generator = torch.Generator().manual_seed(3)
    for diagonal in (made.a, made.d):
        diagonal.copy_(1 + 0.3 * torch.randn(shape, generator=generator, dtype=diagonal.dtype))
    return realise(made, Bench.preset())


def inputs(optical, count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, *optical.shape, generator=generator, dtype=optical.layer.a.dtype)


def bench(optical, wrong, gain=0.6 + 0.5j):
    return ImperfectLayer(optical, Imperfections().changed(wrong), reading=Reference(gain))


def error(got, wanted):
    return float((got - wanted).norm() / wanted.norm())


class TestWithoutNoise:
    @pytest.mark.parametrize("name", list(USUAL)[:5])
    def test_what_alone_is_wrong_is_found(self, name):
        optical = layer()
        hidden = bench(optical, {name: 0.7 * USUAL[name].deviation})
        x = inputs(optical, 3)
        found = characterise(optical, x, CameraFields()(hidden, x), {name: USUAL[name]}, fitting=FIELDS)
        # Integrals with 5 nodes instead of 8 leave 1e-8 of the field.
        assert found.imperfections.present()[name] == pytest.approx(0.7 * USUAL[name].deviation, rel=1e-6)
        assert found.reference.gain == pytest.approx(0.6 + 0.5j, rel=1e-6)
        assert found.error_after < 1e-7 < 1e-2 < found.error_before
        assert found.undetermined == ()

    def test_a_bench_with_nothing_wrong_stays_one(self):
        optical = layer()
        x = inputs(optical, 3)
        names = {name: USUAL[name] for name in ("camera.shift_x", "camera.defocus")}
        found = characterise(optical, x, optical(x), names, fitting=Fitting(nodes=8))
        # Outputs are even in both, so that their rounding hides what is smaller than its root.
        for name, value in found.imperfections.present().items():
            assert abs(value) < 1e-5 * names[name].deviation
        assert found.reference.gain.real == pytest.approx(1, rel=1e-10)
        assert found.error_after < 1e-12

    def test_a_complex_layer(self):
        optical = layer(AFDF, (5,))
        hidden = bench(optical, {"camera.shift_x": -1.3e-6, "camera.defocus": 5e-5})
        x = inputs(optical, 3)
        names = {name: USUAL[name] for name in ("camera.shift_x", "camera.defocus")}
        found = characterise(optical, x, hidden(x), names)  # its outputs say all
        assert found.imperfections.camera.shift_x == pytest.approx(-1.3e-6, rel=1e-5)
        assert found.imperfections.camera.defocus == pytest.approx(5e-5, rel=1e-5)

    def test_two_dimensions_predicted_for_other_inputs(self):
        optical = layer(shape=(3, 4))
        names = {"camera.shift_x": Normal(2e-6), "modulator.shift_y": Normal(2e-6), "camera.defocus": Normal(1e-4)}
        wrong = {"camera.shift_x": 1.6e-6, "modulator.shift_y": -2.5e-6, "camera.defocus": 8e-5}
        hidden, x = bench(optical, wrong), inputs(optical, 1)
        fitting = Fitting(CameraFields(), nodes=4)
        found = characterise(optical, x, CameraFields()(hidden, x), names, fitting=fitting)
        unseen = inputs(optical, 20, seed=1)
        before, after = (
            error(CameraFields()(each, unseen), CameraFields()(hidden, unseen))
            for each in (bench(optical, {}), found.model(optical))
        )
        assert after < 1e-5 < 0.3 < before  # of 4 nodes for 8


def test_what_the_outputs_do_not_tell_apart_is_named():
    """Modulator and camera out of focus alike: curvatures in the plane of mask D, of which one undoes the other."""
    optical = layer()
    hidden = bench(optical, {"camera.defocus": 1e-4, "modulator.defocus": -5e-5})
    x = inputs(optical, 4)
    names = {name: USUAL[name] for name in ("camera.defocus", "modulator.defocus")}
    found = characterise(optical, x, CameraFields()(hidden, x), names, fitting=FIELDS)
    (combination,) = found.undetermined
    assert combination.left > 0.99
    # Both by the same amount, and by symmetry of the 4f system to 1 %, of the lens's other plane curved besides.
    assert combination.weights == pytest.approx(dict.fromkeys(names, combination.weights["camera.defocus"]), rel=0.01)
    # What shows is their difference; the sum stays where the expectation puts it.
    defocus = [found.imperfections.present()[name] for name in names]
    assert defocus[0] - defocus[1] == pytest.approx(1.5e-4, rel=0.01)
    assert abs(sum(defocus)) < 1e-6
    assert found.deviations["camera.defocus"] == pytest.approx(1e-4 * math.sqrt(0.5), rel=0.01)


def test_outputs_of_mirrored_masks_do_not_tell_the_side_of_a_shift_and_fields_do():
    optical = layer()
    x = inputs(optical, 3)
    one, other = (bench(optical, {"camera.shift_x": s, "first_lens.shift_x": -s}) for s in (2e-6, -2e-6))
    assert error(one(x), other(x)) < 1e-13
    assert error(CameraFields()(one, x), CameraFields()(other, x)) > 0.1
    names = {"camera.shift_x": Normal(2e-6)}
    for seen, side in ((LayerOutputs(), abs), (CameraFields(), float)):
        hidden = bench(optical, {"camera.shift_x": -1.5e-6})
        # In the middle nothing pulls, so that outputs need a hop to the one side or the other.
        found = characterise(optical, x, seen(hidden, x), names, fitting=Fitting(seen)).imperfections
        assert side(found.camera.shift_x) == pytest.approx(side(-1.5e-6), rel=1e-6)


def test_deviations_are_those_of_the_noise():
    """Of 8 benches read with noise, the errors over the deviations stated: χ² with 8 degrees, 1 to 24 in 99.6 %."""
    optical = layer()
    names = {"camera.shift_x": Normal(2e-6)}
    hidden, x = bench(optical, {"camera.shift_x": 1e-6}), inputs(optical, 2)
    y, generator = CameraFields()(hidden, x), torch.Generator().manual_seed(0)
    chi = 0.0
    for _ in range(8):
        read = y + 0.05 * y.abs().mean() * torch.randn(y.shape, generator=generator, dtype=y.dtype)
        found = characterise(optical, x, read, names, fitting=Fitting(CameraFields(), nodes=4))
        chi += ((found.imperfections.camera.shift_x - 1e-6) / found.deviations["camera.shift_x"]) ** 2
    assert 1 < chi < 24


def test_what_is_known_to_be_wrong_is_where_the_search_starts():
    optical = layer()
    known = Imperfections().changed({"camera.defocus": 2e-4, "camera.shift_x": 4e-6})
    hidden = bench(optical, {"camera.defocus": 2e-4, "camera.shift_x": 5e-6})
    x = inputs(optical, 3)
    names = {"camera.shift_x": Normal(1e-6)}
    found = characterise(optical, x, CameraFields()(hidden, x), names, start=known, fitting=FIELDS).imperfections
    assert found.camera.shift_x == pytest.approx(5e-6, rel=1e-6)
    assert found.camera.defocus == 2e-4


def test_derivatives_are_those_of_the_outputs():
    optical = layer()
    x = inputs(optical, 2)
    usual = {name: each.deviation for name, each in USUAL.items()}
    pairs = (x, CameraFields()(bench(optical, {}), x))
    fit = Fit(optical, pairs, usual, start=Imperfections(), fitting=FIELDS)
    at, step = torch.full((len(usual),), 0.4, dtype=torch.float64), 1e-5
    for number in range(len(usual)):
        aside = step * torch.eye(len(usual), dtype=torch.float64)[number]
        slope = (fit.outputs(at + aside) - fit.outputs(at - aside)) / (2 * step)
        assert error(fit.outputs(at, number), slope) < 1e-7  # of a parabola through both sides


class TestErrors:
    @pytest.mark.parametrize(
        ("expected", "message"),
        [
            ({}, "nothing to be found"),
            ({"camera.shift": Normal(1e-6)}, "no imperfection that can be fitted"),
            ({"fourier_device.phase_bits": Normal(1)}, "no imperfection that can be fitted"),
            ({"camera.shift_x": Normal(0)}, "never wrong"),
        ],
    )
    def test_of_names(self, expected, message):
        optical = layer()
        with pytest.raises(ValueError, match=message):
            characterise(optical, inputs(optical, 1), inputs(optical, 1), expected)

    @pytest.mark.parametrize(
        ("y", "message"),
        [
            (torch.ones(2, 4), "do not make outputs"),
            (torch.zeros(1, 4), "not all zero"),
            (torch.full((1, 4), math.nan), "finite"),
        ],
    )
    def test_of_outputs(self, y, message):
        optical = layer()
        with pytest.raises(ValueError, match=message):
            characterise(optical, inputs(optical, 1), y, USUAL)

    def test_of_a_fit_without_steps(self):
        with pytest.raises(ValueError, match="one step or more"):
            Fitting(steps=0)
