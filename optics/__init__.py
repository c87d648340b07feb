"""Wave optics on torch tensors: grids, fields, masks, lenses and what a detector sees.

Plain SI units, batches in the leading dimensions, dtype and device after the data, differentiable throughout.
Figures are in :mod:`optics.plotting`, which alone needs matplotlib.
"""

from optics.aberrations import SurfaceError, ZernikeAberration
from optics.canonical import LensStance, Stance
from optics.detection.detectors import FieldDetector, IntensityDetector
from optics.detection.photons import amplitude_scale, photon_energy
from optics.detection.readout import BalancedHomodyne, FourStep, IdealReadout, Intensity, Readout
from optics.detection.sensor import Sensor
from optics.detection.shot import GaussianShot, Noiseless, Poisson, ShotNoise
from optics.devices.displaced import Moved
from optics.devices.etches import EdgeGrowth, Overlay
from optics.devices.flatness import Flatness, random_flatness
from optics.devices.fringing import Crosstalk, DeadZone
from optics.devices.parts import Parts, whole
from optics.devices.steps import EtchDepth, LookUpTable, NearestLevel, PhaseStroke, QuantisedAmplitude, QuantisedPhase
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
from optics.pixels import Pixelated
from optics.placed_lens import PlacedLens
from optics.propagation import AngularSpectrum, FresnelTransfer
from optics.sampling import SamplingWarning
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
    "Crosstalk",
    "DeadZone",
    "Decentred",
    "EdgeGrowth",
    "EtchDepth",
    "Field",
    "FieldDetector",
    "Finding",
    "Flatness",
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
    "LensStance",
    "LookUpTable",
    "Mask",
    "Misaligned",
    "Moved",
    "NearestLevel",
    "Noiseless",
    "OpticalSystem",
    "Overlay",
    "Parts",
    "PhaseStroke",
    "Pixelated",
    "PlacedLens",
    "Plane",
    "Poisson",
    "QuantisedAmplitude",
    "QuantisedPhase",
    "Readout",
    "Rectangle",
    "ReversedSineLens",
    "SamplingWarning",
    "Sensor",
    "ShotNoise",
    "SineLens",
    "Source",
    "Stance",
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
    "random_flatness",
    "suggest_grid",
    "whole",
]
