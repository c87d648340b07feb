"""The Fourier integral: against dense sums, against formulas, against other people's code."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from optics import Field, FieldDetector, FourierIntegral, Grid, flat, gauss, midpoint, point
from tests.optics.oracles import (
    PITCH,
    SCALE,
    WAVELENGTH,
    coordinates,
    dense_integral,
    detuned,
    integrals,
    natural,
    orders,
    random_complex,
    relative_error,
)

# The dense sum and the fast transform each round a few hundred terms: 1e-12 in float64, 1e-6 in float32,
# where the kernels are cast from float64 and a chirp-z adds two short FFTs.
DENSE_TOLERANCE = {torch.complex128: 1e-12, torch.complex64: 1e-6}


@pytest.mark.parametrize("dtype", DENSE_TOLERANCE, ids=["float64", "float32"])
@pytest.mark.parametrize("name", integrals())
def test_equals_the_dense_sum(name, dtype):
    source, target = integrals()[name]
    data = random_complex(source.shape, 1, dtype)
    got = FourierIntegral(source, target, SCALE)(data)
    assert relative_error(got, dense_integral(source, target, data)) < DENSE_TOLERANCE[dtype]


@pytest.mark.usefixtures("without_matrices")
@pytest.mark.parametrize("name", [name for name in integrals() if "dense" in name])
def test_fast_ways_are_right_for_few_cells_too(name, ffts):
    source, target = integrals()[name]
    data = random_complex(source.shape, 1)
    got = FourierIntegral(source, target, SCALE)(data)
    assert ffts
    assert relative_error(got, dense_integral(source, target, data)) < DENSE_TOLERANCE[data.dtype]


@pytest.mark.parametrize("name", integrals())
def test_each_case_is_computed_the_way_its_name_says(name, ffts):
    source, target = integrals()[name]
    integral = FourierIntegral(source, target, SCALE)
    ffts.clear()  # a chirp-z transforms its chirp beforehand
    integral(random_complex(source.shape, 2))
    per_axis = {"dense": 0, "fft": 1, "chirp": 2, "plane": 0.5}  # one 2-D FFT serves both axes
    ways = [way for way in name.split("-") if way in per_axis]
    ways *= source.ndim // len(ways)
    assert len(ffts) == sum(per_axis[way] for way in ways)
    assert ffts.count("ifft") == ways.count("chirp")


@pytest.mark.parametrize("cells", [100, 257, 1000, 1024, 4096])
@pytest.mark.parametrize("spacing", [8e-6, 7.3e-6, 3.1e-6, 12.5e-6, 6.4e-6])
def test_natural_pitch_is_an_fft_whatever_its_rounding(cells, spacing, ffts):
    FourierIntegral(Grid(cells, spacing), natural(cells, spacing), SCALE)(random_complex(cells, 3))
    assert ffts == ["fft"]


@pytest.mark.usefixtures("without_matrices")
@pytest.mark.parametrize("detuning", [1e-12, 1e-9, 1e-6])
@pytest.mark.parametrize("cells", [16, 33, 128])
def test_chirp_z_continues_the_fft(cells, detuning, ffts):
    grid, target = Grid(cells, PITCH), natural(cells)
    nearby = Grid(cells, target.spacing[0] * (1 + detuning))
    data = random_complex(cells, 4)
    fft = FourierIntegral(grid, target, SCALE)(data)
    assert ffts == ["fft"]
    chirp = FourierIntegral(grid, nearby, SCALE)(data)
    assert "ifft" in ffts
    # The phase 2πxu/λf reaches πn/2 at the corner, and moves by that times the detuning; 1e-13 for rounding.
    assert relative_error(chirp, fft) < math.pi / 2 * cells * detuning + 1e-13
    assert relative_error(chirp, dense_integral(grid, nearby, data)) < 1e-12


@pytest.mark.parametrize("cells", [16, 33, 90])
def test_matrices_agree_with_the_fast_ways(cells, monkeypatch):
    data = random_complex(cells, 4)
    for target in (natural(cells), detuned(cells)):
        matrices = FourierIntegral(Grid(cells, PITCH), target, SCALE)(data)
        with monkeypatch.context() as patch:
            patch.setattr("optics.fourier._DENSE", 0)
            fast = FourierIntegral(Grid(cells, PITCH), target, SCALE)(data)
        assert relative_error(matrices, fast) < 1e-13  # rounding of 90 terms with phases of 140 rad


# Formulas ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [natural(64), Grid(63, 100e-6), detuned(17), detuned(16)], ids=str)
def test_gaussian_stays_gaussian(target):
    grid, waist = Grid(64, PITCH), 8 * PITCH
    x, u = grid.coordinates[0], target.coordinates[0]
    field = torch.exp(-math.pi * (x / waist).square()).to(torch.complex128)
    expected = waist / math.sqrt(SCALE) * torch.exp(-math.pi * (waist * u / SCALE).square())
    # The window cuts the Gaussian at exp(-π·4²) = 1.5e-22; the trapezoidal rule aliases even less. Rounding remains.
    assert (FourierIntegral(grid, target, SCALE)(field) - expected).abs().max() < 1e-14 * expected.max() * 64


def test_gaussian_stays_gaussian_in_2d():
    grid, target, waists = Grid((48, 64), PITCH), detuned((15, 12)), (6 * PITCH, 8 * PITCH)

    def gaussian(coordinates, widths):
        return math.prod(torch.exp(-math.pi * (c / w).square()) for c, w in zip(coordinates, widths, strict=True))

    field = gaussian(grid.coordinates, waists).to(torch.complex128)
    peak = waists[0] * waists[1] / SCALE
    expected = peak * gaussian(target.coordinates, [SCALE / waist for waist in waists])
    assert (FourierIntegral(grid, target, SCALE)(field) - expected).abs().max() < 1e-12 * peak  # as in 1-D


@pytest.mark.parametrize("pixels", [1, 2, 7])
@pytest.mark.parametrize("target", [natural(16), detuned(31), Grid(9, 1e-3), Grid(10, 1e-7)], ids=str)
def test_slit_of_flat_cells_is_an_exact_sinc_on_any_grid(pixels, target):
    width = pixels * PITCH
    slit = FourierIntegral(Grid(pixels, PITCH, flat()), target, SCALE)(torch.ones(pixels, dtype=torch.complex128))
    expected = width / math.sqrt(SCALE) * torch.sinc(width * target.coordinates[0] / SCALE)
    # Rounding only; relative to the peak, for far out the sinc is a difference of large terms.
    assert (slit - expected).abs().max() < 1e-13 * width / math.sqrt(SCALE)


@pytest.mark.parametrize("fill", [0.1, 0.5, 1.0])
def test_flat_reader_averages_over_its_active_part(fill):
    source, cells = Grid(11, PITCH), detuned(9)
    data = random_complex(11, 5)
    flat_read = FourierIntegral(source, cells.resolved(flat(fill)), SCALE)(data)
    resolved = cells.resolved(gauss(10, fill))  # exact to rounding for a field this smooth within a cell
    nodes = FourierIntegral(source, resolved, SCALE)(data)
    assert relative_error(flat_read, FieldDetector()(Field(nodes, resolved, WAVELENGTH))) < 1e-13


def test_two_slits_have_fringes_of_wavelength_times_focal_length_over_distance():
    slits, distance = Grid(2, 40 * PITCH, flat(0.1)), 40 * PITCH
    data = torch.ones(2, dtype=torch.complex128)
    fringe = SCALE / distance
    dark = FourierIntegral(slits, Grid(12, fringe), SCALE)(data).abs()  # even: samples at (k + 1/2)·λf/d
    bright = FourierIntegral(slits, Grid(13, fringe), SCALE)(data).abs()  # odd: samples at k·λf/d
    orders_ = torch.arange(-6, 7, dtype=torch.float64)
    envelope = 2 * 0.1 * distance / math.sqrt(SCALE) * torch.sinc(0.1 * orders_)
    assert dark.max() < 1e-14 * bright.max()  # cos(π/2) to rounding
    assert relative_error(bright, envelope) < 1e-14  # rounding


def mask_between_two_lenses(cell, mask, points, target):
    """Points of light, a lens, a mask of pixels resolved by ``cell``, another lens, samples."""
    pixels = detuned(len(mask), cell=cell)
    there = FourierIntegral(points, pixels, SCALE)(random_complex(points.shape, 6))
    return FourierIntegral(pixels, target, SCALE)(there * mask.repeat_interleave(len(cell)))


def exact_mask_between_two_lenses(mask, points, target, fill):
    """The same with ∫ over each pixel in closed form: a kernel of x + x′, weighted by the pixel's envelope."""
    pitch = SCALE / (17.3 * PITCH)
    x = coordinates(points.cells[0], PITCH, (0.0,))
    y = coordinates(target.cells[0], PITCH, (0.0,))
    u = coordinates(len(mask), pitch, (0.0,))
    total = y[:, None] + x
    kernel = np.exp(-2j * np.pi * total[..., None] * u / SCALE) @ mask.numpy()
    envelope = fill * pitch * np.sinc(fill * pitch * total / SCALE)
    return torch.from_numpy(PITCH / SCALE * (kernel * envelope) @ random_complex(points.shape, 6).numpy())


