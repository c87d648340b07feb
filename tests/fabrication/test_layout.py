"""Layouts written by gdstk, and read back by readers that did not write them."""

from dataclasses import replace

import gdstk
import numpy as np
import pytest

from acdc_optical.fabrication.layouts.layout import (
    Flat,
    Hierarchical,
    Layout,
    edges_of,
    layout_of,
    layout_of_geometry,
    levels_in,
    write_gds,
    write_oasis,
)
from acdc_optical.fabrication.layouts.marks import Marks, MarkSizes, marks_for
from acdc_optical.fabrication.layouts.rectangles import Rectangles, joined, rasterised
from acdc_optical.fabrication.layouts.streams import difference_by_klayout, read_gds, read_oasis
from tests.benchmarks import layout as layout_table
from tests.fabrication.plates import etched, lens, noise, stripes

DBU = 1e-9
PLATES = {
    "noise": etched(noise()),
    "stripes": etched(stripes(), (2e-6, 0.4e-6)),
    "lens": etched(lens(128), (1e-6, 1e-6)),
    "one mask": etched(noise() % 2, bits=1),
    "mirrored": etched(noise(), mirrored=True),
    "pitch between units": etched(noise(), (1.2345e-7, 3.3333e-7)),
    "a layer without anything": etched(noise() % 4),
}
FORMATS = {"gds": (write_gds, read_gds), "oas": (write_oasis, read_oasis)}
every_plate = pytest.mark.parametrize("plate", PLATES.values(), ids=PLATES)
either_arrangement = pytest.mark.parametrize("arrangement", [Flat(), Hierarchical()], ids=["flat", "hierarchical"])
either_format = pytest.mark.parametrize("suffix", FORMATS)


def with_marks(plate) -> Layout:
    return layout_of(plate, marks_for(plate, MarkSizes(), DBU))


def scattered(count: int = 300, seed: int = 0) -> np.ndarray:
    """Rectangles [m] on no grid of any pixels, one in each column of a fan of odd widths."""
    rng = np.random.default_rng(seed)
    at = np.cumsum(rng.uniform(2e-9, 3e-6, 2 * count)) - 2e-4
    low, height = rng.uniform(-1e-4, 1e-4, count), rng.uniform(1e-9, 1e-4, count)
    return np.stack([at[0::2], low, at[1::2], low + height], axis=1)


def equal(one: Rectangles, other: Rectangles) -> bool:
    return np.array_equal(one.ordered().corners, other.ordered().corners)


@every_plate
@either_arrangement
@either_format
def test_rectangles_come_back_exactly(plate, arrangement, suffix, tmp_path):
    write, read = FORMATS[suffix]
    layout = with_marks(plate)
    write(tmp_path / f"file.{suffix}", layout, arrangement)
    stream = read(tmp_path / f"file.{suffix}")
    assert stream.dbu == pytest.approx(DBU, rel=1e-15)  # reals of 56 bits, in base 16
    assert set(stream.layers) == set(layout.layers)
    assert all(equal(stream.layers[number], drawn) for number, drawn in layout.layers.items())


@every_plate
@either_format
def test_levels_come_back_exactly(plate, suffix, tmp_path):
    write, read = FORMATS[suffix]
    write(tmp_path / f"file.{suffix}", with_marks(plate), Flat())
    blank = replace(plate, levels=np.zeros_like(plate.levels))
    np.testing.assert_array_equal(levels_in(read(tmp_path / f"file.{suffix}").layers, blank), plate.levels)


@pytest.mark.parametrize("plate", [PLATES["noise"], PLATES["stripes"]], ids=["noise", "stripes"])
@either_arrangement
@either_format
def test_klayout_finds_no_difference(plate, arrangement, suffix, tmp_path):
    pytest.importorskip("klayout.db")
    layout = with_marks(plate)
    FORMATS[suffix][0](tmp_path / f"file.{suffix}", layout, arrangement)
    for number, drawn in layout.layers.items():
        found = difference_by_klayout(tmp_path / f"file.{suffix}", number, drawn)
        assert found.differing == 0
        assert found.area == drawn.area


