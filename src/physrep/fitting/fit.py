"""The fit: every candidate is a run of one small benchmark, and the one with the lowest error on valid is asked."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..benchmark.config import BenchConfig, RunConfig
from ..benchmark.grid import PlannedRun, expand
from ..benchmark.places import write_bench_config
from ..benchmark.run import execute, score_frozen, write_identity
from ..benchmark.runner import collect, prepare_data, write_results
from ..benchmark.untrained import Twin, with_twins
from ..data.config import DataConfig, parameter_scales
from ..data.labelled import labelled, labelled_split
from ..devices import resolve_device
from ..environment import environment
from ..errors import PhysrepError, nearest
from ..executors import writing
from ..files import read_json, read_record, write_json
from ..progress import TimeIsUpError, duration, now, time_limit
from ..ranges import folded
from ..readout.remedy import readout_names
from ..run_directory import learner_config, load_run, prepare_learner, run_data, save_learner
from ..training.config import TrainingConfig
from .budget import ENCODER_OF_AXES, FEWEST, encoder_settings, steps_within
from .candidates import FLOORS, Candidate, candidate_verdict, knowledge, line, table
from .endless import endless
from .state import FitState

if TYPE_CHECKING:
    from ..data import ClipDataset

BATCH = 32
PRETRAINED = {
    "jepa": {
        "level": "clip",
        "target": "random",
        "projector": [512, 128],
        "regulariser": {"sim": 5, "std": 25, "cov": 5},
    }
}
"""Options of learners that differ from their defaults; those of configs/quick.yaml."""


@dataclass
class FinishedFit:
    """A finished fit.

    Attributes:
        folder: what `physrep predict` is given.
        chosen: the candidate with the lowest error on valid.
        candidates: everything that was tried, in its order.
    """

    folder: Path
    chosen: Candidate
    candidates: list[Candidate]


def fit_instrument(
    data: DataConfig,
    out: str | Path,
    *,
    floors: Sequence[str] = FLOORS,
    runs: Sequence[str | Path] = (),
    learners: Sequence[str] = ("jepa",),
    budget: float = 0.0,
    num_frames: int | None = None,
    stride: int | None = None,
    probes: Sequence[str] = ("ridge", "kernel_ridge"),
    scales: dict[str, str] | None = None,
    seed: int = 0,
    device: str = "cpu",
    say: Callable[[str], None] = print,
) -> FinishedFit:
    """Fit readouts to floors, to given runs and to what is pretrained in the time that is left; choose on valid.

    Called again with the same arguments it goes on where it stopped, also in the middle of a pretraining.

    Args:
        data: the data set, with labels, and the view on it.
        out: folder of the fit; a benchmark directory with its page, and ``fit.json``.
        floors: names of learners that are not trained (or fitted in closed form).
        runs: run directories of pretrained encoders; each keeps its own view on the data.
        learners: names of learners to pretrain, which share what is left of the budget.
        budget: seconds of wall time in all, of every call for ``out`` together; 0 pretrains nothing and stops nothing.
            Whatever is not done by then is stopped where it is and left out, but for the first candidate, without
            which there is no answer; a training that takes longer than was measured ends early and is kept.
        num_frames, stride: windows; default 8 frames, or as many as there are, and at most 4 windows per trajectory.
        probes: names of probes.
        scales: ``{parameter: "log" | "linear"}`` where the system does not say.
        seed: of everything random.
        device: ``cpu``, ``cuda``, ``cuda:N``, ``mps`` or ``auto``.
        say: takes lines for the user.

    Raises:
        PhysrepError: data without labels, ``out`` holds another fit, or nothing could be fitted.
    """
    out, place = Path(out), resolve_device(device)
    data.check_out(out)
    config = fit_config(data, floors, num_frames, stride, probes, scales, seed)
    given, train = [str(run) for run in runs], data.open("train")
    with writing(out, "physrep fit"):
        state = FitState(config, out, given, list(learners), budget, seed, say, train)
        return _Fitting(state, place).run(train)


def fit_config(
    data: DataConfig,
    floors: Sequence[str],
    num_frames: int | None,
    stride: int | None,
    probes: Sequence[str],
    scales: dict[str, str] | None,
    seed: int,
) -> BenchConfig:
    """The benchmark that a fit is; arguments and errors as of `fit_instrument`."""
    train = data.open("train")
    unknown = next((name for name in scales or {} if name not in train.parameter_names), None)
    if unknown is not None:
        raise PhysrepError(
            f"scales: there is no parameter {unknown!r}; {nearest(unknown, list(train.parameter_names))}"
        )
    if not train.parameter_names:
        raise PhysrepError(
            f"{data.path}: holds no parameter that varies, so there is nothing to fit; give labels in a table "
            "(--labels), or pretrain without labels by `physrep pretrain`."
        )
    span = int(train.lengths.min())
    num_frames = num_frames or min(8, (span - 1) // data.frame_step + 1)
    stride = stride or max(1, (span - (num_frames - 1) * data.frame_step - 1) // 3)
    return BenchConfig(
        system=train.dataset_name, data=data, num_frames=num_frames, eval_stride=stride, seeds=[seed],
        probes={name: {} for name in probes}, scales=dict(scales or {}), analyses={}, jobs=1,
        runs=[RunConfig(name) for name in floors],
    )  # fmt: skip


class _Fitting:
    """A fit under way."""

    def __init__(self, state: FitState, device: str) -> None:
        self.state = state
        self.config, self.out, self.say = state.config, state.out, state.say
        self.grid: list[PlannedRun] = []
        self.work = prepare_data(self.config, self.out, device)
        self.splits = self.work.splits

    def run(self, train: ClipDataset) -> FinishedFit:
        config = self.config
        counts = ", ".join(f"{split.n_trajectories} of {name}" for name, split in self.splits.items())
        windows = f"trajectories {counts}; windows of {config.num_frames} frames, every {config.eval_stride} frames"
        scaled = ", ".join(f"{name} {scale}" for name, scale in parameter_scales(train, config.scales).items())
        budget = f"up to a budget of {duration(self.state.budget)}"
        self.say(f"{config.system}: {windows}, {budget}; scales of the parameters: {scaled}")
        write_bench_config(self.out, self.config)
        write_json(self.out / "environment.json", environment())
        for run in expand(self.config) if self.config.runs else []:
            self._try(run, self._execute)
        floors = self.state.candidates()
        if any(not own.failure for own in floors):
            self.say(knowledge(floors))
        for place in self.state.runs:
            self._try(self._given(place), lambda run, place=place: self._take(run, place))
        for number, name in enumerate(self.state.learners):
            self._pretrain(name, len(self.state.learners) - number)
        return self._finish()

    def _try(self, run: PlannedRun, work: Callable[[PlannedRun], None]) -> None:
        """Do a candidate if it is not done; one that fails is said, and left out."""
        folder = self.out / "runs" / run.name
        before = self.state.done.get(run.name)
        # A run from before there were readouts, or whose readouts are gone, is probed again.
        if before is None or not (before["failure"] or readout_names(folder)):
            started = now()
            left = self.state.left() if any(not own.failure for own in self.state.candidates()) else math.inf
            try:
                if left <= 0:
                    raise TimeIsUpError(f"the budget of {duration(self.state.budget)} is spent.")
                with time_limit(left, left - self.state.reserve()):
                    work(run)
                found = Candidate.read(folder, run.learner, self._spent(run.name) + now() - started)
            except PhysrepError as error:
                found = Candidate(run.name, run.learner, failure=str(error), seconds=now() - started)
            self.state.done[run.name] = found.as_dict()
            self.state.save()
        found = Candidate.from_dict(self.state.done[run.name])
        if not found.failure:
            self.grid.append(run)
        self.say(line(found))

    def _spent(self, name: str) -> float:
        """Seconds of a pretraining in earlier calls."""
        path = self.out / "runs" / name / "summary.json"
        summary = read_record(path) if path.is_file() else {}
        return max(0.0, summary.get("seconds", 0.0) - summary.get("seconds_this_call", 0.0))

    def _execute(self, run: PlannedRun) -> None:
        execute(run, self.work)

    def _given(self, place: str) -> PlannedRun:
        _, settings = load_run(place)
        name = "".join(c if c.isalnum() or c in "-_." else "_" for c in Path(place).name)
        seed = self.state.seed
        taken = {folded(own.name) for own in self.grid} | {folded(f"{own}-s{seed}") for own in self.state.learners}
        tried = (name, *(f"{name}_{i}" for i in range(2, 99)))
        name = next(own for own in tried if folded(f"{own}-s{seed}") not in taken)
        options = dict(settings["options"])
        encoder = str(options.get("encoder", "none"))
        return PlannedRun(f"{name}-s{seed}", settings["learner"], encoder, seed, options, TrainingConfig(),
                          False, self.config.probes)  # fmt: skip

    def _take(self, run: PlannedRun, place: str) -> None:
        """A pretrained run, with the view on the data that it was trained with."""
        learner, settings = load_run(place)
        data = self.work.data
        view = replace(run_data(settings, data.path), labels=data.labels, parameters=data.parameters)
        splits = self.splits if view == data else view.open_splits()
        folder = self.work.folder(run)
        save_learner(folder, learner, {**settings, "data": view.as_dict()})
        write_identity(run, learner, folder)
        score_frozen(run, learner.to(self.work.device), replace(self.work, data=view, opened=splits))

    def _pretrain(self, name: str, sharers: int) -> None:
        run = self._planned(name, sharers)
        if run is None:
            return
        self.state.trained.add(run.name)
        self._try(run, self._execute)
        summary = self.out / "runs" / run.name / "summary.json"
        done = read_json(summary).get("steps", 0) if summary.is_file() else 0
        if 0 < done < run.training.steps:
            self.say(f"{name}: trained for {done} of {run.training.steps} planned steps, then its time was up.")

    def _planned(self, name: str, sharers: int) -> PlannedRun | None:
        """The training that fits into the time that is left; decided once, so that a resumed fit trains the same."""
        left = (self.state.left() - self.state.reserve() * sharers) / sharers if self.state.budget else 0.0
        train = self.splits["train"]
        encoder = encoder_settings(train.shape, self.config.num_frames)
        options = {**PRETRAINED.get(name, {})}
        training: dict[str, Any] = {"learning_rate": 2e-3, "batch_size": BATCH, "shift": any(train.periodic)}
        config = replace(
            self.config,
            encoder=ENCODER_OF_AXES[len(train.shape)],
            encoder_options=encoder,
            runs=[RunConfig(name, options=options)],
        )
        if name not in self.state.plan:
            self.state.plan[name] = self._steps(expand(config)[0], train, left)
            self.state.save()
        steps = self.state.plan[name]
        if steps < FEWEST:
            self.say(
                f"{name}: not pretrained, as {max(left, 0):.0f} s of the budget are left, enough for {steps} steps; "
                f"{FEWEST} are the least, so give a larger --budget."
            )
            return None
        training |= {"steps": steps, "checkpoint_every": 50, "log_every": 10, "probe_every": 0}
        return expand(replace(config, runs=[RunConfig(name, options=options, training=training)]))[0]

    def _steps(self, run: PlannedRun, train: ClipDataset, left: float) -> int:
        if left <= 0:
            return 0
        scales = parameter_scales(train, self.config.scales)
        data, frames = self.work.data, self.config.num_frames
        settings = learner_config(run.learner, run.options, frames, train, scales, data, run.seed)
        windows = sum(
            len(split.windows(frames, self.config.eval_stride, data.frame_step))
            for split in labelled(self.splits).values()
        )
        return steps_within(prepare_learner(settings, train), train, left, BATCH, data.frame_step, windows)

    def _finish(self) -> FinishedFit:
        from ..report import build_report

        candidates = self.state.candidates()
        usable = [own for own in candidates if not own.failure]
        if not usable:
            reasons = "; ".join(f"{own.learner}: {own.failure}" for own in candidates) or "no candidate was named"
            raise PhysrepError(f"{self.config.data.path}: nothing could be fitted ({reasons}).")
        chosen = min(usable, key=lambda own: own.valid)
        rows = collect(self.grid, self.out)
        none = Twin(None, "physrep fit embeds no untrained twin; physrep bench does")
        with_twins(rows, self.grid, dict.fromkeys((run.name for run in self.grid), none), self.out)
        write_results(self.out / "results.csv", rows)
        build_report(self.out)
        self.state.save(chosen.run)
        for text in table(candidates, chosen.run):
            self.say(text)
        self.say(candidate_verdict(chosen, labelled_split(self.splits["test"]).n_trajectories))
        if text := endless(chosen, usable, self.out):
            self.say(text)
        left, budget = self.state.left(), self.state.budget
        if left < 0:
            self.say(f"took {duration(budget - left)}, longer than the budget of {duration(budget)}.")
        return FinishedFit(self.out, chosen, candidates)
