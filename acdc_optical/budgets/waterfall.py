"""Imperfections switched on one at a time and all together: which one dominates, and what is left of the output."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from acdc_optical.benches.imperfections import NOISE, Imperfections
from acdc_optical.budgets.accounts import Waterfall, WaterfallRow
from acdc_optical.budgets.as_built import lacking
from acdc_optical.budgets.exposure import Exposure
from acdc_optical.budgets.photon_budget import light_reaching
from acdc_optical.imperfect.layer import ImperfectLayer, PerfectReading, Reading
from acdc_optical.imperfect.real_devices import displayed
from acdc_optical.layers import ACDC, AFDF
from acdc_optical.parts import unit_of
from acdc_optical.progress import Track, silent
from optics import Sensor
from optics.detection.shot import Noiseless, Poisson

# A power of two.
_WIDER = 2**16


def waterfall(
    layer: ACDC | AFDF, imperfect: ImperfectLayer, probes: Tensor, *, exposures: int = 16, track: Track = silent
) -> Waterfall:
    """The imperfections of a bench one at a time and all together, each with its error.

    Errors are relative L2 errors over all probes, and over all exposures where there is noise; the layer's bias, which
    electronics add, is in neither side of them. They are given as the output comes, and after gain and phase are
    adjusted, as a laboratory does: the reference beam's phase is turned so that the light is in phase with what it
    should be, where that helps, and one real gain is fitted to all that is read.

    Noise is that of the layer's :class:`~acdc_optical.budgets.exposure.Exposure`, part by part: shot noise of the
    signal and its reference; that of dark current and of stray light, without the light's own; the amplifier's; what a
    full well cuts off; the converter's steps; the laser's. Steps are of light without noise, so that mirrored pixels,
    which see the same light, err alike; with noise of a step or more they do not, and of two or four pixels' mean the
    steps cost 1/√2 or 1/2 of what their row says.

    What a modulator cuts off of the inputs has a row of its own; the others are of inputs that it can show.

    Args:
        layer: the judge.
        imperfect: the layer on its bench.
        probes: inputs, shape (batch, *layer.shape), all computed at once.
        exposures: over which noise is averaged; their seeds count up from 0.
        track: shows progress.

    Returns:
        rows; one that cannot be computed says why.

    Raises:
        TypeError: not such a layer.
        ValueError: imperfections are drawn, several benches at once; or no exposures.
    """
    if not isinstance(imperfect, ImperfectLayer):
        raise TypeError(f"expected a layer on its bench, as ImperfectLayer(optical); got {type(imperfect).__name__}")
    if drawn := [name for name, value in imperfect.wrong.drawn().items() if value.ndim]:
        raise ValueError(
            f"a waterfall is of one bench, and {', '.join(drawn)} are of several; choose one by Imperfections.changed"
        )
    if exposures < 1:
        raise ValueError(f"expected one exposure or more; got {exposures}")
    whole = _Table(layer, imperfect, probes, exposures)
    within = _Table(layer, imperfect, _that_fit(imperfect, probes), exposures)
    cases = [_Case("perfect bench"), *_of_light(imperfect.wrong), *_of_reading(imperfect)]
    cases.append(_Case("all together", imperfect.wrong, imperfect.reading))
    rows = [(whole if case.cuts_off else within).row(case) for case in track(cases, "imperfections", len(cases))]
    return Waterfall(rows[0], (*rows[1:-1], *_not_read(imperfect)), rows[-1], exposures)


@dataclass(frozen=True)
class _Case:
    """What is wrong, and how the field is read."""

    name: str
    wrong: Imperfections = field(default_factory=Imperfections)
    reading: Reading | None = None

    @property
    def cuts_off(self) -> bool:
        """Whether numbers that are too large to be shown are what is wrong here."""
        return self.wrong.modulator_device.full_scale is not None


def _that_fit(imperfect: ImperfectLayer, probes: Tensor) -> Tensor:
    """Inputs as the modulator shows them, but for its steps."""
    display = imperfect.wrong.modulator_device.replace(amplitude_bits=None)
    return displayed(display, probes, len(imperfect.shape))


def _of_light(wrong: Imperfections) -> Iterator[_Case]:
    """Each imperfection of what shows and carries light."""
    for name, value in wrong.present().items():
        if name not in NOISE and not name.endswith(("flatness_seed", "etches")):
            yield _Case(described(name, value), wrong.only(name))


def described(name: str, value: object) -> str:
    """An imperfection with its value in its unit, as ``"fourier_mask.shift_x 2 um"``."""
    if isinstance(value, tuple):
        return f"{name} of {len(value)} phases"
    part, key = name.split(".")
    unit = unit_of(type(getattr(Imperfections(), part)).model_fields[key])
    number = float(value) if isinstance(value, float | int | Tensor) else math.nan
    return f"{name} {unit.dimension.format(number, 3) if unit else f'{number:g}'}"


def _of_reading(imperfect: ImperfectLayer) -> Iterator[_Case]:
    """Each part of the noise of a reading."""
    reading = imperfect.reading
    if isinstance(reading, PerfectReading):
        return
    if not isinstance(reading, Exposure):
        yield _Case("reading", reading=reading)
        return
    readout = reading.readout
    sensor, quiet = readout.sensor, replace(readout, stray=0.0)
    plain = Sensor(sensor.quantum_efficiency)

    def read(name: str, camera: Sensor) -> _Case:
        return _Case(name, reading=replace(reading, readout=replace(quiet, sensor=camera), intensity_noise=0.0))

    if not isinstance(sensor.shot, Noiseless):
        yield read("shot noise", replace(plain, shot=sensor.shot))
        if sensor.dark:
            yield read(f"dark current, {sensor.dark:.3g} electrons", replace(plain, shot=_OfBackground(sensor.dark)))
        if readout.stray:
            behind = sensor.quantum_efficiency * readout.stray / readout.exposures
            yield read(f"stray light, {behind:.3g} electrons", replace(plain, shot=_OfBackground(behind)))
    if sensor.read_noise:
        yield read(f"read noise, {sensor.read_noise:.3g} electrons", replace(plain, read_noise=sensor.read_noise))
    if sensor.full_well < math.inf:
        yield read(f"full well, {sensor.full_well:.3g} electrons", replace(plain, full_well=sensor.full_well))
    if sensor.bits is not None:
        # The same steps up to where no light comes: what is cut off is the full well's.
        steps = replace(plain, full_well=sensor.full_well * _WIDER, bits=sensor.bits + _WIDER.bit_length() - 1)
        yield read(f"ADC of {sensor.bits} bits, {sensor.full_well:.3g} electrons", steps)
    if reading.intensity_noise:
        noisy = replace(reading, readout=replace(quiet, sensor=plain))
        yield _Case(f"laser noise, {reading.intensity_noise:.3g} rms", reading=noisy)


def _not_read(imperfect: ImperfectLayer) -> tuple[WaterfallRow, ...]:
    """That a bench has a camera which was left out, and why."""
    why = lacking(imperfect.optical) if isinstance(imperfect.reading, PerfectReading) else ""
    return (WaterfallRow("noise of the camera", None, note=why),) if why else ()


@dataclass(frozen=True)
class _OfBackground:
    """Shot noise of what lies under the light, without the light's own: Poisson's numbers add up.

    Attributes:
        mean: electrons.
    """

    mean: float | Tensor

    def __call__(self, mean: Tensor, generator: torch.Generator) -> Tensor:
        return mean + Poisson()(torch.zeros_like(mean) + self.mean, generator) - self.mean


class _Table:
    """Computes rows."""

    def __init__(self, layer: ACDC | AFDF, imperfect: ImperfectLayer, probes: Tensor, exposures: int):
        self.imperfect, self.probes, self.exposures = imperfect, probes, exposures
        self.optical, self.as_it_is = imperfect.optical, PerfectReading(imperfect.full_scale)
        with torch.no_grad():
            self.wanted = self._without_bias(layer(probes), layer)
            self.masks = self.optical.masks()

    def row(self, case: _Case) -> WaterfallRow:
        try:
            with torch.no_grad():
                return self._measured(case)
        except Exception as error:  # this bench cannot do it; the row says why
            return WaterfallRow(case.name, None, note=(str(error) or type(error).__name__).splitlines()[0])

    def _measured(self, case: _Case) -> WaterfallRow:
        arriving, readings = self._arriving(case), self._readings(case)
        off = self._errors(self._read(arriving, readings))
        adjusted = min(
            self._adjusted(arriving * turn, readings) for turn in (1.0, self._in_phase(arriving, readings[0]))
        )
        light = light_reaching(self._layer(case), self.probes) if self._of_light(case) else self._ideal_light
        return WaterfallRow(case.name, off, adjusted, light)

    def _layer(self, case: _Case) -> ImperfectLayer:
        reading = case.reading or self.as_it_is
        return ImperfectLayer(self.optical, case.wrong, reading=reading, nodes=self.imperfect.nodes)

    def _arriving(self, case: _Case) -> Tensor:
        """The field at the camera; of a bench on which nothing is wrong that of the layer itself, to the last bit."""
        if self._of_light(case):
            return self._layer(case).arriving(self.optical.checked(self.probes), self.masks)
        shown = self.optical.show(self.probes, self.masks)
        return self.optical.detector(self.optical.light(shown, self.masks.fourier_mask))

    def _of_light(self, case: _Case) -> bool:
        return any(name not in NOISE for name in case.wrong.present())

    @cached_property
    def _ideal_light(self) -> float:
        return light_reaching(ImperfectLayer(self.optical, Imperfections()), self.probes)

    def _readings(self, case: _Case) -> list[Reading]:
        if isinstance(case.reading, Exposure):
            return [case.reading.seeded(seed) for seed in range(self.exposures)]
        return [case.reading or self.as_it_is]

    def _read(self, arriving: Tensor, readings: list[Reading]) -> Tensor:
        """Outputs without bias, shape (exposures, *probes)."""
        seen = [self.optical.decode(reading(arriving), self.masks) for reading in readings]
        return self._without_bias(torch.stack(seen), self.optical.layer)

    def _errors(self, read: Tensor) -> float:
        scale = self.wanted.norm()
        off = (read - self.wanted).norm() / math.sqrt(len(read))
        error = float(off / (scale if scale > 0 else 1))
        if not math.isfinite(error):
            raise ValueError(f"the error is {error}: the output holds NaN or infinity")
        return error

    def _in_phase(self, arriving: Tensor, reading: Reading) -> Tensor:
        """The turn that brings what is read in phase with what is wanted; the light itself, if one quadrature is."""
        read = reading(arriving)
        seen = self.optical.presentation.decode(read if read.is_complex() else arriving, len(self.optical.shape))
        along = (seen.conj() * self.wanted).sum()
        return along / along.abs() if along.abs() > 0 else torch.ones_like(along)

    def _adjusted(self, arriving: Tensor, readings: list[Reading]) -> float:
        """The error with the one real gain that makes it least."""
        read = self._read(arriving, readings)
        power = read.abs().square().sum()
        along = (read.conj() * self.wanted).real.sum()
        return self._errors(read * (along / power if power > 0 else 1.0))

    def _without_bias(self, y: Tensor, layer: ACDC | AFDF) -> Tensor:
        offset = layer.offset()
        return y if offset is None else y - offset.to(y)
