"""Readouts: E comes back, and its noise is that of the closed forms.

Statistics are of COUNT draws from fixed seeds, held to four standard errors: √(v/COUNT) of a mean, √(2/COUNT) of a
variance, relative. The excess kurtosis of a difference of counts is one over their sum, which is 14 photons or more:
``wider`` gives the square of the latter bound the room for that.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import replace

import pytest
import torch

from optics import BalancedHomodyne, FourStep, GaussianShot, IdealReadout, Intensity, Poisson, Readout, Sensor
from tests.optics.oracles import random_complex

COUNT = 200_000
E0 = 3.0 - 2.0j
STRONG = 1e4  # |E|²/r² is 1e-7
both_precisions = pytest.mark.parametrize("dtype", [torch.complex128, torch.complex64], ids=["float64", "float32"])
laws = pytest.mark.parametrize("shot", [Poisson(), GaussianShot()], ids=["poisson", "gaussian"])
referenced = pytest.mark.parametrize("readout", [BalancedHomodyne, FourStep])
ALL_ZERO = {"reference_phase": 0.0, "intensity_noise": 0.0, "stray": 0.0}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def many(value: complex = E0, dtype=torch.complex128) -> torch.Tensor:
    return torch.full((COUNT,), value, dtype=dtype)


def part(readout: type, field: torch.Tensor) -> torch.Tensor:
    """What a readout estimates of a field."""
    return field.real if readout is BalancedHomodyne else field


def assert_mean_and_variance(values: torch.Tensor, mean: float, variance: float, wider: float = 1.0):
    values = values.double()
    assert abs(values.mean() - mean) < 4 * math.sqrt(variance / len(values))
    assert abs(values.var() / variance - 1) < 4 * math.sqrt(2 * wider / len(values))


@both_precisions
@referenced
@pytest.mark.parametrize("reference", [1.0, 30.0, 1e3, 1e5])
def test_without_noise_the_field_comes_back(readout, reference, dtype):
    """To 2ε(|E| + r)²/r, which is what the difference of two counts leaves; a lossy sensor adds a few ε of E."""
    field, eps = random_complex((50, 40), 1, dtype), torch.finfo(dtype).eps
    bound = 2 * eps * (field.abs() + reference).square() / reference
    for sensor in (Sensor(), Sensor(0.3), Sensor(torch.tensor(0.3)), Sensor(1.0, full_well=1e12)):
        reading = readout(reference, sensor).field(field, seeded())
        assert reading.dtype == part(readout, field).dtype
        assert ((reading - part(readout, field)).abs() <= bound + 4 * eps * field.abs()).all()
    if reference > 100:  # and the digits are lost, indeed
        assert (reading - part(readout, field)).abs().max() > 0.05 * eps * reference


@both_precisions
def test_ideal_readout_and_bare_intensity_are_exact(dtype):
    field = random_complex((3, 4, 5), 2, dtype)
    intensity = field.real.square() + field.imag.square()
    assert torch.equal(IdealReadout().field(field, seeded()), field)
    assert torch.equal(IdealReadout().frames(field)[0], intensity)
    assert torch.equal(Intensity(Sensor()).intensity(field, seeded()), intensity)
    assert torch.equal(Intensity(Sensor(), stray=0.0, intensity_noise=0.0).intensity(field, seeded()), intensity)


@referenced
def test_imperfections_of_zero_change_no_bit(readout):
    field, sensor = random_complex((4, 5), 3), Sensor(0.7, read_noise=1.0, dark=2.0, full_well=1e4, shot=Poisson())
    bare = readout(20.0, sensor).field(field, seeded())
    zero = ALL_ZERO | ({"imbalance": 0.0} if readout is BalancedHomodyne else {})
    assert torch.equal(readout(20.0, sensor, **zero).field(field, seeded()), bare)
    tensors = {name: torch.zeros(1, dtype=torch.float64) for name in zero if name != "intensity_noise"}
    assert torch.equal(readout(torch.tensor(20.0), sensor, **tensors).field(field, seeded()), bare)
    assert not torch.equal(readout(20.0, sensor).field(field, seeded(1)), bare)


@both_precisions
@laws
def test_a_quarter_of_a_photon(shot, dtype):
    """Var(Re E) = 1/4 behind a strong reference: in float32 of 1e3, or the rounding of its square would be seen."""
    reference = STRONG if dtype == torch.complex128 else 1e3
    reading = BalancedHomodyne(reference, Sensor(shot=shot)).field(many(dtype=dtype), seeded())
    assert_mean_and_variance(reading, 3.0, 0.25)


@pytest.mark.parametrize("photons", [1.0, 100.0, 1e4])
def test_relative_error_of_n_photons(photons):
    reading = BalancedHomodyne(1e6, Sensor(shot=Poisson())).field(many(math.sqrt(photons)), seeded())
    # Half the relative standard error of a variance; |E|²/r² is 1e-8 at most.
    relative = reading.std() / reading.mean()
    assert abs(relative * 2 * math.sqrt(photons) - 1) < 4 * math.sqrt(1 / (2 * COUNT)) + 4 / math.sqrt(
        4 * photons * COUNT
    )


@laws
@pytest.mark.parametrize("efficiency", [0.2, 0.75])
def test_quantum_efficiency(shot, efficiency):
    reading = BalancedHomodyne(STRONG, Sensor(efficiency, shot=shot)).field(many(), seeded())
    assert_mean_and_variance(reading, 3.0, 1 / (4 * efficiency))


def test_intensity_counts_photons():
    noisy = Intensity(Sensor(0.5, read_noise=2.0, dark=3.0, shot=Poisson()), stray=11.0)
    # |E|² = 13: (13 + 11)/2 + 3 electrons and their variance, divided by η².
    assert_mean_and_variance(noisy.intensity(many(), seeded()), 13.0, (12 + 3 + 4) / 0.25, wider=1 + 15 / 19**2 / 2)


CAMERAS = {
    "weak reference": (1.0, 0.0, 0.0, 0.0, 4.0),
    "read noise": (1.0, 6.0, 0.0, 0.0, 10.0),
    "dark": (1.0, 0.0, 60.0, 0.0, 10.0),
    "stray": (1.0, 0.0, 0.0, 200.0, 10.0),
    "all": (0.6, 5.0, 20.0, 100.0, 10.0),
}


@laws
@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
def test_homodyne_noise_adds_up(camera, shot):
    efficiency, noise, dark, stray, r = camera
    sensor = Sensor(efficiency, read_noise=noise, dark=dark, shot=shot)
    reading = BalancedHomodyne(r, sensor, stray=stray).field(many(), seeded())
    variance = (1 + abs(E0) ** 2 / r**2) / (4 * efficiency) + stray / (2 * efficiency * r**2)
    assert_mean_and_variance(reading, 3.0, variance + (noise**2 + dark) / (2 * efficiency**2 * r**2), wider=1.1)


@laws
@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
def test_four_step_noise_adds_up(camera, shot):
    efficiency, noise, dark, stray, r = camera
    sensor = Sensor(efficiency, read_noise=noise, dark=dark, shot=shot)
    reading = FourStep(r, sensor, stray=stray).field(many(), seeded())
    variance = (1 + abs(E0) ** 2 / r**2) / (2 * efficiency) + stray / (2 * efficiency * r**2)
    variance += 2 * (noise**2 + dark) / (efficiency**2 * r**2)
    assert_mean_and_variance(reading.real, 3.0, variance, wider=1.1)
    assert_mean_and_variance(reading.imag, -2.0, variance, wider=1.1)


def test_four_steps_cost_twice_the_variance():
    reading = FourStep(STRONG, Sensor(shot=Poisson())).field(many(), seeded())
    assert_mean_and_variance(reading.real, 3.0, 0.5)
    assert_mean_and_variance(reading.imag, -2.0, 0.5)


def test_errors_of_phase_and_splitter_read_as_stated():
    field, r, phase, imbalance = random_complex((6, 7), 4), 5.0, 0.3, 0.2
    seen = (field * cmath.exp(-1j * phase)).real * math.sqrt(1 - imbalance**2)
    seen = seen + imbalance * (field.abs().square() - r**2) / (2 * r)
    reading = BalancedHomodyne(r, Sensor(), reference_phase=phase, imbalance=imbalance).field(field, seeded())
    assert (reading - seen).abs().max() < 1e-14  # tens of roundings of numbers up to ten
    turned = FourStep(r, Sensor(), reference_phase=torch.tensor(phase, dtype=torch.float64)).field(field, seeded())
    assert (turned - field * cmath.exp(-1j * phase)).abs().max() < 1e-14


def test_a_quarter_turn_of_the_reference_reads_the_other_quadrature():
    field = random_complex((6, 7), 5)
    reading = BalancedHomodyne(5.0, Sensor(), reference_phase=math.pi / 2).field(field, seeded())
    assert (reading - field.imag).abs().max() < 1e-14


def test_balance_cancels_the_laser_s_noise():
    """Of 1 % of r²/2 on either port, 50 in units of the reading, the signal's own share alone is left: 1 % of 3."""
    fluctuation = torch.full((COUNT, 1), 0.01, dtype=torch.float64)
    field = torch.tensor([E0, 2 * E0], dtype=torch.complex128)
    balanced = BalancedHomodyne(STRONG, Sensor(), intensity_noise=fluctuation)
    reading = balanced.field(field, seeded())
    assert reading.shape == (COUNT, 2)
    assert_mean_and_variance(reading[:, 0], 3.0, (0.01 * 3) ** 2)
    # One exposure's pixels share its fluctuation: to 4ε·r of rounding.
    assert (reading[:, 1] - 2 * reading[:, 0]).abs().max() < 1e-11
    uneven = replace(balanced, imbalance=0.02).field(field[:1], seeded())
    # (1 + δ) times what it reads: ε/2·r = 100 of the reference beside 3 of the signal and ε|E|²/2r = 1e-5.
    mean = 3 * math.sqrt(1 - 0.02**2) - 100 + 0.02 * 13 / (2 * STRONG)
    assert_mean_and_variance(uneven[:, 0], mean, (0.01 * mean) ** 2)


