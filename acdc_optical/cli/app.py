"""The commands' common ground."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acdc_optical.cli.arguments import DeviceName, Precision

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="ACDC neural-network layers as simulated benches of lenses and masks.",
)

DesignFile = Annotated[Path, typer.Argument(metavar="DESIGN", help="Design file (safetensors).")]
Device = Annotated[DeviceName, typer.Option(help="Where to compute.")]
Dtype = Annotated[Precision, typer.Option(help="Precision of the work.")]
