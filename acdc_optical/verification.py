"""Does the light compute the layer? Named checks and an error budget, with the numerical layer as the judge."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from acdc_optical.benches.imperfections import Imperfections
from acdc_optical.budgets.light_budget import observed
from acdc_optical.budgets.photon_budget import photon_budget
from acdc_optical.budgets.waterfall import waterfall
from acdc_optical.cascade import OpticalCascade, total_gain
from acdc_optical.compilation.combs import OnePixel
from acdc_optical.compilation.masks import Masks
from acdc_optical.compilation.methods import Exact, Method, Sampled
from acdc_optical.imperfect.layer import ImperfectLayer
from acdc_optical.layers import ACDC, AFDF
from acdc_optical.light import largest
from acdc_optical.models import Continuous, Ideal, Model
from acdc_optical.progress import Track, silent
from acdc_optical.realisation import OpticalLayer, realise, run_in_batches
from acdc_optical.reports import BudgetRow, Check, Report
from acdc_optical.waves.calibration import Calibrated
from acdc_optical.waves.wave import Wave

_OF_MASKS = (
    "output agrees with the layer",
    "first and last feature arrive in place",
    "gradient agrees with the layer's",
    "compiled kernel is the layer's",
)
"""What is asked of masks; inexact ones fail in it."""

Numbers = ACDC | AFDF | nn.Sequential
"""A numerical layer, or several in a row."""


def verify(
    layer: Numbers,
    optical: OpticalLayer | OpticalCascade | ImperfectLayer,
    *,
    probes: Tensor | None = None,
    track: Track = silent,
) -> Report:
    """Compare an optical layer with the numerical one, or a cascade with the layers in a row that it stands for.

    Of a layer on an imperfect bench the masks are judged as those of a perfect one, for they can do nothing for what is
    wrong with it; what that costs is in the report's waterfall and photon budget.

    Args:
        layer: the judge.
        optical: what claims to compute it.
        probes: inputs, shape (batch, *optical.shape); by default 4 seeded Gaussian ones in the layer's precision.
            Agreement is over all of them; gradient, linearity, convergence and light are of the first.
        track: shows progress.

    Returns:
        a report; it never raises: what fails, for whatever reason, is a failed check that says so.
    """
    try:
        if isinstance(optical, ImperfectLayer):
            report = verify(layer, optical.optical, probes=probes, track=track)
            return _with_accounts(report, layer, optical, probes, track)
        return _Verification(layer, optical, probes).report(track)
    except Exception as error:  # a verification that raises tells less than one that reports
        return Report("verification", (Check("verification ran", None, 0.0, _first_line(error)),), ())


def _with_accounts(
    report: Report, layer: Numbers, imperfect: ImperfectLayer, probes: Tensor | None, track: Track
) -> Report:
    """The report of a perfect bench, and what the imperfect one costs; what fails is a check that says so."""
    if not isinstance(layer, ACDC | AFDF):
        raise TypeError(f"an imperfect bench is that of one layer; got {type(layer).__name__}")
    x = default_probes(layer, imperfect.shape) if probes is None else probes
    checks = [_measure("zero imperfection is the ideal path, bit by bit", 0.0, lambda: _unlike_ideal(imperfect, x))]
    accounts: dict[str, Any] = {}
    ways = {
        "waterfall": lambda: waterfall(layer, imperfect, x, track=track),
        "photons": lambda: photon_budget(imperfect, x),
    }
    for name, account in ways.items():
        try:
            accounts[name] = account()
        except Exception as error:  # the checks of the masks still count
            checks.append(Check(f"{name} of the imperfect bench", None, 0.0, _first_line(error)))
    title = f"{report.title}, on an imperfect bench"
    return replace(report, title=title, checks=(*report.checks, *checks), **accounts)


def _unlike_ideal(imperfect: ImperfectLayer, x: Tensor) -> float:
    """Share of the output's numbers that differ where something may be wrong, by exactly nothing."""
    nothing = Imperfections().changed({"light.wavelength": torch.zeros((), dtype=torch.float64)})
    found = ImperfectLayer(imperfect.optical, nothing, nodes=imperfect.nodes)(x)
    return float((found != imperfect.optical(x)).double().mean())


