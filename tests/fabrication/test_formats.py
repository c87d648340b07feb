"""Every format, of every mask that it suits: written, read back, and looked at by readers that know nothing of it."""

from __future__ import annotations

import warnings

import klayout.db as klayout
import numpy as np
import pytest
import trimesh
from astropy.io import fits
from PIL import Image

from acdc_optical.fabrication.orders import MaskOrder
from acdc_optical.fabrication.package.formats import FORMATS, formats_for
from acdc_optical.fabrication.process import LayoutProcess, Process
from tests.fabrication.packages import CHROME, ETCHED, Case, design_of

CASES = ["chrome", "etched", "stripes", "panel", "profile", "curve", "mirrors"]

# FITS holds amplitude and path, from which exp(iφ) is computed; the others tell the level.
CLOSE = {"fits": 1e-12}

# Heights do not tell chrome from the lowest glass.
HEIGHTS = {"png", "tiff", "dose", "dose-bmp", "stl", "xyz", "zemax-sag", "code-v-surface"}


@pytest.mark.parametrize("case", CASES)
def test_files_hold_every_cell(package, orders, case):
    folder, found = package(case), orders[case].orders
    for order in found:
        for form in formats_for(found, ["all"])[order.plate.name]:
            reading = form.read(folder / order.plate.name, order)
            assert (reading.differing, reading.remarks) == (0, ()), form.name
            told = not (order.plate.transmittance == 0).any() or form.name not in HEIGHTS
            assert (reading.transmittance is not None) == told, form.name
            if told and case != "profile":
                expected = order.plate.transmittance[order.plate.levels]
                assert np.abs(reading.transmittance - expected).max() <= CLOSE.get(form.name, 0.0), form.name


def test_a_panel_that_is_not_flat_shows_the_phases_to_half_a_gray(package, orders):
    folder, (order,) = package("profile"), orders["profile"].orders
    for name in ("slm", "slm-npy", "slm-csv"):
        seen = FORMATS[name].read(folder / "L1A", order).transmittance
        errors = np.angle(seen / order.plate.transmittance[order.plate.levels])
        assert 0 < np.abs(errors).max() <= np.pi / 1024 * (1 + 1e-9)  # 10 bits; the flatness is no whole gray


def test_together_they_are_all_formats(package):
    written = {path.name for case in CASES for path in package(case).glob("*/*")}
    assert {form.file for form in FORMATS.values()} <= written


@pytest.mark.parametrize(("case", "format", "lack"), [("chrome", "slm", "phases"), ("etched", "dmd", "opaque")])
def test_formats_that_suit_no_mask_are_refused(orders, case, format, lack):
    with pytest.raises(ValueError, match=f"written as {format}: they lack .*{lack}"):
        formats_for(orders[case].orders, [format])


def test_unknown_formats_are_refused(orders):
    with pytest.raises(ValueError, match=r"no format is named 'gdsii', 'dxf'; choose of gds, oas"):
        formats_for(orders["chrome"].orders, ["gds", "gdsii", "dxf"])


def test_the_levels_are_always_written(orders):
    chosen = formats_for(orders["etched"].orders, ["gds", "gds"])
    assert {name: [form.name for form in forms] for name, forms in chosen.items()} == {
        "L1A": ["gds", "npz"],
        "L1D": ["gds", "npz"],
    }


def test_a_mask_that_lacks_something_is_left_out_where_another_does_not(orders):
    chosen = formats_for(orders["panel"].orders, ["slm"])
    assert {name: [form.name for form in forms] for name, forms in chosen.items()} == {
        "L1A": ["slm", "npz"],
        "L1D": ["npz"],
    }


# Orientation. The plates have no symmetry, and those of "etched" are seen mirrored by the shop.


@pytest.fixture(params=["L1A", "L1D"])
def etched(request, package, orders):
    order = next(order for order in orders["etched"].orders if order.plate.name == request.param)
    levels = order.plate.levels
    assert order.plate.mirrored
    assert not any(np.array_equal(levels, turned) for turned in (levels[::-1], levels[:, ::-1], levels[::-1, ::-1]))
    return package("etched") / request.param, order


