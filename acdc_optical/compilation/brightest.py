"""The brightest masks: of all that make a layer, exactly or to a stated error, the one of smallest maximum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from acdc_optical.benches.bench import Bench
from acdc_optical.compilation.masks import Compiler
from acdc_optical.compilation.methods import Exact, Solved, check_several
from acdc_optical.compilation.moments import AxisSystem, Moments, axis_systems
from acdc_optical.compilation.response import AxisResponse
from acdc_optical.compilation.searches import Search, Splitting, check_search
from acdc_optical.layers import ACDC, AFDF
from acdc_optical.light import pixels_of
from acdc_optical.presentation import Presentation, presentation_of
from acdc_optical.progress import Track, silent


@dataclass(frozen=True)
class Brightest:
    """Masks of the smallest maximum among those that make the layer, so that the brightest light makes it.

    For two mask pixels per coefficient there is next to one exact mask; three or four leave a choice, and more than
    four gain little. A mask is solved for whenever the diagonal d has changed, so it suits layers that are trained.

    Gradients reach d through the equations that a mask obeys. Any change of the mask that keeps to them changes the
    layer's output by the same amount, and the one of least norm is taken: gradients of outputs are exact, those of
    single mask values are one of many. The next mask is searched for anew, and need not be near.

    Args:
        error: relative L2 error that the layer's outputs may have over random inputs (exactly, that of its matrix
            with a = 1), at least 0 and less than 1. A little of it buys light; see :func:`trade_off`.
        search: how the mask is found.

    Raises:
        ValueError: the error is out of range; when compiling, the bench has one mask pixel per coefficient.
        TypeError: the search is not an object such as Splitting().

    >>> from acdc_optical import ACDC, Bench, Exact, FourierMask, compile_layer
    >>> bench = Bench.preset().replace(mask=FourierMask(pixels_per_coefficient=4))
    >>> layer = ACDC(16, dtype=torch.float64)
    >>> bright, exact = (compile_layer(layer, bench, method=method) for method in (Brightest(), Exact()))
    >>> bool(bright.residual < 1e-12), bool(bright.gain < exact.gain)
    (True, True)
    """

    error: float = 0.0
    search: Search = Splitting()

    def __post_init__(self) -> None:
        if not 0 <= self.error < 1:
            raise ValueError(f"error must be at least 0 and less than 1, relative to the layer; got {self.error}")
        check_search(self.search)

    def solver(self, responses: Sequence[AxisResponse], pixels_per_coefficient: int) -> BrightSolver:
        needed = "the brightest exact masks need mask.pixels_per_coefficient of 3 or 4 (2 is the least)"
        check_several(pixels_per_coefficient, needed)
        masks = [response.mask_axis(pixels_per_coefficient) for response in responses]
        pixels, axes = tuple(mask.cells for mask in masks), axis_systems(responses, masks)
        return BrightSolver(self, axes, responses[0].presentation, pixels, pixels_per_coefficient)


class BrightSolver:
    """Solves for the mask of one layer, and keeps the latest: every call of an optical layer asks for it."""

    def __init__(
        self,
        method: Brightest,
        axes: tuple[AxisSystem, ...],
        presentation: Presentation,
        pixels: tuple[int, ...],
        pixels_per_coefficient: int,
    ):
        self.pixels, self.pixels_per_coefficient = pixels, pixels_per_coefficient
        self._method, self._axes, self._presentation = method, axes, presentation
        self._latest: tuple[Tensor, Tensor, float] | None = None

    def __call__(self, d: Tensor) -> Solved:
        if d.is_meta:  # shapes alone are asked for
            return Solved(d.new_empty(self.pixels), 0.0)
        here = d.cpu()
        values, residual = self._solved(here.detach())
        if here.requires_grad:
            follows = Moments.of(self._axes, here).least_norm()
            values = values + (follows - follows.detach())
        return Solved(_whole(self._presentation, values).to(d.device), residual)

    def _solved(self, d: Tensor) -> tuple[Tensor, float]:
        if self._latest is None or not torch.equal(self._latest[0], d):
            with torch.inference_mode(False), torch.no_grad():
                d = d.clone()
                moments = Moments.of(self._axes, d)
                mask = self._method.search(moments, self._method.error).mask
                self._latest = d, mask, moments.residual(mask)
        return self._latest[1:]


class Brightness(NamedTuple):
    """How bright a layer can be at one error.

    Attributes:
        error: that was allowed, relative L2 over the layer's outputs.
        residual: the error that the mask leaves.
        light: on the camera, over that of the least-squares mask on the same pixels, :class:`Exact`.
        most: no mask with this error has more; proved.
        transmission: mean of |t|² over the mask.
    """

    error: float
    residual: float
    light: float
    most: float
    transmission: float


def trade_off(
    layer: ACDC | AFDF, bench: Bench, errors: Sequence[float], *, search: Search = Splitting(), track: Track = silent
) -> list[Brightness]:
    """The light of a layer's Fourier mask against the error that it may make: one point for each error.

    The mask A is the same for all.

    Args:
        layer: what is to be computed.
        bench: the table, with two or more mask pixels per coefficient; four leave the most choice.
        errors: relative L2 errors of the layer's outputs, at least 0 and less than 1.
        search: how masks are found; :class:`~acdc_optical.compilation.searches.LinearProgramme` for an error of 0 only.
        track: shows progress from error to error.

    Raises:
        ValueError: an error out of range, a layer that does not fit the bench, a diagonal d that is 0 throughout (it
            has no light) or not finite.
    """
    methods = [Brightest(error, search) for error in errors]
    compiler = Compiler(layer.shape, presentation_of(layer), bench, method=Exact())
    d = layer.d.detach().cpu()
    plain = compiler(torch.ones_like(d), d)
    plain_mask = pixels_of(plain.fourier_mask)
    if not plain_mask.any():
        raise ValueError("the layer's diagonal d is 0 throughout: its mask is opaque, and there is no light to trade")
    reference = float(plain.gain)  # with a = 1 all of it is the mask's maximum
    d = d.to(plain_mask.dtype)
    masks = [response.mask_axis(bench.mask.pixels_per_coefficient) for response in compiler.responses]
    moments = Moments.of(axis_systems(compiler.responses, masks), d)
    points = []
    for method in track(methods, "trading light for error", len(methods)):
        found = method.search(moments, method.error)
        light, most = ((reference / peak) ** 2 for peak in (found.peak, found.bound))
        mean = float(found.mask.abs().square().mean()) / found.peak**2
        points.append(Brightness(method.error, moments.residual(found.mask), light, most, mean))
    return points


def _whole(presentation: Presentation, values: Tensor) -> Tensor:
    """All pixels of a mask from its independent values."""
    for axis in range(values.ndim):
        values = presentation.unfold(values.movedim(axis, 0)).movedim(0, axis)
    return values
