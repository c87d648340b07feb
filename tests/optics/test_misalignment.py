"""Misaligned elements: where the light goes, exactness at zero, gradients, and what cannot be moved."""

from __future__ import annotations

import copy
import math
import warnings

import pytest
import torch

from optics import (
    AngularSpectrum,
    Aperture,
    Circle,
    Decentred,
    Field,
    FourierLens,
    FresnelTransfer,
    FresnelTransform,
    Grid,
    Lens,
    Mask,
    Misaligned,
    OpticalSystem,
    Pixelated,
    Rectangle,
    SamplingWarning,
    Tilt,
    ZernikeAberration,
    flat,
    gauss,
)
from tests.optics.oracles import PITCH, WAVELENGTH, detuned, random_complex, relative_error, surface_error

pytestmark = pytest.mark.filterwarnings("ignore::optics.SamplingWarning")

GRID = Grid((24, 32), PITCH)
SMALL = Grid((6, 7), PITCH)


class Plain(torch.nn.Module):
    """An element that knows nothing of its axis: a lens behind a stop, as a black box."""

    def __init__(self, element: torch.nn.Module):
        super().__init__()
        self.element = element

    def forward(self, field: Field) -> Field:
        return self.element(field)


def tensor(*values: float) -> torch.Tensor:
    return torch.tensor(values if len(values) > 1 else values[0], dtype=torch.float64, requires_grad=True)


def light(grid: Grid, seed: int = 0, dtype: torch.dtype = torch.complex128) -> Field:
    return Field(random_complex(grid.shape, seed, dtype), grid, WAVELENGTH)


def beam(grid: Grid, waist: float, centre: tuple[float, ...] = (0.0, 0.0)) -> Field:
    squares = sum(((x - c) / waist) ** 2 for x, c in zip(grid.coordinates, centre, strict=True))
    return Field(torch.exp(-squares), grid, WAVELENGTH)


def centroid(field: Field) -> list[float]:
    power = field.intensity * field.grid.weights
    return [float((power * x).sum() / power.sum()) for x in field.grid.coordinates]


ELEMENTS = {
    "lens": lambda: Lens(0.02, Circle(11.7 * PITCH)),
    "aperture": lambda: Aperture(Rectangle((9.7 * PITCH, 7.3 * PITCH))),
    "tilt": lambda: Tilt((0.01, -0.02)),
    "zernike": lambda: ZernikeAberration({4: 50e-9, 7: 30e-9}, 20 * PITCH),
    "surface": surface_error,
    "pixelated": lambda: Pixelated(random_complex((11, 15), 3), 1.9 * PITCH),
    "mask": lambda: Mask(random_complex((24, 32), 3), PITCH),
    "fourier-lens": lambda: FourierLens(0.1, Grid((24, 32), 9e-6)),
    "space": lambda: AngularSpectrum(1e-3),
    "transform": lambda: FresnelTransform(0.05, Grid((24, 32), 9e-6)),
    "system": lambda: OpticalSystem(Lens(0.02), FresnelTransfer(2e-3), Aperture(Circle(15 * PITCH))),
    "misaligned": lambda: Misaligned(Lens(0.02), shift=(1e-6, 2e-6)),
    "plain": lambda: Plain(Lens(0.02)),
}
elements = pytest.mark.parametrize("name", ELEMENTS)


@elements
@pytest.mark.parametrize("dtype", [torch.complex128, torch.complex64], ids=["float64", "float32"])
def test_nothing_out_of_place_is_exactly_the_element(name, dtype):
    element, field = ELEMENTS[name](), light(GRID, dtype=dtype)
    expected = element(field)
    for numbers in ({}, {"shift": (0.0, 0.0), "tilt": (0.0, -0.0), "defocus": 0.0}):
        got = Misaligned(element, **numbers)(field)
        assert got.grid == expected.grid
        assert torch.equal(got.data, expected.data)


@pytest.mark.parametrize("name", sorted(set(ELEMENTS) - {"mask"}))
def test_zero_to_be_trained_is_exactly_the_element_too(name):
    """And it has the gradients of a motion that is all but nothing."""
    element, field, probe = ELEMENTS[name](), light(GRID), random_complex(GRID.shape, 5)

    def gradients(shift: float, tilt: float, defocus: float) -> tuple[torch.Tensor, list[torch.Tensor]]:
        numbers = {"shift": tensor(shift, shift), "tilt": tensor(tilt, tilt), "defocus": tensor(defocus)}
        behind = Misaligned(element, **numbers)(field).data
        value = (behind * probe).real.sum()
        return behind, torch.autograd.grad(value, list(numbers.values()), allow_unused=True, materialize_grads=True)

    behind, slopes = gradients(0.0, 0.0, 0.0)
    assert torch.equal(behind, element(field).data)
    if name == "surface":
        return  # interpolated linearly: the slope jumps from sample to sample, and zero lies on one
    for slope, nearby in zip(slopes, gradients(1e-15, 1e-12, 1e-13)[1], strict=True):
        # 1e-15 m is 1e-9 of the smallest sample and 1e-8 of a wavelength.
        # Where nothing is felt there is rounding: slopes that are felt are some 1e4 of these norms.
        rounding = 1e-8 * float(behind.norm().detach() * probe.norm())
        assert torch.allclose(slope, nearby, rtol=1e-6, atol=1e-6 * float(slope.abs().max()) + rounding)


