"""The report tells the truth: about exact masks, about sampled ones, and about what is broken."""

import json
import operator

import numpy as np
import pytest
import torch

import acdc_optical
from acdc_optical import (
    ACDC,
    AFDF,
    Bench,
    Camera,
    Continuous,
    Exact,
    FourierMask,
    Gaussian,
    Ideal,
    Lenses,
    Modulator,
    OneEtch,
    Paraxial,
    Sampled,
    Scalar,
    Wave,
    realise,
)
from acdc_optical.design import Design
from acdc_optical.verification import default_probes, light_used, relative_error, verify


@pytest.fixture(params=[torch.float64, torch.float32], ids=str)
def dtype(request):
    return request.param


def _layer(kind=ACDC, shape=(4, 5), dtype=torch.float64, **options):
    return kind(shape, dtype=dtype, generator=torch.Generator().manual_seed(0), **options)


@pytest.mark.parametrize("kind", [ACDC, AFDF])
@pytest.mark.parametrize("shape", [9, (4, 5)])
def test_exact_masks_pass_every_check(kind, shape, dtype):
    layer = _layer(kind, shape, dtype, bias=True)
    with torch.no_grad():
        layer.bias.add_(0.3)
    report = verify(layer, realise(layer, Bench.preset()))
    assert report.passed, str(report)
    assert len(report.checks) == 9
    ideal, sampled, exact, lenses, calibrated = report.budget
    limit = 1e-12 if dtype == torch.float64 else 1e-5  # rounding of a few hundred operations
    assert ideal.error < limit
    assert exact.error < limit
    assert 1e-2 < sampled.error < 0.5  # a pixel's width costs several per cent: what one sample per pixel hides
    assert all(0 < row.light < 1 for row in report.budget)
    assert ideal.light > sampled.light > exact.light
    assert all("near the axis, thin lenses, 17.9 mm" in row.name for row in (lenses, calibrated))
    assert exact.error < calibrated.error < 1e-4  # the preset's lenses are far wider than these layers' light
    assert lenses.error < 1e-4


@pytest.mark.parametrize("kind", [ACDC, AFDF])
def test_real_lenses_are_measured_against_what_one_can_bear(kind):
    layer = _layer(kind, 9)
    narrow = Bench.preset().replace(lenses=Lenses(aperture="9 mm"))
    report = verify(layer, realise(layer, narrow, model=Wave()))
    assert report.passed, str(report)
    assert report.checks[0].limit == Wave().lens_error
    assert 1e-4 < report.checks[0].value < 1e-2
    strict = verify(layer, realise(layer, narrow, model=Wave(lens_error=0.0)))
    assert not strict.passed


@pytest.mark.parametrize(
    ("space", "maker"),
    [
        (Paraxial(), "acdc_optical.waves.spaces.vignetted_integral"),
        (Scalar(), "acdc_optical.waves.spaces.Scalar._pushed"),
    ],
    ids=["paraxial", "any angle"],
)
def test_an_arm_of_the_bench_is_computed_once(monkeypatch, space, maker):
    """However often models, methods and questions need it; and nothing is kept for those who did not ask."""
    make, made = operator.attrgetter(maker.removeprefix("acdc_optical."))(acdc_optical), []

    def counted(*arguments):
        made.append(arguments)
        return make(*arguments)

    layer = _layer(ACDC, 9)
    table = Bench.preset().replace(focal_length="5 mm", lenses=Lenses(aperture="1 mm"))
    optical = realise(layer, table, model=Wave(space))
    monkeypatch.setattr(maker, counted)
    verify(layer, optical)
    assert len(made) == len(set(made)) == 5  # two arms, the same refined, and the second one for whole camera pixels
    realise(layer, table, model=Wave(space))
    assert len(made) == 7


