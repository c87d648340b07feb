"""Cells as the light meets them, and orders of one mask with whatever levels."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from acdc_optical.fabrication.encodings import Encoded
from acdc_optical.fabrication.made import Cells
from acdc_optical.fabrication.mask_process import MaskProcess
from acdc_optical.fabrication.orders import MaskOrder
from acdc_optical.fabrication.plate import CHROME_AND_SIGN, Alphabet, Plate
from acdc_optical.fabrication.process import LayoutProcess
from acdc_optical.fabrication.relief import Surface
from optics import Grid, flat

WAVELENGTH = 633e-9
ETCHED_CHROME = MaskProcess(encoding="chrome-and-etch", cells=1)


def even(count: int) -> tuple[float, ...]:
    """The edges of so many alike cells of a pixel."""
    return (*(i / count - 0.5 for i in range(count)), 0.5)


def shown(encoded: Encoded) -> Cells:
    """An encoded mask to the light."""
    values = torch.from_numpy(encoded.alphabet.transmittance[encoded.levels])
    turns = 0.0 if encoded.period is None else encoded.cells / encoded.period
    return Cells(values, (even(encoded.cells),) * values.ndim, encoded.factor, turns)


def divided(pixels: torch.Tensor, edges: tuple[float, ...]) -> Cells:
    """Pixels divided into cells that are alike."""
    for axis in range(pixels.ndim):
        pixels = pixels.repeat_interleave(len(edges) - 1, dim=axis)
    return Cells(pixels, (edges,) * pixels.ndim)


def order_of(
    levels: NDArray[np.integer],
    alphabet: Alphabet = CHROME_AND_SIGN,
    process: MaskProcess = ETCHED_CHROME,
    *,
    cells: int = 1,
    pitch: tuple[float, float] = (1e-6, 1e-6),
) -> MaskOrder:
    """An order of a mask D with these levels; of one axis if the levels have one, with three rows of stripes.

    Args:
        levels: shape (ny·cells, nx·cells) or (nx·cells,).
        alphabet: what they are.
        process: how they are made.
        cells: per pixel and axis.
        pitch: of a cell, (y, x) [m].
    """
    levels = levels.astype(np.uint8)
    making = process.making()
    surface = Surface(None, ()) if making is None else making.surface(alphabet, WAVELENGTH)
    drawn = levels if levels.ndim == 2 else np.repeat(levels[None], 3, axis=0)
    plate = Plate("L1D", drawn, pitch, alphabet.transmittance, WAVELENGTH, surface.layers, surface.heights)
    pixels = Grid([n // cells for n in levels.shape], [cells * p for p in pitch[-levels.ndim :]], flat())
    return MaskOrder(0, "D", pixels, Encoded(levels, alphabet, cells, 1.0, 0.0), plate, process, LayoutProcess())
