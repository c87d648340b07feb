"""Masks of one etch: stripes of phase 0 and π make the layer, under least widths and on grids too."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn

from acdc_optical import (
    ACDC,
    AFDF,
    Brightest,
    Continuous,
    Ideal,
    LinearProgramme,
    OneEtch,
    OpticalLayer,
    compile_layer,
    realise,
    verify,
)
from acdc_optical.sources import FixedMasks
from optics import Stripes
from tests.realisation import gauss
from tests.realisation.cases import KINDS, STARTS, bench, inputs, layer, relative_error

GRID = 1e-9
# What the issue asks for; measured 1e-15 to 1e-13.
EXACT = 1e-10
CASES = [((8,), 2), ((8,), 3), ((16,), 3), ((32,), 3), ((17,), 4), ((1,), 3), ((4, 4), 3), ((3, 5), 2)]


def real(kind: str, shape: tuple[int, ...], start: str = "signed random", **options) -> ACDC | AFDF:
    """A layer with real d, which is all that stripes can make."""
    numbers = layer(kind, shape, start, **options)
    with torch.no_grad():
        numbers.d.copy_(numbers.d.real.to(numbers.d.dtype))
    return numbers


def quadrature(numbers, masks, table) -> float:
    """Relative error by Gauss's rule from edge to edge, numpy alone (see gauss.py)."""
    x = inputs(numbers, 3)
    got = gauss.output_of_stripes(x.numpy(), masks, table, mirrored=isinstance(numbers, ACDC))
    return relative_error(torch.from_numpy(got), numbers(x))


@pytest.mark.parametrize(("shape", "subpixels"), CASES)
@pytest.mark.parametrize("start", STARTS)
class TestExactMasks:
    def test_make_the_layer_by_continuous_light_and_by_an_independent_quadrature(self, shape, subpixels, start):
        numbers, table = layer("ACDC", shape, start), bench(subpixels=subpixels)
        optical = realise(numbers, table, method=OneEtch())
        x, masks = inputs(numbers, 3), optical.masks()
        assert isinstance(masks.fourier_mask, Stripes)
        assert relative_error(optical(x), numbers(x)) <= EXACT
        assert quadrature(numbers, masks, table) <= EXACT
        assert masks.residual <= EXACT


def test_larger_images():
    numbers, table = layer("ACDC", (8, 8), "signed random"), bench(subpixels=3)
    assert quadrature(numbers, compile_layer(numbers, table, method=OneEtch()), table) <= EXACT


@pytest.mark.parametrize("shape", [(8,), (9,), (3, 4)])
def test_real_diagonals_of_afdf_too(shape):
    numbers, table = real("AFDF", shape), bench(subpixels=3)
    optical = realise(numbers, table, method=OneEtch())
    assert relative_error(optical(inputs(numbers, 3)), numbers(inputs(numbers, 3))) <= EXACT
    assert quadrature(numbers, optical.masks(), table) <= EXACT


@pytest.mark.parametrize("slack", [0.1, 0.5])
@pytest.mark.parametrize("shape", [(16,), (4, 4)])
def test_light_is_that_of_the_brightest_mask_dimmed_by_the_slack(shape, slack):
    numbers, table = layer("ACDC", shape), bench(subpixels=3)
    etched = compile_layer(numbers, table, method=OneEtch(slacks=(slack,)))
    bright = compile_layer(numbers, table, method=Brightest())
    assert float(etched.gain / bright.gain) == pytest.approx(1 + slack, rel=1e-12)
    assert etched.mean_transmission[1] == 1


@pytest.mark.parametrize("shape", [(7,), (4, 3)])
def test_masks_are_mirrored_and_fill_their_plane(shape):
    masks = compile_layer(layer("ACDC", shape), bench(subpixels=3), method=OneEtch(grid=GRID))
    stripes = masks.fourier_mask
    assert stripes.extent == pytest.approx(masks.planes.mask.extent, rel=1e-12)
    assert stripes.rows == (masks.planes.mask.cells[0] if len(shape) == 2 else 1)
    for dims in ((-1,), tuple(range(len(shape)))):
        assert torch.equal(stripes.flip(dims).edges, stripes.edges)
        assert torch.equal(stripes.flip(dims).first, stripes.first)


