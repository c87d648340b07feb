"""What electronics do at the two ends of the light: show numbers on a modulator, and make numbers of what was seen."""

from __future__ import annotations

import torch
from torch import Tensor

from acdc_optical.benches.planes import Planes
from acdc_optical.layers import ACDC, AFDF
from acdc_optical.presentation import presentation_of
from acdc_optical.transforms import check_trailing
from optics import Field


def checked(layer: ACDC | AFDF, x: Tensor) -> Tensor:
    """The input if a modulator can show it, in the precision in which the layer takes it.

    Raises:
        ValueError: input that does not end in the layer's shape, or holds NaN or infinity.
        TypeError: complex input to a real layer, or input that is not floating point.
    """
    if not (x.is_floating_point() or x.is_complex()):
        raise TypeError(f"expected floating-point input; got {x.dtype}")
    if presentation_of(layer).real and x.is_complex():
        raise TypeError(f"this layer is real and takes real input; got {x.dtype}")
    check_trailing(x, layer.shape)
    if not (x.is_meta or torch.isfinite(x).all()):
        raise ValueError("the input holds NaN or infinity; a modulator shows finite values")
    return x.to(torch.promote_types(x.dtype, layer.a.dtype))  # as the layer itself does


def sent(layer: ACDC | AFDF, x: Tensor, planes: Planes) -> Field:
    """The field that the modulator sends out for x; errors as for :func:`checked`."""
    values = presentation_of(layer).encode(checked(layer, x), len(layer.shape))
    return Field(values, planes.input, planes.wavelength)


def scaled(layer: ACDC | AFDF, y: Tensor, gain: Tensor) -> Tensor:
    """The layer's output from its own, dimmed by the masks, as the detector's reference beam reads it."""
    y = y * gain.to(y.real)
    y = y.real if presentation_of(layer).real else y
    offset = layer.offset()
    return y if offset is None else y + offset.to(y)
