"""The dense matrix of a linear module, on row vectors."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
import torch
from torch import nn

from acdc_optical import ACDC, AFDF, Gaussian, Permutation, as_matrix

EXACT = 1e-12  # a few float64 operations on entries of order 1


def signed(kind: type, shape, seed: int = 0):
    return kind(shape, init=Gaussian(), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def dense(layer: nn.Module) -> np.ndarray:
    """A·C·D·C⁻¹ multiplied out, with C from scipy."""
    axes = tuple(range(1, 1 + len(layer.shape)))
    a, d = (np.diag(p.detach().numpy().ravel()) for p in (layer.a, layer.d))
    identity = np.eye(len(a)).reshape(-1, *layer.shape)
    transform = scipy.fft.dctn if isinstance(layer, ACDC) else scipy.fft.fftn
    c = transform(identity, norm="ortho", axes=axes).reshape(a.shape)
    return a @ c @ d @ c.conj().T


@pytest.mark.parametrize("kind", [ACDC, AFDF])
@pytest.mark.parametrize("shape", [(1,), (2,), (7,), (16,), (3, 4)], ids=str)
def test_is_the_product_of_the_four_factors(kind, shape):
    layer = signed(kind, shape)
    matrix = as_matrix(layer)
    assert matrix.dtype == layer.a.dtype
    assert not matrix.requires_grad
    np.testing.assert_allclose(matrix.numpy(), dense(layer), rtol=0, atol=EXACT)


def test_of_a_permutation():
    permutation = Permutation((2, 3), seed=4)
    assert torch.equal(as_matrix(permutation), torch.eye(6)[:, permutation.order])


def test_of_a_sequence_is_the_product_in_the_order_of_calls():
    first, between, last = signed(ACDC, 12, seed=1), Permutation(12, seed=2), signed(ACDC, 12, seed=3)
    matrix = as_matrix(nn.Sequential(first, between, last))
    wanted = dense(first) @ as_matrix(between).double().numpy() @ dense(last)
    np.testing.assert_allclose(matrix.numpy(), wanted, rtol=0, atol=EXACT)


def test_of_a_module_without_a_shape_of_its_own():
    linear = nn.Linear(3, 5, bias=False, dtype=torch.float64)
    torch.testing.assert_close(as_matrix(linear, shape=3), linear.weight.detach().T, rtol=0, atol=EXACT)
    with pytest.raises(ValueError, match="pass shape=N"):
        as_matrix(linear)


def test_of_an_opaque_layer_is_zero():
    layer = signed(ACDC, 8)
    nn.init.zeros_(layer.a)
    assert not as_matrix(layer).any()


def test_a_bias_of_zero_is_linear():
    layer = ACDC(8, bias=True, dtype=torch.float64)
    np.testing.assert_allclose(as_matrix(layer).numpy(), dense(layer), rtol=0, atol=EXACT)


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.Softplus()], ids=repr)
@pytest.mark.parametrize("n", [1, 8])
def test_activations_are_refused(activation, n):
    with pytest.raises(ValueError, match="linear"):
        as_matrix(nn.Sequential(signed(ACDC, n), activation))


# An odd function is linear on any probe of zeros and ±1.
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_odd_functions_are_refused_at_every_size(n):
    with pytest.raises(ValueError, match="linear"):
        as_matrix(nn.Tanh(), shape=n)


# A bias of 1e-6 would spoil eleven of the matrix's float64 digits.
@pytest.mark.parametrize("size", [10, 1, 1e-3, 1e-6])
@pytest.mark.parametrize("kind", [ACDC, AFDF])
def test_biases_are_refused_however_small(kind, size):
    layer = kind(16, bias=True, dtype=torch.float64)
    nn.init.constant_(layer.bias, size)
    with pytest.raises(ValueError, match="bias"):
        as_matrix(layer)
