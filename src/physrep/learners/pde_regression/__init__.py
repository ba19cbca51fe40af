"""The oracle `pde_regression`: a learner, and beside it the engine that it is made of (weak-form regression)."""

from .equations import Library, OracleWindow
from .estimate import ORACLES, estimate, known_oracle
from .learner import PDERegression
from .weak import Boxes, WeakForm

__all__ = ["ORACLES", "Boxes", "Library", "OracleWindow", "PDERegression", "WeakForm", "estimate", "known_oracle"]
