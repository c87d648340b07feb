"""Pictures of masks as the shop will see them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from acdc_optical.fabrication.plate import Plate
from acdc_optical.files import replacing
from optics.plotting import Picture, domain_colours
from optics.units import um

# Cells across the detail that is drawn, and pixels across the whole.
_DETAIL = 64
_WHOLE = 512


def plot_plate(plate: Plate) -> Figure:
    """Draw a plate as the shop sees it: the whole, its middle, and what each layer draws there.

    Args:
        plate: to be drawn; phase is hue and amplitude brightness in the first two panels. Of large plates the whole
            shows every n-th cell.
    """
    columns = min(3, 2 + len(plate.layers))
    rows = -(-(2 + len(plate.layers)) // columns)
    figure = Picture(3.4 * columns, 3.3 * rows + 0.3)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    seen = plate.transmittance[plate.seen]
    down, across = (max(1, -(-n // _WHOLE)) for n in seen.shape)  # stripes are high and narrow
    _draw_colours(panels[0], seen[::down, ::across], plate.extent)
    panels[0].set_title(f"{plate.name}: {seen.shape[1]} × {seen.shape[0]} cells", fontsize="medium")
    rows_shown, columns_shown = (_middle(n) for n in seen.shape)
    detail = seen[rows_shown, columns_shown]
    extent = detail.shape[0] * plate.pitch[0], detail.shape[1] * plate.pitch[1]
    _draw_colours(panels[1], detail, extent)
    panels[1].set_title("the middle: hue is phase", fontsize="medium")
    for layer, ax in zip(plate.layers, panels[2:], strict=False):
        drawn = plate.drawn(layer)[rows_shown, columns_shown]
        _show(ax, ~drawn[..., None].repeat(3, axis=-1) * 1.0, extent)
        ax.set_title(f"layer {layer.number} {layer.name}, drawn is black", fontsize="medium")
    for ax in panels[2 + len(plate.layers) :]:
        ax.remove()
    return figure


def draw_plate(path: str | Path, plate: Plate) -> None:
    """Write the picture of a plate as PNG; errors as for :func:`~acdc_optical.files.replacing`."""
    with replacing(path) as temporary:
        plot_plate(plate).savefig(temporary, dpi=110, metadata={"Software": None})


def _middle(n: int) -> slice:
    count = min(n, _DETAIL)
    return slice((n - count) // 2, (n - count) // 2 + count)


def _draw_colours(ax: Axes, values: NDArray[np.complex128], extent: tuple[float, float]) -> None:
    _show(ax, domain_colours(torch.from_numpy(np.ascontiguousarray(values)), 1.0), extent)


def _show(ax: Axes, colours: NDArray[np.floating], extent: tuple[float, float]) -> None:
    height, width = extent[0] / um, extent[1] / um
    around = (-width / 2, width / 2, -height / 2, height / 2)
    ax.imshow(colours, origin="lower", interpolation="nearest", extent=around)
    ax.set(xlabel="x [µm]", ylabel="y [µm]")
