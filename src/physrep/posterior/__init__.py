"""The posterior of the parameters given frozen tokens, by neural posterior estimation, and whether it is calibrated."""

from .amortised import TokenPosterior, parameters_of
from .calibration import Calibration, calibrate
from .flows import require_sbi
from .npe import NeuralPosterior, require_enough
from .sequential import Round, refine
from .summary import Summary

__all__ = [
    "Calibration",
    "NeuralPosterior",
    "Round",
    "Summary",
    "TokenPosterior",
    "calibrate",
    "parameters_of",
    "refine",
    "require_enough",
    "require_sbi",
]
