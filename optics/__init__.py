"""Wave optics on torch tensors: grids, fields, masks, lenses and what a detector sees.

Plain SI units, batches in the leading dimensions, dtype and device after the data, differentiable throughout.
Figures are in :mod:`optics.plotting`, which alone needs matplotlib.
"""

from optics.aberrations import ZernikeAberration
from optics.detectors import FieldDetector, IntensityDetector
from optics.elements import Aperture, Circle, FourierLens, Lens, Mask, Rectangle, output_pitch
from optics.field import Field
from optics.fourier import FourierIntegral
from optics.grid import Axis, Cell, Grid, flat, gauss, midpoint, point
from optics.propagation import AngularSpectrum, Fraunhofer, FresnelTransfer, FresnelTransform
from optics.sampling import SamplingWarning
from optics.system import OpticalSystem, Plane

__all__ = [
    "AngularSpectrum",
    "Aperture",
    "Axis",
    "Cell",
    "Circle",
    "Field",
    "FieldDetector",
    "FourierIntegral",
    "FourierLens",
    "Fraunhofer",
    "FresnelTransfer",
    "FresnelTransform",
    "Grid",
    "IntensityDetector",
    "Lens",
    "Mask",
    "OpticalSystem",
    "Plane",
    "Rectangle",
    "SamplingWarning",
    "ZernikeAberration",
    "flat",
    "gauss",
    "midpoint",
    "output_pitch",
    "point",
]
