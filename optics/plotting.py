"""Pictures of fields, masks and benches. Nothing else in this package needs matplotlib.

One colour language throughout: hue is phase, brightness is modulus, black is no light. A signed mask is the
special case of phase 0 and π. Planes are drawn as one faces them: +x to the right, +y up, so row 0 of the data,
which lies at the lowest y, is the bottom row.

Functions that take an ``ax`` draw on it and return it; without one they make a :class:`Picture`, found
as ``ax.figure``. pyplot is not involved: figures are collected like any object and need no display.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from optics.field import Field
from optics.grid import Axis, Grid
from optics.system import Plane

Array = NDArray[np.float64]

INK = "#2b2f36"
"""The colour of outlines and letters on drawings."""

# The hue circle of OKLCh (Ottosson 2020) at the lightness where sRGB holds most chroma all the way round: no
# phase looks brighter than another. Phase 0 is orange and π blue, apart for every kind of colour vision.
_LIGHTNESS, _CHROMA, _HUE_OF_ZERO = 0.76, 0.125, math.radians(50)
_LAB_TO_LMS = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
)
_LMS_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


class Picture(Figure):
    """A figure that lays itself out and shows itself as the value of a notebook cell."""

    def __init__(self, width: float = 5.0, height: float = 4.0, **options: Any):
        super().__init__(figsize=(width, height), layout="compressed", **options)

    def _repr_png_(self) -> bytes:  # IPython draws bare figures only once pyplot has run
        png = io.BytesIO()
        self.savefig(png, format="png")
        return png.getvalue()


def domain_colours(values: Tensor, peak: float | None = None) -> Array:
    """The colours of complex numbers: hue from the phase, brightness from the modulus.

    Args:
        values: real or complex, any shape.
        peak: modulus of full brightness; the largest by default. What exceeds it is drawn as bright as it.

    Returns:
        sRGB from 0 to 1, shape (*values.shape, 3); half the modulus is half of the light on the screen.
    """
    modulus, phase = _array(values.abs()), _array(values.angle())
    scale = (modulus.max(initial=0.0) if peak is None else peak) or 1.0
    return _encoded(_hues(phase) * np.minimum(modulus / scale, 1)[..., None])


def phase_colour(phase: float) -> tuple[float, float, float]:
    """The colour of a phase [rad] at full brightness: sRGB from 0 to 1."""
    red, green, blue = _encoded(_hues(np.array(phase)))
    return float(red), float(green), float(blue)


def plot_field(field: Field, ax: Axes | None = None) -> Axes:
    """Draw one field: amplitude and phase.

    Args:
        field: unbatched. On a 1-D grid the height is |E| and the colour the phase; on a 2-D grid hue is
            phase and brightness |E| over its maximum. Every sample fills the part of its cell that it stands for.
        ax: where; a new picture by default.

    Raises:
        ValueError: a batch of fields.
    """
    ax = _draw_field(field, _axes(ax))
    _field_key([ax], field.grid)
    return ax


def plot_intensity(field: Field, ax: Axes | None = None) -> Axes:
    """Draw |E|² of one field, in the square of the field's unit; arguments and errors as for :func:`plot_field`."""
    ax = _axes(ax)
    _check_single(field)
    intensity = _array(field.intensity)
    if field.grid.ndim == 1:
        (edges,) = _frame(ax, field.grid)
        ax.stairs(intensity, edges, fill=True, color=phase_colour(0))
        ax.set(ylim=_above_zero(intensity), ylabel="|E|²")
        return ax
    y, x = _frame(ax, field.grid)
    mesh = ax.pcolormesh(x, y, intensity, cmap="inferno", vmin=0, rasterized=True)
    ax.figure.colorbar(mesh, cax=_beside(ax, 0.05), label="|E|²")
    return ax


