"""Markdown tables of measurements, printed and kept next to this file."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from acdc_optical.files import replacing

RESULTS = Path(__file__).parent / "results"


class Section(NamedTuple):
    """One of several tables, with what follows from it below."""

    heading: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    remarks: Sequence[str]


def publish(name: str, title: str, notes: Sequence[str], header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table and write it to results/<name>.md, whole or not at all."""
    _write(name, [f"# {title}", "", *notes, "", *_lines(header, rows), ""])


def publish_sections(name: str, title: str, notes: Sequence[str], sections: Sequence[Section]) -> None:
    """The same of several tables."""
    lines = [f"# {title}", "", *notes, ""]
    for section in sections:
        lines += [f"## {section.heading}", "", *_lines(section.header, section.rows), "", *section.remarks, ""]
    _write(name, lines)


def _lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [_row(header), _row(["---"] * len(header)), *map(_row, rows)]


def _write(name: str, lines: Sequence[str]) -> None:
    text = "\n".join(lines)
    sys.stdout.write(text)
    with replacing(RESULTS / f"{name}.md") as path:
        path.write_text(text, encoding="utf-8")


def machine(device: str = "cpu") -> str:
    """What the figures were measured on."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