@pytest.mark.parametrize("file", ["height.png", "height.tif"])
def test_images_of_heights_have_the_top_first_and_x_mirrored(etched, file):
    folder, order = etched
    heights = order.plate.heights[order.plate.levels[::-1, ::-1]]
    numbers = np.asarray(Image.open(folder / file)).astype(float)
    slope, origin = np.polyfit(numbers.ravel(), heights.ravel(), 1)
    assert slope > 0
    # Half a step of at most 5e-5 of the range, which is 1.2 µm; a line fitted to rounded numbers may tilt by as much.
    assert np.abs(origin + slope * numbers - heights).max() < 6e-11


def test_doses_are_highest_where_most_is_taken_away(etched):
    folder, order = etched
    heights = order.plate.heights[order.plate.levels[::-1, ::-1]]
    for file in ("dose.png", "dose.bmp"):
        grays = np.asarray(Image.open(folder / file)).astype(float)
        assert np.corrcoef(grays.ravel(), heights.ravel())[0, 1] < -0.9999  # 8 bits: half of 1/255 off at most


@pytest.mark.parametrize("file", ["layout.gds", "layout.oas"])
def test_layouts_draw_cells_where_the_shop_sees_them(etched, file):
    folder, order = etched
    layout = klayout.Layout()
    layout.read(str(folder / file))
    (top,), plate = layout.top_cells(), order.plate
    (ny, nx), (high, wide) = plate.levels.shape, plate.pitch
    for layer in plate.layers:
        drawn = klayout.Region(top.begin_shapes_rec(layout.find_layer(layer.number, 0)))
        for row, column in [(0, 0), (0, nx - 1), (ny - 1, 0), (ny - 1, nx - 1), (1, 2), (ny - 2, 1)]:
            x, y = ((column + 0.5 - nx / 2) * wide, (row + 0.5 - ny / 2) * high)
            middle = klayout.DPoint(x * 1e6, y * 1e6).to_itype(layout.dbu)
            spot = klayout.Region(klayout.Box(middle.x - 5, middle.y - 5, middle.x + 5, middle.y + 5))
            expected = layer.drawn[plate.levels[row, nx - 1 - column]]
            assert (drawn & spot).area() == 100 * expected, (layer.number, row, column)


def test_solids_and_points_stand_as_the_shop_sees_them(etched):
    folder, order = etched
    plate = order.plate
    (ny, nx), (high, wide) = plate.levels.shape, plate.pitch
    mesh, (x, y, z) = trimesh.load(folder / "relief.stl"), np.loadtxt(folder / "relief.xyz").T
    assert mesh.is_watertight
    heights = plate.heights[plate.levels[:, ::-1]]
    rows, columns = np.rint(y * 1e-6 / high + (ny - 1) / 2), np.rint(x * 1e-6 / wide + (nx - 1) / 2)
    assert np.abs(z * 1e-6 - heights[rows.astype(int), columns.astype(int)]).max() < 1e-11  # five decimals of a µm
    assert len(set(zip(rows, columns, strict=True))) == plate.levels.size
    # The volume above the base, moment by moment: symmetric errors cannot hide in all of them.
    tops = heights + order.process.base
    assert mesh.volume * 1e-18 == pytest.approx(tops.sum() * high * wide, rel=1e-5)  # float32 corners
    middles = (np.arange(nx) + 0.5 - nx / 2) * wide, (np.arange(ny) + 0.5 - ny / 2) * high
    expected = [(tops * middles[0]).sum() / tops.sum(), (tops * middles[1][:, None]).sum() / tops.sum()]
    assert max(map(abs, expected)) > 1e-8
    assert mesh.center_mass[:2] * 1e-6 == pytest.approx(expected, abs=1e-10)


def test_design_tools_get_the_frame_of_the_light(etched):
    folder, order = etched
    plate, phases = order.plate, np.angle(order.plate.transmittance[order.plate.levels]) % (2 * np.pi)
    with np.load(folder / "levels.npz") as arrays:
        assert np.array_equal(arrays["levels"], plate.levels)
    assert np.abs(in_fits(folder, order) - plate.transmittance[plate.levels]).max() < 1e-12  # exp of a rounded phase
    dat = np.loadtxt(folder / "phase.dat", skiprows=1)[:, 0].reshape(plate.levels.shape)[::-1]
    assert np.abs(np.exp(1j * dat) - np.exp(1j * phases)).max() < 1e-12
    header, *counts = (folder / "wavefront.int").read_text().splitlines()[1:]
    steps = int(header.split()[header.split().index("SSZ") + 1])
    waves = np.array(" ".join(counts).split(), dtype=int).reshape(plate.levels.shape)[::-1] / steps
    assert np.abs(np.exp(2j * np.pi * waves) - np.exp(1j * phases)).max() < np.pi / steps * (1 + 1e-9)


