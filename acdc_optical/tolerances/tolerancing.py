"""Monte Carlo: what becomes of a layer, or of a network, on benches that are not quite what they should be.

Draws are computed in chunks, on a grid that the layer's size alone decides: a draw's numbers are the same to the last
bit whatever the number of draws, of processes, and of interruptions. Chunks go through joblib, whose backend
``joblib.parallel_config`` chooses: processes of this machine, a Dask or a Ray cluster.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from joblib import Parallel, delayed, effective_n_jobs
from torch import Tensor, nn

from acdc_optical.benches.distributions import Distributions, drawn
from acdc_optical.benches.imperfections import NOISE, Imperfections
from acdc_optical.budgets.exposure import Exposure
from acdc_optical.checkpoint import fingerprint_of
from acdc_optical.imperfect.layer import ImperfectLayer, refuse_cascades
from acdc_optical.progress import Track, silent
from acdc_optical.realisation import OpticalLayer, replaced
from acdc_optical.sources import FixedMasks
from acdc_optical.tolerances.files import Chunk, Results
from acdc_optical.tolerances.metrics import Metric, RelativeError
from acdc_optical.tolerances.results import Tolerances
from acdc_optical.verification import default_probes

# Numbers at the nodes of mask D that a chunk's light takes together, and the most draws of one: longer vectors are no
# faster, and a chunk is what an interruption loses.
_LIGHT = 2**21
_MOST = 20

# Chunks that each process is given at once: what one waits for the others is a part of it.
_AT_ONCE = 4


@dataclass(frozen=True)
class Draws:
    """How a Monte Carlo run is done.

    Attributes:
        number: of benches.
        seed: of all of them. Each has a sequence of random numbers of its own.
        jobs: processes, one thread each; None for what ``joblib.parallel_config`` says, or 1.
        nodes: as of :class:`~acdc_optical.imperfect.layer.ImperfectLayer`; 4 reach 1e-6.
        checkpoint: a file to write results to as they come, and to go on from if it is there. A run of more draws goes
            on from one of fewer.

    Raises:
        ValueError: a number or nodes below 1.
    """

    number: int = 1000
    seed: int = 0
    jobs: int | None = None
    nodes: int = 4
    checkpoint: str | Path | None = None

    def __post_init__(self) -> None:
        if self.number < 1 or self.nodes < 1:
            raise ValueError(f"expected 1 or more draws and nodes; got {self.number} and {self.nodes}")


def tolerance(
    optical: nn.Module,
    distributions: Distributions,
    metric: Metric | None = None,
    *,
    draws: int | Draws = 1000,
    probes: Tensor | None = None,
    track: Track = silent,
) -> Tolerances:
    """Outputs of light on benches drawn at random about the one that it has.

    Args:
        optical: an optical layer; an imperfect one, whose imperfections are then those on the average and whose
            reading is done in every draw, with noise of its own; or an ``nn.Sequential`` with some, each of which has
            benches of its own, drawn independently.
        distributions: of what is wrong, by name; in every optical layer of a network.
        metric: of the outputs against those of the numerical layers, by default
            :class:`~acdc_optical.tolerances.metrics.RelativeError`.
        draws: how many, or how in all.
        probes: inputs, shape (batch, ...); by default 4 seeded Gaussian ones of a layer's shape.
        track: shows progress.

    Returns:
        the metric of each draw. Parameters of a network's layers are named ``"0.camera.shift_x"``, by the layer.

    Raises:
        TypeError: no optical layer, or one whose bench is drawn already, or see
            :class:`~acdc_optical.imperfect.layer.ImperfectLayer`.
        ValueError: nothing to draw, a draw without a finite metric, a network without probes, a file of another run,
            or see :func:`~acdc_optical.benches.distributions.drawn`.
        OSError: the file cannot be written.
    """
    plan = draws if isinstance(draws, Draws) else Draws(draws)
    work = _work(optical, distributions, metric or RelativeError(), plan, probes)
    work.noted(0, 1)  # says at once what cannot be drawn
    with _one_thread(), torch.no_grad():
        found = Results(
            plan.checkpoint,
            work.names,
            _fingerprint(work) if plan.checkpoint else "",
            number=plan.number,
            chunk=work.chunk,
        )
        missing = [start for start in range(0, plan.number, work.chunk) if not found.has(start)]
        found.fill(track(_computed(work, missing, plan.jobs), "drawing benches", len(missing)))
        nominal = float(work.metric(work.network(work.probes).unsqueeze(0), work.wanted)[0])
    return Tolerances(
        title=f"{plan.number} draws of {work.title}, seed {plan.seed}",
        metric=repr(work.metric),
        names=work.names,
        deviations=tuple(each.deviation for each in distributions.values()) * len(work.layers),
        values=found.values[: plan.number],
        errors=found.errors[: plan.number],
        nominal=nominal,
    )


@dataclass(frozen=True, eq=False)
class _Work:
    """All that a process must know to compute a chunk.

    Attributes:
        network: with imperfect layers, whose masks are made.
        distributions, metric, probes, wanted: as of :func:`tolerance`.
        seed: of all draws.
        chunk: draws in one.
    """

    network: nn.Module
    distributions: Distributions
    metric: Metric
    probes: Tensor
    wanted: Tensor
    seed: int
    chunk: int

    @property
    def layers(self) -> list[ImperfectLayer]:
        return [module for module in self.network.modules() if isinstance(module, ImperfectLayer)]

    @property
    def names(self) -> tuple[str, ...]:
        if len(self.layers) == 1:
            return tuple(self.distributions)
        return tuple(f"{stage}.{name}" for stage in range(len(self.layers)) for name in self.distributions)

    @property
    def title(self) -> str:
        layers = [f"{type(each.optical.layer).__name__} {' × '.join(map(str, each.shape))}" for each in self.layers]
        return ", ".join(layers)

    def __call__(self, start: int) -> Chunk:
        torch.set_num_threads(1)  # as many threads as cores in each of several processes wait for one another
        with torch.no_grad():
            if isinstance(self.network, ImperfectLayer):
                outputs = self.drawn(start, self.chunk)(self.probes)
            else:
                outputs = torch.stack([self.drawn(draw, 1)(self.probes) for draw in range(start, start + self.chunk)])
            errors = self.metric(outputs, self.wanted).double().cpu()
        values = self.noted(start, self.chunk)
        self._check(start, values, errors)
        return Chunk(start, values, errors)

    def _check(self, start: int, values: Tensor, errors: Tensor) -> None:
        if errors.isfinite().all():
            return
        which = int(errors.isfinite().logical_not().nonzero()[0, 0])
        furthest = sorted(zip(self.names, values[which].tolist(), strict=True), key=lambda pair: -abs(pair[1]))
        differences = ", ".join(f"{name} {value:.3g}" for name, value in furthest[:3])
        raise ValueError(
            f"draw {start + which}: the metric is {float(errors[which])}, with differences of {differences} [SI]: no "
            "bench stands so; draw from narrower distributions"
        )

    def drawn(self, start: int, count: int) -> nn.Module:
        """The network on benches of some draws: a layer on several together, several layers on one bench each."""
        stages = iter(range(len(self.layers)))

        def on_benches(layer: ImperfectLayer) -> ImperfectLayer:
            stage = next(stages)
            wrong = self._benches(stage, layer, start, count)
            if not isinstance(self.network, ImperfectLayer):
                wrong = wrong.changed({name: float(value) for name, value in wrong.drawn().items()})
            reading = layer.reading
            if isinstance(reading, Exposure):
                noise = (np.random.SeedSequence([self.seed, draw, stage, 1]) for draw in range(start, start + count))
                reading = reading.seeded(*(int(each.generate_state(1)[0]) for each in noise))
            return ImperfectLayer(layer.optical, wrong, reading=reading, nodes=layer.nodes)

        return replaced(self.network, ImperfectLayer, on_benches)

    def noted(self, start: int, count: int) -> Tensor:
        """How the benches of some draws differ from what they should be, shape (count, parameters)."""
        columns = []
        for stage, layer in enumerate(self.layers):
            benches, usual = self._benches(stage, layer, start, count).values(), layer.wrong.values()
            columns += [benches[name] - usual[name] for name in self.distributions]
        return torch.stack(columns, 1)

    def _benches(self, stage: int, layer: ImperfectLayer, start: int, count: int) -> Imperfections:
        # A layer by itself has the numbers that drawn() gives for the seed.
        seed = int(np.random.SeedSequence([self.seed, stage]).generate_state(1)[0]) if stage else self.seed
        return drawn(layer.wrong, self.distributions, seed=seed, draws=range(start, start + count))


def _computed(work: _Work, starts: list[int], jobs: int | None) -> Iterator[Chunk]:
    """Chunks as they come, a wave at a time: not all of joblib's backends can hand them over one by one."""
    workers = effective_n_jobs(jobs)
    wave = workers * _AT_ONCE if workers > 1 else 1
    with Parallel(n_jobs=jobs) as pool:
        for first in range(0, len(starts), wave):
            yield from pool(delayed(work)(start) for start in starts[first : first + wave])


