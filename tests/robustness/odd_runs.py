"""Damaged files of runs, benchmarks, fits, shared runs, token stores and checkpoints, asked by every command that reads
them. Nothing that a file holds may be executed; a file that fell prey to that leaves `MARK` behind."""

from __future__ import annotations

import json
import math
import os
import pickle
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors.torch import load_file, save_file

import physrep
from physrep.nn import ConvNeXt3D
from physrep.readout import read_readout
from physrep.tokens import TokenStore
from tests.helpers.small_data import write_waves
from tests.robustness.odd_yaml import ENCODER
from tests.robustness.tries import ODD, ask, call, damaged, odd

TRAINING = ("--training.steps", "12", "--training.batch_size", "4", "--training.checkpoint_every", "5")
TRAINING = (*TRAINING, "--training.probe_every", "0", "--training.threads", "1")
BENCH = """
data: {{path: {data}}}
num_frames: 4
eval_stride: 8
jobs: 1
n_resamples: 20
encoder: conv3d
encoder_options: {{dims: [8, 16], groups: 4, strides: [[2, 2, 2], [2, 2, 2]]}}
training: {{steps: 4, batch_size: 4, probe_every: 0, threads: 1}}
search: {{trials: 2, budget: 1.0e+6}}
analyses: {{similarity: {{}}}}
runs: [{{learner: constant}}, {{learner: statistics}}, {{learner: masked_pixels}}]
"""
MARK = "executed"
MAKERS = ("pretrain", "bench", "fit", "push", "checkpoint")