THIN = ("lens", "aperture", "zernike", "surface", "pixelated", "plain")
FELT = [(name, motion) for name in (*THIN, "fourier-lens", "system") for motion in ("shift", "defocus")]


@pytest.mark.parametrize(("name", "motion"), [*FELT, ("fourier-lens", "tilt"), ("system", "tilt")])
def test_the_error_grows_with_the_motion(name, motion):
    element, field = ELEMENTS[name](), beam(GRID, 60e-6)
    steps = {"shift": 1e-6, "tilt": 1e-4, "defocus": 5e-5}
    ideal = element(field).data

    def error(k: int) -> float:
        size = k * steps[motion]
        numbers = size if motion == "defocus" else (size, -size / 2)
        return relative_error(Misaligned(element, **{motion: numbers})(field).data, ideal)

    errors = [error(k) for k in (1, 2, 4)]
    assert 0 < errors[0] < errors[1] < errors[2]


@pytest.mark.parametrize("name", [*THIN, "tilt"])
def test_a_thin_element_does_not_feel_a_tilt(name):
    element, field = ELEMENTS[name](), light(GRID)
    got = Misaligned(element, tilt=(0.003, -0.01))(field)
    assert relative_error(got.data, element(field).data) < 1e-14  # a phase and its conjugate


@pytest.mark.parametrize("build", [lambda f: Lens(f), lambda f: Lens(f, Circle(1e-3))], ids=["open", "pupil"])
def test_a_lens_that_stands_off_moves_the_focus_with_it(build):
    grid, focal_length, focus = Grid((200, 200), 8e-6), 50e-3, Grid((128, 128), 8e-6)
    shift = (40e-6, -70e-6)
    for field in (beam(grid, 150e-6), beam(grid, 150e-6, (50e-6, 20e-6))):
        behind = Misaligned(build(focal_length), shift=shift)(field)
        spot = FresnelTransform(focal_length, focus)(behind)
        # The Gaussian's tail at the rim of window and pupil.
        assert centroid(spot) == pytest.approx(shift, abs=1e-8)


def test_an_ideal_lens_that_stands_off_moves_the_focus_with_it():
    grid, shift = Grid((100, 100), 8e-6), (40e-6, -70e-6)
    for cell in (None, gauss(2)):
        lens = FourierLens(50e-3, Grid((120, 120), 8e-6, cell))
        spot = Misaligned(lens, shift=shift)(beam(grid, 100e-6))
        assert centroid(spot) == pytest.approx(shift, abs=1e-9)


@pytest.mark.parametrize(("name", "build"), [("lens", lambda: Lens(0.01)), ("fourier", lambda: FourierLens(0.01))])
def test_what_an_element_knows_of_its_axis_agrees_with_the_shift_theorem(name, build):
    """Smooth light well inside the window, for which both are exact; a shift by a part of a sample."""
    n = 128
    pitch = math.sqrt(WAVELENGTH * 0.01 / n)  # as fine in the back focal plane as in front
    grid, shift = Grid((n, n), pitch), (1.37 * pitch, -0.61 * pitch)
    field = beam(grid, 12 * pitch, (3 * pitch, -2 * pitch))
    known = Misaligned(build(), shift=shift)(field)
    unknown = Misaligned(Plain(build()), shift=shift)(field)
    assert known.grid == unknown.grid
    assert relative_error(unknown.data, known.data) < 1e-9  # the lens's aliased rim, and the beam's tail there


def test_a_moved_system_is_its_moved_elements():
    parts = [Lens(0.02, Circle(15 * PITCH)), FresnelTransfer(2e-3), Aperture(Circle(12 * PITCH))]
    shift, field = (5e-6, -3e-6), light(GRID)
    got = Misaligned(OpticalSystem(*parts), shift=shift)(field)
    alone = OpticalSystem(*(Misaligned(part, shift=shift) for part in parts))(field)
    assert torch.equal(got.data, alone.data)


def test_motions_add_up():
    field, lens = light(GRID), Lens(0.02)
    twice = Misaligned(Misaligned(lens, shift=(1e-6, 2e-6)), shift=(3e-6, -5e-6))(field)
    once = Misaligned(lens, shift=(4e-6, -3e-6))(field)
    assert relative_error(twice.data, once.data) < 1e-12


