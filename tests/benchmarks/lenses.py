"""ACDC layers through real lenses: ``python -m tests.benchmarks.lenses``.

The bench of the acceptance figures: 633 nm, full-fill pixels of 8 µm, a camera that samples, and the focal length with
which the Fourier coefficients lie a pixel apart, f = 2Np²/λ; lenses so many times as wide as the input.
"""

from __future__ import annotations

import math
from statistics import mean

import torch

from acdc_optical import ACDC, Bench, Calibrated, ComplexValues, Exact, InPhase, Lenses, Paraxial, Scalar, Wave, realise
from acdc_optical.compilation.methods import Method
from acdc_optical.realisation import OpticalLayer
from acdc_optical.waves.spaces import Space
from tests.benchmarks.table import publish
from tests.realisation.cases import STARTS, bench, inputs, layer, relative_error

WAVELENGTH, PITCH = 633e-9, 8e-6
SEEDS = range(3)
PROBES = 4

HEADER = ["lenses and waves", "masks", "shape", "diagonals", "error of the reading", "error of the field", "light used"]

NEAR = ("thin, 3.6 ×, near the axis", Paraxial(), "thin", 3.6)
THIN = ("thin, 3.6 ×, any angle", Scalar(), "thin", 3.6)
SINE = ("sine-corrected, 3.6 ×, any angle", Scalar(), "sine-corrected", 3.6)
# Wide enough that what the edges do does not hide what the glass does.
WIDE = ("thin, 6 ×, any angle", Scalar(), "thin", 6.0)
WIDE_SINE = ("sine-corrected, 6 ×, any angle", Scalar(), "sine-corrected", 6.0)

EXACT = ("exact, 2 px", 2, Exact())


def calibrated(space: Space) -> list[tuple[str, int, Method]]:
    """Names, pixels per coefficient and methods of masks solved for through lenses."""
    return [
        ("calibrated, 2 px real", 2, Calibrated(space)),
        ("calibrated, 4 px complex", 4, Calibrated(space, ComplexValues())),
    ]


IN_PHASE = ("calibrated, 4 px complex, read in phase", 4, Calibrated(Paraxial(), ComplexValues(), InPhase()))

CASES = [
    *((NEAR, masks, (64,)) for masks in (EXACT, *calibrated(Paraxial()), IN_PHASE)),
    *((lenses, EXACT, (n,)) for lenses in (WIDE, WIDE_SINE) for n in (16, 32, 64)),
    *((THIN, masks, (64,)) for masks in (EXACT, *calibrated(Scalar()))),
    *((SINE, masks, (64,)) for masks in (EXACT, *calibrated(Scalar()))),
    *((NEAR, masks, (n, n)) for n in (16, 32) for masks in (EXACT, *calibrated(Paraxial()))),
]


def table(n: int, subpixels: int, design: str, width: float) -> Bench:
    """The bench for N = n coefficients along an axis."""
    lenses = Lenses(design=design, aperture=width * 2 * n * PITCH)
    focal_length = 2 * n * PITCH**2 / WAVELENGTH
    return bench(subpixels=subpixels, fill=1.0, camera_fill=0.0, focal_length=focal_length, lenses=lenses)


def errors(optical: OpticalLayer, x: torch.Tensor) -> tuple[float, float, float]:
    """Error of the reading and of the field with both quadratures; the share of light that reaches the camera."""
    masks, wanted = optical.masks(), optical.layer(x)
    source = optical.encode(x, masks)
    camera = optical.light(optical.show(x, masks), masks.fourier_mask)
    field = optical.presentation.decode(optical.detector(camera), len(optical.shape)) * masks.gain
    return (
        relative_error(optical(x), wanted),
        relative_error(field, wanted),
        float(camera.power.sum() / source.power.sum()),
    )


def measured(case: tuple) -> list[list[str]]:
    """Rows of one bench; its matrices are made once, and the layer's diagonals drawn anew."""
    (lenses, space, design, width), (masks, subpixels, method), shape = case
    numbers: ACDC = layer("ACDC", shape)
    optical = realise(numbers, table(shape[0], subpixels, design, width), model=Wave(space), method=method)
    rows = []
    for start in STARTS:
        found = []
        for seed in SEEDS:
            numbers.load_state_dict(layer("ACDC", shape, start, seed=seed).state_dict())
            found.append(errors(optical, inputs(numbers, PROBES, seed=seed)))
        reading, field, light = map(mean, zip(*found, strict=True))
        size = " × ".join(map(str, shape))
        rows.append([lenses, masks, size, start, f"{reading:.1e}", f"{field:.1e}", f"{light:.2g}"])
    return rows


def main() -> None:
    with torch.no_grad():
        rows = [row for case in CASES for row in measured(case)]
    phase = ", ".join(f"{math.pi / 64 * 2 * n * (WAVELENGTH / PITCH) ** 2:.3f} at N = {n}" for n in (16, 32, 64))
    notes = [
        f"Relative L2 error against the numerical layer, mean of {len(SEEDS)} layers with {PROBES} Gaussian inputs "
        "each. The reading is Re E, of a camera with a perfect reference beam in phase; the field has both "
        "quadratures.",
        "Light used: power on the camera's pixels, by the field at their centres, over power of the input.",
        f"Aberration of a thin lens by third-order theory, (π/64)·M·(λ/p)² rad for M = 2N pixels: {phase}; compare "
        "the field of exact masks behind wide thin lenses at any angle.",
        "",
        f"torch {torch.__version__}; `python -m tests.benchmarks.lenses`.",
    ]
    publish("lenses", "ACDC layers through real lenses", notes, HEADER, rows)


if __name__ == "__main__":
    main()
