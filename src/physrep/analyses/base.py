"""What every analysis of a finished benchmark is given, and what it gives back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..data.config import DataConfig
from ..data.names import SPLITS
from ..errors import PhysrepError
from ..files import read_rows
from ..probes import PROBES, Probe
from ..registry import build
from ..run_directory import load_run
from ..tokens import LabelScaler, TokenStore
from ..tokens.protocol import Division, NestedCV, divide, first_parameters

if TYPE_CHECKING:
    from ..data import ClipDataset
    from ..learners.base import Learner

Rows = list[dict[str, Any]]

IDENTITY = ("run", "title", "learner", "encoder", "kind", "seed")
"""Columns that name a run in the table of an analysis."""


@dataclass(frozen=True)
class FrozenRun:
    """One encoder of the benchmark, trained and embedded.

    Attributes:
        name: of the run, with its seed: ``jepa-s0``.
        title: of the run, without it.
        learner, encoder, seed: what it is.
        kind: ``floor``, ``learner``, ``finetuned`` or ``ceiling``.
        folder: run directory, with ``tokens/{train,valid,test}`` and ``scores.json``.
    """

    name: str
    title: str
    learner: str
    encoder: str
    seed: int
    kind: str
    folder: Path

    def identity(self) -> dict[str, Any]:
        """The columns `IDENTITY`."""
        values = (self.name, self.title, self.learner, self.encoder, self.kind, self.seed)
        return dict(zip(IDENTITY, values, strict=True))


@dataclass
class Context:
    """A finished benchmark as analyses see it.

    Attributes:
        system: name of the system in the table.
        data: the view on the data, with its path.
        splits: train, valid and test, with the statistics of train.
        scaler: z-scores labels; fitted on train.
        num_frames: frames per window.
        eval_stride: distance between the starts of evaluation windows.
        runs: the encoders; those without tokens (``constant``) are not among them.
        probes: ``{name: options}`` of the benchmark.
        out: folder of the benchmark.
        device: ``cpu`` or ``cuda``.
        n_resamples: of bootstrap intervals.
        protocol: nested cross-validation, or None for the splits of the data set.
        kept: per split the trajectories of the runs' tokens that have every label; ``splits`` hold these alone. None:
            all have.
    """

    system: str
    data: DataConfig
    splits: dict[str, ClipDataset]
    scaler: LabelScaler
    num_frames: int
    eval_stride: int
    runs: list[FrozenRun]
    probes: dict[str, dict[str, Any]]
    out: Path
    device: str = "cpu"
    n_resamples: int = 2000
    protocol: NestedCV | None = None
    kept: dict[str, np.ndarray] | None = None

    def request(self) -> dict[str, Any]:
        """What determines the answers of analyses, beside the analysis itself."""
        tokens = {run.name: {split: store.meta.get("key") for split, store in self.stores(run).items()}
                  for run in self.runs}  # fmt: skip
        nested = {"protocol": asdict(self.protocol)} if self.protocol is not None else {}
        return {"tokens": tokens, "probes": self.probes, "scaler": self.scaler.to_dict(), "resamples": self.n_resamples,
                **nested}  # fmt: skip

    def division(self) -> Division:
        """Trajectories of train and test, by the protocol."""
        return divide(self.protocol, first_parameters(self.splits, self.scaler.names[0]), self.system)

    def stores(self, run: FrozenRun) -> dict[str, TokenStore]:
        """Tokens of the three splits, memory-mapped where every trajectory has all labels."""
        stores = {split: TokenStore.open(run.folder / "tokens" / split) for split in SPLITS}
        if self.kept is None:
            return stores
        return {split: store.of_trajectories(self.kept[split]) for split, store in stores.items()}

    def loaded_stores(self, run: FrozenRun) -> dict[str, TokenStore]:
        """The same with the tokens in memory, for what reads them many times."""
        return {split: replace(store, tokens=np.array(store.tokens)) for split, store in self.stores(run).items()}

    def learner(self, run: FrozenRun) -> Learner:
        """The frozen learner in evaluation mode, on the device."""
        learner, _ = load_run(run.folder)
        return learner.to("cpu" if self.device == "cpu" else "cuda").eval()

    def chosen_probe(self, run: FrozenRun) -> str:
        """The probe with the lowest mean MSE per trajectory on valid among those that were fitted to this run."""
        scores = {name: value for name, value in valid_scores(run).items() if name in self.probes}
        if not scores:
            raise PhysrepError(f"{run.folder}: no probe was fitted; name at least one in the benchmark's probes.")
        return min(scores, key=lambda name: scores[name])

    def build_probe(self, name: str, seed: int = 0, **changes: Any) -> Probe:
        """An unfitted probe with the benchmark's options, or its defaults where the benchmark does not have it.

        Args:
            name: of the probe, or its import path.
            seed: of its random numbers, where it has any.
            changes: options that differ from the benchmark's.
        """
        return build(name, PROBES, "probe", {**self.probes.get(name, {}), **changes}, {"seed": seed})


def valid_scores(run: FrozenRun) -> dict[str, float]:
    """Mean MSE per trajectory on valid of every probe of a run, its own head included."""
    wanted = ("trajectory", "mean", "valid", "mse")
    return {
        row["probe"]: row["value"]
        for row in read_rows(run.folder / "scores.json")
        if (row["level"], row["parameter"], row["split"], row["metric"]) == wanted
    }


class Analysis(ABC):
    """A question put to a finished benchmark. Its options are the arguments of its constructor.

    Attributes:
        columns: of its table, in order.
        version: increase when the same request gives other rows.
        section: import path ``package.module:function`` of what makes its section of the page,
            ``(bench, rows) -> physrep.report.section.Section | None``; without it the first rows are shown.
        for_page: options that the page alone reads; a table that was made with others of them stays.
    """

    columns: ClassVar[tuple[str, ...]]
    version: ClassVar[int] = 1
    section: ClassVar[str] = ""
    for_page: ClassVar[tuple[str, ...]] = ()

    def require(self) -> None:
        """Refuse what is missing on this machine, before anything is trained.

        Raises:
            PhysrepError: a package of an extra is not installed.
        """
        return None

    @abstractmethod
    def rows(self, context: Context) -> Rows:
        """The long table of the analysis, one dictionary with the keys `columns` per row."""