def in_fits(folder, order: MaskOrder) -> np.ndarray:
    """Amplitude and path by astropy, of the cells in the middle of the square."""
    amplitude, path = (fits.getdata(folder / file) for file in ("transmission.fits", "opd.fits"))
    header = fits.getheader(folder / "transmission.fits")
    values = amplitude * np.exp(2j * np.pi * path / order.plate.wavelength)
    down, across = header["SPLITY"], header["SPLITX"]
    high, wide = (n * split for n, split in zip(order.plate.levels.shape, (down, across), strict=True))
    top, left = (len(values) - high) // 2, (len(values) - wide) // 2
    assert np.count_nonzero(values) == high * wide  # the frame is opaque
    return values[top : top + high : down, left : left + wide : across]


def test_images_for_panels_have_the_top_first(package, orders):
    folder, plate = package("panel") / "L1A", orders["panel"].orders[0].plate
    shown = np.exp(1j * np.pi * (255 - np.asarray(Image.open(folder / "slm.png")).astype(float)) / 128)
    assert np.abs(shown - plate.transmittance[plate.levels[::-1, ::-1]]).max() < 1e-12  # 8 levels of 256 grays
    for file in ("slm.bmp", "slm.png"):
        assert np.array_equal(np.asarray(Image.open(folder / file)), np.load(folder / "slm.npy"))
    assert np.array_equal(np.loadtxt(folder / "slm.csv", delimiter=","), np.load(folder / "slm.npy"))


def test_images_for_mirrors_have_the_top_first_and_the_mask_in_the_middle(package, orders):
    folder, plate = package("mirrors") / "L1A", orders["mirrors"].orders[0].plate
    ny, nx = plate.levels.shape
    image = np.asarray(Image.open(folder / "dmd.png"))
    assert image.shape == (60, 83)
    top, left = (60 - ny) // 2, (83 - nx) // 2
    cells = image[top : top + ny, left : left + nx]
    assert np.array_equal(cells, plate.levels[::-1] == 1)
    assert not np.array_equal(cells, cells[::-1])
    assert image.sum() == cells.sum()
    assert np.array_equal(np.asarray(Image.open(folder / "dmd.bmp")), image)
    bits = np.fromfile(folder / "dmd.bin", dtype=np.uint8).reshape(60, -1)
    assert np.array_equal(np.unpackbits(bits, axis=1)[:, :83], image)


def test_a_panel_without_room_is_refused_and_leaves_nothing(orders, tmp_path):
    small = orders["mirrors"].process.A.replace(panel=(20, 50))
    case = Case(orders["mirrors"].design, Process(name="small", A=small))
    with pytest.raises(ValueError, match="no place for 32 × 48 pixels on a device of 20 × 50"):
        case.export(tmp_path / "out", "dmd")
    assert not list(tmp_path.iterdir())


def test_coordinates_beyond_32_bits_are_refused_and_leave_nothing(tmp_path):
    """The length that GDSII holds is 2.1 mm in units of a picometre; OASIS has no such limit."""
    process = Process(name="fine", A=CHROME, layout=LayoutProcess(grid=1e-12, stripe_height=5e-3))
    case = Case(design_of("line"), process)
    with pytest.raises(ValueError, match="32 bits of GDSII"):
        case.export(tmp_path / "out", "gds")
    assert not list(tmp_path.iterdir())
    assert case.export(tmp_path / "out", "oas").is_dir()


def test_gray_levels_that_files_of_8_bits_cannot_hold_go_elsewhere(orders):
    """The profile has 10 bits: no BMP."""
    found = orders["profile"].orders
    with pytest.raises(ValueError, match="at most 8 bits"):
        formats_for(found, ["slm-bmp"])
    assert "slm-bmp" not in {form.name for form in formats_for(found, ["all"])["L1A"]}


def test_no_warnings_while_writing_and_reading(tmp_path):
    case = Case(design_of("complex"), Process(name="x", A=ETCHED))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        folder = case.export(tmp_path / "out", "fits", "tiff", "stl", "oas")
        for name in ("fits", "tiff", "stl", "oas"):
            assert FORMATS[name].read(folder / "L1A", case.orders[0]).differing == 0
