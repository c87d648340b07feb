"""An optical layer's bench on one lattice of points, for simulators that know nothing of this library.

The wave model integrates over pixels and lenses. Here the same bench is painted on samples, as everyone does it: masks,
thin lenses with their openings, Fresnel propagation by transfer function. That is a system POPPY can build, too.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import torch
from scipy.fft import next_fast_len
from torch import Tensor

from acdc_optical.compilation import Masks
from acdc_optical.planes import Planes
from acdc_optical.realisation import OpticalLayer
from optics import Circle, Field, FresnelTransfer, Grid, Lens, OpticalSystem, Pixelated, Rectangle, SamplingWarning
from optics.poppy_bridge import Opinion, second_opinion
from optics.units import format_length

# Samples along each axis that POPPY propagates in seconds.
_MOST = 2048

_AGREEMENT = 1e-6

_PLANES = (
    "in front of lens 1",
    "behind lens 1",
    "in front of mask D",
    "behind mask D",
    "in front of lens 2",
    "behind lens 2",
    "at the camera",
)


@dataclass(frozen=True)
class SecondOpinion:
    """What POPPY says of a layer's bench.

    Attributes:
        bench: what was compared, in a sentence.
        planes: for each element the relative L2 distance in complex field behind it.
    """

    bench: str
    planes: tuple[Opinion, ...]

    @property
    def passed(self) -> bool:
        """Whether every plane agrees to a millionth; a wrong sign, distance or centring is off by 1e-3 and more."""
        return all(plane.error <= _AGREEMENT for plane in self.planes)

    def to_dict(self) -> dict[str, object]:
        """Plain data: bench, passed, and the distance behind each element."""
        planes = {plane.name: plane.error for plane in self.planes}
        return {"bench": self.bench, "passed": self.passed, "planes": planes}


def ask_poppy(optical: OpticalLayer, x: Tensor | None = None) -> SecondOpinion:
    """Compare every plane of a two-dimensional layer's bench with POPPY, for one input.

    Args:
        optical: the layer; its masks and its bench are used, whatever its model.
        x: input of the layer's shape; by default a Gaussian random one.

    Raises:
        ValueError: a one-dimensional layer, whose cylindrical lenses POPPY does not have, or a bench too large for one
            lattice of 2048 samples along each axis.
    """
    masks = optical.masks()
    if masks.planes.input.ndim != 2:
        raise ValueError("POPPY has no cylindrical lenses: a second opinion needs a layer of shape (h, w)")
    x = torch.randn(optical.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64) if x is None else x
    lattice, stopped = _lattice(masks.planes)
    with torch.no_grad(), warnings.catch_warnings():
        # How well the samples stand for the bench is not the question: both sides have the same.
        warnings.simplefilter("ignore", SamplingWarning)
        system = painted(masks, lattice, stopped)
        shown = optical.presentation.encode(x, 2) * masks.input_mask
        light = Pixelated(shown, masks.planes.input.spacing)(_plane_wave(masks.planes, lattice))
        opinions = second_opinion(system, light)
    return SecondOpinion(_described(masks.planes, lattice, stopped), tuple(opinions))


def painted(masks: Masks, lattice: Grid, aperture: float) -> OpticalSystem:
    """The bench behind mask A on a lattice of points, with lenses in the bench's stop, of some width [m]."""
    planes, space = masks.planes, FresnelTransfer(masks.planes.focal_length, padding=1)
    stop = Circle(aperture) if planes.lenses.stop == "round" else Rectangle((aperture, aperture))
    lens = Lens(planes.focal_length, stop)
    mask = Pixelated(masks.fourier_mask, planes.mask.spacing)
    return OpticalSystem(space, lens, space, mask, space, lens, space, names=_PLANES)


def _plane_wave(planes: Planes, lattice: Grid) -> Field:
    return Field(torch.ones(lattice.shape, dtype=torch.complex128), lattice, planes.wavelength)


def _lattice(planes: Planes) -> tuple[Grid, float]:
    """Samples that divide the modulator's pixels and resolve the lens, and the width of the lenses that fits them."""
    pitch = planes.input.spacing[0]
    widest = max(*planes.input.extent, *planes.mask.extent)
    wanted = max(*planes.arm.widths(planes.input, planes.mask), widest)
    for across in range(2, _MOST):  # two samples across a pixel at least
        spacing = pitch / across
        window = min(wanted, _MOST * spacing)
        if window < widest:
            break
        if spacing <= planes.arm.scale / window:
            samples = 2 * math.floor(window / spacing / 2 + 1e-9)
            while next_fast_len(samples) != samples:  # POPPY needs an even number, FFTs a smooth one
                samples -= 2
            return Grid((samples, samples), spacing), samples * spacing
    raise ValueError(
        f"the bench is {format_length(widest, 4)} wide and needs more than {_MOST} samples along an axis; a second "
        "opinion needs a smaller layer, or a shorter focal length"
    )


def _described(planes: Planes, lattice: Grid, stopped: float) -> str:
    spacing, width = format_length(lattice.spacing[0], 4), format_length(stopped, 4)
    text = f"{lattice.shape[0]}² samples of {spacing}, thin lenses, {planes.lenses.stop} stops of {width}"
    given = max(planes.arm.widths(planes.input, planes.mask))
    differs = [f"{format_length(given, 4)} wide"] if stopped < given * (1 - 1e-9) else []
    differs += ["sine-corrected"] if planes.lenses.design != "thin" else []
    return text + (f" (on the bench {' and '.join(differs)})" if differs else "")
