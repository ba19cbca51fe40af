"""What a benchmark is: data, encoders, runs, probes, seeds. One YAML file of this shape is one study."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..data.config import DataConfig
from ..errors import PhysrepError, nearest
from ..executors import ClusterConfig
from ..ranges import SEEDS, check_path_name, check_unique_names, setting
from ..renamed import current_names, takes_former_names
from ..settings import construct
from ..simulation import SimulationConfig
from ..tokens.protocol import read_protocol
from ..training.config import TrainingConfig
from .names import probe_name
from .search import SearchConfig

EXAMPLE = "configs/quick.yaml"

SAME_OPERATIONS = "_same_operations"
"""What the names of runs of the track that is matched in operations end in."""


@takes_former_names
@dataclass
class RunConfig:
    """One row of the table.

    Attributes:
        learner: name in `physrep.learners.LEARNERS`, ``constant``, or import path.
        encoder: name of an encoder (or import path); default the benchmark's.
        encoder_options: its keyword arguments.
        options: further keyword arguments of the learner.
        training: settings that differ from the benchmark's ``training``.
        name: name in the table's column ``run`` and of the folder; default ``LEARNER``.
        seeds: seeds of this run; default the benchmark's.
        probes: names of the probes to fit; default all of the benchmark's.
        init_from: run whose weights this one starts from: a run directory, or the name of another run of this
            benchmark, then the one with the same seed.
    """

    learner: str
    encoder: str | None = None
    encoder_options: dict[str, Any] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    name: str | None = None
    seeds: list[int] | None = setting(None, filled=True, unique=True, at_least=0, at_most=SEEDS)
    probes: list[str] | None = setting(None, filled=True, unique=True)
    init_from: str | None = None

    @property
    def title(self) -> str:
        """Name of the run without its seed."""
        return self.name or self.learner


DEFAULT_SYSTEM = "shear_flow"
"""What is simulated where neither a system nor data are named."""


@takes_former_names
@dataclass
class BenchConfig:
    """A benchmark.

    Attributes:
        system: system to simulate, or the name in the table for own data; default that of the data's files, and without
            data ``shear_flow``.
        simulation: what to simulate, unless ``data.path`` names existing data.
        data: the view on the data.
        num_frames: frames per window that encoders read.
        eval_stride: distance between the starts of evaluation windows, in frames.
        encoder, encoder_options: the encoder that all runs share unless they say otherwise.
        training: shared training settings.
        runs: rows of the table.
        probes: ``{name: options}``, names in `physrep.probes.PROBES`, or import paths.
        scales: ``{parameter: "log" | "linear"}`` where the system does not say.
        seeds: seeds of the trained and random runs.
        search: how settings of the trained learners are searched on valid, see `physrep.benchmark.search`.
        operations: if positive, every learner that trains without labels is run a second time, as
            ``TITLE_same_operations``, with this many floating-point operations of training for each (the track matched
            in operations, beside the one that is matched in clips).
        metrics: scores of the table, names in `physrep.metrics.METRICS` or import paths; ``mse`` must be among them.
        n_resamples: bootstrap resamples of the intervals.
        jobs: training runs side by side; default one per core on a CPU, and one per GPU.
        token_dtype: float32, or float16 for half the disk.
        analyses: ``{name: options}`` of what else is asked of the frozen encoders, names in
            `physrep.analyses.ANALYSES`, or import paths.
        protocol: ``{split: {}}``, the splits of the data set, or ``{nested_cv: {folds, seeds, pool}}``, see
            `physrep.tokens.protocol`.
        cluster: what a job asks of SLURM, see `physrep.executors.ClusterConfig`.
    """

    system: str = ""
    simulation: SimulationConfig = field(default_factory=SimulationConfig)
    data: DataConfig = field(default_factory=DataConfig)
    num_frames: int = setting(16, at_least=1, at_most=10**6)
    eval_stride: int = setting(8, at_least=1, at_most=10**6)
    encoder: str = "conv3d"
    encoder_options: dict[str, Any] = field(default_factory=dict)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    runs: list[RunConfig] = field(default_factory=list)
    probes: dict[str, dict[str, Any]] = setting(factory=lambda: {"ridge": {}}, filled=True)
    scales: dict[str, str] = setting(factory=dict, choices=("log", "linear"))
    seeds: list[int] = setting(factory=lambda: [0], filled=True, unique=True, at_least=0, at_most=SEEDS)
    search: SearchConfig = field(default_factory=SearchConfig)
    operations: float = setting(0.0, at_least=0, at_most=1e30)
    metrics: list[str] = setting(factory=lambda: ["mse", "r2"], filled=True, unique=True)
    n_resamples: int = setting(2000, at_least=1, at_most=10**7)
    jobs: int | None = setting(None, at_least=1, at_most=4096)
    token_dtype: str = setting("float32", choices=("float32", "float16"))
    analyses: dict[str, dict[str, Any]] = field(default_factory=lambda: {"units": {}})
    protocol: dict[str, Any] = field(default_factory=lambda: {"split": {}})
    cluster: ClusterConfig = field(default_factory=ClusterConfig)

    def __post_init__(self) -> None:
        if not (self.system or self.data.path or self.data.dataset):
            self.system = DEFAULT_SYSTEM

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def run_names(self) -> list[str]:
        """Names of the runs, without seeds."""
        return [run.title for run in self.runs]


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


def read_config(values: Mapping[str, Any], source: str) -> BenchConfig:
    """A `BenchConfig` from plain data; every unknown key is an error that names the nearest known one.

    Args:
        values: settings, as a YAML file holds them.
        source: where they come from, for messages.

    Raises:
        PhysrepError: an unknown key, or a value of the wrong type.
    """
    return construct(BenchConfig, values, source, EXAMPLE)


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
