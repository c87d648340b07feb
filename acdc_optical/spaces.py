"""Free space as a model of the bench takes it: near the axis, or at any angle.

What a space knows of an arm of the bench (free space, lens, free space) it tells in two ways: as the elements that
light meets, and, where the axes do not mix, as one matrix for each axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor, nn

from acdc_optical.planes import Arm
from optics import Axis, Circle, Field, Grid, Lens, OpticalSystem, flat, point
from optics.sine import ReversedSineLens, SineLens
from optics.spectral import AngularSpectrumTransform, FresnelSpectrumTransform
from optics.units import format_length
from optics.vignetting import glass, vignetted_integral

# Fields pushed through a lens at a time to make its matrix; bounds the memory that takes.
_PUSHED = 8

_LARGEST_LENS = 2**24
"""Samples on a lens: a quarter of a gigabyte for each field in complex128."""

PINHOLE = flat(1e-6)
"""A hole so much smaller than a pixel that a wave does not vary across it."""


class Space(Protocol):
    """How waves travel between the planes of an arm."""

    @property
    def angles(self) -> str:
        """At which angles to the axis it holds, in words."""

    @property
    def density(self) -> float:
        """Samples on the lens over as many as its light is known to need."""

    def finer(self, factor: float) -> Space:
        """The same with so many times the samples."""

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
    angles: str = field(default="near the axis", init=False)

    def finer(self, factor: float) -> Paraxial:
        return replace(self, density=factor * self.density)

    def mixes_axes(self, arm: Arm) -> bool:
        return arm.lenses.stop == "round"

    def over(self, distance: float, output: Grid) -> nn.Module:
        return FresnelSpectrumTransform(distance, output)

    def matrix(self, arm: Arm, front: Axis, back: Axis, width: float) -> Tensor:
        return vignetted_integral(front, back, arm.scale, width)

    def forth(self, arm: Arm, front: Grid, back: Grid) -> OpticalSystem:
        return part_of_arm(self, arm, front, back, (arm.focal_length, arm.focal_length), back)

    def back(self, arm: Arm, back: Grid, front: Grid) -> OpticalSystem:
        return part_of_arm(self, arm, front, back, (arm.focal_length, arm.focal_length), front)


@dataclass(frozen=True)
class Scalar:
    """Scalar waves at any angle, by their angular spectrum. Here a thin lens shows its aberrations.

    Attributes:
        density: as for :class:`Paraxial`.
    """

    density: float = 1.0
    angles: str = field(default="at any angle", init=False)

    def finer(self, factor: float) -> Scalar:
        return replace(self, density=factor * self.density)

    def mixes_axes(self, arm: Arm) -> bool:
        return True

    def over(self, distance: float, output: Grid) -> nn.Module:
        return AngularSpectrumTransform(distance, output)

    def matrix(self, arm: Arm, front: Axis, back: Axis, width: float) -> Tensor:
        # A pixel that is a point sends waves of any angle, where points of a lattice stand for a band of them only.
        pinhole = Axis(front.cells, front.spacing, PINHOLE) if front.cell == point() else front
        source, target = pinhole.line, back.line
        arm = replace(arm, lenses=arm.lenses.replace(aperture=width))
        sent = pushed(self.forth(arm, source, target), source, arm.wavelength)
        return sent * (front.weights / pinhole.weights)[:, None]

    def forth(self, arm: Arm, front: Grid, back: Grid) -> OpticalSystem:
        if arm.lenses.design == "thin":
            return part_of_arm(self, arm, front, back, (arm.focal_length, arm.focal_length), back)
        opening = arm.opening(front, back)
        lens = SineLens(arm.focal_length, opening, _glass(self, arm, front, back), back)
        return OpticalSystem(lens)

    def back(self, arm: Arm, back: Grid, front: Grid) -> OpticalSystem:
        if arm.lenses.design == "thin":
            return part_of_arm(self, arm, front, back, (arm.focal_length, arm.focal_length), front)
        opening = arm.opening(front, back)
        lens = ReversedSineLens(arm.focal_length, opening, _glass(self, arm, front, back), front)
        return OpticalSystem(lens)


def part_of_arm(space: Space, arm: Arm, front: Grid, back: Grid, steps: Sequence[float], output: Grid) -> OpticalSystem:
    """Free space over the first step, and if there is a second, a thin lens and free space over that [m].

    Behind the lens free space's factor i^(-1/2) of each axis is taken away, as the reference beam of a detector does.
    """
    first, *second = steps
    if not second:
        return OpticalSystem(space.over(first, output))
    lit, pupil = _glass(space, arm, front, back), _pupil(arm, front, back)
    lens, behind = Lens(arm.focal_length, pupil), space.over(second[0], output)
    return OpticalSystem(space.over(first, lit), lens, behind, _Referenced())


def pushed(system: nn.Module, source: Grid, wavelength: float) -> Tensor:
    """A one-dimensional system as a matrix, by what it makes of each sample: shape (source, output), complex128."""
    parts = torch.arange(source.shape[0]).split(_PUSHED)
    units = (nn.functional.one_hot(part, source.shape[0]).to(torch.complex128) for part in parts)
    return torch.cat([system(Field(unit, source, wavelength)).data for unit in units])


def _pupil(arm: Arm, front: Grid, back: Grid) -> Circle | None:
    opening = arm.opening(front, back)
    return opening if isinstance(opening, Circle) else None  # the glass ends where a rectangular opening does


def _glass(space: Space, arm: Arm, front: Grid, back: Grid) -> Grid:
    widths = arm.widths(front, back)
    if isinstance(arm.opening(front, back), Circle):
        widths = (max(widths),) * len(widths)
    samples = glass(widths, front, back, arm.scale, density=space.density)
    if math.prod(samples.shape) > _LARGEST_LENS:
        raise ValueError(
            f"light on a lens of {' × '.join(format_length(w, 4) for w in widths)} needs "
            f"{' × '.join(map(str, samples.shape))} samples; take a smaller aperture or, near the axis, square stops, "
            "whose axes are computed one by one"
        )
    return samples


class _Referenced(nn.Module):
    """Takes away the factor i^(-1/2) of each axis."""

    def forward(self, field: Field) -> Field:
        return field.replace(field.data * complex(math.cos(math.pi / 4), math.sin(math.pi / 4)) ** field.grid.ndim)
