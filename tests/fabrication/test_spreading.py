"""Cells share what a pixel is to be: right in the mean, and alike on both sides of the axis."""

import numpy as np
import pytest

from acdc_optical.fabrication.spreading import from_axis, handed_on, means, nearest_step, repeated, share, staggered

SHAPES = [(8,), (7,), (1,), (8, 8), (4, 6), (5, 7), (6, 5), (1, 1)]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
every_count = pytest.mark.parametrize("cells", [1, 2, 3, 4, 5, 8, 16])


def shares(shape, seed=0):
    return np.random.default_rng(seed).uniform(0, 1, shape)


def mirrored(values):
    for axis in range(values.ndim):
        values = (values + np.flip(values, axis)) / 2
    return values


@every_count
@every_shape
def test_a_pixel_has_its_share_within_a_cell(shape, cells):
    """Within one cell of many; less well where it lies across the axis.

    There a row is rounded both ways, and of the offsets that rows have only half occur, each twice.
    """
    bound = np.ones(shape)
    for axis, n in enumerate(shape):
        if n % 2:
            across_rows = axis == 0 and len(shape) == 2
            np.moveaxis(bound, axis, 0)[n // 2] *= 3 if across_rows else 1.5
    for seed in range(5):
        wanted = shares(shape, seed)
        got = means(share(wanted, cells).astype(np.complex128), cells).real
        assert (np.abs(got - wanted) * cells ** len(shape) <= bound + 1e-9).all()  # rounding of sums


@every_shape
def test_none_and_all_are_exact(shape):
    for whole in (0.0, 1.0):
        assert (share(np.full(shape, whole), 5) == whole).all()


@pytest.mark.parametrize("shape", [(8,), (4, 6)], ids=str)
def test_shares_that_are_whole_numbers_of_cells_are_exact(shape):
    wanted = np.random.default_rng(0).integers(0, 5, shape) / 4
    got = means(share(wanted, 4).astype(np.complex128), 4).real
    # Tenths of rounding in a sum of a few dozen shares must not cost a cell.
    np.testing.assert_allclose(got, wanted, atol=1e-15)


@every_count
@every_shape
def test_mirrored_shares_stay_mirrored(shape, cells):
    got = share(mirrored(shares(shape)), cells)
    for axis in range(len(shape)):
        np.testing.assert_array_equal(got, np.flip(got, axis))


@every_count
def test_a_row_is_never_a_cell_off(cells):
    """Up to any place, counted from the axis: what is diffraction-limited sees no more than the sum over an edge."""
    wanted = shares((6,))
    right = (share(wanted, cells) - repeated(wanted, cells))[3 * cells :]
    assert np.abs(np.cumsum(right)).max() <= 0.5 + 1e-9  # rounded to the nearest, and rounding


@pytest.mark.parametrize("cells", [2, 3, 4])
@pytest.mark.parametrize("shape", [(6,), (4, 6), (6, 4)], ids=str)
def test_what_is_handed_on_leaves_half_a_step_for_each_pixel(shape, cells):
    """The error of a pixel's sum is what rounding its last cell leaves, however many cells there are."""
    count = 32
    phase = np.random.default_rng(0).uniform(0, 2 * np.pi, shape)
    wanted = repeated(np.exp(1j * phase), cells)
    steps = handed_on(wanted, count, cells)
    got = np.exp(2j * np.pi * steps / count)
    left = np.abs(means(got - wanted, cells)) * cells ** len(shape)
    assert left.max() < 2 * np.pi / count  # half a step along the circle, and what cells of modulus 1 cannot make good
    alone = np.abs(means(np.exp(2j * np.pi * nearest_step(np.angle(wanted), count) / count) - wanted, cells))
    assert left.max() < alone.max() * cells ** len(shape)


@pytest.mark.parametrize("cells", [1, 2, 3])
@pytest.mark.parametrize("shape", [(6,), (4, 6)], ids=str)
def test_what_is_handed_on_is_mirrored_with_the_mask(shape, cells):
    wanted = repeated(np.exp(2j * np.pi * mirrored(shares(shape))), cells)
    steps = handed_on(wanted, 16, cells)
    for axis in range(len(shape)):
        np.testing.assert_array_equal(steps, np.flip(steps, axis))


def test_nearest_step():
    phases = np.array([0.0, 0.1, np.pi / 4 + 0.01, -0.1, 2 * np.pi - 0.1, np.pi, -np.pi])
    assert nearest_step(phases, 4).tolist() == [0, 0, 1, 0, 0, 2, 2]


@pytest.mark.parametrize("count", range(1, 20))
def test_offsets_divide_the_unit_evenly(count):
    np.testing.assert_allclose(np.sort(staggered(count)), (np.arange(count) + 0.5) / count, atol=1e-15)  # rounding


def test_places_from_the_axis():
    assert from_axis(4).tolist() == [1, 0, 0, 1]
    assert from_axis(5).tolist() == [2, 1, 0, 1, 2]


def test_repeated_and_means_are_inverse():
    values = shares((3, 4)) + 1j
    fine = repeated(values, 3)
    assert fine.shape == (9, 12)
    assert fine[3:6, 9:].tolist() == [[values[1, 3]] * 3] * 3
    np.testing.assert_allclose(means(fine, 3), values, rtol=1e-15)  # sums of nine
    with pytest.raises(ValueError, match="one or more cells per pixel; got 0"):
        repeated(values, 0)
