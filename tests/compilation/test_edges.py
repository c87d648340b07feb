"""The tools of one-etch masks: moments of edges, room between them, Newton's steps and the rounding to a grid."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.optimize import minimize

from acdc_optical.compilation.etching.gaps import Gaps
from acdc_optical.compilation.etching.lines import Line
from acdc_optical.compilation.etching.pulses import joined_pulses
from acdc_optical.compilation.etching.rounding import on_grid, rounded, spread
from acdc_optical.compilation.etching.steps import fitted

WAVES = torch.arange(1, 6, dtype=torch.float64)


def cosines(v):
    return (2 * torch.pi * torch.outer(WAVES, v) / 6).cos()


def line(wanted=None, **changes) -> Line:
    """Five moments of a row from 0 to 3."""
    wanted = torch.zeros(5, dtype=torch.float64) if wanted is None else wanted
    return Line(cosines, wanted, 0.0, 3.0, **changes)


def edges(seed: int, count: int = 9, end: float = 3.0):
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(count, generator=generator, dtype=torch.float64) * end).sort().values


class TestLine:
    def test_moments_are_integrals(self):
        places, row = edges(0), line()
        got = row.moments(places, -1)
        for wave, moment in zip(WAVES, got, strict=True):
            bounds = [0.0, *places.tolist(), 3.0]
            parts = [
                quad(lambda v, k=float(wave): np.cos(2 * np.pi * k * v / 6), *bounds[i : i + 2])[0] for i in range(10)
            ]
            wanted = sum(-((-1) ** i) * part for i, part in enumerate(parts))
            assert float(moment) == pytest.approx(wanted, abs=1e-13)  # of quad's own 1e-14

    def test_slopes_are_their_derivatives(self):
        places, row, step = edges(1), line(), 1e-6
        slopes = row.slopes(places, 1)
        for i in range(len(places)):
            move = torch.zeros_like(places)
            move[i] = step
            wanted = (row.moments(places + move, 1) - row.moments(places - move, 1)) / (2 * step)
            assert torch.allclose(slopes[:, i], wanted, rtol=0, atol=1e-9)  # rounding over the step


class TestGaps:
    @pytest.mark.parametrize("seed", range(6))
    def test_nearest_edges_are_those_of_a_quadratic_programme(self, seed):
        start = edges(seed, 7).numpy()
        gaps = Gaps(7, 0.3, 2.6, 0.31)
        got = gaps.projected(start).edges
        found = minimize(
            lambda e: ((e - start) ** 2).sum() / 2,
            np.linspace(0.3, 2.6, 7),
            jac=lambda e: e - start,
            method="SLSQP",
            constraints=[
                {"type": "ineq", "fun": lambda e: np.diff(e) - 0.31},
                {"type": "ineq", "fun": lambda e: np.array([e[0] - 0.3, 2.6 - e[-1]])},
            ],
            options={"ftol": 1e-14, "maxiter": 500},
        )
        assert found.success
        assert got == pytest.approx(found.x, abs=1e-6)  # SLSQP's own
        assert np.diff(got).min() >= 0.31 - 1e-14
        assert ((got - start) ** 2).sum() <= ((found.x - start) ** 2).sum() + 1e-10

    def test_its_derivative(self):
        gaps, slopes = Gaps(9, 0.2, 2.9, 0.2), np.random.default_rng(0).normal(size=(4, 9))
        start = edges(3).numpy()
        blocks = gaps.projected(start).along(slopes)
        differences = [
            (gaps.projected(start + 1e-7 * unit).edges - gaps.projected(start - 1e-7 * unit).edges) / 2e-7
            for unit in np.eye(9)
        ]
        assert blocks @ blocks.T == pytest.approx(slopes @ np.stack(differences) @ slopes.T, abs=1e-7)

    def test_no_room(self):
        assert Gaps(3, 0.0, 1.0, 0.5).fit
        assert not Gaps(4, 0.0, 1.0, 0.5).fit

    def test_on_a_grid_it_is_whole_and_no_less(self):
        gaps = on_grid(Gaps.of(line(rooms=(0.5, 1.0)), 4, 0.25), 0.1)
        assert (gaps.low, gaps.least, gaps.high) == pytest.approx((0.2, 0.3, 2.7))
        assert on_grid(Gaps(2, 0.3, 0.9, 0.3), 0.1).least == pytest.approx(0.3)


class TestSteps:
    def wanted(self):
        return line().moments(edges(7, 9), 1)

    def test_edges_that_exist_are_found(self):
        row = line(self.wanted())
        fit = fitted(row, edges(7, 9) + 0.02 * torch.tensor([1.0, -1] * 4 + [1]).double(), 1, Gaps.of(row, 9, 0.0))
        assert fit.missed <= 1e-14

    @pytest.mark.parametrize("least", [0.1, 0.2, 0.3])
    def test_room_is_kept_and_more_room_misses_more(self, least):
        row = line(self.wanted(), rooms=(0.5, 1.0))
        fits = [fitted(row, edges(7, 9), 1, Gaps.of(row, 9, width)) for width in (least - 0.1, least)]
        for fit, width in zip(fits, (least - 0.1, least), strict=True):
            assert float(fit.edges.diff().min()) >= width - 1e-14
            assert float(fit.edges[0]) >= width / 2
            assert float(fit.edges[-1]) <= 3 - width
            assert fit.missed == pytest.approx(float(row.missed(fit.edges, 1).norm()))
        assert fits[1].missed >= fits[0].missed - 1e-14

    @pytest.mark.parametrize("times", [1.3, 2.5])
    def test_where_no_edges_do_they_are_nearest_by_least_squares(self, times):
        """No move that keeps the room gains more than the last steps did."""
        row = line(times * self.wanted())
        gaps = Gaps.of(row, 9, 0.2)
        fit = fitted(row, edges(7, 9), 1, gaps)
        assert fit.missed > 0.1
        generator = torch.Generator().manual_seed(0)
        for _ in range(200):
            move = 1e-3 * torch.randn(9, generator=generator, dtype=torch.float64)
            other = torch.from_numpy(gaps.projected((fit.edges + move).numpy()).edges)
            assert float(row.missed(other, 1).norm()) >= fit.missed * (1 - 1e-4)


class TestRounding:
    grid = 1e-6

    def solved(self, count: int = 20):
        pulses = joined_pulses(0.8 * torch.linspace(-1, 1, count).double().cos(), 0.0, 3 / count)
        row = line(line().moments(pulses, 1))
        return row, pulses, Gaps.of(row, count, 0.0)

    @pytest.mark.parametrize("least", [0.0, 0.0123456])
    def test_edges_are_on_the_grid_and_apart(self, least):
        row, places, _ = self.solved()
        gaps = on_grid(Gaps.of(row, 20, least), self.grid)
        steps = rounded(row, places, 1, gaps, self.grid).edges / self.grid
        assert float((steps - steps.round()).abs().max()) < 1e-8
        assert float(steps.round().diff().min()) >= np.ceil(least / self.grid - 1e-9)

    def test_carried_errors_are_far_less_than_plain_ones(self):
        row, places, gaps = self.solved()
        plain = float(row.missed((places / self.grid).round() * self.grid, 1).norm())
        fit = rounded(row, places, 1, on_grid(gaps, self.grid), self.grid)
        assert fit.missed < plain / 3  # measured a fifth
        assert float((fit.edges - places).abs().max()) < 0.1

    def test_spread_is_a_root_of_the_inverse(self):
        matrix = np.random.default_rng(1).normal(size=(4, 7))
        root = spread(matrix, 0.1)
        assert np.array_equal(root, np.triu(root))
        assert root.T @ root @ (matrix.T @ matrix + 0.1 * np.eye(7)) == pytest.approx(np.eye(7), abs=1e-12)


def test_pulses_have_the_mean_of_each_pixel_and_one_edge():
    values = torch.tensor([0.5, -0.2, 1.0, -1.0, 0.1], dtype=torch.float64)
    places = joined_pulses(values, -1.0, 0.4)
    unit = Line(lambda v: ((v[None] + 1) // 0.4 == torch.arange(5)[:, None]).double(), values, -1.0, 1.0, cell=0.4)
    assert torch.allclose(unit.moments(places, 1), 0.4 * values, rtol=0, atol=1e-14)
    assert (places.diff() >= 0).all()