class _Verification:
    def __init__(self, layer: Numbers, optical: OpticalLayer | OpticalCascade, probes: Tensor | None):
        self.layer, self.optical = layer, optical
        self.probes = default_probes(layer, optical.shape) if probes is None else probes
        self.probe = self.probes[:1]
        # Errors of a converged float64 simulation are 1e-14 to 1e-11; of float32, 1e-7 to 1e-6.
        self.limit = 1e-10 if self.probes.dtype in (torch.float64, torch.complex128) else 1e-5
        self.rounding = 1e-12 if self.limit < 1e-6 else 1e-5
        self.bearable = max(self.limit, optical.model.lens_error)

    def report(self, track: Track) -> Report:
        planes = _masks(self.optical)[0].planes
        sampled = max(self.limit, self.optical.model.sampling_error(planes))
        given = self.optical.model
        wave = given if isinstance(given, Wave) else Wave()
        waves = f"waves {wave.space.angles}, {planes.lenses_in_words}"
        model = waves if wave is given else f"{type(given).__name__.lower()} model"
        wave = wave.remembering()  # one bench, again and again
        alike = self.optical.with_model(wave) if isinstance(given, Wave) else self.optical
        title = f"{_kind(self.layer)} of {' × '.join(map(str, self.optical.shape))}, {model}"
        questions = [
            (_OF_MASKS[0], self.bearable, self._agreement),
            (_OF_MASKS[1], self.bearable, self._orientation),
            (_OF_MASKS[2], self.bearable, self._gradient),
            ("light adds up linearly", self.rounding, self._linearity),
            ("twice the samples change nothing", sampled, self._convergence),
            (
                _OF_MASKS[3],
                self.bearable,
                lambda: max(own.residual for own in _masks(self.optical)),
            ),
            ("masks are passive: largest |t|", 1 + self.rounding, self._largest_transmittance),
            ("light used is at most all of it", 1 + self.rounding, lambda: light_used(alike, self.probe)),
            ("ideal model agrees with the layer", self.rounding, self._ideal),
        ]
        one = [("continuous model: exact mask, one pixel a number between", Continuous(between=OnePixel()), Exact())]
        ways: list[tuple[str, Model, Method]] = [
            ("ideal model: one sample per pixel", Ideal(), Sampled()),
            ("continuous model: sampled mask", Continuous(), Sampled()),
            *(one if isinstance(self.layer, nn.Sequential) else []),
            ("continuous model: exact mask", Continuous(), Exact()),
            (f"{waves}: exact mask", wave, Exact()),
            (f"{waves}: calibrated mask", wave, Calibrated(wave.space)),
        ]
        checks = [_measure(*question) for question in track(questions, "checking", len(questions))]
        budget = [self._row(*way) for way in track(ways, "error budget", len(ways))]
        own = self._accounted(f"{model}: the masks as they stand", lambda: alike)
        if own.gain is not None and not any(_same(own.gain, row.gain) for row in budget):
            budget.insert(0, own)
        return Report(title, tuple(map(self._explained, checks)), tuple(budget))

    def _explained(self, check: Check) -> Check:
        """What fails because masks are not meant to be more exact says so."""
        stated = max(own.residual for own in _masks(self.optical))
        due = check.name in _OF_MASKS and check.value is not None and not check.passed and stated > check.limit
        return replace(check, note=f"(the masks are stated to be off by {stated:.1g})") if due else check

    def _agreement(self) -> float:
        return relative_error(run_in_batches(self.optical, self.probes), self.layer(self.probes))

    def _orientation(self) -> float:
        corners = torch.zeros_like(self.probes[:1]).flatten(1).repeat(2, 1)
        corners[0, 0] = corners[1, -1] = 1
        corners = corners.unflatten(1, self.optical.shape)
        return relative_error(self.optical(corners), self.layer(corners))

    def _gradient(self) -> float:
        seed = self.probes[-1:]
        return relative_error(_pullback(self.optical, self.probe, seed), _pullback(self.layer, self.probe, seed))

    def _linearity(self) -> float:
        x, z = self.probe, self.probes[-1:].flip(-1)
        dark = self.optical(torch.zeros_like(x))  # what a bias adds
        parts = 2 * (self.optical(x) - dark) - 3 * (self.optical(z) - dark)
        return relative_error(self.optical(2 * x - 3 * z) - dark, parts)

    def _convergence(self) -> float:
        finer = self.optical.with_model(self.optical.model.refined())
        return relative_error(finer(self.probe), self.optical(self.probe))

    def _largest_transmittance(self) -> float:
        return max(largest(mask) for own in _masks(self.optical) for mask in (own.input_mask, own.fourier_mask))

    def _ideal(self) -> float:
        return relative_error(
            realise(self.layer, self.optical.bench, model=Ideal())(self.probes), self.layer(self.probes)
        )

    def _row(self, name: str, model: Model, method: Method) -> BudgetRow:
        bench = self.optical.bench
        return self._accounted(name, lambda: realise(self.layer, bench, model=model, method=method))

    def _accounted(self, name: str, realised: Callable[[], OpticalLayer | OpticalCascade]) -> BudgetRow:
        try:
            optical = realised()
            error = relative_error(run_in_batches(optical, self.probes), self.layer(self.probes))
            return BudgetRow(name, error, float(total_gain(_masks(optical))), light_used(optical, self.probe))
        except Exception as error:  # this bench cannot do it; the row says why
            return BudgetRow(name, None, note=_first_line(error))