@pytest.mark.parametrize("fill", [1.0, 0.6])
def test_cells_converge_to_the_integral_over_a_mask_pixel(fill):
    points, target, mask = Grid(12, PITCH), Grid(15, PITCH), random_complex(20, 7)
    expected = exact_mask_between_two_lenses(mask, points, target, fill)

    def errors(cells):
        return [relative_error(mask_between_two_lenses(c, mask, points, target), expected) for c in cells]

    second_order = orders(errors([midpoint(n, fill) for n in (2, 4, 8, 16)]))
    assert second_order == pytest.approx([2.0] * 3, abs=0.1)  # next term of the error: seen 2.09, 2.02, 2.005
    exponential = errors([gauss(n, fill) for n in (1, 2, 3, 4, 5)])
    assert all(better < worse / 10 for worse, better in pairwise(exponential))
    assert errors([gauss(9, fill)])[0] < 1e-13  # rounding is reached


def test_flat_into_flat_leaves_out_the_product_of_the_offsets():
    """exp(-2πi·δ·ε/λf), δ and ε the offsets within the two cells, is not separable: a first-order error in 1/n."""

    def error(cells):
        source, target = Grid(cells, PITCH, flat()), natural(cells).resolved(flat())
        resolved = target.resolved(gauss(10))
        data = random_complex((200, cells), 8)
        exact = FieldDetector()(Field(FourierIntegral(source, resolved, SCALE)(data), resolved, WAVELENGTH))
        return relative_error(FourierIntegral(source, target, SCALE)(data), exact)

    errors = [error(cells) for cells in (8, 16, 32, 64)]
    assert errors[0] < 0.03
    assert orders(errors) == pytest.approx([1.0] * 3, abs=0.15)  # averaged over 200 random fields


