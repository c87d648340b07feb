"""All-optical cascades: several 4f systems in a row, without detection between them.

The light that one system throws on the plane of its camera falls on mask A of the next. There it is not one number a
pixel: it varies across each, and the model follows that. So masks compiled for single layers do not quite make the
layers' product; they can be trained to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from acdc_optical.bench import Bench
from acdc_optical.compilation import Compiler, Masks, Method
from acdc_optical.layers import ACDC, AFDF
from acdc_optical.light import Light, Pattern, mask_of
from acdc_optical.models import Continuous, Model
from acdc_optical.presentation import presentation_of
from acdc_optical.realisation import CompiledMasks, OpticalLayer
from optics import Field, Plane, midpoint, point


class OpticalCascade(nn.Module):
    """Linear layers computed by light in one go: encode → (mask A → lens → mask D → lens) of each → detect → decode.

    Called like the ``nn.Sequential`` of layers that it realises. Every system throws its image upside down, so the
    masks of every second one stand upside down.

    Args:
        stages: the layers, each realised on the same bench with the same model. Only the last may have a bias, which
            is added after detection.

    Raises:
        ValueError: no stages, stages that differ in shape, kind, bench or model, or a bias in front of the last.
    """

    def __init__(self, stages: Sequence[OpticalLayer]):
        super().__init__()
        _check(stages)
        self.stages = nn.ModuleList(stages)
        self.shape = stages[0].shape
        planes = [stage.masks().planes for stage in stages]
        # Between two systems, all the light on the active part of a pixel goes on.
        active = planes[0].input.axes[0].cell.width or 1.0
        between = [stages[0].model.whole_pixels(planes[0].input, active)] * (len(stages) - 1)
        self.lights = [
            stages[0].model.light(replace(own, input=source, camera=receiver))
            for own, source, receiver in zip(
                planes, [planes[0].input, *between], [*between, planes[-1].camera], strict=True
            )
        ]

    @property
    def samples(self) -> int:
        """Numbers that the light of one input takes at its largest."""
        return max(light.samples for light in self.lights)

    def masks(self) -> list[Masks]:
        """The masks of every stage as they stand now, each for an upright image."""
        return [stage.masks() for stage in self._layers]

    def forward(self, x: Tensor) -> Tensor:
        masks = self.masks()
        field = self._layers[0].encode(x, masks[0])
        for system in self._systems(masks):
            field = system.light(system.shown(field), system.fourier_mask)
        return self._decode(field, masks)

    def trace(self, x: Tensor) -> list[Plane]:
        """The light of every plane for the input x, from the modulator to the camera."""
        masks = self.masks()
        planes = [Plane("input", self._layers[0].encode(x, masks[0]))]
        for number, system in enumerate(self._systems(masks), 1):
            shown = system.shown(planes[-1].field)
            behind = [Plane("behind mask A", shown), *system.light.trace(shown, system.fourier_mask)]
            planes += [Plane(f"{number}: {name}", field) for name, field in behind]
        return planes

    @property
    def _layers(self) -> list[OpticalLayer]:
        return [cast(OpticalLayer, stage) for stage in self.stages]

    def _systems(self, masks: list[Masks]) -> Iterator[_System]:
        for number, (light, own) in enumerate(zip(self.lights, masks, strict=True)):
            turned = _axes(self.shape) if number % 2 else ()
            yield _System(own.input_mask.flip(turned), own.fourier_mask.flip(turned), own.planes.input.spacing, light)

    def _decode(self, field: Field, masks: list[Masks]) -> Tensor:
        last = self._layers[-1]
        seen = last.detector(field)
        if len(masks) % 2 == 0:  # a layer by itself is read upside down
            seen = seen.flip(_axes(self.shape))
        gain = torch.stack([own.gain for own in masks]).prod()
        return last.scaled(last.presentation.decode(seen, len(self.shape)), gain)


class _System(NamedTuple):
    """One 4f system as it stands on the table."""

    input_mask: Pattern
    fourier_mask: Pattern
    pitch: tuple[float, ...]
    light: Light

    def shown(self, field: Field) -> Field:
        return mask_of(self.input_mask, self.pitch)(field)


def realise_cascade(
    network: nn.Sequential, bench: Bench, *, model: Model | None = None, method: Method | None = None
) -> OpticalCascade:
    """An all-optical cascade that stands for a sequence of ACDC or AFDF layers on a bench.

    Args:
        network: the layers, one after another, with nothing between.
        bench, model, method: as for :func:`~acdc_optical.realisation.realise`; each layer is compiled for itself.

    Raises:
        TypeError: something else than an ACDC or AFDF layer in the sequence.
        ValueError: see :class:`OpticalCascade` and :func:`~acdc_optical.realisation.realise`.

    >>> from acdc_optical import ACDC, Ideal
    >>> network = nn.Sequential(ACDC(8, dtype=torch.float64), ACDC(8, dtype=torch.float64))
    >>> cascade = realise_cascade(network, Bench.preset(), model=Ideal())
    >>> x = torch.rand(5, 8, dtype=torch.float64)
    >>> bool((cascade(x) - network(x)).norm() < 1e-12 * network(x).norm())
    True
    """
    layers = [module for module in network if isinstance(module, ACDC | AFDF)]
    for module in network:
        if not isinstance(module, ACDC | AFDF):
            raise TypeError(
                f"light computes ACDC and AFDF layers in a row; got {type(module).__name__} between them: detect "
                "there, by realise_each"
            )
    model = model or Continuous()
    return OpticalCascade(
        [
            OpticalLayer(layer, _compiled(layer, bench, model, method, place, len(network)), bench, model)
            for place, layer in enumerate(layers)
        ]
    )


def _compiled(
    layer: ACDC | AFDF, bench: Bench, model: Model, method: Method | None, place: int, count: int
) -> CompiledMasks:
    """Masks for one layer of so many: between two of them there is no pixel of a modulator, nor of the camera.

    What falls on a pixel is taken for as strong all over its active part as in its middle.
    """
    pixels = model.pixels(bench)
    between = midpoint(1, sum(pixels.input.weights))
    pixels = pixels._replace(
        input=pixels.input if place == 0 else between, camera=pixels.camera if place == count - 1 else point()
    )
    presentation = presentation_of(layer)
    return CompiledMasks(Compiler(layer.shape, presentation, bench, method=method or model.method, pixels=pixels))


def _axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(range(-len(shape), 0))


def _check(stages: Sequence[OpticalLayer]) -> None:
    if not stages:
        raise ValueError("an optical cascade needs at least one layer; got none")
    first = stages[0]
    for number, stage in enumerate(stages[1:], 2):
        for name, mine, own in (
            ("shape", first.shape, stage.shape),
            ("kind of layer", type(first.layer).__name__, type(stage.layer).__name__),
            ("bench", first.bench, stage.bench),
            ("model", first.model, stage.model),
        ):
            if mine != own:
                raise ValueError(f"the layers of a cascade have one {name}; the first has {mine}, layer {number} {own}")
    for number, stage in enumerate(stages[:-1], 1):
        if stage.layer.bias is not None:
            raise ValueError(
                f"layer {number} of {len(stages)} has a bias, which is added after detection: only the last layer of a "
                "cascade may have one"
            )
