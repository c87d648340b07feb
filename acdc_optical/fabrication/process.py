"""The process file: how the masks of a design are made, as validated data. All lengths carry their unit in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from acdc_optical.design import Design
from acdc_optical.fabrication.mask_process import MaskProcess
from acdc_optical.parts import Distance, Length, Part, preset_names, read_preset, read_toml
from optics import Stripes

# Masks trained in float32 are real, and absorb nothing, to this.
_REAL = 1e-6


class LayoutProcess(Part):
    """What is common to the layouts of an order.

    Attributes:
        grid: database unit, to which every edge is rounded [m].
        hierarchical: whether pattern and marks are cells of their own below the top cell, or all is flat.
        stripe_height: of one-dimensional masks [m], to a whole cell.
    """

    grid: Length = 1e-9
    hierarchical: bool = False
    stripe_height: Length = 2e-3


class Tolerances(Part):
    """What the shop promises; the order states what each deviation would cost.

    Attributes:
        depth: relative error of all heights.
        overlay: of one pattern on another, along each axis [m].
        width: by which drawn areas are wider on every side [m].
    """

    depth: Annotated[float, Field(ge=0, lt=1)] = 0.03
    overlay: Distance = 0.25e-6
    width: Distance = 0.1e-6


class Process(Part):
    """How the masks of a design are made.

    Attributes:
        name: of the process, for the order.
        contact, revision: for the order, as they are to stand there.
        A, D: how mask A, and mask D, of every optical layer is made; None for masks that are not ordered.
        layout, tolerances: common to all.

    Raises:
        ValueError: unknown keys, settings that contradict one another, no mask to be made.

    >>> Process.preset("chrome-and-etch").D.encoding
    'chrome-and-etch'
    """

    name: str
    contact: str = ""
    revision: str = ""
    A: MaskProcess | None = None
    D: MaskProcess | None = None
    layout: LayoutProcess = LayoutProcess()
    tolerances: Tolerances = Tolerances()

    @model_validator(mode="after")
    def _something(self) -> Process:
        if self.A is None and self.D is None:
            raise ValueError("a process makes mask A, mask D or both: give a table [A] or [D]")
        return self

    @property
    def masks(self) -> dict[str, MaskProcess]:
        """The masks that are made, "A" before "D"."""
        return {side: mask for side, mask in (("A", self.A), ("D", self.D)) if mask is not None}

    @classmethod
    def load(cls, path: str | Path) -> Process:
        """Read a process from a TOML file; files that it names are found from the folder it is in.

        Raises:
            FileNotFoundError: no such file.
            ValueError: not TOML, or not a valid process; the message names the file and the key.
        """
        process = read_toml(cls, path, "a process, or the name of a preset,")
        return process.replace(**{side: mask.beside(Path(path).parent) for side, mask in process.masks.items()})

    @classmethod
    def preset(cls, name: str) -> Process:
        """A typical process that ships with the package.

        Raises:
            ValueError: no such preset; the message lists them.
        """
        return read_preset(cls, "acdc_optical.fabrication", name, "process")


def processes() -> list[str]:
    """Names of the processes that ship with the package."""
    return preset_names("acdc_optical.fabrication")


def process_named(name: str) -> Process:
    """A process from a file, or the preset of that name.

    Raises:
        OSError, ValueError: see :meth:`Process.load` and :meth:`Process.preset`.
    """
    return Process.load(name) if name.endswith(".toml") or Path(name).is_file() else Process.preset(name)


def suited(design: Design) -> Process:
    """The preset that suits the masks of a design.

    Masks that absorb nothing and have phases 0 and π are made by one etch, as stripes are, real masks by chrome and an
    etch, others by levels of phase.
    """
    found = [values for m in design.masks if m is not None for values in (m.input_mask, m.fourier_mask)]
    masks = [values for values in found if not isinstance(values, Stripes)]
    real = all(not values.is_complex() or float(values.imag.abs().max()) < _REAL for values in masks)
    if real and all(float((values.abs() - 1).abs().max()) < _REAL for values in masks):
        return Process.preset("one-etch")
    if len(masks) < len(found):
        return Process.preset("stripes")
    return Process.preset("chrome-and-etch" if real else "double-phase")
