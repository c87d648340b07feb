"""Commands about layers and their masks: compile, simulate, check, info."""

from __future__ import annotations

import sys
import warnings
from json import dumps
from pathlib import Path
from typing import Annotated

import typer
from torch import Tensor, nn

from acdc_optical.budgets.as_built import as_built, as_far_as_known, is_imperfect, measured, moved_to
from acdc_optical.budgets.contributions import contributions
from acdc_optical.budgets.light_budget import light_budget
from acdc_optical.cascade import OpticalCascade
from acdc_optical.cli.app import DesignFile, Device, Dtype, app
from acdc_optical.cli.arguments import DTYPES, MODELS, DeviceName, ModelName, Precision, bench_named, device_named
from acdc_optical.cli.arrays import cast, read_cascade, read_inputs
from acdc_optical.cli.console import busy, console, track
from acdc_optical.cli.methods import MethodName, MethodOptions, RelayName, ValuesName, method_named, relay_named
from acdc_optical.design import Design
from acdc_optical.files import check_target, write_array, write_text
from acdc_optical.imperfect.layer import ImperfectLayer
from acdc_optical.models import Continuous
from acdc_optical.realisation import OpticalLayer, run_in_batches
from acdc_optical.tables import contributions_table, design_table, light_table, opinion_table
from acdc_optical.verification import Numbers, default_probes, verify
from acdc_optical.waves.second_opinion import SecondOpinion, ask_poppy

OtherBench = Annotated[
    str | None,
    typer.Option(help="Another bench of the same geometry, TOML file or preset, for the masks to stand on."),
]


@app.command()
def compile(
    a: Annotated[list[Path], typer.Option("--a", help="Diagonal A, .npy; its shape is the layer's, (N,) or (h, w).")],
    d: Annotated[list[Path], typer.Option("--d", help="Diagonal D, .npy; complex arrays make an AFDF layer.")],
    out: Annotated[Path, typer.Option(help="Design file to write.")],
    bench: Annotated[str, typer.Option(help="TOML file, or the name of a preset.")] = "lcos-8um",
    method: Annotated[
        MethodName,
        typer.Option(
            help="How masks are compiled; bright: exact, most light; binary: exact, stripes of phase 0 or π in one "
            "etch; phase: exact, phases alone; calibrated: for the bench's lenses."
        ),
    ] = MethodName.exact,
    cascade: Annotated[
        bool, typer.Option("--cascade", help="Several A and D, as --a A1 A2 --d D1 D2: light goes through all layers.")
    ] = False,
    relay: Annotated[
        RelayName | None,
        typer.Option(
            help="Masks A between the layers of a cascade: points of light, by pixels (comb, the default; bright) or "
            "stripes (etched; not quite exact), or one-pixel."
        ),
    ] = None,
    pixels: Annotated[
        int | None,
        typer.Option(
            "--pixels-per-coefficient", min=1, help="Mask pixels for one coefficient; the bench's by default."
        ),
    ] = None,
    values: Annotated[
        ValuesName | None, typer.Option(help="What calibrated masks may hold; by default what the layer does.")
    ] = None,
    weight: Annotated[
        float | None, typer.Option(min=0, help="Calibrating: of the mask's light against the error; 1e-9 by default.")
    ] = None,
    min_feature: Annotated[
        str | None, typer.Option(help='Stripes: their least width, as "1 um"; as they come by default.')
    ] = None,
    grid: Annotated[str | None, typer.Option(help='Stripes: every edge on this grid, as "1 nm".')] = None,
    dtype: Dtype = Precision.float64,
) -> None:
    """Compile the diagonals of a layer, or of a cascade of layers, into the masks of a bench."""
    check_target(out)
    if not cascade and (len(a), len(d)) != (1, 1):
        raise ValueError(f"got {len(a)} A and {len(d)} D; several make an all-optical cascade: add --cascade")
    options = MethodOptions(values, weight, min_feature, grid)
    table, how = bench_named(bench, pixels), method_named(method, options, relay)
    between = relay_named(relay, cascade, options)
    layers = read_cascade(a, d, DTYPES[dtype])
    try:
        with busy("compiling"):
            design = Design.of(nn.Sequential(layers) if cascade else layers, table, method=how, between=between)
    except ValueError as error:
        raise ValueError(f"{bench}: {error}") from None
    design.save(out)
    console().print(design_table(design, str(out)))


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
    bench: OtherBench = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the noise of an imperfect bench.")] = 0,
) -> None:
    """Compute the layers of a design by light; on an imperfect bench, with all that is wrong with it."""
    check_target(output)
    plan = Design.load(design)
    place = device_named(device)
    with busy("setting up the bench"):
        network = plan.realise(MODELS[model])
        cast(network, DTYPES[dtype])
        stages = [_placed(stage, bench).to(place) for stage in network]
    y = read_inputs(input, plan, DTYPES[dtype]).to(place)
    imperfect = [isinstance(stage, OpticalLayer) and is_imperfect(stage) for stage in stages]
    if any(imperfect):
        for number, stage in enumerate(stages):
            y = _computed(stage, y, seed + number)
    else:
        y = run_in_batches(nn.Sequential(*stages), y, track=track)
    write_array(output, y.cpu().numpy())
    how = f"by the {model} model" + (f", on the imperfect bench, seed {seed}" if any(imperfect) else "")
    console().print(f"{output}: {tuple(y.shape)} {str(y.dtype).removeprefix('torch.')}, {how}", soft_wrap=True)


