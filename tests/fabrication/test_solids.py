"""Solids: closed, of the right volume and the right heights, as trimesh sees them."""

from __future__ import annotations

import numpy as np
import pytest

from acdc_optical.fabrication.plate import CHROME, Plate
from acdc_optical.fabrication.surfaces.height_maps import levels_at, relief_of
from acdc_optical.fabrication.surfaces.solids import (
    closed_triangles_in,
    read_facets,
    read_points,
    read_solid,
    triangles_in,
    write_points,
    write_solid,
)
from tests.fabrication.reliefs import SHAPES, relief

BASE = 2e-6


def plate_of(levels, pitch=(8e-6, 8e-6), mirrored=False) -> Plate:
    levels = np.asarray(levels, np.uint8)
    heights = np.arange(levels.max() + 1) * 150e-9
    return Plate("given", levels, pitch, np.ones(len(heights)), 633e-9, (), heights, mirrored)


CHECKERS = plate_of(np.indices((6, 7)).sum(axis=0) % 2)
PLATES = {
    **{"x".join(map(str, shape)): relief(shape) for shape in SHAPES},
    "mirrored": relief((5, 8), mirrored=True),
    "oblong cells": relief((6, 9), pitch=(2e-6, 8e-6)),
    "corners that touch": CHECKERS,
    "stripes": plate_of(np.tile([0, 3, 3, 1, 0, 2], (40, 1))),
    "flat": plate_of(np.ones((4, 5))),
    "blocks": plate_of(np.kron([[0, 2, 1], [2, 0, 3]], np.ones((4, 3)))),
}
every_plate = pytest.mark.parametrize("plate", PLATES.values(), ids=PLATES)


def volume(plate: Plate) -> float:
    """[m³]"""
    return float((relief_of(plate) + BASE).sum()) * plate.pitch[0] * plate.pitch[1]


@every_plate
def test_trimesh_finds_a_closed_solid_of_the_right_volume(tmp_path, plate):
    trimesh = pytest.importorskip("trimesh")
    write_solid(tmp_path / "solid.stl", plate, base=BASE)
    mesh = trimesh.load_mesh(tmp_path / "solid.stl", file_type="stl")
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.body_count == 1
    # Outwards, or the volume would be negative. Coordinates are rounded to 6e-8 of the extent, tens of cells wide.
    assert mesh.volume * 1e-18 == pytest.approx(volume(plate), rel=2e-6)
    np.testing.assert_allclose(mesh.extents[1::-1] * 1e-6, plate.extent, rtol=1e-6)
    np.testing.assert_allclose(mesh.bounds[:, :2].sum(axis=0), 0, atol=1e-9)  # the axis in the middle


@every_plate
def test_every_edge_has_two_facets_and_every_normal_points_outwards(tmp_path, plate):
    """As the file has it, without a library that could mend it."""
    write_solid(tmp_path / "solid.stl", plate, base=BASE)
    facets = read_facets(tmp_path / "solid.stl")
    corners = facets["corners"].astype(np.float64)
    _, names = np.unique(facets["corners"].reshape(-1, 3), axis=0, return_inverse=True)
    names = names.reshape(-1, 3)
    edges = np.concatenate([names[:, [0, 1]], names[:, [1, 2]], names[:, [2, 0]]])
    forth, back = {tuple(edge) for edge in edges}, {tuple(edge) for edge in edges[:, ::-1]}
    assert len(forth) == len(edges)  # each direction once: two facets at every edge, wound alike
    assert forth == back
    signed = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert signed * 1e-18 == pytest.approx(volume(plate), rel=2e-6)  # as above
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.einsum("ij,ij->i", normal, facets["normal"]) > 0.999 * np.linalg.norm(normal, axis=1)).all()


@every_plate
@pytest.mark.parametrize("reader", [triangles_in, closed_triangles_in])
def test_the_height_of_every_cell_comes_back(tmp_path, plate, reader):
    if reader is closed_triangles_in:
        pytest.importorskip("trimesh")
    write_solid(tmp_path / "solid.stl", plate, base=BASE)
    heights = read_solid(tmp_path / "solid.stl", shape=plate.levels.shape, pitch=plate.pitch, triangles=reader)
    expected = (relief_of(plate) / 1e-6).astype(np.float32).astype(np.float64) * 1e-6
    np.testing.assert_allclose(heights, expected, rtol=1e-15, atol=0)  # exact in float32; then the unit
    np.testing.assert_array_equal(levels_at(plate, heights, tolerance=1e-12), plate.seen)


def test_the_relief_stands_where_light_and_shop_see_it(tmp_path):
    """One high cell at the right of the lowest row; trimesh shoots a ray at it."""
    trimesh = pytest.importorskip("trimesh")
    for mirrored, x in [(False, 8.0), (True, -8.0)]:
        write_solid(tmp_path / "solid.stl", plate_of([[0, 0, 1], [0, 0, 0]], mirrored=mirrored), base=BASE)
        mesh = trimesh.load_mesh(tmp_path / "solid.stl", file_type="stl")
        highest = mesh.vertices[mesh.vertices[:, 2] > 0.1].mean(axis=0)
        np.testing.assert_allclose(highest[:2], [x, -4.0], atol=0.01)  # the lean: 8 nm on the inner sides


def test_the_header_says_the_unit_and_the_same_plate_makes_the_same_bytes(tmp_path):
    for name in "ab":
        write_solid(tmp_path / name, relief(), base=BASE)
    content = (tmp_path / "a").read_bytes()
    assert b"units: micrometres" in content[:80]
    assert not content.startswith(b"solid")  # or readers take it for text
    assert content == (tmp_path / "b").read_bytes()


