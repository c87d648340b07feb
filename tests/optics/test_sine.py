"""The sine-corrected lens: an ideal Fourier lens at any angle but for its opening, and what a thin lens is instead."""

from __future__ import annotations

import math
import warnings
from itertools import pairwise

import pytest
import torch

from optics import (
    AngularSpectrumTransform,
    Circle,
    Field,
    FourierLens,
    Grid,
    Lens,
    OpticalSystem,
    Rectangle,
    ReversedSineLens,
    SamplingWarning,
    SineLens,
    flat,
    gauss,
)
from optics.vignetting import glass, vignetted_integral
from tests.optics.oracles import WAVELENGTH, random_complex, relative_error

# A small lens of numerical aperture 0.31: 16 pixels of 2 µm, their spectrum to the second zero of a pixel's envelope.
FOCAL_LENGTH = 0.2e-3
FRONT = Grid(16, 2e-6, flat(0.9))
BACK = Grid(32, 0.62 * FOCAL_LENGTH / 32, gauss(3))
APERTURE = 1.2 * (FRONT.extent[0] + BACK.extent[0])


def lens(
    width: float = APERTURE, focal_length: float = FOCAL_LENGTH, back: Grid = BACK, density: float = 1
) -> SineLens:
    lit = glass((width,), FRONT, back, WAVELENGTH * focal_length, density=density)
    return SineLens(focal_length, Rectangle((width,)), lit, back)


def thin(width: float, focal_length: float, back: Grid) -> OpticalSystem:
    lit = glass((width,), FRONT, back, WAVELENGTH * focal_length)
    space = AngularSpectrumTransform
    return OpticalSystem(space(focal_length, lit), Lens(focal_length), space(focal_length, back))


def matrix(element, source: Grid = FRONT) -> torch.Tensor:
    """Of all unit inputs, shape (source, output)."""
    count = source.shape[0]
    return element(Field(torch.eye(count, dtype=torch.complex128), source, WAVELENGTH)).data


class TestWideLens:
    widths = (APERTURE, 3 * APERTURE, 8 * APERTURE)

    def test_is_the_ideal_lens_at_large_angles(self):
        """What is left are the ripples of the opening, that fall as its width or faster; a thin lens stays as wrong."""
        ideal = matrix(FourierLens(FOCAL_LENGTH, BACK))
        errors = [relative_error(matrix(lens(width)), ideal) for width in self.widths]
        assert errors[0] < 1e-2
        assert errors[1] < errors[0] / 3
        assert errors[2] < errors[0] / 8
        thin_errors = [relative_error(matrix(thin(w, FOCAL_LENGTH, BACK)) * 1j**0.5, ideal) for w in self.widths[:2]]
        assert min(thin_errors) > 0.1

    def test_in_the_plane(self):
        source, back = Grid((3, 4), 2e-6, flat()), Grid((6, 5), 0.5 * FOCAL_LENGTH / 6, gauss(2))
        widths = (1.5e-4, 1.6e-4)
        lit = glass(widths, source, back, WAVELENGTH * FOCAL_LENGTH)
        light = Field(random_complex(source.shape), source, WAVELENGTH)
        ideal = FourierLens(FOCAL_LENGTH, back)(light).data
        # The opening is little wider than the light.
        assert relative_error(SineLens(FOCAL_LENGTH, Rectangle(widths), lit, back)(light).data, ideal) < 0.1


@pytest.mark.parametrize("width", [0.5 * APERTURE, APERTURE])
def test_more_samples_on_the_glass_change_nothing(width):
    # Gauss nodes are many enough or far too few; free space fades at 1e-10.
    assert relative_error(matrix(lens(width)), matrix(lens(width, density=2))) < 1e-10


def test_the_opening_matters():
    assert relative_error(matrix(lens(0.3 * APERTURE)), matrix(lens())) > 0.1


@pytest.mark.parametrize("width", [0.5 * APERTURE, APERTURE])
def test_the_other_way_round_is_the_transpose(width):
    """Reciprocity: what x sends to u, u sends to x. The free space is the same; all else is rounding."""
    behind = BACK.resolved(gauss(6))  # so that the glass is not lit by copies
    lit = glass((width,), FRONT, behind, WAVELENGTH * FOCAL_LENGTH)
    opening = Rectangle((width,))
    forth = matrix(SineLens(FOCAL_LENGTH, opening, lit, behind)) / FRONT.weights[:, None]
    back = matrix(ReversedSineLens(FOCAL_LENGTH, opening, lit, FRONT), behind) / behind.weights[:, None]
    assert relative_error(back, forth.mT) < 1e-11