_WHERE_KNOWN = (
    "imperfections and cameras are those of pixels in the continuous model; take --model continuous, and masks of "
    "pixels, not of stripes"
)


def _computed(stage: nn.Module, x: Tensor, seed: int) -> Tensor:
    """What a stage makes of inputs; the modulator of an imperfect bench is set for the largest of them."""
    if not (isinstance(stage, OpticalLayer) and is_imperfect(stage)):
        return run_in_batches(stage, x, track=track)
    return measured(as_built(stage, full_scale=float(x.abs().max()) or 1.0), x, seed=seed, track=track)


def _placed(stage: nn.Module, bench: str | None) -> nn.Module:
    """A stage on the bench that was named, if one was and light computes the stage.

    Warns:
        UserWarning: its own bench is imperfect, and that is left out.
    """
    if not isinstance(stage, OpticalLayer | OpticalCascade):
        return stage
    if bench is None:
        known = isinstance(stage, OpticalLayer) and is_imperfect(stage)
        if not known and (stage.bench.imperfections.present() or stage.bench.camera.read_out != "field"):
            warnings.warn(
                "what is wrong with the bench, and its camera, is left out: it is known for layers that are detected "
                "one by one, with masks of pixels, in the continuous model",
                stacklevel=2,
            )
        return stage
    if isinstance(stage, OpticalCascade):
        raise ValueError(f"--bench {bench}: for layers that are detected one by one, not for an all-optical cascade")
    table = bench_named(bench)
    real = table.imperfections.present() or table.camera.read_out != "field"
    if real and not isinstance(stage.model, Continuous):
        raise ValueError(f"--bench {bench}: {_WHERE_KNOWN}")
    try:
        placed = moved_to(stage, table)
    except ValueError as error:
        raise ValueError(f"--bench {bench}: {error}") from None
    if real and not is_imperfect(placed):
        raise ValueError(f"--bench {bench}: {_WHERE_KNOWN}")
    return placed


@app.command()
def check(
    design: DesignFile,
    model: Annotated[ModelName, typer.Option(help="How light is computed.")] = ModelName.continuous,
    second_opinion: Annotated[
        bool, typer.Option("--second-opinion", help="Compare every plane with POPPY, too.")
    ] = False,
    bench: OtherBench = None,
    json: Annotated[str, typer.Option(help="Write the reports to this file as JSON; - for standard output.")] = "",
) -> None:
    """Verify every optical layer of a design against its numbers; exit code 0 only if all checks pass.

    On an imperfect bench, also what each imperfection costs, photons and energy; no check fails for them.
    """
    if json not in ("", "-"):
        check_target(json)
    with busy("setting up the bench"):
        placed = [_placed(stage, bench) for stage in Design.load(design).realise(MODELS[model])]
        stages = [stage for stage in placed if isinstance(stage, OpticalLayer | OpticalCascade)]
    # POPPY first: what it cannot do it says at once.
    opinions = [_opinion(stage) for stage in track(stages, "asking POPPY", len(stages))] if second_opinion else []
    reports = [verify(_numbers(stage), _as_it_stands(stage), track=track) for stage in stages]
    found = [report.to_dict() for report in reports]
    for entry, opinion in zip(found, opinions, strict=False):
        entry["second_opinion"] = opinion.to_dict()
    text = dumps(found, indent=2, allow_nan=False) + "\n"
    if json == "-":
        sys.stdout.write(text)
    else:
        for stage, report in zip(stages, reports, strict=True):
            console().print(report)
            if isinstance(stage, OpticalCascade):
                x = default_probes(stage.layers[0], stage.shape)
                console().print(contributions_table(contributions(stage, x)), light_table(light_budget(stage, x)))
        for opinion in opinions:
            console().print(opinion_table(opinion))
        if json:
            write_text(json, text)
    passed = [report.passed for report in reports] + [opinion.passed for opinion in opinions]
    if not all(passed):
        raise typer.Exit(1)


def _as_it_stands(stage: OpticalLayer | OpticalCascade) -> OpticalLayer | OpticalCascade | ImperfectLayer:
    """A layer on its imperfect bench, if that is one; its modulator is set for the largest number of the probes."""
    if isinstance(stage, OpticalCascade) or not is_imperfect(stage):
        return stage
    return as_far_as_known(stage, full_scale=float(default_probes(stage.layer, stage.shape).abs().max()))


def _numbers(stage: OpticalLayer | OpticalCascade) -> Numbers:
    return nn.Sequential(*stage.layers) if isinstance(stage, OpticalCascade) else stage.layer


def _opinion(stage: OpticalLayer | OpticalCascade) -> SecondOpinion:
    if isinstance(stage, OpticalCascade):
        raise ValueError("--second-opinion: POPPY is asked of layers that are detected one by one, not of a cascade")
    return ask_poppy(stage)


@app.command()
def info(design: DesignFile) -> None:
    """Say what a design file holds."""
    console().print(design_table(Design.load(design), str(design)))
