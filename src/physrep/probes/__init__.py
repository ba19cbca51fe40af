"""From frozen tokens to physical parameters.

`PROBES` names the probes; adding one is one file with a subclass of `Probe` and one line here.
"""

from ..nn.attentive import AttentiveProbe
from .attentive_fit import AttentiveProbeFit
from .base import Probe
from .embed import embed
from .fit import Predictions, evaluate, load_predictions, save_predictions
from .labels import LabelScaler, paper_label_statistics
from .linear import RidgeProbe
from .splits import embed_splits
from .store import TokenStore

PROBES: dict[str, type[Probe]] = {"ridge": RidgeProbe, "attentive": AttentiveProbeFit}

__all__ = [
    "PROBES",
    "AttentiveProbe",
    "AttentiveProbeFit",
    "LabelScaler",
    "Predictions",
    "Probe",
    "RidgeProbe",
    "TokenStore",
    "embed",
    "embed_splits",
    "evaluate",
    "load_predictions",
    "paper_label_statistics",
    "save_predictions",
]
