"""Light close to lenses and masks: against diffraction integrals by numpy and scipy alone, and denser samples."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import hankel1

from acdc_optical import Lenses, Paraxial, Scalar, Wave, light_at, realise
from optics import Grid, flat
from tests.realisation.cases import bench, inputs, layer, relative_error

PITCH, WAVELENGTH = 8e-6, 633e-9
APERTURE = 280e-6
# Over the focal length: close to all planes, in front of them and behind; and far from any.
PLACES = [0.03, 0.97, 1.03, 1.5, 1.97, 2.03, 2.97, 3.03, 3.97]
# On benches as small as these the planes nearest to others are grazed by light at any angle.
LESS_NEAR = [0.15 + place - 0.03 if round(place % 1, 2) == 0.03 else place for place in PLACES]
# Free space by plane waves fades at 1e-10 of a wave; near the axis most light is in closed form.
FADED = 1e-9


def compact(pixels: int, **lenses):
    """Coefficients as far apart as the modulator's pixels; a mask with gaps."""
    return bench(focal_length=pixels * PITCH**2 / WAVELENGTH, mask_fill=0.8, lenses=Lenses(**lenses))


def fresnel(source, target, z):
    return np.exp(1j * np.pi * (source[:, None] - target) ** 2 / (WAVELENGTH * z)) / np.sqrt(1j * WAVELENGTH * z)


def rayleigh_sommerfeld(source, target, z):
    """Of scalar waves in two dimensions, at any angle: half the derivative of Hankel's function."""
    k, r = 2 * np.pi / WAVELENGTH, np.hypot(source[:, None] - target, z)
    return 0.5j * k * z / r * hankel1(1, k * r) * np.exp(-1j * k * z)


