"""Masks from files on the simulated bench: their error beside that of the masks in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from acdc_optical.design import Design
from acdc_optical.fabrication.made import MadeLayer, MadeMask
from acdc_optical.fabrication.orders import MaskOrder, made_layers, optical_layers
from acdc_optical.fabrication.package.readings import Reading
from acdc_optical.fabrication.package.report import SourceError
from acdc_optical.fabrication.predictions import probes
from acdc_optical.progress import Track
from acdc_optical.realisation import OpticalLayer
from acdc_optical.reports import Check
from acdc_optical.verification import relative_error

# The same light through the same cells: what differs is the order of sums.
_SAME_LIGHT = 1e-12

Readings = Mapping[str, Mapping[str, Reading]]
"""For the name of a format, and the name of a plate, what its file says."""


@torch.no_grad()
def simulate(
    design: Design, orders: Sequence[MaskOrder], read: Readings, track: Track
) -> tuple[tuple[SourceError, ...], tuple[Check, ...]]:
    """The error of every optical layer as designed, as ordered, and through the masks in each kind of file.

    Args:
        design: the judge.
        orders: the masks.
        read: what files hold; where they do not tell a mask, it is as ordered.
        track: shows progress.

    Returns:
        The errors, and for each kind of file whether its error is that of the order.
    """
    made, layers = made_layers(design, orders), optical_layers(design)
    errors: list[SourceError] = []
    checks: list[Check] = []
    for index, layer in track(tuple(enumerate(layers)), "simulating what the files hold", len(layers)):
        ordered = [order for order in orders if order.layer == index]
        found, same = _of_layer(layer, made[index], ordered, read)
        errors += [SourceError(index + 1, source, *figures) for source, figures in found.items()]
        checks += [Check(f"optical layer {index + 1}: {name}", *result) for name, result in same.items()]
    return tuple(errors), tuple(checks)


def _of_layer(
    layer: OpticalLayer, made: MadeLayer, orders: Sequence[MaskOrder], read: Readings
) -> tuple[dict[str, tuple[float, float]], dict[str, tuple[float | None, float, str]]]:
    """Errors by where the masks are from; and value, limit and note of each comparison."""
    x = probes(layer)
    wanted, by_design, by_order = layer.layer(x), layer(x), made(x)

    def errors_of(seen: Tensor) -> tuple[float, float]:
        return relative_error(seen, wanted), relative_error(seen, by_design)

    in_memory = errors_of(by_order)
    errors = {"the design": errors_of(by_design), "the order, in memory": in_memory}
    same: dict[str, tuple[float | None, float, str]] = {}
    for name, readings in read.items():
        said = f"error by {name} less that in memory"
        try:
            cells = dict(_cells(orders, readings))
            rounded = dict(_cells(orders, {plate: _as_ordered(reading) for plate, reading in readings.items()}))
        except ValueError as error:
            same[said] = (None, _SAME_LIGHT, str(error))
            continue
        if cells:
            found = errors_of(_through(made, cells)(x))
            expected = errors_of(_through(made, rounded)(x)) if rounded else in_memory
            errors[f"{name}, mask {' and '.join(sorted(cells))}"] = found
            unlike = max(abs(a - b) for a, b in zip(found, expected, strict=True))
            same[said] = (unlike, _SAME_LIGHT, "(rounded as the device does)" if rounded else "")
    return errors, same


def _through(made: MadeLayer, cells: Mapping[str, MadeMask]) -> MadeLayer:
    return made.through(cells.get("A", made.input), cells.get("D", made.fourier))


def _as_ordered(reading: Reading) -> Reading:
    """What the file should tell, where that is not the plate's."""
    return replace(reading, transmittance=reading.ordered)


def _cells(orders: Sequence[MaskOrder], readings: Mapping[str, Reading]) -> Iterator[tuple[str, MadeMask]]:
    """The masks that files tell, by their side."""
    for order in orders:
        reading = readings.get(order.plate.name)
        if reading is not None and reading.transmittance is not None:
            yield order.side, order.cells_on(reading.transmittance)
