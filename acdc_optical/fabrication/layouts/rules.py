"""Design rules of a drawn pattern: the widths of features and gaps, and corners that touch.

Widths are lengths of runs of cells along x and along y. For patterns of cells that is exact, and it takes seconds where
a general checker takes minutes. A corner contact has no width and leaves no gap, so it is counted on its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from acdc_optical.fabrication.plate import Drawn
from optics.units import format_length

_SHOWN = 5  # places given for each kind of violation
_CELLS_AT_ONCE = 2**20  # bounds the memory: runs take tens of bytes for a cell

# Of widths in metres; what is left are roundings of coordinates.
_DIGITS = 15

# A rule that is a whole number of cells is kept by that many, whatever the rounding of the pitch.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Rules:
    """What a process resolves.

    Attributes:
        min_feature: width of what is drawn [m].
        min_gap: width of what is not, between two things drawn [m].
        corner_contacts_allowed: whether drawn cells may touch at a corner alone.

    Raises:
        ValueError: a width that is not 0 or more.
    """

    min_feature: float
    min_gap: float
    corner_contacts_allowed: bool = True

    def __post_init__(self) -> None:
        for name, width in (("min_feature", self.min_feature), ("min_gap", self.min_gap)):
            if not (math.isfinite(width) and width >= 0):
                raise ValueError(f"{name}: expected a width of 0 or more [m]; got {width}")


class Runs(NamedTuple):
    """Features, or gaps, along one axis.

    Attributes:
        smallest: width [m]; None if there are none.
        narrow: how many are narrower than the rule.
    """

    smallest: float | None
    narrow: int


class Place(NamedTuple):
    """Where a rule is broken.

    Attributes:
        rule: which, in words.
        y, x: the middle [m], from the centre of the pattern, growing with rows and columns.
        width: [m].
    """

    rule: str
    y: float
    x: float
    width: float


@dataclass(frozen=True)
class Findings:
    """What :func:`check_rules` found.

    Attributes:
        rules: what was asked for.
        features: along (y, x).
        gaps: along (y, x).
        corner_contacts: pairs of drawn cells that touch at a corner and at no edge.
        drawn_fraction: share of the area that is drawn.
        places: a handful of violations of each kind, the narrowest first.
    """

    rules: Rules
    features: tuple[Runs, Runs]
    gaps: tuple[Runs, Runs]
    corner_contacts: int
    drawn_fraction: float
    places: tuple[Place, ...]

    @property
    def passed(self) -> bool:
        """Whether all rules are kept."""
        narrow = sum(runs.narrow for runs in (*self.features, *self.gaps))
        return narrow == 0 and (self.rules.corner_contacts_allowed or self.corner_contacts == 0)

    def __str__(self) -> str:
        return (
            f"{'passed' if self.passed else 'failed'}: {_said('features', self.features)}, {_said('gaps', self.gaps)}, "
            f"{self.corner_contacts} corner contacts, {self.drawn_fraction:.1%} drawn"
        )


def check_rules(
    drawn: Drawn, pitch: tuple[float, float], rules: Rules, x_edges: NDArray[np.float64] | None = None
) -> Findings:
    """Hold a pattern against rules.

    Beyond the pattern nothing is drawn: a feature ends there, and a gap does not. Gaps that reach the border lie
    between no two features and are not counted.

    Args:
        drawn: which cells are, shape (ny, nx).
        pitch: size of a cell, (y, x) [m].
        rules: what to hold it against.
        x_edges: of columns that are not of one width [m], shape (nx + 1,).

    Raises:
        ValueError: not a two-dimensional pattern with cells, or a pitch that is not above 0.
    """
    if drawn.ndim != 2 or not drawn.size or drawn.dtype != np.bool_:
        raise ValueError(f"expected drawn cells of shape (ny, nx), bool; got {drawn.shape} {drawn.dtype}")
    if not all(math.isfinite(size) and size > 0 for size in pitch):
        raise ValueError(f"expected cells of a size above 0, (y, x) [m]; got {pitch}")
    y, x = ((np.arange(n + 1) - n / 2) * size for n, size in zip(drawn.shape, pitch, strict=True))
    x = x if x_edges is None else x_edges
    rows, columns = ((borders[1:] + borders[:-1]) / 2 for borders in (y, x))
    features_y, gaps_y = _runs_along_rows(drawn.T, y, rules)
    features_x, gaps_x = _runs_along_rows(drawn, x, rules)
    corner_contacts, corners = _corner_contacts(drawn)
    places = [
        *(Place("feature along y", middle, columns[at], width) for at, middle, width in features_y.places),
        *(Place("feature along x", rows[at], middle, width) for at, middle, width in features_x.places),
        *(Place("gap along y", middle, columns[at], width) for at, middle, width in gaps_y.places),
        *(Place("gap along x", rows[at], middle, width) for at, middle, width in gaps_x.places),
        *(Place("corner contact", y[i], x[j], 0.0) for i, j in corners if not rules.corner_contacts_allowed),
    ]
    drawn_rows = drawn.sum(axis=0) @ np.diff(x) / (x[-1] - x[0])
    return Findings(
        rules,
        (features_y.runs, features_x.runs),
        (gaps_y.runs, gaps_x.runs),
        corner_contacts,
        float(drawn_rows / len(drawn)),
        tuple(Place(place.rule, *map(float, place[1:])) for place in places),
    )


@dataclass
class _Tally:
    """Features, or gaps, along the rows of a pattern, gathered block by block.

    Attributes:
        borders: of the cells along the rows [m].
        enough: width that keeps the rule [m].
        smallest: width of the smallest run [m]; None if there is none.
        narrow: runs that are narrower than enough.
        narrowest: some of those: (width, row, middle) [m].
    """

    borders: NDArray[np.float64]
    enough: float
    smallest: float | None = None
    narrow: int = 0
    narrowest: list[tuple[float, int, float]] = field(default_factory=list)

    def add(self, starts: NDArray[np.int64], ends: NDArray[np.int64], first_row: int) -> None:
        """Take runs from ``starts`` up to ``ends``, in cells of rows that an empty one ends."""
        if not len(starts):
            return
        stride = len(self.borders)
        rows, begins = np.divmod(starts, stride)
        lower, upper = self.borders[begins], self.borders[ends % stride]
        widths = np.round(upper - lower, _DIGITS)
        least = float(widths.min())
        self.smallest = least if self.smallest is None else min(least, self.smallest)
        narrow = np.flatnonzero(widths < self.enough)
        self.narrow += len(narrow)
        worst = narrow[np.argsort(widths[narrow], kind="stable")[:_SHOWN]]
        middles = (lower[worst] + upper[worst]) / 2
        here = zip(widths[worst].tolist(), (rows[worst] + first_row).tolist(), middles.tolist(), strict=True)
        self.narrowest = sorted([*self.narrowest, *here])[:_SHOWN]

    @property
    def runs(self) -> Runs:
        return Runs(self.smallest, self.narrow)

    @property
    def places(self) -> list[tuple[int, float, float]]:
        """Row, and middle and width [m], of the narrowest."""
        return [(row, middle, width) for width, row, middle in self.narrowest]


def _runs_along_rows(drawn: Drawn, borders: NDArray[np.float64], rules: Rules) -> tuple[_Tally, _Tally]:
    """Features and gaps."""
    features, gaps = (_Tally(borders, width * (1 - _ROUNDING)) for width in (rules.min_feature, rules.min_gap))
    stride = drawn.shape[1] + 1  # an empty cell ends every row, so that no run goes on into the next
    at_once = max(1, _CELLS_AT_ONCE // stride)
    for first_row in range(0, len(drawn), at_once):
        block = drawn[first_row : first_row + at_once]
        line = np.zeros(len(block) * stride + 1, dtype=np.bool_)
        line[1:].reshape(len(block), stride)[:, :-1] = block
        edges = np.flatnonzero(line[1:] != line[:-1])
        starts, ends = edges[::2], edges[1::2]
        features.add(starts, ends, first_row)
        within = ends[:-1] // stride == starts[1:] // stride
        gaps.add(ends[:-1][within], starts[1:][within], first_row)
    return features, gaps


def _corner_contacts(drawn: Drawn) -> tuple[int, list[tuple[int, int]]]:
    """How many corners have cells drawn around them as on a checkerboard, and a handful: (y, x) [cells]."""
    touching = drawn[:-1, :-1] == drawn[1:, 1:]
    touching &= drawn[:-1, 1:] == drawn[1:, :-1]
    touching &= drawn[:-1, :-1] != drawn[:-1, 1:]
    shown = np.flatnonzero(touching)[:_SHOWN].tolist()
    across = touching.shape[1]
    return int(np.count_nonzero(touching)), [(place // across + 1, place % across + 1) for place in shown]


def _said(name: str, along: tuple[Runs, Runs]) -> str:
    widths = [runs.smallest for runs in along if runs.smallest is not None]
    smallest = f"from {format_length(min(widths), 4)}" if widths else "none"
    return f"{name} {smallest} ({sum(runs.narrow for runs in along)} too narrow)"
