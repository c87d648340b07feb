"""How much what is wrong with a bench matters: ``python -m tests.benchmarks.imperfections``, some minutes.

Sizes of one imperfection are computed together, as draws.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any, NamedTuple

import torch
from torch import Tensor

from acdc_optical import Imperfections, ImperfectLayer, OpticalLayer, realise
from acdc_optical.benches.planes import Planes
from acdc_optical.figures import plot_errors
from acdc_optical.files import replacing
from tests.benchmarks.table import RESULTS, Section, machine, publish_sections
from tests.realisation.cases import bench, inputs, layer

SEEDS = range(3)
SHAPE = (16, 16)
NODES = 5  # integrals to 6e-9
PARTS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
LAYERS = [("ACDC", "identity-like"), ("ACDC", "signed random"), ("AFDF", "identity-like")]


class Scale(NamedTuple):
    """What a table's sizes are multiplied by, in SI units, and in words."""

    size: float
    words: str


class Error(NamedTuple):
    """Relative L2 error of the outputs, as they are and after the best complex factor."""

    raw: float
    scaled: float


def scales(planes: Planes) -> dict[str, Scale]:
    """Pixels, and depths in which light of a pixel spreads by another; by the name of an imperfection."""
    front, back = planes.input.spacing[-1], planes.mask.spacing[-1]
    deep, deeper = (pitch**2 / planes.wavelength for pitch in (front, back))
    pixel, own = Scale(front, f"{front * 1e6:.3g} µm"), Scale(back, f"{back * 1e6:.3g} µm")
    depth, own_depth = Scale(deep, f"{deep * 1e6:.3g} µm"), Scale(deeper, f"{deeper * 1e3:.3g} mm")
    shifts = ("modulator", "input_mask", "fourier_mask", "camera", "first_lens", "second_lens")
    found = {f"{part}.shift_x": own if part == "fourier_mask" else pixel for part in shifts}
    defocus = {f"{part}.defocus": depth if part != "fourier_mask" else own_depth for part in PLANES}
    turned = {
        f"{part}.rotation": Scale(0.01, "10 mrad") for part in ("modulator", "input_mask", "fourier_mask", "camera")
    }
    lenses = {f"{lens}.tilt_x": Scale(0.1, "100 mrad") for lens in ("first_lens", "second_lens")}
    focal = {f"{lens}.focal_length": Scale(0.01, "1 %") for lens in ("first_lens", "second_lens")}
    return {**found, **defocus, **turned, **lenses, **focal, "light.wavelength": Scale(10e-9, "10 nm")}


PLANES = ("modulator", "fourier_mask", "camera")
DEVICES: dict[str, Sequence[Any]] = {
    "gap_reflectance": (0.1, 0.2, 0.5, 1.0),
    "flatness": (1e-8, 2e-8, 5e-8, 1e-7),
    "etch_depth": (0.01, 0.02, 0.05, 0.1),
    "bits": (2, 4, 6, 8, 10),
    "crosstalk": (0.05, 0.1, 0.2, 0.4),
}

