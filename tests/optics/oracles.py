"""What the tests of ``optics`` judge by: sums written straight from the integrals, cases and assertions.

Nothing here calls the code under test except to build the cases of :data:`OPERATORS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from optics import (
    AngularSpectrum,
    AngularSpectrumTransform,
    Aperture,
    Circle,
    Decentred,
    Field,
    FourierIntegral,
    FourierLens,
    Fraunhofer,
    FresnelSpectrumTransform,
    FresnelTransfer,
    FresnelTransform,
    Grid,
    Lens,
    Mask,
    Misaligned,
    OpticalSystem,
    Pixelated,
    Rectangle,
    ReversedSineLens,
    SineLens,
    SurfaceError,
    Tilt,
    ZernikeAberration,
    flat,
    gauss,
    midpoint,
)

WAVELENGTH = 633e-9
FOCAL_LENGTH = 0.1
SCALE = WAVELENGTH * FOCAL_LENGTH
PITCH = 8e-6

# Law by law the arithmetic is a few hundred roundings of O(1) numbers: 1e-12 leaves float64 a factor of a
# thousand, 2e-5 leaves float32 a factor of a hundred, and a wrong weight, phase or sign is an error of order one.
LAW_TOLERANCE = {torch.complex128: 1e-12, torch.complex64: 2e-5}


@dataclass(frozen=True)
class Operator:
    """A linear map between fields, as tensors: ``build()`` gives the map, the grids say what goes in and out."""

    name: str
    build: Callable[[], Callable[[Tensor], Tensor]]
    source: Grid
    target: Grid


def natural(shape: int | tuple[int, ...], spacing: float = PITCH) -> Grid:
    """The back focal plane in which the integral from ``Grid(shape, spacing)`` is a DFT."""
    cells = (shape,) if isinstance(shape, int) else shape
    return Grid(cells, [SCALE / (n * spacing) for n in cells])


def detuned(shape: int | tuple[int, ...], **options) -> Grid:
    """An output grid whose pitch no FFT of a useful length fits: λf/(17.3·Δ)."""
    return Grid(shape, SCALE / (17.3 * PITCH), **options)


def fine_of(cells: int) -> float:
    """The pitch at which so many cells of PITCH need an FFT of just their number."""
    return SCALE / (cells * PITCH)


def integrals() -> dict[str, tuple[Grid, Grid]]:
    """Source and target of the Fourier integrals under test.

    The name begins with the way each axis is computed: a matrix product where one side has few cells, an FFT where
    the pitches allow (one 2-D FFT for the plane where both do), otherwise a chirp-z transform.
    ``test_fourier`` holds the names against what is computed.
    """
    few, fine = SCALE / (24 * PITCH), SCALE / (150 * PITCH)  # FFTs of length 24 and 150 between grids up to that size
    return {
        "dense-even": (Grid(8, PITCH), natural(8)),
        "dense-odd": (Grid(9, PITCH), natural(9)),
        "dense-single": (Grid(1, PITCH), Grid(1, PITCH)),
        "dense-one-to-many": (Grid(1, PITCH, flat(0.6)), detuned(11)),
        "dense-many-to-one": (Grid(11, PITCH), detuned(1, cell=flat())),
        "dense-flat-gauss": (Grid(12, PITCH, flat(0.8)), Grid(9, few, gauss(3, 0.9))),
        "dense-gauss-flat": (Grid(12, PITCH, gauss(3)), Grid(9, few, flat(0.7))),
        "dense-2d": (Grid((5, 8), (PITCH, 2 * PITCH)), detuned((9, 6))),
        "dense-2d-cells": (Grid((4, 7), PITCH, midpoint(3)), detuned((6, 3), cell=gauss(2))),
        "fft-even": (Grid(128, PITCH), natural(128)),
        "fft-odd": (Grid(105, PITCH), natural(105)),
        "fft-prime": (Grid(101, PITCH), natural(101)),
        "fft-padded": (Grid(110, PITCH), Grid(133, fine)),
        "fft-flat-gauss": (Grid(121, PITCH, flat(0.8)), Grid(100, fine, gauss(3, 0.9))),
        "fft-gauss-flat": (Grid(120, PITCH, gauss(3)), Grid(101, fine, flat(0.7))),
        "fft-midpoint": (Grid(107, PITCH, midpoint(4)), Grid(110, fine, midpoint(2, 0.5))),
        "fft-2d": (Grid((100, 111), PITCH, gauss(2)), Grid((113, 104), fine)),
        "plane-whole": (Grid((100, 105), (PITCH, 2 * PITCH)), Grid((100, 105), (fine_of(100), fine_of(210)))),
        "plane-cropped": (Grid((101, 96), PITCH), Grid((90, 95), (fine_of(101), fine_of(96)))),
        "chirp-even": (Grid(108, PITCH), detuned(108)),
        "chirp-prime": (Grid(101, PITCH), detuned(127)),
        "chirp-flat-midpoint": (Grid(110, PITCH, flat(0.5)), detuned(97, cell=midpoint(3))),
        "chirp-gauss": (Grid(107, PITCH, gauss(4)), detuned(112, cell=gauss(2, 0.6))),
        "chirp-2d": (Grid((100, 107), (PITCH, 2 * PITCH)), detuned((99, 100), cell=flat(0.9))),
        "dense-chirp": (Grid((5, 100), PITCH), detuned((9, 101))),
        "fft-dense": (Grid((128, 5), PITCH), natural((128, 5))),
    }


def _operators() -> list[Operator]:
    found = [
        Operator(name, lambda s=source, t=target: FourierIntegral(s, t, SCALE), source, target)
        for name, (source, target) in integrals().items()
    ]

    def element(name: str, module: Callable[[], torch.nn.Module], source: Grid, target: Grid | None = None) -> None:
        found.append(Operator(name, lambda: on_tensors(module(), source), source, target or source))

    line, plane, fine = Grid(9, PITCH), Grid((6, 7), PITCH), Grid((4, 5), PITCH, gauss(2))
    element("mask-real", lambda: Mask(random_real(9, seed=1), PITCH), line)
    element("mask-real-float32", lambda: Mask(random_real(9, seed=1).float(), PITCH), line)
    element("mask-complex", lambda: Mask(random_complex((6, 7), seed=1), PITCH), plane)
    element("mask-nodes", lambda: Mask(random_complex((4, 5), seed=1), (PITCH, PITCH)), fine)
    element("aperture-circle", lambda: Aperture(Circle(4 * PITCH)), plane)
    element("aperture-rectangle", lambda: Aperture(Rectangle((3 * PITCH, 5 * PITCH))), fine)
    element("lens-1d", lambda: FourierLens(FOCAL_LENGTH), line, natural(9))
    element("lens-2d", lambda: FourierLens(FOCAL_LENGTH), plane, natural((6, 7)))
    element("lens-large", lambda: FourierLens(FOCAL_LENGTH), Grid(128, PITCH), natural(128))
    element("lens-output", lambda: FourierLens(FOCAL_LENGTH, detuned((5, 4))), plane, detuned((5, 4)))
    element("system", lambda: bench(), plane, plane)
    element("thin-lens", lambda: Lens(-FOCAL_LENGTH, Circle(3.5 * PITCH)), fine)
    element("thin-lens-decentred", lambda: Lens(FOCAL_LENGTH, Decentred(Circle(4 * PITCH), (PITCH, -PITCH / 3))), plane)
    element("tilt", lambda: Tilt((0.01, -0.02)), fine)
    element("pixelated", lambda: Pixelated(random_complex((3, 2), seed=4), (2 * PITCH, 3 * PITCH)), plane)
    element("surface-error", lambda: surface_error(), plane)
    out_of_place = {"shift": (3e-6, -5e-6), "tilt": (0.01, 0.02)}
    element("misaligned-lens", lambda: Misaligned(Lens(FOCAL_LENGTH, Circle(3 * PITCH)), **out_of_place), fine)
    element("misaligned-defocus", lambda: Misaligned(Lens(FOCAL_LENGTH), **out_of_place, defocus=2e-4), plane)
    slightly = {"shift": (3e-6, -5e-6), "tilt": (1e-4, 2e-4)}  # samples in the back focal plane are a millimetre apart
    element("misaligned-fourier", lambda: Misaligned(FourierLens(FOCAL_LENGTH), **slightly), plane, natural((6, 7)))
    element("misaligned-other", lambda: Misaligned(torch.nn.Identity(), **out_of_place), plane)
    element("zernike", lambda: ZernikeAberration({4: 80e-9, 7: -50e-9}, 6 * PITCH), fine)
    element("angular-spectrum-1d", lambda: AngularSpectrum(3e-3), line)
    element("angular-spectrum-2d", lambda: AngularSpectrum(-3e-3, padding=1.5), plane)
    element("fresnel-transfer", lambda: FresnelTransfer(5e-3, padding=1), plane)
    element("fresnel-transform", lambda: FresnelTransform(FOCAL_LENGTH, detuned((9, 6))), fine, detuned((9, 6)))
    near, wide = Grid((9, 6), 0.7 * PITCH, flat(0.7)), Grid(24, PITCH / 2, gauss(4))
    element("angular-spectrum-transform", lambda: AngularSpectrumTransform(3e-3, near), fine, near)
    element("angular-spectrum-transform-1d", lambda: AngularSpectrumTransform(3e-3, wide), line, wide)
    element("fresnel-spectrum-transform", lambda: FresnelSpectrumTransform(FOCAL_LENGTH, near), fine, near)
    element("fresnel-spectrum-transform-1d", lambda: FresnelSpectrumTransform(3e-3, wide), line, wide)
    pupil, back = Circle(11 * PITCH), Grid((3, 4), 2 * PITCH, gauss(2))
    glass, flats = Grid((3, 3), 4 * PITCH, gauss(4)), Grid((4, 5), PITCH, flat(0.9))
    element("sine-lens", lambda: SineLens(1e-3, pupil, glass, back), flats, back)
    element("sine-lens-reversed", lambda: ReversedSineLens(1e-3, pupil, glass, flats), back, flats)
    element("fraunhofer", lambda: Fraunhofer(FOCAL_LENGTH, detuned(11)), Grid(9, PITCH, flat(0.8)), detuned(11))
    return found


def surface_error() -> SurfaceError:
    """A ripple along x by POPPY."""
    import astropy.units as u
    import poppy

    return SurfaceError(poppy.SineWaveWFE(spatialfreq=2e4 / u.m, amplitude=60e-9 * u.m))


def bench() -> OpticalSystem:
    """Mask, lens, mask on Gauss nodes, stop, lens, and back onto the pixels of the first mask."""
    fourier_plane = Grid((5, 8), SCALE / (17.3 * PITCH), gauss(2))
    return OpticalSystem(
        Mask(random_complex((6, 7), seed=2), PITCH),
        FourierLens(FOCAL_LENGTH, fourier_plane),
        Mask(random_complex((5, 8), seed=3), fourier_plane.spacing),
        Aperture(Rectangle((3 * fourier_plane.spacing[0], 6 * fourier_plane.spacing[1]))),
        FourierLens(FOCAL_LENGTH, Grid((6, 7), PITCH)),
    )


def on_tensors(element: torch.nn.Module, grid: Grid) -> Callable[[Tensor], Tensor]:
    """An element Field -> Field as a map of tensors."""
    return lambda data: element(Field(data, grid, WAVELENGTH)).data


def random_complex(shape: int | tuple[int, ...], seed: int = 0, dtype: torch.dtype = torch.complex128) -> Tensor:
    """Reproducible standard normal numbers, drawn in float64 and cast, so that both precisions see the same."""
    shape = (shape,) if isinstance(shape, int) else shape
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=torch.complex128, generator=generator).to(dtype)


def random_real(shape: int | tuple[int, ...], seed: int = 0) -> Tensor:
    return random_complex(shape, seed).real.clone()


def coordinates(cells: int, spacing: float, nodes: tuple[float, ...]) -> np.ndarray:
    """Where the samples of an axis are [m], cell by cell."""
    return np.array([(j - (cells - 1) / 2 + node) * spacing for j in range(cells) for node in nodes])


def dense_matrix(source, target, scale: float = SCALE) -> np.ndarray:
    """The Fourier integral along one axis, entry by entry: quadrature weight × envelopes × kernel / √(λf)."""
    x = coordinates(source.cells, source.spacing, source.cell.nodes)
    u = coordinates(target.cells, target.spacing, target.cell.nodes)
    weights = np.tile(source.cell.weights, source.cells) * source.spacing
    kernel = np.exp(-2j * np.pi * np.outer(u, x) / scale)
    over_source = slit_mean(source.cell.width * source.spacing * u / scale)
    over_target = slit_mean(target.cell.width * target.spacing * x / scale)
    return np.outer(over_source, weights * over_target) * kernel / np.sqrt(scale)


def slit_mean(turns: np.ndarray) -> np.ndarray:
    """Mean of exp(2πi·t) for t over ±turns/2."""
    angle = np.pi * turns
    return np.divide(np.sin(angle), angle, out=np.ones_like(angle), where=angle != 0)


def dense_integral(source: Grid, target: Grid, data: Tensor, scale: float = SCALE) -> Tensor:
    """The Fourier integral of one field as matrix products, in complex128."""
    matrices = [dense_matrix(a, b, scale) for a, b in zip(source.axes, target.axes, strict=True)]
    values = data.to(torch.complex128).numpy()
    if len(matrices) == 1:
        return torch.from_numpy(matrices[0] @ values)
    return torch.from_numpy(matrices[0] @ values @ matrices[1].T)


def inner(f: Tensor, g: Tensor, grid: Grid | None = None) -> Tensor:
    """⟨f, g⟩ = Σ weights·f·conj(g); plain where no grid gives the weights."""
    weights = 1.0 if grid is None else grid.weights.to(f.real.dtype)
    return (weights * f * g.conj()).sum()


def relative_error(got: Tensor, expected: Tensor) -> float:
    """‖got − expected‖ / ‖expected‖ in float64."""
    got, expected = got.detach().cpu().to(torch.complex128), expected.detach().cpu().to(torch.complex128)
    assert got.shape == expected.shape
    return ((got - expected).norm() / expected.norm()).item()


def orders(errors: list[float]) -> list[float]:
    """Observed order of convergence between successive halvings of the step."""
    return [float(np.log2(a / b)) for a, b in pairwise(errors)]


OPERATORS = _operators()
