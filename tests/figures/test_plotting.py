"""Pictures: the right number in the right place, in the right unit."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.colors import to_rgb

from acdc_optical import ACDC, AFDF, Bench, Epoch, compile_layer, figures, realise
from acdc_optical.reports import BudgetRow
from optics import Field, Grid, OpticalSystem, Plane, flat, gauss, midpoint
from optics.plotting import Picture, domain_colours, phase_colour, plot_field, plot_intensity, plot_mask, plot_trace

WAVELENGTH = 633e-9
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def field(grid, data=None):
    return Field(torch.ones(grid.shape, dtype=torch.complex128) if data is None else data, grid, WAVELENGTH)


def drawn(ax, kind):
    (artist,) = (child for child in ax.get_children() if isinstance(child, kind))
    return artist


def linear(srgb):
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def pixel(figure, ax, x, y):
    """The colour that a figure shows at a point of its axes, 0 … 1."""
    png = io.BytesIO()
    figure.savefig(png, format="rgba", dpi=figure.dpi)
    width, height = (round(float(n)) for n in figure.bbox.size)
    picture = np.frombuffer(png.getvalue(), np.uint8).reshape(height, width, 4)
    column, row = ax.transData.transform((x, y))
    return picture[height - 1 - int(row), int(column), :3] / 255


def test_half_the_modulus_is_half_the_light():
    colours = linear(domain_colours(torch.tensor([1, 0.5, 0, 0.5j, -0.25])))
    np.testing.assert_allclose(colours[1], colours[0] / 2, atol=1e-12)
    np.testing.assert_array_equal(colours[2], 0)


def test_no_phase_is_brighter_than_another():
    phases = torch.polar(torch.ones(360), torch.linspace(-math.pi, math.pi, 360))
    luminance = linear(domain_colours(phases)) @ LUMINANCE
    assert luminance.max() < 1.15 * luminance.min()
    np.testing.assert_allclose(domain_colours(phases)[0], domain_colours(phases)[-1], atol=1e-5)


def test_a_given_peak_is_full_brightness():
    np.testing.assert_allclose(
        domain_colours(torch.tensor([-3.0, -2.0]), peak=2.0), [phase_colour(math.pi)] * 2, atol=1e-6
    )


def test_light_at_the_top_right_is_drawn_there():
    data = torch.zeros(6, 6, dtype=torch.complex128)
    data[-1, -1], data[0, -1] = 1, -1  # +y +x in phase, -y +x out of phase
    grid = Grid((6, 6), 10e-6)
    ax = plot_field(field(grid, data))
    y, x = (coordinates.flatten()[-1] * 1e6 for coordinates in grid.coordinates)
    figure = ax.figure
    np.testing.assert_allclose(pixel(figure, ax, x, y), phase_colour(0), atol=0.01)
    np.testing.assert_allclose(pixel(figure, ax, x, -y), phase_colour(math.pi), atol=0.01)
    np.testing.assert_array_equal(pixel(figure, ax, -x, y), 0)


@pytest.mark.parametrize("cell", [gauss(1), gauss(5), gauss(8, 0.3), midpoint(3, 0.9), flat(0.9)], ids=repr)
def test_every_sample_is_drawn_around_its_place(cell):
    grid = Grid((3, 4), 1e-4, cell)
    data = torch.rand(grid.shape, dtype=torch.float64)
    mesh = drawn(plot_intensity(field(grid, data)), QuadMesh)
    np.testing.assert_allclose(mesh.get_array(), data.square())
    corners = mesh.get_coordinates() * 1e-6  # the extent is 0.4 mm, drawn in µm
    for edges, axis in ((corners[:, 0, 1], grid.axes[0]), (corners[0, :, 0], grid.axes[1])):
        assert (edges[:-1] < axis.coordinates.numpy()).all()
        assert (axis.coordinates.numpy() < edges[1:]).all()
        np.testing.assert_allclose(edges[[0, -1]], [-axis.extent / 2, axis.extent / 2])


def test_a_field_is_drawn_in_its_domain_colours():
    grid = Grid((4, 5), 1e-4, gauss(2))
    data = torch.randn(grid.shape, dtype=torch.complex128)
    mesh = drawn(plot_field(field(grid, data)), QuadMesh)
    np.testing.assert_array_equal(mesh.get_array(), domain_colours(data))


def test_a_profile_has_its_modulus_for_height_and_its_phase_for_colour():
    grid = Grid(4, 1e-5)
    ax = plot_field(field(grid, torch.tensor([1, -2, 3j, 0], dtype=torch.complex128)))
    bars = drawn(ax, PolyCollection)
    assert [path.vertices[:, 1].max() for path in bars.get_paths()] == [1, 2, 3, 0]
    expected = [phase_colour(phase) for phase in (0, math.pi, math.pi / 2)]
    np.testing.assert_allclose(bars.get_facecolor()[:3, :3], expected, atol=1e-12)
    assert ax.get_ylabel() == "|E|"
    assert ax.get_ylim()[1] > 3


@pytest.mark.parametrize(("spacing", "unit", "half"), [(5e-9, "nm", 25), (8e-6, "µm", 40), (4e-4, "mm", 2)])
def test_axes_name_the_unit_they_are_in(spacing, unit, half):
    for shape in (10, (10, 4)):
        ax = plot_intensity(field(Grid(shape, spacing)))
        assert ax.get_xlabel() == f"x [{unit}]"
    assert ax.get_ylabel() == f"y [{unit}]"
    np.testing.assert_allclose(ax.get_ylim(), (-half, half))
    np.testing.assert_allclose(ax.get_xlim(), (-0.4 * half, 0.4 * half))
    assert ax.get_aspect() == 1


@pytest.mark.parametrize("plot", [plot_field, plot_intensity, lambda batch: plot_trace([Plane("x", batch)])])
def test_a_batch_is_refused(plot):
    with pytest.raises(ValueError, match=r"batch of shape \(3,\): pick one"):
        plot(field(Grid(4, 1e-5), torch.ones(3, 4)))


@pytest.mark.parametrize("shape", [8, (4, 4)], ids=str)
def test_darkness_can_be_drawn(shape):
    grid = Grid(shape, 1e-5)
    for plot in (plot_field, plot_intensity):
        plot(field(grid, torch.zeros(grid.shape))).figure.savefig(io.BytesIO())


def test_a_signed_mask_keeps_its_sign():
    values = torch.tensor([[0.5, -1.0, 0.0], [0.25, 0.0, 1.0]], requires_grad=True)
    ax = plot_mask(values, 8e-6)
    mesh = drawn(ax, QuadMesh)
    np.testing.assert_allclose(mesh.get_array(), values.detach())
    assert mesh.get_clim() == (-1, 1)
    colours = [phase_colour(0), (0, 0, 0), phase_colour(math.pi)]
    np.testing.assert_allclose(mesh.to_rgba([1.0, 0.0, -1.0])[:, :3], colours, atol=1e-12)
    assert ax.child_axes[0].get_ylabel() == "transmittance"


def test_a_complex_mask_is_as_bright_as_it_is_clear():
    values = torch.tensor([[0.5, 0.5j], [-0.5, 0.25]])
    mesh = drawn(plot_mask(values, 8e-6), QuadMesh)
    np.testing.assert_allclose(mesh.get_array(), domain_colours(values, peak=1))
    assert mesh.get_array()[0, 0].max() < max(phase_colour(0))


def test_a_mask_in_one_dimension_is_drawn_as_stairs():
    ax = plot_mask(torch.tensor([0.5, -1.0, 0.25]), 8e-6)
    values, edges, _ = ax.patches[0].get_data()
    np.testing.assert_allclose(values, [0.5, -1.0, 0.25])
    np.testing.assert_allclose(edges, [-12, -4, 4, 12])
    plot_mask(torch.tensor([0.5j, -1.0, 0.25]), 8e-6).figure.savefig(io.BytesIO())


def test_a_batch_of_masks_is_refused():
    with pytest.raises(ValueError, match="pick one"):
        plot_mask(torch.ones(2, 4, 4), 8e-6)


@pytest.mark.parametrize(("shape", "count"), [(6, 3), ((4, 4), 3), ((4, 4), 7)], ids=str)
def test_a_trace_has_a_named_panel_for_every_plane(shape, count):
    names = [f"plane {i}" for i in range(count - 1)]
    system = OpticalSystem(*(torch.nn.Identity() for _ in names), names=names)
    figure = plot_trace(system.trace(field(Grid(shape, 1e-5))))
    assert [ax.get_title() for ax in figure.axes if ax.get_title()] == ["input", *names]
    keys = figure.findobj(lambda artist: isinstance(artist, Axes) and artist.get_ylabel() == "phase [rad]")
    assert len(keys) == 1
    with pytest.raises(ValueError, match="at least one plane"):
        plot_trace([])


def test_axes_that_are_given_are_drawn_on():
    axes = Picture().subplots(1, 3)
    light = field(Grid((4, 4), 1e-5))
    assert plot_field(light, axes[0]) is axes[0]
    assert plot_intensity(light, axes[1]) is axes[1]
    assert plot_mask(torch.ones(4, 4), 1e-5, axes[2]) is axes[2]


@pytest.mark.parametrize("shape", [(8, 8), (4, 16), (16, 4), 8], ids=str)
def test_nothing_sticks_out_of_the_figure(shape):
    grid = Grid(shape, 123.4e-6)
    light = field(grid)
    drawings = [plot_field(light).figure, plot_intensity(light).figure, plot_mask(torch.ones(grid.shape), 1e-5).figure]
    for figure in (*drawings, plot_trace([Plane("a", light)] * 5)):
        figure.savefig(io.BytesIO())  # settles the layout
        box = figure.get_tightbbox()
        assert min(box.x0, box.y0) > -0.01
        assert (np.array([box.x1, box.y1]) < figure.get_size_inches() + 0.01).all()


def test_pictures_show_themselves_and_leave_pyplot_alone():
    import matplotlib.pyplot as plt

    assert plot_field(field(Grid((4, 4), 1e-5))).figure._repr_png_().startswith(b"\x89PNG")
    assert plt.get_fignums() == []


@pytest.mark.parametrize("layer", [ACDC((4, 6)), ACDC(5), AFDF((4, 4)), AFDF(5)], ids=str)
def test_masks_are_captioned(layer):
    masks = compile_layer(layer, Bench.preset())
    captions = [ax.get_title() for ax in figures.plot_masks(masks).axes if ax.get_title()]
    assert captions[0].startswith(f"input mask A\n{' × '.join(map(str, masks.planes.input.cells))} pixels of 8 µm\n")
    assert captions[1].startswith(f"Fourier mask D\n{' × '.join(map(str, masks.planes.mask.cells))} pixels of ")
    for caption, transmission in zip(captions, masks.mean_transmission, strict=True):
        assert caption.endswith(f"mean transmission {100 * transmission:.3g} %")


def test_the_light_of_a_layer_is_its_trace():
    layer = realise(ACDC((4, 4), dtype=torch.float64), Bench.preset())
    x = torch.rand(4, 4, dtype=torch.float64)
    figure = figures.plot_light(layer, x)
    planes = layer.trace(x)
    panels = [ax for ax in figure.axes if ax.get_title()]
    assert len(panels) == len(planes)
    for ax, plane in zip(panels, planes, strict=True):
        assert ax.get_title() == plane.name
        np.testing.assert_array_equal(drawn(ax, QuadMesh).get_array(), domain_colours(plane.field.data))


def test_an_error_budget_is_logarithmic_and_survives_zero():
    rows = [
        BudgetRow("exact", 2e-15, 3.0, 0.125),
        BudgetRow("sampled", 0.3, 3.0, 1.0),
        BudgetRow("perfect", 0.0),
        BudgetRow("beyond this bench", None, note="finer masks are needed"),
    ]
    figure = figures.plot_error_budget(rows)
    errors, light = figure.axes
    low, high = errors.get_xlim()
    assert errors.get_xscale() == "log"
    assert 0 < low < 2e-15
    assert high > 0.3
    assert [bar.get_width() for bar in errors.patches] == [2e-15, 0.3, 0, 0]
    assert [text.get_text() for text in errors.texts] == ["2e-15", "0.3", "0", "finer masks are needed"]
    assert [text.get_text() for text in light.texts] == ["12.5 %", "100 %", "–", "–"]
    assert [label.get_text() for label in errors.get_yticklabels()] == [row.name for row in rows]
    assert errors.get_ylim()[0] > errors.get_ylim()[1]  # the first row on top


@pytest.mark.parametrize("error", [0.0, 1.0, 1e3, math.nan, math.inf, None])
def test_any_single_error_can_be_drawn(error):
    figure = figures.plot_error_budget([BudgetRow("row", error)])
    figure.savefig(io.BytesIO())
    low, high = figure.axes[0].get_xlim()
    assert 0 < low < high < math.inf
    with pytest.raises(ValueError, match="at least one row"):
        figures.plot_error_budget([])


def test_a_history_has_its_losses_and_shares_at_their_epochs():
    history = [Epoch(2.0, 0.5, 0.4), Epoch(1.0, 0.75, 0.7)]
    loss, right = figures.plot_history({"masks": history}).axes
    np.testing.assert_array_equal(loss.lines[0].get_xydata(), [(1, 2.0), (2, 1.0)])
    np.testing.assert_allclose(right.lines[0].get_xydata(), [(1, 40), (2, 70)])
    assert right.get_ylabel() == "accuracy on held-out data [%]"
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["masks"]


def test_histories_are_drawn_of_what_the_axis_says():
    """What was measured on training data is not drawn as held out; a loss is not drawn as an accuracy."""
    histories = {
        "held out": [Epoch(1.0, 0.9, 0.8)],
        "training": [Epoch(1.0, 0.7)],
        "no labels": [Epoch(1.0, None, 0.3)],
    }
    loss, right = figures.plot_history(histories).axes
    assert [len(line.get_xydata()) for line in loss.lines] == [1, 1, 1]
    assert [list(line.get_ydata()) for line in right.lines] == [[80], [], []]
    loss, right = figures.plot_history({"training": [Epoch(1.0, 0.75)]}).axes
    assert list(right.lines[0].get_ydata()) == [75]
    assert right.get_ylabel() == "accuracy on training data [%]"


def test_trainings_that_coincide_all_show_and_so_does_a_single_epoch():
    history = [Epoch(2.0, 0.5), Epoch(1.0, 0.75)]
    figure = figures.plot_history({"one": history, "same": history, "short": history[:1]})
    figure.savefig(io.BytesIO())  # settles the layout
    ax = figure.axes[0]
    assert np.diff([line.get_linewidth() for line in ax.lines]).max() < -1
    first, second, third = (line.get_color() for line in ax.lines)
    pixels = {tuple(round(255 * float(share)) for share in pixel(figure, ax, *ax.lines[2].get_xydata()[0]))}
    assert pixels == {tuple(round(255 * share) for share in to_rgb(third))}
    assert len({first, second, third}) == 3
    with pytest.raises(ValueError, match="at least one epoch"):
        figures.plot_history({"none": []})


def test_a_confusion_matrix_shows_its_counts_with_the_true_class_downwards():
    counts = torch.diag(torch.arange(30, 40))
    counts[3, 8] = 7
    (ax,) = figures.plot_confusion(counts).axes
    shown = {text.get_position(): text.get_text() for text in ax.texts}
    assert shown[8, 3] == "7"
    assert len(shown) == 11
    assert ax.images[0].get_array()[3, 8] == pytest.approx(7 / 40)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")
    assert ax.get_title() == "345 of 352 right"
    with pytest.raises(ValueError, match="square matrix"):
        figures.plot_confusion(torch.ones(2, 3))


def test_the_schematic_names_parts_and_symbols():
    figure = figures.bench_schematic()
    (ax,) = figure.axes
    above = [text.get_text() for text in ax.texts if text.get_position()[1] > 1]
    below = sorted((text.get_position()[0], text.get_text()) for text in ax.texts if text.get_fontsize() == 17)
    assert above == ["mask", "lens", "mask", "lens", "camera"]
    assert [label for _, label in below] == ["x", "A", "C", "D", "C⁻¹", "y"]
    assert ax.get_title() == "y = x · A · C · D · C⁻¹"


def test_drawn_rays_obey_the_bench():
    parts = [("modulator", "x"), ("lens", "C"), ("mask", "D"), ("lens", "C⁻¹"), ("camera", "y")]
    ax = figures.plot_bench(parts)
    upper, lower = (beam.get_paths()[0].vertices for beam in ax.collections)
    start, end = upper[upper[:, 0] == 0, 1], upper[upper[:, 0] == 4, 1]
    np.testing.assert_allclose(end, -start[0], atol=1e-12)  # all rays of a point meet in its image, upside down
    focus = (np.unique(beam[beam[:, 0] == 2, 1]) for beam in (upper, lower))
    np.testing.assert_allclose(*focus)  # and both beams fill the same part of the Fourier plane


def test_an_unknown_part_is_refused():
    with pytest.raises(ValueError, match="no part of kind 'prism'; there are: modulator, mask, lens, camera"):
        figures.plot_bench([("prism", "P")])


def test_a_history_is_drawn_epoch_by_epoch():
    numbers = [Epoch(2.0, 0.25, 0.5), Epoch(1.0, 0.5, 0.75), Epoch(0.5, 0.75, 0.875)]
    figure = figures.plot_history({"numbers": numbers, "masks": [Epoch(0.75, 0.5, 0.625)]})
    loss, right = figure.axes
    curves = {line.get_label(): line.get_xydata().tolist() for line in loss.lines}
    assert curves == {"numbers": [[1, 2.0], [2, 1.0], [3, 0.5]], "masks": [[1, 0.75]]}
    assert [line.get_ydata().tolist() for line in right.lines] == [[50.0, 75.0, 87.5], [62.5]]
    assert (loss.get_xlabel(), loss.get_ylabel()) == ("epoch", "training loss")
    assert right.get_ylabel() == "accuracy on held-out data [%]"
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["numbers", "masks"]
    figure.savefig(io.BytesIO())


def test_a_history_without_data_held_out_shows_the_accuracy_in_training():
    _, right = figures.plot_history({"numbers": [Epoch(2.0, 0.25), Epoch(1.0, 0.5)]}).axes
    assert right.lines[0].get_ydata().tolist() == [25.0, 50.0]
    assert right.get_ylabel() == "accuracy on training data [%]"


def test_a_regression_has_no_accuracy_and_no_history_no_picture():
    loss, right = figures.plot_history({"fit": [Epoch(2.0, None, 1.5)], "none yet": []}).axes
    assert loss.lines[0].get_ydata().tolist() == [2.0]
    assert all(not line.get_ydata().size for line in right.lines)
    with pytest.raises(ValueError, match="at least one epoch"):
        figures.plot_history({"none yet": []})