def test_four_steps_do_not_cancel_the_laser_s_noise():
    fluctuation = torch.full((COUNT, 1), 0.01, dtype=torch.float64)
    reading = FourStep(1e3, Sensor(), intensity_noise=fluctuation).field(
        torch.tensor([1e-3 + 0j], dtype=torch.complex128), seeded()
    )
    expected = 2 * (0.01 * 1e3 / 4) ** 2  # r/4 from either of two steps
    assert_mean_and_variance(reading[:, 0].real, 0.0, expected)
    assert_mean_and_variance(reading[:, 0].imag, 0.0, expected)


def test_a_number_for_the_laser_s_noise_is_one_exposure():
    field = random_complex((3, 4), 6)
    ratio = Intensity(Sensor(), intensity_noise=0.1).intensity(field, seeded()) / field.abs().square()
    assert (ratio / ratio[0, 0] - 1).abs().max() < 1e-15 * 4  # roundings of two squares and a quotient
    assert abs(ratio[0, 0] - 1) > 1e-3


@pytest.mark.parametrize("readout", [BalancedHomodyne(2.0, Sensor()), FourStep(2.0, Sensor()), Intensity(Sensor())])
def test_the_laser_s_noise_leaves_stray_light_alone_and_never_turns_light_negative(readout):
    """Half the exposures of a laser this unsteady are dark: what is on the sensors then is stray light, exactly."""
    seen: list[torch.Tensor] = []

    class Recording(Sensor):
        def __call__(self, photons, generator):
            seen.append(photons)
            return super().__call__(photons, generator)

    unsteady = replace(readout, sensor=Recording(), stray=8.0, intensity_noise=torch.full((1000, 1), 1e3).double())
    read = unsteady.intensity if isinstance(unsteady, Intensity) else unsteady.field
    read(torch.tensor([E0], dtype=torch.complex128), seeded())
    stray = 2.0 if isinstance(unsteady, FourStep) else 8.0  # a quarter in each of four exposures
    for photons in seen:
        assert photons.min() == stray
        # δ below -1/1000 in 0.4996 of the exposures: four standard errors of the share.
        assert abs((photons == stray).double().mean() - 0.4996) < 4 * 0.5 / math.sqrt(1000)


