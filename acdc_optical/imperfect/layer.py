"""An optical layer on the bench as it really is: devices that show something else, parts that stand elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from acdc_optical.benches.imperfections import NOISE, Imperfections, Number, magnitude
from acdc_optical.cascade import OpticalCascade
from acdc_optical.compilation.masks import Masks
from acdc_optical.imperfect.incoherence import samples
from acdc_optical.imperfect.light import ImperfectLight, Table
from acdc_optical.imperfect.real_devices import as_shown, displayed, fully_open, room
from acdc_optical.light import pixels_of
from acdc_optical.models import Continuous
from acdc_optical.realisation import OpticalLayer
from optics import Grid
from optics.devices.displaced import Moved
from optics.devices.fringing import DeadZone
from optics.devices.parts import Parts


class Reading(Protocol):
    """How the field at the camera's pixels is measured.

    One that counts light has a ``full_scale``: the number for which a modulator pixel lets all light through.
    """

    def __call__(self, field: Tensor) -> Tensor:
        """What is read for the field that arrives, in units of a modulator pixel that lets all light through."""


@dataclass(frozen=True)
class PerfectReading:
    """Reads the field as it is.

    Attributes:
        full_scale: of the modulator, if it is known.
    """

    full_scale: float | None = None

    def __call__(self, field: Tensor) -> Tensor:
        return field


class ImperfectLayer(nn.Module):
    """The call of an :class:`~acdc_optical.realisation.OpticalLayer` on a bench with imperfections.

    Masks are those of the layer, made for a perfect bench; gradients reach them, and every imperfection that is a
    tensor. The light is that of the continuous model: near the axis, through ideal lenses wide enough for all light.
    A bench without imperfections is the layer itself, to the last bit.

    Args:
        optical: the layer.
        wrong: what is wrong with its bench; by default what the bench says. If numbers of it are tensors of shape
            (draws,), the output has as many layers' outputs, shape (draws, ..., *shape).
        reading: how the field is measured; by default as it is.
        nodes: for the integral over a pixel, along each axis; parts of pixels have as many as make them as exact. The
            error falls exponentially: 4 reach 1e-6, 5 reach 1e-8, 8 reach 1e-13.

    Raises:
        TypeError: a layer whose model is not :class:`~acdc_optical.models.Continuous`, or a mask made of stripes.
        ValueError: noise of the laser or stray light without a camera that reads it; when called, one quadrature of
            complex outputs, not as many draws of each imperfection, one along y of a one-dimensional bench, light too
            incoherent for its layer, or see :func:`optics.coupling.coupling`.
    """

    def __init__(
        self,
        optical: OpticalLayer,
        wrong: Imperfections | None = None,
        *,
        reading: Reading | None = None,
        nodes: int = 8,
    ):
        super().__init__()
        if not isinstance(optical, OpticalLayer):
            raise TypeError(f"expected an optical layer, as realise() makes; got {type(optical).__name__}")
        if not isinstance(optical.model, Continuous):
            raise TypeError(
                f"imperfections are those of the Continuous() model; this layer has {optical.model!r}: take "
                "optical.with_model(Continuous())"
            )
        _check_noise(optical.bench.imperfections if wrong is None else wrong, reading)
        self.optical = optical
        self.wrong = optical.bench.imperfections if wrong is None else wrong
        self.reading = reading or PerfectReading()
        self.nodes = nodes
        self.shape = optical.shape

    @property
    def samples(self) -> int:
        """Numbers that the light of one input takes at its largest."""
        return self.optical.samples

    def masks(self) -> Masks:
        """The masks as they are meant to be."""
        return self.optical.masks()

    def forward(self, x: Tensor) -> Tensor:
        wrong = self.wrong.present()
        perfect = isinstance(self.reading, PerfectReading)
        if not wrong and perfect:
            return self.optical(x)
        masks, x = self.optical.masks(), self.optical.checked(x)
        y = self.decode(self.read(self.arriving(x, masks)), masks)
        if not perfect or any(not isinstance(v, Tensor) or magnitude(v) for v in wrong.values()):
            return y
        # Tensors that are all zero: the layer's own values, to the last bit, and the gradients of the bench.
        return self.optical(x).detach() + (y - y.detach())

    def arriving(self, x: Tensor, masks: Masks) -> Tensor:
        """The mean field on the camera's pixels, complex, shape (..., *camera pixels); in the units of the input."""
        draws, field = self._draws(), torch.zeros(())
        shown = self.displayed(x)
        for path in self.paths(shown.reshape(-1, *self.shape), masks):
            field = field + path.share * path.light(path.shown, path.mask)
        # What is drawn may do nothing, as overlay of a device that is not etched: its benches are there all the same.
        field = field.expand(*draws, *field.shape[field.ndim - len(self.shape) - 1 :])
        cells = field.shape[field.ndim - len(self.shape) :]
        return field.reshape(*field.shape[: -len(self.shape) - 1], *x.shape[: x.ndim - len(self.shape)], *cells)

    def displayed(self, x: Tensor) -> Tensor:
        """The numbers that the modulator really shows for inputs x, shape (..., *shape)."""
        return displayed(self.wrong.modulator_device, x, len(self.shape), full_scale=self.full_scale)

    @property
    def full_scale(self) -> float | None:
        """The number for which a modulator pixel lets all light through; None for the largest of each input."""
        return self.wrong.modulator_device.full_scale or getattr(self.reading, "full_scale", None)

    def _draws(self) -> tuple[int, ...]:
        """As many benches as are drawn, (draws,); () if none are."""
        counts = {len(value): name for name, value in self.wrong.drawn().items() if value.ndim}
        if len(counts.keys() - {1}) > 1:
            said = ", ".join(f"{count} of {name}" for count, name in counts.items())
            raise ValueError(f"expected as many draws of each imperfection; got {said}")
        return (max(counts),) if counts else ()

    def read(self, field: Tensor) -> Tensor:
        """What the camera makes of the field at its pixels.

        Raises:
            ValueError: a reading of one quadrature, where the layer's outputs are complex.
        """
        read = self.reading(field)
        if not (self.optical.presentation.real or read.is_complex()):
            raise ValueError(
                f"the outputs of an {type(self.optical.layer).__name__} layer are complex, and what is read is real, "
                "as by homodyne: take a reading in four steps"
            )
        return read

    def decode(self, field: Tensor, masks: Masks) -> Tensor:
        """The layer's output from what was read at the camera's pixels."""
        return self.optical.decode(field, masks)

    def shown(self, x: Tensor, masks: Masks, wavelength: Number) -> Framed:
        """The field behind mask A for a batch of inputs, in parts of the modulator's pixels."""
        grid, device, place = masks.planes.input, self.wrong.input_device, self.wrong.input_mask
        parts = as_shown(
            device, pixels_of(masks.input_mask), grid, wavelength=wavelength, nominal=self.optical.bench.wavelength
        )
        shift = tuple(room(s, grid) for s in (place.shift_y, place.shift_x)[-grid.ndim :])
        parts = Moved(shift, grid.spacing, rotation=room(place.rotation, grid) if grid.ndim == 2 else 0.0)(parts)
        sent = self.optical.presentation.encode(x, grid.ndim)
        sent = sent.unsqueeze(-1) if grid.ndim == 1 else sent.unsqueeze(-1).unsqueeze(-3)
        framed, inputs = _framed(parts, grid, device.gap_reflectance), -2 * grid.ndim - 1
        if not _reflects(device.gap_reflectance):
            asked = framed.values.unsqueeze(inputs)  # of one mask for all inputs
            return Framed(sent * asked.to(_like(asked, sent)), framed.edges)
        # Gaps reflect a share of what falls on them, which is what an open pixel sends on, whatever is asked for.
        asked = DeadZone(_fill(grid))(parts).values
        gaps, asked = (framed.values - asked).unsqueeze(inputs), asked.unsqueeze(inputs)
        full = fully_open(x, grid.ndim, self.full_scale)
        full = full.reshape(*full.shape, *(1,) * grid.ndim)
        return Framed(sent * asked.to(_like(asked, sent)) + full * gaps.to(_like(gaps, sent)), framed.edges)

    def let_through(self, masks: Masks, wavelength: Number) -> Framed:
        """What mask D really lets through, in parts of its pixels."""
        device, grid, nominal = self.wrong.fourier_device, masks.planes.mask, masks.planes.wavelength
        parts = as_shown(device, pixels_of(masks.fourier_mask), grid, wavelength=wavelength, nominal=nominal)
        return _framed(parts, grid, device.gap_reflectance)

    def paths(self, x: Tensor, masks: Masks) -> Iterator[Path]:
        """What a batch of inputs sends through the bench, in each colour and from each angle; their fields add up."""
        planes, wrong = masks.planes, self.wrong
        for sample in samples(wrong.light, planes):
            table = Table.of(planes, wrong, angles=sample.angles, colour=sample.colour)
            shown = self.shown(x, masks, table.forth.wavelength)
            mask = self.let_through(masks, table.forth.wavelength)
            light = ImperfectLight(table, shown.edges, mask.edges, self.nodes)
            yield Path(sample.weight, light, shown.values, mask.values)

    def extra_repr(self) -> str:
        return f"wrong={self.wrong.present()}, nodes={self.nodes}"


