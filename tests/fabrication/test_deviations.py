"""Deviations against rasters ten times as fine, closed forms and symmetries."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from acdc_optical import Design
from acdc_optical.fabrication.deviations import Depth, Overlay, Width
from acdc_optical.fabrication.efficiency import blaze_efficiency
from acdc_optical.fabrication.made import MadeLayer
from acdc_optical.fabrication.mask_process import MaskProcess
from acdc_optical.fabrication.orders import made_layers, orders_of
from acdc_optical.fabrication.plate import CHROME, CHROME_AND_SIGN, phase_steps
from acdc_optical.fabrication.process import Process
from tests.fabrication.closed_forms import overlay_efficiency
from tests.fabrication.ordered import ETCHED_CHROME, order_of
from tests.realisation.cases import bench, inputs, layer, relative_error

FINE = 10
PITCH = (1e-6, 2e-6)
GROWN = MaskProcess(encoding="double-phase", cells=1, levels=2, made="added", material="su-8-2000")
MIRROR = MaskProcess(encoding="double-phase", cells=1, levels=2, light="reflection", faces_source=True)
DRAWN = MaskProcess(encoding="chrome-and-etch", cells=1, chrome_drawn=True)
COARSE = MaskProcess(encoding="chrome-and-etch", cells=4)
BARE = MaskProcess(encoding="binary-lee", cells=1, made="chrome")
ORDERS = {
    "chrome and etch": (CHROME_AND_SIGN, ETCHED_CHROME),
    "chrome drawn": (CHROME_AND_SIGN, DRAWN),
    "bare chrome": (CHROME, BARE),
    "eight etches": (phase_steps(8), MaskProcess(encoding="double-phase", cells=1, levels=8)),
    "added": (phase_steps(4), GROWN),
    "mirror": (phase_steps(4), MIRROR),
}
every_order = pytest.mark.parametrize("made", ORDERS.values(), ids=ORDERS)
either_shape = pytest.mark.parametrize("shape", [(6, 8), (12,)], ids=str)


def random_order(made, shape=(6, 8), *, cells=2):
    alphabet, process = made
    levels = np.random.default_rng(0).integers(0, len(alphabet), shape)
    return order_of(levels, alphabet, process, cells=cells, pitch=PITCH)


def raster(cells):
    """Of all cells the values at the middles of a raster, FINE for a cell of the order; (ny·FINE, nx·FINE)."""
    values = cells.values.numpy()
    for axis, edges in enumerate(cells.edges):
        count = len(edges) - 1
        pixels = values.shape[axis] // count
        per_pixel = 2 * FINE  # two cells per pixel in all orders here
        middles = (np.arange(per_pixel) + 0.5) / per_pixel - 0.5
        within = np.searchsorted(edges, middles) - 1
        index = (np.arange(pixels)[:, None] * count + within).ravel()
        values = np.take(values, index, axis=axis)
    return values


def fine_patterns(order):
    """What each layer draws on the raster; of stripes one row."""
    levels = order.plate.levels if order.pixels.ndim == 2 else order.plate.levels[:1]
    levels = np.repeat(levels, FINE, axis=1)
    levels = np.repeat(levels, FINE, axis=0) if order.pixels.ndim == 2 else levels
    return [np.array(each.drawn)[levels] for each in order.plate.layers]


def light_through(order, patterns):
    """Chrome where its layer says, phase by what is drawn: levels where they are known, else by the heights."""
    plate, turn = order.plate, order.process.relief().turn(order.plate.wavelength)
    up = 1 if order.process.made == "added" else -1
    clear, phase = np.ones(patterns[0].shape), np.zeros(patterns[0].shape)
    for each, drawn in zip(plate.layers, patterns, strict=True):
        if each.name == "CHROME":
            clear = drawn if order.process is not DRAWN else ~drawn
        else:
            phase = phase + 2 * math.pi * up * each.depth * drawn / turn
    light = clear * np.exp(1j * phase)
    return light[0] if order.pixels.ndim == 1 else light


def moved(pattern, steps, axis):
    out = np.zeros_like(pattern)
    target = [slice(None), slice(None)]
    source = list(target)
    target[axis], source[axis] = (slice(steps, None), slice(0, pattern.shape[axis] - steps))
    out[tuple(target)] = pattern[tuple(source)]
    return out


def spread(pattern, steps):
    """Drawn wherever something is drawn within so many steps along (y, x), corners too."""
    for axis, count in enumerate(steps):
        around = [pattern]
        for n in range(1, count + 1):
            around += [moved(pattern, n, axis), np.flip(moved(np.flip(pattern, axis), n, axis), axis)]
        pattern = np.any(around, axis=0)
    return pattern


def same_up_to_a_factor(got, wanted):
    factor = np.vdot(wanted, got) / np.vdot(wanted, wanted)
    assert abs(factor) == pytest.approx(1, abs=1e-12)  # rounding of phases
    np.testing.assert_allclose(got, factor * wanted, atol=1e-12)


@every_order
@either_shape
def test_no_deviation_is_what_is_ordered(made, shape):
    order = random_order(made, shape)
    ordered = order.cells
    axes = (0, 1) if len(shape) == 2 else (1,)
    deviations = [Width(0.0), *(Overlay(0, 0.0, axis) for axis in axes)]
    if order.plate.heights is not None:
        deviations.append(Depth(0.0))
    for deviation in deviations:
        cells = deviation.cells(order)
        assert cells.edges == ordered.edges
        assert (cells.factor, cells.turns) == (ordered.factor, ordered.turns)
        np.testing.assert_allclose(cells.values, ordered.values, atol=1e-14)  # rounding of phases


@every_order
@either_shape
def test_patterns_make_the_levels(made, shape):
    """The brute force of these tests, and the library's levels."""
    order = random_order(made, shape)
    same_up_to_a_factor(light_through(order, fine_patterns(order)), raster(order.cells))


