"""Fixtures shared by the tests of ``optics``."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture
def chirps(monkeypatch) -> list[int]:
    """Lengths of the inverse FFTs made so far: the chirp-z branch makes one per axis, the FFT branch none."""
    lengths: list[int] = []
    original = torch.fft.ifft

    def spy(data, *args, **options):
        lengths.append(data.shape[-1])
        return original(data, *args, **options)

    monkeypatch.setattr(torch.fft, "ifft", spy)
    return lengths
