"""From the diagonals of a layer to the masks of a bench.

The bench with Fourier mask t applies, from modulator pixel j to camera pixel i, the kernel of their distance

    K(m) = (η/n) ∫ t(v)·E(v)·exp(2πi·m·v/n) dv,      E(v) = sinc(ηv/n)·sinc(κv/n),

with n modulator pixels, v = u/q the mask coordinate in units of the coefficient pitch q = λf/(np), and η, κ the
fills of modulator and camera pixels. The layer wants the circular kernel c(m) = (1/n) Σ_k d_k exp(2πi·k·m/n). Both are
linear, so a method of compilation is one matrix per axis from coefficients to mask values, and in two
dimensions the separable product of two. Lengths appear nowhere: the matrices depend on counts and fills only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from acdc_optical.bench import Bench, Pixels
from acdc_optical.layers import ACDC, AFDF
from acdc_optical.presentation import Presentation, presentation_of
from optics import Axis, Grid, gauss
from optics.elements import output_pitch
from optics.kernel import Kernel

# Over a mask pixel the kernel's phase turns by at most 2π/M ≤ 2π; 24 Gauss nodes integrate that to 1e-15.
_NODES = 24


class AxisMap(NamedTuple):
    """The compilation along one axis.

    Attributes:
        matrix: from coefficients to mask values, float64 or complex128, shape (mask pixels, n).
        pixels_per_coefficient: mask pixels for one step of q.
        residual: relative error of the compiled operator, in the mean over random coefficients; 0 is exact.
    """

    matrix: Tensor
    pixels_per_coefficient: int
    residual: float


class Method(Protocol):
    """A way to compile coefficients into mask values, along one axis."""

    def axis_map(self, n: int, presentation: Presentation, pixels: Pixels, pixels_per_coefficient: int) -> AxisMap:
        """Compile n coefficients for the given pixels."""


@dataclass(frozen=True)
class Sampled:
    """One mask pixel for each coefficient, holding the coefficient divided by the envelope at its centre.

    Right where pixels are points. With real pixels the kernel is off by several per cent.
    """

    def axis_map(self, n: int, presentation: Presentation, pixels: Pixels, pixels_per_coefficient: int) -> AxisMap:
        k, selection = presentation.selection(n)
        axis = Axis(len(k), 1.0, pixels.mask)
        matrix = selection / (_envelope(axis.centres, presentation.pixels(n), pixels) * axis.weights)[:, None]
        moments = _moments(n, presentation, pixels, axis)
        return AxisMap(
            matrix, 1, _residual(moments @ matrix.to(moments.dtype), _wanted(n, presentation), n, presentation)
        )


@dataclass(frozen=True)
class Exact:
    """Several mask pixels for each coefficient, solved for: the kernel is right at every lag that matters.

    With M pixels per coefficient the mask has M·n values for 2n-1 kernel values, so M ≥ 2 leaves no error.
    Of many solutions it takes the one of least norm.
    """

    def axis_map(self, n: int, presentation: Presentation, pixels: Pixels, pixels_per_coefficient: int) -> AxisMap:
        if pixels_per_coefficient < 2:
            raise ValueError(
                "exact masks need mask.pixels_per_coefficient of 2 or more; the bench has 1: raise it, "
                "or compile with the sampled method"
            )
        count = presentation.pixels(n) * pixels_per_coefficient
        axis = Axis(count, 1 / pixels_per_coefficient, pixels.mask)
        system = presentation.fold(_moments(n, presentation, pixels, axis))
        wanted = _wanted(n, presentation)
        wanted = wanted if system.is_complex() else wanted.real
        # gelsy: the least-norm solution by a rank-revealing QR. The condition number is 2.7 to 4 at full fill.
        values = torch.linalg.lstsq(system, wanted, driver="gelsy").solution
        return AxisMap(
            presentation.unfold(values), pixels_per_coefficient, _residual(system @ values, wanted, n, presentation)
        )


def _envelope(v: Tensor, n_pixels: int, pixels: Pixels) -> Tensor:
    """η·E(v): what becomes of light that modulator pixels send through v to camera pixels."""
    sent = torch.sinc(pixels.input.width * v / n_pixels) * sum(pixels.input.weights)
    return sent * torch.sinc(pixels.camera.width * v / n_pixels)


def _moments(n: int, presentation: Presentation, pixels: Pixels, axis: Axis) -> Tensor:
    """The kernel of each mask pixel by itself, complex128, shape (lags, mask pixels)."""
    n_pixels = presentation.pixels(n)
    cell = gauss(_NODES, axis.cell.width) if axis.cell.width else axis.cell
    resolved = Axis(axis.cells, axis.spacing, cell)
    strength = _envelope(resolved.coordinates, n_pixels, pixels) * resolved.weights / n_pixels
    turns = presentation.lags(n).double() / n_pixels
    nodes = torch.tensor(cell.nodes, dtype=torch.float64) * axis.spacing
    # The phase is that of the pixel's centre times that of the node within the pixel.
    within = _cis(torch.outer(turns, nodes)) @ strength.view(axis.cells, len(cell)).mT.to(torch.complex128)
    return _cis(torch.outer(turns, axis.centres)) * within


def _wanted(n: int, presentation: Presentation) -> Tensor:
    """The kernel of each coefficient by itself, complex128, shape (lags, n)."""
    n_pixels = presentation.pixels(n)
    k, selection = presentation.selection(n)
    turns = (torch.outer(presentation.lags(n), k) % n_pixels).double() / n_pixels
    return _cis(turns) @ selection.to(torch.complex128) / n_pixels


def _cis(turns: Tensor) -> Tensor:
    """exp(2πi·turns)."""
    return torch.polar(torch.ones_like(turns), 2 * torch.pi * turns)


def _residual(kernels: Tensor, wanted: Tensor, n: int, presentation: Presentation) -> float:
    """‖K - c‖/‖c‖, each lag counted as often as it occurs between the pixels."""
    pairs = (presentation.pixels(n) - presentation.lags(n).abs()).double().sqrt()[:, None]
    return float((pairs * (kernels - wanted)).norm() / (pairs * wanted).norm())


@dataclass(frozen=True)
class Planes:
    """The three planes of a 4f bench, as the layer's light meets them.

    Attributes:
        wavelength, focal_length: [m].
        input: modulator pixels in use.
        mask: pixels of the Fourier mask.
        camera: camera pixels in use; the image of ``input``, upside down.
    """

    wavelength: float
    focal_length: float
    input: Grid
    mask: Grid
    camera: Grid

    @classmethod
    def of(
        cls, bench: Bench, counts: Sequence[int], mask: Sequence[int], pixels_per_coefficient: int, pixels: Pixels
    ) -> Planes:
        """The planes of a bench for given pixel counts of modulator and mask, (y, x) or (x,).

        Raises:
            ValueError: focal length, pitches and counts do not fit; see :meth:`Bench.fitted_focal_length`.
        """
        focal_length = bench.fitted_focal_length(tuple(counts))
        pitch = bench.modulator.pitch
        coefficient = [output_pitch(n, pitch, bench.wavelength * focal_length) for n in counts]
        return cls(
            wavelength=bench.wavelength,
            focal_length=focal_length,
            input=Grid(counts, pitch, pixels.input),
            mask=Grid(mask, [q / pixels_per_coefficient for q in coefficient], pixels.mask),
            camera=Grid(counts, pitch, pixels.camera),
        )


@dataclass(frozen=True)
class Masks:
    """A compiled layer: two passive masks, |t| ≤ 1, and the gain that undoes their normalisation.

    Attributes:
        input_mask: transmittance A in the modulator plane, shape of ``planes.input``.
        fourier_mask: transmittance D in the Fourier plane, shape of ``planes.mask``.
        gain: the layer's output is gain times the field at the camera; scalar.
        planes: where the masks stand.
        pixels_per_coefficient: Fourier mask pixels for one step of q, along each axis.
        residual: relative error of the compiled kernel; see :class:`AxisMap`.
    """

    input_mask: Tensor
    fourier_mask: Tensor
    gain: Tensor
    planes: Planes
    pixels_per_coefficient: int
    residual: float

    @property
    def mean_transmission(self) -> tuple[float, float]:
        """Mean of |t|² over the pixels of the input mask and of the Fourier mask."""
        return _mean_power(self.input_mask), _mean_power(self.fourier_mask)


def _mean_power(mask: Tensor) -> float:
    return float(mask.detach().abs().square().mean())


class Compiler:
    """Compiles any (a, d) of one shape for one bench; everything but a matrix product is done beforehand.

    Args:
        shape: of the layer.
        presentation: of the layer's kind.
        bench: the table.
        method: :class:`Exact` by default.
        pixels: what a pixel is; by default what it is on the bench.

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
    ):
        self.presentation = presentation
        pixels = pixels or bench.pixels()
        axis_map = (method or Exact()).axis_map
        solved = {n: axis_map(n, presentation, pixels, bench.mask.pixels_per_coefficient) for n in set(shape)}
        maps = [solved[n] for n in shape]
        self._kernels = [Kernel(axis_map.matrix) for axis_map in maps]
        self._subpixels = maps[0].pixels_per_coefficient
        counts = [presentation.pixels(n) for n in shape]
        mask_counts = [axis_map.matrix.shape[0] for axis_map in maps]
        self.planes = Planes.of(bench, counts, mask_counts, self._subpixels, pixels)
        # Errors of the axes add up at first order.
        self.residual = sum(axis_map.residual for axis_map in maps)

    def __call__(self, a: Tensor, d: Tensor) -> Masks:
        """Masks of the diagonals; differentiable.

        Args:
            a, d: diagonals of the layer's shape, real or complex; computed in float64 whatever their dtype.

        Raises:
            ValueError: the diagonals hold NaN or infinity.
        """
        for name, diagonal in (("a", a), ("d", d)):
            if not torch.isfinite(diagonal).all():
                raise ValueError(f"diagonal {name} holds NaN or infinity; a mask needs finite values")
        input_mask, input_peak = _normalised(self.presentation.encode(_double(a), a.ndim))
        fourier_mask, fourier_peak = _normalised(self._fourier_values(_double(d)))
        return Masks(input_mask, fourier_mask, input_peak * fourier_peak, self.planes, self._subpixels, self.residual)

    def _fourier_values(self, d: Tensor) -> Tensor:
        for axis, kernel in enumerate(self._kernels):
            matrix = kernel.like(d)
            dtype = torch.promote_types(d.dtype, matrix.dtype)
            d = torch.tensordot(matrix.to(dtype), d.to(dtype), dims=([1], [axis])).movedim(0, axis)
        return d


def compile_layer(
    layer: ACDC | AFDF, bench: Bench, *, method: Method | None = None, pixels: Pixels | None = None
) -> Masks:
    """Compile an ACDC or AFDF layer into the masks of a bench; arguments and errors as for :class:`Compiler`.

    >>> from acdc_optical import ACDC
    >>> compile_layer(ACDC(8), Bench.preset()).fourier_mask.shape
    torch.Size([32])
    """
    return Compiler(layer.shape, presentation_of(layer), bench, method=method, pixels=pixels)(layer.a, layer.d)


def _normalised(values: Tensor) -> tuple[Tensor, Tensor]:
    """Values over their largest modulus, and that modulus; 1 for an opaque mask.

    The modulus cancels in the layer's output, so gradients need not pass through it.
    """
    peak = values.detach().abs().max()
    peak = torch.where(peak > 0, peak, torch.ones_like(peak))
    return values / peak, peak


def _double(values: Tensor) -> Tensor:
    return values.to(torch.complex128 if values.is_complex() else torch.float64)