@every_order
@either_shape
@pytest.mark.parametrize("share", [0.3, 1.0, 1.7, 3.0])
def test_a_pattern_off_its_place(made, shape, share):
    order = random_order(made, shape)
    for pattern in range(len(order.plate.layers)):
        for axis in (0, 1) if len(shape) == 2 else (1,):
            patterns = fine_patterns(order)
            patterns[pattern] = moved(patterns[pattern], round(share * FINE), axis)
            got = raster(Overlay(pattern, share * PITCH[axis], axis).cells(order))
            same_up_to_a_factor(got, light_through(order, patterns))


@every_order
@either_shape
@pytest.mark.parametrize("share", [0.2, -0.2, 0.6, -0.6, 1.0, -1.0, 1.4, -1.4, 1.8])
def test_drawn_areas_too_wide_or_too_narrow(made, shape, share):
    """By the same length along both axes, which is twice as many cells along y: those are 2 µm by 1 µm."""
    order = random_order(made, shape)
    steps = [round(abs(share) * FINE), round(abs(share) * FINE / 2)]
    if len(shape) == 1:
        steps[0] = 0
    patterns = []
    for pattern in fine_patterns(order):
        # Beyond the mask nothing is drawn: from there drawn areas get narrower, too.
        room = [(n, n) for n in steps]
        around = np.pad(~pattern, room, constant_values=True)
        inside = tuple(slice(n, size - n) for n, size in zip(steps, around.shape, strict=True))
        patterns.append(spread(pattern, steps) if share > 0 else ~spread(around, steps)[inside])
    got = raster(Width(share * 1e-6).cells(order))
    same_up_to_a_factor(got, light_through(order, patterns))


@pytest.mark.parametrize("shift", [3e-7, 6e-7, 1e-6 * (1 - 1e-16), 2e-6 * (1 + 1e-15)])
def test_whole_cells_but_for_rounding_are_whole(shift):
    """3e-7 / 1e-7 is a little below three; parts as small as that have no edges apart."""
    for cells in (1, 2, 16):
        levels = np.random.default_rng(0).integers(0, 3, (16, 32))
        order = order_of(levels, cells=cells, pitch=(1e-7, 1e-7))
        for deviation in (Overlay(1, shift, 1), Width(shift)):
            assert deviation.cells(order).values.shape == (16, 32)


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_the_first_pattern_one_way_is_the_other_the_other_way(share):
    """Up to a shift of the whole mask; away from its border, where one or the other has nothing."""
    order = random_order(ORDERS["chrome and etch"], (6, 16))
    turned = replace(order, plate=replace(order.plate, levels=order.plate.levels[:, ::-1]))
    steps = round(share * FINE)
    one = raster(Overlay(0, share * PITCH[1], 1).cells(order))
    other = raster(Overlay(1, share * PITCH[1], 1).cells(turned))[:, ::-1]
    same_up_to_a_factor(one[:, 2 * steps : -steps], other[:, steps : -2 * steps])
    assert not np.allclose(one[:, 2 * steps : -steps], other[:, 2 * steps : -steps])


