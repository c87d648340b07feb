"""Tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Column, Table
from rich.text import Text
from torch import nn

from acdc_optical.budgets.contributions import Contribution
from acdc_optical.budgets.light_budget import LightBudget
from acdc_optical.compilation.masks import Masks
from acdc_optical.design import Design
from acdc_optical.light import Pattern
from acdc_optical.tolerances.sensitivities import Sensitivity
from acdc_optical.training.fitting import Epoch
from acdc_optical.waves.second_opinion import SecondOpinion
from optics import Grid, Stripes
from optics.units import format_length


def design_table(design: Design, title: str) -> Table:
    """Stages, masks and bench of a design."""
    bench = design.bench
    table = Table("stage", "mask A", "mask D", "focal length", "mean |t|² of A, D", "kernel error", title=Text(title))
    table.title_justify = "left"
    table.caption = (
        f"wavelength {format_length(bench.wavelength)}, modulator pitch {format_length(bench.modulator.pitch)}"
    )
    for index, (stage, masks) in enumerate(zip(design.stages, design.masks, strict=True)):
        onward = ", its light goes on" if index in design.undetected else ""
        table.add_row(_name(stage) + onward, *(_mask_columns(masks) if masks else ("–",) * 5))
    return table


def _name(stage: nn.Module) -> str:
    shape = getattr(stage, "shape", None)
    return " ".join((type(stage).__name__, *([" × ".join(map(str, shape))] if shape else [])))


def _mask_columns(masks: Masks) -> tuple[str, ...]:
    planes = masks.planes
    mean_a, mean_d = masks.mean_transmission
    return (
        _described(masks.input_mask, planes.input),
        _described(masks.fourier_mask, planes.mask),
        format_length(planes.focal_length),
        f"{mean_a:.2g}, {mean_d:.2g}",
        f"{masks.residual:.1e}",
    )


def _described(mask: Pattern, grid: Grid) -> str:
    if isinstance(mask, Stripes):
        rows = f" in {mask.rows} rows" if mask.ndim == 2 else ""
        return f"{mask.count} edges{rows}, stripes from {format_length(mask.narrowest, 4)}"
    sizes = " × ".join(format_length(p, 4) for p in dict.fromkeys(grid.spacing))
    return f"{' × '.join(map(str, grid.cells))} px of {sizes}"


def training_table(histories: Mapping[str, Sequence[Epoch]], by_light: float, title: str) -> Table:
    """What trainings came to, and the accuracy of the design by light."""
    table = Table("", "epochs", "training loss", "accuracy", title=Text(title), title_justify="left")
    for name, history in histories.items():
        last = history[-1]
        held_out = "–" if last.held_out is None else f"{last.held_out:.2%}"
        table.add_row(name, f"{len(history)}", f"{last.loss:.4f}", held_out)
    table.add_row("the design, by light", "", "", f"{by_light:.2%}")
    return table


def opinion_table(opinion: SecondOpinion) -> Table:
    """How far POPPY's planes are from ours, and the lattice from the wave model."""
    title = Text(f"POPPY's second opinion: {opinion.bench}")
    table = Table("light", "relative L2 distance", title=title, title_justify="left")
    for plane in opinion.planes:
        table.add_row(plane.name, f"{plane.error:.1e}")
    found = "not known" if opinion.lattice_error is None else f"{opinion.lattice_error:.1e}"
    table.caption = Text(f"The lattice from the wave model, at the camera: {found} ({opinion.lattice_note})")
    table.caption_justify = "left"
    return table


def contributions_table(contributions: Sequence[Contribution]) -> Table:
    """What each plane of a cascade adds to the error of its output."""
    table = Table("plane", "relative L2 change of the output")
    for row in contributions:
        table.add_row(row.plane, f"{row.error:.1e}")
    return table


def light_table(budget: LightBudget) -> Table:
    """The light of a cascade at each of its planes, and what its masks are like."""
    planes = ("on mask A", "behind it", "on mask D", "behind it", "onward")
    table = Table("layer", *planes, "mean |t|² of A, D", "dynamic range of A, D")
    pairs = zip(budget.layers, budget.masks[::2], budget.masks[1::2], strict=True)
    for number, (layer, a, d) in enumerate(pairs, 1):
        shares = (f"{share:.1e}" for share in layer)
        table.add_row(
            f"{number}", *shares, f"{a.transmission:.2g}, {d.transmission:.2g}", f"{a.range:.2g}, {d.range:.2g}"
        )
    table.caption = "power over that of the input"
    return table


def sensitivity_table(found: Sequence[Sensitivity], allowed: float) -> Table:
    """What each parameter does by itself, and by how much it may be off for an allowed error."""
    title = Text("each parameter by itself: relative change of the output")
    heads = ("σ", "first order at σ", "second order at σ", "found at -σ, +σ", f"off by, for {allowed:g}")
    table = Table(Column("parameter", no_wrap=True), *heads, title=title, title_justify="left")
    for each in sorted(found, key=lambda one: -max(one.below, one.above)):
        first, second = each.first * each.deviation, each.second * each.deviation**2 / 2
        sides, limit = f"{each.below:.2g}, {each.above:.2g}", each.limit(allowed)
        table.add_row(each.name, f"{each.deviation:.2g}", f"{first:.2g}", f"{second:.2g}", sides, f"{limit:.2g}")
    table.caption = Text("SI units")
    return table
