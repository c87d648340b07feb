"""The commands that measure robustness run: on the smallest of their cases, as those of tests/test_benchmarks.py."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from acdc_optical import Schedule
from acdc_optical.training.datasets import Split
from acdc_optical.training.networks import for_data
from tests.benchmarks import photon_budget, robustness, table


def small_recipe():
    """Three classes of images of 3 × 3 pixels, which differ in one row each."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(60) % 3
    x = torch.rand(60, 3, 3, generator=generator) / 2 + torch.nn.functional.one_hot(y, 3)[..., None] / 2
    return for_data(Split(x[:40], y[:40], x[40:], y[40:])).shortened(20)


def test_the_gap_that_imperfections_in_the_loop_close(tmp_path, monkeypatch):
    for name, value in {
        "DRAWS": 2,
        "LEVELS": (0.0, 2.0),
        "LEVEL": 1,
        "IN_THE_LOOP": Schedule(epochs=1),
        "WITH_NOISE": Schedule(epochs=1),
    }.items():
        monkeypatch.setattr(robustness, name, value)
    monkeypatch.setattr(table, "RESULTS", tmp_path)
    found = robustness.outcome(small_recipe(), 0, tmp_path)
    assert found.before[0] == [found.perfect]
    assert [len(each) for each in found.after] == [1, 2]
    robustness.report([found])
    robustness.draw([found], tmp_path / "curves.png")
    assert (tmp_path / "robustness.md").exists()
    assert (tmp_path / "curves.png").exists()
    half = robustness.Outcome(0.9, [[0.9], [0.4, 0.6]], [[0.9], [0.7, 0.7]], ([0.1, 0.1], [0.3, 0.3], [0.7]))
    assert (half.closed, *half.closed_in_noise) == pytest.approx((0.5, 0.25, 0.75))


def test_photons_and_accuracy(tmp_path, monkeypatch):
    for name, value in {"PER_OUTPUT": (0.01, 1e3), "EXPOSURES": 2, "IN_THE_LOOP": Schedule(epochs=1)}.items():
        monkeypatch.setattr(photon_budget, name, value)
    recipe = small_recipe()
    x, y = recipe.data[:2]
    found, shares = photon_budget.curves(replace(recipe, data=Split(x, y, x, y)), 0, tmp_path)
    assert len(found) == 4
    for curve in list(found.values())[:3]:
        dark, bright = curve.points
        assert min(bright.accuracies) == curve.full > max(dark.accuracies)
        assert bright.electrons == pytest.approx(1e3, rel=1e-2)  # set without noise, and counted with it
        assert 0.01 < curve.threshold < 1e3
    assert all(0 < share < 1 for share in shares)
    (row, *_) = photon_budget.rows([found], 9)
    assert len(row) == 3 + len(photon_budget.PER_OUTPUT)
    (first, _) = photon_budget.launched_rows([found], [shares], 9)
    assert len(first) == len(photon_budget.LAUNCHED)


def test_a_threshold_lies_between_its_points():
    points = [photon_budget.Point([0.4, 0.6], 1.0), photon_budget.Point([1.0, 0.8], 100.0)]
    assert photon_budget.threshold(points, 7 / 9) == pytest.approx(10.0)
    assert photon_budget.threshold(points, 0.5) == 1.0
    assert photon_budget.threshold(points, 1.2) == float("inf")
