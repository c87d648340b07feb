"""POPPY's opinion on a layer's bench."""

from dataclasses import replace

import pytest
import torch

from acdc_optical import Bench, Continuous, Ideal, Lenses, Wave, realise
from acdc_optical.waves.second_opinion import OnTheTable, ask_poppy
from optics import Grid, flat
from tests.realisation.cases import bench, inputs, layer

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
    assert set(opinion.to_dict()) == {"bench", "passed", "planes", "lattice_from_wave_model"}
    assert opinion.to_dict()["lattice_from_wave_model"] == {
        "error": opinion.lattice_error,
        "note": opinion.lattice_note,
    }
    assert 1e-4 < opinion.lattice_error < 0.1
    assert "nothing of POPPY" in opinion.lattice_note


@pytest.mark.parametrize("model", [Ideal(), Continuous()], ids=lambda model: type(model).__name__)
def test_the_bench_is_painted_whatever_the_model_takes_its_pixels_for(model):
    on = OnTheTable.of(realise(layer("ACDC", (4, 4)), bench(fill=0.7, mask_fill=0.8, camera_fill=0.9), model=model))
    planes = on.planes.input, on.planes.mask, on.planes.camera
    assert [plane.axes[0].cell.width for plane in planes] == [0.7, 0.8, 0.9]


def lattice_error(optical, across, on=None):
    """Of a lattice with so many samples across a pixel, and its window with it.

    Waves between neighbouring samples go aside by λf/spacing; a finer lattice of the same width would let them in
    again on the other side.
    """
    on = on or OnTheTable.of(optical)
    width = on.planes.arm.scale * across / PITCH
    lattice = Grid((round(width / PITCH * across),) * 2, PITCH / across)
    with torch.no_grad():
        shown = optical.show(inputs(optical.layer), optical.masks()).data
        aperture = on.planes.arm.widths(on.planes.input, on.planes.mask)[0]
        return on.lattice_error(shown, on.painted(lattice, aperture)(on.lit(shown, lattice)))


WIDTH = 4 * 8 * PITCH


@pytest.mark.parametrize("kind", ["ACDC", "AFDF"])
@pytest.mark.filterwarnings("ignore::optics.SamplingWarning")  # edges between samples are what this is about
class TestLattice:
    """What is painted for POPPY is the bench of the wave model, to a few per cent, and better on finer lattices."""

    def test_finer_ones_are_nearer_to_the_wave_model(self, kind):
        optical = realise(layer(kind, (4, 4)), table(4, aperture=WIDTH), model=Wave())
        errors = [lattice_error(optical, across) for across in (4, 8)]
        assert errors[0] < 0.05
        assert errors[1] < errors[0] / 3  # edges blur over a sample: the second order, measured 4.0

    def test_gaps_between_pixels_are_painted(self, kind):
        """By the shares that samples have in them; left out, the light of the gaps is as much as that of the pixels."""
        gaps = bench(fill=0.7, mask_fill=0.8, camera_fill=0.9, focal_length=table(4).focal_length)
        optical = realise(layer(kind, (4, 4)), gaps.replace(lenses=Lenses(aperture=WIDTH)), model=Wave())
        errors = [lattice_error(optical, across) for across in (4, 8)]
        assert errors[0] < 0.05
        assert errors[1] < errors[0] / 2
        on, whole = OnTheTable.of(optical), flat(1.0)
        planes = replace(on.planes, input=on.planes.input.resolved(whole), mask=on.planes.mask.resolved(whole))
        filled = OnTheTable(on.fourier_mask, planes)
        shown = optical.show(inputs(optical.layer), optical.masks()).data
        lattice = Grid((256, 256), PITCH / 8)
        with torch.no_grad():
            image = filled.painted(lattice, WIDTH)(filled.lit(shown, lattice))
        assert on.lattice_error(shown, image) > 0.5


def test_a_wave_model_that_does_not_fit_in_memory_leaves_the_opinion(monkeypatch):
    monkeypatch.setattr("acdc_optical.waves.spaces._MOST_SAMPLES", 2**12)  # as if there were little of it
    optical = realise(layer("ACDC", (4, 4)), table(4, stop="round", aperture=WIDTH))
    opinion = ask_poppy(optical)
    assert opinion.passed
    assert opinion.lattice_error is None
    assert "samples" in opinion.lattice_note


def test_large_benches_are_stopped_down_and_one_dimension_is_refused():
    opinion_of = ask_poppy.__globals__["_lattice"]
    lattice, stopped = opinion_of(realise(layer("ACDC", (8, 8)), Bench.preset(), model=Continuous()).masks().planes)
    assert lattice.shape == (2048, 2048)
    assert stopped == pytest.approx(2048 * 4e-6)
    with pytest.raises(ValueError, match="no cylindrical lenses"):
        ask_poppy(realise(layer("ACDC", 8), Bench.preset()))
    with pytest.raises(ValueError, match="smaller layer"):
        ask_poppy(realise(layer("ACDC", (8, 8)), Bench.preset().replace(focal_length="200 mm")))
