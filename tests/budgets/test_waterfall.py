"""Imperfections one at a time: errors of known size, effective bits, photons by hand, and the command line."""

import json
import math
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import constants

from acdc_optical import ACDC, AFDF, Bench, Camera, FourierMask, Imperfections, ImperfectLayer, Laser, realise
from acdc_optical.benches.imperfections import Placement
from acdc_optical.budgets.accounts import Waterfall, WaterfallRow, effective_bits
from acdc_optical.budgets.as_built import as_built, as_far_as_known, lacking, measured, moved_to
from acdc_optical.budgets.photon_budget import light_reaching, photon_budget
from acdc_optical.budgets.waterfall import described, waterfall
from acdc_optical.cli import main
from acdc_optical.figures import plot_waterfall
from acdc_optical.verification import default_probes, light_used, verify

QUIET = Camera(exposure="1 ms", read_out="four-step", quantum_efficiency=0.5)


def _layer(kind=ACDC, shape=(4,), seed=0, **options):
    generator = torch.Generator().manual_seed(seed)
    layer = kind(shape, dtype=torch.float64, generator=generator, **options)
    with torch.no_grad():
        for part in (layer.a, layer.d):
            part += 0.3 * torch.randn(part.shape, generator=generator, dtype=part.dtype)
    return layer


def _bench(wrong=None, camera=None, power="1 nW", **mask):
    table = Bench.preset().replace(laser=Laser(power=power), mask=FourierMask(**mask))
    table = table.replace(camera=(camera or Camera()).replace(fill=0.9))
    return table.replace(imperfections=Imperfections().changed(wrong or {}))


def _built(layer, bench):
    """As built, with its probes."""
    x = default_probes(layer, layer.shape)
    return as_built(realise(layer, bench), full_scale=float(x.abs().max())), x


class TestEffectiveBits:
    @pytest.mark.parametrize("bits", [1, 8, 12.5])
    def test_those_of_an_ideal_converter(self, bits):
        """A full sine of amplitude 1 in 2^b steps of 2/2^b: an error of step/√12 over 1/√2."""
        error = 2 / 2**bits / math.sqrt(12) * math.sqrt(2)
        assert effective_bits(error) == pytest.approx(bits, abs=0.01)  # 6.02 and 1.76 are rounded to three digits

    def test_a_known_error(self):
        assert effective_bits(0.01) == pytest.approx((40 - 1.76) / 6.02, rel=1e-12)

    def test_without_an_error_none(self):
        assert effective_bits(0.0) is None
        assert effective_bits(None) is None


