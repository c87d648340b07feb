"""How a layer's output changes with each thing that may be wrong on its bench: derivatives, by automatic means.

About where the bench stands, the output is y + J·δ + ½·H·δ² for a parameter that is off by δ. Where nothing is wrong
the error is ‖J‖·|δ|/‖y‖: it has a kink there, its square has none. Of layers whose pixels are mirrored about the axis
(ACDC) the first order of shifts, turns and defocus is odd about the axis and J is zero: there H says what happens.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.func import jvp

from acdc_optical.benches.distributions import Distributions
from acdc_optical.imperfect.layer import ImperfectLayer
from acdc_optical.realisation import OpticalLayer
from acdc_optical.tolerances.metrics import Metric, RelativeError, SquaredError
from acdc_optical.verification import default_probes


@dataclass(frozen=True)
class Sensitivity:
    """What one parameter does by itself, where all others are as on the bench.

    Attributes:
        name: of the parameter.
        deviation: its standard deviation, SI unit.
        slope, curvature: first and second derivative of the metric.
        first, second: ‖J‖/‖y‖ and ‖H‖/‖y‖, of the output over that of the numerical layer.
        below, above: relative error of the output with the parameter a standard deviation below and above, by
            evaluation; it has all orders, and sees where a mask's shift acts otherwise to one side than to the other.
    """

    name: str
    deviation: float
    slope: float
    curvature: float
    first: float
    second: float
    below: float
    above: float

    def error(self, difference: float) -> float:
        """Relative change of the output by J and H, if both add up: at most so much to second order."""
        return self.first * abs(difference) + self.second * difference**2 / 2

    def limit(self, allowed: float) -> float:
        """By how much the parameter may differ for a relative change of the output, to second order; SI unit.

        Where both derivatives vanish, in proportion to what was found a standard deviation away.
        """
        if not self.first and not self.second:
            found = max(self.below, self.above)
            return allowed / found * self.deviation if found else math.inf
        # The root of error(δ) = allowed that does not cancel where the first order rules.
        return 2 * allowed / (self.first + math.sqrt(self.first**2 + 2 * self.second * allowed))


def sensitivities(
    optical: OpticalLayer | ImperfectLayer,
    distributions: Distributions,
    metric: Metric | None = None,
    *,
    probes: Tensor | None = None,
    nodes: int = 5,
) -> tuple[Sensitivity, ...]:
    """Derivatives with respect to each parameter, in forward mode: exact, and without the memory of a graph.

    Args:
        optical: the layer; an imperfect one is taken where it stands, its field read as it is.
        distributions: of the parameters, for their standard deviations.
        metric: what slope and curvature are of, by default :class:`~acdc_optical.tolerances.metrics.SquaredError`.
        probes: inputs, shape (batch, *shape); by default 4 seeded Gaussian ones.
        nodes: as of :class:`~acdc_optical.imperfect.layer.ImperfectLayer`.

    Raises:
        TypeError: not such a layer.
        ValueError: a name that is not that of a continuous imperfection, or see the layer.
    """
    given = optical if isinstance(optical, ImperfectLayer) else ImperfectLayer(optical)
    layer = given.optical.layer
    x = default_probes(layer, layer.shape) if probes is None else probes
    usual = given.wrong.drawable()
    for name in distributions:
        if name not in usual:
            raise ValueError(f"{name!r} is not an imperfection with a derivative; those are {', '.join(usual)}")
    with torch.no_grad():
        wanted, shown, masks = layer(x), given.optical.checked(x), given.optical.masks()

        def outputs(name: str, difference: Tensor) -> Tensor:
            wrong = given.wrong.changed({name: usual[name] + difference})
            there = ImperfectLayer(given.optical, wrong, nodes=nodes)
            return there.decode(there.arriving(shown, masks), masks)

        return tuple(
            _of(name, each.deviation, partial(outputs, name), wanted, metric or SquaredError())
            for name, each in distributions.items()
        )


def _of(
    name: str, deviation: float, outputs: Callable[[Tensor], Tensor], wanted: Tensor, metric: Metric
) -> Sensitivity:
    zero, one = torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64)
    sides = torch.tensor([-deviation, deviation], dtype=torch.float64)
    # Before derivatives are taken: what is kept from call to call must not be of their making.
    below, above = RelativeError()(outputs(sides), wanted).tolist()

    def found(difference: Tensor) -> tuple[Tensor, Tensor]:
        y = outputs(difference)
        return y, metric(y.unsqueeze(0), wanted)[0]

    def slopes(difference: Tensor) -> Any:
        return jvp(found, (difference,), (one,))[1]

    both: Any = jvp(slopes, (zero,), (one,))
    (first, slope), (second, curvature) = both
    scale = wanted.norm()
    return Sensitivity(
        name,
        deviation,
        slope=float(slope),
        curvature=float(curvature),
        first=float(first.norm() / scale),
        second=float(second.norm() / scale),
        below=below,
        above=above,
    )