class Hostile:
    """What makes a pickle call a function of its choice."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.place),)


def world(folder: Path) -> Path:
    """Everything in order, made once: a run with a probe, a benchmark with a search, a fit, a shared run, weights."""
    whole, data = folder / "whole", folder / "waves"
    if (whole / "done").exists():
        return whole
    write_waves(folder)
    (whole / "bench.yaml").parent.mkdir(exist_ok=True)
    (whole / "bench.yaml").write_text(BENCH.format(data=data))
    save_file(ConvNeXt3D(3, (4, 8, 8, 8), (1, 1, 1, 1), 4).state_dict(), whole / "published.safetensors")
    for words in (
        ["pretrain", "jepa", "--data", str(data), "--out", str(whole / "run"), *ENCODER, *TRAINING],
        ["probe", str(whole / "run"), "--stride", "8", "--device", "cpu"],
        ["bench", str(whole / "bench.yaml"), "--out", str(whole / "bench"), "--device", "cpu"],
        ["push", str(whole / "run"), str(whole / "shared")],
        ["fit", str(data), "--out", str(whole / "fit"), "--budget", "5s", "--num-frames", "4", "--learners",
         "--floors", "spectra", "--device", "cpu"],
    ):  # fmt: skip
        fault = call(words, {0})
        if fault:
            raise AssertionError(f"the undamaged run: {fault}")
    (whole / "done").touch()
    return whole


def run_files(folder: Path, number: int) -> str | None:
    """One file of one folder is damaged; a command that reads it goes on, or refuses it in one sentence."""
    generator = random.Random(number)
    whole, place, mark = world(folder), folder / "try", folder / MARK
    shutil.rmtree(place, ignore_errors=True)
    kind = generator.choice(list(ASKED))
    copy = place / "checkpoint" if kind == "checkpoint" else shutil.copytree(whole / kind, place / kind)
    if kind == "checkpoint":
        copy.mkdir(parents=True)
        victim = copy / f"weights{generator.choice(['.pth', '.pt', '.tar', '.bin', '.safetensors'])}"
        torch.save(_envelope(generator, whole, mark), victim)
        if generator.random() < 0.5:
            _damage(generator, victim, mark)
    else:
        files = sorted(path for path in copy.rglob("*") if path.suffix in READ and "figures" not in path.parts)
        victim = generator.choice(files)
        _damage(generator, victim, mark)
        if kind == "run" and generator.random() < 0.3:
            (copy / "summary.json").unlink(missing_ok=True)
    shown = f"{kind}/{victim.relative_to(copy)}"
    asked = ASKED[kind]
    for question in generator.sample(asked, min(3, len(asked))):
        fault = question(copy, folder, victim)
        if fault:
            return f"{shown}: {fault}"
        if mark.exists():
            mark.rmdir()
            return f"{shown}: its content was executed"
    return None


READ = {".json", ".yaml", ".safetensors", ".pt", ".npy", ".npz", ".csv"}


def _damage(generator: random.Random, victim: Path, mark: Path) -> None:
    """Change the file in one of many ways."""
    data = victim.read_bytes()
    of_kind: dict[str, Callable[[], None]] = {
        ".json": lambda: victim.write_text(json.dumps(odd(generator, json.loads(data)))),
        ".yaml": lambda: victim.write_text(yaml.safe_dump(odd(generator, yaml.safe_load(data)))),
        ".safetensors": lambda: _odd_safetensors(generator, victim),
        ".pt": lambda: torch.save(_odd_state(generator, victim, mark), victim),
        ".npy": lambda: _odd_array(generator, victim, mark),
        ".npz": lambda: _odd_archive(generator, victim, mark),
        ".csv": lambda: victim.write_text(_odd_table(generator, data.decode())),
    }
    ways: list[Callable[[], Any]] = [
        lambda: victim.write_bytes(damaged(generator, data)),
        lambda: victim.write_bytes(generator.choice(
            [b"", b"[" * 200_000, b"1" * 6000, b"\x00" * 64, b"{}", b"[]", b"null", b'"x"', b"nan", b"a: &a [*a]"]
        )),
        lambda: (victim.unlink(), victim.mkdir()),
        lambda: victim.unlink(),
        lambda: (victim.unlink(), victim.symlink_to(victim.name)),
        lambda: (victim.unlink(), os.mkfifo(victim)),
        lambda: victim.write_bytes(pickle.dumps(Hostile(mark))),
    ]  # fmt: skip
    own = of_kind.get(victim.suffix)
    (own if own and generator.random() < 0.6 else generator.choice(ways))()


def _odd_safetensors(generator: random.Random, path: Path) -> None:
    """Other headers, or other tensors under the names of the file."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    way = generator.randrange(6)
    if data[8:9] != b"{":
        # What torch.save wrote under that suffix.
        path.write_bytes(damaged(generator, data))
        return
    if way == 0:
        path.write_bytes(struct.pack("<Q", generator.choice([0, 2**63, 2**64 - 1, size + 1, 99_999_999])) + data[8:])
        return
    if way == 1:
        header = json.dumps(odd(generator, json.loads(data[8 : 8 + size]))).encode()
        path.write_bytes(struct.pack("<Q", len(header)) + header + data[8 + size :])
        return
    tensors = load_file(path)
    if tensors:
        name = generator.choice(list(tensors))
        tensors[name] = {
            2: lambda t: torch.full_like(t, float("nan") if t.is_floating_point() else 0),
            3: lambda t: t.reshape(-1)[: t.numel() // 2].clone(),
            4: lambda t: t.to(torch.int64),
            5: lambda t: torch.zeros(0),
        }[way](tensors[name])
        if generator.random() < 0.2:
            del tensors[name]
    save_file(tensors, path)


def _odd_state(generator: random.Random, path: Path, mark: Path) -> Any:
    try:
        state = torch.load(path, weights_only=True)
    except pickle.UnpicklingError:
        return Hostile(mark)  # It was made hostile before.
    if generator.random() < 0.3:
        return {**state, generator.choice(list(state)): Hostile(mark)}
    if generator.random() < 0.2:
        state["weights"]["self"] = state
        return state
    # An entry of the state, or of what it holds, is another.
    name = generator.choice(list(state))
    inner = state[name]
    if isinstance(inner, dict) and inner and generator.random() < 0.8:
        key = generator.choice(list(inner))
        return {**state, name: {**inner, key: generator.choice([*ODD, torch.zeros(3), torch.zeros(0)])}}
    return {**state, name: generator.choice([*ODD, torch.zeros(3)])}


def _odd_array(generator: random.Random, path: Path, mark: Path) -> None:
    way = generator.randrange(5)
    if way == 0:
        np.save(path, np.array([Hostile(mark)], dtype=object), allow_pickle=True)
    elif way == 1:
        header = generator.choice(["(10000000000000,)", "(-1,)", "(2,", "'x'", "(3, 3)", "()"])
        text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {header}, }}".encode()
        path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + b"\x00" * 64)
    else:
        values = np.load(path)
        np.save(path, [values[:-1], np.full(values.shape, np.nan), values.astype("S8")][way - 2])


def _odd_archive(generator: random.Random, path: Path, mark: Path) -> None:
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    name = generator.choice(list(arrays))
    other = [np.zeros(0), np.array([Hostile(mark)], dtype=object), np.array("x"), np.full(3, np.nan)]
    arrays[name] = generator.choice(other)
    if generator.random() < 0.3:
        del arrays[name]
    np.savez(path, allow_pickle=True, **arrays)


def _odd_table(generator: random.Random, text: str) -> str:
    lines = text.splitlines()
    row = generator.randrange(len(lines))
    cells = lines[row].split(",")
    cells[generator.randrange(len(cells))] = generator.choice(["", "nan", "x", '"', "1e999", "=1+1", "\x00", "9" * 400])
    return "\n".join([*lines[:row], ",".join(cells), *lines[row + 1 :]]) + "\n"


