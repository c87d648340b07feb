"""From masks back to numbers: the layer that given masks come closest to."""

from __future__ import annotations

import copy
import math
from typing import NamedTuple

import torch
from torch import Tensor

from acdc_optical.layers import ACDC, AFDF
from acdc_optical.realisation import OpticalLayer
from acdc_optical.training.condensed import CondensedLayer

# Turns between the two diagonals. Each is a minimum, so the misfit never rises; from masks near a layer a few do.
_TURNS = 30


class Nearest(NamedTuple):
    """A layer, and how far its matrix M is from the T that masks compute: ‖T - M‖ / ‖T‖ in Frobenius norm."""

    layer: ACDC | AFDF
    distance: float


@torch.no_grad()
def nearest_layer(optical: OpticalLayer) -> Nearest:
    """The layer whose matrix is closest to what an optical layer's masks compute.

    Args:
        optical: of a model whose axes do not mix. The search starts at its own layer's a.

    Returns:
        a layer of the same kind with the same bias, and the distance: what no diagonals can say of the masks, be it
        rounding to the levels of a device, or freedom that training has made use of.

    Raises:
        TypeError: not an optical layer.
        ValueError: see :class:`~acdc_optical.training.condensed.CondensedLayer`.
    """
    if not isinstance(optical, OpticalLayer):
        raise TypeError(f"expected one optical layer, as from realise; got {type(optical).__name__}")
    layer = copy.deepcopy(optical.layer)
    wanted = CondensedLayer(optical).matrix()
    unit = torch.eye(math.prod(layer.shape), dtype=layer.a.dtype, device=layer.a.device).unflatten(-1, layer.shape)
    forth, back = layer.forth(unit).flatten(1), layer.back(unit).flatten(1)
    a = layer.a.flatten().clone()
    for _ in range(_TURNS):
        d = _best_d(a, forth, back, wanted)
        kernel = forth * d @ back
        a = _over((kernel.conj() * wanted).sum(1), kernel.abs().square().sum(1))
    distance = float((a[:, None] * kernel - wanted).norm() / wanted.norm().clamp(min=torch.finfo(a.real.dtype).tiny))
    layer.a.copy_(a.view(layer.shape))
    layer.d.copy_(d.view(layer.shape))
    return Nearest(layer, distance)


def _best_d(a: Tensor, forth: Tensor, back: Tensor, wanted: Tensor) -> Tensor:
    """The d for which diag(a)·forth·diag(d)·back is closest: the rows of ``back`` are orthogonal, so each by itself."""
    sent = a[:, None] * forth
    overlap = ((sent.conj().mT @ wanted) * back.conj()).sum(1)
    return _over(overlap, sent.abs().square().sum(0) * back.abs().square().sum(1))


def _over(numerator: Tensor, denominator: Tensor) -> Tensor:
    """The quotient; 0 where nothing is seen of the number sought."""
    return torch.where(denominator > 0, numerator / denominator.clamp(min=torch.finfo(denominator.dtype).tiny), 0)
