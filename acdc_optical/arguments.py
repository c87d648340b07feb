"""What the words of the command line stand for."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from acdc_optical.bench import Bench, presets
from acdc_optical.calibration import Calibrated, ComplexValues, RealValues, Values
from acdc_optical.compilation import Exact, Method, Sampled
from acdc_optical.design import Design
from acdc_optical.files import read_array
from acdc_optical.layers import ACDC, AFDF
from acdc_optical.models import Continuous, Ideal, Model
from acdc_optical.spaces import Scalar
from acdc_optical.wave import Wave


class MethodName(StrEnum):
    """Names of the methods of compilation."""

    exact = "exact"
    sampled = "sampled"
    calibrated = "calibrated"


class ValuesName(StrEnum):
    """Names of what a mask's pixels can hold."""

    real = "real"
    complex = "complex"


class ModelName(StrEnum):
    """Names of the models of light."""

    ideal = "ideal"
    continuous = "continuous"
    wave = "wave"
    scalar_wave = "scalar-wave"


class DeviceName(StrEnum):
    """Names of devices; ``auto`` takes CUDA where there is one."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Precision(StrEnum):
    """Names of floating-point types."""

    float64 = "float64"
    float32 = "float32"


MODELS: dict[ModelName, Model] = {
    ModelName.ideal: Ideal(),
    ModelName.continuous: Continuous(),
    ModelName.wave: Wave(),
    ModelName.scalar_wave: Wave(Scalar()),
}
VALUES: dict[ValuesName | None, Values | None] = {
    None: None,
    ValuesName.real: RealValues(),
    ValuesName.complex: ComplexValues(),
}
DTYPES = {Precision.float64: torch.float64, Precision.float32: torch.float32}


def device_named(name: DeviceName) -> str:
    """The device; CUDA where there is one, if it is left to us."""
    available = torch.cuda.is_available()
    if name is DeviceName.cuda and not available:
        raise ValueError("--device cuda: this machine has no CUDA device that torch can use; take --device cpu")
    return "cuda" if available and name is not DeviceName.cpu else "cpu"


def method_named(name: MethodName, values: ValuesName | None, weight: float | None) -> Method:
    """The method of compilation."""
    if name is not MethodName.calibrated and (values is not None or weight is not None):
        raise ValueError(f"--values and --weight go with --method calibrated; the method is {name}")
    match name:
        case MethodName.exact:
            return Exact()
        case MethodName.sampled:
            return Sampled()
        case MethodName.calibrated:
            return Calibrated(values=VALUES[values], weight=Calibrated.weight if weight is None else weight)


def bench_named(name: str) -> Bench:
    """The bench of a file or a preset."""
    if Path(name).suffix == ".toml" or Path(name).exists():
        return Bench.load(name)
    if name not in presets():
        raise ValueError(f"--bench {name}: neither a .toml file nor a preset; presets are {', '.join(presets())}")
    return Bench.preset(name)


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
