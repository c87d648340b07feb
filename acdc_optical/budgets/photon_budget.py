"""Laser power and exposure in, photons and energy out: what one input of a layer costs on a bench as it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from acdc_optical.budgets.accounts import PhotonBudget
from acdc_optical.budgets.exposure import Exposure, photons_of_one, uncounted
from acdc_optical.budgets.light_budget import observed
from acdc_optical.imperfect.layer import ImperfectLayer
from optics import BalancedHomodyne, FourStep, Grid, point
from optics.detection.photons import photons

# Places along each axis of a pixel where its light is looked at; two would resolve the finest fringe, as wide as a
# pixel, and leave 1 % of the light of a perfect bench, four leave 0.3 %.
_PLACES = 4

# Light is right to 1e-6 with four nodes, see ImperfectLayer; nobody needs more of its sum.
_NODES = 4


def photon_budget(imperfect: ImperfectLayer, x: Tensor) -> PhotonBudget:
    """The photons and the energy of one input, in the mean over inputs x, shape (..., *imperfect.shape).

    The laser's power falls evenly on the modulator's pixels in use, whatever they show. Of the light that comes back
    those photons count that a camera pixel turns into electrons from the field it reads, which is the mean over its
    active part. An output of a real layer is that of its mirrored pixels together. An N-by-N matrix has N² entries for
    N numbers, real for an ACDC layer and complex for an AFDF layer. The pixels of both masks count as they are used.

    Raises:
        ValueError, TypeError: as the layer does for its input; not an imperfect layer.
    """
    if not isinstance(imperfect, ImperfectLayer):
        raise TypeError(f"expected a layer on its bench, as ImperfectLayer(optical); got {type(imperfect).__name__}")
    optical = imperfect.optical
    masks, bench = optical.masks(), optical.bench
    outputs = math.prod(optical.shape)
    with torch.no_grad():
        field = imperfect.arriving(optical.checked(x), masks)
    scale, note = _full_scale(imperfect, x)
    power, exposure = bench.laser.power, bench.camera.exposure
    launched = per_pixel = None
    if power is not None and exposure is not None:
        launched = float(photons(power, exposure, bench.wavelength))
        shown = float(field.abs().double().square().mean()) / scale**2
        per_pixel = shown * photons_of_one(bench, masks.planes) * bench.camera.quantum_efficiency
    return PhotonBudget(
        laser_power=power,
        exposure=exposure,
        full_scale=scale,
        outputs=outputs,
        launched=launched,
        per_pixel=per_pixel,
        detected=None if per_pixel is None else per_pixel * math.prod(masks.planes.camera.cells),
        light_used=light_reaching(imperfect, x),
        saturated=_saturated(imperfect, field),
        dense_macs=outputs**2,
        arithmetic="real" if optical.presentation.real else "complex",
        mask_multiplications=math.prod(masks.planes.input.cells) + math.prod(masks.planes.mask.cells),
        note="; ".join(filter(None, (note, _missing(uncounted(bench))))),
    )


def light_reaching(imperfect: ImperfectLayer, x: Tensor) -> float:
    """Power on the camera's whole pixels over that of the input, as it is shown, in front of mask A; of all inputs.

    As :func:`~acdc_optical.verification.light_used`, but of the light of an imperfect bench. Light that is not coherent
    with the reference beam, as of a laser with a bandwidth, is not in it.

    Raises:
        ValueError, TypeError: as the layer does for its input.
    """
    optical = imperfect.optical
    if not imperfect.wrong.present():
        with torch.no_grad():
            trace = observed(optical).trace(x)
        return float(trace[-1].field.power.sum() / trace[0].field.power.sum())
    masks = optical.masks()
    camera = masks.planes.camera
    finer = Grid(
        [n * _PLACES for n in camera.cells], [pitch / _PLACES for pitch in camera.spacing], point()
    )  # points, each for a part of a pixel
    with torch.no_grad():
        coarse = ImperfectLayer(optical, imperfect.wrong, reading=imperfect.reading, nodes=min(_NODES, imperfect.nodes))
        seen = coarse.arriving(optical.checked(x), replace(masks, planes=replace(masks.planes, camera=finer)))
        sent = float(optical.encode(coarse.displayed(x), masks).power.sum())
    return float(seen.abs().double().square().sum()) * math.prod(finer.spacing) / sent


def _full_scale(imperfect: ImperfectLayer, x: Tensor) -> tuple[float, str]:
    """The number for which a modulator pixel is open, and what is to be said about it."""
    most = float(x.detach().abs().max()) or 1.0
    scale = imperfect.full_scale or most
    if most <= scale * (1 + 1e-6):
        return scale, ""
    cut = "they are cut off" if imperfect.wrong.modulator_device.full_scale else "it cannot show them"
    return scale, f"inputs reach {most:.3g} where a modulator pixel is fully open at {scale:.3g}: {cut}"


def _saturated(imperfect: ImperfectLayer, field: Tensor) -> float | None:
    reading = imperfect.reading
    if not isinstance(reading, Exposure) or not isinstance(reading.readout, BalancedHomodyne | FourStep):
        return None
    sensor = reading.readout.sensor
    shares = [float(sensor.saturated(frame)) for frame in reading.readout.frames(field * reading.amplitude)]
    return sum(shares) / len(shares)


def _missing(names: Sequence[str]) -> str:
    return f"photons are not counted: the bench lacks {' and '.join(names)}" if names else ""