def test_the_other_way_round_in_the_plane_behind_a_round_stop():
    source, back, opening = Grid((3, 2), 2e-6, flat(0.8)), Grid((4, 5), 2e-5, gauss(20)), Circle(1.2e-4)
    lit = glass((1.2e-4, 1.2e-4), source, back, WAVELENGTH * FOCAL_LENGTH)
    e, u = random_complex(source.shape, 1), random_complex(back.shape, 2)
    forth = SineLens(FOCAL_LENGTH, opening, lit, back)(Field(e, source, WAVELENGTH)).data
    returned = ReversedSineLens(FOCAL_LENGTH, opening, lit, source)(Field(u, back, WAVELENGTH)).data
    # ⟨u, S e⟩ = ⟨Sᵀ u, e⟩ without conjugates, as integrals over both planes.
    one, other = (u * forth * back.weights).sum(), (returned * e * source.weights).sum()
    assert abs(one - other) < 1e-11 * abs(one)


def test_the_paraxial_limit_is_the_closed_form():
    """Eight times the focal length with the same spectrum: angles fall as 1/f, and the difference with their square.

    Aperture over √λf stays, and with it the Fresnel number: only the angles change. The leading difference is
    that of a thin lens's phase, of which sine-correction leaves what the edges diffract.
    """
    errors = []
    for scale in (16, 64, 256):
        focal_length, root = scale * FOCAL_LENGTH, math.sqrt(scale)
        front = Grid(16, root * 2e-6, flat(0.9))
        back = Grid(32, root * BACK.spacing[0], gauss(3))
        width = root * APERTURE
        lit = glass((width,), front, back, WAVELENGTH * focal_length)
        got = matrix(SineLens(focal_length, Rectangle((width,)), lit, back), front)
        errors.append(
            relative_error(got, vignetted_integral(front.axes[0], back.axes[0], WAVELENGTH * focal_length, width))
        )
    assert errors[-1] < 1e-3
    for steeper, flatter in pairwise(errors):
        assert steeper / flatter == pytest.approx(4, rel=0.15)


def test_the_wavelength_is_followed():
    element = lens()
    for wavelength in (WAVELENGTH, 1.2 * WAVELENGTH):
        light = Field(random_complex(16), FRONT, wavelength)
        assert torch.equal(element(light).data, lens()(light).data)


BOTH_WAYS = pytest.mark.parametrize("back_to_front", [False, True], ids=["forth", "back"])


@BOTH_WAYS
class TestTensors:
    source, back = Grid(3, 2e-6, flat()), Grid(4, 1.5e-6)

    def light(self, back_to_front, focal_length, width, wavelength) -> torch.Tensor:
        lit = glass((8e-5,), self.source, self.back, WAVELENGTH * FOCAL_LENGTH)
        opening = Rectangle((width,))
        if back_to_front:
            element, start = ReversedSineLens(focal_length, opening, lit, self.source), self.back
        else:
            element, start = SineLens(focal_length, opening, lit, self.back), self.source
        light = element(Field(random_complex(start.shape) * 1e3, start, wavelength))
        return torch.view_as_real(light.data.resolve_conj())

    def test_wavelength_focal_length_and_opening_are_differentiated_through(self, back_to_front):
        """Through the free space, the integral, the correction and the pupil alike."""
        numbers = [torch.tensor(n, dtype=torch.float64, requires_grad=True) for n in (0.633, 0.2, 75.3)]
        # 1e-6 of the finite steps, and the band of free space, which follows lengths without a gradient, to its 1e-10.
        assert torch.autograd.gradcheck(
            lambda w, f, d: self.light(back_to_front, f * 1e-3, d * 1e-6, w * 1e-6), numbers, atol=1e-3, rtol=1e-4
        )

    def test_a_trained_lens_is_what_it_is_now(self, back_to_front):
        focal_length = torch.nn.Parameter(torch.tensor(FOCAL_LENGTH, dtype=torch.float64))
        width = torch.tensor(75.3e-6, dtype=torch.float64, requires_grad=True)
        lit, opening = glass((8e-5,), self.source, self.back, WAVELENGTH * FOCAL_LENGTH), Rectangle((width,))
        kind, output = (ReversedSineLens, self.source) if back_to_front else (SineLens, self.back)
        start = self.back if back_to_front else self.source
        element, field = kind(focal_length, opening, lit, output), Field(random_complex(start.shape), start, WAVELENGTH)
        for _ in range(2):
            element(field).power.backward()
            with torch.no_grad():
                focal_length *= 1.1
                width *= 0.9
            now = kind(float(focal_length.detach()), Rectangle((float(width.detach()),)), lit, output)(field)
            # The transform of a tensor's scale takes another route: rounding is left.
            assert relative_error(element(field).data.detach(), now.data) < 1e-11
        assert focal_length.grad is not None
        with torch.no_grad():
            focal_length.fill_(math.nan)
        with pytest.raises(ValueError, match="focal length must be a positive length in metres; got nan"):
            element(field)

    def test_a_field_of_another_grid_has_a_plan_of_its_own(self, back_to_front):
        lit, opening = glass((8e-5,), self.source, self.back, WAVELENGTH * FOCAL_LENGTH), Rectangle((8e-5,))
        kind, output = (ReversedSineLens, self.source) if back_to_front else (SineLens, self.back)
        start = self.back if back_to_front else self.source
        other = Grid(start.cells[0] + 1, 0.9 * start.spacing[0], start.axes[0].cell)
        element = kind(FOCAL_LENGTH, opening, lit, output)
        for grid in (start, other):
            field = Field(random_complex(grid.shape), grid, WAVELENGTH)
            assert torch.equal(element(field).data, kind(FOCAL_LENGTH, opening, lit, output)(field).data)


