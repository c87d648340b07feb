"""An optical layer's bench on one lattice of points, for simulators that know nothing of this library.

The wave model integrates over pixels and lenses. Here the same bench is painted on samples, as everyone does it: masks,
thin lenses with their openings, Fresnel propagation by transfer function. That is a system POPPY can build, too. How
far the painted bench is from the wave model is another question, answered by one figure at the camera.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace

import torch
from scipy.fft import next_fast_len
from torch import Tensor

from acdc_optical.benches.planes import Planes
from acdc_optical.light import pixels_of
from acdc_optical.realisation import OpticalLayer
from acdc_optical.waves.wave import Wave
from optics import (
    Circle,
    Field,
    FourierIntegral,
    FresnelTransfer,
    Grid,
    Lens,
    OpticalSystem,
    Pixelated,
    Rectangle,
    SamplingWarning,
)
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


_LATTICE_NOTE = (
    "light that leaves the lattice and comes in again on the other side, edges of pixels and lenses blurred by its "
    "samples, lenses stopped down to it if it is narrower than they are; nothing of POPPY"
)


@dataclass(frozen=True)
class SecondOpinion:
    """What POPPY says of a layer's bench.

    Attributes:
        bench: what was compared, in a sentence.
        planes: for each element the relative L2 distance in complex field behind it.
        lattice_error: relative L2 distance on the camera's pixels between the bench on the lattice, which both programs
            have, and the wave model of the bench near the axis; None if that does not fit in memory.
        lattice_note: what that distance is made of, or why there is none.
    """

    bench: str
    planes: tuple[Opinion, ...]
    lattice_error: float | None
    lattice_note: str

    @property
    def passed(self) -> bool:
        """Whether every plane agrees to a millionth; a wrong sign, distance or centring is off by 1e-3 and more."""
        return all(plane.error <= _AGREEMENT for plane in self.planes)

    def to_dict(self) -> dict[str, object]:
        """Plain data: bench, passed, the distance behind each element, and the lattice's from the wave model."""
        planes = {plane.name: plane.error for plane in self.planes}
        lattice = {"error": self.lattice_error, "note": self.lattice_note}
        return {"bench": self.bench, "passed": self.passed, "planes": planes, "lattice_from_wave_model": lattice}


def ask_poppy(optical: OpticalLayer, x: Tensor | None = None) -> SecondOpinion:
    """Compare every plane of a two-dimensional layer's bench with POPPY, for one input.

    Args:
        optical: the layer; its masks and its bench are used, whatever its model.
        x: input of the layer's shape; by default a Gaussian random one.

    Raises:
        ValueError: a one-dimensional layer, whose cylindrical lenses POPPY does not have, or a bench too large for one
            lattice of 2048 samples along each axis.
    """
    table = OnTheTable.of(optical)
    if table.planes.input.ndim != 2:
        raise ValueError("POPPY has no cylindrical lenses: a second opinion needs a layer of shape (h, w)")
    x = torch.randn(optical.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64) if x is None else x
    lattice, stopped = _lattice(table.planes)
    with torch.no_grad(), warnings.catch_warnings():
        # How well the samples stand for the bench is asked in one figure. In POPPY's they have no say: it has the same.
        warnings.simplefilter("ignore", SamplingWarning)
        shown = optical.show(x, optical.masks()).data
        opinions = second_opinion(table.painted(lattice, stopped), table.lit(shown, lattice))
        try:
            error, note = table.lattice_error(shown, opinions[-1].ours), _LATTICE_NOTE
        except ValueError as refusal:
            error, note = None, str(refusal)
    return SecondOpinion(_described(table.planes, lattice, stopped), tuple(opinions), error, note)


@dataclass(frozen=True)
class OnTheTable:
    """A bench with its masks, and with pixels as they are made: parts that shine between gaps that do not.

    Attributes:
        fourier_mask: values of its pixels.
        planes: where things stand.
    """

    fourier_mask: Tensor
    planes: Planes

    @classmethod
    def of(cls, optical: OpticalLayer) -> OnTheTable:
        """Whatever a model takes a pixel for."""
        masks, pixels = optical.masks(), optical.bench.pixels()
        named = {
            name: getattr(masks.planes, name).resolved(getattr(pixels, name)) for name in ("input", "mask", "camera")
        }
        return cls(pixels_of(masks.fourier_mask), replace(masks.planes, **named))

    def lit(self, shown: Tensor, lattice: Grid) -> Field:
        """The light behind mask A on a lattice of points."""
        wave = Field(torch.ones(lattice.shape, dtype=torch.complex128), lattice, self.planes.wavelength)
        return _pixelated(shown, self.planes.input)(wave)

    def painted(self, lattice: Grid, aperture: float) -> OpticalSystem:
        """The bench behind mask A on a lattice of points, with lenses in the bench's stop, of some width [m]."""
        planes, space = self.planes, FresnelTransfer(self.planes.focal_length, padding=1)
        stop = Circle(aperture) if planes.lenses.stop == "round" else Rectangle((aperture, aperture))
        lens, mask = Lens(planes.focal_length, stop), _pixelated(self.fourier_mask, planes.mask)
        return OpticalSystem(space, lens, space, mask, space, lens, space, names=_PLANES)

    def lattice_error(self, shown: Tensor, image: Field) -> float:
        """Relative L2 distance, up to a phase, of an image on a lattice from the wave model's on the camera's pixels.

        Args:
            shown: what the modulator shows, behind mask A.
            image: of it, at the camera.

        Raises:
            ValueError: lenses whose light does not fit in memory.
        """
        light = Wave().light(self.planes)(Field(shown, self.planes.input, self.planes.wavelength), self.fourier_mask)
        wanted = light.data.detach().to(torch.complex128)
        got = _read(image, self.planes.camera).detach()
        overlap = (wanted * got.conj()).sum()
        return float((got * overlap / overlap.abs() - wanted).norm() / wanted.norm())


def _pixelated(values: Tensor, pixels: Grid) -> Pixelated:
    return Pixelated(values, pixels.spacing, pixels.axes[0].cell.width)


def _read(image: Field, camera: Grid) -> Tensor:
    """What the camera's pixels see: means and values of the trigonometric polynomial through the samples."""
    lattice = image.grid
    waves = Grid(lattice.shape, [1 / width for width in lattice.extent])
    apart, together = FourierIntegral(lattice, waves, 1.0), FourierIntegral(waves, camera, 1.0)
    return together(apart(image.data).conj()).conj()  # the inverse integral has the other sign


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
