"""The command line: the only place that prints, reads arguments and exits."""

from __future__ import annotations

import os
import sys
import warnings

import typer

from acdc_optical.cli import benches, layers, masks, networks, tolerances
from acdc_optical.cli.app import app

__all__ = ["app", "benches", "layers", "main", "masks", "networks", "tolerances"]

_SEVERAL = ("--a", "--d")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 if it worked, 1 if a check failed, 2 for errors."""
    given = _one_by_one(sys.argv[1:] if arguments is None else arguments)
    with warnings.catch_warnings():
        warnings.showwarning = _warn
        return _run(given)


def _run(arguments: list[str]) -> int:
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


def _one_by_one(arguments: list[str]) -> list[str]:
    """Options that take several values with each by itself, as the parser takes them: --a x y as --a x --a y."""
    spread: list[str] = []
    option = ""
    for argument in arguments:
        if argument.startswith("-"):
            option = argument.split("=")[0]
        elif option in _SEVERAL and spread[-1] != option:
            spread.append(option)
        spread.append(argument)
    return spread


def _warn(message: Warning | str, *where: object, **more: object) -> None:
    print("warning:", " ".join(str(message).split()), file=sys.stderr)


def _fail(message: str, code: int = 2) -> int:
    print("error:", " ".join(message.split()), file=sys.stderr)
    return code
