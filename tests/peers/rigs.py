"""The same bench in other simulators: light, free space, lens and mask of each, in its own words.

A rig is made for one square lattice of n samples and one wavelength. Its ``light`` turns samples into what the
simulator propagates, ``space``, ``lens`` and ``mask`` build what acts on that, ``samples`` turns it back. Where a
simulator has a choice, free space is paraxial and the window periodic, as in our ``FresnelTransfer(z, padding=1)``.
Simulators are imported when a rig is made: each is an extra.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from optics import AngularSpectrum, Circle, Field, FresnelTransfer, Grid, Lens, Mask, OpticalSystem

Step = Callable[[Any], Any]


@dataclass(frozen=True)
class Lattice:
    samples: int
    spacing: float
    wavelength: float

    @property
    def window(self) -> float:
        return self.samples * self.spacing

    @property
    def off_axis(self) -> float:
        """The axis between the two middle samples, seen from sample n/2, where some programs have it."""
        return -self.spacing / 2


class Ours:
    """This library, by the same interface.

    Args:
        pupil: diameter of the lenses' [m], cut from whole samples as others do; without one they are as wide as the
            window.
        propagator: free space in a periodic window.
    """

    def __init__(
        self,
        lattice: Lattice,
        pupil: float | None = None,
        propagator: type[FresnelTransfer] | type[AngularSpectrum] = FresnelTransfer,
    ):
        self.lattice, self.propagator = lattice, propagator
        self.pupil = None if pupil is None else Circle(pupil)
        self.grid = Grid((lattice.samples, lattice.samples), lattice.spacing)

    def light(self, data: Tensor) -> Field:
        return Field(data, self.grid, self.lattice.wavelength)

    def space(self, distance: float) -> Step:
        return self.propagator(distance, padding=1)

    def lens(self, focal_length: float) -> Step:
        lens = Lens(focal_length)
        return lens if self.pupil is None else OpticalSystem(lens, self.mask(self.pupil.contains(self.grid).double()))

    def mask(self, transmittance: Tensor) -> Step:
        return Mask(transmittance, self.lattice.spacing)

    def samples(self, light: Any) -> Tensor:
        return light.data


class LightPipes:
    """Vdovin and van Goor's LightPipes. Its axis lies on sample n/2, and a lens is told where ours is."""

    def __init__(self, lattice: Lattice):
        import LightPipes

        self.lattice, self.lp = lattice, LightPipes

    def light(self, data: Tensor) -> Any:
        dtype = np.complex64 if data.dtype == torch.complex64 else np.complex128
        field = self.lp.Begin(self.lattice.window, self.lattice.wavelength, self.lattice.samples, dtype=dtype)
        field.field = data.numpy().copy()
        return field

    def space(self, distance: float) -> Step:
        return lambda light: self.lp.Forvard(light, distance)

    def lens(self, focal_length: float) -> Step:
        shift = self.lattice.off_axis
        return lambda light: self.lp.Lens(light, focal_length, shift, shift)

    def mask(self, transmittance: Tensor) -> Step:
        intensity, phase = transmittance.abs().square().numpy(), transmittance.angle().numpy()
        return lambda light: self.lp.MultPhase(self.lp.MultIntensity(light, intensity), phase)

    def samples(self, light: Any) -> Tensor:
        return torch.from_numpy(light.field)


class HCIPy:
    """Por's HCIPy. Its grids are symmetric, as ours."""

    def __init__(self, lattice: Lattice):
        import hcipy

        n = lattice.samples
        self.lattice, self.hcipy = lattice, hcipy
        self.grid = hcipy.make_uniform_grid([n, n], [lattice.window, lattice.window])

    def light(self, data: Tensor) -> Any:
        return self.hcipy.Wavefront(self.hcipy.Field(data.numpy().ravel(), self.grid), self.lattice.wavelength)

    def space(self, distance: float) -> Step:
        # Without oversampling, which averages the transfer function over each frequency cell.
        return self.hcipy.FresnelPropagator(self.grid, distance, num_oversampling=1, zero_padding=1)

    def lens(self, focal_length: float) -> Step:
        return self.hcipy.ThinLens(focal_length, lambda _: 1.5, self.lattice.wavelength)

    def mask(self, transmittance: Tensor) -> Step:
        return self.hcipy.Apodizer(self.hcipy.Field(transmittance.numpy().ravel(), self.grid))

    def samples(self, light: Any) -> Tensor:
        return torch.from_numpy(np.asarray(light.electric_field.shaped))


class TorchOptics:
    """Filipovich's torchoptics. Its grids are symmetric, as ours; its lenses always have a round pupil."""

    def __init__(self, lattice: Lattice):
        import torchoptics

        self.lattice, self.to = lattice, torchoptics

    def light(self, data: Tensor) -> Any:
        return self.to.Field(data, self.lattice.wavelength, spacing=self.lattice.spacing)

    def space(self, distance: float) -> Step:
        return lambda light: light.propagate_to_z(
            light.z + distance, propagation_method="ASM_FRESNEL", asm_pad=(0, 0), interpolation_mode="none"
        )

    def lens(self, focal_length: float) -> Step:
        n = self.lattice.samples
        lens = self.to.elements.Lens((n, n), focal_length, spacing=self.lattice.spacing)
        return lambda light: light.modulate(lens.modulation_profile(self.lattice.wavelength))

    def mask(self, transmittance: Tensor) -> Step:
        return lambda light: light.modulate(transmittance)

    def samples(self, light: Any) -> Tensor:
        return light.data


class Poppy:
    """POPPY's Fresnel wavefronts, by its own lenses moved to our axis, its steps kept plane to plane."""

    def __init__(self, lattice: Lattice):
        import astropy.units as u
        import poppy

        self.lattice, self.poppy, self.u = lattice, poppy, u

    def light(self, data: Tensor) -> Any:
        half, u = self.lattice.samples // 2, self.u
        light = self.poppy.FresnelWavefront(
            half * self.lattice.spacing / 2 * u.m, wavelength=self.lattice.wavelength * u.m, npix=half, oversample=2
        )
        light.w_0 = 1 * u.m
        light.wavefront = data.numpy().copy()
        return light

    def space(self, distance: float) -> Step:
        def step(light: Any) -> Any:
            light.propagate_fresnel(distance * self.u.m)
            return light

        return step

    def lens(self, focal_length: float) -> Step:
        shift = self.lattice.off_axis
        return self._applied(self.poppy.QuadPhase(-focal_length * self.u.m, shift_x=shift, shift_y=shift))

    def mask(self, transmittance: Tensor) -> Step:
        path = transmittance.angle() * self.lattice.wavelength / (2 * math.pi)
        return self._applied(self.poppy.ArrayOpticalElement(transmission=transmittance.abs().numpy(), opd=path.numpy()))

    def samples(self, light: Any) -> Tensor:
        return torch.from_numpy(light.wavefront)

    @staticmethod
    def _applied(optic: Any) -> Step:
        def step(light: Any) -> Any:
            light *= optic
            return light

        return step


def wave_4f(rig: Any, focal_length: float, transmittance: Tensor) -> Step:
    """Space, lens, space, mask, space, lens, space."""
    steps = [
        *(rig.space(focal_length), rig.lens(focal_length), rig.space(focal_length)),
        rig.mask(transmittance),
        *(rig.space(focal_length), rig.lens(focal_length), rig.space(focal_length)),
    ]

    def run(light: Any) -> Any:
        for step in steps:
            light = step(light)
        return light

    return run
