"""Words of options in any order, and commands that would work with one word too many, odd, or missing."""

from __future__ import annotations

import random
from pathlib import Path

from physrep.cli.main import COMMANDS
from tests.robustness.tries import call, working_in

# fmt: off
VALUES = [
    "1180591620717411303424", "-1", "0", "nan", "inf", "1e999", "[1", "{", "a: &a [*a]", "", "ü", "\x1b[0m",
    "../..", "Re=1:0", "=", "banana", "cuda", "cuda:99", "null", "[]", "~", "%s", "{0}", "*", "x" * 300, "\ud800",
    "-", "--", "1e3", "nowhere", "dask:nowhere:1", "slurm:x", "os:system", "hf:", "hf:../x", "http://",
    "file:///etc", "https://127.0.0.1:1/x", "physrep.nn:Conv3d", "json:loads", "hf://datasets/x", "s3://x/y",
    "memory://x", "a\nb", "jepa", "heat",
]
# fmt: on
# fmt: off
OPTIONS = [
    "--out", "--device", "--seed", "--training.steps", "--training.precision", "--devices", "--data",
    "--num_frames", "--options.x", "--resolution", "--stride", "--trajectories", "--range", "--workers",
    "--print_config", "--help", "--=", "--", "-", "--plan", "--executor", "--cluster.time", "--data-root",
    "--probe", "--format", "--labels", "--budget", "--runs", "--learners", "--floors", "--probes", "--lines",
    "--split", "--fractions", "--numbers", "--weights", "--layout", "--size", "--pool", "--normalise",
    "--channels", "--as", "--dtype", "--batch-size", "--time-limit", "--quick", "--private", "--common",
    "--n-resamples", "--per-file", "--dx", "--dt", "--from", "--parameter", "--frame", "--option", "--jobs",
    "--fields", "--crop", "--encoder", "--predictor", "--..", "--a.b",
]
# fmt: on
COMPUTES = {"simulate", "bench", "calibrate", "study", "fit", "pretrain", "score"}


def command_lines(folder: Path, number: int) -> str | None:
    """A command with odd words; nothing of it can be run for long, all that is wrong is refused in one sentence."""
    generator = random.Random(number)
    command = generator.choice([*COMMANDS, generator.choice(VALUES)])
    words = [generator.choice(OPTIONS if generator.random() < 0.5 else VALUES) for _ in range(generator.randrange(7))]
    if command in COMPUTES:
        # What happens to be complete would compute for minutes, or simulate gigabytes.
        words.append("--plan" if command not in ("calibrate", "fit", "score") else "--nonsense")
    place = folder / "commands"
    place.mkdir(exist_ok=True)
    with working_in(place):
        return call([command, *words])
