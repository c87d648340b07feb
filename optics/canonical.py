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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from optics.kernel import double, number
from optics.screens import Quantity
from optics.waves import cis

# Glass of a plain lens: N-BK7 in visible light, to the digits that matter to how its tilt acts.
_INDEX = 1.52

# Of the light at the corners of both planes, that is left out where planes are turned against one another.
_LEFT_OUT = 1e-7

MOST_TURNED = 2.0
"""Radians by which a rotation may turn the light at the corners of planes."""


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
        squares = [_sine(t) ** 2 for t in self.tilt]
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


class Coupling(NamedTuple):
    """Planes that are turned against one another: exp(i·strength·(x·v - y·u)), in powers of x·v and y·u.

    Attributes:
        strength: 2π·sin α/(λB) [1/m²], float64.
        order: up to which powers are needed, both together.
        front, back: the largest (y, x) and (v, u), in which places are measured here [m]: powers of metres leave the
            range of single precision.
    """

    strength: Tensor
    order: int
    front: tuple[Tensor, Tensor]
    back: tuple[Tensor, Tensor]

    def factors(self) -> Tensor:
        """Of (x·v)^i·(y·u)^j, complex128, shape (..., order + 1, order + 1); what is beyond the order is not needed."""
        (y, x), (v, u) = self.front, self.back
        along = []
        for turned in (1j * self.strength * x * v, -1j * self.strength * y * u):
            shares = [torch.ones_like(turned)]  # of the exponential series
            for k in range(self.order):
                shares.append(shares[k] * turned / (k + 1))
            along.append(torch.stack(shares, -1))
        return along[0][..., :, None] * along[1][..., None, :]

    def powers(self, places: Tensor, largest: Tensor) -> Tensor:
        """Powers 0 … order of places in front or behind, in units of the largest, shape (..., order + 1, points)."""
        return torch.stack([(places / largest) ** k for k in range(self.order + 1)], -2)


def coupling(arm: LensArm, front: Sequence[Tensor], back: Sequence[Tensor]) -> Coupling:
    """How the axes of an arm are coupled between places (y, x) in front and (v, u) behind; of order 0 if not turned.

    Raises:
        ValueError: a rotation that turns the light at the rim by more than a few radians against where it should be.
    """
    scales = [arm.along(axis).scale for axis in (0, 1)]
    strength = torch.as_tensor(2 * math.pi * _sine(arm.turn) / ((scales[0] + scales[1]) / 2), dtype=torch.float64)
    y, x, v, u = (places.detach().abs().max() for places in (*front, *back))
    most = float(strength.detach().abs().max() * (x * v + y * u))
    if most > MOST_TURNED:
        raise ValueError(
            f"planes turned by {number(torch.as_tensor(arm.turn).detach().abs().max()):.3g} rad against each other "
            f"change the phase at their corners by {most:.2g} rad; this model holds for up to {MOST_TURNED:g}: use "
            "smaller rotations"
        )
    # Of a tensor, first and second derivatives are asked for also where it is zero.
    least = 2 if isinstance(arm.turn, Tensor) else 0
    order = next(k for k in range(least, 40) if most ** (k + 1) / math.factorial(k + 1) < _LEFT_OUT)
    # A power more where a slope is wanted, which has one less.
    return Coupling(strength, order + strength.requires_grad, (y, x), (v, u))


def carried(
    light: Tensor,
    arm: LensArm,
    front: Sequence[Tensor],
    back: Sequence[Tensor],
    summed: Callable[[int, Tensor], Tensor],
) -> Tensor:
    """Light through an arm, from places to places.

    Args:
        light: in front, shape (..., batch, *front).
        arm: what it passes; its draws come in front of the batch.
        front, back: places [m] for each axis, (y, x) or (x,), shape (..., points).
        summed: what is made of an axis's number and kernel, shape (..., front, back): weights of its integrals, say, or
            sums over some of its places.

    Raises:
        ValueError: see :func:`coupling`.
    """
    kernels = [lens_kernel(a, b, arm.along(axis)) for axis, (a, b) in enumerate(zip(front, back, strict=True))]
    if len(front) == 1:
        return _through(light, [summed(0, kernels[0])])
    coupled = coupling(arm, front, back)
    factors = coupled.factors().to(light)
    before, behind = (
        [coupled.powers(*each).movedim(-2, 0) for each in zip(places, largest, strict=True)]
        for places, largest in ((front, coupled.front), (back, coupled.back))
    )
    arrived = torch.zeros((), dtype=light.dtype, device=light.device)
    for i, j in ((i, total - i) for total in range(coupled.order + 1) for i in range(total + 1)):
        along_y = summed(0, kernels[0] * before[0][j][..., :, None] * behind[0][i][..., None, :])
        along_x = summed(1, kernels[1] * before[1][i][..., :, None] * behind[1][j][..., None, :])
        factor = factors[..., i, j]
        factor = factor[..., None, None, None] if factor.ndim else factor
        arrived = arrived + factor * _through(light, [along_y, along_x])
    return arrived


def turned(vector: Sequence[Quantity], rotation: Quantity) -> list[Quantity]:
    """A vector (y, x) of the table in the frame of a plane that is turned by a rotation [rad]; one of (x,) as it is."""
    if len(vector) == 1 or not (isinstance(rotation, Tensor) or rotation):
        return list(vector)
    (y, x), cosine, sine = vector, _cosine(rotation), _sine(rotation)
    return [cosine * y - sine * x, cosine * x + sine * y]


def _through(light: Tensor, kernels: Sequence[Tensor]) -> Tensor:
    """Light, shape (..., batch, *front), through a kernel for each axis, shape (..., front, back)."""
    kernels = [kernel.unsqueeze(-3).to(light) for kernel in kernels]
    light = light @ kernels[-1] if len(kernels) == 2 else (light.unsqueeze(-2) @ kernels[-1]).squeeze(-2)
    return kernels[0].mT @ light if len(kernels) == 2 else light


def _seen(plane: Stance, lens: LensStance, rotation: Quantity) -> list[Quantity]:
    """The centre of a plane from the axis of the lens, in a frame turned by a rotation."""
    return turned([double(p) - double(s) for p, s in zip(plane.shift, lens.shift, strict=True)], rotation)


def _room(value: Quantity, axes: int) -> Quantity:
    """With room for axes of points."""
    return value[(..., *(None,) * axes)] if isinstance(value, Tensor) and value.ndim else value


def _sine(angle: Quantity) -> Quantity:
    angle = double(angle)
    return angle.sin() if isinstance(angle, Tensor) else math.sin(angle)


def _cosine(angle: Quantity) -> Quantity:
    angle = double(angle)
    return angle.cos() if isinstance(angle, Tensor) else math.cos(angle)
