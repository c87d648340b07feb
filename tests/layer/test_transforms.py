"""The cosine transforms against scipy, their laws, their gradients and their errors."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
import torch

from acdc_optical import ACDC, CosineTransform, dct, idct
from acdc_optical.transforms import as_shape

LENGTHS = [1, 2, 3, 4, 5, 17, 31, 97, 1000, 1021, 4096]
SHAPES_2D = [(1, 1), (1, 7), (2, 2), (3, 5), (8, 8), (12, 20), (31, 17), (97, 64)]
SHAPES = [(n,) for n in LENGTHS] + SHAPES_2D

# Entries are of order 1 and one FFT errs by about 1e-16·log2(N) of them: 1e-12 leaves a factor 100 and more.
DOUBLE = 1e-12
# Relative L2, not entry by entry: a small entry next to large ones carries their float32 rounding (6e-8 · log2(N)).
SINGLE = 1e-6

PAIRS = [(dct, scipy.fft.dctn), (idct, scipy.fft.idctn)]


def data(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal((3, *shape))


@pytest.mark.parametrize(("ours", "scipys"), PAIRS, ids=["dct", "idct"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
class TestAgainstScipy:
    def test_float64(self, shape, ours, scipys):
        x = data(*shape)
        wanted = scipys(x, norm="ortho", axes=range(1, x.ndim))
        got = ours(torch.from_numpy(x), axes=len(shape))
        assert got.dtype == torch.float64
        np.testing.assert_allclose(got.numpy(), wanted, rtol=0, atol=DOUBLE)

    def test_float32(self, shape, ours, scipys):
        x = data(*shape).astype(np.float32)
        wanted = scipys(x.astype(np.float64), norm="ortho", axes=range(1, x.ndim))
        got = ours(torch.from_numpy(x), axes=len(shape))
        assert got.dtype == torch.float32
        assert np.linalg.norm(got.numpy() - wanted) <= SINGLE * np.linalg.norm(wanted)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_each_undoes_the_other(shape):
    x, axes = torch.from_numpy(data(*shape)), len(shape)
    torch.testing.assert_close(idct(dct(x, axes), axes), x, rtol=0, atol=DOUBLE)
    torch.testing.assert_close(dct(idct(x, axes), axes), x, rtol=0, atol=DOUBLE)


@pytest.mark.parametrize("n", [1, 2, 3, 17, 64, 97])
def test_matrix_is_orthonormal_and_its_transpose_is_the_inverse(n):
    identity = torch.eye(n, dtype=torch.float64)
    matrix = dct(identity)
    torch.testing.assert_close(matrix @ matrix.T, identity, rtol=0, atol=DOUBLE)
    torch.testing.assert_close(idct(identity), matrix.T, rtol=0, atol=DOUBLE)


def test_by_hand():
    # C_kn = s_k cos(πk(n+½)/N), N = 2: a half and a half, then ±cos(π/4).
    half = 0.5**0.5
    torch.testing.assert_close(dct(torch.tensor([1.0, 0.0]).double()), torch.tensor([half, half]).double())
    torch.testing.assert_close(dct(torch.tensor([0.0, 1.0]).double()), torch.tensor([half, -half]).double())


@pytest.mark.parametrize("shape", [(1,), (2,), (5,), (8,), (3, 2), (1, 3)], ids=str)
@pytest.mark.parametrize("transform", [dct, idct])
def test_gradients(transform, shape):
    x = torch.randn(2, *shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: transform(t, len(shape)), x)


def test_leading_dimensions_and_strided_memory():
    x = torch.from_numpy(data(4, 6, 9)).mT
    assert not x.is_contiguous()
    np.testing.assert_allclose(dct(x).numpy(), scipy.fft.dct(x.numpy(), norm="ortho"), rtol=0, atol=DOUBLE)


def test_phase_factors_are_not_kept_in_the_precision_of_first_use():
    layer = ACDC(1021)
    layer(torch.ones(1021))
    layer.double()
    x = data(1021)
    a, d = layer.a.detach().numpy(), layer.d.detach().numpy()
    wanted = scipy.fft.idct(d * scipy.fft.dct(a * x, norm="ortho"), norm="ortho")
    np.testing.assert_allclose(layer(torch.from_numpy(x)).detach().numpy(), wanted, rtol=0, atol=DOUBLE)


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64, torch.float16])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(TypeError, match=r"float32 or float64 data; got torch\."):
        dct(torch.zeros(4, dtype=dtype))


@pytest.mark.parametrize(("shape", "axes"), [((4, 4, 4), 3), ((4,), 0), ((4,), 2), ((), 1)])
def test_other_axes_are_refused(shape, axes):
    with pytest.raises(ValueError, match=f"axes must be 1 or 2 .* got {axes}"):
        idct(torch.zeros(shape), axes)


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3)])
def test_axes_without_samples_are_refused(shape):
    with pytest.raises(ValueError, match="expected a positive length"):
        dct(torch.zeros(2, *shape), axes=len(shape))


def test_data_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"expected input of shape \(\.\.\., 3, 4\); got \(2, 4, 3\)"):
        CosineTransform((3, 4)).dct(torch.zeros(2, 4, 3))


@pytest.mark.parametrize("shape", [0, -1, (), (1, 2, 3), (4, 0), (4.0, 4), 2.5, None, "ab"], ids=repr)
def test_shapes_that_are_none(shape):
    with pytest.raises(ValueError, match="expected a positive length N or an") as caught:
        as_shape(shape)
    assert repr(shape) in str(caught.value)


def test_numpy_lengths_are_lengths():
    assert as_shape(np.int64(8)) == (8,)
    assert as_shape((np.int64(3), 4)) == (3, 4)
