"""The wave model: free space, lenses with edges, free space."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace

from torch import Tensor

from acdc_optical.benches.bench import Bench, Pixels
from acdc_optical.benches.planes import Arm, Planes
from acdc_optical.compilation.combs import Between, Comb
from acdc_optical.compilation.methods import Exact, Method
from acdc_optical.light import Light, Relay, size
from acdc_optical.waves.separable import PixelByPixel, Separable, pixel_responses
from acdc_optical.waves.spaces import Paraxial, Scalar, Space, check_samples
from optics import Axis, Circle, Grid, SamplingWarning, gauss
from optics.kernel import Kernel
from optics.units import format_length
from optics.vignetting import TURNS_PER_CELL, nodes_for, nodes_over, onward_turns, turns_per_metre

# Light in the planes of modulator and camera turns by at most a whole turn from edge to edge of a pixel.
_IN_A_PIXEL = 8


@dataclass(frozen=True)
class Wave:
    """The bench by waves: free space, lens, free space on either side of the mask; pixels as they are.

    The lenses are those of the bench, thin or sine-corrected, with their openings. In one dimension, and in two where
    openings are square and waves paraxial, an arm of the bench is a matrix for each axis, made once; otherwise light
    is propagated from plane to plane at every call.

    Attributes:
        space: :class:`~acdc_optical.waves.spaces.Paraxial`, or :class:`~acdc_optical.waves.spaces.Scalar` for any
            angle.
        density: samples across a mask pixel, over as many as its light is known to need.
        lens_error: what :func:`~acdc_optical.verification.verify` puts up with. Openings some four times as wide as
            the input leave 0.1 to 1 % of error with exact masks; set it to the error your use can bear.

    Raises:
        ValueError: when realised, lenses narrower than the modulator or the mask, or pixels under half a
            wavelength.

    Warns:
        SamplingWarning: lenses that clip light on its straight way between modulator, mask and camera.
    """

    space: Space = Paraxial()
    density: float = 1.0
    method: Method = Exact()
    between: Between = Comb()
    lens_error: float = 0.01

    def __post_init__(self) -> None:
        if not isinstance(self.space, Paraxial | Scalar):
            raise TypeError(f"expected Paraxial() or Scalar() as space; got {self.space!r}")
        if not (math.isfinite(self.density) and self.density > 0):
            raise ValueError(f"density must be a positive number; got {self.density}")

    def pixels(self, bench: Bench) -> Pixels:
        return bench.pixels()

    def sampling_error(self, planes: Planes) -> float:
        # The edge of a circle runs between samples, in whatever direction.
        return 1e-3 if planes.mask.ndim == 2 and planes.lenses.stop == "round" else 0.0

    def mixes_axes(self, planes: Planes) -> bool:
        return planes.mask.ndim == 2 and self.space.mixes_axes(planes.arm)

    def light(self, planes: Planes) -> Light:
        _check_bench(planes)
        mask = self.resolved_mask(planes)
        if self.mixes_axes(planes):
            forth = self.space.forth(planes.arm, planes.input, mask)
            onward = self.space.back(planes.arm, mask, planes.camera)
            return Relay(forth, onward, mask.spacing, size(planes.input, mask, planes.camera))
        seen = axis_matrices(self.space, planes.arm, planes.camera, mask)
        back = [returning(*axis) for axis in zip(seen, planes.camera.axes, mask.axes, strict=True)]
        return self.to_receivers(planes, mask, back, planes.camera)

    def to_receivers(self, planes: Planes, mask: Grid, back: list[Tensor], receivers: Grid) -> Light:
        """Light whose axes do not mix, from the modulator through the mask to receivers of any kind.

        Args:
            planes: of the bench.
            mask: its pixels, resolved.
            back: for each axis, from the mask's nodes to the receivers.
            receivers: where the light is wanted.
        """
        forth = axis_matrices(self.space, planes.arm, planes.input, mask)
        if mask.ndim == 1:
            largest = size(planes.input, mask, receivers)
            return Relay(Separable(forth, mask), Separable(back, receivers), mask.spacing, largest)
        rows, columns = (pixel_responses(*axis) for axis in zip(forth, back, planes.mask.cells, strict=True))
        looked_at = planes.mask.resolved(gauss(4, planes.mask.axes[0].cell.width))
        return PixelByPixel(
            Kernel(rows),
            Kernel(columns),
            mask=planes.mask,
            receivers=receivers,
            to_mask=Separable(axis_matrices(self.space, planes.arm, planes.input, looked_at), looked_at),
            samples=planes.input.shape[0] * columns.shape[0] * columns.shape[1],
        )

    def resolved_mask(self, planes: Planes) -> Grid:
        """The mask's pixels with as many nodes as the light of both arms needs."""
        widths = planes.arm.widths(planes.input, planes.mask)
        axes = zip(planes.input.axes, planes.mask.axes, widths, strict=True)
        turns = max(2 * turns_per_metre(a, b, planes.arm.scale, width) * b.spacing for a, b, width in axes)
        return planes.mask.resolved(gauss(math.ceil(self.density * nodes_for(turns)), planes.mask.axes[0].cell.width))

    def whole_pixels(self, pixels: Grid, fill: float = 1.0) -> Grid:
        return pixels.resolved(gauss(_IN_A_PIXEL, fill))

    def near_mask(self, planes: Planes, distance: float, output: Grid) -> Grid:
        """The mask in cells and nodes as small as light needs to go on to an output at some distance from it [m].

        Every pixel is one cell, or, where no gaps are between them, a whole number of cells.

        Raises:
            ValueError: more samples than fit in memory.
        """
        steepest, reach = self.space.steepest(planes.wavelength), planes.wavelength * distance
        widths = planes.arm.widths(planes.input, planes.mask)
        axes = zip(planes.input.axes, planes.mask.axes, output.axes, widths, strict=True)
        turns = self.density * max(
            (turns_per_metre(source, mask, planes.arm.scale, width) + min(onward_turns(mask, seen, reach), steepest))
            * mask.spacing
            for source, mask, seen, width in axes
        )
        check_samples("the mask", [math.ceil(n * turns) for n in planes.mask.cells], distance)  # one for each turn
        fill = planes.mask.axes[0].cell.width
        parts = math.ceil(turns / TURNS_PER_CELL) if fill == 1 else 1
        cells = Grid([parts * n for n in planes.mask.cells], [q / parts for q in planes.mask.spacing])
        nodes = cells.resolved(nodes_over(turns / parts, fill))
        check_samples("the mask", nodes.shape, distance)
        return nodes

    def remembering(self) -> Wave:
        """The same, which keeps the matrices of all arms it meets for as long as it lives."""
        return replace(self, space=self.space.remembering())

    def refined(self) -> Wave:
        return replace(self, space=self.space.finer(2), density=2 * self.density)


