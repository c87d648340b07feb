"""Parts of pixels, against the same things painted on a fine raster: what light sees of them, by a Fourier integral."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from optics import Crosstalk, DeadZone, EdgeGrowth, Moved, Overlay, Parts, whole
from tests.optics.oracles import PITCH

# Sums of some hundred terms of modulus 1, or rounding of places that are read off a raster.
EXACT = 1e-11

# Cycles per pixel, (y, x): the axis, the band's edge, and beyond.
FREQUENCIES = [(0.0, 0.0), (0.1, -0.3), (0.5, 0.5), (-0.7, 1.2)]


def mixed(shape, seed: int = 0) -> torch.Tensor:
    """Amplitudes from ¼ to 1 and phases at random."""
    generator = torch.Generator().manual_seed(seed)
    modulus, turn = (torch.rand(shape, generator=generator, dtype=torch.float64) for _ in range(2))
    return torch.polar(0.25 + 0.75 * modulus, 2 * math.pi * turn)


def integral(parts: Parts, frequency: tuple[float, ...]) -> torch.Tensor:
    """∫ t(x)·exp(-2πi·u·x) dx over the mask in pixels, exact for parts: shape of the leading dimensions."""
    total = parts.values.to(torch.complex128)
    for axis, (edges, n, u) in enumerate(zip(parts.edges, parts.pixels, frequency, strict=True)):
        place = torch.arange(n, dtype=torch.float64)[:, None] - (n - 1) / 2
        lower, upper = edges[..., None, :-1], edges[..., None, 1:]
        width, centre = upper - lower, place + (lower + upper) / 2
        wave = width * torch.sinc(u * width) * torch.exp(-2j * math.pi * u * centre)
        shape = [-1 if d in (parts.part_dim(axis) - 1, parts.part_dim(axis)) else 1 for d in range(-2 * parts.ndim, 0)]
        shape = [
            wave.shape[d - parts.part_dim(axis) - 1] if s == -1 else 1
            for d, s in zip(range(-2 * parts.ndim, 0), shape, strict=True)
        ]
        total = total * wave.reshape(*wave.shape[:-2], *shape)
    return total.sum(dim=tuple(range(-2 * parts.ndim, 0)))


def painted(raster: np.ndarray, fine: int, frequency: tuple[float, ...]) -> complex:
    """The same of a raster of ``fine`` cells to a pixel, exact for cells."""
    total = raster.astype(complex)
    for axis, u in enumerate(frequency):
        n = raster.shape[axis]
        wave = np.exp(-2j * np.pi * u * (np.arange(n) - (n - 1) / 2) / fine) * np.sinc(u / fine) / fine
        total = total * wave.reshape([-1 if i == axis else 1 for i in range(raster.ndim)])
    return complex(total.sum())


def fine(mask: torch.Tensor, cells: int) -> np.ndarray:
    return np.kron(mask.numpy(), np.ones([cells] * mask.ndim))


def displaced(raster: np.ndarray, cells: tuple[int, ...]) -> np.ndarray:
    """Moved by whole cells, opaque beyond the rim."""
    return ndimage.shift(raster.real, cells, order=0) + 1j * ndimage.shift(raster.imag, cells, order=0)


def check(parts: Parts, raster: np.ndarray, cells: int, most: float = EXACT) -> None:
    for frequency in FREQUENCIES:
        frequency = frequency[-parts.ndim :]
        assert abs(complex(integral(parts, frequency)) - painted(raster, cells, frequency)) < most


def wrong(parts: Parts, raster: np.ndarray, cells: int) -> float:
    """The rms over the frequencies."""
    both = [(complex(integral(parts, u)), painted(raster, cells, u)) for u in FREQUENCIES]
    return math.sqrt(sum(abs(a - b) ** 2 for a, b in both) / len(both))


def zero(number: float = 0.0) -> torch.Tensor:
    return torch.tensor(number, dtype=torch.float64, requires_grad=True)


def draws(numbers: list[float], ndim: int) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64).reshape(-1, *[1] * ndim)


def size(number):
    """Of either sign, with slope 1 at zero."""
    return torch.where(number >= 0, number, -number) if isinstance(number, torch.Tensor) else abs(number)


NO_SHIFTS = [(0.0, 0.0)] * 3
MASK = mixed((4, 5))
PARTS = whole(MASK)

# Each maker takes one number; at zero nothing is wrong.
MAKERS = {
    "shift-x": lambda e: Moved((0.0, e * PITCH), PITCH),
    "shift-y": lambda e: Moved((e * PITCH, 0.0), PITCH),
    "rotation": lambda e: Moved((0.0, 0.0), PITCH, 0.1 * e),
    "shift-and-rotation": lambda e: Moved((0.3 * e * PITCH, e * PITCH), PITCH, 0.1 * e),
    "fill": lambda e: DeadZone(1 - size(e), 0.3j),
    "growth": lambda e: EdgeGrowth(e * PITCH, PITCH),
    "overlay": lambda e: Overlay(8, [(e * PITCH, 0.0), (0.0, 0.0), (0.0, -0.4 * e * PITCH)], PITCH),
    "depths": lambda e: Overlay(8, NO_SHIFTS, PITCH, (e, -e, 0.3 * e)),
    "crosstalk": lambda e: Crosstalk(size(e) * PITCH, PITCH, 3),
}
makers = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


class TestParts:
    def test_whole_pixels_have_one_part(self):
        assert PARTS.whole
        assert PARTS.pixels == (4, 5)
        assert PARTS.values.shape == (4, 1, 5, 1)
        assert torch.equal(PARTS.mean(), MASK)
        row = whole(MASK, axes=1)
        assert row.values.shape == (4, 5, 1)
        assert torch.equal(row.mean(), MASK)
        assert whole(MASK[0]).ndim == 1

    def test_cuts_change_nothing_but_the_number_of_parts(self):
        cut = PARTS.cut(1, 0.2).cut(1, -0.3).cut(0, 0.5).cut(1, 0.2)
        assert cut.values.shape == (4, 2, 5, 4)
        edges = torch.tensor([-0.5, -0.3, 0.2, 0.2, 0.5], dtype=torch.float64)
        assert torch.equal(cut.edges[1], edges)
        for frequency in FREQUENCIES:
            assert abs(integral(cut, frequency) - integral(PARTS, frequency)) < EXACT

    def test_cuts_differ_between_draws(self):
        at = torch.tensor([0.3, -0.3, 0.0], dtype=torch.float64)
        values = mixed((4, 5, 2))
        edges = torch.tensor([-0.5, 0.0, 0.5], dtype=torch.float64)
        parts = Parts(values[0], (edges,))
        cut = parts.cut(0, at)
        assert cut.values.shape == (3, 5, 3)
        for i, place in enumerate(at):
            one = parts.cut(0, place)
            assert torch.equal(one.values, cut.values[i])
            assert torch.equal(one.edges[0], cut.edges[0][i])

    def test_the_mean_is_weighted_with_areas(self):
        edges = torch.tensor([-0.5, 0.25, 0.5], dtype=torch.float64)
        values = torch.tensor([[[[1.0, 2.0]], [[3.0, 5.0]]]], dtype=torch.float64).reshape(1, 2, 1, 2)
        parts = Parts(values, (edges, edges))
        assert float(parts.mean()) == pytest.approx(0.75 * (0.75 * 1 + 0.25 * 2) + 0.25 * (0.75 * 3 + 0.25 * 5))

    def test_refuses(self):
        ends = torch.tensor([-0.5, 0.5])
        with pytest.raises(ValueError, match="one more edge"):
            Parts(torch.ones(3, 2), (ends,))
        with pytest.raises(ValueError, match="ascend"):
            Parts(torch.ones(3, 1), (torch.tensor([-0.5, 0.4]),))
        with pytest.raises(ValueError, match="expected values"):
            Parts(torch.ones(3), (ends,))
        with pytest.raises(ValueError, match="a cut between"):
            PARTS.cut(0, 0.6)
        with pytest.raises(ValueError, match="one or two axes"):
            whole(MASK, axes=3)


class TestAll:
    @makers
    def test_nothing_wrong_is_the_mask_itself(self, make):
        assert make(0.0)(PARTS) is PARTS

    @makers
    @pytest.mark.parametrize("mask", [MASK, MASK.to(torch.complex64), MASK.real], ids=["complex", "float32", "real"])
    def test_a_tensor_that_is_zero_gives_the_mask_and_a_gradient(self, make, mask):
        number = zero()
        parts = make(number)(whole(mask))
        real = mask.real.dtype if mask.is_complex() else mask.dtype
        widths = parts.along(0, parts.edges[0].diff()) * parts.along(1, parts.edges[1].diff())
        same = parts.values == mask[:, None, :, None].to(parts.values.dtype)
        assert (same | (widths == 0)).all()
        assert widths.dtype == parts.values.abs().dtype == real
        waves = integral(parts, (0.1, -0.3))
        (waves.real + 2 * waves.imag).backward()
        assert number.grad is not None
        assert math.isfinite(float(number.grad))
        assert number.grad != 0

    @makers
    def test_draws_are_each_for_itself(self, make):
        numbers = [0.0, 0.15, -0.2]
        together = make(draws(numbers, 2))(PARTS)
        for i, number in enumerate(numbers):
            one = make(torch.tensor(number, dtype=torch.float64))(PARTS)
            assert (together.mean()[i] - one.mean()).abs().max() < EXACT
            for frequency in FREQUENCIES:
                both = integral(together, frequency)[i], integral(one, frequency)
                assert abs(both[0] - both[1]) < EXACT

    @pytest.mark.parametrize("name", MAKERS)
    @pytest.mark.parametrize("start", [0.11, -0.13])
    def test_gradients_in_number_and_mask(self, name, start):
        make = MAKERS[name]

        def seen(number: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            parts = make(number)(whole(mask))
            return torch.cat([parts.mean().flatten(), integral(parts, (0.1, 0.0)).reshape(1)])

        assert torch.autograd.gradcheck(seen, (zero(start), MASK[:2, :3].clone().requires_grad_()))

    def test_numbers_of_the_masks_own_dimensions_are_refused(self):
        with pytest.raises(ValueError, match="of shape"):
            Moved((0.0, torch.ones(3)), PITCH)(PARTS)

    def test_composed_they_are_one_after_the_other(self):
        """A grown mask beside the pixels of a modulator with gaps, in draws of one number of each."""
        grow, move, gap = EdgeGrowth(0.1 * PITCH, PITCH), Moved((0.3 * PITCH, -0.2 * PITCH), PITCH), DeadZone(0.8)
        raster = grown(MASK, 2, 20)
        raster = displaced(raster, (6, -4)) * np.kron(np.ones((4, 5)), np.pad(np.ones((16, 16)), 2))
        check(gap(move(grow(PARTS))), raster, 20)


class TestMoved:
    @pytest.mark.parametrize("shift", [(0.25, 0.0), (-0.35, 0.4), (1.3, -2.45), (2.0, -1.0), (-5.0, 0.5)])
    def test_shifts_are_exact(self, shift):
        parts = Moved([s * PITCH for s in shift], PITCH)(PARTS)
        check(parts, displaced(fine(MASK, 20), tuple(round(20 * s) for s in shift)), 20)

    def test_shifts_of_one_axis_and_cut_pixels_are_exact(self):
        row = mixed((7,))
        raster = displaced(fine(row, 20), (27,))
        check(Moved(1.35 * PITCH, PITCH)(whole(row)), raster, 20)
        raster = displaced(raster, (-13,))
        check(Moved(-0.65 * PITCH, PITCH)(Moved(1.35 * PITCH, PITCH)(whole(row))), raster, 20)

    def test_a_pitch_for_each_axis(self):
        parts = Moved((0.5 * PITCH, 0.5 * PITCH), (PITCH, 2 * PITCH))(PARTS)
        check(parts, displaced(fine(MASK, 20), (10, 5)), 20)

    def test_whole_pixels_roll(self):
        moved = Moved((PITCH, 0.0), PITCH)(PARTS).mean()
        assert torch.equal(moved[1:], MASK[:-1])
        assert not moved[0].any()

    @pytest.mark.parametrize("shift", [(0.0, 0.0), (0.35, -0.25)])
    def test_rotations_are_right_to_second_order(self, shift):
        """Within the band, half the angle is a quarter of the error, 3 to 5 times less as higher orders go."""
        mask = torch.nn.functional.pad(mixed((4, 5), 3), (1, 1, 1, 1))
        wrong_by, changed_by = [], []
        for angle in (0.04, 0.02):
            parts = Moved([s * PITCH for s in shift], PITCH, angle)(whole(mask))
            still = Moved([s * PITCH for s in shift], PITCH)(whole(mask))
            both = [
                (abs(integral(p, u) - turned(mask, angle, shift, u)) for p in (parts, still))
                for u in [(0.0, 0.0), (0.1, -0.3), (0.5, 0.5), (0.4, -0.2)]
            ]
            errors, changes = zip(*both, strict=True)
            wrong_by.append(float(torch.stack(errors).norm()))
            changed_by.append(float(torch.stack(changes).norm()))
        assert 3 < wrong_by[0] / wrong_by[1] < 5
        assert 1.8 < changed_by[0] / changed_by[1] < 2.2
        width = 0.02 * 7 / 2
        assert wrong_by[1] < 1.5 * width * changed_by[1]

    def test_pixels_that_are_cut_follow_the_turning_of_each(self):
        """Beyond the band, where one pixel's own turning is seen."""
        mask = torch.nn.functional.pad(mixed((4, 4), 3), (1, 1, 1, 1))
        turn, frequency = Moved((0.0, 0.0), PITCH, 0.01), (-0.7, 1.2)
        expected = turned(mask, 0.01, (0.0, 0.0), frequency)
        coarse, halved = (
            float(abs(integral(turn(p), frequency) - expected))
            for p in (whole(mask), whole(mask).cut(0, 0.0).cut(1, 0.0))
        )
        assert halved < coarse / 3

    def test_rotations_keep_all_light_of_a_dark_rim(self):
        mask = torch.nn.functional.pad(mixed((4, 6)), (1, 1, 1, 1))
        for shift in (0.0, 0.3):
            parts = Moved((0.0, shift * PITCH), PITCH, 0.08)(whole(mask))
            assert abs(parts.mean().sum() - mask.sum()) < EXACT

    def test_pure_shifts_are_those_of_a_rotation_of_zero(self):
        for shift in ((0.3, -0.2), (1.3, -2.45)):
            still = Moved([s * PITCH for s in shift], PITCH)(PARTS)
            turning = Moved([s * PITCH for s in shift], PITCH, zero())(PARTS)
            assert (still.mean() - turning.mean()).abs().max() < EXACT

    def test_refuses(self):
        with pytest.raises(ValueError, match="half a pixel"):
            Moved((0.0, 0.0), PITCH, 0.5)(PARTS)
        with pytest.raises(ValueError, match="one axis"):
            Moved(0.0, PITCH, 0.1)(whole(MASK[0]))
        with pytest.raises(ValueError, match="2 axes"):
            Moved((0.0, 0.0, 1.0), PITCH)(PARTS)
        with pytest.raises(ValueError, match="pitch"):
            Moved((0.0, 0.0), 0.0)


