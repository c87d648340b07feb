"""What an order adds around a mask and leaves out of it."""

import numpy as np
import pytest

from acdc_optical.fabrication.mask_process import MaskProcess
from acdc_optical.fabrication.orders import orders_of
from acdc_optical.fabrication.process import LayoutProcess, Process
from tests.fabrication.designs import compiled, phases

ETCHED = MaskProcess(encoding="phase-steps", levels=4)


def ordered(how, design=None, side="D", **layout):
    return orders_of(design or phases(), Process(name="x", **{side: how}, layout=LayoutProcess(**layout)))[0]


def test_chrome_is_drawn_around_masks_of_phase_alone():
    """Clear glass beside mask D would let light pass that the mask was never asked about."""
    plate = ordered(ETCHED).plate
    *etches, window = plate.layers
    assert (window.name, window.number) == ("CHROME", 10)
    assert plate.drawn(window).all()  # the opening is the mask, and all of it
    assert [layer.name for layer in etches] == ["ETCH1", "ETCH2"]
    np.testing.assert_array_equal(plate.levels_of([plate.drawn(layer) for layer in plate.layers]), plate.seen)


def test_a_stop_takes_its_place():
    assert [layer.name for layer in ordered(ETCHED.replace(surroundings="stop")).plate.layers] == ["ETCH1", "ETCH2"]
    assert "CHROME" not in [layer.name for layer in ordered(ETCHED, side="A").plate.layers]


def test_drawn_chrome_leaves_the_surroundings_clear():
    drawn = MaskProcess(encoding="chrome-and-etch", cells=2, chrome_drawn=True)
    with pytest.raises(ValueError, match="leave the surroundings of the mask clear"):
        ordered(drawn, compiled())
    assert ordered(drawn.replace(surroundings="stop"), compiled()).plate.layers


def test_patterns_that_draw_nothing_are_not_ordered():
    order = ordered(MaskProcess(encoding="chrome-and-etch", cells=4), compiled())
    used = np.unique(order.plate.levels)
    for layer in order.plate.layers:
        assert any(layer.drawn[level] for level in used)


def test_a_coarse_grid_is_refused():
    cell = min(ordered(ETCHED).plate.pitch)
    assert ordered(ETCHED, grid=0.01 * cell)
    with pytest.raises(ValueError, match=r"moves the edges of cells of .* not simulated"):
        ordered(ETCHED, grid=0.05 * cell)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"light": "reflection"}, "faces_source = true"),
        ({"light": "reflection", "faces_source": True, "made": "chrome"}, "chrome is bright in reflection"),
        ({"index": 1.5, "material": "silicon"}, "material has no effect"),
        ({"pedestal": 1e-6}, "pedestal has no effect"),
        ({"chrome_drawn": True}, "chrome_drawn has no effect"),
        ({"profile": "x.toml"}, "profile has no effect"),
    ],
)
def test_settings_that_contradict_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ETCHED.replace(**settings)


def test_modulators_have_no_opaque_pixels():
    with pytest.raises(ValueError, match="no opaque pixels"):
        MaskProcess(encoding="chrome-and-etch", cells=2, made="modulator")
