"""Calibration of a whole plane at once, without its matrix, where the axes of the bench mix.

Random inputs are pushed to the mask once. From there the outputs are linear in the mask; conjugate gradients on the
normal equations (CGNR: Saad, Iterative Methods for Sparse Linear Systems, §8.3) need that map and its transpose, which
automatic differentiation gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from acdc_optical.benches.bench import Bench
from acdc_optical.compilation.masks import Compiler, normalised
from acdc_optical.compilation.methods import Exact, Method, Sampled
from acdc_optical.layers import ACDC, AFDF
from acdc_optical.light import pixels_of
from acdc_optical.presentation import Presentation, presentation_of
from acdc_optical.progress import Track, silent
from acdc_optical.realisation import OpticalLayer
from acdc_optical.sources import FixedMasks
from acdc_optical.waves.calibration import Calibrated, ComplexValues, RealValues, Values, lens_system
from acdc_optical.waves.spaces import Paraxial
from acdc_optical.waves.wave import Wave

# Equations over unknowns: enough random inputs that what fits them fits any.
_REDUNDANCY = 3


def calibrate(
    layer: ACDC | AFDF,
    bench: Bench,
    method: Calibrated,
    *,
    iterations: int = 30,
    seed: int = 0,
    track: Track = silent,
) -> OpticalLayer:
    """An optical layer whose Fourier mask is solved for through the lenses of its bench, axes mixed or not.

    :class:`~acdc_optical.waves.calibration.Calibrated` solves axis by axis, and its masks follow the layer; this solves
    for the masks of the layer as it is, which then stay. It starts from exact masks and improves them at every
    iteration.

    Args:
        layer: what is to be computed.
        bench: the table.
        method: how waves travel, what the mask can hold, what is read, and the weight of the mask's light. A reading
            in phase is allowed in two dimensions, too.
        iterations: of conjugate gradients; each propagates some dozens of fields from the mask to the camera and back.
        seed: of the random inputs.
        track: shows progress.

    Raises:
        ValueError: the layer does not fit the bench.
    """
    presentation = presentation_of(layer)
    values = method.values or (RealValues() if presentation.real else ComplexValues())
    plain = _plain(layer)
    compiler = _compiler(layer, bench, Exact() if bench.mask.pixels_per_coefficient > 1 else Sampled())
    masks = compiler(plain.a, plain.d)
    mask = _Unknowns(presentation, values, tuple(map(presentation.independent, masks.planes.mask.cells)))
    optical = OpticalLayer(plain, FixedMasks(masks), bench, Wave(method.space))
    with torch.no_grad():
        inputs = _random_inputs(plain, math.ceil(_REDUNDANCY * mask.count / math.prod(layer.shape)), seed)
        camera = optical.light.arrived(optical.show(inputs, masks))
        wanted = method.reading.equations(plain(inputs).to(torch.complex128)) / masks.gain

        def outputs(unknowns: Tensor) -> Tensor:
            light = optical.detector(camera(mask.assembled(unknowns)))
            return method.reading.equations(presentation.decode(light, len(layer.shape)))

        nearby = _Nearby.of(layer, bench, mask, method, len(inputs))
        start = mask.of(pixels_of(masks.fourier_mask))
        solution = least_squares_iterated(outputs, wanted, start, method.weight, nearby, iterations, track)
        residual = float((outputs(solution) - wanted).norm() / wanted.norm())
        fourier_mask, peak = normalised(mask.assembled(solution))
        made = compiler(layer.a, layer.d)
    solved = replace(made, fourier_mask=fourier_mask, gain=made.gain * peak, residual=residual)
    return OpticalLayer(layer, FixedMasks(solved), bench, optical.model)


def least_squares_iterated(
    outputs: Callable[[Tensor], Tensor],
    wanted: Tensor,
    start: Tensor,
    weight: float,
    nearby: Callable[[Tensor, Tensor], Tensor],
    iterations: int,
    track: Track,
) -> Tensor:
    """What :func:`~acdc_optical.waves.calibration.least_squares` finds, without a matrix of the linear map.

    Args:
        outputs: the map, real vectors to real tensors, differentiable by autograd.
        wanted: what it should give.
        start: first guess.
        weight: of the solution's square, over the mean square of the map's entries times the equations.
        nearby: solves the normal equations of a problem close to this one, for a right-hand side and a ridge.
        iterations: of conjugate gradients.
        track: shows progress.
    """
    sign = torch.randint(0, 2, start.shape, generator=torch.Generator().manual_seed(0)).to(start) * 2 - 1
    ridge = weight * outputs(sign).square().sum() / len(start)  # E‖A·±1‖² = ‖A‖²
    x, residual = start, wanted - outputs(start)
    gradient = _transposed(outputs, start, residual) - ridge * x
    direction = nearby(gradient, ridge)
    size = gradient @ direction
    for _ in track(range(iterations), "calibrating", iterations):
        with torch.enable_grad():
            probe = direction.detach().requires_grad_()
            image = outputs(probe)
        step = size / (image.detach().square().sum() + ridge * direction.square().sum())
        x, residual = x + step * direction, residual - step * image.detach()
        gradient = torch.autograd.grad(image, probe, residual)[0] - ridge * x
        towards = nearby(gradient, ridge)
        previous, size = size, gradient @ towards
        direction = towards + size / previous * direction
    return x


def _transposed(outputs: Callable[[Tensor], Tensor], like: Tensor, values: Tensor) -> Tensor:
    """The transpose of a linear map, applied: its gradient anywhere."""
    with torch.enable_grad():
        point = torch.zeros_like(like, requires_grad=True)
        (gradient,) = torch.autograd.grad(outputs(point), point, values)
    return gradient


@dataclass(frozen=True)
class _Unknowns:
    """The mask as a vector of real numbers: of its independent pixels, real and imaginary parts where both are free."""

    presentation: Presentation
    values: Values
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        return len(self.of(torch.zeros(self.shape)))

    def of(self, mask: Tensor) -> Tensor:
        """The unknowns of a mask: of an even one those on the far side of the axis."""
        for axis, n in enumerate(self.shape):
            mask = mask.narrow(axis, mask.shape[axis] - n, n)
        return self.values.taken_apart(mask.flatten())

    def folded(self, unknowns: Tensor) -> Tensor:
        """The independent pixels."""
        return self.values.assembled(unknowns).reshape(self.shape)

    def assembled(self, unknowns: Tensor) -> Tensor:
        """The whole mask."""
        mask = self.folded(unknowns)
        for axis in range(mask.ndim):
            mask = self.presentation.unfold(mask.movedim(axis, 0)).movedim(0, axis)
        return mask


@dataclass(frozen=True)
class _Nearby:
    """The same bench with square stops and paraxial waves, whose normal equations are solved axis by axis.

    In the eigenvectors V of each axis's normal matrix they are diagonal. Close to the true ones, they make a few
    iterations enough.
    """

    unknowns: _Unknowns
    spectra: list[tuple[Tensor, Tensor]]
    inputs: int

    @classmethod
    def of(cls, layer: ACDC | AFDF, bench: Bench, unknowns: _Unknowns, method: Calibrated, inputs: int) -> _Nearby:
        square = bench.replace(lenses=bench.lenses.replace(stop="square"))
        found = []
        for response in _compiler(layer, square, Exact()).responses:
            system = lens_system(response, Paraxial(method.space.density), bench.mask.pixels_per_coefficient)
            found.append(torch.linalg.eigh(system.mH @ system / response.n))
        return cls(unknowns, found, inputs)

    def __call__(self, gradient: Tensor, ridge: Tensor) -> Tensor:
        values = self.unknowns.folded(gradient).to(torch.complex128)
        strength = torch.ones((), dtype=torch.float64)
        for axis, (squares, vectors) in enumerate(self.spectra):
            values = _along(vectors.mH, values, axis)
            strength = strength[..., None] * squares.clamp(min=0)
        values = values / (self.inputs * strength + ridge)
        for axis, (_, vectors) in enumerate(self.spectra):
            values = _along(vectors, values, axis)
        return self.unknowns.values.taken_apart(values.flatten())


def _along(matrix: Tensor, values: Tensor, axis: int) -> Tensor:
    return torch.tensordot(matrix, values, dims=([1], [axis])).movedim(0, axis)


def _compiler(layer: ACDC | AFDF, bench: Bench, method: Method) -> Compiler:
    return Compiler(layer.shape, presentation_of(layer), bench, method=method)


def _random_inputs(layer: ACDC | AFDF, count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, *layer.shape, generator=generator, dtype=layer.a.dtype)


def _plain(layer: ACDC | AFDF) -> ACDC | AFDF:
    """The layer with A = 1 and no bias: D is the same whatever A is."""
    dtype = torch.complex128 if layer.a.is_complex() else torch.float64
    plain = type(layer)(layer.shape, dtype=torch.float64)
    with torch.no_grad():
        plain.a.fill_(1)
        plain.d.copy_(layer.d.to(dtype))
    return plain.requires_grad_(False)
