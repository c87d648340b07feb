"""How the modulator shows the numbers of an input: in steps, and up to full scale."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from acdc_optical import Bench, Imperfections, ImperfectLayer, Normal, as_built, realise, tolerance, waterfall
from acdc_optical.benches.imperfections import DisplayErrors
from acdc_optical.budgets.exposure import exposure_of
from acdc_optical.budgets.photon_budget import light_reaching, photon_budget
from acdc_optical.imperfect.operator import ImperfectMatrix
from acdc_optical.imperfect.real_devices import displayed
from acdc_optical.verification import default_probes
from tests.imperfect.oracle import steps
from tests.realisation.cases import bench, inputs, layer, relative_error, scattered

BITS = "modulator_device.amplitude_bits"
FULL = "modulator_device.full_scale"


class TestNumbers:
    @pytest.mark.parametrize("kind", ["ACDC", "AFDF"])
    @pytest.mark.parametrize(("bits", "full"), [(1, None), (3, None), (8, 2.0), (None, 0.7), (4, 0.5)])
    def test_are_the_nearest_steps(self, kind, bits, full):
        x = inputs(scattered(kind, (2, 3)).layer, 4)
        shown = displayed(DisplayErrors(amplitude_bits=bits, full_scale=full), x, 2)
        for one, own in zip(x, shown, strict=True):
            size = steps(DisplayErrors(amplitude_bits=bits, full_scale=full), float(one.abs().max()))
            wanted = torch.tensor([size(n) for n in one.flatten().tolist()], dtype=x.dtype)
            assert torch.allclose(own.flatten(), wanted, rtol=0, atol=1e-15 * float(one.abs().max()))

    def test_nothing_wrong_is_the_same_tensor(self):
        x = torch.randn(3, 4)
        assert displayed(DisplayErrors(), x, 1) is x

    def test_of_nothing_nothing_is_shown(self):
        x = torch.zeros(2, 4)
        assert torch.equal(displayed(DisplayErrors(amplitude_bits=2), x, 1), x)

    def test_each_input_has_a_scale_of_its_own_unless_it_is_given(self):
        x = torch.tensor([[1.0, 0.5], [4.0, 0.5]])
        assert torch.equal(displayed(DisplayErrors(amplitude_bits=1), x, 1), torch.tensor([[1.0, 0.0], [4.0, 0.0]]))
        fixed = displayed(DisplayErrors(amplitude_bits=1, full_scale=2.0), x, 1)
        assert torch.equal(fixed, torch.tensor([[0.0, 0.0], [2.0, 0.0]]))  # half a step: to the even one

    def test_gradients_pass_through_steps_and_not_where_numbers_are_cut_off(self):
        x = torch.tensor([0.3, -0.9, 1.5, -7.0], dtype=torch.float64, requires_grad=True)
        displayed(DisplayErrors(amplitude_bits=3, full_scale=1.0), x, 1).sum().backward()
        assert torch.allclose(x.grad, torch.tensor([1.0, 1.0, 0.0, 0.0], dtype=torch.float64), atol=1e-15)

    @pytest.mark.parametrize("changes", [{"amplitude_bits": 0}, {"amplitude_bits": 17}, {"full_scale": 0.0}])
    def test_out_of_range(self, changes):
        with pytest.raises(ValueError, match=next(iter(changes))):
            DisplayErrors(**changes)


class TestLayer:
    @pytest.mark.parametrize("shape", [(6,), (3, 4)])
    @pytest.mark.parametrize("kind", ["ACDC", "AFDF"])
    def test_computes_what_is_shown(self, kind, shape):
        optical = scattered(kind, shape)
        x = inputs(optical.layer, 2, 3)
        wrong = Imperfections(modulator_device={"amplitude_bits": 4})
        shown = displayed(wrong.modulator_device, x, len(shape))
        # The integrals of the imperfect bench against the closed form of the perfect one.
        assert relative_error(ImperfectLayer(optical, wrong)(x), optical(shown)) < 1e-12
        aside = wrong.changed({"camera.shift_x": 2e-6})
        moved = ImperfectLayer(optical, Imperfections(camera={"shift_x": 2e-6}))
        assert relative_error(ImperfectLayer(optical, aside)(x), moved(shown)) < 1e-14

    def test_the_matrix_is_the_layer(self):
        optical = scattered("ACDC", (3, 4))
        x = inputs(optical.layer, 5)
        wrong = Imperfections(modulator_device={"amplitude_bits": 3, "full_scale": 1.0}, camera={"shift_x": 2e-6})
        there = ImperfectLayer(optical, wrong)
        assert relative_error(ImperfectMatrix(there)(x), there(x)) < 1e-12

    def test_error_falls_with_bits_as_that_of_even_steps(self):
        """Of steps of 1/(2^b - 1) the rms error is that over √12, beside inputs of the rms that they have."""
        optical = realise(layer("ACDC", (16, 16)), Bench.preset())
        x = inputs(optical.layer, 20)
        errors = []
        for bits in (2, 4, 6, 8, 10):
            wrong = Imperfections(modulator_device={"amplitude_bits": bits})
            errors.append(relative_error(ImperfectLayer(optical, wrong)(x), optical.layer(x)))
            if bits >= 4:
                steps = x.abs().amax((-2, -1)) / (2**bits - 1) / math.sqrt(12)
                # 5,000 rounded numbers leave 1/√10000 of their rms; the layer near the identity weighs them unevenly.
                assert errors[-1] == pytest.approx(
                    float(steps.square().mean().sqrt() / x.square().mean().sqrt()), rel=0.05
                )
        assert errors == sorted(errors, reverse=True)

    def test_networks_train_through_it(self):
        optical = scattered("ACDC", (4,))
        x = inputs(optical.layer, 2).requires_grad_()
        nn.Sequential(ImperfectLayer(optical, Imperfections(modulator_device={"amplitude_bits": 2})))(
            x
        ).sum().backward()
        assert x.grad.abs().min() > 0


class TestBench:
    def test_steps_are_those_of_the_exposures_scale(self):
        table = bench(
            imperfections=Imperfections(modulator_device={"amplitude_bits": 3}),
            laser={"power": "1 mW"},
            camera={"fill": 0.9, "exposure": "1 ms", "read_out": "four-step"},
        )
        optical = realise(layer("ACDC", (4,)), table)
        there = as_built(optical, full_scale=5.0)
        x = inputs(optical.layer, 3)
        wanted = displayed(DisplayErrors(amplitude_bits=3), x, 1, full_scale=5.0)
        assert torch.equal(there.displayed(x), wanted)
        assert not torch.equal(ImperfectLayer(optical).displayed(x), wanted)
        assert photon_budget(there, x).full_scale == 5.0

    def test_the_benchs_own_scale_goes_before(self):
        own = bench(
            imperfections=Imperfections(modulator_device={"full_scale": 2.0}),
            laser={"power": "1 mW"},
            camera={"fill": 0.9, "exposure": "1 ms", "read_out": "four-step"},
        )
        optical = realise(layer("ACDC", (4,)), own)
        planes, x = optical.masks().planes, inputs(optical.layer, 20)
        perfect = own.replace(imperfections=Imperfections())
        assert exposure_of(own, planes) == exposure_of(perfect, planes, full_scale=2.0)
        there = as_built(optical, full_scale=5.0)
        assert there.full_scale == 2.0
        field = optical.with_model(optical.model)  # as of a camera that reads the field
        budgets = [photon_budget(each, x) for each in (there, ImperfectLayer(field))]
        assert budgets[0].per_pixel == pytest.approx(budgets[1].per_pixel, rel=1e-5)  # of four nodes and of eight
        assert "cut off" in budgets[0].note

    @pytest.mark.parametrize("scale", [0, -1.0, math.nan, None, "1"])
    def test_a_scale_that_is_none(self, scale):
        with pytest.raises(ValueError, match="full_scale"):
            as_built(scattered("ACDC", (4,)), full_scale=scale)

    def test_cut_off_numbers_have_a_row_of_their_own(self):
        optical = realise(layer("ACDC", (4, 4)), Bench.preset())
        x = inputs(optical.layer, 4)
        wrong = Imperfections(modulator_device={"amplitude_bits": 8, "full_scale": 1.0}, camera={"shift_x": 1e-7})
        found = waterfall(optical.layer, ImperfectLayer(optical, wrong), x)
        errors = {row.name.split(" ")[0]: row.error for row in found.single}
        cut = x.clamp(-1, 1)
        assert errors[FULL] == pytest.approx(relative_error(optical.layer(cut), optical.layer(x)), rel=1e-9)
        nearest = steps(DisplayErrors(amplitude_bits=8, full_scale=1.0), 1.0)
        stepped = cut.clone().apply_(nearest)
        assert errors[BITS] == pytest.approx(relative_error(optical.layer(stepped), optical.layer(cut)), rel=1e-9)
        # Beside what is cut off, the others change the whole by no more than themselves.
        others = errors[BITS] + errors["camera.shift_x"]
        assert found.quadrature == pytest.approx(found.together.error, abs=others)

    def test_light_used_is_that_of_what_is_shown(self):
        optical = realise(layer("ACDC", (4, 4)), Bench.preset())
        x = inputs(optical.layer, 4)
        cut = ImperfectLayer(optical, Imperfections(modulator_device={"full_scale": 0.5}))
        there = ImperfectLayer(optical, Imperfections(camera={"shift_x": 1e-12}))
        assert light_reaching(cut, x) == pytest.approx(light_reaching(there, x.clamp(-0.5, 0.5)), rel=1e-9)

    def test_tensors_are_refused(self):
        with pytest.raises(ValueError, match="full_scale"):
            DisplayErrors(full_scale=torch.tensor(2.0))

    def test_it_has_a_row_and_a_share_of_the_errors_of_draws(self):
        optical = realise(layer("ACDC", (4, 4)), Bench.preset())
        wrong = Imperfections(modulator_device={"amplitude_bits": 3})
        (row,) = waterfall(optical.layer, ImperfectLayer(optical, wrong), default_probes(optical.layer, (4, 4))).single
        assert row.name == f"{BITS} 3"
        assert 0.03 < row.error < 0.2
        found = tolerance(
            realise(optical.layer, Bench.preset().replace(imperfections=wrong)),
            {"camera.shift_x": Normal(1e-12)},
            draws=2,
        )
        assert found.errors.tolist() == pytest.approx([row.error] * 2, rel=1e-4)
