"""Small orders of every kind, and what tests do to their packages."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from acdc_optical import ACDC, AFDF, Bench
from acdc_optical.design import Design
from acdc_optical.fabrication.mask_process import MaskProcess
from acdc_optical.fabrication.orders import MaskOrder, orders_of
from acdc_optical.fabrication.package.checksums import LISTING, checksums, listing
from acdc_optical.fabrication.package.report import PackageReport
from acdc_optical.fabrication.package.writing import export_package
from acdc_optical.fabrication.process import LayoutProcess, Process

LAYERS: dict[str, Callable[[], ACDC | AFDF]] = {
    "real": lambda: ACDC((3, 4), dtype=torch.float64),
    "complex": lambda: AFDF((4, 6), dtype=torch.complex128),
    "line": lambda: ACDC(8, dtype=torch.float64),
}

CHROME = MaskProcess(encoding="chrome-and-etch", cells=2, min_feature=1e-6, corner_contacts=False)
ETCHED = MaskProcess(encoding="double-phase", cells=2, levels=8, faces_source=True)
PANEL = ETCHED.replace(made="modulator")
RESIST = ETCHED.replace(made="added-gray-scale", index=1.5)


def design_of(kind: str, seed: int = 0) -> Design:
    """A random layer, compiled: masks without any symmetry."""
    layer, random = LAYERS[kind](), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for values in (layer.a, layer.d):
            values.copy_(torch.randn(values.shape, generator=random, dtype=values.dtype))
    return Design.of(layer, Bench.preset("lcos-8um"))


@dataclass(frozen=True)
class Case:
    """A design and how it is made."""

    design: Design
    process: Process

    @property
    def orders(self) -> tuple[MaskOrder, ...]:
        return orders_of(self.design, self.process)

    def export(self, out: Path, *formats: str) -> Path:
        return export_package(self.design, self.process, out, formats=formats)[0]


def cases(folder: Path) -> dict[str, Case]:
    """Orders that take every format between them; ``folder`` gets the profile and the curve that some name."""
    real, complex_, line = (design_of(kind) for kind in LAYERS)
    flat = LayoutProcess(stripe_height=1e-4)
    mirrors = MaskProcess(encoding="binary-lee", cells=8, period=4, made="chrome", panel=(60, 83))
    panel, curve = profile(folder), dose_curve(folder)
    return {
        "chrome": Case(real, Process(name="chrome and one etch", A=CHROME, D=CHROME)),
        "etched": Case(complex_, Process(name="three etches", A=ETCHED, D=ETCHED)),
        "stripes": Case(line, Process(name="stripes", A=CHROME, D=ETCHED, layout=flat.replace(hierarchical=True))),
        "panel": Case(complex_, Process(name="a panel, and resist", A=PANEL, D=RESIST)),
        "profile": Case(complex_, Process(name="a panel", A=PANEL.replace(profile=panel))),
        "curve": Case(complex_, Process(name="resist", A=RESIST.replace(dose_curve=curve))),
        "mirrors": Case(complex_, Process(name="mirrors", A=mirrors)),
    }


def profile(folder: Path) -> str:
    """A panel of 10 bits that lies on its side, larger than the mask and not flat."""
    np.save(folder / "flat.npy", np.random.default_rng(1).uniform(-4, 4, (30, 20)))
    lines = ["shape = [30, 20]", 'pitch = ["4 um", "4 um"]', "bits = 10", 'gray = "rises"', 'flatness = "flat.npy"']
    lines += ["[placement]", "transpose = true", "flip_columns = true", "offset = [2, -1]"]
    (folder / "panel.toml").write_text("\n".join(lines) + "\n")
    return str(folder / "panel.toml")


def dose_curve(folder: Path) -> str:
    """A resist that is not linear."""
    rows = [f"{dose},{1300 * (1 - (dose / 255) ** 2)!r}" for dose in range(256)]
    (folder / "curve.csv").write_text("\n".join(["dose,height_nm", *rows]) + "\n")
    return str(folder / "curve.csv")


def copied(package: Path, place: Path) -> Path:
    return Path(shutil.copytree(package, place / package.name))


def resealed(folder: Path) -> None:
    """Write SHA256SUMS anew, so that the contents alone can tell."""
    (folder / LISTING).write_text(listing(checksums(folder)))


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def said(report: PackageReport) -> Iterator[str]:
    """Each failed check, with its note."""
    json.dumps(report.to_dict(), allow_nan=False)  # whatever was found can be told
    assert repr(report)
    return (f"{check.name}: {check.note}" for check in report.checks if not check.passed)
