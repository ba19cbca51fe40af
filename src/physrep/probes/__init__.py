"""From frozen tokens to physical parameters.

`PROBES` names the probes; adding one is one file with a subclass of `Probe` and one line here.
"""

from ..nn.attentive import AttentiveProbe
from .attentive_fit import AttentiveProbeFit
from .base import Probe
from .control import CodeLength, Control, code_length, control_task, shuffled_labels
from .embed import embed
from .fit import Predictions, evaluate, load_predictions, save_predictions
from .labels import LabelScaler, paper_label_statistics
from .linear import RidgeProbe
from .mlp import MLPProbe
from .nearest import NearestProbe
from .splits import embed_splits
from .store import TokenStore

PROBES: dict[str, type[Probe]] = {
    "ridge": RidgeProbe,
    "attentive": AttentiveProbeFit,
    "knn": NearestProbe,
    "mlp": MLPProbe,
}

__all__ = [
    "PROBES",
    "AttentiveProbe",
    "AttentiveProbeFit",
    "CodeLength",
    "Control",
    "LabelScaler",
    "MLPProbe",
    "NearestProbe",
    "Predictions",
    "Probe",
    "RidgeProbe",
    "TokenStore",
    "code_length",
    "control_task",
    "embed",
    "embed_splits",
    "evaluate",
    "load_predictions",
    "paper_label_statistics",
    "save_predictions",
    "shuffled_labels",
]
