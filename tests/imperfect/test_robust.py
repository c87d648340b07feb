"""Imperfections in the loop: another bench for every batch, the same ones for the same seed, and the light of each."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from acdc_optical import (
    ACDC,
    Design,
    Imperfections,
    ImperfectLayer,
    InTheLoop,
    Permutation,
    Schedule,
    SignedAmplitude,
    fit,
    realise,
    realise_each,
    trainable_masks,
)
from acdc_optical.benches.distributions import Normal, drawn
from acdc_optical.budgets.exposure import Exposure
from acdc_optical.imperfect.operator import ImperfectMatrix
from acdc_optical.imperfect.robust import each_drawn, full_scales, on_bench, outputs_on
from acdc_optical.realisation import run_in_batches
from optics import BalancedHomodyne, FourStep, Sensor
from optics.detection.shot import Poisson
from tests.realisation.cases import bench, inputs, layer, relative_error

SHIFTS = {"modulator.shift_x": Normal(2e-6), "input_mask.shift_y": Normal(2e-6), "camera.shift_y": Normal(2e-6)}
WRONG = Imperfections().changed({"modulator.shift_x": 1e-6, "input_mask.shift_y": -2e-6, "fourier_mask.defocus": 1e-3})
NOISY = Exposure(BalancedHomodyne(1e3, Sensor(shot=Poisson())), amplitude=3.0, axes=2)
FEW = Schedule(epochs=2, batch=8)


def network(dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    layers = [ACDC((3, 4), bias=True, generator=generator, dtype=dtype) for _ in range(2)]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        read_out = nn.Linear(12, 2, dtype=dtype)
    return nn.Sequential(layers[0], nn.ReLU(), Permutation((3, 4)), layers[1], nn.Flatten(), read_out)


def optical(dtype=torch.float64):
    return realise_each(network(dtype), bench())


def data(count=20, dtype=torch.float64):
    x = torch.rand(count, 3, 4, dtype=dtype, generator=torch.Generator().manual_seed(0))
    return x, (x[:, 0, 0] > x[:, 2, 1]).long()


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


class TestTheMatrix:
    @pytest.mark.parametrize("kind", ["ACDC", "AFDF"])
    @pytest.mark.parametrize(
        "more",
        [
            {},
            {"input_device.flatness": 2e-8, "fourier_device.flatness": 2e-8},
            {"light.bandwidth": 1e-9},
            {"fourier_device.amplitude_bits": 4, "input_device.gap_reflectance": 0.3},
        ],
        ids=["places", "phases", "colours", "steps and gaps"],
    )
    def test_it_is_the_light_of_the_layer(self, kind, more):
        """To the rounding of a few hundred terms."""
        made = realise(layer(kind, (3, 4), bias=True), bench())
        x = inputs(made.layer, 2, 3)
        imperfect = ImperfectLayer(made, WRONG.changed(more), nodes=3)
        assert relative_error(ImperfectMatrix(imperfect)(x), imperfect(x)) < 1e-14
        assert relative_error(imperfect(x), made(x)) > 1e-2

    @pytest.mark.parametrize("reading", [FourStep(1e3, Sensor()), BalancedHomodyne(1e3, Sensor())])
    def test_cameras_read_every_pixel(self, reading):
        """A reference of 1e3 costs the reading 1e6 roundings."""
        made = realise(layer("ACDC", (3, 4)), bench())
        imperfect = ImperfectLayer(made, WRONG, reading=Exposure(reading, 10.0, axes=2), nodes=3)
        x = inputs(made.layer, 2)
        assert relative_error(ImperfectMatrix(imperfect)(x), imperfect(x)) < 1e-9

    def test_gradients_are_those_of_the_light(self):
        found = []
        for wrap in (ImperfectMatrix, lambda imperfect: imperfect):
            made = realise(layer("ACDC", (3, 4)), bench())
            shift = torch.tensor(1e-6, dtype=torch.float64, requires_grad=True)
            module = wrap(ImperfectLayer(made, WRONG.changed({"camera.shift_x": shift}), nodes=3))
            module(inputs(made.layer, 5)).pow(3).sum().backward()
            found.append((made.layer.a.grad, made.layer.d.grad, shift.grad))
        for ours, wanted in zip(*found, strict=True):
            assert relative_error(ours, wanted) < 1e-12

    @pytest.mark.parametrize(
        ("shape", "wrong"),
        [
            (5, Imperfections().changed({"camera.shift_x": 1e-6})),
            ((3, 4), Imperfections().changed({"camera.rotation": 1e-2})),
            ((3, 4), drawn(Imperfections(), SHIFTS, seed=0, draws=range(2))),
        ],
        ids=["a line", "turned", "several"],
    )
    def test_what_is_no_matrix_goes_through_the_layer(self, shape, wrong):
        made = realise(layer("ACDC", shape), bench())
        imperfect = ImperfectLayer(made, wrong, nodes=3)
        x = inputs(made.layer, 2)
        assert torch.equal(ImperfectMatrix(imperfect)(x), imperfect(x))


class TestInTraining:
    def test_every_batch_meets_another_bench(self):
        loop, x = InTheLoop(optical(), SHIFTS), data()[0]
        torch.manual_seed(0)
        first, second = loop(x), loop(x)
        torch.manual_seed(0)
        assert torch.equal(loop(x), first)
        assert relative_error(second, first) > 1e-3

    def test_it_is_the_bench_that_was_drawn(self):
        loop, x = InTheLoop(optical(), SHIFTS, nodes=3), data()[0]
        torch.manual_seed(3)
        y = loop(x)
        torch.manual_seed(3)
        (seed,) = torch.randint(2**48, (1,)).tolist()
        (stands,) = each_drawn(Imperfections(), SHIFTS, seed=seed, draws=[0])
        assert set(stands.present()) == set(SHIFTS)
        assert torch.equal(on_bench(loop.network, stands, nodes=3)(x), y)

    def test_several_benches_share_a_batch(self):
        """Equal inputs are seen alike on one bench, and differently on two."""
        loop = InTheLoop(optical(), SHIFTS, benches=2)
        x = data(1)[0].expand(4, 3, 4)
        y = loop(x)
        assert relative_error(y[0], y[1]) < 1e-12
        assert relative_error(y[0], y[2]) > 1e-3

    def test_noise_is_drawn_anew(self):
        """Of benches on which all stands still: σ² = 1/4 in each of four camera pixels, in units of the amplitude."""
        made = realise(layer("ACDC", (3, 4)), bench())
        loop = InTheLoop(made, {}, readings=[NOISY])
        x = inputs(made.layer, 1).expand(2000, 3, 4)
        mean = made(x[:1])
        one, other = loop(x) - mean, loop(x) - mean
        sigma = float(made.masks().gain) / NOISY.amplitude / 4
        assert not torch.equal(one, other)
        # 24000 values: σ to half a percent; four times that, and what the signal's own photons add.
        assert one.detach().std().item() == pytest.approx(sigma, rel=0.03)
        # Their product's mean is zero but for σ²/√24000.
        assert abs((one * other).mean().item()) < 4 * sigma**2 / math.sqrt(one.numel())

    @pytest.mark.parametrize("own_masks", [False, True], ids=["diagonals", "masks"])
    def test_gradients_reach_what_is_trained(self, own_masks):
        made = trainable_masks(optical(), SignedAmplitude(), input=SignedAmplitude()) if own_masks else optical()
        steps = Imperfections().changed({"fourier_device.amplitude_bits": 3, "input_device.amplitude_bits": 3})
        loop = InTheLoop(made, SHIFTS, wrong=steps, readings=[NOISY, NOISY])
        loop(data()[0]).square().sum().backward()
        trained = {name: p for name, p in loop.named_parameters() if p.requires_grad}
        assert len(trained) == (10 if own_masks else 8)
        for name, parameter in trained.items():
            assert float(parameter.grad.abs().max()) > 0, name


class TestInEvaluation:
    def test_nothing_wrong_is_the_network_itself(self):
        loop, x = InTheLoop(optical(), SHIFTS).eval(), data()[0]
        assert torch.equal(loop(x), loop.network(x))

    def test_the_mean_bench_is_not_drawn(self):
        loop, x = InTheLoop(optical(), SHIFTS, wrong=WRONG, readings=[NOISY, NOISY]).eval(), data()[0]
        assert torch.equal(loop(x), loop(x))
        exact = InTheLoop(loop.network, SHIFTS, wrong=WRONG).eval()
        assert torch.equal(exact(x), on_bench(loop.network, WRONG)(x))
        assert relative_error(loop(x), exact(x)) > 1e-3
        assert torch.equal(run_in_batches(exact, x), exact(x))

    def test_benches_never_seen(self):
        made, x = optical(), data()[0]
        benches = list(each_drawn(Imperfections(), SHIFTS, seed=7, draws=range(3)))
        seen = list(outputs_on(made, x, benches))
        assert all(torch.equal(y, on_bench(made, each)(x)) for y, each in zip(seen, benches, strict=True))
        still = [Imperfections()] * 2
        one, other = outputs_on(made, x, still, readings=[NOISY, NOISY])
        assert relative_error(one, other) > 1e-3

    def test_draws_are_those_drawn_together(self):
        together = drawn(WRONG, SHIFTS, seed=3, draws=range(2))
        for number, alone in enumerate(each_drawn(WRONG, SHIFTS, seed=3, draws=range(2))):
            assert {n: float(v[number]) for n, v in together.drawn().items()} == {
                n: alone.values()[n] for n in together.drawn()
            }

    def test_full_scales_are_the_largest_inputs(self):
        made, x = optical(), data()[0]
        first, second = full_scales(made, 3 * x)
        assert first == float(3 * x.max())
        assert second == pytest.approx(made[:3](3 * x).max().item(), rel=1e-5)


class TestFit:
    def trained(self, **options):
        loop = InTheLoop(optical(torch.float32), SHIFTS, readings=[NOISY, NOISY])
        return loop, fit(loop, *data(dtype=torch.float32), schedule=FEW, **options)

    def test_the_same_seed_gives_the_same_numbers(self):
        (one, first), (again, second), (other, third) = (self.trained(seed=s) for s in (0, 0, 1))
        assert list(first) == list(second) != list(third)
        assert same(one, again)
        assert not same(one, other)

    def test_interrupted_training_comes_to_the_same_numbers(self, tmp_path):
        whole, steps = self.trained()
        history = list(steps)
        path = tmp_path / "training.checkpoint"
        _, steps = self.trained(checkpoint=path)
        assert next(steps) == history[0]
        torch.rand(5)
        resumed, steps = self.trained(checkpoint=path)
        assert list(steps) == history
        assert same(resumed, whole)

    def test_another_loop_is_another_training(self, tmp_path):
        path = tmp_path / "training.checkpoint"
        list(self.trained(checkpoint=path)[1])
        other = InTheLoop(optical(torch.float32), {"camera.shift_x": Normal(1e-6)}, readings=[NOISY, NOISY])
        with pytest.raises(ValueError, match="another"):
            list(fit(other, *data(dtype=torch.float32), schedule=FEW, checkpoint=path))

    def test_masks_that_were_trained_are_a_design(self):
        loop = InTheLoop(trainable_masks(optical(torch.float32)), SHIFTS)
        before = [p.clone() for p in loop.parameters()]
        list(fit(loop, *data(dtype=torch.float32), schedule=FEW))
        assert sum(not torch.equal(*pair) for pair in zip(before, loop.parameters(), strict=True)) == 10
        x = data(dtype=torch.float32)[0]
        assert relative_error(Design.of_masks(loop.network).realise()(x), loop(x)) < 1e-5


class TestRefusals:
    @pytest.mark.parametrize(
        ("network", "options", "match"),
        [
            (network, {}, "realise it first"),
            (optical, {"benches": 0}, "one bench or more"),
            (optical, {"readings": [NOISY]}, "each of 2 optical layers"),
            (optical, {"wrong": drawn(Imperfections(), SHIFTS, seed=0, draws=range(2))}, "on the average"),
        ],
    )
    def test_says_what_was_expected(self, network, options, match):
        with pytest.raises(ValueError, match=match):
            InTheLoop(network(), SHIFTS, **options)

    def test_unknown_imperfections(self):
        with pytest.raises(ValueError, match="can be drawn"):
            InTheLoop(optical(), {"camera.colour": Normal(1.0)})

    def test_cascades(self):
        cascade = realise(nn.Sequential(ACDC(4), ACDC(4)), bench())
        with pytest.raises(TypeError, match="realise_each"):
            InTheLoop(cascade, SHIFTS)
