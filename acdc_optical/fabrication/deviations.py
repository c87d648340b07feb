"""Plates as shops really make them: too deep, not quite aligned, drawn too wide.

A deviation is much smaller than a cell, so cells are divided where it begins, and what is there follows from which
patterns reach it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from acdc_optical.fabrication.made import Cells
from acdc_optical.fabrication.orders import MaskOrder
from acdc_optical.fabrication.plate import Drawn, Layer, Plate

Parts = tuple[float, ...]
"""Where parts of a cell begin and end, as shares of it, ascending from 0 to 1."""

_ENTIRE: Parts = (0.0, 1.0)


class Deviation(Protocol):
    """A way in which what is made differs from what is ordered."""

    @property
    def name(self) -> str:
        """What it is, in words."""

    def cells(self, order: MaskOrder) -> Cells | None:
        """What the light meets; None where the order has nothing that could so deviate.

        Raises:
            ValueError: a deviation that is too large for the cells.
        """
