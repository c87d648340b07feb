"""What many benches drawn at random came to: yields, percentiles, and which parameters matter."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from rich.console import Group
from rich.table import Table
from rich.text import Text
from torch import Tensor

from acdc_optical.plain_text import plain

_SHOWN = (5.0, 25.0, 50.0, 75.0, 95.0, 99.0)


@dataclass(frozen=True)
class Correlation:
    """How the metric goes with one parameter, over all draws; None where one of both does not vary.

    Attributes:
        name: of the parameter.
        with_size: Spearman's rank correlation of the metric with the size of the difference from the bench.
        with_sign: the same with the difference itself.
        share: of the variance of the squared metric that the squared difference explains by itself (r²): the error of
            independent small differences is the root of a sum of their squares.
    """

    name: str
    with_size: float | None
    with_sign: float | None
    share: float | None


@dataclass(frozen=True, eq=False, repr=False)
class Tolerances:
    """A Monte Carlo run; prints as a table, :meth:`to_json` for machines.

    Attributes:
        title: of what.
        metric: what was measured.
        names: of the parameters that were drawn.
        deviations: their standard deviations, SI units.
        values: their differences from the bench, shape (draws, parameters), float64.
        errors: the metric of each draw, shape (draws,), float64.
        nominal: the metric of the bench itself, from which benches were drawn.
    """

    title: str
    metric: str
    names: tuple[str, ...]
    deviations: tuple[float, ...]
    values: Tensor
    errors: Tensor
    nominal: float

    def percentiles(self, shares: Sequence[float] = _SHOWN) -> dict[float, float]:
        """What the given percentages of the draws do not exceed, interpolated between draws.

        Raises:
            ValueError: a percentage that is not from 0 to 100.
        """
        if any(not 0 <= share <= 100 for share in shares):
            raise ValueError(f"expected percentages from 0 to 100; got {', '.join(map(str, shares))}")
        found = torch.quantile(self.errors, torch.tensor(shares, dtype=torch.float64) / 100)
        return dict(zip(map(float, shares), found.tolist(), strict=True))

    def yield_at(self, limit: float) -> float:
        """The share of draws whose metric is at most a limit."""
        return float((self.errors <= limit).double().mean())

    def uncertainty_at(self, limit: float) -> float:
        """By how much :meth:`yield_at` may be off, one standard deviation, of as many draws (Wilson, 1927).

        Half of Wilson's interval: √(p(1 - p)/n), but not 0 where all draws are good, or none.
        """
        share, count = self.yield_at(limit), len(self.errors)
        return math.sqrt(share * (1 - share) / count + 1 / (4 * count**2)) / (1 + 1 / count)

    def yield_curve(self) -> tuple[Tensor, Tensor]:
        """Limits in order, and the share of draws within each, both of shape (draws,)."""
        count = len(self.errors)
        return self.errors.sort().values, torch.arange(1, count + 1, dtype=torch.float64) / count

    def correlations(self) -> tuple[Correlation, ...]:
        """Of every parameter, in their order."""
        errors = self.errors.numpy()
        return tuple(
            Correlation(name, _rank(abs(own), errors), _rank(own, errors), _share(own**2, errors**2))
            for name, own in zip(self.names, self.values.numpy().T, strict=True)
        )

    def to_dict(self, limit: float | None = None) -> dict[str, object]:
        """Plain data: what was drawn, the metric of every draw, percentiles, correlations; the yield if asked for."""
        found = {
            "title": self.title,
            "metric": self.metric,
            "draws": len(self.errors),
            "nominal": self.nominal,
            "deviations": dict(zip(self.names, self.deviations, strict=True)),
            "percentiles": {f"{share:g}": value for share, value in self.percentiles().items()},
            "correlations": [asdict(each) for each in self.correlations()],
            "errors": self.errors.tolist(),
        }
        if limit is not None:
            found["limit"], found["yield"] = limit, self.yield_at(limit)
            found["yield_uncertainty"] = self.uncertainty_at(limit)
        return found

    def to_json(self, limit: float | None = None) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(limit), indent=2, allow_nan=False)

    def __rich__(self) -> Group:
        shown = Table(*(f"{share:g} %" for share in _SHOWN), title=Text(self.title), title_justify="left")
        shown.add_row(*(f"{value:.3g}" for value in self.percentiles().values()))
        shown.caption = f"{self.metric} that so many of the draws do not exceed; {self.nominal:.2g} with nothing drawn"
        ranks = Table("parameter", "σ", "rank correlation with |difference|", "with difference", "share of variance")
        ordered = sorted(zip(self.correlations(), self.deviations, strict=True), key=lambda pair: -(pair[0].share or 0))
        for each, deviation in ordered:
            ranks.add_row(each.name, f"{deviation:.2g}", *map(_figure, (each.with_size, each.with_sign, each.share)))
        return Group(shown, ranks)

    def __repr__(self) -> str:
        return plain(self)


def _rank(values: np.ndarray, errors: np.ndarray) -> float | None:
    if np.ptp(values) == 0 or np.ptp(errors) == 0:
        return None
    from scipy import stats  # slow to import

    return float(stats.spearmanr(values, errors).statistic)


def _share(values: np.ndarray, errors: np.ndarray) -> float | None:
    if np.ptp(values) == 0 or np.ptp(errors) == 0:
        return None
    return float(np.corrcoef(values, errors)[0, 1] ** 2)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
