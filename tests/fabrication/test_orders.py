"""From designs to plates, and back to the light."""

import numpy as np
import pytest
import torch
from torch import nn

from acdc_optical import Design
from acdc_optical.fabrication.made import WHOLE, Cells, MadeLayer
from acdc_optical.fabrication.mask_process import MaskProcess
from acdc_optical.fabrication.orders import made_layers, optical_layers, orders_of
from acdc_optical.fabrication.process import LayoutProcess, Process
from tests.fabrication.designs import compiled, one_etch
from tests.fabrication.ordered import even, shown
from tests.realisation.cases import bench, inputs, layer, relative_error

CHROME = MaskProcess(encoding="chrome-and-etch", cells=4)
BOTH = Process(name="both", A=CHROME, D=CHROME.replace(cells=8))


def test_masks_are_ordered_layer_by_layer():
    network = nn.Sequential(layer("ACDC", (2, 3)), nn.ReLU(), layer("ACDC", (2, 3), seed=1))
    design = Design.of(network, bench())
    orders = orders_of(design, BOTH)
    assert [(o.plate.name, o.layer, o.side) for o in orders] == [
        ("L1A", 0, "A"),
        ("L1D", 0, "D"),
        ("L2A", 1, "A"),
        ("L2D", 1, "D"),
    ]
    masks = [m for m in design.masks if m is not None]
    for order in orders:
        mask = masks[order.layer]
        pixels = mask.input_mask if order.side == "A" else mask.fourier_mask
        cells = order.encoded.cells
        assert order.plate.levels.shape == tuple(cells * n for n in pixels.shape)
        assert order.plate.extent == pytest.approx(order.pixels.extent, rel=1e-12)
        assert order.plate.wavelength == design.bench.wavelength
    assert [o.plate.name for o in orders_of(design, Process(name="D", D=CHROME))] == ["L1D", "L2D"]


def test_the_light_meets_what_is_ordered():
    """Row 0 is at the lowest y, column 0 at the lowest x; as the mask's pixels are, in their mean."""
    design = compiled()
    for order in orders_of(design, BOTH):
        cells = order.cells
        count = order.encoded.cells
        assert cells.edges == (even(count), even(count))
        mask = design.masks[0].input_mask if order.side == "A" else design.masks[0].fourier_mask
        means = cells.values.reshape(mask.shape[0], count, mask.shape[1], count).mean((1, 3)) / cells.factor
        # Each within a cell of all, and the factor within that of 1.
        assert float((means - mask.detach()).abs().max()) < 2 / count**2
        assert torch.equal(cells.values, shown(order.encoded).values)


@pytest.mark.parametrize("height", [2e-3, 1e-7])
def test_one_dimensional_masks_are_stripes(height):
    process = Process(name="stripes", D=CHROME, layout=LayoutProcess(stripe_height=height))
    (order,) = orders_of(compiled(shape=(4,)), process)
    plate = order.plate
    assert plate.pitch[0] == plate.pitch[1]
    assert plate.extent[1] == pytest.approx(order.pixels.extent[0], rel=1e-12)
    assert plate.extent[0] == pytest.approx(max(height, plate.pitch[0]), abs=0.5 * plate.pitch[0])
    assert (plate.levels == plate.levels[0]).all()
    np.testing.assert_array_equal(plate.levels[0], order.encoded.levels)
    rows = max(1, round(height / plate.pitch[1]))  # about as high as wide
    assert plate.levels.shape[0] == rows
    assert order.cells.values.shape == order.encoded.levels.shape
    if rows > 1:
        bent = plate.levels.copy()
        bent[3:5, 2] ^= 1
        with pytest.raises(ValueError, match="2 rows of the stripes of L1D are not like the first"):
            order.cells_on(plate.transmittance[bent])


def test_what_faces_the_source_is_seen_mirrored():
    design = compiled()
    away, towards = (
        orders_of(design, Process(name="x", D=CHROME.replace(faces_source=facing)))[0] for facing in (False, True)
    )
    np.testing.assert_array_equal(towards.plate.levels, away.plate.levels)
    np.testing.assert_array_equal(towards.plate.seen, away.plate.seen[:, ::-1])
    assert torch.equal(towards.cells.values, away.cells.values)


def test_masks_with_gaps_are_refused_where_they_would_be_drawn():
    design = compiled(mask_fill=0.9)
    with pytest.raises(ValueError, match=r"mask D of optical layer 1: .* opaque gaps \(fill 0\.9\).* mask\.fill = 1"):
        orders_of(design, Process(name="x", D=CHROME))
    assert orders_of(design, Process(name="x", A=CHROME))
    assert orders_of(
        design, Process(name="x", D=MaskProcess(encoding="double-phase", levels=4, cells=2, made="modulator"))
    )


def test_carriers_tell_the_light_their_turns():
    lee = MaskProcess(encoding="binary-lee", cells=12, period=8, made="chrome")
    (order,) = orders_of(compiled(), Process(name="x", D=lee))
    cells = order.cells
    assert (cells.turns, cells.factor) == (1.5, order.encoded.factor)
    assert order.plate.heights is None


@pytest.mark.parametrize("shape", [(4,), (2, 3)], ids=str)
@torch.no_grad()
def test_made_layers_take_what_is_ordered_and_design_the_rest(shape):
    design = compiled(shape=shape)
    masks, optical = design.masks[0], optical_layers(design)[0]
    x = inputs(optical.layer, 2)
    orders = orders_of(design, BOTH)
    a, d = (order.cells for order in orders)
    whole = Cells.whole(masks.input_mask), Cells.whole(masks.fourier_mask)
    assert whole[0].edges == (WHOLE,) * len(shape)
    for chosen, cells in [(orders, (a, d)), (orders[:1], (a, whole[1])), (orders[1:], (whole[0], d)), ((), whole)]:
        wanted = MadeLayer(optical, *cells)(x)
        assert torch.equal(made_layers(design, chosen)[0](x), wanted)
    assert relative_error(made_layers(design, ())[0](x), optical(x)) < 1e-12  # two numbers of nodes
    # Levels from elsewhere stand for those of the plate of their name.
    other = np.zeros_like(orders[1].plate.levels)
    blocked = made_layers(design, orders, {"L1D": other, "L9D": other})[0]
    assert float(blocked(x).abs().max()) == 0


@torch.no_grad()
def test_one_etch_is_made_exactly():
    """Phases 0 and π, one cell for each pixel: nothing is lost from the design to the plate."""
    design = one_etch()
    made, optical = made_layers(design, orders_of(design, Process.preset("one-etch")))[0], optical_layers(design)[0]
    x = inputs(optical.layer, 2)
    assert relative_error(made(x), optical(x)) < 1e-6  # phases trained in single precision
