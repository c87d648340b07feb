"""From a layer to light: the layer's call, computed by a simulated bench."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from acdc_optical.bench import Bench
from acdc_optical.compilation import Compiler, Masks, Method
from acdc_optical.layers import ACDC, AFDF
from acdc_optical.models import Continuous, Model
from acdc_optical.presentation import presentation_of
from acdc_optical.progress import Track, silent
from acdc_optical.transforms import check_trailing
from optics import Field, FieldDetector, Mask, OpticalSystem, Plane


class CompiledMasks(nn.Module):
    """Masks compiled from a live layer at every call, so that gradients reach its diagonals."""

    def __init__(self, layer: ACDC | AFDF, compiler: Compiler):
        super().__init__()
        self.layer = layer
        self.compiler = compiler

    def forward(self) -> Masks:
        return self.compiler(self.layer.a, self.layer.d)


class FixedMasks(nn.Module):
    """Masks that are what they are: read from a file, or made."""

    def __init__(self, masks: Masks):
        super().__init__()
        self._masks = masks

    def forward(self) -> Masks:
        return self._masks


class OpticalLayer(nn.Module):
    """A layer computed by light: encode → mask A → lens → mask D → lens → detect → decode.

    Called like the layer it realises, with a tensor of shape (..., *shape), and returning the same shape.
    :meth:`trace` shows the light at every plane. Made by :func:`realise`.

    Args:
        layer: the numerical layer; its bias, which no mask carries, is added after detection.
        masks: module that yields the masks.
        bench: the table they stand on.
        model: how the light is computed.

    Raises:
        ValueError: input that does not end in the layer's shape, or holds NaN or infinity.
        TypeError: complex input to a real layer, or input that is not floating point.
    """

    def __init__(self, layer: ACDC | AFDF, masks: CompiledMasks | FixedMasks, bench: Bench, model: Model):
        super().__init__()
        self.layer = layer
        self.masks = masks
        self.bench = bench
        self.model = model
        self.shape = layer.shape
        self.presentation = presentation_of(layer)
        self.detector = FieldDetector()
        self.to_mask, self.to_camera = model.optics(masks().planes)

    def forward(self, x: Tensor) -> Tensor:
        masks = self.masks()
        light = self._system(masks)(self.encode(x, masks))
        return self.decode(self.detector(light), masks)

    def trace(self, x: Tensor) -> list[Plane]:
        """The light of every plane for the input x, from the modulator to the camera."""
        masks = self.masks()
        return self._system(masks).trace(self.encode(x, masks))

    def encode(self, x: Tensor, masks: Masks) -> Field:
        """The field that the modulator sends out for x."""
        if not (x.is_floating_point() or x.is_complex()):
            raise TypeError(f"expected floating-point input; got {x.dtype}")
        if self.presentation.real and x.is_complex():
            raise TypeError(f"this layer is real and takes real input; got {x.dtype}")
        check_trailing(x, self.shape)
        if not torch.isfinite(x).all():
            raise ValueError("the input holds NaN or infinity; a modulator shows finite values")
        values = self.presentation.encode(x, len(self.shape))
        return Field(values, masks.planes.input, masks.planes.wavelength)

    def decode(self, light: Tensor, masks: Masks) -> Tensor:
        """The layer's output from the field that the camera measured."""
        y = self.presentation.decode(light, len(self.shape)) * masks.gain.to(light.real)
        offset = self.layer.offset()
        return y if offset is None else y + offset.to(y)

    def _system(self, masks: Masks) -> OpticalSystem:
        planes = masks.planes
        return OpticalSystem(
            Mask(masks.input_mask, planes.input.spacing),
            self.to_mask,
            Mask(masks.fourier_mask, planes.mask.spacing),
            self.to_camera,
            names=("behind mask A", "in front of mask D", "behind mask D", "at the camera"),
        )


def realise(
    layer: ACDC | AFDF, bench: Bench, *, model: Model | None = None, method: Method | None = None
) -> OpticalLayer:
    """An optical layer that stands for an ACDC or AFDF layer on a bench.

    Args:
        layer: the numerical layer. The optical one shares its parameters: masks are compiled from them at
            each call, and gradients flow back to them.
        bench: the table.
        model: how light is computed, :class:`~acdc_optical.models.Continuous` by default.
        method: how masks are compiled; what the model asks for by default.

    Raises:
        TypeError: not an ACDC or AFDF layer.
        ValueError: the layer does not fit the bench, or the method needs finer masks than the bench has.

    >>> import torch
    >>> from acdc_optical import ACDC
    >>> layer = ACDC((8, 8), dtype=torch.float64)
    >>> optical = realise(layer, Bench.preset())
    >>> x = torch.rand(5, 8, 8, dtype=torch.float64)
    >>> bool((optical(x) - layer(x)).norm() < 1e-12 * layer(x).norm())
    True
    """
    presentation = presentation_of(layer)
    model = model or Continuous()
    compiler = Compiler(layer.shape, presentation, bench, method=method or model.method, pixels=model.pixels(bench))
    return OpticalLayer(layer, CompiledMasks(layer, compiler), bench, model)


def realise_each(network: nn.Sequential, bench: Bench, *, model: Model | None = None) -> nn.Sequential:
    """A network in which every ACDC and AFDF layer is realised by itself; the other modules stay and are shared.

    Between two optical layers the light is detected, and whatever stands there is done by electronics.
    """
    return nn.Sequential(*(realise(m, bench, model=model) if isinstance(m, ACDC | AFDF) else m for m in network))


def run_in_batches(module: nn.Module, x: Tensor, *, size: int = 16, track: Track = silent) -> Tensor:
    """Apply a module to the inputs ``size`` at a time, without gradients, so that the fields fit in memory."""
    parts = x.split(size)
    with torch.no_grad():
        return torch.cat([module(part) for part in track(parts, "light", len(parts))])
