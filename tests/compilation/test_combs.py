"""Masks that act as points of light: their spectra by an integration of their own, and what few pixels leave."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from acdc_optical import Bench, BrightComb, Comb, OnePixel, RelayMask, Splitting
from acdc_optical.presentation import Direct, Mirrored
from optics.grid import point
from tests.realisation.cases import bench, layer, relative_error

PRESENTATIONS = {"ACDC": Mirrored(), "AFDF": Direct()}
every_kind = pytest.mark.parametrize("kind", PRESENTATIONS)


def spectrum(grid, values, frequencies, nodes=16):
    """∫ t(x)·exp(-2πi·ν·x) dx over the active parts of pixels, by Gauss's rule; ν in 1/m."""
    (axis,) = grid.axes
    t, w = np.polynomial.legendre.leggauss(nodes)
    half = axis.spacing * axis.cell.width / 2
    x = ((np.arange(axis.cells) - (axis.cells - 1) / 2) * axis.spacing)[:, None] + t * half
    return np.exp(-2j * np.pi * np.outer(frequencies, x.ravel())) @ (values[:, None] * w * half).ravel()


def measured(kind, n, between, table, count=400):
    """The error between two Fourier planes, over random diagonals, from mask values alone."""
    presentation = PRESENTATIONS[kind]
    shown = between.shown((n,), presentation, table, table.pixels())
    pitch = table.modulator.pitch
    frequencies = (np.arange(-count, count) + 0.5) / count / pitch
    # As often as a difference of two frequencies of light occurs.
    often = 1 - np.abs(frequencies) * pitch
    missed = wanted = 0.0
    for seed in range(20):
        a = layer(kind, n, "signed random", seed=seed).a.detach()
        pixels = presentation.encode(a, 1).numpy()
        x = (np.arange(len(pixels)) - (len(pixels) - 1) / 2) * pitch
        points = np.exp(-2j * np.pi * np.outer(frequencies, x)) @ pixels * pitch
        got = spectrum(shown.grid, shown.values(a).mask.numpy(), frequencies)
        missed += (often * np.abs(got - points) ** 2).sum()
        wanted += (often * np.abs(points) ** 2).sum()
    return (missed / wanted) ** 0.5, shown.values(a).residual


@every_kind
class TestResidual:
    @pytest.mark.parametrize(("pixels", "guards"), [(1, 0), (1, 2), (2, 0), (2, 2), (3, 0)])
    def test_is_the_error_of_the_spectrum(self, kind, pixels, guards):
        error, stated = measured(kind, 9, Comb(), bench(relay=RelayMask(pixels_per_number=pixels, guards=guards)))
        assert error == pytest.approx(stated, rel=0.1)  # of twenty draws

    def test_of_four_pixels_and_two_guards_is_none(self, kind):
        error, stated = measured(kind, 9, Comb(), bench(relay=RelayMask(fill=0.9)))
        assert stated < 1e-12
        assert error < 1e-12

    def test_of_one_pixel_that_holds_its_number(self, kind):
        error, stated = measured(kind, 9, OnePixel(), bench())
        assert error == pytest.approx(stated, rel=0.1)
        assert 0.2 < stated < 0.4

    @pytest.mark.parametrize("guards", [0, 1, 2])
    def test_falls_with_every_pixel(self, kind, guards):
        found = [residual(kind, pixels, guards) for pixels in (1, 2, 3, 4)]
        assert all(fewer > more for fewer, more in pairwise(found)), found

    @pytest.mark.parametrize("pixels", [1, 2, 3, 4])
    def test_falls_with_every_guard(self, kind, pixels):
        found = [residual(kind, pixels, guards) for guards in (0, 1, 2)]
        assert all(fewer > more for fewer, more in pairwise(found)), found

    def test_of_two_axes_adds_up(self, kind):
        table = bench(relay=RelayMask(pixels_per_number=2))
        one, both = (
            Comb().shown(shape, PRESENTATIONS[kind], table, table.pixels()).values(torch.ones(shape).double()).residual
            for shape in ((5,), (5, 5))
        )
        assert both == pytest.approx(2 * one)


def residual(kind, pixels, guards):
    table = bench(relay=RelayMask(pixels_per_number=pixels, guards=guards))
    shown = Comb().shown((16,), PRESENTATIONS[kind], table, table.pixels())
    return shown.values(torch.ones(16, dtype=torch.float64)).residual


@every_kind
def test_the_brightest_has_the_same_spectrum(kind):
    error, stated = measured(kind, 9, BrightComb(Splitting(gap=1e-2)), bench())
    assert stated < 1e-12
    assert error < 1e-12


@every_kind
def test_the_brightest_says_what_no_pixels_can_make(kind):
    _, plain = measured(kind, 9, Comb(), bench(relay=RelayMask(pixels_per_number=2)))
    _, bright = measured(kind, 9, BrightComb(Splitting(gap=0.1)), bench(relay=RelayMask(pixels_per_number=2)))
    assert bright == pytest.approx(plain, rel=1e-6)


@every_kind
def test_oblong_masks_are_the_product_of_their_axes(kind):
    table, presentation = bench(), PRESENTATIONS[kind]
    a, b = (torch.rand(n, dtype=torch.float64, generator=torch.Generator().manual_seed(n)) for n in (3, 6))
    shown = [Comb().shown(shape, presentation, table, table.pixels()) for shape in ((3,), (6,), (3, 6))]
    rows, columns, both = (one.values(x).mask for one, x in zip(shown, (a, b, torch.outer(a, b)), strict=True))
    assert relative_error(both, torch.outer(rows, columns)) < 1e-12


def test_points_hold_their_numbers():
    """In the ideal picture there is nothing to solve."""
    table = bench()
    a = torch.rand(5, dtype=torch.float64)
    ideal = table.pixels()._replace(input=point())
    shown = OnePixel().shown((5,), Direct(), table, ideal)
    assert torch.equal(shown.values(a).mask, a)
    assert shown.values(a).residual == 0


@pytest.mark.parametrize("search", ["splitting", Splitting])
def test_what_is_no_search(search):
    with pytest.raises(TypeError, match=r"expected Splitting\(\) or LinearProgramme\(\)"):
        BrightComb(search)


class TestBench:
    def test_has_relay_masks_unless_it_says_otherwise(self):
        assert Bench.preset().relay == RelayMask(pixels_per_number=4, guards=2, fill=1.0)
        assert "[relay]\npixels_per_number = 4\nguards = 2\nfill = 1.0\n" in str(Bench.preset())

    def test_is_read_back(self, tmp_path):
        table = bench(relay=RelayMask(pixels_per_number=3, guards=0, fill=0.9))
        (tmp_path / "bench.toml").write_text(str(table))
        assert Bench.load(tmp_path / "bench.toml") == table

    @pytest.mark.parametrize("wrong", [{"pixels_per_number": 0}, {"guards": -1}, {"fill": 0}, {"fill": 1.1}])
    def test_refuses(self, wrong):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            RelayMask(**wrong)