def _work(
    optical: nn.Module, distributions: Distributions, metric: Metric, plan: Draws, probes: Tensor | None
) -> _Work:
    _check(optical, distributions)
    numbers = replaced(optical, (OpticalLayer, ImperfectLayer), lambda module: _optical(module).layer)
    with torch.no_grad():
        network = replaced(optical, (OpticalLayer, ImperfectLayer), lambda module: _made(module, plan.nodes))
        layers = [module for module in network.modules() if isinstance(module, ImperfectLayer)]
        if not layers:
            raise TypeError(f"expected an optical layer, or a network with some; got {type(optical).__name__}")
        if probes is None and not isinstance(network, ImperfectLayer):
            raise ValueError("a network needs probes: give some of its inputs, as probes=")
        given = default_probes(layers[0].optical.layer, layers[0].shape) if probes is None else probes
        size = max(_light(layer) for layer in layers) * len(given)
        chunk = max(1, min(_MOST, _LIGHT // size))
        return _Work(network, distributions, metric, given, numbers(given), plan.seed, chunk)


def _check(optical: nn.Module, distributions: Distributions) -> None:
    refuse_cascades(optical)
    if not distributions:
        raise ValueError('expected distributions of what is wrong, as {"camera.shift_x": Normal(2e-6)}; got none')
    if noise := [name for name in NOISE if name in distributions]:
        raise ValueError(f"{' and '.join(noise)}: noise of the reading, which is the same in all draws; leave it out")


def _optical(module: nn.Module) -> OpticalLayer:
    optical = module.optical if isinstance(module, ImperfectLayer) else module
    assert isinstance(optical, OpticalLayer)
    return optical


def _made(module: nn.Module, nodes: int) -> ImperfectLayer:
    """The layer with masks that are made, and not compiled again in every chunk; small enough to be sent around."""
    optical = _optical(module)
    given = module if isinstance(module, ImperfectLayer) else ImperfectLayer(optical)
    if given.wrong.drawn():
        raise TypeError(
            f"{', '.join(given.wrong.drawn())} of the bench are tensors; give numbers, about which benches are drawn"
        )
    made = OpticalLayer(optical.layer, FixedMasks(optical.masks()), optical.bench, optical.model)
    return ImperfectLayer(made, given.wrong, reading=given.reading, nodes=nodes)


def _light(layer: ImperfectLayer) -> int:
    """Numbers of one input's light at the nodes of mask D, of whose pixels all parts have some."""
    path = next(layer.paths(torch.zeros(1, *layer.shape, dtype=torch.float64), layer.masks()))
    return math.prod(nodes.flat.shape[-1] for nodes in path.light.masked)


def _fingerprint(work: _Work) -> str:
    masks = [layer.masks() for layer in work.layers]
    tensors = [t for own in masks for t in (own.input_mask, own.fourier_mask, own.gain) if isinstance(t, Tensor)]
    benches = [(layer.optical.bench, layer.wrong.values(), layer.reading, layer.nodes) for layer in work.layers]
    said = (benches, dict(work.distributions), work.metric, work.seed, work.chunk)
    return fingerprint_of(work.network, [work.probes, *tensors], *said)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums of several threads round otherwise than those of one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
