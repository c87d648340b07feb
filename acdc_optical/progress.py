"""How long work reports its progress: through a function that wraps the steps it iterates over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")


class Track(Protocol):
    """Iterate over ``steps``, of which there are ``total``, showing ``description``; ``rich.progress.track`` is one."""

    def __call__(self, steps: Iterable[T], description: str, total: int) -> Iterable[T]: ...


def silent(steps: Iterable[T], description: str, total: int) -> Iterator[T]:
    """Iterate without a word."""
    yield from steps
