"""The imperfect bench by brute force: light summed from every node of every plane to every node of the next.

Independent of ``optics`` and of the bench's own modules: numpy alone, from where things stand on the table. A mask is a
function of the place in its plane; Gauss's nodes lie between all places where one jumps. Light from (x, y) to (u, v),
both measured on the table from the axis of a lens, gets the phase π/λ·(A x² - 2xu + D u²)/B and the same of y, v. It
takes mask values, pitches, the gain and the surface of a device that is not flat, as a fabricator would.

The phase from centre to centre of the planes of an arm is that of the reference, and is taken away.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acdc_optical import Bench, Imperfections, Masks
from tests.realisation.oracle import mirror

_NODES = 4
_INDEX = 1.52  # of the lens's glass
_PARTS = 8  # of a pixel, within which fringing fields are even
_WIDTHS = 5  # standard deviations to which sources are followed, in steps of one: the rule is right to 1e-6


@dataclass(frozen=True)
class Line:
    """Nodes along one axis of a plane: places from its centre, weights, the pixel of each, and where in it [pixels]."""

    places: NDArray
    weights: NDArray
    pixel: NDArray
    within: NDArray


POINT = Line(np.zeros(1), np.ones(1), np.zeros(1, int), np.zeros(1))


def line(cells: int, pitch: float, jumps: Sequence[float], nodes: int) -> Line:
    """Gauss's nodes in each pixel, between its ends and all jumps within [pixels from its centre]."""
    borders = np.unique([-0.5, 0.5, *(j for j in jumps if -0.5 < j < 0.5)])
    unit, shares = np.polynomial.legendre.leggauss(nodes)
    middles, halves = (borders[1:] + borders[:-1]) / 2, np.diff(borders) / 2
    within = (middles[:, None] + halves[:, None] * unit).ravel()
    pixel = np.repeat(np.arange(cells), len(within))
    weights = np.tile((halves[:, None] * shares).ravel() * pitch, cells)
    within = np.tile(within, cells)
    return Line((pixel - (cells - 1) / 2 + within) * pitch, weights, pixel, within)


def output(
    x: NDArray, masks: Masks, bench: Bench, wrong: Imperfections, *, nodes: int = _NODES, finer: int = 1
) -> NDArray:
    """What is decoded of the camera's mean fields for one x, real or complex, one- or two-dimensional.

    There are ``nodes`` between jumps, and ``finer`` times as many on the modulator.
    """
    axes, light = x.ndim, wrong.light
    x = np.vectorize(steps(wrong.modulator_device, np.abs(x).max()))(x)
    found: NDArray | float = 0.0
    for colour, share in _normal(light.bandwidth):
        for angle_y, share_y in _normal(light.divergence) if axes == 2 else [(0.0, 1.0)]:
            for angle_x, share_x in _normal(light.divergence):
                one = _camera(
                    x, masks, bench, wrong, (light.wavelength + colour, angle_y, angle_x), (nodes * finer, nodes)
                )
                found = found + share * share_y * share_x * one
    seen = np.flip(found)
    if not np.iscomplexobj(x):
        for axis in range(axes):
            n = seen.shape[axis] // 2
            below, above = np.split(seen, [n], axis)
            seen = (np.flip(below, axis) + above) / 2
        seen = seen.real
    return float(masks.gain) * seen


def steps(display, largest: float) -> Callable[[complex], complex]:
    """What a modulator shows for a number: of all sizes that it has the nearest."""
    full, bits = display.full_scale or largest, display.amplitude_bits

    def shown(number: complex) -> complex:
        size = min(abs(number), full)
        if bits is not None:
            size = min(np.linspace(0, full, 2**bits), key=lambda step: abs(step - size))
        return number * (size / abs(number)) if number else 0

    return shown if bits is not None or display.full_scale is not None else lambda number: number


