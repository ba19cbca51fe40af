"""Learners: an objective and an encoder, one file per paradigm.

`LEARNERS` maps names to classes. Every class takes ``in_channels`` and ``num_frames``; adding one is one module and
one line here (see CONTRIBUTING.md).
"""

from .base import Learner
from .baselines import FieldStatistics, PooledPixels, RandomEncoder
from .disco import DISCO
from .jepa import JEPA
from .operator_learner import OperatorLearner
from .supervised import Supervised
from .vicreg import VICReg

LEARNERS: dict[str, type[Learner]] = {
    "jepa": JEPA,
    "operator": OperatorLearner,
    "disco": DISCO,
    "supervised": Supervised,
    "random": RandomEncoder,
    "statistics": FieldStatistics,
    "pixels": PooledPixels,
}

__all__ = [
    "DISCO",
    "JEPA",
    "LEARNERS",
    "FieldStatistics",
    "Learner",
    "OperatorLearner",
    "PooledPixels",
    "RandomEncoder",
    "Supervised",
    "VICReg",
]
