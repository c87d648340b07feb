"""What each plane of a cascade adds to its error, and where the light goes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn

from acdc_optical import (
    Comb,
    Continuous,
    Ideal,
    OnePixel,
    OpticalCascade,
    RelayMask,
    Sampled,
    Wave,
    realise,
    trainable_masks,
)
from acdc_optical.budgets.contributions import contributions
from acdc_optical.budgets.light_budget import dynamic_range, light_budget
from acdc_optical.design import Design
from acdc_optical.tables import contributions_table, light_table
from acdc_optical.verification import light_used
from optics import Stripes
from tests.realisation.cases import KINDS, bench, inputs, layer, relative_error
from tests.training.cases import shake, table

every_kind = pytest.mark.parametrize("kind", KINDS)
BETWEEN = {"comb": Comb(), "one pixel": OnePixel()}
every_mask = pytest.mark.parametrize("between", BETWEEN.values(), ids=BETWEEN)


def rows(kind, shape, depth, *, bias=False):
    network = nn.Sequential(*(layer(kind, shape, seed=i, bias=bias and i == depth - 1) for i in range(depth)))
    if bias:
        nn.init.normal_(network[-1].bias, generator=torch.Generator().manual_seed(1))
    return network


def by_plane(cascade, x):
    return {row.plane: row.error for row in contributions(cascade, x)}


@every_kind
@pytest.mark.parametrize("shape", [(6,), (3, 4)], ids=str)
class TestContributions:
    @every_mask
    @pytest.mark.parametrize("depth", [1, 2, 3])
    def test_sum_to_the_error(self, kind, shape, between, depth):
        network = rows(kind, shape, depth, bias=True)
        cascade, x = realise(network, bench(), between=between, method=Sampled()), inputs(network[0], 3)
        found = contributions(cascade, x)
        planes = ["mask D 1", *(f"mask {mask} {n}" for n in range(2, depth + 1) for mask in "AD")]
        assert [row.plane for row in found] == planes
        error = (cascade(x) - network(x)).detach()
        assert error.norm() > 1e-3
        assert relative_error(sum(row.change for row in found), error) < 1e-12
        scale = network(x).detach().norm()
        assert found[-1].error == pytest.approx(float(found[-1].change.norm() / scale))

    def test_of_an_exact_cascade_are_none(self, kind, shape):
        network = rows(kind, shape, 3)
        assert max(by_plane(realise(network, bench()), inputs(network[0], 3)).values()) < 1e-11

    def test_of_one_pixel_masks_are_theirs_alone(self, kind, shape):
        """An exact mask D behind points is exact; what light behind A it was not made for, it adds to."""
        network = rows(kind, shape, 2)
        found = by_plane(realise(network, bench(), between=OnePixel()), inputs(network[0], 3))
        assert found["mask D 1"] < 1e-13
        assert found["mask A 2"] > 1e-2

    def test_of_sampled_masks_are_of_both(self, kind, shape):
        network = rows(kind, shape, 2)
        found = by_plane(realise(network, bench(), method=Sampled()), inputs(network[0], 3))
        assert found["mask D 1"] > 1e-2
        assert found["mask D 2"] > 1e-2

    def test_in_the_ideal_picture_are_none(self, kind, shape):
        network = rows(kind, shape, 3)
        assert max(by_plane(realise(network, bench(), model=Ideal()), inputs(network[0], 3)).values()) < 1e-12


def test_of_masks_that_are_trained():
    network = rows("ACDC", 6, 2)
    trained = trainable_masks(realise(network, bench()))
    shake(trained, 0.05)
    x = inputs(network[0], 3)
    found = contributions(trained, x)
    assert min(row.error for row in found) > 1e-3
    assert relative_error(sum(row.change for row in found), (trained(x) - network(x)).detach()) < 1e-12


def test_one_wrong_mask_is_found():
    """A blemish on one mask counts there, and not in front of it."""
    network = rows("ACDC", 6, 3)
    cascade, x = realise(network, bench()), inputs(network[0], 3)
    masks = cascade.masks()
    scratched = masks[1].input_mask.detach().clone()
    scratched[len(scratched) // 2] = 0
    masks[1] = replace(masks[1], input_mask=scratched)
    found = by_plane(OpticalCascade.of_masks(list(network), masks, bench(), Continuous()), x)
    assert found["mask D 1"] < 1e-13
    assert found["mask A 2"] > 1e-2


def test_lenses_count_plane_by_plane():
    network = rows("ACDC", 6, 2)
    cascade, x = realise(network, table(Wave(), "ACDC", (6,)), model=Wave()), inputs(network[0], 3)
    found = contributions(cascade, x)
    error = (cascade(x) - network(x)).detach()
    assert relative_error(sum(row.change for row in found), error) < 1e-12
    through_ideal = by_plane(cascade.with_model(Continuous()), x)
    assert all(row.error > 1e3 * through_ideal[row.plane] for row in found)  # all of it is the lenses'


@every_kind
@pytest.mark.parametrize("shape", [(6,), (3, 4)], ids=str)
class TestLight:
    @every_mask
    def test_becomes_less_from_plane_to_plane(self, kind, shape, between):
        cascade = realise(rows(kind, shape, 4), bench(), between=between)
        x = inputs(cascade.layers[0], 3)
        budget = light_budget(cascade, x)
        along = [share for row in budget.layers for share in row[:-1]] + [budget.layers[-1].arrived]
        assert along[0] == 1
        # Masks dim, and of what goes through a lens some misses the next plane.
        assert all(before >= after > 0 for before, after in pairwise(along))
        assert [row.arrived for row in budget.layers[:-1]] == [row.before_a for row in budget.layers[1:]]
        assert budget.layers[-1].arrived == pytest.approx(light_used(cascade, x))

    def test_is_what_the_trace_shows(self, kind, shape):
        cascade = realise(rows(kind, shape, 2), bench())
        x = inputs(cascade.layers[0], 3)
        power = {plane.name: float(plane.field.power.sum().detach()) for plane in cascade.trace(x)}
        second = light_budget(cascade, x).layers[1]
        shown = [power[name] for name in ("2: on mask A", "2: behind mask A", "2: in front of mask D")]
        assert second[:3] == pytest.approx([share / power["input"] for share in shown])

    def test_masks_are_described(self, kind, shape):
        cascade = realise(rows(kind, shape, 2), bench())
        figures = light_budget(cascade, inputs(cascade.layers[0])).masks
        assert [row.mask for row in figures] == ["mask A 1", "mask D 1", "mask A 2", "mask D 2"]
        assert figures[2].transmission == cascade.masks()[1].mean_transmission[0]
        assert figures[2].range > figures[0].range >= 1


def test_dark_inputs_have_no_budget():
    cascade = realise(rows("ACDC", 4, 2), bench())
    with pytest.raises(ValueError, match="no light to follow"):
        light_budget(cascade, torch.zeros(4, dtype=torch.float64))


class TestDynamicRange:
    def test_is_of_the_pixels_that_matter(self):
        assert dynamic_range(torch.tensor([1.0, -0.5, 0.25])) == 4
        assert dynamic_range(torch.tensor([1.0, 0.5j, 1e-6])) == 2

    def test_of_one_strength_is_one(self):
        assert dynamic_range(torch.tensor([-1.0, 1.0, 0.0])) == 1
        assert dynamic_range(torch.zeros(3)) == 1
        stripes = Stripes(torch.zeros(1, dtype=torch.float64), torch.ones(()), (1e-3,))
        assert dynamic_range(stripes) == 1


def test_tables_have_a_row_for_each():
    cascade = realise(rows("ACDC", 4, 3), bench(relay=RelayMask(pixels_per_number=2)))
    x = inputs(cascade.layers[0], 2)
    assert contributions_table(contributions(cascade, x)).row_count == 5
    assert light_table(light_budget(cascade, x)).row_count == 3


@torch.no_grad()
def test_of_masks_from_a_file_they_are_those_of_the_cascade(tmp_path):
    """Whose cameras between systems are points, whatever the bench's camera is."""
    network = rows("ACDC", (6,), 3)
    Design.of(nn.Sequential(network), bench()).save(tmp_path / "three.design")
    (cascade,) = Design.load(tmp_path / "three.design").realise()
    x = inputs(network[0], 2)
    assert max(row.error for row in contributions(cascade, x)) < 1e-11  # measured 1e-14
    assert light_budget(cascade, x) == light_budget(realise(network, bench()), x)
