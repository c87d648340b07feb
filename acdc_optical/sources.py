"""Where the masks of an optical layer come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from acdc_optical.compilation.masks import Compiler, Masks
from acdc_optical.layers import ACDC, AFDF

MaskSource = Callable[[ACDC | AFDF], Masks]
"""Where the masks of an optical layer come from: a function of the layer; a module is trained with it."""


@dataclass(frozen=True)
class CompiledMasks:
    """Masks compiled from the live layer at every call, so that gradients reach its diagonals."""

    compiler: Compiler

    def __call__(self, layer: ACDC | AFDF) -> Masks:
        return self.compiler(layer.a, layer.d)


@dataclass(frozen=True)
class FixedMasks:
    """Masks that are what they are, read from a file or made, whatever becomes of the layer's diagonals."""

    masks: Masks

    def __call__(self, layer: ACDC | AFDF) -> Masks:
        return self.masks
