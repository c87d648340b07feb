"""Masks of stripes in an order: light, deviations, files, and what is refused."""

import json
import shutil
from dataclasses import replace

import gdstk
import numpy as np
import pytest
import torch

from acdc_optical import Continuous, EtchedComb, OneEtch, OpticalCascade, realise
from acdc_optical.cli import main
from acdc_optical.design import Design
from acdc_optical.fabrication import FORMATS, order_of_stripes, suited, verify_package
from acdc_optical.fabrication.deviations import Depth, Width
from acdc_optical.fabrication.made import Cells, MadeLayer, Striped
from acdc_optical.fabrication.mask_process import MaskProcess
from acdc_optical.fabrication.orders import made_layers, optical_layers, orders_of
from acdc_optical.fabrication.package.writing import export_package
from acdc_optical.fabrication.plate import phase_steps
from acdc_optical.fabrication.process import LayoutProcess, Process
from acdc_optical.verification import light_used
from optics import Stripes
from tests.fabrication.designs import striped
from tests.fabrication.ordered import order_of
from tests.fabrication.packages import copied
from tests.realisation.cases import bench, inputs, layer, relative_error

SHAPES = pytest.mark.parametrize("shape", [(6,), (2, 3)], ids=str)
D = MaskProcess(encoding="phase-steps", levels=2)
FINE = LayoutProcess(grid=1e-16)


