"""Kills, signals and full disks at random moments of long commands: repeated, they must end in the same files.

    PYTHONPATH=src:. python tests/robustness/kills.py 200 [--seed 1] [--only pretrain bench]

Each case stops one command up to three times, by SIGKILL (of the process alone, or with its workers), a signal that
asks it to stop, or a disk on which no file may grow beyond a random size; then it runs undisturbed. Lost is a case that
ends in other bytes than a run without disturbance, in a traceback, in an undocumented exit code, or never. Commands are
forks of one process in which everything is imported, so that a kill costs no start of Python; their workers are new
processes as always.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import hashlib
import io
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import yaml

from physrep.cli.barrier import leave
from physrep.cli.main import main
from tests.helpers.small_data import write_waves
from tests.helpers.study_settings import tiny_study

ENCODER = ("--encoder", "conv3d", "--encoder_options.dims", "[8, 16]", "--encoder_options.groups", "4")
ENCODER = (*ENCODER, "--encoder_options.strides", "[[2,2,2],[2,2,2]]", "--num_frames", "4", "--device", "cpu")
TRAINING = ("--training.steps", "60", "--training.batch_size", "4", "--training.checkpoint_every", "10")
TRAINING = (*TRAINING, "--training.probe_every", "0", "--training.threads", "1")
ASKED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
FINISHED = (0, 3)
"""3: `predict` found recordings outside of what was learned."""

HANG = 240.0
"""Seconds after which a command counts as hanging."""


@dataclass(frozen=True)
class Command:
    """A command, ``{out}`` standing for its folder, and the files that must come out the same."""

    words: tuple[str, ...]
    files: tuple[str, ...]


COMMANDS = {
    "pretrain": Command(
        ("pretrain", "jepa", "--data", "waves", "--out", "{out}", *ENCODER, *TRAINING), ("weights.safetensors",)
    ),
    "simulate": Command(
        ("simulate", "heat", "--out", "{out}", "--trajectories", "12", "--resolution", "16", "16", "--frames", "6",
         "--workers", "1"),
        ("**/*.hdf5", "**/stats.yaml"),
    ),
    "convert": Command(("convert", "arrays", "{out}", "--axes", "sample", "time", "x", "y"), ("**/*.hdf5",)),
    "embed": Command(("embed", "trained", "--stride", "4", "--out", "{out}"), ("**/*.npy", "**/*.npz")),
    "probe": Command(("probe", "trained", "--stride", "4", "--out", "{out}"), ("**/*.npy", "**/*.csv")),
    "predict": Command(("predict", "trained", "waves", "--out", "{out}"), ("predictions.csv", "predictions.json")),
    "bench": Command(("bench", "bench.yaml", "--out", "{out}"), ("results.csv",)),
    "study": Command(("study", "study.yaml", "--out", "{out}"), ("fit_metrics.json", "fit_summary.txt")),
}  # fmt: skip

DEAR = {"bench": 2, "study": 2}
"""Weights of commands that start worker processes; the others have 6."""


@dataclass(frozen=True)
class End:
    """How a command ended: exit code (negative: the signal that killed it, None: it hung) and what it said."""

    code: int | None
    text: str


def forked(
    folder: Path, words: list[str], sent: int = 0, after: float = 0.0, alone: bool = False, size: int = 0
) -> End:
    """Run a command in a fork.

    Args:
        folder: working folder, with the file that takes the output.
        words: of the command line.
        sent: signal that it is given after ``after`` seconds; 0 none.
        after: seconds.
        alone: the signal reaches the process and not its workers.
        size: bytes beyond which no file grows, as on a full disk; 0 any.
    """
    said = folder / "said.txt"
    process = os.fork()
    if process == 0:
        _child(folder, said, words, size)
    start = time.monotonic()
    if sent:
        time.sleep(after)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            (os.kill if alone else os.killpg)(process, sent)
    while True:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return End(os.waitstatus_to_exitcode(status), said.read_text(errors="replace"))
        if time.monotonic() > start + HANG:
            os.killpg(process, signal.SIGKILL)
            os.waitpid(process, 0)
            return End(None, said.read_text(errors="replace"))
        time.sleep(0.005)


def _child(folder: Path, said: Path, words: list[str], size: int) -> None:
    code = 70
    try:
        os.setsid()
        os.chdir(folder)
        handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), line_buffering=True)
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), line_buffering=True)
        if size:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        leave(main(words))
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(code)


def prepare(folder: Path) -> None:
    """Data, a trained run with a readout, and configurations."""
    data = write_waves(folder)
    arrays = folder / "arrays"
    arrays.mkdir()
    values = np.random.default_rng(0).standard_normal((20, 6, 12, 12)).astype(np.float32)
    np.savez(arrays / "u.npz", u=values, v=values[:, ::-1])
    bench = {
        "system": "waves", "data": {"path": str(data)}, "num_frames": 4, "eval_stride": 4, "encoder": "conv3d",
        "encoder_options": {"dims": [8, 16], "strides": [[2, 2, 2], [2, 2, 2]], "groups": 4},
        "training": {"steps": 12, "batch_size": 4, "checkpoint_every": 4, "log_every": 4, "probe_every": 0},
        "runs": [{"learner": "constant"}, {"learner": "statistics"}, {"learner": "jepa"}, {"learner": "random"}],
        "probes": {"ridge": {}}, "resamples": 100, "jobs": 2, "analyses": {},
    }  # fmt: skip
    (folder / "bench.yaml").write_text(yaml.safe_dump(bench))
    (folder / "study.yaml").write_text(yaml.safe_dump(tiny_study()))
    for words in (COMMANDS["pretrain"].words, ("probe", "trained", "--stride", "4")):
        end = forked(folder, [word.format(out="trained") for word in words])
        if end.code:
            raise RuntimeError(f"{words[0]} does not work undisturbed: {end.text[-500:]}")


def digest(out: Path, patterns: tuple[str, ...]) -> dict[str, str]:
    """Hashes of the files that must be the same."""
    found = sorted({path for pattern in patterns for path in out.glob(pattern) if path.is_file()})
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def run(count: int, seed: int = 0, only: tuple[str, ...] = ()) -> tuple[collections.Counter[str], list[str]]:
    """Disturbances by kind, and descriptions of cases that were lost."""
    counts: collections.Counter[str] = collections.Counter()
    lost: list[str] = []
    names = only or tuple(COMMANDS)
    # A fork does not inherit the threads of OpenMP, and its first parallel loop would wait for them for ever.
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        prepare(folder)
        whole: dict[str, tuple[float, dict[str, str]]] = {}
        case = 0
        while sum(counts.values()) < count:
            rng = random.Random(f"{seed} {case}")
            name = rng.choices(names, [DEAR.get(one, 6) for one in names])[0]
            if name not in whole:
                start = time.monotonic()
                end = forked(folder, [word.format(out=f"whole-{name}") for word in COMMANDS[name].words])
                same = digest(folder / f"whole-{name}", COMMANDS[name].files)
                if end.code not in FINISHED or not same:
                    raise RuntimeError(f"{name} does not work undisturbed ({end.code}): {end.text[-500:]}")
                whole[name] = (time.monotonic() - start, same)
            fault = _case(folder, name, rng, *whole[name], counts)
            if fault:
                lost.append(f"case {seed} {case}, {name}: {fault}")
            case += 1
    return counts, lost


def _case(
    folder: Path, name: str, rng: random.Random, length: float, same: dict[str, str], counts: collections.Counter[str]
) -> str:
    """What went wrong when one command was disturbed, and ended."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    words = [word.format(out="out") for word in COMMANDS[name].words]
    for _ in range(rng.randrange(1, 4)):
        kind, after = rng.random(), rng.random() * length
        if kind < 0.15:
            size = int(10 ** rng.uniform(2, 5.5))
            end, allowed = forked(folder, words, size=size), {*FINISHED, 2}
            counts[f"{name}, full disk"] += 1
        else:
            sent = signal.SIGKILL if kind < 0.6 else rng.choice(ASKED)
            end = forked(folder, words, sent, after, rng.random() < 0.5)
            allowed = (
                {*FINISHED, -sent, 128 + sent} if sent == signal.SIGKILL or after < 0.1 else {*FINISHED, 128 + sent}
            )
            counts[f"{name}, {sent.name}"] += 1
        if end.code not in allowed or _ugly(end.text):
            return f"code {end.code}: {end.text[-600:]}"
        if end.code in FINISHED:
            break
    end = forked(folder, words)
    if end.code not in FINISHED or _ugly(end.text):
        return f"undisturbed, code {end.code}: {end.text[-600:]}"
    found = digest(out, COMMANDS[name].files)
    if found != same:
        return f"other bytes in {[key for key in {**same, **found} if same.get(key) != found.get(key)]}"
    left = [path.name for path in out.rglob("*.tmp")]
    return f"left {left}" if left else ""


def _ugly(text: str) -> bool:
    return any(word in text for word in ("Traceback", "unforeseen", "resource_tracker"))


def main_program() -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=[], choices=list(COMMANDS))
    options = parser.parse_args()
    counts, lost = run(options.count, options.seed, tuple(options.only))
    print(f"{sum(counts.values())} disturbances, seed {options.seed}, lost {len(lost)}: {dict(sorted(counts.items()))}")
    print(*lost, sep="\n")
    return int(bool(lost))


if __name__ == "__main__":
    sys.exit(main_program())
