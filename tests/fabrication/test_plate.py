"""Levels, what draws them, and what they are."""

import math

import numpy as np
import pytest

from acdc_optical.fabrication.plate import CHROME, CHROME_AND_SIGN, Alphabet, Layer, Plate, phase_steps
from tests.fabrication.plates import etched, noise, stripes

PLATES = {
    "noise": etched(noise()),
    "stripes": etched(stripes()),
    "one layer": etched(noise() % 2, bits=1),
    "mirrored": etched(noise(), mirrored=True),
    "ten layers": etched(np.arange(1023, dtype=np.uint16).reshape(31, 33), bits=10),
}
every_plate = pytest.mark.parametrize("plate", PLATES.values(), ids=PLATES)


@every_plate
def test_levels_from_what_is_drawn(plate):
    levels = plate.levels_of([plate.drawn(layer) for layer in plate.layers])
    assert levels.dtype == plate.levels.dtype
    np.testing.assert_array_equal(levels, plate.seen)


def test_a_mirrored_plate_is_seen_the_other_way_along_x():
    plate = PLATES["mirrored"]
    np.testing.assert_array_equal(plate.seen, plate.levels[:, ::-1])
    assert not np.array_equal(plate.seen, plate.levels)
    np.testing.assert_array_equal(PLATES["noise"].seen, PLATES["noise"].levels)


def test_of_levels_made_alike_the_first_stands_for_all():
    layer = Layer(1, "only", "etched", (False, True, True))
    plate = Plate("alike", np.array([[0, 1, 2]], np.uint8), (1e-6, 1e-6), np.ones(3, np.complex128), 633e-9, (layer,))
    assert plate.levels_of([plate.drawn(layer)]).tolist() == [[0, 1, 1]]


def test_combinations_that_are_no_level_are_counted():
    layers = (Layer(1, "etch", "etched", (False, False, True)), Layer(10, "open", "open", (False, True, True)))
    levels = np.array([[0, 1, 0], [2, 0, 1]], np.uint8)
    plate = Plate("L1A", levels, (1e-6, 1e-6), CHROME_AND_SIGN.transmittance, 633e-9, layers)
    opened = plate.drawn(layers[1])
    with pytest.raises(ValueError, match="3 cells have a combination of layers that is no level of plate 'L1A'"):
        plate.levels_of([np.ones_like(opened), opened])  # etched under the chrome


def test_extent():
    plate = etched(noise((3, 5)), (2e-6, 1e-6))
    assert plate.extent == pytest.approx((6e-6, 5e-6))


@pytest.mark.parametrize("levels", [np.zeros(4, np.uint8), np.zeros((4, 4), np.int64), np.zeros((2, 2, 2), np.uint8)])
def test_levels_are_rows_of_unsigned_integers(levels):
    with pytest.raises(ValueError, match=r"expected levels of shape \(ny, nx\), uint8 or uint16; got"):
        etched(levels)


def test_levels_beyond_the_alphabet():
    with pytest.raises(ValueError, match="level 8 of plate 'plate' is beyond its 8 levels"):
        etched(np.full((2, 2), 8, np.uint8))


@pytest.mark.parametrize("count", [2, 3, 4, 5, 8, 256])
def test_steps_of_phase(count):
    alphabet = phase_steps(count)
    phases = 2 * math.pi * np.arange(count) / count
    assert len(alphabet) == count
    np.testing.assert_allclose(alphabet.phases, phases, atol=1e-15)  # rounding
    np.testing.assert_allclose(alphabet.transmittance, np.exp(1j * phases), atol=1e-14)  # rounding
    assert not alphabet.opaque.any()


@pytest.mark.parametrize("count", [-1, 0, 1, 2**16 + 1])
def test_too_few_or_too_many_steps(count):
    with pytest.raises(ValueError, match=f"expected 2 to 65536 levels of phase; got {count}"):
        phase_steps(count)


def test_opaque_levels():
    assert CHROME.transmittance.tolist() == [0, 1]
    assert CHROME_AND_SIGN.opaque.tolist() == [True, False, False]
    assert Alphabet((5, -1, None), 4).transmittance.tolist() == [1j, -1j, 0]  # whole turns count nothing
