"""From masks back to diagonals: the layer itself where there is one, else the closest."""

from __future__ import annotations

import copy
from itertools import pairwise

import pytest
import torch

from acdc_optical import (
    Continuous,
    Ideal,
    Quantised,
    Sampled,
    SignedAmplitude,
    Wave,
    as_matrix,
    condensed,
    nearest_layer,
    realise,
    trainable_masks,
)
from tests.realisation.cases import KINDS, bench, layer, relative_error
from tests.training.cases import SINGLE, optical, shake

every_kind = pytest.mark.parametrize("kind", KINDS)


def misfit(numbers, light):
    """Found by pushing unit inputs through layer and light, not by what nearest_layer uses."""
    bare = copy.deepcopy(numbers)
    with torch.no_grad():
        if bare.bias is not None:
            bare.bias.zero_()
    wanted = condensed(light).matrix()
    return relative_error(as_matrix(bare), wanted)


@every_kind
@pytest.mark.parametrize("model", [Ideal(), Continuous()], ids=["ideal", "continuous"])
@pytest.mark.parametrize("shape", [(8,), (5,), (3, 4)], ids=str)
class TestOfExactMasks:
    def test_it_is_the_layer(self, kind, model, shape):
        light = optical(kind, shape, model, bias=True)
        nearest = nearest_layer(light)
        assert nearest.distance < 1e-12
        assert type(nearest.layer) is type(light.layer)
        assert relative_error(nearest.layer.a, light.layer.a) < 1e-12
        assert relative_error(nearest.layer.d, light.layer.d) < 1e-12
        assert torch.equal(nearest.layer.bias, light.layer.bias)

    def test_it_is_found_again_from_elsewhere(self, kind, model, shape):
        """The search starts at the layer's own a; masks that were trained have left it."""
        light = trainable_masks(optical(kind, shape, model))
        wanted = condensed(light).matrix()
        with torch.no_grad():
            light.layer.a.mul_(1 + 0.1 * torch.rand_like(light.layer.a.real))
            light.layer.d.zero_()
        nearest = nearest_layer(light)
        assert nearest.distance < 1e-6  # thirty turns from a tenth away
        assert relative_error(as_matrix(nearest.layer), wanted) < 1e-6

    def test_in_float32(self, kind, model, shape):
        nearest = nearest_layer(optical(kind, shape, model, dtype=SINGLE[kind]))
        assert nearest.layer.a.dtype == SINGLE[kind]
        assert nearest.distance < 1e-5

    def test_nothing_is_changed(self, kind, model, shape):
        light = trainable_masks(optical(kind, shape, model, bias=True))
        shake(light)
        before = {name: value.clone() for name, value in light.state_dict().items()}
        nearest_layer(light)
        assert all(torch.equal(value, before[name]) for name, value in light.state_dict().items())


def test_opaque_pixels():
    light = optical("ACDC", (6,), Ideal())
    with torch.no_grad():
        light.layer.a[2] = 0
        light.layer.d[1:3] = 0
    nearest = nearest_layer(light)
    assert nearest.distance < 1e-12
    assert relative_error(nearest.layer.d, light.layer.d) < 1e-12
    with torch.no_grad():
        light.layer.a.zero_()
    assert nearest_layer(light).distance == 0


@every_kind
@pytest.mark.parametrize("model", [Continuous(), Wave()], ids=["continuous", "wave"])
def test_its_distance_is_that_of_the_matrices(kind, model):
    light = trainable_masks(optical(kind, (5,), model, bias=True))
    shake(light, 0.1)
    nearest = nearest_layer(light)
    assert 0.01 < nearest.distance < 0.5
    assert nearest.distance == pytest.approx(misfit(nearest.layer, light), rel=1e-9)


def test_in_the_ideal_model_every_mask_is_some_layers():
    """And with more bits, a layer closer to the compiled one."""
    compiled = optical("ACDC", (16,), Ideal())
    wanted, errors = as_matrix(compiled.layer), []
    for bits in (1, 2, 4, 6, 8):
        device = Quantised(SignedAmplitude(), bits)
        nearest = nearest_layer(trainable_masks(compiled, device, input=device))
        assert nearest.distance < 1e-10
        errors.append(relative_error(as_matrix(nearest.layer), wanted))
    assert all(later < earlier / 1.5 for earlier, later in pairwise(errors))


def test_masks_of_several_pixels_a_coefficient_are_closer_with_more_bits():
    """Rounding each of two pixels by itself makes what no diagonals can: the distance tells how much."""
    compiled = optical("ACDC", (16,), Continuous())
    distances = [
        nearest_layer(trainable_masks(compiled, Quantised(SignedAmplitude(), bits))).distance for bits in (2, 4, 6, 8)
    ]
    assert all(later < earlier / 2 for earlier, later in pairwise(distances))
    assert distances[0] > 0.03
    assert distances[-1] < 0.01


@every_kind
def test_no_search_finds_a_closer_one(kind):
    """Least squares by L-BFGS over both diagonals, from the same start and from random ones."""
    light = realise(layer(kind, 3, "signed random", seed=3), bench(), method=Sampled())
    wanted = condensed(light).matrix().detach()
    found = nearest_layer(light)
    candidates = []
    for seed in range(5):
        numbers = copy.deepcopy(light.layer)
        if seed:
            shake(numbers, 1.0, seed)
        optimiser = torch.optim.LBFGS(
            numbers.parameters(),
            max_iter=200,
            tolerance_grad=1e-12,
            tolerance_change=1e-16,
            line_search_fn="strong_wolfe",
        )
        unit = torch.eye(3, dtype=wanted.dtype)

        def closure(numbers=numbers, optimiser=optimiser, unit=unit):
            optimiser.zero_grad()
            loss = (numbers(unit) - wanted).abs().square().sum()
            loss.backward()
            return loss

        optimiser.step(closure)
        candidates.append(float(closure().detach().sqrt() / wanted.norm()))
    assert 1e-3 < found.distance < 0.5
    assert found.distance == pytest.approx(min(candidates), rel=1e-5)


def test_only_optical_layers_have_masks():
    with pytest.raises(TypeError, match=r"expected one optical layer.*got ACDC"):
        nearest_layer(layer("ACDC", 4))
