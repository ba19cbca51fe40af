"""Campaigns that try to break a command: random signals, damaged files, odd configurations and command lines.

    PYTHONPATH=src:. python tests/robustness/campaigns.py yaml 2000

A try counts as failed if it ends in a traceback, in an exception that nobody foresaw, in an exit code that is not
documented, or (signals) in other bytes than an undisturbed run. Campaigns are seeded: try n is always the same.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from physrep.cli.main import main
from tests.helpers.small_data import write_waves

CODES = {0, 1, 2}
CONFIGS = Path(__file__).parents[2] / "configs"
ENCODER = ("--encoder", "conv3d", "--encoder_options.dims", "[8, 16]", "--encoder_options.groups", "4")
ENCODER = (*ENCODER, "--encoder_options.strides", "[[2,2,2],[2,2,2]]", "--num_frames", "4", "--device", "cpu")
TRAINING = ("--training.steps", "60", "--training.batch_size", "4", "--training.checkpoint_every", "10")
TRAINING = (*TRAINING, "--training.probe_every", "0", "--training.threads", "1")


def call(arguments: list[str]) -> str | None:
    """What was wrong with a command's end; None if nothing was."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(arguments)
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException as error:
        return f"{arguments[:3]}: {type(error).__name__}: {error}"
    text = err.getvalue()
    if code not in CODES or "Traceback" in text or "unforeseen" in text:
        return f"{arguments[:3]}: code {code}: {text[-300:]}"
    return None


def _damaged(generator: random.Random, data: bytes) -> bytes:
    """``data`` with bytes flipped, cut off, doubled or put in."""
    kind, place = generator.randrange(5), generator.randrange(max(1, len(data)))
    if kind == 0:
        return data[:place]
    if kind == 1:
        return data[:place] + generator.randbytes(generator.randrange(1, 9)) + data[place:]
    if kind == 2:
        return data[:place] + data[place + generator.randrange(1, 60) :]
    changed = bytearray(data)
    for _ in range(generator.randrange(1, 9) if data else 0):
        changed[generator.randrange(len(data))] = generator.randrange(256)
    return bytes(changed)


ODD = [
    None,
    -1,
    0,
    2**70,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x",
    "../x",
    "$\\frac{1}{$",
    [],
    {},
    [[]],
    [None],
    True,
]
ODD += [{"a": None}, "\x00", "9" * 50, [1, "x"], {"learner": "jepa"}, "ü" * 300]


def _odd(generator: random.Random, value: object) -> object:
    """A configuration in which one value, somewhere, is another."""
    if isinstance(value, dict) and value and generator.random() < 0.85:
        key = generator.choice(list(value))
        return {**value, key: _odd(generator, value[key])}
    if isinstance(value, list) and value and generator.random() < 0.8:
        place = generator.randrange(len(value))
        return [*value[:place], _odd(generator, value[place]), *value[place + 1 :]]
    return generator.choice(ODD)


def yaml_files(folder: Path, number: int) -> str | None:
    """A shipped configuration with damaged bytes, or an odd value in it, is read and refused or printed."""
    generator = random.Random(number)
    source = generator.choice(sorted(CONFIGS.glob("*.yaml")))
    path = folder / "config.yaml"
    if number % 2:
        path.write_bytes(_damaged(generator, source.read_bytes()))
    else:
        path.write_text(yaml.safe_dump(_odd(generator, yaml.safe_load(source.read_text()))))
    command = "study" if source.name.startswith("study") else "bench"
    return call([command, str(path), "--print_config"])


def run_directories(folder: Path, number: int) -> str | None:
    """One file of a run is damaged; the run is continued, probed, or refused."""
    generator = random.Random(number)
    data = folder / "waves"
    if not data.exists():
        write_waves(folder)
        fault = call(["pretrain", "jepa", "--data", str(data), "--out", str(folder / "whole"), *ENCODER, *TRAINING])
        if fault:
            return fault
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(folder / "whole", run)
    victim = run / generator.choice(["config.yaml", "weights.safetensors", "state.pt", "metrics.csv", "summary.json"])
    victim.write_bytes(_damaged(generator, victim.read_bytes()))
    if generator.random() < 0.5:
        (run / "summary.json").unlink(missing_ok=True)
    if generator.random() < 0.7:
        return call(["pretrain", "jepa", "--data", str(data), "--out", str(run), *ENCODER, *TRAINING])
    return call(["embed", str(run), "--stride", "8", "--out", str(folder / "tokens")])


