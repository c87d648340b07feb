"""All-optical cascades: several 4f systems in a row, without detection between them.

The light that one system throws on the plane of its camera falls on mask A of the next. There it is not one number a
pixel: it varies across each, and the model follows that. What mask A is there, :mod:`acdc_optical.compilation.combs`
says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from acdc_optical.benches.bench import Bench
from acdc_optical.benches.planes import Planes
from acdc_optical.compilation.combs import Between
from acdc_optical.compilation.masks import Compiler, Masks
from acdc_optical.compilation.methods import Method
from acdc_optical.compilation.phases import InQuadrature
from acdc_optical.electronics import scaled, sent
from acdc_optical.layers import ACDC, AFDF
from acdc_optical.light import Light, Pattern, behind_mask, mask_of
from acdc_optical.models import Model
from acdc_optical.presentation import presentation_of
from acdc_optical.sources import CompiledMasks, FixedMasks, MaskSource
from optics import Field, FieldDetector, Plane, Stripes, point


class Stage(nn.Module):
    """One layer of a cascade, and where its masks come from; without light of its own.

    Args:
        layer: the numerical layer.
        source: of its masks.
    """

    def __init__(self, layer: ACDC | AFDF, source: MaskSource):
        super().__init__()
        self.layer = layer
        self.source = source

    def masks(self) -> Masks:
        """The masks as they stand now, for an upright image."""
        return self.source(self.layer)


class OpticalCascade(nn.Module):
    """Linear layers computed by light in one go: encode → (mask A → lens → mask D → lens) of each → detect → decode.

    Called like the ``nn.Sequential`` of layers that it realises. Every system throws its image upside down, so the
    masks of every second one stand upside down. Made by :func:`~acdc_optical.realisation.realise`.

    Args:
        stages: the layers with their masks. Only the last may have a bias, which is added after detection.
        bench: the table; all systems are alike.
        model: how the light is computed.

    Raises:
        ValueError: no stages, stages that differ in shape or kind, or a bias in front of the last.
    """

    def __init__(self, stages: Sequence[Stage], bench: Bench, model: Model):
        super().__init__()
        layers = [stage.layer for stage in stages]
        _check(layers)
        self.stages = nn.ModuleList(stages)
        self.bench, self.model = bench, model
        self.shape = layers[0].shape
        self.presentation = presentation_of(layers[0])
        self.detector = FieldDetector()
        self.lights = [model.light(planes) for planes in _lit(model, [stage.masks() for stage in stages])]

    @classmethod
    def of_masks(
        cls, layers: Sequence[ACDC | AFDF], masks: Sequence[Masks], bench: Bench, model: Model
    ) -> OpticalCascade:
        """A cascade whose masks are what they are, as read from a file; one of ``masks`` for each layer.

        Raises:
            ValueError: not as many masks as layers, or see :class:`OpticalCascade`.
        """
        if len(layers) != len(masks):
            raise ValueError(f"expected masks for each of the {len(layers)} layers; got {len(masks)}")
        stages = [Stage(layer, FixedMasks(own)) for layer, own in zip(layers, masks, strict=True)]
        return cls(stages, bench, model)

    @property
    def layers(self) -> list[ACDC | AFDF]:
        """The numerical layers."""
        return [stage.layer for stage in self._stages]

    @property
    def samples(self) -> int:
        """Numbers that the light of one input takes at its largest."""
        return max(light.samples for light in self.lights)

    def masks(self) -> list[Masks]:
        """The masks of every stage as they stand now, each for an upright image."""
        return [stage.masks() for stage in self._stages]

    def with_model(self, model: Model) -> OpticalCascade:
        """The same layers, masks and bench, with the light computed by another model."""
        return OpticalCascade(self._stages, self.bench, model)

    def forward(self, x: Tensor) -> Tensor:
        masks = self.masks()
        field = sent(self.layers[0], x, masks[0].planes)
        for system in self.systems(masks):
            field = system.light(system.shown(field), system.fourier_mask)
        return self.decode(field, masks)

    def trace(self, x: Tensor) -> list[Plane]:
        """The light of every plane for the input x, from the modulator to the camera."""
        masks = self.masks()
        planes = [Plane("input", sent(self.layers[0], x, masks[0].planes))]
        for number, system in enumerate(self.systems(masks), 1):
            mask = mask_of(system.input_mask, system.pitch)
            before = planes[-1].field
            shown = Plane("behind mask A", behind_mask(mask, before))
            behind = [shown, *system.light.trace(mask(before), system.fourier_mask)]
            planes += [Plane(f"{number}: {name}", field) for name, field in behind]
            if number < len(masks):
                planes[-1] = planes[-1]._replace(name=f"{number + 1}: on mask A")
        return planes

    def standing(self) -> list[Masks]:
        """The masks as they stand on the table, every second one's upside down, for who makes them."""
        turned = [_last(len(self.shape)) if number % 2 else () for number in range(len(self.stages))]
        return [
            replace(own, input_mask=own.input_mask.flip(axes), fourier_mask=own.fourier_mask.flip(axes))
            for own, axes in zip(self.masks(), turned, strict=True)
        ]

    def systems(self, masks: Sequence[Masks]) -> list[System]:
        """The 4f systems with these masks, in the order the light meets them."""
        pairs = enumerate(zip(self.lights, masks, strict=True))
        return [System.of(own, light, axes=len(self.shape) if number % 2 else 0) for number, (light, own) in pairs]

    def decode(self, field: Field, masks: Sequence[Masks]) -> Tensor:
        """The output of the last layer from the light at the camera."""
        return scaled(self.layers[-1], self.read(field, len(masks)), total_gain(masks))

    def read(self, field: Field, systems: int) -> Tensor:
        """Numbers, complex and as dim as the light, from a field behind so many systems."""
        seen = self.detector(field)
        if systems % 2 == 0:  # a layer by itself is read upside down
            seen = seen.flip(_last(len(self.shape)))
        return self.presentation.decode(seen, len(self.shape))

    @property
    def _stages(self) -> list[Stage]:
        return [cast(Stage, stage) for stage in self.stages]

    def extra_repr(self) -> str:
        return f"model={self.model}, bench={self.bench!r}"


