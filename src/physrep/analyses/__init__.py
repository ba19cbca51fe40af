"""Questions put to the frozen encoders of a finished benchmark.

`ANALYSES` names them; a benchmark runs those of its ``analyses``, each leaves ``analyses/NAME.csv``, and the page shows
it where `physrep.report.sections` has a section of that name. Adding one is one file with a subclass of `Analysis` and
one line here.
"""

from ..registry import Registry
from .attention import Attention
from .base import Analysis, Context, FrozenRun, Rows
from .efficiency import Efficiency
from .encoded import Encoded
from .explain import Explain
from .generalisation import Generalisation
from .increment import Increment
from .latent import LATENT
from .posterior import Posterior
from .regimes import RegimeClassification
from .similarity import Similarity
from .strength import Strength
from .surrogates import Surrogates
from .uncertainty import Uncertainty
from .units import Units

OWN: dict[str, type[Analysis]] = {
    "units": Units,
    "efficiency": Efficiency,
    "strength": Strength,
    "increment": Increment,
    "surrogates": Surrogates,
    "uncertainty": Uncertainty,
    "posterior": Posterior,
    "generalisation": Generalisation,
    "regimes": RegimeClassification,
    "encoded": Encoded,
    "similarity": Similarity,
    "explain": Explain,
    "attention": Attention,
    **LATENT,
}
ANALYSES: Registry[type[Analysis]] = Registry("physrep.analyses", OWN)
"""Analyses by name; plugins add theirs as entry points of the group ``physrep.analyses``."""

__all__ = ["ANALYSES", "Analysis", "Context", "FrozenRun", "Rows"]
