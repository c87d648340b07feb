"""What a device can show: bounded, in its own levels, and with a gradient for every setting."""

from __future__ import annotations

import math

import pytest
import torch

from acdc_optical import (
    ComplexAmplitude,
    PhaseOnly,
    Quantised,
    SignedAmplitude,
    SoftStaircase,
    StraightThrough,
    binary_phase,
)
from acdc_optical.training.constraints import bounded, inward, start

DTYPES = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
BITS = pytest.mark.parametrize("bits", [1, 2, 3, 8])
DEVICES = {"amplitude": SignedAmplitude(), "phase": PhaseOnly()}
EVERY = {
    **DEVICES,
    "complex": ComplexAmplitude(),
    "binary": binary_phase(),
    "soft": Quantised(SignedAmplitude(), 2, SoftStaircase()),
    "soft phase": Quantised(PhaseOnly(), 2, SoftStaircase()),
    "4 bits": Quantised(SignedAmplitude(), 4),
    "phase of 4 bits": Quantised(PhaseOnly(), 4),
}
every_constraint = pytest.mark.parametrize("constraint", EVERY.values(), ids=EVERY)


def values(*shape, dtype=torch.float64, seed=0):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def settings_for(constraint, *shape, dtype=torch.float64):
    """In general position, from well inside to far outside."""
    kind = dtype.to_complex() if isinstance(constraint, ComplexAmplitude) else dtype
    numbers = values(*shape, dtype=kind)
    return numbers * torch.logspace(-3, 4, numbers.shape[-1], dtype=dtype)


@every_constraint
@DTYPES
@pytest.mark.parametrize("progress", [0.0, 0.3, 1.0])
def test_no_more_light_comes_out_than_went_in(constraint, dtype, progress):
    shown = constraint.transmittance(settings_for(constraint, 50, 40, dtype=dtype), progress)
    assert shown.abs().max() <= 1 + 4 * torch.finfo(dtype).eps  # the rounding of a modulus
    assert shown.real.dtype == dtype


@every_constraint
@pytest.mark.parametrize("progress", [0.0, 0.3, 1.0])
def test_every_setting_has_a_gradient(constraint, progress):
    settings = settings_for(constraint, 20, 30).requires_grad_()
    shown = constraint.transmittance(settings, progress)
    wanted = values(20, 30, dtype=shown.dtype, seed=1)
    (shown - wanted).abs().square().sum().backward()
    outside = settings.detach().abs() > 1
    if isinstance(constraint, PhaseOnly) or isinstance(getattr(constraint, "device", None), PhaseOnly):
        outside = torch.zeros_like(outside)  # a phase has no bound
    assert settings.grad.isfinite().all()
    assert (settings.grad != 0).all()
    # Beyond the bound, a step leads none farther out, but for the rounding of a product of two complex numbers.
    settings.grad = constraint.inward(settings.detach(), settings.grad)
    outward = -(settings.grad.conj() * settings.detach()).real
    assert (settings.grad[~outside] != 0).all()
    size = settings.grad.abs() * settings.detach().abs()
    assert (outward <= 1e-14 * size)[outside].all()


class TestBounded:
    @pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=str)
    def test_inside_it_is_the_number_itself(self, dtype):
        inside = (0.6 * values(4, 5, dtype=dtype)).clamp(-0.7, 0.7) if dtype == torch.float64 else None
        inside = torch.polar(torch.rand(4, 5).double() * 0.9, values(4, 5)) if inside is None else inside
        assert torch.equal(bounded(inside), inside)
        assert torch.autograd.gradcheck(bounded, (inside.requires_grad_(),))

    @pytest.mark.parametrize("direction", [1, -1, 1j, (3 - 4j) / 5], ids=str)
    @pytest.mark.parametrize("target", [0.0, 0.3])
    def test_a_pixel_far_outside_comes_back(self, direction, target):
        """By a plain gradient descent whose target lies inside."""
        setting = torch.tensor([20.0 * direction]).requires_grad_()
        goal = target * direction
        for _ in range(100):
            loss = (bounded(setting) - goal).abs().square().sum()
            (gradient,) = torch.autograd.grad(loss, setting)
            setting = (setting - 0.2 * gradient).detach().requires_grad_()
        assert abs(complex(bounded(setting.detach())) - goal) < 1e-5

    @pytest.mark.parametrize("direction", [1, -1, 1j, (3 - 4j) / 5], ids=str)
    def test_none_is_pushed_farther_out(self, direction):
        setting = torch.tensor([2.0 * direction]).requires_grad_()
        (bounded(setting) - 5 * direction).abs().square().sum().backward()
        assert setting.grad.abs().max() > 1
        assert inward(setting.detach(), setting.grad).abs().max() < 1e-6
        inside = torch.tensor([0.5 * direction]).requires_grad_()
        (bounded(inside) - 5 * direction).abs().square().sum().backward()
        assert torch.equal(inward(inside.detach(), inside.grad), inside.grad)
        assert inside.grad.abs().max() > 1

    def test_along_the_bound_a_complex_pixel_is_free(self):
        setting = torch.tensor([3.0 + 0j], dtype=torch.complex128).requires_grad_()
        (bounded(setting) - 5j).abs().square().sum().backward()
        # Towards 5j: the part of the gradient along the circle stays, that inwards too.
        gradient = inward(setting.detach(), setting.grad)
        assert gradient.imag.item() < -1
        assert gradient.real.item() > 0

    def test_the_gradient_of_a_batch_is_the_mean_of_its_parts(self):
        """Also beyond the bound, where parts may pull to both sides."""
        setting, weights = torch.tensor([1.2], requires_grad=True), torch.tensor([-3.0, 1.0])
        (whole,) = torch.autograd.grad((weights * bounded(setting)).mean(), setting)
        parts = [torch.autograd.grad(w * bounded(setting), setting)[0] for w in weights]
        assert torch.equal(whole, sum(parts) / 2)


