"""The analysis ``generalisation``: every shift for every frozen learner and floor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import PhysrepError
from ...probes import PROBES
from ...progress import Progress
from ...registry import build
from ..base import IDENTITY, Analysis, Context, FrozenRun, Rows
from .combinations import Combinations
from .extrapolation import Extrapolation
from .gain import GainShift
from .initial_condition import InitialCondition
from .missing_fields import MissingFields
from .noise import NoiseShift
from .probed import ProbedRun
from .resolution import Resolution
from .scoring import score_rows
from .shift import Outcome, Shift
from .study import ShiftStudy
from .time_step import TimeStep
from .window_length import WindowLength

SHIFTS: dict[str, type[Shift]] = {
    "extrapolation": Extrapolation,
    "combinations": Combinations,
    "noise": NoiseShift,
    "gain": GainShift,
    "missing_fields": MissingFields,
    "resolution": Resolution,
    "time_step": TimeStep,
    "window_length": WindowLength,
    "initial_condition": InitialCondition,
}
"""Kinds of shift in the order of the table; adding one is one file and one line here."""


class Generalisation(Analysis):
    """MSE per test trajectory under each shift, beside that of the same trajectories without it.

    The learner is frozen, and the probe is fitted once, on clean train tokens; only `Extrapolation` and `Combinations`
    fit it to parts of them. One probe serves all learners, so that a ratio speaks of the representation and not of the
    probe that happened to be chosen.

    Args:
        shifts: ``{name: options}``, names in `SHIFTS`; default all with their defaults.
        probe: name of the probe; ``chosen`` takes each run's best on valid.
        seeds: of the runs that are looked at; default the first of each.
        max_trajectories: test trajectories whose fields are encoded anew; null takes all. Extrapolation, combinations
            and the number of windows read stored tokens and always take all.
        seed: of noise, gains and random subsets.
        headline: whether the page begins with what is left under the shifts, as in the presets ``transfer_*``.
    """

    columns = (*IDENTITY, "shift", "subject", "level", "probe", "parameter", "metric", "value", "ci_low", "ci_high",
               "reference", "ratio", "ratio_low", "ratio_high", "constant", "n_trajectories", "note")  # fmt: skip

    for_page = ("headline",)

    def __init__(
        self,
        shifts: Mapping[str, Mapping[str, Any] | None] | None = None,
        probe: str = "ridge",
        seeds: Sequence[int] | None = None,
        max_trajectories: int | None = 96,
        seed: int = 0,
        headline: bool = False,
    ) -> None:
        chosen = dict.fromkeys(SHIFTS) if shifts is None else shifts
        self.shifts: dict[str, Shift] = {
            name: build(name, SHIFTS, "shift", dict(options or {})) for name, options in chosen.items()
        }
        if probe != "chosen":
            build(probe, PROBES, "probe", {}, {"seed": 0})
        if max_trajectories is not None and max_trajectories < 2:
            raise PhysrepError(f"generalisation: max_trajectories is {max_trajectories}; it must be at least 2.")
        self.probe, self.seeds, self.max_trajectories, self.seed = probe, seeds, max_trajectories, seed
        self.headline = headline

    def rows(self, context: Context) -> Rows:
        study = ShiftStudy(context, self.max_trajectories, self.seed)
        runs = chosen_runs(context.runs, self.seeds)
        rows: Rows = []
        with Progress(len(runs) * len(self.shifts), "generalisation", "shifts") as progress:
            for frozen in runs:
                run = ProbedRun(context, frozen, self.probe)
                common = {**frozen.identity(), "probe": run.probe_name}
                rows += [{**common, "shift": "clean", **row} for row in self._scored(clean(run), run)]
                for name, shift in self.shifts.items():
                    for outcome in shift.outcomes(study, run):
                        found = [{"note": outcome}] if isinstance(outcome, str) else self._scored(outcome, run)
                        rows += [{**common, "shift": name, **row} for row in found]
                    progress.advance(note=f"{frozen.name}, {name}")
        return rows

    def _scored(self, outcome: Outcome, run: ProbedRun) -> Rows:
        return score_rows(outcome, run.names, run.context.n_resamples, self.seed)


def clean(run: ProbedRun) -> Outcome:
    """Errors on all test windows as they are."""
    target = run.labels["test"].double().numpy()
    return Outcome.of("", "", run.clean, run.clean, target, run.trajectory["test"])


def chosen_runs(runs: Sequence[FrozenRun], seeds: Sequence[int] | None) -> list[FrozenRun]:
    """Of each title the runs of these seeds, default its first; what has one seed only is always there."""
    titles: dict[str, list[FrozenRun]] = {}
    for run in runs:
        titles.setdefault(run.title, []).append(run)
    chosen = []
    for group in titles.values():
        wanted = [run for run in group if seeds is not None and run.seed in seeds]
        chosen += wanted or (group[:1] if seeds is None or len(group) == 1 else [])
    return chosen