class TestGates:
    """What the grid on the lens is asked, when a bench is built and by the first light."""

    def ask(self, opening, lit, front=FRONT, back=BACK):
        """Both ways round, by asking and by light."""
        forth, reverse = SineLens(FOCAL_LENGTH, opening, lit, back), ReversedSineLens(FOCAL_LENGTH, opening, lit, front)
        return [
            lambda: forth.check(front, WAVELENGTH),
            lambda: matrix(forth, front),
            lambda: reverse.check(back, WAVELENGTH),
            lambda: matrix(reverse, back),
        ]

    def glass(self, share: float = 1.0, cells: int = 40, nodes: int = 12) -> Grid:
        return Grid(cells, share * APERTURE / cells, gauss(nodes))

    def test_a_fine_glass_that_covers_the_opening_is_silent(self):
        back = BACK.resolved(gauss(8))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for asked in self.ask(Rectangle((APERTURE,)), self.glass(), back=back):
                asked()

    def test_an_opening_beyond_the_glass_is_refused(self):
        for asked in self.ask(Rectangle((APERTURE,)), self.glass(share=0.9)):
            with pytest.raises(ValueError, match=r"an opening of 187\.2 um on a window of 168\.5 um"):
                asked()

    def test_a_coarse_glass_is_named_and_refused(self):
        """The steepest waves rise by 0.48: they need samples every 659 nm, those to the back ones every micrometre."""
        opening, back = Rectangle((APERTURE,)), BACK.resolved(gauss(8))
        with pytest.warns(SamplingWarning, match=r"samples every 780 nm alias the .*; needs spacing ≤ 658\.6 nm"):
            SineLens(FOCAL_LENGTH, opening, self.glass(nodes=6), back).check(FRONT, WAVELENGTH)
        for asked in self.ask(opening, self.glass(nodes=2), back=back):
            with pytest.raises(ValueError, match=r"glass of the sine-corrected lens of f = 200 um: .* every 2\.34 um"):
                asked()

    def test_points_behind_that_light_the_glass_by_copies(self):
        for asked in self.ask(Rectangle((APERTURE,)), self.glass(), back=Grid(20, 4e-6))[2:]:
            with pytest.raises(ValueError, match="repeat in an output of 187"):
                asked()

    def test_points_in_front_whose_waves_do_not_fill_the_lens(self):
        for asked in self.ask(Rectangle((APERTURE,)), self.glass(), front=Grid(16, 2e-6))[:2]:
            with pytest.warns(SamplingWarning, match="samples every 2 um lack"):
                asked()


class TestBadInput:
    opening, lit = Rectangle((1e-4,)), Grid(10, 1e-5, gauss(4))

    @pytest.mark.parametrize("focal_length", [0.0, -0.1, math.nan, math.inf])
    @pytest.mark.parametrize("kind", [SineLens, ReversedSineLens])
    def test_focal_lengths(self, kind, focal_length):
        with pytest.raises(ValueError, match="must be a positive length in metres; got"):
            kind(focal_length, self.opening, self.lit, Grid(4, 1e-6))

    def test_flat_pixels_behind(self):
        with pytest.raises(ValueError, match="the light in the back focal plane varies within a flat pixel"):
            SineLens(FOCAL_LENGTH, self.opening, self.lit, Grid(4, 1e-6, flat()))
        reversed_lens = ReversedSineLens(FOCAL_LENGTH, self.opening, self.lit, FRONT)
        with pytest.raises(ValueError, match="varies within a flat pixel"):
            reversed_lens(Field(random_complex(4), Grid(4, 1e-6, flat()), WAVELENGTH))

    def test_places_that_no_light_reaches(self):
        wide = Grid(5, FOCAL_LENGTH / 2)
        with pytest.raises(ValueError, match="wider than 2f"):
            SineLens(FOCAL_LENGTH, self.opening, self.lit, wide)
        with pytest.raises(ValueError, match="wider than 2f"):
            ReversedSineLens(FOCAL_LENGTH, self.opening, self.lit, FRONT).check(wide, WAVELENGTH)
