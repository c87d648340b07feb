"""The light of a bench whose parts are not where they should be: from mask A to the camera, in the continuous model.

What shows a value of the input, or lets light through with one transmittance, is a segment: a pixel, or a part of one.
Along each axis, light goes from segment j of mask A through segment s of mask D to camera pixel i by R[s, j, i], which
is integrated over all three by Gauss's rule; in two dimensions, with R' and R of the axes y and x,

    y[k, i] = Σ E[l, j]·D[t, s]·R'[t, l, k]·R[s, j, i]

Where planes are turned against one another the axes are coupled, and light is followed from node to node instead.
Several benches are computed together: their draws are the first dimension of everything that differs between them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from acdc_optical.benches.imperfections import Imperfections, LensPlacement, Number, Placement, magnitude
from acdc_optical.benches.planes import Planes
from acdc_optical.imperfect.segments import Nodes, in_a_row, steps, through_segments
from acdc_optical.imperfect.turned_light import Between, TurnedArm, through_mask
from optics.canonical import LensArm, LensStance, Phases, Stance, lens_kernel, most_turns, turned
from optics.coupling import MOST_TURNED, coupling
from optics.kernel import double
from optics.waves import cis

# Places in the plane of mask D that tell the light, over pixels of the camera, about; see Between.
_BETWEEN = 3

Edges = Sequence[Tensor]
"""For each axis, where the parts of a pixel begin and end, shape (..., parts + 1).