@DTYPES
@BITS
class TestQuantised:
    def test_amplitudes_are_equally_spaced(self, dtype, bits):
        constraint = Quantised(SignedAmplitude(), bits)
        settings = 3 * values(20000, dtype=dtype)
        shown = constraint.transmittance(settings, 1.0)
        levels = shown.unique()
        assert len(levels) == 2**bits  # to the last bit
        expected = torch.linspace(-1, 1, 2**bits, dtype=torch.float64)
        assert torch.allclose(levels.double(), expected, rtol=0, atol=4 * torch.finfo(dtype).eps)
        # The next level: nobody is nearer to another.
        assert ((shown - bounded(settings)).abs() <= 1 / (2**bits - 1) + 1e-6).all()

    def test_phases_go_around_the_circle(self, dtype, bits):
        constraint = Quantised(PhaseOnly(), bits)
        phases = 20 * values(20000, dtype=dtype)
        shown = constraint.transmittance(phases, 1.0)
        levels = torch.view_as_real(shown).unique(dim=0)
        assert len(levels) == 2**bits
        expected = torch.polar(torch.ones(2**bits).double(), 2 * math.pi * torch.arange(2**bits).double() / 2**bits)
        distance = (torch.view_as_complex(levels.double())[:, None] - expected).abs()
        assert distance.min(0).values.max() < 4 * torch.finfo(dtype).eps * 2**bits
        half_a_step = 2 * math.sin(math.pi / 2**bits / 2)
        assert ((shown - torch.polar(torch.ones_like(phases), phases)).abs() <= half_a_step + 1e-4).all()


