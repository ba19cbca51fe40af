"""Kills, signals and full disks at random moments of long commands: repeated, they must end in the same files.

    PYTHONPATH=src:. python tests/robustness/kills.py 200 [--seed 1] [--only pretrain bench]

Each case stops one command up to three times: by SIGKILL (of the process alone, or with its workers), by a signal that
asks it to stop, by Ctrl-C twice, by a limit on the size of files, or by a full disk (as root, who may mount one); then
it runs undisturbed. In half of the cases the windows of the data are not cached yet. Lost is a case that ends in other
bytes than a run without disturbance, in a traceback, in an undocumented exit code, too late, or never; or that leaves
temporary files or worker processes.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from tests.helpers.heard_signals import hear_signals
from tests.robustness.chains import COMMANDS, prepare
from tests.robustness.forked import Blow, End, forked

ASKED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
FINISHED = (0, 3)
"""3: `predict` found recordings outside of what was learned."""

AT_ONCE = 10.0
"""Seconds after a second Ctrl-C, on a machine that is busy."""

LARGE = "1g"


def digest(out: Path, patterns: tuple[str, ...]) -> dict[str, str]:
    """Hashes of the files that must be the same."""
    found = sorted({path for pattern in patterns for path in out.glob(pattern) if path.is_file()})
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


class Disk:
    """A file system of its own for the folder of a command, which may be small."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.mounted = False

    def renew(self) -> None:
        """Empty it."""
        self.release()
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir()

    def resize(self, size: str) -> bool:
        """Give it a size as ``mount`` understands it; False where this is not allowed."""
        command = ["mount", "-o", f"remount,size={size}", str(self.place)]
        if not self.mounted:
            command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(self.place)]
        done = subprocess.run(command, capture_output=True, check=False).returncode == 0
        self.mounted |= done
        return done

    def release(self) -> None:
        """Unmount it."""
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.place)], capture_output=True, check=False)
            self.mounted = False


class Campaign:
    """Cases and what became of them."""

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        self.folder = folder
        self.disk = Disk(folder / "disk")
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        os.environ["TMPDIR"] = tempfile.tempdir = str(self.temporary)
        self.mountable = os.geteuid() == 0
        self.counts: collections.Counter[str] = collections.Counter()
        self.slowest = 0.0
        self.whole: dict[str, tuple[float, dict[str, str]]] = {}
        prepare(folder, self._must, [COMMANDS[name] for name in names])

    def _must(self, words: Sequence[str]) -> End:
        end = forked(self.folder, words)
        if end.code not in FINISHED:
            raise RuntimeError(f"{words} does not work undisturbed ({end.code}): {end.text[-500:]}")
        return end

    def _undisturbed(self, name: str) -> tuple[float, dict[str, str]]:
        if name not in self.whole:
            out = self.folder / f"whole-{name.replace(' ', '-')}"
            shutil.rmtree(self.folder / "waves" / "cache", ignore_errors=True)
            start = time.monotonic()
            self._must([word.format(out=out.name) for word in COMMANDS[name].words])
            same = digest(out, COMMANDS[name].files)
            if not same:
                raise RuntimeError(f"{name} writes nothing")
            self.whole[name] = (time.monotonic() - start, same)
            shutil.rmtree(out)
        return self.whole[name]

    def case(self, name: str, rng: random.Random) -> str:
        """What went wrong when one command was disturbed, and ended; empty if nothing did."""
        length, same = self._undisturbed(name)
        self.disk.renew()
        if rng.random() < 0.5:
            shutil.rmtree(self.folder / "waves" / "cache", ignore_errors=True)
        out = self.disk.place / "out"
        words = [word.format(out="disk/out") for word in COMMANDS[name].words]
        try:
            for _ in range(rng.randrange(1, 4)):
                end, fault = self._disturb(name, words, length, rng)
                if fault:
                    return fault
                if end.code in FINISHED:
                    break
            end = forked(self.folder, words)
            if end.code not in FINISHED or _ugly(end.text) or end.orphans:
                return f"undisturbed, code {end.code}, left {end.orphans}: {end.text[-600:]}"
            found = digest(out, COMMANDS[name].files)
        finally:
            left = [str(path) for pattern in ("*.tmp", ".tmp*") for path in self.folder.rglob(pattern)]
            left += [str(path) for path in self.temporary.iterdir() if not path.name.startswith(("torch", "physrep-"))]
            self.disk.renew()
        if found != same:
            return f"other bytes in {[key for key in {**same, **found} if same.get(key) != found.get(key)]}"
        return f"left {left}" if left else ""

    def _disturb(self, name: str, words: list[str], length: float, rng: random.Random) -> tuple[End, str]:
        kind, after, alone = rng.random(), rng.random() * length, rng.random() < 0.5
        size = 10 ** rng.uniform(2, 5.5)
        early, allowed = after < 0.1, {*FINISHED}
        if kind < 0.1:
            blow, what, allowed = Blow(size=int(size)), "limit on files", {*FINISHED, 2}
        elif kind < 0.2 and self.mountable and self.disk.resize(f"{max(1, int(2 * size / 1000))}k"):
            blow, what, allowed = Blow(), "full disk", {*FINISHED, 2}
        elif kind < 0.3:
            blow = Blow([(signal.SIGINT, after), (signal.SIGINT, rng.random() * 0.3)], alone)
            what, allowed = "SIGINT twice", {*FINISHED, -signal.SIGINT, 128 + signal.SIGINT}
        else:
            sent = signal.SIGKILL if kind < 0.6 else rng.choice(ASKED)
            blow, what = Blow([(sent, after)], alone), sent.name
            # At its very end a command has given signals back to the system, at its start it has not taken them yet.
            allowed |= {128 + sent} if sent != signal.SIGKILL else {-sent}
            allowed |= {-sent} if early or sent == signal.SIGINT else set()
        self.counts[f"{name}: {what}"] += 1
        end = forked(self.folder, words, blow)
        if self.disk.mounted:
            self.disk.resize(LARGE)
        described = f"{what}, alone {alone}, after {after:.2f} s of {length:.2f}, code {end.code}"
        if end.code not in allowed or _ugly(end.text):
            return end, f"{described}: {end.text[-800:]}"
        if end.orphans:
            return end, f"{described}: left {end.orphans}"
        if what == "SIGINT twice":
            self.slowest = max(self.slowest, end.seconds)
            if end.seconds > AT_ONCE:
                return end, f"{described}: ended {end.seconds:.1f} s after the second"
        if end.code == 2 and len([line for line in end.text.splitlines() if line.startswith("physrep ")]) != 1:
            return end, f"{described}: is not told in one sentence: {end.text[-800:]}"
        return end, ""