See :class:`~optics.devices.parts.Parts`."""


@dataclass(frozen=True)
class Table:
    """Where everything on a bench really stands, and what light shines on it.

    Attributes:
        planes: where everything should be.
        forth, back: the arms from the modulator to mask D, and from there to the camera.
        tilt: of the light that falls on the modulator, and of its reference beam [turns/m], (y, x) or (x,).
    """

    planes: Planes
    forth: LensArm
    back: LensArm
    tilt: tuple[Number, ...]

    @property
    def turned(self) -> bool:
        """Whether planes are turned against one another."""
        return any(isinstance(arm.turn, Tensor) or arm.turn for arm in (self.forth, self.back))

    def lit(self, axis: int, places: Tensor) -> Tensor:
        """The light that falls on the modulator, along an axis of it, complex128, shape (..., segments, nodes)."""
        return _plane_wave(self.tilt, self.forth.wavelength, self.forth.front, axis, places)

    def reference(self, axis: int, places: Tensor) -> Tensor:
        """The conjugate of the reference beam along an axis of the camera, likewise."""
        upside_down = [-tilt for tilt in self.tilt]
        return _plane_wave(upside_down, self.back.wavelength, self.back.back, axis, places).conj()

    @classmethod
    def of(cls, planes: Planes, wrong: Imperfections, *, angles: Sequence[Number] = (), colour: Number = 0.0) -> Table:
        """A bench with the places and the wavelength that are said to be wrong.

        Args:
            planes: of the bench.
            wrong: what is wrong.
            angles: from which light, with its reference beam, falls on the modulator [rad], (y, x) or (x,).
            colour: by which both differ from the laser's wavelength [m].

        Raises:
            ValueError: an imperfection along y on a bench that has no y.
        """
        axes = planes.input.ndim
        _check_axes(wrong, axes)
        modulator, mask, camera = (_stance(p, axes) for p in (wrong.modulator, wrong.fourier_mask, wrong.camera))
        first, second = (_lens(lens, axes) for lens in (wrong.first_lens, wrong.second_lens))
        wavelength = planes.wavelength + double(wrong.light.wavelength) + double(colour)
        forth = LensArm(wavelength, planes.focal_length, modulator, mask, first)
        back = LensArm(wavelength, planes.focal_length, mask, camera, second)
        return cls(planes, forth, back, tuple(double(angle) / wavelength for angle in angles) or (0.0,) * axes)


@dataclass(frozen=True)
class ImperfectLight:
    """The light of a bench as it stands, for masks whose pixels are cut in given parts.

    Attributes:
        table: the bench.
        shown, mask: parts of the pixels of mask A and of mask D.
        nodes: for a pixel along each axis; parts of one have as many as make them as exact.
    """

    table: Table
    shown: Edges
    mask: Edges
    nodes: int

    def __call__(self, field: Tensor, mask: Tensor) -> Tensor:
        """The mean of the field over the active part of every camera pixel, complex.

        Args:
            field: behind mask A, shape (..., batch, pixels, parts) or (..., batch, y, parts, x, parts).
            mask: the values of mask D, shape (..., pixels, parts) or (..., y, parts, x, parts).

        Returns:
            shape (..., batch, *camera pixels).
        """
        axes = len(self.mask)
        dtype = (field.real.dtype if field.is_complex() else field.dtype).to_complex()
        light, values = in_a_row(field, axes).to(dtype), in_a_row(mask, axes).to(field.device, dtype)
        if axes == 1 or self.table.turned or self._finely_cut(light, values):
            return _NodeByNode(self)(light, values)
        return through_segments(light, values, *(response.to(light) for response in self.responses))

    def _finely_cut(self, light: Tensor, values: Tensor) -> bool:
        """Whether there are so many segments that it takes fewer steps to follow the light from node to node."""
        camera, nodes = self.table.planes.camera.cells, [plane.flat.shape[-1] for plane in self.masked]
        few = _BETWEEN * max(camera)
        by_nodes = light.shape[-3] * sum(few * math.prod(nodes) + few**2 * n for n in nodes)
        return by_nodes < steps(light, values, (camera[0], camera[1]))

    @cached_property
    def responses(self) -> list[Tensor]:
        """R of each axis, complex128, shape (..., segments of mask D, segments of mask A, camera pixels)."""
        found = []
        for axis in range(len(self.mask)):
            source, mask, camera = self.front[axis], self.masked[axis], self.camera[axis]
            forth = self.sent(axis, lens_kernel(source.flat, mask.flat, self.table.forth.along(axis)))
            back = lens_kernel(mask.flat, camera.flat, self.table.back.along(axis))
            back = self.read(axis, back * mask.weights.flatten(-2)[..., None])
            segments = mask.places.shape[-2]
            arriving, leaving = forth.unflatten(-1, (segments, -1)), back.unflatten(-2, (segments, -1))
            found.append(arriving.movedim(-2, -3) @ leaving)
        return found

    def sent(self, axis: int, kernel: Tensor) -> Tensor:
        """A kernel from the nodes of mask A to places in mask D, summed over those of each segment."""
        return (kernel.unflatten(-2, self.front[axis].places.shape[-2:]) * self.lit(axis)[..., None]).sum(-2)

    def lit(self, axis: int) -> Tensor:
        """The light on the nodes of mask A, with their weights, shape (..., segments, nodes)."""
        source = self.front[axis]
        return source.weights * self.table.lit(axis, source.places)

    def read(self, axis: int, kernel: Tensor) -> Tensor:
        """A kernel from places in mask D to the nodes of the camera, in the mean over the pixels here."""
        return (kernel.unflatten(-1, self.camera[axis].places.shape[-2:]) * self.seen(axis)[..., None, :, :]).sum(-1)

    def seen(self, axis: int) -> Tensor:
        """What the nodes of the camera add to the mean over their pixels, shape (..., pixels, nodes)."""
        camera = self.camera[axis]
        # The image is upside down, and so is the tilt of its light; that of the reference beam takes it away.
        share = camera.weights / camera.weights.sum(-1, keepdim=True)
        return share * self.table.reference(axis, camera.places)

    @cached_property
    def front(self) -> list[Nodes]:
        """Nodes of mask A."""
        return [Nodes.of(*each, self.nodes) for each in zip(self.table.planes.input.axes, self.shown, strict=True)]

    @cached_property
    def masked(self) -> list[Nodes]:
        """Nodes of mask D."""
        return [Nodes.of(*each, self.nodes) for each in zip(self.table.planes.mask.axes, self.mask, strict=True)]

    @cached_property
    def camera(self) -> list[Nodes]:
        """Nodes of the camera's pixels; a camera of points has one in each."""
        found = []
        for axis in self.table.planes.camera.axes:
            half = axis.cell.width / 2
            edges = torch.tensor([-half, half], dtype=torch.float64) if half else torch.tensor([-0.5, 0.5]).double()
            found.append(Nodes.of(axis, edges, self.nodes if half else 1))
        return found


