"""From a data set to an instrument: floors, pretraining within a budget, readouts, and the best of them on valid."""

from .candidates import FLOORS, Candidate
from .fit import FinishedFit, fit_instrument

__all__ = ["FLOORS", "Candidate", "FinishedFit", "fit_instrument"]
