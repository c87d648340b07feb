"""The command line: the only place that prints, reads arguments and exits."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import track as rich_track
from rich.status import Status
from rich.table import Table
from rich.text import Text
from torch import Tensor, nn

from acdc_optical.bench import Bench, presets
from acdc_optical.compilation import Exact, Masks, Method, Sampled
from acdc_optical.design import Design
from acdc_optical.files import check_target, read_array, write_array, write_text
from acdc_optical.layers import ACDC, AFDF
from acdc_optical.models import Continuous, Ideal, Model
from acdc_optical.realisation import OpticalLayer, run_in_batches
from acdc_optical.verification import Report, budget_table, verify
from optics.units import format_length

T = TypeVar("T")

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="ACDC neural-network layers as simulated benches of lenses and masks.",
)


class MethodName(StrEnum):
    """Names of the methods of compilation."""

    exact = "exact"
    sampled = "sampled"


class ModelName(StrEnum):
    """Names of the models of light."""

    ideal = "ideal"
    continuous = "continuous"


class DeviceName(StrEnum):
    """Names of devices; ``auto`` takes CUDA where there is one."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Precision(StrEnum):
    """Names of floating-point types."""

    float64 = "float64"
    float32 = "float32"


_METHODS: dict[MethodName, Method] = {MethodName.exact: Exact(), MethodName.sampled: Sampled()}
_MODELS: dict[ModelName, Model] = {ModelName.ideal: Ideal(), ModelName.continuous: Continuous()}
_DTYPES = {Precision.float64: torch.float64, Precision.float32: torch.float32}

DesignFile = Annotated[Path, typer.Argument(metavar="DESIGN", help="Design file (safetensors).")]
Device = Annotated[DeviceName, typer.Option(help="Where to compute.")]
Dtype = Annotated[Precision, typer.Option(help="Precision of the work.")]


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for figures, report and design.")] = Path("demo"),
    device: Device = DeviceName.auto,
) -> None:
    """Train a network on handwritten digits, compute it by light, compare."""
    from acdc_optical import demo as demonstration  # draws figures: matplotlib is slow to import

    result = demonstration.run(out, device=_device(device), track=_track)
    o = result.outcome
    table = Table("network", "test accuracy", "parameters", title=f"{o.images} test digits", title_justify="left")
    table.add_row("logistic regression", f"{o.baseline:.2%}", "650")
    table.add_row("numerical ACDC network", f"{o.numerical:.2%}", f"{o.parameters:,}")
    table.add_row("the same by light, exact masks", f"{o.optical:.2%}", f"{o.parameters:,}")
    table.add_row("the same by light, sampled masks", f"{o.sampled:.2%}", f"{o.parameters:,}")
    console = _console()
    console.print(table)
    console.print(
        f"By light and by numbers the network decides alike on {o.agreeing} of {o.images} images; its logits differ by "
        f"{o.logit_error:.1e}. With dense layers it would have {o.dense_parameters:,} parameters."
    )
    for index, report in enumerate(result.reports, 1):
        console.print(f"\nOptical layer {index}: {_summary(report)}")
        console.print(budget_table(report.budget))
    console.print("\nWritten: " + ", ".join(map(str, result.files)), soft_wrap=True)


@app.command()
def compile(
    a: Annotated[Path, typer.Option("--a", help="Diagonal A, .npy; its shape is the layer's, (N,) or (h, w).")],
    d: Annotated[Path, typer.Option("--d", help="Diagonal D, .npy; complex arrays make an AFDF layer.")],
    out: Annotated[Path, typer.Option(help="Design file to write.")],
    bench: Annotated[str, typer.Option(help="TOML file, or the name of a preset.")] = "lcos-8um",
    method: Annotated[MethodName, typer.Option(help="How masks are compiled.")] = MethodName.exact,
    dtype: Dtype = Precision.float64,
) -> None:
    """Compile the diagonals of a layer into the masks of a bench."""
    check_target(out)
    layer, table = _layer(a, d, _DTYPES[dtype]), _bench(bench)
    try:
        with _busy("compiling"):
            design = Design.of(layer, table, method=_METHODS[method])
    except ValueError as error:
        raise ValueError(f"{bench}: {error}") from None
    design.save(out)
    _console().print(_table_of(design, str(out)))


@app.command()
def simulate(
    design: DesignFile,
    input: Annotated[Path, typer.Option(help="Inputs X, .npy of shape (batch, N) or (batch, h, w).")],
    output: Annotated[Path, typer.Option(help="Outputs Y, .npy, to write.")],
    model: Annotated[
        ModelName, typer.Option(help="How light is computed; the ideal model compiles masks of its own.")
    ] = ModelName.continuous,
    device: Device = DeviceName.auto,
    dtype: Dtype = Precision.float64,
) -> None:
    """Compute the layers of a design by light."""
    check_target(output)
    plan = Design.load(design)
    place = _device(device)
    with _busy("setting up the bench"):
        network = _cast(plan.realise(_MODELS[model]), _DTYPES[dtype]).to(place)
    x = _inputs(input, plan, _DTYPES[dtype]).to(place)
    y = run_in_batches(network, x, track=_track).cpu()
    write_array(output, y.numpy())
    _console().print(f"{output}: {tuple(y.shape)} {y.numpy().dtype}, by the {model} model", soft_wrap=True)


