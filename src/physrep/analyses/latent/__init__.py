"""Questions to frozen runs as latent trajectories: embeddings of a simulation, one after another in time."""

from .analysis import LatentAnalysis, read_latent
from .classification import Classification
from .context import LatentContext
from .falsification import Falsification
from .koopman import Koopman
from .naming import Naming
from .parameters import Parameters
from .spatial_head import SpatialHead

LATENT: dict[str, type[LatentAnalysis]] = {
    "parameters": Parameters,
    "koopman": Koopman,
    "spatial_head": SpatialHead,
    "falsification": Falsification,
    "classification": Classification,
    "naming": Naming,
}
"""By name; part of `physrep.analyses.ANALYSES`."""

__all__ = ["LATENT", "LatentAnalysis", "LatentContext", "read_latent"]
