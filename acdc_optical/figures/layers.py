"""Pictures of a layer's masks and of its light; the figures can be saved and show in notebooks."""

from __future__ import annotations

from matplotlib.figure import Figure
from torch import Tensor

from acdc_optical.cascade import OpticalCascade
from acdc_optical.compilation.masks import Masks
from acdc_optical.light import Pattern
from acdc_optical.realisation import OpticalLayer
from optics import Axis, Grid
from optics.plotting import Picture, plot_mask, plot_trace
from optics.units import format_length

_COLUMNS = 2048


def plot_masks(masks: Masks) -> Figure:
    """Draw the input mask and the Fourier mask side by side, with pixel count, pitch and mean transmission."""
    figure = Picture(10.0, 4.6) if masks.planes.input.ndim == 2 else Picture(10.0, 3.4)
    drawn = (
        ("input mask A", masks.input_mask, masks.planes.input),
        ("Fourier mask D", masks.fourier_mask, masks.planes.mask),
    )
    panels = figure.subplots(1, 2)
    for ax, (name, mask, grid), transmission in zip(panels, drawn, masks.mean_transmission, strict=True):
        plot_mask(*_as_pixels(mask, grid), ax)
        made_of = _pixels(grid) if isinstance(mask, Tensor) else f"{mask.count} edges of stripes, 0 or π"
        ax.set_title(f"{name}\n{made_of}\nmean transmission {100 * transmission:.3g} %", fontsize="medium")
    return figure


def _as_pixels(mask: Pattern, grid: Grid) -> tuple[Tensor, tuple[float, ...]]:
    """Values and pitch of pixels; stripes in columns so fine that their edges seem to be in place."""
    if isinstance(mask, Tensor):
        return mask, grid.spacing
    fine = Axis(_COLUMNS, mask.width / _COLUMNS)
    return mask.transmittance(fine.centres), (*grid.spacing[:-1], fine.spacing)


def plot_light(layer: OpticalLayer | OpticalCascade, x: Tensor) -> Figure:
    """Draw the light of one input at every plane of an optical layer or cascade, from the modulator to the camera.

    Args:
        layer: the optical layer, or several in a row.
        x: shape ``layer.shape``.

    Raises:
        ValueError, TypeError: as the layer does for its input; ValueError for a batch.
    """
    return plot_trace(layer.trace(x))


def _pixels(grid: Grid) -> str:
    lengths = [format_length(float(f"{pitch:.4g}")).replace("um", "µm") for pitch in grid.spacing]
    pitch = lengths[0] if len(set(lengths)) == 1 else " × ".join(lengths)
    return f"{' × '.join(map(str, grid.cells))} pixels of {pitch}"