class TestLeastWidths:
    @pytest.mark.parametrize(("shape", "width"), [((16,), 30e-6), ((32,), 12e-6), ((3, 4), 120e-6)])
    def test_are_kept_and_masks_stay_exact(self, shape, width):
        numbers, table = layer("ACDC", shape), bench(subpixels=3)
        masks = compile_layer(numbers, table, method=OneEtch(width))
        free = compile_layer(numbers, table, method=OneEtch())
        assert free.fourier_mask.narrowest < width
        assert masks.fourier_mask.narrowest >= width * (1 - 1e-12)
        assert quadrature(numbers, masks, table) <= EXACT

    def test_are_kept_at_the_rim_and_across_the_axis(self):
        stripes = compile_layer(layer("ACDC", 16), bench(subpixels=3), method=OneEtch(70e-6)).fourier_mask
        assert stripes.bounds.diff().min() >= 70e-6 * (1 - 1e-12)
        assert stripes.bounds.shape == (1, 98)

    @pytest.mark.parametrize("shape", [(16,), (2, 3)])
    def test_cost_light_where_they_need_more_slack(self, shape):
        numbers, table = layer("ACDC", shape), bench(subpixels=3)
        q = 247.3e-6 * 16 / shape[0]
        gains = [compile_layer(numbers, table, method=OneEtch(w * q)).gain for w in (0.0, 0.15, 0.2)]
        assert all(later >= sooner for sooner, later in pairwise(gains))
        assert gains[-1] > 1.5 * gains[0]

    def test_at_one_slack_the_error_grows_and_is_what_the_light_shows(self):
        numbers, table = layer("ACDC", 16), bench(subpixels=3)
        nn.init.ones_(numbers.a)
        x = torch.eye(16, dtype=torch.float64)
        residuals = []
        for width in (0.0, 15e-6, 40e-6, 60e-6):
            masks = compile_layer(numbers, table, method=OneEtch(width, slacks=(0.1,)))
            got = torch.from_numpy(gauss.output_of_stripes(x.numpy(), masks, table, mirrored=True))
            assert relative_error(got, numbers(x)) == pytest.approx(masks.residual, rel=1e-8, abs=1e-12)
            residuals.append(masks.residual)
        assert max(residuals[:2]) < EXACT
        assert EXACT < residuals[2] < residuals[3] < 1

    def test_the_best_is_kept_where_none_is_exact(self):
        numbers, table = layer("ACDC", 16), bench(subpixels=3)
        slacks = (0.05, 0.1, 0.07)
        alone = [compile_layer(numbers, table, method=OneEtch(60e-6, slacks=(slack,))).residual for slack in slacks]
        assert compile_layer(numbers, table, method=OneEtch(60e-6, slacks=slacks)).residual == min(alone) > EXACT


class TestGrids:
    def plain(self, numbers, table, grid: float) -> float:
        optical = realise(numbers, table, method=OneEtch())
        masks = optical.masks()
        edges = (masks.fourier_mask.edges / grid).round() * grid
        fixed = FixedMasks(replace(masks, fourier_mask=replace(masks.fourier_mask, edges=edges)))
        x = inputs(numbers, 3)
        return relative_error(OpticalLayer(numbers, fixed, table, Continuous())(x), numbers(x))

    @pytest.mark.parametrize(("shape", "grid", "times"), [((16,), 1e-9, 3), ((32,), 5e-9, 2), ((3, 4), 1e-9, 5)])
    def test_carried_errors_are_less_than_those_of_plain_rounding(self, shape, grid, times):
        numbers, table = layer("ACDC", shape), bench(subpixels=3)
        masks = compile_layer(numbers, table, method=OneEtch(grid=grid))
        error = quadrature(numbers, masks, table)
        # Measured 15, 4 and 30 times less.
        assert EXACT < error < self.plain(numbers, table, grid) / times

    @pytest.mark.parametrize("shape", [(16,), (3, 4)])
    def test_the_residual_is_the_error_of_all_outputs_over_all_inputs(self, shape):
        numbers, table = layer("ACDC", shape), bench(subpixels=3)
        nn.init.ones_(numbers.a)
        masks = compile_layer(numbers, table, method=OneEtch(grid=GRID))
        x = torch.eye(numbers.a.numel(), dtype=torch.float64).view(-1, *shape)
        got = torch.from_numpy(gauss.output_of_stripes(x.numpy(), masks, table, mirrored=True))
        # Of an error of 1e-6, known to 1e-14.
        assert masks.residual == pytest.approx(relative_error(got, numbers(x)), rel=1e-6)

    @pytest.mark.parametrize("shape", [(16,), (4, 5)])
    def test_edges_are_multiples_and_widths_are_kept(self, shape):
        numbers, table = layer("ACDC", shape), bench(subpixels=3)
        grid, width = 7e-9, 25e-6
        stripes = compile_layer(numbers, table, method=OneEtch(width, grid=grid)).fourier_mask
        edges = stripes.edges.detach()
        steps = edges / grid
        # Ulps of a million.
        assert float((steps - steps.round()).abs().max()) < 1e-9
        assert torch.equal(steps.round() * grid, edges)
        assert float(steps.round().diff().min()) * grid >= width
        assert stripes.narrowest >= width * (1 - 1e-12)

    def test_finer_grids_err_less(self):
        numbers, table = layer("ACDC", 16), bench(subpixels=3)
        coarse, fine = (compile_layer(numbers, table, method=OneEtch(grid=grid)).residual for grid in (1e-7, 1e-9))
        assert fine < coarse / 10


