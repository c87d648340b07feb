"""Optical systems: elements in a row, with a look at every plane."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from torch import nn

from optics.field import Field


class Plane(NamedTuple):
    """The light behind one element of a system."""

    name: str
    field: Field


class OpticalSystem(nn.Module):
    """Elements that light meets one after another; itself an element, so systems nest.

    Args:
        elements: modules Field -> Field, in the order the light meets them.
        names: one for each element, for traces and figures; class names by default.

    Raises:
        ValueError: not as many names as elements.
    """

    def __init__(self, *elements: nn.Module, names: Sequence[str] | None = None):
        super().__init__()
        self.elements = nn.ModuleList(elements)
        self.names = tuple(names) if names is not None else tuple(type(e).__name__ for e in elements)
        if len(self.names) != len(elements):
            raise ValueError(f"expected a name for each of the {len(elements)} elements; got {len(self.names)}")

    def forward(self, field: Field) -> Field:
        for element in self.elements:
            field = element(field)
        return field

    def trace(self, field: Field) -> list[Plane]:
        """The input and the light behind every element, in order."""
        return [Plane("input", field), *self._behind_each(field)]

    def _behind_each(self, field: Field) -> Iterator[Plane]:
        for name, element in zip(self.names, self.elements, strict=True):
            field = element(field)
            yield Plane(name, field)
