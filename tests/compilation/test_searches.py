"""Searches for the mask of smallest maximum: what they prove, where they stop, what they refuse."""

from __future__ import annotations

import pytest
import torch

from acdc_optical import Brightest, LinearProgramme, Splitting, compile_layer
from acdc_optical.compilation.searches import lowered
from tests.realisation.cases import bench, layer


class TestSearches:
    def found(self, search, kind="ACDC", shape=(16,), error=0.0):
        """What a search finds, caught on its way to a mask."""
        caught = []

        def catching(moments, error):
            caught.append(search(moments, error))
            return caught[-1]

        compile_layer(layer(kind, shape), bench(subpixels=4), method=Brightest(error, catching))
        return caught[0]

    def test_bounds_are_below_every_mask(self):
        split, programmed = self.found(Splitting()), self.found(LinearProgramme())
        assert programmed.gap <= 1e-8  # primal and dual tolerances of 1e-10, times some ten
        assert split.bound <= programmed.peak * (1 + 1e-12) <= split.peak * (1 + 1e-11)

    @pytest.mark.parametrize("gap", [1e-2, 1e-3, 1e-4])
    @pytest.mark.parametrize(("kind", "shape"), [("ACDC", (16,)), ("AFDF", (16,)), ("ACDC", (6, 6))])
    def test_splitting_stops_within_its_gap(self, gap, kind, shape):
        assert self.found(Splitting(gap=gap), kind, shape).gap <= gap * (1 + 1e-9)

    @pytest.mark.parametrize("error", [0.0, 1e-9, 1e-3])
    def test_stopped_early_the_mask_is_as_exact(self, error):
        method = Brightest(error, Splitting(iterations=3))
        assert compile_layer(layer("ACDC", 16), bench(subpixels=4), method=method).residual <= error * 1.001 + 1e-13

    def test_progress_is_shown(self):
        seen = []

        def track(steps, description, total):
            seen.append((description, total))
            yield from steps

        self.found(Splitting(iterations=7, track=track))
        assert seen == [("brightening", 7)]

    @pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
    @pytest.mark.parametrize("amount", [0.1, 1.0, 30.0])
    def test_lowering_removes_the_amount_in_all(self, dtype, amount):
        values = torch.randn(4, 5, generator=torch.Generator().manual_seed(0), dtype=dtype)
        low = lowered(values, amount)
        removed = (values - low).abs()
        level = low.abs().max()
        # Moreau: values - low is amount times a subgradient of the maximum, zero but at the top.
        assert float(removed.sum()) == pytest.approx(min(amount, float(values.abs().sum())), rel=1e-12)
        assert float(removed[low.abs() < level * (1 - 1e-12)].sum()) == 0
        torch.testing.assert_close(low * values.abs(), values * low.abs(), rtol=1e-12, atol=1e-15)


class TestRefusals:
    @pytest.mark.parametrize(
        ("kind", "shape", "error"), [("AFDF", (8,), 0.0), ("ACDC", (2, 3), 0.0), ("ACDC", (8,), 0.1)]
    )
    def test_programmes_that_are_not_linear(self, kind, shape, error):
        with pytest.raises(ValueError, match=r"use Splitting\(\)$"):
            compile_layer(layer(kind, shape), bench(), method=Brightest(error, LinearProgramme()))

    @pytest.mark.parametrize("options", [{"gap": 0}, {"gap": float("nan")}, {"iterations": 0}])
    def test_searches_that_cannot_end(self, options):
        with pytest.raises(ValueError, match=r"^(gap|iterations) must be"):
            Splitting(**options)