class GaussNodes:
    """The bench by Gauss nodes in every plane, as many as the steepest way needs."""

    def __init__(self, optical, space, steepest):
        self.planes, self.masks, self.table = optical.masks().planes, optical.masks(), optical.bench
        self.f, self.space, self.steepest = self.planes.focal_length, space, steepest

    def light(self, shown, z, seen):
        """At points z behind the modulator, with i^(-1/2) of each arm taken away behind its lens."""
        (n,), (m,), (q,) = self.planes.input.cells, self.planes.mask.cells, self.planes.mask.spacing
        front, dx = self.nodes(n, PITCH, self.table.modulator.fill, z, seen)
        sent = shown.repeat(len(front) // n) * dx
        if z <= 2 * self.f:
            return self.arm(sent, front, z, seen)
        back, dv = self.nodes(m, q, self.table.mask.fill, z - 2 * self.f, seen)
        arrived = self.arm(sent, front, 2 * self.f, back)
        passed = arrived * self.masks.fourier_mask.detach().numpy().repeat(len(back) // m) * dv
        return self.arm(passed, back, z - 2 * self.f, seen)

    def arm(self, sent, source, z, seen):
        """From a focal plane through the lens, if z is beyond it."""
        if z <= self.f:
            return sent @ self.space(source, seen, z)
        glass, weights = self.nodes(1, APERTURE, 1.0, z - self.f, seen)
        lens = np.exp(-1j * np.pi * glass**2 / (WAVELENGTH * self.f)) * weights
        return (sent @ self.space(source, glass, self.f) * lens) @ self.space(glass, seen, z - self.f) * 1j**0.5

    def nodes(self, cells, pitch, fill, onward, seen):
        """Some 16 for every four turns of the light that arrives from f away, of the lens, and of what goes on."""
        window = cells * pitch + max(APERTURE, 2 * abs(seen).max())
        rate = min(window / (2 * WAVELENGTH * min(onward, self.f)), self.steepest) + 2 * APERTURE / WAVELENGTH / self.f
        parts = math.ceil(pitch * rate / 4)
        t, w = np.polynomial.legendre.leggauss(16)
        within = ((np.arange(parts)[:, None] + 0.5 + t / 2) / parts - 0.5).ravel() * fill * pitch
        centres = (np.arange(cells) - (cells - 1) / 2) * pitch
        return (centres[:, None] + within).ravel(), np.tile(w / 2 / parts * fill * pitch, cells * parts)


class TestBruteForce:
    @staticmethod
    def error(space, place, *how):
        numbers = layer("AFDF", 14, "signed random")
        optical, x = realise(numbers, compact(14, aperture=APERTURE), model=Wave(space)), inputs(numbers)
        z = place * optical.masks().planes.focal_length
        # Over the edge of the lens, or as far as paraxial light gets from a modulator nearby.
        output = Grid(41, min(1.1 * APERTURE, 14 * PITCH + 2 * z) / 41)
        shown = (optical.encode(x, optical.masks()).data * optical.masks().input_mask).detach().numpy()
        wanted = GaussNodes(optical, *how).light(shown, z, output.axes[0].coordinates.numpy())
        return relative_error(light_at(optical, x, z, output).data, torch.from_numpy(wanted))

    @pytest.mark.parametrize("place", PLACES)
    def test_near_the_axis(self, place):
        assert self.error(Paraxial(), place, fresnel, math.inf) < FADED

    @pytest.mark.parametrize("place", LESS_NEAR)
    def test_at_any_angle(self, place):
        assert self.error(Scalar(), place, rayleigh_sommerfeld, 1 / WAVELENGTH) < FADED


@pytest.mark.parametrize("place", PLACES)
def test_two_axes_are_two_benches(place):
    """Where input and diagonals are products, so is the light; and a pixel gets its mean in the plane, too."""
    (rows, columns), both = (layer("AFDF", n, "signed random", seed=n) for n in (3, 4)), layer("AFDF", (3, 4))
    with torch.no_grad():
        both.a.copy_(torch.outer(rows.a, columns.a))
        both.d.copy_(torch.outer(rows.d, columns.d))
        table = bench(focal_length=8 * PITCH**2 / WAVELENGTH, mask_fill=0.8, lenses=Lenses(aperture=APERTURE))
        x = [inputs(numbers) for numbers in (rows, columns)]
        z, cell = place * table.focal_length, flat(0.9)
        cells = 20 if place > 0.1 else 8  # no farther aside than paraxial light gets
        alone = [
            light_at(realise(numbers, table, model=Wave()), part, z, Grid(cells, PITCH, cell)).data
            for numbers, part in zip((rows, columns), x, strict=True)
        ]
        together = realise(both, table, model=Wave())
        got = light_at(together, torch.outer(*x), z, Grid((cells, cells), PITCH, cell)).data
    assert relative_error(got, torch.outer(*alone)) < FADED


# For benches of two axes whose f is 400 micrometres.
PLANES = [0.97, 1.4, 1.97, 2.4, 2.97, 3.4, 3.97]


class TestDenserSamples:
    """In the plane, where axes mix: four times the samples on lenses and masks."""

    @staticmethod
    def difference(space, place, **lenses):
        numbers = layer("AFDF", (2, 2), "signed random")
        table = bench(focal_length=4 * PITCH**2 / WAVELENGTH, lenses=Lenses(**lenses))
        x, output = inputs(numbers), Grid((60, 60), 1e-6)
        models = Wave(space), Wave(space.finer(4), density=4)
        with torch.no_grad():
            usual, denser = (
                light_at(realise(numbers, table, model=model), x, place * table.focal_length, output).data
                for model in models
            )
        return relative_error(usual, denser)

    @pytest.mark.parametrize("place", PLANES)
    def test_any_angle(self, place):
        assert self.difference(Scalar(), place, aperture=70e-6) < FADED

    @pytest.mark.parametrize("place", PLANES)
    def test_round_stops(self, place):
        """As right as the model is: the edge of a circle runs between samples."""
        planes = realise(layer("AFDF", (2, 2)), compact(2, stop="round"), model=Wave()).masks().planes
        assert self.difference(Paraxial(), place, aperture=60e-6, stop="round") < Wave().sampling_error(planes)


class TestRefusals:
    def test_lenses_that_need_too_many_samples(self):
        numbers = layer("ACDC", (2, 2))
        table = bench(focal_length=4 * PITCH**2 / WAVELENGTH, lenses=Lenses(aperture="0.3 mm", stop="round"))
        optical = realise(numbers, table, model=Wave())
        with pytest.raises(ValueError, match=r"lens of 300 um × 300 um needs \d+ × \d+ samples.*a plane farther away"):
            light_at(optical, inputs(numbers), 1.01 * table.focal_length)
        with pytest.raises(ValueError, match=r"the mask needs \d+ × \d+ samples.*a smaller window"):
            light_at(optical, inputs(numbers), 2.001 * table.focal_length)

    @pytest.mark.parametrize("place", [0.03, 1.03, 2.03, 3.03])
    def test_planes_that_light_at_any_angle_grazes(self, place):
        """Measured there: up to 1e-4 off."""
        numbers = layer("AFDF", 14)
        optical = realise(numbers, compact(14, aperture=APERTURE), model=Wave(Scalar()))
        with pytest.raises(ValueError, match=r"grazes the planes.*a plane farther away.*Paraxial\(\)"):
            light_at(optical, inputs(numbers), place * optical.masks().planes.focal_length)

    def test_masks_that_would_take_forever(self):
        numbers = layer("ACDC", 8)
        optical = realise(numbers, bench(), model=Wave())
        with pytest.raises(ValueError, match=r"so near.*\d values of a phase.*fewer points"):
            light_at(optical, inputs(numbers), (2 + 1e-4) * 0.1)
