"""Masks that can be made: from transmittance to files for a fab, a printer or a modulator, and back."""

from acdc_optical.fabrication.encodings import (
    BinaryLee,
    BinaryPhase,
    BlazedCarrier,
    ChromeAndEtch,
    DoublePhase,
    Encoded,
    Encoding,
    PhaseSteps,
)
from acdc_optical.fabrication.layouts.layout import Flat, Hierarchical, layout_of_geometry, write_gds, write_oasis
from acdc_optical.fabrication.layouts.marks import Marks
from acdc_optical.fabrication.made import Cells, MadeLayer
from acdc_optical.fabrication.mask_process import MaskProcess
from acdc_optical.fabrication.materials import Fixed, Material, Measured, material_named
from acdc_optical.fabrication.orders import MaskOrder, made_layers, made_network, order_of_stripes, orders_of
from acdc_optical.fabrication.package.formats import FORMATS
from acdc_optical.fabrication.package.readback import verify_package
from acdc_optical.fabrication.package.writing import export_package
from acdc_optical.fabrication.pictures import plot_plate
from acdc_optical.fabrication.plate import Plate
from acdc_optical.fabrication.predictions import predict
from acdc_optical.fabrication.process import (
    LayoutProcess,
    Process,
    Tolerances,
    process_named,
    processes,
    suited,
)

__all__ = [
    "FORMATS",
    "BinaryLee",
    "BinaryPhase",
    "BlazedCarrier",
    "Cells",
    "ChromeAndEtch",
    "DoublePhase",
    "Encoded",
    "Encoding",
    "Fixed",
    "Flat",
    "Hierarchical",
    "LayoutProcess",
    "MadeLayer",
    "Marks",
    "MaskOrder",
    "MaskProcess",
    "Material",
    "Measured",
    "PhaseSteps",
    "Plate",
    "Process",
    "Tolerances",
    "export_package",
    "layout_of_geometry",
    "made_layers",
    "made_network",
    "material_named",
    "order_of_stripes",
    "orders_of",
    "plot_plate",
    "predict",
    "process_named",
    "processes",
    "suited",
    "verify_package",
    "write_gds",
    "write_oasis",
]
