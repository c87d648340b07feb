"""A kind of file: how a mask is written as one, and how it is read again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from acdc_optical.fabrication.orders import MaskOrder
from acdc_optical.fabrication.package.readings import Reading


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        name: as on the command line.
        file: what it is called in the folder of its mask.
        about: what it is, in a few words, for the order.
        lacking: what a mask lacks to be written so, in words; empty if nothing.
        write: into the folder of the mask; ValueError if the mask does not suit.
        read: from that folder; ValueError or OSError if the file cannot be read.
        customary: whether it is written unless others are asked for.
    """

    name: str
    file: str
    about: str
    lacking: Callable[[MaskOrder], str]
    write: Callable[[Path, MaskOrder], object]
    read: Callable[[Path, MaskOrder], Reading]
    customary: bool = False


def relief(order: MaskOrder) -> str:
    """What a mask lacks to be written as heights."""
    return "" if order.plate.heights is not None else "a relief"
