"""Reading text files line by line, so that an error can say where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class LineError(ValueError):
    """What is wrong with a line, and its number, from 1."""

    def __init__(self, message: str, line: int):
        super().__init__(message)
        self.line = line


def numbered(lines: Iterable[str], comment: str = "!") -> Iterator[tuple[int, str]]:
    """Numbers and contents of the lines that hold something besides blanks and a comment.

    >>> list(numbered(["! made by hand", "", " 5 5  ! points"]))
    [(3, '5 5')]
    """
    for number, line in enumerate(lines, start=1):
        content = line.partition(comment)[0].strip()
        if content:
            yield number, content


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Turn a :class:`LineError` inside the block into a ValueError that names file and line."""
    try:
        yield
    except LineError as error:
        raise ValueError(f"{path}, line {error.line}: {error}") from None
