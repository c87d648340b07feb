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
ROUNDING = 1e-9


class SamplingWarning(UserWarning):
    """The grid does not resolve what an element does to the light; the message says by how much, and the fix."""


def _integrated(cell: Cell) -> float:
    """Turns of a phase across a cell up to which its samples integrate a wave as they should.

    Samples in equal steps take any wave for one of no more turns than there are samples. Gauss nodes do not repeat:
    n of them are exact to degree 2n - 1, and a wave begins to need more some cube roots below that. Where they are
    said to stop, its integral is wrong by a hundredth of the cell (measured from n = 2 to 64).
    """
    steps = zip(cell.nodes[1:], cell.nodes, cell.weights, strict=False)
    if all(math.isclose(b - a, weight, rel_tol=ROUNDING) for b, a, weight in steps):
        return float(len(cell))
    degree = 2 * len(cell)
    return (degree - 1.9 * math.cbrt(degree)) / (math.pi * math.fsum(cell.weights))


def highest(axis: Axis) -> float:
    """Spatial frequency up to which samples tell one wave from another [1/m]; no limit for flat cells."""
    return math.inf if axis.cell.width else 1 / (2 * step(axis))


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
        lit, spacing = min(axis.extent, width), step(axis)
        if axis.size > 1 and spacing > scale / lit:
            fix = f"needs spacing ≤ {short(scale / lit)} or a width ≤ {short(scale / spacing)}"
            complain(spacing * lit / scale, f"{name}: samples every {short(spacing)} over {short(lit)}; {fix}")


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
        if axis.cells > 1 and len(axis.cell) == 1 and axis.spacing < wavelength / 2 * (1 - ROUNDING):
            raise ValueError(
                f"{name}: cells every {short(axis.spacing)} hold evanescent waves, which do not travel; "
                f"needs spacing ≥ {short(wavelength / 2)}, half a wavelength"
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
    if widest > 2 * focal_length * (1 + ROUNDING):
        raise ValueError(
            f"a back focal plane of {short(widest)} is wider than 2f = {short(2 * focal_length)}, beyond which no "
            "light goes: needs an output extent ≤ 2f, or if it follows from the input, pixels of half a wavelength"
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
    complain(
        frequency / highest(axis),
        f"{name}: samples every {short(step(axis))} alias the steepest waves that arrive; "
        f"needs spacing ≤ {short(1 / (2 * frequency))}",
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
        period = scale / step(axis)
        if axis.size > 1 and not axis.cell.width:
            fix = f"needs an output extent ≤ {short(period)} or spacing ≤ {short(axis.spacing * period / out.extent)}"
            problem = f"samples every {short(axis.spacing)} repeat in an output of {short(out.extent)}"
            complain(out.extent / period, f"{name}: {problem}; {fix}")


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
            problem = f"{len(axis.cell)} nodes in cells of {short(axis.spacing)} integrate waves over {short(widest)}"
            complain(width / widest, f"{name}: {problem}, not {short(width)}; needs more nodes or smaller cells")


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
    if turns > 0.5 * (1 + ROUNDING):
        aliased = max(float((some > 0.5).sum() / (some >= 0).sum().clamp(min=1)) for some in steps if some.numel())
        message = f"{name}: its phase turns by {turns:.3g} from one sample to the next; needs {2 * turns:.3g} times as "
        message += "many samples along each axis, or a smaller aberration"
        if aliased > _MOSTLY:
            raise ValueError(message)
        warn(message)


def step(axis: Axis) -> float:
    """Mean distance of samples [m]."""
    return axis.spacing / len(axis.cell)


def complain(excess: float, message: str) -> None:
    """Warn of a limit that is exceeded so many times; raise ValueError from twice on."""
    if excess > 1 + ROUNDING:
        blame(excess, message)


def blame(excess: float, message: str) -> None:
    """Warn, or raise ValueError from an excess of two on."""
    if excess > _MEANINGLESS * (1 + ROUNDING):
        raise ValueError(message)
    warn(message)


def warn(message: str) -> None:
    """Warn with a :class:`SamplingWarning`."""
    warnings.warn(message, SamplingWarning, stacklevel=2)


def short(length: float) -> str:
    """A length with unit and few digits, for a message."""
    return format_length(length, digits=4)
