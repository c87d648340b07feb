"""The layer map of the packages, held against every import they make, also those inside functions.

A new module goes into MAY_IMPORT, with the modules of its own project that it needs. The map allows; it does not
oblige. Whoever changes it changes the README's layer map in the same commit.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("optics", "acdc_optical")

# "optics" alone is the package's public face. In acdc_optical, names without a package are its own modules.
OPTICS = {
    "units": "",
    "grid": "units",
    "kernel": "",
    "field": "units grid kernel",
    "fourier": "units grid kernel field",
    "lengths": "units kernel",
    "waves": "grid",
    "sampling": "units grid",
    "reach": "grid sampling",
    "lattice": "units grid sampling",
    "screens": "grid kernel field sampling",
    "canonical": "kernel screens waves",
    "coupling": "kernel canonical",
    "openings": "units grid kernel lengths waves sampling screens",
    "pixels": "units grid kernel sampling screens",
    "mask": "field grid kernel screens",
    "stripes": "units grid field",
    "elements": "units grid kernel lengths field fourier waves sampling screens openings",
    "placed_lens": "grid kernel field canonical coupling elements screens waves",
    "aberrations": "units grid kernel waves sampling screens",
    "propagation": "grid kernel lengths field waves reach sampling",
    "diffraction": "grid kernel lengths field fourier waves reach sampling",
    "spectral": "grid kernel lengths field fourier waves reach sampling screens",
    "devices": "screens",
    "flatness": "kernel screens devices",
    "parts": "screens devices",
    "displaced": "screens devices parts",
    "fringing": "screens devices parts",
    "etches": "screens devices parts fringing",
    "vignetting": "grid waves",
    "near": "grid vignetting waves",
    "sine": "units grid kernel lengths field fourier waves sampling screens openings spectral",
    "detectors": "units grid kernel field",
    "parameters": "",
    "photons": "kernel parameters",
    "shot": "",
    "sensor": "parameters shot",
    "readout": "parameters shot sensor",
    "system": "units grid kernel field fourier sampling screens mask detectors",
    "inspection": "grid field propagation spectral sine system",
    "misalignment": "grid kernel field waves sampling screens elements propagation diffraction spectral system",
    "poppy_bridge": "grid kernel field screens mask elements propagation system",
    "plotting": "units grid kernel field fourier elements detectors system",
}
ACDC = {
    "transforms": "",
    "layers": "transforms",
    "plain_text": "",
    "progress": "",
    "files": "",
    "tensors": "files",
    "parts": "optics.units",
    "imperfections": "parts",
    "hardware": "parts",
    "compositions": "parts",
    "toml_text": "parts",
    "bench": "compositions hardware imperfections parts toml_text optics optics.elements optics.units",
    "bench_schema": "bench compositions parts",
    "presentation": "layers",
    "planes": "bench hardware optics optics.elements optics.units",
    "response": "bench planes presentation optics",
    "methods": "light response optics optics.kernel",
    "compilation": "bench layers light methods planes presentation response optics",
    "moments": "response optics",
    "searches": "moments progress",
    "brightest": "light bench compilation methods layers moments presentation progress response searches",
    "etching": "",
    "etching.lines": "",
    "etching.gaps": "etching.lines",
    "etching.steps": "etching.gaps etching.lines",
    "etching.pulses": "",
    "etching.rounding": "etching.gaps etching.lines etching.steps",
    "etching.rows": "etching.gaps etching.lines etching.pulses etching.rounding etching.steps progress response optics",
    "etching.one_etch": "methods etching.rows moments progress response searches optics optics.elements optics.units",
    "turning": "moments progress",
    "phases": "brightest methods light moments response searches turning",
    "etched_combs": "bench combs compilation etching.one_etch etching.rows presentation optics",
    "light": "optics",
    "models": "bench combs methods light planes optics",
    "separable": "light optics optics.kernel",
    "spaces": "planes optics optics.kernel optics.near optics.sine optics.spectral optics.units optics.vignetting",
    "wave": "bench combs methods light models planes separable spaces optics optics.kernel optics.units "
    "optics.vignetting",
    "calibration": "methods planes response separable spaces wave optics",
    "anywhere": "light compilation planes realisation separable spaces wave optics optics.near optics.vignetting",
    "plane_calibration": "light bench calibration compilation methods layers presentation progress realisation sources "
    "spaces wave",
    "second_opinion": "light planes realisation wave optics optics.poppy_bridge optics.units",
    "realisation": "bench cascade combs compilation methods electronics layers light models planes presentation "
    "progress sources optics",
    # Masks with a life of their own, and light as one matrix.
    "constraints": "",
    "sources": "compilation layers",
    "electronics": "layers planes presentation transforms optics",
    "combs": "bench brightest compilation hardware methods moments presentation searches optics",
    "cascade": "bench combs compilation methods electronics layers light models phases planes presentation sources "
    "optics",
    "trained_masks": "light cascade compilation constraints layers presentation realisation",
    "condensed": "light cascade models planes presentation realisation optics optics.kernel",
    "nearest": "condensed layers realisation",
    # Siblings: each knows the layer and its realisation, none another.
    "contributions": "cascade compilation methods electronics layers models planes optics",
    "light_budget": "cascade compilation light models realisation sources optics",
    "accounts": "plain_text optics.units",
    "reports": "accounts plain_text",
    "verification": "light light_budget bench cascade combs compilation methods calibration layers models presentation "
    "imperfect imperfections photon_budget realisation progress waterfall wave optics reports",
    "real_devices": "imperfections optics optics.devices optics.etches optics.flatness optics.fringing optics.kernel "
    "optics.parts",
    "segments": "optics",
    "turned_light": "",
    "imperfect_light": "imperfections planes segments turned_light optics optics.canonical optics.coupling "
    "optics.kernel optics.waves",
    "imperfect": "cascade compilation imperfect_light imperfections light models planes real_devices realisation "
    "optics optics.displaced optics.fringing optics.kernel optics.parts",
    "distributions": "imperfections",
    "imperfect_operator": "compilation imperfect presentation",
    "robust": "cascade distributions imperfect imperfect_operator imperfections realisation",
    "distribution_files": "distributions imperfections parts",
    "metrics": "",
    "tolerance_results": "plain_text",
    "tolerance_files": "tensors",
    "tolerancing": "cascade checkpoint distributions exposure imperfect imperfections metrics progress realisation "
    "sources tolerance_files tolerance_results verification",
    "sensitivities": "distributions imperfect metrics realisation verification",
    "tolerance_figures": "sensitivities tolerance_results optics.plotting",
    "bench_fits": "imperfect imperfections realisation",
    "characterisation": "bench_fits distributions imperfect imperfections realisation",
    "compensation": "bench_fits calibration compilation imperfect imperfections light plane_calibration presentation "
    "progress realisation segments sources",
    "exposure": "bench imperfections planes optics optics.photons optics.shot",
    "as_built": "bench exposure imperfect models planes progress realisation optics",
    "photon_budget": "accounts exposure imperfect light_budget realisation optics optics.photons",
    "waterfall": "accounts as_built exposure imperfect imperfections layers parts photon_budget progress optics "
    "optics.shot",
    "augmentation": "",
    "processes": "",
    "checkpoint": "tensors",
    "training": "augmentation checkpoint layers processes realisation trained_masks",
    "datasets": "files",
    # What joins the siblings.
    "networks": "augmentation datasets layers training",
    "stored_masks": "bench combs compilation layers light planes presentation optics",
    "design": "light bench cascade combs compilation methods layers models nearest realisation sources stored_masks "
    "tensors trained_masks",
    "imperfect_figures": "optics.plotting",
    "figures": "light cascade compilation realisation training reports optics optics.plotting optics.units",
    "cascade_figures": "contributions light_budget optics.plotting",
    "waterfall_figures": "accounts optics.plotting",
    "robustness_figures": "optics.plotting",
    "tables": "compilation contributions design light light_budget second_opinion sensitivities training optics "
    "optics.units",
    "routes": "bench condensed constraints datasets design models networks progress realisation trained_masks training "
    "verification",
    "demo": "bench compilation methods constraints datasets design fabrication fabrication.package.report figures "
    "files layers models networks progress realisation reports routes training verification",
    "arguments": "bench brightest calibration combs constraints datasets design etched_combs etching.one_etch figures "
    "files layers methods models networks phases spaces training wave optics.units",
    "cli.console": "",
    "cli.app": "arguments",
    "cli.networks": "arguments demo cli.app cli.console design files processes progress routes tables reports",
    "cli.benches": "bench bench_schema cli.app cli.console",
    "cli.layers": "arguments as_built cascade cli.app cli.console contributions design files imperfect light_budget "
    "realisation second_opinion tables verification",
    "cli.masks": "cli.app cli.console design fabrication files",
    "cli.tolerances": "arguments as_built cascade cli.app cli.console design distribution_files distributions exposure "
    "files imperfect realisation sensitivities tables tolerance_figures tolerance_results tolerancing verification",
    "cli": "cli.app cli.benches cli.layers cli.masks cli.networks cli.tolerances",
}

# Masks as they are made; names without a package are its own modules.
FABRICATION = {
    "plate": "",
    "spreading": "",
    "encodings": "plate spreading",
    "arms": "optics optics.grid",
    "impulse": "arms",
    "columns": "plate optics optics.units",
    "made": "arms encodings impulse acdc_optical.compilation acdc_optical.models acdc_optical.planes "
    "acdc_optical.realisation optics",
    "materials": "optics.units",
    "relief": "materials plate optics.units",
    "efficiency": "",
    "layouts": "",
    "layouts.rectangles": "",
    "layouts.rules": "plate optics.units",
    "layouts.marks": "layouts.rectangles plate",
    "layouts.layout": "layouts.marks layouts.rectangles plate acdc_optical.files",
    "layouts.streams": "layouts.rectangles",
    "surfaces": "",
    "surfaces.height_maps": "plate surfaces.rasters acdc_optical.files optics.units",
    "surfaces.solids": "plate surfaces.height_maps surfaces.rasters acdc_optical.files optics.units",
    "surfaces.rasters": "acdc_optical.files",
    "surfaces.curves": "acdc_optical.files",
    "surfaces.doses": "plate surfaces.curves surfaces.height_maps surfaces.rasters optics.units",
    "devices": "",
    "devices.modulators": "devices.placement devices.responses plate surfaces.rasters",
    "devices.placement": "surfaces.rasters",
    "devices.responses": "surfaces.curves",
    "devices.profiles": "devices.modulators devices.placement devices.responses surfaces.rasters acdc_optical.files "
    "acdc_optical.parts optics.units",
    "devices.mirrors": "devices.placement plate surfaces.rasters acdc_optical.files",
    "design_tools": "",
    "design_tools.sags": "plate",
    "design_tools.lines": "",
    "design_tools.zemax": "design_tools.lines design_tools.sags plate acdc_optical.files",
    "design_tools.code_v": "design_tools.lines design_tools.sags plate acdc_optical.files",
    "design_tools.fits": "design_tools.sags plate acdc_optical.files",
    "design_tools.arrays": "package.archives plate acdc_optical.files",
    "package": "",
    "package.archives": "acdc_optical.files",
    "package.sheets": "",
    "package.checksums": "design_tools.lines",
    # What joins them.
    "mask_process": "encodings layouts.rules materials relief acdc_optical.parts optics.units",
    "process": "mask_process acdc_optical.design acdc_optical.parts optics",
    "finishing": "mask_process plate relief",
    "orders": "columns encodings finishing made mask_process plate process relief acdc_optical.compilation "
    "acdc_optical.design acdc_optical.light acdc_optical.realisation optics optics.units",
    "deviations": "columns made orders plate optics.units",
    "predictions": "deviations made orders process acdc_optical.design acdc_optical.progress "
    "acdc_optical.realisation acdc_optical.verification",
    "pictures": "plate acdc_optical.files optics.plotting optics.units",
    "package.readings": "plate",
    "package.format": "orders package.readings",
    "package.layout_formats": "layouts.layout layouts.marks layouts.rectangles layouts.streams orders package.format "
    "package.readings",
    "package.surface_formats": "orders package.format package.readings plate surfaces.doses surfaces.height_maps "
    "surfaces.rasters surfaces.solids",
    "package.device_formats": "devices.mirrors devices.modulators devices.placement devices.profiles "
    "devices.responses orders package.format package.readings plate surfaces.rasters acdc_optical.files",
    "package.design_formats": "design_tools.arrays design_tools.code_v design_tools.fits design_tools.sags "
    "design_tools.zemax orders package.format package.readings plate acdc_optical.files",
    "package.formats": "orders package.design_formats package.device_formats package.format package.layout_formats "
    "package.surface_formats",
    "package.sheet": "efficiency finishing layouts.rules orders package.format package.layout_formats process "
    "acdc_optical.design optics.units",
    "package.texts": "layouts.rules orders package.checksums package.format package.layout_formats package.sheet "
    "package.sheets predictions process optics.units",
    "package.writing": "orders package.archives package.checksums package.format package.formats package.sheet "
    "package.texts pictures predictions process acdc_optical.design acdc_optical.files acdc_optical.progress",
    "package.report": "acdc_optical.plain_text acdc_optical.reports",
    "package.simulation": "made orders package.readings package.report predictions acdc_optical.design "
    "acdc_optical.progress acdc_optical.realisation acdc_optical.verification acdc_optical.reports",
    "package.readback": "layouts.streams orders package.checksums package.format package.formats "
    "package.layout_formats package.readings package.report package.sheet package.simulation package.texts "
    "package.writing process acdc_optical.bench acdc_optical.design acdc_optical.progress acdc_optical.reports",
}


MAY_DRAW = {
    "optics.plotting",
    "acdc_optical.figures",
    "acdc_optical.cascade_figures",
    "acdc_optical.waterfall_figures",
    "acdc_optical.imperfect_figures",
    "acdc_optical.robustness_figures",
    "acdc_optical.tolerance_figures",
    "acdc_optical.fabrication.pictures",
}


def _qualified(package: str, modules: dict[str, str]) -> dict[str, set[str]]:
    def full(name: str) -> str:
        return name if name.split(".")[0] in PACKAGES else f"{package}.{name}"

    return {full(name): {full(other) for other in needs.split()} for name, needs in modules.items()}


MAY_IMPORT = {
    **_qualified("optics", OPTICS),
    **_qualified("acdc_optical", ACDC),
    **_qualified("acdc_optical.fabrication", FABRICATION),
    # The public faces: everything below what draws and what is run.
    "optics": {f"optics.{name}" for name in OPTICS} - MAY_DRAW,
    "acdc_optical": {f"acdc_optical.{name}" for name in ACDC if name.split(".")[0] != "cli"} - MAY_DRAW,
    "acdc_optical.fabrication": {f"acdc_optical.fabrication.{name}" for name in FABRICATION},
    "acdc_optical.__main__": {"acdc_optical.cli"},
}

ONLY_TORCH = {"acdc_optical.transforms", "acdc_optical.layers", "acdc_optical.presentation"}
"""Judge the optics, and so depend on nothing but torch."""

MAY_PRINT = {name for name in MAY_IMPORT if name.startswith("acdc_optical.cli")}
NO_NAMES = {"utils", "util", "helpers", "misc", "common"}


class Module(NamedTuple):
    name: str
    tree: ast.Module
    is_package: bool


def modules() -> dict[str, Module]:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if is_package else parts)
            found[name] = Module(name, ast.parse(path.read_text(encoding="utf-8")), is_package)
    return found


MODULES = modules()


def imports(module: Module, known: set[str]) -> Iterator[str]:
    """Dotted names of all that a module imports; ``from package import name`` is a module where there is one."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, module)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield inner if inner in known else base


