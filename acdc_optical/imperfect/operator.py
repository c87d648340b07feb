"""An imperfect layer's call as one matrix product: for batches that all meet the same bench.

On a bench whose planes are not turned the axes are separable: from pixel (l, j) of the modulator to camera pixel (k, i)
light goes by

    M[l, j, k, i] = Σ A[l, j]·D[t, s]·R'[t, l, k]·R[s, j, i]     summed over the parts of each modulator pixel

with R' and R as in :mod:`acdc_optical.imperfect.light`. Of pixels that show the same number the sum is taken once, and
so is the mean of camera pixels that stand for the same output, if they are read as they are. Of a real layer that is
read so the real part alone is computed. What gaps between pixels reflect is light that comes on top, whatever is shown.
All that is the light of the bench, to rounding.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from acdc_optical.compilation.masks import Masks
from acdc_optical.imperfect.layer import ImperfectLayer, Path, PerfectReading
from acdc_optical.imperfect.real_devices import fully_open
from acdc_optical.presentation import Presentation


class ImperfectMatrix(nn.Module):
    """The call of an :class:`~acdc_optical.imperfect.layer.ImperfectLayer`, faster for a batch of inputs.

    Light that is no matrix for each axis, of one-dimensional layers, of planes turned against one another and of
    several benches at once, goes through the layer itself.

    Args:
        layer: an optical layer on its bench.
    """

    def __init__(self, layer: ImperfectLayer):
        super().__init__()
        self.layer = layer
        self.shape = layer.shape

    @property
    def samples(self) -> int:
        """Numbers that one input takes at its largest: those of all camera pixels."""
        return math.prod(self.layer.masks().planes.camera.cells)

    def forward(self, x: Tensor) -> Tensor:
        layer, axes = self.layer, len(self.shape)
        if axes == 1 or any(value.ndim for value in layer.wrong.drawn().values()):
            return layer(x)
        masks, x = layer.masks(), layer.optical.checked(x)
        dark = torch.zeros(1, *self.shape, dtype=x.dtype, device=x.device)
        paths = list(layer.paths(torch.cat([dark, dark + 1]), masks))
        if any(path.light.table.turned for path in paths):
            return layer(x)
        matrix = torch.stack([path.share * self._matrix(path) for path in paths]).sum(0)
        cells = matrix.shape[-2:]
        dtype = torch.promote_types(x.dtype, matrix.dtype)
        seen = (layer.displayed(x).flatten(-axes).to(dtype) @ matrix.flatten(-2).flatten(0, -2).to(dtype)).unflatten(
            -1, cells
        )
        if any(path.shown[0].any() for path in paths):
            brightness, of_dark = (fully_open(each, axes, layer.full_scale) for each in (x, dark[0]))
            seen = seen + brightness / of_dark * self._perfectly(layer.arriving(dark, masks)[0])
        return self._read(seen, masks)

    def _perfectly(self, field: Tensor) -> Tensor:
        """A field as it is here: decoded already, if it is read as it is."""
        perfect = isinstance(self.layer.reading, PerfectReading)
        return self.layer.optical.presentation.decode(field, len(self.shape)) if perfect else field

    def _read(self, seen: Tensor, masks: Masks) -> Tensor:
        if isinstance(self.layer.reading, PerfectReading):
            return self.layer.optical.scaled(seen, masks.gain)
        return self.layer.decode(self.layer.read(seen), masks)

    def _matrix(self, path: Path) -> Tensor:
        """M, shape (*shape, *shape) of outputs read as they are, else (*shape, *camera pixels)."""
        presentation = self.layer.optical.presentation
        perfect = isinstance(self.layer.reading, PerfectReading)
        shown = path.shown[1] - path.shown[0]
        dtype = (shown.real.dtype if shown.is_complex() else shown.dtype).to_complex()
        rows, columns = (response.to(shown.device, dtype) for response in path.light.responses)
        if perfect:
            rows, columns = presentation.decode(rows, 1), presentation.decode(columns, 1)
        mask = path.mask.flatten(2).flatten(0, 1).to(shown.device, dtype)
        behind = torch.tensordot(mask, rows, dims=([0], [0]))  # (s, l, k)
        if perfect and presentation.real and not shown.is_complex():
            behind, columns = torch.cat([behind.real, -behind.imag]), torch.cat([columns.real, columns.imag])
        whole = torch.tensordot(behind, columns, dims=([0], [0]))  # (l, k, j, i), of all parts of pixels
        return _folded(whole, shown, presentation, self.shape)


def _folded(whole: Tensor, shown: Tensor, presentation: Presentation, shape: tuple[int, ...]) -> Tensor:
    """The light of all parts of those modulator pixels together that show the same number, shape (*shape, k, i)."""
    _, p, _, q = shown.shape
    parts = whole.unflatten(2, (-1, q)).unflatten(0, (-1, p))  # (l, p, k, j, q, i)
    lit = (parts * shown[:, :, None, :, :, None]).sum((1, 4))  # (l, k, j, i)
    rows, columns = (presentation.encode(torch.eye(n, dtype=lit.dtype, device=lit.device), 1) for n in shape)
    lit = torch.tensordot(torch.tensordot(rows, lit, 1), columns, dims=([2], [1]))  # (n, k, i, m)
    return lit.permute(0, 3, 1, 2)