def _normal(deviation: float) -> list[tuple[float, float]]:
    if not deviation:
        return [(0.0, 1.0)]
    places = np.arange(-_WIDTHS, _WIDTHS + 1)
    shares = np.exp(-(places**2) / 2)
    return list(zip((places * deviation).tolist(), (shares / shares.sum()).tolist(), strict=True))


def _camera(x, masks, bench, wrong, source, nodes) -> NDArray:
    """The mean field over each pixel, of one colour and one angle."""
    planes, (error, *angles) = masks.planes, source
    wavelength = planes.wavelength + error
    pair = [(1, 0.0), (1, 0.0)][x.ndim :]

    def lines(grid, nodes: int, *jumps: Sequence[float]) -> list[Line]:
        cells = [*zip(grid.cells, grid.spacing, strict=True)]
        own = [j[-x.ndim :] if len(j) == 2 else j * x.ndim for j in map(tuple, jumps)]
        along = [[j[axis] for j in own] for axis in range(x.ndim)]
        return [POINT] * len(pair) + [line(*each, j, nodes) for each, j in zip(cells, along, strict=True)]

    device, place = wrong.input_device, wrong.input_mask
    pitch = planes.input.spacing[-1]
    aside = np.array([place.shift_y, place.shift_x][-x.ndim :]) / pitch
    fill = bench.modulator.fill / 2
    cuts = [tuple(wrapped(a + 0.5 + grown) for a in aside) for grown in _grown(device.edge_growth / pitch)]
    front = lines(planes.input, nodes[0], (-fill,), (fill,), *cuts, *_jumps(device, planes.input))
    pattern = painted(masks.input_mask.detach().numpy(), device, planes.input, (planes.wavelength, wavelength))
    full = wrong.modulator_device.full_scale or np.abs(x).max()
    shown = np.atleast_2d(x if np.iscomplexobj(x) else mirror(x))
    moved = [Line(n.places, n.weights, *_looked_up(n, s)) for n, s in zip(front, [0.0, *aside][-2:], strict=True)]
    a = turned(masks.input_mask.detach().numpy(), front, aside * pitch, place.rotation, pitch)
    a = pattern(*moved) if a is None else a
    field = a * shown[front[0].pixel[:, None], front[1].pixel]
    field = np.where(_gap(front, fill, x.ndim), device.gap_reflectance * full, field)
    modulator, mask, camera = wrong.modulator, wrong.fourier_mask, wrong.camera
    field = field * np.exp(2j * np.pi / wavelength * _path(front, modulator, angles, -1))

    etched, fill = wrong.fourier_device, bench.mask.fill / 2
    middle = lines(planes.mask, nodes[1], (-fill,), (fill,), *_jumps(etched, planes.mask))
    through = painted(masks.fourier_mask.detach().numpy(), etched, planes.mask, (planes.wavelength, wavelength))
    d = np.where(_gap(middle, fill, x.ndim), etched.gap_reflectance, through(*middle))
    field = lens(field, (front, modulator), (middle, mask), wrong.first_lens, planes.focal_length, wavelength)
    fill = bench.camera.fill / 2
    back = lines(planes.camera, nodes[1], (-fill,), (fill,))
    field = lens(field * d, (middle, mask), (back, camera), wrong.second_lens, planes.focal_length, wavelength)
    field = field * np.exp(2j * np.pi / wavelength * _path(back, camera, angles, 1))
    for axis, n in enumerate(back):
        weights = np.where(np.abs(n.within) < fill, n.weights, 0) if n is not POINT else n.weights
        count = len(n.pixel) // (n.pixel[-1] + 1)
        field = np.moveaxis(field, axis, -1) * weights
        field = np.moveaxis(field.reshape(*field.shape[:-1], -1, count).sum(-1), -1, axis)
    field = field / (2 * fill * pitch) ** x.ndim
    return field if x.ndim == 2 else field[0]