@BITS
@pytest.mark.parametrize("device", DEVICES.values(), ids=DEVICES)
def test_straight_through_has_the_gradient_of_the_unrounded(device, bits):
    settings = values(50).requires_grad_()
    weights = values(50, dtype=torch.complex128, seed=1)
    gradients = []
    for constraint in (device, Quantised(device, bits)):
        shown = constraint.transmittance(settings, 1.0)
        (gradient,) = torch.autograd.grad((shown * weights).real.sum(), settings)
        gradients.append(gradient)
    assert torch.allclose(*gradients, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("bits", [0, 17, -1])
def test_a_knob_has_some_positions(bits):
    with pytest.raises(ValueError, match=f"1 to 16 bits; got {bits}"):
        Quantised(SignedAmplitude(), bits)


def test_a_device_with_two_knobs_is_not_quantised():
    with pytest.raises(TypeError, match=r"one knob, .*; got ComplexAmplitude\(\)"):
        Quantised(ComplexAmplitude(), 4)


class TestSoftStaircase:
    settings = torch.linspace(-1.2, 1.2, 4001, dtype=torch.float64)

    def shown(self, progress, bits=2, **steps):
        return Quantised(SignedAmplitude(), bits, SoftStaircase(**steps)).transmittance(self.settings, progress)

    @pytest.mark.parametrize("progress", [0.0, 0.2, 0.49])
    def test_it_rises_and_has_no_jumps(self, progress):
        rise = self.shown(progress).diff()
        assert (rise >= -1e-14).all()
        # Between neighbouring settings, 6e-4 apart, no more than the steepest slope: 8 / (2·tanh 4) for last = 8.
        assert rise.max() < 6e-4 * 4.1

    def test_without_steepness_it_is_the_number_itself(self):
        errors = [float((self.shown(0.0, first=first) - bounded(self.settings)).abs().max()) for first in (1e-1, 1e-3)]
        assert errors[0] < 1e-3
        assert errors[1] < 1e-7  # of second order in the steepness

    def test_it_grows_steeper(self):
        hard = self.shown(1.0)
        distances = [float((self.shown(progress) - hard).abs().mean()) for progress in (0.0, 0.2, 0.4, 0.49)]
        assert distances == sorted(distances, reverse=True)
        assert distances[-1] < 0.6 * distances[0]

    @pytest.mark.parametrize("progress", [0.5, 0.7, 1.0])
    def test_its_steps_are_hard_in_the_end(self, progress):
        assert torch.equal(self.shown(progress), Quantised(SignedAmplitude(), 2).transmittance(self.settings, 1.0))
        assert len(self.shown(progress).unique()) == 4
        assert len(self.shown(0.45).unique()) > 100

    def test_when_they_become_hard_is_a_choice(self):
        assert len(self.shown(0.7, hard=0.9).unique()) > 100
        assert len(self.shown(1.0, hard=1.0).unique()) == 4

    def test_its_gradient_is_its_slope(self):
        settings = (0.9 * values(20).tanh()).requires_grad_()
        constraint = Quantised(SignedAmplitude(), 3, SoftStaircase())
        assert torch.autograd.gradcheck(lambda s: constraint.transmittance(s, 0.3), (settings,))

    @pytest.mark.parametrize("steps", [{"first": 0.0}, {"first": -1.0}, {"last": math.inf}, {"last": math.nan}])
    def test_steepness_is_positive(self, steps):
        with pytest.raises(ValueError, match="positive steepness"):
            SoftStaircase(**steps)

    @pytest.mark.parametrize("hard", [-0.1, 1.1, math.nan])
    def test_in_the_end_steps_are_hard_whatever_is_chosen(self, hard):
        with pytest.raises(ValueError, match="a part of training from 0 to 1; got"):
            SoftStaircase(hard=hard)


class TestStart:
    @DTYPES
    @pytest.mark.parametrize("constraint", [SignedAmplitude(), ComplexAmplitude()], ids=repr)
    def test_is_exact_for_continuous_amplitudes(self, constraint, dtype):
        kind = dtype.to_complex() if isinstance(constraint, ComplexAmplitude) else dtype
        wanted = values(5, 7, dtype=kind)
        settings, strength = start(constraint, wanted)
        assert strength == pytest.approx(float(wanted.abs().max()), rel=1e-6)
        error = (strength * constraint.transmittance(settings, 1.0) - wanted).abs().max()
        assert error < 4 * torch.finfo(dtype).eps * strength

    def test_a_binary_mask_has_about_the_mean_modulus(self):
        """‖s·sign(v) - v‖ is least at s = mean |v|; it is looked for in steps of a hundredth of the largest."""
        wanted = values(400)
        strength = start(binary_phase(), wanted).strength
        assert strength == pytest.approx(float(wanted.abs().mean()), abs=float(wanted.abs().max()) / 100)

    @pytest.mark.parametrize("bits", [1, 2, 3, 4])
    def test_of_coarse_amplitudes_it_is_the_best(self, bits):
        wanted = values(300)
        constraint = Quantised(SignedAmplitude(), bits)

        def misfit(strength):
            shown = constraint.transmittance(constraint.settings(wanted / strength), 1.0)
            return float((strength * shown - wanted).norm())

        settings, strength = start(constraint, wanted)
        assert torch.equal(settings, constraint.settings(wanted / strength))
        tried = [misfit(float(wanted.abs().max()) * (i + 1) / 100) for i in range(100)]
        assert misfit(strength) == pytest.approx(min(tried), rel=1e-9)
        if bits < 3:
            assert misfit(strength) < 0.95 * tried[-1]  # saturation pays

    def test_a_phase_shows_a_real_value_as_its_cosine(self):
        wanted = torch.linspace(-0.98, 0.98, 30, dtype=torch.float64).view(5, 6)
        settings = PhaseOnly().settings(wanted)
        shown = PhaseOnly().transmittance(settings, 1.0)
        assert torch.allclose(shown.real, wanted, rtol=0, atol=1e-14)
        # The light out of phase alternates, along both axes, and so goes aside.
        signs = shown.imag.sign()
        assert (signs[1:] == -signs[:-1]).all()
        assert (signs[:, 1:] == -signs[:, :-1]).all()
        # At the ends a slope is left.
        assert PhaseOnly().settings(torch.tensor([1.0, -1.0, 5.0])).sin().abs().min() > 0.1

    def test_a_phase_keeps_that_of_a_complex_value(self):
        wanted = torch.polar(torch.ones(30).double(), values(30))
        settings, strength = start(PhaseOnly(), wanted)
        assert strength == pytest.approx(1.0)
        assert torch.allclose(PhaseOnly().transmittance(settings, 1.0), wanted, rtol=0, atol=1e-14)

    @pytest.mark.parametrize("real", [SignedAmplitude(), Quantised(SignedAmplitude(), 4)], ids=repr)
    def test_of_complex_values_a_real_device_takes_the_real_part(self, real):
        wanted = values(6, dtype=torch.complex128)
        assert torch.equal(real.settings(wanted / 10), (wanted / 10).real)

    @every_constraint
    def test_of_an_opaque_mask(self, constraint):
        settings, strength = start(constraint, torch.zeros(4, dtype=torch.float64))
        assert settings.isfinite().all()
        assert math.isfinite(strength)


def test_names_are_their_own():
    """They are shown where a network is printed, and tell trainings apart."""
    assert repr(Quantised(SignedAmplitude(), 4)) == (
        "Quantised(device=SignedAmplitude(), bits=4, rounding=StraightThrough())"
    )
    assert binary_phase() == Quantised(SignedAmplitude(), 1, StraightThrough())
    assert binary_phase(SoftStaircase()).rounding == SoftStaircase()
