"""Benches drawn by Monte Carlo: the same numbers however they are computed, and what they say."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import torch
from joblib import parallel_config
from scipy import stats
from torch import nn

from acdc_optical import (
    ACDC,
    Bench,
    Draws,
    ErrorAfterGain,
    ErrorRate,
    Imperfections,
    ImperfectLayer,
    Normal,
    RelativeError,
    Uniform,
    realise,
    realise_each,
    tolerance,
)
from acdc_optical.benches.distribution_files import (
    parse_distributions,
    read_distributions,
    tolerance_preset,
    tolerance_presets,
)
from acdc_optical.benches.distributions import drawn
from acdc_optical.budgets.exposure import exposure_of
from acdc_optical.figures import plot_tolerances
from acdc_optical.tolerances.metrics import SquaredError
from acdc_optical.tolerances.results import Tolerances
from tests.realisation.cases import scattered

SHIFTS = {"camera.shift_x": Normal(1e-6), "camera.defocus": Uniform(1e-4)}
TURNS = {**SHIFTS, "camera.rotation": Normal(1e-3), "light.wavelength": Normal(1e-10)}
FULL = 45
"""Draws of two chunks and a part of a third."""


@pytest.fixture(scope="module")
def optical():
    return scattered("ACDC", (4,))


@pytest.fixture(scope="module")
def run(optical):
    return tolerance(optical, SHIFTS, draws=Draws(FULL))


def same(one, other):
    return torch.equal(one.errors, other.errors) and torch.equal(one.values, other.values)


def test_each_draw_is_the_layer_on_its_bench(optical, run):
    benches = drawn(Imperfections(), SHIFTS, seed=0, draws=range(FULL))
    x = torch.randn(4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    wanted = optical.layer(x).detach()
    for draw in (0, 19, 20, FULL - 1):
        one = {name: float(value[draw]) for name, value in benches.drawn().items()}
        y = ImperfectLayer(optical, Imperfections().changed(one), nodes=4)(x).detach()
        # The same sums, batched otherwise: rounding.
        assert float(run.errors[draw]) == pytest.approx(float((y - wanted).norm() / wanted.norm()), rel=1e-9)
        assert run.values[draw].tolist() == pytest.approx(list(one.values()), rel=1e-12)


def test_the_same_numbers_from_two_threads(optical, run):
    with parallel_config(backend="threading"):
        assert same(tolerance(optical, SHIFTS, draws=Draws(FULL, jobs=2)), run)


@pytest.mark.slow  # to start processes that import torch
def test_the_same_numbers_from_two_processes(optical, run):
    with parallel_config(backend="loky"):
        assert same(tolerance(optical, SHIFTS, draws=Draws(FULL, jobs=2)), run)


def test_a_configured_backend_is_used(optical, run):
    """What a cluster's is: it is named nowhere but in joblib's configuration."""
    with parallel_config(backend="multiprocessing", n_jobs=2):
        assert same(tolerance(optical, SHIFTS, draws=FULL), run)


def test_turned_benches_are_the_same_in_fewer_draws():
    few, more = (tolerance(scattered("ACDC", (3, 3)), TURNS, draws=count) for count in (5, 25))
    assert torch.equal(few.errors, more.errors[:5])
    assert few.errors.unique().numel() == 5


def test_other_seeds_are_other_draws(optical, run):
    other = tolerance(optical, SHIFTS, draws=Draws(FULL, seed=1))
    assert not (other.values == run.values).any()


def stopping(after):
    def track(steps, description, total):
        yield from itertools.islice(steps, after)
        raise KeyboardInterrupt

    return track


def test_an_interrupted_run_goes_on(optical, run, tmp_path):
    plan = Draws(FULL, checkpoint=tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        tolerance(optical, SHIFTS, draws=plan, track=stopping(1))
    steps = []

    def counted(chunks, description, total):
        for chunk in chunks:
            steps.append(total)
            yield chunk

    assert same(tolerance(optical, SHIFTS, draws=plan, track=counted), run)
    assert steps == [2, 2]


def test_a_run_goes_on_to_more_draws_and_to_fewer(optical, run, tmp_path):
    path = tmp_path / "run"
    tolerance(optical, SHIFTS, draws=Draws(25, checkpoint=path))
    assert same(tolerance(optical, SHIFTS, draws=Draws(FULL, checkpoint=path)), run)
    fewer = tolerance(optical, SHIFTS, draws=Draws(7, checkpoint=path))
    assert torch.equal(fewer.errors, run.errors[:7])
    assert same(tolerance(optical, SHIFTS, draws=Draws(FULL, checkpoint=path)), run)


@pytest.mark.parametrize("other", ["seed", "distributions", "metric", "layer", "bench"])
def test_the_file_of_another_run_is_refused(optical, other, tmp_path):
    path = tmp_path / "run"
    tolerance(optical, SHIFTS, draws=Draws(1, checkpoint=path))
    given, distributions = optical, SHIFTS
    if other == "layer":
        torch.manual_seed(1)
        given = realise(ACDC((4,), dtype=torch.float64), Bench.preset())
    if other == "bench":
        given = ImperfectLayer(optical, Imperfections().changed({"camera.shift_x": 1e-6}))
    if other == "distributions":
        distributions = SHIFTS | {"camera.defocus": Uniform(2e-4)}
    metric = ErrorAfterGain() if other == "metric" else None
    with pytest.raises(ValueError, match="another run"):
        tolerance(given, distributions, metric, draws=Draws(1, seed=int(other == "seed"), checkpoint=path))


def test_a_damaged_file_is_refused(optical, tmp_path):
    path = tmp_path / "run"
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="not a tolerance run file"):
        tolerance(optical, SHIFTS, draws=Draws(1, checkpoint=path))


def test_the_camera_reads_every_draw_with_noise_of_its_own():
    bench = Bench.preset("lcos-8um", "camera-scmos")
    bench = bench.replace(laser=bench.laser.replace(power="1 nW"))
    optical = realise(ACDC((4,), dtype=torch.float64), bench)
    read = ImperfectLayer(optical, reading=exposure_of(bench, optical.masks().planes, full_scale=4.0))
    still = {"camera.shift_x": Normal(0.0)}
    found = tolerance(read, still, draws=25)
    assert found.errors.unique().numel() == 25
    assert torch.equal(tolerance(read, still, draws=3).errors, found.errors[:3])
    assert float(tolerance(read, still, draws=Draws(1, seed=1)).errors[0]) != float(found.errors[0])


def test_every_layer_of_a_network_has_its_own_benches():
    torch.manual_seed(0)
    numbers = nn.Sequential(ACDC((4,), dtype=torch.float64), nn.ReLU(), ACDC((4,), dtype=torch.float64))
    network = realise_each(numbers, Bench.preset())
    x = torch.randn(5, 4, dtype=torch.float64)
    found = tolerance(network, SHIFTS, draws=3, probes=x)
    assert found.names[1:3] == ("0.camera.defocus", "1.camera.shift_x")
    assert not (found.values[:, :2] == found.values[:, 2:]).any()
    first, second = (
        ImperfectLayer(
            stage,
            Imperfections().changed(dict(zip(SHIFTS, found.values[2, 2 * k : 2 * k + 2].tolist(), strict=True))),
            nodes=4,
        )
        for k, stage in enumerate((network[0], network[2]))
    )
    wanted = numbers(x)
    error = ((second(first(x).relu()) - wanted).norm() / wanted.norm()).detach()
    assert float(found.errors[2]) == pytest.approx(float(error), rel=1e-9)
    labels = tuple(wanted.argmax(-1).tolist())
    assert tolerance(network, SHIFTS, ErrorRate(labels), draws=2, probes=x).nominal == 0


def test_what_cannot_be_drawn_is_refused(optical):
    with pytest.raises(ValueError, match="got none"):
        tolerance(optical, {})
    with pytest.raises(ValueError, match="can be drawn"):
        tolerance(optical, {"camera.colour": Normal(1.0)})
    with pytest.raises(ValueError, match="can be drawn"):
        tolerance(optical, {"fourier_device.crosstalk": Normal(1e-7)})  # a number, but not a tensor
    with pytest.raises(TypeError, match=r"camera\.shift_x: expected a distribution, as Normal"):
        tolerance(optical, {"camera.shift_x": 1e-6})
    with pytest.raises(ValueError, match="reading"):
        tolerance(optical, {"light.stray": Normal(0.1)})
    with pytest.raises(TypeError, match="optical layer"):
        tolerance(nn.ReLU(), SHIFTS)
    with pytest.raises(ValueError, match="needs probes"):
        tolerance(nn.Sequential(optical), SHIFTS)
    with pytest.raises(TypeError, match="tensors"):
        tolerance(ImperfectLayer(optical, Imperfections().changed({"camera.shift_x": torch.zeros(2)})), SHIFTS)
    with pytest.raises(TypeError, match="cascade"):
        tolerance(realise(nn.Sequential(optical.layer, optical.layer), Bench.preset()), SHIFTS)
    with pytest.raises(ValueError, match="1 or more"):
        Draws(0)


@pytest.mark.parametrize("name", ["fourier_device.overlay_x", "fourier_device.gap_reflectance"])
def test_what_does_nothing_on_this_bench_may_be_drawn(optical, name):
    """No etches, and a mask without gaps: every bench is the perfect one."""
    found = tolerance(optical, {name: Uniform(1e-7)}, draws=3)
    assert found.errors.tolist() == pytest.approx([found.nominal] * 3, abs=1e-6)  # of four nodes


def test_an_rms_may_be_drawn_about_zero(optical):
    found = tolerance(optical, {"fourier_device.flatness": Normal(1e-8)}, draws=4)
    assert (found.values < 0).any()
    assert (found.errors > 1e-5).all()  # of some nanometres; the bench itself has 1e-15


def test_a_draw_that_no_bench_can_be_is_named(optical):
    with pytest.raises(ValueError, match=r"draw \d+: the metric is nan.*first_lens\.focal_length.*narrower"):
        tolerance(optical, {"first_lens.focal_length": Normal(1.0)}, draws=20)


def test_as_many_draws_of_each(optical):
    draws = {"camera.shift_x": torch.zeros(2), "camera.defocus": torch.zeros(3)}
    with pytest.raises(ValueError, match=r"2 of camera\.shift_x, 3 of camera\.defocus"):
        ImperfectLayer(optical, Imperfections().changed(draws))(torch.ones(1, 4, dtype=torch.float64))


class TestMetrics:
    WANTED = torch.randn(3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.complex128)

    def test_relative_error(self):
        outputs = torch.stack([1.1 * self.WANTED, self.WANTED])
        # To rounding: 0.1 times the norm over the norm.
        assert RelativeError()(outputs, self.WANTED).tolist() == pytest.approx([0.1, 0], abs=1e-15)
        assert SquaredError()(outputs, self.WANTED).tolist() == pytest.approx([0.01, 0], abs=1e-15)

    def test_a_gain_does_not_matter_and_noise_beside_it_does(self):
        across = torch.randn(self.WANTED.shape, generator=torch.Generator().manual_seed(7), dtype=self.WANTED.dtype)
        across -= (self.WANTED.conj() * across).sum() / self.WANTED.norm() ** 2 * self.WANTED
        across *= self.WANTED.norm() / across.norm()
        outputs = torch.stack([2j * self.WANTED, self.WANTED + 0.5 * across, torch.zeros_like(self.WANTED)])
        # The sine of the angle between both: 0.5/√1.25.
        wanted = [0, 0.2**0.5, 1]
        assert ErrorAfterGain()(outputs, self.WANTED).tolist() == pytest.approx(wanted, abs=1e-14)

    def test_error_rate(self):
        outputs = torch.eye(3)[None].repeat(2, 1, 1)
        outputs[1, 0] = torch.tensor([0.0, 0.0, 1.0])
        assert ErrorRate((0, 1, 2))(outputs, outputs[0]).tolist() == pytest.approx([0, 1 / 3])
        with pytest.raises(ValueError, match="classes"):
            ErrorRate((0, 1))(outputs, outputs[0])


@pytest.fixture(scope="module")
def known():
    """Errors that follow from one of two parameters."""
    values = torch.tensor(np.random.default_rng(0).standard_normal((400, 2)))
    return Tolerances("known", "RelativeError()", ("a", "b"), (1.0, 1.0), values, values[:, 0].abs(), 0.0)


def test_percentiles_and_yield_are_those_of_the_law(known):
    """|N(0, 1)|: two standard errors of 400 draws."""
    assert known.yield_at(1.0) == pytest.approx(2 * stats.norm.cdf(1) - 1, abs=2 * known.uncertainty_at(1.0))
    interval = stats.binomtest(int((known.errors <= 1).sum()), len(known.errors)).proportion_ci(
        2 * stats.norm.cdf(1) - 1, method="wilson"
    )
    assert known.uncertainty_at(1.0) == pytest.approx((interval.high - interval.low) / 2, rel=1e-12)
    assert known.uncertainty_at(1e9) > 0  # that all draws are good does not mean that all benches are
    median = known.percentiles([50])[50.0]
    assert known.yield_at(median) == 0.5
    assert median == pytest.approx(np.median(known.errors), rel=1e-12)
    limits, shares = known.yield_curve()
    assert all(known.yield_at(float(limits[i])) == pytest.approx(float(shares[i])) for i in (0, 199, 399))
    with pytest.raises(ValueError, match="percentages"):
        known.percentiles([101])


def test_correlations_tell_which_parameter_matters(known):
    a, b = known.correlations()
    assert (a.with_size, a.share) == (pytest.approx(1), pytest.approx(1))
    # Of what is independent: four standard deviations, 1/√400 each.
    assert max(map(abs, (a.with_sign, b.with_size, b.with_sign))) < 0.2
    assert b.share < 0.04
    still = Tolerances("", "", ("a",), (0.0,), torch.zeros(3, 1), torch.rand(3), 0.0).correlations()[0]
    assert (still.with_size, still.with_sign, still.share) == (None, None, None)


def test_results_are_plain_data_and_a_table(known):
    found = json.loads(known.to_json(limit=1.0))
    assert found["yield"] == known.yield_at(1.0)
    assert found["errors"] == known.errors.tolist()
    assert "share of variance" in repr(known)
    assert "limit" not in known.to_dict()


def test_a_picture_of_a_run(known):
    curve, ranks = plot_tolerances(known, limit=1.0).axes
    assert curve.get_title() == f"{100 * known.yield_at(1.0):.3g} % of 400 draws within 1"
    assert [label.get_text() for label in ranks.get_yticklabels()] == ["a", "b"]


class TestFiles:
    def test_units_and_kinds(self, tmp_path):
        path = tmp_path / "mine.toml"
        path.write_text(
            '[camera]\nshift_x = { normal = "2 um" }\nrotation = { uniform = "1 mrad" }\n'
            "[first_lens]\nfocal_length = { uniform = 0.01 }\n"
        )
        found = read_distributions(path)
        assert found == {
            "camera.shift_x": Normal(found["camera.shift_x"].deviation),
            "camera.rotation": Uniform(found["camera.rotation"].limit),
            "first_lens.focal_length": Uniform(0.01),
        }
        assert found["camera.shift_x"].deviation == pytest.approx(2e-6, rel=1e-12)
        assert found["camera.rotation"].limit == pytest.approx(1e-3, rel=1e-12)
        with pytest.raises(FileNotFoundError, match="no such file"):
            read_distributions(tmp_path / "none.toml")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[camera]\nshift_x = { normal = 2e-6 }", "with its unit"),
            ('[camera]\nshift_x = { normal = "2 mrad" }', "camera.shift_x: .*2 mrad"),
            ('[fourier_device]\ncrosstalk = { normal = "2 um" }', "crosstalk cannot be drawn"),
            ('[camera]\nshift_x = "2 um"', "normal = "),
            ('[camera]\nshift_x = { gamma = "2 um" }', "normal = "),
            ('[camera]\nshift_z = { normal = "2 um" }', "camera.shift_z cannot be drawn"),
            ("[input_device]\nphase_bits = { normal = 1 }", "phase_bits cannot be drawn"),
            ("[lens]\n", "lens"),
            ('[camera]\nshift_x = { normal = "-2 um" }', "0 or more"),
            ("[first_lens]\nfocal_length = { normal = true }", "expected normal"),
            ("[camera", "TOML"),
        ],
    )
    def test_what_is_wrong_is_said(self, text, message):
        with pytest.raises(ValueError, match=message) as error:
            parse_distributions(text, "mine.toml")
        assert str(error.value).startswith("mine.toml: ")

    @pytest.mark.parametrize("name", tolerance_presets())
    def test_presets(self, name):
        assert len(tolerance_preset(name)) == 26
        line = tolerance_preset(name, axes=1)
        assert "camera.shift_x" in line
        assert not any(n.endswith(("_y", ".rotation")) for n in line)

    def test_precision_is_finer(self):
        coarse, fine = (tolerance_preset(name) for name in ("workshop", "precision"))
        assert all(fine[name].deviation < coarse[name].deviation for name in coarse)
        with pytest.raises(ValueError, match="precision, workshop"):
            tolerance_preset("mine")


def test_a_bigger_spread_has_a_smaller_yield():
    results = [
        tolerance(scattered("AFDF", (4,)), {"camera.shift_x": Normal(deviation)}, draws=20)
        for deviation in (1e-7, 1e-6)
    ]
    small, large = (found.percentiles([50])[50.0] for found in results)
    # Linear for a complex layer, whose error is of first order: the same draws, ten times as far.
    assert large / small == pytest.approx(10, rel=0.05)
