"""Pulse-width modulation: stripes whose mean over each pixel is the pixel's value."""

from __future__ import annotations

import torch
from torch import Tensor


def joined_pulses(values: Tensor, begin: float, pitch: float) -> Tensor:
    """One edge per pixel; the first pixel begins with +1.

    Phase 0 lies to the left in one pixel and to the right in the next, so that the pulses of neighbours join: half as
    many edges as pulses in the middle of their pixels have, and twice the room between them.

    Args:
        values: of the pixels, from -1 to 1, shape (…, pixels).
        begin: of the first pixel.
        pitch: of the pixels.

    Returns:
        Edges, ascending, shape (…, pixels).
    """
    place = torch.arange(values.shape[-1])
    lit = (1 + values) / 2
    return begin + (place + torch.where(place % 2 == 0, lit, 1 - lit)) * pitch
