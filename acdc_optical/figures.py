"""Pictures of layers, their bench, their light and their results; the figures can be saved and show in notebooks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from textwrap import fill
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Patch, PathPatch, Rectangle
from matplotlib.path import Path
from torch import Tensor

from acdc_optical.cascade import OpticalCascade
from acdc_optical.compilation import Masks
from acdc_optical.light import Pattern
from acdc_optical.realisation import OpticalLayer
from acdc_optical.reports import BudgetRow
from acdc_optical.training import Epoch
from optics import Axis, Grid
from optics.plotting import Picture, phase_colour, plot_mask, plot_trace
from optics.units import format_length

Kind = Literal["modulator", "mask", "lens", "camera"]
"""What can stand on a drawn bench."""

_COLUMNS = 2048
_INK = "#2b2f36"
_ACCENT = phase_colour(math.pi)


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
        ax.set_title(f"{name}\n{made_of}\nmean transmission {_percent(transmission)}", fontsize="medium")
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


def plot_error_budget(rows: Sequence[BudgetRow]) -> Figure:
    """Draw the relative L2 error of each way to compute a layer, on a log scale, and the light it uses.

    A row that its bench cannot do has its note for a bar, and an error of exactly 0 the number alone.

    Raises:
        ValueError: no rows.
    """
    if not rows:
        raise ValueError("expected at least one row of an error budget; got none")
    figure = Picture(10.0, 1.2 + 0.55 * len(rows))
    errors, light = figure.subplots(1, 2, sharey=True, width_ratios=(4, 1))
    positions = range(len(rows))
    errors.set_yticks(positions, labels=[row.name for row in rows])
    errors.set(ylim=(len(rows) - 0.5, -0.5), xlabel="relative L2 error")
    _draw_errors(errors, rows)
    shares = [row.light or 0 for row in rows]
    low = 10.0 ** math.floor(math.log10(min([share for share in shares if share > 0], default=0.1)))
    # Beyond 100 %, room for the number at the end of the longest bar.
    light.set(xscale="log", xlim=(low, 1 / low if low > 1e-3 else 100), xlabel="light used")
    light.set_xticks([low, 1], labels=[_percent(low), _percent(1)])
    light.minorticks_off()
    light.barh(positions, shares, height=0.6, color="0.75")
    for i, (row, share) in enumerate(zip(rows, shares, strict=True)):
        text = "–" if row.light is None else _percent(share)
        light.annotate(text, (max(share, low), i), (4, 0), textcoords="offset points", va="center")
    for ax in (errors, light):
        ax.tick_params(axis="y", length=0)
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def _draw_errors(ax: Axes, rows: Sequence[BudgetRow]) -> None:
    values = [row.error if row.error is not None and math.isfinite(row.error) else 0.0 for row in rows]
    exponents = [math.log10(value) for value in values if value > 0] or [-16.0, 0.0]
    low, high = math.floor(min(exponents)) - 1, math.ceil(max(exponents))
    # A fifth of the width beyond the last decade is room for the number at the end of the longest bar.
    ax.set(xscale="log", xlim=(10.0**low, 10.0 ** (high + (high - low) / 5)))
    ax.set_xticks([10.0**k for k in range(low, high + 1, math.ceil((high - low) / 8))])
    ax.minorticks_off()
    ax.barh(range(len(rows)), values, height=0.6, color=_ACCENT)
    for i, (row, value) in enumerate(zip(rows, values, strict=True)):
        text = fill(row.note, 70) if row.error is None else f"{row.error:.2g}"
        size = "small" if row.error is None else "medium"
        start = (max(value, 10.0**low), i)
        ax.annotate(text or "–", start, (4, 0), textcoords="offset points", va="center", fontsize=size)


def plot_history(histories: Mapping[str, Sequence[Epoch]]) -> Figure:
    """Draw the loss and the accuracy of trainings, epoch by epoch.

    Args:
        histories: of one training or more, by name; accuracy is drawn of those that had labels: held out if some were,
            else in training. Trainings that coincide show as a thin line on a thick one.

    Raises:
        ValueError: no epochs at all.
    """
    if not any(histories.values()):
        raise ValueError("expected at least one epoch of a training; got none")
    figure = Picture(10.0, 3.6)
    loss, right = figure.subplots(1, 2)
    held_out = any(epoch.held_out is not None for history in histories.values() for epoch in history)
    finer = min(1.5, 6 / len(histories))
    for place, (name, history) in enumerate(histories.items()):
        # Later lines are thinner, so that what they cover still shows; a single epoch is a dot.
        thick = 1.5 + finer * (len(histories) - 1 - place)
        style: dict[str, Any] = {"color": f"C{place}", "linewidth": thick, "markersize": thick + 2}
        style["marker"] = "o" if len(history) == 1 else ""
        loss.plot(range(1, len(history) + 1), [epoch.loss for epoch in history], label=name, **style)
        labelled = [(number, epoch) for number, epoch in enumerate(history, 1) if epoch.accuracy is not None]
        found = [(number, epoch.held_out if held_out else epoch.accuracy) for number, epoch in labelled]
        shown = [(number, 100 * share) for number, share in found if share is not None]
        right.plot([number for number, _ in shown], [share for _, share in shown], **style)
    loss.set(xlabel="epoch", ylabel="training loss")
    right.set(xlabel="epoch", ylabel=f"accuracy on {'held-out' if held_out else 'training'} data [%]")
    for ax in (loss, right):
        ax.spines[["top", "right"]].set_visible(False)
        ax.xaxis.get_major_locator().set_params(integer=True)
    loss.legend(frameon=False)
    return figure


def plot_confusion(matrix: Tensor) -> Figure:
    """Draw a confusion matrix with its counts; the shade is the share of the row.

    Args:
        matrix: counts, shape (classes, classes); rows are the true classes, columns the predicted ones.

    Raises:
        ValueError: not a square matrix.
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"expected a square matrix of counts; got shape {tuple(matrix.shape)}")
    counts = matrix.detach().cpu().numpy()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Picture(5.0, 5.0)
    ax = figure.subplots()
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (i, j), count in np.ndenumerate(counts):
        if count:
            ax.text(j, i, f"{count}", ha="center", va="center", color="white" if shares[i, j] > 0.5 else _INK)
    classes = range(len(counts))
    ax.set(xticks=classes, yticks=classes, xlabel="predicted", ylabel="true")
    ax.tick_params(length=0)
    right = np.trace(counts)
    ax.set_title(f"{right} of {counts.sum()} right", fontsize="medium")
    return figure


