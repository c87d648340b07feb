"""Commands about benches: bench."""

from __future__ import annotations

import sys
from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from acdc_optical.benches.bench import Bench
from acdc_optical.benches.schema import bench_schema
from acdc_optical.cli.app import app
from acdc_optical.cli.console import console


@app.command()
def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME|FILE]...",
            help="TOML file, or the names of a preset and of devices in place of its own; lcos-8um by default.",
        ),
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of bench files.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only say whether it is a valid bench.")] = False,
) -> None:
    """Print a bench with all that it uses, as one TOML file; or the schema of such files."""
    if schema and (check or names):
        raise ValueError("--schema is of all bench files: give no name and no --check with it")
    if schema:
        sys.stdout.write(dumps(bench_schema(), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
        return
    asked = names or ["lcos-8um"]
    table = _bench_of(asked)
    if check:
        console().print(f"{' '.join(asked)}: a valid bench", soft_wrap=True)
    else:
        sys.stdout.write(str(table))


def _bench_of(names: list[str]) -> Bench:
    files = [name for name in names if name.endswith(".toml") or Path(name).exists()]
    if not files:
        return Bench.preset(*names)
    if len(names) > 1:
        raise ValueError(f'{files[0]}: a file stands alone; name presets in it, as use = ["camera-scmos"]')
    return Bench.load(files[0])
