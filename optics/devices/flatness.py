"""A device that is not flat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from optics.devices.steps import refuse
from optics.kernel import Kernel, double
from optics.screens import Quantity


@dataclass(frozen=True, eq=False)
class Flatness:
    """A device's surface as an optical path difference, one for each pixel: the mask times exp(2πi·opd/λ).

    Positive where the wave is retarded, POPPY's sign. A reflecting surface off by h has an opd of 2h.

    Attributes:
        opd: [m] at the centres of the pixels, shape of the mask or (draws, ...); None for a flat device.
        wavelength: [m].

    Raises:
        ValueError: a path difference or wavelength that is not finite, or a wavelength that is not positive.
    """

    opd: Tensor | None
    wavelength: Quantity

    def __post_init__(self) -> None:
        refuse(self.wavelength, "a wavelength [m]", above=0.0)
        if self.opd is not None:
            refuse(self.opd, "an optical path difference [m]")

    def __call__(self, mask: Tensor) -> Tensor:
        if self.opd is None:
            return mask
        phase = self.opd.double().cpu() * (2 * math.pi / double(self.wavelength))
        return mask * Kernel(torch.polar(torch.ones_like(phase), phase)).like(mask)


def random_flatness(shape: Sequence[int], rms: Quantity, *, seed: int, terms: int = 15) -> Tensor:
    """A path difference [m] of low order at random, of exactly the given rms over the pixels and mean 0.

    Its coefficients are independent and normal, of the same variance: POPPY's Zernike polynomials in Noll's order from
    index 2 on, over the circle through the corners of square pixels; in one dimension Legendre polynomials.

    Args:
        shape: pixels, (ny, nx) or (nx,).
        rms: [m]; a tensor of shape (draws, 1[, 1]) gives the one map in all these strengths, turned over
            where they are negative, as if drawn about 0.
        seed: of the coefficients.
        terms: how many polynomials, piston counted with them though it is taken away.

    Returns:
        float64, shape (ny, nx) or (nx,), behind that of the draws.

    Raises:
        ValueError: neither one nor two axes, fewer than two terms or pixels, or a number as rms that is negative.
    """
    if len(shape) not in (1, 2) or math.prod(shape) < 2 or terms < 2:
        raise ValueError(f"expected one or two axes, and at least 2 pixels and 2 terms; got {tuple(shape)} and {terms}")
    if not isinstance(rms, Tensor) and not rms >= 0:
        raise ValueError(f"an rms [m] must not be negative; got {rms}")
    coefficients = np.random.default_rng(seed).standard_normal(terms - 1)
    basis = _legendre(shape[0], terms) if len(shape) == 1 else _zernikes((shape[0], shape[1]), terms)
    path = np.tensordot(coefficients, basis, 1)
    path -= path.mean()
    return double(rms) * torch.from_numpy(path / np.sqrt(np.mean(path**2)))


def _legendre(pixels: int, terms: int) -> np.ndarray:
    x = (np.arange(pixels) - (pixels - 1) / 2) * (2 / pixels)
    return np.polynomial.legendre.legvander(x, terms - 1).T[1:]


def _zernikes(shape: tuple[int, int], terms: int) -> np.ndarray:
    from poppy.zernike import noll_indices, zernike  # takes a second or two to import

    y, x = ((np.arange(n) - (n - 1) / 2) / (math.hypot(*shape) / 2) for n in shape)
    rho, theta = np.hypot(y[:, None], x), np.arctan2(y[:, None], x)
    return np.stack([zernike(*noll_indices(noll), rho=rho, theta=theta) for noll in range(2, terms + 1)])