def test_photons_are_accounted_for():
    field, stray = random_complex((4, 5), 7), 3.0
    energy = field.abs().square()
    total = energy + 6.0**2
    two = BalancedHomodyne(6.0, Sensor(), stray=stray, imbalance=0.3).frames(field)
    four = FourStep(6.0, Sensor(), stray=stray).frames(field)
    assert (len(two), len(four)) == (2, 4)
    assert torch.allclose(sum(two), total + 2 * stray, rtol=1e-14)
    assert torch.allclose(sum(four), total + stray, rtol=1e-14)
    assert torch.allclose(sum(Intensity(Sensor(), stray=stray).frames(field)), energy + stray, rtol=1e-14)
    assert [readout.exposures for readout in (BalancedHomodyne, FourStep, Intensity, IdealReadout)] == [1, 4, 1, 1]


def test_a_full_well_cuts_the_bright_port():
    field, sensor = torch.full((3,), 2.0 + 0j, dtype=torch.complex128), Sensor(full_well=50.0)
    readout = BalancedHomodyne(10.0, sensor)  # ports of (2 ± 10)²/2 = 72 and 32 photons
    assert [sensor.saturated(frame).item() for frame in readout.frames(field)] == [1, 0]
    assert readout.field(field, seeded()).tolist() == pytest.approx([(50 - 32) / 20] * 3, rel=1e-14)
    filled = BalancedHomodyne(10.0, Sensor(full_well=100.0), stray=50.0)  # ports of 122 and 82
    assert filled.field(field, seeded()).tolist() == pytest.approx([(100 - 82) / 20] * 3, rel=1e-14)


