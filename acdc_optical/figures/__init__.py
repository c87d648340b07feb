"""Pictures of layers, benches, light and results; they can be saved, and show in notebooks. Needs matplotlib."""

from acdc_optical.figures.benches import bench_schematic, plot_bench
from acdc_optical.figures.budgets import plot_error_budget
from acdc_optical.figures.cascades import plot_contributions, plot_light_budget
from acdc_optical.figures.imperfect import plot_errors
from acdc_optical.figures.layers import plot_light, plot_masks
from acdc_optical.figures.robustness import plot_robustness
from acdc_optical.figures.tolerances import plot_sensitivities, plot_tolerances
from acdc_optical.figures.training import plot_confusion, plot_history
from acdc_optical.figures.waterfalls import plot_waterfall

__all__ = [
    "bench_schematic",
    "plot_bench",
    "plot_confusion",
    "plot_contributions",
    "plot_error_budget",
    "plot_errors",
    "plot_history",
    "plot_light",
    "plot_light_budget",
    "plot_masks",
    "plot_robustness",
    "plot_sensitivities",
    "plot_tolerances",
    "plot_waterfall",
]
