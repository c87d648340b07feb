"""Relay masks as stripes: nothing absorbed, edges in place, and the cascade all the same."""

import pickle

import pytest
import torch
from torch import nn

from acdc_optical import ACDC, AFDF, Comb, EtchedComb, Exact, Ideal, OneEtch, RelayMask, realise
from optics import Stripes
from tests.realisation import gauss
from tests.realisation.cases import bench, inputs, layer, relative_error

# What stripes between ±1 leave of the comb at frequencies near 1/p, where light is weak: measured 1e-8 to 5e-5.
_LEFT = 1e-4


def two(shape, start="identity-like", kind="ACDC"):
    return nn.Sequential(*(layer(kind, shape, start, seed=seed) for seed in (0, 1)))


@pytest.mark.parametrize("start", ["identity-like", "signed random"])
@pytest.mark.parametrize("shape", [(8,), (16,), (7,)], ids=str)
@torch.no_grad()
def test_a_cascade_of_two_etched_masks_computes_its_layers(shape, start):
    network = two(shape, start)
    cascade = realise(network, bench(subpixels=3), method=OneEtch(), between=EtchedComb())
    x = inputs(network[0], 3)
    assert relative_error(cascade(x), network(x)) < _LEFT
    second = cascade.masks()[1]
    assert isinstance(second.input_mask, Stripes)
    assert isinstance(second.fourier_mask, Stripes)
    assert second.mean_transmission == (1.0, 1.0)
    assert second.input_mask.extent == second.planes.input.extent
    assert torch.equal(second.input_mask.flip((-1,)).edges, second.input_mask.edges)  # mirrored about the axis


@torch.no_grad()
def test_in_two_dimensions_each_row_is_one_by_itself():
    network = two((3, 2), "signed random")
    cascade = realise(network, bench(subpixels=3), between=EtchedComb())
    mask = cascade.masks()[1].input_mask
    assert (mask.rows, mask.ndim) == ((6 + 4) * 4, 2)
    x = inputs(network[0], 2)
    assert relative_error(cascade(x), network(x)) < 2e-3  # of rows that are few the weak ones miss more: 3e-4


@torch.no_grad()
def test_widths_and_grid_are_kept_and_cost_accuracy():
    """A nanometre is a thousandth of a stripe: of the bench's 8 µm pixels, four stripes each."""
    network, x = two((8,)), inputs(two((8,))[0], 3)
    errors = []
    for etch in (OneEtch(), OneEtch(grid=1e-9), OneEtch(minimum_feature=0.5e-6), OneEtch(minimum_feature=0.9e-6)):
        cascade = realise(network, bench(), between=EtchedComb(etch))
        mask = cascade.masks()[1].input_mask
        assert mask.narrowest >= etch.minimum_feature * (1 - 1e-9)
        if etch.grid:
            steps = mask.edges / etch.grid
            assert (steps - steps.round()).abs().max() < 1e-6
        errors.append(relative_error(cascade(x), network(x)))
    assert errors[0] < errors[1] < 1e-3
    assert errors[0] < errors[2] <= errors[3]


def test_gradients_reach_both_diagonals():
    network = two((4,))
    cascade = realise(network, bench(), between=EtchedComb())
    x = inputs(network[0], 2)
    weights = inputs(network[0], 2, seed=1)
    wanted = torch.autograd.grad((network(x) * weights).sum(), list(network.parameters()))
    got = torch.autograd.grad((cascade(x) * weights).sum(), list(network.parameters()))
    for mine, own in zip(got, wanted, strict=True):
        assert relative_error(mine, own) < 1e-5  # measured 1e-11 to 3e-6: what is left of the comb


def test_what_stripes_cannot_be_is_refused():
    with pytest.raises(ValueError, match="diagonal must be real"):
        realise(two((4,), kind="AFDF"), bench(), between=EtchedComb())
    with pytest.raises(ValueError, match=r"relay.fill = 1"):
        realise(two((4,)), bench(relay=RelayMask(fill=0.9)), between=EtchedComb())
    with pytest.raises(ValueError, match=r"do not fit"):
        realise(two((4,)), bench(), between=EtchedComb(OneEtch(minimum_feature=3e-6)))
    with pytest.raises(ValueError, match="have a width"):
        realise(two((4,)), bench(), model=Ideal(), between=EtchedComb())


@torch.no_grad()
def test_complex_layers_of_real_diagonals():
    network = nn.Sequential(*(AFDF(6, dtype=torch.float64) for _ in range(2)))
    for number, one in enumerate(network):
        real = layer("ACDC", (6,), seed=number)
        one.a.copy_(real.a)
        one.d.copy_(real.d)
    assert isinstance(network[0], AFDF)
    assert not isinstance(network[0], ACDC)
    x = inputs(network[0], 3)
    etched = realise(network, bench(subpixels=3), between=EtchedComb())
    assert relative_error(etched(x), network(x)) < _LEFT
    assert relative_error(realise(network, bench(), between=Comb())(x), network(x)) < 1e-11  # pixels do better


CASES = [(2, OneEtch(), EtchedComb()), (3, OneEtch(), EtchedComb()), (3, Exact(), EtchedComb()), (8, Exact(), Comb())]


@pytest.mark.parametrize(("depth", "method", "between"), CASES, ids=["2", "3", "3, D of pixels", "8, all of pixels"])
@torch.no_grad()
def test_an_integration_of_its_own_sees_the_same(depth, method, between):
    """Gauss's rule in numpy from edge to edge, plane by plane, from edges, pitches and gains alone."""
    network = nn.Sequential(*(layer("ACDC", (6,), seed=seed) for seed in range(depth)))
    table = bench(subpixels=3)
    cascade = realise(network, table, method=method, between=between)
    x = inputs(network[0], 2)
    seen = torch.from_numpy(gauss.output_of_stripes_in_a_row(x.numpy(), cascade.masks(), table))
    assert relative_error(seen, cascade(x)) < 1e-11  # both are integrated to rounding, through so many planes
    # What is left of combs of stripes, and of pixels.
    assert relative_error(seen, network(x)) < (1e-11 if between == Comb() else 1e-3)


@torch.no_grad()
def test_behind_stripes_all_light_is_there():
    network = two((4,))
    cascade = realise(network, bench(), between=EtchedComb())
    light = {plane.name: plane.field for plane in cascade.trace(inputs(network[0], 2))}
    torch.testing.assert_close(light["2: behind mask A"].power, light["2: on mask A"].power, rtol=1e-12, atol=0)


def test_layers_of_stripes_go_to_other_processes():
    for made in (
        realise(two((4,)), bench(), between=EtchedComb()),
        realise(layer("ACDC", (4,)), bench(subpixels=3), method=OneEtch()),
    ):
        x = torch.rand(2, 4, dtype=torch.float64)
        assert torch.equal(pickle.loads(pickle.dumps(made))(x), made(x))