# Conventions and second opinions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [16, 17, 128, 129, (6, 9), (100, 7)], ids=str)
def test_twice_forward_is_an_array_flip(shape):
    grid, middle = Grid(shape, PITCH), natural(shape)
    data = random_complex(grid.shape, 9)
    twice = FourierIntegral(middle, grid, SCALE)(FourierIntegral(grid, middle, SCALE)(data))
    assert relative_error(twice, data.flip(tuple(range(grid.ndim)))) < 1e-13  # rounding


@pytest.mark.parametrize("cells", [1, 2, 8, 9, 31, 64, 128, 129])
def test_numpy_with_explicit_centring(cells):
    """In half steps the positions 2j-(n-1) are integers: an FFT of length 4n holds them, even or odd, unshifted."""
    data = random_complex(cells, 10).numpy()
    places = (2 * np.arange(cells) - (cells - 1)) % (4 * cells)
    buffer = np.zeros(4 * cells, dtype=complex)
    buffer[places] = data
    expected = np.fft.fft(buffer)[places] * PITCH / math.sqrt(SCALE)
    got = FourierIntegral(Grid(cells, PITCH), natural(cells), SCALE)(torch.from_numpy(data))
    assert relative_error(got, torch.from_numpy(expected)) < 1e-14  # two FFTs of the same numbers