@either_format
def test_geometry_on_no_pixel_grid(suffix, tmp_path):
    pytest.importorskip("klayout.db")
    layout = layout_of_geometry("fan", {7: scattered()}, Marks(), dbu=0.5e-9)
    write, read = FORMATS[suffix]
    write(tmp_path / f"file.{suffix}", layout, Flat())
    stream = read(tmp_path / f"file.{suffix}")
    assert stream.dbu == pytest.approx(0.5e-9, rel=1e-15)
    assert equal(stream.layers[7], layout.pattern[7])
    assert abs(layout.pattern[7].corners * 0.5e-9 - scattered()).max() <= 0.25e-9 * (1 + 1e-6)  # half a unit
    found = difference_by_klayout(tmp_path / f"file.{suffix}", 7, layout.pattern[7])
    assert (found.area, found.differing) == (layout.pattern[7].area, 0)


def test_klayout_sees_one_unit_of_difference(tmp_path):
    pytest.importorskip("klayout.db")
    layout = layout_of_geometry("one", {1: np.array([[0, 0, 1e-6, 2e-6]])}, Marks())
    write_gds(tmp_path / "file.gds", layout, Flat())
    wider = Rectangles(np.array([[0, 0, 1001, 2000]]))
    found = difference_by_klayout(tmp_path / "file.gds", 1, wider)
    assert (found.area, found.differing) == (2_000_000, 2000)


@either_arrangement
@either_format
def test_the_same_design_gives_the_same_bytes(arrangement, suffix, tmp_path):
    write = FORMATS[suffix][0]
    for name in ("one", "other"):
        write(tmp_path / f"{name}.{suffix}", with_marks(etched(noise())), arrangement)
    assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"other.{suffix}").read_bytes()


def test_oasis_carries_its_checksum(tmp_path):
    write_oasis(tmp_path / "file.oas", with_marks(etched(noise())), Flat())
    assert gdstk.oas_validate(tmp_path / "file.oas")[0] is True


def test_a_mirrored_plate_is_drawn_mirrored_and_its_marks_are_not():
    straight, mirrored = with_marks(etched(noise())), with_marks(etched(noise(), mirrored=True))
    flipped = Rectangles(straight.pattern[1].corners[:, [2, 1, 0, 3]] * [-1, 1, -1, 1])
    x_edges, y_edges = edges_of(etched(noise()))
    np.testing.assert_array_equal(
        rasterised(mirrored.pattern[1], x_edges, y_edges), rasterised(flipped, x_edges, y_edges)
    )
    np.testing.assert_array_equal(
        levels_in(mirrored.pattern, etched(noise(), mirrored=True)), levels_in(straight.pattern, etched(noise()))
    )
    np.testing.assert_array_equal(levels_in(mirrored.pattern, etched(noise())), noise()[:, ::-1])
    assert all(equal(straight.marks[n], mirrored.marks[n]) for n in straight.marks)


def test_stripes_are_few_rectangles():
    drawn = layout_of(PLATES["stripes"], Marks()).pattern[1]
    height = PLATES["stripes"].extent[0]
    np.testing.assert_array_equal(drawn.corners[:, 3] - drawn.corners[:, 1], round(height / DBU))


def test_a_hierarchical_top_cell_draws_nothing_itself(tmp_path):
    write_gds(tmp_path / "file.gds", with_marks(etched(noise())), Hierarchical())
    assert read_gds(tmp_path / "file.gds").cells == (
        *("plate", "plate_L1", "plate_L2", "plate_L3"),
        *("plate_L1_MARKS", "plate_L2_MARKS", "plate_L3_MARKS"),
    )
    top = gdstk.read_gds(tmp_path / "file.gds")["plate"]
    assert (len(top.polygons), len(top.references)) == (0, 6)