class TestWaterfall:
    def test_nothing_wrong_is_the_layer(self):
        layer = _layer()
        imperfect, x = _built(layer, _bench())
        found = waterfall(layer, imperfect, x)
        assert found.single == ()
        assert found.dominating is None
        off = realise(layer, _bench())(x) - layer(x)
        assert found.perfect.error == float((off.norm() / layer(x).norm()).detach())
        assert found.together.error == found.perfect.error

    @pytest.mark.parametrize("kind", [ACDC, AFDF])
    def test_a_row_is_the_error_of_the_bench_with_it_alone(self, kind):
        layer = _layer(kind, (4, 3), bias=True)
        with torch.no_grad():
            layer.bias += 2  # electronics add it: no light's signal, and no error of it
        imperfect, x = _built(layer, _bench({"camera.shift_x": 2e-6, "input_mask.shift_y": 1e-6}))
        found = waterfall(layer, imperfect, x)
        assert [row.name for row in found.single] == ["input_mask.shift_y 1 um", "camera.shift_x 2 um"]
        alone = ImperfectLayer(imperfect.optical, Imperfections(camera=Placement(shift_x=2e-6)), nodes=imperfect.nodes)
        with torch.no_grad():
            off, signal = alone(x) - layer(x), layer(x) - layer.offset()
        assert found.single[1].error == pytest.approx(float(off.norm() / signal.norm()), rel=1e-12)
        together = (imperfect(x) - layer(x)).norm() / signal.norm()
        assert found.together.error == pytest.approx(float(together.detach()), rel=1e-12)
        first, second = (row.error for row in found.single)
        assert found.quadrature == pytest.approx(math.hypot(first, second), rel=1e-9)
        assert found.dominating is found.single[int(second > first)]
        assert all(row.adjusted <= row.error for row in found.single)

    def test_larger_shifts_are_worse(self):
        layer = _layer()
        errors = []
        for shift in (1e-7, 1e-6, 4e-6):
            imperfect, x = _built(layer, _bench({"modulator.shift_x": shift}))
            errors.append(waterfall(layer, imperfect, x).together.error)
        assert errors == sorted(errors)
        assert errors[1] == pytest.approx(100 * errors[0], rel=0.05)  # the first order cancels between mirrored halves

    def test_gain_and_phase_are_adjusted_away(self):
        """A camera whose reference beam leads by a phase, and whose gain is off."""
        layer = _layer(AFDF)
        optical = realise(layer, _bench())
        x = default_probes(layer, layer.shape)
        found = waterfall(layer, ImperfectLayer(optical, reading=_Turned(0.7, 0.5)), x)
        assert found.together.error == pytest.approx(abs(0.5 * np.exp(0.7j) - 1), rel=1e-9)
        assert found.together.adjusted < 1e-9

    def test_masks_that_are_worse_than_the_bench_dominate(self):
        rows = [WaterfallRow("perfect bench", 0.3, 0.3), WaterfallRow("a", 0.31, 0.31), WaterfallRow("b", 0.5, 0.3)]
        found = Waterfall(rows[0], tuple(rows[1:]), rows[2], 1)
        assert found.dominating.name == "b"  # √(0.5² - 0.3²) = 0.4 of its own
        assert found.dominating_adjusted.name == "perfect bench"
        assert found.quadrature == pytest.approx(math.sqrt(0.09 + (0.31**2 - 0.09) + 0.16), rel=1e-12)

    def test_what_cannot_be_computed_says_why(self):
        layer = _layer()
        imperfect = ImperfectLayer(realise(layer, _bench()), Imperfections(camera=Placement(shift_y=1e-6)))
        found = waterfall(layer, imperfect, default_probes(layer, layer.shape))
        assert found.single[0].error is None
        assert "no y" in found.single[0].note
        assert found.perfect.error < 1e-12

    def test_several_benches_are_refused(self):
        layer = _layer()
        wrong = Imperfections(camera=Placement(shift_x=torch.tensor([1e-6, 2e-6], dtype=torch.float64)))
        with pytest.raises(ValueError, match=r"one bench, and camera\.shift_x"):
            waterfall(layer, ImperfectLayer(realise(layer, _bench()), wrong), default_probes(layer, layer.shape))
        with pytest.raises(ValueError, match="one exposure or more; got 0"):
            waterfall(layer, _built(layer, _bench())[0], default_probes(layer, layer.shape), exposures=0)

    def test_names_have_their_units(self):
        assert described("fourier_mask.shift_x", 2e-6) == "fourier_mask.shift_x 2 um"
        assert described("camera.rotation", -1e-3) == "camera.rotation -1 mrad"
        assert described("input_device.phase_bits", 8) == "input_device.phase_bits 8"
        assert described("fourier_device.look_up_table", (0.0, 1.0)) == "fourier_device.look_up_table of 2 phases"


class _Turned:
    """Reads the field as it is, turned and dimmed."""

    def __init__(self, phase, gain):
        self.factor = gain * complex(math.cos(phase), math.sin(phase))

    def __call__(self, field):
        return self.factor * field


