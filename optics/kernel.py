"""Constants of an operator: built once in float64, handed out in the dtype and on the device of the data.

Evaluating a phase such as exp(ikz) in float32 costs five per cent of accuracy at optical wavelengths.
Evaluated in float64 and cast afterwards, the same phase is good to the last float32 digit.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Kernel:
    """A float64 or complex128 array that follows the data it is applied to.

    Each cast is made once and kept with this object.
    """

    def __init__(self, values: Tensor):
        # Made outside inference mode even if first needed inside it: training may come later.
        with torch.inference_mode(False):
            self._master = values.detach().clone()
        self._casts: dict[tuple[torch.dtype, torch.device], Tensor] = {}

    def like(self, data: Tensor) -> Tensor:
        """The array in the precision and on the device of ``data``."""
        real = data.real.dtype if data.is_complex() else data.dtype
        dtype = real.to_complex() if self._master.is_complex() else real
        key = (dtype, data.device)
        if key not in self._casts:
            with torch.inference_mode(False):
                self._casts[key] = self._master.to(device=data.device, dtype=dtype)
        return self._casts[key]
