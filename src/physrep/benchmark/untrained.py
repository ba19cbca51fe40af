"""Beside every score: that of the same architecture with its initial weights, and how many directions the tokens use.

An untrained network often reads much of the parameters, and a collapsed representation can score well: neither is seen
in a score alone. The *untrained twin* of a run is its learner as it was before the first step (same class, options,
seed, normalisation; a frozen encoder as its `random_weights`), embedded on the same windows, read by the same probes.
Runs whose untrained tokens are bit for bit the same share one twin, and where the benchmark holds the floor ``random``
with these very tokens, its scores are the twin's and nothing is computed.

``untrained/KEY/scores.json`` holds the scores of a twin; its tokens are removed once they are scored.
"""

from __future__ import annotations

import hashlib
import inspect
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..data.labelled import labelled
from ..errors import PhysrepError
from ..files import content_hash, read_json, read_record, write_json
from ..metrics.collapse import Spread, collapse_in_words, token_spread
from ..run_directory import prepare_learner, read_run_config, read_summary
from ..tokens import TokenStore
from ..tokens.as_stored import TooLargeError, as_stored
from .config import BenchConfig
from .finished import data_key, request_key
from .grid import PlannedRun, learner_class
from .open_bench import OpenBench
from .run import SCORES, embed_frozen, probe_twin

if TYPE_CHECKING:
    from ..data import ClipDataset
    from ..learners.base import Learner

COLUMNS = ("participation_ratio", "collapse", "untrained", "untrained_note")
"""Columns of results.csv that this module fills."""

FOLDER, RECORD, SPREAD = "untrained", "untrained.json", "spread.json"
_FIRST = 64
"""Windows of valid whose tokens tell whether two untrained encoders are the same: one batch of `embed_splits`."""


@dataclass(frozen=True)
class Twin:
    """Where the scores of a run's untrained twin are, or why it has none.

    Attributes:
        scores: file with its rows; None without a twin.
        note: why there is none, or which run it is.
    """

    scores: Path | None
    note: str = ""


def why_none(run: PlannedRun, folder: Path) -> str:
    """Why a run has no untrained twin; empty if it can have one."""
    if run.learner == "constant":
        return "has no weights"
    if run.trained and not run.gradient:
        return "is fitted in closed form: before that it has no tokens"
    if run.trained:
        return ""
    takes = "random_weights" in inspect.signature(learner_class(run.learner)).parameters
    if takes and not run.options.get("random_weights"):
        return ""
    return "is untrained itself" if read_summary(folder).get("encoder_parameters") else "has no weights"


def untrained_learner(folder: Path, train: ClipDataset) -> Learner:
    """The learner of a run directory with the weights that it had before its training.

    Raises:
        PhysrepError: it cannot be built.
    """
    config = {key: value for key, value in read_run_config(folder).items() if key != "init_from"}
    if "random_weights" in inspect.signature(learner_class(config["learner"])).parameters:
        config["options"] = {**config["options"], "random_weights": True}
    return prepare_learner(config, train).eval().requires_grad_(False)


def record_untrained(run: PlannedRun, work: OpenBench) -> dict[str, str]:
    """What tells the untrained twin of a finished run from others, measured once and kept in its folder.

    Returns:
        ``twin``, what identifies it but for its probes, or ``note``, why there is none.
    """
    folder, identity = work.folder(run), data_key(work.splits)
    path = folder / RECORD
    key = content_hash([request_key(run, work.config, identity, 1), work.device])
    if path.is_file() and (stored := read_record(path)).get("key") == key:
        return stored
    found = {"key": key, "twin": "", "note": why_none(run, folder)}
    if not found["note"]:
        try:
            tokens = _first_tokens(work, folder)
            found["twin"] = _twin_key(tokens, run, work.config, identity)
        except PhysrepError as error:
            found["note"] = f"cannot be built untrained: {error}"
    write_json(path, found)
    return found


def find_twins(grid: Sequence[PlannedRun], work: OpenBench) -> tuple[dict[str, Twin], dict[Path, PlannedRun]]:
    """The twins of all finished runs, and for those that are to be computed one run each, by folder."""
    twins: dict[str, Twin] = {}
    wanted: dict[Path, PlannedRun] = {}
    floors, identity = {}, data_key(work.splits)
    for run in grid:
        if run.learner == "random":
            stored = TokenStore.open(work.folder(run) / "tokens" / "valid").tokens[:_FIRST]
            floors[_twin_key(np.asarray(stored), run, work.config, identity)] = run
    for run in grid:
        found = record_untrained(run, work)
        if found["note"]:
            twins[run.name] = Twin(None, found["note"])
            continue
        floor = floors.get(found["twin"])
        if floor is not None and set(run.probes) <= set(floor.probes):
            twins[run.name] = Twin(work.folder(floor) / SCORES, f"its tokens are those of {floor.name}")
            continue
        folder = work.out / FOLDER / content_hash([found["twin"], run.probes])
        twins[run.name] = Twin(folder / SCORES)
        if not (folder / SCORES).is_file():
            wanted.setdefault(folder, run)
    return twins, wanted