def bench_schematic() -> Figure:
    """Draw the bench of an ACDC layer: mask · lens · mask · lens over A · C · D · C⁻¹."""
    figure = Picture(9.0, 3.4)
    ax = figure.subplots()
    plot_bench([("mask", "A"), ("lens", "C"), ("mask", "D"), ("lens", "C⁻¹"), ("camera", "y")], ax)
    ax.annotate("", (-0.15, 0), (-0.6, 0), arrowprops={"arrowstyle": "-|>", "color": _INK, "linewidth": 1.5})
    ax.text(-0.6, -1.45, "x", fontsize=17, ha="center", va="center", color=_INK)
    ax.set_xlim(-0.85, 4.4)
    ax.set_title("y = x · A · C · D · C⁻¹", fontsize=17, color=_INK, y=-0.12)
    return figure


def plot_bench(parts: Sequence[tuple[Kind, str]], ax: Axes | None = None) -> Axes:
    """Draw a bench from the side: its parts in a row, a focal length apart, with the light between them.

    Args:
        parts: kind and label of each, in the order the light meets them; the kind is written above, the
            label below.
        ax: where; a new picture by default.

    Two points of the first plane shine; their rays are traced through the lenses, so planes are imaged and
    transformed as they are by a bench.

    Raises:
        ValueError: a kind that is not known.
    """
    for kind, _ in parts:
        if kind not in _SHAPES:
            raise ValueError(f"no part of kind {kind!r}; there are: {', '.join(_SHAPES)}")
    ax = Picture(1.8 * len(parts), 3.2).subplots() if ax is None else ax
    kinds = [kind for kind, _ in parts]
    ax.axhline(0, color="0.8", linewidth=0.8, linestyle=(0, (8, 3, 2, 3)), zorder=0)
    for point, phase in ((0.42, 0.0), (-0.42, math.pi)):
        below, above = (_heights(kinds, point, slope) for slope in (-0.36, 0.36))
        ax.fill_between(range(len(kinds)), below, above, color=phase_colour(phase), alpha=0.35, linewidth=0)
    for z, (kind, label) in enumerate(parts):
        for patch in _SHAPES[kind](float(z)):
            ax.add_patch(patch)
        ax.text(z, 1.3, kind, fontsize=11, ha="center", va="center", color="0.45")
        ax.text(z, -1.45, label, fontsize=17, ha="center", va="center", color=_INK)
        if z:
            _draw_distance(ax, z)
    ax.set(xlim=(-0.4, len(parts) - 0.6), ylim=(-1.7, 1.5))
    ax.set_axis_off()
    return ax