def _base(node: ast.ImportFrom, module: Module) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    kept = parts[: len(parts) - node.level + module.is_package]
    return ".".join([*kept, *(node.module or "").split(".")]).rstrip(".")


def inside(name: str) -> set[str]:
    """The project's own modules that a module imports."""
    return {other for other in imports(MODULES[name], set(MODULES)) if other.split(".")[0] in PACKAGES}


def outside(name: str) -> set[str]:
    """Top-level names of the other packages that a module imports."""
    return {other.split(".")[0] for other in imports(MODULES[name], set(MODULES))} - set(PACKAGES)


every_module = pytest.mark.parametrize("name", MODULES)


@every_module
def test_has_its_place_in_the_map(name):
    assert name in MAY_IMPORT, f"place {name} in the layer map of tests/test_architecture.py, and in the README's"


@every_module
def test_imports_what_the_map_allows(name):
    strays = inside(name) - MAY_IMPORT.get(name, set())
    assert not strays, f"{name} imports {', '.join(sorted(strays))}: the layer map does not allow that"


def test_optics_knows_nothing_of_acdc():
    for name in (n for n in MODULES if n.split(".")[0] == "optics"):
        assert not any(other.startswith("acdc_optical") for other in inside(name)), name


def test_the_numerical_layer_needs_torch_alone():
    for name in ONLY_TORCH:
        assert outside(name) - set(sys.stdlib_module_names) - {"__future__"} == {"torch"}, name