def turned(
    mask: torch.Tensor, angle: float, shift: tuple[float, float], frequency: tuple[float, float]
) -> torch.Tensor:
    """The Fourier integral of a mask of dark rim, turned from x towards y and then shifted [pixels]: that of the mask
    itself, at the frequency turned back."""
    (v, u), c, s = frequency, math.cos(angle), math.sin(angle)
    carried = np.exp(-2j * math.pi * (v * shift[0] + u * shift[1]))
    return integral(whole(mask), (v * c - u * s, u * c + v * s)) * carried


class TestDeadZone:
    def test_zero_order_of_a_blank_modulator(self):
        """Areal fill 93 %, opaque gaps: the amplitude of the zero order is 0.93, its power 86.5 %."""
        blank = DeadZone(math.sqrt(0.93))(whole(torch.ones(6, 8, dtype=torch.float64)))
        power = float(integral(blank, (0.0, 0.0)).abs() / 48) ** 2
        assert power == pytest.approx(0.93**2, rel=1e-12)
        assert power == pytest.approx(0.865, abs=5e-4)

    @pytest.mark.parametrize(("areal", "envelope"), [(1.0, 0.637), (0.93, 0.659)])
    def test_envelope_at_the_edge_of_the_band(self, areal, envelope):
        pixel = DeadZone(math.sqrt(areal))(whole(torch.ones(1, 1, dtype=torch.float64)))
        assert float((integral(pixel, (0.0, 0.5)) / integral(pixel, (0.0, 0.0))).real) == pytest.approx(
            envelope, abs=5e-4
        )

    @pytest.mark.parametrize("reflectance", [0.0, 0.4, 0.2 - 0.5j])
    def test_gaps_show_what_they_are(self, reflectance):
        active = np.kron(np.ones((4, 5)), np.pad(np.ones((16, 12)), ((2, 2), (4, 4))))
        raster = np.where(active == 1, fine(MASK, 20), reflectance)
        check(DeadZone((0.8, 0.6), reflectance)(PARTS), raster, 20)

    def test_real_masks_with_real_gaps_stay_real(self):
        assert not DeadZone(0.9, 0.2)(whole(MASK.real)).values.is_complex()
        assert DeadZone(0.9, 0.2j)(whole(MASK.real.float())).values.dtype == torch.complex64

    def test_a_reflectance_is_differentiated_through_and_drawn(self):
        mask = whole(MASK)
        gap = torch.tensor(0.3 + 0.1j, dtype=torch.complex128, requires_grad=True)
        assert torch.autograd.gradcheck(lambda r: DeadZone(0.8, r)(mask).mean(), (gap,))
        two = DeadZone(0.8, torch.tensor([0.0, 0.5j]).reshape(2, 1, 1))(mask).mean()
        assert (two[1] - DeadZone(0.8, 0.5j)(mask).mean()).abs().max() < EXACT

    def test_refuses(self):
        with pytest.raises(ValueError, match="above 0"):
            DeadZone(0.0)
        with pytest.raises(ValueError, match="1 at most"):
            DeadZone(1.1)
        with pytest.raises(ValueError, match="1 at most"):
            DeadZone(0.5, 1.1j)