class TestNoise:
    def test_every_part_has_its_row(self):
        camera = QUIET.replace(read_noise=2.0, dark_current=100.0, full_well=1e5, bits=10)
        bench = _bench({"light.stray": 0.1, "light.intensity_noise": 0.01}, camera)
        layer = _layer()
        imperfect, x = _built(layer, bench)
        found = waterfall(layer, imperfect, x)
        kinds = [row.name.split(",")[0] for row in found.single]
        noise = [
            "shot noise",
            "dark current",
            "stray light",
            "read noise",
            "full well",
            "ADC of 10 bits",
            "laser noise",
        ]
        assert kinds == noise
        # 100 electrons/s for a quarter of a millisecond: each of the four images has that much.
        assert "0.025 electrons" in found.single[1].name
        assert all(0 < row.error < 1 for row in found.single)
        assert found.single[4].error < 1e-9  # no pixel is full: rounding beside a reference of 10⁵ electrons

    def test_light_that_fills_the_wells_is_no_error_of_the_steps(self):
        layer = _layer()
        imperfect, x = _built(layer, _bench(camera=QUIET.replace(full_well=1e4, bits=12), power="1 uW"))
        found = waterfall(layer, imperfect, x)
        _, well, steps = found.single
        assert found.dominating is well
        assert well.error > 0.1
        assert steps.error < 1e-3

    def test_shot_noise_is_half_a_photon_of_each_quadrature(self):
        """Four steps, strong reference, an efficiency η: Var(Re E) = 1/(2η) for photons of the whole measurement."""
        layer = _layer(AFDF, (8, 8))
        imperfect, x = _built(layer, _bench(camera=QUIET, power="10 pW"))
        (row,) = waterfall(layer, imperfect, x).single
        with torch.no_grad():
            arriving = imperfect.arriving(x, imperfect.masks())
        photons = float((arriving * imperfect.reading.amplitude).abs().square().mean())
        # 4·64 pixels in 16 exposures, two quadratures each: 1 % of scatter in the error, and 4 are allowed.
        assert row.error == pytest.approx(math.sqrt(2 / (2 * 0.5) / photons), rel=0.04)

    @pytest.mark.parametrize("bits", [10, 12])
    def test_steps_of_a_converter_are_uniform_errors(self, bits):
        """Variance step²/12 of each image; E is ((n₀ - n₂) + i(n₁ - n₃))/(ηr): four of them.

        With steps much smaller than |E|² alone, or else the errors of n₀ and n₂ are the same with opposite signs.
        """
        layer = _layer(AFDF, (16, 16))
        camera = QUIET.replace(full_well=1e5, bits=bits)
        imperfect, x = _built(layer, _bench(camera=camera, power="100 nW"))
        row = waterfall(layer, imperfect, x, exposures=1).single[2]
        reading = imperfect.reading
        with torch.no_grad():
            signal = (imperfect.arriving(x, imperfect.masks()) * reading.amplitude).abs().square().mean().sqrt()
        off = math.sqrt(4 / 12) * 1e5 / 2**bits / (0.5 * reading.readout.reference)
        assert row.name.startswith(f"ADC of {bits} bits")
        assert row.enob == pytest.approx(effective_bits(off / float(signal)), abs=0.1)  # 1024 roundings: 4 % and less

    def test_noise_of_one_thing_is_that_of_a_sensor_with_that_alone(self):
        """Read noise: four images of σ electrons each."""
        layer = _layer(AFDF, (8, 8))
        imperfect, x = _built(layer, _bench(camera=QUIET.replace(read_noise=30.0), power="10 nW"))
        row = waterfall(layer, imperfect, x).single[1]
        reading = imperfect.reading
        with torch.no_grad():
            signal = (imperfect.arriving(x, imperfect.masks()) * reading.amplitude).abs().square().mean().sqrt()
        assert row.error == pytest.approx(2 * 30 / (0.5 * reading.readout.reference) / float(signal), rel=0.04)

    def test_a_camera_that_lacks_the_laser_says_so(self):
        layer = _layer()
        bench = _bench({"light.stray": 0.1}, QUIET).replace(laser=Laser())
        optical = realise(layer, bench)
        assert "give laser.power" in lacking(optical)
        with pytest.raises(ValueError, match=r"give laser\.power"):
            as_built(optical, full_scale=1.0)
        found = verify(layer, as_far_as_known(optical, full_scale=1.0))
        assert found.passed
        assert found.waterfall.single[-1].error is None
        assert "laser.power" in found.waterfall.single[-1].note
        assert found.photons.launched is None
        assert "lacks laser.power" in found.photons.note
        complex_valued = realise(_layer(AFDF), _bench(camera=QUIET.replace(read_out="homodyne"), power="1 nW"))
        with pytest.raises(ValueError, match=r"complex.*four-step"):
            as_built(complex_valued, full_scale=1.0)
        assert "camera.read_out" in lacking(realise(_layer(), _bench({"light.stray": 0.1})))


