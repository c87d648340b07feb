"""The light of a wave model anywhere on the bench, not only where masks and camera stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from acdc_optical.compilation import Masks
from acdc_optical.planes import Planes
from acdc_optical.realisation import OpticalLayer
from acdc_optical.separable import Separable
from acdc_optical.spaces import PINHOLE, Paraxial, Space, part_of_arm, pushed
from acdc_optical.wave import Wave, returning
from optics import Field, Grid

_SAMPLES = {1: 1024, 2: 256}
"""Along each axis of the grid on which light is seen unless one is given."""

_ROUNDING = 1e-9

_STEEPEST = 8.0
"""How much nearer than f to a lens or a mask planes are computed with more samples there: the work grows by as much."""


def light_at(optical: OpticalLayer, x: Tensor, z: float, output: Grid | None = None) -> Field:
    """The light at a distance z behind the modulator, up to the camera at 4f.

    Args:
        optical: realised with the :class:`~acdc_optical.wave.Wave` model.
        x: input, shape (..., *optical.shape).
        z: [m]. The lenses stand at f and 3f, where the light in front of them is given, and the mask at 2f, likewise.
        output: points on which to see the light; by default a window as wide as the lens or, close behind modulator
            and mask, as far as light has got.

    Returns:
        the field; behind each lens without free space's factor i^(-1/2) of each axis, as in a trace.

    Raises:
        TypeError: another model, which knows no light between its planes.
        ValueError: z off the bench; in two dimensions just behind the second lens; at any angle behind a sine-corrected
            lens, which is known by what it does from focal plane to focal plane; an output that no light reaches.

    Warns:
        SamplingWarning: so close behind a lens that its samples lack some of the waves from its edge. More of them,
            by Paraxial(density=...) or Scalar(density=...), and a smaller output help.
    """
    model = optical.model
    if not isinstance(model, Wave):
        raise TypeError(f"only the Wave model knows light between the planes; this layer has {type(model).__name__}")
    masks = optical.masks()
    planes, f = masks.planes, masks.planes.focal_length
    if not 0 < z <= 4 * f * (1 + _ROUNDING):
        raise ValueError(f"z must lie on the bench, above 0 and up to 4f = {4 * f} m; got {z}")
    behind_mask = z > 2 * f * (1 + _ROUNDING)
    in_arm = z - 2 * f if behind_mask else z
    thin = planes.lenses.design == "thin" or isinstance(model.space, Paraxial)
    if not thin and in_arm > f:
        raise ValueError("behind a sine-corrected lens light is known in its focal planes only, which a trace shows")
    shown = optical.show(x, masks)
    output = output or _window(planes, planes.mask if behind_mask else planes.input, in_arm)
    if behind_mask:
        return _behind(model, masks, shown, in_arm, output)
    return _in_front(model.space, planes, shown, in_arm, output)


def _window(planes: Planes, source: Grid, z: float) -> Grid:
    """As wide as the lens, or as light that goes aside as far as it goes on."""
    count = _SAMPLES[planes.mask.ndim]
    widths = planes.arm.widths(planes.input, planes.mask)
    reached = [min(width, lit + 2 * z) for width, lit in zip(widths, source.extent, strict=True)]
    return Grid((count,) * len(widths), [width / count for width in reached])


def _in_front(space: Space, planes: Planes, shown: Field, z: float, output: Grid) -> Field:
    """Between modulator and mask."""
    if _mixed(space, planes):
        return part_of_arm(space, planes.arm, planes.input, planes.mask, _steps(planes, z), output)(shown)
    lines = zip(_lines(planes.input), _lines(planes.mask), _lines(output), strict=True)
    steps = _steps(planes, z)
    space = _finer(space, steps)
    systems = [(part_of_arm(space, planes.arm, a, b, steps, seen), a) for a, b, seen in lines]
    return Separable([pushed(system, a, planes.wavelength) for system, a in systems], output)(shown)


def _behind(model: Wave, masks: Masks, shown: Field, z: float, output: Grid) -> Field:
    """Between mask and camera, z behind the mask."""
    planes, steps = masks.planes, _steps(masks.planes, z)
    if planes.mask.ndim == 1 or _mixed(model.space, planes):
        lit = model.light(planes).trace(shown, masks.fourier_mask)[-2].field
        space = model.space if planes.mask.ndim == 2 else _finer(model.space, steps)
        return part_of_arm(space, planes.arm, planes.camera, planes.mask, steps, output)(lit)
    see = _seen_at_once if len(steps) == 1 else _seen_through_the_lens
    nodes, back = see(model, planes, steps, output)
    return model.between(planes, nodes, back, output)(shown, masks.fourier_mask)


def _seen_at_once(model: Wave, planes: Planes, steps: Sequence[float], output: Grid) -> tuple[Grid, list[Tensor]]:
    """The mask's pixels, resolved as light to a plane close to them needs it, and a matrix for each axis to there."""
    (z,) = steps
    nodes = replace(model, density=model.density * _nearness(planes.focal_length, z)).resolved_mask(planes)
    lines = list(zip(_lines(nodes), _lines(output), strict=True))
    made = {line: pushed(model.space.over(z, line[1]), line[0], planes.wavelength) for line in set(lines)}
    return nodes, [made[line] for line in lines]


def _seen_through_the_lens(
    model: Wave, planes: Planes, steps: Sequence[float], output: Grid
) -> tuple[Grid, list[Tensor]]:
    """Likewise from behind the lens: light goes there as light from there would go to the mask."""
    nodes, seen, steps = model.resolved_mask(planes), output.resolved(PINHOLE), steps[::-1]
    lines = zip(_lines(planes.camera), _lines(nodes), _lines(seen), strict=True)
    space = model.space.finer(_steepness(planes, steps))
    systems = [(part_of_arm(space, planes.arm, a, b, steps, b), hole) for a, b, hole in lines]
    views = [pushed(system, hole, planes.wavelength) for system, hole in systems]
    return nodes, [returning(*view) for view in zip(views, seen.axes, nodes.axes, strict=True)]


def _finer(space: Space, steps: Sequence[float]) -> Space:
    """With as many samples on the lens as light to a plane close behind it needs."""
    return space.finer(_nearness(*steps)) if len(steps) > 1 else space


def _nearness(focal_length: float, step: float) -> float:
    return min(_STEEPEST, focal_length / step)


def _steepness(planes: Planes, steps: Sequence[float]) -> float:
    """How much finer than usual the lens must be sampled for waves from pinholes as near to it as the first step."""
    steepness = planes.focal_length / steps[0]
    if steepness > _STEEPEST:
        raise ValueError(
            f"in two dimensions the light behind the second lens is computed from {1 / _STEEPEST:.3g} f on; got "
            f"{1 / steepness:.3g} f behind it"
        )
    return steepness


def _mixed(space: Space, planes: Planes) -> bool:
    return planes.mask.ndim == 2 and space.mixes_axes(planes.arm)


def _steps(planes: Planes, z: float) -> tuple[float, ...]:
    """Free space in front of the lens, and behind it if z is there."""
    f = planes.focal_length
    return (z,) if z <= f else (f, z - f)


def _lines(grid: Grid) -> list[Grid]:
    return [axis.line for axis in grid.axes]
