"""Training by two processes: the same numbers as by one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from acdc_optical import (
    Continuous,
    Ideal,
    PhaseOnly,
    Schedule,
    checkpoint,
    condensed,
    fit,
    realise_each,
    trainable_masks,
)
from acdc_optical.training.augmentation import roll_and_noise
from acdc_optical.training.processes import Team, gathered
from tests.realisation.cases import bench, inputs, layer

# Twice eleven examples, which two cannot share alike, then one, of which the second process has nothing.
COUNT, SCHEDULE = 23, Schedule(epochs=3, batch=11, learning_rate=0.05)


def squared(output, target):
    return (output - target).abs().square().mean()


def regression(make):
    x = inputs(layer(make, 6), COUNT)
    return {"x": x, "y": x.flip(-1), "loss": squared}


def numbers():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        read_out = nn.Linear(18, 3).double()
    front = nn.Conv1d(1, 3, 1, dtype=torch.float64)
    nn.init.ones_(front.weight)
    nn.init.zeros_(front.bias)
    return nn.Sequential(
        nn.Unflatten(1, (1, 6)), front, layer("ACDC", (3, 6), bias=True), nn.ReLU(), nn.Flatten(), read_out
    )


def classification():
    x = torch.randn(COUNT, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return {
        "x": x,
        "y": x[:, :3].argmax(1),
        "augment": roll_and_noise(0, 0.1),
        "held_out": (x[:7], x[:7, :3].argmax(1)),
    }


def light(kind):
    made = realise_each(nn.Sequential(layer(kind, 6, bias=True)), bench(), model=Ideal())
    return condensed(trainable_masks(made, PhaseOnly() if kind == "ACDC" else None))


def beyond():
    """Masks with many settings beyond their bound, some of which are called back."""
    made = light("AFDF")
    with torch.no_grad():
        for name, settings in made.named_parameters():
            if name.endswith("settings"):
                settings.mul_(2)
    return made


TRAININGS = {
    "labels": (numbers, classification()),
    "complex": (lambda: layer("AFDF", 6, bias=True), regression("AFDF")),
    "real masks": (lambda: light("ACDC"), regression("ACDC")),
    "complex masks": (lambda: light("AFDF"), regression("AFDF")),
    "masks beyond their bound": (beyond, regression("AFDF")),
    "light": (lambda: realise_each(layer("ACDC", 6), bench(), model=Continuous()), regression("ACDC")),
}


def run(name, path=None):
    make, given = TRAININGS[name]
    network = make()
    history = list(fit(network, schedule=SCHEDULE, seed=1, checkpoint=path, **given))
    return [tuple(found for found in epoch if found is not None) for epoch in history], network.state_dict()


def main(folder):
    """What each of the processes does: one training after another, then the first one resumed."""
    rank = int(os.environ["RANK"])
    wrote, save = [], checkpoint.save
    checkpoint.save = lambda *given: (wrote.append(given), save(*given))
    found = {name: run(name, folder / f"{name}.checkpoint") for name in TRAININGS}
    found["resumed"] = run("labels", folder / "labels.checkpoint")
    torch.save({"found": found, "wrote": len(wrote)}, folder / f"{rank}.pt")


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def launch(module, *arguments):
    """As a user starts it; the processes find each other on this machine."""
    place = ["--nproc-per-node", "2", "--master-addr", "127.0.0.1", "--master-port", str(free_port())]
    command = [sys.executable, "-m", "torch.distributed.run", *place, "-m", module, *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    root = Path(__file__).parents[2]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_two_processes_come_to_the_numbers_of_one(tmp_path):
    """One launch for all, as it takes seconds."""
    done = launch("tests.training.test_processes", tmp_path)
    assert done.returncode == 0, done.stderr
    processes = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1)]
    first, second = (process["found"] for process in processes)
    for name in TRAININGS:
        history, state = run(name)
        for got, wanted in zip(first[name][0], history, strict=True):
            assert got == pytest.approx(wanted, rel=1e-12), name
        for key, value in first[name][1].items():
            # Sums in another order, which Adam divides by their own size.
            assert torch.allclose(value, state[key], rtol=0, atol=1e-12), (name, key)
            assert torch.equal(value, second[name][1][key]), (name, key)
        assert first[name][0] == second[name][0]
    # The first alone writes; they resume together; and what two began, one ends.
    assert [process["wrote"] for process in processes] == [3 * len(TRAININGS), 0]
    assert {path.name for path in tmp_path.glob("*.checkpoint")} == {f"{name}.checkpoint" for name in TRAININGS}
    assert first["resumed"][0] == second["resumed"][0] == first["labels"][0]
    assert run("labels", tmp_path / "labels.checkpoint")[0] == first["labels"][0]


class TestTeam:
    @pytest.mark.parametrize("count", [1, 2, 3, 12])
    @pytest.mark.parametrize("size", [1, 2, 5])
    def test_shares_are_the_batch(self, count, size):
        shares = [Team(rank, size).share(torch.arange(count)) for rank in range(size)]
        assert torch.equal(torch.cat(shares), torch.arange(count))
        assert max(map(len, shares)) - min(map(len, shares)) <= 1

    def test_one_process_is_a_team(self, monkeypatch):
        for size in (None, "1"):
            monkeypatch.delenv("WORLD_SIZE", raising=False) if size is None else monkeypatch.setenv("WORLD_SIZE", size)
            team = gathered(torch.device("cpu"))
            assert team == Team(0, 1)
            network = nn.Linear(2, 2)
            assert team.joined(network) is network
            assert team.total(torch.ones(2)).tolist() == [1, 1]
            team.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
