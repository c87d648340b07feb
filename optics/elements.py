"""What stands on the bench besides masks: lenses, apertures and wedges. Each is a module Field -> Field."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

from torch import Tensor, nn

from optics.field import Field
from optics.fourier import FourierIntegral
from optics.grid import Axis, Grid, check_dimensions
from optics.kernel import Kernel, Memo, double, number
from optics.lengths import positive
from optics.openings import Opening
from optics.sampling import check_curvature, check_directions, check_quadrature
from optics.screens import Quantity, Samples, Screen, Turning, Vector, components, on_axes
from optics.units import format_length
from optics.waves import plane, refuse_flat, spherical


class FourierLens(nn.Module):
    """An ideal lens from its front to its back focal plane: the Fourier integral, free of aberrations.

    Args:
        focal_length: [m], positive.
        output: grid in the back focal plane. Without it, the output has as many point cells as the input has
            cells, at the pitch λf/(nΔ) of :func:`output_pitch`; from points, that is a unitary DFT.

    Two such lenses in a row image the first plane upside down: E(-x). See :mod:`optics.fourier`.

    Raises:
        ValueError: a focal length that is not positive and finite, or what :meth:`check` refuses.
    """

    def __init__(self, focal_length: float, output: Grid | None = None):
        super().__init__()
        self.focal_length, self.output = positive(focal_length, "focal length"), output
        self._integrals: Memo[FourierIntegral] = Memo()

    def forward(self, field: Field) -> Field:
        scale = field.wavelength * self.focal_length
        integral = self._integrals.get(self._integral, field.grid, self._output_of(field.grid, scale), scale)
        return field.replace(integral(field.data), integral.target)

    def decentred(self, field: Field, shift: Sequence[Quantity]) -> Field:
        """The light in the back focal plane if the axis of the lens stands at ``shift`` [m], (y, x) or (x,).

        A shift s is a tilt before and behind: U(u) = exp(2πi·s(u - s)/λf)·F[E(x)·exp(2πi·s·x/λf)](u).

        Raises:
            ValueError: flat cells, within which a tilted wave varies.
        """
        steps = [double(s) / (double(field.wavelength) * self.focal_length) for s in shift]
        before = Kernel(_plane_wave(Samples.of(field.grid), steps))
        focus = self(field.replace(field.data * before.like(field.data)))
        behind = Kernel(_plane_wave(Samples.of(focus.grid, shift), steps))
        return focus.replace(focus.data * behind.like(focus.data))

    def check(self, grid: Grid, wavelength: float, shift: Sequence[Quantity] = ()) -> Grid:
        """The grid in the back focal plane, on which light of a wavelength [m] leaves.

        Points whose output repeats are not complained of: the sampled picture of a bench lives on that.

        Raises:
            ValueError: an output of more or fewer axes than the grid, or see
                :func:`~optics.sampling.check_directions` and :func:`~optics.sampling.check_quadrature`; flat cells
                where the lens is moved by ``shift``.

        Warns:
            SamplingWarning: see :func:`~optics.sampling.check_quadrature`.
        """
        output = self._output_of(grid, wavelength * self.focal_length)
        check_dimensions(grid, output)
        if any(number(s) for s in shift):
            refuse_flat(grid, "a tilted wave")
            refuse_flat(output, "a tilted wave")
        self._ask(grid, output, wavelength * self.focal_length)
        return output

    def _integral(self, grid: Grid, output: Grid, scale: Quantity) -> FourierIntegral:
        self._ask(grid, output, number(scale))
        return FourierIntegral(grid, output, scale)

    def _ask(self, grid: Grid, output: Grid, scale: float) -> None:
        check_directions(output, self.focal_length)
        if output.ndim == grid.ndim:  # else the integral refuses
            check_quadrature(grid, output.extent, scale, f"lens of f = {format_length(self.focal_length)}")

    def _output_of(self, grid: Grid, scale: Quantity) -> Grid:
        return self.output or _natural_output(grid, number(scale))

    def extra_repr(self) -> str:
        return f"focal_length={self.focal_length}"


class Lens(Screen):
    """A thin lens: the phase -πr²/(λf) and, if it has one, a pupil. On a 1-D grid, a cylindrical lens.

    Args:
        focal_length: [m], negative for a diverging lens; a tensor is differentiated through.
        pupil: its opening, as :class:`~optics.Circle`; without one the lens is as wide as the grid.

    Raises:
        ValueError: a focal length that is zero or not finite.
    """

    def __init__(self, focal_length: Quantity, pupil: Opening | None = None):
        super().__init__()
        _focus(focal_length)
        self.focal_length, self.pupil = focal_length, pupil

    @property
    def quantities(self) -> tuple[Hashable, ...]:
        return (self.focal_length, *(() if self.pupil is None else self.pupil.quantities))

    def turning(self, grid: Grid) -> Turning:
        widths = () if self.pupil is None else self.pupil.widths(grid)
        return Turning(power=1 / number(self.focal_length), widths=widths)

    def transmittance(self, samples: Samples, wavelength: Quantity) -> Tensor:
        phase = spherical(samples.positions, -wavelength * double(self.focal_length))
        return phase if self.pupil is None else phase * self.pupil.share(samples)

    def ask(self, samples: Samples, wavelength: float) -> None:
        """Ask for samples that resolve the phase within the pupil, and the pupil.

        Raises:
            ValueError: a grid too coarse by a factor of two or more, a pupil wider than the window, flat cells,
                within which the phase varies, or a focal length that training has spoilt.

        Warns:
            SamplingWarning: see :func:`~optics.sampling.check_curvature` and :mod:`optics.openings`.
        """
        refuse_flat(samples.grid, "a curved wave")
        focal_length = _focus(self.focal_length)
        widths = None if self.pupil is None else self.pupil.widths(samples.grid)
        name = f"lens of f = {format_length(focal_length)}"
        check_curvature(samples.window, abs(wavelength * focal_length), name, widths)
        if self.pupil is not None:
            self.pupil.ask(samples)

    def extra_repr(self) -> str:
        return f"focal_length={self.focal_length}, pupil={self.pupil}"


class Aperture(Screen):
    """An opaque screen with an opening, given in metres and so independent of the grid; see :mod:`optics.openings`."""

    def __init__(self, opening: Opening):
        super().__init__()
        self.opening = opening

    @property
    def quantities(self) -> tuple[Hashable, ...]:
        return self.opening.quantities

    def transmittance(self, samples: Samples, wavelength: Quantity) -> Tensor:
        return self.opening.share(samples)

    def ask(self, samples: Samples, wavelength: float) -> None:
        """Raise ValueError for an opening wider than the window, warn where the window cuts it or edges are coarse."""
        self.opening.ask(samples)

    def extra_repr(self) -> str:
        return repr(self.opening)


class Tilt(Screen):
    """A thin wedge, or a mirror seen unfolded: it turns the light by an angle, whatever the light does.

    Multiplies by exp(2πi·(x·sin θx + y·sin θy)/λ): light along the axis leaves along the direction (sin θx, sin θy),
    and a lens of focal length f behind it has its focus at f·sin θ. A mirror turned by θ tilts the light by 2θ.

    Args:
        angles: [rad], one for each axis, (y, x) or (x,); a tensor is differentiated through.
    """

    def __init__(self, angles: Vector):
        super().__init__()
        self.angles = angles

    @property
    def quantities(self) -> tuple[Hashable, ...]:
        return components(self.angles, "an angle")

    def turning(self, grid: Grid) -> Turning:
        return Turning(slopes=tuple(math.sin(number(a)) for a in on_axes(self.angles, grid, "an angle")))

    def transmittance(self, samples: Samples, wavelength: Quantity) -> Tensor:
        angles = on_axes(self.angles, samples.grid, "an angle")
        return plane(samples.positions, [_sine(angle) / wavelength for angle in angles])

    def ask(self, samples: Samples, wavelength: float) -> None:
        """Ask for samples that tell the tilted wave from another one.

        Raises:
            ValueError: the phase turns by more than half a turn from sample to sample, flat cells, or not as many
                angles as axes.
        """
        refuse_flat(samples.grid, "a tilted wave")
        for axis, angle in zip(samples.grid.axes, on_axes(self.angles, samples.grid, "an angle"), strict=True):
            _check_tilt(axis, number(angle), wavelength)

    def extra_repr(self) -> str:
        return f"angles={self.angles}"


def _focus(focal_length: Quantity) -> float:
    """The focal length of a thin lens, if it is one."""
    length = number(focal_length)
    if not math.isfinite(length) or length == 0:
        raise ValueError(f"focal length must be a finite length in metres, not zero; got {length}")
    return length


def _plane_wave(samples: Samples, frequencies: Sequence[Quantity]) -> Tensor:
    refuse_flat(samples.grid, "a tilted wave")
    return plane(samples.positions, frequencies)


def _sine(angle: Quantity) -> Quantity:
    angle = double(angle)
    return angle.sin() if isinstance(angle, Tensor) else math.sin(angle)


def _check_tilt(axis: Axis, angle: float, wavelength: float) -> None:
    spacing = axis.spacing / len(axis.cell)
    turns = abs(math.sin(angle)) * spacing / wavelength
    if axis.size > 1 and turns > 0.5 * (1 + 1e-9):
        raise ValueError(
            f"tilt by {angle:.4g} rad: samples every {format_length(spacing, 4)} take it for another one; needs "
            f"spacing ≤ {format_length(wavelength / (2 * abs(math.sin(angle))), 4)} or an angle ≤ "
            f"{math.asin(wavelength / (2 * spacing)):.4g} rad"
        )


def output_pitch(cells: int, spacing: float, scale: float) -> float:
    """Pitch λf/(nΔ) [m] in the back focal plane of ``cells`` samples of ``spacing`` [m]; ``scale`` is λf [m²]."""
    return scale / (cells * spacing)


def _natural_output(grid: Grid, scale: float) -> Grid:
    return Grid(grid.cells, [output_pitch(axis.cells, axis.spacing, scale) for axis in grid.axes])
