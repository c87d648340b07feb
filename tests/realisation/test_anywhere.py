"""Light anywhere on the bench: where planes stand it is the trace's, between them it obeys the physics."""

import math

import pytest
import torch

from acdc_optical import Bench, Lenses, Paraxial, Scalar, Wave, light_at, realise
from optics import FieldDetector, Grid, point
from tests.realisation.cases import bench, inputs, layer, relative_error

WAVELENGTH, PITCH = 633e-9, 8e-6


def realised(kind, shape, space, **lenses):
    table = bench(fill=1.0, camera_fill=0.0, focal_length=2 * 8 * PITCH**2 / WAVELENGTH, lenses=Lenses(**lenses))
    return realise(layer(kind, shape), table, model=Wave(space))


# A millionth of f from a plane the steepest waves that count have turned by some 1e-5.
NEAR = 1e-6
CASES = {
    "1-D": ("ACDC", (8,), Paraxial(), {}),
    "1-D, any angle": ("AFDF", (9,), Scalar(), {}),
    "2-D": ("AFDF", (6, 5), Paraxial(), {}),
    "round": ("ACDC", (2, 2), Paraxial(), {"stop": "round", "aperture": 200e-6}),
}


@pytest.mark.filterwarnings("ignore:the lenses clip")
@pytest.mark.parametrize("case", CASES)
def test_at_the_planes_it_is_the_trace(case):
    kind, shape, space, lenses = CASES[case]
    optical = realised(kind, shape, space, **lenses)
    x, f = inputs(optical.layer, 2), optical.masks().planes.focal_length
    trace = {plane.name: plane.field for plane in optical.trace(x)}
    with torch.no_grad():
        for name, z in (("in front of mask D", 2 * f), ("at the camera", 4 * f)):
            wanted = trace[name]
            place = wanted.grid if name != "at the camera" else wanted.grid.resolved(point())
            assert relative_error(light_at(optical, x, z, place).data, wanted.data) < 1e-9, name
            assert relative_error(light_at(optical, x, z - NEAR * f, place).data, wanted.data) < 3e-5, name


@torch.no_grad()
def test_power_is_kept_in_free_space_and_lost_at_the_mask():
    """On windows that hold nearly all of the light, it is the same before and behind a lens wide enough."""
    optical = realised("ACDC", 8, Paraxial(), aperture=1e-3)
    x, f = inputs(optical.layer, 1), optical.masks().planes.focal_length
    window = Grid(250, 1e-3 / 250)
    before = [float(light_at(optical, x, z * f, window).power) for z in (0.5, 0.9, 1.1, 1.5)]
    # Pixel edges send some per cent of the light aside, past half a millimetre at a distance of f = 1.6 mm.
    assert before == pytest.approx([before[0]] * len(before), rel=0.05)
    behind = [float(light_at(optical, x, z * f, window).power) for z in (2.5, 2.9, 3.1)]
    assert max(behind) < 0.9 * before[-1]
    assert behind == pytest.approx([behind[0]] * len(behind), rel=0.05)


@pytest.mark.parametrize("shape", [8, (3, 2)], ids=str)
def test_a_camera_reads_what_is_seen_there(shape):
    """Its pixels get the mean of the light on them, here on 0.9 of their width."""
    table = bench(camera_fill=0.9, focal_length=2 * 8 * PITCH**2 / WAVELENGTH)
    optical = realise(layer("ACDC", shape), table, model=Wave())
    x, planes = inputs(optical.layer, 3), optical.masks().planes
    seen = light_at(optical, x, 4 * planes.focal_length, planes.camera)
    assert relative_error(optical.decode(FieldDetector()(seen), optical.masks()), optical(x)) < 1e-9


class TestRefusals:
    def test_other_models_know_no_light_between(self):
        optical = realise(layer("ACDC", 4), Bench.preset())
        with pytest.raises(TypeError, match="only the Wave model"):
            light_at(optical, inputs(optical.layer, 1), 0.05)

    @pytest.mark.parametrize("z", [0.0, -1e-3, 0.1, math.nan])
    def test_places_off_the_bench(self, z):
        optical = realised("ACDC", 8, Paraxial())
        with pytest.raises(ValueError, match="above 0 and up to 4f"):
            light_at(optical, inputs(optical.layer, 1), z)

    def test_inside_a_corrected_lens(self):
        optical = realised("ACDC", 8, Scalar(), design="sine-corrected")
        f = optical.masks().planes.focal_length
        x = inputs(optical.layer, 1)
        with pytest.raises(ValueError, match="focal planes only"):
            light_at(optical, x, 1.5 * f)
        assert light_at(optical, x, 0.5 * f).power > 0
        assert light_at(optical, x, 2.5 * f).power > 0
