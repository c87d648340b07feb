"""The wave model of the bench: against diffraction integrals by numpy alone, its own other routes, and its limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from acdc_optical import Continuous, Lenses, Paraxial, Scalar, Wave, realise
from acdc_optical.waves.separable import PixelByPixel
from optics import Field, Mask, SamplingWarning
from tests.realisation.cases import KINDS, bench, inputs, layer, relative_error

PITCH, WAVELENGTH = 8e-6, 633e-9
# The free space by plane waves fades at 1e-10 of a wave; closed forms and oracles are right to rounding.
FADED = 1e-9


def compact(pixels: int, **changes):
    """A bench whose Fourier coefficients are as far apart as the modulator's pixels: f = n·p²/λ."""
    return bench(focal_length=pixels * PITCH**2 / WAVELENGTH, **changes)


def camera_field(optical, x):
    """The decoded field before its imaginary part is left unread."""
    masks = optical.masks()
    shown = Mask(masks.input_mask, masks.planes.input.spacing)(optical.encode(x, masks))
    light = optical.detector(optical.light(shown, masks.fourier_mask))
    return optical.presentation.decode(light, len(optical.shape)) * masks.gain


class TestBruteForce:
    """Fresnel integrals over modulator, lens, mask, lens and camera, by numpy's Gauss nodes in every pixel."""

    @staticmethod
    def nodes(cells, pitch, fill, count):
        t, w = np.polynomial.legendre.leggauss(count)
        centres = (np.arange(cells) - (cells - 1) / 2) * pitch
        return (centres[:, None] + t * fill * pitch / 2).ravel(), np.tile(w * fill * pitch / 2, cells)

    def camera(self, optical, x):
        """What the camera's pixels receive, from edge to edge as it is."""
        masks, table = optical.masks(), optical.bench
        n, scale = masks.planes.input.cells[0], masks.planes.wavelength * masks.planes.focal_length
        front, dx = self.nodes(n, PITCH, table.modulator.fill, 24)
        eye, du = self.nodes(n, PITCH, table.camera.fill, 24)
        back, dv = self.nodes(masks.planes.mask.cells[0], masks.planes.mask.spacing[0], table.mask.fill, 24)
        glass, dl = self.nodes(100, table.lenses.aperture / 100, 1.0, 24)

        def space(a, b):
            return np.exp(1j * np.pi * (a[:, None] - b) ** 2 / scale) / np.sqrt(1j * scale)

        curved = np.exp(-1j * np.pi * glass**2 / scale) * dl
        forth = space(back, glass) * curved @ space(glass, front)
        to_camera = space(eye, glass) * curved @ space(glass, back)
        shown = (optical.encode(x, masks).data * masks.input_mask).detach().numpy()
        at_mask = forth @ (shown.repeat(24) * dx) * masks.fourier_mask.detach().numpy().repeat(24) * dv
        # The reference beam takes away i^(-1/2) of each arm.
        received = 1j * (to_camera @ at_mask) * du
        return received.reshape(n, 24).sum(1) / (table.camera.fill * PITCH)

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("aperture", [0.15e-3, 0.5e-3])
    @pytest.mark.filterwarnings("ignore:the lenses clip")
    def test_one_dimension(self, kind, aperture):
        """AFDF kernels are not symmetric: an image the wrong way up would be wrong by its whole size."""
        numbers = layer(kind, 7, "signed random")
        table = compact(7 * (1 + (kind == "ACDC")), lenses=Lenses(aperture=aperture))
        optical, x = realise(numbers, table, model=Wave()), inputs(numbers)
        masks = optical.masks()
        expected = torch.from_numpy(self.camera(optical, x))
        decoded = optical.presentation.decode(expected, 1) * masks.gain
        assert relative_error(camera_field(optical, x), decoded) < 1e-11
        output = decoded.real if kind == "ACDC" else decoded
        assert relative_error(optical(x), output) < 1e-11
        assert relative_error(optical(x), numbers(x)) > 1e-4  # the lens is not the ideal one


