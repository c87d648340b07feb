"""What a verification found: named checks and an error budget, as plain data and as a table."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from rich.console import Group
from rich.table import Table
from rich.text import Text

from acdc_optical.budgets.accounts import PhotonBudget, Waterfall
from acdc_optical.plain_text import plain


@dataclass(frozen=True)
class Check:
    """One question with its answer.

    Attributes:
        name: what was asked.
        value: what was measured; None if it could not be.
        limit: the largest value that passes.
        note: why it could not be measured.
    """

    name: str
    value: float | None
    limit: float
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether a value was measured and is within the limit."""
        return self.value is not None and self.value <= self.limit


@dataclass(frozen=True)
class BudgetRow:
    """One way to compute the layer by light, and what it costs.

    Attributes:
        name: model and masks.
        error: relative L2 error of the output over all probes; None if this bench cannot do it.
        gain: factor from the camera's field to the layer's output.
        light: power that falls on the camera over power of the input; see :func:`light_used`.
        note: why the bench cannot do it.
    """

    name: str
    error: float | None
    gain: float | None = None
    light: float | None = None
    note: str = ""


@dataclass(frozen=True, repr=False)
class Report:
    """What :func:`verify` found; prints as a table, :meth:`to_json` for machines.

    Attributes:
        title: what was verified.
        checks: questions with their answers.
        budget: ways to compute the layer on a perfect bench.
        waterfall: of an imperfect bench, its imperfections.
        photons: of an imperfect bench, its photons and energy.
    """

    title: str
    checks: tuple[Check, ...]
    budget: tuple[BudgetRow, ...]
    waterfall: Waterfall | None = None
    photons: PhotonBudget | None = None

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def to_dict(self) -> dict[str, object]:
        """Plain data: title, passed, checks, budget; of an imperfect bench also waterfall and photons."""
        checks = [asdict(check) | {"passed": check.passed} for check in self.checks]
        accounts = {"waterfall": self.waterfall, "photons": self.photons}
        return {
            "title": self.title,
            "passed": self.passed,
            "checks": checks,
            "budget": [asdict(row) for row in self.budget],
            **{name: account.to_dict() for name, account in accounts.items() if account is not None},
        }

    def to_json(self) -> str:
        """The report as JSON text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def __rich__(self) -> Group:
        checks = Table("check", "value", "limit", "", title=Text(self.title), title_justify="left")
        for check in self.checks:
            verdict = Text("passed", "green") if check.passed else Text(f"FAILED {check.note}", "red")
            checks.add_row(check.name, _figure(check.value), _figure(check.limit), verdict)
        accounts = [account for account in (self.waterfall, self.photons) if account is not None]
        return Group(checks, budget_table(self.budget), *accounts)

    def __repr__(self) -> str:
        return plain(self)


def budget_table(budget: tuple[BudgetRow, ...]) -> Table:
    """The error budget as a table for a terminal."""
    table = Table("error budget", "relative L2 error", "gain", "light used")
    for row in budget:
        light = "–" if row.light is None else f"{100 * row.light:.2g} %"
        table.add_row(row.name, Text(row.note or _figure(row.error)), _figure(row.gain), light)
    return table


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"
