"""What is drawn around a mask: marks to align one layer to another, labels, and a key that shows which way is up.

The first layer prints all that later ones are aligned to: for each of them, at two far corners, a frame in which a
cross of the later layer comes to lie. Each layer has a line below the aperture: an F, which is like none of its own
rotations and mirror images, and its name. Marks are drawn in the frame of the shop: a label reads the right way round
for who looks at the patterned side, also where the pattern itself is mirrored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import gdstk
import numpy as np
from numpy.typing import NDArray

from acdc_optical.fabrication.layouts.rectangles import merged
from acdc_optical.fabrication.plate import Layer, Plate

Corners = NDArray[np.float64]
"""Rectangles x0, y0, x1, y1 [m], shape (n, 4)."""

_FONT_SIZE = 16  # at which the corners of gdstk's glyphs are whole numbers


@dataclass(frozen=True)
class MarkSizes:
    """Sizes [m]. A shop's aligner may ask for others.

    Attributes:
        arm: from tip to tip of a cross.
        line: width of crosses and frames.
        gap: between the tips of a cross and its frame.
        spacing: between marks.
        keep_out: between the pattern and what is nearest to it.
        key: height of the F.
        stroke: thinnest strokes of letters, which are 11 of them high.

    Raises:
        ValueError: a size that is not positive, or lines as wide as arms are long.
    """

    arm: float = 100e-6
    line: float = 10e-6
    gap: float = 10e-6
    spacing: float = 50e-6
    keep_out: float = 200e-6
    key: float = 150e-6
    stroke: float = 5e-6

    def __post_init__(self) -> None:
        for name, size in vars(self).items():
            if not size > 0:
                raise ValueError(f"expected a positive size of marks {name} [m]; got {size}")
        if self.line >= self.arm:
            raise ValueError(f"expected lines thinner than arms of {self.arm:.3g} m; got {self.line:.3g} m")

    @property
    def half_frame(self) -> float:
        """From the centre of a mark to the outer edge of its frame."""
        return self.arm / 2 + self.gap + self.line


@dataclass(frozen=True)
class Mark:
    """One entry of the table of marks.

    Attributes:
        id: its site and its layer.
        layer: number of the layer that draws it.
        x, y: its centre [m], in the frame of the shop.
        kind: "cross", "frame", "key" or "label".
    """

    id: str
    layer: int
    x: float
    y: float
    kind: str


@dataclass(frozen=True, eq=False)
class Marks:
    """What is drawn around a pattern.

    Attributes:
        table: every mark.
        shapes: for each number of a layer its rectangles [m], shape (n, 4).
    """

    table: tuple[Mark, ...] = ()
    shapes: Mapping[int, Corners] = field(default_factory=dict)


def marks_for(plate: Plate, sizes: MarkSizes, dbu: float) -> Marks:
    """Marks around a plate; see :func:`marks_around`."""
    return marks_around(plate.name, plate.layers, plate.extent, sizes, dbu)


def marks_around(
    name: str, layers: Sequence[Layer], extent: tuple[float, float], sizes: MarkSizes, dbu: float
) -> Marks:
    """Marks around an aperture that is centred on the optical axis.

    Args:
        name: of the mask, for its labels.
        layers: in the order in which they are printed; all are aligned to the first.
        extent: height and width of the aperture [m].
        sizes: of the marks.
        dbu: database unit [m]. Centres lie on whole units, so that the table says where marks are and not nearly.
    """
    drawn: list[tuple[Mark, Corners]] = []
    for k, layer in enumerate(layers):
        for side, centre in zip(("left", "right"), _site(k, extent, sizes, dbu), strict=True):
            drawn.append(_placed(f"{side}{k}", layer.number, centre, "cross", _cross(sizes)))
            if k:
                drawn.append(_placed(f"{side}{k}", layers[0].number, centre, "frame", _frame(sizes)))
    # Sites go up on the left and down on the right, past the aperture if it is small: labels come below them.
    lowest = min([-extent[0] / 2 - sizes.keep_out, *(mark.y - sizes.half_frame - sizes.spacing for mark, _ in drawn)])
    for k, layer in enumerate(layers):
        y = lowest - k * (sizes.key + sizes.spacing) - sizes.key / 2
        key_at = (-extent[1] / 2 + sizes.key / 2, y)
        drawn.append(_placed(f"line{k}", layer.number, _snapped(key_at, dbu), "key", _key(sizes)))
        label = _letters(f"{name} {layer.number} {layer.name}", sizes)
        label_at = (-extent[1] / 2 + sizes.key + sizes.spacing + np.ptp(label[:, ::2]) / 2, y)
        drawn.append(_placed(f"line{k}", layer.number, _snapped(label_at, dbu), "label", label))
    shapes = {
        layer.number: np.concatenate([shape for mark, shape in drawn if mark.layer == layer.number]) for layer in layers
    }
    return Marks(tuple(mark for mark, _ in drawn), shapes)


def _site(k: int, extent: tuple[float, float], sizes: MarkSizes, dbu: float) -> list[tuple[float, float]]:
    """Centres of the sites of the k-th layer: from the lower left corner up, from the upper right corner down."""
    x = extent[1] / 2 + sizes.keep_out + sizes.half_frame
    y = extent[0] / 2 - sizes.half_frame - k * (2 * sizes.half_frame + sizes.spacing)
    return [_snapped((-x, -y), dbu), _snapped((x, y), dbu)]


def _snapped(point: tuple[float, float], dbu: float) -> tuple[float, float]:
    return round(point[0] / dbu) * dbu, round(point[1] / dbu) * dbu


def _placed(site: str, layer: int, centre: tuple[float, float], kind: str, shape: Corners) -> tuple[Mark, Corners]:
    x, y = centre
    return Mark(f"{site}-{layer}-{kind}", layer, x, y, kind), shape + np.array([x, y, x, y])


def _cross(sizes: MarkSizes) -> Corners:
    a, b = sizes.arm / 2, sizes.line / 2
    return np.array([[-a, -b, a, b], [-b, b, b, a], [-b, -a, b, -b]])


def _frame(sizes: MarkSizes) -> Corners:
    a = sizes.half_frame
    b = a - sizes.line
    return np.array([[-a, b, a, a], [-a, -a, a, -b], [-a, -b, -b, b], [b, -b, a, b]])


def _key(sizes: MarkSizes) -> Corners:
    """An F, three fifths as wide as high."""
    f = np.array([[0, 0, 1, 5], [1, 4, 3, 5], [1, 2, 2, 3]]) - np.array([1.5, 2.5, 1.5, 2.5])
    return f * sizes.key / 5


def _letters(text: str, sizes: MarkSizes) -> Corners:
    """Letters of gdstk's font, whose strokes run along x and y, as rectangles about their centre."""
    outlines = [np.rint(glyph.points).astype(np.int64) for glyph in gdstk.text(text, _FONT_SIZE, (0, 0))]
    low = np.min([outline.min(axis=0) for outline in outlines], axis=0)
    width, height = np.max([outline.max(axis=0) for outline in outlines], axis=0) - low
    crossings = np.zeros((height, width + 1), dtype=np.bool_)
    for outline in outlines:
        x, y = (outline - low).T
        for at, start, end in zip(x, y, np.roll(y, -1), strict=True):
            # Along a row, every upright edge goes from outside to inside or back; level ones have start == end.
            crossings[min(start, end) : max(start, end), at] ^= True
    inside = np.logical_xor.accumulate(crossings, axis=1)[:, :-1]
    dots = merged(inside, np.arange(width + 1), np.arange(height + 1)).corners
    return (dots - np.array([width, height, width, height]) / 2) * sizes.stroke