def run(
    count: int, seed: int = 0, only: tuple[str, ...] = (), first: int = 0, seconds: float = float("inf")
) -> tuple[collections.Counter[str], list[str], float]:
    """Disturbances by kind, descriptions of cases that were lost, seconds of the slowest end after two Ctrl-C.

    Args:
        count: disturbances to reach.
        seed: of the campaign.
        only: names of commands; all of them if empty.
        first: number of the first case, so that a campaign may be run in pieces.
        seconds: no further case begins after so long.
    """
    names = only or tuple(COMMANDS)
    hear_signals()
    # A fork does not inherit the threads of OpenMP, and its first parallel loop would wait for them for ever.
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    lost: list[str] = []
    with tempfile.TemporaryDirectory() as text:
        began, campaign, number = time.monotonic(), Campaign(Path(text), names), first
        try:
            while sum(campaign.counts.values()) < count and time.monotonic() - began < seconds:
                rng = random.Random(f"{seed} {number}")
                name = rng.choices(names, [COMMANDS[one].weight for one in names])[0]
                fault = campaign.case(name, rng)
                if fault:
                    lost.append(f"case {seed} {number}, {name}: {fault}")
                    print(lost[-1], file=sys.stderr, flush=True)
                number += 1
                print(f"{number} cases, {sum(campaign.counts.values())} disturbances, lost {len(lost)}: {name}",
                      file=sys.stderr, flush=True)  # fmt: skip
        finally:
            campaign.disk.release()
    return campaign.counts, lost, campaign.slowest


def _ugly(text: str) -> bool:
    return any(word in text for word in ("Traceback", "unforeseen", "resource_tracker"))


def main_program() -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=[], choices=list(COMMANDS))
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no further case after so long")
    options = parser.parse_args()
    counts, lost, slowest = run(options.count, options.seed, tuple(options.only), options.first, options.seconds)
    by_kind: collections.Counter[str] = collections.Counter()
    for key, value in counts.items():
        by_kind[key.partition(": ")[2]] += value
    print(f"{sum(counts.values())} disturbances, seed {options.seed}, lost {len(lost)}: {dict(sorted(counts.items()))}")
    print(f"by kind: {dict(sorted(by_kind.items()))}; at most {slowest:.2f} s from the second Ctrl-C to the end")
    print(*lost, sep="\n")
    return int(bool(lost))


if __name__ == "__main__":
    sys.exit(main_program())
