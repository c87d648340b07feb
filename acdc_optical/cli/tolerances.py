"""Commands about benches that are not what they should be: tolerance."""

from __future__ import annotations

import math
import sys
from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer

from acdc_optical.benches.distribution_files import read_distributions, tolerance_preset, tolerance_presets
from acdc_optical.benches.distributions import Distributions
from acdc_optical.benches.imperfections import NOISE
from acdc_optical.budgets.as_built import as_built, lacking
from acdc_optical.budgets.exposure import uncounted
from acdc_optical.cascade import OpticalCascade
from acdc_optical.cli.app import DesignFile, Device, app
from acdc_optical.cli.arguments import DeviceName, device_named
from acdc_optical.cli.console import busy, console, track
from acdc_optical.design import Design
from acdc_optical.files import check_target, replacing, write_text
from acdc_optical.imperfect.layer import ImperfectLayer
from acdc_optical.realisation import OpticalLayer
from acdc_optical.tables import sensitivity_table
from acdc_optical.tolerances.results import Tolerances
from acdc_optical.tolerances.sensitivities import sensitivities
from acdc_optical.tolerances.tolerancing import Draws, tolerance
from acdc_optical.verification import default_probes

_PICTURES = (".png", ".pdf", ".svg")


@app.command(name="tolerance")
def draw(
    design: DesignFile,
    draws: Annotated[int, typer.Option(min=1, help="Benches to draw.")] = 1000,
    tolerances: Annotated[
        str, typer.Option(help="TOML file of distributions, or a preset of typical ones: precision, workshop.")
    ] = "workshop",
    seed: Annotated[int, typer.Option(min=0, help="Of all draws.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    limit: Annotated[float, typer.Option(min=0, help="Relative error up to which a bench is good.")] = 0.05,
    by_parameter: Annotated[
        bool, typer.Option("--sensitivities", help="Derivatives by each parameter, too, and how far off it may be.")
    ] = False,
    json: Annotated[str, typer.Option(help="Write results to this file as JSON; - for standard output.")] = "",
    plot: Annotated[Path | None, typer.Option(help="Picture of yield and correlations, .png.")] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Keep results in this file as they come; go on from it if it is there.")
    ] = None,
    device: Device = DeviceName.cpu,
) -> None:
    """Draw benches at random: how wrong each optical layer becomes, and which parts of its bench decide it."""
    place = device_named(device)
    with busy("setting up the bench"):
        stages = [s.to(place) for s in Design.load(design).realise() if isinstance(s, OpticalLayer | OpticalCascade)]
    for target in (json if json != "-" else "", plot, resume):
        if target:
            check_target(target)
    if plot is not None and plot.suffix not in _PICTURES:
        raise ValueError(f"--plot {plot}: expected the name of a file that ends in {', '.join(_PICTURES)}")
    entries: list[dict[str, Any]] = []
    pictures: list[Tolerances] = []
    for number, stage in enumerate(stages):
        layer = _as_read(stage)
        given = _distributions(tolerances, len(layer.shape))
        plan = Draws(draws, seed, jobs, checkpoint=resume and _numbered(resume, number, len(stages)))
        found = tolerance(layer, given, draws=plan, track=track)
        alone = sensitivities(layer, given) if by_parameter else ()
        entries.append(found.to_dict(limit))
        if alone:
            entries[-1]["sensitivities"] = [asdict(each) | {"limit": _finite(each.limit(limit))} for each in alone]
        if json != "-":
            _say(found, limit)
            if alone:
                console().print(sensitivity_table(alone, limit))
        pictures.append(found)
    text = dumps(entries, indent=2, allow_nan=False) + "\n"
    if json == "-":
        sys.stdout.write(text)
    elif json:
        write_text(json, text)
    if plot is not None:
        for number, found in enumerate(pictures):
            _draw(found, limit, _numbered(plot, number, len(stages)))


def _as_read(stage: OpticalLayer | OpticalCascade) -> ImperfectLayer:
    """A layer on its bench; read by the bench's camera where that counts photons."""
    if isinstance(stage, OpticalCascade):
        raise ValueError("tolerances are those of layers that are detected one by one, and this design has a cascade")
    # So bright that the largest number of the inputs is a pixel which lets all light through.
    largest, bench = float(default_probes(stage.layer, stage.shape).abs().max()), stage.bench
    if bench.camera.read_out == "field" or uncounted(bench):
        if set(NOISE) & bench.imperfections.present().keys():
            raise ValueError(lacking(stage))
        return ImperfectLayer(stage)
    return as_built(stage, full_scale=largest)


def _distributions(name: str, axes: int) -> Distributions:
    if name in tolerance_presets():
        return tolerance_preset(name, axes=axes)
    if name.endswith(".toml") or Path(name).exists():
        return read_distributions(name)
    raise ValueError(
        f"--tolerances {name}: neither a file nor one of the presets {', '.join(tolerance_presets())}; files are TOML"
    )


def _say(found: Tolerances, limit: float) -> None:
    screen = console()
    screen.print(found)
    share, about = 100 * found.yield_at(limit), 100 * found.uncertainty_at(limit)
    screen.print(f"Within {limit:g}: {share:.1f} ± {about:.1f} % of the benches", soft_wrap=True)


def _draw(found: Tolerances, limit: float, path: Path) -> None:
    from acdc_optical.figures import plot_tolerances  # matplotlib is slow to import

    with replacing(path) as temporary:
        plot_tolerances(found, limit=limit).savefig(temporary, dpi=150)


def _numbered(path: Path, number: int, count: int) -> Path:
    """Of several optical layers each has a file of its own, as run-1.png, run-2.png."""
    return path if count == 1 else path.with_name(f"{path.stem}-{number + 1}{path.suffix}")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
