"""A mask ready to be made: the level of every cell, and what each level is.

All writers take a :class:`Plate`, all readers return levels to be held against it. Rows of arrays grow with y, columns
with x, both in the frame of the light: z along the light, x to the right and y up for who looks towards the source.
A shop looks at the patterned side. Where that faces the source, it sees x mirrored; :attr:`Plate.seen` is what it sees,
and what files for shops hold. Files for optical design hold the frame of the light.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.unsignedinteger]
Drawn = NDArray[np.bool_]


@dataclass(frozen=True)
class Alphabet:
    """What the cells of a mask can be.

    Attributes:
        steps: for each level its phase, in steps; None for opaque.
        per_turn: steps for 2π.

    >>> bool((phase_steps(4).transmittance == [1, 1j, -1, -1j]).all())
    True
    >>> CHROME_AND_SIGN.transmittance.tolist()
    [0j, (1+0j), (-1+0j)]
    """

    steps: tuple[int | None, ...]
    per_turn: int

    @property
    def opaque(self) -> Drawn:
        """For each level whether it lets no light through, shape (levels,)."""
        return np.array([step is None for step in self.steps])

    @property
    def phases(self) -> NDArray[np.float64]:
        """The phase of each level [rad], from 0 to below 2π; 0 where opaque."""
        return np.array([2 * math.pi * ((step or 0) % self.per_turn) / self.per_turn for step in self.steps])

    @property
    def transmittance(self) -> NDArray[np.complex128]:
        """The transmittance of each level, exact at quarter turns."""
        quarters = {0: 1, 1: 1j, 2: -1, 3: -1j}
        fourfold = [4 * ((step or 0) % self.per_turn) / self.per_turn for step in self.steps]
        values = [quarters[int(q)] if q in quarters else np.exp(0.5j * math.pi * q) for q in fourfold]
        return np.where(self.opaque, 0, np.array(values, dtype=np.complex128))

    def __len__(self) -> int:
        return len(self.steps)


def phase_steps(count: int) -> Alphabet:
    """Transparent, with ``count`` equal steps of phase from 0 to below 2π.

    Raises:
        ValueError: less than two levels, or more than 16-bit files hold.
    """
    if not 2 <= count <= 2**16:
        raise ValueError(f"expected 2 to 65536 levels of phase; got {count}")
    return Alphabet(tuple(range(count)), count)


CHROME = Alphabet((None, 0), 1)
"""Opaque or open: chrome on glass, the mirrors of a DMD."""

CHROME_AND_SIGN = Alphabet((None, 0, 1), 2)
"""Opaque, open, or open with phase π: chrome and one etch."""


@dataclass(frozen=True)
class Layer:
    """One binary pattern: what a shop draws, exposes and etches in one go.

    Attributes:
        number: layer of the layout.
        name: at most 32 letters, digits and underscores.
        purpose: what is done where polygons are drawn, in words for the order.
        drawn: for each level whether its cells are drawn.
        depth: etched, or added, where drawn [m]; None if nothing is.
    """

    number: int
    name: str
    purpose: str
    drawn: tuple[bool, ...]
    depth: float | None = None


@dataclass(frozen=True, eq=False)
class Plate:
    """One mask, ready to be made.

    Attributes:
        name: at most 16 letters, digits and underscores.
        levels: of every cell, uint8 or uint16, shape (ny, nx). One-dimensional masks are stripes: all rows are alike.
        pitch: size of a cell, (y, x) [m].
        transmittance: of each level, complex128, shape (count,).
        wavelength: in vacuum [m].
        layers: the binary patterns whose drawn areas tell the levels apart; none where heights or images are ordered.
        heights: of the surface at each level above the lowest that the process makes [m], shape (count,); None for
            masks without relief.
        mirrored: whether the shop sees x mirrored.
        x_edges: where cells of unequal width begin and end along x, ascending and centred on the axis [m], shape
            (nx + 1,); ``pitch`` then has their mean width. None for cells that are alike.

    Raises:
        ValueError: levels that are not 2-D unsigned integers, or beyond those that there are; edges that do not fit.
    """

    name: str
    levels: Levels
    pitch: tuple[float, float]
    transmittance: NDArray[np.complex128]
    wavelength: float
    layers: tuple[Layer, ...] = ()
    heights: NDArray[np.float64] | None = None
    mirrored: bool = False
    x_edges: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if self.levels.ndim != 2 or self.levels.dtype not in (np.uint8, np.uint16):
            raise ValueError(
                f"expected levels of shape (ny, nx), uint8 or uint16; got {self.levels.shape} {self.levels.dtype}"
            )
        highest = int(self.levels.max(initial=0))
        if highest >= len(self.transmittance):
            raise ValueError(f"level {highest} of plate {self.name!r} is beyond its {len(self.transmittance)} levels")
        columns = self.levels.shape[1]
        if self.x_edges is not None and (self.x_edges.shape != (columns + 1,) or (np.diff(self.x_edges) <= 0).any()):
            raise ValueError(f"expected {columns + 1} ascending edges of columns; got {self.x_edges}")

    @property
    def extent(self) -> tuple[float, float]:
        """Height and width [m]."""
        ny, nx = self.levels.shape
        return ny * self.pitch[0], nx * self.pitch[1]

    @property
    def seen_edges(self) -> NDArray[np.float64]:
        """Where the columns of :attr:`seen` begin and end [m], shape (nx + 1,)."""
        if self.x_edges is not None:
            return -self.x_edges[::-1] if self.mirrored else self.x_edges
        columns = self.levels.shape[1]
        edges: NDArray[np.float64] = (np.arange(columns + 1) - columns / 2) * self.pitch[1]
        return edges

    @property
    def seen(self) -> Levels:
        """The levels as the shop sees them, x mirrored where it looks towards the light's way."""
        return self.levels[:, ::-1] if self.mirrored else self.levels

    def drawn(self, layer: Layer) -> Drawn:
        """Which cells of :attr:`seen` a layer draws, shape (ny, nx)."""
        cells: Drawn = np.array(layer.drawn)[self.seen]
        return cells

    def levels_of(self, drawn: Sequence[Drawn]) -> Levels:
        """The levels from the drawn cells of every layer: the inverse of :meth:`drawn`.

        Raises:
            ValueError: a combination of layers that is no level; the message counts the cells.
        """
        code = sum((cells.astype(np.uint32) << bit for bit, cells in enumerate(drawn)), np.uint32(0))
        of_code = np.full(2 ** len(self.layers), -1, dtype=np.int32)
        for level in reversed(range(len(self.transmittance))):  # of levels made alike the first stands for all
            of_code[sum(layer.drawn[level] << bit for bit, layer in enumerate(self.layers))] = level
        levels = of_code[code]
        strays = int((levels < 0).sum())
        if strays:
            raise ValueError(f"{strays} cells have a combination of layers that is no level of plate {self.name!r}")
        return levels.astype(self.levels.dtype)
