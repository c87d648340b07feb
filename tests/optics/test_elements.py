"""Masks, lenses and apertures: conventions, formulas, gradients, and what they refuse."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from scipy.special import j1

from optics import (
    Aperture,
    Circle,
    Field,
    FourierLens,
    Grid,
    Lens,
    Mask,
    Rectangle,
    Tilt,
    flat,
    gauss,
    output_pitch,
)
from tests.optics.oracles import (
    FOCAL_LENGTH,
    PITCH,
    SCALE,
    WAVELENGTH,
    detuned,
    random_complex,
    random_real,
    relative_error,
)


def light(grid: Grid, data: torch.Tensor | None = None) -> Field:
    return Field(torch.ones(grid.shape, dtype=torch.float64) if data is None else data, grid, WAVELENGTH)


# Mask ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [(), (5,)], ids=str)
@pytest.mark.parametrize("values", [random_real((3, 4)), random_complex((3, 4)), random_complex((2, 1, 3, 4))])
def test_mask_multiplies_every_node_of_a_pixel_by_its_value(values, batch):
    grid = Grid((3, 4), PITCH, gauss(2))
    data = random_complex((*batch, *grid.shape), 1)
    # The Kronecker product repeats each pixel over its 2 × 2 nodes. Complex products round by how they are vectorised.
    wanted = data * torch.kron(values, torch.ones(2, 2))
    torch.testing.assert_close(Mask(values, PITCH)(light(grid, data)).data, wanted, rtol=1e-15, atol=1e-15)


def test_mask_parameters_are_trained_and_other_tensors_are_not():
    assert dict(Mask(torch.ones(4), PITCH).named_parameters()) == {}
    trained = Mask(torch.nn.Parameter(torch.ones(4, dtype=torch.float64)), PITCH)
    assert [name for name, _ in trained.named_parameters()] == ["transmittance"]
    trained(light(Grid(4, PITCH))).power.backward()
    # power = Σ t²·Δ, so the gradient is 2tΔ; rounding only.
    assert trained.transmittance.grad.numpy() == pytest.approx(2 * PITCH, rel=1e-15)


@pytest.mark.parametrize("values", [random_real((3, 4), 2), random_complex((3, 4), 2)], ids=["real", "complex"])
def test_mask_gradcheck(values):
    grid = Grid((3, 4), PITCH, gauss(2))
    data = random_complex((2, *grid.shape), 3)
    assert torch.autograd.gradcheck(
        lambda t, d: Mask(t, PITCH)(light(grid, d)).data, (values.clone().requires_grad_(), data.requires_grad_())
    )


@pytest.mark.parametrize(
    ("values", "pitch", "grid"),
    [
        (torch.ones(5), PITCH, Grid(4, PITCH)),
        (torch.ones(4), PITCH, Grid((3, 4), PITCH)),
        (torch.ones(4, 3), PITCH, Grid((3, 4), PITCH)),
        (torch.ones(8), PITCH, Grid(4, PITCH, gauss(2))),  # as many values as samples, not as pixels
        (torch.ones(4), PITCH * (1 + 1e-6), Grid(4, PITCH)),
        (torch.ones(3, 4), (PITCH, 2 * PITCH), Grid((3, 4), PITCH)),
        (torch.ones(4), (PITCH, PITCH), Grid(4, PITCH)),
        (torch.ones(4), math.nan, Grid(4, PITCH)),
    ],
)
def test_mask_pixels_must_be_the_cells_of_the_grid(values, pitch, grid):
    expected = "the mask's pixels must be the cells of the field's grid: the mask has"
    with pytest.raises(ValueError, match=expected) as error:
        Mask(values, pitch)(light(grid))
    assert str(tuple(values.shape[-grid.ndim :])) in str(error.value)
    assert str(error.value).endswith(f"the grid {grid.cells} cells of {grid.spacing} m")


def test_mask_pitch_may_differ_by_rounding():
    pitch = SCALE / (SCALE / PITCH / 3) / 3
    assert pitch == pytest.approx(PITCH, rel=1e-15)
    Mask(torch.ones(4), pitch * (1 + 1e-15))(light(Grid(4, PITCH)))


# Fourier lens ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [8, 9, (6, 5)], ids=str)
def test_natural_pitch(shape):
    grid = Grid(shape, PITCH)
    output = FourierLens(FOCAL_LENGTH)(light(grid)).grid
    assert output.cells == grid.cells
    # λf/(nΔ), two products in another order
    assert output.spacing == pytest.approx([WAVELENGTH * FOCAL_LENGTH / (n * PITCH) for n in grid.cells], rel=1e-15)
    assert output.spacing == tuple(output_pitch(n, PITCH, WAVELENGTH * FOCAL_LENGTH) for n in grid.cells)


@pytest.mark.parametrize("shape", [8, 9, (6, 9)], ids=str)
def test_two_forward_lenses_image_upside_down(shape):
    grid, lens = Grid(shape, PITCH), FourierLens(FOCAL_LENGTH)
    field = light(grid, random_complex(grid.shape, 4))
    image = lens(lens(field))
    assert image.grid.spacing == pytest.approx(grid.spacing, rel=1e-15)  # two divisions
    assert relative_error(image.data, field.data.flip(tuple(range(grid.ndim)))) < 1e-13  # two FFTs of rounding


@pytest.mark.parametrize(("rows", "turns"), [(9, 2), (9, -3), (8, 1.5), (8, -0.5), (8, 3.5)])
def test_tilt_in_plus_y_moves_the_spot_to_plus_y(rows, turns):
    grid = Grid((rows, 5), PITCH)
    y, x = grid.coordinates
    frequency = turns / (rows * PITCH)
    tilted = torch.polar(torch.ones_like(y + x), 2 * math.pi * frequency * (y + 0 * x))
    focus = FourierLens(FOCAL_LENGTH)(light(grid, tilted))
    row, column = divmod(int(focus.intensity.argmax()), 5)
    assert (row, column) == ((rows - 1) / 2 + turns, 2)  # the row index grows with y
    spot = focus.grid.coordinates[0][row].item()
    assert spot == pytest.approx(WAVELENGTH * FOCAL_LENGTH * frequency, rel=1e-14)
    # All the other samples are zeros of the sinc; rounding of 45 terms, squared.
    assert focus.intensity.sum() == pytest.approx(focus.intensity.max().item(), rel=1e-14)


def test_tilt_on_any_output_grid():
    grid, output = Grid((40, 40), PITCH), Grid((201, 101), 10e-6)
    y, x = grid.coordinates
    tilted = torch.polar(torch.ones_like(y + x), 2 * math.pi * (640e-6 * y - 210e-6 * x) / SCALE)
    focus = FourierLens(FOCAL_LENGTH, output)(light(grid, tilted))
    assert divmod(int(focus.intensity.argmax()), 101) == (100 + 64, 50 - 21)


def test_one_lens_serves_many_fields():
    lens, grids = (
        FourierLens(FOCAL_LENGTH),
        [Grid(8, PITCH), Grid(8, 2 * PITCH), Grid(9, PITCH), Grid(8, PITCH, flat())],
    )
    fields = [Field(random_complex(g.shape, 5), g, w) for g in grids for w in (633e-9, 532e-9)]
    for field in fields * 2:
        fresh = FourierLens(FOCAL_LENGTH)(field)
        assert lens(field).grid == fresh.grid
        assert torch.equal(lens(field).data, fresh.data)


def test_a_changed_focal_length_counts():
    lens, field = FourierLens(FOCAL_LENGTH), light(Grid(8, PITCH))
    lens(field)
    lens.focal_length = 2 * FOCAL_LENGTH
    assert lens(field).grid == FourierLens(2 * FOCAL_LENGTH)(field).grid


@pytest.mark.parametrize("output", [None, detuned((4, 3), cell=gauss(2)), detuned((3, 2), cell=flat(0.8))], ids=str)
def test_lens_gradcheck(output):
    grid = Grid((3, 4), PITCH)
    lens = FourierLens(FOCAL_LENGTH, output)
    # In units of 1/PITCH the output is of order one, as gradcheck's absolute tolerance expects.
    data = random_complex(grid.shape, 6).requires_grad_()
    assert torch.autograd.gradcheck(lambda d: lens(light(grid, d)).data * (SCALE / PITCH**2), (data,))


@pytest.mark.parametrize("focal_length", [0.0, -0.1, math.nan, math.inf])
def test_focal_length_must_be_positive(focal_length):
    message = re.escape(f"focal length must be a positive length in metres; got {focal_length}")
    with pytest.raises(ValueError, match=message):
        FourierLens(focal_length)


@pytest.mark.parametrize(
    ("grid", "output"),
    [(Grid(4, PITCH), Grid(101, 2e-3)), (Grid((4, 9), (PITCH, 0.3e-6)), None)],
    ids=["as asked for", "as follows from the pixels"],
)
def test_no_light_comes_to_places_beyond_the_focal_length(grid, output):
    """u = λfν, and waves of ν ≥ 1/λ do not travel."""
    lens = FourierLens(FOCAL_LENGTH, output)
    for ask in (lambda: lens(light(grid)), lambda: lens.check(grid, WAVELENGTH)):
        with pytest.raises(ValueError, match=r"back focal plane of 2\d\d? mm is wider than 2f = 200 mm"):
            ask()
    half = Grid(8, WAVELENGTH / 2)  # all that travels
    assert FourierLens(FOCAL_LENGTH)(light(half)).grid.extent == pytest.approx((2 * FOCAL_LENGTH,))


def test_lens_output_must_have_the_axes_of_the_field():
    with pytest.raises(ValueError, match="source and target must both be 1-D or both 2-D; got 2-D and 1-D"):
        FourierLens(FOCAL_LENGTH, Grid(4, PITCH))(light(Grid((4, 4), PITCH)))


# Apertures -------------------------------------------------------------------------------------------------------


def test_openings_in_small():
    grid = Grid((4, 5), 1.0)
    circle, rectangle = Circle(2.9).contains(grid), Rectangle((1.0, 4.0)).contains(grid)
    assert circle.int().tolist() == [[0] * 5, [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0] * 5]
    assert rectangle.int().tolist() == [[0] * 5, [1] * 5, [1] * 5, [0] * 5]


@pytest.mark.parametrize("count", [4, 7, 8, 13])
@pytest.mark.parametrize("opening", [Circle, lambda width: Rectangle((width,))], ids=["circle", "rectangle"])
def test_on_a_line_an_opening_is_a_slit_edges_included(opening, count):
    grid = Grid(count, 7.3e-6)
    for k in range(1, count + 1):  # for every other k the edge falls on a sample
        expected = [abs(2 * j - (count - 1)) <= k for j in range(count)]
        assert opening(k * 7.3e-6).contains(grid).tolist() == expected


def test_aperture_is_given_in_metres_whatever_the_grid():
    stop = Aperture(Rectangle((32e-6,)))
    for cells, spacing in [(16, 4e-6), (64, 1e-6), (16, 4e-6)]:  # edges fall between samples
        assert stop(light(Grid(cells, spacing))).power.item() == pytest.approx(32e-6, rel=1e-15)


def airy(grid: Grid, diameter: float) -> torch.Tensor:
    """The field of a uniformly lit circle in the back focal plane."""
    y, x = grid.coordinates
    z = (math.pi * diameter / SCALE * (y.square() + x.square()).sqrt()).numpy()
    jinc = np.divide(2 * j1(z), z, out=np.ones_like(z), where=z > 0)
    return torch.from_numpy(math.pi * diameter**2 / 4 / SCALE * jinc)


@pytest.mark.filterwarnings("ignore::optics.SamplingWarning")
def test_airy_pattern():
    """Samples that let through their share of the circle have its exact area: what is left is of second order.

    It is irregular from one n across to the next, so the mean over seven n of an octave is judged.
    """
    diameter = 1e-3
    output = Grid((33, 33), SCALE / diameter / 8)  # two λf/D either side
    expected = airy(output, diameter)

    def error(cells):
        grid = Grid((cells, cells), 1.03 * diameter / cells)
        focus = FourierLens(FOCAL_LENGTH, output)(Aperture(Circle(diameter))(light(grid)))
        return ((focus.data - expected).abs().max() / expected.max()).item()

    octaves = [16, 32, 64, 128, 256]
    errors = [np.mean([error(n + j * n // 16) for j in range(7)]) for n in octaves]
    order = -np.polyfit(np.log2(octaves), np.log2(errors), 1)[0]
    assert order == pytest.approx(2.0, abs=0.05)
    # The next octaves bring it below 1e-5 well before 1024² samples. Seen: 9.3e-6; whole samples: 2.3e-4.
    assert errors[-1] < 1.2e-5


def test_first_dark_ring_is_at_1_22_wavelengths_over_aperture():
    diameter = 1e-3
    output = Grid((1, 401), 0.01 * SCALE / diameter)
    grid = Grid((300, 300), diameter / 300)
    focus = FourierLens(FOCAL_LENGTH, output)(Aperture(Circle(diameter))(light(grid)))
    right = focus.data.real[0, 200:]
    first_zero = int((right < 0).nonzero()[0, 0]) * 0.01
    assert first_zero == pytest.approx(1.2197, abs=0.011)  # one sample of the output


@pytest.mark.parametrize(("extent", "shape"), [((1e-3,), (4, 4)), ((1e-3, 1e-3), (4,))], ids=str)
def test_rectangle_needs_an_extent_for_every_axis(extent, shape):
    message = re.escape(f"expected an extent for each of the grid's {len(shape)} axes; got {extent}")
    with pytest.raises(ValueError, match=message):
        Aperture(Rectangle(extent))(light(Grid(shape, PITCH)))


@pytest.mark.parametrize("size", [0.0, -1e-3, math.nan])
@pytest.mark.parametrize("opening", [Circle, lambda size: Rectangle((1e-3, size))], ids=["circle", "rectangle"])
def test_openings_must_have_a_positive_size(opening, size):
    with pytest.raises(ValueError, match=rf"must be .*positive.*; got .*{size}"):
        opening(size)


# Tilt ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("angles", [(0.01, 0.0), (-0.004, 0.007), (0.0, -0.012)], ids=str)
def test_a_wedge_towards_plus_y_moves_the_spot_to_plus_y(angles):
    grid = Grid((100, 90), PITCH)
    beam = torch.exp(-sum((x / 80e-6) ** 2 for x in grid.coordinates))
    output = Grid((500, 500), 8e-6)
    spot = FourierLens(FOCAL_LENGTH, output)(Tilt(angles)(light(grid, beam)))
    centre = [float((spot.intensity * u).sum() / spot.intensity.sum()) for u in output.coordinates]
    # The tail of the Gaussian at the rim of both windows.
    assert centre == pytest.approx([FOCAL_LENGTH * math.sin(angle) for angle in angles], abs=1e-8)


def test_two_wedges_add_their_sines_and_opposite_ones_undo():
    field = light(Grid((6, 7), PITCH), random_complex((6, 7)))
    assert relative_error(Tilt((-0.01, 0.02))(Tilt((0.01, -0.02))(field)).data, field.data) < 1e-14
    both = Tilt((math.asin(0.03), 0.0))(field)
    assert relative_error(Tilt((math.asin(0.01), 0.0))(Tilt((math.asin(0.02), 0.0))(field)).data, both.data) < 1e-13
    assert torch.equal(Tilt((0.0, 0.0))(field).data, field.data)


def test_a_wedge_on_a_line_takes_one_angle():
    grid = Grid(9, PITCH)
    assert torch.equal(Tilt(0.01)(light(grid)).data, Tilt((0.01,))(light(grid)).data)
    with pytest.raises(ValueError, match="expected an angle for each of the grid's 2 axes; got 1"):
        Tilt(0.01)(light(Grid((9, 9), PITCH)))
    with pytest.raises(ValueError, match="an angle must be finite; got nan"):
        Tilt(math.nan)(light(grid))


def test_a_wedge_too_steep_for_the_samples_is_refused():
    limit = math.asin(WAVELENGTH / (2 * PITCH))
    grid = Grid(9, PITCH)
    assert Tilt(limit).check(grid, WAVELENGTH) == grid
    with pytest.raises(ValueError, match=r"needs spacing ≤ 6\.330? um or an angle ≤ 0\.03957 rad"):
        Tilt(math.asin(0.05)).check(grid, WAVELENGTH)
    Tilt(math.asin(0.05)).check(Grid(9, 6.33e-6), WAVELENGTH)  # as it says
    Tilt(math.asin(0.05)).check(Grid(1, 4 * 6.33e-6, gauss(4)), WAVELENGTH)  # nodes by their mean distance
    with pytest.raises(ValueError, match="samples every 8 um take it for another one"):
        Tilt(math.asin(0.05)).check(Grid(2, 4 * PITCH, gauss(4)), WAVELENGTH)
    with pytest.raises(ValueError, match="varies within a flat pixel"):
        Tilt(0.01).check(Grid(9, PITCH, flat()), WAVELENGTH)


# Grids ----------------------------------------------------------------------------------------------------------------


def test_check_says_on_which_grid_the_light_leaves():
    grid, output = Grid((6, 7), PITCH), Grid((4, 5), 1e-5)
    for element in (Lens(0.1), Aperture(Rectangle((2 * PITCH, 3 * PITCH))), Mask(torch.ones(6, 7), PITCH)):
        assert element.check(grid, WAVELENGTH) == grid
    assert FourierLens(FOCAL_LENGTH, output).check(grid, WAVELENGTH) == output
    assert FourierLens(FOCAL_LENGTH).check(grid, WAVELENGTH) == FourierLens(FOCAL_LENGTH)(light(grid)).grid
    with pytest.raises(ValueError, match="the mask's pixels must be the cells of the field's grid"):
        Mask(torch.ones(6, 8), PITCH).check(grid, WAVELENGTH)
    with pytest.raises(ValueError, match="source and target must both be 1-D or both 2-D; got 2-D and 1-D"):
        FourierLens(FOCAL_LENGTH, Grid(4, PITCH)).check(grid, WAVELENGTH)
    with pytest.raises(ValueError, match="needs spacing ≤"):
        Lens(1e-5).check(grid, WAVELENGTH)