# What the tables show; the powers of the first are in their last column.
PLACE_REMARKS = [
    "- A number is read where its image is. Modulator, camera and both lenses move the image against the camera's "
    "pixels alike, by a pixel for a pixel: that is one row, four times. Numbers at random change from pixel to pixel, "
    "so half a pixel is nearly half of everything.",
    "- Of a mirrored (ACDC) layer the two halves move in opposite senses against their numbers, and their mean has no "
    "first order: errors go with the square of shifts, turns and depths. An AFDF layer has one image, and they go "
    "with the first power.",
    "- A mask A that is moved gives each number a share of the next one's a, in proportion to the shift, mirrored or "
    "not: both halves have another a. Gaps that are dark hide the first 2 % of a pixel: its rotation costs nothing "
    "until the rim has moved by as much (16 pixels × 1.1 mrad, 8 × 2.2 mrad).",
    "- Mask D moved by s turns the phase of the output by 2π·s·x/(λf) and back that of the input: only what D does "
    "besides imaging feels it. Of mirrored layers the turn is odd, and what is left is its square.",
    "- Out of focus, the modulator and the camera put a parabola of phase on mask D, π·dz·u²/(λf²): in quadrature, in "
    "first order, to a real layer, which does not read it. A focal length wrong by ε is a defocus of ε·f, and so a "
    "thousandth of 100 mm is one depth of a pixel.",
    "- Mask D out of focus puts a parabola on the modulator and the opposite one on the camera: they cancel for light "
    "that is imaged. One of its depths, hundreds of times as long, costs 20 to 200 times less.",
    "- Light of another wavelength meets mask D on another scale, first order in all layers: 1 nm of 633 displaces the "
    "outermost coefficients by 1/630 of their distance from the axis.",
    "- A tilt of a lens is a focal length wrong by its square, different along both axes: twice the power of that.",
]
DEVICE_REMARKS = {
    "gap_reflectance": [
        "Light from gaps of mask D goes on as if there were no mask: mostly an image of the input, which a factor "
        "takes away where the layer is near the identity. "
        "Gaps of the modulator send on their share of what an open pixel does, here of the largest number of each "
        "input."
    ],
    "flatness": [
        "Phases of an rms of 2π·rms/λ, 0.1 at 10 nm: of complex numbers as much is wrong; a real layer reads the "
        "cosine, and the square is wrong."
    ],
    "etch_depth": [
        "Only what is etched is wrong: of a real mask the negative numbers, of which mask A near the identity has none "
        "(what is left is the integrals'). Complex masks have all phases, wrong by up to 2π times the error."
    ],
    "bits": [
        "Of 2^b steps of amplitude and of phase; of the modulator, of amplitude, up to the largest number of each "
        "input, whose rms is a third of that. Each bit halves the error."
    ],
    "crosstalk": [
        "In pixels; borders between phases 0 and π take all phases in between, so signs that change cost most, and "
        "near the identity a real mask has few."
    ],
}


def realised(kind: str, start: str, seed: int) -> OpticalLayer:
    """A layer on a bench whose pixels have gaps in both planes."""
    return realise(layer(kind, SHAPE, start, seed=seed), bench(mask_fill=0.95))


def errors(optical: OpticalLayer, values: Mapping[str, Any], x: Tensor) -> list[Error]:
    """Of each draw, or of the one bench."""
    wanted = optical(x)
    got = ImperfectLayer(optical, Imperfections().changed(values), nodes=NODES)(x)
    return [error(each, wanted) for each in (got if got.ndim > wanted.ndim else got[None])]


def error(got: Tensor, wanted: Tensor) -> Error:
    """How far outputs are from what they should be."""
    got, wanted = (each.flatten().to(torch.complex128) for each in (got, wanted))
    factor = torch.vdot(got, wanted) / torch.vdot(got, got)
    return Error(*(float((each - wanted).norm() / wanted.norm()) for each in (got, factor * got)))


def curves(kind: str, start: str) -> dict[str, list[Error]]:
    """Errors by the size of each thing that is out of place, means over seeds."""
    found: dict[str, list[list[Error]]] = {}
    for seed in SEEDS:
        optical = realised(kind, start, seed)
        x = inputs(optical.layer, 4, seed=seed)
        for name, scale in scales(optical.masks().planes).items():
            sizes = scale.size * torch.tensor(PARTS, dtype=torch.float64)
            if "rotation" in name:  # one by one: powers of turned light are many, and as many for all draws
                each = [errors(optical, {name: float(size)}, x)[0] for size in sizes]
            else:
                each = errors(optical, {name: sizes}, x)
            found.setdefault(name, []).append(each)
    return {name: [_mean(column) for column in zip(*rows, strict=True)] for name, rows in found.items()}


