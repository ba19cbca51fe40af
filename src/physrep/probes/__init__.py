"""From frozen tokens to physical parameters.

`PROBES` names the probes; adding one is one file with a subclass of `Probe` and one line here.
"""

from ..nn.attentive import AttentiveProbe
from ..registry import Registry
from .attentive_fit import AttentiveProbeFit
from .base import Probe
from .control import CodeLength, Control, code_length, control_task, shuffled_labels
from .fit import evaluate
from .kernel_ridge import KernelRidgeProbe
from .logistic import LogisticProbe
from .mlp import MLPProbe
from .nearest import NearestProbe
from .nested import evaluate_nested
from .predictions import Predictions, load_predictions, save_predictions
from .ridge import Ridge, RidgeProbe

OWN: dict[str, type[Probe]] = {
    "ridge": RidgeProbe,
    "attentive": AttentiveProbeFit,
    "kernel_ridge": KernelRidgeProbe,
    "logistic": LogisticProbe,
    "knn": NearestProbe,
    "mlp": MLPProbe,
}
PROBES: Registry[type[Probe]] = Registry("physrep.probes", OWN)
"""Probes by name; plugins add theirs as entry points of the group ``physrep.probes``."""

__all__ = [
    "PROBES",
    "AttentiveProbe",
    "AttentiveProbeFit",
    "CodeLength",
    "Control",
    "KernelRidgeProbe",
    "LogisticProbe",
    "MLPProbe",
    "NearestProbe",
    "Predictions",
    "Probe",
    "Ridge",
    "RidgeProbe",
    "code_length",
    "control_task",
    "evaluate",
    "evaluate_nested",
    "load_predictions",
    "save_predictions",
    "shuffled_labels",
]
