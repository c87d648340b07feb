"""Optical systems: elements in a row, asked about their grids when built, with a look at every plane."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import nn

from optics.field import Field, Source
from optics.grid import Grid
from optics.kernel import number
from optics.mask import Mask
from optics.sampling import SamplingWarning
from optics.screens import Screen, Turning


class Plane(NamedTuple):
    """The light behind one element of a system."""

    name: str
    field: Field


@runtime_checkable
class Checked(Protocol):
    """An element that says whether a grid serves, without any light."""

    def check(self, grid: Grid, wavelength: float) -> Grid:
        """The grid on which light of a wavelength [m] leaves; ValueError or SamplingWarning where the grid is bad."""
        ...


class OpticalSystem(nn.Module):
    """Elements that light meets one after another; itself an element, so systems nest.

    Args:
        elements: modules Field -> Field, in the order the light meets them. The last may be a detector.
        names: one for each element, for traces and figures; class names by default.
        source: the grid and wavelength of the light to come, as a :class:`~optics.field.Source` or a field. With it
            the system is checked when it is built; without, each element checks when it first meets a grid.

    Raises:
        ValueError: not as many names as elements, or what :meth:`check` refuses.
    """

    def __init__(self, *elements: nn.Module, names: Sequence[str] | None = None, source: Source | Field | None = None):
        super().__init__()
        self.elements = nn.ModuleList(elements)
        self.names = tuple(names) if names is not None else tuple(type(e).__name__ for e in elements)
        if len(self.names) != len(elements):
            raise ValueError(f"expected a name for each of the {len(elements)} elements; got {len(self.names)}")
        if source is not None:
            self.check(source.grid, number(source.wavelength))

    def forward(self, field: Field) -> Field:
        for element in self.elements:
            field = element(field)
        return field

    def check(self, grid: Grid, wavelength: float) -> Grid:
        """Ask every element whether the grid serves on which light reaches it; the grid on which the light leaves.

        An element without a ``check`` of its own is shown a dark field, once, to see which grid it returns.

        Args:
            grid: of the light in front of the first element.
            wavelength: [m].

        Raises:
            ValueError, TypeError: a wavelength that is not positive and finite, or what an element refuses; the message
                names it and the plane.

        Warns:
            SamplingWarning: what an element complains of, likewise.
        """
        Source(grid, wavelength)  # raises if it cannot be
        together = Turning()
        for place, (name, element) in enumerate(zip(self.names, self.elements, strict=True)):
            plane = f"behind {self.names[place - 1]!r}" if place else "in the input plane"
            where = f"{name} (element {place + 1} of {len(self.names)}, {plane})"
            together = _turned(together, element, grid)
            behind = _asked(element, grid, wavelength, where, together)
            if behind is None and place + 1 < len(self.names):
                raise ValueError(f"{where}: only the last element may turn a field into something else")
            grid = behind or grid
        return grid

    def trace(self, field: Field) -> list[Plane]:
        """The input and the light behind every element, in order."""
        return [Plane("input", field), *self._behind_each(field)]

    def _behind_each(self, field: Field) -> Iterator[Plane]:
        for name, element in zip(self.names, self.elements, strict=True):
            field = element(field)
            yield Plane(name, field)


def _turned(together: Turning, element: nn.Module, grid: Grid) -> Turning:
    """What an element and the thin ones right in front of it do to the direction of light; masks leave it alone."""
    if isinstance(element, Screen):
        return together.then(element.turning(grid))
    return together if isinstance(element, Mask) else Turning()


def _asked(element: nn.Module, grid: Grid, wavelength: float, where: str, together: Turning) -> Grid | None:
    """The grid behind an element; its complaints, and those of all that turns light there, begin with ``where``."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            ask = element.check if isinstance(element, Checked) else partial(_tried, element)
            behind = ask(grid, wavelength)
            if isinstance(element, Screen) and together != element.turning(grid):
                together.check(grid, wavelength)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
        except TypeError as error:
            raise TypeError(f"{where}: {error}") from error
    for warning in caught:
        text = f"{where}: {warning.message}" if issubclass(warning.category, SamplingWarning) else str(warning.message)
        warnings.warn(text, warning.category, stacklevel=4)
    return behind


def _tried(element: nn.Module, grid: Grid, wavelength: float) -> Grid | None:
    """The grid on which an element returns a dark field; None if it returns no field, as a detector."""
    held = next(chain(element.parameters(), element.buffers()), None)
    dark = torch.zeros(grid.shape, dtype=torch.complex64, device=None if held is None else held.device)
    with torch.no_grad():
        light = element(Field(dark, grid, wavelength))
    return light.grid if isinstance(light, Field) else None
