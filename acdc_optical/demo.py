"""The main job from end to end: train on real digits, realise in light, compare, draw, save."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from acdc_optical import figures
from acdc_optical.benches.bench import Bench
from acdc_optical.compilation.masks import Masks
from acdc_optical.compilation.methods import Sampled
from acdc_optical.design import Design
from acdc_optical.fabrication import export_package, made_network, orders_of, suited, verify_package
from acdc_optical.fabrication.package.report import PackageReport
from acdc_optical.files import output_folder, replacing, write_text
from acdc_optical.layers import ACDC
from acdc_optical.models import Continuous
from acdc_optical.progress import Track, silent
from acdc_optical.realisation import OpticalLayer, realise_each, run_in_batches
from acdc_optical.reports import Report
from acdc_optical.routes import Run, train_masks, train_numbers
from acdc_optical.training.constraints import binary_phase
from acdc_optical.training.datasets import Split
from acdc_optical.training.fitting import accuracy
from acdc_optical.training.networks import for_digits
from acdc_optical.verification import relative_error, verify


@dataclass(frozen=True)
class Outcome:
    """Test accuracies as shares of 1, and how far the optical network is from the numerical one."""

    images: int
    baseline: float
    numerical: float
    optical: float
    sampled: float
    made: float
    etched: float
    agreeing: int
    logit_error: float
    parameters: int
    etched_parameters: int
    dense_parameters: int


@dataclass(frozen=True)
class Demonstration:
    """What the demo found: the outcome, a report for every optical layer and every package, the files it wrote."""

    outcome: Outcome
    reports: tuple[Report, ...]
    packages: tuple[PackageReport, ...]
    files: tuple[Path, ...]


def run(out: str | Path, *, device: str = "cpu", track: Track = silent) -> Demonstration:
    """Run the demo and write figures, report, designs and their masks, ready to be ordered, into a folder.

    Args:
        out: the folder; made if needed.
        device: where the light is computed.
        track: shows progress.

    Raises:
        OSError: the folder cannot be made or written to.
    """
    folder = output_folder(out)
    bench, recipe = Bench.preset(), for_digits()
    run = Run(track=track)
    data, network = recipe.data, train_numbers(recipe, run=run).network
    etched = train_masks(network, recipe, bench, binary_phase(), run=run).network
    design = Design.of(network.double(), bench)
    images = data.test_x.double().to(device)
    light = design.realise().to(device)
    sampled = realise_each(network.to(device), bench, model=Continuous(method=Sampled()))
    logits = {
        "numerical": run_in_batches(network, images).cpu(),
        "optical": run_in_batches(light, images, track=track).cpu(),
        "sampled": run_in_batches(sampled, images, track=track).cpu(),
        "etched": run_in_batches(etched.to(device), images.float(), track=track).cpu(),
        "made": run_in_batches(made_network(design, orders_of(design, suited(design))), images.cpu()),
    }
    optical_layers = [stage for stage in light if isinstance(stage, OpticalLayer)]
    reports = tuple(verify(stage.layer, stage, track=track) for stage in optical_layers)
    outcome = _outcome(network, etched, data, logits)
    etched_layer = next(stage for stage in etched.modules() if isinstance(stage, OpticalLayer))
    designs = {"network": design, "etched": Design.of_masks(etched.cpu())}
    files = _write(folder, designs, outcome, reports)
    files += _draw(folder, optical_layers[0], etched_layer.masks(), data, reports[0], logits["optical"], track)
    packages, written = _order(folder, designs, track)
    return Demonstration(outcome, reports, packages, files + written)


def _outcome(network: nn.Module, etched: nn.Module, data: Split, logits: dict[str, Tensor]) -> Outcome:
    numerical, optical = logits["numerical"], logits["optical"]
    layers = [stage for stage in network.modules() if isinstance(stage, ACDC)]
    features = math.prod(layers[0].shape)
    parameters = sum(p.numel() for p in network.parameters())
    in_layers = sum(p.numel() for stage in layers for p in stage.parameters())
    return Outcome(
        images=len(data.test_y),
        baseline=_baseline(data),
        numerical=accuracy(numerical, data.test_y),
        optical=accuracy(optical, data.test_y),
        sampled=accuracy(logits["sampled"], data.test_y),
        made=accuracy(logits["made"], data.test_y),
        etched=accuracy(logits["etched"], data.test_y),
        agreeing=int((numerical.argmax(-1) == optical.argmax(-1)).sum()),
        logit_error=relative_error(optical, numerical),
        parameters=parameters,
        etched_parameters=sum(p.numel() for p in etched.parameters() if p.requires_grad),
        dense_parameters=parameters - in_layers + len(layers) * features * (features + 1),
    )


def _baseline(data: Split) -> float:
    model = LogisticRegression(max_iter=2000).fit(data.train_x.flatten(1).numpy(), data.train_y.numpy())
    return float(model.score(data.test_x.flatten(1).numpy(), data.test_y.numpy()))


def _write(folder: Path, designs: dict[str, Design], outcome: Outcome, reports: tuple[Report, ...]) -> tuple[Path, ...]:
    report_file, design_files = folder / "report.json", [folder / f"{name}.safetensors" for name in designs]
    for file, design in zip(design_files, designs.values(), strict=True):
        design.save(file)
    findings = {"outcome": asdict(outcome), "layers": [report.to_dict() for report in reports]}
    write_text(report_file, json.dumps(findings, indent=2, allow_nan=False))
    return *design_files, report_file


def _order(
    folder: Path, designs: dict[str, Design], track: Track
) -> tuple[tuple[PackageReport, ...], tuple[Path, ...]]:
    """The masks of each design as an order package, read back."""
    reports, files = [], []
    for name, design in designs.items():
        package = export_package(design, suited(design), folder / f"{name}-masks", track=track)
        reports.append(verify_package(package.folder, track=track))
        files.append(package.archive)
    return tuple(reports), tuple(files)


def _draw(
    folder: Path, layer: OpticalLayer, etched: Masks, data: Split, report: Report, logits: Tensor, track: Track
) -> tuple[Path, ...]:
    confusion = torch.zeros(10, 10, dtype=torch.long)
    confusion.index_put_((data.test_y, logits.argmax(-1)), torch.ones_like(data.test_y), accumulate=True)
    with torch.no_grad():
        pictures = {
            "bench.png": figures.bench_schematic(),
            "masks.png": figures.plot_masks(layer.masks()),
            "etched_masks.png": figures.plot_masks(etched),
            "light.png": figures.plot_light(layer, data.test_x[0].to(layer.layer.a.device)),
            "error_budget.png": figures.plot_error_budget(report.budget),
            "confusion.png": figures.plot_confusion(confusion),
        }
    for name, figure in track(pictures.items(), "drawing", len(pictures)):
        with replacing(folder / name) as temporary:
            figure.savefig(temporary, dpi=150)
    return tuple(folder / name for name in pictures)