class TestRoutes:
    def relayed(self, optical, x):
        """The same light from plane to plane, element by element."""
        masks, space, model = optical.masks(), optical.model.space, optical.model
        planes = masks.planes
        nodes = model.resolved_mask(planes)
        shown = Mask(masks.input_mask, planes.input.spacing)(optical.encode(x, masks))
        before = space.forth(planes.arm, planes.input, nodes)(shown)
        behind = Mask(masks.fourier_mask, nodes.spacing)(before)
        return space.back(planes.arm, nodes, planes.camera)(behind).data

    @pytest.mark.parametrize("kind", KINDS)
    def test_pixel_by_pixel_is_plane_by_plane(self, kind):
        numbers = layer(kind, (2, 3), "signed random")
        table = bench(focal_length=6 * PITCH**2 / WAVELENGTH, lenses=Lenses(aperture="0.2 mm"))
        optical, x = realise(numbers, table, model=Wave()), inputs(numbers)
        assert isinstance(optical.light, PixelByPixel)
        expected = optical.presentation.decode(self.relayed(optical, x), 2) * optical.masks().gain
        assert relative_error(camera_field(optical, x), expected) < FADED

    @pytest.mark.parametrize(
        "model_and_design",
        [(Paraxial(), "thin"), (Scalar(), "thin"), (Scalar(), "sine-corrected")],
        ids=["paraxial", "thin", "sine"],
    )
    def test_matrices_are_plane_by_plane(self, model_and_design):
        """In one dimension, with the way back by reciprocity; an AFDF layer, whose kernel has no symmetry."""
        space, design = model_and_design
        numbers = layer("AFDF", 8, "signed random")
        optical = realise(numbers, compact(8, lenses=Lenses(design=design)), model=Wave(space))
        x = inputs(numbers)
        expected = optical.presentation.decode(self.relayed(optical, x), 1) * optical.masks().gain
        assert relative_error(camera_field(optical, x), expected) < FADED

    @pytest.mark.parametrize(("shape", "space"), [((8,), Paraxial()), ((2, 3), Paraxial()), ((8,), Scalar())], ids=str)
    def test_more_samples_change_nothing(self, shape, space):
        numbers = layer("ACDC", shape)
        table, model = compact(16), Wave(space)
        x = inputs(numbers, 2)
        once, finer = (realise(numbers, table, model=m) for m in (model, model.refined()))
        # Both are as exact as free space's fading.
        assert relative_error(camera_field(once, x), camera_field(finer, x)) < 1e-10

    def test_trace_ends_at_the_camera(self):
        for shape in ((6,), (2, 3)):
            numbers = layer("ACDC", shape)
            optical, x = realise(numbers, compact(12), model=Wave()), inputs(numbers)
            planes = optical.trace(x)
            assert [plane.name for plane in planes][-1] == "at the camera"
            assert relative_error(optical.decode(planes[-1].field.data, optical.masks()), optical(x)) < 1e-13


class TestLimits:
    @pytest.mark.parametrize(
        ("shape", "stop", "apertures", "kind"),
        [
            ((8,), "square", (0.6e-3, 1.2e-3, 4.8e-3), "ACDC"),
            ((8,), "square", (0.6e-3, 1.2e-3, 4.8e-3), "AFDF"),
            ((2, 3), "square", (1e-3, 2e-3, 8e-3), "AFDF"),
            ((2, 2), "round", (45e-6, 90e-6, 180e-6), "AFDF"),
        ],
        ids=str,
    )
    def test_wide_lenses_are_the_ideal_ones(self, shape, stop, apertures, kind):
        """The ripples of an edge fall as its distance, the light they carry to a pixel no slower."""
        numbers = layer(kind, shape)
        x, f = inputs(numbers, 2), (2 if stop == "round" else 16) * PITCH**2 / WAVELENGTH
        ideal = camera_field(realise(numbers, bench(focal_length=f), model=Continuous()), x)
        errors = []
        for aperture in apertures:
            table = bench(focal_length=f, lenses=Lenses(aperture=aperture, stop=stop))
            errors.append(relative_error(camera_field(realise(numbers, table, model=Wave()), x), ideal))
        assert errors[0] < 0.1
        assert errors[-1] < errors[0] * apertures[0] / apertures[-1]

    def test_an_aperture_not_given_is_twice_what_light_fills(self):
        numbers = layer("ACDC", 6)
        x = inputs(numbers)
        open_lens = realise(numbers, compact(12), model=Wave())
        planes = open_lens.masks().planes
        width = 2 * (planes.input.extent[0] + planes.mask.extent[0])
        given = realise(numbers, compact(12, lenses=Lenses(aperture=width)), model=Wave())
        assert relative_error(given(x), open_lens(x)) < 1e-14  # the very same opening
        other = realise(numbers, compact(12, lenses=Lenses(aperture=1.3 * width)), model=Wave())
        assert relative_error(other(x), open_lens(x)) > 1e-6


