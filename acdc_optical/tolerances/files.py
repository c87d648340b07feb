"""Results of Monte Carlo runs in files: written as they come, whole or not at all, and gone on from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from acdc_optical.tensors import TOLERANCES, read_tensors, write_tensors


class Chunk(NamedTuple):
    """Results of the draws from ``start`` on, in the order of their numbers."""

    start: int
    values: Tensor
    errors: Tensor


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid")

    fingerprint: str
    names: list[str]


class Results:
    """What is known of a run, kept in its file.

    Args:
        path: the file, or None. What is in it already is known.
        names: of the parameters.
        fingerprint: of all that the run depends on, but for the number of its draws.
        number: of draws.
        chunk: of those that are computed together.

    Raises:
        ValueError: the file is of another run, or damaged.
    """

    def __init__(self, path: str | Path | None, names: Sequence[str], fingerprint: str, *, number: int, chunk: int):
        self.path, self.chunk = path, chunk
        count = -(-number // chunk) * chunk
        self.values = torch.full((count, len(names)), torch.nan, dtype=torch.float64)
        self.errors = torch.full((count,), torch.nan, dtype=torch.float64)
        self.known = torch.zeros(count, dtype=torch.bool)
        self.header = _Header(fingerprint=fingerprint, names=list(names))
        if path and Path(path).exists():
            self._load(path)

    def has(self, start: int) -> bool:
        """Whether the chunk that begins with a draw is known."""
        return bool(self.known[start])

    def fill(self, chunks: Iterable[Chunk]) -> None:
        """Take up chunks, and write the file after each.

        Raises:
            OSError: the file cannot be written.
        """
        for found in chunks:
            rows = slice(found.start, found.start + self.chunk)
            self.values[rows], self.errors[rows], self.known[rows] = found.values, found.errors, True
            if self.path:
                tensors = {"values": self.values, "errors": self.errors, "known": self.known}
                write_tensors(self.path, TOLERANCES, self.header, tensors)

    def _load(self, path: str | Path) -> None:
        header, tensors = read_tensors(path, TOLERANCES, _Header)
        if header.fingerprint != self.header.fingerprint:
            raise ValueError(
                f"{path}: results of another run: layer, masks, bench, distributions, metric, probes or seed differ; "
                "give those it was started with, or another file"
            )
        before = {"values": self.values, "errors": self.errors, "known": self.known}
        count = max(len(self.known), len(tensors["known"]))
        for name, here in before.items():
            stored = tensors[name]
            setattr(self, name, torch.cat([stored, here[len(stored) : count]]))
