"""The grid of a benchmark: every run for each of its seeds, with encoder, options, training and probes resolved."""

from __future__ import annotations

import inspect
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import PhysrepError, nearest
from ..ranges import check_path_name, check_unique_names
from ..renamed import current_names
from ..settings import construct
from ..tokens.protocol import read_protocol
from ..training.config import TrainingConfig
from .config import EXAMPLE, BenchConfig, RunConfig
from .names import probe_name

SAME_OPERATIONS = "_same_operations"
"""What the names of runs of the track that is matched in operations end in."""


@dataclass(frozen=True)
class PlannedRun:
    """One run of the grid: a row of the table for one seed."""

    name: str
    learner: str
    encoder: str
    seed: int
    options: dict[str, Any]
    training: TrainingConfig
    trained: bool
    probes: dict[str, dict[str, Any]]
    init_from: str | None = None
    gradient: bool = False  # trained in steps, not in closed form
    search_title: str = ""  # whose search its settings come from

    @property
    def title(self) -> str:
        """Name without the seed."""
        return self.name.removesuffix(f"-s{self.seed}")


def expand(config: BenchConfig) -> list[PlannedRun]:
    """The grid: every run for each of its seeds, with encoder, options, training and probes resolved.

    Raises:
        PhysrepError: no runs, an unknown learner or probe, two runs of one name, or an unknown training setting.
    """
    from ..learners import LEARNERS
    from ..probes import PROBES
    from ..registry import current_options, resolve
    from ..training.symmetries import check_symmetries, symmetries_of

    if not config.runs:
        raise PhysrepError("runs: the list is empty; add at least one run, e.g. - learner: jepa.")
    for name in config.probes:
        resolve(name, PROBES, "probe")
    _check_metrics(config.metrics)
    nested = read_protocol(config.protocol)
    check_unique_names(config.probes, "probes: two probes")
    check_unique_names(map(probe_name, config.probes), "probes: two probes in tables")
    check_unique_names(config.analyses, "analyses: two analyses")
    grid: list[PlannedRun] = []
    titles: list[str] = []
    for number, run in enumerate(config.runs):
        place = f"runs[{number}]"
        check_references(run, config, place)
        takes_encoder = False
        trained = False
        if run.learner != "constant":
            factory = learner_class(run.learner)
            takes_encoder = "encoder" in inspect.signature(factory).parameters
            trained = getattr(factory, "trainable", True)
            if nested and nested.pool != ["test"] and getattr(factory, "needs_labels", False):
                raise PhysrepError(
                    f"{place}: {run.learner!r} is trained on the labels of train and valid, which the protocol pools "
                    f"({', '.join(nested.pool)}); pool test alone, or take the run out."
                )
        options = dict(run.options)
        if run.init_from and run.learner != "constant" and getattr(factory, "imported", False):
            options = {**_imported_options(run, config, place), **options}
        if run.learner != "constant":
            options = current_options(run.learner, LEARNERS, "learner", options, f"{place}: options")
        encoder = run.encoder or config.encoder if takes_encoder else "none"
        if takes_encoder:
            shared = config.encoder_options if run.encoder in (None, config.encoder) else {}
            options = {"encoder": encoder, "encoder_options": run.encoder_options or shared, **options}
        elif run.encoder:
            raise PhysrepError(f"{place}: learner {run.learner!r} takes no encoder; remove that setting.")
        own = current_names(run.training, asdict(config.training), f"{place}: training")
        own = {key: value for key, value in own.items() if value is not None}
        training = construct(TrainingConfig, {**asdict(config.training), **own}, f"{place}: training", EXAMPLE)
        check_symmetries(symmetries_of(training), config.system)
        check_path_name(run.title, f"{place}: name")
        probes = config.probes
        if run.probes is not None:
            probes = {name: config.probes[name] for name in run.probes}
        _check_init_from(run, config, trained, place)
        gradient = trained and not hasattr(learner_class(run.learner), "fit")
        tracks = {run.title: training}
        if config.operations and gradient and not run.init_from and learner_class(run.learner).kind == "learner":
            tracks[run.title + SAME_OPERATIONS] = replace(training, flops=config.operations)
        # What draws no random numbers is the same for every seed.
        seeds = (run.seeds or config.seeds) if takes_encoder or trained else [0]
        titles += tracks
        for title, own_training in tracks.items():
            for seed in seeds:
                grid.append(
                    PlannedRun(
                        f"{title}-s{seed}", run.learner, encoder, seed, options, own_training, trained, probes,
                        run.init_from, gradient, run.title,
                    )
                )  # fmt: skip
    check_unique_names(titles, "runs: two runs")
    return grid


