"""The bench's impulse response along one axis, and the response the layer wants.

With Fourier mask t, light from modulator pixel j reaches camera pixel i weighted by a kernel of their distance,

    K(m) = (η/n) ∫ t(v)·E(v)·exp(2πi·m·v/n) dv,      E(v) = sinc(ηv/n)·sinc(κv/n),

with n modulator pixels, v = u/q the mask coordinate in units of the coefficient pitch q = λf/(np), and η, κ the
fills of modulator and camera pixels. The layer wants the circular kernel c(m) = (1/n) Σ_k d_k exp(2πi·k·m/n).
Lengths appear nowhere: through ideal lenses both depend on counts and fills only.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from acdc_optical.benches.bench import Pixels
from acdc_optical.benches.planes import Arm
from acdc_optical.presentation import Presentation
from optics import Axis, gauss

# Over a mask pixel the phase of the kernel turns by at most 2π; 24 Gauss nodes integrate that to 1e-15.
_NODES = 24

# What is seen at all is at least 1/(2n) as strong as the best seen, what is not is rounding, 1e-13.
_UNSEEN = 1e-9


@dataclass(frozen=True)
class AxisResponse:
    """Impulse responses along one axis, at the lags that matter.

    Attributes:
        n: coefficients along the axis.
        presentation: of the layer.
        pixels: what a pixel is in each plane.
        pitch: of the modulator's pixels [m].
        arm: the bench on either side of the mask; an ideal lens leaves nothing of it but q = λf/(np).
        alone: whether this is the layer's only axis.
    """

    n: int
    presentation: Presentation
    pixels: Pixels
    pitch: float
    arm: Arm
    alone: bool = True

    @property
    def modulator_pixels(self) -> int:
        """Modulator pixels that show n numbers."""
        return self.presentation.pixels(self.n)

    def mask_axis(self, pixels_per_coefficient: int) -> Axis:
        """The pixels of a mask with so many for each coefficient; lengths in units of q."""
        count = self.modulator_pixels * pixels_per_coefficient
        return Axis(count, 1 / pixels_per_coefficient, self.pixels.mask)

    def envelope(self, v: Tensor) -> Tensor:
        """η·E(v): what becomes of light that passes the mask at v on its way from pixel to pixel."""
        sent = torch.sinc(self.pixels.input.width * v / self.modulator_pixels) * sum(self.pixels.input.weights)
        return sent * torch.sinc(self.pixels.camera.width * v / self.modulator_pixels)

    def of_mask(self, mask: Axis) -> Tensor:
        """K(m) of each pixel of the mask by itself, with t = 1: complex128, shape (lags, mask pixels)."""
        cell = gauss(_NODES, mask.cell.width) if mask.cell.width else mask.cell
        resolved = Axis(mask.cells, mask.spacing, cell)
        strength = self.envelope(resolved.coordinates) * resolved.weights / self.modulator_pixels
        turns = self._lags / self.modulator_pixels
        nodes = torch.tensor(cell.nodes, dtype=torch.float64) * mask.spacing
        # The phase is that of the pixel's centre times that of the node within the pixel.
        within = _cis(torch.outer(turns, nodes)) @ strength.view(mask.cells, len(cell)).mT.to(torch.complex128)
        return _cis(torch.outer(turns, mask.centres)) * within

    def of_layer(self) -> Tensor:
        """c(m) of each coefficient by itself, with d_k = 1: complex128, shape (lags, n)."""
        k, selection = self.presentation.selection(self.n)
        turns = torch.outer(self._lags, k.double()) % self.modulator_pixels / self.modulator_pixels
        return _cis(turns) @ selection.to(torch.complex128) / self.modulator_pixels

    def between_coefficients(self) -> Tensor:
        """What the layer makes of input j at output i for each d_k = 1, with a = 1: complex128, shape (n, n, n)."""
        count, lags = self.modulator_pixels, self.presentation.lags(self.n)
        distance = torch.arange(count)[:, None] - torch.arange(count)
        if int(lags.min()) == 0:  # an even kernel is given at one side
            distance = distance.abs()
        kernel = self.of_layer()[distance - lags.min()]
        return self.fold(kernel.flip(0))  # a camera sees the image upside down

    def fold(self, between_pixels: Tensor) -> Tensor:
        """From camera pixels i and modulator pixels j to outputs and inputs, shape (i, j, …) to (n, n, …)."""
        outputs = self.presentation.decode(between_pixels.movedim(0, -1), 1).movedim(-1, 0)
        shown = self.presentation.encode(torch.eye(self.n, dtype=torch.float64), 1).to(outputs.dtype)
        return torch.einsum("jp,ip...->ij...", shown, outputs)

    def seen(self) -> Tensor:
        """What outputs show of an error ΔK(m) of the kernel: float64, shape (rank, lags).

        The norm of this times ΔK is that of the error of all outputs for all inputs, the layer's matrix with a = 1. Of
        a mirrored layer it has one row less than there are lags: (-1)^m is odd about the axis, and no input shows it.
        """
        count, lags = self.modulator_pixels, self.presentation.lags(self.n)
        shown = self.presentation.encode(torch.eye(self.n, dtype=torch.float64), 1)
        # A camera sees the image upside down.
        read = self.presentation.decode(torch.eye(count, dtype=torch.float64), 1).flip(0)
        sending, reading = shown.mT @ shown, read @ read.mT
        distance = torch.arange(count)[:, None] - torch.arange(count)
        lag = (distance.abs() if int(lags.min()) == 0 else distance) - lags.min()
        # Both are sparse: of the products of four pixels few are not 0.
        j, k = sending.nonzero(as_tuple=True)
        i, m = reading.nonzero(as_tuple=True)
        squares = torch.zeros(len(lags), len(lags), dtype=torch.float64)
        pairs = lag[i[:, None], j], lag[m[:, None], k]
        squares.index_put_(pairs, reading[i, m][:, None] * sending[j, k], accumulate=True)
        strengths, vectors = torch.linalg.eigh(squares)
        kept = strengths > _UNSEEN * strengths[-1]
        return strengths[kept].sqrt()[:, None] * vectors[:, kept].mT

    def error(self, mask: Axis, matrix: Tensor) -> float:
        """‖K - c‖/‖c‖ for mask values ``matrix`` @ d, in the mean over random d.

        Each lag counts as often as it occurs between the pixels.
        """
        pairs = (self.modulator_pixels - self._lags.abs()).sqrt()[:, None]
        wanted = self.of_layer()
        got = self.of_mask(mask) @ matrix.to(torch.complex128)
        return float((pairs * (got - wanted)).norm() / (pairs * wanted).norm())

    @property
    def _lags(self) -> Tensor:
        return self.presentation.lags(self.n).double()


def _cis(turns: Tensor) -> Tensor:
    """exp(2πi·turns)."""
    return torch.polar(torch.ones_like(turns), 2 * torch.pi * turns)