@pytest.mark.parametrize("error", [-0.05, 0.0, 0.03, 0.2])
@pytest.mark.parametrize("levels", [2, 4, 8])
@pytest.mark.parametrize("made", ["etched", "added", "mirror"])
def test_staircases_of_wrong_depth_have_the_efficiency_of_the_closed_form(made, levels, error):
    etched = MaskProcess(encoding="double-phase", cells=1, levels=2)
    process = {"etched": etched, "added": GROWN, "mirror": MIRROR}[made]
    order = order_of(np.tile(np.arange(levels), 3), phase_steps(levels), process)
    values = Depth(error).cells(order).values.numpy()[:levels]
    # Etched into glass, all levels but the first are lowered: by a turn less what they add.
    falling = {"etched": True, "added": False, "mirror": False}[made]
    for wanted in (-1, 0, 1, 2):
        waves = np.exp(-2j * math.pi * wanted * np.arange(levels) / levels)
        share = abs((values * waves).mean()) ** 2 * np.sinc(wanted / levels) ** 2
        if not falling:
            closed = blaze_efficiency(levels, order=wanted, depth_error=error)
        else:  # the levels' depths fall from a turn less a step to 0: a staircase the other way, and one level without
            lowered = -np.arange(levels, 0, -1) * (np.arange(levels) > 0) * (1 + error)
            steps = np.exp(2j * math.pi * lowered / levels)
            closed = abs((steps * waves).mean()) ** 2 * np.sinc(wanted / levels) ** 2
        assert share == pytest.approx(closed, abs=1e-13)  # rounding


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("pattern", [0, 1])
def test_a_staircase_not_aligned_has_the_efficiency_of_the_closed_form(pattern, share):
    """Four levels by two coats; of the second period, which the border does not reach."""
    order = order_of(np.tile(np.arange(4), 4), phase_steps(4), GROWN, cells=4)
    cells = Overlay(pattern, share * 1e-6, 1).cells(order)
    count = len(cells.edges[0]) - 1
    values, edges = cells.values.numpy()[count : 2 * count], np.array(cells.edges[0])
    shifts = [0.0, 0.0]
    shifts[pattern] = share / 4
    for wanted in (-1, 0, 1, 2):
        middles, widths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
        parts = values * widths * np.sinc(wanted * widths) * np.exp(-2j * math.pi * wanted * middles)
        assert abs(parts.sum()) ** 2 == pytest.approx(overlay_efficiency(shifts, order=wanted), abs=1e-13)  # rounding


def test_a_pedestal_costs_nothing():
    """Its height is wrong, too, but by the same phase everywhere."""
    thick = MaskProcess(encoding="double-phase", cells=1, levels=2, made="added", material="su-8-2000", pedestal=5e-6)
    levels = np.random.default_rng(0).integers(0, 4, (4, 6))
    thin, lifted = (order_of(levels, phase_steps(4), process) for process in (GROWN, thick))
    np.testing.assert_allclose(Depth(0.1).cells(lifted).values, Depth(0.1).cells(thin).values, atol=1e-13)  # rounding


@pytest.mark.parametrize("shape", [(4,), (2, 3)], ids=str)
@torch.no_grad()
def test_small_deviations_cost_in_proportion(shape):
    """On the bench: the light that a deviation adds is twice as much for twice the deviation, to first order."""
    design = Design.of(layer("ACDC", shape), bench())
    orders = orders_of(design, Process(name="coarse", A=COARSE, D=COARSE))
    made, x = made_layers(design, orders)[0], inputs(design.stages[0])
    nominal = made(x)
    pitch = orders[1].plate.pitch[1]
    for make in (lambda s: Overlay(1, s * pitch, 1), lambda s: Width(s * pitch), lambda s: Width(-s * pitch), Depth):
        costs = []
        for size in (1e-3, 2e-3):
            cells = make(size).cells(orders[1])
            costs.append(relative_error(MadeLayer(made.optical, made.input, cells)(x), nominal))
        if make is Depth:  # a mask of 0 and π errs out of phase, which a real layer does not read: second order is left
            assert costs[1] == pytest.approx(4 * costs[0], rel=0.3)
        else:
            assert costs[1] == pytest.approx(2 * costs[0], rel=0.02)
        assert 0 < costs[0] < 0.02


def test_names_say_what_and_how_much():
    assert Depth(-0.03).name == "all depths -3.0%"
    assert Overlay(1, 2.5e-7, 1).name == "pattern 2 off by 250 nm along x"
    assert Width(-1e-7).name == "drawn areas narrower by 100 nm a side"
    assert Width(1e-7).name == "drawn areas wider by 100 nm a side"


def test_errors():
    etched, stripes = random_order(ORDERS["chrome and etch"]), random_order(ORDERS["chrome and etch"], (8,))
    gray = order_of(
        np.zeros((2, 2), dtype=int),
        phase_steps(8),
        MaskProcess(encoding="double-phase", cells=1, levels=8, made="etched-gray-scale"),
    )
    for build, message in [
        (lambda: Depth(0.1).cells(random_order(ORDERS["bare chrome"])), "L1D has no relief"),
        (lambda: Overlay(0, 1e-7, 0).cells(gray), "L1D has no patterns that could be off"),
        (lambda: Width(1e-7).cells(gray), "L1D has no patterns that could be off"),
        (lambda: Overlay(2, 1e-7, 0).cells(etched), "L1D has 2 patterns, and no pattern 3"),
        (lambda: Overlay(0, 1e-7, 0).cells(stripes), "L1D is striped: along y"),
        (lambda: Overlay(0, -1e-7, 0), "expected a shift of 0 or more"),
    ]:
        with pytest.raises(ValueError, match=message):
            build()