def _check_metrics(metrics: list[str]) -> None:
    """Refuse unknown metrics, two of one name, and a table that cannot be ranked."""
    from ..metrics.uncertainty import find_metric

    names = [find_metric(metric).name for metric in metrics]
    if "mse" not in names or len(set(names)) < len(names):
        raise PhysrepError(f"metrics: are {metrics}; name each once, and mse among them: learners are ranked by it.")


def learner_class(name: str) -> Any:
    """The class of a learner, a name of `physrep.learners.LEARNERS` or an import path.

    Raises:
        PhysrepError: there is none of that name.
    """
    from ..learners import LEARNERS
    from ..registry import resolve

    return resolve(name, LEARNERS, "learner")


def check_references(run: RunConfig, config: BenchConfig, place: str) -> None:
    """Refuse what a run names that its benchmark does not have; no learner is looked at.

    Args:
        run: of the benchmark.
        config: of the benchmark.
        place: where the run stands, for messages.

    Raises:
        PhysrepError: an unknown probe, a run to start from that is not there, or options of the constant.
    """
    unknown = [name for name in run.probes or () if name not in config.probes]
    if unknown:
        raise PhysrepError(f"{place}: probe {unknown[0]!r} is not among the benchmark's {list(config.probes)}.")
    if run.learner == "constant" and (run.options or run.init_from):
        what = f"option {next(iter(run.options))!r}" if run.options else "init_from"
        raise PhysrepError(f"{place}: learner 'constant' takes no {what}; leave it out.")
    names = [name for name in config.run_names() if name != run.title]
    if run.init_from is not None and run.init_from not in names and not (Path(run.init_from) / "config.yaml").is_file():
        raise PhysrepError(
            f"{place}: init_from {run.init_from!r} is neither a run directory nor another run of this benchmark; "
            f"{nearest(run.init_from, names)}"
        )


def _imported_options(run: RunConfig, config: BenchConfig, place: str) -> dict[str, Any]:
    """Options of the imported run whose weights a frozen learner takes.

    Raises:
        PhysrepError: it is no run of this learner, or of windows of another length.
    """
    from ..run_directory import read_run_config

    stored = read_run_config(str(run.init_from))
    if stored["learner"] != run.learner or stored["num_frames"] != config.num_frames:
        raise PhysrepError(
            f"{place}: init_from {run.init_from!r} is {stored['learner']!r} on {stored['num_frames']} frames, but "
            f"{run.learner!r} on {config.num_frames} is wanted; set num_frames, or import it again."
        )
    return dict(stored["options"])


def _check_init_from(run: RunConfig, config: BenchConfig, trained: bool, place: str) -> None:
    """Refuse an ``init_from`` that is neither a run directory nor another run that stands by itself, of all seeds."""
    if run.init_from is None:
        return
    if not trained:
        if getattr(learner_class(run.learner), "imported", False):
            return
        raise PhysrepError(f"{place}: learner {run.learner!r} has nothing to train; leave init_from out.")
    base = next((other for other in config.runs if other.title == run.init_from and other is not run), None)
    if base is None:
        return
    if base.init_from is not None:
        raise PhysrepError(f"{place}: init_from {run.init_from!r} has one itself; name a run that has none.")
    missing = set(run.seeds or config.seeds) - set(base.seeds or config.seeds)
    if missing:
        raise PhysrepError(
            f"{place}: init_from {run.init_from!r} is not run for seed {min(missing)}; give both the same seeds."
        )
