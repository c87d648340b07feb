"""The light of a bench whose parts are not where they should be: from mask A to the camera, in the continuous model.

What shows a value of the input, or lets light through with one transmittance, is a segment: a pixel, or a part of one.
Along each axis, light goes from segment j of mask A through segment s of mask D to camera pixel i by R[s, j, i], which
is integrated over all three by Gauss's rule; in two dimensions, with R' and R of the axes y and x,

    y[k, i] = Σ E[l, j]·D[t, s]·R'[t, l, k]·R[s, j, i]

Where planes are turned against one another the axes are coupled, and light is followed from node to node instead.
Several benches are computed together: their draws are the first dimension of everything that differs between them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from acdc_optical.imperfections import Imperfections, LensPlacement, Number, Placement, magnitude
from acdc_optical.planes import Planes
from optics import Axis, gauss
from optics.canonical import LensArm, LensStance, Stance, coupling, lens_kernel
from optics.kernel import double
from optics.waves import cis

# Numbers between all inputs and all camera pixels, for each bench: 64 MB in complex64.
_MOST = 2**23

Edges = Sequence[Tensor]
"""For each axis, where the parts of a pixel begin and end, shape (..., parts + 1); see :class:`~optics.parts.Parts`."""


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
        nodes: per part of a pixel and axis.
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
        light, values = segments(field, axes).to(dtype), segments(mask, axes).to(field.device, dtype)
        if axes == 1 or self.table.turned:
            return _NodeByNode(self)(light, values)
        return _through_segments(light, values, *(response.to(light) for response in self.responses))

    @cached_property
    def responses(self) -> list[Tensor]:
        """R of each axis, complex128, shape (..., segments of mask D, segments of mask A, camera pixels)."""
        found = []
        for axis in range(len(self.mask)):
            source, mask, camera = self.front[axis], self.masked[axis], self.camera[axis]
            forth = self.sent(axis, lens_kernel(source.flat, mask.flat, self.table.forth.along(axis)))
            back = self.read(axis, lens_kernel(mask.flat, camera.flat, self.table.back.along(axis)))
            segments = mask.places.shape[-2]
            arriving, leaving = forth.unflatten(-1, (segments, -1)), back.unflatten(-2, (segments, -1))
            found.append(arriving.movedim(-2, -3) @ leaving)
        return found

    def sent(self, axis: int, kernel: Tensor) -> Tensor:
        """A kernel from the nodes of mask A to places in mask D, summed over those of each segment."""
        source = self.front[axis]
        lit = source.weights * cis(_at(self.table.tilt[axis], 2) * source.places)
        return (kernel.unflatten(-2, source.places.shape[-2:]) * lit[..., None]).sum(-2)

    def read(self, axis: int, kernel: Tensor) -> Tensor:
        """A kernel from the nodes of mask D to those of the camera, weighted there, in the mean over pixels here."""
        camera, mask = self.camera[axis], self.masked[axis]
        # The image is upside down, and so is the tilt of its light; that of the reference beam takes it away.
        seen = camera.weights / camera.weights.sum(-1, keepdim=True)
        seen = seen * cis(_at(self.table.tilt[axis], 2) * camera.places)
        kernel = kernel * mask.weights.flatten(-2)[..., None]
        return (kernel.unflatten(-1, camera.places.shape[-2:]) * seen[..., None, :, :]).sum(-1)

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


class Nodes(NamedTuple):
    """Where light is integrated along one axis of a plane.

    Attributes:
        places: [m], float64, shape (..., segments, nodes).
        weights: [m], likewise.
    """

    places: Tensor
    weights: Tensor

    @classmethod
    def of(cls, axis: Axis, edges: Tensor, count: int) -> Nodes:
        """Gauss nodes in the parts of every pixel, which begin and end at ``edges``."""
        unit = gauss(count)
        at, weights = (torch.tensor(values, dtype=torch.float64) for values in (unit.nodes, unit.weights))
        edges = edges.double().cpu()
        begins, ends = edges[..., :-1, None], edges[..., 1:, None]
        within = (begins + ends) / 2 + (ends - begins) * at
        places = axis.centres[:, None, None] + axis.spacing * within[..., None, :, :]
        share = (axis.spacing * (ends - begins) * weights)[..., None, :, :].expand(places.shape)
        return cls(places.flatten(-3, -2), share.flatten(-3, -2))

    @property
    def flat(self) -> Tensor:
        """Places, shape (..., segments·nodes)."""
        return self.places.flatten(-2)


class _NodeByNode:
    """Light that is followed from the nodes of mask A to those of mask D, and on to those of the camera."""

    def __init__(self, bench: ImperfectLight):
        self.bench = bench
        self.front, self.mask, self.camera = (
            [nodes.flat for nodes in plane] for plane in (bench.front, bench.masked, bench.camera)
        )

    def __call__(self, light: Tensor, values: Tensor) -> Tensor:
        arrived = self._carried(light, self.bench.table.forth, self.front, self.mask, self.bench.sent)
        for axis, nodes in enumerate(self.bench.masked, start=-len(self.mask)):
            values = values.repeat_interleave(nodes.places.shape[-1], axis)
        arrived = arrived * values.unsqueeze(-len(self.mask) - 1)
        return self._carried(arrived, self.bench.table.back, self.mask, self.camera, self.bench.read)

    def _carried(
        self, light: Tensor, arm: LensArm, front: list[Tensor], back: list[Tensor], summed: Callable[..., Tensor]
    ) -> Tensor:
        kernels = [lens_kernel(a, b, arm.along(axis)) for axis, (a, b) in enumerate(zip(front, back, strict=True))]
        coupled = coupling(arm, front, back)
        if coupled is None:
            return _through(light, [summed(axis, kernel) for axis, kernel in enumerate(kernels)])
        arrived = torch.zeros((), dtype=light.dtype, device=light.device)
        for term in coupled.terms(front, back):
            both = [summed(axis, kernels[axis] * powers) for axis, powers in enumerate(term.powers)]
            arrived = arrived + _at(term.factor, 3).to(light) * _through(light, both)
        return arrived


def _through(light: Tensor, kernels: Sequence[Tensor]) -> Tensor:
    """Light, shape (..., batch, *front), through a kernel for each axis, shape (..., front, back)."""
    kernels = [kernel.unsqueeze(-3).to(light) for kernel in kernels]
    light = light @ kernels[-1] if len(kernels) == 2 else (light.unsqueeze(-2) @ kernels[-1]).squeeze(-2)
    return kernels[0].mT @ light if len(kernels) == 2 else light


def _through_segments(light: Tensor, mask: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The sum of the module's docstring, in the order that takes fewer steps.

    Args:
        light: E, shape (..., batch, l, j).
        mask: D, shape (..., t, s).
        rows, columns: R' and R, shape (..., t, l, k) and (..., s, j, i).
    """
    batch, (t, s) = light.shape[-3], mask.shape[-2:]
    (n, k), (j, i) = rows.shape[-2:], columns.shape[-2:]
    inputwise = batch * (n * j * t * k + j * t * k * s + j * s * k * i)
    together = t * s * n * k + s * n * k * j * i + batch * n * j * k * i
    if inputwise <= together or n * j * k * i > _MOST:
        seen = torch.einsum("...blj,...tlk->...bjtk", light, rows)
        seen = torch.einsum("...bjtk,...ts->...bjsk", seen, mask)
        return torch.einsum("...bjsk,...sji->...bki", seen, columns)
    operator = torch.einsum("...slk,...sji->...ljki", torch.einsum("...ts,...tlk->...slk", mask, rows), columns)
    return torch.einsum("...blj,...ljki->...bki", light, operator)


def segments(values: Tensor, axes: int) -> Tensor:
    """Parts of pixels one after another along each axis."""
    values = values.flatten(-2)
    return values.flatten(-3, -2) if axes == 2 else values


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
