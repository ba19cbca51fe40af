"""Learners: an objective and an encoder, one file per paradigm.

`LEARNERS` maps names to classes. Every class takes ``in_channels`` and ``num_frames``; adding one is one module and
one line here (see CONTRIBUTING.md).
"""

from ..registry import Registry
from .abilities import FitsInClosedForm
from .base import Learner
from .baselines import FieldStatistics, PooledPixels, RandomEncoder
from .bispectrum import Bispectrum
from .classical import Classical
from .disco import DISCO
from .dynamic_modes import DynamicModes
from .finetuned import FineTuned
from .frozen_video import FrozenVideo
from .jepa import JEPA
from .masked_jepa import MaskedJEPA
from .masked_pixels import MaskedPixels
from .mpp import MPP
from .next_frame import NextFrame
from .operator_discovery import OperatorDiscovery
from .operator_learner import OperatorLearner
from .pde_regression import PDERegression
from .pde_transformer import PDETransformer
from .physics_integrated import PhysicsIntegrated
from .poseidon import Poseidon
from .regularisers import REGULARISERS
from .scattering import Scattering
from .spectra import Spectra
from .supervised import Supervised
from .symmetry import SymmetryViews
from .vicreg import VICReg
from .video_pixels import VideoPixels
from .videomae import VideoMAE
from .walrus import Walrus

OWN: dict[str, type[Learner]] = {
    "jepa": JEPA,
    "masked_jepa": MaskedJEPA,
    "symmetry": SymmetryViews,
    "videomae": VideoMAE,
    "mpp": MPP,
    "disco": DISCO,
    "masked_pixels": MaskedPixels,
    "next_frame": NextFrame,
    "operator": OperatorLearner,
    "physics_integrated": PhysicsIntegrated,
    "operator_discovery": OperatorDiscovery,
    "supervised": Supervised,
    "finetuned": FineTuned,
    "frozen_video": FrozenVideo,
    "poseidon": Poseidon,
    "walrus": Walrus,
    "pde_transformer": PDETransformer,
    "random": RandomEncoder,
    "statistics": FieldStatistics,
    "pixels": PooledPixels,
    "video_pixels": VideoPixels,
    "spectra": Spectra,
    "dynamic_modes": DynamicModes,
    "classical": Classical,
    "scattering": Scattering,
    "bispectrum": Bispectrum,
    "pde_regression": PDERegression,
}
LEARNERS: Registry[type[Learner]] = Registry("physrep.learners", OWN)
"""Learners by name; plugins add theirs as entry points of the group ``physrep.learners``."""

__all__ = [
    "DISCO",
    "JEPA",
    "LEARNERS",
    "MPP",
    "REGULARISERS",
    "Bispectrum",
    "Classical",
    "DynamicModes",
    "FieldStatistics",
    "FineTuned",
    "FitsInClosedForm",
    "FrozenVideo",
    "Learner",
    "MaskedJEPA",
    "MaskedPixels",
    "NextFrame",
    "OperatorDiscovery",
    "OperatorLearner",
    "PDERegression",
    "PDETransformer",
    "PhysicsIntegrated",
    "PooledPixels",
    "Poseidon",
    "RandomEncoder",
    "Scattering",
    "Spectra",
    "Supervised",
    "SymmetryViews",
    "VICReg",
    "VideoMAE",
    "VideoPixels",
    "Walrus",
]
