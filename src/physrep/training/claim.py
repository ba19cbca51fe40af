"""Whether a folder holds the run that is asked for, so that it goes on there, or another one, which is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PhysrepError
from ..registry import current_options
from ..relocation import same_data, same_place
from ..renamed import current_names
from ..run_directory import CONFIG, stored_run_config, stored_statistics
from ..streams import say_line
from .config import TrainingConfig
from .state import read_state

if TYPE_CHECKING:
    from ..data import ClipDataset


def is_claimed(out: Path, config: Mapping[str, Any], train: ClipDataset) -> bool:
    """Whether a folder holds this run already, finished or not.

    Data are the same if their stored identity is, wherever they lie. Runs of physrep before 27 November 2026 stored
    none: there mean and standard deviation of every channel must be those that the weights were trained with. Data
    that lie elsewhere than the folder says are named in one line on standard error.

    Args:
        out: the folder.
        config: the run's configuration, as `physrep.run_directory.learner_config` makes it.
        train: the training split.

    Raises:
        PhysrepError: it holds a run with other settings.
    """
    if not (out / CONFIG).exists():
        return False
    stored = stored_run_config(out)
    if stored is None:
        raise PhysrepError(f"{out / CONFIG}: describes no run; delete it or choose another --out.")
    from ..learners import LEARNERS

    stored = current_names(stored, config, None)
    if isinstance(stored.get("training"), dict):
        # Settings that are newer than the run have their defaults there: that is how it was trained.
        defaults = asdict(TrainingConfig())
        stored["training"] = {**defaults, **current_names(stored["training"], defaults, None)}
    if stored.get("learner") == config["learner"] and isinstance(stored.get("options"), dict):
        stored["options"] = current_options(config["learner"], LEARNERS, "learner", stored["options"], None)
    if isinstance(stored.get("data"), dict) and "content" not in stored["data"] and same_statistics(out, train):
        stored["data"] = {**stored["data"], "content": config["data"]["content"]}
    different = sorted(k for k in {*stored, *config} if not _agree(k, stored.get(k), config.get(k), out))
    if different:
        raise PhysrepError(f"{out}: holds a run with another {', '.join(map(str, different))}; choose another --out.")
    before, now = (str(one.get("data", {}).get("path", "")) for one in (stored, config))
    if not same_place(before, now, out):
        say_line(f"{out}: the data in {now} are taken for those that it was trained on, in {before}.")
    return True


def _agree(setting: str, stored: Any, asked: Any, out: Path) -> bool:
    """Whether a setting is what it was; data and the run to start from by what they are, not by where they lie."""
    if setting == "physrep":
        return True
    if isinstance(stored, Mapping) and isinstance(asked, Mapping):
        if setting == "data":
            return same_data(stored, asked, out)
        if setting == "init_from":
            return stored.get("sha256") == asked["sha256"]
    return stored == asked


def same_statistics(out: Path, train: ClipDataset) -> bool:
    """Whether the weights or the state in a folder were normalised with the statistics of these data.

    Args:
        out: folder of a run.
        train: the training split.

    Raises:
        PhysrepError: weights or state are damaged.
    """
    import torch

    found = stored_statistics(out)
    if found is None:
        state = read_state(out)
        if state is None or "field_mean" not in state.weights:
            return False
        found = state.weights["field_mean"], state.weights["field_std"]
    pairs = zip(found, (train.mean, train.std), strict=True)
    return all(
        own.shape == other.shape and torch.allclose(own, other.float(), rtol=1e-3, atol=0) for own, other in pairs
    )