WORDS = [
    *("simulate", "check", "pretrain", "embed", "probe", "bench", "calibrate", "study", "report", "compare", "list"),
    *("leaderboard", "import-checkpoint", "jepa", "heat", "--out", "--device", "banana", "cuda", "cuda:99", "--seed"),
    *(str(2**70), "-1", "nan", "--training.steps", "[1", "--training.precision", "--devices", "0", "--data", "nowhere"),
    *("--num_frames", "{", "a: &a [*a]", "--", "-", "", "ü", "\x1b[0m", "../..", "--options.x", "systems", "training"),
    *(
        "--resolution",
        "--stride",
        "--trajectories",
        "--range",
        "Re=1:0",
        "--workers",
        "--print_config",
        "--help",
        "=",
        "--=",
    ),
]


def command_lines(folder: Path, number: int) -> str | None:
    """Words of options in any order; nothing of it can be run, all of it is refused in one sentence."""
    generator = random.Random(number)
    words = [generator.choice(WORDS[:13]), *generator.choices(WORDS, k=generator.randrange(6))]
    before = os.getcwd()
    os.chdir(folder)
    try:
        # A command that is complete would compute for minutes.
        return None if words[0] == "simulate" and "heat" in words and "--out" in words else call(words)
    finally:
        os.chdir(before)


def signals(folder: Path, number: int) -> str | None:
    """A training that random signals stop at random moments ends in the weights of one that they do not."""
    generator = random.Random(number)
    data, out = folder / "waves", folder / f"run{number}"
    if not data.exists():
        write_waves(folder)
        call(["pretrain", "jepa", "--data", str(data), "--out", str(folder / "whole"), *ENCODER, *TRAINING])
    command = [sys.executable, "-m", "physrep", "pretrain", "jepa", "--data", str(data), "--out", str(out)]
    for attempt in range(4):
        with subprocess.Popen(
            [*command, *ENCODER, *TRAINING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, cwd=folder,
        ) as process:  # fmt: skip
            sent = generator.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP])
            # Python itself takes a while until it listens to signals.
            ready = time.monotonic() + 60
            while attempt < 3 and not (out / "config.yaml").exists() and time.monotonic() < ready:
                time.sleep(0.02)
            if attempt < 3:
                time.sleep(generator.random() * 1.0)
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, sent)
            _, err = process.communicate(timeout=120)
        allowed = {0} if attempt == 3 else {0, -sent if sent == signal.SIGKILL else 128 + sent}
        if process.returncode not in allowed or "Traceback" in err or "resource_tracker" in err:
            return f"try {number}, {sent!r}: code {process.returncode}: {err[-400:]}"
        if process.returncode == 0:
            break
    same = (out / "weights.safetensors").read_bytes() == (folder / "whole" / "weights.safetensors").read_bytes()
    left = [path.name for path in out.iterdir() if path.suffix == ".tmp"]
    return None if same and not left else f"try {number}: weights equal {same}, left {left}"


CAMPAIGNS: dict[str, Callable[[Path, int], str | None]] = {
    "yaml": yaml_files,
    "runs": run_directories,
    "commands": command_lines,
    "signals": signals,
}


def campaign(name: str, count: int) -> list[str]:
    """What went wrong in ``count`` tries."""
    with tempfile.TemporaryDirectory() as folder:
        return [fault for number in range(count) if (fault := CAMPAIGNS[name](Path(folder), number)) is not None]


if __name__ == "__main__":
    faults = campaign(sys.argv[1], int(sys.argv[2]))
    print(*faults, f"{sys.argv[1]}: {sys.argv[2]} tries, {len(faults)} failed", sep="\n")
    sys.exit(bool(faults))
