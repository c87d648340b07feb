"""The bench by brute force: the Fourier integral of physics.md §2 summed over dense samples of both planes.

Independent of ``optics``: numpy only, dense matrices, no analytic envelope, no FFT. Every pixel of every plane is cut
into equal pieces, each taken at its middle (midpoint rule, second order). It takes from the compilation only
what a fabricator would: mask values, pitches and the gain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acdc_optical import Bench, Masks


def output(x: NDArray, masks: Masks, bench: Bench, *, mirrored: bool, samples: int) -> NDArray:
    """What the camera reads for the vector or image x, decoded and multiplied by the gain."""
    planes = masks.planes
    scale = planes.wavelength * planes.focal_length
    light = mirror(x) if mirrored else x
    light = light * masks.input_mask.detach().numpy()
    for axis in range(light.ndim):
        lens = _lens(light.shape[axis], bench, planes, scale, samples, axis)
        light = np.moveaxis(np.tensordot(lens, light, axes=([1], [axis])), 0, axis)
    light = light * _repeat(masks.fourier_mask.detach().numpy(), samples)
    for axis in range(light.ndim):
        camera = _camera(x.shape[axis] * (1 + mirrored), bench, planes, scale, samples, axis)
        light = np.moveaxis(np.tensordot(camera, light, axes=([1], [axis])), 0, axis)
    return float(masks.gain) * upright(light, mirrored)


def _lens(n, bench, planes, scale, samples, axis) -> NDArray:
    """From modulator pixels to samples of the mask plane."""
    x, dx = _pieces(n, bench.modulator.pitch, bench.modulator.fill, samples)
    u, _ = _pieces(planes.mask.cells[axis], planes.mask.spacing[axis], bench.mask.fill, samples)
    kernel = np.exp(-2j * np.pi * np.outer(u, x) / scale) * dx / np.sqrt(scale)
    return kernel.reshape(len(u), n, samples).sum(-1)


def _camera(n, bench, planes, scale, samples, axis) -> NDArray:
    """From samples of the mask plane to the mean over each camera pixel."""
    u, du = _pieces(planes.mask.cells[axis], planes.mask.spacing[axis], bench.mask.fill, samples)
    x, _ = _pieces(n, bench.modulator.pitch, bench.camera.fill, samples)
    kernel = np.exp(-2j * np.pi * np.outer(x, u) / scale) * du / np.sqrt(scale)
    return kernel.reshape(n, samples, len(u)).mean(1)


def _pieces(cells: int, pitch: float, fill: float, samples: int) -> tuple[NDArray, float]:
    """Middles of the pieces into which the active part of every pixel is cut, and their width."""
    centres = (np.arange(cells) - (cells - 1) / 2) * pitch
    within = ((np.arange(samples) + 0.5) / samples - 0.5) * fill * pitch
    return (centres[:, None] + within).ravel(), fill * pitch / samples


def _repeat(values: NDArray, samples: int) -> NDArray:
    for axis in range(values.ndim):
        values = values.repeat(samples, axis)
    return values


def mirror(x: NDArray) -> NDArray:
    for axis in range(x.ndim):
        x = np.concatenate((np.flip(x, axis), x), axis)
    return x


def upright(light: NDArray, mirrored: bool) -> NDArray:
    """Two lenses image upside down; of a mirrored image the upper half holds the vector."""
    light = np.flip(light)
    return light[tuple(slice(n // 2, None) for n in light.shape)].real if mirrored else light