def test_moving_a_decentred_pupil_back_centres_it():
    field, off = light(GRID), (5.5 * PITCH, -3.25 * PITCH)
    centred = Aperture(Circle(9 * PITCH))(field)
    stop = Misaligned(Aperture(Decentred(Circle(9 * PITCH), off)), shift=tuple(-s for s in off))
    # The same circle, by sums of coordinates in another order.
    assert relative_error(stop(field).data, centred.data) < 1e-9


def test_a_lens_too_far_down_the_table_focuses_there():
    """A collimated beam: the waist comes f behind the lens, so dz further from where the lens should stand."""
    grid, focal_length, dz = Grid((256, 4), 6e-6), 30e-3, 1.5e-3
    field = beam(grid, 300e-6)
    behind = Misaligned(Lens(focal_length), defocus=dz)(Field(field.data, grid, WAVELENGTH))

    def size(z: float) -> float:
        light = FresnelTransform(z, Grid((300, 4), 1e-6))(behind)
        y = light.grid.coordinates[0]
        return float((light.intensity * y.square()).sum() / light.intensity.sum())

    places = [focal_length + k * 0.25e-3 for k in range(13)]
    assert min(places, key=size) == pytest.approx(focal_length + dz, abs=0.26e-3)


def test_a_tilted_ideal_lens_sees_the_light_come_from_the_other_side():
    grid, focal_length, angle = Grid((100, 100), 8e-6), 50e-3, 1e-3
    lens = FourierLens(focal_length, Grid((120, 120), 8e-6))
    spot = Misaligned(lens, tilt=(angle, 0.0))(beam(grid, 100e-6))
    assert centroid(spot) == pytest.approx((-focal_length * math.sin(angle), 0), abs=1e-9)


def test_free_space_is_the_same_everywhere():
    field = light(GRID)
    for space in (AngularSpectrum(2e-3), FresnelTransfer(2e-3), FresnelTransform(0.05, Grid((24, 32), 9e-6))):
        assert torch.equal(Misaligned(space, shift=(3e-6, 1e-6))(field).data, space(field).data)


