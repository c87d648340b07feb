"""Masks compiled for the lenses that stand on the bench, rather than for ideal ones.

The output is linear in the mask whatever the lenses do. Push each input to the mask's plane, pull each detector back to
it, multiply: that is the system of equations between mask values and outputs, and least squares solves it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from acdc_optical.benches.planes import Planes
from acdc_optical.compilation.methods import AxisMap
from acdc_optical.compilation.response import AxisResponse
from acdc_optical.waves.separable import pixel_responses
from acdc_optical.waves.spaces import Paraxial, Space
from acdc_optical.waves.wave import Wave, axis_matrices, returning
from optics import Grid


class Values(Protocol):
    """What the mask's pixels can hold."""

    def unknowns(self, system: Tensor) -> Tensor:
        """The system for real unknowns: complex, shape (equations, unknowns)."""

    def assembled(self, unknowns: Tensor) -> Tensor:
        """Mask values from the real unknowns, along the first dimension."""

    def taken_apart(self, values: Tensor) -> Tensor:
        """The real unknowns of mask values, along the first dimension."""


@dataclass(frozen=True)
class RealValues:
    """Signed amplitudes: phase 0 or π."""

    def unknowns(self, system: Tensor) -> Tensor:
        return system

    def assembled(self, unknowns: Tensor) -> Tensor:
        return unknowns

    def taken_apart(self, values: Tensor) -> Tensor:
        return values.real


@dataclass(frozen=True)
class ComplexValues:
    """Amplitude and phase."""

    def unknowns(self, system: Tensor) -> Tensor:
        return torch.cat((system, 1j * system), dim=1)

    def assembled(self, unknowns: Tensor) -> Tensor:
        return torch.complex(*unknowns.chunk(2))

    def taken_apart(self, values: Tensor) -> Tensor:
        return torch.cat((values.real, values.imag if values.is_complex() else torch.zeros_like(values)))


class Reading(Protocol):
    """What the camera reads of the field."""

    def equations(self, values: Tensor) -> Tensor:
        """What is read, as real numbers along the first dimension."""


@dataclass(frozen=True)
class WholeField:
    """Both quadratures: the output is to be right, and nothing besides it."""

    def equations(self, values: Tensor) -> Tensor:
        return torch.cat((values.real, values.imag))


@dataclass(frozen=True)
class InPhase:
    """The part in phase with the reference beam, as of a balanced homodyne receiver: any light in quadrature is unread.

    That leaves complex masks half of the equations, for one-dimensional real layers: in two dimensions, the
    quadratures of two axes make light in phase.
    """

    def equations(self, values: Tensor) -> Tensor:
        return values.real


@dataclass(frozen=True)
class Calibrated:
    """Masks solved for against the wave model of the bench, by least squares.

    Args:
        space: how waves travel; the model's, see :class:`~acdc_optical.waves.wave.Wave`.
        values: what the mask can hold; by default complex numbers for a complex layer, real ones for a real layer.
        reading: what the camera reads. Asked for the whole field, masks spend their freedom on both quadratures, and
            the one that a real layer is read from may lose by it; :class:`InPhase` asks for that one alone.
        weight: of the mask's mean |t|² against the mean squared error, over the mean square of the system's entries.
            More of it takes from solutions that burn light in large, alternating values.

    Raises:
        ValueError: when compiling, a bench whose axes mix (see :func:`calibrate`), real values or a reading in phase
            for a complex layer, or a reading in phase in two dimensions.
    """

    space: Space = Paraxial()
    values: Values | None = None
    reading: Reading = WholeField()
    weight: float = 1e-9

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and self.weight >= 0):
            raise ValueError(f"weight must be a finite number, 0 or more; got {self.weight}")
        if not isinstance(self.values, RealValues | ComplexValues | None):
            raise TypeError(f"expected RealValues() or ComplexValues() as values; got {self.values!r}")

    def axis_map(self, response: AxisResponse, pixels_per_coefficient: int) -> AxisMap:
        self._check(response)
        real = response.presentation.real
        values = self.values or (RealValues() if real else ComplexValues())
        system = lens_system(response, self.space, pixels_per_coefficient)
        wanted = response.between_coefficients().flatten(0, 1)
        solution = least_squares(
            self.reading.equations(values.unknowns(system)), self.reading.equations(wanted), self.weight
        )
        found = values.assembled(solution)
        missed = self.reading.equations(system @ found.to(system.dtype) - wanted).norm()
        matrix = response.presentation.unfold(found)
        return AxisMap(matrix, pixels_per_coefficient, float(missed / self.reading.equations(wanted).norm()))

    def _check(self, response: AxisResponse) -> None:
        if not response.alone and self.space.mixes_axes(response.arm):
            raise ValueError(
                "the axes of this bench mix (round stops, or waves at any angle): masks cannot be solved for axis by "
                "axis; use calibrate(), which solves for the whole plane, or square stops and paraxial waves"
            )
        if not response.presentation.real and not (
            isinstance(self.values, ComplexValues | None) and isinstance(self.reading, WholeField)
        ):
            raise ValueError("an AFDF layer is complex: it needs ComplexValues in the mask and the WholeField read")
        if not response.alone and isinstance(self.reading, InPhase):
            raise ValueError("in two dimensions the quadratures of both axes come back into phase; read the WholeField")


def lens_system(response: AxisResponse, space: Space, pixels_per_coefficient: int) -> Tensor:
    """Outputs by each independent mask value, for each input: complex128, shape (outputs·inputs, values)."""
    n, coefficient = response.modulator_pixels, response.arm.scale / (response.modulator_pixels * response.pitch)
    planes = Planes(
        response.arm.wavelength,
        response.arm.focal_length,
        input=Grid(n, response.pitch, response.pixels.input),
        mask=Grid(n * pixels_per_coefficient, coefficient / pixels_per_coefficient, response.pixels.mask),
        camera=Grid(n, response.pitch, response.pixels.camera),
        lenses=response.arm.lenses,
    )
    nodes = Wave(space).resolved_mask(planes)
    (forth,) = axis_matrices(space, planes.arm, planes.input, nodes)
    (seen,) = axis_matrices(space, planes.arm, planes.camera, nodes)
    back = returning(seen, planes.camera.axes[0], nodes.axes[0])
    # Inputs and outputs are fewer than pixels: fold them before they are multiplied.
    inputs = response.presentation.encode(torch.eye(response.n, dtype=torch.float64), 1).to(forth.dtype)
    outputs = response.presentation.decode(back, 1)
    passed = pixel_responses(inputs @ forth, outputs, planes.mask.cells[0])
    count = response.presentation.independent(planes.mask.cells[0])
    place = response.presentation.unfold(torch.arange(count)[:, None]).flatten()  # of each pixel among the independent
    together = passed.new_zeros(passed.shape[0], count, passed.shape[2]).index_add_(1, place, passed)
    return together.movedim(1, 2).flatten(0, 1)


def least_squares(system: Tensor, wanted: Tensor, weight: float) -> Tensor:
    """argmin of ‖system·x - wanted‖² + weight·‖system‖²/unknowns·‖x‖², real, shape (unknowns, columns)."""
    count = system.shape[1]
    ridge = (weight * system.square().sum() / count).sqrt() * torch.eye(count, dtype=system.dtype)
    stacked = torch.cat((wanted, wanted.new_zeros(count, wanted.shape[1])))
    return torch.linalg.lstsq(torch.cat((system, ridge)), stacked, driver="gels").solution
