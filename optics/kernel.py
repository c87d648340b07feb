"""Constants of an operator: built once in float64, handed out in the dtype and on the device of the data.

Evaluating a phase such as exp(ikz) in float32 costs five per cent of accuracy at optical wavelengths.
Evaluated in float64 and cast afterwards, the same phase is good to the last float32 digit.

A length that is a number gives constants that are kept. A length that is a tensor may be trained: what depends on it
is built anew at every call, and gradients flow through it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import torch
from torch import Tensor

Built = TypeVar("Built")


class Kernel:
    """A float64 or complex128 array that follows the data it is applied to.

    Each cast is made once and kept with this object, unless the array is differentiated through.
    """

    def __init__(self, values: Tensor):
        # Made outside inference mode even if first needed inside it: training may come later.
        with torch.inference_mode(False):
            self._master = values.clone()
        self._casts: dict[tuple[torch.dtype, torch.device], Tensor] = {}

    def like(self, data: Tensor) -> Tensor:
        """The array in the precision and on the device of ``data``."""
        real = data.real.dtype if data.is_complex() else data.dtype
        dtype = real.to_complex() if self._master.is_complex() else real
        if self._master.requires_grad:
            return self._master.to(device=data.device, dtype=dtype)  # a cast kept would keep its graph with it
        key = (dtype, data.device)
        if key not in self._casts:
            with torch.inference_mode(False):
                self._casts[key] = self._master.to(device=data.device, dtype=dtype)
        return self._casts[key]


class Memo(Generic[Built]):
    """What was built from a grid and some numbers: once for each, but at every call where one is a tensor."""

    def __init__(self) -> None:
        self._built: dict[tuple[Hashable, ...], Built] = {}

    def get(self, build: Callable[..., Built], *arguments: Hashable) -> Built:
        """``build(*arguments)``, kept under its arguments."""
        if any(isinstance(argument, Tensor) for argument in arguments):
            return build(*arguments)
        if arguments not in self._built:
            self._built[arguments] = build(*arguments)
        return self._built[arguments]


def number(length: float | Tensor) -> float:
    """A length as a plain number, without its graph."""
    return float(length.detach()) if isinstance(length, Tensor) else length


def double(length: float | Tensor) -> float | Tensor:
    """A length in the precision and on the device in which kernels are built, with its graph."""
    return length.double().cpu() if isinstance(length, Tensor) else length


def root(scale: float | Tensor) -> float | Tensor:
    """√scale, with its graph."""
    return scale.sqrt() if isinstance(scale, Tensor) else math.sqrt(scale)
