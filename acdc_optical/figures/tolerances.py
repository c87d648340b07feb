"""Pictures of tolerances: how many benches are good enough, and which of their parts decide it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from acdc_optical.tolerances.results import Tolerances
from acdc_optical.tolerances.sensitivities import Sensitivity
from optics.plotting import Picture, phase_colour

_ACCENT, _OTHER = phase_colour(math.pi), "0.7"
_MARKED = (5.0, 50.0, 95.0)
_MOST = 15


def plot_tolerances(found: Tolerances, *, limit: float | None = None) -> Figure:
    """Draw the yield against the limit, with percentiles, and how the metric goes with each parameter.

    Args:
        found: a Monte Carlo run.
        limit: marked in the curve with its yield.
    """
    figure = Picture(11.0, max(3.8, 1.4 + 0.26 * min(_MOST, len(found.names))))
    curve, ranks = figure.subplots(1, 2, width_ratios=(1, 1))
    _draw_yield(curve, found, limit)
    rows = sorted(found.correlations(), key=lambda each: -abs(each.with_size or 0))[:_MOST]
    positions = range(len(rows))
    ranks.barh(
        [p - 0.2 for p in positions], [row.with_size or 0 for row in rows], 0.38, color=_ACCENT, label="its size"
    )
    ranks.barh([p + 0.2 for p in positions], [row.with_sign or 0 for row in rows], 0.38, color=_OTHER, label="itself")
    ranks.axvline(0, color="0.3", linewidth=0.8)
    chance = 2 / math.sqrt(len(found.errors))
    ranks.axvspan(-chance, chance, facecolor="0.93", edgecolor="0.6", zorder=0, label="two σ of chance")
    ranks.set_yticks(positions, labels=[row.name for row in rows])
    ranks.set(ylim=(len(rows) - 0.5, -0.5), xlabel="rank correlation of the metric with the difference")
    ranks.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    _say_how_many(ranks, len(rows), len(found.names))
    _open(ranks)
    return figure


def _draw_yield(ax: Axes, found: Tolerances, limit: float | None) -> None:
    limits, shares = found.yield_curve()
    ax.step(limits.numpy(), 100 * shares.numpy(), where="post", color=_ACCENT, linewidth=1.8)
    ax.set(ylim=(0, 103), xlabel=f"limit of {found.metric.removesuffix('()')}", ylabel="yield [%]")
    if (limits > 0).all() and limits[-1] > 20 * limits[0]:
        ax.set_xscale("log")
    for share, value in found.percentiles(_MARKED).items():
        ax.plot([value], [share], "o", color="0.25", markersize=4, zorder=3)
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8}
        text = f"{share:g} %: {value:.2g}"
        # On the free side of a curve that rises, and off the axis.
        at, side, edge = ((-7, 3), "right", "bottom") if share < 10 else ((7, -5), "left", "top")
        ax.annotate(text, (value, share), at, textcoords="offset points", ha=side, va=edge, bbox=paper)
    if limit is not None:
        ax.axvline(limit, color="0.4", linestyle="--", linewidth=1)
        ax.set_title(f"{100 * found.yield_at(limit):.3g} % of {len(limits)} draws within {limit:g}", fontsize="medium")
    ax.margins(x=0.25)  # room for the numbers beside the points
    _open(ax)


def plot_sensitivities(found: Sequence[Sensitivity], *, limit: float | None = None) -> Figure:
    """Draw what each parameter does by itself one standard deviation to either side: a tornado, the largest on top.

    Args:
        found: parameters.
        limit: an error, marked.

    Raises:
        ValueError: no parameters.
    """
    if not found:
        raise ValueError("expected at least one parameter; got none")
    rows = sorted(found, key=lambda each: -max(each.below, each.above))[:_MOST]
    figure = Picture(8.0, 1.4 + 0.3 * len(rows))
    ax = figure.subplots()
    positions = range(len(rows))
    ax.barh(positions, [-row.below for row in rows], 0.6, color=_OTHER, label="one σ below")
    ax.barh(positions, [row.above for row in rows], 0.6, color=_ACCENT, label="one σ above")
    for side in (-1, 1):
        predicted = [side * row.error(row.deviation) for row in rows]
        label = "by derivatives" if side > 0 else None
        ax.plot(predicted, positions, "|", color="0.1", markersize=10, markeredgewidth=1.6, label=label)
    reach = 1.15 * max(max(row.below, row.above) for row in rows)
    if limit is not None:
        for mark in (-limit, limit):
            ax.axvline(mark, color="0.4", linestyle="--", linewidth=1)
    ax.set_yticks(positions, labels=[row.name for row in rows])
    ax.set(ylim=(len(rows) - 0.5, -0.5), xlim=(-reach or -1, reach or 1), xlabel="relative error of the output")
    ax.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    _say_how_many(ax, len(rows), len(found))
    _open(ax)
    return figure


def _say_how_many(ax: Axes, drawn: int, there: int) -> None:
    """That parameters are left out, where some are."""
    if drawn < there:
        ax.set_ylabel(f"the largest {drawn} of {there} parameters")


def _open(ax: Axes) -> None:
    ax.spines[["top", "right"]].set_visible(False)
