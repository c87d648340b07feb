"""The commands that measure run: on the smallest of their cases, so that a table can always be made again."""

import pytest
import torch

from tests.benchmarks import accuracy, speed, table


def test_accuracy_of_one_layer():
    ideal, sampled, exact, single, light = accuracy.errors("ACDC", (7,), "identity-like", 0)
    assert ideal < 1e-12
    assert exact < 1e-10
    assert single < 1e-5
    assert 1e-3 < sampled < 1
    assert 0 < light < 1


def test_a_ratio_to_oneself_is_one():
    x = torch.randn(64, 64)
    ours, seconds = speed.ratio(lambda: x @ x, lambda: x @ x, "cpu")
    assert ours == pytest.approx(1, abs=0.5)  # a busy machine
    assert seconds > 0


def test_tables_are_published_whole(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(table, "RESULTS", tmp_path)
    table.publish("name", "Title", ["note"], ["a", "b"], [["1", "2"]])
    text = (tmp_path / "name.md").read_text()
    assert "| 1 | 2 |" in text
    assert text.strip() in capsys.readouterr().out
