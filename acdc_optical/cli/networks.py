"""Commands about networks: the demo, and training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.table import Table

from acdc_optical.cli.app import Device, app
from acdc_optical.cli.arguments import (
    CONSTRAINTS,
    MODELS,
    ConstraintName,
    DeviceName,
    ModelName,
    bench_named,
    check_history,
    checkpoints_for,
    device_named,
    recipe_named,
    write_history,
)
from acdc_optical.cli.console import busy, console, track, watch
from acdc_optical.design import Design
from acdc_optical.files import check_target
from acdc_optical.progress import silent
from acdc_optical.reports import Report, budget_table
from acdc_optical.tables import training_table
from acdc_optical.training.processes import gathered


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for figures, report and design.")] = Path("demo"),
    device: Device = DeviceName.auto,
) -> None:
    """Train a network on handwritten digits, compute it by light, compare."""
    from acdc_optical import demo as demonstration  # draws figures: matplotlib is slow to import

    result = demonstration.run(out, device=device_named(device), track=track)
    o = result.outcome
    table = Table("network", "test accuracy", "parameters", title=f"{o.images} test digits", title_justify="left")
    table.add_row("logistic regression", f"{o.baseline:.2%}", "650")
    table.add_row("numerical ACDC network", f"{o.numerical:.2%}", f"{o.parameters:,}")
    table.add_row("the same by light, exact masks", f"{o.optical:.2%}", f"{o.parameters:,}")
    table.add_row("the same by light, sampled masks", f"{o.sampled:.2%}", f"{o.parameters:,}")
    table.add_row("the same by light, masks of chrome and one etch", f"{o.made:.2%}", f"{o.parameters:,}")
    table.add_row("phases 0 or π, one etch, trained by light", f"{o.etched:.2%}", f"{o.etched_parameters:,}")
    screen = console()
    screen.print(table)
    screen.print(
        f"By light and by numbers the network decides alike on {o.agreeing} of {o.images} images; its logits differ by "
        f"{o.logit_error:.1e}. With dense layers it would have {o.dense_parameters:,} parameters."
    )
    for index, report in enumerate(result.reports, 1):
        screen.print(f"\nOptical layer {index}: {_summary(report)}")
        screen.print(budget_table(report.budget))
    for package in result.packages:
        failed = [check.name for check in package.checks if not check.passed]
        screen.print(f"\n{package.title}: {len(package.checks) - len(failed)} of {len(package.checks)} checks passed")
        screen.print(package.errors_table())
    screen.print("\nWritten: " + ", ".join(map(str, result.files)), soft_wrap=True)


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
    runs = [routes.Run(seed, place, file, watch if team.rank == 0 else silent) for file in files]
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
    with busy("judging by light"):
        verdict = routes.judge(design, recipe.data, MODELS[judging])
    console().print(training_table(histories, verdict.by_light, f"{len(recipe.data.test_y)} test inputs of {data}"))
    console().print(
        f"Written: {out}. The {judging} light itself, plane by plane, is {verdict.light_error:.0e} from the response "
        "that judges all inputs.",
        soft_wrap=True,
    )


def _summary(report: Report) -> str:
    passed = sum(check.passed for check in report.checks)
    return f"{report.title}: {passed} of {len(report.checks)} checks passed"
