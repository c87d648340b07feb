"""Shot noise and sensors: laws, closed forms, and nothing at all at zero.

Statistics are of COUNT draws from fixed seeds, held to four standard errors: √(v/COUNT) of a mean, and of a variance v
its √((2 + 1/n)/COUNT), where 1/n is the excess kurtosis of Poisson's law.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from optics import GaussianShot, Noiseless, Poisson, Sensor

COUNT = 200_000
both_precisions = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
laws = pytest.mark.parametrize("shot", [Poisson(), GaussianShot()], ids=["poisson", "gaussian"])


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def many(value: float, dtype=torch.float64) -> torch.Tensor:
    return torch.full((COUNT,), value, dtype=dtype)


def random_photons(seed: int = 1, dtype=torch.float64) -> torch.Tensor:
    return 1e3 * torch.rand(4, 5, dtype=dtype, generator=seeded(seed))


def assert_mean_and_variance(values: torch.Tensor, mean: float, variance: float, kurtosis: float = 0.0):
    values = values.double()
    assert abs(values.mean() - mean) < 4 * math.sqrt(variance / len(values))
    assert abs(values.var() / variance - 1) < 4 * math.sqrt((2 + kurtosis) / len(values))


@both_precisions
@laws
@pytest.mark.parametrize("mean", [20.0, 1e3, 1e6])
def test_shot_noise_has_the_variance_of_its_mean(shot, mean, dtype):
    drawn = shot(many(mean, dtype), seeded())
    assert drawn.dtype == dtype
    assert_mean_and_variance(drawn, mean, mean, kurtosis=1 / mean)


@pytest.mark.parametrize("mean", [0.3, 3.3, 40.0])
def test_poisson_follows_its_law(mean):
    """Chi-squared of the histogram, bins of 10 or more; by chance beyond its bound once in ten thousand."""
    drawn = Poisson()(many(mean), seeded(2)).long().numpy()
    expected = stats.poisson(mean).pmf(np.arange(200)) * COUNT
    kept = expected >= 10
    observed = np.bincount(drawn, minlength=200)[kept]
    chi2 = ((observed - expected[kept]) ** 2 / expected[kept]).sum()
    assert chi2 < stats.chi2(kept.sum()).isf(1e-4)


@both_precisions
def test_no_light_has_no_noise(dtype):
    dark = torch.zeros(1000, dtype=dtype)
    for shot in (Poisson(), GaussianShot(), Noiseless()):
        assert torch.equal(shot(dark, seeded()), dark)


@pytest.mark.parametrize("shot", [Poisson(), GaussianShot()], ids=["poisson", "gaussian"])
def test_a_seed_is_a_draw(shot):
    mean = random_photons()
    assert torch.equal(shot(mean, seeded(1)), shot(mean, seeded(1)))
    assert not torch.equal(shot(mean, seeded(1)), shot(mean, seeded(2)))


def test_gaussian_shot_gradcheck():
    mean = random_photons().requires_grad_()
    assert torch.autograd.gradcheck(lambda n: GaussianShot()(n, seeded()), (mean,))


@both_precisions
def test_gaussian_shot_in_the_dark_has_the_gradient_of_the_mean(dtype):
    mean = torch.zeros(7, dtype=dtype, requires_grad=True)
    GaussianShot()(mean, seeded()).sum().backward()
    assert torch.equal(mean.grad, torch.ones(7, dtype=dtype))


def test_poisson_has_the_gradient_of_the_mean_and_shows_whole_numbers():
    mean = random_photons(dtype=torch.float32).requires_grad_()
    drawn = Poisson()(mean, seeded())
    assert torch.equal(drawn, drawn.round())
    drawn.sum().backward()
    assert torch.equal(mean.grad, torch.ones_like(mean))


@both_precisions
def test_a_perfect_sensor_is_the_identity(dtype):
    photons, generator = random_photons(dtype=dtype), seeded()
    before = generator.get_state()
    zero = torch.zeros(1, dtype=dtype)
    for sensor in (Sensor(), Sensor(1.0, dark=zero, read_noise=zero, full_well=zero + math.inf)):
        assert torch.equal(sensor(photons, generator), photons)
        assert torch.equal(sensor.photons(photons), photons)
    assert torch.equal(Sensor()(photons, seeded()), photons)
    Sensor()(photons, generator.set_state(before))
    assert torch.equal(generator.get_state(), before)  # nothing drawn


@pytest.mark.parametrize(
    "part", [{"dark": 0.0}, {"read_noise": 0.0}, {"full_well": math.inf}, {"quantum_efficiency": 1.0}], ids=str
)
def test_a_part_at_zero_changes_nothing_of_the_others(part):
    others = {"quantum_efficiency": 0.7, "dark": 3.0, "read_noise": 2.0, "full_well": 400.0, "shot": Poisson()}
    without = {name: value for name, value in others.items() if name not in part}
    photons = random_photons()
    zero = {name: torch.tensor(value, dtype=torch.float64) for name, value in part.items()}
    as_numbers, as_tensors = Sensor(**without, **part), Sensor(**without, **zero)
    assert torch.equal(as_numbers(photons, seeded()), Sensor(**without)(photons, seeded()))
    assert torch.equal(as_tensors(photons, seeded()), as_numbers(photons, seeded()))


@laws
def test_quantum_efficiency_thins_the_light(shot):
    """A thinned Poisson process is one: variance ηn of ηn electrons, n/η of the estimate of photons."""
    sensor = Sensor(0.4, shot=shot)
    electrons = sensor(many(1000.0), seeded())
    assert_mean_and_variance(electrons, 400, 400, kurtosis=1 / 400)
    assert_mean_and_variance(sensor.photons(electrons), 1000, 1000 / 0.4, kurtosis=1 / 400)


@laws
@both_precisions
def test_dark_signal_adds_variance_and_no_mean(shot, dtype):
    electrons = Sensor(dark=50.0, shot=shot)(many(30.0, dtype), seeded())
    assert_mean_and_variance(electrons, 30, 80, kurtosis=1 / 80)


@both_precisions
def test_read_noise_is_added(dtype):
    assert_mean_and_variance(Sensor(read_noise=3.0)(many(30.0, dtype), seeded()), 30, 9)
    together = Sensor(read_noise=3.0, dark=5.0, shot=Poisson())(many(30.0, dtype), seeded())
    assert_mean_and_variance(together, 30, 35 + 9, kurtosis=35 / 44**2)


@both_precisions
@pytest.mark.parametrize("bits", [1, 8, 12])
def test_adc_rounds_to_its_steps(bits, dtype):
    """Rounding is even over a step: rms step/√12, the square of which has a standard error of √(4/5) of itself."""
    step = 1e4 / 2**bits
    electrons = torch.rand(COUNT, dtype=torch.float64, generator=seeded()).to(dtype) * (1e4 - step)
    error = (Sensor(full_well=1e4, bits=bits)(electrons, seeded()) - electrons).double()
    rounding = 4 * torch.finfo(dtype).eps * 1e4  # of electrons up to the full well
    assert error.abs().max() <= step / 2 + rounding
    assert abs(error.square().mean() / (step**2 / 12) - 1) < 4 * math.sqrt(4 / 5 / COUNT) + 2 * rounding / step


def test_adc_against_numpy():
    electrons = np.linspace(-50, 1100, 997)
    numbers = np.clip(np.round(electrons / (1000 / 64)), 0, 63) * (1000 / 64)  # exact: a step is 15.625
    shown = Sensor(full_well=1000.0, bits=6)(torch.from_numpy(electrons), seeded())
    assert np.array_equal(shown.numpy(), numbers)


def test_adc_gradient_goes_straight_through_and_stops_at_its_ends():
    electrons = torch.tensor([-3.0, 0.0, 1.0, 500.0, 984.0, 985.0, 1001.0], dtype=torch.float64, requires_grad=True)
    Sensor(full_well=1000.0, bits=6)(electrons, seeded()).sum().backward()
    assert electrons.grad.tolist() == [0, 1, 1, 1, 1, 0, 0]  # the highest step is 984.375


def test_full_well_saturates():
    photons = torch.tensor([0.0, 99.0, 100.0, 101.0, 1e6], dtype=torch.float64, requires_grad=True)
    sensor = Sensor(0.5, full_well=50.0)
    shown = sensor(photons, seeded())
    shown.sum().backward()
    assert shown.tolist() == [0, 49.5, 50, 50, 50]
    assert photons.grad.tolist() == [0.5, 0.5, 0.5, 0, 0]
    assert sensor.saturated(photons) == pytest.approx(0.6, rel=1e-15)
    assert Sensor().saturated(photons) == 0
    assert Sensor(0.5, full_well=50.0, dark=10.0)(photons.detach(), seeded()).tolist() == [0, 40, 40, 40, 40]


def test_read_noise_comes_behind_the_well():
    assert_mean_and_variance(Sensor(full_well=50.0, read_noise=2.0)(many(1e4), seeded()), 50, 4)


def test_draws_stand_in_front_and_are_independent():
    """Read noise of three sensors at once; shot noise is drawn anew for each of them."""
    noise = torch.tensor([0.0, 2.0, 30.0], dtype=torch.float64).reshape(3, 1, 1)
    photons = torch.full((100, COUNT // 100), 100.0, dtype=torch.float32)
    shown = Sensor(read_noise=noise, shot=Poisson())(photons, seeded())
    assert shown.shape == (3, 100, COUNT // 100)
    assert shown.dtype == torch.float32
    for draw, rms in zip(shown, noise.flatten().tolist(), strict=True):
        assert_mean_and_variance(draw.flatten(), 100, 100 + rms**2, kurtosis=0.01)
    correlation = np.corrcoef(shown[0].flatten(), shown[1].flatten())[0, 1]
    assert abs(correlation) < 4 / math.sqrt(COUNT)


def test_sensor_gradcheck():
    photons = random_photons().requires_grad_()
    parts = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.6, 3.0, 20.0, 300.0)]

    def shown(photons, efficiency, noise, dark, well):
        sensor = Sensor(efficiency, read_noise=noise, dark=dark, full_well=well, shot=GaussianShot())
        return sensor(photons, seeded())

    assert torch.autograd.gradcheck(shown, (photons, *parts))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"quantum_efficiency": 0.0}, "a quantum efficiency above 0 and up to 1; got 0.0"),
        ({"quantum_efficiency": torch.tensor([0.5, 1.5])}, "up to 1; got values from 0.5 to 1.5"),
        ({"read_noise": -1.0}, "a read noise of 0 electrons rms or more; got -1.0"),
        ({"dark": math.nan}, "a dark signal of 0 electrons or more; got nan"),
        ({"full_well": 0.0}, "a full well of more than 0 electrons.*got 0.0"),
        ({"bits": 0, "full_well": 1e4}, "an ADC of 1 bit or more.*got 0"),
        ({"bits": 8}, "a full well .* for an ADC of 8 bits; got inf"),
    ],
)
def test_refuses(wrong, message):
    with pytest.raises(ValueError, match=message):
        Sensor(**wrong)


def test_refuses_a_field_for_photons():
    with pytest.raises(ValueError, match=r"real; got torch\.complex128: pass"):
        Sensor()(torch.ones(3, dtype=torch.complex128), seeded())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@laws
def test_gpu_draws_the_same_numbers(shot):
    photons = random_photons()
    sensor = Sensor(0.7, read_noise=2.0, dark=3.0, full_well=1e3, bits=12, shot=shot)
    shown = sensor(photons.cuda(), seeded())
    assert shown.is_cuda
    assert (shown.cpu() - sensor(photons, seeded())).abs().max() < 0.01  # the same of steps of 0.24 electrons


def test_light_of_many_photons_does_not_overflow():
    """Counted in 64 bits, 10¹⁹ photons would come out negative; few beside them are Poisson's as ever."""
    mean = torch.tensor([1e19, 3.0, 0.0], dtype=torch.float64).expand(400, 3)
    drawn = Poisson()(mean, torch.Generator().manual_seed(0))
    assert (drawn[:, 0] / 1e19 - 1).abs().max() < 1e-8
    assert float(drawn[:, 0].std()) == pytest.approx(math.sqrt(1e19), rel=0.15)  # 4 deviations of 400 draws
    assert torch.equal(drawn[:, 1:], drawn[:, 1:].round())
    assert float(drawn[:, 1].mean()) == pytest.approx(3, abs=0.35)
    assert not drawn[:, 2].any()
