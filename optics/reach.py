"""Does a grid serve free space? How far light gets aside on its way, and what of it the samples hold.

The limits, and the three answers, are those of :mod:`optics.sampling`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from optics.grid import Axis, Grid
from optics.sampling import ROUNDING, blame, highest, short, step, warn

# Share of a grid's band that a band-limited propagator may cut without a word. What it cuts leaves the window.
_LEAST_BAND = 0.5


def check_transfer(window: float, spacing: float, distance: float, wavelength: float) -> None:
    """Ask whether a padded window resolves the Fresnel transfer function exp(-iπλz·ν²) up to its edge.

    Waves at the edge 1/(2·spacing) of the spectrum wander by λz/(2·spacing), which must not exceed half the window
    (Voelz and Roggemann, Appl. Opt. 48, 6132, 2009).

    Args:
        window: padded width [m].
        spacing, distance, wavelength: [m].

    Warns:
        SamplingWarning: the transfer function is aliased. Where the light holds no such waves it does no harm.
    """
    reach = window * spacing / wavelength
    if abs(distance) > reach * (1 + ROUNDING):
        needed = abs(distance) * wavelength / spacing
        warn(
            f"Fresnel transfer over {short(abs(distance))}: a padded window of {short(window)} serves "
            f"{short(reach)}; needs a padded window ≥ {short(needed)}, or FresnelTransform with an output grid"
        )


def check_angles(output: Grid, distance: float, name: str, widths: Sequence[float] | None = None) -> None:
    """Ask whether a paraxial wave can reach the rim of an output grid: as far aside as it goes on, it has ν = 1/λ.

    Args:
        output: the grid that light arrives on.
        distance: [m].
        name: of what propagates, for the message.
        widths: of where light comes from, along each axis [m]; the axis of the light by default.

    Raises:
        ValueError: the output reaches further beyond the light than the distance.
    """
    for axis, width in zip(output.axes, widths or (0.0,) * output.ndim, strict=True):
        if axis.extent > width + 2 * distance:
            raise ValueError(
                f"{name}: no travelling wave reaches the rim of an output of {short(axis.extent)}; "
                f"needs an extent ≤ {short(width + 2 * distance)}, and far less to be paraxial"
            )


def check_spread(source: Axis, output: Axis, wavelength: float, needed: float, wander: float, name: str) -> None:
    """Ask whether samples hold all waves that light needs on its way from their window to an output.

    Light that the window cuts off sends waves from its edge in all directions, and samples hold those up to
    :func:`highest`. Flat cells are not asked: what they send is known in every direction.

    Args:
        source, output: where light comes from and where it is wanted.
        wavelength: [m].
        needed: frequency up to which waves reach the output [1/m].
        wander: how far aside the highest waves go that the samples hold [m].
        name: of what propagates, for the message.

    Raises:
        ValueError: half of the output or more lies beyond all light that the samples hold.

    Warns:
        SamplingWarning: some of the waves are missing. Light that fades before the rim of its window has none of them.
    """
    held, apart, finer = highest(source), step(source), 1 / (2 * needed)
    if needed <= held * (1 + ROUNDING):
        return
    # Points below half a wavelength are what check_pitch refuses.
    served = len(source.cell) > 1 or finer >= wavelength / 2
    spacing = f"spacing ≤ {short(finer)}, " if served else ""
    blame(
        output.extent / (source.extent + 2 * wander),
        f"{name}: samples every {short(apart)} lack {1 - held / needed:.0%} of the waves from the edges of a window "
        f"of {short(source.extent)} to an output of {short(output.extent)}, and light up "
        f"{short(source.extent + 2 * wander)} at most; needs {spacing}flat cells, a smaller output or a greater "
        "distance",
    )


def check_band(axis: Axis, padding: float, distance: float, wavelength: float, name: str) -> None:
    """Ask how much of the band 1/(2·spacing) the band-limited angular spectrum keeps.

    It cuts waves above 1/(λ·√((2z/W)² + 1)), which wander further than half the padded window W (Matsushima and
    Shimobaba, Opt. Express 17, 19662, 2009, eq. 20). From a window padded twice such waves leave it anyway.

    Args:
        axis: the samples.
        padding: padded width over the axis's extent.
        distance, wavelength: [m].
        name: of what propagates, for the message.

    Raises:
        ValueError: all is cut but the plane wave.

    Warns:
        SamplingWarning: less than half of the band is kept.
    """
    window, reach = axis.extent * padding, 2 * abs(distance)
    limit = 1 / (wavelength * math.hypot(reach / window, 1.0))
    kept = 2 * axis.spacing * limit
    if kept >= _LEAST_BAND * (1 - ROUNDING):
        return
    widest = 2 * axis.spacing / (_LEAST_BAND * wavelength)  # of hypot(2z/W, 1)
    # Padded twice at least, or check_wrap would be the next to complain.
    wider = max(reach / math.sqrt(widest**2 - 1) if widest > 1 else math.inf, 2 * axis.extent)
    message = (
        f"{name}: a padded window of {short(window)} keeps {kept:.2g} of the band of samples every "
        f"{short(axis.spacing)}; needs a padded window ≥ {short(wider)} or spacing ≥ "
        f"{short(_LEAST_BAND / (2 * limit))}, or FresnelTransform with an output grid"
    )
    if limit * window < 1:
        raise ValueError(message)
    warn(message)


def check_wrap(axis: Axis, padding: float, wander: float, name: str) -> None:
    """Ask whether light that leaves the window on one side comes in again on the other.

    Light that wanders further than the padding is wide comes in again. Waves that wander further than half the padded
    window are the affair of :func:`check_transfer` and :func:`check_band`. Without padding the window is periodic on
    purpose and is not asked: look at the light, by :func:`~optics.inspection.inspect`.

    Args:
        axis: the samples.
        padding: padded width over the axis's extent.
        wander: of the steepest waves that the samples hold [m].
        name: of what propagates, for the message.

    Warns:
        SamplingWarning: such waves come in again.
    """
    guard = (padding - 1) * axis.extent
    if padding > 1 and guard * (1 + ROUNDING) < min(wander, padding * axis.extent / 2):
        warn(
            f"{name}: the steepest waves of samples every {short(axis.spacing)} wander by {short(wander)} and come "
            f"in again across a padding of {short(guard)}; needs padding ≥ {min(2.0, 1 + wander / axis.extent):.4g}"
        )


def check_far(grid: Grid, wavelength: float, distance: float, name: str) -> None:
    """Ask whether an output lies in the far field of a window: from 2D²/λ on its curvature πx²/λz is below π/8.

    Args:
        grid: where light comes from.
        wavelength, distance: [m].
        name: of what propagates, for the message.

    Warns:
        SamplingWarning: nearer, the curvature counts for light that fills the window.
    """
    for axis in grid.axes:
        far = 2 * axis.extent**2 / wavelength
        if (axis.size > 1 or axis.cell.width) and distance * (1 + ROUNDING) < far:
            warn(
                f"{name}: the far field of a window of {short(axis.extent)} begins at {short(far)}; needs a window ≤ "
                f"{short(math.sqrt(wavelength * distance / 2))}, or FresnelTransform"
            )