class _NodeByNode:
    """Light that is followed from the nodes of mask A to those of mask D, and on to those of the camera."""

    def __init__(self, bench: ImperfectLight):
        self.bench = bench
        self.front, self.mask, self.camera = (
            [nodes.flat for nodes in plane] for plane in (bench.front, bench.masked, bench.camera)
        )
        self.weights = [nodes.weights.flatten(-2) for nodes in bench.masked]

    def __call__(self, light: Tensor, values: Tensor) -> Tensor:
        for axis, nodes in enumerate(self.bench.masked, start=-len(self.mask)):
            values = values.repeat_interleave(nodes.places.shape[-1], axis)
        if len(self.mask) == 2:
            return self._turned(light, values)
        (front,), (mask,), (camera,), (weights,) = self.front, self.mask, self.camera, self.weights
        forth = self.bench.sent(0, lens_kernel(front, mask, self.bench.table.forth.along(0)))
        back = self.bench.read(0, lens_kernel(mask, camera, self.bench.table.back.along(0)) * weights[..., None])
        return light @ forth.to(light) * values.unsqueeze(-2) @ back.to(light)

    def _turned(self, light: Tensor, values: Tensor) -> Tensor:
        between = [self._between(axis) for axis in range(2)]
        down, across = (each.matrix.to(light.device, light.real.dtype) for each in between)
        y, x = ((weights * self._phases(axis)).to(light) for axis, weights in enumerate(self.weights))
        places = [each.places for each in between]
        arrived = self._forth(light, places).to_mask(light)
        passed = through_mask(arrived, values * y.unsqueeze(-1) * x.unsqueeze(-2), down, across)
        return self._back(light, places).to_camera(passed)

    def _between(self, axis: int) -> Between:
        """Places in the plane of mask D that tell the light of both arms, but for its phases there."""
        front, mask, camera = (float(p[axis].detach().abs().max()) for p in (self.front, self.mask, self.camera))
        forth, back = self.bench.table.forth.along(axis), self.bench.table.back.along(axis)
        turns = max(most_turns(forth, front, mask), most_turns(back, mask, camera))
        return Between.of(self.mask[axis], turns + MOST_TURNED)

    def _phases(self, axis: int) -> Tensor:
        """Of both arms at the nodes of mask D."""
        arms, mask = self.bench.table, self.mask[axis]
        forth = Phases.of(self.front[axis][..., :1], mask, arms.forth.along(axis)).back
        return forth * Phases.of(mask, self.camera[axis][..., :1], arms.back.along(axis)).front

    def _forth(self, light: Tensor, places: list[Tensor]) -> TurnedArm:
        arm = self.bench.table.forth
        coupled = coupling(arm, self.front, places)
        kernels = []
        for axis, nodes in enumerate(self.bench.front):
            cells = nodes.places.shape[-2:]
            kernel = Phases.of(nodes.flat, places[axis], arm.along(axis))
            lit = (kernel.front * self.bench.lit(axis).flatten(-2)).unsqueeze(-2)
            lit = (lit * coupled.powers(nodes.flat, coupled.front[axis])).unflatten(-1, cells)
            kernels.append((lit.movedim(-3, -2) @ kernel.both.unflatten(-2, cells)).movedim(-2, -3))
        remain = [coupled.powers(*each) for each in zip(places, coupled.back, strict=True)]
        return TurnedArm(*(each.to(light) for each in (coupled.factors(), *kernels, *remain)))

    def _back(self, light: Tensor, places: list[Tensor]) -> TurnedArm:
        arm = self.bench.table.back
        coupled = coupling(arm, places, self.camera)
        kernels = []
        for axis, nodes in enumerate(self.bench.camera):
            cells = nodes.places.shape[-2:]
            kernel = Phases.of(places[axis], nodes.flat, arm.along(axis))
            seen = (kernel.back * self.bench.seen(axis).flatten(-2)).unsqueeze(-2)
            seen = (seen * coupled.powers(nodes.flat, coupled.back[axis])).unflatten(-1, cells)
            kernels.append((kernel.both.unflatten(-1, cells).unsqueeze(-4) * seen.unsqueeze(-3)).sum(-1))
        remain = [coupled.powers(*each) for each in zip(places, coupled.front, strict=True)]
        return TurnedArm(*(each.to(light) for each in (coupled.factors(), *kernels, *remain)))


def _plane_wave(tilt: Sequence[Number], wavelength: Number, plane: Stance, axis: int, places: Tensor) -> Tensor:
    """One axis of a tilted wave [turns/m] at places in a plane.

    Its phase is that of the table's axis, wherever the plane stands: waves from all places of a source add up.
    """
    slope, across = turned(tilt, plane.rotation)[axis], tilt[axis]
    centre = across * double(plane.shift[axis]) - wavelength * across**2 * double(plane.defocus) / 2
    return cis(_at(slope, 2) * places + _at(centre, 2))


def _at(value: Number, axes: int) -> Tensor:
    """A number, or one for each draw, with room for further axes behind."""
    value = torch.as_tensor(value)
    return value[(..., *(None,) * axes)] if value.ndim else value


def _stance(place: Placement, axes: int) -> Stance:
    return Stance((place.shift_y, place.shift_x)[-axes:], place.defocus, place.rotation)


def _lens(lens: LensPlacement, axes: int) -> LensStance:
    shift, tilt = (lens.shift_y, lens.shift_x), (lens.tilt_y, lens.tilt_x)
    return LensStance(shift[-axes:], tilt[-axes:], lens.focal_length)


def _check_axes(wrong: Imperfections, axes: int) -> None:
    if axes == 2:
        return
    along_y = [n for n, v in wrong.present().items() if n.endswith(("_y", ".rotation")) and magnitude(v)]
    if along_y:
        raise ValueError(
            f"{', '.join(along_y)}: a one-dimensional bench has cylindrical lenses and no y; leave it out, or take a "
            "two-dimensional layer"
        )
