"""One exposure of a bench: photons by hand, noise by its closed form, seeds, and what cannot be."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from acdc_optical import Bench, Camera, Imperfections, ImperfectLayer, Laser, realise
from acdc_optical.budgets.exposure import exposure_of
from optics import BalancedHomodyne, GaussianShot, Noiseless, Poisson, Sensor
from tests.realisation.cases import bench, inputs, layer, relative_error

PLANCK, LIGHT_SPEED = 6.62607015e-34, 299792458.0
POWER, TIME = 2e-9, 3e-3


def table(read_out: str = "homodyne", **camera) -> Bench:
    laser = camera.pop("laser", Laser(power=POWER))
    return bench(laser=laser, camera=Camera(fill=0.9, exposure=TIME, read_out=read_out, **camera))


def read(table: Bench, shape: tuple[int, ...] = (4,), **options):
    optical = realise(layer("ACDC", shape, seed=2), table)
    return optical, exposure_of(table, optical.masks().planes, **options)


def test_photons_are_counted_by_hand():
    """P·t/(hc/λ) photons, shared by 8 or 6 × 4 pixels of the modulator, of which a camera pixel sees a part."""
    photons = POWER * TIME / (PLANCK * LIGHT_SPEED / 633e-9)
    for shape, pixels, area in (((4,), 8, 0.9), ((3, 2), 24, 0.81)):
        _, exposure = read(table(), shape)
        assert exposure.amplitude**2 == pytest.approx(photons / pixels * area, rel=1e-12)
        assert read(table(), shape, full_scale=4.0)[1].amplitude == pytest.approx(exposure.amplitude / 4, rel=1e-12)
    assert 1e6 < photons / 8 < 1e7


def test_a_pixel_that_sends_all_its_light_is_read_as_that():
    """By a camera without noise: the field itself, whatever the power is."""
    optical, exposure = read(table(), shot=Noiseless())
    x = inputs(optical.layer, 3)
    got = ImperfectLayer(optical, reading=exposure)(x)
    # The reference is a thousand times as strong as the signal, and takes away three digits.
    assert relative_error(got, optical(x)) < 1e-11


@pytest.mark.parametrize(("read_out", "share"), [("homodyne", 1.0), ("four-step", 2.0)], ids=["homodyne", "four steps"])
def test_the_noise_of_the_output_is_the_closed_form(read_out, share):
    """Var(Re E) of optics.detection.readout, of the mean of two mirrored pixels, times (gain/amplitude)²."""
    efficiency, noise, dark = 0.6, 4.0, 500.0
    camera = {"quantum_efficiency": efficiency, "read_noise": noise, "dark_current": dark}
    wrong = Imperfections().changed({"light.stray": 0.5})
    reference = 40 * POWER
    one = table(read_out, laser=Laser(power=POWER / 1e3, reference=reference / 1e3), **camera)
    optical, exposure = read(one, wrong=wrong, shot=GaussianShot())
    x = inputs(optical.layer).expand(20000, -1)
    with torch.no_grad():
        y = ImperfectLayer(optical, wrong, reading=exposure)(x)
        masks = optical.masks()
        field = ImperfectLayer(optical).arriving(x[:1], masks)[0] * exposure.amplitude
    photons = TIME / (PLANCK * LIGHT_SPEED / 633e-9) * 0.9 / 8
    r2, stray, d = reference / 1e3 * photons, 0.5 * POWER / 1e3 * photons, dark * TIME
    signal = field.abs().square()
    variance = share * (1 + signal / r2) / (4 * efficiency) + stray / (2 * efficiency * r2)
    variance = variance + share**2 * (noise**2 + d) / (2 * efficiency**2 * r2)
    mirrored = (variance[:4].flip(0) + variance[4:]) / 4
    wanted = mirrored * (float(masks.gain) / exposure.amplitude) ** 2
    # 20 000 draws tell a variance to 1 %, five deviations of it here; its mean to its root over 141.
    assert torch.allclose(y.var(0), wanted, rtol=0.05)
    assert ((y.mean(0) - optical(x[0])).abs() < 5 * wanted.sqrt() / 141).all()


def test_more_light_is_less_noise():
    errors = []
    for factor in (1e-4, 1e-2, 1.0):
        optical, exposure = read(table(laser=Laser(power=POWER * factor)))
        x = inputs(optical.layer, 500)
        with torch.no_grad():
            errors.append(relative_error(ImperfectLayer(optical, reading=exposure)(x), optical(x)))
    # As the root of the light.
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(10, rel=0.1)


def test_seeds_tell_the_noise():
    optical, exposure = read(table())
    x = inputs(optical.layer, 5)
    with torch.no_grad():
        first, again, other = (ImperfectLayer(optical, reading=e)(x) for e in (exposure, exposure, exposure.seeded(7)))
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
        # Each bench has its own, whatever stands beside it.
        shifts = torch.tensor([1e-6, 2e-6], dtype=torch.float64)
        both = ImperfectLayer(
            optical, Imperfections().changed({"camera.shift_x": shifts}), reading=exposure.seeded(3, 7)
        )(x)
        alone = ImperfectLayer(
            optical, Imperfections().changed({"camera.shift_x": shifts[1:]}), reading=exposure.seeded(7)
        )(x)
    assert relative_error(both[1], alone[0]) < 1e-12
    with pytest.raises(ValueError, match="a seed for each of 5 benches; got 2"):
        ImperfectLayer(optical, reading=exposure.seeded(1, 2))(x)


def test_the_reference_fills_half_a_well_or_is_what_is_given():
    ports = {"homodyne": 2, "four-step": 4}
    for read_out, count in ports.items():
        _, exposure = read(table(read_out, full_well=2e4, quantum_efficiency=0.5))
        # r²/ports photons on each port or step: half of the electrons that a pixel holds.
        assert exposure.readout.reference**2 / count * 0.5 == pytest.approx(1e4)
        (frame, *_) = exposure.readout.frames(torch.zeros(1, dtype=torch.complex128))
        assert float(frame) * 0.5 == pytest.approx(1e4)
    _, exposure = read(table(laser=Laser(power=POWER, reference=POWER)))
    assert exposure.readout.reference == pytest.approx(exposure.amplitude, rel=1e-12)  # as many pixels, as much light
    _, exposure = read(table())
    assert exposure.readout.reference**2 == pytest.approx(1e3 * exposure.amplitude**2)


def test_the_laser_fluctuates_from_input_to_input():
    """All pixels of an input see the same power; 400 inputs show its spread to a twentieth, 1.4 of its own error."""
    optical, exposure = read(table())
    noisy = replace(exposure, readout=BalancedHomodyne(1e3, Sensor()), intensity_noise=0.02)
    field = torch.ones(400, *optical.masks().planes.camera.cells, dtype=torch.complex128)
    powers = noisy(field)
    assert float(powers.flatten(1).std(1).max()) < 1e-9
    assert float(powers.flatten(1)[:, 0].std()) == pytest.approx(0.02, rel=0.05 * 2)


def test_what_the_bench_says_is_wrong_is_read():
    wrong = Imperfections().changed({"light.stray": 0.25, "light.intensity_noise": 0.01})
    optical, exposure = read(table().replace(imperfections=wrong))
    assert exposure.readout.stray == pytest.approx(0.25 * exposure.amplitude**2)
    assert exposure.intensity_noise == 0.01
    assert isinstance(exposure.readout.sensor.shot, Poisson)
    assert read(table().replace(imperfections=wrong), wrong=Imperfections())[1].readout.stray == 0
    assert math.isinf(exposure.readout.sensor.full_well)
    with pytest.raises(ValueError, match="noise of a camera's reading"):
        ImperfectLayer(optical)


@pytest.mark.parametrize("missing", ["power", "exposure", "read_out"])
def test_a_bench_that_counts_no_photons_is_refused(missing):
    whole = table()
    changed = {
        "power": whole.replace(laser=Laser()),
        "exposure": whole.replace(camera=Camera(fill=0.9, read_out="homodyne")),
        "read_out": whole.replace(camera=Camera(fill=0.9, exposure=TIME)),
    }[missing]
    with pytest.raises(ValueError, match=r"laser\.power.*camera\.exposure.*camera\.read_out"):
        read(changed)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf])
def test_a_full_scale_that_is_none_is_refused(scale):
    planes = realise(layer("ACDC", (4, 4)), table()).masks().planes
    with pytest.raises(ValueError, match="full_scale"):
        exposure_of(table(), planes, full_scale=scale)
