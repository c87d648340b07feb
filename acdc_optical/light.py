"""The light between the masks: from behind mask A, through mask D, to the camera."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from optics import Field, Grid, Mask, OpticalSystem, Plane


class Light(Protocol):
    """How the light behind mask A reaches the camera; linear in that light and in mask D."""

    @property
    def samples(self) -> int:
        """Numbers that the light of one input takes at its largest."""

    def __call__(self, field: Field, fourier_mask: Tensor) -> Field:
        """The light at the camera."""

    def arrived(self, field: Field) -> Callable[[Tensor], Field]:
        """The light at the camera as a function of mask D, once the light has come to the mask."""

    def trace(self, field: Field, fourier_mask: Tensor) -> list[Plane]:
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

    def __call__(self, field: Field, fourier_mask: Tensor) -> Field:
        return self._system(fourier_mask)(field)

    def arrived(self, field: Field) -> Callable[[Tensor], Field]:
        light: Field = self.to_mask(field)
        return lambda fourier_mask: self.to_camera(Mask(fourier_mask, self.pitch)(light))

    def trace(self, field: Field, fourier_mask: Tensor) -> list[Plane]:
        return self._system(fourier_mask).trace(field)[1:]

    def _system(self, fourier_mask: Tensor) -> OpticalSystem:
        return OpticalSystem(
            self.to_mask,
            Mask(fourier_mask, self.pitch),
            self.to_camera,
            names=("in front of mask D", "behind mask D", "at the camera"),
        )


def size(*grids: Grid) -> int:
    """Samples of the largest of some grids."""
    return max(math.prod(grid.shape) for grid in grids)