def turned(mask: NDArray, lines: list[Line], shift: NDArray, angle: float, pitch: float) -> NDArray | None:
    """The pixels of a mask that is turned about the axis, then shifted, which stand before the nodes of a plane."""
    if not angle:
        return None
    y, x = lines[0].places[:, None] - shift[0], lines[1].places - shift[1]
    c, s = math.cos(angle), math.sin(angle)
    own = (c * y - s * x, c * x + s * y)
    j, i = (np.floor(p / pitch + n / 2).astype(int) for p, n in zip(own, mask.shape, strict=True))
    there = (j >= 0) & (j < mask.shape[0]) & (i >= 0) & (i < mask.shape[1])
    return np.where(there, mask[j.clip(0, mask.shape[0] - 1), i.clip(0, mask.shape[1] - 1)], 0)


def _gap(lines: list[Line], half: float, axes: int) -> NDArray:
    dark = [np.abs(n.within) > half for n in lines]
    return dark[0][:, None] | dark[1] if axes == 2 else np.broadcast_to(dark[1], (1, len(dark[1])))


def _path(lines: list[Line], plane, angles: Sequence[float], sign: int) -> NDArray:
    """What a wave from an angle is ahead by at a plane: it goes on down the table; ``sign`` -1, or is followed back."""
    x, y = table(lines, plane)
    return angles[0] * y + angles[1] * x + sign * (angles[0] ** 2 + angles[1] ** 2) * plane.defocus / 2


def table(lines: list[Line], plane) -> tuple[NDArray, NDArray]:
    """Where the nodes of a plane are on the table: turned from x towards y, then shifted."""
    y, x = lines[0].places[:, None], lines[1].places
    c, s = math.cos(plane.rotation), math.sin(plane.rotation)
    return c * x - s * y + plane.shift_x, s * x + c * y + plane.shift_y


def lens(field: NDArray, front, back, placed, f: float, wavelength: float) -> NDArray:
    """Light from the nodes of one plane to those of the next; ``front`` and ``back`` are lines and where they stand."""
    (lines, plane), (behind, screen) = front, back
    axes = 1 if lines[0] is POINT else 2
    sines = [math.sin(placed.tilt_x) ** 2, math.sin(placed.tilt_y) ** 2]
    power = (1 + sum(sines) / (2 * _INDEX)) / (f * (1 + placed.focal_length))
    d1, d2 = f - plane.defocus, f + screen.defocus
    c, s = math.cos(plane.rotation), math.sin(plane.rotation)
    across = [c * lines[1].places, s * lines[1].places], [-s * lines[0].places, c * lines[0].places]
    wave, along_x, along_y = 0.0, 0.0, 0.0
    result = np.ones((), complex)
    own, other, middle = table(lines, plane), table(behind, screen), (placed.shift_x, placed.shift_y)
    centres = (plane.shift_x, plane.shift_y), (screen.shift_x, screen.shift_y)
    for i in range(axes):
        strength = power / (1 - sines[i])
        b = d1 + d2 - d1 * d2 * strength
        a, d = 1 - d2 * strength, 1 - d1 * strength
        x0, u0 = centres[0][i] - middle[i], centres[1][i] - middle[i]
        x, u = own[i] - middle[i], other[i] - middle[i]
        wave = wave + a * x**2 / b
        constant = a * x0**2 - 2 * x0 * u0 + d * u0**2
        result = result * np.exp(1j * np.pi / wavelength * (d * u**2 - 2 * x0 * u - constant) / b)
        result = result / np.sqrt(wavelength * b)
        along_x, along_y = along_x + np.outer(u, across[0][i]) / b, along_y + np.outer(u, across[1][i]) / b
    weighted = field * np.exp(1j * np.pi / wavelength * wave) * lines[0].weights[:, None] * lines[1].weights
    sums = np.exp(-2j * np.pi / wavelength * along_x) @ weighted.T
    return result * (sums * np.exp(-2j * np.pi / wavelength * along_y)).sum(1).reshape(result.shape)


