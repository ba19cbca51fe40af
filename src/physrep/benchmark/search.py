"""An equal search for every objective: the same number of trials, operations and method, all choices on valid.

Each trained learner of the benchmark gets `SearchConfig.trials` trials of `SearchConfig.budget` floating-point
operations each. A trial trains with settings that Optuna's tree-structured Parzen estimator suggests, reads its frozen
tokens by one probe, and is scored by the mean MSE per trajectory on valid; test is never opened. The best setting is
then trained for every seed of the run.

What is searched are the learning rate and the weight decay, and what the class of the learner states in
``search_space``: ``{option: (low, high)}`` is sampled uniformly in the logarithm, ``{option: [a, b]}`` from the list. A
dotted option is an entry of a mapping. Whatever a configuration gives for a searched setting is replaced by the choice.

Trial k depends on the seed, on k and on the trials before it alone. Finished trials are stored one by one, so a search
that is killed and started again goes on and ends in the same table.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data.labelled import labelled
from ..errors import PhysrepError
from ..files import content_hash, read_record, write_csv, write_json
from ..ranges import SEEDS, setting
from ..registry import build
from ..relocation import without_data_places
from ..streams import say_line

if TYPE_CHECKING:
    from .config import BenchConfig
    from .grid import PlannedRun
    from .open_bench import OpenBench

SHARED: dict[str, tuple[float, float]] = {
    "training.learning_rate": (5e-4, 8e-3),
    "training.weight_decay": (1e-3, 0.3),
}
"""What is searched for every objective, with its range."""

COLUMNS = ("title", "learner", "trial", "valid_mse", "chosen", "settings", "steps", "flops", "seconds")
"""Columns of search.csv."""

FOLDER = "search"
"""Folder of the trials in that of the benchmark."""

FAILED = 1e3
"""Score of a trial whose training or tokens were not finite."""


@dataclass
class SearchConfig:
    """How settings are searched.

    Attributes:
        trials: of every trained learner; 0 searches nothing.
        budget: floating-point operations of the training of one trial.
        probe: by which a trial is read, one of the benchmark's.
        seed: of suggestions and of the trainings of trials; no seed of a run.
    """

    trials: int = setting(0, at_least=0, at_most=10_000)
    budget: float = setting(1e12, above=0, at_most=1e30)
    probe: str = "ridge"
    seed: int = setting(1000, at_least=0, at_most=SEEDS)


def searched(grid: Sequence[PlannedRun], config: BenchConfig) -> dict[str, PlannedRun]:
    """The runs whose settings are searched, by title: one of each, those that train by gradient descent.

    Raises:
        PhysrepError: the probe is none of the benchmark's, the seed is that of a run, or Optuna is not installed.
    """
    search = config.search
    if not search.trials:
        return {}
    if search.probe not in config.probes:
        raise PhysrepError(f"search: probe {search.probe!r} is not among the benchmark's {list(config.probes)}.")
    if any(run.seed == search.seed for run in grid if run.trained):
        raise PhysrepError(f"search: seed {search.seed} is that of a run; give another one.")
    _optuna()
    found: dict[str, PlannedRun] = {}
    for run in grid:
        if run.trained and not run.init_from and run.gradient:
            found.setdefault(run.search_title, run)
    return found


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise PhysrepError("search needs Optuna; pip install 'physrep[search]', or set search.trials to 0.") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def search_space(learner: str) -> dict[str, Any]:
    """Settings and their ranges, by dotted names that begin with ``training`` or ``options``."""
    from .grid import learner_class

    own: Mapping[str, Any] = getattr(learner_class(learner), "search_space", {})
    return {**SHARED, **{f"options.{name}": span for name, span in own.items()}}


def search_one(title: str, run: PlannedRun, work: OpenBench, content: str) -> list[dict[str, Any]]:
    """All trials of one learner; those that are stored are not repeated, wherever their data lie now.

    Args:
        title, run: the learner, in its own words.
        work: the benchmark.
        content: what the data are (`physrep.data.config.data_content`).

    Returns:
        Trials, the best one marked as chosen.
    """
    optuna = _optuna()
    space = search_space(run.learner)
    folder, search, key = work.out / FOLDER, work.config.search, _key(run, work, content)
    path = folder / f"{title}.json"
    stored = read_record(path, "key", "trials") if path.is_file() else {"key": key, "trials": []}
    if stored["key"] != key:
        say_line(f"search of {title}: settings have changed; its trials are made anew.")
        shutil.rmtree(folder / title, ignore_errors=True)
        stored = {"key": key, "trials": []}
    trials: list[dict[str, Any]] = stored["trials"]
    distributions = {
        name: optuna.distributions.FloatDistribution(*span, log=True)
        if isinstance(span, tuple)
        else optuna.distributions.CategoricalDistribution(span)
        for name, span in space.items()
    }
    for number in range(len(trials), search.trials):
        # A sampler of its own, so that a suggestion does not depend on how often the search was interrupted.
        sampler = optuna.samplers.TPESampler(
            seed=int(content_hash([search.seed, title, number])[:7], 16), n_startup_trials=max(2, search.trials // 3)
        )
        study = optuna.create_study(sampler=sampler)
        for trial in trials:
            study.add_trial(
                optuna.trial.create_trial(
                    params=trial["settings"], distributions=distributions, value=trial["valid_mse"]
                )
            )
        settings = dict(study.ask(distributions).params)
        result = _trial(apply(run, settings), number, title, work)
        trials.append({"title": title, "learner": run.learner, "trial": number, "settings": settings, **result})
        write_json(path, stored)
    best = min(trials[: search.trials], key=lambda trial: (trial["valid_mse"], trial["trial"]))
    return [{**trial, "chosen": trial is best} for trial in trials[: search.trials]]


def _key(run: PlannedRun, work: OpenBench, content: str) -> str:
    """What a trial depends on besides its number."""
    config, search = work.config, work.config.search
    return content_hash(
        {"learner": run.learner, "options": run.options, "training": asdict(run.training), "budget": search.budget,
         "space": repr(search_space(run.learner)), "name": search.probe, "seed": search.seed,
         "probe": config.probes[search.probe], "frames": config.num_frames, "stride": config.eval_stride,
         "data": {**without_data_places(work.data.as_dict()), "content": content}}
    )  # fmt: skip


def is_searched(title: str, run: PlannedRun, work: OpenBench, content: str) -> bool:
    """Whether all trials of a learner are stored."""
    path = work.out / FOLDER / f"{title}.json"
    if not path.is_file():
        return False
    stored = read_record(path, "key", "trials")
    return stored["key"] == _key(run, work, content) and len(stored["trials"]) >= work.config.search.trials


def apply(run: PlannedRun, settings: Mapping[str, Any]) -> PlannedRun:
    """The run with the settings of a trial."""
    options, training = {**run.options}, {}
    for name, value in settings.items():
        kind, _, rest = name.partition(".")
        if kind == "training":
            training[rest] = value
            continue
        outer, _, inner = rest.partition(".")
        options[outer] = {**(options.get(outer) or {}), inner: value} if inner else value
    return replace(run, options=options, training=replace(run.training, **training))


def _trial(run: PlannedRun, number: int, title: str, work: OpenBench) -> dict[str, Any]:
    """Train, embed train and valid, probe; what lies in the folder of the trial is removed after it is scored."""
    from ..probes import PROBES
    from ..probes.fit import predict_splits, split_scores
    from ..run_directory import load_run, read_summary
    from ..tokens import LabelScaler, embed_splits
    from ..training.pretrain import pretrain

    config, splits = work.config, work.splits
    out = work.out / FOLDER / title / f"trial-{number}"
    training = replace(run.training, flops=config.search.budget, probe_every=0)
    train = splits["train"]
    scaler = LabelScaler.of_training(train, config.scales)
    value, costs = FAILED, {}
    try:
        pretrain(
            run.learner, work.data, out, options=run.options, num_frames=config.num_frames, training=training,
            scales=config.scales, seed=config.search.seed, device=work.device, label=f"{title}: trial {number}",
            train=train,
        )  # fmt: skip
        costs = read_summary(out)
        learner = load_run(out)[0].to(work.device)
        stores = embed_splits(
            learner,
            labelled({split: splits[split] for split in ("train", "valid")}),
            out / "tokens",
            stride=config.eval_stride,
            frame_step=work.data.frame_step,
            device=work.device,
            label=f"{title}: trial {number}",
        )
        probe = build(
            config.search.probe, PROBES, "probe", config.probes[config.search.probe], {"seed": config.search.seed}
        )
        # Valid stands in the place of test, which is not opened here.
        predicted = predict_splits(probe, {**stores, "test": stores["valid"]}, scaler, config.search.probe)
        rows = split_scores(predicted["valid"], n_resamples=1, metrics=["mse"])
        value = next(float(r["value"]) for r in rows if r["level"] == "trajectory" and r["parameter"] == "mean")
    except PhysrepError as error:
        say_line(f"{title}: trial {number} failed: {error}")
    shutil.rmtree(out, ignore_errors=True)
    return {
        "valid_mse": value if math.isfinite(value) else FAILED,
        "steps": costs.get("steps"),
        "flops": costs.get("flops"),
        "seconds": costs.get("seconds"),
    }


def chosen_grid(grid: Sequence[PlannedRun], trials: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[PlannedRun]:
    """The grid with the best settings of every searched run."""
    best = {title: next(t["settings"] for t in rows if t["chosen"]) for title, rows in trials.items()}
    return [apply(run, best[run.search_title]) if run.search_title in best and run.gradient else run for run in grid]


def write_search(path: Path, trials: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Write search.csv, or nothing if nothing was searched."""
    if not trials:
        path.unlink(missing_ok=True)
        return
    rows = [
        {**trial, "settings": "; ".join(f"{k.partition('.')[2]}={_short(v)}" for k, v in trial["settings"].items())}
        for rows in trials.values()
        for trial in rows
    ]
    write_csv(path, COLUMNS, ({column: row[column] for column in COLUMNS} for row in rows))


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
