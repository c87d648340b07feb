"""Compiled masks: exact where they say so, passive, and where the geometry puts them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from acdc_optical import Exact, FourierMask, Sampled, compile_layer
from acdc_optical.benches.bench import Pixels
from optics import point
from tests.realisation import oracle
from tests.realisation.cases import KINDS, bench, inputs, layer, relative_error

FILLS = [1.0, 0.9644, 0.5]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("subpixels", [2, 3, 4])
@pytest.mark.parametrize("n", [1, 2, 7, 16, 17, 64])
@pytest.mark.parametrize("fill", FILLS)
def test_exact_masks_leave_no_residual(kind, subpixels, n, fill):
    # Condition numbers of 2 to 4: the solution keeps all but one of 16 digits. 1e-12 is a thousand roundings.
    table = bench(subpixels=subpixels, fill=fill, mask_fill=fill)
    assert compile_layer(layer(kind, n), table).residual <= 1e-12


def compiled_values(kind: str, subpixels: int) -> torch.Tensor:
    masks = compile_layer(layer(kind, 16), bench(subpixels=subpixels))
    return masks.gain * masks.fourier_mask


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("subpixels", [2, 3, 4])
def test_the_same_layer_compiles_to_the_same_mask(kind, subpixels):
    first, *others = (compiled_values(kind, subpixels) for _ in range(5))
    for other in others:
        assert relative_error(other, first) <= 1e-12  # a solver may pivot differently; its rounding stays


@pytest.mark.parametrize("kind", KINDS)
def test_exact_masks_are_of_least_norm(kind):
    """The mask of M = 2, each value shown twice, is exact for M = 4; the solution there is no larger."""
    twice, four = (compiled_values(kind, subpixels).abs().square().mean().item() for subpixels in (2, 4))
    assert four < twice


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [16, 17])
class TestSampledResidual:
    def residual(self, kind, n, fill) -> float:
        return compile_layer(layer(kind, n), bench(mask_fill=fill), method=Sampled()).residual

    def test_is_large_at_full_fill(self, kind, n):
        # The error of a signed random layer, weighted as its lags occur: 0.30 to 0.33 measured in test_models' way.
        assert 0.25 < self.residual(kind, n, 1.0) < 0.4

    def test_falls_as_the_square_of_the_fill(self, kind, n):
        errors = [self.residual(kind, n, fill) for fill in (0.25, 0.125, 0.0625)]
        for wide, narrow in pairwise(errors):
            # sinc(x) = 1 - (πx)²/6 + O(x⁴): a quarter at each halving, to the next order at fill ¼.
            assert wide / narrow == pytest.approx(4, rel=0.05)

    def test_vanishes_for_points(self, kind, n):
        ideal = Pixels(point(), point(), point())
        assert compile_layer(layer(kind, n), bench(), method=Sampled(), pixels=ideal).residual <= 1e-12


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", [Sampled(), Exact()], ids=["sampled", "exact"])
@pytest.mark.parametrize("shape", [(16,), (7,), (3, 8)], ids=str)
class TestMasks:
    def masks(self, kind, method, shape):
        return compile_layer(layer(kind, shape, "signed random"), bench(), method=method)

    def test_are_passive_and_use_their_range(self, kind, method, shape):
        masks = self.masks(kind, method, shape)
        for mask, mean in zip((masks.input_mask, masks.fourier_mask), masks.mean_transmission, strict=True):
            # Division by the largest modulus leaves it at 1 to the last bit or two.
            assert mask.abs().max().item() == pytest.approx(1, abs=1e-15)
            assert mean == pytest.approx(float(np.mean(np.abs(mask.detach().numpy()) ** 2)), rel=1e-12)
            assert 0 < mean < 1

    def test_have_the_shape_of_their_planes(self, kind, method, shape):
        masks = self.masks(kind, method, shape)
        assert masks.input_mask.shape == masks.planes.input.cells == masks.planes.camera.cells
        assert masks.fourier_mask.shape == masks.planes.mask.cells
        count = {"ACDC": lambda n: 2 * n, "AFDF": lambda n: n}[kind]
        assert masks.planes.input.cells == tuple(count(n) for n in shape)
        if isinstance(method, Exact):
            assert masks.planes.mask.cells == tuple(2 * count(n) for n in shape)

    def test_of_acdc_are_real_and_even(self, kind, method, shape):
        masks = self.masks(kind, method, shape)
        for mask in (masks.input_mask, masks.fourier_mask):
            assert mask.is_complex() == (kind == "AFDF")
            even = all(torch.equal(mask, mask.flip(axis)) for axis in range(mask.ndim))
            assert even == (kind == "ACDC")

    def test_a_brighter_diagonal_only_raises_the_gain(self, kind, method, shape):
        weak = layer(kind, shape)
        strong = layer(kind, shape)
        with torch.no_grad():
            strong.d.mul_(10)
        one, ten = (compile_layer(item, bench(), method=method) for item in (weak, strong))
        torch.testing.assert_close(ten.fourier_mask, one.fourier_mask, rtol=1e-12, atol=1e-14)
        assert (ten.gain / one.gain).item() == pytest.approx(10, rel=1e-12)


@pytest.mark.parametrize(("kind", "shape"), [("ACDC", (6,)), ("AFDF", (8,)), ("AFDF", (7,)), ("ACDC", (2, 3))])
class TestBruteForce:
    """The continuous bench summed densely (see oracle.py) computes the layer with exact masks, and only with them."""

    def error(self, kind, shape, method, samples) -> float:
        numbers = layer(kind, shape, "signed random", seed=3)
        table = bench()
        x = inputs(numbers)
        masks = compile_layer(numbers, table, method=method)
        got = oracle.output(x.numpy(), masks, table, mirrored=kind == "ACDC", samples=samples)
        return relative_error(torch.from_numpy(np.ascontiguousarray(got)), numbers(x))

    def test_exact_mask_converges_to_the_layer_at_second_order(self, kind, shape):
        coarse, middle, fine = (self.error(kind, shape, Exact(), samples) for samples in (6, 12, 24))
        # Midpoint rule: a quarter at each doubling; what is left of the fourth order is below 2 % here.
        assert coarse / middle == pytest.approx(4, rel=0.02)
        assert middle / fine == pytest.approx(4, rel=0.02)
        # What remains at 24 pieces is of the second order, (π/24)²/24 = 7e-4 for each of two planes.
        assert fine < 2e-3

    def test_sampled_mask_does_not(self, kind, shape):
        middle, fine = (self.error(kind, shape, Sampled(), samples) for samples in (12, 24))
        assert fine > 0.1
        assert fine == pytest.approx(middle, rel=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_pitches_scale_with_wavelength_and_focal_length(kind):
    numbers = layer(kind, (4, 6))
    pixels = [n * (2 if kind == "ACDC" else 1) for n in (4, 6)]
    masks = {
        "once": compile_layer(numbers, bench()),
        "wavelength": compile_layer(numbers, bench(wavelength=2 * 633e-9)),
        "focal_length": compile_layer(numbers, bench(focal_length=0.2)),
    }
    # Two pixels for each coefficient, λf/(np) apart; products of three float64 numbers.
    wanted = [633e-9 * 0.1 / (n * 8e-6) / 2 for n in pixels]
    assert masks["once"].planes.mask.spacing == pytest.approx(wanted, rel=1e-14)
    for doubled in ("wavelength", "focal_length"):
        assert masks[doubled].planes.mask.spacing == pytest.approx([2 * q for q in wanted], rel=1e-14)
        # The matrices know no lengths: the same but for the rounding of a solver called twice.
        assert relative_error(masks[doubled].fourier_mask, masks["once"].fourier_mask) <= 1e-12
    assert masks["once"].planes.camera.spacing == masks["once"].planes.input.spacing == (8e-6, 8e-6)


def test_the_mask_pitch_decides_the_focal_length():
    table = bench(focal_length=None, mask=FourierMask(pitch="15 um"))
    planes = compile_layer(layer("ACDC", 16), table).planes
    assert planes.mask.spacing[0] == pytest.approx(15e-6, rel=1e-12)
    assert planes.focal_length == pytest.approx(2 * 15e-6 * 32 * 8e-6 / 633e-9, rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["a", "d"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_unshowable_diagonals_are_refused(kind, name, value):
    numbers = layer(kind, 8)
    with torch.no_grad():
        getattr(numbers, name)[3] = value
    with pytest.raises(ValueError, match=f"^diagonal {name} holds NaN or infinity.*finite values$"):
        compile_layer(numbers, bench())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["a", "d"])
def test_an_opaque_layer_is_an_opaque_mask(kind, name):
    numbers = layer(kind, 8)
    torch.nn.init.zeros_(getattr(numbers, name))
    masks = compile_layer(numbers, bench())
    mask = masks.input_mask if name == "a" else masks.fourier_mask
    assert not mask.any()
    assert torch.isfinite(masks.gain)


@pytest.mark.parametrize("kind", KINDS)
def test_exact_with_one_pixel_per_coefficient_is_refused_with_advice(kind):
    with pytest.raises(ValueError, match=r"^exact masks need mask\.pixels_per_coefficient of 2 or more.*sampled"):
        compile_layer(layer(kind, 8), bench(subpixels=1))
    assert compile_layer(layer(kind, 8), bench(subpixels=1), method=Sampled()).fourier_mask.abs().max() > 0


def test_a_layer_larger_than_the_modulator_is_refused():
    table = bench(modulator={"pitch": "8 um", "pixels": (10, 32)})
    assert compile_layer(layer("ACDC", 16), table).residual <= 1e-12
    with pytest.raises(ValueError, match="34 modulator pixels and the bench has 32"):
        compile_layer(layer("ACDC", 17), table)
