"""Pictures of masks as the shop will see them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from acdc_optical.fabrication.plate import Layer, Plate
from acdc_optical.files import replacing
from optics.plotting import Picture, domain_colours
from optics.units import mm, um

# Cells across the detail that is drawn, and pixels across the whole.
_DETAIL = 64
_WHOLE = 512
_SLENDER = 4
_COLUMNS = 512


def plot_plate(plate: Plate) -> Figure:
    """Draw a plate as the shop sees it: the whole, a detail, and what each layer draws there.

    Args:
        plate: to be drawn; phase is hue and amplitude brightness in the first two panels. Of large plates the whole
            shows every n-th cell. The detail is where most levels occur, as near to the middle as may be.
    """
    ny, nx = plate.levels.shape
    cells = f"{nx} × {ny} cells" if plate.x_edges is None else f"stripes in {ny} row{'s' * (ny > 1)}"
    plate = _in_even_cells(plate)
    panels_wanted = 2 + len(plate.layers)
    columns = panels_wanted if panels_wanted < 4 else 2 if panels_wanted == 4 else 3
    rows = -(-panels_wanted // columns)
    figure = Picture(3.6 * columns, 3.4 * rows + 0.3)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    seen = plate.transmittance[plate.seen]
    down, across = (max(1, -(-n // _WHOLE)) for n in seen.shape)  # stripes are high and narrow
    whole = plate.extent
    _draw_colours(panels[0], seen[::down, ::across], (0.0, 0.0), whole)
    mirrored = ", x mirrored" if plate.mirrored else ""
    panels[0].set_title(f"{plate.name}: {cells}{mirrored}", fontsize="medium")
    window = _detail(plate)
    low = [(s.start - n / 2) * p for s, n, p in zip(window, seen.shape, plate.pitch, strict=True)]
    size = [(s.stop - s.start) * p for s, p in zip(window, plate.pitch, strict=True)]
    centre, extent = (low[0] + size[0] / 2, low[1] + size[1] / 2), (size[0], size[1])
    _draw_colours(panels[1], seen[window], centre, extent)
    panels[1].set_title("a detail: orange is phase 0, blue π", fontsize="medium")
    for layer, ax in zip(plate.layers, panels[2:], strict=False):
        drawn = plate.drawn(layer)[window]
        _show(ax, ~drawn[..., None].repeat(3, axis=-1) * 1.0, centre, extent)
        ax.set_title(f"layer {layer.number} {layer.name}: {_purpose(layer)}", fontsize="medium")
    for ax in panels[panels_wanted:]:
        ax.remove()
    return figure


def _in_even_cells(plate: Plate) -> Plate:
    """Stripes as pictures can show them: in so many columns of one width that their edges seem to be in place."""
    if plate.x_edges is None:
        return plate
    width = plate.extent[1]
    middles = ((np.arange(_COLUMNS) + 0.5) / _COLUMNS - 0.5) * width
    columns = np.searchsorted(plate.x_edges, middles) - 1
    return replace(plate, levels=plate.levels[:, columns], pitch=(plate.pitch[0], width / _COLUMNS), x_edges=None)


def _purpose(layer: Layer) -> str:
    """What black is: "polygons are etched, 692 nm deep" of the order, in short."""
    return layer.purpose.split(",")[0].replace("polygons are", "black is").replace("clear openings in chrome", "open")


def _detail(plate: Plate) -> tuple[slice, slice]:
    """A window with as many levels as there are, near the middle."""
    ny, nx = plate.levels.shape
    height, width = min(ny, _DETAIL), min(nx, _DETAIL)
    windows = [
        (slice(y, y + height), slice(x, x + width))
        for y in range((ny - height) // 2 % max(1, height // 2), ny - height + 1, max(1, height // 2))
        for x in range((nx - width) // 2 % max(1, width // 2), nx - width + 1, max(1, width // 2))
    ]

    def worth(window: tuple[slice, slice]) -> tuple[int, float]:
        away = sum(abs(s.start + s.stop - n) for s, n in zip(window, (ny, nx), strict=True))
        return len(np.unique(plate.seen[window])), -away

    return max(windows, key=worth)


def draw_plate(path: str | Path, plate: Plate) -> None:
    """Write the picture of a plate as PNG; errors as for :func:`~acdc_optical.files.replacing`."""
    with replacing(path) as temporary:
        plot_plate(plate).savefig(temporary, dpi=110, metadata={"Software": None})


def _draw_colours(
    ax: Axes, values: NDArray[np.complex128], centre: tuple[float, float], extent: tuple[float, float]
) -> None:
    _show(ax, domain_colours(torch.from_numpy(np.ascontiguousarray(values)), 1.0), centre, extent)


def _show(ax: Axes, colours: NDArray[np.floating], centre: tuple[float, float], extent: tuple[float, float]) -> None:
    name, metres = ("mm", mm) if max(extent) >= 2 * mm else ("µm", um)
    (y, x), (height, width) = ([length / metres for length in pair] for pair in (centre, extent))
    around = (x - width / 2, x + width / 2, y - height / 2, y + height / 2)
    # Stripes that are much higher than wide are squeezed: else their width leaves no room for numbers.
    aspect: Literal["auto", "equal"] = "auto" if max(extent) > _SLENDER * min(extent) else "equal"
    ax.imshow(colours, origin="lower", interpolation="nearest", extent=around, aspect=aspect)
    ax.set(xlabel=f"x [{name}]", ylabel=f"y [{name}]")
    ax.locator_params(nbins=5)
