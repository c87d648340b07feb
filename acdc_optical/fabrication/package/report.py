"""What reading an order package again came to."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from rich.console import Group
from rich.table import Table
from rich.text import Text

from acdc_optical.plain_text import plain
from acdc_optical.reports import Check


@dataclass(frozen=True)
class SourceError:
    """How far the light of an optical layer is from what it should be, as relative L2 errors over the probes.

    Attributes:
        layer: which, from 1.
        source: where its masks are from.
        error: from the numerical layer; of masks that were trained as such, the layer nearest to them.
        from_design: from the light through the masks of the design.
    """

    layer: int
    source: str
    error: float
    from_design: float


@dataclass(frozen=True, repr=False)
class PackageReport:
    """What was asked of a package, and the errors of the masks in its files; prints as tables."""

    title: str
    checks: tuple[Check, ...]
    errors: tuple[SourceError, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def to_dict(self) -> dict[str, object]:
        """Plain data: title, passed, checks, errors."""
        return {
            "title": self.title,
            "passed": self.passed,
            "checks": [asdict(check) | {"passed": check.passed} for check in self.checks],
            "errors": [asdict(error) for error in self.errors],
        }

    def __rich__(self) -> Group:
        checks = Table("check", "found", "", title=Text(self.title), title_justify="left")
        for check in self.checks:
            verdict = Text(f"passed {check.note}", "green") if check.passed else Text(f"FAILED {check.note}", "red")
            checks.add_row(Text(check.name), "–" if check.value is None else f"{check.value:.2g}", verdict)
        return Group(checks, self.errors_table()) if self.errors else Group(checks)

    def errors_table(self) -> Table:
        """The errors as a table for a terminal."""
        table = Table("optical layer", "masks from", "error from the layer", "from the design's light")
        for row in self.errors:
            table.add_row(f"{row.layer}", row.source, f"{row.error:.4e}", f"{row.from_design:.4e}")
        return table

    def __repr__(self) -> str:
        return plain(self, 120)
