"""All-optical cascades: the product of layers where pixels are points, the light of waves where they are not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from acdc_optical import (
    AFDF,
    Continuous,
    Ideal,
    OnePixel,
    OpticalCascade,
    Sampled,
    Schedule,
    fit,
    realise,
    trainable_masks,
)
from acdc_optical.realisation import run_in_batches
from optics import SamplingWarning
from tests.realisation.cases import KINDS, bench, inputs, layer, relative_error
from tests.training.cases import MODELS, SINGLE, table

every_kind = pytest.mark.parametrize("kind", KINDS)
DEPTHS = pytest.mark.parametrize("depth", [1, 2, 3, 4])
EXACT = 1e-12


def layers(kind, shape, depth, *, bias=False, **options):
    return nn.Sequential(*(layer(kind, shape, seed=i, bias=bias and i == depth - 1, **options) for i in range(depth)))


@every_kind
@DEPTHS
class TestIdeal:
    @pytest.mark.parametrize("shape", [(8,), (5,), (1,), (3, 4), (2, 2)], ids=str)
    def test_is_the_product_of_its_layers(self, kind, depth, shape):
        """Images are upside down after every other system; an AFDF layer shows it."""
        network = layers(kind, shape, depth, bias=True)
        nn.init.normal_(network[-1].bias, generator=torch.Generator().manual_seed(1))
        x = inputs(network[0], 2, 3)
        assert relative_error(realise(network, bench(), model=Ideal())(x), network(x)) < EXACT

    def test_in_float32(self, kind, depth):
        network = layers(kind, (3, 4), depth, dtype=SINGLE[kind])
        x = inputs(network[0], 3)
        y = realise(network, bench(), model=Ideal())(x)
        assert y.dtype == SINGLE[kind]
        assert relative_error(y, network(x)) < 1e-5

    def test_one_number_lands_where_the_layers_put_it(self, kind, depth):
        """Layers that only weigh: every system images, and the image of one pixel is that pixel."""
        network = layers(kind, (3, 4), depth)
        with torch.no_grad():
            for stage in network:
                stage.d.fill_(1)
        for place in ((0, 0), (0, 3), (2, 1)):
            x = torch.zeros_like(network[0].a)
            x[place] = 1
            y = realise(network, bench(), model=Ideal())(x)
            expected = torch.zeros_like(x)
            expected[place] = torch.stack([stage.a[place].detach() for stage in network]).prod()
            assert torch.allclose(y, expected, rtol=0, atol=1e-13)

    def test_gradients(self, kind, depth):
        network = layers(kind, (3, 4), depth, bias=True)
        weights = inputs(network[0], 3, seed=1)
        results = []
        for module in (realise(network, bench(), model=Ideal()), network):
            x = inputs(network[0], 3).requires_grad_()
            loss = (module(x) * weights).real.sum()
            results.append(torch.autograd.grad(loss, [x, *network.parameters()]))
        for got, wanted in zip(*results, strict=True):
            assert relative_error(got, wanted) < 1e-11


@every_kind
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("shape", [(6,), (2, 3)], ids=str)
def test_one_stage_is_an_optical_layer(kind, model, shape):
    network = layers(kind, shape, 1, bias=True)
    where = table(model, kind, shape)
    x = inputs(network[0], 3)
    one, alone = realise(network, where, model=model), realise(network[0], where, model=model)
    assert torch.equal(one(x), alone(x))


def nodes(cells, pitch, fill, count=24):
    """Gauss-Legendre nodes and weights over the active part of every pixel."""
    t, w = np.polynomial.legendre.leggauss(count)
    centres = (np.arange(cells) - (cells - 1) / 2) * pitch
    return (centres[:, None] + t * fill * pitch / 2).ravel(), np.tile(w * fill * pitch / 2, cells)


def brute_force(cascade, x):
    """The field from plane to plane by Fourier integrals in NumPy; masks, pitches and gains are all it is given."""
    stages, table = cascade.masks(), cascade.bench
    scale = stages[0].planes.wavelength * stages[0].planes.focal_length
    n = stages[0].planes.input.cells[0]
    mirrored = cascade.presentation.real
    light = np.concatenate((x[::-1], x)) if mirrored else x
    pixels, dx = nodes(n, table.modulator.pitch, table.modulator.fill)
    field = np.repeat(light, 24)
    gain = 1.0
    for number, masks in enumerate(stages):
        turn = slice(None, None, -1 if number % 2 else 1)
        a, d = (mask.detach().numpy()[turn] for mask in (masks.input_mask, masks.fourier_mask))
        gain *= float(masks.gain)
        u, du = nodes(len(d), masks.planes.mask.spacing[0], table.mask.fill)
        at_mask = np.exp(-2j * np.pi * np.outer(u, pixels) / scale) / np.sqrt(scale) @ (field * np.repeat(a, 24) * dx)
        behind = at_mask * np.repeat(d, 24) * du
        last = number == len(stages) - 1
        seen, weights = nodes(n, table.modulator.pitch, table.camera.fill) if last else (pixels, None)
        field = np.exp(-2j * np.pi * np.outer(seen, u) / scale) / np.sqrt(scale) @ behind
    read = (field * weights).reshape(n, 24).sum(1) / (table.camera.fill * table.modulator.pitch)
    read = read if len(stages) % 2 == 0 else read[::-1]
    return gain * (read[n // 2 :].real if mirrored else read)


class TestContinuous:
    @every_kind
    @pytest.mark.parametrize("depth", [2, 3])
    @pytest.mark.parametrize("fill", [1.0, 0.9])
    def test_against_integrals_over_every_plane(self, kind, depth, fill):
        network = layers(kind, 7, depth)
        cascade = realise(network, bench(fill=fill), between=OnePixel())
        x = inputs(network[0])
        expected = torch.from_numpy(brute_force(cascade, x.numpy()))
        # Both integrate smooth light by Gauss's rule; 8 nodes leave 1e-14 of it.
        assert relative_error(cascade(x), expected) < 1e-10

    @every_kind
    @pytest.mark.parametrize("shape", [(6,), (3, 4)], ids=str)
    def test_more_samples_change_nothing(self, kind, shape):
        network = layers(kind, shape, 2)
        x = inputs(network[0], 2)
        once, twice = (realise(network, bench(), model=m)(x) for m in (Continuous(), Continuous().refined()))
        assert relative_error(once, twice) < 1e-11
        with pytest.warns(SamplingWarning, match="2 nodes in cells of .* integrate waves over"):
            coarse = realise(network, bench(), model=Continuous(samples=2))(x)
        assert relative_error(coarse, twice) > 1e-6

    @every_kind
    def test_the_layers_are_missed_as_physics_has_it(self, kind):
        """physics.md §3: 8.8e-2 with one pixel a coefficient, full fill, for N = 16; less with narrow apertures."""
        errors = {}
        for fill in (1.0, 0.5, 0.25, 0.125):
            network = layers(kind, 16, 2)
            x = inputs(network[0], 20)
            cascade = realise(network, bench(fill=fill), between=OnePixel())
            errors[fill] = relative_error(cascade(x), network(x))
        assert 0.02 < errors[1.0] < 0.2
        # As the square of the aperture, whatever share of the light it lets through.
        for wide, narrow in ((1.0, 0.5), (0.5, 0.25), (0.25, 0.125)):
            assert 2.5 < errors[wide] / errors[narrow] < 5


@every_kind
class TestTrace:
    @pytest.mark.parametrize("model", [Ideal(), Continuous()], ids=["ideal", "continuous"])
    def test_every_plane_in_order(self, kind, model):
        network = layers(kind, (2, 3), 2)
        cascade = realise(network, bench(), model=model)
        planes = cascade.trace(inputs(network[0]))
        within = ("behind mask A", "in front of mask D", "behind mask D", "at the camera")
        names = ["input", *(f"{n}: {name}" for n in (1, 2) for name in within)]
        names[4] = "2: on mask A"  # where no camera stands
        assert [p.name for p in planes] == names
        # What has passed a mask is no brighter.
        light = dict(planes)
        for n in (1, 2):
            assert light[f"{n}: behind mask D"].power < light[f"{n}: in front of mask D"].power
        assert light["2: behind mask A"].power < light["2: on mask A"].power

    @pytest.mark.parametrize("depth", [1, 2, 3])
    def test_the_last_is_what_is_decoded(self, kind, depth):
        network = layers(kind, (2, 3), depth, bias=True)
        cascade = realise(network, bench())
        x = inputs(network[0], 2)
        assert torch.equal(cascade.decode(cascade.trace(x)[-1].field, cascade.masks()), cascade(x))


class TestErrors:
    def test_nothing(self):
        with pytest.raises(ValueError, match="at least one layer; got none"):
            realise(nn.Sequential(), bench())

    def test_electronics_between(self):
        with pytest.raises(TypeError, match="got ReLU between them: detect there, by realise_each"):
            realise(nn.Sequential(layer("ACDC", 4), nn.ReLU(), layer("ACDC", 4)), bench())

    def test_a_bias_in_the_middle(self):
        with pytest.raises(ValueError, match="layer 1 of 2 has a bias"):
            realise(nn.Sequential(layer("ACDC", 4, bias=True), layer("ACDC", 4)), bench())

    @pytest.mark.parametrize(
        ("second", "what"),
        [({"shape": 5}, "one shape"), ({"kind": "AFDF"}, "one kind of layer")],
    )
    def test_layers_that_differ(self, second, what):
        other = layer(**{"kind": "ACDC", "shape": 4, **second})
        with pytest.raises(ValueError, match=what):
            realise(nn.Sequential(layer("ACDC", 4), other), bench())

    def test_masks_that_are_not_one_for_each_layer(self):
        cascade = realise(layers("ACDC", 4, 2), bench())
        with pytest.raises(ValueError, match="masks for each of the 2 layers; got 1"):
            OpticalCascade.of_masks(cascade.layers, cascade.masks()[:1], bench(), Ideal())

    def test_names_of_what_stands_between(self):
        with pytest.raises(TypeError, match=r"as Comb\(\) or OnePixel\(\); got 'comb'"):
            realise(layers("ACDC", 4, 2), bench(), between="comb")

    def test_input(self):
        cascade = realise(layers("ACDC", 4, 2), bench())
        with pytest.raises(ValueError, match=r"shape \(\.\.\., 4\)"):
            cascade(torch.zeros(5).double())
        with pytest.raises(TypeError, match="real input"):
            cascade(torch.zeros(4, dtype=torch.complex128))


def test_batches_fit_in_memory():
    cascade = realise(layers("ACDC", (3, 4), 2), bench())
    assert cascade.samples == 40 * 48 * 64  # of the second mask A: pixels with their guards, and nodes
    x = inputs(cascade.layers[0], 5)
    assert relative_error(run_in_batches(cascade, x), cascade(x)) < EXACT


def test_training_the_masks_of_a_cascade_brings_it_closer_to_its_layers():
    """One pixel a coefficient, and mirrored: a small freedom, which takes a third of the error."""
    network = layers("ACDC", 8, 2)
    cascade = realise(network, bench(subpixels=1, fill=1.0), method=Sampled(), between=OnePixel())
    trained = trainable_masks(cascade)
    x = inputs(network[0], 64)
    y = network(x).detach()
    before = relative_error(trained(x), y)
    schedule = Schedule(epochs=100, batch=64, learning_rate=1e-2)
    list(fit(trained, x, y, loss=nn.functional.mse_loss, schedule=schedule))
    after = relative_error(trained(x), y)
    assert 0.03 < before < 0.3
    assert after < 0.7 * before
    masks = trained.masks()
    assert all(mask.abs().max() <= 1 for own in masks for mask in (own.input_mask, own.fourier_mask))


def test_one_layer_twice():
    shared = AFDF(5, dtype=torch.float64)
    network = nn.Sequential(shared, shared)
    x = inputs(shared, 2)
    assert relative_error(realise(network, bench(), model=Ideal())(x), network(x)) < EXACT
