"""The analyses of a study, from stores of embeddings to one long table of scores and the arrays behind it.

Every row of the table has: ``analysis``, ``set``, ``target`` (parameter or question), ``level`` (what of a simulation
is read), ``modality``, ``metric``, ``value``, ``low`` and ``high`` (95 % over simulations, unless the analysis says
otherwise), ``splits`` (the value of every seed, where there are several).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

from ...errors import PhysrepError, nearest
from .classification import classification
from .context import Context, Rows, Stores, features
from .falsification import falsification
from .koopman import koopman
from .naming import naming
from .parameters import parameters
from .spatial_head import spatial_head

RUN: dict[str, Callable[..., Rows]] = {
    "parameters": parameters,
    "koopman": koopman,
    "spatial_head": spatial_head,
    "falsification": falsification,
    "classification": classification,
    "naming": naming,
}
"""Analyses by the names of `physrep.study.config.ANALYSES`."""


def run_analysis(name: str, context: Context) -> Rows:
    """Rows of one analysis, with the arguments that ``settings`` gives it.

    Raises:
        PhysrepError: a setting that the analysis does not have.
    """
    method, given = RUN[name], context.config.settings.get(name, {})
    known = list(inspect.signature(method).parameters)[1:]
    for key in given:
        if key not in known:
            hint = nearest(key, known) if known else "it has none."
            raise PhysrepError(f"settings.{name}: there is no setting {key!r}; {hint}")
    return method(context, **given)


__all__ = ["RUN", "Context", "Rows", "Stores", "features", "run_analysis"]
