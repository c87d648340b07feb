"""Checkpoints: what a training needs to go on as if it had never stopped."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn, optim

from acdc_optical.tensors import CHECKPOINT, read_tensors, write_tensors


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid")

    fingerprint: str
    history: list[dict[str, float | None]]


def save(
    path: str | Path,
    network: nn.Module,
    optimiser: optim.Optimizer,
    history: Iterable[dict[str, float | None]],
    fingerprint: str,
) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        path: the file.
        network, optimiser: their state.
        history: what each epoch so far showed.
        fingerprint: of all that the training depends on; see :func:`fingerprint_of`.

    Raises:
        OSError: the file cannot be written there.
    """
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
    write_tensors(path, CHECKPOINT, _Header(fingerprint=fingerprint, history=list(history)), tensors)


def load(
    path: str | Path, network: nn.Module, optimiser: optim.Optimizer, fingerprint: str
) -> list[dict[str, float | None]]:
    """Put network and optimiser where a checkpoint left them; the history up to there.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no checkpoint, a damaged one, or one of another training.
    """
    header, tensors = read_tensors(path, CHECKPOINT, _Header)
    if header.fingerprint != fingerprint:
        raise ValueError(
            f"{path}: a checkpoint of another training: network, data, schedule or seed differ; give those it was "
            "started with, or another file"
        )
    network.load_state_dict(_branch(tensors, "network."))
    known = optimiser.state_dict()
    states: dict[int, dict[str, Any]] = {}
    for name, value in _branch(tensors, "optimiser.").items():
        index, quantity = name.split(".", 1)
        states.setdefault(int(index), {})[quantity] = value
    optimiser.load_state_dict({"state": states, "param_groups": known["param_groups"]})
    return header.history


def fingerprint_of(network: nn.Module, tensors: Iterable[Tensor], *settings: object) -> str:
    """A digest that tells trainings apart: the network and its start, its data, and settings by their repr."""
    # Where a function lies in memory says nothing of it, and is another place next time.
    said = re.sub(r" at 0x[0-9a-f]+", "", f"{network!r} {settings!r}")
    digest = hashlib.sha256(said.encode())
    for value in (*network.state_dict().values(), *tensors):
        digest.update(f"{value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _branch(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
