"""A lens between two planes, none of which stands quite where it should: a linear canonical transform.

Near the axis, free space, a lens and free space together take light from a plane at d₁ in front of a lens of focal
length f to one at d₂ behind it by

    U(u) = (λB)^(-1/2) · ∫ E(x) exp(iπ(A x² - 2xu + D u²)/(λB)) dx,    A = 1 - d₂/f, B = d₁ + d₂ - d₁d₂/f, D = 1 - d₁/f

for each axis (Collins, J. Opt. Soc. Am. 60, 1168 (1970)), with x and u measured from the axis of the lens. At
d₁ = d₂ = f it is the Fourier integral of :mod:`optics.fourier`. Planes that are shifted or turned have coordinates of
their own. The phase of the light through the centres of both planes is left out: it is that of the reference beam.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from optics.kernel import double
from optics.screens import Quantity
from optics.waves import cis

# Glass of a plain lens: N-BK7 in visible light, to the digits that matter to how its tilt acts.
_INDEX = 1.52


@dataclass(frozen=True)
class Stance:
    """How a plane across the axis stands.

    Attributes:
        shift: [m] towards positive coordinates, (y, x) or (x,).
        defocus: [m] by which it stands too far down the table.
        rotation: [rad] about the optical axis, from x towards y.
    """

    shift: tuple[Quantity, ...]
    defocus: Quantity = 0.0
    rotation: Quantity = 0.0


@dataclass(frozen=True)
class LensStance:
    """How a lens stands, and what its focal length really is.

    A tilted thin lens is stronger, and stronger across the axis about which it is tilted (Coddington; Martin's formulas
    for spectacles): by 1 + sin²θ/(2n), and there by 1/cos²θ more. The little cross of both axes that a tilt about a
    slanting axis makes, tan θ_y·tan θ_x, is left out; so is that which a lens of two powers makes between planes turned
    against it.

    Attributes:
        shift: of its axis [m], (y, x) or (x,).
        tilt: [rad] by which it faces towards positive coordinates, likewise.
        focal_length: relative error.
    """

    shift: tuple[Quantity, ...]
    tilt: tuple[Quantity, ...]
    focal_length: Quantity = 0.0

    def focal_lengths(self, nominal: float) -> list[Quantity]:
        """Along each axis [m]."""
        squares = [sine(t) ** 2 for t in self.tilt]
        common = 1 + sum(squares[1:], squares[0]) / (2 * _INDEX)
        return [nominal * (1 + double(self.focal_length)) * (1 - s) / common for s in squares]


@dataclass(frozen=True)
class LensArm:
    """A lens with the planes in front of and behind it; numbers may be tensors, 0-dim or of shape (draws,).

    Attributes:
        wavelength: [m].
        focal_length: nominal; the planes are meant to stand at this distance [m].
        front, back: how the planes stand; their defocus is down the table.
        lens: how the lens stands.
    """

    wavelength: Quantity
    focal_length: float
    front: Stance
    back: Stance
    lens: LensStance

    @property
    def turn(self) -> Quantity:
        """Rotation of the back plane against the front [rad]."""
        return double(self.back.rotation) - double(self.front.rotation)

    def along(self, axis: int) -> AxisArm:
        """What it is along one axis, 0 for the first of (y, x)."""
        f = self.lens.focal_lengths(self.focal_length)[axis]
        d1 = self.focal_length - double(self.front.defocus)
        d2 = self.focal_length + double(self.back.defocus)
        b = d1 + d2 - d1 * d2 / f
        return AxisArm(
            a=1 - d2 / f,
            d=1 - d1 / f,
            scale=double(self.wavelength) * b,
            front=_seen(self.front, self.lens, self.back.rotation)[axis],
            back=_seen(self.back, self.lens, self.front.rotation)[axis],
            own_front=_seen(self.front, self.lens, self.front.rotation)[axis],
            own_back=_seen(self.back, self.lens, self.back.rotation)[axis],
            turned=_cosine(self.turn),
        )


class AxisArm(NamedTuple):
    """One axis of an arm.

    Attributes:
        a, d: A and D of the transform.
        scale: λB [m²].
        front, back: where the centres of the planes are, seen from the axis of the lens in the frame of the other [m].
        own_front, own_back: likewise, each in its own frame.
        turned: the cosine of the planes' rotation against each other.
    """

    a: Quantity
    d: Quantity
    scale: Quantity
    front: Quantity
    back: Quantity
    own_front: Quantity
    own_back: Quantity
    turned: Quantity


def lens_kernel(front: Tensor, back: Tensor, arm: AxisArm) -> Tensor:
    """The kernel of the transform along one axis, complex128, shape (draws, front, back) or (front, back).

    Args:
        front, back: places in the planes [m], from their centres, shape (..., points).
        arm: between them.
    """
    x, u = front[..., :, None], back[..., None, :]
    a, d, scale, x0, u0, own_x0, own_u0, turned = (_room(value, 2) for value in arm)
    # The squares and the product of x + x₀ and u + u₀, without what is the same for all x and u.
    turns = a * x * (x + 2 * own_x0) + d * u * (u + 2 * own_u0) - 2 * (turned * x * u + x * u0 + u * x0)
    return cis(turns / (2 * scale)) * scale**-0.5


class Phases(NamedTuple):
    """The kernel of :func:`lens_kernel` taken apart: what goes with both places, and what with one of them.

    Attributes:
        both: complex128, shape (..., front, back).
        front, back: phases, complex128, shape (..., front) and (..., back). The kernel is the product of all.
    """

    both: Tensor
    front: Tensor
    back: Tensor

    @classmethod
    def of(cls, front: Tensor, back: Tensor, arm: AxisArm) -> Phases:
        """Arguments as for :func:`lens_kernel`."""
        a, d, scale, x0, u0, own_x0, own_u0, turned = (_room(value, 1) for value in arm)
        over = _room(scale, 1)
        both = cis(-_room(turned, 1) * front[..., :, None] * back[..., None, :] / over) * over**-0.5
        alone = a * front * (front + 2 * own_x0) - 2 * front * u0, d * back * (back + 2 * own_u0) - 2 * back * x0
        return cls(both, *(cis(turns / (2 * scale)) for turns in alone))


def most_turns(arm: AxisArm, front: float, back: float) -> float:
    """Radians by which :attr:`Phases.both` turns at most from the middle of one plane to its rim.

    Args:
        arm: along one axis.
        front, back: the rims [m].
    """
    return float((2 * math.pi * front * back / torch.as_tensor(arm.scale).detach().abs()).max())


def turned(vector: Sequence[Quantity], rotation: Quantity) -> list[Quantity]:
    """A vector (y, x) of the table in the frame of a plane that is turned by a rotation [rad]; one of (x,) as it is."""
    if len(vector) == 1 or not (isinstance(rotation, Tensor) or rotation):
        return list(vector)
    (y, x), across, aside = vector, _cosine(rotation), sine(rotation)
    return [across * y - aside * x, across * x + aside * y]


def _seen(plane: Stance, lens: LensStance, rotation: Quantity) -> list[Quantity]:
    """The centre of a plane from the axis of the lens, in a frame turned by a rotation."""
    return turned([double(p) - double(s) for p, s in zip(plane.shift, lens.shift, strict=True)], rotation)


def _room(value: Quantity, axes: int) -> Quantity:
    """With room for axes of points."""
    return value[(..., *(None,) * axes)] if isinstance(value, Tensor) and value.ndim else value


def sine(angle: Quantity) -> Quantity:
    """Of an angle [rad], a number or a tensor."""
    angle = double(angle)
    return angle.sin() if isinstance(angle, Tensor) else math.sin(angle)


def _cosine(angle: Quantity) -> Quantity:
    angle = double(angle)
    return angle.cos() if isinstance(angle, Tensor) else math.cos(angle)
