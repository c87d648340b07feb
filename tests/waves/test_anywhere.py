"""Light anywhere on the bench: where planes stand it is the trace's, between them it obeys the physics."""

import math
import warnings

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


# Behind the mask, where its pixels are seen at once, and behind a lens, close to both.
@pytest.mark.parametrize("z", [1.15, 2.2, 3.2])
@pytest.mark.parametrize("case", ["1-D, any angle", "2-D"])
@torch.no_grad()
def test_close_behind_mask_and_lens_more_samples_change_nothing(case, z):
    """Nor is anybody warned: their edges send steep waves, and samples hold them."""
    kind, shape, space, lenses = CASES[case]
    shape = (2, 2) if len(shape) == 2 else shape
    optical = realised(kind, shape, space, **lenses)
    finer = realise(optical.layer, optical.bench, model=Wave(space.finer(1.4), density=1.4))
    x, f = inputs(optical.layer, 1), optical.masks().planes.focal_length
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seen = light_at(optical, x, z * f)
    # Gauss nodes are many enough or far too few; free space fades at 1e-10.
    assert relative_error(light_at(finer, x, z * f).data, seen.data) < 1e-9


def test_close_behind_the_modulator_the_window_is_as_wide_as_the_light():
    optical = realised("ACDC", 8, Paraxial())
    x, planes = inputs(optical.layer, 1), optical.masks().planes
    z = 0.01 * planes.focal_length
    window = light_at(optical, x, z).grid
    assert window.extent[0] == pytest.approx(planes.input.extent[0] + 2 * z, rel=1e-12)
    with pytest.raises(ValueError, match="no travelling wave reaches the rim"):
        light_at(optical, x, z, Grid(100, 1.1 * window.extent[0] / 100))


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
