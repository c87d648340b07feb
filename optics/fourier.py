"""The Fourier integral of an ideal lens, between any two grids.

    U(u) = (λf)^(-d/2) · ∫ E(x) exp(-2πi x·u/(λf)) dx        (d = 1 or 2 axes; Goodman, Fourier Optics, §5.2)

This is the one place where the sign (Goodman's; POPPY's matrix transform has the other), the scale and the centring
of the transform are decided. The factor makes
it power preserving. The constant phase exp(2ikf)·i^(-d/2) of a real lens is left out: every detector
of this library refers to a reference beam, which takes it away again.

Each axis is transformed by itself, in one of three ways. Between symmetric grids of n and m cells, spacings Δ and
Δ', the sum over cells is a fractional Fourier series with step α = ΔΔ'/(λf). Where 1/α is an integer it is an FFT of
that length, otherwise a chirp-z transform (Bluestein 1970; Rabiner, Schafer and Rader 1969). Cells with several
nodes, at δ within the cell, add one such transform each: exp(-2πi(x+δ)u/λf) is the transform from the centres times
a linear phase. Axes of few cells are faster by a plain matrix product (Soummer et al., Opt. Express 15, 2007).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from scipy.fft import next_fast_len
from torch import Tensor

from optics.grid import Axis, Grid, check_dimensions, point
from optics.kernel import Kernel, double, number, root

# Up to this many cells along the shorter axis the matrix product wins on a CPU: measured at 64 × 128 cells of 8
# nodes it takes as long as the FFTs, at half the size half as long.
_DENSE = 64
# With a dozen node pairs or more, measured from 1000 to 2500 samples, the product's n·m steps take as long as 48 times
# as many steps L·log₂L of the transforms.
_MANY = 12
_PER_STEP = 48
# Beyond so many entries, 64 MB in complex128, making the matrix costs more than it saves.
_LARGEST = 2**22
# Entries of the largest matrix that is made at all: four gigabytes.
_MOST = 2**28


class FourierIntegral:
    """The Fourier integral from ``source`` to ``target`` as a linear operator on tensors.

    Args:
        source: grid of the input; a :func:`~optics.grid.flat` cell contributes its exact sinc envelope.
        target: grid of the output; a flat cell yields the mean over its active part, which is what a
            coherent detector pixel measures. (From flat cells to flat cells the mean is taken of each source
            cell's wave as if it came from the cell's centre, an error that falls as 1/n. Resolve one side.)
        scale: λf [m²]; must be positive. A 0-dim tensor is differentiated through; it takes the chirp-z transform or
            the matrix product, for the length of an FFT does not follow it.

    Called with a complex tensor of shape (..., *source.shape); returns (..., *target.shape).

    Raises:
        ValueError: grids of different dimension; a scale that is not positive and finite; so many samples in so few
            cells that their matrix does not fit in memory.
    """

    def __init__(self, source: Grid, target: Grid, scale: float | Tensor):
        check_dimensions(source, target)
        if not (math.isfinite(number(scale)) and number(scale) > 0):
            raise ValueError(f"scale λf must be positive and finite; got {number(scale)}")
        self.source, self.target, self.scale = source, target, scale
        self._transform = _plane_fft(source, target, scale) or _EachAxis(
            [_axis_integral(a, b, double(scale)) for a, b in zip(source.axes, target.axes, strict=True)]
        )

    def __call__(self, data: Tensor) -> Tensor:
        if not data.numel():
            return data.new_empty((*data.shape[: -self.source.ndim], *self.target.shape))  # no FFT of an empty batch
        return self._transform(data)

    def adjoint(self) -> Callable[[Tensor], Tensor]:
        """The adjoint in the integral inner product ⟨f, g⟩ = Σ weights·f·conj(g) of each grid.

        The kernel is symmetric in x and u, so the adjoint is the conjugate of the integral the other way.
        """
        reverse = FourierIntegral(self.target, self.source, self.scale)
        return lambda data: reverse(data.conj()).conj()


_AxisTransform = Callable[[Tensor], Tensor]


def _axis_integral(source: Axis, target: Axis, scale: float | Tensor) -> _AxisTransform:
    """The Fourier integral along the last axis, by the faster way."""
    if min(source.cells, target.cells) <= _DENSE or _many_transforms(source, target):
        return _DenseIntegral(source, target, scale)
    return _FastIntegral(source, target, scale)


def _many_transforms(source: Axis, target: Axis) -> bool:
    """Whether the node pairs are so many that one matrix product costs less than a transform for each."""
    pairs, length = len(source.cell) * len(target.cell), source.cells + target.cells
    steps = min(_PER_STEP * pairs * length * math.log2(length), _LARGEST)
    return pairs >= _MANY and source.size * target.size <= steps


@dataclass(frozen=True)
class _EachAxis:
    """Axis by axis: what is padded along one is not yet padded along the other."""

    axes: list[_AxisTransform]

    def __call__(self, data: Tensor) -> Tensor:
        for i, transform in enumerate(self.axes):
            axis = i - len(self.axes)
            data = transform(data) if axis == -1 else transform(data.movedim(axis, -1)).movedim(-1, axis)
        return data


@dataclass(frozen=True)
class _PlaneFFT:
    """Both axes by one 2-D FFT, with the phases of both in one factor before and one after it."""

    kept: tuple[int, int]
    before: Kernel
    after: Kernel

    def __call__(self, data: Tensor) -> Tensor:
        spectrum = torch.fft.fft2(data * self.before.like(data))
        # In place: the spectrum is a fresh array, and another one of its size costs as much as half an FFT.
        return spectrum[..., : self.kept[0], : self.kept[1]].mul_(self.after.like(data))


def _plane_fft(source: Grid, target: Grid, scale: float | Tensor) -> _PlaneFFT | None:
    """Such a transform, if there are two axes of points and each is an FFT without padding."""
    if isinstance(scale, Tensor):
        return None
    pairs = list(zip(source.axes, target.axes, strict=True))
    if len(pairs) == 1 or any(min(a.cells, b.cells) <= _DENSE or {a.cell, b.cell} != {point()} for a, b in pairs):
        return None
    parts = [_cell_transform(a, b, scale) for a, b in pairs]
    if not all(
        isinstance(fft, _PaddedFFT) and fft.length == a.cells for (fft, _, _), (a, _) in zip(parts, pairs, strict=True)
    ):
        return None
    before, after = (torch.outer(*factors) for factors in list(zip(*parts, strict=True))[1:])
    weight = math.prod(source.spacing) / scale
    rows, columns = target.cells
    return _PlaneFFT((rows, columns), Kernel(before), Kernel(after * weight))


class _DenseIntegral:
    """One matrix product from samples to samples."""

    def __init__(self, source: Axis, target: Axis, scale: float | Tensor):
        if source.size * target.size > _MOST:
            raise ValueError(
                f"a Fourier integral from {source.size} samples in {source.cells} cells to {target.size} in "
                f"{target.cells} needs a matrix of {16 * source.size * target.size:.2g} bytes; take fewer samples"
            )
        x, u = source.coordinates, target.coordinates
        sent = torch.sinc(source.cell.width * source.spacing * u / scale)
        read = torch.sinc(target.cell.width * target.spacing * x / scale)
        strength = torch.outer(read * source.weights, sent) / root(scale)
        self._matrix = Kernel(strength * _cis(-torch.outer(x, u) / scale))

    def __call__(self, data: Tensor) -> Tensor:
        return data @ self._matrix.like(data)


class _FastIntegral:
    """Nodes in, one fast transform of the cells for each pair of nodes, nodes out."""

    def __init__(self, source: Axis, target: Axis, scale: float | Tensor):
        self.source, self.target = source, target
        self._transform, before, after = _cell_transform(source, target, scale)
        delta = torch.tensor(source.cell.nodes, dtype=torch.float64) * source.spacing
        epsilon = torch.tensor(target.cell.nodes, dtype=torch.float64) * target.spacing
        weights = torch.tensor(source.cell.weights, dtype=torch.float64) * source.spacing / root(scale)
        u = target.centres + epsilon[:, None]  # (target nodes, target cells)
        envelope = torch.sinc(source.cell.width * source.spacing * u / scale)
        into = torch.outer(epsilon, source.centres) / scale  # phase in turns, (target nodes, source cells)
        out = delta[:, None, None] * u / scale  # (source nodes, target nodes, target cells)
        self._before = Kernel(before * _cis(-into))
        self._after = Kernel(after * _cis(-out) * envelope * weights[:, None, None])
        self._reader = Kernel(torch.sinc(target.cell.width * target.spacing * source.coordinates / scale))

    def __call__(self, data: Tensor) -> Tensor:
        batch = data.shape[:-1]
        if self.target.cell.width:
            data = data * self._reader.like(data)
        cells = data.reshape(*batch, self.source.cells, len(self.source.cell)).mT[..., :, None, :]
        spectrum = self._transform(cells * self._before.like(data))
        waves = spectrum * self._after.like(data)
        summed = waves.sum(dim=-3) if waves.shape[-3] > 1 else waves[..., 0, :, :]  # over the source's nodes
        return summed.mT.reshape(*batch, self.target.size)


_CellTransform = Callable[[Tensor], Tensor]


def _cell_transform(source: Axis, target: Axis, scale: float | Tensor) -> tuple[_CellTransform, Tensor, Tensor]:
    """Σ_i f_i exp(-2πi x_i u_j/scale) from cell centres to cell centres, as after·transform(before·f).

    Takes the FFT where the spacings allow it and it is not longer than the chirp-z it replaces.
    """
    n, m = source.cells, target.cells
    step = source.spacing * target.spacing / scale
    chirp_length = next_fast_len(n + m - 1)
    if isinstance(step, Tensor):
        return _chirp_z(n, m, step, chirp_length)
    length = round(1 / step)
    # A pitch computed as λf/(nΔ) misses 1/α = integer by a few float64 roundings; more is another pitch.
    if max(n, m) <= length <= 2 * chirp_length and abs(step * length - 1) < 2e-15:
        return _fft(n, m, length)
    return _chirp_z(n, m, step, chirp_length)


def _fft(n: int, m: int, length: int) -> tuple[_CellTransform, Tensor, Tensor]:
    # (i-c)(j-c') = ij - ic' - jc + cc' with half-integer centres: 4·(...) are integers, so the phases are
    # reduced exactly before they are evaluated.
    i, j = torch.arange(n), torch.arange(m)
    before = _cis(_turns(2 * i * (m - 1), 4 * length))
    after = _cis(_turns(2 * j * (n - 1) - (n - 1) * (m - 1), 4 * length))
    return _PaddedFFT(length, m), before, after


def _chirp_z(n: int, m: int, step: float | Tensor, length: int) -> tuple[_CellTransform, Tensor, Tensor]:
    # ab = (a² + b² - (a-b)²)/2 turns the sum into a convolution with a chirp.
    a = torch.arange(n, dtype=torch.float64) - (n - 1) / 2
    b = torch.arange(m, dtype=torch.float64) - (m - 1) / 2
    lag = torch.arange(-(n - 1), m, dtype=torch.float64) + (n - 1) / 2 - (m - 1) / 2
    chirp = _cis(step * lag.square() / 2)
    gap = torch.zeros(length - len(chirp), dtype=torch.complex128)
    chirp = torch.cat([chirp[n - 1 :], gap, chirp[: n - 1]])  # negative lags stand at the end
    transform = _Convolution(Kernel(torch.fft.fft(chirp)), length, m)
    return transform, _cis(-step * a.square() / 2), _cis(-step * b.square() / 2)


@dataclass(frozen=True)
class _PaddedFFT:
    length: int
    kept: int

    def __call__(self, data: Tensor) -> Tensor:
        return torch.fft.fft(data, n=self.length)[..., : self.kept]


@dataclass(frozen=True)
class _Convolution:
    spectrum: Kernel
    length: int
    kept: int

    def __call__(self, data: Tensor) -> Tensor:
        return torch.fft.ifft(torch.fft.fft(data, n=self.length) * self.spectrum.like(data))[..., : self.kept]


def _turns(numerator: Tensor, denominator: int) -> Tensor:
    return (numerator % denominator).double() / denominator


def _cis(turns: Tensor) -> Tensor:
    """exp(2πi·turns) in complex128."""
    angle = 2 * math.pi * torch.remainder(turns, 1.0)
    return torch.polar(torch.ones_like(angle), angle)
