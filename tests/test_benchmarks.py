"""The commands that measure run: on the smallest of their cases, so that a table can always be made again."""

from tests.benchmarks import accuracy, speed, table


def test_accuracy_of_one_layer():
    ideal, sampled, exact, single, light = accuracy.errors("ACDC", (7,), "identity-like", 0)
    assert ideal < 1e-12
    assert exact < 1e-10
    assert single < 1e-5
    assert 1e-3 < sampled < 1
    assert 0 < light < 1


def test_a_ratio_is_the_median_over_interleaved_turns(monkeypatch):
    """With times given instead of measured: ours takes 3, the reference 2, and every fifth turn is disturbed."""
    turns = {"ours": 0, "bare": 0}

    def given(work, times, device):
        name, time = work()
        turns[name] += 1
        return time * (10 if name == "ours" and turns[name] % 5 == 0 else 1)

    monkeypatch.setattr(speed, "seconds", given)
    assert speed.ratio(lambda: ("ours", 3.0), lambda: ("bare", 2.0), "cpu") == (1.5, 2.0)
    assert turns["ours"] == turns["bare"] == speed.TURNS + 2


def test_seconds_are_of_one_call():
    calls = []
    assert speed.seconds(lambda: calls.append(1), 7, "cpu") > 0
    assert len(calls) == 7


def test_tables_are_published_whole(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(table, "RESULTS", tmp_path)
    table.publish("name", "Title", ["note"], ["a", "b"], [["1", "2"]])
    text = (tmp_path / "name.md").read_text()
    assert "| 1 | 2 |" in text
    assert text.strip() in capsys.readouterr().out
