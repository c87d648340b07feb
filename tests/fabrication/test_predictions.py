"""What an order will do: its own layer's figures, and more error for more tolerance."""

import pytest
import torch

from acdc_optical.fabrication.mask_process import MaskProcess
from acdc_optical.fabrication.orders import made_layers, optical_layers, orders_of
from acdc_optical.fabrication.predictions import predict, probes
from acdc_optical.fabrication.process import Process, Tolerances
from acdc_optical.verification import light_used, relative_error
from tests.fabrication.designs import compiled, phases

NONE = Tolerances(depth=0.0, overlay=0.0, width=0.0)
CHROME = MaskProcess(encoding="chrome-and-etch", cells=8)
ETCHED = Process(name="etched", A=CHROME.replace(cells=4), D=CHROME)


@pytest.fixture(scope="module")
def lines():
    """A one-dimensional design and its orders."""
    design = compiled(shape=(4,))
    return design, orders_of(design, ETCHED)


@pytest.mark.parametrize("shape", [(4,), (2, 3)], ids=str)
def test_nominal_figures_are_those_of_the_layer_as_made(shape):
    design = compiled(shape=shape)
    orders = orders_of(design, ETCHED)
    (prediction,) = predict(design, orders, NONE)
    made, optical = made_layers(design, orders)[0], optical_layers(design)[0]
    with torch.no_grad():
        x = probes(optical)
        wanted, seen = optical.layer(x), made(x)
    assert prediction.layer == 1
    assert prediction.tolerances == ()
    assert prediction.designed == relative_error(optical(x), wanted) < 1e-13
    assert prediction.made == relative_error(seen, wanted)
    assert prediction.light_designed == light_used(optical, x)
    assert prediction.light_made == made.light_used(x)
    # Of all gains the best, here by a search.
    gains = torch.linspace(0.5, 2, 3001, dtype=torch.float64)
    best = min(relative_error(gain * seen, wanted) for gain in gains)
    assert prediction.after_calibration <= prediction.made
    assert prediction.after_calibration == pytest.approx(best, rel=1e-3)  # the search's steps


def test_a_row_for_every_deviation_that_a_plate_can_have(lines):
    (prediction,) = predict(*lines, Tolerances())
    names = [outcome.name for outcome in prediction.tolerances]
    each = ["all depths -3.0%", "all depths +3.0%"]
    each += [f"drawn areas {way} by 100 nm a side" for way in ("narrower", "wider")]
    each += ["pattern 2 off by 250 nm along x"]
    assert names == [f"{plate}: {name}" for plate in ("L1A", "L1D") for name in each]
    assert prediction.to_dict()["tolerances"][0]["name"] == "L1A: all depths -3.0%"


def test_more_tolerance_costs_more():
    """Of every kind, from tolerances that cost more than the encoding does."""
    design = compiled()
    orders = orders_of(design, Process(name="fine", D=CHROME.replace(cells=16)))
    pitch = orders[0].plate.pitch[0]
    outcomes = [
        predict(design, orders, Tolerances(depth=0.1 * n, overlay=0.4 * n * pitch, width=0.2 * n * pitch))[0].tolerances
        for n in (1, 3)
    ]
    for small, large in zip(*outcomes, strict=True):
        assert large.error > small.error
        if "off by" not in large.name:  # what a shift takes from one place it may add to another
            assert abs(large.light - 1) > abs(small.light - 1)


def test_no_tolerance_to_speak_of_costs_nothing(lines):
    (prediction,) = predict(*lines, Tolerances(depth=1e-9, overlay=1e-14, width=1e-14))
    for outcome in prediction.tolerances:
        assert outcome.light == pytest.approx(1, abs=1e-5)  # integrated to a millionth, part by part
        assert outcome.after_calibration <= outcome.error + 1e-6
    errors = {outcome.name[:3]: outcome.error for outcome in prediction.tolerances}
    assert errors["L1A"] == pytest.approx(errors["L1D"], rel=1e-3)


def test_widths_beyond_half_a_cell_are_predicted_too():
    """Cells of 0.4 µm, and a shop that draws 0.25 µm too much."""
    design = compiled(shape=(4,))
    fine = MaskProcess(encoding="chrome-and-etch", feature="0.4 um")
    orders = orders_of(design, Process(name="fine", A=fine))
    (prediction,) = predict(design, orders, Tolerances(depth=0.0, overlay=0.0, width="0.25 um"))
    assert len(prediction.tolerances) == 2
    assert all(outcome.error > 0.05 for outcome in prediction.tolerances)


def test_complex_layers_and_modulators():
    design = phases()
    shown = MaskProcess(encoding="phase-steps", levels=256, made="modulator")
    etched = MaskProcess(encoding="phase-steps", levels=8)
    (prediction,) = predict(design, orders_of(design, Process(name="x", A=shown, D=etched)), Tolerances())
    assert {outcome.name[:3] for outcome in prediction.tolerances} == {"L1D"}  # what is shown has no patterns
    overlays = [outcome.name for outcome in prediction.tolerances if "off by" in outcome.name]
    assert len(overlays) == 6  # of three etches the second and third, and the chrome around, along y and x
    assert all(outcome.error > 0 and outcome.light > 0 for outcome in prediction.tolerances)
