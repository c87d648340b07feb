"""Measured curves as files: two columns of numbers, their names and units in the first line."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acdc_optical.files import write_text

Column = NDArray[np.float64]


def write_curve(path: str | Path, names: tuple[str, str], columns: tuple[Column, Column]) -> None:
    """Write two columns of equal length; digits enough to read the same numbers again.

    Raises:
        OSError: as :func:`acdc_optical.files.replacing`.
    """
    rows = (f"{float(a)!r},{float(b)!r}\n" for a, b in zip(*columns, strict=True))
    write_text(path, ",".join(names) + "\n" + "".join(rows))


def read_curve(path: str | Path, names: tuple[str, str]) -> tuple[Column, Column]:
    """Read two columns of equal length, two rows or more.

    Args:
        path: of a text file, numbers separated by commas.
        names: what the first line must say, so that no column and no unit is taken for another.

    Raises:
        FileNotFoundError: no such file.
        ValueError: another first line, less than two rows, or anything but two finite numbers in one.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a table of {' and '.join(names)}")
    try:
        rows = [row for row in csv.reader(path.read_text(encoding="utf-8-sig").splitlines()) if row]
        head, table = rows[0], np.array([[float(cell) for cell in row] for row in rows[1:]])
    except (ValueError, IndexError, csv.Error) as error:
        raise ValueError(f"{path}: expected the columns {','.join(names)} of numbers; {error}") from None
    if [name.strip() for name in head] != list(names):
        raise ValueError(f"{path}: expected the first line {','.join(names)}; got {','.join(head)}: rename or convert")
    if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] != 2 or not np.isfinite(table).all():
        raise ValueError(f"{path}: expected two rows or more of two finite numbers; got shape {table.shape}")
    return table[:, 0], table[:, 1]
