"""Pictures of cascades: what is drawn is what was found."""

import numpy as np
import pytest
import torch
from torch import nn

from acdc_optical import Comb, OnePixel, realise
from acdc_optical.budgets.contributions import contributions
from acdc_optical.budgets.light_budget import light_budget
from acdc_optical.figures import plot_contributions, plot_light_budget
from tests.realisation.cases import bench, inputs, layer


@pytest.fixture(scope="module")
def found():
    layers = nn.Sequential(*(layer("ACDC", (4,), seed=seed) for seed in range(2)))
    x = inputs(layers[0], 2)
    with torch.no_grad():
        cascades = {
            name: realise(layers, bench(), between=kind) for name, kind in (("combs", Comb()), ("one", OnePixel()))
        }
        errors = {name: contributions(cascade, x) for name, cascade in cascades.items()}
        return errors, {name: light_budget(cascade, x) for name, cascade in cascades.items()}


def test_bars_are_as_high_as_the_errors(found, tmp_path):
    errors, _ = found
    figure = plot_contributions(errors)
    (ax,) = figure.axes
    assert [text.get_text() for text in ax.get_xticklabels()] == ["mask D 1", "mask A 2", "mask D 2"]
    drawn = [[bar.get_height() for bar in bars] for bars in ax.containers]
    assert drawn == [[max(row.error, 1e-17) for row in rows] for rows in errors.values()]
    assert ax.get_ylim()[1] > 10 * max(map(max, drawn))  # room for the legend
    assert ax.get_ylabel() == "relative L2 change of the output"
    figure.savefig(tmp_path / "errors.png")


def test_steps_are_the_shares_of_light(found, tmp_path):
    _, budgets = found
    figure = plot_light_budget(budgets)
    (ax,) = figure.axes
    lines = [line for line in ax.get_lines() if line.get_drawstyle() == "steps-post"]
    for line, budget in zip(lines, budgets.values(), strict=True):
        first, second = budget.layers
        np.testing.assert_array_equal(line.get_ydata(), [*first[:4], *second[:4], second.arrived])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(budgets)
    figure.savefig(tmp_path / "light.png")


def test_nothing_or_different_cascades_are_refused(found):
    errors, _ = found
    for none in (plot_contributions, plot_light_budget):
        with pytest.raises(ValueError, match="one"):
            none({})
    with pytest.raises(ValueError, match="the same planes"):
        plot_contributions({"two": errors["combs"], "one": errors["combs"][:1]})