def test_what_could_not_be_computed_is_not_called_perfect():
    layer = _layer()
    optical = realise(layer, _bench())
    probes = torch.ones(1, *optical.shape, dtype=torch.float64)
    wrong = {"camera.rotation": 1.0}
    alone = waterfall(layer, ImperfectLayer(optical, Imperfections().changed(wrong)), probes)
    assert alone.in_words.startswith("not computed: camera.rotation")
    wrong["camera.shift_x"] = 2e-6
    beside = waterfall(layer, ImperfectLayer(optical, Imperfections().changed(wrong)), probes)
    assert beside.in_words.startswith("camera.shift_x 2 um dominates among what was computed, without camera.rotation")


class TestPhotons:
    def test_power_times_time_over_hc_lambda(self):
        layer = _layer(ACDC, (4, 3))
        imperfect, x = _built(layer, _bench(camera=QUIET, power="2 nW"))
        budget = photon_budget(imperfect, x)
        assert budget.energy == pytest.approx(2e-12, rel=1e-12)
        assert budget.launched == pytest.approx(2e-12 * 633e-9 / (constants.h * constants.c), rel=1e-12)
        assert (budget.dense_macs, budget.arithmetic) == (144, "real")
        assert budget.mask_multiplications == 8 * 6 + (2 * 8) * (2 * 6)
        assert budget.shared(144)["energy"] == budget.energy / 144
        assert budget.saturated == 0
        assert budget.note == ""

    @pytest.mark.parametrize("kind", [ACDC, AFDF])
    def test_an_output_is_all_its_pixels(self, kind):
        """Photons of each camera pixel by hand: the field over the gain, in units of the largest input."""
        layer = _layer(kind, (4, 3))
        imperfect, x = _built(layer, _bench(camera=QUIET, power="2 nW"))
        budget = photon_budget(imperfect, x)
        mirrored, unit = (4 if kind is ACDC else 1), budget.launched / (48 if kind is ACDC else 12) * 0.9**2
        with torch.no_grad():
            field = layer(x) / imperfect.masks().gain / x.abs().max()
        assert budget.per_output == pytest.approx(
            float(field.abs().square().mean()) * unit * mirrored * 0.5, rel=1e-5
        )  # four nodes
        assert budget.per_output == pytest.approx(budget.per_pixel * mirrored, rel=1e-12)
        assert budget.arithmetic == ("real" if kind is ACDC else "complex")

    def test_saturation_and_what_no_modulator_shows_are_told(self):
        layer = _layer()
        bench = _bench(camera=QUIET.replace(full_well=100.0), power="1 mW")
        imperfect = as_built(realise(layer, bench), full_scale=0.5)
        budget = photon_budget(imperfect, torch.ones(1, 4, dtype=torch.float64))
        assert budget.saturated > 0.5
        assert "100 % of pixels" in replace(budget, saturated=0.996).in_words
        assert budget.full_scale == pytest.approx(0.5, rel=1e-12)
        assert "fully open at 0.5" in budget.note

    def test_light_is_that_of_the_perfect_bench_where_nothing_is_wrong(self):
        """Points of the intensity, two in a pixel, against Gauss's integral."""
        layer = _layer(ACDC, (6, 5))
        optical = realise(layer, _bench())
        x = default_probes(layer, layer.shape)
        hardly = ImperfectLayer(optical, Imperfections(camera=Placement(shift_x=1e-13)))
        assert light_reaching(ImperfectLayer(optical), x) == light_used(optical, x)
        assert light_reaching(hardly, x) == pytest.approx(light_used(optical, x), rel=0.03)


