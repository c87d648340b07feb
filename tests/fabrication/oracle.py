"""The bench with masks of cells by brute force: the Fourier integral of each cell and each camera pixel as a dense sum.

NumPy only, one matrix per axis, no envelope in closed form, none of the library's grids. Every cell is summed over
Gauss-Legendre nodes of its own, far more than its waves need. What is deflected by a carrier is met where it goes: the
places of the Fourier plane are counted from there on, and so are those of the camera.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acdc_optical import Bench, Masks
from acdc_optical.fabrication.made import Cells
from tests.realisation.oracle import mirror, upright

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


def output(x: NDArray, masks: Masks, bench: Bench, a: Cells, d: Cells, *, mirrored: bool) -> NDArray:
    """What the camera reads for the vector or image x, decoded and multiplied by the gain."""
    light = mirror(x) if mirrored else x
    last = light.ndim - 1
    arms = [
        _arm(masks, bench, a, d, axis, (a.turns, d.turns) if axis == last else (0.0, 0.0)) for axis in range(last + 1)
    ]
    for axis, edges in enumerate(a.edges):
        light = np.repeat(light, len(edges) - 1, axis)
    light = light * a.values.numpy()
    for axis, (to_mask, _) in enumerate(arms):
        light = _along(to_mask, light, axis)
    values = d.values.numpy()
    for axis in range(values.ndim):
        values = np.repeat(values, len(_NODES), axis)
    light = light * values
    for axis, (_, to_camera) in enumerate(arms):
        light = _along(to_camera, light, axis)
    if mirrored:  # cells need not be mirrored: what is read is the mean of both sides
        for axis in range(light.ndim):
            light = (light + np.flip(light, axis)) / 2
    return upright(float(masks.gain) * light / (a.factor * d.factor), mirrored).copy()


def _arm(masks: Masks, bench: Bench, a: Cells, d: Cells, axis: int, turns: tuple[float, float]):
    planes = masks.planes
    scale, pitch, n = planes.wavelength * planes.focal_length, bench.modulator.pitch, planes.input.cells[axis]
    q = planes.mask.spacing[axis]
    x, dx = _nodes(n, pitch, a.edges[axis], bench.modulator.fill)
    u, du = _nodes(planes.mask.cells[axis], q, d.edges[axis], bench.mask.fill)
    deflected = turns[0] * scale / pitch  # in the mask's plane
    to_mask = np.exp(-2j * np.pi * np.outer(u + deflected, x) / scale) * dx / np.sqrt(scale)
    seen = (np.arange(n) - (n - 1) / 2) * pitch + turns[1] * scale / q
    within = _NODES / 2 * bench.camera.fill * pitch
    waves = np.exp(-2j * np.pi * np.multiply.outer(seen[:, None] + within, u) / scale)
    to_camera = np.tensordot(_WEIGHTS / 2, waves, axes=([0], [1])) * du / np.sqrt(scale)
    return to_mask.reshape(len(u), -1, len(_NODES)).sum(-1), to_camera


def _nodes(pixels: int, pitch: float, edges: tuple[float, ...], fill: float) -> tuple[NDArray, NDArray]:
    """Places and weights of the nodes of all cells, within the active part of their pixels [m]."""
    bounds = np.clip(np.array(edges), -fill / 2, fill / 2)
    middle, half = (bounds[1:] + bounds[:-1]) / 2, (bounds[1:] - bounds[:-1]) / 2
    within = (middle[:, None] + half[:, None] * _NODES).ravel()
    weights = (half[:, None] * _WEIGHTS).ravel()
    centres = np.arange(pixels) - (pixels - 1) / 2
    return (centres[:, None] + within).ravel() * pitch, np.tile(weights, pixels) * pitch


def _along(matrix: NDArray, light: NDArray, axis: int) -> NDArray:
    return np.moveaxis(np.tensordot(matrix, light, axes=([1], [axis])), 0, axis)
