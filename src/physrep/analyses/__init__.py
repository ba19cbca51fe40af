"""Questions put to the frozen encoders of a finished benchmark.

`ANALYSES` names them; a benchmark runs those of its ``analyses``, each leaves ``analyses/NAME.csv``, and the page shows
it where `physrep.report.sections` has a section of that name. Adding one is one file with a subclass of `Analysis` and
one line here.
"""

from .base import Analysis, Context, FrozenRun, Rows
from .encoded import Encoded
from .explain import Explain
from .regimes import RegimeClassification
from .similarity import Similarity

ANALYSES: dict[str, type[Analysis]] = {
    "encoded": Encoded,
    "similarity": Similarity,
    "regimes": RegimeClassification,
    "explain": Explain,
}

__all__ = ["ANALYSES", "Analysis", "Context", "FrozenRun", "Rows"]
