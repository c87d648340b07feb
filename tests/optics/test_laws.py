"""Laws that every linear operator of ``optics`` obeys, over the registry of :mod:`tests.optics.oracles`."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

from optics import Aperture, Circle, Field, FourierIntegral, FourierLens, Grid, IntensityDetector, Mask, Rectangle
from tests.optics.oracles import (
    FOCAL_LENGTH,
    LAW_TOLERANCE,
    OPERATORS,
    PITCH,
    SCALE,
    WAVELENGTH,
    bench,
    detuned,
    inner,
    integrals,
    random_complex,
    random_real,
    relative_error,
)

# A handful of samples does not resolve an edge; the laws hold none the less.
pytestmark = pytest.mark.filterwarnings("ignore::optics.SamplingWarning")

operators = pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
precisions = pytest.mark.parametrize("dtype", LAW_TOLERANCE, ids=["float64", "float32"])
shapes = pytest.mark.parametrize("shape", [1, 8, 9, 128, 129, (6, 7), (100, 5)], ids=str)


@precisions
@operators
def test_linear(operator, dtype):
    apply = operator.build()
    x, y = (random_complex(operator.source.shape, seed, dtype) for seed in (10, 11))
    combined = apply((0.7 - 0.2j) * x - 1.3 * y)
    assert relative_error(combined, (0.7 - 0.2j) * apply(x) - 1.3 * apply(y)) < LAW_TOLERANCE[dtype]


@precisions
@operators
def test_autograd_is_the_plain_adjoint(operator, dtype):
    apply = operator.build()
    x = random_complex(operator.source.shape, 12, dtype)
    y = random_complex(operator.target.shape, 13, dtype)
    output, pullback = torch.func.vjp(apply, x)
    scale = output.norm() * y.norm()  # the inner product itself may be small by cancellation
    assert abs(inner(output, y) - inner(x, pullback(y)[0])) / scale < LAW_TOLERANCE[dtype]


@precisions
@pytest.mark.parametrize("name", integrals())
def test_adjoint_of_the_fourier_integral_in_the_weighted_inner_product(name, dtype):
    source, target = integrals()[name]
    integral = FourierIntegral(source, target, SCALE)
    x, y = random_complex(source.shape, 14, dtype), random_complex(target.shape, 15, dtype)
    forward, back = integral(x), integral.adjoint()(y)
    scale = (inner(forward, forward, target).real * inner(y, y, target).real).sqrt()
    assert back.shape == x.shape
    assert back.dtype == dtype
    assert abs(inner(forward, y, target) - inner(x, back, source)) / scale < LAW_TOLERANCE[dtype]


@precisions
@operators
def test_dtype_and_shape_follow_the_data(operator, dtype):
    output = operator.build()(random_complex(operator.source.shape, 16, dtype))
    assert output.dtype == dtype
    assert output.shape == operator.target.shape


@operators
def test_float32_is_float64_rounded(operator):
    x = random_complex(operator.source.shape, 17)
    apply = operator.build()
    # Kernels are cast, not evaluated, in float32: eps = 1.2e-7 times the growth of a few short FFTs.
    assert relative_error(apply(x.to(torch.complex64)), apply(x)) < 2e-6


@pytest.mark.parametrize("batch", [(1,), (3,), (2, 3)], ids=str)
@operators
def test_batch_equals_item_by_item(operator, batch):
    apply = operator.build()
    x = random_complex((*batch, *operator.source.shape), 18)
    together = apply(x)
    alone = torch.stack([apply(item) for item in x.flatten(0, len(batch) - 1)])
    assert together.shape == (*batch, *operator.target.shape)
    # A batched FFT may add in another order: a few ulps.
    assert relative_error(together.flatten(0, len(batch) - 1), alone) < 1e-14


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.complex128, 1e-12), (torch.complex64, 1e-5)], ids=["float64", "float32"]
)
@shapes
def test_natural_lens_is_unitary(shape, dtype, tolerance):
    grid = Grid(shape, PITCH)
    first, second = (Field(random_complex(grid.shape, seed, dtype), grid, WAVELENGTH) for seed in (19, 20))
    lens = FourierLens(FOCAL_LENGTH)
    a, b = lens(first), lens(second)
    assert relative_error(a.power, first.power) < tolerance
    before, after = inner(first.data, second.data, grid), inner(a.data, b.data, a.grid)
    assert abs(after - before) / (first.power * second.power).sqrt() < tolerance


def test_phase_mask_keeps_and_aperture_projects():
    grid = Grid((6, 7), PITCH)
    field = Field(random_complex(grid.shape, 21), grid, WAVELENGTH)
    phases = torch.polar(torch.ones(6, 7, dtype=torch.float64), random_real((6, 7), 22))
    assert relative_error(Mask(phases, PITCH)(field).power, field.power) < 1e-14  # rounding of |t| = 1
    stop = Aperture(Rectangle((4 * PITCH, 3 * PITCH)))  # its edges lie between samples: each is open or shut
    once = stop(field)
    assert torch.equal(stop(once).data, once.data)
    assert once.power < field.power


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (bench, (6, 7)),
        (lambda: FourierLens(FOCAL_LENGTH), (6, 7)),
        (lambda: FourierLens(FOCAL_LENGTH), (128,)),
        (lambda: FourierLens(FOCAL_LENGTH, detuned(101)), (128,)),
        (lambda: Aperture(Circle(4 * PITCH)), (9,)),
    ],
    ids=["system", "lens-dense", "lens-fft", "lens-chirp", "aperture"],
)
def test_modules_can_be_copied_and_pickled_after_use(build, shape):
    field = Field(random_complex(shape, 23), Grid(shape, PITCH), WAVELENGTH)
    element = build()
    expected = element(field).data
    assert torch.equal(copy.deepcopy(element)(field).data, expected)
    assert torch.equal(pickle.loads(pickle.dumps(element))(field).data, expected)


@precisions
@operators
def test_use_in_inference_mode_does_not_spoil_training(operator, dtype):
    apply = operator.build()
    x = random_complex(operator.source.shape, 24, dtype)
    with torch.inference_mode():
        apply(x)
    x.requires_grad_()
    apply(x).abs().square().sum().backward()
    assert torch.isfinite(torch.view_as_real(x.grad)).all()


@operators
def test_shapes_on_the_meta_device(operator):
    x = torch.empty((2, *operator.source.shape), dtype=torch.complex64, device="meta")
    output = operator.build()(x)
    assert output.device.type == "meta"
    assert output.dtype == torch.complex64
    assert output.shape == (2, *operator.target.shape)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@precisions
@operators
def test_gpu_agrees_with_cpu(operator, dtype):
    x = random_complex((2, *operator.source.shape), 25, dtype)
    apply = operator.build()
    expected = apply(x)  # first on the CPU: the same operator must serve both devices
    output = apply(x.cuda())
    assert output.is_cuda
    assert output.dtype == dtype
    assert relative_error(output, expected) < LAW_TOLERANCE[dtype]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_gpu_gradient_and_detector_agree_with_cpu():
    grid = Grid((6, 7), PITCH)
    camera, system = IntensityDetector(), bench()

    def image_and_gradient(device):
        data = random_complex(grid.shape, 26).to(device).requires_grad_()
        image = camera(system.to(device)(Field(data, grid, WAVELENGTH)))
        image.square().sum().backward()
        return image, data.grad

    for on_cpu, on_gpu in zip(image_and_gradient("cpu"), image_and_gradient("cuda"), strict=True):
        assert on_gpu.is_cuda
        assert relative_error(on_gpu, on_cpu) < LAW_TOLERANCE[torch.complex128]
