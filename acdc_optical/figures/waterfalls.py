"""A picture of what is wrong with a bench: its imperfections by size."""

from __future__ import annotations

import math
import re
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from acdc_optical.budgets.accounts import Waterfall, WaterfallRow, effective_bits
from optics.plotting import INK, Picture, phase_colour

_SINGLE, _TOGETHER = phase_colour(math.pi), phase_colour(0.0)


def plot_waterfall(waterfall: Waterfall) -> Figure:
    """Draw the relative L2 error of each imperfection, the largest on top, on a log scale, and its effective bits.

    All together stand below them; a dashed line is what the single ones come to in quadrature, and a dot the error
    after gain and phase are adjusted. A row that could not be computed has its note for a bar; an error of exactly 0
    has none.
    """
    rows = sorted(waterfall.single, key=lambda row: -(row.error or 0.0))
    rows = [*rows, waterfall.perfect, waterfall.together]
    figure = Picture(10.0, 1.7 + 0.34 * len(rows))
    errors, bits = figure.subplots(1, 2, sharey=True, width_ratios=(5, 1))
    _draw_bars(errors, waterfall, rows)
    errors.set_yticks(range(len(rows)), labels=[_readable(row.name) for row in rows])
    errors.set(ylim=(len(rows) - 0.4, -0.6), xlabel="relative L2 error of the output")
    _draw_bits(bits, rows)
    for ax in (errors, bits):
        ax.axhline(len(rows) - 2.5, color="0.8", linewidth=0.8)
        ax.tick_params(axis="y", length=0)
        ax.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=4, frameon=False)
    return figure


def _draw_bars(ax: Axes, waterfall: Waterfall, rows: list[WaterfallRow]) -> None:
    found = [value for row in rows for value in (row.error, row.adjusted) if value]
    # What masks are off by in a perfect bench is rounding, twelve decades below what matters: it may be cut off.
    relevant = [value for value in found if value > max(found) * 1e-7]
    low = 10.0 ** math.floor(math.log10(min(relevant, default=1e-1)) - 0.3)
    high = 10.0 ** math.ceil(math.log10(max(found, default=1.0)) + 0.3)
    ax.set(xscale="log", xlim=(low, high))
    colours = [_TOGETHER if row is waterfall.together else _SINGLE for row in rows]
    ax.barh(range(len(rows)), [row.error or 0.0 for row in rows], height=0.65, color=colours)
    ax.barh([0], [0], color=_SINGLE, label="alone")
    ax.barh([0], [0], color=_TOGETHER, label="all together")
    dots = [(row.adjusted, i) for i, row in enumerate(rows) if row.adjusted is not None and row.adjusted >= low]
    places = [x for x, _ in dots], [i for _, i in dots]
    ax.plot(*places, "o", color=INK, markersize=4.5, label="gain and phase adjusted")
    if total := waterfall.quadrature:
        label = f"single ones in quadrature: {total:.2g}"
        ax.axvline(total, color=INK, linestyle="--", linewidth=1, label=label)
    for i, row in enumerate(rows):
        if row.error is None or row.error < low:
            note = row.note if row.error is None else f"{row.error:.1g}, off this scale"
            ax.annotate(fill(note, 80), (low, i), (4, 0), textcoords="offset points", va="center", fontsize="small")


def _draw_bits(ax: Axes, rows: list[WaterfallRow]) -> None:
    """The numbers of effective bits, as they come and adjusted."""
    ax.set(xlim=(0, 2), xticks=[0.5, 1.5])
    ax.set_xticklabels(["as it\ncomes", "adjusted"])
    ax.tick_params(axis="x", length=0)
    ax.set_xlabel("ENOB [bits]")
    ax.spines[["bottom", "left"]].set_visible(False)
    for i, row in enumerate(rows):
        for x, error in ((0.5, row.error), (1.5, row.adjusted)):
            bits = effective_bits(error)
            text = "–" if bits is None else f"{bits:.1f}"
            ax.text(x, i, text, ha="center", va="center", color=INK)


def _readable(name: str) -> str:
    """A name as on an axis: words apart, and the letter for micro."""
    return re.sub(r"\.(?=[a-z])", ": ", name).replace("_", " ").replace(" um", " µm").replace(" urad", " µrad")
