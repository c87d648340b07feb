"""OpticalLayer: a module that stands for the layer it was made from, gradients and errors included."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from acdc_optical import ACDC, Bench, Continuous, Ideal, Permutation, Sampled, compile_layer, realise, realise_each
from acdc_optical.realisation import OpticalLayer, run_in_batches
from acdc_optical.sources import FixedMasks
from tests.realisation.cases import KINDS, bench, inputs, layer, relative_error

MODELS = {"ideal": Ideal(), "continuous": Continuous()}
# A few hundred float64 roundings; a conjugate, a flip or a factor wrong anywhere gives an error of order 1.
EXACT = 1e-12


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
class TestStandsForTheLayer:
    @pytest.mark.parametrize("shape", [(6,), (3, 4)], ids=str)
    @pytest.mark.parametrize("batch", [(), (1,), (4,), (2, 3)], ids=str)
    def test_any_leading_shape(self, kind, model, shape, batch):
        numbers = layer(kind, shape)
        x = inputs(numbers, *batch)
        y = realise(numbers, Bench.preset(), model=model)(x)
        assert y.shape == x.shape
        assert relative_error(y, numbers(x)) <= EXACT

    @pytest.mark.parametrize("shape", [(8,), (7,), (2, 3)], ids=str)
    def test_gradients(self, kind, model, shape):
        """To 1e-8, the issue's limit, for a, d, bias and x, with opaque pixels in both masks."""
        numbers = layer(kind, shape, "signed random", bias=True)
        with torch.no_grad():
            numbers.a.view(-1)[1] = 0
            numbers.d.view(-1)[::3] = 0
            numbers.bias.fill_(0.3)
        optical = realise(copy.deepcopy(numbers), Bench.preset(), model=model)
        g = inputs(numbers, 3, seed=1)
        results = []
        for module, own in ((numbers, numbers), (optical, optical.layer)):
            x = inputs(numbers, 3).requires_grad_()
            module(x).backward(g)
            results.append((x.grad, own.a.grad, own.d.grad, own.bias.grad))
        for got, wanted in zip(results[1], results[0], strict=True):
            assert relative_error(got, wanted) <= 1e-8

    @pytest.mark.parametrize("shape", [(8,), (2, 3)], ids=str)
    def test_bias(self, kind, model, shape):
        numbers = layer(kind, shape, bias=True)
        nn.init.normal_(numbers.bias, generator=torch.Generator().manual_seed(3))
        x = inputs(numbers, 2)
        plain = layer(kind, shape)(x)
        y = realise(numbers, Bench.preset(), model=model)(x)
        assert relative_error(y, numbers(x)) <= EXACT
        assert relative_error(y, plain) > 0.1

    def test_follows_its_layer(self, kind, model):
        """Masks are compiled anew at each call: a step of training shows in the light."""
        numbers = layer(kind, 8)
        optical = realise(numbers, Bench.preset(), model=model)
        x = inputs(numbers, 2)
        before = optical(x)
        with torch.no_grad():
            numbers.d.mul_(-2)
        assert relative_error(optical(x), -2 * before) <= EXACT

    def test_dtype_follows_the_input(self, kind, model):
        single = torch.float32 if kind == "ACDC" else torch.complex64
        numbers = layer(kind, 8, dtype=single)
        x = inputs(numbers, 2)
        y = realise(numbers, Bench.preset(), model=model)(x)
        assert y.dtype == numbers(x).dtype == single
        assert relative_error(y, numbers(x)) <= 1e-5  # the limit; float32 roundings of a 4f system

    def test_opaque_and_dark(self, kind, model):
        numbers = layer(kind, 8)
        optical = realise(numbers, Bench.preset(), model=model)
        assert not optical(torch.zeros_like(numbers.a)).any()
        nn.init.zeros_(numbers.d)
        assert not optical(inputs(numbers, 2)).any()

    @pytest.mark.gpu
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
    def test_on_the_gpu(self, kind, model):
        numbers = layer(kind, (3, 4), bias=True)
        x = inputs(numbers, 2)
        wanted = numbers(x)
        y = realise(numbers.cuda(), Bench.preset(), model=model)(x.cuda())
        assert y.is_cuda
        assert relative_error(y.cpu(), wanted) <= EXACT


