"""An optical layer's call as one matrix product, for training.

Light is linear, and a layer has few numbers: what a bench makes of input j at output i, through pixel s of mask D, is
one number R[s, j, i] along each axis. With masks A and D that makes

    y[i] = Σ x[j]·A[j]·D[s]·R[s, j, i]           and in two dimensions, with R and R' for the two axes,
    y[i, k] = Σ x[j, l]·A[j, l]·D[s, t]·R[s, j, i]·R'[t, l, k]

It is the light of the model to rounding, without its samples.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import replace

import torch
from torch import Tensor, nn

from acdc_optical.benches.planes import Planes
from acdc_optical.cascade import OpticalCascade
from acdc_optical.light import pixels_of
from acdc_optical.models import Model
from acdc_optical.presentation import Presentation
from acdc_optical.realisation import OpticalLayer, replaced
from optics import Field
from optics.kernel import Kernel

# Numbers between all inputs and all outputs: those of 4096 features, 64 MB in float32.
_MOST = 2**24

# Numbers of a response up to which condensing pays. Those of long one-dimensional layers take longer to gather, and to
# sum at every step, than their light, which is only a line.
_WORTHWHILE = 2**23

# Ideal lenses leave no imaginary part of what is even; rounding leaves this, relative to the largest number.
_ROUNDING = 1e-13


class CondensedLayer(nn.Module):
    """The call of an :class:`~acdc_optical.realisation.OpticalLayer`, whose masks and parameters it shares.

    Args:
        optical: the layer.
        made: responses that are there already, and where new ones go: layers that are alike share theirs.

    Raises:
        ValueError: a two-dimensional model whose axes mix (round stops, waves at any angle), a layer of more than
            4096 features, or masks that are not mirrored, as those of a real layer are.
    """

    def __init__(self, optical: OpticalLayer, made: dict[Hashable, Kernel] | None = None):
        super().__init__()
        check_condensable(optical)
        masks = optical.masks()
        for mask in (masks.input_mask, masks.fourier_mask):
            _check_mirrored(pixels_of(mask), optical.presentation, len(optical.shape))
        self.optical = optical
        made = {} if made is None else made
        axes = [(optical.model, _along(masks.planes, i), optical.presentation.real) for i in range(len(optical.shape))]
        for model, planes, real in axes:
            if (model, planes, real) not in made:
                made[model, planes, real] = Kernel(_response(model, planes, optical.presentation))
        self._responses = [made[axis] for axis in axes]

    @property
    def samples(self) -> int:
        """Numbers that one input takes at its largest: no light, but all its features."""
        return math.prod(self.optical.shape)

    def forward(self, x: Tensor) -> Tensor:
        optical, axes = self.optical, len(self.optical.shape)
        x, masks = optical.checked(x), optical.masks()
        a = pixels_of(masks.input_mask)
        shown = x * optical.presentation.distinct(a, axes).to(_like(a, x))
        operator = self._operator(pixels_of(masks.fourier_mask), x)
        if optical.presentation.real and not shown.is_complex():
            operator = operator.real  # of which alone a real reading takes notice
        dtype = torch.promote_types(shown.dtype, operator.dtype)
        y = (shown.to(dtype).flatten(-axes) @ operator.to(dtype)).unflatten(-1, optical.shape)
        return optical.scaled(y, masks.gain)

    def matrix(self) -> Tensor:
        """What the bench makes of each input at each output, without the bias, shape (N, N); a real layer's is real."""
        count = math.prod(self.optical.shape)
        like = self.optical.layer.a
        unit = torch.eye(count, dtype=like.dtype, device=like.device).unflatten(-1, self.optical.shape)
        y = self(unit)
        offset = self.optical.layer.offset()
        return (y if offset is None else y - offset).flatten(1)

    def _operator(self, fourier_mask: Tensor, x: Tensor) -> Tensor:
        """From what stands behind mask A to the output, shape (N, N)."""
        mask = self.optical.presentation.distinct(fourier_mask, len(self._responses))
        mask = mask.to(_like(mask, x))
        responses = [response.like(x) for response in self._responses]
        dtype = torch.promote_types(mask.dtype, responses[0].dtype)
        rows, *columns = (response.to(dtype) for response in responses)
        if not columns:
            return torch.tensordot(mask.to(dtype), rows, 1)
        partly = torch.tensordot(mask.to(dtype), columns[0], dims=([1], [0]))  # (s, l, k)
        whole = torch.tensordot(rows, partly, dims=([0], [0]))  # (j, i, l, k)
        return whole.transpose(1, 2).flatten(2).flatten(0, 1)