def grown(mask: torch.Tensor, growth: int, cells: int) -> np.ndarray:
    """The etch depth of a raster, dilated (or eroded) by a square of ``growth`` cells on each side."""
    depth = fine(mask.angle() % (2 * math.pi), cells)
    size = 2 * abs(growth) + 1
    dilated = (ndimage.grey_dilation if growth > 0 else ndimage.grey_erosion)(depth, size=(size,) * mask.ndim)
    back = {
        round(float(d), 9): complex(v)
        for d, v in zip(mask.angle().flatten() % (2 * math.pi), mask.flatten(), strict=True)
    }
    keys, index = np.unique(dilated.round(9), return_inverse=True)
    return np.array([back[round(float(k), 9)] for k in keys])[index].reshape(depth.shape)


class TestEdgeGrowth:
    @pytest.mark.parametrize("growth", [3, -3, 8, -10])
    def test_is_a_dilation_of_the_depth(self, growth):
        check(EdgeGrowth(growth / 20 * PITCH, PITCH)(PARTS), grown(MASK, growth, 20), 20)

    @pytest.mark.parametrize("growth", [3, -3])
    def test_of_one_axis(self, growth):
        row = mixed((9,))
        check(EdgeGrowth(growth / 20 * PITCH, PITCH)(whole(row)), grown(row, growth, 20), 20)

    def test_of_a_real_mask_what_is_negative_grows(self):
        mask = torch.tensor([1.0, -1.0, -1.0, 1.0, 0.5], dtype=torch.float64)
        got = EdgeGrowth(0.2 * PITCH, PITCH)(whole(mask)).mean()
        expected = torch.tensor([0.6, -1.0, -1.0, 0.6, 0.5], dtype=torch.float64)  # equal depths stay
        assert (got - expected).abs().max() < EXACT

    def test_refuses_more_than_half_a_pixel(self):
        with pytest.raises(ValueError, match="half a pixel"):
            EdgeGrowth(0.6 * PITCH, PITCH)(PARTS)