def _jumps(device, grid) -> list[tuple[float, ...]]:
    """Where within a pixel the transmittance jumps."""
    borders = [_grown(device.edge_growth / p) for p in grid.spacing]
    aside = [s / p for s, p in zip((device.overlay_y, device.overlay_x)[-len(borders) :], grid.spacing, strict=True)]
    found = [tuple(wrapped(0.5 + each[i]) for each in borders) for i in range(3)]
    found += [tuple(wrapped(0.5 + s) for s in aside)] if device.etches else []
    blurred = [(k / _PARTS - 0.5,) for k in range(1, _PARTS)] if device.crosstalk else []
    return found + blurred


def _grown(growth: float) -> tuple[float, float, float]:
    """From where a border is drawn to where it is, and to both places where it may have gone."""
    return 0.0, growth, -growth


def wrapped(place: float) -> float:
    """Within a pixel, from its centre."""
    return (place + 0.5) % 1 - 0.5


def _looked_up(nodes: Line, shift: float) -> tuple[NDArray, NDArray]:
    """The pixel of a mask moved by ``shift`` pixels that stands before each node, and where in it."""
    place = nodes.pixel + 0.5 + nodes.within - shift
    pixel = np.floor(place).astype(int)
    return pixel, place - pixel - 0.5


def painted(asked: NDArray, device, grid, wavelengths: tuple[float, float]) -> Callable[[Line, Line], NDArray]:
    """The transmittance of a device as a function of pixels and places within them, along y and x."""
    t = np.atleast_2d(driven(asked, device))
    pitch = [1.0, *grid.spacing][-2:]
    inside = lambda k, n: (k >= 0) & (k < n)  # noqa: E731
    depth = np.angle(t) % (2 * np.pi)
    depth = np.where(depth > 2 * np.pi - 1e-7, 0, depth)
    blur = _blurred(t, depth, device.crosstalk, pitch, asked.ndim) if device.crosstalk else None

    def pixels(j: NDArray, i: NDArray) -> NDArray:
        there = inside(j, t.shape[0]) & inside(i, t.shape[1])
        return np.where(there, t[j.clip(0, t.shape[0] - 1), i.clip(0, t.shape[1] - 1)], 0)

    def deep(j: NDArray, i: NDArray) -> NDArray:
        there = inside(j, t.shape[0]) & inside(i, t.shape[1])
        return np.where(there, depth[j.clip(0, t.shape[0] - 1), i.clip(0, t.shape[1] - 1)], np.nan)

    def grown(y: Line, x: Line) -> tuple[NDArray, NDArray]:
        """Which pixel's material stands at a place: along x first, then of that along y."""
        j, i = np.broadcast_arrays(y.pixel[:, None], x.pixel)
        if not device.edge_growth:
            return j, i
        sign = np.sign(device.edge_growth)

        def taken_x(j: NDArray) -> NDArray:
            edge = np.where(np.abs(x.within) > 0.5 - abs(device.edge_growth) / pitch[1], np.sign(x.within), 0)
            beside = i + edge.astype(int)
            return np.where(sign * (deep(j, beside) - deep(j, i)) > 1e-7, beside, i)

        if asked.ndim == 1:
            return j, taken_x(j)
        edge = np.where(np.abs(y.within) > 0.5 - abs(device.edge_growth) / pitch[0], np.sign(y.within), 0)
        above = j + edge[:, None].astype(int)
        column, other = taken_x(j), taken_x(above)
        takes = sign * (deep(above, other) - deep(j, column)) > 1e-7
        return np.where(takes, above, j), np.where(takes, other, column)

    surface = np.atleast_2d(_surface(device, grid))

    def at(y: Line, x: Line) -> NDArray:
        """All of the depth is wrong, and the surface below is not flat."""
        values = between(y, x)
        phase = np.angle(values) % (2 * np.pi)
        phase = np.where(phase > 2 * np.pi - 1e-7, phase - 2 * np.pi, phase)
        phase = phase * (1 + device.etch_depth) * wavelengths[0] / wavelengths[1]
        rows, columns = (n.pixel.clip(0, count - 1) for n, count in zip((y, x), surface.shape, strict=True))
        return np.abs(values) * np.exp(1j * (phase + 2 * np.pi * surface[rows[:, None], columns] / wavelengths[1]))

    def between(y: Line, x: Line) -> NDArray:
        if blur is not None:
            rows, columns = (((n.within + 0.5) * _PARTS).astype(int) + n.pixel * _PARTS for n in (y, x))
            return blur[(rows if asked.ndim == 2 else rows * 0)[:, None], columns]
        j, i = grown(y, x)
        values = pixels(j, i)
        if device.etches:
            levels = 2**device.etches
            last = np.where(np.isnan(deep(j, i)), 0, np.round(deep(j, i) * levels / 2 / np.pi) % levels >= levels / 2)
            moved = [
                Line(n.places, n.weights, *_looked_up(n, s / p))
                for n, s, p in zip((y, x), (device.overlay_y, device.overlay_x), pitch, strict=True)
            ]
            there = deep(moved[0].pixel[:, None], moved[1].pixel)
            meant = np.where(np.isnan(there), 0, np.round(there * levels / 2 / np.pi) % levels >= levels / 2)
            values = values * np.exp(1j * np.pi * (meant * 1.0 - last))
        return values

    return at


