"""Which grid does a bench need? A lattice of points for light through free space, a thin lens, and free space again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.fft import next_fast_len

from optics.grid import Grid
from optics.sampling import steepest
from optics.units import format_length

_ROUNDING = 1e-9
"""A length that fits exactly but for rounding fits."""


def suggest_grid(
    *,
    wavelength: float,
    focal_length: float,
    aperture: float | Sequence[float],
    pitch: float | Sequence[float],
    extent: float | Sequence[float],
    field_of_view: float | Sequence[float],
    padding: float = 2.0,
    most: int = 2**26,
) -> Grid:
    """The smallest lattice of points that serves every plane of a 2f system, or of the halves of a 4f system.

    For λ, f, a lens of width D, and X the wider of the light in front and of what is looked at behind, geometry asks:

        spacing Δ ≤ λf/(D + X)      a point at the edge of the light fills the lens, whose phase is then resolved too
        window  W ≥ D, X, λf/(pΔ)   holds lens and light; the steepest waves λ/(2Δ) do not come in again, at padding p

    with λf/(2Δ(p-1)) where p is below 2, and λf/(2Δ) + (D + X)/2 for a periodic window, p = 1. The spacing divides the
    pixel pitch into whole numbers of cells, and pixels begin and end where cells do. Each axis is one for itself.

    Args:
        wavelength, focal_length: [m].
        aperture: width of the lens [m].
        pitch: of the pixels in the front plane [m].
        extent: of the light in the front plane [m], rounded up to whole pixels; one number for a 1-D grid, or two.
        field_of_view: extent of what is looked at in the back focal plane [m].
        padding: with which free space will be computed, 1 or more.
        most: samples of the padded window that can be afforded; by default 1 GiB for one field in complex128.

    Returns:
        The grid, for which :class:`~optics.propagation.FresnelTransfer` over f has no complaint, nor has the lens.

    Raises:
        ValueError: a length that is not positive and finite, a lens so fast that it needs spacings below λ/2, or a
            bench that needs more samples than can be afforded; the message says how many.

    >>> grid = suggest_grid(
    ...     wavelength=633e-9, focal_length=20e-3, aperture=2e-3, pitch=8e-6, extent=1e-3, field_of_view=1e-3
    ... )
    >>> grid.shape, grid.spacing
    ((500,), (4e-06,))
    """
    if not (math.isfinite(padding) and padding >= 1):
        raise ValueError(f"padding is the padded width over the field's, 1 or more; got {padding}")
    ndim = len(extent) if isinstance(extent, Sequence) else 1
    _positive("wavelength", wavelength), _positive("focal length", focal_length)
    lengths = {"aperture": aperture, "pitch": pitch, "extent": extent, "field of view": field_of_view}
    each = zip(*(_each(name, value, ndim) for name, value in lengths.items()), strict=True)
    plans = [_Plan.of(wavelength * focal_length, *along) for along in each]
    spacing = [plan.spacing for plan in plans]
    if min(spacing) < wavelength / 2:
        raise ValueError(
            f"the lens is too fast for any grid: it needs spacing ≤ {_short(min(spacing))}, below half a wavelength; "
            "take a smaller aperture or light, or a longer focal length"
        )
    cells = [plan.cells(focal_length * steepest(plan.spacing, wavelength), padding) for plan in plans]
    padded = math.prod(math.ceil(n * padding) for n in cells)
    if padded > most:
        size = " × ".join(map(str, cells))
        raise ValueError(
            f"the bench needs {size} samples every {_short(min(spacing))}, with padding {padded}, more than the {most} "
            "that can be afforded; take a smaller aperture or light, a longer focal length, or an ideal FourierLens"
        )
    return Grid(cells, spacing)


@dataclass(frozen=True)
class _Plan:
    """One axis: the spacing, in how many parts it divides how many pixels, and what the window must hold [m]."""

    spacing: float
    parts: int
    pixels: int
    aperture: float
    widest: float

    @classmethod
    def of(cls, scale: float, aperture: float, pitch: float, extent: float, view: float) -> _Plan:
        pixels = _ceil(extent / pitch)
        widest = max(pixels * pitch, view)
        parts = _ceil(pitch * (aperture + widest) / scale)
        return cls(pitch / parts, parts, pixels, aperture, widest)

    def cells(self, wander: float, padding: float) -> int:
        """How many cells, where the steepest waves wander so far [m] in one step through free space."""
        if padding == 1:
            least = wander + (self.aperture + self.widest) / 2
        else:  # check_transfer and check_wrap of optics.sampling
            least = max(self.aperture, self.widest, wander / min(padding - 1, padding / 2))
        cells = _ceil(least / self.spacing)
        cells += (cells - self.pixels * self.parts) % 2  # pixels begin and end where cells do
        while next_fast_len(math.ceil(cells * padding)) != math.ceil(cells * padding):
            cells += 2
        return cells


def _ceil(count: float) -> int:
    return math.ceil(count * (1 - _ROUNDING))


def _each(name: str, length: float | Sequence[float], ndim: int) -> list[float]:
    lengths = list(length) if isinstance(length, Sequence) else [length] * ndim
    if len(lengths) != ndim:
        raise ValueError(f"expected one {name} for each of the {ndim} axes of the extent; got {len(lengths)}")
    return [_positive(name, value) for value in lengths]


def _positive(name: str, length: float) -> float:
    if not (math.isfinite(length) and length > 0):
        raise ValueError(f"{name} must be a positive length in metres; got {length}")
    return length


def _short(length: float) -> str:
    return format_length(length, digits=4)
