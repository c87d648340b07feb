"""The design file: what goes in comes out, and nothing else is believed."""

import copy
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from acdc_optical import (
    ACDC,
    AFDF,
    Bench,
    Ideal,
    OnePixel,
    OpticalCascade,
    Permutation,
    PhaseOnly,
    Quantised,
    Sampled,
    SignedAmplitude,
    SoftStaircase,
    nearest_layer,
    realise,
    realise_each,
    trainable_masks,
)
from acdc_optical.design import Design


def _network(dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    network = nn.Sequential(
        ACDC((4, 5), bias=True, generator=generator),
        nn.ReLU(),
        Permutation((4, 5), seed=3),
        nn.Dropout(),
        ACDC((4, 5), generator=generator),
        nn.Flatten(),
        nn.Linear(20, 3),
    )
    nn.init.normal_(network[0].bias, generator=generator)
    return network.to(dtype).eval()


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "network.design"
    Design.of(_network(), Bench.preset()).save(path)
    return path


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_a_network_round_trips_and_computes_the_same(tmp_path, dtype):
    network = _network(dtype)
    Design.of(network, Bench.preset()).save(tmp_path / "d")
    design = Design.load(tmp_path / "d")
    x = torch.randn(6, 4, 5, dtype=dtype)
    assert torch.equal(design.network(x), network(x))
    tolerance = 1e-12 if dtype == torch.float64 else 1e-5  # rounding of two layers
    for model in (None, Ideal()):
        error = (design.realise(model)(x) - network(x)).norm() / network(x).norm()
        assert error < tolerance
        assert design.realise(model)(x).dtype == dtype


def test_complex_layers_and_masks_round_trip(tmp_path):
    layer = AFDF(7, bias=True, dtype=torch.float64)
    design = Design.of(layer, Bench.preset(), method=Sampled())
    design.save(tmp_path / "d")
    again = Design.load(tmp_path / "d")
    assert torch.equal(again.stages[0].d, layer.d)
    assert torch.equal(again.masks[0].fourier_mask, design.masks[0].fourier_mask)
    assert again.masks[0].planes == design.masks[0].planes
    assert again.masks[0].gain == design.masks[0].gain
    assert again.bench == design.bench
    x = torch.randn(2, 7, dtype=torch.complex128)
    expected = realise(layer, Bench.preset(), method=Sampled())(x)
    assert torch.allclose(again.realise()[0](x), expected, rtol=0, atol=1e-14)


def test_the_masks_in_the_file_are_the_masks_simulated(tmp_path):
    design = Design.of(_network(), Bench.preset())
    design.masks[0].fourier_mask[:, 3] = 0  # a scratch
    design.save(tmp_path / "d")
    x = torch.randn(2, 4, 5, dtype=torch.float64)
    again = Design.load(tmp_path / "d")
    assert (again.realise()(x) - again.network(x)).norm() > 1e-3 * again.network(x).norm()


def test_a_damaged_file_is_refused_wherever_it_is_damaged(saved):
    whole = saved.read_bytes()
    generator = torch.Generator().manual_seed(0)
    places = torch.randint(len(whole), (40,), generator=generator).tolist()
    for place in [0, 8, 9, len(whole) - 1, *places]:
        broken = bytearray(whole)
        broken[place] ^= 0x10
        saved.write_bytes(broken)
        with pytest.raises(ValueError, match=str(saved)) as caught:
            Design.load(saved)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", [0, 4, 100, -1])
def test_a_truncated_file_is_refused(saved, length):
    saved.write_bytes(saved.read_bytes()[:length])
    with pytest.raises(ValueError, match="damaged or truncated"):
        Design.load(saved)


def test_foreign_and_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such design file"):
        Design.load(tmp_path / "none")
    save_file({"weight": torch.ones(2)}, tmp_path / "foreign")
    with pytest.raises(ValueError, match="not a design of acdc-optical"):
        Design.load(tmp_path / "foreign")


def test_another_schema_is_refused(saved):
    content = saved.read_bytes()
    newer = content.replace(b'schema_version\\":1', b'schema_version\\":7')
    assert newer != content
    saved.write_bytes(newer)
    with pytest.raises(ValueError, match=r"design schema 7; this version .* reads schema 1"):
        Design.load(saved)


def _ramp(parameter):
    ramp = torch.arange(1, parameter.numel() + 1, dtype=torch.float64).reshape(parameter.shape) / parameter.numel()
    return torch.complex(ramp, -ramp) if parameter.is_complex() else ramp


def test_a_design_written_by_the_first_version_is_read():
    """The file was made when schema 1 was; its network has ramps for parameters, its masks are sampled."""
    design = Design.load(Path(__file__).parent / "fixtures" / "design_schema_1.safetensors")
    expected = nn.Sequential(
        ACDC((2, 3), bias=True), nn.ReLU(), Permutation((2, 3), seed=3), nn.Flatten(), nn.Linear(6, 4), AFDF(4)
    ).double()
    with torch.no_grad():
        for parameter in expected.parameters():
            parameter.copy_(_ramp(parameter))
    assert str(design.network) == str(expected)
    assert design.network.state_dict().keys() == expected.state_dict().keys()
    for name, value in expected.state_dict().items():
        assert design.network.state_dict()[name].dtype == value.dtype
        assert torch.equal(design.network.state_dict()[name], value), name
    compiled = Design.of(expected, Bench.preset(), method=Sampled())
    for read, made in zip(design.masks, compiled.masks, strict=True):
        assert (read is None) == (made is None)
        if made:
            assert torch.allclose(read.fourier_mask, made.fourier_mask, rtol=1e-10, atol=0)
            assert torch.allclose(read.input_mask, made.input_mask, rtol=1e-10, atol=0)
            assert read.planes == made.planes


def test_a_module_that_no_design_can_hold_is_named():
    with pytest.raises(TypeError, match=r"MaxPool2d.* modules; got GELU"):
        Design.of(nn.Sequential(ACDC(4), nn.GELU()), Bench.preset())


@pytest.mark.parametrize(
    "module",
    [
        nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=2, groups=2, bias=False),
        nn.Conv2d(4, 3, 3, padding="same", padding_mode="circular"),
        nn.MaxPool2d(3, stride=(2, 1), padding=1, dilation=2, ceil_mode=True),
        nn.AvgPool2d((2, 3), stride=2, padding=(1, 1), ceil_mode=True, count_include_pad=False),
        nn.AvgPool2d(2, divisor_override=3),
        nn.Unflatten(1, (2, 2)),
        nn.Unflatten(-1, (3, 3)),
        nn.ZeroPad1d((1, 2)),
        nn.ZeroPad2d((0, 1, 2, 3)),
        nn.Flatten(2),
        nn.Linear(9, 2, bias=False),
    ],
    ids=str,
)
def test_electronics_round_trips_to_the_last_bit(tmp_path, module):
    x = torch.randn(2, 4, 9, 9, generator=torch.Generator().manual_seed(0))
    Design.of(nn.Sequential(ACDC((9, 9)), module), Bench.preset()).save(tmp_path / "d")
    again = Design.load(tmp_path / "d").stages[1]
    assert str(again) == str(module)
    assert torch.equal(again(x), module(x))


