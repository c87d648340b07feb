"""What an order will do on the bench: error and light of each optical layer, as made and within the tolerances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from acdc_optical.design import Design
from acdc_optical.fabrication.deviations import Depth, Deviation, Overlay, Width
from acdc_optical.fabrication.made import MadeLayer
from acdc_optical.fabrication.orders import MaskOrder, made_layers, optical_layers
from acdc_optical.fabrication.process import Tolerances
from acdc_optical.progress import Track, silent
from acdc_optical.realisation import OpticalLayer
from acdc_optical.verification import light_used, relative_error

_PROBES = 2

# Of a mask whose every cell is divided.
_MOST_CELLS = 2**22

# What tolerances cost is wanted to two digits; two or three nodes in each part of a cell give six.
_ROUGHLY = 1e-6


@dataclass(frozen=True)
class Outcome:
    """What a layer's output is like.

    Attributes:
        name: of what was assumed.
        error: relative L2 distance from the numerical layer, with the gain that the order states.
        after_calibration: the same with the gain that suits best, as a bench would be calibrated; for complex layers
            with the phase of the reference, too.
        light: of the wanted signal, over what it is as ordered.
    """

    name: str
    error: float
    after_calibration: float
    light: float


@dataclass(frozen=True)
class Prediction:
    """Of one optical layer.

    Attributes:
        layer: from 1.
        designed: relative L2 error of the masks as designed.
        made: of the masks as ordered.
        from_design: of the masks as ordered, from the light through the masks as designed.
        after_calibration: the same with the gain that suits best.
        light_designed, light_made: power on the camera's pixels over power of the input.
        tolerances: what each deviation within the tolerances makes of it; of masks of more than four million cells,
            which would take hours, wrong depths alone.
    """

    layer: int
    designed: float
    made: float
    from_design: float
    after_calibration: float
    light_designed: float
    light_made: float
    tolerances: tuple[Outcome, ...]

    def to_dict(self) -> dict[str, object]:
        """Plain data."""
        return asdict(self)


def probes(layer: OpticalLayer, count: int = _PROBES) -> Tensor:
    """Seeded Gaussian inputs, shape (count, *layer.shape), in the layer's precision."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, *layer.shape, generator=generator, dtype=layer.layer.a.dtype)


@torch.no_grad()
def predict(
    design: Design, orders: Sequence[MaskOrder], tolerances: Tolerances, *, track: Track = silent
) -> tuple[Prediction, ...]:
    """Simulate every optical layer through its masks as ordered, and as the tolerances allow them to be.

    Args:
        design: the judge.
        orders: of which masks.
        tolerances: each deviation by itself.
        track: shows progress.
    """
    designed, made = optical_layers(design), made_layers(design, orders)
    found = []
    for index, layer in track(tuple(enumerate(designed)), "predicting", len(designed)):
        x = probes(layer)
        wanted = layer.layer(x)
        seen = made[index](x)
        light = made[index].light_used(x)
        cases = [(o, d) for o in orders if o.layer == index for d in _deviations(o, tolerances)]
        outcomes = [_outcome(made[index], o, d, x, seen) for o, d in track(cases, "tolerances", len(cases))]
        found.append(
            Prediction(
                layer=index + 1,
                designed=relative_error(layer(x), wanted),
                made=relative_error(seen, wanted),
                from_design=relative_error(seen, layer(x)),
                after_calibration=_calibrated(seen, wanted)[0],
                light_designed=light_used(layer, x),
                light_made=light,
                tolerances=tuple(outcomes),
            )
        )
    return tuple(found)


def _deviations(order: MaskOrder, tolerances: Tolerances) -> list[Deviation]:
    """Those that a plate can have: depths of a relief, widths of patterns, places of all patterns but the first."""
    found: list[Deviation] = []
    if order.plate.heights is not None and tolerances.depth:
        found += [Depth(-tolerances.depth), Depth(tolerances.depth)]
    if order.plate.levels.size > _MOST_CELLS:
        return found
    if order.plate.layers and tolerances.width:
        found += [Width(-tolerances.width), Width(tolerances.width)]
    if tolerances.overlay and order.plate.x_edges is None:  # stripes have one pattern, and the frame around it
        axes = (1,) if order.pixels.ndim == 1 else (0, 1)
        found += [Overlay(i, tolerances.overlay, axis) for i in range(1, len(order.plate.layers)) for axis in axes]
    return found


def _outcome(made: MadeLayer, order: MaskOrder, deviation: Deviation, x: Tensor, ordered: Tensor) -> Outcome:
    cells = deviation.cells(order)
    input, fourier = (cells, made.fourier) if order.side == "A" else (made.input, cells)
    seen = MadeLayer(made.optical, input, fourier, accuracy=_ROUGHLY)(x)
    wanted = made.optical.layer(x)
    error, gain = _calibrated(seen, wanted)
    light = (gain / _calibrated(ordered, wanted)[1]) ** 2
    return Outcome(f"{order.plate.name}: {deviation.name}", relative_error(seen, wanted), error, light)


def _calibrated(seen: Tensor, wanted: Tensor) -> tuple[float, float]:
    """The error with the gain that suits best, and how strong the wanted signal is in what is seen."""
    common = torch.linalg.vecdot(seen.flatten(), wanted.flatten())  # what is seen is conjugate
    power = seen.abs().square().sum()
    if not power:
        return 1.0, 0.0  # no light is left
    return relative_error(common / power * seen, wanted), float(common.abs() / wanted.abs().square().sum())
