"""Augmentation: training inputs moved and blurred by noise, at random but reproducibly.

Numbers are drawn from a generator on the CPU and then moved, so that every device sees the same ones.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import pad

Augmentation = Callable[[Tensor, torch.Generator], Tensor]
"""Changes a batch of inputs at random, drawing from the generator (of the CPU); keeps shape, dtype and device."""


def shift_and_noise(std: float) -> Augmentation:
    """Shift each image of a batch, shape (count, h, w), by at most one pixel along each axis, filling with zeros.

    Args:
        std: of the Gaussian noise added to every pixel.
    """

    def augment(images: Tensor, generator: torch.Generator) -> Tensor:
        count, height, width = images.shape
        rows = torch.randint(3, (count, 1), generator=generator) + torch.arange(height)
        columns = torch.randint(3, (count, 1), generator=generator) + torch.arange(width)
        places = torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]
        framed = pad(images, (1, 1, 1, 1))
        return framed[tuple(place.to(images.device) for place in places)] + _noise(images, std, generator)

    return augment


def roll_and_noise(most: int, std: float) -> Augmentation:
    """Roll each signal of a batch, shape (count, n), around its end by at most ``most`` samples to either side.

    Args:
        most: samples; 0 rolls nothing.
        std: of the Gaussian noise added to every sample.

    Raises:
        ValueError: ``most`` is negative.
    """
    if most < 0:
        raise ValueError(f"expected to roll by at most 0 samples or more; got {most}")

    def augment(signals: Tensor, generator: torch.Generator) -> Tensor:
        count, n = signals.shape
        shifts = torch.randint(-most, most + 1, (count, 1), generator=generator)
        sources = (torch.arange(n) - shifts) % n
        return signals.gather(-1, sources.to(signals.device)) + _noise(signals, std, generator)

    return augment


def _noise(like: Tensor, std: float, generator: torch.Generator) -> Tensor:
    return std * torch.randn(like.shape, dtype=like.dtype, generator=generator).to(like.device)