def in_cells(shape, count=4, etched=-1.0):
    """The same random mask, mirrored, as cells and as stripes; with the layer on its bench."""
    optical = realise(layer("ACDC", shape), bench(subpixels=3))
    grid = optical.masks().planes.mask
    half = np.random.default_rng(0).random([n // 2 for n in grid.cells[:-1]] + [grid.cells[-1] * count // 2]) < 0.5
    whole = half
    for axis in range(half.ndim):
        whole = np.concatenate((np.flip(whole, axis), whole), axis)
    values = torch.from_numpy(np.where(whole, 1.0, etched).astype(complex))
    even = (*(i / count - 0.5 for i in range(count)), 0.5)
    edges = ((-0.5, 0.5),) * (grid.ndim - 1) + (even,)
    rows = np.atleast_2d(whole)
    x = (np.arange(1, rows.shape[1]) - rows.shape[1] / 2) * grid.spacing[-1] / count
    changes = np.where(rows[:, 1:] != rows[:, :-1], x, grid.extent[-1] / 2)
    places, first = torch.from_numpy(np.sort(changes, axis=1)), torch.from_numpy(np.where(rows[:, 0], 1.0, -1.0))
    if grid.ndim == 1:
        places, first = places[0], first[0]
    return optical, Cells(values, edges), Striped(Stripes(places, first, grid.extent, etched))


@pytest.mark.parametrize("etched", [-1.0, -0.6 + 0.7j])
@SHAPES
@torch.no_grad()
def test_stripes_whose_edges_are_those_of_cells_are_cells(shape, etched):
    optical, cells, stripes = in_cells(shape, etched=etched)
    a, x = Cells.whole(optical.masks().input_mask), inputs(optical.layer, 2)
    by_cells, by_stripes = MadeLayer(optical, a, cells), MadeLayer(optical, a, stripes)
    assert relative_error(by_stripes(x), by_cells(x)) < 1e-12  # both are integrated to 1e-13
    assert by_stripes.light_used(x) == pytest.approx(by_cells.light_used(x), rel=2e-6)  # to a millionth


@SHAPES
@torch.no_grad()
def test_the_order_is_the_design(shape):
    design = striped(shape)
    (order,) = orders_of(design, suited(design))
    x = inputs(design.stages[0], 2)
    (optical,), made = optical_layers(design), made_layers(design, [order])[0]
    assert relative_error(made(x), optical(x)) < 1e-12
    assert made.light_used(x) == pytest.approx(light_used(optical, x), rel=2e-6)
    assert order.plate.x_edges is not None
    steps = order.plate.x_edges[1:-1] / 1e-9
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-6)
    assert order.plate.levels.shape[0] == (1 if len(shape) == 1 else optical.masks().planes.mask.cells[0])


@torch.no_grad()
def test_edges_off_the_grid_are_simulated_where_they_are_drawn():
    design = striped((6,), grid=None)
    (order,) = orders_of(design, suited(design))
    stripes = order.cells.stripes
    moved = (stripes.edges - design.masks[0].fourier_mask.edges).abs()
    assert 0 < moved.max() <= 0.5e-9 * (1 + 1e-6)
    x = inputs(design.stages[0], 2)
    error = relative_error(made_layers(design, [order])[0](x), design.stages[0](x))
    assert 1e-8 < error < 1e-4  # plain rounding to a nanometre; the design itself is right to 1e-14


@pytest.mark.parametrize("deviation", [Depth(0.03), Width(0.3e-6), Width(-0.3e-6)], ids=repr)
@SHAPES
@torch.no_grad()
def test_deviations_are_those_of_cells(shape, deviation):
    """On a grid so fine that no edge moves."""
    optical, cells, stripes = in_cells(shape)
    masks = replace(optical.masks(), fourier_mask=stripes.stripes)
    design = Design((optical.layer,), optical.bench, (masks,))
    (order,) = orders_of(design, Process(name="etched", D=D.replace(surroundings="stop"), layout=FINE))
    found = MadeLayer(optical, Cells.whole(masks.input_mask), deviation.cells(order))
    x = inputs(optical.layer, 2)
    wanted = MadeLayer(optical, Cells.whole(masks.input_mask), by_cells(masks.planes.mask, cells, deviation))
    assert relative_error(found(x), wanted(x)) < 1e-8  # cells know where their edges are to 1e-9 of them


def by_cells(grid, cells, deviation):
    """The deviation of a plate of even cells, square in their number: along y every row is divided like along x."""
    values = cells.values.numpy()
    count = values.shape[-1] // grid.cells[-1]
    if values.ndim == 2:
        values = values.repeat(count, axis=0)
    levels = (values.real < 0).astype(np.uint8)
    pitch = tuple(p / count for p in grid.spacing)
    return deviation.cells(order_of(levels, phase_steps(2), D, cells=count, pitch=(pitch[0], pitch[-1])))


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    design = striped((2, 3))
    process = Process.preset("stripes").replace(D=Process.preset("stripes").D.replace(faces_source=True))
    return export_package(design, process, tmp_path_factory.mktemp("order") / "mask").folder


def test_files_give_the_error_of_the_design(package):
    report = verify_package(package)
    assert report.passed, report
    errors = {row.source: row.error for row in report.errors}
    designed = errors["the design"]
    assert designed < 1e-5
    for source in ("the order, in memory", "gds, mask D", "oas, mask D", "npz, mask D"):
        assert errors[source] == pytest.approx(designed, rel=1e-6)  # of an error of 1e-7, known to 1e-13


def test_rectangles_are_the_stripes_mirrored(package):
    """Read by gdstk, by hand: the etched area of each row, and where it begins."""
    design = Design.load(package / "design.safetensors")
    stripes = design.masks[0].fourier_mask
    cells = gdstk.read_gds(package / "L1D" / "layout.gds").cells
    found = sorted(
        tuple(np.rint(np.array(p.bounding_box()).ravel() * 1e3).astype(int))
        for cell in cells
        for p in cell.polygons
        if p.layer == 1 and np.abs(p.bounding_box()).max() * 1e-6 <= stripes.extent[0] / 2 + 1e-9  # no mark
    )
    wanted = stripes.rectangles.numpy() * 1e9
    wanted[:, [0, 2]] = -wanted[:, [2, 0]]
    area = sum(int(x1 - x0) * int(y1 - y0) for x0, y0, x1, y1 in found)
    # Nothing is rounded: borders of rows and of the mask are on the grid as well, and were solved for there.
    drawn = ((wanted[:, 2] - wanted[:, 0]) * (wanted[:, 3] - wanted[:, 1])).sum()
    assert area == pytest.approx(drawn, rel=1e-12)
    sheet = json.loads((package / "process.json").read_text())
    assert sheet["masks"][0]["edges_moved_nm"] < 1e-6
    assert {x for box in found for x in (box[0], box[2])} == set(np.rint(wanted[:, [0, 2]]).astype(int).ravel())


def test_a_nanometre_is_noticed(package, tmp_path):
    """One rectangle a database unit longer."""
    folder = copied(package, tmp_path / "moved")
    path = folder / "L1D" / "layout.gds"
    library = gdstk.read_gds(path)
    polygon = next(p for cell in library.cells for p in cell.polygons if p.layer == 1)
    box = polygon.bounding_box()
    for cell in library.cells:
        if polygon in cell.polygons:
            cell.remove(polygon)
            cell.add(gdstk.rectangle(box[0], (box[1][0] + 1e-3, box[1][1]), layer=1))
    library.write_gds(path)
    report = verify_package(folder)
    assert not report.passed
    assert any("rectangles that differ" in check.name and not check.passed for check in report.checks)


@pytest.mark.parametrize("name", ["png", "stl", "slm", "zemax-sag", "fits"])
def test_formats_of_even_cells_are_refused(tmp_path, name):
    design = striped((2, 3))
    with pytest.raises(ValueError, match=f"can be written as {name}: they lack cells of one width"):
        export_package(design, suited(design), tmp_path / "mask", formats=[name])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("process", "message"),
    [
        (D.replace(levels=4), 'mask D of optical layer 1: it is made of stripes.*encoding = "phase-steps"'),
        (MaskProcess(encoding="chrome-and-etch", cells=4), "it is made of stripes"),
        (D.replace(made="modulator"), 'need a pattern: give made = "etched"'),
        (D.replace(made="etched-gray-scale"), "need a pattern"),
    ],
)
def test_processes_that_do_not_draw_are_refused(process, message):
    with pytest.raises(ValueError, match=message):
        orders_of(striped((2, 3)), Process(name="other", D=process))