def _twin_key(tokens: np.ndarray, run: PlannedRun, config: BenchConfig, identity: str) -> str:
    """What identifies a twin but for its probes: first tokens, data, and how it is embedded and scored."""
    rules = [config.num_frames, config.eval_stride, config.scales, config.metrics, config.n_resamples, config.protocol]
    digest = hashlib.sha256(np.ascontiguousarray(tokens).data).hexdigest()
    return content_hash([digest, list(tokens.shape), config.token_dtype, rules, run.seed, identity])


@torch.inference_mode()
def _first_tokens(work: OpenBench, folder: Path) -> np.ndarray:
    """Tokens of the first windows of valid by the untrained learner, in the type in which they would be stored."""
    config, splits = work.config, work.splits
    learner = untrained_learner(folder, splits["train"]).to(work.device)
    valid, step = labelled(splits)["valid"], config.data.frame_step
    windows = valid.windows(learner.num_frames, config.eval_stride, step)[:_FIRST]
    tokens = learner.encode(valid.clip(windows, learner.num_frames, step).to(work.device).blind())
    try:
        return as_stored(tokens, config.token_dtype)
    except TooLargeError:
        return as_stored(tokens, "float32")


def score_twin(run: PlannedRun, work: OpenBench, folder: Path) -> None:
    """Embed and probe the untrained twin of a run; the last file written is ``folder/scores.json``."""
    learner = untrained_learner(work.folder(run), work.splits["train"]).to(work.device)
    splits = labelled(work.splits)
    stores = embed_frozen(learner, work, splits, folder, f"{run.name} untrained: embed")
    write_json(folder / SCORES, probe_twin(run, stores, work, folder, splits))
    shutil.rmtree(folder / "tokens")
    for path in (*folder.glob("predictions_*"), *folder.glob("probe_*")):
        path.unlink()


def with_twins(
    rows: Sequence[dict[str, Any]], grid: Sequence[PlannedRun], twins: Mapping[str, Twin], out: Path
) -> None:
    """Fill `COLUMNS` of the rows of results.csv."""
    known = {run.name: _cells(run, twins[run.name], out / "runs" / run.name) for run in grid}
    for row in rows:
        shared, scores = known[row["run"]]
        value = scores.get(_cell(row))
        note = shared["untrained_note"]
        if value is None and twins[row["run"]].scores is not None:
            note = "is its own reading, which no untrained one has"
        row.update(shared, untrained="" if value is None else value, untrained_note=note)


def _cells(run: PlannedRun, twin: Twin, folder: Path) -> tuple[dict[str, Any], dict[tuple[str, ...], float]]:
    """What all rows of a run share, and the scores of its twin."""
    shared: dict[str, Any] = {"participation_ratio": "", "collapse": "", "untrained_note": twin.note}
    if run.learner != "constant":
        found = _spread(folder)
        shared["participation_ratio"] = found.participation
        # A few numbers that were written down, not learned, do not collapse; and two labels need two directions.
        if read_summary(folder)["kind"] == "learner" and (run.gradient or not run.trained):
            shared["collapse"] = "; ".join(collapse_in_words(found))
    scores = read_json(twin.scores) if twin.scores is not None else []
    return shared, {_cell(row): float(row["value"]) for row in scores}


def _cell(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("probe", "level", "parameter", "split", "metric"))


def _spread(folder: Path) -> Spread:
    """`spread` of the mean tokens of the test windows, measured once."""
    store = TokenStore.open(folder / "tokens" / "test")
    record, key = folder / SPREAD, store.meta.get("key")
    if record.is_file() and (stored := read_json(record)).get("key") == key:
        return Spread(**stored["spread"])
    means = np.concatenate([store.tokens[i : i + 256].astype(np.float64).mean(1) for i in range(0, len(store), 256)])
    found = token_spread(torch.from_numpy(means))
    write_json(record, {"key": key, "spread": vars(found)})
    return found


__all__ = [
    "COLUMNS",
    "Twin",
    "find_twins",
    "record_untrained",
    "score_twin",
    "untrained_learner",
    "why_none",
    "with_twins",
]
