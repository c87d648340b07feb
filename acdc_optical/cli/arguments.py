"""What the words of the command line stand for."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from acdc_optical.benches.bench import Bench, presets
from acdc_optical.compilation.brightest import Brightest
from acdc_optical.compilation.combs import Between, BrightComb, Comb, OnePixel
from acdc_optical.compilation.etched_combs import EtchedComb
from acdc_optical.compilation.etching.one_etch import OneEtch
from acdc_optical.compilation.methods import Exact, Method, Sampled
from acdc_optical.compilation.phases import ExactPhases
from acdc_optical.design import Design
from acdc_optical.files import check_target, read_array, replacing, write_text
from acdc_optical.layers import ACDC, AFDF
from acdc_optical.models import Continuous, Ideal, Model
from acdc_optical.training.constraints import (
    ComplexAmplitude,
    Constraint,
    PhaseOnly,
    Quantised,
    SignedAmplitude,
    binary_phase,
)
from acdc_optical.training.fitting import Epoch
from acdc_optical.waves.calibration import Calibrated, ComplexValues, RealValues, Values
from acdc_optical.waves.spaces import Scalar
from acdc_optical.waves.wave import Wave
from optics.units import parse_length

if TYPE_CHECKING:
    from acdc_optical.training.networks import Recipe


class MethodName(StrEnum):
    """Names of the methods of compilation."""

    exact = "exact"
    bright = "bright"
    sampled = "sampled"
    calibrated = "calibrated"
    binary = "binary"
    phase = "phase"


class RelayName(StrEnum):
    """Names of masks A between the layers of a cascade."""

    comb = "comb"
    bright = "bright"
    etched = "etched"
    one_pixel = "one-pixel"


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


class ConstraintName(StrEnum):
    """Names of what the pixels of masks can show when masks are trained; ``numbers`` trains diagonals instead."""

    numbers = "numbers"
    amplitude = "amplitude"
    complex = "complex"
    phase = "phase"
    binary = "binary"
    amplitude_8bit = "amplitude-8bit"
    amplitude_4bit = "amplitude-4bit"
    amplitude_2bit = "amplitude-2bit"
    phase_8bit = "phase-8bit"
    phase_4bit = "phase-4bit"
    phase_2bit = "phase-2bit"


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
CONSTRAINTS: dict[ConstraintName, Constraint] = {
    ConstraintName.amplitude: SignedAmplitude(),
    ConstraintName.complex: ComplexAmplitude(),
    ConstraintName.phase: PhaseOnly(),
    ConstraintName.binary: binary_phase(),
    ConstraintName.amplitude_8bit: Quantised(SignedAmplitude(), 8),
    ConstraintName.amplitude_4bit: Quantised(SignedAmplitude(), 4),
    ConstraintName.amplitude_2bit: Quantised(SignedAmplitude(), 2),
    ConstraintName.phase_8bit: Quantised(PhaseOnly(), 8),
    ConstraintName.phase_4bit: Quantised(PhaseOnly(), 4),
    ConstraintName.phase_2bit: Quantised(PhaseOnly(), 2),
}
_HISTORIES = (".json", ".png", ".pdf", ".svg")
DTYPES = {Precision.float64: torch.float64, Precision.float32: torch.float32}


def device_named(name: DeviceName) -> str:
    """The device; CUDA where there is one, if it is left to us."""
    available = torch.cuda.is_available()
    if name is DeviceName.cuda and not available:
        raise ValueError("--device cuda: this machine has no CUDA device that torch can use; take --device cpu")
    if not available or name is DeviceName.cpu:
        return "cpu"
    return f"cuda:{os.environ.get('LOCAL_RANK', 0)}"  # torchrun gives each process a device of its own


def recipe_named(name: str, epochs: int | None) -> Recipe:
    """What to train for a data set: one that ships, or that of an .npz file."""
    from acdc_optical.training import datasets, networks  # brings scikit-learn, which is slow to import

    recipes = {"digits": networks.for_digits, "mnist5k": networks.for_mnist5k, "mnist1d": networks.for_mnist1d}
    if Path(name).suffix == ".npz":
        recipe = networks.for_data(datasets.from_npz(name))
    elif name in recipes:
        recipe = recipes[name]()
    else:
        raise ValueError(f"--data {name}: neither an .npz file nor one of {', '.join(recipes)}")
    return recipe if epochs is None else recipe.shortened(epochs)


def checkpoints_for(out: Path, resume: bool) -> tuple[Path, Path]:
    """Where a training that makes ``out`` writes its checkpoints: of numbers and of masks."""
    files = out.with_suffix(".numbers.checkpoint"), out.with_suffix(".masks.checkpoint")
    found = [str(file) for file in files if file.exists()]
    if found and not resume:
        raise ValueError(f"{found[0]} is of a training that did not end; go on with it by --resume, or delete it")
    return files


class MethodOptions(NamedTuple):
    """What some methods of compilation take; None where nothing was said."""

    values: ValuesName | None = None
    weight: float | None = None
    min_feature: str | None = None
    grid: str | None = None

    @property
    def etch(self) -> OneEtch:
        """Stripes, with the least width and the grid that were asked for."""
        feature = _length("--min-feature", self.min_feature)
        return OneEtch(minimum_feature=feature or 0.0, grid=_length("--grid", self.grid))


def relay_named(name: RelayName | None, cascade: bool, options: MethodOptions) -> Between | None:
    """What masks A between the layers of a cascade are; None leaves it to the model."""
    if name is not None and not cascade:
        raise ValueError("--relay is for the masks A between layers: it goes with --cascade")
    match name:
        case RelayName.comb:
            return Comb()
        case RelayName.bright:
            return BrightComb()
        case RelayName.etched:
            return EtchedComb(options.etch)
        case RelayName.one_pixel:
            return OnePixel()
    return None


def method_named(name: MethodName, options: MethodOptions, relay: RelayName | None = None) -> Method:
    """The method of compilation."""
    if name is not MethodName.calibrated and (options.values is not None or options.weight is not None):
        raise ValueError(f"--values and --weight go with --method calibrated; the method is {name}")
    etched = name is MethodName.binary or relay is RelayName.etched
    if not etched and (options.min_feature is not None or options.grid is not None):
        raise ValueError(f"--min-feature and --grid go with --method binary or --relay etched; the method is {name}")
    match name:
        case MethodName.exact:
            return Exact()
        case MethodName.bright:
            return Brightest()
        case MethodName.sampled:
            return Sampled()
        case MethodName.calibrated:
            weight = Calibrated.weight if options.weight is None else options.weight
            return Calibrated(values=VALUES[options.values], weight=weight)
        case MethodName.binary:
            return options.etch
        case MethodName.phase:
            return ExactPhases()


def _length(option: str, text: str | None) -> float | None:
    try:
        return None if text is None else parse_length(text)
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from None


def bench_named(name: str, pixels_per_coefficient: int | None = None) -> Bench:
    """The bench of a file or a preset, with so many mask pixels for one coefficient if they are given."""
    if Path(name).suffix == ".toml" or Path(name).exists():
        bench = Bench.load(name)
    elif name in presets():
        bench = Bench.preset(name)
    else:
        raise ValueError(f"--bench {name}: neither a .toml file nor a preset; presets are {', '.join(presets())}")
    if pixels_per_coefficient is None:
        return bench
    return bench.replace(mask=bench.mask.replace(pixels_per_coefficient=pixels_per_coefficient))


def check_history(path: Path) -> None:
    """Whether what each epoch showed can be written to a file."""
    if path.suffix not in _HISTORIES:
        raise ValueError(f"--history {path}: expected the name of a file that ends in {', '.join(_HISTORIES)}")
    check_target(path)


def write_history(path: Path, histories: dict[str, list[Epoch]]) -> None:
    """Write what each epoch showed: as JSON, or as a figure in the format that the file's name ends in."""
    if path.suffix == ".json":
        data = {name: [epoch._asdict() for epoch in history] for name, history in histories.items()}
        return write_text(path, json.dumps(data, indent=2, allow_nan=False))
    from acdc_optical.figures import plot_history  # brings matplotlib, which is slow to import

    with replacing(path) as temporary:
        return plot_history(histories).savefig(temporary, dpi=150)


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
