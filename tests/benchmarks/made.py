"""Layers through encoded masks, for the tables of :mod:`tests.benchmarks.fabrication`."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from acdc_optical import ACDC, Bench, PhaseOnly, Schedule, condensed, fit, realise, trainable_masks
from acdc_optical.fabrication.encodings import Encoded, Encoding
from acdc_optical.fabrication.made import Cells, MadeLayer
from acdc_optical.realisation import OpticalLayer
from acdc_optical.routes import Run, train_numbers
from acdc_optical.training.constraints import Constraint
from acdc_optical.training.networks import for_digits
from acdc_optical.verification import light_used, relative_error
from tests.realisation.cases import STARTS, inputs, layer

SEEDS = range(3)
PROBES = 4
EPOCHS_OF_NUMBERS = 15
SOLVING = Schedule(epochs=600, batch=4096, learning_rate=3e-2)
"""Steps of AdamW on all inputs at once."""
ACCURACY = 1e-6
"""Of the light across a cell: a hundredth of the smallest error that is reported."""

PRESET = Bench.preset()


class Case(NamedTuple):
    """Layers whose masks are made, one for each seed."""

    name: str
    diagonals: str
    optical: Callable[[int], OpticalLayer]


class Error(NamedTuple):
    """Relative L2 distance from the numerical layer, with the gain that the encoding states and that suits best."""

    stated: float
    calibrated: float


def random(kind: str, shape: tuple[int, ...], start: str, bench: Bench = PRESET) -> Case:
    name = f"{kind} {' × '.join(map(str, shape))}"
    return Case(name, start, lambda seed: realise(layer(kind, shape, start, seed=seed), bench))


def each_start(kind: str, *shapes: tuple[int, ...], bench: Bench = PRESET) -> list[Case]:
    return [random(kind, shape, start, bench) for shape in shapes for start in STARTS]


@cache
def of_digits(seed: int) -> OpticalLayer:
    """The first layer of a network trained on digits; its bias, which no mask carries, is left out."""
    network = train_numbers(for_digits().shortened(EPOCHS_OF_NUMBERS), run=Run(seed)).network
    trained = next(stage for stage in network if isinstance(stage, ACDC))
    numbers = ACDC(trained.shape, dtype=torch.float64)
    with torch.no_grad():
        numbers.a.copy_(trained.a)
        numbers.d.copy_(trained.d)
    return realise(numbers, PRESET)


def solved(case: Case, input: Constraint | None, schedule: Schedule = SOLVING) -> Case:
    """The same layers by masks D that are phases, trained to compute the layer's matrix."""

    @cache
    def optical(seed: int) -> OpticalLayer:
        compiled = case.optical(seed)
        numbers = compiled.layer
        trained = trainable_masks(compiled, PhaseOnly(), input=input)
        unit = torch.eye(math.prod(numbers.shape), dtype=numbers.a.dtype).unflatten(-1, numbers.shape)
        for _ in fit(condensed(trained), unit, numbers(unit).detach(), loss=_misfit, schedule=schedule, seed=seed):
            pass
        trained.eval()
        assert isinstance(trained, OpticalLayer)
        return trained

    return Case(case.name, case.diagonals, optical)


def _misfit(got: Tensor, wanted: Tensor) -> Tensor:
    return (got - wanted).square().mean()


def made(optical: OpticalLayer, a: Encoding | None, d: Encoding | None) -> MadeLayer:
    """The layer through encoded masks; None for one as designed."""
    masks = optical.masks()
    return MadeLayer(optical, _cells(masks.input_mask, a), _cells(masks.fourier_mask, d), accuracy=ACCURACY)


def _cells(mask: Tensor, encoding: Encoding | None) -> Cells:
    if encoding is None:
        return Cells.whole(mask)
    encoded = _encoded(mask, encoding)
    count, period = encoded.cells, encoded.period
    edges = (*(i / count - 0.5 for i in range(count)), 0.5)
    values = torch.from_numpy(encoded.alphabet.transmittance[encoded.levels])
    return Cells(values, (edges,) * mask.ndim, encoded.factor, 0.0 if period is None else count / period)


def _encoded(mask: Tensor, encoding: Encoding) -> Encoded:
    return encoding(mask.detach().to(torch.complex128).numpy())


@torch.no_grad()
def error(optical: OpticalLayer, a: Encoding | None, d: Encoding | None, seed: int) -> Error:
    numbers = optical.layer
    x = inputs(numbers, PROBES, seed=seed)
    wanted, seen = numbers(x), made(optical, a, d)(x)
    strength = torch.linalg.vecdot(wanted.flatten(), seen.flatten()) / wanted.abs().square().sum()
    return Error(relative_error(seen, wanted), relative_error(seen / strength, wanted))


def errors(case: Case, a: Encoding | None, d: Encoding | None) -> list[Error]:
    return [error(case.optical(seed), a, d, seed) for seed in SEEDS]


class LightLeft(NamedTuple):
    """Over that of the compiled masks: of the signal wanted, and of all that falls on the camera."""

    wanted: float
    arriving: float


@torch.no_grad()
def light(optical: OpticalLayer, compiled: OpticalLayer, encoding: Encoding, seed: int) -> LightLeft:
    masks, x = optical.masks(), inputs(optical.layer, 1, seed=seed)
    factor = abs(_encoded(masks.fourier_mask, encoding).factor)
    wanted = float(compiled.masks().gain / masks.gain * factor) ** 2
    return LightLeft(wanted, made(optical, None, encoding).light_used(x) / light_used(compiled, x))