def plot_mask(transmittance: Tensor, pitch: float | Sequence[float], ax: Axes | None = None) -> Axes:
    """Draw the transmittance of one mask, pixel by pixel.

    Args:
        transmittance: shape (nx,), drawn as stairs, or (ny, nx). Real values are drawn with their sign, complex
            ones like a field, with full brightness at |t| = 1.
        pitch: pixel size [m]; one number or one for each axis.
        ax: where; a new picture by default.

    Raises:
        ValueError: a batch of masks, or a pitch that is not a positive length.
    """
    if transmittance.ndim not in (1, 2):
        raise ValueError(f"expected one mask, of shape (nx,) or (ny, nx); got {tuple(transmittance.shape)}: pick one")
    grid = Grid(transmittance.shape, pitch)
    peak = max(1.0, float(transmittance.detach().abs().max()))
    ax = _axes(ax)
    draw = _draw_complex_mask if transmittance.is_complex() else _draw_real_mask
    draw(ax, transmittance, grid, peak)
    return ax


def plot_trace(planes: Sequence[Plane]) -> Figure:
    """Draw the light of every plane of a trace, each as bright as its own maximum.

    Args:
        planes: of unbatched fields, as from :meth:`OpticalSystem.trace`; in rows of up to five panels if 2-D, one
            below the other if 1-D.

    Raises:
        ValueError: no planes, or a batch of fields.
    """
    if not planes:
        raise ValueError("expected at least one plane to draw; got none")
    grid = planes[0].field.grid
    columns = min(len(planes), 5) if grid.ndim == 2 else 1
    rows = math.ceil(len(planes) / columns)
    figure = Picture(2.4 * columns + 1 if grid.ndim == 2 else 6.5, (2.7 if grid.ndim == 2 else 1.5) * rows)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for plane, ax in zip(planes, panels, strict=False):
        _draw_field(plane.field, ax).set_title(plane.name, fontsize="medium")
    for ax in panels[len(planes) :]:
        ax.remove()
    _field_key(panels[: len(planes)], grid)
    return figure


def _draw_field(field: Field, ax: Axes) -> Axes:
    _check_single(field)
    if field.grid.ndim == 1:
        return _draw_profile(ax, field.data, field.grid, "|E|")
    y, x = _frame(ax, field.grid)
    ax.pcolormesh(x, y, domain_colours(field.data), rasterized=True)
    return ax


def _draw_profile(ax: Axes, values: Tensor, grid: Grid, label: str) -> Axes:
    """Steps as high as the modulus, filled with the colour of the phase."""
    (edges,) = _frame(ax, grid)
    modulus = _array(values.abs())
    left, right, zero = edges[:-1], edges[1:], np.zeros_like(modulus)
    corners = np.stack((left, zero, left, modulus, right, modulus, right, zero), axis=-1).reshape(-1, 4, 2)
    colours = domain_colours(torch.polar(torch.ones_like(values.abs()), values.angle()))
    # An edge in its own colour closes the hairlines that antialiasing leaves between neighbours.
    ax.add_collection(PolyCollection(list(corners), facecolors=colours, edgecolors=colours, linewidths=0.3))
    ax.stairs(modulus, edges, color="0.25", linewidth=0.8)
    ax.set(ylim=_above_zero(modulus), ylabel=label)
    return ax


def _draw_real_mask(ax: Axes, transmittance: Tensor, grid: Grid, peak: float) -> None:
    values = _array(transmittance)
    if grid.ndim == 1:
        (edges,) = _frame(ax, grid)
        ax.stairs(values, edges, fill=True, color=phase_colour(0))
        ax.stairs(np.minimum(values, 0), edges, fill=True, color=phase_colour(math.pi))
        ax.axhline(0, color="0.25", linewidth=0.8)
        ax.set(ylim=(-1.05 * peak, 1.05 * peak), ylabel="transmittance")
        return
    y, x = _frame(ax, grid)
    # An odd number of colours, so that 0 is black.
    signed = ListedColormap(domain_colours(torch.linspace(-1, 1, 511, dtype=torch.float64)))
    mesh = ax.pcolormesh(x, y, values, cmap=signed, vmin=-peak, vmax=peak, rasterized=True)
    ax.figure.colorbar(mesh, cax=_beside(ax, 0.05), label="transmittance")


def _draw_complex_mask(ax: Axes, transmittance: Tensor, grid: Grid, peak: float) -> None:
    if grid.ndim == 1:
        _draw_profile(ax, transmittance, grid, "|t|").set_ylim(0, 1.05 * peak)
    else:
        y, x = _frame(ax, grid)
        ax.pcolormesh(x, y, domain_colours(transmittance, peak), rasterized=True)
    _field_key([ax], grid, "|t|", f"{peak:.3g}")


