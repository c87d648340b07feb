"""Commands about masks that are made: export, and verify-package."""

from __future__ import annotations

import json as jsons
import sys
from pathlib import Path
from typing import Annotated

import typer

from acdc_optical.cli.app import DesignFile, app
from acdc_optical.cli.console import console, track
from acdc_optical.design import Design
from acdc_optical.files import check_target, write_text

# Written out, because what they are names of is slow to import; tests hold them against it.
_FORMATS = (
    "gds, oas, png, tiff, dose, dose-bmp, stl, xyz, slm, slm-bmp, slm-npy, slm-csv, dmd, dmd-bmp, dmd-bits, zemax-sag, "
    "zemax-phase, code-v-surface, code-v-wavefront, fits, npz"
)
_PRESETS = "chrome-and-etch, double-phase, one-etch, stripes"


@app.command()
def export(
    design: DesignFile,
    out: Annotated[Path, typer.Option(help="Folder of the order package; a zip archive is written beside it.")],
    format: Annotated[
        list[str] | None,
        typer.Option("--format", help="Files to write, as gds; again for more. 'all' for all that suit."),
    ] = None,
    process: Annotated[
        str, typer.Option(help=f"TOML file, or a preset ({_PRESETS}); by default the one that suits.")
    ] = "",
) -> None:
    """Write the masks of a design as files that a fab, a printer or a modulator takes."""
    from acdc_optical import fabrication  # layouts, materials and figures: slow to import

    plan = Design.load(design)
    how = fabrication.process_named(process) if process else fabrication.suited(plan)
    package = fabrication.export_package(plan, how, out, formats=format or (), track=track)
    console().print((package.folder / "README.txt").read_text(encoding="utf-8"), soft_wrap=True)
    console().print(f"Written: {package.folder}, {package.archive}", soft_wrap=True)


@app.command(name="verify-package")
def verify_package(
    package: Annotated[Path, typer.Argument(metavar="DIR", help="Order package: its folder, or the zip archive.")],
    json: Annotated[str, typer.Option(help="Write the report to this file as JSON; - for standard output.")] = "",
) -> None:
    """Read every file of an order package again and simulate its masks; exit code 0 only if all is as ordered."""
    from acdc_optical import fabrication

    if json not in ("", "-"):
        check_target(json)
    report = fabrication.verify_package(package, track=track)
    text = jsons.dumps(report.to_dict(), indent=2, allow_nan=False) + "\n"
    if json == "-":
        sys.stdout.write(text)
    else:
        console().print(report)
        if json:
            write_text(json, text)
    if not report.passed:
        raise typer.Exit(1)
