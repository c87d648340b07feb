"""Is the grid fine enough? What an element needs of the samples it is applied to, with the number and the fix.

A phase that turns by more than half a turn from one sample to the next is not the phase one meant: a lens becomes
several, a distance another one. Elements ask here when they first meet a grid.
"""

from __future__ import annotations

import math
import warnings

from optics.grid import Grid
from optics.units import format_length

# The limits below are where the phase begins to alias, at the very edge of the lit width. Twice beyond them, half
# of that width is aliased and the result means nothing.
_MEANINGLESS = 2.0


class SamplingWarning(UserWarning):
    """The grid does not resolve what an element does to the light; the message says by how much, and the fix."""


def check_curvature(grid: Grid, scale: float, name: str, width: float | None = None) -> None:
    """Ask whether samples resolve the phase πr²/scale of a lens or of a spherical wave.

    At the edge of a width D the phase turns by D/(2·scale) a metre, so samples must lie within scale/D of each other.
    Cells with several nodes are not asked: they are a quadrature, which one judges by refining it.

    Args:
        grid: the samples.
        scale: λf or λz [m²].
        name: of what has the phase, for the message.
        width: of the light on the grid [m], the grid's own extent by default.

    Raises:
        ValueError: half of the width or more is aliased.

    Warns:
        SamplingWarning: the edge is aliased.
    """
    for axis in grid.axes:
        lit, spacing = min(axis.extent, width or axis.extent), axis.spacing
        if axis.cells > 1 and len(axis.cell) == 1 and spacing > scale / lit:
            fix = f"needs spacing ≤ {_short(scale / lit)} or a width ≤ {_short(scale / spacing)}"
            _complain(spacing * lit / scale, f"{name}: samples every {_short(spacing)} over {_short(lit)}; {fix}")


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
    if abs(distance) > reach:
        needed = abs(distance) * wavelength / spacing
        _warn(
            f"Fresnel transfer over {_short(abs(distance))}: a padded window of {_short(window)} serves "
            f"{_short(reach)}; needs a padded window ≥ {_short(needed)}, or FresnelTransform with an output grid"
        )


def _complain(excess: float, message: str) -> None:
    # Rounding of a pitch that was chosen to fit exactly is no violation.
    if math.isclose(excess, 1.0, rel_tol=1e-9):
        return
    if excess > _MEANINGLESS:
        raise ValueError(message)
    _warn(message)


def _warn(message: str) -> None:
    warnings.warn(message, SamplingWarning, stacklevel=2)


def _short(length: float) -> str:
    return format_length(length, digits=4)