def test_sampled_masks_fail_and_the_report_says_where():
    layer = _layer()
    report = verify(layer, realise(layer, Bench.preset(), method=Sampled()))
    assert not report.passed
    failed = {check.name for check in report.checks if not check.passed}
    assert failed == {
        "output agrees with the layer",
        "first and last feature arrive in place",
        "gradient agrees with the layer's",
        "compiled kernel is the layer's",
    }


def test_another_layer_is_no_judge():
    layer, other = _layer(), _layer()
    with torch.no_grad():
        other.d[1, 2] += 1e-6
    failed = {check.name for check in verify(other, realise(layer, Bench.preset())).checks if not check.passed}
    assert "output agrees with the layer" in failed
    assert "ideal model agrees with the layer" not in failed


def test_a_mask_put_in_upside_down_is_found():
    layer = _layer(AFDF)
    design = Design.of(layer, Bench.preset())
    mask = design.masks[0].fourier_mask
    mask.copy_(mask.flip(0).clone())
    (optical,) = design.realise()
    assert not verify(layer, optical).checks[1].passed


def test_too_coarse_a_simulation_is_found():
    layer = _layer(shape=16)
    report = verify(layer, realise(layer, Bench.preset(), model=Continuous(samples=2)))
    check = next(check for check in report.checks if check.name == "twice the samples change nothing")
    assert not check.passed
    assert 1e-5 < check.value < 1e-1  # two Gauss nodes on a pixel over which the phase turns by up to π


def test_it_never_raises():
    layer = _layer()
    optical = realise(layer, Bench.preset())
    for broken in (3, None, ACDC(7), torch.nn.ReLU()):
        assert not verify(broken, optical).passed
        assert not verify(layer, broken).passed
    report = verify(layer, optical, probes=torch.full((1, 4, 5), torch.nan, dtype=torch.float64))
    assert "NaN" in report.checks[0].note
    with torch.no_grad():
        layer.a.fill_(torch.nan)
    assert not verify(layer, optical).passed


def test_a_bench_that_cannot_be_exact_says_so_in_its_row():
    bench = Bench(
        wavelength="633 nm",
        focal_length="100 mm",
        modulator=Modulator(pitch="8 um"),
        mask=FourierMask(pixels_per_coefficient=1),
    )
    layer = _layer()
    report = verify(layer, realise(layer, bench, model=Ideal()))
    assert report.budget[2].error is None
    assert "pixels_per_coefficient" in report.budget[2].note


def test_it_prints_as_a_table_and_as_json():
    layer = _layer()
    report = verify(layer, realise(layer, Bench.preset()))
    text = str(report)
    for check in report.checks:
        assert check.name in text
    for row in report.budget:
        assert row.name in text
    data = json.loads(report.to_json())
    assert data["passed"] is True
    assert [row["error"] for row in data["budget"]] == [row.error for row in report.budget]
    broken = json.loads(verify(layer, None).to_json())
    assert broken["checks"][0]["value"] is None


def test_light_between_points_is_that_of_the_numbers():
    layer = _layer(shape=8)
    optical = realise(layer, Bench.preset(), model=Ideal())
    x = torch.randn(3, 8, dtype=torch.float64)
    # Between points, two unitary transforms: the power at the camera is that of the output over the gain.
    expected = (layer(x).detach() / optical.masks().gain).square().sum() / x.square().sum()
    assert light_used(optical, x) == pytest.approx(float(expected), rel=1e-12)


