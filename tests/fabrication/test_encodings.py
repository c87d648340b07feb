"""Masks as cells: what arrives is the mask, the better the finer, and the carriers lead where they say."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from acdc_optical import realise
from acdc_optical.fabrication.encodings import (
    BinaryLee,
    BinaryPhase,
    BlazedCarrier,
    ChromeAndEtch,
    DoublePhase,
    PhaseSteps,
)
from acdc_optical.fabrication.made import Cells, MadeLayer
from tests.fabrication.ordered import shown
from tests.realisation.cases import bench, inputs, layer, relative_error

SHAPES = [(6,), (7,), (6, 6), (4, 6), (5, 3), (1, 1)]
ENCODINGS = {
    "chrome": ChromeAndEtch(4),
    "chrome, eight phases": ChromeAndEtch(3, levels=8),
    "binary phase": BinaryPhase(4),
    "double phase": DoublePhase(16, 4),
    "double phase, one cell": DoublePhase(16, 1),
    "blaze": BlazedCarrier(16, 8),
    "Lee": BinaryLee(8),
}
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
every_encoding = pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=ENCODINGS)


def real(shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.complex128)


def complex_(shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 1, shape) * np.exp(2j * math.pi * rng.uniform(size=shape))


def slope(sizes, errors):
    """The exponent of the power law through some errors."""
    return np.polyfit(np.log(sizes), np.log(errors), 1)[0]


@every_encoding
@every_shape
def test_cells_are_levels_of_the_alphabet(shape, encoding):
    encoded = encoding(0.5 + 0.5 * real(shape))
    assert encoded.levels.shape == tuple(encoded.cells * n for n in shape)
    assert encoded.levels.dtype == np.uint8
    assert encoded.levels.max() < len(encoded.alphabet)
    assert encoded.light == pytest.approx(abs(encoded.factor) ** 2)


@every_shape
def test_what_is_said_of_the_pixels_is_so(shape):
    """Factor and residual, by hand: the mean over each pixel's cells, beside the mask."""
    values = complex_(shape)
    encoded = ChromeAndEtch(4, levels=8)(values)
    cells = encoded.alphabet.transmittance[encoded.levels]
    pixels = [
        cells[tuple(slice(4 * i, 4 * i + 4) for i in place)].mean() / encoded.factor for place in np.ndindex(*shape)
    ]
    residual = np.linalg.norm(np.reshape(pixels, shape) - values) / np.linalg.norm(values)
    assert encoded.residual == pytest.approx(residual, rel=1e-12, abs=1e-15)  # rounding
    # The factor is the one that suits best: what is left has nothing of the mask.
    assert abs(np.vdot(values, np.reshape(pixels, shape) - values)) < 1e-13 * np.linalg.norm(values) ** 2


@pytest.mark.parametrize("levels", [2, 4, 16, 256, 1024])
def test_steps_of_phase_err_as_rounding_does(levels):
    """Rounded phases err evenly within half a step: rms (π/L)/√3 to first order, of modulus sinc(1/L) in the mean."""
    values = np.exp(2j * math.pi * np.random.default_rng(0).uniform(size=(60, 60)))
    encoded = PhaseSteps(levels)(values)
    assert encoded.cells == 1
    assert abs(encoded.factor) == pytest.approx(np.sinc(1 / levels), abs=0.02)  # a sample of 3600 phases
    if levels > 2:
        assert encoded.residual == pytest.approx(math.pi / levels / math.sqrt(3), rel=0.1)  # second order at L = 4
    assert encoded.levels.dtype == (np.uint16 if levels > 256 else np.uint8)


def test_steps_that_the_mask_has_are_exact():
    for levels in (2, 3, 4, 8):
        wanted = np.random.default_rng(0).integers(0, levels, (5, 7))
        encoded = PhaseSteps(levels)(np.exp(2j * math.pi * wanted / levels))
        np.testing.assert_array_equal(encoded.levels, wanted)
        assert encoded.residual < 1e-15


