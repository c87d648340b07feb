"""Layout files that are damaged, or hold what no plate does, are told."""

import struct

import gdstk
import numpy as np
import pytest

from acdc_optical.fabrication.layouts import streams
from acdc_optical.fabrication.layouts.layout import Flat, Hierarchical, layout_of, write_gds, write_oasis
from acdc_optical.fabrication.layouts.marks import Marks, MarkSizes, marks_for
from acdc_optical.fabrication.layouts.streams import read_gds, read_oasis
from tests.fabrication.plates import etched, noise


@pytest.fixture(scope="module")
def layout():
    return layout_of(etched(noise()), marks_for(etched(noise()), MarkSizes(), 1e-9))


@pytest.fixture
def gds(layout, tmp_path):
    write_gds(tmp_path / "file.gds", layout, Hierarchical())
    return tmp_path / "file.gds"


@pytest.fixture
def oasis(layout, tmp_path):
    write_oasis(tmp_path / "file.oas", layout, Hierarchical())
    return tmp_path / "file.oas"


def of_cell(*elements, path, **settings):
    """A GDSII file of one cell of ours with elements, and a cell below."""
    below = gdstk.Cell("below").add(gdstk.rectangle((0, 0), (1, 2), layer=3))
    top = gdstk.Cell("top").add(*elements, *(gdstk.Reference(below, **s) for s in [settings] if s))
    gdstk.Library(unit=1e-6, precision=1e-9).add(top, below).write_gds(path)
    return path


class TestDamage:
    @pytest.mark.parametrize("share", [0, 0.001, 0.01, 0.5, 0.999])
    def test_a_truncated_file(self, gds, share):
        data = gds.read_bytes()
        gds.write_bytes(data[: int(share * len(data))])
        with pytest.raises(ValueError, match=rf"{gds.name}: .*truncated"):
            read_gds(gds)

    def test_wherever_it_is_cut(self, gds):
        """Within every kind of record, also where a whole record has just ended."""
        data = gds.read_bytes()
        for end in (*range(4, 700), *range(len(data) - 700, len(data))):
            gds.write_bytes(data[:end])
            with pytest.raises(ValueError, match="truncated"):
                read_gds(gds)

    def test_a_flipped_coordinate(self, gds, layout):
        """Five points are no rectangle any more; the message says in which element."""
        data = bytearray(gds.read_bytes())
        element = data.index(struct.pack(">HHHHH", 4, 0x0800, 6, 0x0D02, 2))
        data[element + 30] ^= 1
        gds.write_bytes(data)
        with pytest.raises(ValueError, match=f"byte {element}: five points"):
            read_gds(gds)

    def test_a_rectangle_that_was_moved(self, gds, layout):
        """A rectangle still, but another."""
        data = bytearray(gds.read_bytes())
        element = data.index(struct.pack(">HHHHH", 4, 0x0800, 6, 0x0D02, 2))
        points = np.frombuffer(data, dtype=">i4", count=10, offset=element + 20)
        points += np.tile([8000, 0], 5).astype(">i4")
        gds.write_bytes(data)
        found, drawn = read_gds(gds).layers[2], layout.layers[2]
        assert (found.ordered().corners != drawn.ordered().corners).any()

    @pytest.mark.parametrize(
        ("place", "value", "message"),
        [
            (2, 0x09, "HEADER"),  # the kind of the first record
            (6, 0x00, "a record of 2 bytes"),  # the length of the second
            (8, 0x6F, "unexpected kind 0x6f"),  # its kind
        ],
    )
    def test_a_damaged_record(self, gds, place, value, message):
        data = bytearray(gds.read_bytes())
        data[6:8] = b"\0\x02" if place == 6 else data[6:8]
        data[place] = value
        gds.write_bytes(data)
        with pytest.raises(ValueError, match=message):
            read_gds(gds)

    def test_something_behind_the_end(self, gds):
        data = gds.read_bytes()
        gds.write_bytes(data + bytes(2048))
        assert read_gds(gds).cells[0] == "plate"  # tapes were padded
        gds.write_bytes(data + b"x")
        with pytest.raises(ValueError, match="behind the end"):
            read_gds(gds)

    def test_no_file(self, tmp_path):
        for read in (read_gds, read_oasis):
            with pytest.raises(FileNotFoundError):
                read(tmp_path / "nothing")

    @pytest.mark.parametrize("place", [0.1, 0.5, 0.9, 0.99])
    def test_a_flipped_bit_of_oasis(self, oasis, place):
        data = bytearray(oasis.read_bytes())
        data[int(place * len(data))] ^= 1
        oasis.write_bytes(data)
        with pytest.raises(ValueError, match=r"file\.oas: "):
            read_oasis(oasis)

    @pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.999])
    def test_truncated_oasis(self, oasis, share):
        data = oasis.read_bytes()
        oasis.write_bytes(data[: int(share * len(data))])
        with pytest.raises(ValueError, match=r"file\.oas: "):
            read_oasis(oasis)


