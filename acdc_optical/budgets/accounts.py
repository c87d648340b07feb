"""What an imperfect bench costs, as plain data and as tables: a waterfall of errors, and a budget of photons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.table import Table
from rich.text import Text

from acdc_optical.plain_text import plain
from optics.units import POWER, TIME

# An ideal converter of b bits reads a full sine with a signal-to-noise ratio of 6.02 b + 1.76 dB (IEEE Std 1241).
_DECIBELS_A_BIT, _OF_A_SINE = 6.02, 1.76


def effective_bits(error: float | None) -> float | None:
    """ENOB = (SINAD - 1.76 dB)/6.02 dB with SINAD = -20·log₁₀(error) of a relative L2 error; None without an error."""
    if error is None or error <= 0:
        return None
    return (-20 * math.log10(error) - _OF_A_SINE) / _DECIBELS_A_BIT


@dataclass(frozen=True)
class WaterfallRow:
    """What a bench reads with some of its imperfections.

    Attributes:
        name: what is wrong, with its value.
        error: relative L2 error of the output, over all probes and exposures; None if it could not be computed.
        adjusted: the same after gain and phase are adjusted, as a laboratory does with its reference beam.
        light: power that falls on the camera's pixels over power of the input; None where it is not known.
        note: why it could not be computed.
    """

    name: str
    error: float | None
    adjusted: float | None = None
    light: float | None = None
    note: str = ""

    @property
    def enob(self) -> float | None:
        """Effective bits of the output as it comes."""
        return effective_bits(self.error)

    @property
    def adjusted_enob(self) -> float | None:
        """Effective bits of the adjusted output."""
        return effective_bits(self.adjusted)

    def to_dict(self) -> dict[str, object]:
        """Plain data: the attributes, enob and adjusted_enob."""
        return asdict(self) | {"enob": self.enob, "adjusted_enob": self.adjusted_enob}


@dataclass(frozen=True, repr=False)
class Waterfall:
    """The imperfections of a bench, one at a time and all together.

    Made by :func:`~acdc_optical.budgets.waterfall.waterfall`.

    Attributes:
        perfect: the bench without any: what the masks themselves are off by.
        single: each imperfection alone.
        together: all of them.
        exposures: over which noise is averaged.
    """

    perfect: WaterfallRow
    single: tuple[WaterfallRow, ...]
    together: WaterfallRow
    exposures: int

    @property
    def quadrature(self) -> float | None:
        """√(e₀² + Σ(eᵢ² - e₀²)) of the single errors, e₀ that of the perfect bench, which is in each of them.

        What all together come to if they have nothing to do with one another. They may: two shifts cancel, or add up
        as they are, and then the error of all together is another.
        """
        own = [_own(row.error, self.perfect.error) for row in self.single]
        found = [value for value in (self.perfect.error, *own) if value is not None]
        return math.hypot(*found) if found else None

    @property
    def dominating(self) -> WaterfallRow | None:
        """The imperfection with the largest error; the perfect bench, if its masks are worse; None without errors."""
        return _largest(self.perfect, self.single, [row.error for row in (self.perfect, *self.single)])

    @property
    def dominating_adjusted(self) -> WaterfallRow | None:
        """Likewise after gain and phase are adjusted."""
        return _largest(self.perfect, self.single, [row.adjusted for row in (self.perfect, *self.single)])

    def to_dict(self) -> dict[str, object]:
        """Plain data: perfect, single, together, quadrature, dominating, dominating_adjusted (names), exposures."""
        first, second = self.dominating, self.dominating_adjusted
        return {
            "perfect": self.perfect.to_dict(),
            "single": [row.to_dict() for row in self.single],
            "together": self.together.to_dict(),
            "quadrature": self.quadrature,
            "dominating": first and first.name,
            "dominating_adjusted": second and second.name,
            "exposures": self.exposures,
        }

    def __rich__(self) -> Table:
        table = Table("imperfection", "relative L2 error", "ENOB", "adjusted*", "ENOB", "light used")
        for row in (self.perfect, *self.single):
            table.add_row(*_cells(row))
        table.add_section()
        table.add_row(*_cells(self.together))
        quadrature = WaterfallRow("single ones in quadrature", self.quadrature)
        table.add_row(quadrature.name, _figure(quadrature.error), _bits(quadrature.enob), "–", "–", "–")
        table.caption = Text(f"{self.in_words}\n* after the best gain and phase of the reference beam")
        table.caption_justify = "left"
        return table

    def __repr__(self) -> str:
        return plain(self)

    @property
    def in_words(self) -> str:
        """Which imperfection dominates, and how noise was averaged."""
        first, second = self.dominating, self.dominating_adjusted
        unknown = [row.name for row in self.single if row.error is None]
        if unknown and not any(row.error for row in self.single):
            return f"not computed: {', '.join(unknown)}"
        if first is None or second is None:
            return "nothing is wrong with this bench"
        said = f"{first.name} dominates" + (f", and {second.name} once adjusted" if second != first else "")
        said += f" among what was computed, without {', '.join(unknown)}" if unknown else ""
        return f"{said}; errors need not add up; noise in the mean over {self.exposures} exposures"


def _own(error: float | None, of_masks: float | None) -> float | None:
    """What an imperfection adds to an error that is there without it."""
    return None if error is None else math.sqrt(max(0.0, error**2 - (of_masks or 0.0) ** 2))


def _largest(
    perfect: WaterfallRow, single: Sequence[WaterfallRow], errors: Sequence[float | None]
) -> WaterfallRow | None:
    own = [(_own(error, errors[0]) or 0.0, row) for row, error in zip(single, errors[1:], strict=True)]
    largest, row = max(own, key=lambda pair: pair[0], default=(0.0, perfect))
    of_masks = errors[0] or 0.0
    if not single or max(largest, of_masks) == 0:
        return None
    return row if largest >= of_masks else perfect


@dataclass(frozen=True, repr=False)
class PhotonBudget:
    """The photons and the energy of one input of a layer.

    Made by :func:`~acdc_optical.budgets.photon_budget.photon_budget`.

    Photons are detected where a camera pixel turns them into electrons; those of the reference beam are not counted.
    The energy is that of the light that falls on the modulator, not that of lasers from the socket, or electronics.

    Attributes:
        laser_power: on the modulator's pixels in use [W]; None if the bench does not say.
        exposure: time of the whole measurement [s], of all images together; likewise.
        full_scale: the number for which a pixel of the modulator lets all light through.
        outputs: numbers that come out.
        launched: photons that fall on the modulator; None if power or exposure are not known.
        per_pixel: photons detected by one camera pixel in the mean; likewise.
        detected: photons detected by all camera pixels; likewise.
        light_used: power that falls on the camera's pixels over power of the input in front of mask A.
        saturated: share of the camera's pixels, in all images, whose well is full; None without a read-out.
        dense_macs: multiplications and additions of a matrix in the layer's place, N² for N numbers.
        arithmetic: what numbers these are of, "real" or "complex"; a complex one is worth four real ones.
        mask_multiplications: pixels of mask A in use and pixels of mask D; each multiplies the light on it.
        note: what is missing, or out of range.
    """

    laser_power: float | None
    exposure: float | None
    full_scale: float
    outputs: int
    launched: float | None
    per_pixel: float | None
    detected: float | None
    light_used: float | None
    saturated: float | None
    dense_macs: int
    arithmetic: str
    mask_multiplications: int
    note: str = ""

    @property
    def energy(self) -> float | None:
        """Of the light on the modulator, for one input [J]."""
        return None if self.laser_power is None or self.exposure is None else self.laser_power * self.exposure

    @property
    def per_output(self) -> float | None:
        """Photons detected for one output, in the mean."""
        return None if self.detected is None else self.detected / self.outputs

    def shared(self, among: int) -> dict[str, float | None]:
        """Energy [J], photons launched and photons detected of one of so many."""
        figures = {"energy": self.energy, "launched": self.launched, "detected": self.detected}
        return {name: None if value is None else value / among for name, value in figures.items()}

    def to_dict(self) -> dict[str, object]:
        """Plain data: the attributes, energy, per_output, per_dense_mac and per_mask_multiplication."""
        return asdict(self) | {
            "energy": self.energy,
            "per_output": self.per_output,
            "per_dense_mac": self.shared(self.dense_macs),
            "per_mask_multiplication": self.shared(self.mask_multiplications),
        }

    def __rich__(self) -> Table:
        table = Table("photon budget", "an input", "an output", "a dense MAC", "a mask multiplication")
        counts = (1, self.outputs, self.dense_macs, self.mask_multiplications)
        shares = [self.shared(count) for count in counts]
        names = {"energy": "laser energy [J]", "launched": "photons launched", "detected": "photons detected"}
        for name, label in names.items():
            table.add_row(label, *(_figure(share[name], 3) for share in shares))
        table.caption = Text(self.in_words)
        table.caption_justify = "left"
        return table

    def __repr__(self) -> str:
        return plain(self)

    @property
    def in_words(self) -> str:
        """Power, time, light used, and what was counted."""
        power = "–" if self.laser_power is None else POWER.format(self.laser_power, 3)
        time = "–" if self.exposure is None else TIME.format(self.exposure, 3)
        light = "–" if self.light_used is None else _percent(self.light_used)
        full = "" if self.saturated is None else f", {_percent(self.saturated)} of pixels saturated"
        counted = f"{self.dense_macs} {self.arithmetic} MACs of a dense matrix, {self.mask_multiplications} mask pixels"
        said = f"{light} of the light used{full}"
        if self.per_pixel is not None:
            said = f"{power} for {time}; {self.per_pixel:.3g} photons detected a camera pixel; {said}"
        return "\n".join(filter(None, (said, counted, self.note)))


def _cells(row: WaterfallRow) -> tuple[str | Text, ...]:
    light = "–" if row.light is None else _percent(row.light)
    error = Text(row.note or _figure(row.error))
    return (row.name, error, _bits(row.enob), _figure(row.adjusted), _bits(row.adjusted_enob), light)


def _percent(share: float) -> str:
    """Two digits; all of 99.5 and more, which they would write as 1e+02."""
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.0f} %"


def _bits(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _figure(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}g}"
