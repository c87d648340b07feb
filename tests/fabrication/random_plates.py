"""Plates without any symmetry, whose upper left corner alone has the highest level."""

from __future__ import annotations

import numpy as np

from acdc_optical.fabrication.plate import Alphabet, Layer, Plate, phase_steps

WAVELENGTH = 632.8e-9
INDEX = 1.457
SHAPES = [(8, 8), (5, 9), (12, 7)]
WITH_OPAQUE = Alphabet((None, *range(8)), 8)


def plate(
    shape: tuple[int, int],
    alphabet: Alphabet = phase_steps(8),  # noqa: B008
    pitch: tuple[float, float] = (12e-6, 8e-6),
    *,
    mirrored: bool = False,
) -> Plate:
    """Etched from the glass, so that the longest path stands highest."""
    count = len(alphabet)
    levels = np.random.default_rng(shape[0]).integers(0, count - 1, shape).astype(np.uint8)
    levels[-1, 0] = count - 1  # row 0 is at the bottom
    return Plate(
        "random",
        levels,
        pitch,
        alphabet.transmittance,
        WAVELENGTH,
        layers=(Layer(1, "etch_1", "etch", tuple(level % 2 == 1 for level in range(count))),),
        heights=alphabet.phases / (2 * np.pi) * WAVELENGTH / (INDEX - 1),
        mirrored=mirrored,
    )