def axis_matrices(space: Space, arm: Arm, front: Grid, mask: Grid) -> list[Tensor]:
    """An arm of the bench as a matrix for each axis, from the front to the nodes of the mask.

    Axes that are alike share one.
    """
    made: dict[tuple[Axis, Axis, float], Tensor] = {}
    for key in zip(front.axes, mask.axes, arm.widths(front, mask), strict=True):
        if key not in made:
            made[key] = space.matrix(arm, *key)
    return [made[key] for key in zip(front.axes, mask.axes, arm.widths(front, mask), strict=True)]


def returning(matrix: Tensor, front: Axis, mask: Axis) -> Tensor:
    """The arm met from behind, shape (mask, front): by reciprocity its kernel is the transpose."""
    return (matrix / front.weights[:, None]).mT * mask.weights[:, None]


def _check_bench(planes: Planes) -> None:
    """Whether light gets from everywhere to everywhere."""
    widths = planes.arm.widths(planes.input, planes.mask)
    for width, front, back in zip(widths, planes.input.axes, planes.mask.axes, strict=True):
        if front.spacing < planes.wavelength / 2:
            raise ValueError(
                f"modulator pixels of {_short(front.spacing)} are less than half a wavelength of "
                f"{_short(planes.wavelength)}: their spectrum needs a mask wider than 2f, where no light goes"
            )
        if back.spacing < planes.wavelength / 2:
            raise ValueError(
                f"mask pixels of {_short(back.spacing)} are less than half a wavelength of "
                f"{_short(planes.wavelength)}; take a longer focal length, or fewer pixels per coefficient"
            )
        _check_lens(width, front.extent, back.extent)
    if isinstance(planes.arm.opening(planes.input, planes.mask), Circle):
        _check_lens(max(widths), math.hypot(*planes.input.extent), math.hypot(*planes.mask.extent))


def _check_lens(width: float, front: float, back: float) -> None:
    what = f"an opening of {_short(width)} for a modulator of {_short(front)} and a mask of {_short(back)}"
    fix = f"needs lenses.aperture ≥ {_short(front + back)}"
    if width < max(front, back) * (1 - 1e-9):
        raise ValueError(f"the lenses cut off what is in front of them: {what}; {fix}")
    if width < (front + back) * (1 - 1e-9):
        warnings.warn(f"the lenses clip: {what}; {fix}", SamplingWarning, stacklevel=4)


def _short(length: float) -> str:
    return format_length(length, digits=4)
