"""The light through masks of cells: that of pixels where cells make pixels, that of a brute-force sum where not."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from acdc_optical import Continuous, Sampled, realise
from acdc_optical.fabrication import made
from acdc_optical.fabrication.made import WHOLE, Cells, MadeLayer
from acdc_optical.verification import light_used
from tests.fabrication import oracle
from tests.fabrication.ordered import divided, even
from tests.realisation.cases import KINDS, bench, inputs, layer, relative_error

UNEVEN = (-0.5, -0.37, 0.1, 0.2, 0.5)
BENCHES = {
    "preset": bench(),
    "point camera": bench(camera_fill=0.0),
    "gaps": bench(fill=0.8, mask_fill=0.7),
    "three pixels per coefficient": bench(subpixels=3),
}
# Every shape on the preset, and other benches for one and two axes.
CASES = [(shape, "preset") for shape in [(8,), (7,), (4, 4), (4, 6), (5, 3)]]
CASES += [(shape, name) for name in BENCHES if name != "preset" for shape in [(6,), (2, 3)]]
every_case = pytest.mark.parametrize(("shape", "on"), [(s, BENCHES[n]) for s, n in CASES], ids=map(str, CASES))
either_kind = pytest.mark.parametrize("kind", KINDS)


def random_cells(pixels, edges, seed, *, turns=0.0):
    """Complex cells of any kind."""
    rng = np.random.default_rng(seed)
    shape = [n * (len(along) - 1) for n, along in zip(pixels, edges, strict=True)]
    values = rng.uniform(0, 1, shape) * np.exp(2j * np.pi * rng.uniform(size=shape))
    return Cells(torch.from_numpy(values), edges, 0.3 - 0.4j, turns)


@every_case
@either_kind
@torch.no_grad()
def test_cells_that_make_pixels_are_pixels(kind, shape, on):
    """Whole, in even cells and in uneven ones, which need not be those of the other mask."""
    optical = realise(layer(kind, shape, "signed random"), on)
    masks, x = optical.masks(), inputs(optical.layer, 2)
    wanted = optical(x)
    for a, d in ((WHOLE, WHOLE), (UNEVEN, even(3))):
        seen = MadeLayer(optical, divided(masks.input_mask, a), divided(masks.fourier_mask, d))(x)
        assert relative_error(seen, wanted) < 1e-12  # eight nodes of the pixels leave 1e-14, and rounding


@either_kind
def test_of_one_pixel_per_coefficient_enough_nodes_are_taken(kind):
    """Across such pixels waves turn by 2π, where Continuous needs more nodes than it takes by itself."""
    optical = realise(layer(kind, (4, 6)), bench(subpixels=1), method=Sampled(), model=Continuous(16))
    masks, x = optical.masks(), inputs(optical.layer, 2)
    seen = MadeLayer(optical, Cells.whole(masks.input_mask), Cells.whole(masks.fourier_mask))(x)
    assert relative_error(seen, optical(x)) < 1e-13  # both are integrated to that


@every_case
@either_kind
@torch.no_grad()
def test_the_light_is_that_of_a_brute_force_sum(kind, shape, on):
    optical = realise(layer(kind, shape), on)
    planes, x = optical.masks().planes, inputs(optical.layer)
    axes = len(shape)
    a = random_cells(planes.input.cells, (even(2), UNEVEN)[:axes], 1)
    d = random_cells(planes.mask.cells, (UNEVEN, even(3))[-axes:], 2)
    wanted = oracle.output(x.numpy(), optical.masks(), on, a, d, mirrored=kind == "ACDC")
    seen = MadeLayer(optical, a, d)(x)
    assert relative_error(seen, torch.from_numpy(wanted)) < 1e-12  # both integrate to 1e-13 of the light


@pytest.mark.parametrize("turns", [(0.0, 1.25), (0.75, 0.0), (-0.5, 2.0)], ids=str)
@pytest.mark.parametrize("shape", [(6,), (3, 4)], ids=str)
@either_kind
@torch.no_grad()
def test_carriers_are_met_where_they_lead(kind, shape, turns):
    """Mask D and the camera stand where the light goes; how far that is says the brute-force sum in metres."""
    on = bench()
    optical = realise(layer(kind, shape), on)
    planes, x = optical.masks().planes, inputs(optical.layer)
    a = random_cells(planes.input.cells, (even(3),) * len(shape), 1, turns=turns[0])
    d = random_cells(planes.mask.cells, (even(4),) * len(shape), 2, turns=turns[1])
    wanted = oracle.output(x.numpy(), optical.masks(), on, a, d, mirrored=kind == "ACDC")
    assert relative_error(MadeLayer(optical, a, d)(x), torch.from_numpy(wanted)) < 1e-12  # as above
    straight = MadeLayer(optical, replace(a, turns=0.0), replace(d, turns=0.0))(x)
    assert relative_error(straight, torch.from_numpy(wanted)) > 0.1  # on the axis there is other light


@pytest.mark.parametrize("shape", [(8,), (5, 3)], ids=str)
@either_kind
def test_as_much_light_as_of_pixels(kind, shape):
    optical = realise(layer(kind, shape, bias=True), bench())
    masks, x = optical.masks(), inputs(optical.layer, 2)
    cells = MadeLayer(optical, Cells.whole(masks.input_mask), divided(masks.fourier_mask, even(2)))
    # Both integrate over the camera's pixels by the same nodes.
    assert cells.light_used(x) == pytest.approx(light_used(optical, x), rel=1e-6)  # as it says


@either_kind
@torch.no_grad()
def test_a_few_rows_at_a_time(kind, monkeypatch):
    optical = realise(layer(kind, (2, 3)), bench())
    planes, x = optical.masks().planes, inputs(optical.layer, 2)
    a, d = random_cells(planes.input.cells, (WHOLE, WHOLE), 1), random_cells(planes.mask.cells, (even(3), UNEVEN), 2)
    at_once = MadeLayer(optical, a, d)(x)
    monkeypatch.setattr(made, "_AT_A_TIME", 500)
    assert relative_error(MadeLayer(optical, a, d)(x), at_once) < 1e-14  # sums in another order


@either_kind
@torch.no_grad()
def test_batches_biases_and_single_precision(kind):
    optical = realise(layer(kind, (4, 6), bias=True), bench())
    with torch.no_grad():
        optical.layer.bias.fill_(0.7)
    masks, x = optical.masks(), inputs(optical.layer, 2, 3)
    cells = Cells.whole(masks.input_mask), divided(masks.fourier_mask, even(2))
    wanted = MadeLayer(optical, *cells)(x)
    assert relative_error(wanted, optical.layer(x)) < 1e-13  # exact masks, and the bias with them
    single = layer(kind, (4, 6), bias=True, dtype=torch.float32)
    single.load_state_dict(optical.layer.state_dict())
    low = x.to(single.a.dtype)
    seen = MadeLayer(realise(single, bench()), *cells)(low)
    assert seen.dtype == single(low).dtype
    assert relative_error(seen, wanted) < 1e-5  # single precision, whose cancellation costs two digits


@torch.no_grad()
def test_less_accuracy_takes_fewer_nodes_and_keeps_what_is_promised():
    optical = realise(layer("AFDF", (8,), "signed random"), bench())
    masks, x = optical.masks(), inputs(optical.layer, 2)
    cells = divided(masks.input_mask, even(2)), divided(masks.fourier_mask, even(2))
    exact = MadeLayer(optical, *cells)(x)
    errors = [relative_error(MadeLayer(optical, *cells, accuracy=a)(x), exact) for a in (1e-2, 1e-4, 1e-8)]
    assert errors[0] > 10 * errors[1] > 100 * errors[2] > 0
    # The mask lets a share of the light through, of which the promised error is a larger share.
    assert all(error < 30 * a for error, a in zip(errors, (1e-2, 1e-4, 1e-8), strict=True))


@either_kind
def test_gradients_reach_the_input_and_the_cells(kind):
    optical = realise(layer(kind, (3, 4)), bench())
    planes = optical.masks().planes
    a, d = random_cells(planes.input.cells, (WHOLE, WHOLE), 1), random_cells(planes.mask.cells, (WHOLE, even(2)), 2)
    x, values = inputs(optical.layer), d.values

    def power(x, values):
        return MadeLayer(optical, a, replace(d, values=values))(x).abs().square().sum()

    leaves = x.clone().requires_grad_(), values.clone().requires_grad_()
    of_x, of_values = torch.autograd.grad(power(*leaves), leaves)
    with torch.no_grad():
        step_x, step_values = torch.zeros_like(x), torch.zeros_like(values)
        step_x[1, 2] = step_values[1, 2] = 1e-6
        by_x = power(x + step_x, values) - power(x - step_x, values)
        by_values = power(x, values + step_values) - power(x, values - step_values)
    # Central differences of a quadratic are exact but for rounding.
    assert float(by_x) / 2e-6 == pytest.approx(float(of_x[1, 2].real), rel=1e-4, abs=1e-6)
    assert float(by_values) / 2e-6 == pytest.approx(float(of_values[1, 2].real), rel=1e-4, abs=1e-6)


def test_cells_must_be_whole_numbers_for_each_pixel():
    optical = realise(layer("ACDC", (4, 6)), bench())
    masks = optical.masks()
    whole = Cells.whole(masks.input_mask), Cells.whole(masks.fourier_mask)
    with pytest.raises(ValueError, match=r"\(8, 24\) cells for the \(8, 12\) pixels of the mask; got \(8, 12\)"):
        MadeLayer(optical, replace(whole[0], edges=(WHOLE, even(2))), whole[1])
    with pytest.raises(ValueError, match=r"expected \(16, 24\) cells"):
        MadeLayer(optical, whole[0], whole[0])
    with pytest.raises(TypeError, match="takes real input"):
        MadeLayer(optical, *whole)(torch.ones(4, 6, dtype=torch.complex128))
    with pytest.raises(ValueError, match="NaN"):
        MadeLayer(optical, *whole)(torch.full((4, 6), torch.nan, dtype=torch.float64))