def test_stripes_need_few_facets(tmp_path):
    write_solid(tmp_path / "solid.stl", PLATES["stripes"], base=BASE)
    assert len(read_facets(tmp_path / "solid.stl")) == 2 * 9 + 3 * 20  # five stripes, 9 × 1 patches, a rim of 20 edges


def test_many_stripes_are_told_apart(tmp_path):
    """Near the end of 20 000 cells float32 knows 1/2048 of a cell: walls lean more, none collapses."""
    plate = plate_of(np.random.default_rng(0).integers(0, 2, (1, 20_000)))
    write_solid(tmp_path / "solid.stl", plate, base=BASE)
    heights = read_solid(tmp_path / "solid.stl", shape=(1, 20_000), pitch=plate.pitch)
    np.testing.assert_array_equal(levels_at(plate, heights, tolerance=1e-12), plate.levels)


def test_what_cannot_be_a_solid_is_refused(tmp_path):
    path = tmp_path / "solid.stl"
    with pytest.raises(ValueError, match=r"needs 100 MiB, more than 50; write a height map"):
        write_solid(path, relief((512, 512)), base=BASE, largest=50 * 2**20)
    with pytest.raises(ValueError, match="more than float32 tells apart"):
        write_solid(path, plate_of(np.arange(400_000)[None] % 2), base=BASE)
    for base in (0.0, -1e-6, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="on a base under all of them"):
            write_solid(path, relief(), base=base)
    chrome = Plate("chrome", np.zeros((2, 2), np.uint8), (1e-6, 1e-6), CHROME.transmittance, 633e-9)
    for refused in (lambda: write_solid(path, chrome, base=BASE), lambda: write_points(path, chrome)):
        with pytest.raises(ValueError, match="has no relief"):
            refused()
    assert not path.exists()


def test_a_surface_with_a_hole_is_refused(tmp_path):
    pytest.importorskip("trimesh")
    path = tmp_path / "solid.stl"
    with pytest.raises(FileNotFoundError):
        closed_triangles_in(path)
    write_solid(path, relief(), base=BASE)
    content = path.read_bytes()
    count = len(read_facets(path)) - 1
    path.write_bytes(content[:80] + count.to_bytes(4, "little") + content[84:-50])
    with pytest.raises(ValueError, match="not closed"):
        closed_triangles_in(path)
    for broken in (content[:-1], content[:50], b""):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=r"solid\.stl: (its surface is not closed|expected a binary STL)"):
            closed_triangles_in(path)


def test_files_that_are_no_such_solid_are_refused(tmp_path):
    path = tmp_path / "solid.stl"
    with pytest.raises(FileNotFoundError):
        read_facets(path)
    write_solid(path, relief((5, 8)), base=BASE)
    with pytest.raises(ValueError, match=r"10 of .* cells have no flat top"):
        read_solid(path, shape=(5, 10), pitch=(8e-6, 8e-6))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="are not that many"):
        read_solid(path, shape=(5, 8), pitch=(8e-6, 8e-6))
    path.write_bytes(b"solid of text\n")
    with pytest.raises(ValueError, match="expected a binary STL"):
        read_facets(path)


@pytest.mark.parametrize("shape", SHAPES)
def test_points_come_back(tmp_path, shape):
    plate = relief(shape, pitch=(2.5e-6, 8e-6), mirrored=True)
    write_points(tmp_path / "points.xyz", plate)
    heights = read_points(tmp_path / "points.xyz", shape=shape, pitch=plate.pitch)
    np.testing.assert_allclose(heights, relief_of(plate), atol=5.001e-12)  # five digits of a micrometre
    np.testing.assert_array_equal(levels_at(plate, heights, tolerance=6e-12), plate.seen)


def test_points_are_lines_of_micrometres_from_the_lowest_row(tmp_path):
    write_points(tmp_path / "points.xyz", plate_of([[0, 1], [2, 3]]))
    assert (tmp_path / "points.xyz").read_text() == (
        "-4.0000 -4.0000 0.00000\n4.0000 -4.0000 0.15000\n-4.0000 4.0000 0.30000\n4.0000 4.0000 0.45000\n"
    )


def test_points_of_another_mask_are_refused(tmp_path):
    path = tmp_path / "points.xyz"
    with pytest.raises(FileNotFoundError):
        read_points(path, shape=(2, 2), pitch=(8e-6, 8e-6))
    write_points(path, relief((4, 6)))
    for shape, pitch in [((6, 4), (8e-6, 8e-6)), ((4, 6), (8e-6, 7e-6))]:
        with pytest.raises(ValueError, match="not the middles"):
            read_points(path, shape=shape, pitch=pitch)
    with pytest.raises(ValueError, match="expected 20 points"):
        read_points(path, shape=(4, 5), pitch=(8e-6, 8e-6))
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-1], lines[0]]))
    with pytest.raises(ValueError, match="not the middles"):
        read_points(path, shape=(4, 6), pitch=(8e-6, 8e-6))
    path.write_text("a b c\n")
    with pytest.raises(ValueError, match="three numbers"):
        read_points(path, shape=(1, 1), pitch=(8e-6, 8e-6))
    with pytest.raises(ValueError, match=r"4196352 cells; as text that is 112 MiB"):
        write_points(path, plate_of(np.zeros((2049, 2048))))
