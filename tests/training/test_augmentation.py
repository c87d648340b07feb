"""Augmentation moves as far as it says, adds the noise it says, and follows its input."""

import pytest
import torch

from acdc_optical.training.augmentation import roll_and_noise, shift_and_noise


def _generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_images_shift_by_at_most_a_pixel():
    images = torch.zeros(200, 6, 6)
    images[:, 3, 2] = 1
    shifted = shift_and_noise(0.0)(images, _generator())
    assert shifted.sum() == 200
    rows, columns = shifted.nonzero(as_tuple=True)[1:]
    assert set(rows.tolist()) == {2, 3, 4}
    assert set(columns.tolist()) == {1, 2, 3}


def test_what_leaves_an_image_is_gone():
    shifted = shift_and_noise(0.0)(torch.ones(200, 4, 4), _generator())
    assert set(shifted.sum((-2, -1)).tolist()) == {9.0, 12.0, 16.0}


def test_signals_roll_both_ways_around_the_end():
    signals = torch.arange(6.0).expand(300, 6)
    rolled = roll_and_noise(2, 0.0)(signals, _generator())
    steps = rolled[:, 0]
    assert torch.equal((rolled - steps[:, None]) % 6, signals)
    assert set(steps.tolist()) == {0.0, 1.0, 2.0, 4.0, 5.0}


def test_rolls_may_be_longer_than_the_signal_and_may_be_none():
    signals = torch.arange(3.0).expand(200, 3)
    assert set(roll_and_noise(7, 0.0)(signals, _generator())[:, 0].tolist()) == {0.0, 1.0, 2.0}
    assert torch.equal(roll_and_noise(0, 0.0)(signals, _generator()), signals)


def test_a_negative_roll_is_refused():
    with pytest.raises(ValueError, match="at most 0 samples or more; got -1"):
        roll_and_noise(-1, 0.0)


_EACH = pytest.mark.parametrize(
    ("augment", "inputs"),
    [(shift_and_noise(0.5), torch.zeros(400, 5, 6)), (roll_and_noise(2, 0.5), torch.zeros(400, 30))],
    ids=["shift", "roll"],
)


@_EACH
def test_the_noise_has_the_deviation_asked_for(augment, inputs):
    changed = augment(inputs, _generator())
    assert changed.shape == inputs.shape
    assert changed.std().item() == pytest.approx(0.5, rel=0.03)  # 12,000 draws: 0.6 % is one standard error
    assert abs(changed.mean().item()) < 0.02  # four standard errors


@_EACH
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16], ids=str)
def test_it_keeps_the_dtype(augment, inputs, dtype):
    assert augment(inputs.to(dtype), _generator()).dtype == dtype


@_EACH
def test_it_stays_on_the_device(augment, inputs):
    """The meta device has no numbers, but is none that the CPU's may be mixed with."""
    assert augment(inputs.to("meta"), _generator()).device.type == "meta"


@_EACH
@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_every_device_sees_the_same_numbers(augment, inputs):
    changed = augment(inputs.cuda(), _generator())
    assert changed.is_cuda
    assert torch.equal(changed.cpu(), augment(inputs, _generator()))


@_EACH
def test_the_seed_alone_decides(augment, inputs):
    state = torch.get_rng_state()
    first, again, other = (augment(inputs, _generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)
