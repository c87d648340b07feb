"""Does the light itself stay inside the window and the band of its grid? The explicit look that geometry cannot take.

Free space by transfer function serves a window and a band (:mod:`optics.sampling`). Whether a given light needs more
is in its samples: light at the rim of the window has left it or is about to come in again on the other side, light at
the rim of the spectrum goes on beyond it, aliased. Free space by plane waves has the window one asks for, so that only
the spectrum is looked at, and of points alone: flat pixels and nodes end sharply on purpose.

To measure that costs a transform and, on a GPU, a wait: so nothing of it is done when a system runs.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from optics.field import Field
from optics.grid import Grid, point
from optics.propagation import AngularSpectrum, FresnelTransfer
from optics.sine import SineLens
from optics.spectral import AngularSpectrumTransform, FresnelSpectrumTransform
from optics.system import OpticalSystem

_RIM = 0.05
"""Of the window's or the spectrum's width, at each end of each axis."""


_BY_PLANE_WAVES = AngularSpectrumTransform | FresnelSpectrumTransform | SineLens
_COARSE = "light at the rim of the spectrum: needs a finer spacing"


class Finding(NamedTuple):
    """Light that a grid does not serve."""

    element: str
    """Name of the element that the light goes wrong in; names of nested systems in front, by dots."""
    problem: str
    """What goes wrong, and what to do."""
    share: float
    """Of the power that is concerned, the worst of the batch."""


def inspect(system: OpticalSystem, field: Field, *, limit: float = 1e-3) -> list[Finding]:
    """Run a system and say where light is too wide for the window or too steep for the spacing of its grid.

    Args:
        system: its :class:`~optics.propagation.AngularSpectrum` and :class:`~optics.propagation.FresnelTransfer` are
            looked at, and of what goes by plane waves :class:`~optics.spectral.AngularSpectrumTransform`,
            :class:`~optics.spectral.FresnelSpectrumTransform` and :class:`~optics.sine.SineLens`; also those of
            systems within it.
        field: what it is lit with.
        limit: share of the power from which on it is a finding.

    Returns:
        One finding for each way in which an element goes wrong, in the order of the elements.
    """
    with torch.no_grad():
        return [finding for finding in _inside(system, field, "") if finding.share > limit]


def _inside(system: OpticalSystem, field: Field, prefix: str) -> Generator[Finding, None, Field]:
    for name, element in zip(system.names, system.elements, strict=True):
        if isinstance(element, OpticalSystem):
            field = yield from _inside(element, field, f"{prefix}{name}.")
            continue
        behind = element(field)
        if isinstance(element, AngularSpectrum | FresnelTransfer):
            yield from (Finding(prefix + name, problem, share) for problem, share in _step(field, behind))
        if isinstance(element, _BY_PLANE_WAVES) and all(axis.cell == point() for axis in field.grid.axes):
            yield Finding(prefix + name, _COARSE, _steep(field, padding=2))
        field = behind
    return field


def _step(before: Field, after: Field) -> Iterator[tuple[str, float]]:
    """What one step through free space does wrong, and to which share of the power that it got."""
    lost = before.power - after.power
    yield _COARSE, _steep(before, padding=1)
    yield "light at the rim of the window behind it: needs a wider grid", _worst(_rim(after), before)
    yield "light cut, or gone from the window: needs a wider grid or more padding", _worst(lost, before)


def _steep(field: Field, padding: int) -> float:
    """The share of light at the rim of the spectrum; a padded window shows what its sharp edges send aside."""
    axes, wider = tuple(range(-field.grid.ndim, 0)), Grid([padding * n for n in field.grid.shape], field.grid.spacing)
    spectrum = torch.fft.fftn(field.data, s=wider.shape, dim=axes, norm="ortho")
    return _worst(_rim(field.replace(torch.fft.fftshift(spectrum, dim=axes), wider)), field)


def _rim(field: Field) -> Tensor:
    """The power at the ends of the axes, one number for each field of the batch."""
    inner = field.intensity
    for axis, count in enumerate(field.grid.shape, start=-field.grid.ndim):
        width = round(_RIM * count)
        inner = inner.narrow(axis, width, count - 2 * width)
    weight = math.prod(field.grid.spacing)
    return field.power - inner.sum(dim=tuple(range(-field.grid.ndim, 0))) * weight


def _worst(power: Tensor, light: Field) -> float:
    return float((power / light.power).max()) if power.numel() else 0.0