def test_writing_is_atomic(saved, monkeypatch):
    before = saved.read_bytes()

    def failing(tensors, path, metadata):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr("acdc_optical.tensors.save_file", failing)
    with pytest.raises(OSError, match="disk full"):
        Design.of(ACDC(4), Bench.preset()).save(saved)
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == [saved.name]


def test_a_design_is_a_copy():
    network = _network()
    x = torch.randn(2, 4, 5, dtype=torch.float64)
    expected = network(x)
    design = Design.of(network, Bench.preset())
    with torch.no_grad():
        network[0].d.mul_(-3)
    assert torch.equal(design.network(x), expected)
    assert (design.realise()(x) - expected).norm() < 1e-12 * expected.norm()


def test_masks_of_a_design_are_made_and_the_electronics_trains():
    optical = copy.deepcopy(Design.of(_network(), Bench.preset())).realise()
    trainable = [parameter for parameter in optical.parameters() if parameter.requires_grad]
    assert {tuple(parameter.shape) for parameter in trainable} == {(3, 20), (3,)}
    optimiser = torch.optim.SGD(trainable, lr=1e-3)
    x, losses = torch.randn(8, 4, 5, dtype=torch.float64), []
    for _ in range(3):
        loss = optical(x).square().sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[2] < losses[1] < losses[0]


def test_a_design_without_light_is_none():
    with pytest.raises(ValueError, match="at least one ACDC or AFDF layer"):
        Design.of(nn.Sequential(nn.ReLU()), Bench.preset())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("constraint", [None, PhaseOnly(), Quantised(SignedAmplitude(), 3, SoftStaircase())], ids=str)
def test_masks_as_they_are_round_trip_to_the_last_bit(tmp_path, dtype, constraint):
    """Trained masks, electronics between them: by light the file computes what was trained."""
    optical = trainable_masks(realise_each(_network(dtype), Bench.preset()), constraint).eval()
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in optical.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    Design.of_masks(optical).save(tmp_path / "d")
    again = Design.load(tmp_path / "d")
    x = torch.randn(6, 4, 5, dtype=dtype, generator=generator)
    assert torch.equal(again.realise()(x), optical(x))
    for masks, layer in ((again.masks[0], optical[0]), (again.masks[3], optical[4])):
        assert torch.equal(masks.fourier_mask, layer.masks().fourier_mask)
        assert masks.residual == nearest_layer(layer).distance
    # Its numbers are the nearest layers, with the trained biases.
    assert torch.equal(again.stages[0].bias, optical[0].layer.bias)
    assert not torch.equal(again.stages[0].a, optical[0].layer.a)


