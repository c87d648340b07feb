"""The bench by Gauss's rule: every pixel of every plane integrated numerically, without an envelope in closed form.

Independent of ``optics`` and of the compilation: numpy alone. It takes mask values, pitches and the gain, as a
fabricator would. Where the midpoint rule of oracle.py converges at second order, this is right to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from acdc_optical import Bench, Masks
from optics import Stripes
from tests.realisation.oracle import mirror, upright

# Over a pixel of mask, modulator or camera the phase turns by at most 2π.
_NODES = 16


def output(x: NDArray, masks: Masks, bench: Bench, *, mirrored: bool) -> NDArray:
    """What the camera reads for a batch of vectors or images x, decoded and multiplied by the gain."""
    return np.stack([_one(item, masks, bench, mirrored) for item in x])


def cascade(x: NDArray, masks: Sequence[Masks], bench: Bench, *, mirrored: bool) -> NDArray:
    """What the camera reads behind several systems in a row, for one x, from plane to plane by integrals alone."""
    light = _spread(mirror(x) if mirrored else x)
    points = [
        [_nodes(n, p, fill) for n, p in zip(own.planes.input.cells, own.planes.input.spacing, strict=True)]
        for own, fill in zip(masks, [bench.modulator.fill] + [bench.relay.fill] * (len(masks) - 1), strict=True)
    ]
    counts = masks[0].planes.input.cells
    points.append([_nodes(n, bench.modulator.pitch, bench.camera.fill) for n in counts])
    for number, own in enumerate(masks):
        turned = np.flip if number % 2 else np.asarray
        scale = own.planes.wavelength * own.planes.focal_length
        u = [_nodes(n, p, bench.mask.fill) for n, p in zip(own.planes.mask.cells, own.planes.mask.spacing, strict=True)]
        light = light * _spread(turned(own.input_mask.detach().numpy()))
        light = _lens(light, points[number], u, scale) * _spread(turned(own.fourier_mask.detach().numpy()))
        light = _lens(light, u, points[number + 1], scale)
    for axis, (n, (_, weights)) in enumerate(zip(counts, points[-1], strict=True)):
        light = np.moveaxis(light, axis, -1) * weights
        light = np.moveaxis(light.reshape(*light.shape[:-1], n, _NODES).sum(-1), -1, axis)
    light = light / (bench.camera.fill * bench.modulator.pitch) ** x.ndim
    light = np.flip(light) if len(masks) % 2 == 0 else light
    return np.prod([float(own.gain) for own in masks]) * upright(light, mirrored)


def _spread(pixels: NDArray) -> NDArray:
    """The value of its pixel at every node."""
    for axis in range(pixels.ndim):
        pixels = np.repeat(pixels, _NODES, axis)
    return pixels


def _lens(light: NDArray, front: Sequence[tuple], back: Sequence[tuple], scale: float) -> NDArray:
    for axis, ((x, dx), (u, _)) in enumerate(zip(front, back, strict=True)):
        integral = np.exp(-2j * np.pi * np.outer(u, x) / scale) * dx / np.sqrt(scale)
        light = np.moveaxis(np.tensordot(integral, light, (1, axis)), 0, axis)
    return light


def system(shape: tuple[int, ...], masks: Masks, bench: Bench, *, mirrored: bool) -> NDArray:
    """Outputs for each input by each mask pixel alone, shape (outputs·inputs, pixels); of mirrored pixels together."""
    whole = np.ones((1, 1, 1))
    for axis, n in enumerate(shape):
        shown = np.stack([mirror(unit) if mirrored else unit for unit in np.eye(n)])
        read = np.flip(np.einsum("isj,kj->iks", through_pixels(masks, bench, axis), shown), 0)
        if mirrored:
            left, right = np.split(read[n:], 2, axis=-1)
            read = right + np.flip(left, -1)
        both = np.einsum("ijs,klt->ikjlst", whole, read)
        whole = both.reshape([a * b for a, b in zip(whole.shape, read.shape, strict=True)])
    return whole.reshape(-1, whole.shape[-1])


def through_pixels(masks: Masks, bench: Bench, axis: int) -> NDArray:
    """From modulator to camera through each mask pixel with t = 1, shape (camera, pixels, modulator)."""
    planes = masks.planes
    scale = planes.wavelength * planes.focal_length
    count, pixels = planes.input.cells[axis], planes.mask.cells[axis]
    x, dx = _nodes(count, bench.modulator.pitch, bench.modulator.fill)
    u, du = _nodes(pixels, planes.mask.spacing[axis], bench.mask.fill)
    y, dy = _nodes(count, bench.modulator.pitch, bench.camera.fill)
    lens = (np.exp(-2j * np.pi * np.outer(u, x) / scale) * dx).reshape(len(u), count, _NODES).sum(-1)
    camera = (np.exp(-2j * np.pi * np.outer(y, u) / scale) * dy[:, None]).reshape(count, _NODES, len(u)).sum(1)
    camera = camera / (bench.modulator.pitch * bench.camera.fill) * du / scale  # the mean over each camera pixel
    return np.einsum("isg,sgj->isj", camera.reshape(count, pixels, _NODES), lens.reshape(pixels, _NODES, count))


def _one(x: NDArray, masks: Masks, bench: Bench, mirrored: bool) -> NDArray:
    light = (mirror(x) if mirrored else x) * masks.input_mask.detach().numpy()
    mask = masks.fourier_mask.detach().numpy()
    maps = [through_pixels(masks, bench, axis) for axis in range(light.ndim)]
    if light.ndim == 1:
        light = np.einsum("isj,s,j->i", maps[0], mask, light)
    else:
        light = np.einsum("isj,ktl,st,jl->ik", maps[0], maps[1], mask, light, optimize=True)
    return np.ascontiguousarray(float(masks.gain) * upright(light, mirrored))


def _nodes(cells: int, pitch: float, fill: float) -> tuple[NDArray, NDArray]:
    """Gauss's nodes over the active part of every pixel, and their weights as lengths."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    centres = (np.arange(cells) - (cells - 1) / 2) * pitch
    return (centres[:, None] + nodes * fill * pitch / 2).ravel(), np.tile(weights * fill * pitch / 2, cells)


