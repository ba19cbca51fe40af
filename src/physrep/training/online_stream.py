"""Training on trajectories that are simulated while it runs: however long it is, none comes twice."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.config import DataConfig
from ..errors import PhysrepError
from ..executors.process import process_pool
from ..files import read_record
from ..leftovers import temporary_folder
from ..progress import without_progress
from ..simulation.config import MARK
from ..simulation.dataset import file_tasks
from ..simulation.file import simulate_file
from ..simulation.request import Request
from ..systems import trajectory_seed
from .config import TrainingConfig
from .stream import Stream, WindowStream

if TYPE_CHECKING:
    from ..clip import Clip
    from ..data import ClipDataset, Symmetries


class OnlineStream(Stream):
    """Micro-batches of windows of fresh trajectories, drawn and simulated like those of a simulated data set.

    Trajectories come in blocks of ``training.online``; every one gives ``training.online_clips`` windows, and the
    windows of a block are shuffled. Micro-batch ``i`` is a pure function of ``(seed, i)``, whatever the number of
    workers, so that an interrupted training simulates its last block again and goes on. Worker processes simulate the
    next block while one is trained on; no more than two blocks are on disk, in ``out``, and none is left behind.
    Normalisation stays that of the data set's training split, and parameters are drawn from its ranges.

    Args:
        train: training split of a simulated data set.
        frames, target, symmetries: as of `WindowStream`.
        data: the view on the data set, which fresh trajectories go through too.
        training: the settings ``online``, ``batch_size`` and ``window_stride``.
        seed: of parameters, initial conditions, windows and augmentation.
        out: folder for the blocks; None for a stream that is only checked.

    Raises:
        PhysrepError: the data were not simulated by this package, or windows do not fill whole batches.
    """

    def __init__(
        self,
        train: ClipDataset,
        frames: int,
        target: str,
        symmetries: Symmetries | None,
        data: DataConfig,
        training: TrainingConfig,
        seed: int,
        out: Path | None = None,
    ) -> None:
        super().__init__()
        self.frames, self.target, self.symmetries = frames, target, symmetries
        self.training, self.seed, self.out = training, seed, out
        self.stats = train.stats
        self.settings = _settings(data, target)
        self.system = str(self.settings["system"])
        self.view = replace(
            data.located(), parameters=list(train.parameter_names), max_trajectories=None, cache_dir=None
        )
        windows, batch = training.online * training.online_clips, training.batch_size
        if windows % batch:
            raise PhysrepError(
                f"training.online {training.online} times online_clips {training.online_clips} are {windows} clips per "
                f"block, which fill no whole batches of {batch}; give a multiple of it."
            )
        self.batches = windows // batch
        self._folder, self._pool = Path(), None
        self._ahead: dict[int, list[Future[Any]]] = {}
        self._open: tuple[int, WindowStream] | None = None

    def __iter__(self) -> Iterator[Clip]:
        workers = self.training.online_workers
        with temporary_folder("online", self.out) as folder, process_pool(workers) as pool:
            self._folder, self._pool = folder, pool
            self._ahead, self._open = {}, None
            walk: Any = super().__iter__()
            with contextlib.closing(walk) as batches:
                yield from batches

    def batch(self, number: int) -> Clip:
        """Micro-batch ``number``; only while the stream is walked through."""
        block, place = divmod(number, self.batches)
        return self._block(block).batch(place)

    def _block(self, block: int) -> WindowStream:
        if self._open is not None and self._open[0] == block:
            return self._open[1]
        if self._open is not None:
            shutil.rmtree(self._place(self._open[0]), ignore_errors=True)
        own = self._ahead.pop(block, None) or self._submit(block)
        if (block + 1) * self.batches < self.first + self.count:
            self._ahead[block + 1] = self._submit(block + 1)
        for future in own:
            future.result()
        self._open = (block, self._opened(block))
        return self._open[1]

    def _place(self, block: int) -> Path:
        return self._folder / f"block_{block}"

    def _request(self, block: int) -> Request:
        seed = trajectory_seed(self.seed, "online", block)
        own = {**self.settings, "trajectories": self.training.online, "splits": [1.0, 0.0, 0.0], "seed": seed}
        return Request(own, resolved=True)

    def _submit(self, block: int) -> list[Future[Any]]:
        """Let the workers simulate a block."""
        assert self._pool is not None, "micro-batches of fresh trajectories exist while the stream is walked through"
        request = self._request(block)
        tasks = file_tasks(self._place(block), request)
        return [self._pool.submit(simulate_file, task, request, "cpu") for task in tasks]

    def _opened(self, block: int) -> WindowStream:
        with without_progress():
            dataset = replace(self.view, path=str(self._place(block))).open("train", self.stats)
        training, seed = self.training, int(self._request(block).settings["seed"])
        stream = WindowStream(
            dataset, self.frames, self.view.frame_step, training.batch_size, seed, training.window_stride,
            self.symmetries, self.target,
        )  # fmt: skip
        stream.windows = _some(stream.windows, training.online_clips, np.random.default_rng([seed, 2]))
        return stream


def _some(windows: np.ndarray, each: int, generator: np.random.Generator) -> np.ndarray:
    """So many windows of every trajectory, without repetition as long as there are enough."""
    chosen = []
    for trajectory in np.unique(windows[:, 0]):
        own = np.flatnonzero(windows[:, 0] == trajectory)
        chosen.append(generator.choice(own, each, replace=each > len(own)))
    return windows[np.concatenate(chosen)]


def _settings(data: DataConfig, target: str) -> dict[str, Any]:
    """How the data set was simulated, and how fresh trajectories are."""
    root = data.located().path
    mark = Path(root) / MARK
    if "://" in root or not mark.is_file():
        raise PhysrepError(
            f"{root}: holds no {MARK}, so training.online does not know what to simulate; train on data of `physrep "
            "simulate`, or set online to 0."
        )
    settings = dict(read_record(mark))
    if settings.get("matched_to") is not None:
        raise PhysrepError(f"{mark}: is a matched partner, which training.online cannot draw afresh; set online to 0.")
    if data.labels:
        raise PhysrepError(
            f"data.labels: {data.labels} says nothing of trajectories that are simulated while training; leave it "
            "out, or set training.online to 0."
        )
    settings.pop("test_seed", None)
    settings.pop("replicates", None)
    if target == "replicate":
        settings["replicates"] = 2
    return settings