def _same(gain: float, other: float | None) -> bool:
    """Whether masks of these gains are the same: compiled in double precision, whatever the layer is in."""
    return other is not None and math.isclose(gain, other, rel_tol=1e-9)


def _measure(name: str, limit: float, question: Callable[[], float]) -> Check:
    try:
        with torch.no_grad():
            value = float(question())
    except Exception as error:  # reported, not raised: the other checks still count
        return Check(name, None, limit, _first_line(error))
    return Check(name, value, limit) if math.isfinite(value) else Check(name, None, limit, f"got {value}")


def _pullback(module: nn.Module, x: Tensor, seed: Tensor) -> Tensor:
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(module(x), x, seed)
    return gradient


def relative_error(got: Tensor, wanted: Tensor) -> float:
    """‖got - wanted‖ / ‖wanted‖ over all entries; the absolute norm where nothing is wanted."""
    scale = wanted.detach().norm()
    return float((got - wanted).detach().norm() / (scale if scale > 0 else 1))


def light_used(optical: OpticalLayer | OpticalCascade, x: Tensor) -> float:
    """Power that falls on the camera's pixels over power of the input in front of mask A, summed over the inputs.

    All light within the pixels counts, whatever share of it the camera's fill and its reference beam pick up. What
    it costs to show the input itself is not in it. Points, in the ideal model, have the area of their pixel.
    """
    with torch.no_grad():
        trace = observed(optical).trace(x)
    return float(trace[-1].field.power.sum() / trace[0].field.power.sum())


def _kind(numbers: Numbers) -> str:
    if isinstance(numbers, nn.Sequential):
        return f"{len(numbers)} {type(numbers[0]).__name__} layers"
    return f"{type(numbers).__name__} layer"


def _masks(optical: OpticalLayer | OpticalCascade) -> list[Masks]:
    return optical.masks() if isinstance(optical, OpticalCascade) else [optical.masks()]


def default_probes(layer: Numbers, shape: tuple[int, ...]) -> Tensor:
    """Four seeded Gaussian inputs of a shape, in the layer's precision."""
    generator = torch.Generator().manual_seed(0)
    like = next(layer.parameters()).detach()
    return torch.randn(4, *shape, generator=generator, dtype=like.dtype).to(like.device)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
