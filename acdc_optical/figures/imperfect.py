"""Pictures of benches as they really are: how much each imperfection costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from optics.plotting import Picture, phase_colour

_MARKERS = "osv^D<>Pp*hX"

# Of five decades on a hand's breadth.
_THICK = 0.02


def plot_errors(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], size: str) -> Figure:
    """Draw the error of the output against the size of several imperfections, both on log scales.

    A slope of one is an error in proportion to the imperfection, of two one by its square. Sizes and errors of zero
    have no place and are left out. Imperfections whose curves are one to the eye are drawn, and named, together.

    Args:
        curves: for the name of each imperfection its sizes and the relative errors.
        size: what the sizes are, in words and with their unit.

    Raises:
        ValueError: no curves, or one that has not as many errors as sizes or nothing above zero.

    >>> plot_errors({"shift": ([1e-6, 2e-6], [0.1, 0.2])}, "shift [m]").axes[0].get_xlabel()
    'shift [m]'
    """
    if not curves:
        raise ValueError("expected the curve of one imperfection or more; got none")
    figure = Picture(8.6, 4.6)
    ax = figure.subplots()
    drawn: dict[tuple[tuple[float, float], ...], str] = {}
    for name, (sizes, errors) in curves.items():
        if len(sizes) != len(errors):
            raise ValueError(f"expected an error for each size of {name}; got {len(errors)} for {len(sizes)}")
        kept = tuple((float(s), float(e)) for s, e in zip(sizes, errors, strict=True) if s > 0 and e > 0)
        if not kept:
            raise ValueError(f"sizes and errors of {name} are zero, and a log scale has no zero; leave it out")
        same = next((other for other in drawn if _one_to_the_eye(kept, other)), kept)
        drawn[same] = f"{drawn[same]}\n{name}" if same in drawn else name
    for i, (points, name) in enumerate(drawn.items()):
        colour = phase_colour(2 * math.pi * i / len(drawn))
        ax.plot(*zip(*points, strict=True), color=colour, marker=_MARKERS[i % len(_MARKERS)], markersize=4, label=name)
    ax.set(xscale="log", yscale="log", xlabel=size, ylabel="relative L2 error of the output")
    ax.grid(color="0.92")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def _one_to_the_eye(points: Sequence[tuple[float, float]], others: Sequence[tuple[float, float]]) -> bool:
    """Whether two curves are nowhere farther apart than a line is thick."""
    if len(points) != len(others):
        return False
    pairs = zip((n for p in points for n in p), (n for p in others for n in p), strict=True)
    return all(math.isclose(a, b, rel_tol=_THICK) for a, b in pairs)
