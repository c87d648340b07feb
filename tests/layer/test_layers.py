"""The layers: what they compute and in which order, their gradients, their start and their errors."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
import torch
from torch import nn

from acdc_optical import ACDC, AFDF, Gaussian, IdentityPlusNoise, Permutation

SHAPES = [(1,), (2,), (5,), (16,), (97,), (3, 4), (8, 8), (1, 6)]
# A handful of float64 operations on entries of order 1.
EXACT = 1e-12


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def signed(kind: type, shape, *, bias: bool = False):
    layer = kind(shape, bias=bias, init=Gaussian(), generator=generator(), dtype=torch.float64)
    if bias:
        with torch.no_grad():
            layer.bias.normal_(generator=generator(1))
    return layer


def inputs(layer: nn.Module, *batch: int) -> torch.Tensor:
    return torch.randn(*batch, *layer.shape, generator=generator(2), dtype=layer.a.dtype)


def arrays(*tensors: torch.Tensor) -> list[np.ndarray]:
    return [t.detach().numpy() for t in tensors]


def transforms(layer: nn.Module):
    """The orthonormal forward transform of the layer's kind and its inverse, by scipy and numpy."""
    axes = tuple(range(-len(layer.shape), 0))
    if isinstance(layer, ACDC):
        return (
            lambda x: scipy.fft.dctn(x, norm="ortho", axes=axes),
            lambda x: scipy.fft.idctn(x, norm="ortho", axes=axes),
        )
    return lambda x: np.fft.fftn(x, axes=axes), lambda x: np.fft.ifftn(x, axes=axes)


@pytest.mark.parametrize("kind", [ACDC, AFDF])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("bias", [False, True], ids=["plain", "bias"])
def test_a_then_transform_then_d_then_bias_then_back(kind, shape, bias):
    layer = signed(kind, shape, bias=bias)
    x = inputs(layer, 3)
    forward, back = transforms(layer)
    a, d = arrays(layer.a, layer.d)
    b = layer.bias.detach().numpy() if bias else 0
    wanted = back(forward(x.numpy() * a) * d + b)
    np.testing.assert_allclose(layer(x).detach().numpy(), wanted, rtol=0, atol=EXACT)


@pytest.mark.parametrize("kind", [ACDC, AFDF])
def test_the_reverse_order_is_another_layer(kind):
    layer = signed(kind, 16)
    x = inputs(layer)
    forward, back = transforms(layer)
    a, d = arrays(layer.a, layer.d)
    reverse = a * back(forward(x.numpy()) * d)
    swapped = back(forward(x.numpy() * d) * a)
    y = layer(x).detach().numpy()
    # Signed random diagonals: another order is another number altogether.
    assert np.linalg.norm(y - reverse) > 0.5 * np.linalg.norm(y)
    assert np.linalg.norm(y - swapped) > 0.5 * np.linalg.norm(y)


@pytest.mark.parametrize("shape", [(7,), (16,), (3, 4)], ids=str)
@pytest.mark.parametrize("opaque", [False, True], ids=["signed", "zeros"])
def test_gradients_are_the_closed_forms(shape, opaque):
    """physics.md §1: ∂L/∂d = h₂∘(gC), ∂L/∂a = x∘C⁻¹(d∘gC), ∂L/∂x = a∘C⁻¹(d∘gC)."""
    layer = signed(ACDC, shape)
    if opaque:
        with torch.no_grad():
            layer.a.view(-1)[::2] = 0
            layer.d.view(-1)[::3] = 0
    x = inputs(layer).requires_grad_()
    g = torch.randn(shape, generator=generator(3), dtype=torch.float64)
    layer(x).backward(g)
    forward, back = transforms(layer)
    a, d, x_, g_ = arrays(layer.a, layer.d, x, g)
    through = back(d * forward(g_))
    for got, wanted in ((layer.d.grad, forward(a * x_) * forward(g_)), (layer.a.grad, x_ * through)):
        np.testing.assert_allclose(got.numpy(), wanted, rtol=0, atol=EXACT)
    np.testing.assert_allclose(x.grad.numpy(), a * through, rtol=0, atol=EXACT)


