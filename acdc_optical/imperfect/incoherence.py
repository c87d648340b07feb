"""Light of several colours and from several places of its source: samples whose fields do not interfere."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from torch import Tensor

from acdc_optical.benches.imperfections import LightErrors, Number, magnitude
from acdc_optical.benches.planes import Planes
from optics import Grid
from optics.kernel import double

# Gauss-Hermite nodes over what is not quite coherent, at least and at most, and what they may leave of the light whose
# phase changes most with colour or angle, between corners of all planes: in the mean it is a hundredth of that.
_SAMPLES, _MOST_SAMPLES, _LEFT = 5, 40, 1e-2


class Sample(NamedTuple):
    """Light of one colour from one place of its source.

    Attributes:
        weight: its share of all light.
        colour: by which it differs from the laser's wavelength [m].
        angles: from which it falls on the modulator [rad], (y, x) or (x,).
    """

    weight: float
    colour: Number
    angles: tuple[Number, ...]


def samples(light: LightErrors, planes: Planes) -> Iterator[Sample]:
    """Of colours and of angles, as many as the phases between corners of the planes need.

    Raises:
        ValueError: light so incoherent that it takes more than forty.
    """
    axes = range(planes.input.ndim)
    # Radians of phase for each metre of wavelength, and for each radian of angle, from corner to corner.
    ends = [(_rim(planes.input, axis) + _rim(planes.camera, axis)) * 2 * math.pi for axis in axes]
    inside = sum(end * _rim(planes.mask, axis) for axis, end in zip(axes, ends, strict=True))
    colours = _normal("light.bandwidth", light.bandwidth, inside / planes.focal_length / planes.wavelength**2)
    angles = [_normal("light.divergence", light.divergence, end / planes.wavelength) for end in ends]
    for (colour, share), *each in product(colours, *angles):
        weight = share * math.prod(share for _, share in each)
        yield Sample(weight, colour, tuple(angle for angle, _ in each))


def _rim(grid: Grid, axis: int) -> float:
    return grid.cells[axis] * grid.spacing[axis] / 2


def _normal(name: str, deviation: Number, radians: float) -> list[tuple[Number, float]]:
    """Places of a normal distribution and their shares (Gauss and Hermite); each unit is ``radians`` of phase."""
    if not isinstance(deviation, Tensor) and deviation == 0:
        return [(0.0, 1.0)]
    turned = radians * magnitude(deviation)
    for count in range(_SAMPLES, _MOST_SAMPLES + 1):
        places, weights = np.polynomial.hermite_e.hermegauss(count)
        shares = weights / weights.sum()
        if _left_out(places, shares, turned) < _LEFT:
            each = zip(places.tolist(), shares.tolist(), strict=True)
            return [(double(deviation) * place, share) for place, share in each]
    raise ValueError(
        f"{name} of {magnitude(deviation):.3g} changes the phase from corner to corner of the planes by {turned:.2g} "
        f"rad rms, which takes more than {_MOST_SAMPLES} samples: use light that is more coherent, or a smaller layer"
    )


def _left_out(places: np.ndarray, shares: np.ndarray, turned: float) -> float:
    """How far sums over places are at most from E[exp(icz)] = exp(-c²/2), for phases c of up to ``turned`` radians."""
    phases = np.linspace(0.0, turned, 50)
    return float(np.abs(np.cos(phases[:, None] * places) @ shares - np.exp(-(phases**2) / 2)).max())
