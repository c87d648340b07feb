"""Diagonals and inputs from the files that the command line names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from acdc_optical.design import Design
from acdc_optical.files import read_array
from acdc_optical.layers import ACDC, AFDF


def read_cascade(a: Sequence[Path], d: Sequence[Path], dtype: torch.dtype) -> nn.Sequential:
    """The layers of several pairs of diagonals, one after another."""
    if len(a) != len(d):
        raise ValueError(f"a cascade has as many diagonals A as D; got {len(a)} and {len(d)}")
    return nn.Sequential(*(read_layer(*pair, dtype) for pair in zip(a, d, strict=True)))


def read_layer(a: Path, d: Path, dtype: torch.dtype) -> ACDC | AFDF:
    """The layer of two diagonals; complex ones make an AFDF layer."""
    first, second = read_array(a), read_array(d)
    if first.shape != second.shape:
        raise ValueError(f"A and D must have one shape; {a} has {first.shape}, {d} has {second.shape}")
    if first.ndim not in (1, 2) or first.size == 0:
        raise ValueError(f"{a}: expected a diagonal of shape (N,) or (h, w) with N, h, w ≥ 1; got {first.shape}")
    kind = AFDF if np.iscomplexobj(first) or np.iscomplexobj(second) else ACDC
    layer = kind(first.shape, dtype=dtype)
    with torch.no_grad():
        layer.a.copy_(torch.from_numpy(first))
        layer.d.copy_(torch.from_numpy(second))
    return layer


def read_inputs(path: Path, design: Design, dtype: torch.dtype) -> Tensor:
    """Inputs that fit a design."""
    values = read_array(path)
    first = design.stages[0]
    complex_input = np.iscomplexobj(values)
    if complex_input and not isinstance(first, AFDF):
        raise ValueError(f"{path}: the design starts with a real layer and takes real input; got {values.dtype}")
    shape = getattr(first, "shape", ())
    if values.shape[1:] != shape or values.ndim != len(shape) + 1:
        wanted = ", ".join(("batch", *map(str, shape)))
        raise ValueError(f"{path}: expected inputs of shape ({wanted}); got {values.shape}")
    x = torch.from_numpy(values).to(dtype.to_complex() if complex_input else dtype)
    if not torch.isfinite(x).all():
        raise ValueError(f"{path}: some values are too large for {dtype}; use --dtype float64")
    return x


def cast(network: nn.Module, dtype: torch.dtype) -> nn.Module:
    """A network with its parameters in another precision."""
    for parameter in network.parameters():
        parameter.data = parameter.data.to(dtype.to_complex() if parameter.is_complex() else dtype)
    return network
