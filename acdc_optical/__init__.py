"""ACDC layers and their optical realisation: layer → realise → verify → export."""

from acdc_optical.bench import Bench, Camera, FourierMask, Modulator
from acdc_optical.compilation import Exact, Masks, Sampled, compile_layer
from acdc_optical.design import Design
from acdc_optical.layers import ACDC, AFDF, Gaussian, IdentityPlusNoise, Permutation, as_matrix
from acdc_optical.models import Continuous, Ideal
from acdc_optical.realisation import OpticalLayer, realise, realise_each
from acdc_optical.transforms import CosineTransform, dct, idct
from acdc_optical.verification import Report, verify

__version__ = "0.1.0"

__all__ = [
    "ACDC",
    "AFDF",
    "Bench",
    "Camera",
    "Continuous",
    "CosineTransform",
    "Design",
    "Exact",
    "FourierMask",
    "Gaussian",
    "Ideal",
    "IdentityPlusNoise",
    "Masks",
    "Modulator",
    "OpticalLayer",
    "Permutation",
    "Report",
    "Sampled",
    "as_matrix",
    "compile_layer",
    "dct",
    "idct",
    "realise",
    "realise_each",
    "verify",
]
