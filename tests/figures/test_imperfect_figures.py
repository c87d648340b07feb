"""Pictures of imperfect benches: what is drawn is what was found."""

import numpy as np
import pytest

from acdc_optical.figures import plot_errors


def test_curves_are_the_errors_on_log_scales(tmp_path):
    curves = {"shift": ([0.0, 1e-6, 2e-6], [0.0, 0.1, 0.4]), "defocus": ([1e-6, 3e-6], [1e-3, 1e-2])}
    figure = plot_errors(curves, "size [m]")
    (ax,) = figure.axes
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    lines = ax.get_lines()
    np.testing.assert_array_equal(lines[0].get_xydata(), [(1e-6, 0.1), (2e-6, 0.4)])  # a log scale has no zero
    np.testing.assert_array_equal(lines[1].get_xydata(), [(1e-6, 1e-3), (3e-6, 1e-2)])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(curves)
    assert ax.get_xlabel() == "size [m]"
    figure.savefig(tmp_path / "errors.png")


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="one imperfection or more"):
        plot_errors({}, "size")
    with pytest.raises(ValueError, match="an error for each size of shift; got 1 for 2"):
        plot_errors({"shift": ([1.0, 2.0], [0.1])}, "size")
    with pytest.raises(ValueError, match="a log scale has no zero"):
        plot_errors({"shift": ([1.0], [0.0])}, "size")


def test_curves_that_are_one_to_the_eye_are_drawn_and_named_together():
    sizes = [1.0, 2.0]
    curves = {"modulator": (sizes, [0.1, 0.4]), "mask": (sizes, [0.1, 0.2]), "camera": (sizes, [0.1001, 0.4])}
    (ax,) = plot_errors(curves, "size").axes
    assert [line.get_label() for line in ax.get_lines()] == ["modulator\ncamera", "mask"]
