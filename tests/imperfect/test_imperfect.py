"""The imperfect bench: against brute force, by its laws, and which way things move when a part is moved."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from acdc_optical import AFDF, Imperfections, ImperfectLayer, realise
from acdc_optical.benches.distributions import Normal, Uniform, drawn
from acdc_optical.imperfect import incoherence
from tests.imperfect import oracle
from tests.realisation.cases import bench, inputs, layer, relative_error

PITCH = 8e-6
BENCH = bench(mask_fill=0.93)
ALONG_X = {
    "modulator.shift_x": 2e-6,
    "modulator.defocus": 3e-4,
    "input_mask.shift_x": 1.7e-6,
    "fourier_mask.shift_x": 3e-5,
    "fourier_mask.defocus": 2e-3,
    "camera.shift_x": -1.3e-6,
    "camera.defocus": -2e-4,
    "first_lens.shift_x": 1.1e-6,
    "second_lens.shift_x": -2.3e-6,
    "first_lens.focal_length": 4e-3,
    "second_lens.focal_length": -3e-3,
    "light.wavelength": 2e-9,
}
TILTS = {"first_lens.tilt_x": 0.03, "second_lens.tilt_x": -0.02}
BOTH = {**ALONG_X, **{name.replace("_x", "_y"): -0.7 * v for name, v in ALONG_X.items() if name.endswith("_x")}}
BOTH_TILTS = {**TILTS, "first_lens.tilt_y": -0.02, "second_lens.tilt_y": 0.01}
TURNED = {"modulator.rotation": 2e-3, "fourier_mask.rotation": -3e-3, "camera.rotation": 1e-3}
GAPS = {"input_device.gap_reflectance": 0.2, "fourier_device.gap_reflectance": 0.3}
BITS = {"input_device.amplitude_bits": 4, "fourier_device.amplitude_bits": 5, "modulator_device.amplitude_bits": 3}
MADE = {
    "input_device.edge_growth": 0.6e-6,
    "fourier_device.edge_growth": -1e-4,
    "fourier_device.etch_depth": 0.04,
    "input_device.etch_depth": -0.03,
}
# Surface, table and stroke of a panel in front; an etch of four levels in the middle.
PANEL = {
    "input_device.look_up_table": (0.0, 1.5, 3.3, 4.9),
    "input_device.phase_stroke": 5.0,
    "input_device.flatness": 40e-9,
    "input_device.flatness_seed": 3,
    "modulator_device.full_scale": 0.8,
    "fourier_device.etches": 2,
    "fourier_device.overlay_y": -4e-5,
    "fourier_device.overlay_x": 9e-5,
}
FRINGES = {"input_device.crosstalk": 2.5e-6, "input_device.phase_bits": 3, "fourier_device.crosstalk": 2e-4}
UNEVEN = {"input_device.flatness": 30e-9, "fourier_device.flatness": 20e-9, "light.wavelength": -3e-9}

# The oracle's nodes, and what they leave of its error; that of the bench's own integrals is 3e-15.
CASES = {
    "line": ("ACDC", (5,), {**ALONG_X, **TILTS, **GAPS, **BITS, **MADE}, 6, 1e-9),
    "line-complex": ("AFDF", (5,), {**ALONG_X, **TILTS, **GAPS, **PANEL, "fourier_device.overlay_y": 0.0}, 6, 1e-8),
    "colours": ("AFDF", (3,), {**ALONG_X, "light.bandwidth": 2e-9, "light.divergence": 3e-4}, 5, 1e-6),
    "plane": ("ACDC", (3, 2), {**BOTH, **BOTH_TILTS, **GAPS, **BITS}, 4, 5e-6),
    "plane-turned": ("AFDF", (3, 2), {**BOTH, **TURNED}, 7, 1e-7),
    "plane-made": ("AFDF", (2, 3), {**BOTH, **GAPS, **MADE, "light.wavelength": -3e-9}, 5, 2e-5),
    "plane-panel": ("AFDF", (3, 2), {**BOTH, **TURNED, **GAPS, **PANEL}, 5, 2e-5),
    "plane-fringes": ("AFDF", (3, 2), {**GAPS, **FRINGES, **UNEVEN}, 4, 1e-6),
    "angles": ("AFDF", (2, 1), {"light.divergence": 3e-4, "modulator.rotation": 0.02, "camera.shift_y": 3e-6}, 3, 5e-4),
    # What a lens of two powers does between turned planes is left out: a tilt's square times a rotation.
    "plane-all": ("AFDF", (3, 2), {**BOTH, **BOTH_TILTS, **TURNED}, 6, 2e-3),
}


def realised(kind: str, shape: tuple[int, ...], **options):
    """A layer on the bench; one of complex numbers at random if it can be."""
    numbers = layer(kind, shape, "signed random", seed=1, **options)
    if kind == "AFDF":
        numbers = AFDF(shape, dtype=torch.complex128)
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for diagonal in (numbers.a, numbers.d):
                diagonal.copy_(torch.randn(shape, generator=generator, dtype=torch.complex128))
        dtype = options.get("dtype", torch.complex128)
        numbers.a, numbers.d = (torch.nn.Parameter(v.detach().to(dtype)) for v in (numbers.a, numbers.d))
    return realise(numbers, BENCH), inputs(numbers, 2)


def out(optical, x, values, **options):
    with torch.no_grad():
        return ImperfectLayer(optical, Imperfections().changed(values), **options)(x)


@pytest.mark.parametrize("values", [{"light.bandwidth": 2e-8}, {"light.divergence": 2e-3}])
def test_light_that_is_hardly_coherent_has_samples_enough(values, monkeypatch):
    """Where five would be wrong by as much as the imperfection costs."""
    optical, x = realised("ACDC", (16,))
    got = out(optical, x, values, nodes=5)
    monkeypatch.setattr(incoherence, "_SAMPLES", 30)
    many = out(optical, x, values, nodes=5)
    assert relative_error(got, many) < 5e-4  # a hundredth or so of what corners may leave
    assert relative_error(got, optical(x)) > 0.05
    with pytest.raises(ValueError, match="use light that is more coherent"):
        out(optical, x, {name: 20 * value for name, value in values.items()}, nodes=5)


@pytest.mark.parametrize("between", [{"fourier_device.crosstalk": 3e-5}, {"fourier_device.edge_growth": 5e-5}])
def test_a_surface_is_no_drive(between):
    """A pixel of phase 0 that lies a picometre low has no phase of almost 2π for its neighbours to run up to."""
    optical, x = realised("ACDC", (4, 4))
    without, uneven = (out(optical, x, {**between, "fourier_device.flatness": rms}) for rms in (0.0, 1e-12))
    assert relative_error(uneven, without) < 1e-4  # its own phase is 1e-5 rad
    assert relative_error(without, optical(x)) > 1e-3


@pytest.mark.parametrize("name", CASES)
def test_the_whole_bench_is_that_of_brute_force(name):
    kind, shape, values, nodes, tolerance = CASES[name]
    optical, x = realised(kind, shape)
    got = out(optical, x, values)
    wanted = oracle.output(x[0].numpy(), optical.masks(), BENCH, Imperfections().changed(values), nodes=nodes)
    assert relative_error(got[0], torch.from_numpy(np.array(wanted))) < tolerance
    assert relative_error(got, optical(x)) > 100 * tolerance


@pytest.mark.parametrize("which", ["first_lens.shift_x", "fourier_mask.defocus", "second_lens.tilt_x", *TURNED, *GAPS])
def test_so_is_each_thing_by_itself(which):
    """In the small, where a mistake cannot hide behind another: all of what it changes, to a thousandth."""
    values = {**BOTH, **TILTS, **TURNED, **GAPS}
    optical, x = realised("AFDF", (3, 2))
    perfect, changed = (
        torch.from_numpy(
            np.array(oracle.output(x[0].numpy(), optical.masks(), BENCH, Imperfections().changed(v), nodes=4))
        )
        for v in ({}, {which: values[which]})
    )
    got = out(optical, x[0], {which: values[which]}) - optical(x[0])
    assert relative_error(got, changed - perfect) < 1e-3


def test_a_turned_mask_is_that_of_brute_force():
    """Edges that cross the pixels askew are sampled by the oracle, and averaged in strips by the bench: which way."""
    optical, x = realised("AFDF", (2, 2))
    angle = 0.05
    values = {"input_mask.rotation": angle, "input_mask.shift_y": 0.31 * PITCH}
    still = {"input_mask.shift_y": 0.31 * PITCH}
    wanted, before = (
        torch.from_numpy(
            oracle.output(x[0].numpy(), optical.masks(), BENCH, Imperfections().changed(v), nodes=4, finer=finer)
        )
        for v, finer in ((values, 10), (still, 1))
    )
    got = out(optical, x[0], values) - out(optical, x[0], still)
    # That pixels turn about their own centres as well is left out: one part in the number of pixels across, here 2.
    assert relative_error(got, wanted - before) < 0.5
    assert relative_error(wanted, before) > 5e-3


def image(values, pixel: tuple[int, int] = (3, 5), shape: tuple[int, int] = (7, 7)) -> list[float]:
    """Where the image of one bright pixel is on the camera, from its centre (y, x) [pixels]; nothing in between."""
    numbers = AFDF(shape, dtype=torch.complex128)
    with torch.no_grad():
        numbers.a.fill_(1)
        numbers.d.fill_(1)
        optical = realise(numbers, BENCH)
        x = torch.zeros(shape, dtype=torch.complex128)
        x[pixel] = 1
        wrong = Imperfections().changed(values)
        power = ImperfectLayer(optical, wrong).arriving(x, optical.masks()).abs().square()
    places = torch.arange(7, dtype=torch.float64) - 3
    total = power.sum()
    return [float((power.sum(1) * places).sum() / total), float((power.sum(0) * places).sum() / total)]


@pytest.mark.parametrize(
    ("values", "moves"),
    [
        ({"modulator.shift_x": PITCH}, (0, -1)),  # the image is upside down
        ({"modulator.shift_y": PITCH}, (-1, 0)),
        ({"camera.shift_x": PITCH}, (0, -1)),  # the image stays, and the pixels go the other way
        ({"camera.shift_y": PITCH}, (-1, 0)),
        ({"first_lens.shift_x": PITCH}, (0, 1)),  # the image stays as far from both axes as it was
        ({"second_lens.shift_x": PITCH}, (0, 1)),
        ({"fourier_mask.shift_x": 30 * PITCH}, (0, 0)),  # there is nothing on it
        ({"modulator.shift_x": PITCH, "camera.shift_x": -PITCH}, (0, 0)),
        ({"fourier_mask.rotation": 0.05}, (0, 0)),
    ],
    ids=str,
)
def test_which_way_the_image_moves(values, moves):
    (y, x), (y0, x0) = image(values), image({})
    assert (y0, x0) == pytest.approx((0, -2), abs=0.1)
    # The image of one pixel through a mask seven coefficients wide is a pixel and a half wide: its tails are cut.
    assert (y - y0, x - x0) == pytest.approx(moves, abs=0.12 if max(map(abs, moves)) > 0.5 else 0.02)


@pytest.mark.parametrize(
    ("turned", "moved"),
    [
        # What is right of the centre, turned from x towards y, is at larger y.
        ({"modulator.rotation": 0.02}, {"modulator.shift_y": 2 * PITCH * 0.02}),
        # Its image is left of the centre: what is there of a camera that is so turned is at smaller y.
        ({"camera.rotation": 0.02}, {"camera.shift_y": -2 * PITCH * 0.02}),
        # Light goes on to where the mask is: nothing is on it.
        ({"fourier_mask.rotation": 0.02}, {}),
    ],
    ids=str,
)
def test_which_way_things_turn(turned, moved):
    numbers = AFDF((7, 7), dtype=torch.complex128)
    with torch.no_grad():
        numbers.a.fill_(1)
        numbers.d.fill_(1)
    optical, x = realise(numbers, BENCH), torch.zeros(7, 7, dtype=torch.complex128)
    x[3, 5] = 1
    still = optical(x)
    changes = [out(optical, x, values, nodes=6) - still for values in (turned, moved)]
    if moved:
        # A pixel turned in its place, by some 0.01 pixels at its borders, is all that differs.
        assert relative_error(*changes) < 0.1
    assert (float(changes[0].detach().norm()) > 0.02) == bool(moved)


def test_a_mask_moved_up_by_a_pixel_is_met_by_the_next_number():
    numbers = AFDF((5,), dtype=torch.complex128)
    with torch.no_grad():
        numbers.a.copy_(torch.arange(1, 6))
        numbers.d.fill_(1)
    x = torch.ones(5, dtype=torch.complex128)
    got = out(realise(numbers, BENCH), x, {"input_mask.shift_x": PITCH})
    assert relative_error(got, torch.arange(5.0)) < 1e-12


CONTINUOUS = [n for n, v in Imperfections().values().items() if v == 0.0 and isinstance(v, float)]
SETTINGS = {"input_device.crosstalk", "fourier_device.crosstalk"}  # no tensors
READ_ALONE = {"light.intensity_noise", "light.stray"}
FIELD = [n for n in CONTINUOUS if n not in READ_ALONE | SETTINGS]
LAYERS = [("ACDC", (5,)), ("ACDC", (3, 2)), ("AFDF", (4,)), ("AFDF", (3, 2))]
layers = pytest.mark.parametrize(("kind", "shape"), LAYERS)


@layers
@pytest.mark.parametrize("single", [False, True], ids=["float64", "float32"])
def test_nothing_wrong_is_the_layer_to_the_last_bit(kind, shape, single):
    dtypes = {False: (torch.float64, torch.complex128), True: (torch.float32, torch.complex64)}
    optical, x = realised(kind, shape, dtype=dtypes[single][kind == "AFDF"])
    perfect = optical(x)
    assert torch.equal(out(optical, x, dict.fromkeys(CONTINUOUS, 0.0)), perfect)
    zero = torch.zeros((), dtype=torch.float64)
    for names in (set(FIELD) - {"light.divergence", "light.bandwidth"}, {"light.bandwidth"}):
        got = out(optical, x, dict.fromkeys(sorted(names), zero), nodes=2)
        assert torch.equal(got, perfect)
    for which in ("modulator.shift_x", "input_mask.shift_x", "fourier_device.edge_growth", "light.wavelength"):
        got = out(optical, x, {which: torch.zeros(2, dtype=torch.float64)}, nodes=2)
        assert torch.equal(got, perfect.expand(2, *perfect.shape))


@pytest.mark.parametrize("draws", [(), (1,)])
def test_gradients_where_nothing_is_wrong_are_the_layers(draws):
    optical, x = realised("ACDC", (3, 2))
    inputs = x.clone().requires_grad_(), optical.layer.a, optical.layer.d
    nothing = {"camera.shift_x": torch.zeros(draws, dtype=torch.float64)}
    seed = torch.randn(x.shape, dtype=x.dtype)
    wanted = torch.autograd.grad((optical(inputs[0]) * seed).sum(), inputs)
    there = ImperfectLayer(optical, Imperfections().changed(nothing))
    got = torch.autograd.grad((there(inputs[0]) * seed).sum(), inputs)
    for one, other in zip(got, wanted, strict=True):
        assert relative_error(one, other) < 1e-11  # of the bench's integrals


@pytest.mark.parametrize("name", FIELD)
def test_each_zero_is_the_layer_to_the_last_bit_and_has_its_slope(name):
    optical, x = realised("AFDF", (3, 2))
    relative = ("focal_length", "tilt_x", "tilt_y", "depth", "reflectance", "rotation", "divergence")
    unit = 1e-6 if name.endswith(relative) else 1e-10 if not name.startswith("light") else 1e-11
    # Of the etch only what the relief has changes when its last level moves.
    extra = {name.split(".")[0] + ".etches": 2} if "overlay" in name else {}
    probe = inputs(optical.layer, 2, seed=5)

    def value(size: float) -> torch.Tensor:
        wrong = Imperfections().changed({name: size, **extra})
        return (ImperfectLayer(optical, wrong, nodes=2)(x) * probe).real.sum()

    zero = torch.zeros((), dtype=torch.float64, requires_grad=True)
    wrong = Imperfections().changed({name: zero, **extra})
    y = ImperfectLayer(optical, wrong, nodes=2)(x)
    assert torch.equal(y, optical(x)) or extra
    (slope,) = torch.autograd.grad((y * probe).real.sum(), zero)
    with torch.no_grad():
        # One-sided, for what can only grow or has another slope when it shrinks. From what two nodes give for next to
        # nothing, for that is some 1e-2 from the layer itself.
        at = [value(size) for size in (1e-12 * unit, unit / 2, unit)]
        slopes = (4 * at[1] - at[2] - 3 * at[0]) / unit
    assert float(slope) == pytest.approx(float(slopes), rel=1e-2, abs=2e-3 * float(y.detach().norm() * probe.norm()))


GROW = {
    "modulator.shift_x": PITCH / 2,
    "modulator.defocus": 5e-4,
    "modulator.rotation": 0.01,
    "input_mask.shift_x": PITCH / 2,
    "fourier_mask.shift_x": 4e-4,
    "fourier_mask.defocus": 2e-2,
    "camera.shift_x": PITCH / 2,
    "camera.defocus": 5e-4,
    "first_lens.shift_y": PITCH / 2,
    "first_lens.focal_length": 5e-3,
    "second_lens.tilt_x": 0.05,
    "second_lens.focal_length": 5e-3,
    "fourier_device.flatness": 5e-8,
    "fourier_device.gap_reflectance": 0.5,
    "fourier_device.etch_depth": 0.1,
    "light.wavelength": 1e-8,
    "light.divergence": 1e-3,
    "light.bandwidth": 1e-8,
}


@pytest.mark.parametrize("name", GROW)
def test_the_error_grows_with_the_size(name):
    optical, x = realised("AFDF", (3, 2))
    sizes = GROW[name] * torch.tensor([1 / 16, 1 / 4, 1 / 2, 1], dtype=torch.float64)
    perfect = optical(x)
    errors = [relative_error(y, perfect) for y in out(optical, x, {name: sizes}, nodes=4)]
    assert errors[0] > 1e-6
    assert errors == sorted(errors)


def test_the_error_falls_with_the_bits():
    for kind, name in (("ACDC", "amplitude_bits"), ("AFDF", "phase_bits")):
        optical, x = realised(kind, (6, 4))
        perfect = optical(x)
        errors = [relative_error(out(optical, x, {f"fourier_device.{name}": bits}), perfect) for bits in (2, 4, 6, 8)]
        assert errors == sorted(errors, reverse=True)
        assert errors[-1] < errors[0] / 20  # by 64 if steps were even at random


@layers
def test_draws_together_are_those_one_by_one(kind, shape):
    optical, x = realised(kind, shape)
    sizes = {
        n: v for n, v in GROW.items() if n not in {"light.divergence", "light.bandwidth", "input_device.crosstalk"}
    }
    sizes = {n: v / 4 for n, v in sizes.items() if len(shape) == 2 or not n.endswith(("_y", ".rotation"))}
    spread = {n: Uniform(v) if "reflectance" in n or "flatness" in n else Normal(v) for n, v in sizes.items()}
    start = Imperfections().changed({"fourier_device.gap_reflectance": 0.5, "fourier_device.flatness": 5e-8})
    several = drawn(start, spread, seed=1, draws=range(3))
    with torch.no_grad():
        together = ImperfectLayer(optical, several, nodes=4)(x)
        assert together.shape == (3, 2, *shape)
        for draw, own in enumerate(together):
            alone = ImperfectLayer(optical, drawn(start, spread, seed=1, draws=[draw]), nodes=4)(x)
            # Turned planes: as many powers are followed as the largest rotation needs, to 1e-7 of the corners' light.
            assert relative_error(own, alone[0]) < 1e-7
            assert draw == 0 or relative_error(own, together[0]) > 1e-3


SOME = {
    "light.wavelength": 1e-9,
    "first_lens.focal_length": 2e-3,
    "fourier_mask.defocus": 1e-3,
    "input_mask.shift_x": 1e-6,
}
PARTS = ("modulator", "fourier_mask", "camera", "first_lens", "second_lens")


@layers
def test_a_bench_that_is_moved_as_a_whole_is_the_same(kind, shape):
    optical, x = realised(kind, shape)
    axes = ("y", "x")[-len(shape) :]
    moved = {f"{part}.shift_{axis}": v for axis, v in zip(axes, (3e-4, -2e-4), strict=False) for part in PARTS}
    if len(shape) == 2:
        moved |= {f"{part}.rotation": 0.3 for part in PARTS[:3]}
    assert relative_error(out(optical, x, {**SOME, **moved}), out(optical, x, SOME)) < 1e-11
    alone = {n: v for n, v in moved.items() if not n.startswith("camera") and "rotation" not in n}
    assert relative_error(out(optical, x, {**SOME, **alone}), out(optical, x, SOME)) > 0.1


@layers
@pytest.mark.parametrize("light", [{"light.wavelength": 1e-9}, {"light.divergence": 3e-4}], ids=["laser", "lamp"])
def test_a_camera_that_follows_the_image_sees_the_same(kind, shape, light):
    """Light from all places of the source adds up as before: the phases of its beams go with the table."""
    optical, x = realised(kind, shape)
    both = {"modulator.shift_x": 3e-6, "camera.shift_x": -3e-6, "modulator.defocus": 1e-3, "camera.defocus": 1e-3}
    assert relative_error(out(optical, x, {**light, **both}, nodes=2), out(optical, x, light, nodes=2)) < 1e-12


def test_it_is_linear_but_for_light_from_gaps():
    optical, x = realised("ACDC", (3, 2))
    a, b = x
    for values in ({**BOTH, **TURNED}, {**BOTH, **GAPS, "modulator_device.full_scale": 20.0}):
        both, one, other, none = out(optical, torch.stack((2 * a - 3 * b, a, b, 0 * a)), values)
        linear = 2 * one - 3 * other
        assert relative_error(both, linear + 2 * none) < 1e-12  # 1 - 2 + 3
        assert (float(none.norm()) > 1e-3) == ("input_device.gap_reflectance" in values)


@pytest.mark.parametrize("shape", [(5,), (3, 2)])
@pytest.mark.parametrize("full_scale", [None, 3.0])
def test_numbers_have_no_unit(shape, full_scale):
    """Inputs four times as large, with the number for which pixels are open, give outputs four times as large."""
    optical, x = realised("AFDF", shape)
    values = {n: v for n, v in {**ALONG_X, **GAPS, **BITS}.items() if "overlay" not in n}
    large = values
    if full_scale is not None:
        values, large = ({**values, "modulator_device.full_scale": f} for f in (full_scale, 4 * full_scale))
    assert relative_error(out(optical, 4 * x, large), 4 * out(optical, x, values)) < 1e-14


def test_gaps_shine_as_bright_as_open_pixels():
    """An input of one number everywhere, behind a mask A that lets all through, has no gaps if they reflect all."""
    optical, _ = realised("ACDC", (3, 2))
    with torch.no_grad():
        optical.layer.a.fill_(1.0)
    even = torch.full((1, 3, 2), 5.0, dtype=torch.float64)
    gaps = Imperfections(input_device={"gap_reflectance": 1.0})
    (path,) = ImperfectLayer(optical, gaps).paths(even, optical.masks())
    mask_a = optical.masks().input_mask.abs()
    assert torch.allclose(mask_a, torch.ones_like(mask_a))
    assert torch.allclose(path.shown.abs(), torch.full_like(path.shown, 5.0))


@pytest.mark.parametrize("shape", [(5,), (3, 2)])
def test_gaps_in_many_benches_at_once(shape):
    """Mask A is cut elsewhere on each bench, and all inputs meet each of them."""
    optical, x = realised("ACDC", shape)
    names = ["input_mask.shift_x", "camera.shift_x"]
    drawn = {name: torch.tensor([1e-6, -2e-6, 3e-6], dtype=torch.float64) for name in names}
    together = out(optical, x, {**GAPS, **drawn})
    assert together.shape == (3, *x.shape)
    for number, own in enumerate(together):
        alone = out(optical, x, {**GAPS, **{name: float(each[number]) for name, each in drawn.items()}})
        assert relative_error(own, alone) < 1e-13


def test_nodes_converge():
    optical, x = realised("ACDC", (3, 2))
    wanted = out(optical, x, {**BOTH, **TURNED}, nodes=10)
    errors = [relative_error(out(optical, x, {**BOTH, **TURNED}, nodes=n), wanted) for n in (2, 4, 6, 8)]
    assert all(fine < coarse / 20 for coarse, fine in pairwise(errors) if coarse > 1e-10)
    assert errors[-1] < 1e-9


def test_single_precision_follows():
    for values in ({**BOTH, **GAPS}, {**BOTH, **TURNED}):
        single, x = realised("ACDC", (3, 2), dtype=torch.float32)
        got = out(single, x, values)
        assert got.dtype is torch.float32
        double = realise(single.layer.double(), BENCH)
        # Some hundred roundings; of the masks, too.
        assert relative_error(got, out(double, x.double(), values)) < 1e-5


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_everything_follows_the_device():
    for kind, shape in LAYERS:
        optical, x = realised(kind, shape)
        values = {**ALONG_X, **TILTS, **(GAPS if len(shape) == 1 else {**GAPS, **TURNED})}
        wanted = out(optical, x, values)
        optical.to("cuda")
        got = out(
            optical, x.cuda(), {n: torch.tensor(v, device="cuda") if "shift" in n else v for n, v in values.items()}
        )
        assert got.is_cuda
        assert relative_error(got.cpu(), wanted) < 1e-11


def test_one_quadrature_of_complex_outputs_is_no_output():
    optical, x = realised("AFDF", (4,))
    with pytest.raises(ValueError, match="take a reading in four steps"):
        ImperfectLayer(optical, Imperfections(), reading=lambda field: field.real)(x)
    ImperfectLayer(realised("ACDC", (4,))[0], Imperfections(), reading=lambda field: field.real)(x.real)
