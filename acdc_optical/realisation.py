"""From a layer to light: the call of a layer, or of several in a row, computed by a simulated bench."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar, overload

import torch
from torch import Tensor, nn

from acdc_optical.benches.bench import Bench
from acdc_optical.cascade import OpticalCascade, cascade_of
from acdc_optical.compilation.combs import Between
from acdc_optical.compilation.masks import Compiler, Masks
from acdc_optical.compilation.methods import AxisMethod, MaskMethod, Method
from acdc_optical.electronics import checked, scaled, sent
from acdc_optical.layers import ACDC, AFDF
from acdc_optical.light import pixels_of
from acdc_optical.models import Continuous, Model
from acdc_optical.presentation import presentation_of
from acdc_optical.progress import Track, silent
from acdc_optical.sources import CompiledMasks, MaskSource
from optics import Field, FieldDetector, Mask, Plane

# Samples of light computed together; a few complex128 arrays of this size are a gigabyte.
_MEMORY = 2**23


class OpticalLayer(nn.Module):
    """A layer computed by light: encode → mask A → lens → mask D → lens → detect → decode.

    Called like the layer it realises, with a tensor of shape (..., *shape), and returning the same shape.
    :meth:`trace` shows the light at every plane. Made by :func:`realise`.

    Args:
        layer: the numerical layer; its bias, which no mask carries, is added after detection.
        source: where the masks come from.
        bench: the table they stand on.
        model: how the light is computed.

    Raises:
        ValueError: input that does not end in the layer's shape, or holds NaN or infinity.
        TypeError: complex input to a real layer, or input that is not floating point.
    """

    def __init__(self, layer: ACDC | AFDF, source: MaskSource, bench: Bench, model: Model):
        super().__init__()
        self.layer = layer
        self.source = source
        self.bench = bench
        self.model = model
        self.shape = layer.shape
        self.presentation = presentation_of(layer)
        self.detector = FieldDetector()
        self.light = model.light(self.masks().planes)

    def masks(self) -> Masks:
        """The masks as they stand now."""
        return self.source(self.layer)

    def with_model(self, model: Model) -> OpticalLayer:
        """The same layer, masks and bench, with the light computed by another model."""
        return OpticalLayer(self.layer, self.source, self.bench, model)

    @property
    def samples(self) -> int:
        """Numbers that the light of one input takes at its largest."""
        return self.light.samples

    def forward(self, x: Tensor) -> Tensor:
        masks = self.masks()
        return self.decode(self.detector(self.light(self.show(x, masks), masks.fourier_mask)), masks)

    def trace(self, x: Tensor) -> list[Plane]:
        """The light of every plane for the input x, from the modulator to the camera."""
        masks = self.masks()
        shown = self.show(x, masks)
        behind = self.light.trace(shown, masks.fourier_mask)
        return [Plane("input", self.encode(x, masks)), Plane("behind mask A", shown), *behind]

    def encode(self, x: Tensor, masks: Masks) -> Field:
        """The field that the modulator sends out for x."""
        return sent(self.layer, x, masks.planes)

    def checked(self, x: Tensor) -> Tensor:
        """The input if a modulator can show it, in the precision in which the layer takes it."""
        return checked(self.layer, x)

    def show(self, x: Tensor, masks: Masks) -> Field:
        """The light behind mask A."""
        return Mask(pixels_of(masks.input_mask), masks.planes.input.spacing)(self.encode(x, masks))

    def decode(self, light: Tensor, masks: Masks) -> Tensor:
        """The layer's output from the field that the camera measured."""
        return self.scaled(self.presentation.decode(light, len(self.shape)), masks.gain)

    def scaled(self, y: Tensor, gain: Tensor) -> Tensor:
        """The layer's output from its own, dimmed by the masks, as the detector's reference beam reads it."""
        return scaled(self.layer, y, gain)

    def extra_repr(self) -> str:
        return f"model={self.model}, bench={self.bench!r}"


@overload
def realise(
    layer: ACDC | AFDF,
    bench: Bench,
    *,
    model: Model | None = ...,
    method: Method | None = ...,
    between: Between | None = ...,
) -> OpticalLayer: ...


@overload
def realise(
    layer: nn.Sequential,
    bench: Bench,
    *,
    model: Model | None = ...,
    method: Method | None = ...,
    between: Between | None = ...,
) -> OpticalCascade: ...