@pytest.mark.parametrize("kind", [ACDC, AFDF])
@pytest.mark.parametrize("shape", [(1,), (4,), (5,), (1, 3)], ids=str)
@pytest.mark.parametrize("opaque", [False, True], ids=["signed", "zeros"])
def test_gradcheck_of_every_parameter(kind, shape, opaque):
    layer = signed(kind, shape, bias=True)
    values = [p.detach().clone() for p in (layer.a, layer.d, layer.bias)]
    if opaque:
        values[0].view(-1)[0] = 0
        values[1].zero_()
    values = [inputs(layer), *values]
    for value in values:
        value.requires_grad_()

    def call(x, a, d, bias):
        return torch.func.functional_call(layer, {"a": a, "d": d, "bias": bias}, (x,))

    assert torch.autograd.gradcheck(call, values)


def test_afdf_order_of_d_is_that_of_fft():
    """d = exp(-2πik/n) delays by one sample."""
    layer = AFDF(8, dtype=torch.complex128)
    with torch.no_grad():
        layer.a.fill_(1)
        layer.d.copy_(torch.exp(-2j * torch.pi * torch.arange(8, dtype=torch.float64) / 8))
    x = inputs(layer)
    torch.testing.assert_close(layer(x), x.roll(1), rtol=0, atol=EXACT)


def test_afdf_takes_real_input_and_real_dtypes():
    layer = AFDF(6, dtype=torch.float64)
    assert layer.d.dtype == torch.complex128
    x = torch.randn(2, 6, generator=generator(), dtype=torch.float64)
    torch.testing.assert_close(layer(x), layer(x.to(torch.complex128)), rtol=0, atol=0)


@pytest.mark.parametrize("kind", [ACDC, AFDF])
@pytest.mark.parametrize("shape", [(6,), (2, 3)], ids=str)
@pytest.mark.parametrize("batch", [(), (1,), (4,), (2, 3), (2, 1, 3)], ids=str)
def test_any_leading_shape(kind, shape, batch):
    layer = signed(kind, shape)
    x = inputs(layer, *batch)
    y = layer(x)
    assert y.shape == x.shape
    wanted = torch.stack([layer(row) for row in x.reshape(-1, *shape)]).reshape(x.shape)
    torch.testing.assert_close(y, wanted, rtol=0, atol=EXACT)


@pytest.mark.parametrize(("kind", "dtype"), [(ACDC, torch.float32), (AFDF, torch.complex64)])
def test_single_precision_stays_single(kind, dtype):
    layer = kind((3, 5), bias=True)
    x = torch.randn(2, 3, 5, dtype=dtype)
    assert {p.dtype for p in layer.parameters()} == {dtype}
    assert layer(x).dtype == dtype


@pytest.mark.parametrize("kind", [ACDC, AFDF])
def test_offset_is_what_the_bias_adds(kind):
    layer = signed(kind, (3, 4), bias=True)
    torch.testing.assert_close(layer.offset(), layer(torch.zeros(3, 4, dtype=layer.a.dtype)), rtol=0, atol=EXACT)
    assert signed(kind, (3, 4)).offset() is None


@pytest.mark.parametrize("kind", [ACDC, AFDF])
class TestStart:
    def test_identity_plus_noise_is_the_default(self, kind):
        layer = kind(20000, generator=generator(), dtype=torch.float64)
        for diagonal in (layer.a, layer.d):
            noise = diagonal.detach() - 1
            # The rms of 20000 draws scatters by 0.5 %, their mean by 0.1/√20000 = 7e-4: four and more sigmas.
            assert noise.abs().square().mean().sqrt().item() == pytest.approx(0.1, rel=0.03)
            assert noise.mean().abs().item() < 4e-3
        assert not torch.equal(layer.a, layer.d)

    def test_std_is_obeyed(self, kind):
        still = kind(8, init=IdentityPlusNoise(0.0))
        assert torch.equal(still.a.detach(), torch.ones_like(still.a))
        wide = kind(20000, init=Gaussian(3.0), generator=generator())
        assert wide.d.detach().abs().square().mean().sqrt().item() == pytest.approx(3.0, rel=0.03)
        assert wide.d.detach().mean().abs().item() < 0.1

    def test_any_callable_will_do(self, kind):
        layer = kind((2, 3), init=lambda diagonal, _: diagonal.fill_(7), bias=True)
        assert (layer.a == 7).all()
        assert (layer.d == 7).all()
        assert not layer.bias.any()

    def test_the_seed_decides(self, kind):
        first, again, other = (kind(8, generator=generator(seed)) for seed in (5, 5, 6))
        assert torch.equal(first.a, again.a)
        assert torch.equal(first.d, again.d)
        assert not torch.equal(first.a, other.a)