LEVELS = torch.randint(0, 8, (4, 5), generator=torch.Generator().manual_seed(1))
STEPPED = torch.polar(mixed((4, 5)).abs(), LEVELS.double() * (math.pi / 4))


class TestOverlay:
    @pytest.mark.parametrize("errors", [(), (0.05, -0.1, 0.02)])
    def test_each_etch_is_where_it_was_moved(self, errors):
        cells = [(3, -5), (0, 7), (-26, 2)]
        phase = np.zeros((80, 100))
        for k, shift in enumerate(cells):
            bit = displaced(np.kron(LEVELS.numpy() >> k & 1, np.ones((20, 20))).astype(complex), shift).real
            phase += bit * 2 * np.pi * 2**k / 8 * (1 + (errors[k] if errors else 0))
        raster = fine(STEPPED.abs(), 20) * np.exp(1j * phase)
        shifts = [tuple(c / 20 * PITCH for c in shift) for shift in cells]
        check(Overlay(8, shifts, PITCH, errors)(whole(STEPPED)), raster, 20)

    def test_one_etch_is_a_mask_that_moves_and_stays_real(self):
        signs = torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=torch.float64)
        shown = Overlay(2, [(0.25 * PITCH,)], PITCH)(whole(signs))
        assert not shown.values.is_complex()
        expected = torch.tensor([1.0, -0.5, -1.0, 0.5], dtype=torch.float64)
        assert (shown.mean() - expected).abs().max() < EXACT

    def test_draws_of_all_etches_at_once(self):
        shifts = (
            0.3 * PITCH * torch.randn(3, 2, 4, 1, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        )
        together = Overlay(8, [tuple(s) for s in shifts], PITCH)(whole(STEPPED))
        for i in range(4):
            one = Overlay(8, [tuple(s[:, i, 0, 0]) for s in shifts], PITCH)(whole(STEPPED))
            assert (together.mean()[i] - one.mean()).abs().max() < EXACT

    def test_refuses(self):
        with pytest.raises(ValueError, match="power of two"):
            Overlay(6, NO_SHIFTS, PITCH)
        with pytest.raises(ValueError, match="3 etches"):
            Overlay(8, NO_SHIFTS[:2], PITCH)
        with pytest.raises(ValueError, match="not cut"):
            Overlay(2, [(0.1 * PITCH, 0.0)], PITCH)(PARTS.cut(0, 0.0))


def fringed(mask: torch.Tensor, sigma: float, cells: int) -> np.ndarray:
    phase, modulus = fine(mask.angle() % (2 * math.pi), cells), fine(mask.abs(), cells)
    phase, modulus = (ndimage.gaussian_filter(d, sigma * cells, mode="nearest", truncate=8) for d in (phase, modulus))
    return modulus * np.exp(1j * phase)


class TestCrosstalk:
    def test_is_right_to_second_order_in_the_parts(self):
        """Twice the parts, a quarter of the error. (The raster's own is 64 times less than that of 8 parts.)"""
        raster = fringed(MASK, 0.3, 64)
        errors = [wrong(Crosstalk(0.3 * PITCH, PITCH, n)(PARTS), raster, 64) for n in (4, 8)]
        assert errors[0] / errors[1] == pytest.approx(4, rel=0.15)
        assert errors[1] < 0.01 * wrong(PARTS, raster, 64)

    def test_the_drive_is_kept_in_the_mean(self):
        """Within a mask that goes on far enough: a box convolved with a Gaussian has the box's area."""
        phase = torch.tensor([0, 0, 0, 1.0, 0, 0, 0], dtype=torch.float64)
        shown = Crosstalk(0.4 * PITCH, PITCH)(whole(torch.polar(torch.ones(7).double(), phase)))
        assert float(shown.values.angle().mean(-1).sum()) == pytest.approx(1, abs=1e-12)

    def test_flat_phases_stay(self):
        flat = whole(torch.full((5, 6), 0.5j, dtype=torch.complex128))
        assert (Crosstalk(2 * PITCH, PITCH)(flat).mean() - 0.5j).abs().max() < EXACT

    def test_the_fly_back_runs_through_all_phases_between(self):
        phases = torch.tensor([0.0, 0.0, 6.0, 6.0], dtype=torch.float64)
        shown = Crosstalk(0.2 * PITCH, PITCH, 64)(whole(torch.polar(torch.ones(4).double(), phases)))
        assert float(shown.values.real.min()) < -0.99

    def test_the_error_grows_with_the_blur(self):
        errors = [
            float((Crosstalk(s * PITCH, PITCH)(PARTS).mean() - MASK).norm()) for s in (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)
        ]
        assert errors == sorted(errors)

    def test_refuses(self):
        with pytest.raises(ValueError, match="negative"):
            Crosstalk(-1e-6, PITCH)
        with pytest.raises(ValueError, match="not cut"):
            Crosstalk(1e-6, PITCH)(PARTS.cut(0, 0.0))
        with pytest.raises(ValueError, match="at least one part"):
            Crosstalk(1e-6, PITCH, 0)
