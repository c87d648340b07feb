"""The light of a wave model anywhere on the bench, not only where masks and camera stand."""

from __future__ import annotations

from torch import Tensor

from acdc_optical.benches.planes import Planes
from acdc_optical.compilation.masks import Masks
from acdc_optical.light import pixels_of
from acdc_optical.realisation import OpticalLayer
from acdc_optical.waves.separable import Separable
from acdc_optical.waves.spaces import Paraxial, Space, part_of_arm
from acdc_optical.waves.wave import Wave
from optics import Field, Grid, Mask
from optics.near import near_integral
from optics.vignetting import vignetted_integral

_SAMPLES = {1: 1024, 2: 256}
"""Along each axis of the grid on which light is seen unless one is given."""

_ROUNDING = 1e-9


def light_at(optical: OpticalLayer, x: Tensor, z: float, output: Grid | None = None) -> Field:
    """The light at a distance z behind the modulator, up to the camera at 4f.

    However near to a lens or the mask, it is right to a millionth of its norm or refused; behind round stops to the
    model's own :meth:`~acdc_optical.waves.wave.Wave.sampling_error`.

    Args:
        optical: realised with the :class:`~acdc_optical.waves.wave.Wave` model.
        x: input, shape (..., *optical.shape).
        z: [m]. The lenses stand at f and 3f, where the light in front of them is given, and the mask at 2f, likewise.
        output: points on which to see the light; by default a window as wide as the lens or, close behind modulator
            and mask, as far as light has got.

    Returns:
        the field; behind each lens without free space's factor i^(-1/2) of each axis, as in a trace.

    Raises:
        TypeError: another model, which knows no light between its planes.
        ValueError: z off the bench; so near behind a lens or the mask that light takes more samples than fit in memory,
            or forever, or, at any angle, grazes the plane; at any angle behind a sine-corrected lens, which is known by
            what it does from focal plane to focal plane; an output that no light reaches.
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
    steps = _steps(planes, z)
    if len(steps) > 1 and _closed(space, planes):
        return Separable(_behind_lens(planes, planes.input, steps[1], output), output)(shown)
    return part_of_arm(space, planes.arm, planes.input, planes.mask, steps, output)(shown)


def _behind(model: Wave, masks: Masks, shown: Field, z: float, output: Grid) -> Field:
    """Between mask and camera, z behind the mask."""
    planes, steps = masks.planes, _steps(masks.planes, z)
    nodes = model.resolved_mask(planes)
    if _closed(model.space, planes):
        if len(steps) > 1:
            back = _behind_lens(planes, nodes, steps[1], output)
        else:
            axes = zip(nodes.axes, output.axes, strict=True)
            back = [near_integral(*axis, planes.wavelength * z) for axis in axes]
        return model.to_receivers(planes, nodes, back, output)(shown, masks.fourier_mask)
    if len(steps) == 1:
        nodes = model.near_mask(planes, z, output)
    arrived = model.space.forth(planes.arm, planes.input, nodes)(shown)
    lit = Mask(_divided(pixels_of(masks.fourier_mask), planes.mask, nodes), nodes.spacing)(arrived)
    return part_of_arm(model.space, planes.arm, planes.mask, planes.camera, steps, output)(lit)


def _divided(values: Tensor, pixels: Grid, parts: Grid) -> Tensor:
    """The values of pixels for the cells into which they are divided."""
    for axis, (n, whole) in enumerate(zip(parts.cells, pixels.cells, strict=True), -parts.ndim):
        values = values.repeat_interleave(n // whole, dim=axis)
    return values


def _closed(space: Space, planes: Planes) -> bool:
    """Whether the light of each axis is known in closed form."""
    return isinstance(space, Paraxial) and not (planes.mask.ndim == 2 and space.mixes_axes(planes.arm))


def _behind_lens(planes: Planes, source: Grid, distance: float, output: Grid) -> list[Tensor]:
    """For each axis, from a focal plane through the lens to a plane behind it."""
    widths = planes.arm.widths(planes.input, planes.mask)
    axes = zip(source.axes, output.axes, widths, strict=True)
    return [vignetted_integral(a, b, planes.arm.scale, w, planes.wavelength * distance) for a, b, w in axes]


def _steps(planes: Planes, z: float) -> tuple[float, ...]:
    """Free space in front of the lens, and behind it if z is there."""
    f = planes.focal_length
    return (z,) if z <= f else (f, z - f)