@pytest.mark.parametrize("kind", [ACDC, AFDF])
def test_state_dict_round_trip(kind):
    source, target = signed(kind, (3, 4), bias=True), kind((3, 4), bias=True, dtype=torch.float64)
    assert set(source.state_dict()) == {"a", "d", "bias"}
    target.load_state_dict(source.state_dict())
    x = inputs(source, 2)
    assert torch.equal(source(x), target(x))


class TestPermutation:
    @pytest.mark.parametrize("shape", [(1,), (9,), (3, 4)], ids=str)
    def test_moves_every_feature_once(self, shape):
        permutation = Permutation(shape, seed=3)
        x = torch.arange(permutation.order.numel()).reshape(1, *shape)
        y = permutation(x)
        assert y.shape == x.shape
        assert sorted(y.flatten().tolist()) == x.flatten().tolist()
        assert torch.equal(y.flatten(), permutation.order)

    def test_the_seed_decides(self):
        assert torch.equal(Permutation(64, seed=1).order, Permutation(64, seed=1).order)
        assert not torch.equal(Permutation(64, seed=1).order, Permutation(64, seed=2).order)
        assert not torch.equal(Permutation(64).order, torch.arange(64))

    def test_travels_in_the_state_dict(self):
        source, target = Permutation(16, seed=1), Permutation(16, seed=2)
        target.load_state_dict(source.state_dict())
        assert torch.equal(source(torch.arange(16)), target(torch.arange(16)))

    def test_refuses_other_shapes(self):
        with pytest.raises(ValueError, match=r"expected input of shape \(\.\.\., 3, 4\); got \(12,\)"):
            Permutation((3, 4))(torch.zeros(12))


@pytest.mark.parametrize("kind", [ACDC, AFDF, Permutation])
@pytest.mark.parametrize("shape", [0, -3, (4, 0), (1, 2, 3)], ids=str)
def test_empty_shapes_are_refused(kind, shape):
    with pytest.raises(ValueError, match="expected a positive length N"):
        kind(shape)


@pytest.mark.parametrize("kind", [ACDC, AFDF])
class TestBadInput:
    @pytest.mark.parametrize("shape", [(5,), (2, 5), (2, 4, 1), ()], ids=str)
    def test_wrong_last_dimension(self, kind, shape):
        with pytest.raises(ValueError, match=r"expected input of shape \(\.\.\., 4\); got"):
            kind(4)(torch.zeros(shape))

    def test_a_one_does_not_broadcast(self, kind):
        with pytest.raises(ValueError, match=r"expected input of shape \(\.\.\., 4\)"):
            kind(4)(torch.zeros(2, 1))

    def test_integers(self, kind):
        with pytest.raises(TypeError, match=r"floating-point.*got torch\.int64"):
            kind(4)(torch.zeros(4, dtype=torch.int64))


def test_complex_into_a_real_layer():
    with pytest.raises(TypeError, match=r"an ACDC layer takes real .*got torch\.complex64"):
        ACDC(4)(torch.zeros(4, dtype=torch.complex64))


@pytest.mark.parametrize("dtype", [torch.complex64, torch.int64])
def test_acdc_refuses_other_than_real_parameters(dtype):
    with pytest.raises((TypeError, ValueError), match=r"float32 or float64 parameters"):
        ACDC(4, dtype=dtype)


@pytest.mark.filterwarnings("ignore:Complex modules are a new feature")
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_afdf_stays_complex_when_its_precision_changes(dtype):
    layer = AFDF(4, dtype=torch.complex64)
    before = layer.d.detach().clone()
    layer.to(dtype)
    assert layer.d.dtype == torch.complex128
    assert torch.equal(layer.d.detach(), before.to(torch.complex128))


def test_empty_batches():
    for layer in (ACDC(8), ACDC((3, 4)), AFDF(8), AFDF((3, 4))):
        x = torch.empty(0, *layer.shape)
        assert layer(x).shape == x.shape
