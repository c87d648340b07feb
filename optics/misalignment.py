"""Misalignment: any element, out of place by a rigid motion.

Light is carried into the frame of the element, the element acts, and the light goes back to the frame of the table:
M⁻¹ ∘ element ∘ M. The motion M is made of

    shift s     E(x) becomes E(x + s): the element stands s off the axis
    tilt θ      E(x) becomes E(x)·exp(-2πi·x·sin θ/λ): the element faces along (sin θ, cos θ)
    defocus dz  E is propagated by dz: the element stands dz further down the table

Free space and motions of one kind commute, and those of different kinds up to a phase that M⁻¹ takes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from optics.diffraction import Fraunhofer, FresnelTransform
from optics.elements import Tilt
from optics.field import Field
from optics.grid import Grid, point
from optics.kernel import Kernel, Memo, double, number
from optics.propagation import AngularSpectrum, FresnelTransfer
from optics.sampling import short, warn
from optics.screens import Quantity, Vector, components, on_axes
from optics.spectral import AngularSpectrumTransform, FresnelSpectrumTransform
from optics.system import OpticalSystem
from optics.waves import plane

_SPACE = (
    AngularSpectrum,
    Fraunhofer,
    FresnelTransfer,
    FresnelTransform,
    AngularSpectrumTransform,
    FresnelSpectrumTransform,
)
"""Free space, which is the same everywhere."""


@runtime_checkable
class Movable(Protocol):
    """An element that knows what it does where its axis stands at a shift."""

    def decentred(self, field: Field, shift: Sequence[Quantity]) -> Field: ...

    def check(self, grid: Grid, wavelength: float, shift: Sequence[Quantity]) -> Grid: ...


class Misaligned(nn.Module):
    """An element out of place; exactly the element where nothing is out of place.

    Thin elements, ideal lenses and systems of such are moved exactly, on any grid: their edges stay sharp. Anything
    else is moved by the Fourier shift theorem, the light being periodic in its window. Tilt makes no difference to a
    thin element that light passes through, for it commutes with it (a mirror turns the light: use
    :class:`~optics.Tilt`); of a thick one it turns the front and the back plane, each about its own centre.

    Args:
        element: a module Field -> Field.
        shift: [m] towards positive coordinates, one number for each axis, (y, x) or (x,).
        tilt: [rad] by which it faces towards positive coordinates, likewise.
        defocus: [m] by which it stands too far down the table. It takes free space there and back: a grid of points.

    Each may hold tensors, through which gradients flow; an ``nn.Parameter``, of one number for each axis, is trained.

    Raises:
        ValueError: a number that is not finite, or not as many as axes; what :meth:`check` refuses.

    Warns:
        SamplingWarning: the Fourier shift theorem moves light across the rim of its window.
    """

    def __init__(self, element: nn.Module, *, shift: Vector = (), tilt: Vector = (), defocus: Quantity = 0.0):
        super().__init__()
        for values, name in ((shift, "a shift"), (tilt, "a tilt"), (defocus, "a defocus")):
            components(values, name)
        self.element, self.shift, self.tilt, self.defocus = element, shift, tilt, defocus
        self._spaces: Memo[AngularSpectrum] = Memo()
        self._tilts: Memo[Tilt] = Memo()

    def forward(self, field: Field) -> Field:
        return self.decentred(field, ())

    def decentred(self, field: Field, shift: Sequence[Quantity]) -> Field:
        """The light behind the element if it is moved by a further ``shift`` [m], (y, x) or (x,)."""
        motion = self._motion(field.grid, shift)
        if _absent(*motion.numbers):
            return self.element(field)
        moved = self._moved(field, motion)
        if any(number(n) for n in motion.numbers):
            return moved
        # Tensors that are zero: the element's own values, to the last bit, with the gradients of the motion.
        still = self.element(field.replace(field.data.detach())).data.detach()
        return moved.replace(still + (moved.data - moved.data.detach()))

    def check(self, grid: Grid, wavelength: float, shift: Sequence[Quantity] = ()) -> Grid:
        """The grid on which the light leaves; raises and warns as the element does, wherever it stands.

        Args:
            grid: on which light comes.
            wavelength: [m].
            shift: a further shift [m], (y, x) or (x,).

        Raises:
            ValueError: the element refuses the grid; a tilt whose phase the samples do not tell from another's, or of
                flat cells; a defocus on cells that are not points; an element that can only be moved by the Fourier
                shift theorem, between cells that are not points.
        """
        motion = self._motion(grid, shift)
        behind = _check_decentred(self.element, grid, wavelength, motion.shift)
        for place in (grid, behind):
            if not _absent(*motion.tilt):
                self._tilts.get(_tilt, *motion.tilt).check(place, wavelength)
            if not _absent(motion.defocus):
                self._spaces.get(AngularSpectrum, motion.defocus).check(place, wavelength)
        return behind

    def _motion(self, grid: Grid, shift: Sequence[Quantity]) -> _Motion:
        nothing = (0.0,) * grid.ndim
        own, further = (
            on_axes(v, grid, "a shift") if len(components(v, "a shift")) else nothing for v in (self.shift, shift)
        )
        tilt = on_axes(self.tilt, grid, "a tilt") if len(components(self.tilt, "a tilt")) else nothing
        return _Motion(tuple(a + b for a, b in zip(own, further, strict=True)), tilt, self.defocus)

    def _moved(self, field: Field, motion: _Motion) -> Field:
        field = self._carried(field, motion.defocus)
        field = self._tilted(field, [-t for t in motion.tilt])
        field = _decentred(self.element, field, motion.shift)
        field = self._tilted(field, motion.tilt)
        return self._carried(field, -motion.defocus)

    def _carried(self, field: Field, distance: Quantity) -> Field:
        return field if _absent(distance) else self._spaces.get(AngularSpectrum, distance)(field)

    def _tilted(self, field: Field, angles: Sequence[Quantity]) -> Field:
        return field if _absent(*angles) else self._tilts.get(_tilt, *angles)(field)

    def extra_repr(self) -> str:
        return f"shift={self.shift}, tilt={self.tilt}, defocus={self.defocus}"


class _Motion(NamedTuple):
    shift: tuple[Quantity, ...]
    tilt: tuple[Quantity, ...]
    defocus: Quantity

    @property
    def numbers(self) -> tuple[Quantity, ...]:
        return (*self.shift, *self.tilt, self.defocus)


def _absent(*numbers: Quantity) -> bool:
    """Whether they are zero, and not tensors, whose gradient is wanted even there."""
    return not any(isinstance(n, Tensor) or n for n in numbers)


def _tilt(*angles: Quantity) -> Tilt:
    return Tilt(angles)


def _decentred(element: nn.Module, field: Field, shift: tuple[Quantity, ...]) -> Field:
    """The light behind an element whose axis stands at a shift."""
    if _absent(*shift) or isinstance(element, _SPACE):
        return element(field)
    if isinstance(element, Movable):
        return element.decentred(field, shift)
    if isinstance(element, OpticalSystem):
        for each in element.elements.children():
            field = _decentred(each, field, shift)
        return field
    return _translated(element(_translated(field, [-s for s in shift])), shift)


def _check_decentred(element: nn.Module, grid: Grid, wavelength: float, shift: tuple[Quantity, ...]) -> Grid:
    if isinstance(element, Movable):
        return element.check(grid, wavelength, shift)
    if isinstance(element, OpticalSystem):
        for each in element.elements.children():
            grid = _check_decentred(each, grid, wavelength, shift)
        return grid
    behind = OpticalSystem(element).check(grid, wavelength)
    if not _absent(*shift) and not isinstance(element, _SPACE):
        for place in (grid, behind):
            _refuse_cells(place)
            _check_rim(place, shift)
    return behind


def _translated(field: Field, shift: Sequence[Quantity]) -> Field:
    """E(x - shift) by the Fourier shift theorem, of light that is periodic in its window."""
    _refuse_cells(field.grid)
    _check_rim(field.grid, shift)
    axes = tuple(range(-field.grid.ndim, 0))
    frequencies = [
        torch.fft.fftfreq(axis.cells, axis.spacing, dtype=torch.float64).reshape([-1 if j == i else 1 for j in axes])
        for i, axis in zip(axes, field.grid.axes, strict=True)
    ]
    turn = Kernel(plane(frequencies, [-double(s) for s in shift]))
    spectrum = torch.fft.fftn(field.data, dim=axes)
    return field.replace(torch.fft.ifftn(spectrum * turn.like(field.data), dim=axes))


def _check_rim(grid: Grid, shift: Sequence[Quantity]) -> None:
    """Warn that what is shifted out of a window on one side comes in on the other."""
    for axis, s in zip(grid.axes, shift, strict=True):
        if number(s):
            warn(
                f"moved by {short(abs(number(s)))} by the Fourier shift theorem: light so near to the rim of a window "
                f"of {short(axis.extent)} comes in on the other side; needs a window whose rim is dark"
            )


def _refuse_cells(grid: Grid) -> None:
    if any(axis.cell != point() for axis in grid.axes):
        raise ValueError(
            "an element that does not say what it does off its axis is moved by the Fourier shift theorem, which needs "
            "grids of points before and behind it; resolve pixels by a finer Grid, or give the element `decentred`"
        )