GRADIENTS = {
    "lens": lambda: Lens(0.001, Circle(4.3 * PITCH)),
    "aperture": lambda: Aperture(Rectangle((3.3 * PITCH, 4.7 * PITCH))),
    "zernike": lambda: ZernikeAberration({4: 50e-9, 8: 30e-9}, 20 * PITCH),
    "surface": surface_error,
    "pixelated": lambda: Pixelated(random_complex((2, 2), 3), 3.1 * PITCH),
    "fourier-lens": lambda: FourierLens(0.002, detuned((6, 7))),
    "system": lambda: OpticalSystem(Lens(0.001), FresnelTransfer(1e-4), FourierLens(0.001, Grid((6, 7), PITCH))),
    "plain": lambda: Plain(Lens(0.001)),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradcheck(name):
    """Numbers in units in which the light changes by order one, as gradcheck's steps of 1e-6 expect."""
    element, field = GRADIENTS[name](), light(SMALL, 7)

    def behind(shift, tilt, defocus):
        # A grid as coarse as detuned's takes but a small tilt.
        moved = Misaligned(element, shift=shift * 1e-6, tilt=tilt * 1e-4, defocus=defocus * 1e-4)
        return moved(field).data

    assert torch.autograd.gradcheck(behind, (tensor(0.31, -0.57), tensor(0.7, -0.4), tensor(0.6)))


def test_a_parameter_is_trained():
    misaligned = Misaligned(Lens(0.02), shift=torch.nn.Parameter(torch.tensor([1e-5, 0.0], dtype=torch.float64)))
    assert [name for name, _ in misaligned.named_parameters()] == ["shift"]
    misaligned = copy.deepcopy(misaligned)
    field = light(GRID)
    before = misaligned(field).data
    misaligned(field).intensity[0, 0].backward()
    with torch.no_grad():
        misaligned.shift += 2e-5
    assert relative_error(misaligned(field).data, before) > 1e-3
    expected = Misaligned(Lens(0.02), shift=(3e-5, 2e-5))(field).data
    assert relative_error(misaligned(field).data, expected) < 1e-13


class TestWhatCannotBeMoved:
    def test_a_mask_on_its_own_pixels(self):
        mask, grid = Mask(torch.ones(6, 7), PITCH), SMALL
        moved = Misaligned(mask, shift=(0.0, PITCH / 3))
        with pytest.raises(ValueError, match=r"take Pixelated\(transmittance, pitch\) on a finer grid of points"):
            moved(light(grid))
        with pytest.raises(ValueError, match="does not fit the cells of its own grid"):
            moved.check(grid, WAVELENGTH)
        assert Misaligned(mask, tilt=(0.01, 0.0)).check(grid, WAVELENGTH) == grid

    def test_a_mask_on_a_finer_grid_as_the_message_says(self):
        values, shift = random_complex((6, 7), 2), (PITCH / 4, -PITCH / 2)
        fine = Grid([4 * n for n in SMALL.cells], PITCH / 4)
        field = light(fine)
        behind = Misaligned(Pixelated(values, PITCH), shift=shift)(field).data
        # One and two samples of the finer grid: a roll that brings in what is opaque.
        map_ = torch.zeros(fine.shape, dtype=torch.complex128)
        map_[1:, :-2] = torch.kron(values, torch.ones(4, 4))[:-1, 2:]
        assert relative_error(behind, field.data * map_) < 1e-13

    def test_flat_pixels_and_an_unknown_element(self):
        unknown = Misaligned(Plain(Aperture(Circle(4 * PITCH))), shift=(PITCH / 3, 0.0))
        for cell in (flat(), gauss(2)):
            grid = Grid((6, 7), PITCH, cell)
            with pytest.raises(ValueError, match="Fourier shift theorem"):
                unknown(light(grid))
            with pytest.raises(ValueError, match="Fourier shift theorem"):
                unknown.check(grid, WAVELENGTH)

    @pytest.mark.parametrize("element", [FourierLens(0.1), Lens(0.1), Tilt((0.0, 0.0))])
    def test_flat_pixels_and_a_phase(self, element):
        grid = Grid((6, 7), PITCH, flat())
        with pytest.raises(ValueError, match="varies within a flat pixel"):
            Misaligned(element, shift=(PITCH / 3, 0.0))(light(grid))
        with pytest.raises(ValueError, match="varies within a flat pixel"):
            Misaligned(element, shift=(PITCH / 3, 0.0)).check(grid, WAVELENGTH)

    def test_defocus_of_pixels(self):
        with pytest.raises(ValueError, match="grid of points"):
            Misaligned(Lens(0.1), defocus=1e-3)(light(Grid((6, 7), PITCH, gauss(2))))

    @pytest.mark.parametrize(
        ("numbers", "message"),
        [
            ({"shift": (math.nan, 0.0)}, "a shift must be finite; got nan"),
            ({"tilt": (math.inf, 0.0)}, "a tilt must be finite; got inf"),
            ({"defocus": math.nan}, "a defocus must be finite; got nan"),
            ({"shift": (1e-6,)}, "expected a shift for each of the grid's 2 axes; got 1"),
            ({"tilt": (1e-3, 0.0, 0.0)}, "expected a tilt for each of the grid's 2 axes; got 3"),
        ],
    )
    def test_bad_numbers(self, numbers, message):
        with pytest.raises(ValueError, match=message):
            Misaligned(Lens(0.1), **numbers)(light(SMALL))


class TestCheck:
    def test_says_where_the_light_leaves(self):
        motion = {"shift": (1e-6, 0.0), "tilt": (1e-4, 0.0)}
        output = Grid((5, 4), 1e-5)
        assert Misaligned(FourierLens(0.1, output), **motion).check(SMALL, WAVELENGTH) == output
        system = OpticalSystem(Lens(0.1), FourierLens(0.1, output))
        assert Misaligned(system, **motion).check(SMALL, WAVELENGTH) == output

    @pytest.mark.filterwarnings("error")
    def test_a_lens_far_off_its_axis_is_steeper_at_the_rim(self):
        focal_length, spacing, n = 20e-3, 8e-6, 190
        grid = Grid(n, spacing)  # λf/D is 8.3 µm
        Lens(focal_length).check(grid, WAVELENGTH)
        Misaligned(Lens(focal_length), shift=1e-6).check(grid, WAVELENGTH)
        with pytest.warns(UserWarning, match="needs spacing ≤"):
            Misaligned(Lens(focal_length), shift=200e-6).check(grid, WAVELENGTH)

    def test_warns_of_what_the_light_would_meet(self):
        moved = Misaligned(Aperture(Circle(6 * PITCH)), shift=(2 * PITCH, 0.0))
        with pytest.warns(UserWarning, match="is cut by a window"):
            moved.check(SMALL, WAVELENGTH)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            moved(light(SMALL))
        assert not caught  # once was enough


def test_what_the_shift_theorem_takes_across_the_rim_is_named():
    class Unmoved(torch.nn.Module):
        def forward(self, field):
            return field

    grid = Grid(64, 4e-6)
    moved, field = Misaligned(Unmoved(), shift=4e-5), Field(torch.ones(64, dtype=torch.float64), grid, WAVELENGTH)
    for ask in (lambda: moved.check(grid, WAVELENGTH), lambda: moved(field)):
        with pytest.warns(SamplingWarning, match="moved by 40 um .* rim of a window of 256 um comes in on the other"):
            ask()