@pytest.mark.parametrize("kind", KINDS)
class TestTrace:
    names = ("input", "behind mask A", "in front of mask D", "behind mask D", "at the camera")

    def test_names_every_plane_in_order(self, kind):
        numbers = layer(kind, (3, 4))
        planes = realise(numbers, Bench.preset()).trace(inputs(numbers, 2))
        assert tuple(plane.name for plane in planes) == self.names
        assert all(plane.field.data.shape == (2, *plane.field.grid.shape) for plane in planes)

    def test_the_last_plane_is_what_is_decoded(self, kind):
        numbers = layer(kind, (3, 4))
        optical = realise(numbers, Bench.preset())
        x = inputs(numbers, 2)
        light = optical.trace(x)[-1].field
        assert torch.equal(optical.decode(optical.detector(light), optical.masks()), optical(x))

    def test_masks_act_where_they_stand(self, kind):
        numbers = layer(kind, 6)
        optical = realise(numbers, Bench.preset(), model=Ideal())
        masks = optical.masks()
        light = dict(optical.trace(inputs(numbers)))
        torch.testing.assert_close(light["behind mask A"].data, light["input"].data * masks.input_mask)
        torch.testing.assert_close(light["behind mask D"].data, light["in front of mask D"].data * masks.fourier_mask)
        assert light["at the camera"].grid.cells == light["input"].grid.cells
        for before, after in (("input", "behind mask A"), ("in front of mask D", "behind mask D")):
            assert light[after].power < light[before].power


class TestNetwork:
    def test_each_layer_by_itself(self):
        """ACDC, electronics, ACDC, in 2-D: the optical network is the network."""
        shape = (3, 4)
        network = nn.Sequential(
            layer("ACDC", shape, seed=1), nn.ReLU(), Permutation(shape, seed=2), layer("ACDC", shape, seed=3, bias=True)
        )
        optical = realise_each(network, Bench.preset())
        x = inputs(network[0], 5)
        assert relative_error(optical(x), network(x)) <= EXACT
        assert [type(m) for m in optical] == [OpticalLayer, nn.ReLU, Permutation, OpticalLayer]
        assert optical[2] is network[2]
        assert optical[0].layer is network[0]

    def test_the_model_is_passed_on(self):
        network = nn.Sequential(layer("ACDC", 4), layer("AFDF", 4))
        assert all(m.model == Ideal() for m in realise_each(network, Bench.preset(), model=Ideal()))


@pytest.mark.parametrize("kind", KINDS)
def test_fixed_masks_do_not_follow_the_layer(kind):
    numbers = layer(kind, 8)
    x = inputs(numbers, 2)
    table = Bench.preset()
    fixed = OpticalLayer(numbers, FixedMasks(compile_layer(numbers, table)), table, Continuous())
    wanted = numbers(x).detach().clone()
    with torch.no_grad():
        numbers.d.mul_(3)
    assert relative_error(fixed(x), wanted) <= EXACT


@pytest.mark.parametrize("kind", KINDS)
def test_state_dict_is_that_of_the_layer(kind):
    numbers = layer(kind, 8, bias=True)
    names = realise(numbers, Bench.preset()).state_dict()
    assert {name.split(".")[-1] for name in names} == {"a", "d", "bias"}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
class TestBadInput:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("shape", [(5,), (2, 5), (4, 1), ()], ids=str)
    def test_wrong_last_dimension(self, model, kind, shape):
        optical = realise(layer(kind, 4), Bench.preset(), model=model)
        with pytest.raises(ValueError, match=r"^expected input of shape \(\.\.\., 4\); got"):
            optical(torch.zeros(shape))

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("value", [float("nan"), float("-inf")])
    def test_not_finite(self, model, kind, value):
        optical = realise(layer(kind, 4), Bench.preset(), model=model)
        with pytest.raises(ValueError, match=r"^the input holds NaN or infinity.*finite values$"):
            optical(torch.tensor([1.0, value, 0.0, 0.0]))

    def test_complex_into_a_real_layer(self, model):
        optical = realise(layer("ACDC", 4), Bench.preset(), model=model)
        with pytest.raises(TypeError, match=r"real input; got torch\.complex64"):
            optical(torch.zeros(4, dtype=torch.complex64))

    @pytest.mark.parametrize("kind", KINDS)
    def test_integers(self, model, kind):
        optical = realise(layer(kind, 4), Bench.preset(), model=model)
        with pytest.raises(TypeError, match=r"floating-point input; got torch\.int64"):
            optical(torch.zeros(4, dtype=torch.int64))

    def test_a_layer_that_no_bench_computes(self, model):
        with pytest.raises(TypeError, match="expected an ACDC or AFDF layer; got Linear"):
            realise(nn.Linear(4, 4), Bench.preset(), model=model)


