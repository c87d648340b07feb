"""Elements in a row."""

from __future__ import annotations

import math
import warnings

import pytest
import torch

from optics import (
    AngularSpectrum,
    Aperture,
    Circle,
    Field,
    FourierLens,
    FresnelTransfer,
    FresnelTransform,
    Grid,
    IntensityDetector,
    Lens,
    Mask,
    OpticalSystem,
    Rectangle,
    SamplingWarning,
    Source,
    Tilt,
    gauss,
)
from tests.optics.oracles import FOCAL_LENGTH, PITCH, SCALE, WAVELENGTH, bench, random_complex, relative_error

GRID = Grid((6, 7), PITCH)


def light(*batch: int) -> Field:
    return Field(random_complex((*batch, *GRID.shape), 1), GRID, WAVELENGTH)


def test_light_meets_the_elements_in_order():
    system, field = bench(), light(2)
    expected = field
    for element in system.elements:
        expected = element(expected)
    assert torch.equal(system(field).data, expected.data)
    # Mask then lens is not lens then mask.
    mask, lens = system.elements[:2]
    behind = OpticalSystem(FourierLens(FOCAL_LENGTH), FourierLens(FOCAL_LENGTH), mask)(field).data
    before = OpticalSystem(mask, FourierLens(FOCAL_LENGTH), FourierLens(FOCAL_LENGTH))(field).data
    assert relative_error(before, behind) > 0.1
    assert lens.focal_length == FOCAL_LENGTH


def test_trace_shows_every_plane():
    system, field = bench(), light()
    planes = system.trace(field)
    assert [plane.name for plane in planes] == ["input", "Mask", "FourierLens", "Mask", "Aperture", "FourierLens"]
    assert planes[0].field is field
    assert torch.equal(planes[-1].field.data, system(field).data)
    for element, before, after in zip(system.elements, planes, planes[1:], strict=False):
        assert torch.equal(element(before.field).data, after.field.data)


def test_systems_nest_and_may_be_empty():
    inner, field = bench(), light()
    outer = OpticalSystem(inner, FourierLens(FOCAL_LENGTH), names=["relay", "lens"])
    assert [plane.name for plane in outer.trace(field)] == ["input", "relay", "lens"]
    assert torch.equal(outer(field).data, FourierLens(FOCAL_LENGTH)(inner(field)).data)
    assert OpticalSystem()(field) is field


def test_a_uniform_mask_between_two_lenses_images_upside_down():
    lens = FourierLens(FOCAL_LENGTH)
    middle = lens(light()).grid
    system = OpticalSystem(lens, Mask(torch.ones(middle.cells), middle.spacing), lens)
    assert relative_error(system(light()).data, light().data.flip((0, 1))) < 1e-13  # two FFTs of rounding


def test_a_narrow_stop_in_the_fourier_plane_leaves_the_mean():
    grid = Grid((7, 9), PITCH)
    field = Field(random_complex(grid.shape, 2), grid, WAVELENGTH)
    pitches = [SCALE / (n * PITCH) for n in grid.cells]
    lens = FourierLens(FOCAL_LENGTH)
    blurred = OpticalSystem(lens, Aperture(Rectangle(tuple(pitches))), lens)(field).data  # one sample passes
    assert relative_error(blurred, field.data.mean().expand(7, 9)) < 1e-13  # rounding of 63 terms


def test_parameters_of_the_elements_are_the_systems():
    values = torch.nn.Parameter(torch.ones(6, 7))
    system = OpticalSystem(OpticalSystem(Mask(values, PITCH)), FourierLens(FOCAL_LENGTH))
    assert [id(p) for p in system.parameters()] == [id(values)]
    assert list(system.state_dict()) == ["elements.0.elements.0.transmittance"]


def test_gradcheck_of_a_whole_system():
    plane = Grid((3, 2), SCALE / (5.3 * PITCH), gauss(2))
    output, camera = Grid((2, 3), PITCH), IntensityDetector()

    def image(data, first, second):
        system = OpticalSystem(
            Mask(first, PITCH),
            FourierLens(FOCAL_LENGTH, plane),
            Mask(second, plane.spacing),
            FourierLens(FOCAL_LENGTH, output),
        )
        return camera(system(Field(data, Grid((2, 3), PITCH), WAVELENGTH)))

    data, first = random_complex((2, 3), 3), random_complex((2, 3), 4).real.clone()
    second = random_complex((3, 2), 5)
    assert torch.autograd.gradcheck(image, tuple(t.requires_grad_() for t in (data, first, second)))


@pytest.mark.parametrize("names", [[], ["lens"], ["lens", "mask", "screen"]], ids=len)
def test_names_must_match_the_elements(names):
    elements = FourierLens(FOCAL_LENGTH), FourierLens(FOCAL_LENGTH)
    with pytest.raises(ValueError, match=f"expected a name for each of the 2 elements; got {len(names)}"):
        OpticalSystem(*elements, names=names)


