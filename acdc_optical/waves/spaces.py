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

from acdc_optical.benches.planes import Arm
from optics import Axis, Circle, Field, Grid, Lens, OpticalSystem, flat, point
from optics.kernel import Memo
from optics.near import check_grazing
from optics.sine import ReversedSineLens, SineLens
from optics.spectral import AngularSpectrumTransform, FresnelSpectrumTransform
from optics.units import format_length
from optics.vignetting import glass, mirrored, needed_rows, vignetted_integral

# Fields pushed through a lens at a time to make its matrix; bounds the memory that takes.
_PUSHED = 8

_MOST_SAMPLES = 2**24
"""On a lens or a mask: a quarter of a gigabyte for each field in complex128."""

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

    def remembering(self) -> Space:
        """The same, which keeps every matrix that it makes for as long as it lives: for work with one bench."""

    def steepest(self, wavelength: float) -> float:
        """Turns of the fastest waves there are, for a metre in a plane across the axis."""

    def check_step(self, source: Grid, output: Grid, wavelength: float, distance: float) -> None:
        """Refuse planes so near that it does not hold between them, with ValueError."""

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
        kept: matrices made; none are kept unless asked for by :meth:`remembering`.
    """

    density: float = 1.0
    angles: str = field(default="near the axis", init=False)
    kept: Memo[Tensor] | None = field(default=None, repr=False, compare=False)

    def finer(self, factor: float) -> Paraxial:
        return Paraxial(factor * self.density)

    def remembering(self) -> Paraxial:
        return replace(self, kept=Memo())

    def steepest(self, wavelength: float) -> float:
        return math.inf

    def check_step(self, source: Grid, output: Grid, wavelength: float, distance: float) -> None:
        """Any will do."""

    def mixes_axes(self, arm: Arm) -> bool:
        return arm.lenses.stop == "round"

    def over(self, distance: float, output: Grid) -> nn.Module:
        return FresnelSpectrumTransform(distance, output)

    def matrix(self, arm: Arm, front: Axis, back: Axis, width: float) -> Tensor:
        return (self.kept or Memo()).get(vignetted_integral, front, back, arm.scale, width)

    def forth(self, arm: Arm, front: Grid, back: Grid) -> OpticalSystem:
        return part_of_arm(self, arm, front, back, (arm.focal_length, arm.focal_length), back)

    def back(self, arm: Arm, back: Grid, front: Grid) -> OpticalSystem:
        return part_of_arm(self, arm, back, front, (arm.focal_length, arm.focal_length), front)


@dataclass(frozen=True)
class Scalar:
    """Scalar waves at any angle, by their angular spectrum. Here a thin lens shows its aberrations.

    Attributes:
        density, kept: as for :class:`Paraxial`.
    """

    density: float = 1.0
    angles: str = field(default="at any angle", init=False)
    kept: Memo[Tensor] | None = field(default=None, repr=False, compare=False)

    def finer(self, factor: float) -> Scalar:
        return Scalar(factor * self.density)

    def remembering(self) -> Scalar:
        return replace(self, kept=Memo())

    def steepest(self, wavelength: float) -> float:
        return 1 / wavelength

    def check_step(self, source: Grid, output: Grid, wavelength: float, distance: float) -> None:
        check_grazing(source, output, wavelength, distance)

    def mixes_axes(self, arm: Arm) -> bool:
        return True

    def over(self, distance: float, output: Grid) -> nn.Module:
        return AngularSpectrumTransform(distance, output)

    def matrix(self, arm: Arm, front: Axis, back: Axis, width: float) -> Tensor:
        return (self.kept or Memo()).get(self._pushed, arm, front, back, width)

    def _pushed(self, arm: Arm, front: Axis, back: Axis, width: float) -> Tensor:
        # A pixel that is a point sends waves of any angle, where points of a lattice stand for a band of them only.
        pinhole = Axis(front.cells, front.spacing, PINHOLE) if front.cell == point() else front
        source, target = (Grid(axis.cells, axis.spacing, axis.cell) for axis in (pinhole, back))
        arm = replace(arm, lenses=arm.lenses.replace(aperture=width))
        sent = pushed(self.forth(arm, source, target), source, arm.wavelength, needed_rows(pinhole, back))
        return mirrored(sent, front.size) * (front.weights / pinhole.weights)[:, None]

    def forth(self, arm: Arm, front: Grid, back: Grid) -> OpticalSystem:
        if arm.lenses.design == "thin":
            return part_of_arm(self, arm, front, back, (arm.focal_length, arm.focal_length), back)
        lit = _glass(self, arm, front, back, arm.focal_length, back)
        return OpticalSystem(SineLens(arm.focal_length, arm.opening(front, back), lit, back))

    def back(self, arm: Arm, back: Grid, front: Grid) -> OpticalSystem:
        if arm.lenses.design == "thin":
            return part_of_arm(self, arm, back, front, (arm.focal_length, arm.focal_length), front)
        opening = arm.opening(front, back)
        lens = ReversedSineLens(
            arm.focal_length, opening, _glass(self, arm, back, front, arm.focal_length, front), front
        )
        return OpticalSystem(lens)


def part_of_arm(space: Space, arm: Arm, source: Grid, far: Grid, steps: Sequence[float], output: Grid) -> OpticalSystem:
    """Free space over the first step, and if there is a second, a thin lens and free space over that [m].

    Behind the lens free space's factor i^(-1/2) of each axis is taken away, as the reference beam of a detector does.

    Args:
        space, arm: how waves travel, and where.
        source: pixels or nodes in the focal plane that light comes from.
        far: those at the other end of the arm.
        steps: the first reaches the lens if there is a second.
        output: where light is wanted.

    Raises:
        ValueError: light on the lens with more detail than fits in memory; planes so near that space does not hold.
    """
    first, *second = steps
    lit = _glass(space, arm, source, far, second[0], output) if second else output
    space.check_step(source, lit, arm.wavelength, first)
    if not second:
        return OpticalSystem(space.over(first, output))
    pupil = _pupil(arm, source, far)
    space.check_step(lit, output, arm.wavelength, second[0])
    lens, behind = Lens(arm.focal_length, pupil), space.over(second[0], output)
    return OpticalSystem(space.over(first, lit), lens, behind, _Referenced())


def pushed(system: nn.Module, source: Grid, wavelength: float, rows: int) -> Tensor:
    """The first rows of a one-dimensional system's matrix, complex128: what it makes of each sample of the source."""
    unit = torch.eye(rows, source.shape[0], dtype=torch.complex128)
    return torch.cat([system(Field(part, source, wavelength)).data for part in unit.split(_PUSHED)])