class Path(NamedTuple):
    """Light of one colour and angle.

    Attributes:
        share: of all light.
        light: the bench.
        shown, mask: what is shown and what mask D lets through, in parts, as ``light`` takes them.
    """

    share: float
    light: ImperfectLight
    shown: Tensor
    mask: Tensor


def refuse_cascades(network: nn.Module) -> None:
    """Raise TypeError for a network with an all-optical cascade, whose bench is not one 4f system."""
    if any(isinstance(module, OpticalCascade) for module in network.modules()):
        raise TypeError(
            "imperfections are those of one 4f system: realise the layers of a cascade each, by realise_each"
        )


def _check_noise(wrong: Imperfections, reading: Reading | None) -> None:
    noise = [name for name in NOISE if name in wrong.present()]
    if noise and reading is None:
        raise ValueError(
            f"{' and '.join(noise)}: noise of a camera's reading, and the field is read as it is: give "
            "reading=exposure_of(bench, planes), or leave them out"
        )


class Framed(NamedTuple):
    """Parts of pixels that send light.

    Attributes:
        values: as of :class:`~optics.devices.parts.Parts`.
        edges: likewise, but where gaps are dark they end with the active part of a pixel.
    """

    values: Tensor
    edges: tuple[Tensor, ...]


def _framed(parts: Parts, grid: Grid, reflectance: Number) -> Framed:
    """Parts with the gaps between pixels, if they send light; else of the active part of every pixel alone."""
    fill = _fill(grid)
    if _reflects(reflectance):
        parts = DeadZone(fill, room(reflectance, grid))(parts)
        return Framed(parts.values, parts.edges)
    return Framed(parts.values, tuple(edges.clamp(-fill / 2, fill / 2) for edges in parts.edges))


def _reflects(reflectance: Number) -> bool:
    return isinstance(reflectance, Tensor) or bool(reflectance)


def _fill(grid: Grid) -> float:
    return grid.axes[0].cell.width


def _like(values: Tensor, x: Tensor) -> torch.dtype:
    """The precision of x, for values that are real or complex."""
    real = x.real.dtype if x.is_complex() else x.dtype
    return real.to_complex() if values.is_complex() else real
