"""Masks solved anew for benches that are not as they should be."""

import pytest
import torch

from acdc_optical import ACDC, AFDF, Bench, Continuous, Ideal, Imperfections, ImperfectLayer, RealValues, realise
from acdc_optical.imperfect.bench_fits import Reference
from acdc_optical.imperfect.compensation import Solving, compensated


def layer(kind=ACDC, shape=(4, 4), model=None):
    made = kind(shape, bias=True, dtype=torch.float64).requires_grad_(False)
    generator = torch.Generator().manual_seed(3)
    for diagonal in (made.a, made.d):
        diagonal.copy_(1 + 0.3 * torch.randn(shape, generator=generator, dtype=diagonal.dtype))
    made.bias.fill_(0.2)
    return realise(made, Bench.preset(), model=model or Continuous())


def error(optical, wrong, reference=None):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(20, *optical.shape, generator=generator, dtype=optical.layer.a.dtype)
    wanted = optical.layer(x)
    offset = optical.layer.offset()
    return float((ImperfectLayer(optical, wrong, reading=reference)(x) - wanted).norm() / (wanted - offset).norm())


FINE = Solving(turns=1, weight=1e-6)


@pytest.mark.parametrize(
    ("wrong", "before", "after"),
    [
        ({"modulator.shift_x": 4e-6}, 0.2, 1e-4),
        ({"camera.shift_x": 4e-6, "camera.shift_y": -2e-6}, 0.2, 1e-3),
        ({"camera.defocus": 1e-3}, 0.9, 1e-3),
        ({"light.wavelength": 1e-9}, 5e-3, 1e-4),
        ({"fourier_mask.shift_x": 5e-5}, 1e-3, 1e-4),
        ({"input_mask.shift_x": 1e-6}, 0.02, 0.015),  # two values of A in one pixel, of which one is seen more
        ({"second_lens.focal_length": 5e-3}, 0.9, 0.05),  # the image is larger, and no mask can help it
    ],
)
def test_what_is_wrong_is_compensated(wrong, before, after):
    optical, bench = layer(), Imperfections().changed(wrong)
    again = compensated(optical, bench, solving=FINE)
    assert error(optical, bench) > before
    assert error(again, bench) < after
    # The error of random inputs is that of the matrix, which 20 of 16 numbers each tell to a third.
    assert again.masks().residual == pytest.approx(error(again, bench), rel=0.33)


def test_the_phase_of_the_reference_goes_into_the_mask():
    optical, bench, turned = layer(), Imperfections().changed({"camera.shift_x": 2e-6}), Reference(-0.3 + 0.7j)
    again = compensated(optical, bench, reference=turned, solving=FINE)
    assert error(optical, bench, turned) > 1
    assert error(again, bench, turned) < 1e-3


@pytest.mark.parametrize("shape", [(6,), (3, 4)])
def test_complex_layers(shape):
    optical, bench = layer(AFDF, shape), Imperfections().changed({"modulator.shift_x": 2e-6, "camera.defocus": 2e-4})
    again = compensated(optical, bench, solving=FINE)
    # Both quadratures are wanted, and masks with two pixels for each coefficient have little to spare.
    assert error(again, bench) < 0.1 * error(optical, bench)


def test_masks_stay_as_they_are_where_nothing_is_wrong():
    optical = layer()
    masks = compensated(optical, Imperfections()).masks()
    assert torch.equal(masks.fourier_mask, optical.masks().fourier_mask)
    assert torch.equal(masks.input_mask, optical.masks().input_mask)


def test_masks_are_passive_and_the_bias_stays():
    optical = layer()
    again = compensated(optical, Imperfections().changed({"camera.defocus": 3e-4}), solving=Solving(turns=1))
    masks = again.masks()
    assert masks.fourier_mask.abs().max() <= 1 + 1e-12
    assert masks.input_mask.abs().max() <= 1 + 1e-12
    dark = torch.zeros(1, 4, 4, dtype=torch.float64)
    assert torch.equal(again(dark), optical.layer(dark))


def test_a_heavier_weight_leaves_more_light_and_more_error():
    optical = layer()
    bench = Imperfections().changed({"camera.shift_x": 3e-6, "camera.defocus": 1e-4})
    light, heavy = (compensated(optical, bench, solving=Solving(turns=1, weight=w)).masks() for w in (1e-6, 1e-1))
    assert heavy.gain < light.gain
    assert heavy.residual > 10 * light.residual


def test_real_masks_do_not_undo_a_defocus():
    optical, bench = layer(), Imperfections().changed({"camera.defocus": 3e-4})
    real, free = (compensated(optical, bench, solving=s) for s in (Solving(RealValues(), turns=1), FINE))
    assert not real.masks().fourier_mask.is_complex()
    assert error(free, bench) < 0.1 * error(real, bench) < error(optical, bench)


def test_etches_too_deep_are_told_less():
    optical = layer()
    bench = Imperfections().changed({"camera.shift_x": 2e-6, "fourier_device.etch_depth": 0.02})
    again = compensated(optical, bench, solving=FINE)
    assert error(again, bench) == pytest.approx(again.masks().residual, rel=0.5)


class TestErrors:
    def test_of_a_complex_layer_with_real_masks(self):
        with pytest.raises(ValueError, match="ComplexValues"):
            compensated(layer(AFDF), Imperfections(), solving=Solving(values=RealValues()))

    def test_of_a_layer_of_another_model(self):
        with pytest.raises(TypeError, match="Continuous"):
            compensated(layer(model=Ideal()), Imperfections())

    @pytest.mark.parametrize("values", [{"turns": 0}, {"iterations": 0}, {"weight": -1.0}])
    def test_of_how_to_solve(self, values):
        with pytest.raises(ValueError, match="or more"):
            Solving(**values)