def _draw_distance(ax: Axes, z: int) -> None:
    """A focal length, between the part at z and the one before it."""
    arrow = {"arrowstyle": "<->", "color": "0.6", "linewidth": 0.8}
    ax.annotate("", (z - 0.72, -1.45), (z - 0.28, -1.45), arrowprops=arrow)
    ax.text(z - 0.5, -1.3, "f", fontsize=11, style="italic", ha="center", va="center", color="0.45")


def _heights(kinds: Sequence[Kind], height: float, slope: float) -> list[float]:
    """Where a ray meets each part, in a bench whose parts and foci are one unit apart."""
    heights = [height]
    for kind in kinds[:-1]:
        slope -= height if kind == "lens" else 0
        height += slope
        heights.append(height)
    return heights


def _lens(z: float) -> list[Patch]:
    bulge = 0.2
    outline = Path(
        [(z, -1), (z + bulge, 0), (z, 1), (z - bulge, 0), (z, -1)],
        [Path.MOVETO, Path.CURVE3, Path.CURVE3, Path.CURVE3, Path.CURVE3],
    )
    return [PathPatch(outline, facecolor="#d9ebf5", edgecolor="#5b8fb0", linewidth=1.3, alpha=0.9)]


def _mask(z: float) -> list[Patch]:
    count, width = 14, 0.1
    # Multiples of the golden ratio: shades without a pattern, the same in every drawing.
    shades = [0.15 + 0.8 * (i * 0.6180339887 % 1) for i in range(count)]
    pixels = [
        Rectangle((z - width / 2, -1 + 2 * i / count), width, 2 / count, facecolor=str(shade), edgecolor="none")
        for i, shade in enumerate(shades)
    ]
    return [*pixels, Rectangle((z - width / 2, -1), width, 2, facecolor="none", edgecolor=_INK, linewidth=1)]


def _modulator(z: float) -> list[Patch]:
    return [_body(z - 0.12, 0.24), *_mask(z)]


def _camera(z: float) -> list[Patch]:
    return [_body(z, 0.3), Rectangle((z - 0.03, -0.9), 0.06, 1.8, facecolor=_ACCENT, edgecolor=_INK, linewidth=1)]


def _body(left: float, width: float) -> Patch:
    return FancyBboxPatch((left, -1), width, 2, boxstyle="round,pad=0.03", facecolor=_INK, edgecolor="none")


_SHAPES: dict[Kind, Callable[[float], list[Patch]]] = {
    "modulator": _modulator,
    "mask": _mask,
    "lens": _lens,
    "camera": _camera,
}


def _pixels(grid: Grid) -> str:
    lengths = [format_length(float(f"{pitch:.4g}")).replace("um", "µm") for pitch in grid.spacing]
    pitch = lengths[0] if len(set(lengths)) == 1 else " × ".join(lengths)
    return f"{' × '.join(map(str, grid.cells))} pixels of {pitch}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
