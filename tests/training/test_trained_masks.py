"""Masks trained themselves: where they start, what moves them, and what they cannot do."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from acdc_optical import (
    ComplexAmplitude,
    Ideal,
    Permutation,
    PhaseOnly,
    Quantised,
    Sampled,
    SignedAmplitude,
    SoftStaircase,
    binary_phase,
    realise,
    realise_each,
    trainable_masks,
)
from acdc_optical.cascade import OpticalCascade
from acdc_optical.design import Design
from acdc_optical.realisation import OpticalLayer
from acdc_optical.training.trained_masks import TrainedMasks
from tests.realisation.cases import KINDS, bench, inputs, layer, relative_error
from tests.training.cases import MODELS, SINGLE, optical, shake

CONSTRAINTS = {
    "amplitude": SignedAmplitude(),
    "complex": ComplexAmplitude(),
    "phase": PhaseOnly(),
    "binary": binary_phase(),
    "soft": Quantised(PhaseOnly(), 2, SoftStaircase()),
}
every_kind = pytest.mark.parametrize("kind", KINDS)
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
every_constraint = pytest.mark.parametrize("constraint", CONSTRAINTS.values(), ids=CONSTRAINTS)
SHAPES = pytest.mark.parametrize("shape", [(8,), (5,), (3, 4)], ids=str)


@every_kind
@every_model
@SHAPES
class TestStart:
    def test_free_amplitudes_start_as_the_compiled_layer(self, kind, model, shape):
        compiled = optical(kind, shape, model, bias=True)
        x = inputs(compiled.layer, 3)
        # Masks and gain are rescaled: a rounding or two.
        assert relative_error(trainable_masks(compiled)(x), compiled(x)) < 1e-14

    def test_in_float32(self, kind, model, shape):
        compiled = optical(kind, shape, model, dtype=SINGLE[kind])
        x = inputs(compiled.layer, 3)
        y = trainable_masks(compiled)(x)
        assert y.dtype == SINGLE[kind]
        assert relative_error(y, compiled(x)) < 1e-6


@every_kind
@SHAPES
def test_pixels_of_a_real_layer_stay_mirrored(kind, shape):
    trained = trainable_masks(optical(kind, shape, Ideal()), PhaseOnly())
    shake(trained, 2.0)
    for mask in (trained.masks().input_mask, trained.masks().fourier_mask):
        for axis in range(mask.ndim):
            assert torch.equal(mask, mask.flip(axis)) == (kind == "ACDC")
    # As many settings as pixels that may differ.
    count = trained.source.fourier_settings.numel()
    expected = 1
    for n in trained.masks().fourier_mask.shape:
        expected *= (n + 1) // 2 if kind == "ACDC" else n
    assert count == expected


@every_constraint
@every_kind
@pytest.mark.parametrize("size", [0.1, 100.0])
def test_masks_are_passive_whatever_the_settings(kind, constraint, size):
    trained = trainable_masks(optical(kind, (3, 4), Ideal()), constraint, input=constraint)
    shake(trained, size)
    for mode in (True, False):
        trained.train(mode)
        masks = trained.masks()
        for mask in (masks.input_mask, masks.fourier_mask):
            assert mask.abs().max() <= 1 + 1e-15


@every_constraint
@every_kind
@every_model
@pytest.mark.parametrize("shape", [(7,), (3, 4)], ids=str)
def test_gradients_reach_every_setting(kind, model, shape, constraint):
    trained = trainable_masks(optical(kind, shape, model, bias=True), constraint, input=constraint)
    shake(trained.source, 0.1)
    x = inputs(trained.layer, 9)
    (trained(x) - inputs(trained.layer, 9, seed=1)).abs().square().sum().backward()
    found = dict(trained.named_parameters())
    assert {name for name, p in found.items() if p.requires_grad} == {
        "layer.bias",
        "source.input_settings",
        "source.fourier_settings",
        "source.log_gain",
    }
    for name, parameter in found.items():
        if parameter.requires_grad:
            outward = torch.zeros_like(parameter.real, dtype=torch.bool)
            if "settings" in name and not isinstance(constraint, PhaseOnly):
                outward = parameter.detach().abs() > 1  # zero is for what would leave
            assert ((parameter.grad != 0) | outward).all(), name
        else:
            assert parameter.grad is None


class TestIndependence:
    def network(self):
        return nn.Sequential(
            layer("ACDC", (3, 4), bias=True, dtype=torch.float64),
            nn.ReLU(),
            Permutation((3, 4)),
            layer("ACDC", (3, 4), seed=1),
            nn.Flatten(),
            nn.Linear(12, 3).double(),
        )

    def test_the_network_stays_as_it_is(self):
        """Neither of the two moves the other: diagonals, biases, masks, read-out."""
        network = self.network()
        compiled = realise_each(network, bench())
        trained = trainable_masks(compiled)
        x = inputs(network[0], 2)
        before = compiled(x)
        shake(trained)
        assert torch.equal(compiled(x), before)
        after = trained(x)
        assert relative_error(after, before) > 0.01
        shake(network)
        assert torch.equal(trained(x), after)
        shared = {p.data_ptr() for p in network.parameters()} & {p.data_ptr() for p in trained.parameters()}
        assert not shared

    def test_stages_stay_what_they_are(self):
        trained = trainable_masks(realise_each(self.network(), bench()))
        kinds = [OpticalLayer, nn.ReLU, Permutation, OpticalLayer, nn.Flatten, nn.Linear]
        assert [type(stage) for stage in trained] == kinds
        assert all(isinstance(trained[i].source, TrainedMasks) for i in (0, 3))

    def test_shared_weights_stay_shared(self):
        """Of electronics; a layer of light in two places has two benches, with masks of their own."""
        twice, light = nn.Linear(8, 8).double(), realise(layer("ACDC", 8), bench())
        trained = trainable_masks(nn.Sequential(twice, light, twice, light))
        assert trained[0] is trained[2]
        assert trained[0] is not twice
        assert trained[1].source is not trained[3].source

    def test_from_a_design_its_biases_are_trained_too(self):
        """In a design optical stages are made and frozen."""
        made = Design.of(self.network(), bench()).realise()
        trained = trainable_masks(made)
        assert trained[0].layer.bias.requires_grad
        assert not trained[0].layer.d.requires_grad
        x = inputs(trained[0].layer, 2)
        assert relative_error(trained(x), made(x)) < 1e-14

    def test_a_network_whose_layers_stand_elsewhere_is_refused(self):
        class Wrapped(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = realise(layer("ACDC", 4), bench())

        with pytest.raises(TypeError, match="one is inside a Wrapped"):
            trainable_masks(nn.Sequential(Wrapped()))

    def test_a_network_that_is_not_realised_is_refused(self):
        with pytest.raises(ValueError, match="no optical layer in the network"):
            trainable_masks(self.network(), PhaseOnly())

    @pytest.mark.parametrize("wrong", ["phase", PhaseOnly])
    def test_a_name_is_no_constraint(self, wrong):
        for given in ({"fourier": wrong}, {"input": wrong}):
            with pytest.raises(TypeError, match=r"expected a constraint, as SignedAmplitude\(\) or PhaseOnly\(\)"):
                trainable_masks(optical("ACDC", (8,), Ideal()), **given)

    def test_masks_that_are_trained_can_be_trained_again(self):
        """As amplitudes first, then as what a device has."""
        trained = trainable_masks(optical("ACDC", (8,), Ideal()))
        shake(trained)
        again, coarse = trainable_masks(trained), trainable_masks(trained, Quantised(SignedAmplitude(), 3))
        x = inputs(trained.layer, 3)
        assert relative_error(again(x), trained(x)) < 1e-14
        assert 1e-3 < relative_error(coarse(x), trained(x)) < 1
        assert len(coarse.masks().fourier_mask.unique()) <= 8


@every_kind
def test_the_output_does_not_depend_on_the_light_that_masks_let_through(kind):
    """Settings half as large and a gain twice as large: the same numbers, from a quarter of the light."""
    trained = trainable_masks(optical(kind, (6,), Ideal()))
    x = inputs(trained.layer, 3)
    before, light = trained(x), trained.masks().mean_transmission[1]
    with torch.no_grad():
        trained.source.fourier_settings.mul_(0.5)
        trained.source.log_gain.add_(torch.tensor(2.0).double().log())
    assert relative_error(trained(x), before) < 1e-14
    assert trained.masks().mean_transmission[1] == pytest.approx(light / 4)


@pytest.mark.parametrize("factor", [1e-6, 1e3])
def test_the_start_does_not_depend_on_the_gain_of_a_layer(factor):
    """A layer a thousand times as strong has the same settings: the constraint sees no difference."""
    settings = []
    for strength in (1.0, factor):
        compiled = optical("ACDC", (8,), Ideal())
        with torch.no_grad():
            compiled.layer.d.mul_(strength)
        trained = trainable_masks(compiled, Quantised(SignedAmplitude(), 2))
        x = inputs(compiled.layer, 2)
        settings.append((trained.source.fourier_settings, trained(x) / strength))
    assert torch.allclose(settings[0][0], settings[1][0], rtol=1e-12)
    assert torch.allclose(settings[0][1], settings[1][1], rtol=1e-10)


def test_constraints_may_be_loose_in_training_only():
    trained = trainable_masks(optical("ACDC", (16,), Ideal()), Quantised(SignedAmplitude(), 1, SoftStaircase()))
    trained.source.anneal(0.1)
    shown = {mode: trained.train(mode).masks().fourier_mask.unique() for mode in (True, False)}
    assert len(shown[True]) > 5
    assert shown[False].tolist() == [-1, 1]
    trained.source.anneal(1.0)
    assert trained.train().masks().fourier_mask.unique().tolist() == [-1, 1]


@pytest.mark.parametrize("odd", [True, False])
def test_sampled_masks_with_a_pixel_on_the_axis(odd):
    """2N - 1 pixels, of which the middle one is its own mirror image."""
    numbers = layer("ACDC", (5,) if odd else (2, 3))
    compiled = realise(numbers, bench(), method=Sampled())
    trained = trainable_masks(compiled)
    assert trained.masks().fourier_mask.shape == compiled.masks().fourier_mask.shape
    x = inputs(numbers, 2)
    assert relative_error(trained(x), compiled(x)) < 1e-14


@every_kind
def test_other_precision(kind):
    """A real dtype stands for its complex counterpart; nothing is lost but digits."""
    trained = trainable_masks(optical(kind, (5,), Ideal(), bias=True))
    shake(trained)
    x = inputs(trained.layer, 3)
    expected = trained(x)
    single = copy.deepcopy(trained).to(torch.float32)
    assert {p.dtype for p in single.parameters()} <= {torch.float32, torch.complex64}
    assert single.source.fourier_settings.is_complex() == (kind == "AFDF")
    y = single(x.to(SINGLE[kind]))
    assert y.dtype == SINGLE[kind]
    assert relative_error(y, expected) < 1e-6


@every_kind
def test_state_dict_round_trip(kind):
    first = trainable_masks(optical(kind, (5,), Ideal(), bias=True))
    second = trainable_masks(optical(kind, (5,), Ideal(), bias=True, seed=1))
    shake(first)
    second.load_state_dict(first.state_dict())
    x = inputs(first.layer, 3)
    assert torch.equal(first(x), second(x))


@every_kind
def test_cascades_have_trained_masks_too(kind):
    network = nn.Sequential(layer(kind, 5), layer(kind, 5, seed=1))
    cascade = realise(network, bench())
    trained = trainable_masks(cascade)
    assert isinstance(trained, OpticalCascade)
    x = inputs(network[0], 3)
    assert relative_error(trained(x), cascade(x)) < 1e-14
    shake(trained)
    assert relative_error(trained(x), cascade(x)) > 0.01
    (trained(x)).abs().square().sum().backward()
    sources = [stage.source for stage in trained.stages]
    assert all((source.fourier_settings.grad != 0).any() for source in sources)


def test_a_network_is_printed_with_its_constraints():
    trained = trainable_masks(optical("ACDC", (4,), Ideal()), binary_phase())
    assert "fourier=Quantised(device=SignedAmplitude(), bits=1" in repr(trained)
    assert "model=Ideal(" in repr(trained)
