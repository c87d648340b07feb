"""The command line as a user meets it: exit codes, one-line errors, JSON alone on standard output."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.fft import dct, idct

from acdc_optical import ACDC, Bench, FourierMask
from acdc_optical.cli import main
from acdc_optical.design import Design
from acdc_optical.training.fitting import _Run
from optics import Stripes


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with the arrays of a small layer; the current one."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    np.save("a.npy", 1 + 0.1 * random.standard_normal(8))
    np.save("d.npy", 1 + 0.1 * random.standard_normal(8))
    np.save("x.npy", random.standard_normal((5, 8)))
    return tmp_path


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.fixture
def design(place):
    assert run("compile", "--a", "a.npy", "--d", "d.npy", "--out", "layer.design") == 0
    return place / "layer.design"


@pytest.mark.parametrize("model", ["ideal", "continuous"])
@pytest.mark.parametrize(("dtype", "limit"), [("float64", 1e-12), ("float32", 1e-5)])
def test_compile_and_simulate_compute_the_layer(design, model, dtype, limit):
    options = ("--model", model, "--dtype", dtype, "--device", "cpu")
    assert run("simulate", design, "--input", "x.npy", "--output", "y.npy", *options) == 0
    y = np.load("y.npy")
    expected = idct(dct(np.load("x.npy") * np.load("a.npy"), norm="ortho") * np.load("d.npy"), norm="ortho")
    assert y.dtype == dtype
    assert np.linalg.norm(y - expected) < limit * np.linalg.norm(expected)


def test_two_dimensional_complex_layers(place):
    random = np.random.default_rng(1)
    a, d, x = (random.standard_normal((n, 3, 4)) + 1j * random.standard_normal((n, 3, 4)) for n in (1, 1, 6))
    np.save("a.npy", a[0])
    np.save("d.npy", d[0])
    np.save("x.npy", x)
    assert run("compile", "--a", "a.npy", "--d", "d.npy", "--out", "layer.design") == 0
    assert run("simulate", "layer.design", "--input", "x.npy", "--output", "y.npy") == 0
    expected = np.fft.ifft2(np.fft.fft2(x * a) * d)
    assert np.linalg.norm(np.load("y.npy") - expected) < 1e-12 * np.linalg.norm(expected)


def test_a_bench_file_is_used(place):
    (place / "bench.toml").write_text('wavelength = "500 nm"\nfocal_length = "50 mm"\n[modulator]\npitch = "10 um"\n')
    assert run("compile", "--a", "a.npy", "--d", "d.npy", "--bench", "bench.toml", "--out", "layer.design") == 0
    planes = Design.load("layer.design").masks[0].planes
    assert planes.mask.spacing[0] == pytest.approx(500e-9 * 50e-3 / (16 * 10e-6) / 2, rel=1e-12)


def test_check_passes_exact_and_fails_sampled_masks(design, capsys):
    assert run("check", design) == 0
    assert "9 of" not in capsys.readouterr().err
    assert run("compile", "--a", "a.npy", "--d", "d.npy", "--method", "sampled", "--out", "sampled.design") == 0
    assert run("check", "sampled.design") == 1
    assert "FAILED" in capsys.readouterr().out


def test_real_lenses_and_a_second_opinion(place, capsys):
    """A bench short enough that POPPY is quick: f = 2Np²/λ for N = 4."""
    (place / "short.toml").write_text(
        'wavelength = "633 nm"\nfocal_length = "0.8089 mm"\n[modulator]\npitch = "8 um"\n'
        '[lenses]\naperture = "256 um"\n'
    )
    square = np.random.default_rng(0).uniform(0.8, 1.2, (2, 4, 4))
    np.save("sa.npy", square[0])
    np.save("sd.npy", square[1])
    made = ("compile", "--a", "sa.npy", "--d", "sd.npy", "--bench", "short.toml", "--method", "calibrated")
    assert run(*made, "--weight", "1e-8", "--out", "short.design") == 0
    capsys.readouterr()
    assert run("check", "short.design", "--model", "wave", "--second-opinion", "--json", "-") == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert "waves near the axis, thin lenses, 256 um square" in report["title"]
    assert report["second_opinion"]["passed"]
    assert len(report["second_opinion"]["planes"]) == 7
    lattice = report["second_opinion"]["lattice_from_wave_model"]
    assert 0 < lattice["error"] < 0.1
    assert run("check", "short.design", "--model", "wave", "--second-opinion") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert f"The lattice from the wave model, at the camera: {lattice['error']:.1e} (light that leaves" in printed


def test_json_stands_alone_on_standard_output(design, capsys):
    capsys.readouterr()
    assert run("check", design, "--json", "-") == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert report["passed"]
    assert run("check", design, "--json", "report.json") == 0
    with open("report.json") as file:
        assert json.load(file)[0]["passed"]


def test_info_names_the_hardware(design, capsys):
    capsys.readouterr()
    assert run("info", design) == 0
    text = capsys.readouterr().out
    for part in ("ACDC", "633 nm", "8 um", "100 mm", "32 px"):
        assert part in text


def test_it_runs_as_a_module(design):
    command = [sys.executable, "-m", "acdc_optical", "info", str(design)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.startswith(str(design))


@pytest.fixture
def data(place):
    """Three classes of signals, told apart by where they are strong."""
    random = np.random.default_rng(0)
    y = np.arange(60) % 3
    x = 0.3 * random.standard_normal((60, 8))
    x[np.arange(60), y] += 2
    np.savez("data.npz", x=x, y=y)
    return place


TRAIN = ("train", "--data", "data.npz", "--device", "cpu")


class TestTrain:
    @pytest.mark.parametrize("constraint", ["numbers", "amplitude-2bit", "phase"])
    def test_data_to_design(self, data, capsys, constraint):
        files = ("--out", "net.design", "--history", "history.json")
        assert run(*TRAIN, "--constraint", constraint, "--epochs", "30", *files) == 0
        printed = capsys.readouterr().out
        with open("history.json") as file:
            histories = json.load(file)
        assert list(histories) == (["numbers"] if constraint == "numbers" else ["numbers", f"{constraint} masks"])
        assert [len(history) for history in histories.values()] == [30, 30][: len(histories)]
        for name, history in histories.items():
            assert set(history[0]) == {"loss", "accuracy", "held_out"}
            assert history[-1]["loss"] < history[0]["loss"]
            assert name in printed
            assert f"{history[-1]['held_out']:.2%}" in printed
        assert "12 test inputs of data.npz" in printed
        assert "Written: net.design. The continuous light itself" in printed
        design = Design.load("net.design")
        assert [type(stage).__name__ for stage in design.stages][:2] == ["ACDC", "ReLU"]
        if constraint == "amplitude-2bit":
            assert len(design.masks[0].fourier_mask.unique()) <= 4
        if constraint == "phase":
            np.testing.assert_allclose(
                design.masks[0].fourier_mask.abs(), 1, rtol=2e-7
            )  # of float32, a unit in the last place
        assert sorted(path.name for path in data.glob("net*")) == ["net.design"]  # no checkpoints are left

    def test_the_ideal_model_trains_and_does_not_judge(self, data, capsys):
        """The masks are made, and their pixels have a width."""
        arguments = ("--model", "ideal", "--constraint", "amplitude", "--epochs", "2", "--out", "net.design")
        assert run(*TRAIN, *arguments) == 0
        assert "The continuous light itself" in capsys.readouterr().out

    @pytest.mark.parametrize("name", ["history.png", "history.svg"])
    def test_history_as_a_figure(self, data, name):
        assert run(*TRAIN, "--epochs", "1", "--out", "net.design", "--history", name) == 0
        assert (data / name).stat().st_size > 1000

    @pytest.mark.parametrize("during", ["numbers", "masks"])
    def test_interrupted_and_resumed(self, data, capsys, monkeypatch, during):
        arguments = (*TRAIN, "--constraint", "amplitude-4bit", "--epochs", "6", "--history")
        assert run(*arguments, "whole.json", "--out", "whole.design") == 0
        step = _Run._step
        calls = []

        def interrupted(self, index, generator):
            calls.append(1)
            if len(calls) == (4 if during == "numbers" else 8):  # an epoch is a step
                raise KeyboardInterrupt
            return step(self, index, generator)

        with monkeypatch.context() as patched:
            patched.setattr(_Run, "_step", interrupted)
            capsys.readouterr()
            assert run(*arguments, "net.json", "--out", "net.design") == 130
            assert capsys.readouterr().err == "error: interrupted\n"
        left = sorted(path.name for path in data.glob("net*"))
        assert left == ["net.masks.checkpoint", "net.numbers.checkpoint"][during == "numbers" :]
        # Not to be overwritten by accident.
        assert run(*arguments, "net.json", "--out", "net.design") == 2
        assert "go on with it by --resume, or delete it" in capsys.readouterr().err
        # Nor taken for what it is not.
        assert run(*arguments, "net.json", "--out", "net.design", "--resume", "--seed", "1") == 2
        assert "a checkpoint of another training" in capsys.readouterr().err
        assert run(*arguments, "net.json", "--out", "net.design", "--resume") == 0
        assert (data / "net.json").read_text() == (data / "whole.json").read_text()
        whole, resumed = Design.load("whole.design"), Design.load("net.design")
        assert torch.equal(whole.masks[0].fourier_mask, resumed.masks[0].fourier_mask)
        assert sorted(path.name for path in data.glob("net*")) == ["net.design", "net.json"]

    BAD = (
        (("--data", "mnist"), "--data mnist: neither an .npz file nor one of digits, mnist5k, mnist1d"),
        (("--data", "none.npz"), "none.npz: no such file"),
        (("--data", "bad.npz"), "bad.npz: y: expected a label for each of 4 inputs"),
        (("--constraint", "3bit"), "'3bit'"),
        (("--history", "history.csv"), "--history history.csv: expected the name of a file that ends in .json, .png"),
        (("--history", "none/history.json"), "there is no folder"),
        (("--out", "none/net.design"), "there is no folder"),
        (("--bench", "none"), "--bench none: neither"),
        (("--bench", "small.toml"), "needs 16 modulator pixels and the bench has 8"),
        (("--epochs", "0"), "--epochs"),
        (("--seed", "-1"), "--seed"),
    )

    @pytest.mark.parametrize(("arguments", "words"), BAD, ids=str)
    def test_bad_input_is_one_clear_line_before_anything_is_trained(self, data, capsys, monkeypatch, arguments, words):
        monkeypatch.setattr("acdc_optical.routes.train_numbers", None)
        np.savez("bad.npz", x=np.zeros((4, 3)), y=np.zeros(3))
        (data / "small.toml").write_text(
            'wavelength = "633 nm"\nfocal_length = "1 m"\n[modulator]\npitch = "8 um"\npixels = [8, 8]\n'
        )
        before = sorted(data.iterdir())
        assert run(*TRAIN, "--out", "net.design", *arguments) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("error: ")
        assert printed.err.count("\n") == 1
        assert words in printed.err
        assert sorted(data.iterdir()) == before


COMPILE = ("compile", "--out", "o")
SIMULATE = ("simulate", "layer.design", "--output", "y")
BAD = {
    "missing array": ((*COMPILE, "--a", "no.npy", "--d", "d.npy"), "no.npy: no such file"),
    "unreadable array": ((*COMPILE, "--a", "junk.npy", "--d", "d.npy"), "junk.npy: expected a .npy"),
    "array of objects": ((*COMPILE, "--a", "objects.npy", "--d", "d.npy"), "holds Python objects"),
    "NaN": ((*COMPILE, "--a", "nan.npy", "--d", "d.npy"), "nan.npy: the array holds NaN"),
    "N = 0": ((*COMPILE, "--a", "empty.npy", "--d", "empty.npy"), "N, h, w ≥ 1; got (0,)"),
    "different shapes": ((*COMPILE, "--a", "a.npy", "--d", "x.npy"), "must have one shape"),
    "three axes": ((*COMPILE, "--a", "cube.npy", "--d", "cube.npy"), "(N,) or (h, w)"),
    "no such folder": (("compile", "--a", "a.npy", "--d", "d.npy", "--out", "no/o"), "no/o: there is no folder"),
    "values of nothing": (
        (*COMPILE, "--a", "a.npy", "--d", "d.npy", "--values", "real"),
        "go with --method calibrated",
    ),
    "negative pitch": ((*COMPILE, "--a", "a.npy", "--d", "d.npy", "--bench", "pitch.toml"), "-8 um"),
    "unknown key": ((*COMPILE, "--a", "a.npy", "--d", "d.npy", "--bench", "key.toml"), "'focal'"),
    "no such bench": ((*COMPILE, "--a", "a.npy", "--d", "d.npy", "--bench", "none"), "lcos-8um"),
    "no bench file": ((*COMPILE, "--a", "a.npy", "--d", "d.npy", "--bench", "no.toml"), "no.toml: no such"),
    "wrong dimension": ((*SIMULATE, "--input", "cube.npy"), "(batch, 8); got (2, 2, 2)"),
    "no batch": ((*SIMULATE, "--input", "a.npy"), "(batch, 8); got (8,)"),
    "complex input": ((*SIMULATE, "--input", "complex.npy"), "takes real input"),
    "unknown model": ((*SIMULATE, "--input", "x.npy", "--model", "wrong"), "'wrong'"),
    "foreign design": (("simulate", "a.npy", "--input", "x.npy", "--output", "y"), "a.npy: not a design file"),
    "missing design": (("check", "no.design"), "no.design: no such design file"),
    "unknown command": (("simulat",), "simulat"),
    "missing option": (("compile", "--a", "a.npy"), "--d"),
    "unwritable folder": (("demo", "--out", "a.npy/folder"), "cannot make this output folder"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_line(design, capsys, case):
    np.save("objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save("nan.npy", np.full(8, np.nan))
    np.save("empty.npy", np.zeros(0))
    np.save("cube.npy", np.zeros((2, 2, 2)))
    np.save("complex.npy", np.full((5, 8), 1j))
    (design.parent / "junk.npy").write_bytes(b"hello")
    bench = 'wavelength = "633 nm"\nfocal_length = "1 m"\n[modulator]\npitch = "8 um"\n'
    (design.parent / "pitch.toml").write_text(bench.replace("8 um", "-8 um"))
    (design.parent / "key.toml").write_text(bench.replace("focal_length", "focal"))
    before = sorted(path.name for path in design.parent.iterdir())
    capsys.readouterr()
    arguments, words = BAD[case]
    assert run(*arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert words in printed.err
    assert sorted(path.name for path in design.parent.iterdir()) == before


def test_an_unforeseen_error_is_a_line_too(design, capsys, monkeypatch):
    def broken(path):
        raise RuntimeError("boom")

    monkeypatch.setattr("acdc_optical.cli.layers.Design.load", broken)
    capsys.readouterr()
    assert run("info", design) == 2
    assert capsys.readouterr().err.startswith("error: RuntimeError: boom")
    monkeypatch.setenv("ACDC_OPTICAL_TRACEBACK", "1")
    with pytest.raises(RuntimeError, match="boom"):
        run("info", design)


def test_interruption_is_no_traceback(design, capsys, monkeypatch):
    def interrupted(path):
        raise KeyboardInterrupt

    monkeypatch.setattr("acdc_optical.cli.layers.Design.load", interrupted)
    assert run("info", design) == 130


def test_cuda_without_cuda_is_refused(design, capsys, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert run("simulate", design, "--input", "x.npy", "--output", "y.npy", "--device", "cuda") == 2
    assert "--device cpu" in capsys.readouterr().err


def test_simulate_uses_the_masks_of_the_file(place):
    layer = ACDC(8)
    design = Design.of(layer, Bench.preset())
    design.masks[0].fourier_mask.mul_(0.5)  # made half as transparent as designed
    design.save("layer.design")
    assert run("simulate", "layer.design", "--input", "x.npy", "--output", "half.npy") == 0
    assert run("simulate", "layer.design", "--input", "x.npy", "--output", "ideal.npy", "--model", "ideal") == 0
    np.testing.assert_allclose(np.load("half.npy"), 0.5 * np.load("ideal.npy"), atol=1e-6)


def test_bright_masks_compute_the_same_layer(place):
    (place / "fine.toml").write_text(str(Bench.preset().replace(mask=FourierMask(pixels_per_coefficient=4))))
    options = ("--bench", "fine.toml", "--method", "bright", "--out", "bright.design")
    assert run("compile", "--a", "a.npy", "--d", "d.npy", *options) == 0
    assert run("simulate", "bright.design", "--input", "x.npy", "--output", "y.npy") == 0
    expected = idct(dct(np.load("x.npy") * np.load("a.npy"), norm="ortho") * np.load("d.npy"), norm="ortho")
    assert np.linalg.norm(np.load("y.npy") - expected) < 1e-10 * np.linalg.norm(expected)


class TestCascades:
    @pytest.fixture
    def diagonals(self, place):
        random = np.random.default_rng(2)
        for name in ("a1", "a2", "a3", "d1", "d2", "d3"):
            np.save(f"{name}.npy", 1 + 0.1 * random.standard_normal(8))
        return "--a", "a1.npy", "a2.npy", "a3.npy", "--d", "d1.npy", "d2.npy", "d3.npy"

    def expected(self):
        y = np.load("x.npy")
        for number in (1, 2, 3):
            a, d = np.load(f"a{number}.npy"), np.load(f"d{number}.npy")
            y = idct(dct(y * a, norm="ortho") * d, norm="ortho")
        return y

    @pytest.mark.parametrize("model", ["ideal", "continuous"])
    def test_light_goes_through_all_layers(self, diagonals, model, capsys):
        assert run("compile", "--cascade", *diagonals, "--out", "three.design") == 0
        assert capsys.readouterr().out.count("goes on") == 2
        assert run("simulate", "three.design", "--input", "x.npy", "--output", "y.npy", "--model", model) == 0
        expected = self.expected()
        assert np.linalg.norm(np.load("y.npy") - expected) < 1e-11 * np.linalg.norm(expected)  # measured 1e-14

    def test_check_says_where_errors_and_light_go(self, diagonals, capsys):
        run("compile", "--cascade", *diagonals, "--out", "three.design")
        assert run("check", "three.design") == 0
        said = capsys.readouterr().out
        assert "3 ACDC layers of 8" in said
        assert all(f"mask {mask}" in said for mask in ("D 1", "A 2", "D 2", "A 3", "D 3"))
        assert "power over that of the input" in said

    def test_masks_of_stripes_and_of_phases(self, diagonals):
        for method in ("binary", "phase"):
            options = ("--method", method, "--pixels-per-coefficient", "5", "--out", f"{method}.design")
            assert run("compile", "--cascade", *diagonals, *options) == 0
            assert run("simulate", f"{method}.design", "--input", "x.npy", "--output", "y.npy") == 0
            expected = self.expected()
            assert np.linalg.norm(np.load("y.npy") - expected) < 1e-11 * np.linalg.norm(expected)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("--a", "a1.npy", "a2.npy", "--d", "d1.npy", "d2.npy"), "got 2 A and 2 D; .* add --cascade"),
            (("--cascade", "--a", "a1.npy", "a2.npy", "--d", "d1.npy"), "as many diagonals A as D; got 2 and 1"),
            (
                ("--a", "a1.npy", "--d", "d1.npy", "--min-feature", "1 um"),
                "--min-feature and --grid go with --method binary",
            ),
            (("--a", "a1.npy", "--d", "d1.npy", "--relay", "comb"), "--relay .* goes with --cascade"),
            (
                ("--a", "a1.npy", "--d", "d1.npy", "--method", "binary", "--grid", "1"),
                "--grid: expected a length with its unit",
            ),
        ],
    )
    def test_what_does_not_fit_together_is_refused(self, diagonals, capsys, arguments, message):
        assert run("compile", *arguments, "--out", "no.design") == 2
        assert re.search(message, capsys.readouterr().err)
        assert not Path("no.design").exists()

    @pytest.mark.parametrize("relay", ["comb", "bright", "etched"])
    def test_relay_masks_of_choice(self, diagonals, relay):
        options = ("--relay", relay, *(("--min-feature", "0.3 um") if relay == "etched" else ()))
        assert run("compile", "--cascade", *diagonals, *options, "--out", "x.design") == 0
        mask = Design.load("x.design").masks[1].input_mask
        assert isinstance(mask, Stripes) == (relay == "etched")
        assert run("simulate", "x.design", "--input", "x.npy", "--output", "y.npy") == 0
        expected, limit = self.expected(), 1e-3 if relay == "etched" else 1e-10
        assert np.linalg.norm(np.load("y.npy") - expected) < limit * np.linalg.norm(expected)

    def test_of_what_is_inexact_one_is_warned_in_a_line(self, diagonals):
        command = [
            sys.executable,
            "-m",
            "acdc_optical",
            "compile",
            "--a",
            "a1.npy",
            "--d",
            "d1.npy",
            "--out",
            "x.design",
        ]
        said = subprocess.run([*command, "--method", "phase"], capture_output=True, text=True, check=True).stderr
        assert re.fullmatch(r"warning: no exact mask of phases was found, the best is off by .*: take five .*\n", said)

    def test_poppy_is_asked_of_single_layers(self, diagonals, capsys):
        run("compile", "--cascade", *diagonals, "--out", "three.design")
        assert run("check", "three.design", "--second-opinion") == 2
        assert "not of a cascade" in capsys.readouterr().err
