"""ACDC layers and their optical realisation: layer → realise → verify → export."""

from acdc_optical.benches.bench import Bench
from acdc_optical.benches.distribution_files import read_distributions, tolerance_preset
from acdc_optical.benches.distributions import Normal, Uniform
from acdc_optical.benches.hardware import Camera, FourierMask, Laser, Lenses, Modulator, RelayMask
from acdc_optical.benches.imperfections import Imperfections
from acdc_optical.budgets.as_built import as_built
from acdc_optical.budgets.exposure import exposure_of
from acdc_optical.budgets.photon_budget import photon_budget
from acdc_optical.budgets.waterfall import waterfall
from acdc_optical.cascade import OpticalCascade, Stage
from acdc_optical.compilation.brightest import Brightest, Brightness, trade_off
from acdc_optical.compilation.combs import BrightComb, Comb, OnePixel
from acdc_optical.compilation.etched_combs import EtchedComb
from acdc_optical.compilation.etching.one_etch import OneEtch
from acdc_optical.compilation.masks import Masks, compile_layer
from acdc_optical.compilation.methods import Exact, Sampled
from acdc_optical.compilation.phases import ExactPhases, InQuadrature
from acdc_optical.compilation.searches import LinearProgramme, Splitting
from acdc_optical.compilation.turning import Newton
from acdc_optical.design import Design
from acdc_optical.imperfect.characterisation import Characterisation, characterise
from acdc_optical.imperfect.compensation import compensated
from acdc_optical.imperfect.layer import ImperfectLayer
from acdc_optical.imperfect.robust import InTheLoop, full_scales, on_bench
from acdc_optical.layers import ACDC, AFDF, Gaussian, IdentityPlusNoise, Permutation, as_matrix
from acdc_optical.models import Continuous, Ideal
from acdc_optical.realisation import OpticalLayer, realise, realise_each
from acdc_optical.reports import Report
from acdc_optical.tolerances.metrics import ErrorAfterGain, ErrorRate, RelativeError, SquaredError
from acdc_optical.tolerances.results import Tolerances
from acdc_optical.tolerances.sensitivities import Sensitivity, sensitivities
from acdc_optical.tolerances.tolerancing import Draws, tolerance
from acdc_optical.training.condensed import CondensedLayer, condensed
from acdc_optical.training.constraints import (
    ComplexAmplitude,
    PhaseOnly,
    Quantised,
    SignedAmplitude,
    SoftStaircase,
    StraightThrough,
    binary_phase,
)
from acdc_optical.training.fitting import CrossEntropy, Epoch, Schedule, fit
from acdc_optical.training.nearest import nearest_layer
from acdc_optical.training.trained_masks import trainable_masks
from acdc_optical.transforms import CosineTransform, dct, idct
from acdc_optical.verification import verify
from acdc_optical.waves.anywhere import light_at
from acdc_optical.waves.calibration import Calibrated, ComplexValues, InPhase, RealValues, WholeField
from acdc_optical.waves.plane_calibration import calibrate
from acdc_optical.waves.spaces import Paraxial, Scalar
from acdc_optical.waves.wave import Wave

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
    "full_scales",
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
