"""The design file: a network, its bench and its masks in one safetensors file.

The network is a sequence of stages. Each ACDC or AFDF stage is a 4f system with two masks; the others (ReLU,
permutation, convolution, read-out) are the electronics between them. A design with one stage is one optical layer.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from acdc_optical.bench import Bench
from acdc_optical.cascade import OpticalCascade
from acdc_optical.compilation import Masks, Method, compile_layer
from acdc_optical.layers import ACDC, AFDF, Permutation
from acdc_optical.light import pixels_of
from acdc_optical.models import Continuous, Model
from acdc_optical.nearest import nearest_layer
from acdc_optical.realisation import OpticalLayer, realise
from acdc_optical.sources import FixedMasks
from acdc_optical.stored_masks import masks_of, planes_of, tensors_of
from acdc_optical.tensors import DESIGN, read_tensors, write_tensors


@dataclass(frozen=True)
class Design:
    """What is made and what it is meant to compute.

    Attributes:
        stages: modules in order; ACDC and AFDF are optical.
        bench: the table; the same for every optical stage.
        masks: for every stage its masks, None where it is electronics.
    """

    stages: tuple[nn.Module, ...]
    bench: Bench
    masks: tuple[Masks | None, ...]

    @classmethod
    def of(cls, network: nn.Module, bench: Bench, *, method: Method | None = None) -> Design:
        """Compile a layer, or every optical layer of a sequence, for a bench.

        The design is a copy: training the network further changes nothing in it. Dropout, which does nothing once
        trained, is left out.

        Raises:
            TypeError: a module that a design cannot hold; the message lists those it can.
            ValueError: a layer does not fit the bench, or there is none.
        """
        modules = tuple(network) if isinstance(network, nn.Sequential) else (network,)
        stages = tuple(copy.deepcopy(module) for module in modules if not isinstance(module, nn.Dropout))
        for stage in stages:
            _describe(stage)
        if not any(isinstance(stage, ACDC | AFDF) for stage in stages):
            raise ValueError("a design needs at least one ACDC or AFDF layer; there is none in the network")
        with torch.no_grad():
            masks = [compile_layer(s, bench, method=method) if isinstance(s, ACDC | AFDF) else None for s in stages]
        return cls(stages, bench, tuple(masks))

    @classmethod
    def of_masks(cls, network: nn.Module) -> Design:
        """The design of a realised network with the masks that it has, as trained through light.

        What stands for each optical stage among the numbers is the layer nearest to its masks; the distance is the
        masks' ``residual``.

        Args:
            network: an optical layer, or an ``nn.Sequential`` of such and of modules that a design can hold. Masks are
                taken as they are outside training, when devices show what they can and nothing else.

        Raises:
            TypeError: a module that a design cannot hold.
            ValueError: no optical layer, several benches, or see :func:`~acdc_optical.nearest.nearest_layer`.
        """
        network = copy.deepcopy(network).eval()
        modules = tuple(network) if isinstance(network, nn.Sequential) else (network,)
        optical = [module for module in modules if isinstance(module, OpticalLayer)]
        if any(isinstance(module, OpticalCascade) for module in modules):
            raise TypeError(
                "a design holds layers that are detected one by one; the masks of an all-optical cascade are in "
                "its masks(), and its settings in its state_dict()"
            )
        if not optical:
            raise ValueError("a design of masks needs at least one optical layer; there is none in the network")
        if any(module.bench != optical[0].bench for module in optical):
            raise ValueError("a design has one bench; the optical layers of this network stand on several")
        stages, masks = zip(*(_as_it_is(m) for m in modules if not isinstance(m, nn.Dropout)), strict=True)
        return cls(stages, optical[0].bench, masks)

    @property
    def network(self) -> nn.Sequential:
        """The numerical network: the judge."""
        return nn.Sequential(*self.stages)

    def realise(self, model: Model | None = None) -> nn.Sequential:
        """The network with every optical stage computed by light through this design's masks.

        The masks are made: training it moves its electronics only. To train masks, realise the network itself.
        A model with other pixels than the bench's (the ideal one takes them for points) has no use for the
        masks as they are and compiles the layers anew.
        """
        model = model or Continuous()
        return nn.Sequential(*(self._realised(*stage, model) for stage in zip(self.stages, self.masks, strict=True)))

    def _realised(self, stage: nn.Module, masks: Masks | None, model: Model) -> nn.Module:
        if masks is None or not isinstance(stage, ACDC | AFDF):
            return stage
        if model.pixels(self.bench) != self.bench.pixels():
            return realise(stage, self.bench, model=model)
        return OpticalLayer(copy.deepcopy(stage).requires_grad_(False), FixedMasks(masks), self.bench, model)

    def save(self, path: str | Path) -> None:
        """Write the design, whole or not at all.

        Raises:
            OSError: the file cannot be written there.
        """
        tensors: dict[str, Tensor] = {}
        for index, (stage, masks) in enumerate(zip(self.stages, self.masks, strict=True)):
            tensors |= {f"{index}.{name}": value for name, value in stage.state_dict().items()}
            if masks is not None:
                tensors |= {f"{index}.masks.{name}": value for name, value in tensors_of(masks).items()}
        header = _Header(
            bench=self.bench.model_dump(),
            stages=[_describe(stage) for stage in self.stages],
            pixels_per_coefficient=[m.pixels_per_coefficient if m else None for m in self.masks],
        )
        write_tensors(path, DESIGN, header, tensors)

    @classmethod
    def load(cls, path: str | Path) -> Design:
        """Read a design.

        Raises:
            FileNotFoundError: no such file.
            ValueError: not a design, damaged, truncated, or of a schema this version does not know.
        """
        header, tensors = read_tensors(path, DESIGN, _Header)
        try:
            bench = Bench(**header.bench)
            stages = tuple(_rebuild(spec, _branch(tensors, f"{i}.")) for i, spec in enumerate(header.stages))
            masks = tuple(
                _masks(stage, bench, _branch(tensors, f"{i}.masks."), header.pixels_per_coefficient[i])
                for i, stage in enumerate(stages)
            )
        except (KeyError, IndexError, RuntimeError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: the design is inconsistent: {str(error).splitlines()[0]}") from None
        return cls(stages, bench, masks)


def _as_it_is(module: nn.Module) -> tuple[nn.Module, Masks | None]:
    """A stage and its masks."""
    if not isinstance(module, OpticalLayer):
        _describe(module)
        return copy.deepcopy(module), None
    nearest = nearest_layer(module)
    masks = module.masks()
    tensors = {name: getattr(masks, name).detach().clone() for name in ("input_mask", "fourier_mask", "gain")}
    # Made of pixels, though the model may have taken them for points.
    pixels = pixels_of(masks.fourier_mask).shape
    planes = planes_of(module.layer, module.bench, pixels, masks.pixels_per_coefficient)
    return nearest.layer, replace(masks, planes=planes, residual=nearest.distance, **tensors)


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid")

    bench: dict[str, Any]
    stages: list[dict[str, Any]]
    pixels_per_coefficient: list[int | None]


def _branch(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _masks(stage: nn.Module, bench: Bench, tensors: dict[str, Tensor], per_coefficient: int | None) -> Masks | None:
    if not isinstance(stage, ACDC | AFDF) or per_coefficient is None:
        return None
    return masks_of(stage, bench, tensors, per_coefficient)


_CONVOLUTION = "in_channels out_channels kernel_size stride padding dilation groups bias padding_mode"
# Of every module a design can hold, the constructor's arguments: each is an attribute of the same name.
_KINDS: dict[str, tuple[type[nn.Module], str]] = {
    "ACDC": (ACDC, "shape bias"),
    "AFDF": (AFDF, "shape bias"),
    "Permutation": (Permutation, "shape"),
    "ReLU": (nn.ReLU, ""),
    "Flatten": (nn.Flatten, "start_dim end_dim"),
    "Unflatten": (nn.Unflatten, "dim unflattened_size"),
    "Linear": (nn.Linear, "in_features out_features bias"),
    "Conv2d": (nn.Conv2d, _CONVOLUTION),
    "MaxPool2d": (nn.MaxPool2d, "kernel_size stride padding dilation return_indices ceil_mode"),
    "AvgPool2d": (nn.AvgPool2d, "kernel_size stride padding ceil_mode count_include_pad divisor_override"),
    "ZeroPad1d": (nn.ZeroPad1d, "padding"),
    "ZeroPad2d": (nn.ZeroPad2d, "padding"),
}


def _describe(stage: nn.Module) -> dict[str, Any]:
    kind = type(stage).__name__
    if kind not in _KINDS:
        raise TypeError(f"a design holds {', '.join(_KINDS)} modules; got {kind}")
    return {"kind": kind, **{name: _argument(stage, name) for name in _KINDS[kind][1].split()}}


def _argument(stage: nn.Module, name: str) -> Any:
    value = getattr(stage, name)
    return value is not None if name == "bias" else value


def _rebuild(spec: dict[str, Any], tensors: dict[str, Tensor]) -> nn.Module:
    # JSON has no tuples, and torch takes no list for some sizes.
    arguments = {name: tuple(value) if isinstance(value, list) else value for name, value in spec.items()}
    kind = arguments.pop("kind")
    if kind not in _KINDS:
        raise ValueError(f"unknown stage {kind!r}")
    stage = _KINDS[kind][0](**arguments)
    state = {name: value for name, value in tensors.items() if not name.startswith("masks.")}
    stage.load_state_dict(state, assign=True)
    return stage
