"""One exposure of a bench: laser power and time in, photons on the camera's pixels, and what it reads of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from acdc_optical.benches.bench import Bench
from acdc_optical.benches.imperfections import Imperfections
from acdc_optical.benches.planes import Planes
from optics import BalancedHomodyne, FourStep, Sensor, ShotNoise
from optics.detection.photons import photons
from optics.detection.shot import Poisson

# A reference beam that fills half of a well leaves the other half to the signal beside it.
_OF_WELL = 0.5

# Where no well limits it: so strong that the signal's own noise is a thousandth of the reference's.
_OVER_SIGNAL = 1e3


@dataclass(frozen=True)
class Exposure:
    """Reads fields as a camera does: see :class:`~acdc_optical.imperfect.layer.Reading`.

    Attributes:
        readout: how, with the camera's sensors.
        amplitude: of the field on a camera pixel [√photons], where it is that of a modulator pixel which shows 1.
        axes: of the camera, one or two.
        full_scale: the number for which a modulator pixel lets all light through.
        intensity_noise: of the laser, relative rms; every input has an exposure of its own.
        seeds: of the noise. With one, all that is read at once has noise of one sequence; with several, each entry of
            the first dimension has its own, whatever stands beside it.
    """

    readout: BalancedHomodyne | FourStep
    amplitude: float
    axes: int
    full_scale: float = 1.0
    intensity_noise: float | Tensor = 0.0
    seeds: tuple[int, ...] = (0,)

    def __call__(self, field: Tensor) -> Tensor:
        """What is read for a field, in its own units; of one exposure for each input.

        Raises:
            ValueError: neither one seed nor one for each entry of the first dimension.
        """
        if len(self.seeds) == 1:
            return self._read(field, self.seeds[0])
        if len(self.seeds) != len(field):
            raise ValueError(f"expected a seed for each of {len(field)} benches; got {len(self.seeds)}")
        return torch.stack([self._read(*each) for each in zip(field, self.seeds, strict=True)])

    def seeded(self, *seeds: int) -> Exposure:
        """The same with other noise."""
        return replace(self, seeds=seeds)

    def _read(self, field: Tensor, seed: int) -> Tensor:
        generator, readout = torch.Generator().manual_seed(seed), self.readout
        if isinstance(self.intensity_noise, Tensor) or self.intensity_noise:
            exposures = torch.ones(*field.shape[: field.ndim - self.axes], *(1,) * self.axes, device=field.device)
            readout = replace(readout, intensity_noise=exposures * self.intensity_noise)
        return readout.field(field * self.amplitude, generator) / self.amplitude


def exposure_of(
    bench: Bench,
    planes: Planes,
    *,
    wrong: Imperfections | None = None,
    full_scale: float = 1.0,
    shot: ShotNoise | None = None,
) -> Exposure:
    """What the laser and the camera of a bench make of the light of a layer.

    Args:
        bench: with the laser's power, the exposure, and a read-out.
        planes: of the layer. The power falls evenly on its modulator's pixels; in one dimension, on those of its line.
        wrong: imperfections of which the noise of the laser and stray light are read; by default those of the bench.
        full_scale: the number for which a pixel of the modulator lets all light through, if the bench's own modulator
            does not say it; larger ones are shown all the same, as no modulator can.
        shot: the law of shot noise, by default Poisson's.

    Raises:
        ValueError: no power, no exposure time, a camera whose read-out is that of the perfect field, or a full scale
            that is not a positive number.
    """
    check_scale(full_scale)
    laser, camera = bench.laser, bench.camera
    missing = uncounted(bench) + (['camera.read_out, as "homodyne"'] if camera.read_out == "field" else [])
    if missing or camera.exposure is None:
        raise ValueError(
            "photons are read with laser.power, camera.exposure and camera.read_out; this bench lacks "
            f"{' and '.join(missing)}"
        )
    wrong = bench.imperfections if wrong is None else wrong
    full_scale = wrong.modulator_device.full_scale or full_scale
    unit, active = photons_of_one(bench, planes), _active(planes)
    kind, ports = (BalancedHomodyne, 2) if camera.read_out == "homodyne" else (FourStep, 4)
    sensor = Sensor(
        camera.quantum_efficiency,
        read_noise=camera.read_noise,
        dark=camera.dark_current * camera.exposure / kind.exposures,
        full_well=math.inf if camera.full_well is None else camera.full_well,
        bits=camera.bits,
        shot=shot or Poisson(),
    )
    if laser.reference is not None:
        of_reference = (
            photons(laser.reference, camera.exposure, bench.wavelength) * active / math.prod(planes.camera.cells)
        )
    elif camera.full_well is not None:
        of_reference = ports * _OF_WELL * camera.full_well / camera.quantum_efficiency
    else:
        of_reference = _OVER_SIGNAL * unit
    readout = kind(math.sqrt(of_reference), sensor, stray=unit * wrong.light.stray)
    noise, axes = wrong.light.intensity_noise, planes.camera.ndim
    return Exposure(readout, math.sqrt(unit) / full_scale, axes, full_scale, intensity_noise=noise)


def check_scale(full_scale: float) -> None:
    """Raise ValueError unless it is a number that a modulator can show for all its light."""
    if not (isinstance(full_scale, int | float) and math.isfinite(full_scale) and full_scale > 0):
        raise ValueError(f"expected as full_scale the largest number to be shown, above 0; got {full_scale!r}")


def uncounted(bench: Bench) -> list[str]:
    """What a bench must say for its photons to be counted, and does not, with an example of each."""
    wanted = {'laser.power, as "1 mW"': bench.laser.power, 'camera.exposure, as "1 ms"': bench.camera.exposure}
    return [name for name, value in wanted.items() if value is None]


def photons_of_one(bench: Bench, planes: Planes) -> float:
    """Photons that a camera pixel gets in the whole measurement for the light of a modulator pixel that shows 1.

    Args:
        bench: with the laser's power and the exposure.
        planes: of the layer.

    Raises:
        ValueError: no power, or no exposure time.
    """
    power, exposure = bench.laser.power, bench.camera.exposure
    if power is None or exposure is None:
        raise ValueError(f"photons are not counted: the bench lacks {' and '.join(uncounted(bench))}")
    return float(photons(power, exposure, bench.wavelength)) / math.prod(planes.input.cells) * _active(planes)


def _active(planes: Planes) -> float:
    """Share of a camera pixel that gathers light; all of it where a model takes it for a point."""
    return math.prod(axis.cell.width or 1.0 for axis in planes.camera.axes)