def _envelope(generator: random.Random, whole: Path, mark: Path) -> Any:
    """A checkpoint of somebody else's program, in the forms that there are."""
    tensors: dict[Any, Any] = dict(load_file(whole / "published.safetensors"))
    if generator.random() < 0.3:
        name = generator.choice(list(tensors))
        tensors[name] = generator.choice(
            [torch.zeros(0), torch.zeros(()), tensors[name][None], tensors[name] * math.nan]
        )
    loop: dict[str, Any] = {}
    loop["model"] = loop
    return generator.choice([
        tensors,
        {"model": tensors, "args": Hostile(mark)},
        {"state_dict": {f"module._orig_mod.{k}": v for k, v in tensors.items()}, "epoch": 3},
        loop,
        {1: torch.zeros(2), (2, 3): torch.zeros(2)},
        {"model": None},
        [],
        Hostile(mark),
        {"model": {"model": {"model": tensors}}},
        {**tensors, "x": "text"},
        {key: value.to(torch.complex64) for key, value in tensors.items()},
        {key: value.to_sparse() for key, value in tensors.items() if value.ndim},
    ])  # fmt: skip


def _cli(*words: str) -> Callable[[Path, Path, Path], str | None]:
    """A command in which DATA, RUN, VICTIM, OUT and BENCH stand for the places of a try."""

    def asked(copy: Path, folder: Path, victim: Path) -> str | None:
        out = copy.parent / "out"
        shutil.rmtree(out, ignore_errors=True)
        places = {"DATA": folder / "waves", "RUN": copy, "VICTIM": victim, "OUT": out}
        places |= {"BENCH": folder / "whole" / "bench.yaml", "INNER": copy / "runs" / "masked_pixels-s0"}
        return call([str(places.get(word, word)) for word in words])

    return asked


def _python(name: str, function: Callable[[Path], object]) -> Callable[[Path, Path, Path], str | None]:
    return lambda copy, folder, victim: ask(name, lambda: function(copy))


CPU = ("--device", "cpu")
ASKED: dict[str, list[Callable[[Path, Path, Path], str | None]]] = {
    "run": [
        _cli("pretrain", "jepa", "--data", "DATA", "--out", "RUN", *ENCODER, *TRAINING),
        _cli("pretrain", "jepa", "--data", "DATA", "--out", "RUN", "--plan", *ENCODER, *TRAINING),
        _cli("pretrain", "jepa", "--data", "DATA", "--out", "OUT", "--init_from", "RUN", *ENCODER, *TRAINING),
        _cli("embed", "RUN", "--stride", "8", *CPU),
        _cli("probe", "RUN", "--stride", "8", *CPU),
        _cli("predict", "RUN", "DATA", "--out", "OUT", *CPU),
        _cli("push", "RUN", "OUT"),
        _python("load_run", lambda run: physrep.load_run(run)),
        _python("read_readout", lambda run: read_readout(run)),
        _python("TokenStore.open", lambda run: [TokenStore.open(run / "tokens" / s).labels for s in ("train", "test")]),
        _cli("equation", "RUN"),
    ],
    "bench": [
        _cli("bench", "BENCH", "--out", "RUN", *CPU),
        _cli("bench", "BENCH", "--out", "RUN", "--plan", *CPU),
        _cli("report", "RUN", "--format", "latex"),
        _cli("report", "RUN"),
        _cli("status", "RUN"),
        _cli("compare", "RUN", "RUN", "--out", "OUT"),
        _cli("leaderboard", "RUN"),
        _cli("predict", "INNER", "DATA", *CPU),
        _python("read_results", lambda folder: physrep.read_results(folder)),
    ],
    "fit": [
        _cli("fit", "DATA", "--out", "RUN", "--budget", "5s", "--num-frames", "4", "--learners", "--floors", "spectra",
             *CPU),
        _cli("predict", "RUN", "DATA", *CPU),
    ],
    "shared": [
        _cli("pull", "RUN", "OUT"),
        _cli("predict", "RUN", "DATA", *CPU),
        _cli("embed", "RUN", "--data", "DATA", "--out", "OUT", *CPU),
    ],
    "checkpoint": [
        _cli("import-checkpoint", "VICTIM", "--as", "jepa", "--channels", "tracer", "velocity_x", "velocity_y",
             "--out", "OUT"),
        _cli("import-checkpoint", "VICTIM", "--as", "mpp", "--channels", "a", "b", "c", "--out", "OUT"),
        _cli("score", "tests.helpers.foreign_encoders:FramesFirst", "--weights", "VICTIM", "--data", "DATA",
             "--out", "OUT", "--jobs", "1", "--num-frames", "4", *CPU),
        _cli("predict", "VICTIM", "DATA", *CPU),
        _cli("embed", "VICTIM", "--data", "DATA", *CPU),
    ],
}  # fmt: skip
