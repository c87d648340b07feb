"""Light whose axes do not mix: matrices for each axis, and what a mask does between two of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from acdc_optical.light import Pattern, pixels_of
from optics import Field, Grid, Mask, Plane
from optics.kernel import Kernel


class Separable(nn.Module):
    """A linear map Field -> Field that is one matrix for each axis.

    Args:
        matrices: from the samples of each source axis to those of the output's, shape (source, output).
        output: grid the field arrives on.
    """

    def __init__(self, matrices: Sequence[Tensor], output: Grid):
        super().__init__()
        self.output = output
        self._kernels = [Kernel(matrix) for matrix in matrices]

    def forward(self, field: Field) -> Field:
        data = field.data
        for axis, kernel in enumerate(self._kernels, -len(self._kernels)):
            data = (data.movedim(axis, -1) @ kernel.like(data)).movedim(-1, axis)
        return field.replace(data, self.output)


@dataclass(frozen=True, eq=False)
class PixelByPixel:
    """Two-dimensional light through a mask of flat pixels, without its samples in the mask's plane.

    Along each axis, what pixel s of the mask passes from source j to receiver i is one number R[i, s, j], the integral
    over the pixel of what arrives times what goes on. With the two axes and the mask D that makes

        y[i, k] = Σ R[i, s, j]·R'[k, t, l]·D[s, t]·x[j, l]        over s, t, j, l

    in place of a field that may need a hundred samples across each mask pixel.

    Attributes:
        rows, columns: R and R', shape (receivers, mask pixels, sources).
        mask: its pixels.
        receivers: where the light is wanted, the camera's pixels as a rule.
        to_mask: the light in front of the mask, for a look at it.
        samples: numbers that the light of one input takes at its largest.
    """

    rows: Kernel
    columns: Kernel
    mask: Grid
    receivers: Grid
    to_mask: Separable
    samples: int

    def __call__(self, field: Field, fourier_mask: Pattern) -> Field:
        fourier_mask = pixels_of(fourier_mask)
        x = field.data
        rows, columns = self.rows.like(x), self.columns.like(x)
        light = torch.einsum("...jl,ktl->...jkt", x, columns)
        light = light @ fourier_mask.to(light).mT
        return field.replace(torch.einsum("...jks,isj->...ik", light, rows), self.receivers)

    def arrived(self, field: Field) -> Callable[[Tensor], Field]:
        return lambda fourier_mask: self(field, fourier_mask)

    def trace(self, field: Field, fourier_mask: Pattern) -> list[Plane]:
        fourier_mask = pixels_of(fourier_mask)
        before = self.to_mask(field)
        behind = Mask(fourier_mask, self.mask.spacing)(before)
        return [
            Plane("in front of mask D", before),
            Plane("behind mask D", behind),
            Plane("at the camera", self(field, fourier_mask)),
        ]


def pixel_responses(forth: Tensor, back: Tensor, pixels: int) -> Tensor:
    """R[i, s, j] above: complex128, shape (receivers, pixels, sources).

    Args:
        forth: from sources to the nodes of the mask, shape (sources, pixels·nodes).
        back: from the nodes, weighted, to the receivers, shape (pixels·nodes, receivers).
        pixels: of the mask.
    """
    arriving = forth.unflatten(1, (pixels, -1)).movedim(1, 0)  # (pixels, sources, nodes)
    leaving = back.unflatten(0, (pixels, -1))  # (pixels, nodes, receivers)
    return (arriving @ leaving).permute(2, 0, 1).contiguous()