@pytest.mark.parametrize("encoding", [ChromeAndEtch, BinaryPhase])
@pytest.mark.parametrize("shape", [(8, 8), (4, 6)], ids=str)
def test_real_masks_err_by_a_cell_of_many(shape, encoding):
    """Each pixel within 1/cells² (2/cells² from phase 0 to π), so the rms error falls with the square."""
    sizes = [2, 4, 8, 16, 32]
    values = real(shape)
    errors = []
    for cells in sizes:
        encoded = encoding(cells)(values)
        share = encoded.alphabet.transmittance[encoded.levels].reshape(shape[0], cells, shape[1], cells).mean((1, 3))
        span = 2 if encoding is BinaryPhase else 1
        assert np.abs(share - values).max() <= span / cells**2 + 1e-9  # rounding of sums
        assert abs(encoded.factor - 1) < span / cells**2
        errors.append(encoded.residual)
    assert slope(sizes, errors) == pytest.approx(-2, abs=0.3)  # 64 pixels are few to take a mean over


def test_lines_err_by_a_cell_of_few():
    sizes = [4, 8, 16, 32, 64]
    errors = [ChromeAndEtch(cells)(real((40,))).residual for cells in sizes]
    assert slope(sizes, errors) == pytest.approx(-1, abs=0.2)  # 40 pixels


def test_double_phase_errs_by_the_steps_and_by_what_the_last_cell_leaves():
    values = complex_((8, 8))
    levels = [8, 16, 32, 64, 128]
    assert slope(levels, [DoublePhase(n)(values).residual for n in levels]) == pytest.approx(-1, abs=0.2)
    cells = [2, 4, 8]
    errors = [DoublePhase(64, n)(values).residual for n in cells]
    assert slope(cells, errors) == pytest.approx(-2, abs=0.3)  # one step in all the cells of a pixel
    assert DoublePhase(2**16)(values).residual < 1e-4  # two phases make any value: a step of 2π/65536 is left
    assert DoublePhase(2**16)(values).factor == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("periods", [(8, 16, 32, 64)])
def test_carriers_tend_to_the_light_of_theory(periods):
    """A blaze to all of it, open and opaque to 1/π of the amplitude."""
    values = complex_((4, 4))
    for make, theory in ((lambda p: BlazedCarrier(2**16, 2 * p, p), 1.0), (lambda p: BinaryLee(2 * p, p), 1 / math.pi)):
        encoded = [make(period)(values) for period in periods]
        off = [abs(abs(e.factor) / theory - 1) for e in encoded]
        # The carrier is sinc(1/Λ) weaker in the mean over a cell: 1.6/Λ², and about twice that from edges on cells.
        assert all(d < 4 / p**2 for d, p in zip(off, periods, strict=True))
        errors = [e.residual for e in encoded]
        assert all(b < 0.75 * a for a, b in pairwise(errors))
        assert errors[-1] < 0.03
        assert [e.period for e in encoded] == list(periods)


def test_a_full_blaze_sends_what_steps_let_it():
    """Of a clear mask: the carrier's own steps, one for each cell of the period, cost sinc²(1/Λ)."""
    encoded = BlazedCarrier(levels=8, cells=8, period=8)(np.ones((3, 4), dtype=np.complex128))
    assert encoded.light == pytest.approx(np.sinc(1 / 8) ** 2, rel=1e-12)  # 0.9496 as in efficiency.py
    assert encoded.residual < 1e-14


SYMMETRIC = [e for name, e in ENCODINGS.items() if name not in ("blaze", "Lee")]  # those lead to one side


@pytest.mark.parametrize("encoding", SYMMETRIC, ids=str)
@pytest.mark.parametrize("shape", [(6,), (4, 6), (6, 6)], ids=str)
def test_mirrored_masks_stay_mirrored(shape, encoding):
    values = real(shape)
    for axis in range(len(shape)):
        values = (values + np.flip(values, axis)) / 2
    levels = encoding(values).levels
    for axis in range(len(shape)):
        np.testing.assert_array_equal(levels, np.flip(levels, axis))


