"""What prints as a table in a terminal, as plain text."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType


def plain(table: RenderableType, width: int = 110) -> str:
    """A table, or several, without colours, for ``repr``."""
    text = io.StringIO()
    Console(file=text, width=width, color_system=None, force_jupyter=False).print(table)
    return text.getvalue()
