"""A condensed layer is the light of its model, to rounding, with the light's own gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from acdc_optical import (
    Continuous,
    Ideal,
    Lenses,
    PhaseOnly,
    Quantised,
    Sampled,
    Scalar,
    SignedAmplitude,
    SoftStaircase,
    Wave,
    as_matrix,
    compile_layer,
    condensed,
    realise,
    realise_each,
    trainable_masks,
)
from acdc_optical.realisation import OpticalLayer, run_in_batches
from acdc_optical.sources import FixedMasks
from acdc_optical.training.condensed import CondensedLayer
from tests.realisation.cases import KINDS, bench, inputs, layer, relative_error
from tests.training.cases import MODELS, SINGLE, optical, shake

every_kind = pytest.mark.parametrize("kind", KINDS)
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
SHAPES = pytest.mark.parametrize("shape", [(8,), (5,), (3, 4)], ids=str)
# A few hundred roundings; a flip, a conjugate or a factor anywhere gives an error of order 1.
EXACT, SINGLY = 1e-12, 1e-5
LOOSE = Quantised(PhaseOnly(), 2, SoftStaircase())


@every_kind
@every_model
@SHAPES
class TestIsTheLight:
    def test_compiled_masks(self, kind, model, shape):
        light = optical(kind, shape, model, bias=True)
        x = inputs(light.layer, 2, 3)
        assert relative_error(condensed(light)(x), light(x)) < EXACT

    def test_in_float32(self, kind, model, shape):
        light = optical(kind, shape, model, bias=True, dtype=SINGLE[kind])
        x = inputs(light.layer, 3)
        y = condensed(light)(x)
        assert y.dtype == SINGLE[kind]
        assert relative_error(y, light(x)) < SINGLY

    @pytest.mark.parametrize("training", [True, False])
    def test_trained_masks_of_complex_values(self, kind, model, shape, training):
        light = trainable_masks(optical(kind, shape, model, bias=True), LOOSE, input=PhaseOnly())
        shake(light, 0.5)
        light.source.anneal(0.1)
        narrow = condensed(light).train(training)
        assert light.training == training
        x = inputs(light.layer, 3)
        assert relative_error(narrow(x), light(x)) < EXACT

    def test_gradients_are_those_of_the_light(self, kind, model, shape):
        light = trainable_masks(optical(kind, shape, model, bias=True), LOOSE, input=SignedAmplitude())
        shake(light, 0.3)
        light.source.anneal(0.2)
        weights = inputs(light.layer, 3, seed=1)
        trained = [p for p in light.parameters() if p.requires_grad]
        results = []
        for module in (light, condensed(light)):
            x = inputs(light.layer, 3).requires_grad_()
            # Linear, for all of the gradient to be of the size of its largest part.
            loss = (module(x) * weights).real.sum() + module(x).abs().square().sum()
            results.append(torch.autograd.grad(loss, [x, *trained]))
        for got, wanted in zip(*reversed(results), strict=True):
            assert relative_error(got, wanted) < 1e-11


@every_kind
@every_model
def test_gradients_reach_the_diagonals_of_compiled_masks(kind, model):
    light = optical(kind, (3, 4), model, bias=True)
    x, weights = inputs(light.layer, 3), inputs(light.layer, 3, seed=1)
    parameters = list(light.parameters())
    got, wanted = (
        torch.autograd.grad((module(x) * weights).real.sum(), parameters) for module in (condensed(light), light)
    )
    assert len(parameters) == 3
    for one, other in zip(got, wanted, strict=True):
        assert relative_error(one, other) < 1e-11


@every_kind
@SHAPES
def test_masks_of_other_pixels(kind, shape):
    """Sampled masks, with one pixel on the axis, in a model for which they are not exact."""
    numbers = layer(kind, shape)
    light = realise(numbers, bench(), method=Sampled())
    x = inputs(numbers, 3)
    assert relative_error(condensed(light)(x), light(x)) < EXACT
    assert relative_error(light(x), numbers(x)) > 1e-3


@every_kind
@pytest.mark.parametrize(
    ("space", "design"), [(Scalar(), "thin"), (Scalar(), "sine-corrected")], ids=["thin", "sine-corrected"]
)
def test_one_dimensional_waves_at_any_angle(kind, space, design):
    n = 6 * (2 if kind == "ACDC" else 1)
    table = bench(focal_length=n * 64e-12 / 633e-9, lenses=Lenses(design=design))
    light = realise(layer(kind, 6), table, model=Wave(space))
    x = inputs(light.layer, 3)
    assert relative_error(condensed(light)(x), light(x)) < EXACT


@every_kind
@pytest.mark.parametrize("shape", [(5,), (2, 3)], ids=str)
def test_its_matrix_is_what_it_does_to_unit_inputs(kind, shape):
    """Without the bias; of a real layer real, whatever its masks."""
    light = trainable_masks(optical(kind, shape, Continuous(), bias=True), PhaseOnly())
    nn.init.zeros_(light.layer.bias)
    expected = as_matrix(light, shape)
    with torch.no_grad():
        light.layer.bias.add_(3)
    matrix = condensed(light).matrix()
    assert relative_error(matrix, expected) < EXACT
    assert matrix.is_complex() == (kind == "AFDF")


@every_kind
def test_parameters_are_shared(kind):
    light = optical(kind, (4,), Ideal(), bias=True)
    narrow = condensed(light)
    assert {id(p) for p in narrow.parameters()} == {id(p) for p in light.parameters()}
    shake(narrow)
    x = inputs(light.layer, 2)
    assert relative_error(narrow(x), light(x)) < EXACT


def test_a_network_is_condensed_layer_by_layer():
    numbers = nn.Sequential(
        nn.Sequential(layer("ACDC", (3, 4)), nn.ReLU()), layer("ACDC", (3, 4), seed=1), nn.Flatten()
    )
    light = realise_each(numbers, bench())
    narrow = condensed(light)
    assert [isinstance(m, CondensedLayer) for m in (narrow[0][0], narrow[1], narrow[2])] == [True, True, False]
    assert narrow[2] is light[2]
    x = inputs(numbers[1], 5)
    assert relative_error(narrow(x), light(x)) < EXACT
    # Layers that are alike share their response, and so do axes.
    assert narrow[0][0]._responses[0] is narrow[1]._responses[0]
    square = condensed(realise(layer("ACDC", (3, 3)), bench()))
    assert square._responses[0] is square._responses[1]
    assert narrow[1]._responses[0] is not narrow[1]._responses[1]


def test_layers_that_are_not_alike_do_not_share():
    for other in ({"kind": "AFDF", "shape": 6}, {"kind": "ACDC", "shape": 5}):
        pair = nn.Sequential(layer("ACDC", 6), layer(**other))
        for stage, light in zip(condensed(realise_each(pair, bench())), realise_each(pair, bench()), strict=True):
            x = inputs(light.layer, 3)
            assert relative_error(stage(x), light(x)) < EXACT


def test_inputs_are_checked_as_by_the_light():
    narrow = condensed(optical("ACDC", (4,), Ideal()))
    with pytest.raises(ValueError, match=r"shape \(\.\.\., 4\)"):
        narrow(torch.zeros(3))
    with pytest.raises(ValueError, match="NaN or infinity"):
        narrow(torch.full((4,), torch.nan))
    with pytest.raises(TypeError, match="takes real input"):
        narrow(torch.zeros(4, dtype=torch.complex64))
    assert narrow(torch.zeros(0, 4)).shape == (0, 4)


def test_it_takes_as_many_inputs_at_once_as_fit():
    """Its light has many samples, and it has none of them."""
    light = realise_each(nn.Sequential(layer("ACDC", (3, 4)), nn.Flatten()), bench())
    narrow = condensed(light)
    calls = []
    narrow[1].register_forward_hook(lambda module, given, output: calls.append(len(output)))
    x = inputs(light[0].layer, 7000)
    y = run_in_batches(narrow, x)
    assert calls == [7000]
    assert light[0].samples == 12 * 16 * 8 * 8
    assert narrow[0].samples == 12
    assert relative_error(y, narrow(x)) < EXACT


class TestRefusals:
    def test_round_stops(self):
        # As short as waves are cheap: f = n·p²/λ.
        table = bench(focal_length=6 * 64e-12 / 633e-9, lenses=Lenses(stop="round"))
        with pytest.raises(ValueError, match="round stops and waves at any angle mix the axes"):
            condensed(realise(layer("ACDC", (3, 3)), table, model=Wave()))

    def test_layers_too_large(self):
        """4096 features are the most; N² numbers have to be kept."""
        with pytest.raises(ValueError, match="at most 4096 features; got 65 × 64: train it through its light"):
            condensed(realise(layer("ACDC", (65, 64)), bench(), model=Ideal()))

    def test_masks_that_are_not_mirrored(self):
        numbers = layer("ACDC", 6)
        masks = compile_layer(numbers, bench())
        with torch.no_grad():
            masks.fourier_mask[3] *= 0.9
        light = OpticalLayer(numbers, FixedMasks(masks), bench(), Continuous())
        with pytest.raises(ValueError, match="mirrored about the axis"):
            condensed(light)
        complex_numbers = layer("AFDF", 6)
        assert condensed(realise(complex_numbers, bench()))(inputs(complex_numbers, 1)).shape == (1, 6)


def test_cascades_are_trained_through_their_light():
    cascade = realise(nn.Sequential(layer("ACDC", 4), layer("ACDC", 4)), bench())
    with pytest.raises(TypeError, match="cascade is not condensed"):
        condensed(cascade)


def test_long_lines_keep_their_light():
    network = realise_each(nn.Sequential(layer("ACDC", 9), nn.ReLU(), layer("ACDC", 130)), bench())
    quick = condensed(network)
    assert isinstance(quick[0], CondensedLayer)
    assert quick[2] is network[2]
