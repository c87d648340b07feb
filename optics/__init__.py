"""Wave optics on torch tensors: grids, fields, masks, lenses and what a detector sees.

Plain SI units, batches in the leading dimensions, dtype and device after the data, differentiable throughout.
Figures are in :mod:`optics.plotting`, which alone needs matplotlib.
"""

from optics.aberrations import SurfaceError, ZernikeAberration
from optics.detectors import FieldDetector, IntensityDetector
from optics.diffraction import Fraunhofer, FresnelTransform
from optics.elements import Aperture, FourierLens, Lens, Tilt, output_pitch
from optics.field import Field, Source
from optics.fourier import FourierIntegral
from optics.grid import Axis, Cell, Grid, flat, gauss, midpoint, point
from optics.inspection import Finding, inspect
from optics.lattice import suggest_grid
from optics.mask import Mask
from optics.misalignment import Misaligned
from optics.openings import Circle, Decentred, Rectangle
from optics.photons import amplitude_scale, photon_energy
from optics.pixels import Pixelated
from optics.propagation import AngularSpectrum, FresnelTransfer
from optics.readout import BalancedHomodyne, FourStep, IdealReadout, Intensity, Readout
from optics.sampling import SamplingWarning
from optics.sensor import Sensor
from optics.shot import GaussianShot, Noiseless, Poisson, ShotNoise
from optics.sine import ReversedSineLens, SineLens
from optics.spectral import AngularSpectrumTransform, FresnelSpectrumTransform
from optics.stripes import StripedMask, Stripes
from optics.system import OpticalSystem, Plane

__all__ = [
    "AngularSpectrum",
    "AngularSpectrumTransform",
    "Aperture",
    "Axis",
    "BalancedHomodyne",
    "Cell",
    "Circle",
    "Decentred",
    "Field",
    "FieldDetector",
    "Finding",
    "FourStep",
    "FourierIntegral",
    "FourierLens",
    "Fraunhofer",
    "FresnelSpectrumTransform",
    "FresnelTransfer",
    "FresnelTransform",
    "GaussianShot",
    "Grid",
    "IdealReadout",
    "Intensity",
    "IntensityDetector",
    "Lens",
    "Mask",
    "Misaligned",
    "Noiseless",
    "OpticalSystem",
    "Pixelated",
    "Plane",
    "Poisson",
    "Readout",
    "Rectangle",
    "ReversedSineLens",
    "SamplingWarning",
    "Sensor",
    "ShotNoise",
    "SineLens",
    "Source",
    "StripedMask",
    "Stripes",
    "SurfaceError",
    "Tilt",
    "ZernikeAberration",
    "amplitude_scale",
    "flat",
    "gauss",
    "inspect",
    "midpoint",
    "output_pitch",
    "photon_energy",
    "point",
    "suggest_grid",
]
