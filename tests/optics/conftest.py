"""Fixtures shared by the tests of ``optics``."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture
def ffts(monkeypatch) -> list[str]:
    """Which of torch's FFTs were called, in order: none by matrices, an inverse one by chirp-z alone."""
    calls: list[str] = []

    def spy(name):
        original = getattr(torch.fft, name)

        def called(*args, **options):
            calls.append(name)
            return original(*args, **options)

        monkeypatch.setattr(torch.fft, name, called)

    spy("fft")
    spy("fft2")
    spy("ifft")
    return calls


@pytest.fixture
def without_matrices(monkeypatch) -> None:
    """Take the FFT or chirp-z for axes of any length, as if matrices were never faster."""
    monkeypatch.setattr("optics.fourier._DENSE", 0)
