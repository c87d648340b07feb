"""Free space from any grid to any other, by way of the plane waves in between.

The field is taken apart into plane waves by one Fourier integral, each wave is carried over the distance by its exact
phase, and a second integral puts them together on the output grid:

    U(r) = ∫ exp(2πi r·ν) · H(ν) · ∫ E(x)·exp(-2πi x·ν) dx dν

    angular spectrum   H = exp(2πiz·(√(1/λ² - ν²) - 1/λ))     exact for scalar waves
    Fresnel            H = exp(-iπλz·ν²)                      its paraxial limit

Only waves that go from somewhere on the source to somewhere on the output are needed. The spectrum is sampled up to
those, plus a margin in which it fades out smoothly: cut off sharply it would diffract as an aperture does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from scipy.fft import next_fast_len
from torch import Tensor, nn

from optics.field import Field
from optics.fourier import FourierIntegral
from optics.grid import Axis, Grid, check_dimensions
from optics.kernel import Kernel, Memo, double, number
from optics.lengths import over, positive
from optics.reach import check_angles, check_spread
from optics.sampling import check_pitch, highest, warn
from optics.screens import Quantity
from optics.waves import cis, squares

# Widths in units of √λz, the first Fresnel zone, over which edges blur on their way. The fading is an error function:
# 4.5 zones before its middle it differs from 1, and 4.5 behind it from 0, by 1e-10.
_FADING = 1.0
_MIDDLE = 4.5
_END = 9.0

# Grazing waves would need an endless window.
_STEEPEST = 0.9999

# Plane waves along an axis: more mean two planes almost in one, seen from the steepest angles.
_MOST_WAVES = 2**22

# Entries up to which a matrix is kept, and of the spectra that are carried at a time to make it: 64 MB in complex128.
_LARGEST_MATRIX = 2**22


class AngularSpectrumTransform(nn.Module):
    """Angular spectrum propagation onto a grid of its own: scalar waves at any angle, pixels of any kind.

    Args:
        distance: [m], positive; a tensor is differentiated through, as the field's wavelength is.
        output: grid to propagate to; a :func:`~optics.grid.flat` cell yields the mean over its active part.

    The cells of the source may be flat, too, or have nodes. What arrives outside the output grid is not computed and
    does not come back, so no padding is needed. Light that ends sharply at the rim of its window is right from flat
    pixels, to 1e-9, and from nodes that nobody complains of; points blur the edge by their spacing.

    Raises:
        ValueError: a distance that is not positive and finite, or what :meth:`check` refuses.
    """

    def __init__(self, distance: Quantity, output: Grid):
        super().__init__()
        self.distance, self.output = positive(distance, "distance"), output
        self._plans: Memo[_Plan] = Memo()

    def forward(self, field: Field) -> Field:
        plan = self._plans.get(self._plan, field.grid, field.wavelength, self.distance, self.output)
        return field.replace(plan(field.data), self.output)

    def check(self, grid: Grid, wavelength: float) -> Grid:
        """Ask whether a grid serves, for light of a wavelength [m]; the grid on which the light leaves.

        Raises:
            ValueError: grids of different dimension, or see :func:`~optics.sampling.check_pitch` and
                :func:`~optics.reach.check_spread`.

        Warns:
            SamplingWarning: see :func:`~optics.reach.check_spread`; flat cells less than a wavelength away.
        """
        name, distance = over("angular spectrum transform", positive(self.distance, "distance"))
        if distance < wavelength and any(axis.cell.width for axis in grid.axes):
            warn(f"{name}: within a wavelength of edges light is evanescent, too, which is left out; needs ≥ one")
        return _check_waves(_any_angle, grid, self.output, wavelength, distance, name)

    def _plan(self, source: Grid, wavelength: Quantity, distance: Quantity, output: Grid) -> _Plan:
        self.check(source, number(wavelength))
        return _Plan.of(_any_angle, source, wavelength, distance, output)

    def extra_repr(self) -> str:
        return f"distance={self.distance}"


class FresnelSpectrumTransform(nn.Module):
    """Fresnel (paraxial) propagation by plane waves; arguments and errors as :class:`AngularSpectrumTransform`.

    :class:`~optics.diffraction.FresnelTransform` is the same by one integral instead of two, for points and nodes only.
    Near the axis the axes do not mix: each is carried by itself, and where that is less work as one matrix.
    """

    def __init__(self, distance: Quantity, output: Grid):
        super().__init__()
        self.distance, self.output = positive(distance, "distance"), output
        self._plans: Memo[list[_AxisTransform]] = Memo()

    def forward(self, field: Field) -> Field:
        data = field.data
        plans = self._plans.get(self._plan, field.grid, field.wavelength, self.distance, self.output)
        for axis, carry in enumerate(plans, -field.grid.ndim):
            data = carry(data.movedim(axis, -1)).movedim(-1, axis)
        return field.replace(data, self.output)

    def check(self, grid: Grid, wavelength: float) -> Grid:
        """Ask whether a grid serves, for light of a wavelength [m]; the grid on which the light leaves.

        Raises:
            ValueError: as :meth:`AngularSpectrumTransform.check`, or see :func:`~optics.reach.check_angles`.

        Warns:
            SamplingWarning: as :meth:`AngularSpectrumTransform.check`.
        """
        name, distance = over("Fresnel spectrum transform", positive(self.distance, "distance"))
        behind = _check_waves(_near_the_axis, grid, self.output, wavelength, distance, name)
        check_angles(behind, distance, name, grid.extent)
        return behind

    def _plan(self, source: Grid, wavelength: Quantity, distance: Quantity, output: Grid) -> list[_AxisTransform]:
        self.check(source, number(wavelength))
        lines = [[axis.line for axis in grid.axes] for grid in (source, output)]
        plans = [_Plan.of(_near_the_axis, a, wavelength, distance, b) for a, b in zip(*lines, strict=True)]
        sizes = [a.shape[0] * b.shape[0] for a, b in zip(*lines, strict=True)]
        # Making a matrix is work for as many fields as the source has samples: the other axis brings that many.
        worth_it = [source.ndim == 2 and size <= _LARGEST_MATRIX for size in sizes]
        return [_Matrix.of(plan) if better else plan for plan, better in zip(plans, worth_it, strict=True)]

    def extra_repr(self) -> str:
        return f"distance={self.distance}"


_AxisTransform = Callable[[Tensor], Tensor]


class _Waves(NamedTuple):
    """Plane waves over a distance z.

    Attributes:
        turns: phase in turns for sine² = λ²ν² and z/λ.
        sine: λν of the wave that goes aside by so much of the distance.
        tangent: the inverse: how far aside, over the distance, a wave of λν goes.
        widening: of the first Fresnel zone there, over that on the axis: positions follow frequencies as z·tanθ.
        steepest: λν from which on no waves travel.
    """

    turns: Callable[[Tensor, Quantity], Tensor]
    sine: Callable[[float], float]
    tangent: Callable[[float], float]
    widening: Callable[[float], float]
    steepest: float


def _exact_turns(sine2: Tensor, z: Quantity) -> Tensor:
    """z/λ·(√(1 - sin²) - 1) without the difference of two large numbers; evanescent waves do not turn."""
    return -z * sine2 / (1 + torch.where(sine2 < 1, 1 - sine2, 1.0).sqrt())


_any_angle = _Waves(
    turns=_exact_turns,
    sine=lambda tan: tan / math.hypot(tan, 1),
    tangent=lambda sin: sin / math.sqrt(1 - sin**2),
    widening=lambda tan: math.hypot(tan, 1) ** 1.5,
    steepest=_STEEPEST,
)
_near_the_axis = _Waves(
    turns=lambda sine2, z: -z * sine2 / 2,
    sine=lambda tan: tan,
    tangent=lambda sin: sin,
    widening=lambda tan: 1.0,
    steepest=math.inf,
)


@dataclass(frozen=True)
class _Plan:
    """Takes a field apart, carries its waves, puts them together."""

    apart: FourierIntegral
    carried: Kernel
    together: FourierIntegral

    @classmethod
    def of(cls, waves: _Waves, source: Grid, wavelength: Quantity, distance: Quantity, output: Grid) -> _Plan:
        lengths = number(wavelength), number(distance)
        pairs = zip(source.axes, output.axes, strict=True)
        bands = [_Band.of(a, b, *lengths, waves) for a, b in pairs]
        spectrum = Grid([band.samples for band in bands], [band.step for band in bands])
        wavelength, distance = double(wavelength), double(distance)
        sine2 = wavelength**2 * squares(spectrum.coordinates)
        strength = (sine2.detach() < waves.steepest**2).double()
        for along, band in zip(spectrum.coordinates, bands, strict=True):
            strength = strength * band.fading(along)
        if source.ndim > 1:  # where both axes are steep, waves would end sharply at the last that travels
            corner = math.hypot(*(band.farthest for band in bands))
            strength = strength * _Fading.of(corner, *lengths, waves)(squares(spectrum.coordinates).sqrt())
        turns = waves.turns(sine2, distance / wavelength)
        carried = strength * cis(turns)
        return cls(FourierIntegral(source, spectrum, 1.0), Kernel(carried), FourierIntegral(spectrum, output, 1.0))

    def __call__(self, data: Tensor) -> Tensor:
        spectrum = self.apart(data) * self.carried.like(data)
        return self.together(spectrum.conj()).conj_physical()  # the inverse integral has the other sign


@dataclass(frozen=True)
class _Matrix:
    """All that a plan does along one axis, in one product."""

    values: Kernel

    @classmethod
    def of(cls, plan: _Plan) -> _Matrix:
        (samples,), (waves,) = plan.apart.source.shape, plan.apart.target.shape
        units = torch.eye(samples, dtype=torch.complex128).split(max(1, _LARGEST_MATRIX // waves))
        return cls(Kernel(torch.cat([plan(some) for some in units])))

    def __call__(self, data: Tensor) -> Tensor:
        return data @ self.values.like(data)


@dataclass(frozen=True)
class _Fading:
    """The strength of plane waves that are needed as far as they go aside by some distance.

    Attributes:
        middle, width: of the fading [1/m].
        limit: frequency from which on they are none [1/m].
        reach: how far those at the limit go aside [m].
    """

    middle: float
    width: float
    limit: float
    reach: float

    @classmethod
    def of(cls, farthest: float, wavelength: float, distance: float, waves: _Waves) -> _Fading:
        def frequency(walk: float) -> float:
            """Of the wave that goes aside by ``walk`` on its way."""
            return waves.sine(walk / distance) / wavelength

        zone = math.sqrt(wavelength * distance) * waves.widening(farthest / distance)
        reach = farthest + _END * zone
        middle, limit = frequency(farthest + _MIDDLE * zone), frequency(reach)
        return cls(middle, _FADING * (limit - middle) / (_END - _MIDDLE), limit, reach)

    def __call__(self, nu: Tensor) -> Tensor:
        return torch.special.erfc((nu.abs() - self.middle) / self.width) / 2


@dataclass(frozen=True)
class _Band:
    """Plane waves of one axis: ``samples`` of them, ``step`` [1/m] apart, that go aside by up to ``farthest`` [m]."""

    samples: int
    step: float
    farthest: float
    fading: _Fading

    @classmethod
    def of(cls, source: Axis, output: Axis, wavelength: float, distance: float, waves: _Waves) -> _Band:
        farthest = (source.extent + output.extent) / 2
        fading = _Fading.of(farthest, wavelength, distance, waves)
        limit = min(fading.limit, waves.steepest / wavelength, highest(source))
        end = min(fading.reach, distance * waves.tangent(wavelength * limit))
        # The sampled spectrum repeats the output every 1/step: no repetition may reach it.
        needed = 2 * limit * (farthest + end)
        if needed > _MOST_WAVES:
            raise ValueError(
                f"free space of {distance:.3g} m between windows of {source.extent:.3g} and {output.extent:.3g} m "
                f"needs {needed:.2g} plane waves along an axis; take a smaller window, or a plane farther away"
            )
        samples = next_fast_len(math.ceil(needed))
        return cls(samples, 2 * limit / samples, farthest, fading)


def _check_waves(waves: _Waves, source: Grid, output: Grid, wavelength: float, distance: float, name: str) -> Grid:
    check_dimensions(source, output)
    check_pitch(source, wavelength, name)
    for a, b in zip(source.axes, output.axes, strict=True):
        fading = _Fading.of((a.extent + b.extent) / 2, wavelength, distance, waves)
        needed, held = (min(frequency, waves.steepest / wavelength) for frequency in (fading.limit, highest(a)))
        wander = distance * waves.tangent(wavelength * held)
        check_spread(a, b, wavelength, needed, wander, name)
    return output
