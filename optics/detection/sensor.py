"""A camera's sensor: photons become electrons, electrons become numbers.

What happens, in this order, to n photons (EMVA Standard 1288, release 4.0, the linear model, and a full well):

    electrons in the well   shot(ηn + dark), no more than the full well
    at the amplifier        + read noise
    behind the ADC          a whole number of steps, from 0 to 2^bits - 1
    behind the dark frame   - dark

Light and dark current are both Poisson's, and so is their sum: one draw serves both. The gain is divided out, so the
numbers are in electrons. The dark frame is that of very many exposures: it takes away the mean, and adds no noise.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor

from optics.detection.parameters import like, require, spread
from optics.detection.shot import Noiseless, ShotNoise, normal


@dataclass(frozen=True)
class Sensor:
    """The pixels of a camera, each part without any effect, to the last bit, at its default.

    Each number may be a tensor that broadcasts with the pixels: one for each pixel, or draws in front.

    Attributes:
        quantum_efficiency: electrons for each photon, above 0 and up to 1.
        read_noise: of the amplifier [electrons rms], normal. A plain 0 draws nothing.
        dark: mean electrons of an exposure without light, subtracted again by a dark frame. Their shot noise stays.
        full_well: what a pixel holds [electrons]; more light shows no more, and has no gradient.
        bits: of an ADC with 2^bits steps of full_well/2^bits, each in the middle of what it stands for; None for
            none. Without a pedestal it cuts what lies below 0 electrons, and the highest number it has is a step
            below the full well. Gradients go straight through its steps, and not beyond its ends.
        shot: the law of shot noise.

    Raises:
        ValueError: a number out of its range, or an ADC without a full well.
    """

    quantum_efficiency: float | Tensor = 1.0
    _: KW_ONLY
    read_noise: float | Tensor = 0.0
    dark: float | Tensor = 0.0
    full_well: float | Tensor = math.inf
    bits: int | None = None
    shot: ShotNoise = Noiseless()

    def __post_init__(self) -> None:
        require(self.quantum_efficiency, lambda v: (v > 0) & (v <= 1), "a quantum efficiency above 0 and up to 1")
        require(self.read_noise, lambda v: (v >= 0) & (v < math.inf), "a read noise of 0 electrons rms or more")
        require(self.dark, lambda v: (v >= 0) & (v < math.inf), "a dark signal of 0 electrons or more")
        require(self.full_well, lambda v: v > 0, "a full well of more than 0 electrons, math.inf for no limit")
        if self.bits is not None:
            require(self.bits, lambda v: v >= 1 and v == int(v), "an ADC of 1 bit or more, None for none")
            require(self.full_well, lambda v: v < math.inf, f"a full well [electrons] for an ADC of {self.bits} bits")

    def __call__(self, photons: Tensor, generator: torch.Generator) -> Tensor:
        """What the camera shows of one exposure.

        Args:
            photons: mean number on each pixel during the exposure; real, 0 or more, shape (..., *pixels).
            generator: of the CPU.

        Returns:
            Electrons without the mean dark signal, of the photons' shape, spread over that of the parameters.

        Raises:
            ValueError: complex photons.
        """
        if photons.is_complex():
            raise ValueError(f"expected numbers of photons, real; got {photons.dtype}: pass |E|² of E in √photons")
        photons = spread(photons, self.quantum_efficiency, self.read_noise, self.dark, self.full_well)
        electrons = self.shot(self.expected(photons), generator).clamp(max=like(self.full_well, photons))
        if isinstance(self.read_noise, Tensor) or self.read_noise:
            electrons = electrons + like(self.read_noise, photons) * normal(photons, generator)
        return self._digitised(electrons) - like(self.dark, photons)

    def expected(self, photons: Tensor) -> Tensor:
        """Mean electrons, dark signal included, of a well without a limit."""
        return photons * like(self.quantum_efficiency, photons) + like(self.dark, photons)

    def photons(self, electrons: Tensor) -> Tensor:
        """The number of photons that so many electrons stand for: electrons/η."""
        return electrons / like(self.quantum_efficiency, electrons)

    def saturated(self, photons: Tensor) -> Tensor:
        """Share of all pixels, draws and exposures, from 0 to 1, whose mean fills the well; 0-dim."""
        full = self.expected(photons) >= like(self.full_well, photons)
        return full.to(photons.dtype).mean()

    def _digitised(self, electrons: Tensor) -> Tensor:
        if self.bits is None:
            return electrons
        step = like(self.full_well, electrons) / 2**self.bits
        held = (electrons / step).clamp(0, 2**self.bits - 1)
        return (held.detach().round() + (held - held.detach())) * step