def error_on_the_bench(kind, shape, encode_a, encode_d, *, read=lambda cells: cells):
    """Of a layer whose pixels are full of light, through encoded masks."""
    with torch.no_grad():
        optical = realise(layer(kind, shape, "signed random"), bench(fill=1.0))
        masks, x = optical.masks(), inputs(optical.layer, 3)
        a, d = (
            Cells.whole(mask) if encode is None else read(shown(encode(mask.to(torch.complex128).numpy())))
            for mask, encode in ((masks.input_mask, encode_a), (masks.fourier_mask, encode_d))
        )
        return relative_error(MadeLayer(optical, a, d, accuracy=1e-6)(x), optical.layer(x))  # errors are from 1e-3 on


WAYS = {
    # The encoding, the error that is left, and what it is at most of that of cells four times as large. Two periods of
    # a carrier for each pixel are few: what should go aside is still seen.
    "chrome": (lambda n, kind: ChromeAndEtch(n, 2 if kind == "ACDC" else 256), 0.02, 0.25),
    "binary phase": (lambda n, kind: BinaryPhase(n), 0.02, 0.25),
    "double phase": (lambda n, kind: DoublePhase(64, n), 0.01, 0.25),
    "blaze": (lambda n, kind: BlazedCarrier(256, n, max(4, n // 2)), 0.2, 0.8),
    "Lee": (lambda n, kind: BinaryLee(n, max(4, n // 2)), 0.2, 0.4),
}


@pytest.mark.parametrize("side", ["A", "D"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["ACDC", "AFDF"])
def test_the_layer_is_the_better_the_finer_the_cells(kind, way, side):
    if (kind, way) == ("AFDF", "binary phase"):
        pytest.skip("complex masks cannot be encoded so")
    make, last, share = WAYS[way]
    errors = []
    for cells in (4, 8, 16):
        chosen = (make(cells, kind), None) if side == "A" else (None, make(cells, kind))
        errors.append(error_on_the_bench(kind, (2, 3), *chosen))
    assert errors[2] < last
    assert errors[2] < share * errors[0]


@pytest.mark.parametrize("encoding", [BlazedCarrier(64, 16, 8), BinaryLee(16, 8)], ids=str)
@pytest.mark.parametrize("side", ["A", "D"])
@pytest.mark.parametrize("kind", ["ACDC", "AFDF"])
def test_carriers_are_read_in_the_right_order(kind, side, encoding):
    chosen = (encoding, None) if side == "A" else (None, encoding)
    right = error_on_the_bench(kind, (2, 3), *chosen)
    wrong = error_on_the_bench(kind, (2, 3), *chosen, read=lambda cells: replace(cells, turns=-cells.turns))
    assert right < 0.3
    if isinstance(encoding, BinaryLee) and kind == "ACDC":
        # What is open or opaque has both orders alike: the other has the mask's conjugate, here the same.
        assert wrong < 0.3
    else:
        assert wrong > 0.7


def test_without_light_to_encode():
    dark = np.zeros((3, 4), dtype=np.complex128)
    for encoding in (ChromeAndEtch(4), BinaryPhase(4), DoublePhase(8), BlazedCarrier(8, 4), BinaryLee(4)):
        encoded = encoding(dark)
        assert encoded.factor == 1.0  # not 0, by which the light would be divided
        cells = shown(encoded).values.reshape(3, encoded.cells, 4, encoded.cells)
        if encoded.period is None:  # dark in the mean; carriers only in the order that counts
            np.testing.assert_allclose(cells.mean((1, 3)), 0, atol=1e-15)  # rounding
            assert encoded.residual < 1e-14
    with pytest.raises(ValueError, match="no light of the mask is left in so few cells"):
        ChromeAndEtch(1)(np.full((3, 4), 0.2 + 0j))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PhaseSteps(4)(real((4, 4))), r"the mask absorbs .* by up to 0\.9"),
        (lambda: BinaryPhase(4)(complex_((4, 4))), "the mask is complex"),
        (lambda: BlazedCarrier(8, 4, period=3), "period of four cells or more .* got 3"),
        (lambda: BinaryLee(4, period=2), "period of four cells or more .* got 2"),
        (lambda: ChromeAndEtch(0)(real((4, 4))), "one or more cells per pixel; got 0"),
        (lambda: DoublePhase(1)(real((4, 4))), "expected 2 to 65536 levels of phase; got 1"),
        (lambda: PhaseSteps(2**17)(np.ones((2, 2), dtype=np.complex128)), "expected 2 to 65536"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
