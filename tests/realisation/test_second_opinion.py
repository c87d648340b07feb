"""POPPY's opinion on a layer's bench."""

import pytest
import torch

from acdc_optical import Bench, Continuous, Lenses, Wave, realise
from acdc_optical.second_opinion import ask_poppy, painted
from optics import Field, FieldDetector, Grid, Pixelated
from tests.realisation.cases import bench, inputs, layer, relative_error

WAVELENGTH, PITCH = 633e-9, 8e-6


def table(n, **lenses):
    return bench(fill=1.0, camera_fill=0.0, focal_length=2 * n * PITCH**2 / WAVELENGTH, lenses=Lenses(**lenses))


@pytest.mark.parametrize(("kind", "shape"), [("ACDC", (4, 4)), ("AFDF", (8, 8))], ids=str)
def test_poppy_agrees_on_every_plane(kind, shape):
    opinion = ask_poppy(realise(layer(kind, shape), table(4)))
    assert len(opinion.planes) == 7
    # Both round in complex128, POPPY through a few more steps.
    assert max(plane.error for plane in opinion.planes) < 1e-11
    assert opinion.passed
    assert "samples of" in opinion.bench
    assert set(opinion.to_dict()) == {"bench", "passed", "planes"}


def test_the_lattice_is_the_bench_of_the_wave_model():
    """What is painted for POPPY computes the layer as the wave model does, to a few per cent.

    Samples make pixels softer, which finer ones mend; and light that leaves the window comes in again on the other
    side, which they do not.
    """
    numbers = layer("ACDC", (4, 4))
    optical = realise(numbers, table(4), model=Wave())
    masks, x = optical.masks(), inputs(numbers)
    errors = []
    for across in (4, 8):
        width = 4 * 8 * PITCH
        lattice = Grid((32 * across, 32 * across), PITCH / across)
        with torch.no_grad():
            shown = optical.presentation.encode(x, 2) * masks.input_mask
            light = Field(torch.ones(lattice.shape, dtype=torch.complex128), lattice, WAVELENGTH)
            image = painted(masks, lattice, width)(Pixelated(shown, PITCH)(light))
            # The middle of a camera pixel lies between four samples.
            middle = FieldDetector()(image).unflatten(-1, (32, across)).unflatten(-3, (32, across))
            near = middle[12:20, across // 2 - 1 : across // 2 + 1, 12:20, across // 2 - 1 : across // 2 + 1]
            # Four arms' worth of i^(-1/2) on two axes.
            read = (optical.presentation.decode(near.mean((1, 3)) * 1j**2, 2) * masks.gain).real
        errors.append(relative_error(read, optical(x)))
    assert errors[1] < errors[0] < 0.03


def test_large_benches_are_stopped_down_and_one_dimension_is_refused():
    opinion_of = ask_poppy.__globals__["_lattice"]
    lattice, stopped = opinion_of(realise(layer("ACDC", (8, 8)), Bench.preset(), model=Continuous()).masks().planes)
    assert lattice.shape == (2048, 2048)
    assert stopped == pytest.approx(2048 * 4e-6)
    with pytest.raises(ValueError, match="no cylindrical lenses"):
        ask_poppy(realise(layer("ACDC", 8), Bench.preset()))
    with pytest.raises(ValueError, match="smaller layer"):
        ask_poppy(realise(layer("ACDC", (8, 8)), Bench.preset().replace(focal_length="200 mm")))
