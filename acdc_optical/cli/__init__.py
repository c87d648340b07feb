"""The command line: the only place that prints, reads arguments and exits."""

from __future__ import annotations

import os
import sys

import typer

from acdc_optical.cli import layers, masks, networks
from acdc_optical.cli.app import app

__all__ = ["app", "layers", "main", "masks", "networks"]


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
