"""Suggested grids: what they promise, that no gate complains of them, and that the light on them is right."""

from __future__ import annotations

import math
import warnings

import pytest
import torch
from scipy.fft import next_fast_len

from optics import (
    AngularSpectrum,
    Circle,
    Field,
    FourierLens,
    FresnelTransfer,
    Grid,
    Lens,
    OpticalSystem,
    Source,
    suggest_grid,
)
from tests.optics.oracles import WAVELENGTH, orders, relative_error
from tests.optics.test_lenses import vignetted

BENCH = {
    "wavelength": WAVELENGTH,
    "focal_length": 20e-3,
    "aperture": 2e-3,
    "pitch": 8e-6,
    "extent": 512e-6,
    "field_of_view": 1e-3,
}


@pytest.fixture(autouse=True)
def _loud():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def space_lens_space(grid: Grid, space: torch.nn.Module, pupil: Circle | None) -> OpticalSystem:
    lens = Lens(BENCH["focal_length"], pupil)
    return OpticalSystem(space, lens, space, source=Source(grid, WAVELENGTH))


@pytest.mark.parametrize("padding", [1, 1.2, 1.7, 2, 3.5])
@pytest.mark.parametrize("pitch", [3e-6, 8e-6, 12.5e-6])
@pytest.mark.parametrize("aperture", [0.3e-3, 1.1e-3, 5e-3])
@pytest.mark.parametrize("kind", [FresnelTransfer, AngularSpectrum])
def test_keeps_its_promises_and_nothing_complains(kind, aperture, pitch, padding):
    bench = {**BENCH, "aperture": aperture, "pitch": pitch, "padding": padding}
    grid = suggest_grid(**bench)
    (axis,) = grid.axes
    parts = pitch / axis.spacing
    pixels = math.ceil(bench["extent"] / pitch - 1e-9)
    assert parts == pytest.approx(round(parts), rel=1e-12)
    assert (axis.cells - pixels * round(parts)) % 2 == 0  # pixel edges are cell edges
    assert axis.extent >= max(aperture, bench["extent"], bench["field_of_view"])
    assert next_fast_len(math.ceil(axis.cells * padding)) == math.ceil(axis.cells * padding)
    space = kind(bench["focal_length"], padding=padding)
    assert space_lens_space(grid, space, Circle(aperture)).check(grid, WAVELENGTH) == grid


def test_each_axis_is_one_for_itself():
    wide = {"aperture": (2e-3, 1e-3), "pitch": (8e-6, 12.5e-6), "extent": (512e-6, 1e-3), "field_of_view": (1e-3, 2e-3)}
    both = suggest_grid(**{**BENCH, **wide})
    for axis in (0, 1):
        alone = suggest_grid(**{**BENCH, **{name: value[axis] for name, value in wide.items()}})
        assert both.axes[axis] == alone.axes[0]
    assert suggest_grid(**{**BENCH, "extent": (512e-6, 512e-6)}).axes == suggest_grid(**BENCH).axes * 2


def spot(grid: Grid) -> Field:
    """Within the pixels' extent to 1e-7, with waves up to 3 degrees."""
    x = grid.coordinates[-1]
    data = torch.exp(-sum((c / 60e-6) ** 2 for c in grid.coordinates) + 2j * math.pi * 30e3 * x)
    return Field(data, grid, WAVELENGTH)


@pytest.mark.parametrize("padding", [1, 2])
@pytest.mark.parametrize("extent", [512e-6, (512e-6, 256e-6)], ids=str)
def test_on_it_space_lens_space_is_the_ideal_lens(extent, padding):
    grid = suggest_grid(**{**BENCH, "extent": extent, "padding": padding})
    light = spot(grid)
    space = FresnelTransfer(BENCH["focal_length"], padding=padding)
    got = space_lens_space(grid, space, None)(light).data * 1j ** (grid.ndim / 2)
    wanted = FourierLens(BENCH["focal_length"], grid)(light).data
    assert relative_error(got, wanted) < 1e-9  # the spot's tails at the window's rim


def test_on_it_the_pupil_vignettes_as_fresnel_integrals_say():
    """A pupil that cuts into the light, on the lattice: its edge is a cell's, so what is left is the midpoint rule's
    error at two edges, of second order in the spacing; half the pitch makes half the spacing."""
    pupil, errors = 1.024e-3, []
    for pitch in (4e-6, 2e-6, 1e-6):
        grid = suggest_grid(**{**BENCH, "pitch": pitch, "aperture": pupil})
        assert grid.spacing == (pitch,)
        lit, camera = Grid(round(128e-6 / pitch), pitch), Grid(round(640e-6 / pitch), pitch)
        point = torch.exp(-((lit.coordinates[0] / 12e-6) ** 2)).to(torch.complex128)
        rim = (grid.cells[0] - lit.cells[0]) // 2
        light = Field(torch.nn.functional.pad(point, (rim, rim)), grid, WAVELENGTH)
        got = space_lens_space(grid, FresnelTransfer(BENCH["focal_length"]), Circle(pupil))(light).data
        seen = slice((grid.cells[0] - camera.cells[0]) // 2, (grid.cells[0] + camera.cells[0]) // 2)
        expected = torch.from_numpy(vignetted(lit, camera, BENCH["focal_length"], pupil)) @ point
        ideal = FourierLens(BENCH["focal_length"], camera)(light.replace(point, lit)).data * 1j**-0.5
        errors.append(relative_error(got[seen], expected))
        assert relative_error(ideal, expected) > 5e-3  # the pupil matters here
    assert errors[0] < 1e-3
    assert orders(errors) == pytest.approx([2, 2], abs=0.1)


def test_a_bench_beyond_what_can_be_afforded_says_what_it_needs():
    plane = {**BENCH, "extent": (512e-6, 512e-6)}
    grid = suggest_grid(**plane)
    size = " × ".join(map(str, grid.cells))
    words = f"needs {size} samples every 4 um, with padding 1000000, more than the 999999 that"
    with pytest.raises(ValueError, match=words):
        suggest_grid(**plane, most=999_999)


def test_a_lens_too_fast_for_scalar_samples_is_refused():
    with pytest.raises(ValueError, match=r"too fast for any grid: it needs spacing ≤ .* nm, below half a wavelength"):
        suggest_grid(**{**BENCH, "focal_length": 1e-3})


@pytest.mark.parametrize("name", ["wavelength", "focal_length", "aperture", "pitch", "extent", "field_of_view"])
@pytest.mark.parametrize("length", [0.0, -1e-3, math.nan, math.inf])
def test_lengths_must_be_positive(name, length):
    with pytest.raises(ValueError, match=f"{name.replace('_', ' ')} must be a positive length in metres; got {length}"):
        suggest_grid(**{**BENCH, name: length})


def test_axes_and_padding_are_checked():
    with pytest.raises(ValueError, match="one pitch for each of the 1 axes of the extent; got 2"):
        suggest_grid(**{**BENCH, "pitch": (8e-6, 8e-6)})
    with pytest.raises(ValueError, match=r"1 or more; got 0\.9"):
        suggest_grid(**BENCH, padding=0.9)
