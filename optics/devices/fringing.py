"""What the pixels of a modulator do where they meet: gaps that are not driven, and fields that fringe."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from optics.devices.parts import Parts, absent, drawn, per_axis
from optics.devices.steps import drive, like, numbers, refuse
from optics.screens import Quantity

# Of a Gaussian less than 1e-15 lies beyond so many standard deviations.
_FAR = 8.0

# A blur of no width, for quotients [pixels].
_SHARP = 1e-12


@dataclass(frozen=True, eq=False)
class DeadZone:
    """Gaps around the active central part of every pixel, which send on what they are and not what they are told.

    Attributes:
        fill: active fraction of a pixel's width, above 0 to 1; one number or one for each axis. In two dimensions its
            square is the areal fill of data sheets.
        reflectance: amplitude of the gaps, real or complex; 0 for opaque ones.

    Raises:
        ValueError: a fill that is not above 0 and at most 1, or a reflectance of modulus above 1.
    """

    fill: Quantity | Sequence[Quantity] = 1.0
    reflectance: complex | Tensor = 0.0

    def __post_init__(self) -> None:
        for fill in self.fill if isinstance(self.fill, Sequence) else (self.fill,):
            refuse(fill, "a fill", above=0.0, to=1.0)
        refuse(self.reflectance, "the modulus of a reflectance", to=1.0)

    def __call__(self, parts: Parts) -> Parts:
        fills = per_axis(self.fill, parts, "a fill")
        gap = drawn(self.reflectance, parts, "a reflectance")
        for axis, fill in enumerate(fills):
            if isinstance(fill, Tensor) or fill != 1:
                parts = _with_gaps(parts, axis, drawn(fill, parts, "a fill") / 2, gap)
        return parts


def _with_gaps(parts: Parts, axis: int, half: Tensor, gap: Tensor) -> Parts:
    parts, outside = bordered(parts, axis, 0.5 - half)
    value = gap.to(torch.promote_types(gap.dtype, parts.values.dtype)).reshape(*gap.shape, *[1] * (2 * parts.ndim))
    return Parts(torch.where(parts.along(axis, outside[0] | outside[1]), value, parts.values), parts.edges)


def bordered(parts: Parts, axis: int, width: Tensor) -> tuple[Parts, tuple[Tensor, Tensor]]:
    """The mask with pixels cut ``width`` from both borders [pixels], and which parts lie in the lower and upper border.

    Shapes (draws,) and (draws, P).
    """
    parts = parts.cut(axis, width - 0.5)
    low = parts.within(axis, (width - 0.5).detach())[..., None]  # the first part above the cut
    high = parts.within(axis, (0.5 - width).detach())[..., None]
    parts = parts.cut(axis, 0.5 - width)
    place = torch.arange(parts.edges[axis].shape[-1] - 1, device=low.device)
    return parts, (place < low, place > high)


@dataclass(frozen=True, eq=False)
class Crosstalk:
    """A fringing field: what a pixel is driven with reaches its neighbours, spread by a Gaussian.

    The drive is what blurs: the phase as commanded, from 0 to below 2π, and the modulus, each for itself. So where
    phases go from almost 2π to 0 all phases in between appear: the fly-back (phase 0 and π of a real mask likewise).
    Pixels at the rim go on beyond it. In every part stands the mean drive over it, in closed form: that of a box
    convolved with a Gaussian, separable. The light is wrong by second order
    in 1/parts: by 0.4 % with 8 parts, of random phases and σ = 0.3 pixels, where the blur itself changes 58 %.

    Attributes:
        sigma: standard deviation [m].
        pitch: pixel size [m]; one number or one for each axis.
        parts: in which each pixel is cut, equal ones.

    Raises:
        ValueError: a sigma that is negative or not finite, a pitch that is not positive, or no parts. When applied:
            pixels that are cut already.
    """

    sigma: Quantity
    pitch: float | Sequence[float]
    parts: int = 8

    def __post_init__(self) -> None:
        refuse(self.sigma, "a standard deviation [m]")
        if (numbers(self.sigma) < 0).any():
            raise ValueError(f"a standard deviation [m] must not be negative; got {self.sigma}")
        for pitch in self.pitch if isinstance(self.pitch, Sequence) else (self.pitch,):
            refuse(pitch, "a pitch [m]", above=0.0)
        if self.parts < 1:
            raise ValueError(f"crosstalk needs at least one part for each pixel; got {self.parts}")

    def __call__(self, parts: Parts) -> Parts:
        if absent(self.sigma):
            return parts
        if not parts.whole:
            raise ValueError("crosstalk comes first: it takes pixels that are not cut, as from whole(mask)")
        sigma = drawn(self.sigma, parts, "a standard deviation")
        modulus, phase, still = parts.values.abs(), drive(parts.values), parts.values
        edges = torch.linspace(-0.5, 0.5, self.parts + 1, dtype=torch.float64)
        for axis, pitch in enumerate(per_axis(self.pitch, parts, "a pitch")):
            dim = parts.part_dim(axis)
            weights = _weights(sigma.double() / pitch, edges.to(sigma.device))
            modulus, phase = (_blurred(each, weights, dim, parts.ndim) for each in (modulus, phase))
            still = still.repeat_interleave(self.parts, dim)
        shown = torch.polar(modulus, phase)
        sharp = sigma.detach().reshape(*sigma.shape, *[1] * (2 * parts.ndim)) == 0
        shown = torch.where(sharp, still.detach() + (shown - shown.detach()), shown)
        return Parts(shown, (like(edges.tolist(), parts.values),) * parts.ndim)


def _blurred(drive: Tensor, weights: Tensor, dim: int, ndim: int) -> Tensor:
    """Whole pixels along one axis, blurred, in parts; beyond the rim they go on. Weights of (draws, parts, reach)."""
    row, reach = drive.squeeze(dim).movedim(dim, -1), weights.shape[-1] // 2
    pixel = torch.arange(row.shape[-1], device=row.device)[:, None]
    around = row[..., (pixel + torch.arange(-reach, reach + 1, device=row.device)).clamp(0, row.shape[-1] - 1)]
    weights = weights.reshape(*weights.shape[:-2], *[1] * (2 * ndim - 2), *weights.shape[-2:])
    return (around @ weights.mT.to(around)).movedim((-2, -1), (dim - 1, dim))


def _weights(sigma: Tensor, edges: Tensor) -> Tensor:
    """What a part's mean drive has of its own pixel and those around it, shape (draws, parts, pixels).

    A box from a to b, convolved with a Gaussian, is Φ((x - a)/σ) - Φ((x - b)/σ); its mean is a difference of integrals
    of Φ. In pixels.
    """
    reach = math.ceil(1 + _FAR * float(sigma.detach().max()))
    borders = torch.arange(-reach, reach + 2, dtype=torch.float64, device=edges.device) - 0.5
    sums = _integral(edges[:, None] - borders, sigma[..., None, None]).diff(dim=-2)
    return -sums.diff(dim=-1) / edges.diff()[:, None]


def _integral(x: Tensor, sigma: Tensor) -> Tensor:
    """∫Φ(x/σ)dx = x·Φ(x/σ) + σ·φ(x/σ)."""
    z = x / torch.where(sigma > _SHARP, sigma, _SHARP)
    return x * torch.special.ndtr(z) + sigma * torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)
