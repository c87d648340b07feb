"""Elements in a row."""

from __future__ import annotations

import pytest
import torch

from optics import Aperture, Field, FourierLens, Grid, IntensityDetector, Mask, OpticalSystem, Rectangle, gauss
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
