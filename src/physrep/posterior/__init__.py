"""The posterior of the parameters given frozen tokens, by neural posterior estimation, and whether it is calibrated."""

from .calibration import Calibration, calibrate
from .npe import NeuralPosterior
from .summary import Summary

__all__ = ["Calibration", "NeuralPosterior", "Summary", "calibrate"]
