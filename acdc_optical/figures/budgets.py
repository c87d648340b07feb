"""A picture of the error budget of a layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from acdc_optical.reports import BudgetRow
from optics.plotting import Picture, phase_colour


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
    ax.barh(range(len(rows)), values, height=0.6, color=phase_colour(math.pi))
    for i, (row, value) in enumerate(zip(rows, values, strict=True)):
        text = fill(row.note, 70) if row.error is None else f"{row.error:.2g}"
        size = "small" if row.error is None else "medium"
        start = (max(value, 10.0**low), i)
        ax.annotate(text or "–", start, (4, 0), textcoords="offset points", va="center", fontsize=size)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