class System(NamedTuple):
    """One 4f system as it stands on the table.

    Attributes:
        input_mask, fourier_mask: masks A and D, turned as the image is.
        pitch: of mask A [m].
        light: from behind mask A to the plane of the camera, or to the next mask A.
    """

    input_mask: Pattern
    fourier_mask: Pattern
    pitch: tuple[float, ...]
    light: Light

    @classmethod
    def of(cls, masks: Masks, light: Light, axes: int) -> System:
        """With masks turned upside down along the last ``axes`` axes."""
        turned = _last(axes)
        return cls(masks.input_mask.flip(turned), masks.fourier_mask.flip(turned), masks.planes.input.spacing, light)

    def shown(self, field: Field) -> Field:
        """The light behind mask A."""
        return mask_of(self.input_mask, self.pitch)(field)


def total_gain(masks: Sequence[Masks]) -> Tensor:
    """The factor that undoes what all these masks dim."""
    return torch.stack([own.gain for own in masks]).prod()


def cascade_of(
    network: nn.Sequential, bench: Bench, *, model: Model, method: Method | None, between: Between | None
) -> OpticalCascade:
    """What :func:`~acdc_optical.realisation.realise` makes of layers in a row; arguments and errors as there."""
    layers = []
    for module in network:
        if not isinstance(module, ACDC | AFDF):
            raise TypeError(
                f"light computes ACDC and AFDF layers in a row; got {type(module).__name__} between them: detect "
                "there, by realise_each"
            )
        layers.append(module)
    method, between = method or model.method, between or model.between
    if isinstance(method, InQuadrature) and len(layers) > 1:
        raise ValueError(
            "InQuadrature() masks are for light that is read in phase, and in a cascade it goes on: take ExactPhases()"
        )
    sources = [
        _compiled(layer, bench, model, method, None if place == 0 else between, place == len(layers) - 1)
        for place, layer in enumerate(layers)
    ]
    return OpticalCascade([Stage(*stage) for stage in zip(layers, sources, strict=True)], bench, model)


def _compiled(
    layer: ACDC | AFDF, bench: Bench, model: Model, method: Method, between: Between | None, last: bool
) -> CompiledMasks:
    """Masks for one layer; behind the first there is no modulator, and in front of the last no camera."""
    pixels, presentation = model.pixels(bench), presentation_of(layer)
    shown = None if between is None else between.shown(layer.shape, presentation, bench, pixels)
    if not last:
        pixels = pixels._replace(camera=point())
    return CompiledMasks(Compiler(layer.shape, presentation, bench, method=method, pixels=pixels, shown=shown))


def _lit(model: Model, masks: Sequence[Masks]) -> list[Planes]:
    """The planes of every system, with those between two systems resolved for all the light that falls there."""
    planes, between = [own.planes for own in masks], []
    for own in masks[1:]:
        # Stripes are integrated on twice as many nodes; see IdealLenses.
        resolving = model.refined() if isinstance(own.input_mask, Stripes) else model
        between.append(resolving.whole_pixels(own.planes.input, own.planes.input.axes[0].cell.width or 1.0))
    sources, receivers = [planes[0].input, *between], [*between, planes[-1].camera]
    return [replace(own, input=a, camera=b) for own, a, b in zip(planes, sources, receivers, strict=True)]


def _last(axes: int) -> tuple[int, ...]:
    return tuple(range(-axes, 0))


def _check(layers: Sequence[ACDC | AFDF]) -> None:
    if not layers:
        raise ValueError("an optical cascade needs at least one layer; got none")
    first = layers[0]
    for number, layer in enumerate(layers[1:], 2):
        for name, mine, own in (
            ("shape", first.shape, layer.shape),
            ("kind of layer", type(first).__name__, type(layer).__name__),
        ):
            if mine != own:
                raise ValueError(f"the layers of a cascade have one {name}; the first has {mine}, layer {number} {own}")
    for number, layer in enumerate(layers[:-1], 1):
        if layer.bias is not None:
            raise ValueError(
                f"layer {number} of {len(layers)} has a bias, which is added after detection: only the last layer of a "
                "cascade may have one"
            )
