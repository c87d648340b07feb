"""Pictures of robustness: what is drawn is what was found."""

from __future__ import annotations

import pytest

from acdc_optical.figures import plot_robustness


def test_points_are_medians_and_bars_tenths(tmp_path):
    figure = plot_robustness({"one": [[0.9, 0.7, 0.4], [0.5]], "other": [[1.0], [0.6, 0.8]]}, [0.0, 2.0], "shift [µm]")
    (ax,) = figure.axes
    one, other = ax.containers
    assert list(one[0].get_xdata()) == [0.0, 2.0]
    assert list(one[0].get_ydata()) == pytest.approx([70, 50])
    assert list(other[0].get_ydata()) == pytest.approx([100, 70])
    (bars,) = one[2]
    ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
    assert ends == [pytest.approx([46, 86]), pytest.approx([50, 50])]  # a fifth of the way from the ends to the middle
    assert ax.get_xlabel() == "shift [µm]"
    figure.savefig(tmp_path / "curves.png")


@pytest.mark.parametrize("curves", [{}, {"one": [[0.5]]}])
def test_as_many_points_as_levels(curves):
    with pytest.raises(ValueError, match="each of 2 levels"):
        plot_robustness(curves, [0.0, 1.0], "shift [µm]")
