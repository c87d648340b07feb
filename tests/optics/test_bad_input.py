"""What makes no sense is refused by everything that light meets, when a bench is built and by the first light."""

from __future__ import annotations

import math
import re

import pytest
import torch

from optics import (
    AngularSpectrum,
    AngularSpectrumTransform,
    Aperture,
    Circle,
    Field,
    FourierLens,
    Fraunhofer,
    FresnelSpectrumTransform,
    FresnelTransfer,
    FresnelTransform,
    Grid,
    Lens,
    Mask,
    OpticalSystem,
    Pixelated,
    Rectangle,
    ReversedSineLens,
    SineLens,
    Tilt,
    flat,
    gauss,
)
from tests.optics.oracles import WAVELENGTH

OUTPUT = Grid(8, 10e-6)
OPENING, GLASS = Rectangle((80e-6,)), Grid(4, 20e-6, gauss(60))

# What a length makes, and what a length may not be.
OF_A_LENGTH = {
    "angular-spectrum": AngularSpectrum,
    "fresnel-transfer": FresnelTransfer,
    "fresnel-transform": lambda z: FresnelTransform(z, OUTPUT),
    "fraunhofer": lambda z: Fraunhofer(z, OUTPUT),
    "angular-spectrum-transform": lambda z: AngularSpectrumTransform(z, OUTPUT),
    "fresnel-spectrum-transform": lambda z: FresnelSpectrumTransform(z, OUTPUT),
    "sine-lens": lambda f: SineLens(f, OPENING, GLASS, OUTPUT),
    "sine-lens-reversed": lambda f: ReversedSineLens(f, OPENING, GLASS, Grid(8, 10e-6, flat())),
    "fourier-lens": lambda f: FourierLens(f, OUTPUT),
    "lens": Lens,
    "aperture": lambda d: Aperture(Circle(d)),
    "slit": lambda d: Aperture(Rectangle((d,))),
    "pupil": lambda d: Lens(10.0, Circle(d)),
    "tilt": Tilt,
}


def ask(element: torch.nn.Module, grid: Grid):
    """Both ways: without light and by the first light."""
    field = Field(torch.ones(grid.shape, dtype=torch.float64), grid, WAVELENGTH)
    return [lambda: element.check(grid, WAVELENGTH), lambda: element(field)]


@pytest.mark.parametrize("length", [math.nan, math.inf])
@pytest.mark.parametrize("name", sorted(OF_A_LENGTH.keys() - {"tilt"}))  # which takes an angle, when it meets a grid
def test_lengths_that_are_none(name, length):
    with pytest.raises(ValueError, match=rf"must be .*; got {length}"):
        OF_A_LENGTH[name](length)


@pytest.mark.filterwarnings("ignore::optics.SamplingWarning")
@pytest.mark.parametrize("name", sorted(OF_A_LENGTH.keys() - {"fourier-lens"}))  # whose length is a number
def test_lengths_that_training_spoils(name):
    trained = torch.nn.Parameter(torch.tensor(60e-6, dtype=torch.float64))
    element = OF_A_LENGTH[name](trained)
    with torch.no_grad():
        trained.fill_(math.nan)
    for asked in ask(element, OUTPUT):
        with pytest.raises(ValueError, match=r"must be .*; got nan"):
            asked()


POINTS = Grid(8, 300e-9)
OF_PITCH = [name for name in OF_A_LENGTH if re.match("fr|angular|sine-lens$", name)]
"""Free space, and a lens with some in front."""


@pytest.mark.filterwarnings("ignore::optics.SamplingWarning")
@pytest.mark.parametrize("name", OF_PITCH)
def test_evanescent_pitches(name):
    for asked in ask(OF_A_LENGTH[name](1e-3), POINTS):
        with pytest.raises(ValueError, match=r"every 300 nm hold evanescent waves.*needs spacing ≥ 316\.5 nm"):
            asked()


def test_evanescent_pitches_in_front_of_an_ideal_lens():
    for asked in ask(FourierLens(1e-3), POINTS):
        with pytest.raises(ValueError, match=r"2\.11 mm is wider than 2f = 2 mm, .* pixels of half a wavelength"):
            asked()


@pytest.mark.filterwarnings("ignore::optics.SamplingWarning")
@pytest.mark.parametrize("name", ["aperture", "slit", "pupil", "sine-lens"])
def test_openings_wider_than_the_window(name):
    wide = 1e-3
    element = SineLens(1e-3, Rectangle((wide,)), GLASS, OUTPUT) if name == "sine-lens" else OF_A_LENGTH[name](wide)
    for asked in ask(element, OUTPUT):
        with pytest.raises(ValueError, match="an opening of 1 mm on a window of 80 um; needs a window ≥ 1 mm or an"):
            asked()


def test_lenses_faster_than_their_grid():
    for element in (Lens(1e-4), FresnelTransform(1e-4, OUTPUT)):
        for asked in ask(element, OUTPUT):
            with pytest.raises(ValueError, match=r"samples every 10 um over 80 um; needs spacing ≤ 791\.2 nm"):
                asked()


@pytest.mark.parametrize("mask", [Mask(torch.ones(8), 8e-6), Pixelated(torch.ones(8), 8e-6)], ids=["mask", "pixels"])
def test_grids_of_another_pitch_meet(mask):
    for asked in ask(mask, OUTPUT):
        with pytest.raises(ValueError, match=r"must be the cells of the field's grid|samples must not be larger"):
            asked()
    with pytest.raises(ValueError, match=re.escape("(element 2 of 2, behind 'FresnelTransform')")):
        OpticalSystem(FresnelTransform(1e-2, OUTPUT), mask).check(Grid(8, 10e-6), WAVELENGTH)


@pytest.mark.parametrize("wavelength", [0.0, -WAVELENGTH, math.nan, math.inf])
def test_wavelengths_that_are_none(wavelength):
    message = f"wavelength must be a positive length in metres; got {wavelength}"
    with pytest.raises(ValueError, match=message):
        Field(torch.ones(8), OUTPUT, wavelength)
    with pytest.raises(ValueError, match=message):
        OpticalSystem(AngularSpectrum(1e-4)).check(OUTPUT, wavelength)


@pytest.mark.parametrize("kind", [FresnelTransform, Fraunhofer])
def test_outputs_of_other_dimensions_are_refused(kind):
    with pytest.raises(ValueError, match="both be 1-D or both 2-D; got 1-D and 2-D"):
        kind(1.0, Grid((4, 4), 1e-5)).check(Grid(8, 1e-5), WAVELENGTH)
