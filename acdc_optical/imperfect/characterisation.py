"""What is wrong with a bench that is already there, found from inputs and what it makes of them.

How it is found is in :mod:`acdc_optical.imperfect.bench_fits`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from acdc_optical.benches.distributions import Distribution
from acdc_optical.benches.imperfections import Imperfections
from acdc_optical.imperfect.bench_fits import Fit, Fitting, Place, Reference
from acdc_optical.imperfect.layer import ImperfectLayer
from acdc_optical.realisation import OpticalLayer

# A combination whose deviation is left above half of the usual one is not determined.
_OPEN = 0.5

# Of a combination, weights below are left out.
_LITTLE = 0.05


class Combination(NamedTuple):
    """Parameters that the outputs do not tell apart.

    Attributes:
        weights: of the parameters, each in its usual deviation; their squares add up to 1. Small ones are left out.
        left: of the combination's usual deviation, the share that it still has; 1 for what is not seen at all.
    """

    weights: dict[str, float]
    left: float


@dataclass(frozen=True)
class Characterisation:
    """A bench as found from its outputs.

    Attributes:
        imperfections: what is wrong with it; fitted ones as numbers.
        reference: by what its outputs differ in strength and phase besides.
        deviations: how well each parameter is known, in its unit, if the model can be everything the bench is.
        error_before, error_after: of the model's outputs, relative to those measured, in the L2 norm.
        history: that error after each step.
        undetermined: what the outputs leave open.
    """

    imperfections: Imperfections
    reference: Reference
    deviations: dict[str, float]
    error_before: float
    error_after: float
    history: tuple[float, ...]
    undetermined: tuple[Combination, ...]

    def model(self, optical: OpticalLayer, *, nodes: int = 8) -> ImperfectLayer:
        """A layer on the bench that was found, be it the one that was measured or another."""
        return ImperfectLayer(optical, self.imperfections, reading=self.reference, nodes=nodes)


def characterise(
    optical: OpticalLayer,
    x: Tensor,
    y: Tensor,
    expected: Mapping[str, Distribution],
    *,
    start: Imperfections | None = None,
    fitting: Fitting | None = None,
) -> Characterisation:
    """Find what is wrong with a bench from inputs and outputs of a layer on it.

    Strength and phase of the reference beam are found along with what is asked for.

    Args:
        optical: the layer as it ought to be.
        x: inputs that were shown, shape (batch, *shape).
        y: what the bench made of them: see :class:`Fitting`.
        expected: what may be wrong, by name, and by how much it usually is. Only deviations count.
        start: what is known to be wrong; by default what the layer's bench says.
        fitting: how.

    Raises:
        TypeError: see :class:`~acdc_optical.imperfect.layer.ImperfectLayer`.
        ValueError: an unknown imperfection, or none that is a continuous number, or one that is never wrong; outputs
            that do not fit the inputs, are not finite, or all zero.
    """
    start = optical.bench.imperfections if start is None else start
    _check_names(start, expected)
    usual = {name: each.deviation for name, each in expected.items()}
    with torch.no_grad():
        fit = Fit(optical, (x, y), usual, start=start, fitting=fitting or Fitting())
        found, history = min((fit.settled(t) for t in fit.starts()), key=lambda each: each[0].least)
        return _described(fit, found, history)


def _described(fit: Fit, found: Place, history: list[float]) -> Characterisation:
    jacobian = fit.jacobian(found)
    squares, vectors = torch.linalg.eigh(jacobian.mT @ jacobian)
    left = (1 + squares.clamp(min=0)).rsqrt()
    names = list(fit.usual)
    undetermined = [
        Combination({n: w for n, w in zip(names, vector.tolist(), strict=True) if abs(w) > _LITTLE}, share)
        for share, vector in zip(left.tolist(), vectors.mT, strict=True)
        if share > _OPEN
    ]
    known = (vectors.square() @ left.square()).sqrt().tolist()
    values = fit.imperfections(found.at).values()
    return Characterisation(
        imperfections=fit.start.changed({name: float(values[name]) for name in names}),
        reference=Reference(found.gain),
        deviations={name: fit.usual[name] * share for name, share in zip(names, known, strict=True)},
        error_before=fit.error(fit.start_outputs),
        error_after=fit.error(found.outputs),
        history=tuple(history),
        undetermined=tuple(undetermined),
    )


def _check_names(start: Imperfections, expected: Mapping[str, Distribution]) -> None:
    known = list(start.drawable())
    if not expected:
        raise ValueError(f"nothing to be found; name some of {', '.join(known)}")
    for name, distribution in expected.items():
        if name not in known:
            raise ValueError(f"{name!r} is no imperfection that can be fitted; those are {', '.join(known)}")
        if not distribution.deviation > 0:
            raise ValueError(f"{name} is never wrong by {distribution}: expected a deviation above 0, or leave it out")