def test_a_bench_too_coarse_for_exact_masks():
    with pytest.raises(ValueError, match="pixels_per_coefficient of 2 or more"):
        realise(layer("ACDC", 4), bench(subpixels=1))
    assert isinstance(realise(layer("ACDC", 4), bench(subpixels=1), method=Sampled()), OpticalLayer)


def test_a_bench_too_small():
    with pytest.raises(ValueError, match=r"needs 1082 × 4 modulator pixels and the bench has 1080 × 1920"):
        realise(ACDC((541, 2)), Bench.preset())


class TestAsATorchModule:
    def test_its_parameters_are_the_layers_once(self):
        numbers = layer("ACDC", 6, bias=True)
        assert set(realise(numbers, Bench.preset()).state_dict()) == {"layer.a", "layer.d", "layer.bias"}

    def test_functional_call_and_deepcopy(self):
        numbers = layer("ACDC", 6)
        optical, x = realise(numbers, Bench.preset()), inputs(numbers, 2)
        doubled = {name: 2 * value for name, value in optical.state_dict().items()}
        assert relative_error(torch.func.functional_call(optical, doubled, x), 4 * numbers(x)) <= EXACT
        assert relative_error(copy.deepcopy(optical)(x), numbers(x)) <= EXACT

    def test_an_optimiser_trains_the_layer_through_light(self):
        numbers, wanted = layer("ACDC", 6, seed=1), layer("ACDC", 6, seed=2)
        optical, x = realise(numbers, Bench.preset()), inputs(numbers, 20)
        optimiser = torch.optim.Adam(optical.parameters(), lr=0.02)
        first = relative_error(optical(x), wanted(x))
        for _ in range(150):
            optimiser.zero_grad()
            (optical(x) - wanted(x).detach()).abs().square().sum().backward()
            optimiser.step()
        assert relative_error(numbers(x), wanted(x)) < first / 20

    @pytest.mark.parametrize("kind", KINDS)
    def test_mixed_precision_promotes_as_the_layer_does(self, kind):
        numbers = layer(kind, 6)
        x = torch.randn(2, 6)
        assert realise(numbers, Bench.preset())(x).dtype == numbers(x).dtype

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("shape", [6, (100, 3)], ids=str)
    def test_empty_batches_and_the_meta_device(self, kind, shape):
        numbers = layer(kind, shape)
        nothing = torch.empty(0, *numbers.shape, dtype=torch.float64)
        assert numbers(nothing).shape == realise(numbers, Bench.preset())(nothing).shape == nothing.shape
        meta = torch.empty(3, *numbers.shape, dtype=torch.float64, device="meta")
        assert realise(numbers, Bench.preset()).to("meta")(meta).shape == meta.shape


class TestRealiseEach:
    def test_nested_layers_are_found(self):
        network = nn.Sequential(nn.Sequential(layer("ACDC", 6), nn.ReLU()), nn.Sequential(layer("ACDC", 6, seed=1)))
        optical = realise_each(network, Bench.preset())
        assert sum(isinstance(inner, OpticalLayer) for inner in optical.modules()) == 2
        x = inputs(network[0][0], 2)
        assert relative_error(optical(x), network(x)) <= EXACT

    def test_a_layer_that_would_stay_numerical_is_refused(self):
        class Wrapped(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = layer("ACDC", 6)

        with pytest.raises(TypeError, match="one is inside a Wrapped"):
            realise_each(nn.Sequential(Wrapped()), Bench.preset())

    def test_batches_are_only_a_matter_of_memory(self):
        numbers = layer("ACDC", (6, 5))
        optical, x = realise(numbers, Bench.preset()), inputs(numbers, 7)
        assert relative_error(run_in_batches(optical, x), optical(x)) <= EXACT
        assert optical.light.samples == 24 * 20 * 8 * 8  # the mask's pixels and their nodes


def test_a_bench_is_a_bench():
    with pytest.raises(TypeError, match=r"expected a Bench, .*; got 'lcos-8um'"):
        realise(layer("ACDC", 6), "lcos-8um")
