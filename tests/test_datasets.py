"""Data sets: real, split alike every time, and users' own files read with care."""

import torch

from acdc_optical.datasets import digits


def test_digits_are_the_real_ones_split_alike_every_time():
    first, second = digits(), digits(enlarge=2)
    assert (len(first.train_x), len(first.test_x)) == (1437, 360)
    assert first.train_x.shape[1:] == (8, 8)
    assert torch.equal(second.test_x[:, ::2, 1::2], first.test_x)
    assert torch.equal(first.test_y, second.test_y)
    assert first.train_x.min() == 0
    assert first.train_x.max() == 1
    assert sorted(first.test_y.bincount().tolist()) == sorted([36, 36, 35, 37, 36, 37, 36, 36, 35, 36])