class TestVerify:
    def test_a_report_has_both_accounts(self):
        layer = _layer()
        imperfect, x = _built(layer, _bench({"camera.shift_x": 2e-6}, QUIET))
        report = verify(layer, imperfect, probes=x)
        assert report.passed, str(report)  # no bench fails for its imperfections
        before = verify(layer, imperfect.optical, probes=x)
        assert report.checks[:-1] == before.checks
        assert report.budget == before.budget
        assert report.checks[-1].name == "zero imperfection is the ideal path, bit by bit"
        data = json.loads(report.to_json())
        assert set(data) == {"title", "passed", "checks", "budget", "waterfall", "photons"}
        assert set(data["waterfall"]) == {
            *("perfect", "single", "together", "quadrature", "dominating", "dominating_adjusted", "exposures")
        }
        row = {"name", "error", "adjusted", "light", "note", "enob", "adjusted_enob"}
        assert all(set(entry) == row for entry in (data["waterfall"]["together"], *data["waterfall"]["single"]))
        shares = {"energy", "launched", "detected"}
        assert set(data["photons"]["per_dense_mac"]) == set(data["photons"]["per_mask_multiplication"]) == shares
        for words in ("camera.shift_x 2 um dominates", "a dense MAC", "a mask multiplication"):
            assert words in repr(report)
        assert set(before.to_dict()) == {"title", "passed", "checks", "budget"}

    def test_what_fails_is_a_check(self):
        layer = _layer()
        wrong = Imperfections(camera=Placement(shift_x=torch.tensor([1e-6, 2e-6], dtype=torch.float64)))
        report = verify(layer, ImperfectLayer(realise(layer, _bench()), wrong))
        assert [check.name for check in report.checks if not check.passed] == ["waterfall of the imperfect bench"]


class TestOtherBench:
    def test_what_is_wrong_comes_with_it(self):
        layer = _layer()
        optical = realise(layer, _bench())
        there = _bench({"camera.shift_x": 2e-6}, QUIET)
        placed = moved_to(optical, there)
        assert placed.bench.imperfections == there.imperfections
        assert placed.bench.camera == there.camera
        torch.testing.assert_close(placed.masks().fourier_mask, optical.masks().fourier_mask, rtol=0, atol=0)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"focal_length": "90 mm"}, r"focal_length \[m\] 0.1 and there 0.09"),
            ({"wavelength": "532 nm"}, "wavelength"),
            ({"mask": FourierMask(pixels_per_coefficient=3)}, "pixels_per_coefficient 2 and there 3"),
            ({"camera": Camera(fill=0.5)}, r"camera\.fill 0.9 and there 0.5"),
        ],
    )
    def test_another_geometry_is_refused(self, change, said):
        with pytest.raises(ValueError, match=said):
            moved_to(realise(_layer(), _bench()), _bench().replace(**change))

    def test_noise_is_seeded_and_each_batch_has_its_own(self, monkeypatch):
        layer = _layer()
        imperfect, x = _built(layer, _bench(camera=QUIET, power="1 pW"))
        torch.testing.assert_close(measured(imperfect, x, seed=3), measured(imperfect, x, seed=3), rtol=0, atol=0)
        assert not torch.equal(measured(imperfect, x, seed=3), measured(imperfect, x, seed=4))
        monkeypatch.setattr(sys.modules["acdc_optical.budgets.as_built"], "_MEMORY", 1)  # not the function of that name
        one_by_one = measured(imperfect, x[:1].expand(3, -1), seed=3)
        assert len({tuple(row.tolist()) for row in one_by_one}) == 3