def driven(asked: NDArray, device) -> NDArray:
    """What each pixel is driven to: steps of amplitude and of phase, a stroke, a table."""
    modulus, phase = np.abs(asked), np.angle(asked)
    if device.amplitude_bits:
        steps = 2**device.amplitude_bits - 1
        modulus = np.round(modulus * steps) / steps
    if device.phase_bits:
        step = 2 * np.pi / 2**device.phase_bits
        phase = np.round(phase / step) * step
    phase = phase % (2 * np.pi)
    phase = np.where(phase > 2 * np.pi - 1e-7, 0, phase)
    if device.phase_stroke is not None:
        top = device.phase_stroke
        phase = np.where(phase > top + 1e-7, np.where(phase < top / 2 + np.pi, top, 0), phase)
    if device.look_up_table is not None:
        table = np.array(device.look_up_table)
        asked_for = 2 * np.pi * np.arange(len(table) + 1) / len(table)
        phase = np.interp(phase, asked_for, np.append(table, table[0] + 2 * np.pi))
    return modulus * np.exp(1j * phase)


def _surface(device, grid) -> NDArray:
    """A path [m] for each pixel."""
    from optics import random_flatness

    if not device.flatness:
        return np.zeros(grid.cells)
    return random_flatness(grid.cells, device.flatness, seed=device.flatness_seed).numpy()


def _blurred(t: NDArray, depth: NDArray, sigma: float, pitch: Sequence[float], axes: int) -> NDArray:
    """Mean modulus and mean phase in equal parts of each pixel, of a drive that a Gaussian blurs."""
    both = [np.abs(t), depth]
    for axis in range(2 - axes, 2):
        own, reach = sigma / pitch[axis], 2 + math.ceil(8 * sigma / pitch[axis])
        unit, shares = np.polynomial.legendre.leggauss(20)
        places = ((np.arange(_PARTS)[:, None] + 0.5 + unit / 2) / _PARTS - 0.5)[..., None]
        offsets = np.arange(-reach, reach + 1)
        reached = np.vectorize(math.erf)((places - offsets + 0.5) / own / math.sqrt(2))
        reached = reached - np.vectorize(math.erf)((places - offsets - 0.5) / own / math.sqrt(2))
        weights = np.einsum("pno,n->po", reached, shares) / 4
        around = (np.arange(t.shape[axis])[:, None] + offsets).clip(0, t.shape[axis] - 1)
        spread = [np.einsum("...io,po->...ip", np.moveaxis(b, axis, -1)[..., around], weights) for b in both]
        both = [np.moveaxis(s.reshape(*s.shape[:-2], -1), -1, axis) for s in spread]
    return both[0] * np.exp(1j * both[1])