def condensed(network: nn.Module) -> nn.Module:
    """A network in which optical layers are condensed; parameters are shared, other modules stay.

    Train it, and the network it was made of is trained. One-dimensional layers of more than 128 features stay, too:
    their light is the faster way.

    Raises:
        TypeError: an all-optical cascade in the network.
        ValueError: see :class:`CondensedLayer`.
    """
    if any(isinstance(module, OpticalCascade) for module in network.modules()):
        raise TypeError("an all-optical cascade is not condensed: train it through its light")
    made: dict[Hashable, Kernel] = {}
    return replaced(network, OpticalLayer, lambda o: CondensedLayer(o, made) if _is_worthwhile(o) else o)


def _is_worthwhile(optical: OpticalLayer) -> bool:
    pixels = optical.masks().planes.mask.cells
    return all(p * n * n <= _WORTHWHILE for p, n in zip(pixels, optical.shape, strict=True))


def check_condensable(optical: OpticalLayer) -> None:
    """Raise ValueError for a layer whose size or model keeps it from being condensed."""
    if math.prod(optical.shape) ** 2 > _MOST:
        raise ValueError(
            f"a condensed layer has at most {math.isqrt(_MOST)} features; got {' × '.join(map(str, optical.shape))}: "
            "train it through its light"
        )
    if optical.model.mixes_axes(optical.masks().planes):
        raise ValueError(
            "round stops and waves at any angle mix the axes, and cannot be condensed: train through the light itself, "
            "or take square stops and waves near the axis"
        )


def _check_mirrored(mask: Tensor, presentation: Presentation, axes: int) -> None:
    mask = mask.detach()
    mirrored = presentation.whole(presentation.distinct(mask, axes), mask.shape[-axes:])
    # Compiled masks are mirrored to the last bit, solved ones to the rounding of their solver.
    if (mirrored - mask).abs().max() > 1e-9 * mask.abs().max():
        raise ValueError("the masks of a real layer are mirrored about the axis to be condensed; these are not")


def _along(planes: Planes, axis: int) -> Planes:
    """The planes of a bench of cylindrical lenses along one axis."""
    lines = {name: getattr(planes, name).axes[axis].line for name in ("input", "mask", "camera")}
    return replace(planes, **lines)


def _response(model: Model, planes: Planes, presentation: Presentation) -> Tensor:
    """R[s, j, i] of one axis, by the model's own light: real if it is but for rounding, shape (pixels, n, n)."""
    pixels = presentation.distinct(torch.zeros(planes.mask.cells), 1).shape[0]
    inputs = presentation.distinct(torch.zeros(planes.input.cells), 1).shape[0]
    sent = presentation.encode(torch.eye(inputs, dtype=torch.float64), 1)
    arrived = model.light(planes).arrived(Field(sent, planes.input, planes.wavelength))
    units = torch.eye(pixels, dtype=torch.float64)
    images = [arrived(presentation.whole(unit, planes.mask.cells)).data for unit in units]
    response = presentation.decode(torch.stack(images), 1)
    return response.real if response.imag.abs().max() < _ROUNDING * response.abs().max() else response


def _like(values: Tensor, x: Tensor) -> torch.dtype:
    """The precision of x, for values that are real or complex."""
    real = x.real.dtype if x.is_complex() else x.dtype
    return real.to_complex() if values.is_complex() else real
