"""Plates with layers that stand for the bits of their levels."""

from __future__ import annotations

import numpy as np

from acdc_optical.fabrication.plate import Layer, Levels, Plate, phase_steps


def etched(
    levels: Levels, pitch: tuple[float, float] = (8e-6, 8e-6), *, bits: int = 3, mirrored: bool = False
) -> Plate:
    """2 to the power of ``bits`` equal steps of phase; the first layer is the most significant bit."""
    layers = tuple(
        Layer(m + 1, f"etch_{m + 1}", "etched", tuple(bool(level >> (bits - 1 - m) & 1) for level in range(2**bits)))
        for m in range(bits)
    )
    return Plate("plate", levels, pitch, phase_steps(2**bits).transmittance, 633e-9, layers, mirrored=mirrored)


def noise(shape: tuple[int, int] = (37, 50), seed: int = 0) -> Levels:
    return np.random.default_rng(seed).integers(0, 8, shape).astype(np.uint8)


def stripes(shape: tuple[int, int] = (24, 90)) -> Levels:
    """A one-dimensional mask: all rows are alike."""
    return np.tile(noise((1, shape[1])), (shape[0], 1))


def lens(samples: int) -> Levels:
    """Eight levels of a Fresnel lens whose period falls to four cells at the middle of an edge."""
    axis = np.arange(samples) - (samples - 1) / 2
    turns = (axis[:, None] ** 2 + axis**2) / (4 * samples)
    return (np.rint(8 * turns).astype(np.int64) % 8).astype(np.uint8)
