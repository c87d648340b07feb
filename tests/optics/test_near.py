"""Free space to near planes: against Gauss nodes, Fresnel's integrals, and Rayleigh and Sommerfeld's."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from scipy.special import fresnel, hankel1

from optics import AngularSpectrumTransform, Axis, Field, Grid, flat, gauss
from optics.near import check_grazing, near_integral
from optics.vignetting import MOST_EVALUATIONS, nodes_over, vignetted_integral
from tests.optics.oracles import WAVELENGTH, random_complex, relative_error

PITCH = 8e-6
ROUNDING = 1e-12


@pytest.mark.parametrize("distance", [1e-5, 1e-3, 0.1])
@pytest.mark.parametrize("fill", [0.7, 1.0])
def test_even_pixels_are_fresnels_integrals(distance, fill):
    """However few nodes there are: the kernel has its own."""
    data, source, target = random_complex(5), Axis(5, PITCH, gauss(3, fill)), Axis(31, 2e-6)
    reach = WAVELENGTH * distance
    s = math.sqrt(2 / reach) * (target.coordinates - source.centres[:, None]).numpy()
    half = math.sqrt(2 / reach) * fill * PITCH / 2
    (right_s, right_c), (left_s, left_c) = fresnel(s + half), fresnel(s - half)
    patches = torch.from_numpy((right_c - left_c) + 1j * (right_s - left_s)) / (2j) ** 0.5
    got = data.repeat_interleave(3) @ near_integral(source, target, reach)
    assert relative_error(got, data @ patches) < ROUNDING


@pytest.mark.parametrize("cell", [Axis(7, 3e-6).cell, flat(0.6)], ids=["points", "flat"])
def test_light_that_varies_across_pixels(cell):
    """A spherical wave: as many nodes as it and the kernel need together, against those that it alone needs."""
    target, reach = Axis(7, 30e-6, cell), WAVELENGTH * 2e-4
    few, many = (Axis(4, PITCH, gauss(count, 0.9)) for count in (14, 400))
    arrived = [torch.exp(1j * math.pi * axis.coordinates**2 / (WAVELENGTH * 1e-3)) for axis in (few, many)]
    eyes = target.centres[:, None] + torch.tensor(gauss(200).nodes, dtype=torch.float64) * 30e-6 * (cell.width or 1e-9)
    kernel = torch.exp(1j * math.pi * (many.coordinates[:, None, None] - eyes) ** 2 / reach) / (1j * reach) ** 0.5
    wanted = ((arrived[1] * many.weights) @ kernel.flatten(1)).unflatten(0, eyes.shape) @ torch.tensor(
        gauss(200).weights, dtype=torch.complex128
    )
    got = arrived[0] @ near_integral(few, target, reach)
    # The light's own 14 nodes are right to 1e-11; points taken a billionth of a pixel wide, to less.
    assert relative_error(got, wanted) < 1e-10


@pytest.mark.parametrize("place", [0.05, 0.4, 1.0, 3.0])
def test_behind_a_lens_it_is_the_integral_over_the_slit(place):
    """At any distance behind the lens, also farther than f; sources and targets are flat."""
    f, width = 5e-3, 0.3e-3
    source, target = Axis(6, PITCH, flat(0.9)), Axis(9, 50e-6, flat(0.2))
    scale, reach = WAVELENGTH * f, WAVELENGTH * place * f
    cells = math.ceil(width * (width + target.extent) / reach)  # half a turn in each
    lens, x, u = Axis(cells, width / cells, gauss(16)), Axis(6, PITCH, gauss(20, 0.9)), Axis(9, 50e-6, gauss(100, 0.2))
    forth = torch.exp(1j * math.pi * ((x.coordinates[:, None] - lens.coordinates) ** 2 - lens.coordinates**2) / scale)
    onto = torch.exp(1j * math.pi * (lens.coordinates[:, None] - u.coordinates) ** 2 / reach)
    samples = (x.weights[:, None] * forth * lens.weights) @ (onto * u.weights / (0.2 * 50e-6))
    wanted = samples.unflatten(0, (6, 20)).sum(1).unflatten(1, (9, 100)).sum(2) / math.sqrt(scale * reach) / 1j**0.5
    assert relative_error(vignetted_integral(source, target, scale, width, reach), wanted) < ROUNDING


class TestNodesInARow:
    @pytest.mark.parametrize("turns", [0.0, 10.0, 1000.3])
    def test_integrate_so_many_turns(self, turns):
        cell = nodes_over(turns, 0.8)
        nodes, weights = np.array(cell.nodes), np.array(cell.weights)
        wanted = 0.8 * np.sinc(turns)
        assert abs((weights * np.exp(2j * np.pi * turns * nodes / 0.8)).sum() - wanted) < ROUNDING
        assert len(cell) < 3 * turns + 20


def error_at(distance, extent=200e-6):
    """Of plane waves at any angle against Rayleigh and Sommerfeld's integral, in two dimensions: Hankel's function."""
    data, k = random_complex(10), 2 * math.pi / WAVELENGTH
    source, target = Grid(10, extent / 10, flat()), Grid(31, extent / 31)
    fine = source.resolved(nodes_over(2.2 * extent / 10 / WAVELENGTH, 1.0)).axes[0]
    r = np.hypot(fine.coordinates.numpy()[:, None] - target.axes[0].coordinates.numpy(), distance)
    kernel = 0.5j * k * distance / r * hankel1(1, k * r) * np.exp(-1j * k * distance)
    sent = data.repeat_interleave(fine.size // 10) * fine.weights
    got = AngularSpectrumTransform(distance, target)(Field(data, source, WAVELENGTH)).data
    check_grazing(source, target, WAVELENGTH, distance)
    return relative_error(got, sent @ torch.from_numpy(kernel))


class TestGrazing:
    @pytest.mark.parametrize("distance", [115e-6, 200e-6, 1e-3])
    def test_what_is_not_refused_is_right(self, distance):
        assert error_at(distance) < 1e-6

    @pytest.mark.parametrize("distance", [10e-6, 50e-6, 90e-6])
    def test_what_grazes_is_refused(self, distance):
        with pytest.raises(ValueError, match=r"grazes the planes.*a plane farther away"):
            error_at(distance)


class TestRefusals:
    def test_planes_that_would_take_forever(self):
        with pytest.raises(ValueError, match=re.escape(f"up to {MOST_EVALUATIONS:.2g} are computed")):
            near_integral(Axis(100, PITCH, gauss(8)), Axis(1000, PITCH), 1e-15)
        with pytest.raises(ValueError, match="a plane farther away"):
            vignetted_integral(Axis(10, PITCH), Axis(10, PITCH, flat()), 1e-9, 1e-3, 1e-19)
