"""What a frozen learner and its frozen probe are worth on data that differ from those they were made with."""

from .analysis import SHIFTS, Generalisation

__all__ = ["SHIFTS", "Generalisation"]
