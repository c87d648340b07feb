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
    "grid": "",
    "kernel": "",
    "field": "grid kernel",
    "fourier": "grid kernel",
    "lengths": "kernel units",
    "waves": "grid",
    "sampling": "grid units",
    "reach": "grid sampling",
    "lattice": "grid sampling units",
    "screens": "field grid kernel sampling",
    "canonical": "kernel screens waves",
    "coupling": "canonical kernel",
    "openings": "grid kernel lengths sampling screens units waves",
    "pixels": "grid sampling screens units",
    "mask": "field grid kernel screens",
    "stripes": "field grid units",
    "elements": "field fourier grid kernel lengths openings sampling screens units waves",
    "placed_lens": "canonical coupling elements field grid kernel screens waves",
    "aberrations": "grid kernel sampling screens units waves",
    "propagation": "field grid kernel lengths reach sampling waves",
    "diffraction": "field fourier grid kernel lengths reach sampling waves",
    "spectral": "field fourier grid kernel lengths reach sampling screens waves",
    "vignetting": "grid waves",
    "near": "grid vignetting waves",
    "sine": "field fourier grid kernel lengths openings sampling screens spectral units waves",
    "system": "field grid kernel mask sampling screens",
    "inspection": "field grid propagation sine spectral system",
    "misalignment": "diffraction elements field grid kernel propagation sampling screens spectral system waves",
    "poppy_bridge": "elements field grid kernel mask propagation screens system",
    "plotting": "field grid system",
    # What devices show of a mask.
    "devices": "",
    "devices.steps": "screens",
    "devices.flatness": "devices.steps kernel screens",
    "devices.parts": "devices.steps screens",
    "devices.displaced": "devices.parts devices.steps screens",
    "devices.fringing": "devices.parts devices.steps screens",
    "devices.etches": "devices.fringing devices.parts devices.steps screens",
    # What a camera makes of light.
    "detection": "",
    "detection.parameters": "",
    "detection.shot": "",
    "detection.photons": "detection.parameters kernel",
    "detection.sensor": "detection.parameters detection.shot",
    "detection.detectors": "field grid",
    "detection.readout": "detection.parameters detection.sensor detection.shot",
}
ACDC = {
    # What belongs to no room: the layer, files, its light, verification, and what joins the rooms.
    "parts": "optics.units",
    "plain_text": "",
    "progress": "",
    "light": "optics",
    "files": "",
    "transforms": "",
    "tensors": "files",
    "layers": "transforms",
    "reports": "budgets.accounts plain_text",
    "checkpoint": "tensors",
    "presentation": "layers",
    "electronics": "benches.planes layers presentation transforms optics",
    "sources": "compilation.masks layers",
    "models": "benches.bench benches.planes compilation.combs compilation.methods light optics",
    "stored_masks": "benches.bench benches.planes compilation.combs compilation.masks layers light presentation optics",
    "cascade": "benches.bench benches.planes compilation.combs compilation.masks compilation.methods "
    "compilation.phases electronics layers light models presentation sources optics",
    "realisation": "benches.bench cascade compilation.combs compilation.masks compilation.methods electronics layers "
    "light models presentation progress sources optics",
    "design": "benches.bench cascade compilation.combs compilation.masks compilation.methods layers light models "
    "realisation sources stored_masks tensors training.nearest training.trained_masks",
    "verification": "benches.imperfections budgets.light_budget budgets.photon_budget budgets.waterfall cascade "
    "compilation.combs compilation.masks compilation.methods imperfect.layer layers light models progress realisation "
    "reports waves.calibration waves.wave",
    "routes": "benches.bench design models progress realisation training.condensed training.constraints "
    "training.datasets training.fitting training.networks training.trained_masks verification",
    "tables": "budgets.contributions budgets.light_budget compilation.masks design light tolerances.sensitivities "
    "training.fitting waves.second_opinion optics optics.units",
    "demo": "benches.bench compilation.masks compilation.methods design fabrication fabrication.package.report figures "
    "files layers models progress realisation reports routes training.constraints training.datasets training.fitting "
    "training.networks verification",
    # The table.
    "benches": "",
    "benches.compositions": "parts",
    "benches.hardware": "parts",
    "benches.imperfections": "parts",
    "benches.toml_text": "parts",
    "benches.distributions": "benches.imperfections",
    "benches.bench": "benches.compositions benches.hardware benches.imperfections benches.toml_text parts optics "
    "optics.elements optics.units",
    "benches.distribution_files": "benches.distributions benches.imperfections parts",
    "benches.planes": "benches.bench benches.hardware optics optics.elements optics.units",
    "benches.schema": "benches.bench benches.compositions parts",
    # Masks for a layer.
    "compilation": "",
    "compilation.etching": "",
    "compilation.response": "benches.bench benches.planes presentation optics",
    "compilation.methods": "compilation.response light optics optics.kernel",
    "compilation.moments": "compilation.response optics",
    "compilation.masks": "benches.bench benches.planes compilation.methods compilation.response layers light "
    "presentation optics",
    "compilation.searches": "compilation.moments progress",
    "compilation.turning": "compilation.moments progress",
    "compilation.brightest": "benches.bench compilation.masks compilation.methods compilation.moments "
    "compilation.response compilation.searches layers light presentation progress",
    "compilation.combs": "benches.bench benches.hardware compilation.brightest compilation.masks compilation.methods "
    "compilation.moments compilation.searches presentation optics",
    "compilation.phases": "compilation.brightest compilation.methods compilation.moments compilation.response "
    "compilation.searches compilation.turning light",
    "compilation.etched_combs": "benches.bench compilation.combs compilation.etching.one_etch compilation.etching.rows "
    "compilation.masks presentation optics",
    "compilation.etching.lines": "",
    "compilation.etching.pulses": "",
    "compilation.etching.gaps": "compilation.etching.lines",
    "compilation.etching.steps": "compilation.etching.gaps compilation.etching.lines",
    "compilation.etching.rounding": "compilation.etching.gaps compilation.etching.lines compilation.etching.steps",
    "compilation.etching.rows": "compilation.etching.gaps compilation.etching.lines compilation.etching.pulses "
    "compilation.etching.rounding compilation.etching.steps compilation.response progress optics",
    "compilation.etching.one_etch": "compilation.etching.rows compilation.methods compilation.moments "
    "compilation.response compilation.searches progress optics optics.elements optics.units",
    # Real lenses.
    "waves": "",
    "waves.separable": "light optics optics.kernel",
    "waves.spaces": "benches.planes optics optics.kernel optics.near optics.sine optics.spectral optics.units "
    "optics.vignetting",
    "waves.wave": "benches.bench benches.planes compilation.combs compilation.methods light waves.separable "
    "waves.spaces optics optics.kernel optics.units optics.vignetting",
    "waves.calibration": "benches.planes compilation.methods compilation.response waves.separable waves.spaces "
    "waves.wave optics",
    "waves.anywhere": "benches.planes compilation.masks light realisation waves.separable waves.spaces waves.wave "
    "optics optics.near optics.vignetting",
    "waves.plane_calibration": "benches.bench compilation.masks compilation.methods layers light presentation progress "
    "realisation sources waves.calibration waves.spaces waves.wave",
    "waves.second_opinion": "benches.planes light realisation waves.wave optics optics.poppy_bridge optics.units",
    # The bench as it is.
    "imperfect": "",
    "imperfect.segments": "optics",
    "imperfect.turned_light": "",
    "imperfect.real_devices": "benches.imperfections optics optics.devices.etches optics.devices.flatness "
    "optics.devices.fringing optics.devices.parts optics.devices.steps optics.kernel",
    "imperfect.incoherence": "benches.imperfections benches.planes optics optics.kernel",
    "imperfect.light": "benches.imperfections benches.planes imperfect.segments imperfect.turned_light "
    "optics.canonical optics.coupling optics.kernel optics.waves",
    "imperfect.layer": "benches.imperfections cascade compilation.masks imperfect.incoherence imperfect.light "
    "imperfect.real_devices light models realisation optics optics.devices.displaced optics.devices.fringing "
    "optics.devices.parts",
    "imperfect.bench_fits": "benches.imperfections imperfect.layer realisation",
    "imperfect.operator": "compilation.masks imperfect.layer imperfect.real_devices presentation",
    "imperfect.characterisation": "benches.distributions benches.imperfections imperfect.bench_fits imperfect.layer "
    "realisation",
    "imperfect.compensation": "benches.imperfections compilation.masks imperfect.bench_fits imperfect.layer "
    "imperfect.segments light presentation progress realisation sources waves.calibration waves.plane_calibration",
    "imperfect.robust": "benches.distributions benches.imperfections imperfect.layer imperfect.operator realisation",
    # What it costs.
    "budgets": "",
    "budgets.accounts": "plain_text optics.units",
    "budgets.exposure": "benches.bench benches.imperfections benches.planes optics optics.detection.photons "
    "optics.detection.shot",
    "budgets.contributions": "benches.planes cascade compilation.masks compilation.methods electronics layers models "
    "optics",
    "budgets.light_budget": "cascade compilation.masks light models realisation sources optics",
    "budgets.as_built": "benches.bench benches.imperfections benches.planes budgets.exposure imperfect.layer models "
    "progress realisation optics",
    "budgets.photon_budget": "budgets.accounts budgets.exposure budgets.light_budget imperfect.layer optics "
    "optics.detection.photons",
    "budgets.waterfall": "benches.imperfections budgets.accounts budgets.as_built budgets.exposure "
    "budgets.photon_budget imperfect.layer imperfect.real_devices layers parts progress optics optics.detection.shot",
    # How far it may be off.
    "tolerances": "",
    "tolerances.metrics": "",
    "tolerances.results": "plain_text",
    "tolerances.files": "tensors",
    "tolerances.sensitivities": "benches.distributions imperfect.layer realisation tolerances.metrics verification",
    "tolerances.tolerancing": "benches.distributions benches.imperfections budgets.exposure checkpoint imperfect.layer "
    "progress realisation sources tolerances.files tolerances.metrics tolerances.results verification",
    # Fitted to data.
    "training": "",
    "training.constraints": "",
    "training.processes": "",
    "training.augmentation": "",
    "training.datasets": "files",
    "training.condensed": "benches.planes cascade light models presentation realisation optics optics.kernel",
    "training.trained_masks": "cascade compilation.masks layers light presentation realisation training.constraints",
    "training.nearest": "layers realisation training.condensed",
    "training.fitting": "checkpoint layers realisation training.augmentation training.processes training.trained_masks",
    "training.networks": "layers training.augmentation training.datasets training.fitting",
    # Pictures.
    "figures.benches": "optics.plotting",
    "figures.imperfect": "optics.plotting",
    "figures.robustness": "optics.plotting",
    "figures.waterfalls": "budgets.accounts optics.plotting",
    "figures.budgets": "reports optics.plotting",
    "figures.layers": "cascade compilation.masks light realisation optics optics.plotting optics.units",
    "figures.cascades": "budgets.contributions budgets.light_budget optics.plotting",
    "figures.training": "training.fitting optics.plotting",
    "figures.tolerances": "tolerances.results tolerances.sensitivities optics.plotting",
    "figures": "figures.benches figures.budgets figures.cascades figures.imperfect figures.layers figures.robustness "
    "figures.tolerances figures.training figures.waterfalls",
    # The command line.
    "cli.console": "",
    "cli.methods": "compilation.brightest compilation.combs compilation.etched_combs compilation.etching.one_etch "
    "compilation.methods compilation.phases waves.calibration optics.units",
    "cli.arrays": "design files layers",
    "cli.arguments": "benches.bench benches.compositions figures files models training.constraints training.datasets "
    "training.fitting training.networks waves.spaces waves.wave",
    "cli.app": "cli.arguments",
    "cli.benches": "benches.bench benches.schema cli.app cli.console",
    "cli.layers": "budgets.as_built budgets.contributions budgets.light_budget cascade cli.app cli.arguments "
    "cli.arrays cli.console cli.methods design files imperfect.layer models realisation tables verification "
    "waves.second_opinion",
    "cli.masks": "cli.app cli.console design fabrication files",
    "cli.networks": "cli.app cli.arguments cli.console demo design files progress reports routes tables "
    "training.processes",
    "cli.tolerances": "benches.distribution_files benches.distributions benches.imperfections budgets.as_built "
    "budgets.exposure cascade cli.app cli.arguments cli.console design figures files imperfect.layer realisation "
    "tables tolerances.results tolerances.sensitivities tolerances.tolerancing verification",
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
    "made": "arms encodings impulse acdc_optical.compilation.masks acdc_optical.models acdc_optical.benches.planes "
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
    "orders": "columns encodings finishing made mask_process plate process relief acdc_optical.compilation.masks "
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
    "package.writing process acdc_optical.benches.bench acdc_optical.design acdc_optical.progress acdc_optical.reports",
}


MAY_DRAW = {
    "optics.plotting",
    "acdc_optical.figures",
    "acdc_optical.figures.benches",
    "acdc_optical.figures.budgets",
    "acdc_optical.figures.cascades",
    "acdc_optical.figures.imperfect",
    "acdc_optical.figures.layers",
    "acdc_optical.figures.robustness",
    "acdc_optical.figures.tolerances",
    "acdc_optical.figures.training",
    "acdc_optical.figures.waterfalls",
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


def room(name: str) -> str:
    """The package just below ``acdc_optical`` that a module is in; the module itself, outside such packages."""
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "acdc_optical" else name


def test_rooms_do_not_lead_back_to_one_another():
    rooms: dict[str, set[str]] = {}
    for name in MODULES:
        if name not in PACKAGES:  # public faces open on all rooms
            rooms.setdefault(room(name), set()).update(room(other) for other in inside(name))
    assert cycle({name: others - {name} for name, others in rooms.items()}) == []


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