def test_numpy_odd_is_the_usual_shift():
    data = random_complex((7, 9), 11).numpy()
    expected = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(data))) * PITCH**2 / SCALE
    got = FourierIntegral(Grid((7, 9), PITCH), natural((7, 9)), SCALE)(torch.from_numpy(data))
    assert relative_error(got, torch.from_numpy(expected)) < 1e-14  # two FFTs of the same numbers


@pytest.mark.parametrize("centering", ["SYMMETRIC", "ADJUSTABLE"])
@pytest.mark.parametrize(("cells", "out"), [((8, 8), (8, 8)), ((9, 12), (7, 10)), ((6, 5), (16, 11))])
def test_poppy(cells, out, centering):
    """POPPY's matrix_dft centres as we do; it differs twice.

    Sign: forward is exp(+2πi), so its forward picture is ours flipped, and its inverse has our sign.
    Scale: samples carry √(their area), so that Σ|E|² is power: √(ΔΔ′/λf) per axis where ours is Δ/√(λf).
    """
    matrix_dft = pytest.importorskip("poppy.matrixDFT").matrix_dft
    source = Grid(cells, PITCH)
    field_of_view = (5.0, 4.2)  # in λ/D, (y, x)
    spacing = [w / m * SCALE / (n * PITCH) for w, m, n in zip(field_of_view, out, cells, strict=True)]
    target = Grid(out, spacing)
    data = random_complex(cells, 12)
    ours = FourierIntegral(source, target, SCALE)(data) * math.sqrt(math.prod(spacing)) / PITCH
    options = {"nlamD": field_of_view, "npix": out, "centering": centering}
    forward = torch.from_numpy(matrix_dft(data.numpy(), **options))
    inverse = torch.from_numpy(matrix_dft(data.numpy(), inverse=True, **options))
    assert relative_error(ours, forward.flip((0, 1))) < 1e-12  # two dense sums of a hundred terms
    assert relative_error(ours, inverse) < 1e-12


# Bad input -------------------------------------------------------------------------------------------------------


def test_dimensions_must_agree():
    with pytest.raises(ValueError, match=r"source and target must both be 1-D or both 2-D; got 1-D and 2-D"):
        FourierIntegral(Grid(4, PITCH), Grid((4, 4), PITCH), SCALE)


@pytest.mark.parametrize("scale", [0.0, -SCALE, math.nan, math.inf])
def test_scale_must_be_positive(scale):
    with pytest.raises(ValueError, match=rf"scale λf must be positive and finite; got {scale}"):
        FourierIntegral(Grid(4, PITCH), Grid(4, PITCH, point()), scale)


# Tensors for lengths ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", integrals())
def test_a_scale_as_tensor_is_the_same_scale(name):
    source, target = integrals()[name]
    data, scale = random_complex(source.shape, 13), torch.tensor(SCALE, dtype=torch.float64)
    got = FourierIntegral(source, target, scale)(data)
    assert relative_error(got, FourierIntegral(source, target, SCALE)(data)) < 1e-12  # chirp-z against FFT


@pytest.mark.parametrize("fast", [False, True], ids=["matrices", "chirps"])
@pytest.mark.parametrize(("source", "target"), [(point(), gauss(2)), (flat(0.8), point()), (point(), flat())], ids=str)
def test_gradients_reach_the_scale(source, target, fast, request):
    if fast:
        request.getfixturevalue("without_matrices")
    grids = Grid((5, 4), PITCH, source), detuned((3, 4), cell=target)
    data = random_complex(grids[0].shape, 14)
    ratio = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda r: torch.view_as_real(FourierIntegral(*grids, r * SCALE)(data)), (ratio,))


def test_matrices_larger_than_memory_are_refused():
    with pytest.raises(
        ValueError, match=r"from 40000 samples in 8 cells to 100000 in 100000 needs a matrix of 6\.4e\+10"
    ):
        FourierIntegral(Grid(8, PITCH, midpoint(5000)), Grid(100_000, PITCH), SCALE)
