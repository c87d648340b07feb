"""fit: seeded, without side effects, and the same numbers whatever interrupts it."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from acdc_optical import (
    ACDC,
    AFDF,
    CrossEntropy,
    Epoch,
    Ideal,
    Permutation,
    Quantised,
    Schedule,
    SignedAmplitude,
    SoftStaircase,
    condensed,
    fit,
    realise_each,
    trainable_masks,
)
from acdc_optical.training.augmentation import roll_and_noise
from acdc_optical.training.fitting import Annealed, accuracy
from tests.realisation.cases import bench, inputs, layer, relative_error
from tests.training.cases import optical

FEW = Schedule(epochs=5, batch=16)


def data(count=50, n=8, dtype=torch.float32):
    """Two classes that a line divides; the last batch of 16 is of another size."""
    x = torch.randn(count, n, dtype=dtype, generator=torch.Generator().manual_seed(0))
    return x, (x[:, 0] + x[:, 3] > 0).long()


def network(dtype=torch.float32, dropout=0.0):
    generator = torch.Generator().manual_seed(1)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        read_out = nn.Linear(8, 2)
    return nn.Sequential(
        ACDC(8, bias=True, generator=generator), nn.ReLU(), Permutation(8), nn.Dropout(dropout), read_out
    ).to(dtype)


def masks():
    """A network whose trained masks are annealed on the way."""
    device = Quantised(SignedAmplitude(), 3, SoftStaircase())
    return condensed(trainable_masks(realise_each(network(), bench(), model=Ideal()), device))


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


class TestSeeds:
    def trained(self, seed, **options):
        trained = network(dropout=options.pop("dropout", 0.0))
        return trained, list(fit(trained, *data(), schedule=FEW, seed=seed, **options))

    @pytest.mark.parametrize(
        "options", [{}, {"dropout": 0.5}, {"augment": roll_and_noise(2, 0.1)}], ids=["plain", "dropout", "augmented"]
    )
    def test_the_same_seed_gives_the_same_numbers(self, options):
        first, history = self.trained(3, **options)
        torch.rand(7)  # what others draw meanwhile
        again, repeated = self.trained(3, **options)
        other, different = self.trained(4, **options)
        assert history == repeated
        assert same(first, again)
        assert history != different
        assert not same(first, other)

    def test_every_epoch_is_another(self):
        """Shuffled anew, and noise drawn anew: at a learning rate of nothing only that differs."""
        x, y = data()
        still = Schedule(epochs=3, batch=16, learning_rate=0.0)
        losses = [epoch.loss for epoch in fit(network(), x, y, schedule=still, augment=roll_and_noise(0, 0.5))]
        assert len(set(losses)) == 3

    def test_the_global_generators_are_left_alone(self):
        torch.manual_seed(5)
        trained = network(dropout=0.5)
        state = torch.get_rng_state()
        steps = fit(trained, *data(), schedule=FEW, augment=roll_and_noise(2, 0.1))
        for _ in steps:
            assert torch.equal(torch.get_rng_state(), state)
        assert torch.equal(torch.get_rng_state(), state)


class TestWhatItTrains:
    def test_it_learns(self):
        x, y = data(200)
        trained = network()
        history = list(fit(trained, x, y, schedule=Schedule(epochs=30, batch=16), held_out=data(40)))
        assert history[-1].loss < history[0].loss
        assert history[-1].held_out == accuracy(trained(data(40)[0]), data(40)[1]) > 0.9
        assert not trained.training

    def test_loss_and_accuracy_are_those_of_the_pass(self):
        """Without a step the loss of a pass is that of the data, last batch of two and all."""
        x, y = data()
        trained = network()
        (epoch,) = fit(trained, x, y, schedule=Schedule(epochs=1, batch=16, learning_rate=0.0))
        assert epoch.loss == pytest.approx(float(CrossEntropy()(trained(x), y).detach()), rel=1e-5)
        assert epoch.accuracy == accuracy(trained(x), y)
        assert epoch.held_out is None

    def test_labels_are_smoothed_by_the_loss(self):
        logits, y = torch.tensor([[100.0, 0.0]]), torch.tensor([0])
        assert CrossEntropy(0.0)(logits, y) == 0
        assert CrossEntropy(0.2)(logits, y) == pytest.approx(10.0)  # a tenth of a hundred, for the other class
        assert CrossEntropy()(logits, y) == pytest.approx(5.0)

    @pytest.mark.parametrize("kind", ["ACDC", "AFDF"])
    def test_any_loss_and_numbers_of_any_kind(self, kind):
        """Regression by a complex network: a function for a loss, and no labels."""
        wanted, trained = layer(kind, 6, seed=1), layer(kind, 6, seed=2, bias=True)
        x = inputs(wanted, 64)
        y = wanted(x).detach()

        def loss(output, target):
            return (output - target).abs().square().mean()

        held_out = (inputs(wanted, 5, seed=1), wanted(inputs(wanted, 5, seed=1)).detach())
        schedule = Schedule(epochs=60, batch=16, learning_rate=0.05)
        history = list(fit(trained, x, y, loss=loss, schedule=schedule, held_out=held_out))
        assert history[-1].accuracy is None
        assert history[-1].held_out == pytest.approx(float(loss(trained(held_out[0]), held_out[1]).detach()))
        assert history[-1].loss < history[0].loss / 100
        assert relative_error(trained(x), y) < 0.05

    @pytest.mark.parametrize(
        "last", [nn.Linear(8, 1), nn.Sequential(nn.Linear(8, 1), nn.Flatten(0))], ids=["one output", "none"]
    )
    def test_one_logit_has_no_largest(self, last):
        """A binary classifier with whole numbers for targets: there is a loss to report, and no accuracy."""

        def loss(output, y):
            return binary_cross_entropy_with_logits(output.flatten(), y.to(output))

        x, y = data()
        trained = nn.Sequential(layer("ACDC", 8), last.double())
        (epoch,) = fit(trained, x.double(), y, loss=loss, schedule=Schedule(epochs=1), held_out=(x.double(), y))
        assert epoch.accuracy is None
        assert epoch.held_out == pytest.approx(float(loss(trained(x.double()), y).detach()))

    def test_labels_of_every_feature(self):
        """Outputs of shape (count, classes, n), as for segmentation: any loss, but nothing to call right."""
        x, _ = data()
        y = (x > 0).long()
        given = {"loss": nn.CrossEntropyLoss(), "schedule": FEW, "held_out": (x[:, None], y)}
        history = list(fit(nn.Conv1d(1, 2, 1), x[:, None], y, **given))
        assert history[-1].accuracy is None
        assert history[-1].held_out < history[0].held_out

    def test_any_network(self):
        """A convolutional front end, and masks through light behind it."""
        x = torch.rand(20, 1, 6, 6, generator=torch.Generator().manual_seed(0))
        y = (x[:, 0, 0, 0] > 0.5).long()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            numbers = nn.Sequential(
                nn.Conv2d(1, 2, 3),
                nn.BatchNorm2d(2),
                nn.ReLU(),
                ACDC((4, 4)),
                nn.ReLU(),
                nn.Flatten(),
                nn.Linear(32, 2),
            )
        light = trainable_masks(realise_each(numbers, bench(), model=Ideal()))
        before = {name: p.detach().clone() for name, p in light.named_parameters()}
        list(fit(light, x, y, schedule=Schedule(epochs=2, batch=8)))
        for name, parameter in light.named_parameters():
            assert torch.equal(parameter, before[name]) == (not parameter.requires_grad), name

    def test_light_and_its_condensed_response_train_alike(self):
        histories = []
        for narrow in (condensed, lambda light: light):
            light = trainable_masks(realise_each(network(torch.float64), bench(), model=Ideal()))
            histories.append([e.loss for e in fit(narrow(light), *data(dtype=torch.float64), schedule=FEW)])
        assert histories[0] == pytest.approx(histories[1], rel=1e-9)

    def test_weight_decay_spares_diagonals_and_masks(self):
        """Without a gradient, AdamW only decays: the read-out shrinks, and nothing else."""
        generator = torch.Generator().manual_seed(0)
        numbers = nn.Sequential(ACDC(4, bias=True), AFDF(4, generator=generator))
        trained = nn.Sequential(numbers, trainable_masks(optical("ACDC", (4,), Ideal(), bias=True)), nn.Linear(4, 2))
        before = {name: p.detach().clone() for name, p in trained.named_parameters()}

        def nothing(outputs, y):
            return 0 * sum(p.real.sum() for p in trained.parameters() if p.requires_grad)

        trained.forward = lambda x: x
        schedule = Schedule(epochs=1, weight_decay=0.5)
        list(fit(trained, torch.ones(8, 4), torch.zeros(8), loss=nothing, schedule=schedule))
        for name, parameter in trained.named_parameters():
            if name.startswith("2."):
                assert (parameter.abs() < before[name].abs()).all(), name
            else:
                assert torch.equal(parameter, before[name]), name

    def test_the_learning_rate_falls_and_masks_harden(self):
        told = []

        class Told(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = nn.Linear(8, 2)

            def forward(self, x):
                return self.inner(x)

            def anneal(self, progress):
                told.append(progress)

        trained = Told()
        assert isinstance(trained, Annealed)
        list(fit(trained, *data(32), schedule=Schedule(epochs=2, batch=16)))
        # Before every step how far it is; after an epoch, for what is measured, as if it were the end.
        assert told == [0.0, 0.25, 1.0, 0.5, 0.75, 1.0]

    def test_masks_show_levels_alone_in_the_end(self):
        trained = masks()
        for _ in fit(trained, *data(), schedule=FEW):
            source = trained[0].optical.source
            assert source.progress == 1.0
            assert len(trained.train()[0].optical.masks().fourier_mask.unique()) <= 8


class TestErrors:
    def test_nothing_to_train_on(self):
        for x, y in ((torch.zeros(3, 8), torch.zeros(2).long()), (torch.zeros(0, 8), torch.zeros(0).long())):
            with pytest.raises(ValueError, match="as many targets as inputs, and at least one; got"):
                list(fit(network(), x, y))

    def test_nothing_to_train(self):
        for still in (network().requires_grad_(False), nn.Identity()):
            with pytest.raises(ValueError, match="nothing in the network is to be trained"):
                list(fit(still, *data()))

    @pytest.mark.parametrize("nothing", [{"epochs": 0}, {"batch": 0}])
    def test_no_schedule(self, nothing):
        with pytest.raises(ValueError, match="one epoch or more, of one input a batch or more; got Schedule"):
            Schedule(**nothing)

    @pytest.mark.parametrize("bad", [math.nan, math.inf])
    def test_a_loss_that_is_no_number(self, bad):
        x, y = data()
        x[20, 3] = bad
        steps = fit(network(), x, y, schedule=FEW)
        with pytest.raises(FloatingPointError, match=r"the loss is nan in epoch 1; train more slowly"):
            list(steps)

    def test_what_an_epoch_says(self):
        assert str(Epoch(0.5)) == "loss 0.5000"
        assert str(Epoch(0.5, 0.75, 0.5)) == "loss 0.5000, right 75.00%, held out 50.00%"
        assert str(Epoch(0.5, None, 0.25)) == "loss 0.5000, held out 0.25"


def regression(make=lambda: layer("AFDF", 6, bias=True)):
    x = inputs(make(), 20)
    return make, {"x": x, "y": x.flip(-1), "loss": mse_complex, "seed": 2}


def mse_complex(output, target):
    return (output - target).abs().square().mean()


def classification(make):
    x, y = data()
    return make, {"x": x, "y": y, "seed": 2, "augment": roll_and_noise(1, 0.1), "held_out": data(10)}


TRAININGS = {
    "numbers with dropout": classification(lambda: network(dropout=0.3)),
    "masks annealed": classification(masks),
    "complex": regression(),
}


@pytest.mark.parametrize("training", TRAININGS)
class TestInterrupted:
    def whole(self, training):
        make, given = TRAININGS[training]
        trained = make()
        return trained, list(fit(trained, schedule=FEW, **given))

    @pytest.mark.parametrize("after", [1, 3, 5])
    def test_between_epochs(self, training, after, tmp_path):
        make, given = TRAININGS[training]
        steps = fit(make(), schedule=FEW, checkpoint=tmp_path / "c", **given)
        before = [next(steps) for _ in range(after)]
        steps.close()
        trained = make()
        history = list(fit(trained, schedule=FEW, checkpoint=tmp_path / "c", **given))
        whole, expected = self.whole(training)
        assert history[:after] == before
        assert history == expected
        assert same(trained, whole)

    @pytest.mark.parametrize("at", [0, 7, 13])
    def test_within_a_step(self, training, at, tmp_path):
        make, given = TRAININGS[training]
        trained, calls = make(), []

        def interrupt(module, args):
            calls.append(module.training)
            if calls.count(True) == at + 1 and module.training:
                raise KeyboardInterrupt

        handle = trained.register_forward_pre_hook(interrupt)
        size = {"batch": 16} if "held_out" in given else {"batch": 6}
        schedule = Schedule(epochs=5, **size)
        with pytest.raises(KeyboardInterrupt):
            list(fit(trained, schedule=schedule, checkpoint=tmp_path / "c", **given))
        handle.remove()
        resumed, whole = make(), make()
        history = list(fit(resumed, schedule=schedule, checkpoint=tmp_path / "c", **given))
        assert history == list(fit(whole, schedule=schedule, **given))
        assert same(resumed, whole)

    def test_a_finished_training_is_only_read(self, training, tmp_path):
        make, given = TRAININGS[training]
        first = make()
        history = list(fit(first, schedule=FEW, checkpoint=tmp_path / "c", **given))
        written = (tmp_path / "c").stat().st_mtime_ns
        again = make()
        assert list(fit(again, schedule=FEW, checkpoint=tmp_path / "c", **given)) == history
        assert same(first, again)
        assert [module.training for module in again.modules()] == [module.training for module in first.modules()]
        assert (tmp_path / "c").stat().st_mtime_ns == written
        assert [path.name for path in tmp_path.iterdir()] == ["c"]


OTHERS = {
    "seed": {"seed": 3},
    "schedule": {"schedule": Schedule(epochs=6, batch=16)},
    "loss": {"loss": CrossEntropy(0.2)},
    "inputs": {"x": data()[0] + 1e-6},
    "labels": {"y": 1 - data()[1]},
    "start": {"make": lambda: nn.Sequential(*network(), nn.Linear(2, 2))},
    "activation": {"make": lambda: nn.Sequential(network()[0], nn.Tanh(), *network()[2:])},
    "augmentation": {"augment": roll_and_noise(1, 0.1)},
    "held out": {"held_out": data(10)},
}


class TestCheckpoints:
    def start(self, path, make=network, **changes):
        given = {"schedule": FEW, "seed": 2, "loss": CrossEntropy(), "augment": None, **changes}
        x, y = given.pop("x", data()[0]), given.pop("y", data()[1])
        return fit(make(), x, y, checkpoint=path, **given)

    @pytest.mark.parametrize("other", OTHERS)
    def test_of_another_training_are_refused(self, tmp_path, other):
        next(self.start(tmp_path / "c"))
        before = (tmp_path / "c").read_bytes()
        with pytest.raises(ValueError, match="a checkpoint of another training"):
            next(self.start(tmp_path / "c", **OTHERS[other]))
        assert (tmp_path / "c").read_bytes() == before

    @pytest.mark.parametrize("other", ["constraint", "model"])
    def test_masks_of_another_device_or_light_are_refused(self, tmp_path, other):
        """Though they start from the same numbers."""

        def make(bits=8, samples=8):
            from acdc_optical import Continuous

            light = realise_each(network(), bench(), model=Continuous(samples=samples))
            return condensed(trainable_masks(light, Quantised(SignedAmplitude(), bits), input=SignedAmplitude()))

        changed = {"constraint": {"bits": 9}, "model": {"samples": 9}}[other]
        next(self.start(tmp_path / "c", make))
        next(self.start(tmp_path / "c", make))  # its own it takes
        with pytest.raises(ValueError, match="a checkpoint of another training"):
            next(self.start(tmp_path / "c", lambda: make(**changed)))

    def test_what_a_function_is_called_counts_and_not_where_it_lies(self, tmp_path):
        """A loss defined anew, as in a process started anew, is the same loss."""

        def made():
            def loss(output, target):
                return output.square().mean()

            return loss

        kept = [made() for _ in range(3)]
        assert repr(kept[0]) != repr(kept[1])
        next(self.start(tmp_path / "c", loss=kept[0]))
        next(self.start(tmp_path / "c", loss=kept[1]))
        with pytest.raises(ValueError, match="another training"):
            next(self.start(tmp_path / "c", loss=mse_loss))

    def test_damaged_ones_are_refused(self, tmp_path):
        next(self.start(tmp_path / "c"))
        whole = (tmp_path / "c").read_bytes()
        places = torch.randint(len(whole), (20,), generator=torch.Generator().manual_seed(0)).tolist()
        for content in (b"", whole[:-1], whole[:100], *(_flipped(whole, place) for place in places)):
            (tmp_path / "c").write_bytes(content)
            with pytest.raises(ValueError, match=r"c: .*(damaged|not a checkpoint)") as caught:
                next(self.start(tmp_path / "c"))
            assert "\n" not in str(caught.value)
            assert (tmp_path / "c").read_bytes() == content

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="there is no folder"):
            next(self.start(tmp_path / "none" / "c"))

    def test_a_half_written_one_leaves_the_last(self, tmp_path, monkeypatch):
        steps = self.start(tmp_path / "c")
        next(steps)
        before = (tmp_path / "c").read_bytes()

        def failing(tensors, path, metadata):
            Path(path).write_bytes(b"half")
            raise OSError("disk full")

        with monkeypatch.context() as patched:
            patched.setattr("acdc_optical.tensors.save_file", failing)
            with pytest.raises(OSError, match="disk full"):
                next(steps)
        assert (tmp_path / "c").read_bytes() == before
        trained = network()
        assert list(self.start(tmp_path / "c", lambda: trained)) == list(self.start(tmp_path / "d"))


def _flipped(content, place):
    changed = bytearray(content)
    changed[place] ^= 0x10
    return bytes(changed)


KILLED = """
import sys, time
from acdc_optical import fit
from tests.training.test_training import FEW, TRAININGS
make, given = TRAININGS["masks annealed"]
for epoch in fit(make(), schedule=FEW, checkpoint=sys.argv[1], **given):
    print("epoch", flush=True)
    time.sleep(0.2)
"""


@pytest.mark.slow
def test_a_killed_process_is_taken_up_by_another(tmp_path):
    """By SIGKILL in the middle of the training, which no handler sees."""
    command = [sys.executable, "-c", KILLED, str(tmp_path / "c")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout.readline() == "epoch\n"
        assert process.stdout.readline() == "epoch\n"
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    make, given = TRAININGS["masks annealed"]
    trained, whole = make(), make()
    steps = fit(trained, schedule=FEW, checkpoint=tmp_path / "c", **given)
    history = list(steps)
    assert history == list(fit(whole, schedule=FEW, **given))
    assert same(trained, whole)
