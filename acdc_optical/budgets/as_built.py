"""The masks of an optical layer on the bench as it was built: its imperfections, its laser and its camera."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from acdc_optical.benches.bench import Bench
from acdc_optical.benches.imperfections import NOISE
from acdc_optical.benches.planes import Planes
from acdc_optical.budgets.exposure import Exposure, check_scale, exposure_of, uncounted
from acdc_optical.imperfect.layer import ImperfectLayer
from acdc_optical.models import Continuous
from acdc_optical.progress import Track, silent
from acdc_optical.realisation import OpticalLayer
from optics import Stripes

# As for the focal length of a bench.
_FIT = 1e-6

# Integrals are right to 1e-6 with four, see ImperfectLayer: twenty bits, more than any camera has.
_NODES = 4

# Numbers of light computed together, as by run_in_batches.
_MEMORY = 2**23


def as_built(optical: OpticalLayer, *, full_scale: float) -> ImperfectLayer:
    """A layer on its bench as it is, read as the bench's camera does.

    Args:
        optical: with its bench.
        full_scale: the largest number that the modulator is to show, where light is counted and the bench's modulator
            does not say it.

    Raises:
        TypeError: see :class:`~acdc_optical.imperfect.layer.ImperfectLayer`.
        ValueError: the bench lacks what its camera needs, see :func:`lacking`; homodyne for complex outputs; a full
            scale that is not a positive number.
    """
    check_scale(full_scale)
    bench = optical.bench
    if missing := lacking(optical):
        raise ValueError(missing)
    read = bench.camera.read_out != "field"
    reading = exposure_of(bench, optical.masks().planes, full_scale=full_scale) if read else None
    return ImperfectLayer(optical, reading=reading, nodes=_NODES)


def as_far_as_known(optical: OpticalLayer, *, full_scale: float) -> ImperfectLayer:
    """As :func:`as_built`; but where the bench lacks something, the field is read as it is, without any noise."""
    if not lacking(optical):
        return as_built(optical, full_scale=full_scale)
    wrong = optical.bench.imperfections
    heard = [name for name in NOISE if name in wrong.present()]
    return ImperfectLayer(optical, wrong.changed(dict.fromkeys(heard, 0.0)), nodes=_NODES)


def lacking(optical: OpticalLayer) -> str:
    """What a layer's bench must say before its camera's reading can be computed; nothing if that reads the field."""
    bench = optical.bench
    noise = [name for name in NOISE if name in bench.imperfections.present()]
    if bench.camera.read_out == "field":
        return f'{" and ".join(noise)}: noise of a reading; give camera.read_out, as "four-step"' if noise else ""
    if bench.camera.read_out == "homodyne" and not optical.presentation.real:
        kind = type(optical.layer).__name__
        return (
            f'homodyne reads real outputs, and those of an {kind} layer are complex: give camera.read_out = "four-step"'
        )
    missing = uncounted(bench)
    return f"a {bench.camera.read_out} reading counts photons: give {' and '.join(missing)}" if missing else ""


def is_imperfect(optical: OpticalLayer) -> bool:
    """Whether its bench has imperfections or a camera that can be computed for the layer's model and masks."""
    bench, masks = optical.bench, optical.masks()
    striped = any(isinstance(mask, Stripes) for mask in (masks.input_mask, masks.fourier_mask))
    real = bool(bench.imperfections.present()) or bench.camera.read_out != "field"
    return real and isinstance(optical.model, Continuous) and not striped


def moved_to(optical: OpticalLayer, bench: Bench) -> OpticalLayer:
    """The same masks on another bench of the same geometry: its imperfections, its laser and its camera.

    Args:
        optical: the layer; its masks stay as they are.
        bench: from which imperfections, laser and camera are taken.

    Raises:
        ValueError: the masks do not fit it; the message says which lengths, counts or fills differ.
    """
    masks = optical.masks()
    own = masks.planes
    other = Planes.of(bench, own.input.cells, own.mask.cells, bench.mask.pixels_per_coefficient, bench.pixels())
    differing = [
        f"{name} {mine:.6g} and there {theirs:.6g}"
        for name, mine, theirs in (
            ("wavelength [m]", own.wavelength, other.wavelength),
            ("focal_length [m]", own.focal_length, other.focal_length),
            ("modulator.pitch [m]", own.input.spacing[0], other.input.spacing[0]),
            ("modulator.fill", own.input.axes[0].cell.width, other.input.axes[0].cell.width),
            ("mask.pixels_per_coefficient", masks.pixels_per_coefficient, bench.mask.pixels_per_coefficient),
            ("mask.fill", own.mask.axes[0].cell.width, other.mask.axes[0].cell.width),
            ("camera.fill", own.camera.axes[0].cell.width, other.camera.axes[0].cell.width),
        )
        if not math.isclose(mine, theirs, rel_tol=_FIT)
    ]
    if differing:
        raise ValueError(
            f"masks fit one geometry, and this bench has another: here {'; '.join(differing)}; change the bench, or "
            "compile the layer for it"
        )
    table = optical.bench.replace(imperfections=bench.imperfections, laser=bench.laser, camera=bench.camera)
    return OpticalLayer(optical.layer, optical.source, table, optical.model)


def measured(layer: ImperfectLayer, x: Tensor, *, seed: int, track: Track = silent) -> Tensor:
    """What a bench reads for inputs x, shape (batch, *layer.shape), as many at a time as fit in memory; no gradients.

    Args:
        layer: as of :func:`as_built`.
        x: the inputs.
        seed: of the noise; the same gives the same again.
        track: shows progress.

    Raises:
        ValueError, TypeError: as the layer does for its input.
    """
    parts = x.split(max(1, _MEMORY // layer.samples))
    seeds = np.random.SeedSequence(seed).generate_state(len(parts)).tolist()
    found = []
    for part, own in track(list(zip(parts, seeds, strict=True)), "light", len(parts)):
        with torch.no_grad():
            found.append(_seeded(layer, own)(part))
    return torch.cat(found)


def _seeded(layer: ImperfectLayer, seed: int) -> ImperfectLayer:
    if not isinstance(layer.reading, Exposure):
        return layer
    reading = replace(layer.reading, seeds=(seed,))
    return ImperfectLayer(layer.optical, layer.wrong, reading=reading, nodes=layer.nodes)
