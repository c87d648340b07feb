"""ACDC layers and their optical realisation: layer → realise → verify → export."""

from acdc_optical.anywhere import light_at
from acdc_optical.as_built import as_built
from acdc_optical.bench import Bench
from acdc_optical.brightest import Brightest, Brightness, trade_off
from acdc_optical.calibration import Calibrated, ComplexValues, InPhase, RealValues, WholeField
from acdc_optical.cascade import OpticalCascade, Stage
from acdc_optical.characterisation import Characterisation, characterise
from acdc_optical.combs import BrightComb, Comb, OnePixel
from acdc_optical.compensation import compensated
from acdc_optical.compilation import Masks, compile_layer
from acdc_optical.condensed import CondensedLayer, condensed
from acdc_optical.constraints import (
    ComplexAmplitude,
    PhaseOnly,
    Quantised,
    SignedAmplitude,
    SoftStaircase,
    StraightThrough,
    binary_phase,
)
from acdc_optical.design import Design
from acdc_optical.distribution_files import read_distributions, tolerance_preset
from acdc_optical.distributions import Normal, Uniform
from acdc_optical.etched_combs import EtchedComb
from acdc_optical.etching.one_etch import OneEtch
from acdc_optical.exposure import exposure_of
from acdc_optical.hardware import Camera, FourierMask, Laser, Lenses, Modulator, RelayMask
from acdc_optical.imperfect import ImperfectLayer
from acdc_optical.imperfections import Imperfections
from acdc_optical.layers import ACDC, AFDF, Gaussian, IdentityPlusNoise, Permutation, as_matrix
from acdc_optical.methods import Exact, Sampled
from acdc_optical.metrics import ErrorAfterGain, ErrorRate, RelativeError, SquaredError
from acdc_optical.models import Continuous, Ideal
from acdc_optical.nearest import nearest_layer
from acdc_optical.phases import ExactPhases, InQuadrature
from acdc_optical.photon_budget import photon_budget
from acdc_optical.plane_calibration import calibrate
from acdc_optical.realisation import OpticalLayer, realise, realise_each
from acdc_optical.reports import Report
from acdc_optical.robust import InTheLoop, on_bench
from acdc_optical.searches import LinearProgramme, Splitting
from acdc_optical.sensitivities import Sensitivity, sensitivities
from acdc_optical.spaces import Paraxial, Scalar
from acdc_optical.tolerance_results import Tolerances
from acdc_optical.tolerancing import Draws, tolerance
from acdc_optical.trained_masks import trainable_masks
from acdc_optical.training import CrossEntropy, Epoch, Schedule, fit
from acdc_optical.transforms import CosineTransform, dct, idct
from acdc_optical.turning import Newton
from acdc_optical.verification import verify
from acdc_optical.waterfall import waterfall
from acdc_optical.wave import Wave

__version__ = "0.1.0"

__all__ = [
    "ACDC",
    "AFDF",
    "Bench",
    "BrightComb",
    "Brightest",
    "Brightness",
    "Calibrated",
    "Camera",
    "Characterisation",
    "Comb",
    "ComplexAmplitude",
    "ComplexValues",
    "CondensedLayer",
    "Continuous",
    "CosineTransform",
    "CrossEntropy",
    "Design",
    "Draws",
    "Epoch",
    "ErrorAfterGain",
    "ErrorRate",
    "EtchedComb",
    "Exact",
    "ExactPhases",
    "FourierMask",
    "Gaussian",
    "Ideal",
    "IdentityPlusNoise",
    "ImperfectLayer",
    "Imperfections",
    "InPhase",
    "InQuadrature",
    "InTheLoop",
    "Laser",
    "Lenses",
    "LinearProgramme",
    "Masks",
    "Modulator",
    "Newton",
    "Normal",
    "OneEtch",
    "OnePixel",
    "OpticalCascade",
    "OpticalLayer",
    "Paraxial",
    "Permutation",
    "PhaseOnly",
    "Quantised",
    "RealValues",
    "RelativeError",
    "RelayMask",
    "Report",
    "Sampled",
    "Scalar",
    "Schedule",
    "Sensitivity",
    "SignedAmplitude",
    "SoftStaircase",
    "Splitting",
    "SquaredError",
    "Stage",
    "StraightThrough",
    "Tolerances",
    "Uniform",
    "Wave",
    "WholeField",
    "as_built",
    "as_matrix",
    "binary_phase",
    "calibrate",
    "characterise",
    "compensated",
    "compile_layer",
    "condensed",
    "dct",
    "exposure_of",
    "fit",
    "idct",
    "light_at",
    "nearest_layer",
    "on_bench",
    "photon_budget",
    "read_distributions",
    "realise",
    "realise_each",
    "sensitivities",
    "tolerance",
    "tolerance_preset",
    "trade_off",
    "trainable_masks",
    "verify",
    "waterfall",
]
