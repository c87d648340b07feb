"""Pictures of what a cascade gives account of: errors plane by plane, and where the light goes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from acdc_optical.budgets.contributions import Contribution
from acdc_optical.budgets.light_budget import LightBudget
from optics.plotting import Picture, phase_colour

# Below rounding nothing is drawn.
_LEAST = 1e-17


def plot_contributions(cascades: Mapping[str, Sequence[Contribution]]) -> Figure:
    """Draw what each plane adds to the error of the output, on a log scale, cascades side by side.

    Args:
        cascades: for the name of each cascade its contributions; all of as many layers.

    Raises:
        ValueError: none, or cascades of different planes.
    """
    planes = [[row.plane for row in rows] for rows in cascades.values()]
    if not planes or any(own != planes[0] for own in planes):
        raise ValueError(f"expected one or more cascades of the same planes; got {planes}")
    figure = Picture(max(6.0, 1.1 * len(planes[0]) + 2), 3.6)
    ax = figure.subplots()
    width = 0.8 / len(cascades)
    for place, ((name, rows), colour) in enumerate(zip(cascades.items(), _colours(len(cascades)), strict=True)):
        left = [i - 0.4 + (place + 0.5) * width for i in range(len(rows))]
        ax.bar(left, [max(row.error, _LEAST) for row in rows], width, color=colour, label=name)
    ax.set_xticks(range(len(planes[0])), labels=planes[0])
    high = max(row.error for rows in cascades.values() for row in rows)
    # Two decades above the highest bar are room for the legend.
    ax.set(yscale="log", ylabel="relative L2 change of the output", ylim=(_LEAST, 100 * max(high, 1e-14)))
    ax.legend(loc="upper center", ncols=len(cascades))
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def plot_light_budget(cascades: Mapping[str, LightBudget]) -> Figure:
    """Draw the power at every plane of a cascade over that of its input, on a log scale, layer by layer.

    Args:
        cascades: for the name of each cascade its budget.

    Raises:
        ValueError: none.
    """
    if not cascades:
        raise ValueError("expected the light budget of one cascade or more; got none")
    figure = Picture(8.0, 3.8)
    ax = figure.subplots()
    depth = max(len(budget.layers) for budget in cascades.values())
    for (name, budget), colour in zip(cascades.items(), _colours(len(cascades)), strict=True):
        shares = [share for layer in budget.layers for share in layer[:4]] + [budget.layers[-1].arrived]
        ax.step([1 + i / 4 for i in range(len(shares))], shares, where="post", color=colour, label=name)
    for number in range(1, depth + 2):
        ax.axvline(number, color="0.85", linewidth=0.8, zorder=0)
    ax.set(
        yscale="log", xlabel="layer: on mask A, behind it, on mask D, behind it", ylabel="light / light of the input"
    )
    ax.set(xlim=(1, depth + 1.2), xticks=range(1, depth + 1))
    ax.legend(loc="upper right")
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def _colours(count: int) -> list[tuple[float, float, float] | str]:
    return ["0.45", *(phase_colour(2 * math.pi * i / count) for i in range(count - 1))]
