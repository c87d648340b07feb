"""What all tests share."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _same_numbers_every_time():
    """Layers that start at random do so alike in every run, whichever process has which tests."""
    torch.manual_seed(0)
