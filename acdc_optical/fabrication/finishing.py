"""What an order adds to the surface of a mask, and what it leaves out: surroundings, and patterns that draw nothing."""

from __future__ import annotations

import numpy as np

from acdc_optical.fabrication.mask_process import MaskProcess
from acdc_optical.fabrication.plate import Alphabet, Layer, Levels
from acdc_optical.fabrication.relief import CHROME_LAYER, Surface

WINDOW = "CHROME"


def occurring(surface: Surface, levels: Levels) -> Surface:
    """Without patterns that draw nothing, and without a relief that is the same everywhere."""
    used = np.unique(levels)
    layers = tuple(layer for layer in surface.layers if any(layer.drawn[level] for level in used))
    flat = surface.heights is None or np.ptp(surface.heights[used]) == 0
    return Surface(None if flat else surface.heights, layers)


def framed(surface: Surface, alphabet: Alphabet, process: MaskProcess) -> Surface:
    """A mask D with the opaque surroundings that the bench takes it to have, if chrome is to make them.

    Light falls beside mask D as well, and what is clear there reaches the camera: errors of the order of 1.

    Raises:
        ValueError: polygons that are chrome, and so leave what is around them clear, where chrome is to make it opaque.
    """
    if process.surroundings == "stop" or not _in_layers(process):
        return surface
    if not alphabet.opaque.any():
        window = Layer(CHROME_LAYER, WINDOW, "polygons are clear openings in chrome", (True,) * len(alphabet))
        return surface._replace(layers=(*surface.layers, window))
    if process.chrome_drawn:
        raise ValueError(
            "polygons that are chrome leave the surroundings of the mask clear, and light passes there: give "
            'surroundings = "stop" and mount one, or let polygons be the openings (chrome_drawn = false)'
        )
    return surface


def surroundings(side: str, process: MaskProcess, extent: tuple[float, float]) -> str:
    """What has to be around a mask, in words for the order."""
    if side == "A":
        return "modulator pixels around the mask are dark"
    if process.surroundings == "chrome" and _in_layers(process):
        return "opaque chrome, wherever no polygon of layer 10 is drawn; cover the alignment marks on the bench"
    height, width = (f"{1e3 * length:.6g}" for length in extent)
    return f"an opaque stop is to be mounted, with an opening of {width} mm by {height} mm (x by y), centred"


def _in_layers(process: MaskProcess) -> bool:
    return process.made in ("etched", "added", "chrome")