def _field_key(panels: Sequence[Axes], grid: Grid, symbol: str = "|E|", full: str = "max") -> None:
    """What the colours mean: hue in one dimension, hue by brightness in two."""
    phase = torch.linspace(-math.pi, math.pi, 257, dtype=torch.float64)
    hues = torch.polar(torch.ones_like(phase), phase)
    mappable = ScalarMappable(Normalize(-math.pi, math.pi), ListedColormap(domain_colours(hues)))
    if grid.ndim == 1:
        bar = panels[0].figure.colorbar(mappable, ax=list(panels))
    else:
        bar = panels[-1].figure.colorbar(mappable, cax=_beside(panels[-1], 0.16))
        modulus = torch.linspace(0, 1, 65, dtype=torch.float64)
        bar.ax.pcolormesh(_array(modulus), _array(phase), domain_colours(hues[:, None] * modulus), rasterized=True)
        bar.ax.set_xticks([0, 1], labels=["0", full])
        bar.ax.set_xlabel(symbol, labelpad=0)
    bar.set_ticks([-math.pi, -math.pi / 2, 0, math.pi / 2, math.pi], labels=["−π", "−π/2", "0", "π/2", "π"])
    bar.set_label("phase [rad]")


def _beside(ax: Axes, width: float) -> Axes:
    """Room for a key as high as the picture, whatever the picture's aspect."""
    return ax.inset_axes((1.05, 0, width, 1))


def _frame(ax: Axes, grid: Grid) -> tuple[Array, ...]:
    """Label and limit the axes in the unit that suits the grid; the edges of the samples, in that unit."""
    name, unit = _length_unit(max(grid.extent))
    edges = tuple(_edges(axis) / unit for axis in grid.axes)
    ax.set(xlabel=f"x [{name}]", xlim=edges[-1][[0, -1]])
    if grid.ndim == 2:
        ax.set(ylabel=f"y [{name}]", ylim=edges[0][[0, -1]], aspect="equal", facecolor="black")
    return edges


def _edges(axis: Axis) -> Array:
    """Where the part of an axis that each sample stands for begins, and where the last one ends [m].

    A sample is as wide as its weight, and a node of a Gauss rule lies within the width of its weight. The
    outermost reach to the edge of their cell.
    """
    weights = np.array(axis.cell.weights)
    starts = np.cumsum(weights) - weights - weights.sum() / 2
    starts[0] = -0.5
    begins = _array(axis.centres)[:, None] + starts * axis.spacing
    return np.append(begins.ravel(), axis.extent / 2)


def _length_unit(extent: float) -> tuple[str, float]:
    for name, unit in (("m", 1.0), ("mm", 1e-3), ("µm", 1e-6)):
        if extent >= unit:
            return name, unit
    return "nm", 1e-9


def _above_zero(values: Array) -> tuple[float, float]:
    return 0.0, 1.05 * float(values.max(initial=0.0)) or 1.0


def _hues(phase: Array) -> Array:
    """The phase circle in linear RGB, all of it equally light, shape (*phase.shape, 3)."""
    hue = phase + _HUE_OF_ZERO
    lab = np.stack((np.full_like(hue, _LIGHTNESS), _CHROMA * np.cos(hue), _CHROMA * np.sin(hue)), axis=-1)
    return np.clip((lab @ _LAB_TO_LMS.T) ** 3 @ _LMS_TO_RGB.T, 0, 1)


def _encoded(linear: Array) -> Array:
    """Linear RGB as sRGB."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _axes(ax: Axes | None) -> Axes:
    return Picture().subplots() if ax is None else ax


def _check_single(field: Field) -> None:
    batch = tuple(field.data.shape[: -field.grid.ndim])
    if batch:
        raise ValueError(f"expected one field, not a batch of shape {batch}: pick one, as field.replace(field.data[i])")


def _array(values: Tensor) -> Array:
    return values.detach().to("cpu", torch.float64).numpy()
