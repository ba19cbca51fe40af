"""What a benchmark is: data, encoders, runs, probes, seeds. One YAML file of this shape is one study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..data.config import DataConfig
from ..executors import ClusterConfig
from ..ranges import SEEDS, setting
from ..renamed import takes_former_names
from ..settings import construct
from ..simulation import SimulationConfig
from ..training.config import TrainingConfig
from .search import SearchConfig

EXAMPLE = "configs/quick.yaml"


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


def read_config(values: Mapping[str, Any], source: str) -> BenchConfig:
    """A `BenchConfig` from plain data; every unknown key is an error that names the nearest known one.

    Args:
        values: settings, as a YAML file holds them.
        source: where they come from, for messages.

    Raises:
        PhysrepError: an unknown key, or a value of the wrong type.
    """
    return construct(BenchConfig, values, source, EXAMPLE)
