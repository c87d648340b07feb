"""All-optical cascades with combs between them: the layers' product to rounding, by light."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from acdc_optical import (
    ACDC,
    BrightComb,
    Comb,
    Continuous,
    Exact,
    Ideal,
    InQuadrature,
    OnePixel,
    OpticalCascade,
    RelayMask,
    Splitting,
    Wave,
    realise,
    trainable_masks,
    verify,
)
from acdc_optical.figures import plot_light
from acdc_optical.realisation import run_in_batches
from optics import Stripes
from tests.realisation import gauss
from tests.realisation.cases import KINDS, STARTS, bench, inputs, layer, relative_error
from tests.training.cases import SINGLE, table

# Combs are solved to some 1e-13, where singular values are cut; it adds up over layers, and signed ones weigh it.
EXACT = 1e-11

every_kind = pytest.mark.parametrize("kind", KINDS)


def rows(kind, shape, depth, start="identity-like", **options):
    return nn.Sequential(*(layer(kind, shape, start, seed=number, **options) for number in range(depth)))


def short(kind, shape):
    """A bench so short that waves need few samples: f = n·p²/λ."""
    return table(Wave(), kind, shape)


def signs(masks):
    """Pixels of phase 0 and π; mask A of the modulator as it is."""
    whole = masks.input_mask if masks.planes.input.cells == masks.planes.camera.cells else sign(masks.input_mask)
    return replace(masks, input_mask=whole.detach(), fourier_mask=sign(masks.fourier_mask))


def sign(values):
    return torch.where(values.detach() < 0, -1.0, 1.0).double()


def striped(masks, *, first):
    """The same of stripes; a modulator has none."""
    a = masks.input_mask if first else stripes_of(masks.input_mask, masks.planes.input)
    return replace(masks, input_mask=a, fourier_mask=stripes_of(masks.fourier_mask, masks.planes.mask))


def stripes_of(values, grid):
    places = (values.diff() != 0).nonzero().flatten().double() + 1
    return Stripes((places - len(values) / 2) * grid.spacing[0], values[0], grid.extent)


@every_kind
@pytest.mark.parametrize("depth", [1, 2, 4, 8])
class TestExact:
    @pytest.mark.parametrize("start", STARTS)
    @pytest.mark.parametrize("shape", [(16,), (7,), (8, 8)], ids=str)
    def test_is_the_product_of_its_layers(self, kind, depth, start, shape):
        network = rows(kind, shape, depth, start, bias=False)
        x = inputs(network[0], 2)
        assert relative_error(realise(network, bench())(x), network(x)) < EXACT

    def test_in_float32(self, kind, depth):
        """Rounding of 6e-8 at every plane; what is summed over pixels is better than that. Seen: 2e-7 to 6e-7."""
        network = rows(kind, (8, 8), depth, dtype=SINGLE[kind])
        x = inputs(network[0], 2)
        y = realise(network, bench())(x)
        assert y.dtype == SINGLE[kind]
        assert relative_error(y, network(x)) < 3e-6

    def test_every_number_lands_where_the_layers_put_it(self, kind, depth):
        """Unit vectors: the whole matrix, its orientation with it."""
        network = rows(kind, (3, 4), depth)
        units = torch.eye(12, dtype=network[0].a.dtype).unflatten(1, (3, 4))
        assert relative_error(realise(network, bench())(units), network(units)) < EXACT

    def test_gradients_reach_all_diagonals(self, kind, depth):
        network = rows(kind, (3, 4), depth, bias=False)
        weights, results = inputs(network[0], 2, seed=1), []
        for module in (realise(network, bench()), network):
            x = inputs(network[0], 2).requires_grad_()
            results.append(torch.autograd.grad((module(x) * weights).real.sum(), [x, *network.parameters()]))
        for got, wanted in zip(*results, strict=True):
            assert relative_error(got, wanted) < 10 * EXACT


@every_kind
@pytest.mark.parametrize(("shape", "depth"), [((16,), 2), ((7,), 3), ((4, 3), 2), ((8, 8), 3)], ids=str)
def test_integrals_over_every_plane_say_the_same(kind, shape, depth):
    network = rows(kind, shape, depth, "signed random", bias=False)
    where = bench(relay=RelayMask(fill=0.95))
    cascade, x = realise(network, where), inputs(network[0])
    light = torch.from_numpy(gauss.cascade(x.numpy(), cascade.masks(), where, mirrored=kind == "ACDC"))
    assert relative_error(light, network(x)) < EXACT
    assert relative_error(light, cascade(x)) < EXACT


@every_kind
@pytest.mark.parametrize("shape", [(16,), (8, 8)], ids=str)
class TestBright:
    def test_lets_more_light_through_and_is_as_exact(self, kind, shape):
        network = rows(kind, shape, 2, "signed random")
        x = inputs(network[0], 2)
        plain, bright = (realise(network, bench(), between=mask) for mask in (Comb(), BrightComb(Splitting(gap=1e-2))))
        assert relative_error(bright(x), network(x)) < EXACT
        # 1.2 to 4 are seen with four pixels a number.
        assert float(plain.masks()[1].gain / bright.masks()[1].gain) ** 2 > 1.15

    def test_gradients(self, kind, shape):
        network = rows(kind, shape, 2, bias=False)
        weights, results = inputs(network[0], 2, seed=1), []
        for module in (realise(network, bench(), between=BrightComb(Splitting(gap=0.1))), network):
            loss = (module(inputs(network[0], 2)) * weights).real.sum()
            results.append(torch.autograd.grad(loss, list(network.parameters())))
        for got, wanted in zip(*results, strict=True):
            assert relative_error(got, wanted) < 10 * EXACT


class TestMasks:
    @pytest.mark.parametrize("between", [Comb(), BrightComb(Splitting(gap=0.1)), OnePixel()], ids=str)
    def test_are_passive_and_mirrored(self, between):
        network = rows("ACDC", (3, 4), 3)
        for own in realise(network, bench(), between=between).masks():
            for mask in (own.input_mask, own.fourier_mask):
                mask = mask.detach()
                assert float(mask.abs().max()) == pytest.approx(1, abs=1e-15)
                assert torch.allclose(mask, mask.flip(0, 1), rtol=0, atol=1e-14)
                assert torch.allclose(mask, mask.flip(1), rtol=0, atol=1e-14)

    def test_are_as_large_as_the_bench_says(self):
        where = bench(relay=RelayMask(pixels_per_number=3, guards=1, fill=0.8))
        first, second = realise(rows("ACDC", (3, 4), 2), where).masks()
        assert first.planes.input.cells == (6, 8)
        assert second.planes.input.cells == (24, 30) == tuple(second.input_mask.shape)
        assert second.planes.input.spacing == pytest.approx((8e-6 / 3, 8e-6 / 3))
        assert second.planes.input.axes[0].cell.width == 0.8

    def test_once_fixed_are_what_they_are(self):
        network = rows("ACDC", (3, 4), 2)
        cascade, x = realise(network, bench()), inputs(network[0], 2)
        fixed = OpticalCascade.of_masks(list(network), cascade.masks(), bench(), Continuous())
        before = cascade(x)
        assert torch.equal(fixed(x), before)
        with torch.no_grad():
            network[1].a.mul_(2)
        assert torch.equal(fixed(x), before)
        assert relative_error(cascade(x), before) > 0.5

    def test_may_be_stripes_in_every_plane(self):
        """Of pixels ±1, stripes make the same light, though theirs is integrated differently."""
        network = rows("ACDC", 5, 3, "signed random")
        pixels = [signs(own) for own in realise(network, bench()).masks()]
        stripes = [striped(own, first=not number) for number, own in enumerate(pixels)]
        x = inputs(network[0], 2)
        one, other = (
            OpticalCascade.of_masks(list(network), masks, bench(), Continuous())(x) for masks in (pixels, stripes)
        )
        assert relative_error(other, one) < 1e-11

    def test_the_pixels_between_systems_are_trained(self):
        network = rows("ACDC", 4, 2)
        trained = trainable_masks(realise(network, bench()))
        x = inputs(network[0], 2)
        assert relative_error(trained(x), network(x)) < EXACT
        trained(x).square().sum().backward()
        settings = trained.stages[1].source.input_settings
        assert settings.shape == (24,)  # half of (2·4 + 2·2)·4
        assert settings.grad.abs().min() > 0


class TestModels:
    @every_kind
    def test_points_need_no_comb(self, kind):
        network = rows(kind, (3, 4), 4, bias=False)
        x = inputs(network[0], 2)
        cascade = realise(network, bench(), model=Ideal())
        assert relative_error(cascade(x), network(x)) < 1e-12
        assert cascade.masks()[1].planes.input.cells == cascade.masks()[0].planes.input.cells
        assert cascade.masks()[1].residual < 1e-12

    @every_kind
    def test_waves_miss_by_what_lenses_do(self, kind):
        network = rows(kind, 16, 3)
        where = short(kind, (16,))
        x = inputs(network[0], 4)
        alone = [relative_error(realise(one, where, model=Wave())(x), one(x)) for one in network]
        error = relative_error(realise(network, where, model=Wave())(x), network(x))
        assert 1e-5 < error < 2 * sum(alone)
        assert relative_error(realise(network, where, model=Wave(), between=OnePixel())(x), network(x)) > 10 * error

    def test_more_samples_change_nothing(self):
        cascade = realise(rows("ACDC", (3, 4), 3), bench())
        x = inputs(cascade.layers[0], 2)
        assert relative_error(cascade.with_model(Continuous().refined())(x), cascade(x)) < 1e-13

    def test_batches_fit_in_memory(self):
        cascade = realise(rows("ACDC", 5, 2), bench())
        x = inputs(cascade.layers[0], 5)
        assert relative_error(run_in_batches(cascade, x), cascade(x)) < EXACT

    def test_a_bias_behind_the_last(self):
        network = nn.Sequential(layer("ACDC", 5), layer("ACDC", 5, bias=True))
        nn.init.normal_(network[1].bias, generator=torch.Generator().manual_seed(0))
        x = inputs(network[0], 2)
        assert relative_error(realise(network, bench())(x), network(x)) < EXACT


class TestReports:
    @every_kind
    @pytest.mark.parametrize("shape", [(5,), (4, 3)], ids=str)
    def test_a_cascade_passes_every_check(self, kind, shape):
        network = rows(kind, shape, 2)
        report = verify(network, realise(network, short(kind, shape)))
        assert report.passed, report
        assert report.title.startswith(f"2 {kind} layers of {' × '.join(map(str, shape))}, continuous")
        by_name = {row.name: row for row in report.budget}
        assert by_name["continuous model: exact mask"].error < EXACT
        assert by_name["continuous model: exact mask, one pixel a number between"].error > 1e-3
        assert all(row.error is not None for row in report.budget)

    def test_one_pixel_a_number_fails_it(self):
        network = rows("ACDC", 8, 2)
        report = verify(network, realise(network, short("ACDC", (8,)), between=OnePixel()))
        failed = {check.name for check in report.checks if not check.passed}
        assert {"output agrees with the layer", "compiled kernel is the layer's"} <= failed

    def test_other_layers_fail_it(self):
        network = rows("ACDC", 4, 2)
        assert not verify(nn.Sequential(*reversed(network)), realise(network, short("ACDC", (4,)))).passed


@pytest.mark.parametrize("shape", [(4,), (2, 3)], ids=str)
def test_the_light_of_every_plane_is_drawn(shape, tmp_path):
    cascade = realise(rows("ACDC", shape, 2), bench())
    figure = plot_light(cascade, inputs(cascade.layers[0]))
    figure.savefig(tmp_path / "light.png")
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    assert len(titles) == 1 + 4 * 2
    assert titles[0] == "input"
    assert any("2: at the camera" in title for title in titles)


@pytest.mark.parametrize("between", [Comb(), BrightComb(), OnePixel()], ids=str)
def test_no_inputs_and_the_meta_device(between):
    cascade = realise(rows("ACDC", (3, 4), 2), bench(), between=between)
    assert cascade(torch.empty(0, 3, 4, dtype=torch.float64)).shape == (0, 3, 4)
    meta = torch.empty(5, 3, 4, dtype=torch.float64, device="meta")
    assert cascade.to("meta")(meta).shape == meta.shape


def test_one_layer_twice_is_one_layer_squared():
    shared = ACDC(6, dtype=torch.float64)
    network = nn.Sequential(shared, shared)
    x = inputs(shared, 2)
    assert relative_error(realise(network, bench())(x), shared(shared(x))) < EXACT


@pytest.mark.parametrize("between", [Comb(), BrightComb(), OnePixel()], ids=str)
def test_an_opaque_mask_lets_nothing_through(between):
    network = rows("ACDC", 4, 2)
    with torch.no_grad():
        network[1].a.zero_()
        y = realise(network, bench(), between=between)(inputs(network[0], 2))
    assert torch.equal(y, torch.zeros_like(y))


@pytest.mark.parametrize("wrong", [{"between": Exact()}, {"method": Comb()}, {"between": Comb}, {"method": "exact"}])
def test_what_is_no_method_is_refused_by_name(wrong):
    with pytest.raises(TypeError, match=r"expected a (method|kind of mask between systems), as"):
        realise(rows("ACDC", (4,), 2), bench(), **wrong)


def test_light_in_quadrature_must_not_go_on():
    with pytest.raises(ValueError, match=r"take ExactPhases\(\)"):
        realise(rows("ACDC", (4,), 2), bench(), method=InQuadrature())


@torch.no_grad()
def test_masks_as_they_stand_are_turned_in_every_second_system():
    """Of a complex layer, whose masks have no symmetry: in the order of the systems, and only there."""
    cascade = realise(rows("AFDF", (3, 4), 3), bench())
    upright, standing = cascade.masks(), cascade.standing()
    for number, (own, turned, system) in enumerate(zip(upright, standing, cascade.systems(upright), strict=True)):
        for mine, there, lit in (
            (own.input_mask, turned.input_mask, system.input_mask),
            (own.fourier_mask, turned.fourier_mask, system.fourier_mask),
        ):
            assert torch.equal(there, lit)
            assert torch.equal(there, mine.flip((0, 1)) if number % 2 else mine)