class TestAberration:
    @pytest.mark.parametrize("n", [16, 32, pytest.param(64, marks=pytest.mark.slow)])
    def test_a_thin_lens_is_wrong_by_its_phase(self, n):
        """About (π/64)·M·(λ/p)² for M = 2N pixels at f = M·p²/λ (physics.md §4): a size, not a bound."""
        numbers = layer("ACDC", n)
        x = inputs(numbers, 4)
        predicted = math.pi / 64 * 2 * n * (WAVELENGTH / PITCH) ** 2
        light = camera_field(realise(numbers, compact(2 * n), model=Wave(Scalar())), x)
        # Measured: 1.05, 1.01 and 0.98 of it.
        assert 0.8 < relative_error(light, numbers(x)) / predicted < 1.25

    def test_a_sine_corrected_lens_is_not(self):
        numbers = layer("ACDC", 32)
        x, table = inputs(numbers, 4), compact(64, lenses=Lenses(design="sine-corrected"))
        # The issue wants 1e-3; an edge at twice the light is all that is left: measured 2.2e-4.
        assert relative_error(camera_field(realise(numbers, table, model=Wave(Scalar())), x), numbers(x)) < 5e-4

    def test_near_the_axis_the_designs_are_one(self):
        numbers = layer("ACDC", 6)
        x, light = inputs(numbers), {}
        for design in ("thin", "sine-corrected"):
            table = compact(12, lenses=Lenses(design=design))
            light[design] = camera_field(realise(numbers, table, model=Wave()), x)
        assert torch.equal(light["thin"], light["sine-corrected"])


@pytest.mark.parametrize("shape", [(6,), (2, 3)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
class TestTraining:
    def test_gradients(self, kind, shape):
        """The output is linear in x, in a and in d: slopes along any direction are plain differences."""
        numbers = layer(kind, shape, "signed random")
        optical = realise(numbers, compact(12), model=Wave())
        x = inputs(numbers).requires_grad_()
        weight = inputs(numbers, seed=5)
        (optical(x) * weight.conj()).sum().real.backward()
        for values in (x, numbers.a, numbers.d):
            direction, start = inputs(numbers, seed=7), values.detach().clone()
            slope = (values.grad.conj() * direction).sum().real

            def moved(by, values=values, start=start, direction=direction):
                with torch.no_grad():
                    values.copy_(start + by * direction)
                    result = (optical(x) * weight.conj()).sum().real
                    values.copy_(start)
                return result

            # No truncation, and 1e-16 of rounding over a step of one.
            assert float(slope) == pytest.approx(float(moved(0.5) - moved(-0.5)), rel=1e-10)

    def test_single_precision(self, kind, shape):
        single = torch.float32 if kind == "ACDC" else torch.complex64
        numbers = layer(kind, shape)
        optical, x = realise(numbers, compact(12), model=Wave()), inputs(numbers, 2)
        rounded = realise(layer(kind, shape, dtype=single), compact(12), model=Wave())
        got = rounded(x.to(single))
        assert got.dtype == single
        assert relative_error(got, optical(x)) < 1e-5  # the limit for float32; the start is rounded, too


class TestClipping:
    def test_names_the_number_and_the_fix(self):
        numbers = layer("ACDC", 6)
        with pytest.warns(
            SamplingWarning, match=r"opening of 150 um for a modulator of 96 um.*lenses\.aperture ≥"
        ) as w:
            realise(numbers, compact(12, lenses=Lenses(aperture="150 um")), model=Wave())
        needed = str(w[0].message).split("≥ ")[1]
        assert realise(
            numbers, compact(12, lenses=Lenses(aperture=needed)), model=Wave()
        )  # silent: warnings are errors

    def test_light_is_lost(self):
        numbers = layer("ACDC", 6)
        x, table = inputs(numbers), compact(12, lenses=Lenses(aperture="100 um"))
        with pytest.warns(SamplingWarning, match="the lenses clip"):
            clipped = realise(numbers, table, model=Wave())
        field = dict(clipped.trace(x))["in front of mask D"]
        whole = dict(realise(numbers, compact(12), model=Wave()).trace(x))
        assert field.power < 0.97 * whole["in front of mask D"].power


def test_fields_of_the_arm_are_reciprocal():
    """By elements, there and back: what a place sends, it receives; behind a round stop, in the plane."""
    numbers = layer("AFDF", (2, 2))
    table = bench(focal_length=4 * PITCH**2 / WAVELENGTH, lenses=Lenses(stop="round"))
    masks = realise(numbers, table, model=Wave()).masks()
    planes, space = masks.planes, Paraxial()
    nodes = Wave().resolved_mask(planes)
    forth, back = space.forth(planes.arm, planes.input, nodes), space.back(planes.arm, nodes, planes.input)
    e, u = (
        torch.randn(g.shape, dtype=torch.complex128, generator=torch.Generator().manual_seed(i))
        for i, g in enumerate((planes.input, nodes))
    )
    one = (u * forth(Field(e, planes.input, WAVELENGTH)).data * nodes.weights).sum()
    other = (e * back(Field(u, nodes, WAVELENGTH)).data * planes.input.weights).sum()
    assert abs(one - other) < 1e-9 * abs(one)
