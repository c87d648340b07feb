"""Small real data sets that ship inside packages: nothing is downloaded."""

from __future__ import annotations

from typing import NamedTuple

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor


class Split(NamedTuple):
    """Images and labels, for training and for testing.

    Attributes:
        train_x, test_x: float32, shape (count, h, w), values from 0 to 1.
        train_y, test_y: int64 labels, shape (count,).
    """

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor


def digits(enlarge: int = 1) -> Split:
    """Handwritten digits of scikit-learn (UCI, 8 × 8): 1437 to train and 360 to test, always the same.

    Args:
        enlarge: shows every image pixel on ``enlarge`` × ``enlarge`` features.
    """
    data = load_digits()
    parts = train_test_split(data.images / 16, data.target, test_size=0.2, random_state=0, stratify=data.target)
    train_x, test_x, train_y, test_y = map(torch.as_tensor, parts)
    return Split(_enlarged(train_x, enlarge), train_y, _enlarged(test_x, enlarge), test_y)


def _enlarged(images: Tensor, factor: int) -> Tensor:
    return images.float().repeat_interleave(factor, dim=-1).repeat_interleave(factor, dim=-2)
