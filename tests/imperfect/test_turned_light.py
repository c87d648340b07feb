"""Turned planes: the series, the interpolation, and the whole bench against sums over all nodes of all planes."""

from __future__ import annotations

import pytest
import torch

from acdc_optical import AFDF, Bench, Imperfections, ImperfectLayer, realise
from acdc_optical.imperfect.light import ImperfectLight, Table
from acdc_optical.imperfect.turned_light import Between
from optics.canonical import LensArm, LensStance, Stance, lens_kernel
from optics.coupling import coupling

WRONG = Imperfections().changed(
    {"modulator.rotation": 2e-3, "camera.rotation": -1e-3, "camera.shift_x": 2e-6, "fourier_mask.defocus": 1e-4}
)


def phase(arm, front, back):
    """exp(i·strength·(x·v - y·u)), shape (y, x, v, u)."""
    strength = 2 * torch.pi * torch.sin(torch.tensor(arm.turn)).double() / arm.along(0).scale
    (y, x), (v, u) = front, back
    turns = x[:, None, None] * v[:, None] - y[:, None, None, None] * u
    return torch.polar(torch.ones_like(turns), strength * turns)


def test_the_series_is_the_rotation():
    arm = LensArm(633e-9, 0.1, Stance((0.0, 0.0)), Stance((0.0, 0.0), 0.0, 3e-3), LensStance((0.0, 0.0), (0.0, 0.0)))
    front = [torch.linspace(-n, n, 5).double() * 1e-4 for n in (1.0, 1.2)]
    back = [torch.linspace(-n, n, 5).double() * 1e-3 for n in (0.9, 1.1)]
    coupled = coupling(arm, front, back)
    (y, x), (v, u) = (
        [coupled.powers(*each) for each in zip(places, largest, strict=True)]
        for places, largest in ((front, coupled.front), (back, coupled.back))
    )
    factors = coupled.factors()
    kept = torch.tensor([[i + j <= coupled.order for j in range(len(factors))] for i in range(len(factors))])
    series = torch.einsum("ij,ix,iv,jy,ju->yxvu", factors * kept, *(each.to(factors) for each in (x, v, y, u)))
    assert coupled.order > 2
    # What is left out of the series.
    assert float((series - phase(arm, front, back)).abs().max()) < 1e-7


@pytest.mark.parametrize("turns", [0.5, 5.0, 50.0, 200.0])
def test_few_places_tell_what_varies_between_them(turns):
    nodes = torch.linspace(-2e-3, 1.9e-3, 300, dtype=torch.float64)
    between = Between.of(nodes, turns)
    assert len(between.places) < turns + 10 * (turns / 2) ** (1 / 3) + 6

    def wave(places):
        w = places / 2e-3
        # Steepest at the rim, where 0.6 + 2·0.2 is all of it.
        return torch.polar(torch.ones_like(w), turns * (0.6 * w + 0.2 * w**2))

    # Coefficients from 1e-9 on are left out, and fall fast.
    assert float((between.matrix.to(torch.complex128) @ wave(between.places) - wave(nodes)).abs().max()) < 1e-8


def test_a_bench_of_turned_planes_is_the_sum_over_all_nodes():
    torch.manual_seed(0)
    layer = AFDF((2, 3), dtype=torch.complex128)
    optical = realise(layer, Bench.preset())
    masks = optical.masks()
    x = torch.randn(2, 2, 3, dtype=torch.complex128)
    imperfect = ImperfectLayer(optical, WRONG, nodes=2)
    shown = imperfect.shown(x, masks, masks.planes.wavelength)
    table = Table.of(masks.planes, WRONG)
    half = torch.tensor([-0.5, 0.5], dtype=torch.float64) * masks.planes.mask.axes[0].cell.width
    bench = ImperfectLight(table, shown.edges, [half, half], 2)

    front, mask, camera = ([n.flat for n in plane] for plane in (bench.front, bench.masked, bench.camera))
    light = shown.values.flatten(-2).flatten(-3, -2)
    for axis, nodes in ((-2, bench.front[0]), (-1, bench.front[1])):
        light = light.repeat_interleave(2, axis)
        light = light * nodes.weights.flatten().reshape(-1, *(1,) * (-1 - axis))
    kernel = [
        [lens_kernel(a[k], b[k], arm.along(k)) for k in (0, 1)]
        for a, b, arm in ((front, mask, table.forth), (mask, camera, table.back))
    ]
    light = torch.einsum("byx,yv,xu,yxvu->bvu", light, *kernel[0], phase(table.forth, front, mask))
    weights = [n.weights.flatten() for n in bench.masked]
    values = masks.fourier_mask.repeat_interleave(2, 0).repeat_interleave(2, 1) * weights[0][:, None] * weights[1]
    light = torch.einsum("bvu,vp,uq,vupq->bpq", light * values, *kernel[1], phase(table.back, mask, camera))
    for axis, nodes in ((-2, bench.camera[0]), (-1, bench.camera[1])):
        share = (nodes.weights / nodes.weights.sum(-1, keepdim=True)).flatten().reshape(-1, *(1,) * (-1 - axis))
        light = (light * share).unflatten(axis, nodes.places.shape).sum(axis if axis == -1 else -2)
    wanted = imperfect.decode(light, masks).detach()
    found = imperfect(x).detach()
    # The series leaves 1e-7 at the corners and far less elsewhere.
    assert float((found - wanted).norm() / wanted.norm()) < 1e-8
    straight = WRONG.changed({"modulator.rotation": 0.0, "camera.rotation": 0.0})
    still = ImperfectLayer(optical, straight, nodes=2)(x).detach()
    assert float((found - still).norm() / wanted.norm()) > 1e-4


def test_planes_that_turn_together_have_not_turned():
    torch.manual_seed(0)
    optical = realise(AFDF((3, 3), dtype=torch.complex128), Bench.preset())
    x = torch.randn(2, 3, 3, dtype=torch.complex128)
    together = {f"{part}.rotation": torch.tensor(1e-3) for part in ("modulator", "fourier_mask", "camera")}
    found = ImperfectLayer(optical, Imperfections().changed(together))(x)
    # Integrals by 8 nodes are exact to 1e-13, the interpolation to 1e-9.
    assert float((found - optical(x)).norm() / found.norm()) < 1e-9


def test_gradients_reach_everything_that_is_out_of_place():
    torch.manual_seed(0)
    optical = realise(AFDF((2, 2), dtype=torch.complex128), Bench.preset())
    x = torch.randn(2, 2, dtype=torch.complex128)
    units = {"modulator.rotation": 1e-3, "input_mask.shift_x": 1e-6, "camera.defocus": 1e-3}

    def read(*sizes):
        wrong = {name: size * unit for size, (name, unit) in zip(sizes, units.items(), strict=True)}
        return ImperfectLayer(optical, Imperfections().changed(wrong), nodes=3)(x)

    sizes = [torch.tensor(1.0, dtype=torch.float64, requires_grad=True) for _ in units]
    # In units of what typically is wrong numbers are of order one, and gradcheck's own tolerances fit.
    assert torch.autograd.gradcheck(read, sizes)
