"""What a fit was asked, has done and has spent, in ``fit.json``: a fit that is called again goes on from there."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..benchmark.config import BenchConfig
from ..benchmark.grid import expand
from ..data.config import data_content
from ..errors import PhysrepError
from ..files import read_record, write_json
from ..progress import now
from ..readout.remedy import FIT
from ..relocation import found_data, found_place, same_data, same_place, stored_data, stored_place
from ..training.claim import same_statistics
from .candidates import Candidate

if TYPE_CHECKING:
    from ..data import ClipDataset


class FitState:
    """Settings, candidates and time of a fit.

    Args:
        config: the benchmark that the fit is.
        out: its folder.
        runs: run directories that were given.
        learners: names of learners to pretrain.
        budget: seconds of all calls together; 0 for no end.
        seed: of everything random.
        say: takes lines for the user.
        train: the training split.

    Attributes:
        done: results by the name of the run, see `Candidate`.
        plan: optimiser steps by the name of the learner.
        trained: names of the runs that are pretrained.

    Raises:
        PhysrepError: the folder holds a fit with other settings.
    """

    def __init__(
        self,
        config: BenchConfig,
        out: Path,
        runs: list[str],
        learners: list[str],
        budget: float,
        seed: int,
        say: Callable[[str], None],
        train: ClipDataset,
    ) -> None:
        self.config, self.out, self.runs, self.learners = config, out, runs, learners
        self.budget, self.seed, self.say = budget, seed, say
        self.trained: set[str] = set()
        self.begun = now()
        self._state = self._claimed(train)
        self.done: dict[str, Any] = self._state["done"]
        self.plan: dict[str, int] = self._state["plan"]

    def _claimed(self, train: ClipDataset) -> dict[str, Any]:
        """What ``fit.json`` holds, after it was compared with what is asked now."""
        config, out, content = self.config, self.out, data_content(train)
        asked = {
            "data": {**stored_data(config.data.as_dict(), out), "content": content}, "num_frames": config.num_frames,
            "stride": config.eval_stride, "probes": list(config.probes), "scales": config.scales,
            "floors": config.run_names(), "runs": [stored_place(run, out) for run in self.runs],
            "learners": self.learners, "seed": self.seed, "budget": self.budget,
        }  # fmt: skip
        path, self.before = self.out / FIT, 0.0
        if not path.is_file():
            return {"spent": 0.0, "asked": asked, "done": {}, "plan": {}, "chosen": None}
        state = {"spent": 0.0, **read_record(path)}
        self.before = float(state["spent"])
        known = state["asked"].get("data")
        if isinstance(known, dict) and "content" not in known and self._fitted_to(train):
            known["content"] = content
        different = sorted(key for key in asked if not _agree(key, state["asked"].get(key), asked[key], self.out))
        if different:
            raise PhysrepError(f"{self.out}: holds a fit with another {', '.join(different)}; choose another --out.")
        before, given = str((known or {}).get("path", "")), config.data.as_dict()["path"]
        if not same_place(before, given, out):
            self.say(f"the data in {given} are taken for those that it was fitted to, in {found_place(before, out)}.")
        return state

    def _fitted_to(self, train: ClipDataset) -> bool:
        """Whether the runs of a fit that stored no identity of its data were normalised with theirs."""
        own = [self.out / "runs" / run.name for run in expand(self.config)] if self.config.runs else []
        held = [run for run in own if (run / "config.yaml").is_file()]
        return bool(held) and all(same_statistics(run, train) for run in held)

    def left(self) -> float:
        """Seconds of the budget; without one there is no end."""
        return self.budget - self.before - (now() - self.begun) if self.budget else math.inf

    def reserve(self) -> float:
        """Seconds to keep for embedding, probes and the page: what the slowest candidate without training took."""
        took = [own.seconds for own in self.candidates() if not own.failure and own.run not in self.trained]
        return max(took, default=0.0)

    def candidates(self) -> list[Candidate]:
        """Everything that was tried, in its order."""
        return [Candidate.from_dict(values) for values in self.done.values()]

    def save(self, chosen: str | None = None) -> None:
        """Write the file; a run that was chosen is noted in it."""
        if chosen is not None:
            self._state["chosen"] = chosen
        self._state["spent"] = self.before + now() - self.begun
        write_json(self.out / FIT, self._state)


def _agree(setting: str, stored: Any, asked: Any, out: Path) -> bool:
    if setting == "data" and isinstance(stored, dict):
        # The asked ones are as this folder would store them, and so found from it.
        return same_data(stored, found_data(asked, out), out)
    if setting == "runs" and isinstance(stored, list):
        pairs = zip(stored, asked, strict=False)
        return len(stored) == len(asked) and all(same_place(a, found_place(b, out), out) for a, b in pairs)
    return stored == asked
