"""Training with the imperfections of a bench in the loop: every batch meets another bench, drawn at random.

What is learned then does not lean on how exactly one bench stands, and does well on those that were never seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from acdc_optical.benches.distributions import Distributions, drawn
from acdc_optical.benches.imperfections import Imperfections
from acdc_optical.imperfect.layer import ImperfectLayer, Reading, refuse_cascades
from acdc_optical.imperfect.operator import ImperfectMatrix
from acdc_optical.realisation import OpticalLayer, replaced, run_in_batches

# Seeds are drawn below this.
_SEEDS = 2**48


@runtime_checkable
class Noisy(Protocol):
    """A reading with noise, as :class:`~acdc_optical.budgets.exposure.Exposure`."""

    def seeded(self, *seeds: int) -> Reading:
        """The same with other noise."""


class InTheLoop(nn.Module):
    """The call of an optical network that stands on another bench for every batch while it is trained.

    In training mode a bench is drawn for each batch, or for each of several equal parts of it, with noise of its own.
    All layers of the network stand on that one bench; layers that have benches of their own are put in the loop each
    for itself. Draws follow from the global random numbers of torch, which :func:`~acdc_optical.fit` seeds for every
    epoch: the same seed gives the same numbers, and interrupted training goes on to them.

    In evaluation mode the bench is the mean one, and noise is that of the readings' own seeds.

    Args:
        network: an optical layer, or an ``nn.Sequential`` with some, whose masks follow their diagonals or are their
            own (:func:`~acdc_optical.training.trained_masks.trainable_masks`). It is trained, and has the
            masks in the end.
        distributions: of what is wrong with a bench, by name.
        wrong: what is wrong on the average, steps of devices and all that is not drawn; by default what the bench of
            the first layer says. Gradients go straight through steps.
        readings: see :func:`on_bench`.
        benches: how many meet each batch, of which each takes its share of the inputs.
        nodes: see :class:`~acdc_optical.imperfect.layer.ImperfectLayer`; 4 are right to 1e-6.

    Raises:
        TypeError: see :func:`on_bench`.
        ValueError: less than one bench, several where one is the mean, or see :func:`on_bench` and
            :func:`~acdc_optical.benches.distributions.drawn`.
    """

    def __init__(
        self,
        network: nn.Module,
        distributions: Distributions,
        *,
        wrong: Imperfections | None = None,
        readings: Sequence[Reading] | None = None,
        benches: int = 1,
        nodes: int = 4,
    ):
        super().__init__()
        if benches < 1:
            raise ValueError(f"expected one bench or more for each batch; got {benches}")
        self.network, self.distributions = network, distributions
        self.wrong = _optical_layers(network)[0].bench.imperfections if wrong is None else wrong
        if any(value.ndim for value in self.wrong.drawn().values()):
            raise ValueError("expected what is wrong on the average; got several draws of it: give distributions")
        self.readings = None if readings is None else tuple(readings)
        self.benches, self.nodes = benches, nodes
        # What cannot be drawn or read is found out now rather than in the first batch.
        on_bench(network, next(each_drawn(self.wrong, distributions, seed=0, draws=range(1))), readings=readings)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            if self.readings is None and not self.wrong.present():
                y: Tensor = self.network(x)
            else:
                y = self._on(self.wrong, self.readings)(x)
            return y
        parts = x.chunk(self.benches)
        seeds: list[int] = torch.randint(_SEEDS, (len(parts),)).tolist()
        return torch.cat([self._drawn(seed)(part) for part, seed in zip(parts, seeds, strict=True)])

    def _drawn(self, seed: int) -> nn.Module:
        """The network on the bench, and with the noise, of a seed."""
        (bench,) = each_drawn(self.wrong, self.distributions, seed=seed, draws=range(1))
        return self._on(bench, None if self.readings is None else _seeded(self.readings, seed))

    def _on(self, bench: Imperfections, readings: Sequence[Reading] | None) -> nn.Module:
        return on_bench(self.network, bench, readings=readings, nodes=self.nodes)

    def extra_repr(self) -> str:
        return f"distributions={dict(self.distributions)}, wrong={self.wrong.present()}, benches={self.benches}"


def on_bench(
    network: nn.Module, bench: Imperfections, *, readings: Sequence[Reading] | None = None, nodes: int = 4
) -> nn.Module:
    """A network whose optical layers stand on one imperfect bench; parameters are shared. Fast for batches.

    Args:
        network: an optical layer, or an ``nn.Sequential``, possibly nested, with some.
        bench: what is wrong with it.
        readings: how the field is measured, one for each optical layer in their order; by default as it is.
        nodes: see :class:`~acdc_optical.imperfect.layer.ImperfectLayer`.

    Raises:
        TypeError: an all-optical cascade in the network, or see :class:`~acdc_optical.imperfect.layer.ImperfectLayer`.
        ValueError: no optical layer, or not as many readings; see
            :class:`~acdc_optical.imperfect.layer.ImperfectLayer`.
    """
    count = len(_optical_layers(network))
    if readings is not None and len(readings) != count:
        raise ValueError(f"expected a reading for each of {count} optical layers; got {len(readings)}")
    each = iter(readings) if readings is not None else repeat(None)
    return replaced(
        network,
        OpticalLayer,
        lambda optical: ImperfectMatrix(ImperfectLayer(optical, bench, reading=next(each), nodes=nodes)),
    )


def each_drawn(
    bench: Imperfections, distributions: Distributions, *, seed: int, draws: Sequence[int]
) -> Iterator[Imperfections]:
    """Benches at random one after another, as of :func:`~acdc_optical.benches.distributions.drawn`."""
    for draw in draws:
        together = drawn(bench, distributions, seed=seed, draws=[draw])
        one = {name: value for name, value in together.drawn().items() if value.ndim}
        yield together.changed({n: v.squeeze(0) if v.requires_grad else v.item() for n, v in one.items()})


def outputs_on(
    network: nn.Module,
    x: Tensor,
    benches: Sequence[Imperfections],
    *,
    readings: Sequence[Reading] | None = None,
    nodes: int = 4,
) -> Iterator[Tensor]:
    """What a network makes of inputs on one bench after another, without gradients.

    On each bench noise is another, of the seeds 1, 2, …
    """
    for number, bench in enumerate(benches, 1):
        own = None if readings is None else _seeded(readings, number)
        yield run_in_batches(on_bench(network, bench, readings=own, nodes=nodes), x)


def full_scales(network: nn.Module, x: Tensor) -> list[float]:
    """The largest number, without its sign, that each optical layer is shown for inputs x, in their order.

    ``exposure_of(..., full_scale=...)`` wants it, of the training data: a modulator shows no number above.
    """
    found: list[float] = []
    light = on_bench(network, Imperfections())
    for module in light.modules():
        if isinstance(module, ImperfectMatrix):
            module.register_forward_pre_hook(lambda _, inputs: found.append(float(inputs[0].abs().max())))
    with torch.no_grad():
        light(x)
    return found


def _optical_layers(network: nn.Module) -> list[OpticalLayer]:
    """In their order; one that stands in several places is there for each."""
    found: list[OpticalLayer] = []

    def noted(optical: OpticalLayer) -> OpticalLayer:
        found.append(optical)
        return optical

    refuse_cascades(network)
    replaced(network, OpticalLayer, noted)
    if not found:
        raise ValueError("there is no optical layer in the network, whose bench could be imperfect; realise it first")
    return found


def _seeded(readings: Sequence[Reading], seed: int) -> list[Reading]:
    """Readings with noise of a seed, each its own."""
    own = torch.Generator().manual_seed(seed)
    seeds = torch.randint(_SEEDS, (len(readings),), generator=own).tolist()
    return [r.seeded(s) if isinstance(r, Noisy) else r for r, s in zip(readings, seeds, strict=True)]
