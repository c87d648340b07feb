"""Readouts: from the field on a camera's pixels to photons on its sensors, and back to an estimate of the field.

E, shape (..., *pixels), complex, is the mean of the field over each pixel in √photons: |E|² is the mean number of
photons that E brings to the pixel during the whole measurement (:func:`optics.detection.photons.amplitude_scale`). A
camera sees |E|² alone; light of a known reference r beside it shows the sign, and the phase. r is in √photons, too: r²
photons a pixel during the whole measurement.

What limits: shot noise. With a sensor of quantum efficiency η, read noise σ, dark electrons d, stray photons s,

    balanced homodyne    Var(Re E) = (1 + |E|²/r²)/(4η) + s/(2ηr²) + (σ² + d)/(2η²r²)                        → 1/4
    four steps           Var(Re E) = Var(Im E) = (1 + |E|²/r²)/(2η) + s/(2ηr²) + 2(σ² + d)/(η²r²)            → 1/2

where → is a perfect sensor and a strong reference (H. P. Yuen and V. W. S. Chan, Opt. Lett. 8, 177 (1983); I. Yamaguchi
and T. Zhang, Opt. Lett. 22, 1268 (1997)). So n̄ photons in phase with r are read with a relative error of 1/(2√n̄).
Both derive from counts whose variance is their mean: homodyne's two add up to |E|² + r² + 2s photons, and their
difference is 2r·Re E; of four steps, two with (|E|² + r² + s)/2 photons together make r·Re E. Both quadratures cost
twice the variance of one, because each gets half the light.

Without noise the reading is E but for rounding, which grows with the reference: what is subtracted is (|E| + r)² large,
so the error is up to 2ε(|E| + r)²/r, with ε the spacing of the dtype: log₁₀(r/|E|) digits less than E has.

A tensor as a parameter broadcasts with E; draws of a Monte Carlo stand in front.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from optics.detection.parameters import like, require
from optics.detection.sensor import Sensor
from optics.detection.shot import normal


class Readout(Protocol):
    """How a field is read."""

    exposures: ClassVar[int]
    """One after another, that a measurement takes; they share its time equally."""

    def field(self, E: Tensor, generator: torch.Generator) -> Tensor:
        """An estimate of E, or of its real part [√photons], with the noise of one measurement.

        Args:
            E: mean field of each pixel [√photons], shape (..., *pixels), complex.
            generator: of the CPU.
        """

    def frames(self, E: Tensor) -> tuple[Tensor, ...]:
        """Mean photons on each pixel, a tensor (..., *pixels) for every exposure of every sensor.

        ``[sensor.saturated(frame) for frame in readout.frames(E)]`` says what share of the pixels is lost.
        """


@dataclass(frozen=True)
class IdealReadout:
    """E itself, complex, bit by bit: an instrument that does not exist. Its one frame is |E|²."""

    exposures: ClassVar[int] = 1

    def field(self, E: Tensor, generator: torch.Generator) -> Tensor:
        return E

    def frames(self, E: Tensor) -> tuple[Tensor, ...]:
        return (_intensity(E),)


@dataclass(frozen=True)
class BalancedHomodyne:
    """Both ports of one lossless splitter on two sensors, in one exposure with all the light: Re E, real.

    Amplitudes √T·E + √R·r and √R·E - √T·r, with T = (1 + imbalance)/2 = 1 - R; balanced they are (E ± r)/√2. The
    estimate is (n₊ - n₋)/(2r) = Re E, where n = electrons/η. Imperfections are not corrected for:
    it reads √(1 - ε²)·Re(E·e^{-iφ}) + ε(|E|² - r²)/(2r) at an imbalance ε and a phase error φ.

    Attributes:
        reference: amplitude r of the reference before the splitter [√photons]; each sensor gets r²/2 of it.
        sensor: of either port; the two draw noise each for itself.
        reference_phase: φ [rad], what the reference leads by.
        imbalance: ε = T - R of the splitter, between -1 and 1.
        intensity_noise: of the laser from which signal and reference come, rms relative to its power: in one exposure
            both have 1 + δ times their power, on both ports, so that the r² part cancels (but for ε) and Re E reads
            1 + δ times as much. δ is normal, drawn once for each element of the tensor: a number is one exposure
            of the whole batch; shape (batch, 1, 1) gives each item an exposure of its own.
        stray: incoherent photons on each pixel of each sensor: their shot noise, no signal. δ leaves them alone.

    Raises:
        ValueError: a number out of its range.
    """

    reference: float | Tensor
    sensor: Sensor
    _: KW_ONLY
    reference_phase: float | Tensor = 0.0
    imbalance: float | Tensor = 0.0
    intensity_noise: float | Tensor = 0.0
    stray: float | Tensor = 0.0
    exposures: ClassVar[int] = 1

    def __post_init__(self) -> None:
        _check_reference(self.reference, self.reference_phase)
        require(self.imbalance, lambda v: (v > -1) & (v < 1), "an imbalance T - R of the splitter between -1 and 1")
        _check_light(self.intensity_noise, self.stray)

    def field(self, E: Tensor, generator: torch.Generator) -> Tensor:
        power, stray = _fluctuating(self.intensity_noise, E, generator), like(self.stray, E)
        plus, minus = (self.sensor(light * power + stray, generator) for light in self._ports(E))
        return self.sensor.photons(plus - minus) / (2 * like(self.reference, E))

    def frames(self, E: Tensor) -> tuple[Tensor, ...]:
        return tuple(light + like(self.stray, E) for light in self._ports(E))

    def _ports(self, E: Tensor) -> Sequence[Tensor]:
        reference = _phasor(self.reference, self.reference_phase, E)
        imbalance = torch.as_tensor(self.imbalance, dtype=torch.float64, device=E.device)
        through, over = (share.sqrt().to(E.real.dtype) for share in ((1 + imbalance) / 2, (1 - imbalance) / 2))
        return _intensity(through * E + over * reference), _intensity(over * E - through * reference)


@dataclass(frozen=True)
class FourStep:
    """One camera, four exposures, each with a quarter of the time and the reference a quarter turn on: E, complex.

    Frame k = 0…3 has |E + iᵏr|²/4: amplitudes E/2 and r/2, the signal shared equally. The estimate is
    ((n₀ - n₂) + i(n₁ - n₃))/r = E. E and r are those that reach the camera: a splitter that joins them sends the rest
    elsewhere, half of E if balanced and next to nothing if it is nearly clear and the reference strong. Its imbalance
    cancels, because every frame comes from the same port. It reads E·e^{-iφ} at a phase error φ.

    Attributes:
        reference: amplitude r at the camera [√photons in all four exposures]; each gets r²/4 of it.
        sensor: of the camera; its read noise and dark signal come with every exposure.
        reference_phase: φ [rad], what the reference leads by in all exposures.
        intensity_noise: as of :class:`BalancedHomodyne`, but every exposure has a δ of its own: the r² part stays,
            with r/4·(δ₀ - δ₂) in Re E.
        stray: incoherent photons on each pixel in all four exposures together.

    Raises:
        ValueError: a number out of its range.
    """

    reference: float | Tensor
    sensor: Sensor
    _: KW_ONLY
    reference_phase: float | Tensor = 0.0
    intensity_noise: float | Tensor = 0.0
    stray: float | Tensor = 0.0
    exposures: ClassVar[int] = 4

    def __post_init__(self) -> None:
        _check_reference(self.reference, self.reference_phase)
        _check_light(self.intensity_noise, self.stray)

    def field(self, E: Tensor, generator: torch.Generator) -> Tensor:
        stray = like(self.stray, E) / 4
        shown = [
            self.sensor(light * _fluctuating(self.intensity_noise, E, generator) + stray, generator)
            for light in self._steps(E)
        ]
        both = torch.complex(shown[0] - shown[2], shown[1] - shown[3])
        return self.sensor.photons(both) / like(self.reference, E)

    def frames(self, E: Tensor) -> tuple[Tensor, ...]:
        return tuple(light + like(self.stray, E) / 4 for light in self._steps(E))

    def _steps(self, E: Tensor) -> Sequence[Tensor]:
        reference = _phasor(self.reference, self.reference_phase, E)
        return [_intensity(E + turned * reference) / 4 for turned in (1, 1j, -1, -1j)]


@dataclass(frozen=True)
class Intensity:
    """One camera without a reference: |E|², real, and no estimate of the field.

    Attributes:
        sensor: of the camera.
        intensity_noise: as of :class:`BalancedHomodyne`; reads (1 + δ)|E|².
        stray: incoherent photons on each pixel; their mean is subtracted, as by a frame without
            signal; their noise stays.

    Raises:
        ValueError: a number out of its range.
    """

    sensor: Sensor
    _: KW_ONLY
    intensity_noise: float | Tensor = 0.0
    stray: float | Tensor = 0.0
    exposures: ClassVar[int] = 1

    def __post_init__(self) -> None:
        _check_light(self.intensity_noise, self.stray)

    def intensity(self, E: Tensor, generator: torch.Generator) -> Tensor:
        """An estimate of |E|² [photons]; arguments as of :meth:`Readout.field`. Without noise it is |E|² bit by bit."""
        power, stray = _fluctuating(self.intensity_noise, E, generator), like(self.stray, E)
        return self.sensor.photons(self.sensor(_intensity(E) * power + stray, generator)) - stray

    def frames(self, E: Tensor) -> tuple[Tensor, ...]:
        """As of :meth:`Readout.frames`: the one frame."""
        return (_intensity(E) + like(self.stray, E),)


def _intensity(field: Tensor) -> Tensor:
    return field.real.square() + field.imag.square() if field.is_complex() else field.square()


def _phasor(amplitude: float | Tensor, phase: float | Tensor, like: Tensor) -> Tensor:
    """amplitude·exp(i·phase), evaluated in double precision."""
    both = (torch.as_tensor(part, dtype=torch.float64, device=like.device) for part in (amplitude, phase))
    return torch.polar(*torch.broadcast_tensors(*both)).to(like.real.dtype.to_complex())


def _fluctuating(rms: float | Tensor, like: Tensor, generator: torch.Generator) -> float | Tensor:
    """Power of the laser in one exposure, relative to its mean; never negative. A plain 0 draws nothing."""
    if not isinstance(rms, Tensor) and rms == 0:
        return 1.0
    deviation = torch.as_tensor(rms, dtype=like.real.dtype, device=like.device)
    return (1 + deviation * normal(deviation, generator)).clamp(min=0)


def _check_reference(reference: float | Tensor, phase: float | Tensor) -> None:
    require(reference, lambda v: (v > 0) & (v < math.inf), "a reference amplitude of more than 0 √photons")
    require(phase, lambda v: (v > -math.inf) & (v < math.inf), "a finite phase of the reference in radians")


def _check_light(intensity_noise: float | Tensor, stray: float | Tensor) -> None:
    require(intensity_noise, lambda v: (v >= 0) & (v < math.inf), "a relative intensity noise of 0 rms or more")
    require(stray, lambda v: (v >= 0) & (v < math.inf), "stray light of 0 photons per pixel or more")