class TestGradients:
    @pytest.mark.parametrize(("kind", "shape"), [("ACDC", (7,)), ("ACDC", (3, 4)), ("AFDF", (5,)), ("AFDF", (2, 3))])
    def test_are_the_layer_s(self, kind, shape):
        """Of a complex layer in the real part of d alone: stripes know no other."""
        numbers = real(kind, shape)
        optical = realise(numbers, bench(subpixels=3), method=OneEtch())
        x, found = inputs(numbers, 3), []
        for made in (optical, numbers):
            numbers.zero_grad()
            made(x).abs().pow(3).sum().backward()
            found.append((numbers.a.grad.clone(), numbers.d.grad.real.clone()))
        for got, wanted in zip(*found, strict=True):
            assert relative_error(got, wanted) <= 1e-10

    def test_a_step_of_d_is_followed(self):
        numbers = layer("ACDC", 8)
        optical = realise(numbers, bench(subpixels=3), method=OneEtch())
        before = optical.masks().fourier_mask
        assert torch.equal(optical.masks().fourier_mask.edges, before.edges)
        with torch.no_grad():
            numbers.d[3] += 0.3
        x = inputs(numbers, 3)
        assert not torch.equal(optical.masks().fourier_mask.edges, before.edges)
        assert relative_error(optical(x), numbers(x)) <= EXACT


class TestUse:
    @pytest.mark.parametrize("shape", [(8,), (4, 4)])
    def test_single_precision(self, shape):
        numbers = layer("ACDC", shape, dtype=torch.float32)
        optical = realise(numbers, bench(subpixels=3), method=OneEtch())
        assert optical.masks().residual <= EXACT
        # Gains of ten times 6e-8, and the sums of a hundred nodes.
        assert relative_error(optical(inputs(numbers, 3)), numbers(inputs(numbers, 3))) <= 1e-5

    def test_the_report_passes(self):
        numbers = layer("ACDC", 8)
        assert verify(numbers, realise(numbers, bench(subpixels=3), method=OneEtch())).passed

    def test_a_diagonal_of_zeros(self):
        numbers = layer("ACDC", 8)
        nn.init.zeros_(numbers.d)
        optical = realise(numbers, bench(subpixels=3), method=OneEtch())
        assert float(optical(inputs(numbers, 3)).detach().abs().max()) < 1e-12
        assert optical.masks().residual == 0

    def test_shapes_alone(self):
        numbers = layer("ACDC", 8).to("meta")
        assert compile_layer(numbers, bench(subpixels=3), method=OneEtch()).fourier_mask.shape == (48,)

    def test_another_search(self):
        numbers = layer("ACDC", 8)
        masks = compile_layer(numbers, bench(subpixels=3), method=OneEtch(search=LinearProgramme()))
        assert masks.residual <= EXACT

    def test_progress_is_over_rows(self):
        seen = []

        def track(steps, description, total):
            seen.append((description, total))
            return steps

        compile_layer(layer("ACDC", (2, 3)), bench(subpixels=3), method=OneEtch(track=track))
        assert seen == [("placing edges", 6)]


class TestRefusals:
    @pytest.mark.parametrize("kind", KINDS)
    def test_one_pixel_per_coefficient(self, kind):
        with pytest.raises(ValueError, match=r"need mask\.pixels_per_coefficient of 3 or 4.*the bench has 1"):
            compile_layer(layer(kind, 8), bench(subpixels=1), method=OneEtch())

    def test_gaps_between_pixels(self):
        with pytest.raises(ValueError, match=r"need mask\.fill = 1 .* filled to 0\.9$"):
            compile_layer(layer("ACDC", 8), bench(subpixels=3, mask_fill=0.9), method=OneEtch())
        with pytest.raises(ValueError, match=r"as Continuous\(\)"):
            realise(layer("ACDC", 8), bench(subpixels=3), model=Ideal(), method=OneEtch())

    def test_complex_diagonals(self):
        with pytest.raises(ValueError, match=r"Hermitian kernels only.*Brightest\(\)"):
            compile_layer(layer("AFDF", 8), bench(subpixels=3), method=OneEtch())

    def test_stripes_that_do_not_fit(self):
        with pytest.raises(ValueError, match=r"^stripes of at least 200 um do not fit: numbers are 247\.3 um"):
            compile_layer(layer("ACDC", 16), bench(subpixels=3), method=OneEtch(200e-6))

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"minimum_feature": -1e-9}, "minimum_feature"),
            ({"minimum_feature": float("inf")}, "minimum_feature"),
            ({"minimum_feature": float("nan")}, "minimum_feature"),
            ({"grid": 0.0}, "grid must be"),
            ({"grid": float("nan")}, "grid must be"),
            ({"slacks": ()}, "slacks must be"),
            ({"slacks": (0.1, 0.0)}, "slacks must be"),
        ],
    )
    def test_numbers_out_of_range(self, options, message):
        with pytest.raises(ValueError, match=f"^{message}"):
            OneEtch(**options)

    @pytest.mark.parametrize("search", ["splitting", LinearProgramme, 3])
    def test_a_search_by_name(self, search):
        with pytest.raises(TypeError, match=r"^expected Splitting\(\) or LinearProgramme\(\)"):
            OneEtch(search=search)
