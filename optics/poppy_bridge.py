"""A second opinion: the same optical system built in POPPY, run on the same light, compared plane by plane.

POPPY (Perrin et al., Proc. SPIE 8442, 2012) is another group's wave optics. Its Fresnel propagation multiplies the
spectrum by exp(-iπλz·ν²) as long as the light stays within the Rayleigh distance of a beam of given waist, which is
set so wide here that it always does; beyond it would change the lattice (Lawrence, Applied Optics and Optical
Engineering XI, ch. 3, 1992). Its lenses add -r²/(2f) to the path. Both leave out exp(ikz), as this library does.

What the two do not share is where the axis stands: here in the middle of the lattice, between two samples of an even
number; in POPPY on sample N/2. Free space does not mind, so samples are handed over as they are and POPPY's lenses
are moved onto our axis. Masks, openings and other thin elements are handed over as arrays: how much of an edge a
sample sees is a matter of the lattice, not of propagation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from optics.elements import Lens
from optics.field import Field
from optics.grid import point
from optics.kernel import number
from optics.mask import Mask
from optics.propagation import FresnelTransfer, padded_length
from optics.screens import Samples, Screen
from optics.system import OpticalSystem

if TYPE_CHECKING:
    import poppy

# The Rayleigh distance of the beam by which POPPY judges, over the length of the system. More than 1 keeps every
# step plane to plane; two leaves rounding no say.
_COLLIMATED = 2.0


@dataclass(frozen=True, eq=False)
class Opinion:
    """What two programs say of the light in one plane.

    Attributes:
        name: of the element behind which the plane lies.
        error: ‖theirs - ours‖ / ‖ours‖ over plane and batch, in complex field.
        ours: the field this library computes.
        theirs: POPPY's, complex128, each field of the batch turned by the constant phase that brings it closest.
    """

    name: str
    error: float
    ours: Field
    theirs: Field


def second_opinion(system: OpticalSystem, field: Field) -> list[Opinion]:
    """Run a system here and in POPPY; what both say behind every element, in order.

    Args:
        system: as for :func:`to_poppy`; nested systems are unfolded.
        field: the input, of any batch. POPPY computes in complex128, whatever the precision here.

    Raises:
        TypeError, ValueError: as :func:`to_poppy`.
    """
    flat = OpticalSystem(*(e for _, e in _unfolded(system)), names=[name for name, _ in _unfolded(system)])
    lattice = _Lattice.of(flat, field)
    theirs = [_run(flat, lattice, field, data) for data in field.data.reshape(-1, *field.grid.shape)]
    with torch.no_grad():
        planes = flat.trace(field)[1:]
    return [
        _opinion(*plane, torch.stack(fields)) for plane, fields in zip(planes, zip(*theirs, strict=True), strict=True)
    ]


def to_poppy(system: OpticalSystem, field: Field) -> poppy.FresnelOpticalSystem:
    """The same system in POPPY, on the padded lattice of the system's free space.

    Args:
        system: of :class:`~optics.Mask`, :class:`~optics.Lens`, :class:`~optics.FresnelTransfer` and any other
            :class:`~optics.screens.Screen`, as :class:`~optics.Aperture`; or systems of these. Masks carry no batch.
        field: its light; the grid and the wavelength are used.

    Where free space is padded, what leaves the field's window is cut off behind every step, here and so in POPPY.

    Raises:
        TypeError: an element POPPY has no counterpart for.
        ValueError: a grid that is not a square of points; an odd number of samples, padding included, for which
            POPPY's frequencies are those of another lattice; steps of different padding; a mask with a batch.
    """
    lattice = _Lattice.of(system, field)
    return _built(system, lattice, field)[0]


class _Lattice(NamedTuple):
    """Where our samples lie among POPPY's."""

    samples: int
    padded: int
    spacing: float

    @classmethod
    def of(cls, system: OpticalSystem, field: Field) -> _Lattice:
        axes = set(field.grid.axes)
        if field.grid.ndim != 2 or len(axes) > 1 or next(iter(axes)).cell != point():
            raise ValueError(
                f"POPPY propagates between square planes of points; got a grid of {field.grid.shape} samples with "
                f"spacing {field.grid.spacing} m: take as many points of one spacing along both axes"
            )
        n = field.grid.shape[0]
        steps = [element for _, element in _unfolded(system) if isinstance(element, FresnelTransfer)]
        # As many samples as our own propagation takes.
        padded = {padded_length(n, step.padding) for step in steps} or {n}
        if len(padded) > 1:
            raise ValueError(f"one POPPY system has one lattice; got steps padded to {sorted(padded)} samples")
        if next(iter(padded)) % 2:
            raise ValueError(
                f"POPPY needs an even number of samples; got {n}, padded to {next(iter(padded))}: "
                "take another padding, or one sample more"
            )
        return cls(n, next(iter(padded)), field.grid.spacing[0])

    @property
    def before(self) -> int:
        """POPPY's samples before the first of ours, along each axis."""
        return (self.padded - self.samples) // 2

    @property
    def beam(self) -> int:
        """Samples across POPPY's beam, of which it pads at least as many; both even, so that it pads symmetrically."""
        return 2 * (self.padded // 4)

    @property
    def axis(self) -> float:
        """Where our axis lies from POPPY's, [m]."""
        return (self.before + (self.samples - 1) / 2 - self.padded / 2) * self.spacing

    def embed(self, data: Tensor) -> Tensor:
        whole = data.new_zeros(self.padded, self.padded)
        whole[self._window] = data
        return whole

    def crop(self, data: Tensor) -> Tensor:
        return data[self._window]

    @property
    def _window(self) -> tuple[slice, slice]:
        along = slice(self.before, self.before + self.samples)
        return along, along


def _unfolded(system: OpticalSystem, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Names and elements, those of nested systems in place of the systems."""
    for name, element in zip(system.names, system.elements, strict=True):
        if isinstance(element, OpticalSystem):
            yield from _unfolded(element, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", element


def _built(system: OpticalSystem, lattice: _Lattice, field: Field) -> tuple[poppy.FresnelOpticalSystem, list[int]]:
    """The system in POPPY, and which of its planes lies behind each of our elements."""
    import astropy.units as u
    import poppy  # takes a second or two to import

    theirs = poppy.FresnelOpticalSystem(
        pupil_diameter=lattice.beam * lattice.spacing * u.m,
        npix=lattice.beam,
        beam_ratio=lattice.beam / lattice.padded,
        verbose=False,
    )
    behind = []
    for name, element in _unfolded(system):
        distance = number(element.distance) if isinstance(element, FresnelTransfer) else 0.0
        for optic in _optics(name, element, lattice, field):
            theirs.add_optic(optic, distance=distance * u.m)
            distance = 0.0
        behind.append(len(theirs.planes) - 1)
    return theirs, behind


def _optics(name: str, element: nn.Module, lattice: _Lattice, field: Field) -> Iterator[poppy.OpticalElement]:
    """POPPY's optics for one of our elements, in the order the light meets them."""
    import astropy.units as u
    import poppy

    def array(transmittance: Tensor) -> poppy.ArrayOpticalElement:
        t = transmittance.detach().cpu().to(torch.complex128).expand(field.grid.shape)
        path = t.angle() * wavelength / (2 * math.pi)
        return poppy.ArrayOpticalElement(
            transmission=lattice.embed(t.abs()).numpy(), opd=lattice.embed(path).numpy(), name=name
        )

    wavelength, samples = number(field.wavelength), Samples.of(field.grid)
    match element:
        case FresnelTransfer():
            # The window beyond which our propagation cuts off.
            yield array(torch.ones(field.grid.shape))
        case Mask():
            yield array(_one(element.transmittance))
        case Lens():
            if element.pupil is not None:
                yield array(element.pupil.share(samples))
            shift = lattice.axis
            yield poppy.QuadPhase(-number(element.focal_length) * u.m, name=name, shift_x=shift, shift_y=shift)
        case Screen():
            yield array(element.transmittance(samples, wavelength))
        case _:
            raise TypeError(
                f"{name}: no counterpart in POPPY for {type(element).__name__}; its Fresnel systems are made of Mask, "
                "Lens, thin elements as Aperture, and FresnelTransfer (POPPY's free space is paraxial)"
            )


def _one(transmittance: Tensor) -> Tensor:
    if transmittance.ndim != 2:
        raise ValueError(f"POPPY takes one mask at a time; got a batch of shape {tuple(transmittance.shape)}")
    return transmittance


def _run(system: OpticalSystem, lattice: _Lattice, field: Field, data: Tensor) -> list[Tensor]:
    """POPPY's complex field behind each of our elements, on our samples."""
    import astropy.units as u
    import poppy

    theirs, behind = _built(system, lattice, field)
    light = poppy.FresnelWavefront(
        beam_radius=lattice.beam / 2 * lattice.spacing * u.m,
        wavelength=number(field.wavelength) * u.m,
        npix=lattice.beam,
        oversample=lattice.padded / lattice.beam,
    )
    light.wavefront = lattice.embed(data.detach().cpu().to(torch.complex128)).numpy()
    length = sum(abs(distance) for distance in theirs.distances)
    light.w_0 = max(light.w_0, (_COLLIMATED * length * light.wavelength / math.pi) ** 0.5)
    _, planes = theirs.propagate(light, return_intermediates=True)
    return [lattice.crop(torch.from_numpy(planes[i].wavefront)) for i in behind]


def _opinion(name: str, ours: Field, theirs: Tensor) -> Opinion:
    mine = ours.data.detach().cpu().to(torch.complex128)
    theirs = theirs.reshape(mine.shape)
    overlap = (mine * theirs.conj()).sum(dim=(-2, -1), keepdim=True)
    theirs = theirs * torch.polar(torch.ones_like(overlap.real), overlap.angle())
    difference, scale = float((theirs - mine).norm()), float(mine.norm())
    error = difference / scale if scale else math.inf if difference else 0.0
    return Opinion(name, error, ours, Field(theirs, ours.grid, ours.wavelength))