def _camera_light(x, masks, fill):
    """∫|E|² over the camera's pixels over that of the input, summed over fine pieces of every plane, numpy only."""
    planes, pieces = masks.planes, 200
    scale = planes.wavelength * planes.focal_length
    (pixels,), (pitch,) = planes.input.cells, planes.input.spacing
    (cells,), (mask_pitch,) = planes.mask.cells, planes.mask.spacing
    where = (np.arange(pixels) - (pixels - 1) / 2) * pitch
    u = (np.arange(cells * pieces) - (cells * pieces - 1) / 2) * mask_pitch / pieces
    seen = (np.arange(pixels * 40) - (pixels * 40 - 1) / 2) * pitch / 40
    shown = np.concatenate((x[::-1], x))
    envelope = fill * pitch * np.sinc(fill * pitch * u / scale)
    spectrum = np.exp(-2j * np.pi * np.outer(u, where) / scale) @ (shown * masks.input_mask.numpy()) * envelope
    passed = spectrum * np.repeat(masks.fourier_mask.numpy(), pieces) * mask_pitch / pieces / scale
    light = np.exp(-2j * np.pi * np.outer(seen, u) / scale) @ passed
    return (np.abs(light) ** 2).sum() * pitch / 40 / ((shown**2).sum() * fill * pitch)


@pytest.mark.parametrize("method", [Exact(), Sampled()])
def test_light_used_is_the_power_on_the_camera(method):
    bench = Bench.preset()
    layer = _layer(shape=8, init=Gaussian())
    optical = realise(layer, bench, method=method)
    x = torch.randn(8, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        expected = _camera_light(x.numpy(), optical.masks(), bench.modulator.fill)
    # 200 midpoints on a mask pixel and 40 on a camera pixel: second order in 1/40.
    assert light_used(optical, x) == pytest.approx(expected, rel=1e-3)


def test_light_used_does_not_hang_on_what_the_camera_reads():
    """A camera of tiny fill and one of point samples see the same light fall on them."""
    layer = _layer(shape=8)
    x = torch.randn(2, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    benches = [Bench.preset().replace(camera=Camera(fill=fill)) for fill in (0, 1e-3)]
    point, tiny = (light_used(realise(layer, bench), x) for bench in benches)
    assert tiny == pytest.approx(point, rel=1e-5)


def test_relative_error():
    assert relative_error(torch.tensor([3.0, 4.5]), torch.tensor([3.0, 4.0])) == pytest.approx(0.1)
    assert relative_error(torch.tensor([0.5]), torch.tensor([0.0])) == 0.5


def test_words_in_brackets_are_no_markup():
    layer = _layer()

    class Broken(torch.nn.Module):
        def __getattr__(self, name):
            raise RuntimeError("no [/such] thing")

    assert "no [/such] thing" in str(verify(layer, Broken()))


def test_progress_is_shown():
    seen = []

    def track(steps, description, total):
        for step in steps:
            seen.append(description)
            yield step

    layer = _layer(shape=4)
    report = verify(layer, realise(layer, Bench.preset()), track=track)
    assert seen.count("checking") == len(report.checks)
    assert seen.count("error budget") == len(report.budget)


@pytest.mark.parametrize(("method", "added"), [(Exact(), False), (Sampled(), False), (OneEtch(), True)], ids=repr)
def test_the_budget_has_the_masks_as_they_stand(method, added):
    """Unless another row is of the same."""
    layer = ACDC((2, 3), dtype=torch.float64)
    bench = Bench.preset().replace(mask=FourierMask(pixels_per_coefficient=3))
    optical = realise(layer, bench, method=method)
    first = verify(layer, optical).budget[0]
    assert (first.name == "continuous model: the masks as they stand") == added
    if added:
        assert first.error < 1e-12
        assert first.gain == float(optical.masks().gain)
        assert first.light == pytest.approx(light_used(optical, default_probes(layer, (2, 3))[:1]), rel=1e-12)


def test_masks_on_a_grid_fail_and_say_why():
    """They are off by what they state, 1e-6, and not by the bench."""
    layer = ACDC(6, dtype=torch.float64)
    report = verify(layer, realise(layer, Bench.preset(), method=OneEtch(grid=1e-9)))
    failed = [check for check in report.checks if not check.passed]
    assert len(failed) == 4
    assert all("the masks are stated to be off by" in check.note for check in failed)
    assert "stated to be off" in str(report)