def realise(
    layer: ACDC | AFDF | nn.Sequential,
    bench: Bench,
    *,
    model: Model | None = None,
    method: Method | None = None,
    between: Between | None = None,
) -> OpticalLayer | OpticalCascade:
    """An optical module that stands for an ACDC or AFDF layer, or for several in a row, on a bench.

    Args:
        layer: the numerical layer, or an ``nn.Sequential`` of layers of one shape and kind with nothing between: light
            computes them in one go, without detection. The optical module shares their parameters: masks are compiled
            from them at each call, and gradients flow back to them.
        bench: the table.
        model: how light is computed, :class:`~acdc_optical.models.Continuous` by default.
        method: how masks are compiled; what the model asks for by default.
        between: what masks A are behind the first of several layers; what the model asks for by default,
            :class:`~acdc_optical.compilation.combs.Comb` where pixels have a width.

    Raises:
        TypeError: not an ACDC or AFDF layer, or something else among several.
        ValueError: the layer does not fit the bench, or the method needs finer masks than the bench has; several layers
            that differ, or with a bias in front of the last.

    >>> import torch
    >>> from acdc_optical import ACDC
    >>> layers = nn.Sequential(ACDC((8, 8), dtype=torch.float64), ACDC((8, 8), dtype=torch.float64))
    >>> one, both = realise(layers[0], Bench.preset()), realise(layers, Bench.preset())
    >>> x = torch.rand(5, 8, 8, dtype=torch.float64)
    >>> bool((one(x) - layers[0](x)).norm() < 1e-12 * layers[0](x).norm())
    True
    >>> bool((both(x) - layers(x)).norm() < 1e-11 * layers(x).norm())
    True
    """
    if not isinstance(bench, Bench):
        raise TypeError(f"expected a Bench, as from Bench.preset() or Bench.load(path); got {bench!r}")
    model = model or Continuous()
    if isinstance(model, str | type):
        raise TypeError(f"expected a model, as Ideal(), Continuous() or Wave(); got {model!r}")
    if isinstance(method, type) or not isinstance(method, AxisMethod | MaskMethod | None):
        raise TypeError(f"expected a method, as Sampled(), Exact() or Calibrated(); got {method!r}")
    if isinstance(between, type) or not isinstance(between, Between | None):
        raise TypeError(f"expected a kind of mask between systems, as Comb() or OnePixel(); got {between!r}")
    if isinstance(layer, nn.Sequential):
        return cascade_of(layer, bench, model=model, method=method, between=between)
    presentation = presentation_of(layer)
    compiler = Compiler(layer.shape, presentation, bench, method=method or model.method, pixels=model.pixels(bench))
    return OpticalLayer(layer, CompiledMasks(compiler), bench, model)


def realise_each(
    network: nn.Module, bench: Bench, *, model: Model | None = None, method: Method | None = None
) -> nn.Module:
    """A network in which every ACDC and AFDF layer is realised by itself; the other modules stay and are shared.

    Args:
        network: a layer, or an ``nn.Sequential``, possibly nested, of layers and other modules. Between two optical
            layers the light is detected, and whatever stands there is done by electronics.
        bench, model, method: as for :func:`realise`.

    Raises:
        TypeError: a layer inside another kind of module, where it would stay numerical.
        ValueError: a layer does not fit the bench.
    """
    return replaced(network, (ACDC, AFDF), partial(realise, bench=bench, model=model, method=method))


Kind = TypeVar("Kind", bound=nn.Module)


def replaced(
    network: nn.Module,
    kinds: type[Kind] | tuple[type[Kind], ...],
    make: Callable[[Kind], nn.Module],
    others: Callable[[nn.Module], nn.Module] = lambda module: module,
) -> nn.Module:
    """A network in which modules of some kinds are replaced by what is made of them.

    Args:
        network: such a module, or an ``nn.Sequential``, possibly nested, of them and of others.
        kinds: of the modules.
        make: what takes the place of one.
        others: what is done to the other modules; by default they stay and are shared.

    Raises:
        TypeError: one is inside another kind of module than nn.Sequential, where it would stay as it is.
    """
    if isinstance(network, kinds):
        return make(network)
    if isinstance(network, nn.Sequential):
        return nn.Sequential(*(replaced(module, kinds, make, others) for module in network))
    for inner in network.modules():
        if isinstance(inner, kinds):
            raise TypeError(
                f"expected layers in nn.Sequential; one is inside a {type(network).__name__}: realise it alone"
            )
    return others(network)


def run_in_batches(module: nn.Module, x: Tensor, *, track: Track = silent) -> Tensor:
    """Apply a module without gradients, so many inputs at a time that the light of its layers fits in memory."""
    parts = x.split(max(1, _MEMORY // _samples(module)))
    with torch.no_grad():
        return torch.cat([module(part) for part in track(parts, "light", len(parts))])


def _samples(module: nn.Module) -> int:
    """Of the largest light inside; a module that knows its own speaks for those in it."""
    return int(getattr(module, "samples", 0)) or max(map(_samples, module.children()), default=1)
