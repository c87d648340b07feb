"""Pictures of how a network was trained, and of what it then decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from acdc_optical.training.fitting import Epoch
from optics.plotting import INK, Picture


def plot_history(histories: Mapping[str, Sequence[Epoch]]) -> Figure:
    """Draw the loss and the accuracy of trainings, epoch by epoch.

    Args:
        histories: of one training or more, by name; accuracy is drawn of those that had labels: held out if some were,
            else in training. Trainings that coincide show as a thin line on a thick one.

    Raises:
        ValueError: no epochs at all.
    """
    if not any(histories.values()):
        raise ValueError("expected at least one epoch of a training; got none")
    figure = Picture(10.0, 3.6)
    loss, right = figure.subplots(1, 2)
    held_out = any(epoch.held_out is not None for history in histories.values() for epoch in history)
    finer = min(1.5, 6 / len(histories))
    for place, (name, history) in enumerate(histories.items()):
        # Later lines are thinner, so that what they cover still shows; a single epoch is a dot.
        thick = 1.5 + finer * (len(histories) - 1 - place)
        style: dict[str, Any] = {"color": f"C{place}", "linewidth": thick, "markersize": thick + 2}
        style["marker"] = "o" if len(history) == 1 else ""
        loss.plot(range(1, len(history) + 1), [epoch.loss for epoch in history], label=name, **style)
        labelled = [(number, epoch) for number, epoch in enumerate(history, 1) if epoch.accuracy is not None]
        found = [(number, epoch.held_out if held_out else epoch.accuracy) for number, epoch in labelled]
        shown = [(number, 100 * share) for number, share in found if share is not None]
        right.plot([number for number, _ in shown], [share for _, share in shown], **style)
    loss.set(xlabel="epoch", ylabel="training loss")
    right.set(xlabel="epoch", ylabel=f"accuracy on {'held-out' if held_out else 'training'} data [%]")
    for ax in (loss, right):
        ax.spines[["top", "right"]].set_visible(False)
        ax.xaxis.get_major_locator().set_params(integer=True)
    loss.legend(frameon=False)
    return figure


def plot_confusion(matrix: Tensor) -> Figure:
    """Draw a confusion matrix with its counts; the shade is the share of the row.

    Args:
        matrix: counts, shape (classes, classes); rows are the true classes, columns the predicted ones.

    Raises:
        ValueError: not a square matrix.
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"expected a square matrix of counts; got shape {tuple(matrix.shape)}")
    counts = matrix.detach().cpu().numpy()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Picture(5.0, 5.0)
    ax = figure.subplots()
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (i, j), count in np.ndenumerate(counts):
        if count:
            ax.text(j, i, f"{count}", ha="center", va="center", color="white" if shares[i, j] > 0.5 else INK)
    classes = range(len(counts))
    ax.set(xticks=classes, yticks=classes, xlabel="predicted", ylabel="true")
    ax.tick_params(length=0)
    right = np.trace(counts)
    ax.set_title(f"{right} of {counts.sum()} right", fontsize="medium")
    return figure
