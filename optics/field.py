"""The field: complex samples, the grid they lie on, and the wavelength."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from optics.grid import Grid
from optics.kernel import number


@dataclass(frozen=True, eq=False)
class Field:
    """A monochromatic scalar field. Immutable: elements return new fields.

    Attributes:
        data: complex amplitude, shape (..., *grid.shape); leading dimensions are a batch. Real data is made
            complex. Dtype and device of everything computed from the field follow it.
        grid: where the samples are.
        wavelength: vacuum wavelength [m]; a number, or a 0-dim float64 tensor to differentiate through.

    Raises:
        ValueError: the data does not end in the grid's shape, or the wavelength is not positive and finite.
        TypeError: the data is not in single or double precision, or a wavelength in another form.
    """

    data: Tensor
    grid: Grid
    wavelength: float | Tensor

    def __post_init__(self) -> None:
        _check_wavelength(self.wavelength)
        shape = self.grid.shape
        if tuple(self.data.shape[-len(shape) :]) != shape:
            raise ValueError(f"field data must end in the grid's shape {shape}; got {tuple(self.data.shape)}")
        if not self.data.is_complex():
            if self.data.dtype not in (torch.float32, torch.float64):
                raise TypeError(f"field data must be float32, float64 or their complex types; got {self.data.dtype}")
            object.__setattr__(self, "data", torch.complex(self.data, torch.zeros_like(self.data)))

    def replace(self, data: Tensor, grid: Grid | None = None) -> Field:
        """The same light with other samples, on another grid if one is given."""
        return replace(self, data=data, grid=grid or self.grid)

    @property
    def intensity(self) -> Tensor:
        """|E|², shape of the data."""
        return self.data.real.square() + self.data.imag.square()

    @property
    def phase(self) -> Tensor:
        """arg E [rad], shape of the data."""
        return self.data.angle()

    @property
    def power(self) -> Tensor:
        """∫|E|² over the grid, one number for each field of the batch."""
        weights = self.grid.weights.to(self.intensity)
        return (self.intensity * weights).sum(dim=tuple(range(-self.grid.ndim, 0)))


@dataclass(frozen=True)
class Source:
    """Where light starts, without its samples: what an :class:`~optics.system.OpticalSystem` is built for.

    Attributes:
        grid: where the samples will be.
        wavelength: vacuum wavelength [m], as of :class:`Field`.

    Raises:
        ValueError: the wavelength is not positive and finite.
        TypeError: a wavelength as a tensor that is not 0-dim float64.
    """

    grid: Grid
    wavelength: float | Tensor

    def __post_init__(self) -> None:
        _check_wavelength(self.wavelength)


def _check_wavelength(wavelength: float | Tensor) -> None:
    if isinstance(wavelength, Tensor) and (wavelength.ndim or wavelength.dtype != torch.float64):
        # In float32 a wavelength is right to 1e-7: some turns of phase over a metre.
        form = f"{wavelength.dtype} of shape {tuple(wavelength.shape)}"
        raise TypeError(f"a wavelength as a tensor must be 0-dim and float64; got {form}")
    length = number(wavelength)
    if not (math.isfinite(length) and length > 0):
        raise ValueError(f"wavelength must be a positive length in metres; got {length}")
