"""Pictures of how networks bear what is wrong with a bench: accuracy against how much that is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from optics.plotting import Picture, phase_colour


def plot_robustness(curves: Mapping[str, Sequence[Sequence[float]]], levels: Sequence[float], of: str) -> Figure:
    """Draw accuracy against the level of what is wrong: median, and bars from the lowest tenth to the highest.

    Args:
        curves: for the name of each network, at each level its accuracies on benches or by seeds, from 0 to 1.
        levels: from low to high.
        of: what the levels are of, with its unit.

    Raises:
        ValueError: none, or not as many points as levels.
    """
    counts = {name: len(points) for name, points in curves.items()}
    if not counts or set(counts.values()) != {len(levels)}:
        raise ValueError(f"expected accuracies at each of {len(levels)} levels; got {counts}")
    figure = Picture(5.6, 3.8)
    ax = figure.subplots()
    for place, (name, points) in enumerate(curves.items()):
        colour = "0.45" if not place else phase_colour(2 * math.pi * (place - 1) / max(1, len(curves) - 1))
        low, middle, high = (np.array([100 * np.quantile(values, q) for values in points]) for q in (0.1, 0.5, 0.9))
        ax.errorbar(levels, middle, yerr=[middle - low, high - middle], color=colour, marker="o", capsize=3, label=name)
    ax.set(xlabel=of, ylabel="accuracy [%]", ylim=(0, 102))
    ax.legend(loc="lower left")
    ax.spines[["top", "right"]].set_visible(False)
    return figure
