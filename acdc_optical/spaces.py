"""Free space as a model of the bench takes it: near the axis, or at any angle.

What a space knows of an arm of the bench (free space, lens, free space) it tells in two ways: as the elements that
light meets, and, where the axes do not mix, as one matrix for each axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor, nn

from acdc_optical.planes import Arm
from optics import Axis, Circle, Field, Grid, Lens, OpticalSystem
from optics.sine import ReversedSineLens, SineLens
from optics.spectral import AngularSpectrumTransform, FresnelSpectrumTransform
from optics.vignetting import glass, vignetted_integral

# Fields pushed through a lens at a time to make its matrix; bounds the memory that takes.
_PUSHED = 32


class Space(Protocol):
    """How waves travel between the planes of an arm."""

    @property
    def density(self) -> float:
        """Samples on the lens over as many as its light is known to need."""

    def refined(self) -> Space:
        """The same with twice the samples."""

    def mixes_axes(self, arm: Arm) -> bool:
        """Whether a two-dimensional arm is more than the product of two one-dimensional ones."""

    def over(self, distance: float, output: Grid) -> nn.Module:
        """Free space onto a grid."""

    def matrix(self, arm: Arm, front: Axis, back: Axis, width: float) -> Tensor:
        """One axis of an arm: complex128, shape (front.size, back.size).

        Args:
            arm: the arm.
            front: pixels of the modulator or the camera.
            back: nodes in the mask's plane.
            width: of the opening in the lens [m].
        """

    def forth(self, arm: Arm, front: Grid, back: Grid) -> OpticalSystem:
        """The elements from the front focal plane to the back one, the mask's."""

    def back(self, arm: Arm, back: Grid, front: Grid) -> OpticalSystem:
        """The elements of the same arm met from behind: from the back focal plane to the front one, the camera's."""


@dataclass(frozen=True)
class Paraxial:
    """Fresnel's approximation: waves near the axis. Thin and sine-corrected lenses are then one and the same.

    Attributes:
        density: samples on the lens over as many as its light is known to need.
    """

    density: float = 1.0

    def refined(self) -> Paraxial:
        return replace(self, density=2 * self.density)

    def mixes_axes(self, arm: Arm) -> bool:
        return arm.lenses.stop == "round"

    def over(self, distance: float, output: Grid) -> nn.Module:
        return FresnelSpectrumTransform(distance, output)

    def matrix(self, arm: Arm, front: Axis, back: Axis, width: float) -> Tensor:
        return vignetted_integral(front, back, arm.scale, width)

    def forth(self, arm: Arm, front: Grid, back: Grid) -> OpticalSystem:
        return _thin(self, arm, front, back, back)

    def back(self, arm: Arm, back: Grid, front: Grid) -> OpticalSystem:
        return _thin(self, arm, front, back, front)


@dataclass(frozen=True)
class Scalar:
    """Scalar waves at any angle, by their angular spectrum. Here a thin lens shows its aberrations.

    Attributes:
        density: as for :class:`Paraxial`.
    """

    density: float = 1.0

    def refined(self) -> Scalar:
        return replace(self, density=2 * self.density)

    def mixes_axes(self, arm: Arm) -> bool:
        return True

    def over(self, distance: float, output: Grid) -> nn.Module:
        return AngularSpectrumTransform(distance, output)

    def matrix(self, arm: Arm, front: Axis, back: Axis, width: float) -> Tensor:
        source, target = (Grid(axis.cells, axis.spacing, axis.cell) for axis in (front, back))
        lens = self.forth(replace(arm, lenses=arm.lenses.replace(aperture=width)), source, target)
        unit = torch.eye(front.size, dtype=torch.complex128)
        return torch.cat([lens(Field(part, source, arm.wavelength)).data for part in unit.split(_PUSHED)])

    def forth(self, arm: Arm, front: Grid, back: Grid) -> OpticalSystem:
        if arm.lenses.design == "thin":
            return _thin(self, arm, front, back, back)
        opening = arm.opening(front, back)
        lens = SineLens(arm.focal_length, opening, _glass(self, arm, front, back), back)
        return OpticalSystem(lens, names=("in the focal plane",))

    def back(self, arm: Arm, back: Grid, front: Grid) -> OpticalSystem:
        if arm.lenses.design == "thin":
            return _thin(self, arm, front, back, front)
        opening = arm.opening(front, back)
        lens = ReversedSineLens(arm.focal_length, opening, _glass(self, arm, front, back), front)
        return OpticalSystem(lens, names=("in the focal plane",))


def _thin(space: Space, arm: Arm, front: Grid, back: Grid, output: Grid) -> OpticalSystem:
    """Free space, a thin lens, free space."""
    lit, opening = _glass(space, arm, front, back), arm.opening(front, back)
    pupil = opening if isinstance(opening, Circle) else None  # the glass ends where a rectangular opening does
    return OpticalSystem(
        space.over(arm.focal_length, lit),
        Lens(arm.focal_length, pupil),
        _Referenced(space.over(arm.focal_length, output)),
        names=("in front of the lens", "behind the lens", "in the focal plane"),
    )


def _glass(space: Space, arm: Arm, front: Grid, back: Grid) -> Grid:
    widths = arm.widths(front, back)
    if isinstance(arm.opening(front, back), Circle):
        widths = (max(widths),) * len(widths)
    return glass(widths, front, back, arm.scale, density=space.density)


class _Referenced(nn.Module):
    """The end of an arm: takes away the factor i^(-1/2) of each axis, as the reference beam of a detector does."""

    def __init__(self, space: nn.Module):
        super().__init__()
        self.space = space

    def forward(self, field: Field) -> Field:
        arrived: Field = self.space(field)
        return arrived.replace(arrived.data * complex(math.cos(math.pi / 4), math.sin(math.pi / 4)) ** field.grid.ndim)