def test_only_the_entry_point_imports_the_command_line():
    assert [name for name in MODULES if "acdc_optical.cli" in inside(name)] in ([], ["acdc_optical.__main__"])


@every_module
def test_only_figures_need_matplotlib(name):
    if name not in MAY_DRAW:
        assert not outside(name) & {"matplotlib", "mpl_toolkits"}


@every_module
def test_only_the_command_line_prints(name):
    if name not in MAY_PRINT:
        assert list(prints(MODULES[name].tree)) == []


def prints(tree: ast.Module) -> Iterator[int]:
    """Lines that call ``print`` or write to the standard streams."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="print")):
                yield node.lineno
            case ast.Attribute(value=ast.Name(id="sys"), attr="stdout" | "stderr"):
                yield node.lineno


@every_module
def test_has_a_name_that_says_something(name):
    assert not NO_NAMES & set(name.split("."))


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """The names around a cycle of imports; empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_import_cycles():
    assert cycle({name: inside(name) for name in MODULES}) == []


def test_the_map_has_no_cycles_either():
    assert cycle(MAY_IMPORT) == []


class TestTheReader:
    """Were the reader blind, the tests above would pass."""

    def read(self, source: str, name: str = "acdc_optical.here", is_package: bool = False) -> set[str]:
        module = Module(name, ast.parse(source), is_package)
        return set(imports(module, {"acdc_optical.cli", "acdc_optical.layers", "optics.grid"}))

    @pytest.mark.parametrize(
        ("source", "found"),
        [
            ("import optics.grid as g", {"optics.grid"}),
            ("import json, optics.grid", {"json", "optics.grid"}),
            ("from optics.grid import Grid, Axis", {"optics.grid"}),
            ("from optics import grid, Field", {"optics.grid", "optics"}),
            ("def f():\n    from acdc_optical import cli", {"acdc_optical.cli"}),
            ("if TYPE_CHECKING:\n    import matplotlib.pyplot", {"matplotlib.pyplot"}),
            ("from . import cli", {"acdc_optical.cli"}),
            ("from .layers import ACDC", {"acdc_optical.layers"}),
            ("x = 1", set()),
        ],
    )
    def test_sees_every_form_of_import(self, source, found):
        assert self.read(source) == found

    def test_resolves_relative_imports_in_a_package(self):
        assert self.read("from .layers import ACDC", "acdc_optical", is_package=True) == {"acdc_optical.layers"}

    def test_sees_prints(self):
        assert list(prints(ast.parse("x = 1\nprint(x)\nsys.stderr.write('')"))) == [2, 3]

    def test_sees_cycles(self):
        assert cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
        assert not cycle({"a": {"b", "c"}, "b": {"c"}})

    def test_sees_both_packages(self):
        assert {"optics.fourier", "acdc_optical.layers", "acdc_optical", "optics"} <= set(MODULES)
        assert "optics.grid" in inside("optics.fourier")
