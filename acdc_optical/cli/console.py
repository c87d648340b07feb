"""Where the command line prints: tables and results on standard output, progress on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.progress import track as rich_track
from rich.status import Status

T = TypeVar("T")


def console() -> Console:
    """For what was found."""
    # Wide enough for the tables when the output goes to a file; names of files are no markup.
    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 110)


def busy(doing: str) -> Status:
    """Shows that something goes on."""
    return Console(stderr=True).status(doing)


def track(steps: Iterable[T], description: str, total: int) -> Iterator[T]:
    """Show how far steps have come; see :class:`~acdc_optical.progress.Track`."""
    console = Console(stderr=True)
    yield from rich_track(steps, description, total, console=console, transient=True, disable=not console.is_terminal)


def watch(steps: Iterable[T], description: str, total: int) -> Iterator[T]:
    """Show what each step found, too, as the loss of an epoch."""
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), TextColumn("{task.fields[found]}")
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(description, total=total, found="")
        for step in steps:
            progress.update(task, advance=1, found=str(step))
            yield step