def _pupil(arm: Arm, front: Grid, back: Grid) -> Circle | None:
    opening = arm.opening(front, back)
    return opening if isinstance(opening, Circle) else None  # the glass ends where a rectangular opening does


def _glass(space: Space, arm: Arm, source: Grid, far: Grid, distance: float, output: Grid) -> Grid:
    """Samples on the lens for light from the source to an output at some distance behind the lens [m]."""
    widths = arm.widths(source, far)
    if isinstance(arm.opening(source, far), Circle):
        widths = (max(widths),) * len(widths)
    samples = glass(
        widths,
        source,
        output,
        arm.scale,
        reach=arm.wavelength * distance,
        steepest=space.steepest(arm.wavelength),
        density=space.density,
    )
    check_samples(f"a lens of {' × '.join(format_length(w, 4) for w in widths)}", samples.shape, distance)
    return samples


def check_samples(place: str, samples: Sequence[int], distance: float) -> None:
    """Refuse samples that do not fit in memory.

    Args:
        place: where they are.
        samples: along each axis.
        distance: from there to where light is wanted [m].

    Raises:
        ValueError: more than 2^24.
    """
    if math.prod(samples) > _MOST_SAMPLES:
        raise ValueError(
            f"light on {place} needs {' × '.join(map(str, samples))} samples to be right {format_length(distance, 4)} "
            "behind it; take a smaller aperture, a plane farther away, a smaller window or, near the axis, square "
            "stops, whose axes are computed one by one"
        )


class _Referenced(nn.Module):
    """Takes away the factor i^(-1/2) of each axis."""

    def forward(self, field: Field) -> Field:
        return field.replace(field.data * complex(math.cos(math.pi / 4), math.sin(math.pi / 4)) ** field.grid.ndim)
