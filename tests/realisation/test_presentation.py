"""The two presentations: laws that hold for both, and what tells them apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from acdc_optical import ACDC, AFDF
from acdc_optical.presentation import Direct, Mirrored, presentation_of

PRESENTATIONS = [Mirrored(), Direct()]
SHAPES = [(1,), (2,), (7,), (8,), (3, 4), (5, 5)]
LENGTHS = [1, 2, 3, 7, 8, 17, 32]
# Sums of a few dozen float64 terms of order 1.
EXACT = 1e-13


def values(presentation, *shape: int) -> torch.Tensor:
    dtype = torch.float64 if presentation.real else torch.complex128
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=dtype)


@pytest.mark.parametrize("presentation", PRESENTATIONS, ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
class TestEncodeAndDecode:
    def test_decode_reads_the_image_upside_down(self, presentation, shape):
        """Parity: the bench images E(-x), an exact flip on a symmetric grid."""
        axes = len(shape)
        x = values(presentation, 2, *shape)
        image = presentation.encode(x, axes).flip(tuple(range(-axes, 0)))
        assert torch.equal(presentation.decode(image.to(torch.complex128), axes), x.to(torch.complex128))

    def test_has_the_pixels_it_says(self, presentation, shape):
        encoded = presentation.encode(values(presentation, 3, *shape), len(shape))
        assert encoded.shape == (3, *(presentation.pixels(n) for n in shape))

    def test_decode_is_the_adjoint_of_encode(self, presentation, shape):
        """⟨encode x, flip e⟩ = c·⟨x, decode e⟩, c the number of times each value is shown."""
        axes = len(shape)
        x = values(presentation, *shape)
        pixels = [presentation.pixels(n) for n in shape]
        light = torch.randn(pixels, dtype=torch.complex128, generator=torch.Generator().manual_seed(1))
        shown = np.prod(pixels) / np.prod(shape)
        left = (presentation.encode(x, axes).conj().to(light.dtype) * light.flip(tuple(range(axes)))).sum()
        right = shown * (x.conj().to(light.dtype) * presentation.decode(light, axes)).sum()
        assert torch.isclose(left, right, rtol=0, atol=EXACT * 10 * np.prod(pixels))


def test_mirrored_light_is_even():
    light = Mirrored().encode(values(Mirrored(), 3, 4), 2)
    assert torch.equal(light, light.flip(0))
    assert torch.equal(light, light.flip(1))


@pytest.mark.parametrize("n", LENGTHS)
class TestSelection:
    def test_mirrored_shows_each_coefficient_twice_but_the_zeroth(self, n):
        k, share = Mirrored().selection(n)
        assert k.tolist() == list(range(-(n - 1), n))
        assert share.sum(0).tolist() == [1.0] + [2.0] * (n - 1)
        assert share.sum(1).tolist() == [1.0] * (2 * n - 1)

    def test_direct_shows_each_coefficient_once(self, n):
        k, share = Direct().selection(n)
        assert torch.equal(k, -k.flip(0))  # on a symmetric grid of integer frequencies
        assert share.sum(0).tolist() == [1.0] * n

    def test_direct_halves_the_nyquist_coefficient_of_even_lengths(self, n):
        k, share = Direct().selection(n)
        halves = [int(i) for i in k[share.sum(1) == 0.5]]
        assert halves == ([-n // 2, n // 2] if n % 2 == 0 else [])
        assert share.sum(1)[share.sum(1) != 0.5].tolist() == [1.0] * (n - 1 if n % 2 == 0 else n)

    def test_direct_is_the_circular_kernel_of_the_dft(self, n):
        """Σ_k share·exp(2πikm/n)/n is ifft at every whole lag m, the halved ends included."""
        k, share = Direct().selection(n)
        m = Direct().lags(n).numpy()
        assert m.tolist() == list(range(-(n - 1), n))
        kernel = np.exp(2j * np.pi * np.outer(m, k) / n) @ share.numpy() / n
        np.testing.assert_allclose(kernel, np.fft.ifft(np.eye(n), axis=0)[m % n], rtol=0, atol=EXACT)

    def test_mirrored_is_the_kernel_of_the_dct(self, n):
        """Output i of an even field: K(i - j) + K(i + j + 1) is C·D·C⁻¹."""
        k, share = Mirrored().selection(n)
        m = Mirrored().lags(n)
        assert m.tolist() == list(range(2 * n))
        kernel = (np.exp(2j * np.pi * np.outer(m, k) / (2 * n)) @ share.numpy() / (2 * n)).real
        d = np.linspace(-1, 2, n)
        i = np.arange(n)
        got = (kernel @ d)[np.abs(i[:, None] - i)] + (kernel @ d)[i[:, None] + i + 1]
        c = np.sqrt(2 / n) * np.cos(np.pi * np.outer(i, i + 0.5) / n)
        c[0] /= np.sqrt(2)
        np.testing.assert_allclose(got, c.T @ np.diag(d) @ c, rtol=0, atol=EXACT * 10)


@pytest.mark.parametrize("presentation", PRESENTATIONS, ids=lambda p: type(p).__name__)
def test_folded_moments_of_independent_values_are_the_moments_of_the_mask(presentation):
    lags, pixels = 5, 12
    half = torch.randn(lags, pixels // 2, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))
    moments = torch.cat((half.conj().flip(1), half), dim=1)  # as of real light: pixels at ±u are conjugate
    folded = presentation.fold(moments)
    independent = torch.randn(folded.shape[1], 3, dtype=folded.dtype, generator=torch.Generator().manual_seed(1))
    mask = presentation.unfold(independent)
    assert mask.shape == (pixels, 3)
    wanted = moments @ mask.to(moments.dtype)
    torch.testing.assert_close((folded @ independent).to(wanted.dtype), wanted, rtol=0, atol=EXACT * 10)


def test_the_layer_decides():
    assert isinstance(presentation_of(ACDC(2)), Mirrored)
    assert isinstance(presentation_of(AFDF(2)), Direct)
    with pytest.raises(TypeError, match="expected an ACDC or AFDF layer; got Linear"):
        presentation_of(nn.Linear(2, 2))
