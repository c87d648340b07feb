"""What the words of the command line stand for."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from acdc_optical.benches.bench import Bench, presets
from acdc_optical.benches.compositions import device_presets
from acdc_optical.files import check_target, replacing, write_text
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
from acdc_optical.waves.spaces import Scalar
from acdc_optical.waves.wave import Wave

if TYPE_CHECKING:
    from acdc_optical.training.networks import Recipe


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


def bench_named(name: str, pixels_per_coefficient: int | None = None) -> Bench:
    """The bench of a file or a preset, with so many mask pixels for one coefficient if they are given."""
    if Path(name).suffix == ".toml" or Path(name).exists():
        bench = Bench.load(name)
    elif name in presets():
        bench = Bench.preset(name)
    elif name in device_presets():
        use = f'use = ["{presets()[0]}", "{name}"]'
        raise ValueError(f"--bench {name}: a device and no bench; a file that begins with {use} is one")
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
