"""Order packages, written once for all tests; they are not to be changed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.fabrication.packages import Case, cases


@pytest.fixture(scope="session")
def orders(tmp_path_factory) -> dict[str, Case]:
    return cases(tmp_path_factory.mktemp("given"))


@pytest.fixture(scope="session")
def package(orders, tmp_path_factory) -> Callable[[str], Path]:
    """The folder of a case's package with all formats, by its name."""
    place = tmp_path_factory.mktemp("packages")
    return cache(lambda name: orders[name].export(place / name, "all"))