class TestWhatFilesCannotHold:
    def far(self, at: int) -> Layout:
        return Layout("far", DBU, {1: Rectangles(np.array([[at - 10, 0, at, 10]]))}, {})

    def test_gds_has_32_bits(self, tmp_path):
        write_gds(tmp_path / "file.gds", self.far(2**31 - 1), Flat())
        assert read_gds(tmp_path / "file.gds").layers[1].bounds == (2**31 - 11, 0, 2**31 - 1, 10)
        with pytest.raises(ValueError, match="beyond the 32 bits"):
            write_gds(tmp_path / "file.gds", self.far(2**31), Flat())
        with pytest.raises(ValueError, match="beyond the 32 bits"):
            write_gds(tmp_path / "file.gds", self.far(-(2**31) - 5), Flat())

    def test_oasis_has_more(self, tmp_path):
        write_oasis(tmp_path / "file.oas", self.far(2**40), Flat())
        assert gdstk.read_oas(tmp_path / "file.oas").cells[0].bounding_box()[1][0] == 2**40 * 1e-3

    @pytest.mark.parametrize("name", ["", "a" * 22, "with space", "ümlaut", "Main_1"])
    def test_names(self, name):
        with pytest.raises(ValueError, match="expected a name"):
            Layout(name, DBU, {}, {})

    @pytest.mark.parametrize("number", [-1, 256])
    def test_numbers_of_layers(self, number):
        with pytest.raises(ValueError, match="from 0 to 255"):
            Layout("name", DBU, {number: joined([])}, {})

    def test_marks_on_the_pattern(self):
        field = Rectangles(np.array([[0, 0, 10, 10]]))
        with pytest.raises(ValueError, match="1 rectangles of marks on layer 1"):
            Layout("name", DBU, {1: field}, {1: Rectangles(np.array([[9, 9, 12, 12], [10, 0, 12, 12]]))})
        with pytest.raises(ValueError, match=r"marks are on layers \[2\]"):
            Layout("name", DBU, {1: field}, {2: field})

    def test_layers_of_one_number(self):
        plate = etched(noise())
        with pytest.raises(ValueError, match="different numbers"):
            layout_of(replace(plate, layers=(plate.layers[0],) * 2), Marks())
        with pytest.raises(ValueError, match="different numbers"):
            layout_of(replace(plate, layers=()), Marks())

    def test_cells_below_the_grid(self):
        with pytest.raises(ValueError, match="finer grid"):
            layout_of(etched(noise(), (0.3e-9, 1e-6)), Marks())


class TestWhatIsNoPlate:
    plate = etched(noise())

    def test_a_rectangle_missing(self):
        layers = dict(layout_of(self.plate, Marks()).layers)
        layers[1] = Rectangles(layers[1].corners[1:])
        assert (levels_in(layers, self.plate) != self.plate.levels).any()

    def test_a_rectangle_twice(self):
        layers = dict(layout_of(self.plate, Marks()).layers)
        layers[2] = joined([layers[2], Rectangles(layers[2].corners[:1])])
        with pytest.raises(ValueError, match="layer 2 overlap"):
            levels_in(layers, self.plate)

    def test_layers_exchanged(self):
        layers = dict(layout_of(self.plate, Marks()).layers)
        layers[1], layers[2] = layers[2], layers[1]
        assert (levels_in(layers, self.plate) != self.plate.levels).any()

    def test_a_layer_too_many(self):
        layers = {**layout_of(self.plate, Marks()).layers, 9: joined([])}
        with pytest.raises(ValueError, match=r"layers \[9\] are none"):
            levels_in(layers, self.plate)

    def test_a_pattern_moved_by_a_unit(self):
        layers = {n: Rectangles(drawn.corners + 1) for n, drawn in layout_of(self.plate, Marks()).layers.items()}
        with pytest.raises(ValueError, match=r"across|no edge"):
            levels_in(layers, self.plate)


def test_the_table_of_measurements_can_be_made(tmp_path):
    steps = [*layout_table.written(64, tmp_path), *layout_table.read_back(64, tmp_path)]
    assert [step.result for step in steps if step.name.endswith("to levels")][1:] == ["0 cells differ"] * 2
