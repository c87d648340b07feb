"""The impulse response of a bench with masks made of cells.

Between ideal lenses a mask acts alike wherever light comes from: what a cell of mask A sends to a camera pixel depends
on the place of the cell in its pixel and on the sum of both pixels' numbers alone. So the light of all inputs is a
convolution with what the mask makes of a few thousand pairs, which is worked out once.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from acdc_optical.fabrication.arms import Arm


def impulse_response(arms: Sequence[Arm], values: Tensor) -> Tensor:
    """What a mask passes on, shape (places, 2n - 1) or, in two dimensions, (places_y, places_x, 2n_y - 1, 2n_x - 1).

    Args:
        arms: for each axis, of which the camera has one sample per pixel.
        values: transmittance of every cell of mask D.
    """
    along = arms[-1].moments()
    passed = torch.tensordot(along, values.to(along), dims=([2], [values.ndim - 1]))  # (places, sums[, cells along y])
    if len(arms) == 1:
        return passed
    whole = torch.tensordot(arms[0].moments(), passed, dims=([2], [2]))
    return whole.permute(0, 2, 1, 3)


def respond(shown: Tensor, response: Tensor, arms: Sequence[Arm]) -> Tensor:
    """The field at the camera's samples.

    Args:
        shown: behind the cells of mask A, complex, shape (..., cells) or (..., cells_y, cells_x).
        response: see :func:`impulse_response`.
        arms: for each axis.
    """
    axes = len(arms)
    batch = shown.shape[:-axes]
    shown = shown.reshape(*batch, *(n for arm in arms for n in (arm.pixels, arm.places)))
    places = [2 * i + 1 - 2 * axes for i in range(axes)]  # before the pixels, as in the response
    shown = shown.movedim(places, [i - 2 * axes for i in range(axes)])
    dims, sizes = tuple(range(-axes, 0)), [2 * arm.pixels - 1 for arm in arms]
    # y[i] = Σ x[j]·K[i + j] is a convolution with x backwards; of its length, what wraps around is not read.
    spectrum = torch.fft.fftn(shown.flip(dims), s=sizes, dim=dims) * torch.fft.fftn(response.to(shown), dim=dims)
    seen = torch.fft.ifftn(spectrum.sum(dim=tuple(range(-2 * axes, -axes))), dim=dims)
    for dim, arm in zip(dims, arms, strict=True):
        seen = seen.narrow(dim, arm.pixels - 1, arm.pixels)
    return seen