def test_stripes_narrower_than_the_grid_are_refused():
    design = striped((6,), grid=None, minimum_feature=0.0)
    masks = design.masks[0]
    stripes = masks.fourier_mask
    edges = torch.cat((stripes.edges[:4], stripes.edges[3:4] + 1e-11, stripes.edges[4:5], stripes.edges[5:]))
    thin = replace(design, masks=(replace(masks, fourier_mask=Stripes(edges, stripes.first, stripes.extent)),))
    with pytest.raises(ValueError, match="1 stripes vanish on a grid of 1 nm"):
        orders_of(thin, suited(thin))


def test_commands_from_diagonals_to_a_verified_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    numbers = layer("ACDC", (6,), "signed random")
    np.save("a.npy", numbers.a.detach().numpy())
    np.save("d.npy", numbers.d.detach().numpy())
    options = ["--method", "binary", "--min-feature", "1 um", "--grid", "1 nm", "--out", "x.design"]
    assert main(["compile", "--a", "a.npy", "--d", "d.npy", "--pixels-per-coefficient", "3", *options]) == 0
    assert "edges, stripes from" in capsys.readouterr().out
    assert main(["export", "x.design", "--out", "order"]) == 0
    capsys.readouterr()
    assert main(["verify-package", "order", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"]
    shutil.rmtree("order")


def test_cascades_are_not_ordered():
    numbers = torch.nn.Sequential(*(layer("ACDC", (4,), seed=seed) for seed in (0, 1)))
    design = Design.of(torch.nn.Sequential(numbers), bench(subpixels=3), method=OneEtch())
    with pytest.raises(ValueError, match="this design has an all-optical cascade"):
        orders_of(design, Process(name="etched", D=D))
    assert isinstance(design.realise(Continuous())[0].masks()[1].fourier_mask, Stripes)


@pytest.mark.parametrize("form", ["gds", "oas", "npz"])
@torch.no_grad()
def test_relay_masks_are_written_and_read_to_the_same_error(tmp_path, form):
    """Of a cascade whose second mask A is stripes: through a file, and back into the cascade."""
    numbers = torch.nn.Sequential(*(layer("ACDC", (6,), seed=seed) for seed in (0, 1)))
    cascade = realise(numbers, bench(), between=EtchedComb(OneEtch(grid=1e-9)))
    first, second = cascade.masks()
    order = order_of_stripes(second, "A", D, index=1)
    assert order.plate.name == "L2A"
    FORMATS[form].write(tmp_path, order)
    reading = FORMATS[form].read(tmp_path, order)
    assert reading.differing == 0
    read = replace(second, input_mask=order.cells_on(reading.transmittance).stripes)
    again = OpticalCascade.of_masks(cascade.layers, [first, read], cascade.bench, cascade.model)
    x = inputs(numbers[0], 3)
    designed, found = (relative_error(light(x), numbers(x)) for light in (cascade, again))
    assert found == pytest.approx(designed, rel=1e-6)
    assert 1e-9 < designed < 1e-2


def test_masks_of_pixels_are_no_stripes():
    masks = realise(layer("ACDC", (4,)), bench()).masks()
    with pytest.raises(ValueError, match="made of pixels, not of stripes"):
        order_of_stripes(masks, "D", D)