class TestFigure:
    def test_bars_are_as_long_as_the_errors(self, tmp_path):
        single = (
            WaterfallRow("a.b_c 1 um", 0.01, 0.001),
            WaterfallRow("d", 0.2, 0.2),
            WaterfallRow("e", None),
        )
        found = Waterfall(WaterfallRow("perfect bench", 1e-15, 1e-15), single, WaterfallRow("all", 0.21, 0.2), 16)
        figure = plot_waterfall(found)
        errors, bits = figure.axes
        labels = [text.get_text() for text in errors.get_yticklabels()]
        assert labels == [
            "d",
            "a: b c 1 µm",
            "e",
            "perfect bench",
            "all",
        ]
        assert [bar.get_width() for bar in errors.containers[0]] == [0.2, 0.01, 0, 1e-15, 0.21]
        assert found.quadrature == pytest.approx(math.hypot(0.2, 0.01), rel=1e-9)
        assert any(list(line.get_xdata()) == [found.quadrature] * 2 for line in errors.get_lines())
        assert f"{effective_bits(0.2):.1f}" in [text.get_text() for text in bits.texts]
        figure.savefig(tmp_path / "waterfall.png")


class TestCommandLine:
    @pytest.fixture
    def place(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        random = np.random.default_rng(0)
        for name in "ad":
            np.save(f"{name}.npy", 1 + 0.1 * random.standard_normal(4))
        np.save("x.npy", random.standard_normal((3, 4)))
        (tmp_path / "real.toml").write_text(str(_bench({"camera.shift_x": 2e-6}, QUIET)), encoding="utf-8")
        assert main(["compile", "--a", "a.npy", "--d", "d.npy", "--out", "l.design"]) == 0
        return tmp_path

    def test_check_and_simulate_on_another_bench(self, place, capsys):
        assert main(["check", "l.design", "--bench", "real.toml", "--json", "r.json"]) == 0
        said = capsys.readouterr().out
        assert "camera.shift_x 2 um" in said
        assert "photons detected" in said
        (report,) = json.loads((place / "r.json").read_text(encoding="utf-8"))
        simulate = ["simulate", "l.design", "--input", "x.npy", "--device", "cpu", "--output"]
        assert main([*simulate, "y.npy"]) == 0
        assert "imperfect" not in capsys.readouterr().out
        for seed, name in ((1, "z"), (1, "again"), (2, "other")):
            assert main([*simulate, f"{name}.npy", "--bench", "real.toml", "--seed", str(seed)]) == 0
        assert "on the imperfect bench, seed 2" in capsys.readouterr().out
        y, z, again, other = (np.load(f"{name}.npy") for name in ("y", "z", "again", "other"))
        np.testing.assert_array_equal(z, again)
        assert not np.array_equal(z, other)
        off = np.linalg.norm(z - y) / np.linalg.norm(y)
        assert 0.3 < off / report["waterfall"]["together"]["error"] < 3  # other inputs, one exposure

    def test_the_designs_own_bench_counts(self, place, capsys):
        assert main(["compile", "--a", "a.npy", "--d", "d.npy", "--out", "own.design", "--bench", "real.toml"]) == 0
        capsys.readouterr()
        assert main(["check", "own.design", "--json", "-"]) == 0
        (report,) = json.loads(capsys.readouterr().out)
        assert report["waterfall"]["single"][0]["name"] == "camera.shift_x 2 um"

    def test_what_does_not_fit_is_one_line(self, place, capsys):
        (place / "far.toml").write_text(str(_bench().replace(focal_length="90 mm")), encoding="utf-8")
        assert main(["check", "l.design", "--bench", "far.toml"]) == 2
        assert "--bench far.toml: masks fit one geometry" in capsys.readouterr().err
        assert main(["check", "l.design", "--bench", "real.toml", "--model", "wave"]) == 2
        assert "take --model continuous" in capsys.readouterr().err
