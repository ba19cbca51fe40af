"""The commands that write, small enough for many tries: their words, and the files that must come out the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from physrep.fitting import budget
from physrep.learners import VideoMAE
from tests.helpers.small_data import write_waves
from tests.helpers.study_settings import tiny_study

ENCODER = ("--encoder", "conv3d", "--encoder_options.dims", "[8, 16]", "--encoder_options.groups", "4")
ENCODER = (*ENCODER, "--encoder_options.strides", "[[2,2,2],[2,2,2]]", "--num_frames", "4", "--device", "cpu")
TRAINING = ("--training.steps", "60", "--training.batch_size", "4", "--training.checkpoint_every", "10")
TRAINING = (*TRAINING, "--training.probe_every", "0", "--training.threads", "1")

FLOORS = ("--floors", "statistics", "spectra", "--probes", "ridge")
FIT = ("--budget", "1h", "--num-frames", "4", "--device", "cpu")


@dataclass(frozen=True)
class Command:
    """A command, ``{out}`` standing for its folder, and the files that must come out the same.

    Attributes:
        words: of the command line.
        files: patterns below its folder.
        weight: how often it is tried; those that start worker processes cost more.
    """

    words: tuple[str, ...]
    files: tuple[str, ...]
    weight: int = 6


COMMANDS = {
    "pretrain": Command(
        ("pretrain", "jepa", "--data", "waves", "--out", "{out}", *ENCODER, *TRAINING), ("weights.safetensors",)
    ),
    "simulate": Command(
        ("simulate", "heat", "--out", "{out}", "--trajectories", "12", "--resolution", "16", "16", "--frames", "6",
         "--workers", "1"),
        ("**/*.hdf5", "**/stats.yaml"),
    ),
    "simulate with workers": Command(
        ("simulate", "heat", "--out", "{out}", "--trajectories", "12", "--resolution", "16", "16", "--frames", "6",
         "--workers", "2"),
        ("**/*.hdf5", "**/stats.yaml"), 1,
    ),
    "convert": Command(("convert", "arrays", "{out}", "--axes", "sample", "time", "x", "y"), ("**/*.hdf5",)),
    "embed": Command(("embed", "trained", "--stride", "4", "--out", "{out}"), ("**/*.npy", "**/*.npz")),
    "probe": Command(("probe", "trained", "--stride", "4", "--out", "{out}"), ("**/*.npy", "**/*.csv")),
    "predict": Command(("predict", "trained", "waves", "--out", "{out}"), ("predictions.csv", "predictions.json")),
    "bench": Command(("bench", "bench.yaml", "--out", "{out}"), ("results.csv",), 2),
    "search": Command(("bench", "search.yaml", "--out", "{out}"), ("results.csv",), 2),
    "calibrate": Command(("calibrate", "one.yaml", "--out", "{out}"), ("results.csv", "calibration.csv"), 2),
    "score": Command(
        ("score", "trained", "--stride", "4", "--probes", "ridge", "--jobs", "1", "--device", "cpu", "--out", "{out}"),
        ("results.csv",), 2,
    ),
    "compare": Command(("compare", "benched", "--out", "{out}"), ("results.csv",), 2),
    "study": Command(("study", "study.yaml", "--out", "{out}"), ("fit_metrics.json", "fit_summary.txt"), 2),
    "fit": Command(("fit", "waves", "--out", "{out}", *FLOORS, *FIT), ("results.csv", "runs/*/weights.safetensors"), 2),
    "import-checkpoint": Command(
        ("import-checkpoint", "weights.tar", "--as", "videomae", "--out", "{out}", "--num_frames", "4", "--channels",
         "tracer", "velocity_x", "velocity_y"),
        ("weights.safetensors", "config.yaml"), 3,
    ),
    "push": Command(("push", "trained", "{out}"), ("*",), 3),
    "pull": Command(("pull", "shared", "{out}"), ("*",), 3),
}  # fmt: skip


def prepare(folder: Path, run: Callable[[Sequence[str]], Any], commands: Iterable[Command]) -> None:
    """Write what commands need: data, configurations, published weights, a trained run with a readout, a benchmark.

    Args:
        folder: where to.
        run: runs a command there.
        commands: those that will be tried.
    """
    needed = {word for command in commands for word in command.words}
    data = write_waves(folder)
    arrays = folder / "arrays"
    arrays.mkdir()
    values = np.random.default_rng(0).standard_normal((20, 6, 12, 12)).astype(np.float32)
    np.savez(arrays / "u.npz", u=values, v=values[:, ::-1])
    for name, settings in _configurations(str(data)).items():
        (folder / name).write_text(yaml.safe_dump(settings))
    _published(folder / "weights.tar")
    # So many steps fit into the time of a `fit` whatever else the machine does.
    budget.MOST = budget.FEWEST
    if needed & {"trained", "shared"}:
        run([word.format(out="trained") for word in COMMANDS["pretrain"].words])
        run(["probe", "trained", "--stride", "4"])
    if "shared" in needed:
        run(["push", "trained", "shared"])
    if needed & {"benched", "report"}:
        run(["bench", "one.yaml", "--out", "benched"])


def _configurations(data: str) -> dict[str, Any]:
    bench: dict[str, Any] = {
        "system": "waves", "data": {"path": data}, "num_frames": 4, "eval_stride": 4, "encoder": "conv3d",
        "encoder_options": {"dims": [8, 16], "strides": [[2, 2, 2], [2, 2, 2]], "groups": 4},
        "training": {"steps": 12, "batch_size": 4, "checkpoint_every": 4, "log_every": 4, "probe_every": 0},
        "runs": [{"learner": "constant"}, {"learner": "statistics"}, {"learner": "jepa"}, {"learner": "random"}],
        "probes": {"ridge": {}}, "n_resamples": 100, "jobs": 2, "analyses": {},
    }  # fmt: skip
    search = {
        **bench, "operations": 1e6, "search": {"trials": 3, "budget": 1e6}, "jobs": 1,
        "runs": [{"learner": "statistics"}, {"learner": "jepa"}],
    }  # fmt: skip
    one = {**bench, "jobs": 1, "runs": [{"learner": "constant"}, {"learner": "statistics"}]}
    return {"bench.yaml": bench, "search.yaml": search, "one.yaml": one, "study.yaml": tiny_study()}


def _published(path: Path) -> None:
    torch.manual_seed(0)
    learner = VideoMAE(
        3, 4, patch=4, embed_dim=64, depth=1, num_heads=1, decoder_dim=64, decoder_depth=1, decoder_heads=1
    )
    own = {key: value for key, value in learner.state_dict().items() if "field_" not in key and key != "channel_names"}
    torch.save({"model_state": own}, path)
