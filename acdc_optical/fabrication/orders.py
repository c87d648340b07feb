"""From a design and a process to the plates that are ordered, and from levels back to what the light meets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from acdc_optical.compilation.masks import Masks
from acdc_optical.design import Design
from acdc_optical.fabrication.columns import columns_of, stripes_of
from acdc_optical.fabrication.encodings import Encoded
from acdc_optical.fabrication.finishing import framed, occurring
from acdc_optical.fabrication.made import Cells, MadeLayer, MadeMask, Striped
from acdc_optical.fabrication.mask_process import MaskProcess
from acdc_optical.fabrication.plate import Levels, Plate, phase_steps
from acdc_optical.fabrication.process import LayoutProcess, Process
from acdc_optical.fabrication.relief import Surface
from acdc_optical.light import Pattern, pixels_of
from acdc_optical.realisation import OpticalLayer
from optics import Grid, Stripes
from optics.units import format_length

Transmittance = NDArray[np.complex128]

# Share of a cell that the grid of a layout may be: its edges are then right to a hundredth.
_FINE = 0.02


@dataclass(frozen=True, eq=False)
class MaskOrder:
    """One mask of a design, as it is to be made.

    Attributes:
        layer: which of the design's optical layers it belongs to, from 0.
        side: "A" or "D".
        pixels: of the mask, on the bench.
        encoded: its cells, as the light meets them.
        plate: the same for who makes it.
        process: how.
        layout: what is common to the layouts of the order.
        focal_length: of the lens behind it [m].
    """

    layer: int
    side: str
    pixels: Grid
    encoded: Encoded
    plate: Plate
    process: MaskProcess
    layout: LayoutProcess
    focal_length: float = math.inf

    @property
    def cells(self) -> MadeMask:
        """What the light meets where the plate is as ordered."""
        return self.cells_on(self.plate.transmittance[self.plate.levels])

    def cells_on(self, transmittance: Transmittance) -> MadeMask:
        """What the light meets where the cells of the plate have a transmittance, shape of ``plate.levels``.

        Raises:
            ValueError: stripes, of a one-dimensional mask, that are not alike along their height; cells of unequal
                width with more than two transmittances.
        """
        if self.plate.x_edges is not None:
            return Striped(stripes_of(transmittance, self.plate.x_edges, self.pixels.extent))
        if self.pixels.ndim == 1:
            strays = int((transmittance != transmittance[:1]).any(axis=1).sum())
            if strays:
                raise ValueError(f"{strays} rows of the stripes of {self.plate.name} are not like the first")
            transmittance = transmittance[0]
        return self.cells_of(transmittance)

    @property
    def deflection(self) -> float:
        """By which a carrier sends the light wanted aside, along x in the next plane of the bench [m]; 0 without.

        Of mask A that is where mask D has to stand, of mask D where the camera has to.
        """
        if self.encoded.period is None:
            return 0.0
        return self.plate.wavelength * self.focal_length / (self.encoded.period * self.plate.pitch[1])

    def cells_of(self, transmittance: Transmittance, edges: Sequence[Sequence[float]] | None = None) -> Cells:
        """Cells of given transmittance, divided evenly or at given edges; see :class:`Cells`."""
        even = Cells.of(self.encoded)
        chosen = tuple(map(tuple, edges)) if edges else even.edges
        return replace(even, values=torch.from_numpy(transmittance), edges=chosen)


def orders_of(design: Design, process: Process) -> tuple[MaskOrder, ...]:
    """The masks of a design that a process makes: first A, then D, layer by layer.

    Raises:
        ValueError: a mask that the process cannot make; the message names it and says why. A cascade, whose layers
            are not detected one by one.
    """
    if design.undetected:
        raise ValueError(
            "orders are simulated layer by layer, and this design has an all-optical cascade: write its masks of "
            "stripes from Python, by order_of_stripes, of OpticalCascade.standing()"
        )
    compiled = [masks for masks in design.masks if masks is not None]
    return tuple(
        _order(index, side, masks, wanted, process.layout)
        for index, masks in enumerate(compiled)
        for side, wanted in process.masks.items()
    )


def _order(index: int, side: str, masks: Masks, wanted: MaskProcess, layout: LayoutProcess) -> MaskOrder:
    values, grid = (masks.input_mask, masks.planes.input) if side == "A" else (masks.fourier_mask, masks.planes.mask)
    try:
        if side == "D" and isinstance(values, Stripes):
            return order_of_stripes(masks, side, wanted, layout, index=index)
        if side == "D" and wanted.made != "modulator" and grid.axes[0].cell.width < 1:
            raise ValueError(
                f"the bench takes mask D to have opaque gaps (fill {grid.axes[0].cell.width:g}), which are not drawn: "
                "compile the design for mask.fill = 1"
            )
        encoded = wanted.encoding_for(min(grid.spacing))(pixels_of(values).detach().cpu().to(torch.complex128).numpy())
        surface = _surface(side, encoded, wanted, masks.planes.wavelength)
        _check_grid(min(grid.spacing) / encoded.cells, layout.grid, surface)
    except ValueError as error:
        raise ValueError(f"mask {side} of optical layer {index + 1}: {error}") from None
    pitch = [p / encoded.cells for p in grid.spacing]
    levels = encoded.levels
    if levels.ndim == 1:
        rows = max(1, round(layout.stripe_height / pitch[0]))  # of square cells: images of stripes are true to scale
        levels, pitch = np.repeat(levels[None], rows, axis=0), [pitch[0], pitch[0]]
    plate = _plate(_name(index, side), levels, (pitch[0], pitch[1]), encoded, surface, wanted, masks.planes.wavelength)
    return MaskOrder(index, side, grid, encoded, plate, wanted, layout, masks.planes.focal_length)


def order_of_stripes(
    masks: Masks, side: str, wanted: MaskProcess, layout: LayoutProcess | None = None, *, index: int = 0
) -> MaskOrder:
    """One mask of stripes, drawn as it is: columns begin and end wherever an edge is, to the grid of the layout.

    Also of a cascade, whose layers an order does not simulate one by one: :data:`~acdc_optical.fabrication.FORMATS`
    write it and read it, and :meth:`MaskOrder.cells_on` makes stripes again of what was read.

    Args:
        masks: of the layer; of a cascade as they stand, see :meth:`~acdc_optical.cascade.OpticalCascade.standing`.
        side: "A" or "D".
        wanted: how it is made.
        layout: grid and height of stripes; as usual by default.
        index: of the optical layer, from 0.

    Raises:
        ValueError: a mask that is not made of stripes, stripes that vanish on the grid, or a process that draws no
            pattern for two phases.
    """
    layout = layout or LayoutProcess()
    stripes, grid = (masks.input_mask, masks.planes.input) if side == "A" else (masks.fourier_mask, masks.planes.mask)
    if not isinstance(stripes, Stripes):
        raise ValueError("it is made of pixels, not of stripes: order its design, as by orders_of")
    if (wanted.encoding, wanted.levels, wanted.cells or 1) != ("phase-steps", 2, 1) or wanted.feature is not None:
        raise ValueError(
            'it is made of stripes of two phases, which are drawn as they are: give encoding = "phase-steps", '
            "levels = 2 and neither cells nor feature, as the preset one-etch does for D"
        )
    columns, levels = columns_of(stripes, layout.grid)
    encoded = Encoded(levels if stripes.ndim == 2 else levels[0], phase_steps(2), 1, 1.0, 0.0)
    # The bench takes what is around a relay mask for opaque, too.
    surface = _surface("D", encoded, wanted, masks.planes.wavelength)
    if wanted.made not in ("etched", "added"):
        raise ValueError('it is made of stripes, which need a pattern: give made = "etched" or "added"')
    height = stripes.extent[0] / stripes.rows if stripes.ndim == 2 else layout.stripe_height
    pitch = height, stripes.width / levels.shape[1]
    plate = _plate(_name(index, side), levels, pitch, encoded, surface, wanted, masks.planes.wavelength)
    plate = replace(plate, x_edges=columns)
    return MaskOrder(index, side, grid, encoded, plate, wanted, layout, masks.planes.focal_length)


def _plate(
    name: str,
    levels: Levels,
    pitch: tuple[float, float],
    encoded: Encoded,
    surface: Surface,
    wanted: MaskProcess,
    wavelength: float,
) -> Plate:
    return Plate(
        name=name,
        levels=levels,
        pitch=pitch,
        transmittance=encoded.alphabet.transmittance,
        wavelength=wavelength,
        layers=surface.layers,
        heights=surface.heights,
        mirrored=wanted.faces_source,
    )


def _name(index: int, side: str) -> str:
    return f"L{index + 1}{side}"


def _surface(side: str, encoded: Encoded, wanted: MaskProcess, wavelength: float) -> Surface:
    making = wanted.making()
    surface = Surface(None, ()) if making is None else making.surface(encoded.alphabet, wavelength)
    surface = occurring(surface, encoded.levels)
    return framed(surface, encoded.alphabet, wanted) if side == "D" else surface


def _check_grid(cell: float, grid: float, surface: Surface) -> None:
    """Edges are rounded to the grid, and simulated where they were."""
    if surface.layers and grid > _FINE * cell:
        raise ValueError(
            f"a grid of {format_length(grid)} moves the edges of cells of {format_length(cell, 4)} by up to "
            f"{grid / cell / 2:.1%} of them, which is not simulated: take {format_length(_FINE * cell, 2)} or less"
        )


def made_layers(
    design: Design, orders: Sequence[MaskOrder], found: Mapping[str, Transmittance] | None = None
) -> dict[int, MadeLayer]:
    """The optical layers of a design through their masks as made; masks that are not ordered are as designed.

    Args:
        design: where the masks are from.
        orders: what is made.
        found: for the name of a plate what a file says of its cells; others are as ordered.

    Returns:
        For the index of each optical layer, from 0.
    """
    found = found or {}
    made = {(o.layer, o.side): o.cells_on(found[o.plate.name]) if o.plate.name in found else o.cells for o in orders}
    layers = {}
    for index, layer in enumerate(optical_layers(design)):
        masks = layer.masks()
        a, d = made.get((index, "A")), made.get((index, "D"))
        a = a or Cells.whole(pixels_of(masks.input_mask))
        layers[index] = MadeLayer(layer, a, d or _as_designed(masks.fourier_mask))
    return layers


def _as_designed(mask: Pattern) -> MadeMask:
    return Striped(mask) if isinstance(mask, Stripes) else Cells.whole(mask)


def made_network(design: Design, orders: Sequence[MaskOrder]) -> nn.Sequential:
    """The network of a design with every optical layer through its masks as made."""
    made = iter(made_layers(design, orders).values())
    return nn.Sequential(
        *(next(made) if m is not None else s for s, m in zip(design.stages, design.masks, strict=True))
    )


def optical_layers(design: Design) -> tuple[OpticalLayer, ...]:
    """The optical layers of a design with the masks that it has, in the continuous model."""
    return tuple(stage for stage in design.realise() if isinstance(stage, OpticalLayer))
