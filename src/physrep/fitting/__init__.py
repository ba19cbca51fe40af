"""From a data set to an instrument: floors, pretraining within a budget, readouts, and the best of them on valid."""

from .candidates import FLOORS, Candidate
from .fit import Fit, fit_instrument

__all__ = ["FLOORS", "Candidate", "Fit", "fit_instrument"]
