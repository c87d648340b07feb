"""Masks solved for anew, for a bench whose parts are not where they should be.

The light that reaches the camera is linear in each of the masks. With the responses R of both axes
(:mod:`acdc_optical.imperfect.light`), what the bench makes of input (l, j) at output (k, i) is

    T[l, j, k, i] = A[l, j] · Σ D[t, s]·R'[t, l, k]·R[s, j, i]

summed over the mirrored pixels that show one number, and over those that read one. Its distance from the layer's matrix
is minimised over D, over A, and over D again, by conjugate gradients; the masks are free of the symmetry that they have
on a perfect bench: a ramp of phase on D undoes a shift, a curved one a defocus.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from acdc_optical.benches.imperfections import Imperfections, Number
from acdc_optical.compilation.masks import Masks, normalised
from acdc_optical.imperfect.bench_fits import Reference
from acdc_optical.imperfect.layer import ImperfectLayer, Path
from acdc_optical.imperfect.segments import in_a_row
from acdc_optical.light import pixels_of
from acdc_optical.presentation import Presentation
from acdc_optical.progress import silent
from acdc_optical.realisation import OpticalLayer
from acdc_optical.sources import FixedMasks
from acdc_optical.waves.calibration import ComplexValues, RealValues, Values
from acdc_optical.waves.plane_calibration import least_squares_iterated

Nearby = Callable[[Tensor, Tensor], Tensor]
"""Solves normal equations close to the true ones, for a right-hand side and a ridge."""

# What is solved for; the rest bends the linear map, or is light that adds up without interference.
_PLACES = ("modulator", "input_mask", "fourier_mask", "camera", "first_lens", "second_lens", "light.wavelength")

_TURNED = ("modulator.rotation", "fourier_mask.rotation", "camera.rotation")


@dataclass(frozen=True)
class Solving:
    """How masks are solved for.

    Attributes:
        values: what masks can hold; real ones undo neither shifts nor defocus of a plane.
        turns: how often mask A and mask D are solved for, one after the other.
        iterations: of conjugate gradients, each time.
        weight: of the square of a mask against that of the error. Less of it lets masks follow the layer by large
            values that cancel, and dim the light that is read: without noise 1e-6 leaves less error, with a camera's
            noise tens of times as much.
        nodes: see :class:`~acdc_optical.imperfect.layer.ImperfectLayer`.

    Raises:
        ValueError: no turn or no iteration, or a negative weight.
    """

    values: Values = field(default_factory=ComplexValues)
    turns: int = 4
    iterations: int = 20
    weight: float = 1e-2
    nodes: int = 6

    def __post_init__(self) -> None:
        if self.turns < 1 or self.iterations < 1 or not self.weight >= 0:
            raise ValueError(f"expected one turn and one iteration or more, and a weight of 0 or more; got {self}")


def compensated(
    optical: OpticalLayer,
    wrong: Imperfections,
    *,
    reference: Reference | None = None,
    solving: Solving | None = None,
) -> OpticalLayer:
    """A layer with masks that are right on an imperfect bench, such as one that has been characterised.

    Places of planes and lenses, focal lengths and the wavelength are compensated. Left as they are: planes turned
    against one another, which mirrored layers hardly notice, errors of devices, and light that is not quite coherent.
    The new masks may send more light, as complex ones of a real layer do: see that the camera bears it.

    Args:
        optical: the layer with the masks that it ought to have.
        wrong: what is wrong with the bench.
        reference: how strength and phase of what is read are wrong; by default they are right.
        solving: how; masks that are complex by default.

    Returns:
        the same layer with fixed masks, whose residual is the error that is left on that bench; anywhere else they
        are wrong. Where the masks as they were are better, as with nothing to compensate, with those.

    Raises:
        TypeError: a model that is not continuous, or a mask made of stripes.
        ValueError: real values for a complex layer.
    """
    solving = solving or Solving()
    if not optical.presentation.real and isinstance(solving.values, RealValues):
        raise ValueError("an AFDF layer is complex: it needs ComplexValues in the masks")
    with torch.no_grad():
        return _Solver(optical, wrong, reference or Reference(), solving).solved()


class _Solver:
    """The bench as a linear map from either mask to the layer's matrix."""

    def __init__(self, optical: OpticalLayer, wrong: Imperfections, reference: Reference, solving: Solving):
        self.optical, self.wrong, self.solving, self.gain = optical, wrong, solving, reference.gain
        places = wrong.only(*_PLACES).changed(dict.fromkeys(_TURNED, 0.0))
        self.bench = ImperfectLayer(optical, places, nodes=solving.nodes)
        # What devices show at their own wavelength is linear in what they are told; see _told for the other.
        self.devices = ImperfectLayer(optical, places.changed({"light.wavelength": 0.0}), nodes=solving.nodes)
        self.masks = optical.masks()
        light = self._path(self.bench, self.masks).light
        self.responses = [optical.presentation.decode(response, 1) for response in light.responses]
        counts = [response.shape[-2] for response in self.responses]
        self.folds = [_fold(optical.presentation, *each) for each in zip(optical.shape, counts, strict=True)]
        self.wanted = self._equations(_matrix(optical))

    def solved(self) -> OpticalLayer:
        a, d = pixels_of(self.masks.input_mask), pixels_of(self.masks.fourier_mask) * self.masks.gain
        as_made = self._error(a, d)
        d = self._least_d(a, d)
        for _ in range(self.solving.turns):
            a = self._least_a(a, d)
            d = self._least_d(a, d)
        error = self._error(a, d)
        if as_made <= error:  # as on a bench with nothing wrong
            return OpticalLayer(self.optical.layer, FixedMasks(self.masks), self.optical.bench, self.optical.model)
        (input_mask, of_a), (fourier_mask, of_d) = normalised(a), normalised(d)
        told = replace(
            self.masks,
            input_mask=self._told(input_mask, self.wrong.input_device.etch_depth),
            fourier_mask=self._told(fourier_mask, self.wrong.fourier_device.etch_depth),
            gain=of_a * of_d,
            residual=error,
        )
        return OpticalLayer(self.optical.layer, FixedMasks(told), self.optical.bench, self.optical.model)

    def _least_d(self, a: Tensor, d: Tensor) -> Tensor:
        """Mask D for which the least is wrong behind a mask A, from one near by."""

        def outputs(unknowns: Tensor) -> Tensor:
            return self._equations(self._made(a, self._assembled(unknowns, d)))

        return self._assembled(self._least(outputs, self._apart(d), self._nearby(a)), d)

    def _least_a(self, a: Tensor, d: Tensor) -> Tensor:
        """Mask A for which the least is wrong in front of a mask D, from one near by."""
        between = self._between(d)

        def outputs(unknowns: Tensor) -> Tensor:
            return self._equations(self._joined(between, self._assembled(unknowns, a)))

        # Every pixel weighs about the same: the gradient is as good as what solves a problem near by.
        return self._assembled(self._least(outputs, self._apart(a), lambda gradient, ridge: gradient), a)

    def _least(self, outputs: Callable[[Tensor], Tensor], start: Tensor, nearby: Nearby) -> Tensor:
        solving = self.solving
        return least_squares_iterated(outputs, self.wanted, start, solving.weight, nearby, solving.iterations, silent)

    def _error(self, a: Tensor, d: Tensor) -> float:
        return float((self._equations(self._made(a, d)) - self.wanted).norm() / self.wanted.norm())

    def _apart(self, mask: Tensor) -> Tensor:
        return self.solving.values.taken_apart(mask.flatten())

    def _assembled(self, unknowns: Tensor, like: Tensor) -> Tensor:
        return self.solving.values.assembled(unknowns).reshape(like.shape)

    def _made(self, a: Tensor, d: Tensor) -> Tensor:
        """What the bench makes of each input at each output: complex, shape (n, n) or (l, k, j, i)."""
        return self._joined(self._between(d), a)

    def _between(self, d: Tensor) -> Tensor:
        """From behind mask A to the outputs, shape (segments, n) or (segments, n, segments, n)."""
        through = self._path(self.devices, replace(self.masks, fourier_mask=d)).mask
        values = in_a_row(through, len(self.responses)).to(self.responses[0])
        if len(self.responses) == 1:
            return torch.tensordot(values, self.responses[0], 1)
        rows, columns = self.responses
        return torch.tensordot(torch.tensordot(values, rows, ([0], [0])), columns, ([0], [0]))

    def _joined(self, between: Tensor, a: Tensor) -> Tensor:
        """With mask A in front, and inputs shown on all of their pixels."""
        shown = in_a_row(self._path(self.devices, replace(self.masks, input_mask=a)).shown, len(self.folds))[0]
        made = (shown[:, None] if len(self.folds) == 1 else shown[:, None, :, None]) * between
        for axis, fold in enumerate(self.folds):
            made = torch.tensordot(fold.to(made), made.movedim(2 * axis, 0), 1).movedim(0, 2 * axis)
        return made

    def _path(self, bench: ImperfectLayer, masks: Masks) -> Path:
        """What a bench makes of masks and an input of ones, which is one path."""
        (path,) = bench.paths(torch.ones(1, *self.optical.shape, dtype=torch.float64), masks)
        return path

    def _equations(self, made: Tensor) -> Tensor:
        """What is read of outputs, as real numbers."""
        read = made * self.gain if made.is_complex() else made
        if self.optical.presentation.real:
            return read.real.flatten()
        return torch.view_as_real(read.to(torch.complex128)).flatten()

    def _nearby(self, a: Tensor) -> Nearby:
        """The normal equations of mask D solved as if mask A were even: they are those of each axis then."""
        spectra = []
        for fold, response in zip(self.folds, self.responses, strict=True):
            folded = torch.tensordot(response, fold.to(response), ([1], [1])).flatten(1)
            spectra.append(torch.linalg.eigh(folded.conj() @ folded.mT))
        even = float(a.abs().square().mean()) * abs(self.gain) ** 2 / (2 if self.optical.presentation.real else 1)
        values = self.solving.values

        def nearby(gradient: Tensor, ridge: Tensor) -> Tensor:
            mask = values.assembled(gradient).to(torch.complex128).reshape([len(s) for s, _ in spectra])
            strength = torch.full((), even, dtype=torch.float64)
            for axis, (squares, vectors) in enumerate(spectra):
                mask = torch.tensordot(vectors.mH, mask.movedim(axis, 0), 1).movedim(0, axis)
                strength = strength[..., None] * squares.clamp(min=0)
            mask = mask / (strength + ridge)
            for axis, (_, vectors) in enumerate(spectra):
                mask = torch.tensordot(vectors, mask.movedim(axis, 0), 1).movedim(0, axis)
            return values.taken_apart(mask.flatten())

        return nearby

    def _told(self, mask: Tensor, depth: Number) -> Tensor:
        """What a device is told so that it shows a mask, though its phases are off as depths and wavelength are."""
        if not mask.is_complex():
            return mask
        stretched = (1 + self.wrong.light.wavelength / self.optical.bench.wavelength) / (1 + depth)
        turn = 2 * math.pi
        wanted = mask.angle().remainder(turn)
        # Phases next to a whole turn may be out of reach; none at all is then as good as the last.
        told = torch.where(wanted * stretched < turn, wanted * stretched, 0.0)
        return torch.polar(mask.abs(), told)


def _fold(presentation: Presentation, n: int, count: int) -> Tensor:
    """Which of ``count`` segments show which number, shape (n, count)."""
    sent = presentation.encode(torch.eye(n, dtype=torch.float64), 1)
    return sent.repeat_interleave(count // sent.shape[1], 1)


def _matrix(optical: OpticalLayer) -> Tensor:
    """What the layer makes of each input at each output, in the order of the bench."""
    shape = optical.shape
    dtype = torch.float64 if optical.presentation.real else torch.complex128
    made = optical.layer(torch.eye(math.prod(shape), dtype=dtype).reshape(-1, *shape))
    offset = optical.layer.offset()
    made = made if offset is None else made - offset
    return made.reshape(*shape, *shape).permute(0, 2, 1, 3) if len(shape) == 2 else made
