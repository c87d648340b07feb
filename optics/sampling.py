"""Is the grid fine enough? What an element needs of the samples it is applied to, with the number and the fix.

A phase that turns by more than half a turn from one sample to the next is not the phase one meant: a lens becomes
several, a distance another one. Elements ask here when they first meet a grid, and when a system is built for one.

Three answers are possible: silence; a :class:`SamplingWarning`, where light that the grid can hold would go wrong, and
the light at hand may hold it; ValueError, where whatever comes out means nothing. Geometry alone decides here;
:func:`~optics.inspection.inspect` looks at the light.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

from torch import Tensor

from optics.grid import Axis, Cell, Grid
from optics.units import format_length

# The limits below are where the phase begins to alias, at the very edge of the lit width. Twice beyond them, half
# of that width is aliased and the result means nothing.
_MEANINGLESS = 2.0

# Share of the steps between samples of a path difference.
_MOSTLY = 1 / 3

# Rounding of a pitch that was chosen to fit exactly is no violation.
_ROUNDING = 1e-9

# Share of a grid's band that a band-limited propagator may cut without a word. What it cuts leaves the window.
_LEAST_BAND = 0.5


class SamplingWarning(UserWarning):
    """The grid does not resolve what an element does to the light; the message says by how much, and the fix."""


def _integrated(cell: Cell) -> float:
    """Turns of a phase across a cell up to which its samples integrate a wave as they should.

    Samples in equal steps take any wave for one of no more turns than there are samples. Gauss nodes do not repeat:
    n of them are exact to degree 2n - 1, and a wave begins to need more some cube roots below that. Where they are
    said to stop, its integral is wrong by a hundredth of the cell (measured from n = 2 to 64).
    """
    steps = zip(cell.nodes[1:], cell.nodes, cell.weights, strict=False)
    if all(math.isclose(b - a, weight, rel_tol=_ROUNDING) for b, a, weight in steps):
        return float(len(cell))
    degree = 2 * len(cell)
    return (degree - 1.9 * math.cbrt(degree)) / (math.pi * math.fsum(cell.weights))


def highest(axis: Axis) -> float:
    """Spatial frequency up to which samples tell one wave from another [1/m]; no limit for flat cells."""
    return math.inf if axis.cell.width else 1 / (2 * _step(axis))


def steepest(spacing: float, wavelength: float) -> float:
    """Tangent of the angle to the axis of the steepest wave that samples hold; infinite from a spacing of λ/2 down."""
    sine = wavelength / (2 * spacing)
    return sine / math.sqrt(1 - sine**2) if sine < 1 else math.inf


def check_curvature(grid: Grid, scale: float, name: str, widths: Sequence[float] | None = None) -> None:
    """Ask whether samples resolve the phase πr²/scale of a lens or of a spherical wave.

    At the edge of a width D the phase turns by D/(2·scale) a metre, so samples must lie within scale/D of each other.
    Cells with several nodes are asked for the mean distance between those.

    Args:
        grid: the samples.
        scale: λf or λz [m²].
        name: of what has the phase, for the message.
        widths: of the light along each axis of the grid [m], the grid's own extent by default.

    Raises:
        ValueError: half of the width or more is aliased.

    Warns:
        SamplingWarning: the edge is aliased.
    """
    for axis, width in zip(grid.axes, widths or grid.extent, strict=True):
        lit, spacing = min(axis.extent, width), _step(axis)
        if axis.size > 1 and spacing > scale / lit:
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
    if abs(distance) > reach * (1 + _ROUNDING):
        needed = abs(distance) * wavelength / spacing
        _warn(
            f"Fresnel transfer over {_short(abs(distance))}: a padded window of {_short(window)} serves "
            f"{_short(reach)}; needs a padded window ≥ {_short(needed)}, or FresnelTransform with an output grid"
        )


def check_pitch(grid: Grid, wavelength: float, name: str) -> None:
    """Ask whether all waves that samples can hold travel: those of a spacing below λ/2 hold evanescent ones.

    They are where paraxial propagation makes travelling waves of what decays within a wavelength, and exact
    propagation loses them; and light that does travel needs no finer samples. An axis of one cell is not asked, nor
    are cells of several nodes: those are a quadrature, which may be refined at will.

    Args:
        grid: the cells.
        wavelength: [m].
        name: of what propagates, for the message.

    Raises:
        ValueError: a spacing below λ/2.
    """
    for axis in grid.axes:
        if axis.cells > 1 and len(axis.cell) == 1 and axis.spacing < wavelength / 2 * (1 - _ROUNDING):
            raise ValueError(
                f"{name}: cells every {_short(axis.spacing)} hold evanescent waves, which do not travel; "
                f"needs spacing ≥ {_short(wavelength / 2)}, half a wavelength"
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
                f"{name}: no travelling wave reaches the rim of an output of {_short(axis.extent)}; "
                f"needs an extent ≤ {_short(width + 2 * distance)}, and far less to be paraxial"
            )


def check_directions(back: Grid, focal_length: float) -> None:
    """Ask whether light comes to all places of a back focal plane: u = λfν, and no wave of ν > 1/λ travels.

    Args:
        back: the grid there.
        focal_length: [m].

    Raises:
        ValueError: it is wider than 2f.
    """
    widest = max(back.extent)
    if widest > 2 * focal_length * (1 + _ROUNDING):
        raise ValueError(
            f"a back focal plane of {_short(widest)} is wider than 2f = {_short(2 * focal_length)}, beyond which no "
            "light goes: needs an output extent ≤ 2f, or if it follows from the input, pixels of half a wavelength"
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
    held, step, finer = highest(source), _step(source), 1 / (2 * needed)
    if needed <= held * (1 + _ROUNDING):
        return
    # Points below half a wavelength are what check_pitch refuses.
    served = len(source.cell) > 1 or finer >= wavelength / 2
    spacing = f"spacing ≤ {_short(finer)}, " if served else ""
    _blame(
        output.extent / (source.extent + 2 * wander),
        f"{name}: samples every {_short(step)} lack {1 - held / needed:.0%} of the waves from the edges of a window "
        f"of {_short(source.extent)} to an output of {_short(output.extent)}, and light up "
        f"{_short(source.extent + 2 * wander)} at most; needs {spacing}flat cells, a smaller output or a greater "
        "distance",
    )


def check_held(axis: Axis, frequency: float, name: str) -> None:
    """Ask whether samples hold the waves that arrive on them.

    Args:
        axis: the samples.
        frequency: of the steepest such waves [1/m].
        name: of what they lie on, for the message.

    Raises:
        ValueError: half of the frequencies are aliased.

    Warns:
        SamplingWarning: the steepest waves are aliased.
    """
    _complain(
        frequency / highest(axis),
        f"{name}: samples every {_short(_step(axis))} alias the steepest waves that arrive; "
        f"needs spacing ≤ {_short(1 / (2 * frequency))}",
    )


def check_images(grid: Grid, output: Grid, scale: float, name: str) -> None:
    """Ask whether an output grid holds copies of the light: from samples Δ apart it repeats every scale/Δ.

    Cells of n nodes repeat n times as far out; flat cells have the envelope of their pixels and are not asked.

    Args:
        grid, output: before and behind the Fourier integral.
        scale: λf or λz [m²].
        name: of what propagates, for the message.

    Raises:
        ValueError: half of the output or more is copies.

    Warns:
        SamplingWarning: the output's rim is copies.
    """
    for axis, out in zip(grid.axes, output.axes, strict=True):
        period = scale / _step(axis)
        if axis.size > 1 and not axis.cell.width:
            fix = f"needs an output extent ≤ {_short(period)} or spacing ≤ {_short(axis.spacing * period / out.extent)}"
            problem = f"samples every {_short(axis.spacing)} repeat in an output of {_short(out.extent)}"
            _complain(out.extent / period, f"{name}: {problem}; {fix}")


def check_quadrature(grid: Grid, widths: Sequence[float], scale: float, name: str) -> None:
    """Ask whether Gauss nodes integrate the waves exp(2πi·x·u/scale) up to the edges of a width.

    Args:
        grid: the cells; points and flat cells are not asked.
        widths: twice the farthest u along each axis [m].
        scale: λf or λz [m²].
        name: of what propagates, for the message.

    Raises:
        ValueError: half of the width or more is wrong.

    Warns:
        SamplingWarning: its rim is.
    """
    for axis, width in zip(grid.axes, widths, strict=True):
        widest = 2 * scale * _integrated(axis.cell) / axis.spacing
        if len(axis.cell) > 1:
            problem = f"{len(axis.cell)} nodes in cells of {_short(axis.spacing)} integrate waves over {_short(widest)}"
            _complain(width / widest, f"{name}: {problem}, not {_short(width)}; needs more nodes or smaller cells")


def check_path(path: Tensor, wavelength: float, name: str) -> None:
    """Ask whether samples resolve the phase of a path difference: half a turn from one to the next at most.

    Args:
        path: the path difference on the samples [m]; NaN where it does not matter.
        wavelength: [m].
        name: of what has the path difference, for the message.

    Raises:
        ValueError: a third of the steps between samples, or more, is aliased: for defocus, half of its width.

    Warns:
        SamplingWarning: some are.
    """
    steps = [path.detach().diff(dim=dim).abs().flatten() / wavelength for dim in range(path.ndim)]
    turns = max((float(some.nan_to_num().max()) for some in steps if some.numel()), default=0.0)
    if turns > 0.5 * (1 + _ROUNDING):
        aliased = max(float((some > 0.5).sum() / (some >= 0).sum().clamp(min=1)) for some in steps if some.numel())
        message = f"{name}: its phase turns by {turns:.3g} from one sample to the next; needs {2 * turns:.3g} times as "
        message += "many samples along each axis, or a smaller aberration"
        if aliased > _MOSTLY:
            raise ValueError(message)
        _warn(message)


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
    if kept >= _LEAST_BAND * (1 - _ROUNDING):
        return
    widest = 2 * axis.spacing / (_LEAST_BAND * wavelength)  # of hypot(2z/W, 1)
    # Padded twice at least, or check_wrap would be the next to complain.
    wider = max(reach / math.sqrt(widest**2 - 1) if widest > 1 else math.inf, 2 * axis.extent)
    message = (
        f"{name}: a padded window of {_short(window)} keeps {kept:.2g} of the band of samples every "
        f"{_short(axis.spacing)}; needs a padded window ≥ {_short(wider)} or spacing ≥ "
        f"{_short(_LEAST_BAND / (2 * limit))}, or FresnelTransform with an output grid"
    )
    if limit * window < 1:
        raise ValueError(message)
    _warn(message)


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
    if padding > 1 and guard * (1 + _ROUNDING) < min(wander, padding * axis.extent / 2):
        _warn(
            f"{name}: the steepest waves of samples every {_short(axis.spacing)} wander by {_short(wander)} and come "
            f"in again across a padding of {_short(guard)}; needs padding ≥ {min(2.0, 1 + wander / axis.extent):.4g}"
        )


def _step(axis: Axis) -> float:
    """Mean distance of samples [m]."""
    return axis.spacing / len(axis.cell)


def _complain(excess: float, message: str) -> None:
    if excess > 1 + _ROUNDING:
        _blame(excess, message)


def _blame(excess: float, message: str) -> None:
    if excess > _MEANINGLESS * (1 + _ROUNDING):
        raise ValueError(message)
    _warn(message)


def _warn(message: str) -> None:
    warnings.warn(message, SamplingWarning, stacklevel=2)


def _short(length: float) -> str:
    return format_length(length, digits=4)
