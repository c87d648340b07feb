"""What can happen to the files of a package: flipped bits, and changes of whole files."""

from __future__ import annotations

import json
import re

import gdstk
import klayout.db as klayout
import numpy as np
from astropy.io import fits
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.fabrication.packages import design_of


def flip(path, at, bit=0):
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)


# One bit of what each kind of file is for.


def in_png(data):
    start = data.index(b"IDAT")
    return start + 4 + int.from_bytes(data[start - 4 : start], "big") // 2


def in_bmp(data):
    return int.from_bytes(data[10:14], "little")  # the first pixel of the lowest row


def in_text(data):
    """The first digit that counts of the last number but zeros."""
    return [match.start(1) for match in re.finditer(rb"(?<![\d.])[-0.]*([1-9])[\d.]*", data)][-1]


def in_fits(data):
    return -(-(data.index(b"END" + b" " * 77) + 80) // 2880) * 2880


def in_npz(data):
    return data.index(b"levels.npy") + len("levels.npy") + 20


FLIPS = [
    ("chrome", "layout.gds", lambda data: data.rindex(b"\x00\x2c\x10\x03") + 7),  # a coordinate
    ("chrome", "layout.oas", lambda data: len(data) // 2),
    ("etched", "height.png", in_png),
    ("etched", "height.tif", lambda data: len(data) - 40),
    ("etched", "height.json", lambda data: data.index(b'"step_nm": ') + 13),
    ("etched", "relief.stl", lambda data: 84 + 12 + 2),  # the mantissa of the first corner
    ("etched", "relief.xyz", in_text),
    ("etched", "dose.png", in_png),
    ("etched", "dose.bmp", in_bmp),
    ("curve", "dose_curve.csv", lambda data: data.index(b"\n64.0,") + 6),
    ("etched", "sag.dat", in_text),
    ("etched", "phase.dat", in_text),
    ("etched", "surface.int", in_text),
    ("etched", "wavefront.int", in_text),
    ("etched", "transmission.fits", in_fits),
    ("etched", "opd.fits", in_fits),
    ("etched", "levels.npz", in_npz),
    ("etched", "depths.csv", lambda data: data.index(b"\n1,") + 1),
    ("etched", "layers.csv", lambda data: data.index(b"\n1,") + 1),
    ("etched", "marks.csv", lambda data: len(data) - 3),
    ("etched", "rules.json", lambda data: data.index(b"drawn_fraction") + 19),
    ("profile", "slm.png", in_png),
    ("panel", "slm.bmp", in_bmp),
    ("panel", "slm.npy", lambda data: len(data) - 1),
    ("panel", "slm.csv", lambda data: len(data) - 2),
    ("profile", "profile.toml", lambda data: data.index(b"shape = [") + 9),
    ("profile", "profile.response.csv", lambda data: data.index(b"\n128.0,") + 7),
    ("profile", "profile.flatness.npy", lambda data: len(data) - 2),
    ("mirrors", "dmd.png", in_png),
    ("mirrors", "dmd.bmp", in_bmp),
    ("mirrors", "dmd.bin", lambda data: len(data) // 2),
]


# What becomes of whole files.


def in_json(change):
    def changed(path):
        told = json.loads(path.read_text())
        change(told)
        path.write_text(json.dumps(told))

    return changed


def replaced(old, new):
    def changed(path):
        text = path.read_text()
        assert text.count(old)
        path.write_text(text.replace(old, new, 1))

    return changed


def turned(method):
    def changed(path):
        with Image.open(path) as picture:
            picture.load()
        old = np.asarray(picture)
        assert not np.array_equal(old, np.asarray(picture.transpose(method)))
        # A height map's own text is kept: the pixels alone are turned.
        kept = {"pnginfo": text_of(picture), "dpi": picture.info["dpi"]} if "Description" in picture.info else {}
        picture.transpose(method).save(path, **kept)

    return changed


def text_of(picture):
    information = PngInfo()
    information.add_text("Description", picture.info["Description"])
    return information


def by_klayout(change):
    """Read, change and write a layout."""

    def changed(path):
        layout, options = klayout.Layout(), klayout.SaveLayoutOptions()
        layout.read(str(path))
        change(layout, layout.top_cell(), [layout.find_layer(number, 0) for number in (1, 2)])
        options.set_format_from_filename(str(path))
        options.write_context_info = False
        layout.write(str(path), options)

    return changed


def swap(layout, top, layers):
    top.swap(*layers)


def shift(layout, top, layers):
    top.shapes(layers[0]).transform(klayout.Trans(1, 0))


def mirror(layout, top, layers):
    top.transform(klayout.Trans.M90)


def add_to_marks(layout, top, layers):
    box = top.bbox()
    top.shapes(layers[1]).insert(klayout.Box(box.left, box.bottom, box.left + 10, box.bottom + 10))


def add_a_layer(layout, top, layers):
    top.shapes(layout.layer(77, 0)).insert(klayout.Box(0, 0, 10, 10))


def swap_by_gdstk(path):
    library = gdstk.read_gds(path)
    for cell in library.cells:
        cell.remap({(1, 0): (2, 0), (2, 0): (1, 0)})
    library.write_gds(path)


def other_design(path):
    design_of("complex", seed=1).save(path)


def straight_curve(path):
    path.write_text("dose,height_nm\n0,1300\n255,0\n")


def same_masks_other_pitch(path):
    with np.load(path) as arrays:
        held = dict(arrays) | {"pitch": 2 * arrays["pitch"]}
    np.savez(path, **held)


def not_a_number(path):
    with fits.open(path) as units:
        data, header = units[0].data.copy(), units[0].header
    data[0, 0] = np.nan
    fits.writeto(path, data, header, overwrite=True, checksum=True)


def other_wavelength(path):
    with fits.open(path) as units:
        data, header = units[0].data, units[0].header.copy()
    header["WAVELEN"] = 532e-9
    fits.writeto(path, data, header, overwrite=True, checksum=True)


LEFT_RIGHT, UP_DOWN = Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM
DEEPER = in_json(lambda sheet: sheet["masks"][0]["layers"][0].update(depth_nm=700.0))
LONGER = in_json(lambda sheet: sheet["bench"].update(wavelength=6.335e-07))
FEWER = in_json(lambda sheet: sheet["masks"].pop())
LARGER = in_json(lambda sheet: sheet["process"]["A"].update(cells=10**9))

CHANGES = [
    ("layers swapped", "etched", "L1A/layout.gds", by_klayout(swap), "layer 1 holds what belongs on layer 2"),
    ("swapped by gdstk", "etched", "L1D/layout.gds", swap_by_gdstk, "layer 2 holds what belongs on layer 1"),
    ("swapped in OASIS", "etched", "L1A/layout.oas", by_klayout(swap), "layer 1 holds what belongs on layer 2"),
    ("a layer moved by 1 nm", "etched", "L1A/layout.gds", by_klayout(shift), "layer 1: area that differs"),
    ("moved in OASIS", "etched", "L1A/layout.oas", by_klayout(shift), "layer 1: area that differs"),
    ("a layout mirrored", "etched", "L1A/layout.gds", by_klayout(mirror), "layer 1 mirrored left-right"),
    ("a mark more", "etched", "L1A/layout.gds", by_klayout(add_to_marks), "layer 2: area that differs"),
    ("a layer more", "etched", "L1A/layout.gds", by_klayout(add_a_layer), r"layers \[77\] are none of"),
    ("an image mirrored", "etched", "L1A/height.png", turned(LEFT_RIGHT), "mirrored left-right"),
    ("an image upside down", "etched", "L1D/height.png", turned(UP_DOWN), "upside down"),
    ("doses mirrored", "etched", "L1A/dose.bmp", turned(LEFT_RIGHT), "mirrored left-right"),
    ("a panel's image mirrored", "panel", "L1A/slm.png", turned(LEFT_RIGHT), "mirrored left-right"),
    ("upside down on the panel", "panel", "L1A/slm.bmp", turned(UP_DOWN), "upside down"),
    ("mirrors mirrored", "mirrors", "L1A/dmd.png", turned(LEFT_RIGHT), "differ"),
    ("another profile", "profile", "L1A/profile.toml", replaced("columns = true", "columns = false"), "differ"),
    ("another panel", "panel", "L1A/profile.toml", replaced("bits = 8", "bits = 7"), "can be read"),
    ("another curve", "curve", "L1A/dose_curve.csv", straight_curve, "pixels that differ"),
    ("another depth", "etched", "process.json", DEEPER, r"masks\[0\].layers\[0\].depth_nm is '700.0'"),
    ("half a nanometre", "etched", "process.json", LONGER, "bench.wavelength is '6.335e-07'"),
    ("a mask less", "etched", "process.json", FEWER, "process.json: entries.*masks"),
    ("cells without number", "etched", "process.json", LARGER, "process.json can be read"),
    ("no JSON", "etched", "process.json", replaced("{", "["), "process.json: the file"),
    ("another schema", "etched", "process.schema.json", replaced("wavelength_nm", "wavelength_um"), "wavelength_nm"),
    ("another height", "etched", "L1A/depths.csv", replaced("\n3,", "\n5,"), r"\[4\]\[0\] is '5', not '3'"),
    ("another rule", "chrome", "L1A/rules.json", replaced("false", "true"), "'True', not 'False'"),
    ("another design", "etched", "design.safetensors", other_design, "is the design of process.json"),
    ("another pitch", "etched", "L1A/levels.npz", same_masks_other_pitch, "pitch 8e-06 m, not 4e-06 m"),
    ("another unit", "etched", "L1A/sag.dat", replaced(" 0.004 0.004 ", " 0.008 0.008 "), "pitch 8e-06 m"),
    ("another wavelength", "etched", "L1A/wavefront.int", replaced("WVL 0.633", "WVL 0.532"), "wavelength 5.32e-07 m"),
    ("not a number", "etched", "L1A/transmission.fits", not_a_number, "finite numbers"),
    ("headers that disagree", "etched", "L1A/opd.fits", other_wavelength, "headers disagree"),
    ("a file missing", "etched", "L1A/relief.stl", lambda path: path.unlink(), "relief.stl is missing"),
    ("a companion missing", "etched", "L1A/height.json", lambda path: path.unlink(), "no height.json beside it"),
    ("half a pair missing", "etched", "L1A/opd.fits", lambda path: path.unlink(), "no such file"),
    ("no profile", "panel", "L1A/profile.toml", lambda path: path.unlink(), "no such file"),
    ("no table", "etched", "L1D/marks.csv", lambda path: path.unlink(), "marks.csv is missing"),
    ("no summary", "etched", "README.txt", lambda path: path.unlink(), "README.txt is missing"),
    ("no sheet", "etched", "process.json", lambda path: path.unlink(), "process.json can be read"),
    ("no design", "etched", "design.safetensors", lambda path: path.unlink(), "design.safetensors"),
    ("a file more", "etched", "L1A/layout (1).gds", lambda path: path.write_text("x"), "no part of the order"),
    ("a file more above", "etched", "notes.txt", lambda path: path.write_text("x"), "no part of the order"),
]  # fmt: skip
