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
from collections.abc import Callable, Iterator, Sequence
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

_MOST_TURNED = 2.0


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
    a, d, scale, x0, u0, own_x0, own_u0, turned = (_column(value) for value in arm)
    # The squares and the product of x + x₀ and u + u₀, without what is the same for all x and u.
    turns = a * x * (x + 2 * own_x0) + d * u * (u + 2 * own_u0) - 2 * (turned * x * u + x * u0 + u * x0)
    return cis(turns / (2 * scale)) * scale**-0.5


class Term(NamedTuple):
    """One product of powers in :class:`Coupling`.

    Attributes:
        factor: complex, 0-dim or of shape (draws,).
        powers: for each axis, by what its kernel is to be multiplied, shape (..., front, back).
    """

    factor: Tensor
    powers: tuple[Tensor, Tensor]


class Coupling(NamedTuple):
    """Planes that are turned against one another: exp(i·strength·(x·v - y·u)), in powers of x·v and y·u.

    Attributes:
        strength: 2π·sin α/(λB) [1/m²], float64.
        order: up to which powers are needed, both together.
    """

    strength: Tensor
    order: int

    def terms(self, front: Sequence[Tensor], back: Sequence[Tensor]) -> Iterator[Term]:
        """What all kernels together are made of, between places (y, x) in front and (v, u) behind [m]."""
        # Places over the largest: powers of metres leave the range of single precision.
        (y, x), (v, u) = ([places.detach().abs().max() for places in plane] for plane in (front, back))
        for i, j in ((i, total - i) for total in range(self.order + 1) for i in range(total + 1)):
            factor = (1j * self.strength * x * v) ** i * (-1j * self.strength * y * u) ** j
            along_y = (front[0] / y)[..., :, None] ** j * (back[0] / v)[..., None, :] ** i
            along_x = (front[1] / x)[..., :, None] ** i * (back[1] / u)[..., None, :] ** j
            yield Term(factor / (math.factorial(i) * math.factorial(j)), (along_y, along_x))


def coupling(arm: LensArm, front: Sequence[Tensor], back: Sequence[Tensor]) -> Coupling | None:
    """How the axes of an arm are coupled between places (y, x) in front and (v, u) behind; None if they are not.

    Raises:
        ValueError: a rotation that turns the light at the rim by more than a few radians against where it should be.
    """
    if len(front) < 2 or not (isinstance(arm.turn, Tensor) or arm.turn):
        return None
    scales = [arm.along(axis).scale for axis in (0, 1)]
    strength = torch.as_tensor(2 * math.pi * _sine(arm.turn) / ((scales[0] + scales[1]) / 2), dtype=torch.float64)
    y, x, v, u = (float(places.detach().abs().max()) for places in (*front, *back))
    most = float(strength.detach().abs().max()) * (x * v + y * u)
    if most > _MOST_TURNED:
        raise ValueError(
            f"planes turned by {number(torch.as_tensor(arm.turn).detach().abs().max()):.3g} rad against each other "
            f"change the phase at their corners by {most:.2g} rad; this model holds for up to {_MOST_TURNED:g}: use "
            "smaller rotations"
        )
    order = next(k for k in range(40) if most ** (k + 1) / math.factorial(k + 1) < _LEFT_OUT)
    return Coupling(strength, order + strength.requires_grad)  # a power more: a slope has one less


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
    coupled = coupling(arm, front, back)
    if coupled is None:
        return _through(light, [summed(axis, kernel) for axis, kernel in enumerate(kernels)])
    arrived = torch.zeros((), dtype=light.dtype, device=light.device)
    for term in coupled.terms(front, back):
        both = [summed(axis, kernels[axis] * powers) for axis, powers in enumerate(term.powers)]
        factor = term.factor[..., None, None, None] if term.factor.ndim else term.factor
        arrived = arrived + factor.to(light) * _through(light, both)
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


def _column(value: Quantity) -> Quantity:
    """With room for two axes of points."""
    return value[..., None, None] if isinstance(value, Tensor) and value.ndim else value


def _sine(angle: Quantity) -> Quantity:
    angle = double(angle)
    return angle.sin() if isinstance(angle, Tensor) else math.sin(angle)


def _cosine(angle: Quantity) -> Quantity:
    angle = double(angle)
    return angle.cos() if isinstance(angle, Tensor) else math.cos(angle)