class TestCheckedWhenBuilt:
    source = Source(Grid(100, 8e-6), WAVELENGTH)
    camera = Grid(50, 12e-6)

    def test_a_good_system_says_nothing_and_knows_its_last_grid(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            system = OpticalSystem(
                FresnelTransfer(5e-3), FresnelTransform(0.1, self.camera), IntensityDetector(), source=self.source
            )
        assert system.check(self.source.grid, WAVELENGTH) == self.camera

    def test_a_field_is_a_source_too(self):
        with pytest.raises(ValueError, match=r"AngularSpectrum .element 1 of 1, in the input plane.: .* evanescent"):
            OpticalSystem(AngularSpectrum(1e-3), source=Field(torch.ones(8), Grid(8, 3e-7), WAVELENGTH))

    def test_warnings_name_element_and_plane(self):
        steps = FresnelTransfer(5e-3), FresnelTransfer(30e-3)
        words = r"far \(element 2 of 2, behind 'near'\): Fresnel transfer over 30 mm: .* needs a padded window ≥"
        with pytest.warns(SamplingWarning, match=words):
            OpticalSystem(*steps, names=("near", "far"), source=self.source)

    def test_grids_of_different_pitch_fail_where_they_meet(self):
        elements = FresnelTransform(0.1, self.camera), Mask(torch.ones(50), 8e-6)
        with pytest.raises(ValueError, match=r"Mask \(element 2 of 2, behind 'FresnelTransform'\): .*pixels"):
            OpticalSystem(*elements, source=self.source)

    def test_nested_systems_name_the_way_in(self):
        inner = OpticalSystem(FresnelTransfer(1e-3), AngularSpectrum(3.0), names=("a", "b"))
        with pytest.raises(
            ValueError, match=r"^relay \(element 2 of 2, behind 'x'\): b \(element 2 of 2, behind 'a'\): "
        ):
            OpticalSystem(FresnelTransfer(1e-3), inner, names=("x", "relay"), source=self.source)

    def test_without_a_source_nothing_is_asked(self):
        OpticalSystem(AngularSpectrum(3.0), Mask(torch.ones(3), 1.0))

    def test_strangers_are_shown_a_dark_field(self):
        seen = []

        class Coarser(torch.nn.Module):
            def forward(self, field):
                seen.append(field)
                return field.replace(field.data[..., ::2], Grid(50, 16e-6))

        system = OpticalSystem(Coarser(), Mask(torch.ones(50), 16e-6), source=self.source)
        assert len(seen) == 1
        assert not seen[0].data.any()
        assert system.check(self.source.grid, WAVELENGTH) == Grid(50, 16e-6)

    def test_a_detector_stands_at_the_end(self):
        with pytest.raises(ValueError, match=r"IntensityDetector .*: only the last element may turn a field into"):
            OpticalSystem(IntensityDetector(), FresnelTransfer(1e-3), source=self.source)

    @pytest.mark.parametrize("wavelength", [0.0, -WAVELENGTH, math.nan, math.inf])
    def test_a_source_has_a_wavelength(self, wavelength):
        with pytest.raises(ValueError, match=f"wavelength must be a positive length in metres; got {wavelength}"):
            Source(GRID, wavelength)


class TestThinElementsTogether:
    """Each by itself may be resolved where all together are not."""

    grid = Grid((128, 128), 4e-6)
    focal_length = 128 * 4e-6**2 / WAVELENGTH  # of the fastest lens that the grid resolves to its edge

    def check(self, *elements, source=None):
        OpticalSystem(*elements, source=Source(source or self.grid, WAVELENGTH))

    def test_two_lenses_are_one_of_twice_the_power(self):
        lens = Lens(self.focal_length / 1.2)
        with pytest.warns(SamplingWarning, match=r"^Lens \(element 1 of 1.*needs spacing ≤ 3\.333 um"):
            self.check(lens)
        half = Lens(self.focal_length)
        self.check(half)
        with pytest.warns(SamplingWarning, match=r"^Lens \(element 3 of 3.*together .*needs spacing ≤ 2\.667 um"):
            self.check(half, Mask(torch.ones(128, 128), 4e-6), Lens(2 * self.focal_length))
        with pytest.raises(ValueError, match="together"):
            self.check(half, half, Lens(2 * self.focal_length))

    def test_lenses_that_undo_each_other_or_stand_apart_are_none_of_it(self):
        half = Lens(self.focal_length)
        self.check(half, Lens(-self.focal_length), half)
        self.check(half, AngularSpectrum(1e-4, padding=1), half)
        self.check(Lens(self.focal_length / 2, Circle(1.28e-4)), Lens(self.focal_length / 2, Circle(1.28e-4)))

    def test_tilts_add_up_along_each_axis(self):
        angle = math.asin(0.45 * WAVELENGTH / 4e-6)
        self.check(Tilt((angle, 0.0)), Tilt((0.0, angle)))
        with pytest.warns(SamplingWarning, match="together"):
            self.check(Tilt((angle, 0.0)), Tilt((angle, 0.0)))
