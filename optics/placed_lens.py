"""An ideal lens between two planes that do not stand in its focal planes, or not on its axis, as an element."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from optics.canonical import LensArm, LensStance, Stance
from optics.coupling import carried
from optics.elements import FourierLens
from optics.field import Field
from optics.grid import Grid
from optics.kernel import number
from optics.screens import Quantity
from optics.waves import refuse_flat


class PlacedLens(nn.Module):
    """A lens from the plane in front of it to the one behind, with all three where they really stand.

    Exactly :class:`~optics.FourierLens` where nothing is out of place, also to the last bit where tensors are zero.
    What is wrong is told by :class:`~optics.Stance` and :class:`~optics.LensStance`, and followed near the axis, by
    :mod:`optics.canonical`. Grids are those of the planes themselves, each about its own centre. In a row of such
    lenses, the plane behind one and in front of the next is given the same stance.

    If numbers are tensors of shape (draws,), so many benches are computed together: light of shape (*grid.shape) or
    (batch, *grid.shape), or (draws, batch, *grid.shape) from another such element, leaves with the draws in front.

    Args:
        focal_length: [m], positive.
        output: grid behind the lens.
        front, back: how the planes stand, by default where they should.
        lens: how the lens stands.

    Raises:
        ValueError: a focal length that is not positive and finite, or shifts and tilts not of as many numbers as
            axes; when applied, what :meth:`check` refuses, or see :func:`~optics.coupling.coupling`.
    """

    def __init__(
        self,
        focal_length: float,
        output: Grid,
        *,
        front: Stance | None = None,
        back: Stance | None = None,
        lens: LensStance | None = None,
    ):
        super().__init__()
        nothing = (0.0,) * output.ndim
        self.perfect = FourierLens(focal_length, output)
        self.output, self.front, self.back = output, front or Stance(nothing), back or Stance(nothing)
        self.lens = lens or LensStance(nothing, nothing)
        for numbers in (self.front.shift, self.back.shift, self.lens.shift, self.lens.tilt):
            if len(numbers) != output.ndim:
                raise ValueError(f"expected a number for each of the output's {output.ndim} axes; got {len(numbers)}")

    def forward(self, field: Field) -> Field:
        if not any(isinstance(n, Tensor) or n for n in self._numbers):
            perfect: Field = self.perfect(field)
            return perfect
        self.check(field.grid, number(field.wavelength))
        moved = self._carried(field)
        if any(bool((torch.as_tensor(n).detach() != 0).any()) for n in self._numbers):
            return field.replace(moved, self.output)
        # Tensors that are zero: the lens's own values, to the last bit, with the gradients of what could be wrong.
        still = self.perfect(field.replace(field.data.detach())).data
        return field.replace(still + (moved - moved.detach()), self.output)

    def check(self, grid: Grid, wavelength: float) -> Grid:
        """The grid on which light of a wavelength [m] leaves.

        Raises:
            ValueError: what :class:`~optics.FourierLens` refuses, or flat cells where something is out of place: a
                phase that is not linear varies within them.

        Warns:
            SamplingWarning: as :class:`~optics.FourierLens` does.
        """
        if any(isinstance(n, Tensor) or n for n in self._numbers):
            for place in (grid, self.output):
                refuse_flat(place, "light through a lens out of place")
        return self.perfect.check(grid, wavelength)

    @property
    def _numbers(self) -> tuple[Quantity, ...]:
        planes = [n for plane in (self.front, self.back) for n in (*plane.shift, plane.defocus, plane.rotation)]
        return (*planes, *self.lens.shift, *self.lens.tilt, self.lens.focal_length)

    def _carried(self, field: Field) -> Tensor:
        """The light behind, whatever the numbers are."""
        axes, data = field.grid.axes, field.data
        drawn = any(isinstance(n, Tensor) and n.ndim for n in self._numbers)
        batch = data.shape[: data.ndim - len(axes)]
        # Draws broadcast in front of one dimension of batch; without them there may be any number.
        light = data if drawn and len(batch) > 1 else data.reshape(-1, *field.grid.shape)
        arm = LensArm(field.wavelength, self.perfect.focal_length, self.front, self.back, self.lens)
        front, back = ([axis.coordinates for axis in plane.axes] for plane in (field.grid, self.output))
        behind = carried(light, arm, front, back, lambda axis, kernel: kernel * axes[axis].weights[:, None])
        if drawn:
            return behind if batch else behind.squeeze(-len(axes) - 1)
        return behind.reshape(*batch, *self.output.shape)

    def extra_repr(self) -> str:
        return f"front={self.front}, back={self.back}, lens={self.lens}"
