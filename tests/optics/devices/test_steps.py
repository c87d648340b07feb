"""Devices pixel by pixel: closed forms, exactness where nothing is wrong, gradients, draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from optics import (
    EtchDepth,
    Flatness,
    LookUpTable,
    NearestLevel,
    PhaseStroke,
    QuantisedAmplitude,
    QuantisedPhase,
    random_flatness,
)
from tests.optics.oracles import WAVELENGTH, relative_error

# Products of a few numbers of modulus 1, in float64.
EXACT = 1e-14


def phases(shape, seed: int = 0) -> torch.Tensor:
    angles = torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2 * math.pi
    return torch.polar(torch.ones_like(angles), angles)


def mixed(shape, seed: int = 0) -> torch.Tensor:
    """Amplitudes from 0 to 1 and phases at random."""
    return phases(shape, seed) * phases(shape, seed + 1).real.abs()


MASKS = {"complex": mixed((4, 5)), "real": mixed((4, 5)).real, "float32": mixed((4, 5)).to(torch.complex64)}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize(
    "device",
    [
        QuantisedPhase(None),
        QuantisedAmplitude(None),
        NearestLevel(None),
        LookUpTable(None),
        PhaseStroke(None),
        PhaseStroke(2 * math.pi),
        EtchDepth(),
        Flatness(None, WAVELENGTH),
    ],
    ids=repr,
)
def test_nothing_wrong_is_the_mask_itself(device, mask):
    assert device(mask) is mask


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_tensors_that_are_zero_give_its_values_to_the_last_bit_and_their_gradient(mask):
    error = torch.zeros((), dtype=torch.float64, requires_grad=True)
    opd = torch.zeros(mask.shape, dtype=torch.float64, requires_grad=True)
    table = torch.tensor([2 * math.pi * k / 16 for k in range(16)], dtype=torch.float64, requires_grad=True)
    for device, number in (
        (EtchDepth(error), error),
        (Flatness(opd, WAVELENGTH), opd),
        (LookUpTable(table), table),
    ):
        shown = device(mask)
        assert torch.equal(shown, mask.to(shown.dtype))
        assert shown.abs().dtype == mask.abs().dtype
        shown.imag.sum().backward()
        assert number.grad is not None
        assert number.grad.abs().max() > 0


def test_real_masks_stay_real_where_phases_do_not_change():
    mask = MASKS["real"]
    assert QuantisedPhase(1)(mask) is mask
    assert not QuantisedAmplitude(3)(mask).is_complex()
    assert not NearestLevel((-1.0, 0.0, 1.0))(mask).is_complex()
    assert PhaseStroke(3.2)(mask) is mask
    shown = EtchDepth(0.1)(mask)
    negative = mask < 0
    assert torch.equal(shown[~negative], mask[~negative].to(shown.dtype))
    turned = mask[negative].abs() * np.exp(1.1j * math.pi)
    assert relative_error(shown[negative], turned) < EXACT


class TestQuantisedPhase:
    @pytest.mark.parametrize(("bits", "percent"), [(8, 0.71), (6, 2.8), (4, 11)])
    def test_is_wrong_by_what_physics_says(self, bits, percent):
        """(2π/2^b)/√12. Of n squares of a uniform number the rms is off by 1/√(5n) of itself: four times that here."""
        mask = phases((100_000,))
        rms = float((QuantisedPhase(bits)(mask) - mask).abs().square().mean().sqrt())
        step = 2 * math.pi / 2**bits
        chord = math.sqrt(2 - 4 / step * math.sin(step / 2))  # the chord of the arc, exactly
        assert rms == pytest.approx(chord, rel=4 / math.sqrt(5 * mask.numel()))
        assert 100 * rms == pytest.approx(percent, rel=0.04)  # the figures have two digits

    def test_the_error_grows_as_bits_fall(self):
        mask = phases((1000,))
        errors = [float((QuantisedPhase(bits)(mask) - mask).norm()) for bits in range(8, 0, -1)]
        assert errors == sorted(errors)

    def test_shows_only_levels_zero_among_them_and_keeps_moduli(self):
        mask = mixed((1000,))
        shown = QuantisedPhase(3)(mask)
        steps = shown.angle() / (math.pi / 4)
        assert (steps - steps.round()).abs().max() < EXACT
        assert (shown.abs() - mask.abs()).abs().max() < EXACT
        assert QuantisedPhase(3)(torch.tensor([1 - 1e-9j]))[0] == 1

    def test_gradients_pass_straight_through(self):
        mask = mixed((5,)).requires_grad_()
        (QuantisedPhase(2)(mask).real * torch.arange(5)).sum().backward()
        assert torch.equal(mask.grad, torch.arange(5).to(mask))

    @pytest.mark.parametrize("bits", [0, 17])
    def test_refuses_other_bits(self, bits):
        with pytest.raises(ValueError, match="1 to 16 bits"):
            QuantisedPhase(bits)
        with pytest.raises(ValueError, match="1 to 16 bits"):
            QuantisedAmplitude(bits)


class TestQuantisedAmplitude:
    def test_rounds_moduli_and_keeps_signs(self):
        got = QuantisedAmplitude(2)(torch.tensor([0.0, 0.1, -0.2, 0.4, -0.6, 1.0], dtype=torch.float64))
        assert torch.equal(got, torch.tensor([0, 0, -1, 1, -2, 3], dtype=torch.float64) / 3)

    def test_keeps_phases(self):
        mask = mixed((100,))
        shown = QuantisedAmplitude(4)(mask)
        lit = shown.abs() > 0
        assert relative_error((shown / shown.abs())[lit], (mask / mask.abs())[lit]) < EXACT
        # As uniform as the moduli |cos φ| are not, no error is more than half a step.
        assert (shown - mask).abs().max() <= 0.5 / 15 + EXACT
        assert QuantisedAmplitude(4)(torch.zeros(1, dtype=torch.complex128)) == 0

    def test_the_error_grows_as_bits_fall(self):
        mask = mixed((1000,))
        errors = [float((QuantisedAmplitude(bits)(mask) - mask).norm()) for bits in range(8, 0, -1)]
        assert errors == sorted(errors)


class TestNearestLevel:
    def test_is_the_nearest_by_brute_force(self):
        mask, levels = mixed((30, 4)), mixed((7,), 5)
        nearest = (mask[..., None] - levels).abs().argmin(-1)
        assert torch.equal(NearestLevel(levels)(mask), levels[nearest])

    def test_gradients_reach_levels_and_mask(self):
        mask, levels = mixed((30,)).requires_grad_(), mixed((3,), 5).requires_grad_()
        NearestLevel(levels)(mask).real.sum().backward()
        assert torch.equal(mask.grad, torch.ones_like(mask))
        assert levels.grad.real.sum() == 30

    @pytest.mark.parametrize("levels", [(), (math.nan,), torch.zeros(2, 2)])
    def test_refuses_what_are_no_levels(self, levels):
        with pytest.raises(ValueError, match="levels"):
            NearestLevel(levels)


class TestLookUpTable:
    def test_is_periodic_linear_interpolation(self):
        rng = np.random.default_rng(0)
        table = np.arange(16) * 2 * np.pi / 16 + 0.2 * rng.standard_normal(16)
        mask = mixed((200,))
        asked = np.angle(mask.numpy()) % (2 * np.pi)
        shown = np.interp(asked, np.arange(17) * 2 * np.pi / 16, [*table, table[0] + 2 * np.pi])
        expected = mask.abs() * torch.from_numpy(np.exp(1j * shown))
        assert relative_error(LookUpTable(tuple(table))(mask), expected) < EXACT

    def test_a_response_of_half_the_stroke_goes_back_the_shorter_way(self):
        """0, ¼, ½, ¾ of a stroke of π: from ¾·π the shorter way to 0 is back."""
        table = [0.0, math.pi / 4, math.pi / 2, 3 * math.pi / 4]
        shown = LookUpTable(table)(torch.polar(torch.ones(1).double(), torch.full((1,), 7 * math.pi / 4).double()))
        assert float(shown.angle()) == pytest.approx(3 * math.pi / 8)

    def test_draws_are_each_for_itself_and_gradients_flow(self):
        tables = torch.arange(8) * (math.pi / 4) + 0.1 * mixed((3, 8), 4).real
        mask = mixed((2, 5))
        together = LookUpTable(tables)(mask)
        assert together.shape == (3, 2, 5)
        for table, shown in zip(tables, together, strict=True):
            assert torch.equal(LookUpTable(table)(mask), shown)
        torch.autograd.gradcheck(lambda t, m: LookUpTable(t)(m), (tables[0].requires_grad_(), mask.requires_grad_()))

    def test_refuses_less_than_two(self):
        with pytest.raises(ValueError, match="n ≥ 2"):
            LookUpTable((0.0,))


class TestPhaseStroke:
    def test_phases_beyond_go_to_the_nearer_end(self):
        asked = torch.tensor([0.0, 1.0, 3.9, 4.1, 5.0, 5.3, 6.0], dtype=torch.float64)
        shown = PhaseStroke(4.0)(torch.polar(torch.full_like(asked, 0.5), asked))
        ends = torch.tensor([0.0, 1.0, 3.9, 4.0, 4.0, 0.0, 0.0], dtype=torch.float64)  # halfway lies 5.14
        assert relative_error(shown, torch.polar(torch.full_like(ends, 0.5), ends)) < EXACT

    def test_a_real_mask_becomes_complex_below_pi(self):
        shown = PhaseStroke(2.0)(torch.tensor([-0.5, 0.5], dtype=torch.float64))
        assert relative_error(shown, torch.tensor([0.5 * np.exp(2j), 0.5])) < EXACT

    def test_gradients_reach_stroke_and_mask(self):
        mask = mixed((20,)).requires_grad_()
        stroke = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda s: PhaseStroke(s)(mask.detach()), (stroke,))
        PhaseStroke(stroke)(mask).real.sum().backward()
        assert torch.equal(mask.grad, torch.ones_like(mask))

    def test_the_error_grows_as_the_stroke_falls(self):
        mask = phases((500,))
        errors = [float((PhaseStroke(stroke)(mask) - mask).norm()) for stroke in (6.3, 6.0, 5.0, 4.0, 3.0)]
        assert errors[0] == 0
        assert errors == sorted(errors)

    def test_refuses_none(self):
        with pytest.raises(ValueError, match="above 0"):
            PhaseStroke(0.0)


class TestEtchDepth:
    def test_turns_each_phase_by_its_share(self):
        mask = mixed((50,))
        turned = mask.numpy() * np.exp(0.05j * (np.angle(mask.numpy()) % (2 * np.pi)))
        assert relative_error(EtchDepth(0.05)(mask), torch.from_numpy(turned)) < EXACT

    def test_rounding_does_not_make_a_full_turn_of_none(self):
        shown = EtchDepth(0.5)(torch.tensor([1.0 - 1e-16j], dtype=torch.complex128))
        assert abs(complex(shown) - 1) < EXACT

    def test_gradients(self):
        error, mask = torch.tensor(0.03, dtype=torch.float64, requires_grad=True), mixed((6,)).requires_grad_()
        assert torch.autograd.gradcheck(lambda e, m: EtchDepth(e)(m), (error, mask))

    def test_draws_are_each_for_itself(self):
        errors, mask = torch.tensor([0.0, 0.1, -0.2], dtype=torch.float64), mixed((3, 4))
        together = EtchDepth(errors[:, None, None])(mask)
        assert torch.equal(together, torch.stack([EtchDepth(e)(mask) for e in errors]))
        assert torch.equal(together[0], mask)

    def test_refuses_what_is_not_finite(self):
        with pytest.raises(ValueError, match="finite"):
            EtchDepth(math.nan)


class TestFlatness:
    def test_retards_by_the_path(self):
        opd = torch.tensor([[0.0, WAVELENGTH / 4], [WAVELENGTH / 2, WAVELENGTH]], dtype=torch.float64)
        expected = torch.tensor([[1, 1j], [-1, 1]], dtype=torch.complex128)
        assert relative_error(Flatness(opd, WAVELENGTH)(torch.ones(2, 2).double()), expected) < EXACT

    def test_gradients(self):
        opd = (
            torch.rand(3, 4, dtype=torch.float64) - 0.5
        ).requires_grad_()  # waves of 1 m: gradcheck wants numbers near 1
        wavelength = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
        mask = mixed((3, 4)).requires_grad_()
        assert torch.autograd.gradcheck(lambda o, w, m: Flatness(o, w)(m), (opd, wavelength, mask))

    @pytest.mark.parametrize("shape", [(24, 24), (10, 16), (32,)])
    def test_a_random_map_has_the_rms_asked_for_and_no_piston(self, shape):
        path = random_flatness(shape, 20e-9, seed=1)
        assert path.shape == shape
        assert float(path.square().mean().sqrt()) == pytest.approx(20e-9, rel=1e-12)
        assert abs(float(path.mean())) < 1e-12 * 20e-9
        assert torch.equal(path, random_flatness(shape, 20e-9, seed=1))
        assert not torch.equal(path, random_flatness(shape, 20e-9, seed=2))

    def test_a_random_map_is_of_low_order(self):
        """15 Zernike terms are the polynomials in x and y of degree 4: these fit the map, those of degree 3 do not."""
        path = random_flatness((12, 12), 1.0, seed=0).numpy().ravel()
        y, x = (along.ravel() for along in np.mgrid[-1:1:12j, -1:1:12j])
        left = []
        for degree in (3, 4):
            powers = np.stack([y**i * x**j for i in range(degree + 1) for j in range(degree + 1 - i)], axis=1)
            left.append(np.abs(powers @ np.linalg.lstsq(powers, path, rcond=None)[0] - path).max())
        assert left[1] < 1e-12 < 1e-2 < left[0]

    def test_draws_of_the_rms_and_its_gradient(self):
        rms = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64, requires_grad=True)
        paths = random_flatness((6, 6), rms[:, None, None], seed=3)
        assert torch.equal(paths[2], 2 * paths[1])
        mask = mixed((6, 6))
        shown = Flatness(paths * 1e-9, WAVELENGTH)(mask)
        assert torch.equal(shown[0], mask)
        shown.imag.sum().backward()
        assert (rms.grad != 0).all()

    def test_drawn_about_zero_it_turns_over(self):
        below, above = random_flatness((6, 6), torch.tensor([-3e-8, 3e-8]).reshape(2, 1, 1), seed=5)
        assert torch.equal(below, -above)

    def test_refuses(self):
        with pytest.raises(ValueError, match="one or two axes"):
            random_flatness((2, 2, 2), 1.0, seed=0)
        with pytest.raises(ValueError, match="negative"):
            random_flatness((4, 4), -1.0, seed=0)
        with pytest.raises(ValueError, match="above 0"):
            Flatness(torch.zeros(2, 2), 0.0)
