"""The command line: the only place that prints, reads arguments and exits."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from json import dumps
from pathlib import Path
from typing import Annotated, TypeVar

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.progress import track as rich_track
from rich.status import Status
from rich.table import Table

from acdc_optical.arguments import (
    CONSTRAINTS,
    DTYPES,
    MODELS,
    ConstraintName,
    DeviceName,
    MethodName,
    ModelName,
    Precision,
    ValuesName,
    bench_named,
    cast,
    check_history,
    checkpoints_for,
    device_named,
    method_named,
    read_inputs,
    read_layer,
    recipe_named,
    write_history,
)
from acdc_optical.design import Design
from acdc_optical.files import check_target, write_array, write_text
from acdc_optical.processes import gathered
from acdc_optical.progress import silent
from acdc_optical.realisation import OpticalLayer, run_in_batches
from acdc_optical.second_opinion import ask_poppy
from acdc_optical.tables import design_table, opinion_table, training_table
from acdc_optical.verification import Report, budget_table, verify

T = TypeVar("T")

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="ACDC neural-network layers as simulated benches of lenses and masks.",
)


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

    result = demonstration.run(out, device=device_named(device), track=_track)
    o = result.outcome
    table = Table("network", "test accuracy", "parameters", title=f"{o.images} test digits", title_justify="left")
    table.add_row("logistic regression", f"{o.baseline:.2%}", "650")
    table.add_row("numerical ACDC network", f"{o.numerical:.2%}", f"{o.parameters:,}")
    table.add_row("the same by light, exact masks", f"{o.optical:.2%}", f"{o.parameters:,}")
    table.add_row("the same by light, sampled masks", f"{o.sampled:.2%}", f"{o.parameters:,}")
    table.add_row("phases 0 or π, one etch, trained by light", f"{o.etched:.2%}", f"{o.etched_parameters:,}")
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
def train(
    out: Annotated[Path, typer.Option(help="Design file to write.")],
    data: Annotated[str, typer.Option(help="digits, mnist5k, mnist1d, or an .npz file with x and y.")] = "digits",
    bench: Annotated[str, typer.Option(help="TOML file, or the name of a preset.")] = "lcos-8um",
    model: Annotated[ModelName, typer.Option(help="Light through which masks are trained.")] = ModelName.continuous,
    constraint: Annotated[
        ConstraintName, typer.Option(help="What masks can show; numbers: train diagonals and compile them.")
    ] = ConstraintName.numbers,
    epochs: Annotated[int | None, typer.Option(min=1, help="For the numbers; masks in proportion.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of start, shuffling and augmentation.")] = 0,
    device: Device = DeviceName.auto,
    history: Annotated[Path | None, typer.Option(help="Write the epochs to this file: .json, or a figure.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training that was interrupted.")] = False,
) -> None:
    """Train a network on data and write the design of its masks; under torchrun, with all its processes."""
    from acdc_optical import routes  # brings scikit-learn: slow to import

    check_target(out)
    if history is not None:
        check_history(history)
    recipe, table, place = recipe_named(data, epochs), bench_named(bench), device_named(device)
    files = checkpoints_for(out, resume)
    # Masks that are made have pixels: the ideal model trains, and does not judge.
    judging = ModelName.continuous if model is ModelName.ideal else model
    routes.check(recipe, table, MODELS[judging])
    team = gathered(torch.device(place))
    runs = [routes.Run(seed, place, file, _watch if team.rank == 0 else silent) for file in files]
    numbers = routes.train_numbers(recipe, run=runs[0])
    histories = {"numbers": numbers.history}
    if constraint is ConstraintName.numbers:
        design = Design.of(numbers.network.cpu().double(), table)
    else:
        device_shows, light = CONSTRAINTS[constraint], MODELS[model]
        masks = routes.train_masks(numbers.network, recipe, table, device_shows, model=light, run=runs[1])
        histories[f"{constraint} masks"] = masks.history
        design = Design.of_masks(masks.network.cpu())
    if team.rank:
        return
    design.save(out)
    if history is not None:
        write_history(history, histories)
    for checkpoint in files:
        checkpoint.unlink(missing_ok=True)
    with _busy("judging by light"):
        verdict = routes.judge(design, recipe.data, MODELS[judging])
    _console().print(training_table(histories, verdict.by_light, f"{len(recipe.data.test_y)} test inputs of {data}"))
    _console().print(
        f"Written: {out}. The {judging} light itself, plane by plane, is {verdict.light_error:.0e} from the response "
        "that judges all inputs.",
        soft_wrap=True,
    )


@app.command()
def compile(
    a: Annotated[Path, typer.Option("--a", help="Diagonal A, .npy; its shape is the layer's, (N,) or (h, w).")],
    d: Annotated[Path, typer.Option("--d", help="Diagonal D, .npy; complex arrays make an AFDF layer.")],
    out: Annotated[Path, typer.Option(help="Design file to write.")],
    bench: Annotated[str, typer.Option(help="TOML file, or the name of a preset.")] = "lcos-8um",
    method: Annotated[
        MethodName, typer.Option(help="How masks are compiled; calibrated: for the bench's own lenses.")
    ] = MethodName.exact,
    values: Annotated[
        ValuesName | None, typer.Option(help="What calibrated masks may hold; by default what the layer does.")
    ] = None,
    weight: Annotated[
        float | None, typer.Option(min=0, help="Calibrating: of the mask's light against the error; 1e-9 by default.")
    ] = None,
    dtype: Dtype = Precision.float64,
) -> None:
    """Compile the diagonals of a layer into the masks of a bench."""
    check_target(out)
    layer, table = read_layer(a, d, DTYPES[dtype]), bench_named(bench)
    try:
        with _busy("compiling"):
            design = Design.of(layer, table, method=method_named(method, values, weight))
    except ValueError as error:
        raise ValueError(f"{bench}: {error}") from None
    design.save(out)
    _console().print(design_table(design, str(out)))


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
    place = device_named(device)
    with _busy("setting up the bench"):
        network = cast(plan.realise(MODELS[model]), DTYPES[dtype]).to(place)
    x = read_inputs(input, plan, DTYPES[dtype]).to(place)
    y = run_in_batches(network, x, track=_track).cpu()
    write_array(output, y.numpy())
    _console().print(f"{output}: {tuple(y.shape)} {y.numpy().dtype}, by the {model} model", soft_wrap=True)


@app.command()
def check(
    design: DesignFile,
    model: Annotated[ModelName, typer.Option(help="How light is computed.")] = ModelName.continuous,
    second_opinion: Annotated[
        bool, typer.Option("--second-opinion", help="Compare every plane with POPPY, too.")
    ] = False,
    json: Annotated[str, typer.Option(help="Write the reports to this file as JSON; - for standard output.")] = "",
) -> None:
    """Verify every optical layer of a design against its numbers; exit code 0 only if all checks pass."""
    if json not in ("", "-"):
        check_target(json)
    with _busy("setting up the bench"):
        stages = [stage for stage in Design.load(design).realise(MODELS[model]) if isinstance(stage, OpticalLayer)]
    # POPPY first: what it cannot do it says at once.
    opinions = [ask_poppy(stage) for stage in _track(stages, "asking POPPY", len(stages))] if second_opinion else []
    reports = [verify(stage.layer, stage, track=_track) for stage in stages]
    found = [report.to_dict() for report in reports]
    for entry, opinion in zip(found, opinions, strict=False):
        entry["second_opinion"] = opinion.to_dict()
    text = dumps(found, indent=2, allow_nan=False) + "\n"
    if json == "-":
        sys.stdout.write(text)
    else:
        for report in reports:
            _console().print(report)
        for opinion in opinions:
            _console().print(opinion_table(opinion))
        if json:
            write_text(json, text)
    passed = [report.passed for report in reports] + [opinion.passed for opinion in opinions]
    if not all(passed):
        raise typer.Exit(1)


@app.command()
def info(design: DesignFile) -> None:
    """Say what a design file holds."""
    _console().print(design_table(Design.load(design), str(design)))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 if it worked, 1 if a check failed, 2 for errors."""
    try:
        code = int(app(arguments, standalone_mode=False) or 0)
        return _fail("interrupted", code) if code == 130 else code  # as which the parser passes Ctrl-C on
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


def _watch(steps: Iterable[T], description: str, total: int) -> Iterator[T]:
    """Show what each step found, too, as the loss of an epoch."""
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), TextColumn("{task.fields[found]}")
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(description, total=total, found="")
        for step in steps:
            progress.update(task, advance=1, found=str(step))
            yield step


def _summary(report: Report) -> str:
    passed = sum(check.passed for check in report.checks)
    return f"{report.title}: {passed} of {len(report.checks)} checks passed"
