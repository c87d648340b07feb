"""ACDC layers and their optical realisation: layer → realise → verify → export."""

from acdc_optical.anywhere import light_at
from acdc_optical.bench import Bench, Camera, FourierMask, Lenses, Modulator
from acdc_optical.calibration import Calibrated, ComplexValues, InPhase, RealValues, WholeField
from acdc_optical.compilation import Exact, Masks, Sampled, compile_layer
from acdc_optical.design import Design
from acdc_optical.layers import ACDC, AFDF, Gaussian, IdentityPlusNoise, Permutation, as_matrix
from acdc_optical.models import Continuous, Ideal
from acdc_optical.plane_calibration import calibrate
from acdc_optical.realisation import OpticalLayer, realise, realise_each
from acdc_optical.spaces import Paraxial, Scalar
from acdc_optical.transforms import CosineTransform, dct, idct
from acdc_optical.verification import Report, verify
from acdc_optical.wave import Wave

__version__ = "0.1.0"

__all__ = [
    "ACDC",
    "AFDF",
    "Bench",
    "Calibrated",
    "Camera",
    "ComplexValues",
    "Continuous",
    "CosineTransform",
    "Design",
    "Exact",
    "FourierMask",
    "Gaussian",
    "Ideal",
    "IdentityPlusNoise",
    "InPhase",
    "Lenses",
    "Masks",
    "Modulator",
    "OpticalLayer",
    "Paraxial",
    "Permutation",
    "RealValues",
    "Report",
    "Sampled",
    "Scalar",
    "Wave",
    "WholeField",
    "as_matrix",
    "calibrate",
    "compile_layer",
    "dct",
    "idct",
    "light_at",
    "realise",
    "realise_each",
    "verify",
]