class TestWhatIsNoRectangle:
    @pytest.mark.parametrize(
        ("element", "message"),
        [
            (gdstk.Polygon([(0, 0), (1, 0), (0, 1)]), "no rectangle"),
            (gdstk.Polygon([(0, 0), (1, 0), (2, 1), (0, 1)]), "five points that are no rectangle"),
            (gdstk.regular_polygon((0, 0), 1, 8), "no rectangle"),
            (gdstk.rectangle((0, 0), (1, 1), datatype=1), "datatype 0"),
            (gdstk.Label("text", (0, 0)), "TEXT"),
            (gdstk.FlexPath([(0, 0), (1, 1)], 0.1, simple_path=True), "PATH"),
        ],
    )
    def test_other_elements(self, element, message, tmp_path):
        with pytest.raises(ValueError, match=message):
            read_gds(of_cell(element, path=tmp_path / "file.gds"))

    @pytest.mark.parametrize(
        "settings",
        [{"rotation": np.pi / 2}, {"x_reflection": True}, {"magnification": 2.0}],
    )
    def test_references_that_do_more_than_shift(self, settings, tmp_path):
        with pytest.raises(ValueError, match="turns, mirrors or scales"):
            read_gds(of_cell(path=tmp_path / "file.gds", origin=(1, 1), **settings))

    def test_a_ring_of_cells(self, tmp_path):
        of_cell(path=tmp_path / "file.gds", origin=(1, 1))
        data = (tmp_path / "file.gds").read_bytes()
        sname = struct.pack(">HH", 10, 0x1206)
        assert data.count(sname + b"below\0") == 1
        (tmp_path / "file.gds").write_bytes(data.replace(sname + b"below\0", sname + b"top\0\0\0"))
        with pytest.raises(ValueError, match="contain themselves: top"):
            read_gds(tmp_path / "file.gds")

    def test_two_cells_of_one_name(self, tmp_path):
        of_cell(path=tmp_path / "file.gds")
        data = (tmp_path / "file.gds").read_bytes()
        below, top = struct.pack(">HH", 10, 0x0606) + b"below\0", struct.pack(">HH", 8, 0x0606) + b"top\0"
        (tmp_path / "file.gds").write_bytes(data.replace(below, top))
        with pytest.raises(ValueError, match="second cell 'top'"):
            read_gds(tmp_path / "file.gds")

    def test_a_cell_that_is_not_there(self, tmp_path):
        of_cell(path=tmp_path / "file.gds", origin=(1, 1))
        data = (tmp_path / "file.gds").read_bytes()
        sname = struct.pack(">HH", 10, 0x1206)
        (tmp_path / "file.gds").write_bytes(data.replace(sname + b"below\0", sname + b"other\0"))
        with pytest.raises(ValueError, match=r"\['other'\]"):
            read_gds(tmp_path / "file.gds")


def test_references_shift(tmp_path):
    found = read_gds(of_cell(gdstk.rectangle((-1, -1), (0, 0)), path=tmp_path / "file.gds", origin=(5, -7)))
    assert found.layers[3].corners.tolist() == [[5000, -7000, 6000, -5000]]
    assert found.layers[0].corners.tolist() == [[-1000, -1000, 0, 0]]


@pytest.mark.parametrize("points", [[(0, 0), (0, 2), (1, 2), (1, 0)], [(1, 2), (0, 2), (0, 0), (1, 0)]])
def test_rectangles_begin_at_any_corner_and_go_either_way(points, tmp_path):
    found = read_gds(of_cell(gdstk.Polygon(points), path=tmp_path / "file.gds"))
    assert found.layers[0].corners.tolist() == [[0, 0, 1000, 2000]]


def test_many_rectangles_are_read_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "_MOST_AT_ONCE", 128)
    layout = layout_of(etched(noise((64, 64))), Marks())
    write_gds(tmp_path / "file.gds", layout, Flat())
    found = read_gds(tmp_path / "file.gds")
    for number, drawn in layout.layers.items():
        assert len(drawn) > 3 * 128
        np.testing.assert_array_equal(found.layers[number].ordered().corners, drawn.ordered().corners)


def test_the_reader_of_oasis_is_named(oasis, layout, monkeypatch):
    pytest.importorskip("klayout.db")
    assert read_oasis(oasis).reader.startswith("klayout ")
    monkeypatch.setattr(streams, "_converter", lambda: ("gdstk", streams._convert_by_gdstk))
    stream = read_oasis(oasis)
    assert stream.reader == "gdstk"
    for number, drawn in layout.layers.items():
        np.testing.assert_array_equal(stream.layers[number].ordered().corners, drawn.ordered().corners)
