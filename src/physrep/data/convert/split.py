"""Which trajectory of a source goes to which split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...errors import PhysrepError
from ..names import SPLITS
from ..splits import DEFAULT_FRACTIONS, assign_labelled, assign_splits
from .open import SPLIT_FOLDERS

RULES = ("trajectory", "cell", "folder", *SPLITS)


def split_trajectories(
    rule: str | None,
    count: int,
    *,
    folders: Sequence[str | None],
    parameters: Mapping[str, np.ndarray],
    table: Mapping[str, Sequence[str]],
    fractions: Sequence[float] = DEFAULT_FRACTIONS,
    seed: int = 0,
) -> tuple[list[str], str]:
    """Split of every trajectory, and a sentence that says how it was found.

    Args:
        rule: ``trajectory`` (shuffled), ``cell`` (trajectories with the same parameters stay together), ``folder``
            (the source has folders train, valid, test), a name of a split (all go there), or a column of the table:
            of the splits' names, or of groups that stay together. Default: folder if there are any, train if there are
            fewer than three trajectories, else trajectory.
        count: number of trajectories.
        folders: split folder of each, or None.
        parameters: name to values, for ``cell``.
        table: columns of the parameter table.
        fractions, seed: as in `physrep.data.assign_splits`.

    Raises:
        PhysrepError: an unknown rule, too few groups, or trajectories outside the split folders.
    """
    if rule is None:
        rule = "folder" if any(folders) else "train" if count < 3 else "trajectory"
    if rule in SPLITS:
        return [rule] * count, f"all trajectories go to {rule}"
    if rule == "folder":
        if not all(folders):
            raise PhysrepError(
                f"{folders.count(None)} trajectories lie in no folder train, valid or test; mend --split."
            )
        return [str(name) for name in folders], "splits are those of the source's folders"
    if rule == "trajectory":
        columns = [np.asarray(values, dtype=np.float64) for values in parameters.values()]
        known = ~np.isnan(np.stack(columns, axis=1)) if columns else np.zeros((count, 0), dtype=bool)
        assigned, labelled = assign_labelled(known, seed, fractions)
        apart = f", of {labelled} labelled and {count - labelled} unlabelled ones apart" if 0 < labelled < count else ""
        return assigned, f"splits are by trajectory{apart}, {_shares(fractions)}, seed {seed}"
    if rule == "cell":
        if not parameters:
            raise PhysrepError("--split cell needs parameters, but there are none; give --parameters.")
        groups = list(zip(*(values.tolist() for values in parameters.values()), strict=True))
        what = "parameter cells"
    elif rule in table:
        named = [SPLIT_FOLDERS.get(cell.lower()) for cell in table[rule]]
        if all(named):
            return [str(name) for name in named], f"splits are those of column {rule}"
        groups, what = list(table[rule]), f"values of column {rule}"
    elif rule in parameters:
        groups, what = parameters[rule].tolist(), f"values of {rule}"
    else:
        known = ", ".join([*RULES, *table, *(name for name in parameters if name not in table)])
        raise PhysrepError(f"--split {rule}: there is no such rule or column; use one of {known}.")
    distinct = list(dict.fromkeys(map(str, groups)))
    if len(distinct) < sum(fraction > 0 for fraction in fractions):
        raise PhysrepError(f"--split {rule}: there are only {len(distinct)} {what}; they cannot fill the splits.")
    of = dict(zip(distinct, assign_splits(len(distinct), seed, fractions), strict=True))
    return [
        of[str(group)] for group in groups
    ], f"splits are by {len(distinct)} {what}, {_shares(fractions)}, seed {seed}"


def _shares(fractions: Sequence[float]) -> str:
    return " / ".join(f"{100 * fraction:g} %" for fraction in fractions)
