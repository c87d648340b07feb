"""All kinds of files that an order can hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from acdc_optical.fabrication.orders import MaskOrder
from acdc_optical.fabrication.package.design_formats import DESIGN_TOOLS
from acdc_optical.fabrication.package.device_formats import DEVICES
from acdc_optical.fabrication.package.format import Format
from acdc_optical.fabrication.package.layout_formats import LAYOUTS
from acdc_optical.fabrication.package.surface_formats import SURFACES

FORMATS: Mapping[str, Format] = MappingProxyType(
    {form.name: form for form in (*LAYOUTS, *SURFACES, *DEVICES, *DESIGN_TOOLS)}
)
"""Formats by name."""

_SCALE, _PANEL = ("height.json",), ("profile.toml", "profile.response.csv", "profile.flatness.npy")

COMPANIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"png": _SCALE, "tiff": _SCALE, "dose": ("dose_curve.csv",), "dose-bmp": ("dose_curve.csv",)}
    | dict.fromkeys(("slm", "slm-bmp", "slm-npy", "slm-csv"), _PANEL)
    | {"fits": ("opd.fits",)}
)
"""Files that may lie beside a format's own, and belong to it; by the name of the format."""

_ANY_WIDTH = {"npz", *(form.name for form in LAYOUTS)}

ALL = "all"
"""Stands for every format that suits."""


def formats_for(orders: Iterable[MaskOrder], names: Iterable[str] = ()) -> dict[str, tuple[Format, ...]]:
    """Which files each mask is written as.

    Args:
        orders: the masks.
        names: the formats wanted, :data:`ALL` for every one that suits; by default those that are customary, and for
            which nothing is lacking. The levels are always written as ``npz``: they are what all other files are held
            against.

    Returns:
        For the name of each plate its formats; those wanted that one mask lacks something for, but another does not.

    Raises:
        ValueError: a format that there is not, or that suits no mask; the message says what is lacking.
    """
    orders, wanted = tuple(orders), tuple(dict.fromkeys(names))
    if ALL in wanted:
        wanted = tuple(name for name, form in FORMATS.items() if any(not lacking(form, order) for order in orders))
    strays = [name for name in wanted if name not in FORMATS]
    if strays:
        raise ValueError(f"no format is named {', '.join(map(repr, strays))}; choose of {', '.join(FORMATS)}")
    for name in wanted:
        reasons = {lacking(FORMATS[name], order) for order in orders}
        if "" not in reasons:
            raise ValueError(
                f"no mask of this order can be written as {name}: they lack {' or '.join(sorted(reasons))}"
            )
    chosen = [form for form in FORMATS.values() if (form.name in wanted if wanted else form.customary)]
    if FORMATS["npz"] not in chosen:
        chosen.append(FORMATS["npz"])
    return {order.plate.name: tuple(form for form in chosen if not lacking(form, order)) for order in orders}


def lacking(form: Format, order: MaskOrder) -> str:
    """What a mask lacks to be written in a format, in words; empty if nothing."""
    if order.plate.x_edges is not None and form.name not in _ANY_WIDTH:
        return "cells of one width, which stripes are not"
    return form.lacking(order)