@app.command()
def check(
    design: DesignFile,
    json: Annotated[str, typer.Option(help="Write the reports to this file as JSON; - for standard output.")] = "",
) -> None:
    """Verify every optical layer of a design against its numbers; exit code 0 only if all checks pass."""
    if json not in ("", "-"):
        check_target(json)
    stages = [stage for stage in Design.load(design).realise() if isinstance(stage, OpticalLayer)]
    reports = [verify(stage.layer, stage, track=_track) for stage in stages]
    passed = all(report.passed for report in reports)
    text = "[" + ", ".join(report.to_json() for report in reports) + "]\n"
    if json == "-":
        sys.stdout.write(text)
    else:
        for report in reports:
            _console().print(report)
        if json:
            write_text(json, text)
    if not passed:
        raise typer.Exit(1)


@app.command()
def info(design: DesignFile) -> None:
    """Say what a design file holds."""
    _console().print(_table_of(Design.load(design), str(design)))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 if it worked, 1 if a check failed, 2 for errors."""
    try:
        return int(app(arguments, standalone_mode=False) or 0)
    except (KeyboardInterrupt, typer.Abort):
        return _fail("interrupted", 130)
    except (ValueError, TypeError, OSError) as error:
        return _fail(str(error))
    except Exception as error:
        if os.environ.get("ACDC_OPTICAL_TRACEBACK"):
            raise
        wording = getattr(error, "format_message", None)  # what the argument parser has to say
        hint = " (set ACDC_OPTICAL_TRACEBACK=1 to see where)"
        return _fail(wording() if wording else f"{type(error).__name__}: {error}{hint}")


def _fail(message: str, code: int = 2) -> int:
    print("error:", " ".join(message.split()), file=sys.stderr)
    return code


def _console() -> Console:
    # Wide enough for the tables when the output goes to a file; names of files are no markup.
    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 110)


def _busy(doing: str) -> Status:
    return Console(stderr=True).status(doing)


def _track(steps: Iterable[T], description: str, total: int) -> Iterator[T]:
    console = Console(stderr=True)
    yield from rich_track(steps, description, total, console=console, transient=True, disable=not console.is_terminal)


def _device(name: DeviceName) -> str:
    available = torch.cuda.is_available()
    if name is DeviceName.cuda and not available:
        raise ValueError("--device cuda: this machine has no CUDA device that torch can use; take --device cpu")
    return "cuda" if available and name is not DeviceName.cpu else "cpu"


def _bench(name: str) -> Bench:
    if Path(name).suffix == ".toml" or Path(name).exists():
        return Bench.load(name)
    if name not in presets():
        raise ValueError(f"--bench {name}: neither a .toml file nor a preset; presets are {', '.join(presets())}")
    return Bench.preset(name)


def _layer(a: Path, d: Path, dtype: torch.dtype) -> ACDC | AFDF:
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


def _inputs(path: Path, design: Design, dtype: torch.dtype) -> Tensor:
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


def _cast(network: nn.Module, dtype: torch.dtype) -> nn.Module:
    for parameter in network.parameters():
        parameter.data = parameter.data.to(dtype.to_complex() if parameter.is_complex() else dtype)
    return network


def _table_of(design: Design, title: str) -> Table:
    bench = design.bench
    table = Table("stage", "mask A", "mask D", "focal length", "mean |t|² of A, D", "kernel error", title=Text(title))
    table.title_justify = "left"
    table.caption = (
        f"wavelength {format_length(bench.wavelength)}, modulator pitch {format_length(bench.modulator.pitch)}"
    )
    for stage, masks in zip(design.stages, design.masks, strict=True):
        table.add_row(_name(stage), *(_mask_columns(masks) if masks else ("–",) * 5))
    return table


def _name(stage: nn.Module) -> str:
    shape = getattr(stage, "shape", None)
    return " ".join((type(stage).__name__, *([" × ".join(map(str, shape))] if shape else [])))


def _mask_columns(masks: Masks) -> tuple[str, ...]:
    planes = masks.planes
    mean_a, mean_d = masks.mean_transmission
    return (
        _pixels(planes.input.cells, planes.input.spacing),
        _pixels(planes.mask.cells, planes.mask.spacing),
        format_length(planes.focal_length),
        f"{mean_a:.2g}, {mean_d:.2g}",
        f"{masks.residual:.1e}",
    )


def _pixels(cells: tuple[int, ...], pitch: tuple[float, ...]) -> str:
    sizes = " × ".join(format_length(float(f"{p:.4g}")) for p in dict.fromkeys(pitch))
    return f"{' × '.join(map(str, cells))} px of {sizes}"


def _summary(report: Report) -> str:
    passed = sum(check.passed for check in report.checks)
    return f"{report.title}: {passed} of {len(report.checks)} checks passed"
