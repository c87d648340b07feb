"""Plates for tests: random levels, so that no symmetry hides a flip, a shift or an exchange of axes."""

from __future__ import annotations

import numpy as np

from acdc_optical.fabrication.plate import Plate, phase_steps

SHAPES = [(6, 6), (5, 8), (8, 5), (1, 9), (7, 1), (1, 1), (3, 17)]


def relief(shape=(5, 8), count=8, *, mirrored=False, pitch=(8e-6, 8e-6), step=150e-9, seed=0) -> Plate:
    levels = np.random.default_rng(seed).integers(0, count, shape).astype(np.uint8)
    return Plate(
        name="random",
        levels=levels,
        pitch=pitch,
        transmittance=phase_steps(count).transmittance,
        wavelength=633e-9,
        heights=np.arange(count) * step,
        mirrored=mirrored,
    )