@referenced
def test_gradcheck(readout):
    field = random_complex((2, 3), 8).requires_grad_()
    numbers = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (7.0, 0.2, 0.05, 1.5, 0.6)]

    def reading(field, reference, phase, fluctuation, stray, efficiency):
        sensor = Sensor(efficiency, read_noise=0.5, dark=1.0, shot=GaussianShot())
        imperfect = {"reference_phase": phase, "intensity_noise": fluctuation, "stray": stray}
        return readout(reference, sensor, **imperfect).field(field, seeded())

    assert torch.autograd.gradcheck(reading, (field, *numbers))


@laws
def test_gradient_where_there_is_no_light(shot):
    """E = -r leaves one port dark, where √n has no slope."""
    field = torch.full((4,), -2.0 + 0j, dtype=torch.complex128, requires_grad=True)
    BalancedHomodyne(2.0, Sensor(shot=shot)).field(field, seeded()).sum().backward()
    assert torch.isfinite(torch.view_as_real(field.grad)).all()


@referenced
def test_poisson_noise_has_the_gradient_of_the_mean(readout):
    field = random_complex((4, 5), 9).requires_grad_()
    readout(3.0, Sensor(0.5, shot=Poisson())).field(field, seeded()).real.sum().backward()
    assert torch.allclose(field.grad, torch.ones_like(field), rtol=0, atol=1e-14)


def test_draws_stand_in_front():
    noise = torch.tensor([0.0, 3.0]).reshape(2, 1, 1)
    for readout in (
        BalancedHomodyne(20.0, Sensor(read_noise=noise, shot=GaussianShot())),
        BalancedHomodyne(torch.full((2, 1, 1), 20.0), Sensor(shot=GaussianShot())),
        FourStep(20.0, Sensor(dark=noise, shot=GaussianShot())),
    ):
        reading = readout.field(random_complex((3, 4), 10, torch.complex64), seeded())
        assert reading.shape == (2, 3, 4)
        assert reading.real.dtype == torch.float32
        assert not torch.equal(reading[0], reading[1])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"reference": 0.0}, "a reference amplitude of more than 0 √photons; got 0.0"),
        ({"reference_phase": math.inf}, "a finite phase of the reference in radians; got inf"),
        ({"imbalance": 1.0}, "an imbalance T - R of the splitter between -1 and 1; got 1.0"),
        ({"intensity_noise": -0.1}, "a relative intensity noise of 0 rms or more; got -0.1"),
        ({"stray": torch.tensor([-1.0, 2.0])}, "stray light of 0 photons per pixel or more; got values from -1 to 2"),
    ],
)
def test_refuses(wrong, message):
    with pytest.raises(ValueError, match=message):
        BalancedHomodyne(**{"reference": 1.0, "sensor": Sensor()} | wrong)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@referenced
def test_gpu_reads_the_same_numbers(readout: type[Readout]):
    field = random_complex((4, 5), 11)
    noisy = readout(20.0, Sensor(0.7, read_noise=1.0, shot=GaussianShot()), intensity_noise=0.01, stray=3.0)
    on_gpu = noisy.field(field.cuda(), seeded())
    assert on_gpu.is_cuda
    assert (on_gpu.cpu() - noisy.field(field, seeded())).abs().max() < 1e-12