def test_complex_masks_as_they_are():
    optical = trainable_masks(realise(AFDF(5, bias=True, dtype=torch.float64), Bench.preset()))
    design = Design.of_masks(optical)
    x = torch.randn(2, 5, dtype=torch.complex128)
    assert torch.equal(design.realise()(x), optical(x))
    assert design.masks[0].residual < 1e-12  # not trained yet: still a layer's


def test_masks_are_taken_as_they_are_outside_training():
    """On the way, soft steps show what no device does."""
    soft = Quantised(SignedAmplitude(), 2, SoftStaircase())
    optical = trainable_masks(realise(ACDC((4, 5)), Bench.preset()), soft).train()
    optical.source.anneal(0.1)
    design = Design.of_masks(optical)
    assert len(optical.masks().fourier_mask.unique()) > 4
    assert len(design.masks[0].fourier_mask.unique()) <= 4
    assert optical.training
    assert optical.source.progress == 0.1


def test_a_design_of_masks_is_a_copy():
    optical = trainable_masks(realise_each(_network(), Bench.preset()))
    design = Design.of_masks(optical)
    x = torch.randn(2, 4, 5, dtype=torch.float64)
    expected = design.realise()(x)
    with torch.no_grad():
        for parameter in optical.parameters():
            parameter.mul_(0.5)
    assert torch.equal(design.realise()(x), expected)


def test_what_is_no_design_of_masks():
    with pytest.raises(ValueError, match="at least one optical layer"):
        Design.of_masks(_network())
    first = realise(ACDC(4), Bench.preset())
    with pytest.raises(ValueError, match="stand on several"):
        Design.of_masks(nn.Sequential(first, realise(ACDC(4), Bench.preset().replace(focal_length="50 mm"))))
    with pytest.raises(TypeError, match="got GELU"):
        Design.of_masks(nn.Sequential(first, nn.GELU()))


class TestCascades:
    def network(self, kind=ACDC, shape=(4, 3)):
        generator = torch.Generator().manual_seed(2)
        layers = [kind(shape, dtype=torch.float64, generator=generator) for _ in range(3)]
        return (
            nn.Sequential(nn.Sequential(*layers[:2]), nn.ReLU(), layers[2])
            if kind is ACDC
            else nn.Sequential(nn.Sequential(*layers))
        )

    @pytest.mark.parametrize("between", [None, OnePixel()], ids=["comb", "one pixel"])
    @pytest.mark.parametrize("kind", [ACDC, AFDF])
    def test_round_trip_and_compute_the_same(self, tmp_path, kind, between):
        network = self.network(kind)
        made = Design.of(network, Bench.preset(), between=between)
        made.save(tmp_path / "d")
        design = Design.load(tmp_path / "d")
        assert design.undetected == made.undetected == ({0} if kind is ACDC else {0, 1})
        x = torch.randn(2, 4, 3, dtype=network[0][0].a.dtype, generator=torch.Generator().manual_seed(0))
        light = design.realise()
        assert isinstance(light[0], OpticalCascade)
        assert torch.equal(light(x), made.realise()(x))
        for model in (None, Ideal()) if between is None else (Ideal(),):  # one pixel for each number does not suffice
            error = (design.realise(model)(x) - network(x)).norm() / network(x).norm()
            assert error < 1e-11  # of a comb; measured 1e-13

    def test_of_masks_takes_a_realised_cascade(self):
        network = self.network()
        cascade = realise(network[0], Bench.preset())
        design = Design.of_masks(nn.Sequential(cascade, nn.ReLU()))
        x = torch.rand(3, 4, 3, dtype=torch.float64)
        assert torch.equal(design.realise()(x), cascade(x).relu())
        assert torch.equal(design.network(x), network[0](x).relu())

    def test_trained_ones_are_refused_with_a_way_out(self):
        cascade = trainable_masks(realise(self.network()[0], Bench.preset()))
        with pytest.raises(TypeError, match=r"nobody knows them.*masks\(\)"):
            Design.of_masks(cascade)

    def test_something_else_inside_is_refused(self):
        with pytest.raises(TypeError, match="got ReLU between them"):
            Design.of(nn.Sequential(nn.Sequential(ACDC(4), nn.ReLU(), ACDC(4))), Bench.preset())
