"""The design file: a network, its bench and its masks in one safetensors file.

The network is a sequence of stages. Each ACDC or AFDF stage is a 4f system with two masks; the others (ReLU,
permutation, convolution, read-out) are the electronics between them. A design with one stage is one optical layer.
Stages whose light goes on to the next one undetected make up an all-optical cascade.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from acdc_optical.benches.bench import Bench
from acdc_optical.cascade import OpticalCascade
from acdc_optical.compilation.combs import Between
from acdc_optical.compilation.masks import Masks, compile_layer
from acdc_optical.compilation.methods import Method
from acdc_optical.layers import ACDC, AFDF, Permutation
from acdc_optical.light import pixels_of
from acdc_optical.models import Continuous, Model
from acdc_optical.realisation import OpticalLayer, realise
from acdc_optical.sources import FixedMasks
from acdc_optical.stored_masks import masks_of, planes_of, tensors_of
from acdc_optical.tensors import DESIGN, read_tensors, write_tensors
from acdc_optical.training.nearest import nearest_layer
from acdc_optical.training.trained_masks import TrainedMasks


@dataclass(frozen=True)
class Design:
    """What is made and what it is meant to compute.

    Attributes:
        stages: modules in order; ACDC and AFDF are optical.
        bench: the table; the same for every optical stage.
        masks: for every stage its masks, None where it is electronics.
        undetected: indices of the stages whose light goes on to the next.
    """

    stages: tuple[nn.Module, ...]
    bench: Bench
    masks: tuple[Masks | None, ...]
    undetected: frozenset[int] = frozenset()

    @classmethod
    def of(
        cls, network: nn.Module, bench: Bench, *, method: Method | None = None, between: Between | None = None
    ) -> Design:
        """Compile a layer, or every optical layer of a sequence, for a bench.

        The design is a copy: training the network further changes nothing in it. Dropout, which does nothing once
        trained, is left out.

        Args:
            network: a layer, or an ``nn.Sequential`` of layers, of modules that a design can hold, and of all-optical
                cascades: an ``nn.Sequential`` within it, of layers alone.
            bench, method, between: as for :func:`~acdc_optical.realisation.realise`.

        Raises:
            TypeError: a module that a design cannot hold; the message lists those it can.
            ValueError: a layer does not fit the bench, or there is none.
        """
        modules = tuple(network) if isinstance(network, nn.Sequential) else (network,)
        kept = (module for module in copy.deepcopy(modules) if not isinstance(module, nn.Dropout))
        with torch.no_grad():
            parts = [_compiled(module, bench, method, between) for module in kept]
        if not any(isinstance(stage, ACDC | AFDF) for part in parts for stage in part.stages):
            raise ValueError("a design needs at least one ACDC or AFDF layer; there is none in the network")
        return cls._joined(parts, bench)

    @classmethod
    def _joined(cls, parts: Sequence[_Part], bench: Bench) -> Design:
        """What is in one part is not detected in between."""
        stages = tuple(stage for part in parts for stage in part.stages)
        masks = tuple(own for part in parts for own in part.masks)
        ends = set(accumulate(len(part.stages) for part in parts))
        return cls(stages, bench, masks, frozenset(i for i in range(len(stages)) if i + 1 not in ends))

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
            ValueError: no optical layer, several benches, or see :func:`~acdc_optical.training.nearest.nearest_layer`.
        """
        network = copy.deepcopy(network).eval()
        modules = tuple(network) if isinstance(network, nn.Sequential) else (network,)
        optical = [module for module in modules if isinstance(module, OpticalLayer | OpticalCascade)]
        if not optical:
            raise ValueError("a design of masks needs at least one optical layer; there is none in the network")
        if any(module.bench != optical[0].bench for module in optical):
            raise ValueError("a design has one bench; the optical layers of this network stand on several")
        return cls._joined([_as_it_is(m) for m in modules if not isinstance(m, nn.Dropout)], optical[0].bench)

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
        return nn.Sequential(*(self._realised(part, model) for part in self._parts()))

    def _parts(self) -> Iterator[_Part]:
        """Stages that one light goes through are one part."""
        ends = [i + 1 for i in range(len(self.stages)) if i not in self.undetected]
        for start, end in pairwise((0, *ends)):
            yield _Part(self.stages[start:end], self.masks[start:end])

    def _realised(self, part: _Part, model: Model) -> nn.Module:
        layers = [copy.deepcopy(s).requires_grad_(False) for s in part.stages if isinstance(s, ACDC | AFDF)]
        masks = [own for own in part.masks if own is not None]
        if not layers or not masks:
            return part.stages[0]
        if model.pixels(self.bench) != self.bench.pixels():
            anew = [stage for stage in part.stages if isinstance(stage, ACDC | AFDF)]
            return realise(anew[0] if len(anew) == 1 else nn.Sequential(*anew), self.bench, model=model)
        if len(layers) > 1:
            return OpticalCascade.of_masks(layers, masks, self.bench, model)
        return OpticalLayer(layers[0], FixedMasks(masks[0]), self.bench, model)

    def save(self, path: str | Path) -> None:
        """Write the design, whole or not at all.

        Raises:
            OSError: the file cannot be written there.
            ValueError: imperfections of the bench are tensors.
        """
        if drawn := self.bench.imperfections.drawn():
            raise ValueError(
                f"a design file holds numbers, and of the bench's imperfections {', '.join(drawn)} are tensors; "
                "choose numbers: Imperfections.changed"
            )
        tensors: dict[str, Tensor] = {}
        for index, (stage, masks) in enumerate(zip(self.stages, self.masks, strict=True)):
            tensors |= {f"{index}.{name}": value for name, value in stage.state_dict().items()}
            if masks is not None:
                tensors |= {f"{index}.masks.{name}": value for name, value in tensors_of(masks).items()}
        header = _Header(
            bench=self.bench.model_dump(),
            stages=[_describe(stage) for stage in self.stages],
            pixels_per_coefficient=[m.pixels_per_coefficient if m else None for m in self.masks],
            undetected=sorted(self.undetected),
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
            undetected = frozenset(header.undetected)
            masks = tuple(
                masks_of(
                    stage,
                    bench,
                    _branch(tensors, f"{i}.masks."),
                    count,
                    behind=i - 1 in undetected,
                    onward=i in undetected,
                )
                if isinstance(stage, ACDC | AFDF) and (count := header.pixels_per_coefficient[i]) is not None
                else None
                for i, stage in enumerate(stages)
            )
        except (KeyError, IndexError, RuntimeError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: the design is inconsistent: {str(error).splitlines()[0]}") from None
        return cls(stages, bench, masks, undetected)


class _Part(NamedTuple):
    """Stages that one light goes through, or one that is electronics, and their masks."""

    stages: tuple[nn.Module, ...]
    masks: tuple[Masks | None, ...]


def _compiled(module: nn.Module, bench: Bench, method: Method | None, between: Between | None) -> _Part:
    if isinstance(module, nn.Sequential):
        return _cascade(realise(module, bench, method=method, between=between))
    if isinstance(module, ACDC | AFDF):
        return _Part((module,), (compile_layer(module, bench, method=method),))
    _describe(module)
    return _Part((module,), (None,))


def _cascade(cascade: OpticalCascade) -> _Part:
    return _Part(tuple(cascade.layers), tuple(cascade.masks()))


def _as_it_is(module: nn.Module) -> _Part:
    """Stages and their masks."""
    if isinstance(module, OpticalCascade):
        if any(isinstance(stage, TrainedMasks) for stage in module.modules()):
            raise TypeError(
                "a design holds the numbers nearest to trained masks, and of an all-optical cascade nobody knows them: "
                "its masks are in its masks(), and its settings in its state_dict()"
            )
        return _cascade(module)
    if not isinstance(module, OpticalLayer):
        _describe(module)
        return _Part((copy.deepcopy(module),), (None,))
    nearest = nearest_layer(module)
    masks = module.masks()
    tensors = {name: getattr(masks, name).detach().clone() for name in ("input_mask", "fourier_mask", "gain")}
    # Made of pixels, though the model may have taken them for points.
    pixels = pixels_of(masks.fourier_mask).shape
    planes = planes_of(module.layer, module.bench, pixels, masks.pixels_per_coefficient)
    return _Part((nearest.layer,), (replace(masks, planes=planes, residual=nearest.distance, **tensors),))


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid")

    bench: dict[str, Any]
    stages: list[dict[str, Any]]
    pixels_per_coefficient: list[int | None]
    undetected: list[int] = []


def _branch(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


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
