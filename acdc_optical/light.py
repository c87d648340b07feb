"""The light between the masks: from behind mask A, through mask D, to the camera."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from optics import Field, Grid, Mask, Plane, StripedMask, Stripes

Pattern = Tensor | Stripes
"""What a mask is: the transmittance of its pixels, or stripes of phase 0 and π."""


class Light(Protocol):
    """How the light behind mask A reaches the camera; linear in that light and in mask D."""

    @property
    def samples(self) -> int:
        """Numbers that the light of one input takes at its largest."""

    def __call__(self, field: Field, fourier_mask: Pattern) -> Field:
        """The light at the camera."""

    def arrived(self, field: Field) -> Callable[[Tensor], Field]:
        """The light at the camera as a function of mask D, of pixels, once the light has come to the mask."""

    def trace(self, field: Field, fourier_mask: Pattern) -> list[Plane]:
        """The light at every plane that the model knows, the camera's last."""


@dataclass(frozen=True)
class Relay:
    """Light that is known sample by sample in the mask's plane: elements, mask D, elements.

    Attributes:
        to_mask, to_camera: elements Field -> Field.
        pitch: of mask D [m].
        samples: numbers that the light of one input takes at its largest.
    """

    to_mask: nn.Module
    to_camera: nn.Module
    pitch: tuple[float, ...]
    samples: int

    def __call__(self, field: Field, fourier_mask: Pattern) -> Field:
        light: Field = self.to_camera(mask_of(fourier_mask, self.pitch)(self.to_mask(field)))
        return light

    def arrived(self, field: Field) -> Callable[[Tensor], Field]:
        light: Field = self.to_mask(field)
        return lambda fourier_mask: self.to_camera(mask_of(fourier_mask, self.pitch)(light))

    def trace(self, field: Field, fourier_mask: Pattern) -> list[Plane]:
        mask = mask_of(fourier_mask, self.pitch)
        before = self.to_mask(field)
        behind = Plane("behind mask D", behind_mask(mask, before))
        return [Plane("in front of mask D", before), behind, Plane("at the camera", self.to_camera(mask(before)))]


def mask_of(pattern: Pattern, pitch: tuple[float, ...]) -> Mask | StripedMask:
    """A mask as light meets it; the pitch is that of its pixels [m]."""
    return StripedMask(pattern) if isinstance(pattern, Stripes) else Mask(pattern, pitch)


def pixels_of(pattern: Pattern) -> Tensor:
    """The transmittance of a mask's pixels.

    Raises:
        TypeError: it has none.
    """
    if isinstance(pattern, Stripes):
        raise TypeError(
            "this is for masks of pixels, and one here is made of stripes: compile pixels for it, as by Exact(), or "
            "use the light of the Continuous() model itself"
        )
    return pattern


def largest(pattern: Pattern) -> float:
    """max|t|."""
    return 1.0 if isinstance(pattern, Stripes) else float(pattern.detach().abs().max())


def behind_mask(mask: Mask | StripedMask, field: Field) -> Field:
    """The light right behind a mask, for a look at it; what goes on is ``mask(field)``."""
    return mask.crossed(field) if isinstance(mask, StripedMask) else mask(field)


def size(*grids: Grid) -> int:
    """Samples of the largest of some grids."""
    return max(math.prod(grid.shape) for grid in grids)
