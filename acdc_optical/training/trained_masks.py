"""Masks that are trained themselves.

Compiled masks follow the diagonals: training a realised layer trains its a and d. Masks of their own have more freedom,
as several pixels for each coefficient, and can be trained as what a device shows; see
:mod:`acdc_optical.training.constraints`.
"""

from __future__ import annotations

import copy
import math
from functools import partial

import torch
from torch import Tensor, nn

from acdc_optical.cascade import OpticalCascade, Stage
from acdc_optical.compilation.masks import Masks
from acdc_optical.layers import ACDC, AFDF, KeepsComplex
from acdc_optical.light import pixels_of
from acdc_optical.presentation import Presentation, presentation_of
from acdc_optical.realisation import OpticalLayer, replaced
from acdc_optical.training.constraints import ComplexAmplitude, Constraint, SignedAmplitude, start


class TrainedMasks(KeepsComplex):
    """Where the masks of an optical layer come from when they are trained themselves.

    Args:
        masks: to start from; as close to them as the constraints allow.
        presentation: of the layer, whose mirrored pixels stay mirrored.
        input, fourier: what the devices of mask A and mask D can show.

    The strength of the masks is a factor of the decoding, trained with them. So what a network computes does not depend
    on how much light its masks let through, and devices that cannot dim, as phases, can do without.
    """

    scale: Tensor
    progress: Tensor

    def __init__(self, masks: Masks, presentation: Presentation, *, input: Constraint, fourier: Constraint):
        super().__init__()
        self.presentation, self.input, self.fourier = presentation, input, fourier
        self.planes, self.pixels_per_coefficient = masks.planes, masks.pixels_per_coefficient
        axes = masks.planes.input.ndim
        at_input = start(input, presentation.distinct(pixels_of(masks.input_mask).detach(), axes))
        at_fourier = start(fourier, presentation.distinct(pixels_of(masks.fourier_mask).detach(), axes))
        self.input_settings = nn.Parameter(at_input.settings.clone())
        self.fourier_settings = nn.Parameter(at_fourier.settings.clone())
        self.log_gain = nn.Parameter(torch.zeros_like(masks.gain.detach()))
        self.register_buffer("scale", masks.gain.detach() * at_input.strength * at_fourier.strength)
        self.register_buffer("progress", torch.ones((), dtype=torch.float64))

    def anneal(self, progress: float) -> None:
        """Say how far training has come, from 0 to 1; before its end, constraints may be loose."""
        self.progress.fill_(progress)

    def inward(self) -> None:
        """Take from the gradients what would lead settings beyond a bound farther out; :func:`~acdc_optical.fit` does.

        A loop of one's own does so between ``backward`` and the optimiser's step, or lets settings drift.
        """
        for constraint, settings in ((self.input, self.input_settings), (self.fourier, self.fourier_settings)):
            if settings.grad is not None:
                settings.grad.copy_(constraint.inward(settings.detach(), settings.grad))

    def forward(self, layer: ACDC | AFDF) -> Masks:
        progress = float(self.progress) if self.training else 1.0
        a = self.input.transmittance(self.input_settings, progress)
        d = self.fourier.transmittance(self.fourier_settings, progress)
        return Masks(
            input_mask=self.presentation.whole(a, self.planes.input.cells),
            fourier_mask=self.presentation.whole(d, self.planes.mask.cells),
            gain=self.scale * self.log_gain.exp(),
            planes=self.planes,
            pixels_per_coefficient=self.pixels_per_coefficient,
            residual=math.nan,  # of no compilation
        )

    def extra_repr(self) -> str:
        return f"input={self.input}, fourier={self.fourier}"


def trainable_masks(
    network: nn.Module, fourier: Constraint | None = None, *, input: Constraint | None = None
) -> nn.Module:
    """A copy of an optical network with masks of its own, which start as those it has now and can be trained.

    Every place in the sequence gets masks of its own, also where one layer stands in several.

    Args:
        network: an optical layer or cascade, or an ``nn.Sequential`` with some. It stays as it is.
        fourier, input: what mask D and mask A can show; amplitudes by default, signed for a real layer, else complex.

    The diagonals of the numerical layers no longer matter, and are frozen in copies of them; biases, which electronics
    add, are trained with the masks. See :func:`~acdc_optical.training.nearest.nearest_layer` for the way back
    to diagonals.

    Raises:
        TypeError: what is given is no constraint, or a layer stands inside another kind of module than nn.Sequential.
        ValueError: no optical layer.
    """
    for constraint in (fourier, input):
        if isinstance(constraint, str | type):
            raise TypeError(f"expected a constraint, as SignedAmplitude() or PhaseOnly(); got {constraint!r}")
    if not any(isinstance(module, OpticalLayer | OpticalCascade) for module in network.modules()):
        raise ValueError("there is no optical layer in the network, whose masks could be trained; realise it first")

    def own(layer: ACDC | AFDF, masks: Masks) -> tuple[ACDC | AFDF, TrainedMasks]:
        layer = copy.deepcopy(layer)
        layer.a.requires_grad_(False)
        layer.d.requires_grad_(False)
        if layer.bias is not None:
            layer.bias.requires_grad_(True)
        presentation = presentation_of(layer)
        free = SignedAmplitude() if presentation.real else ComplexAmplitude()
        source = TrainedMasks(masks, presentation, input=input or free, fourier=fourier or free)
        return layer, source.to(layer.a.real.dtype)

    def every(optical: nn.Module) -> nn.Module:
        if isinstance(optical, OpticalCascade):
            pairs = zip(optical.layers, optical.masks(), strict=True)
            return OpticalCascade([Stage(*own(*pair)) for pair in pairs], optical.bench, optical.model)
        assert isinstance(optical, OpticalLayer)
        return OpticalLayer(*own(optical.layer, optical.masks()), optical.bench, optical.model)

    # By one memory of what is copied: what stands in several places, as shared weights, stays shared.
    return replaced(network, (OpticalLayer, OpticalCascade), every, others=partial(copy.deepcopy, memo={}))
