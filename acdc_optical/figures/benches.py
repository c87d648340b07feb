"""Drawings of benches, from the side."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Patch, PathPatch, Rectangle
from matplotlib.path import Path

from optics.plotting import INK, Picture, phase_colour

Kind = Literal["modulator", "mask", "lens", "camera"]
"""What can stand on a drawn bench."""

_ACCENT = phase_colour(math.pi)


def bench_schematic() -> Figure:
    """Draw the bench of an ACDC layer: mask · lens · mask · lens over A · C · D · C⁻¹."""
    figure = Picture(9.0, 3.4)
    ax = figure.subplots()
    plot_bench([("mask", "A"), ("lens", "C"), ("mask", "D"), ("lens", "C⁻¹"), ("camera", "y")], ax)
    ax.annotate("", (-0.15, 0), (-0.6, 0), arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.5})
    ax.text(-0.6, -1.45, "x", fontsize=17, ha="center", va="center", color=INK)
    ax.set_xlim(-0.85, 4.4)
    ax.set_title("y = x · A · C · D · C⁻¹", fontsize=17, color=INK, y=-0.12)
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
        ax.text(z, -1.45, label, fontsize=17, ha="center", va="center", color=INK)
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
    return [*pixels, Rectangle((z - width / 2, -1), width, 2, facecolor="none", edgecolor=INK, linewidth=1)]


def _modulator(z: float) -> list[Patch]:
    return [_body(z - 0.12, 0.24), *_mask(z)]


def _camera(z: float) -> list[Patch]:
    return [_body(z, 0.3), Rectangle((z - 0.03, -0.9), 0.06, 1.8, facecolor=_ACCENT, edgecolor=INK, linewidth=1)]


def _body(left: float, width: float) -> Patch:
    return FancyBboxPatch((left, -1), width, 2, boxstyle="round,pad=0.03", facecolor=INK, edgecolor="none")


_SHAPES: dict[Kind, Callable[[float], list[Patch]]] = {
    "modulator": _modulator,
    "mask": _mask,
    "lens": _lens,
    "camera": _camera,
}
