"""Tables of an order as CSV: commas, one header, a line for each row, LF; numbers with all their digits."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Cell = str | int | float | None
Row = Mapping[str, Cell]


@dataclass(frozen=True)
class Sheet:
    """A table of given columns; a unit ends the name of a column that has one.

    Attributes:
        columns: in order.
    """

    columns: tuple[str, ...]

    def text(self, rows: Iterable[Row]) -> str:
        """The table as CSV; None is an empty field, a truth is yes or no.

        >>> print(Sheet(("level", "height_nm")).text([{"level": 0, "height_nm": 0.0}, {"level": 1, "height_nm": None}]))
        level,height_nm
        0,0.0
        1,
        <BLANKLINE>

        Raises:
            ValueError: a row with other columns, NaN or infinity.
        """
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        for number, row in enumerate(rows, start=1):
            if set(row) != set(self.columns):
                strays = ", ".join(sorted(set(row) ^ set(self.columns)))
                raise ValueError(
                    f"row {number}: expected columns {', '.join(self.columns)}; missing or strange: {strays}"
                )
            writer.writerow([_field(row[column], f"row {number}, {column}") for column in self.columns])
        return text.getvalue()

    def rows(self, text: str) -> list[dict[str, str]]:
        """The rows of a table, as text.

        Raises:
            ValueError: another header, or a line with too few or too many fields.
        """
        header, *lines = list(csv.reader(io.StringIO(text, newline=""))) or [[]]
        if tuple(header) != self.columns:
            raise ValueError(f"expected the header {','.join(self.columns)}; got {','.join(header)!r}")
        for number, line in enumerate(lines, start=1):
            if len(line) != len(self.columns):
                raise ValueError(f"row {number}: expected {len(self.columns)} fields; got {len(line)}")
        return [dict(zip(self.columns, line, strict=True)) for line in lines]


LAYERS = Sheet(
    (
        "layer",
        "datatype",
        "mask",
        "purpose",
        "etch_depth_nm",
        "min_feature_um",
        "min_gap_um",
        "n_rectangles",
        "area_um2",
        "fill",
    )
)
"""The patterns of a layout."""

DEPTHS = Sheet(("level", "phase_rad", "amplitude", "height_nm", "layers_drawn"))
"""What each level is, and by which layers it is made."""

MARKS = Sheet(("mark", "layer", "x_um", "y_um", "type"))
"""Alignment marks."""


def _field(value: Cell, where: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where}: expected a finite number; got {value}")
        return repr(float(value))  # NumPy's own numbers print their type
    return str(value)
