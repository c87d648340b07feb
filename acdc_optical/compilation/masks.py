"""From the diagonals of a layer to the masks of a bench."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from acdc_optical.benches.bench import Bench, Pixels
from acdc_optical.benches.planes import Arm, Planes
from acdc_optical.compilation.methods import Exact, Method, Solved, solver_of
from acdc_optical.compilation.response import AxisResponse
from acdc_optical.layers import ACDC, AFDF
from acdc_optical.light import Pattern
from acdc_optical.presentation import Presentation, presentation_of
from optics import Grid, Stripes, point


class Shown(NamedTuple):
    """How mask A shows a diagonal.

    Attributes:
        grid: the mask's pixels.
        values: from a diagonal, float64 or complex128, to theirs, before they are normalised.
    """

    grid: Grid
    values: Callable[[Tensor], Solved]


@dataclass(frozen=True, eq=False)
class Masks:
    """A compiled layer: two passive masks, |t| ≤ 1, and the gain that undoes their normalisation.

    Attributes:
        input_mask: transmittance A in the modulator plane, shape of ``planes.input``, or stripes. In a cascade, behind
            its first layer, there is no modulator but the mask alone.
        fourier_mask: transmittance D in the Fourier plane, shape of ``planes.mask``, or stripes.
        gain: the layer's output is gain times the field at the camera; scalar.
        planes: where the masks stand.
        pixels_per_coefficient: Fourier mask pixels for one step of q, along each axis.
        residual: relative error of the compiled kernel; see :class:`AxisMap`. Behind the first layer of a cascade, that
            of mask A as a comb is in it.
    """

    input_mask: Pattern
    fourier_mask: Pattern
    gain: Tensor
    planes: Planes
    pixels_per_coefficient: int
    residual: float

    @property
    def mean_transmission(self) -> tuple[float, float]:
        """Mean of |t|² over the active area of the input mask and of the Fourier mask."""
        return _mean_power(self.input_mask), _mean_power(self.fourier_mask)


def _mean_power(mask: Pattern) -> float:
    return 1.0 if isinstance(mask, Stripes) else float(mask.detach().abs().square().mean())


class Compiler:
    """Compiles any (a, d) of one shape for one bench; everything but a matrix product is done beforehand.

    Args:
        shape: of the layer.
        presentation: of the layer's kind.
        bench: the table.
        method: :class:`Exact` by default.
        pixels: what a pixel is; by default what it is on the bench.
        shown: how mask A shows a; by default every modulator pixel holds its number. Otherwise mask D is made for
            numbers that are points of light.

    Raises:
        ValueError: the layer does not fit the bench, or the method needs finer masks than the bench has.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        presentation: Presentation,
        bench: Bench,
        *,
        method: Method | None = None,
        pixels: Pixels | None = None,
        shown: Shown | None = None,
    ):
        pixels = pixels or bench.pixels()
        if shown is not None:
            pixels = pixels._replace(input=point())
        counts = [presentation.pixels(n) for n in shape]
        arm = Arm(bench.wavelength, bench.fitted_focal_length(tuple(counts)), bench.lenses)
        pitch, alone = bench.modulator.pitch, len(shape) == 1
        responses = {n: AxisResponse(n, presentation, pixels, pitch, arm, alone) for n in set(shape)}
        self.responses = tuple(responses[n] for n in shape)
        self._solver = solver_of(method or Exact(), self.responses, bench.mask.pixels_per_coefficient)
        self._subpixels = self._solver.pixels_per_coefficient
        planes = Planes.of(bench, counts, self._solver.pixels, self._subpixels, pixels)
        self._shown = shown or Shown(planes.input, partial(_encoded, presentation))
        self.planes = replace(planes, input=self._shown.grid)

    def __call__(self, a: Tensor, d: Tensor) -> Masks:
        """Masks of the diagonals; differentiable.

        Args:
            a, d: diagonals of the layer's shape, real or complex; computed in float64 whatever their dtype.

        Raises:
            ValueError: the diagonals hold NaN or infinity.
        """
        for name, diagonal in (("a", a), ("d", d)):
            if not (diagonal.is_meta or torch.isfinite(diagonal).all()):
                raise ValueError(f"diagonal {name} holds NaN or infinity; a mask needs finite values")
        shown = self._shown.values(_double(a))
        input_mask, input_peak = _passive(shown)
        solved = self._solver(_double(d))
        fourier_mask, fourier_peak = _passive(solved)
        planes = self.planes
        if isinstance(fourier_mask, Stripes):  # which tell their size; on a grid it is not quite that of pixels
            planes = replace(planes, mask=fitting(planes.mask, fourier_mask))
        gain = input_peak * fourier_peak
        residual = shown.residual + solved.residual
        return Masks(input_mask, fourier_mask, gain, planes, self._subpixels, residual)


def fitting(pixels: Grid, stripes: Stripes) -> Grid:
    """As many pixels, as large as stripes fill."""
    return Grid(pixels.cells, [e / n for e, n in zip(stripes.extent, pixels.cells, strict=True)], pixels.axes[0].cell)


def _encoded(presentation: Presentation, a: Tensor) -> Solved:
    return Solved(presentation.encode(a, a.ndim), 0.0)


def compile_layer(
    layer: ACDC | AFDF, bench: Bench, *, method: Method | None = None, pixels: Pixels | None = None
) -> Masks:
    """Compile an ACDC or AFDF layer into the masks of a bench; arguments and errors as for :class:`Compiler`.

    >>> from acdc_optical import ACDC
    >>> compile_layer(ACDC(8), Bench.preset()).fourier_mask.shape
    torch.Size([32])
    """
    return Compiler(layer.shape, presentation_of(layer), bench, method=method, pixels=pixels)(layer.a, layer.d)


def normalised(values: Tensor) -> tuple[Tensor, Tensor]:
    """Values over their largest modulus, and that modulus; 1 for an opaque mask.

    The modulus cancels in the layer's output, so gradients need not pass through it.
    """
    peak = values.detach().abs().max()
    peak = torch.where(peak > 0, peak, torch.ones_like(peak))
    return values / peak, peak


def _passive(solved: Solved) -> tuple[Pattern, Tensor]:
    """A mask of |t| ≤ 1, and its strength."""
    if isinstance(solved.mask, Stripes):
        return solved.mask, solved.strength
    return normalised(solved.mask)


def _double(values: Tensor) -> Tensor:
    return values.to(torch.complex128 if values.is_complex() else torch.float64)