def output_of_stripes(x: NDArray, masks: Masks, bench: Bench, *, mirrored: bool) -> NDArray:
    """As :func:`output`, for a Fourier mask of stripes: each is integrated from edge to edge."""
    light = np.stack([mirror(item) if mirrored else item for item in x]) * masks.input_mask.detach().numpy()
    stripes = masks.fourier_mask
    edges, first = stripes.edges.detach().numpy(), stripes.first.numpy()
    if x.ndim == 2:
        read = light @ through_stripes(edges, float(first), masks, bench).T
    else:
        rows = np.stack([through_stripes(e, float(f), masks, bench) for e, f in zip(edges, first, strict=True)])
        read = np.einsum("irj,rkl,bjl->bik", through_pixels(masks, bench, 0), rows, light, optimize=True)
    return np.stack([np.ascontiguousarray(float(masks.gain) * upright(item, mirrored)) for item in read])


def through_stripes(edges: NDArray, first: float, masks: Masks, bench: Bench) -> NDArray:
    """From modulator to camera through one row of stripes along the last axis, shape (camera, modulator)."""
    planes = masks.planes
    scale, width = planes.wavelength * planes.focal_length, planes.mask.extent[-1]
    count = planes.input.cells[-1]
    x, dx = _nodes(count, bench.modulator.pitch, bench.modulator.fill)
    y, dy = _nodes(count, bench.modulator.pitch, bench.camera.fill)
    # Between two edges and within a step of q the phase turns by at most 2π.
    parts = np.sort(np.concatenate((edges, np.linspace(-width / 2, width / 2, count + 1))))
    middles, halves = (parts[1:] + parts[:-1]) / 2, np.diff(parts) / 2
    signs = first * (-1.0) ** np.searchsorted(edges, middles)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    u = (middles[:, None] + halves[:, None] * nodes).ravel()
    du = (signs[:, None] * halves[:, None] * weights).ravel()
    lens = (np.exp(-2j * np.pi * np.outer(u, x) / scale) * dx).reshape(len(u), count, _NODES).sum(-1)
    camera = (np.exp(-2j * np.pi * np.outer(y, u) / scale) * dy[:, None]).reshape(count, _NODES, len(u)).sum(1)
    return camera / (bench.modulator.pitch * bench.camera.fill) * du / scale @ lens


def output_of_stripes_in_a_row(x: NDArray, masks: list[Masks], bench: Bench) -> NDArray:
    """What the camera reads behind mirrored one-dimensional systems in a row: every mask integrated part by part.

    The first mask A is of pixels; every other is of stripes or of pixels, upright in ``masks``.
    """
    scale, first = masks[0].planes.wavelength * masks[0].planes.focal_length, masks[0].planes
    light = np.stack([mirror(item) for item in x]) * masks[0].input_mask.detach().numpy()
    at, weights = _nodes(first.input.cells[0], bench.modulator.pitch, bench.modulator.fill)
    light = np.repeat(light, _NODES, axis=1) * weights
    for number, own in enumerate(masks):
        for pattern, grid in ((own.input_mask, own.planes.input), (own.fourier_mask, own.planes.mask)):
            if pattern is masks[0].input_mask:
                continue
            places, weights, values = _parts(pattern, grid.extent[0], grid.cells[0])
            if number % 2:  # turned, as the image is; even masks do not show it
                values = values[::-1]
                assert np.allclose(places, -places[::-1])
            light = light @ np.exp(-2j * np.pi * np.outer(at, places) / scale) / np.sqrt(scale) * (values * weights)
            at = places
    y, dy = _nodes(first.camera.cells[0], bench.modulator.pitch, bench.camera.fill)
    seen = light @ np.exp(-2j * np.pi * np.outer(at, y) / scale) / np.sqrt(scale) * dy
    seen = seen.reshape(len(x), -1, _NODES).sum(-1) / (bench.modulator.pitch * bench.camera.fill)
    if len(masks) % 2:
        seen = seen[:, ::-1]
    gain = np.prod([float(own.gain) for own in masks])
    return gain * seen[:, seen.shape[1] // 2 :].real


def _parts(pattern, width: float, cells: int) -> tuple[NDArray, NDArray, NDArray]:
    """Gauss's nodes in every part of a mask that is alike, their weights [m], and what is there."""
    borders = np.linspace(-width / 2, width / 2, cells + 1)
    if isinstance(pattern, Stripes):
        edges = pattern.edges.detach().numpy()
        borders = np.unique(np.concatenate((borders, edges)))
        values = float(pattern.first) * (-1.0) ** np.searchsorted(edges, (borders[1:] + borders[:-1]) / 2)
    else:
        values = pattern.detach().numpy()
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    middles, halves = (borders[1:] + borders[:-1]) / 2, np.diff(borders) / 2
    return (
        (middles[:, None] + halves[:, None] * nodes).ravel(),
        (halves[:, None] * weights).ravel(),
        np.repeat(values, _NODES),
    )