def devices(kind: str, start: str) -> dict[str, list[Error]]:
    """Errors by what is wrong with each device."""
    found = {}
    of_masks = [(device, what) for device in ("input_device", "fourier_device") for what in DEVICES]
    for device, what in [("modulator_device", "amplitude_bits"), *of_masks]:
        columns = []
        for size in DEVICES[what.removeprefix("amplitude_")]:
            rows = []
            for seed in SEEDS:
                optical = realised(kind, start, seed)
                rows.append(
                    errors(optical, wrong_of(device, what, size, optical), inputs(optical.layer, 4, seed=seed))[0]
                )
            columns.append(_mean(rows))
        found[f"{device}.{what}"] = columns
    return found


def wrong_of(device: str, what: str, size: float, optical: OpticalLayer) -> dict[str, Any]:
    """One thing that is wrong with a device: bits of phase and amplitude, fringing in pixels."""
    if what == "bits":
        return {f"{device}.{bits}": size for bits in ("phase_bits", "amplitude_bits")}
    planes = optical.masks().planes
    pitch = (planes.input if device == "input_device" else planes.mask).spacing[-1]
    return {f"{device}.{what}": size * pitch if what == "crosstalk" else size}


def _mean(rows: Sequence[Error]) -> Error:
    return Error(*(mean(each) for each in zip(*rows, strict=True)))


def cell(found: Error) -> str:
    return f"{found.raw:.1e} ({found.scaled:.1e})"


def power(found: Sequence[Error]) -> str:
    """Of the size, with which the error grows from an eighth to a quarter of the whole."""
    small, large = (found[PARTS.index(part)].raw for part in (1 / 8, 1 / 4))
    return f"{math.log2(large / small):.1f}"


def place_section(kind: str, start: str) -> tuple[Section, dict[str, list[Error]]]:
    found = curves(kind, start)
    units = scales(realised(kind, start, 0).masks().planes)
    header = ["what", "whole", *(f"{part:g} of it" for part in PARTS), "power"]
    rows = [[name, units[name].words, *map(cell, each), power(each)] for name, each in found.items()]
    remarks = PLACE_REMARKS if (kind, start) == LAYERS[-1] else []
    return Section(f"{kind} {SHAPE[0]} × {SHAPE[1]}, {start}: parts out of place", header, rows, remarks), found


def device_sections(kind: str, start: str) -> list[Section]:
    found = devices(kind, start)
    return [
        Section(
            f"{kind} {SHAPE[0]} × {SHAPE[1]}, {start}: {what}",
            ["what", *(f"{size:g}" for size in sizes)],
            [[name, *map(cell, each)] for name, each in found.items() if name.endswith(what)],
            DEVICE_REMARKS[what] if (kind, start) == LAYERS[-1] else [],
        )
        for what, sizes in DEVICES.items()
    ]


def drawn_curves(found: Mapping[str, list[Error]], names: Sequence[str]) -> dict[str, tuple[list[float], list[float]]]:
    return {name: (list(PARTS), [each.raw for each in found[name]]) for name in names}


def main() -> None:
    begun = time.perf_counter()
    with torch.no_grad():
        places = [place_section(*each) for each in LAYERS]
        sections = [section for section, _ in places]
        for each in LAYERS:
            sections += device_sections(*each)
    names = [n for n in places[0][1] if n.endswith(("shift_x", "defocus", "wavelength")) and "lens" not in n]
    figure = plot_errors(drawn_curves(places[0][1], names), "size / whole (see the table)")
    with replacing(RESULTS / "imperfections.png") as path:
        figure.savefig(path, format="png")
    notes = [
        f"Relative L2 errors of the outputs for 4 inputs of normal numbers, in brackets after the best complex factor; "
        f"means over {len(SEEDS)} layers. Bench of the tests: 633 nm, 100 mm, pixels of 8 µm, fills 0.9644 "
        "(modulator), 0.95 (mask), 0.9 (camera); read as it is, without noise. A depth is pitch²/λ, in which the "
        "light of one pixel spreads by another. Power: with which the error grows from 1/8 to 1/4.",
        "",
        "![Errors against sizes](imperfections.png)",
        "",
        f"{machine()}, {time.perf_counter() - begun:.0f} s; `python -m tests.benchmarks.imperfections`.",
    ]
    publish_sections("imperfections", "What imperfections cost", notes, sections)


if __name__ == "__main__":
    main()
