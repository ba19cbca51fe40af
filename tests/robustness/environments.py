"""Every command in unusual surroundings: an equal result, or one sentence and a documented exit code.

    PYTHONPATH=src:. python tests/robustness/environments.py 200 [--seed 1] [--only list check]

Tries are drawn without repetition from all pairs of a command and its surroundings. Lost is a try that ends in other
files (or another output, where it can be compared) than in usual surroundings, in a traceback, in an undocumented code
or never; or that writes outside its folders, leaves temporary files, runs a module of the working folder, or gives
files more rights than the umask allows.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.robustness.chains import COMMANDS, FLOORS, Command, prepare
from tests.robustness.kills import digest
from tests.robustness.surroundings import SURROUNDINGS, Surroundings, usable

HANG = 300.0
"""Seconds after which a command counts as hanging."""

TRIED = {
    **{name: command for name, command in COMMANDS.items() if name not in ("fit", "search")},
    # Without pretraining, whose steps follow from the speed of the machine.
    "fit": Command(("fit", "waves", "--out", "{out}", "--learners", *FLOORS, "--num-frames", "4"), ("results.csv",)),
    "list": Command(("list", "systems"), ()),
    "check": Command(("check", "waves"), ()),
    "status": Command(("status", "benched"), ()),
    "leaderboard": Command(("leaderboard", "benched"), ()),
    "equation": Command(("equation", "trained"), ()),
    "report": Command(("report", "{out}"), ("report.html", "figures/*.csv")),
    "help": Command(("pretrain", "--help"), ()),
}


@dataclass(frozen=True)
class Outcome:
    """How a command ended, what it printed, and the files that count."""

    code: int
    said: str
    told: str
    files: dict[str, str]


class Campaign:
    """A folder with data, and what every command gives in usual surroundings."""

    def __init__(self, base: Path, names: Iterable[str]) -> None:
        self.base = base
        for name in ("here", "home", "tmp"):
            (base / name).mkdir()
        self.usual: dict[str, Outcome] = {}
        prepare(base, self._must, [TRIED[name] for name in names])
        self.inputs = {path.name for path in base.iterdir()}
        if "trained" in self.inputs:
            shutil.copytree(base / "trained", base / "as_trained")

    def _must(self, words: Sequence[str]) -> None:
        done = self._call(list(words), Surroundings(), self.base)
        if done[0] not in (0, 3):
            raise RuntimeError(f"{words} does not work in usual surroundings: {done}")

    def _call(self, words: list[str], around: Surroundings, place: Path) -> tuple[int, str, str]:
        variables = {
            "PATH": os.environ["PATH"], "HOME": str(self.base / "home"), "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(Path(__file__).parents[2] / "src"), "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(self.base / "tmp"), "PHYSREP_CACHE": str(self.base / "kept"), "BASE": str(self.base),
        }  # fmt: skip
        for name, value in around.variables.items():
            if value is None:
                variables.pop(name, None)
            else:
                variables[name] = value.replace("$BASE", str(self.base))
        # As the program `physrep` does, and unlike `python -m`, without the working folder on the path.
        program = [sys.executable, *around.flags, str(Path(__file__).with_name("as_program.py")), *words]
        shell = ["bash", "-c", f"{around.shell}\n{around.start}", "bash", *program]
        if around.mounts:
            shell = ["unshare", "-m", "--propagation", "private", *shell]
        with subprocess.Popen(
            shell, env=variables, cwd=place, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", start_new_session=True,
        ) as process:  # fmt: skip
            try:
                said, told = process.communicate(timeout=HANG)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                said, told = process.communicate()
                return -1, said, f"hangs: {told}"
        return process.returncode, said, told

    def _outcome(self, name: str, around: Surroundings, out: Path) -> Outcome:
        shutil.rmtree(out, ignore_errors=True)
        if name == "report":
            shutil.copytree(self.base / "benched", out)
            for path in out.rglob("*") if around.umask is not None else ():
                path.chmod(path.stat().st_mode & ~around.umask | (0o666 & ~around.umask))
        command = TRIED[name]
        words = [word.format(out=out) if "{out}" in word else self._absolute(word) for word in command.words]
        code, said, told = self._call(words, around, self.base / "here")
        if name == "probe":  # it has put its readout into the run, whose numbers may differ by rounding
            shutil.rmtree(self.base / "trained")
            shutil.copytree(self.base / "as_trained", self.base / "trained")
        return Outcome(code, said, told, digest(out, command.files) if command.files else {})

    def _absolute(self, word: str) -> str:
        return str(self.base / word) if word in self.inputs else word

    def _listing(self) -> set[str]:
        outside = [path for name in ("here", "home", "tmp") for path in (self.base / name).rglob("*")]
        allowed = (str(self.base / "home" / ".cache"), str(self.base / "home" / ".config"))
        return {str(path) for path in [*self.base.iterdir(), *outside] if not str(path).startswith(allowed)}

    def attempt(self, name: str, kind: str) -> str:
        """What went wrong; empty if nothing did."""
        around = SURROUNDINGS[kind]
        if name not in self.usual:
            before = self._listing()
            self.usual[name] = self._outcome(name, Surroundings(), self.base / "out")
            new = self._listing() - before - {str(self.base / place) for place in ("out", "kept")}
            if new := {path for path in new if not path.startswith(str(self.base / "tmp" / "torch"))}:
                return f"{name}, in usual surroundings: wrote {sorted(new)[:3]}"
        usual = self.usual[name]
        if "read-only data" not in kind:
            shutil.rmtree(self.base / "waves" / "cache", ignore_errors=True)
        out = self.base / around.out
        before = self._listing()
        found = self._outcome(name, around, out)
        fault = self._fault(usual, found, around, out)
        new = self._listing() - before - {str(out), str(self.base / "kept"), str(self.base / "bytecode")}
        new -= {path for path in new if Path(path).name in ("gone", "hostile", "still", "matplotlib")}
        new = {path for path in new if not path.startswith(str(self.base / "tmp" / "torch"))}
        for path in ("gone", "hostile", "still", "bytecode_of_others"):
            shutil.rmtree(self.base / path, ignore_errors=True)
        if (self.base / "touched").exists():
            fault = f"ran {(self.base / 'touched').read_text()}.py of the working folder; {fault}"
            (self.base / "touched").unlink()
        elif new and not around.outside:
            fault = f"wrote {sorted(new)[:3]}; {fault}"
        shutil.rmtree(out, ignore_errors=True)
        return fault and f"{name}, {kind}: {fault}"

    def _fault(self, usual: Outcome, found: Outcome, around: Surroundings, out: Path) -> str:
        ended = f"code {found.code}: {found.said[-200:]} | {found.told[-700:]}"
        if around.outside and found.code not in (0, 1, 2, 3):
            return ""
        if found.code == -1:
            return f"hangs: {ended}"
        if found.code != usual.code and found.code not in around.refuses:
            return ended
        if any(word in found.told for word in ("Traceback", "unforeseen", "resource_tracker")):
            return ended
        if found.code != usual.code:
            sentences = [line for line in found.told.splitlines() if line.startswith(("physrep ", "physrep:"))]
            return "" if len(sentences) == 1 else f"not one sentence: {ended}"
        if found.files.keys() != usual.files.keys() or (found.files != usual.files and not around.rounding):
            return f"other files {[k for k, v in usual.files.items() if found.files.get(k) != v]}: {ended}"
        comparable = not (usual.files or around.silent or around.refuses)
        if comparable and found.said != usual.said:
            return f"says {found.said[:300]!r} instead of {usual.said[:300]!r}"
        if around.umask is not None:
            loose = [p.name for p in out.rglob("*") if p.stat().st_mode & around.umask]
            closed = [
                p.name for p in out.rglob("*") if p.is_file() and p.stat().st_mode & 0o666 != 0o666 & ~around.umask
            ]
            if loose or closed:
                return f"rights: beyond the umask {loose[:3]}, below it {closed[:3]}"
        left = [str(path) for pattern in ("*.tmp", ".tmp*") for path in out.rglob(pattern)]
        return f"left {left}" if left else ""


def run(
    count: int, seed: int = 0, only: Sequence[str] = (), kinds: Sequence[str] = (), first: int = 0,
    seconds: float = float("inf"),
) -> tuple[int, list[str]]:  # fmt: skip
    """Number of tries, and descriptions of those that were lost.

    Args:
        count: tries.
        seed: of their order.
        only: names of commands; all of them if empty.
        kinds: names of surroundings; all of them if empty.
        first: number of the first try, so that a campaign may be run in pieces.
        seconds: no further try begins after so long.
    """
    began = time.monotonic()
    pairs = [(name, kind) for name in only or TRIED for kind in usable() if kind in (kinds or usable())]
    random.Random(seed).shuffle(pairs)
    lost: list[str] = []
    counts: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as text:
        wanted = pairs[first : first + count]
        campaign = Campaign(Path(text), dict.fromkeys(name for name, _ in wanted))
        for name, kind in wanted:
            if time.monotonic() - began > seconds:
                break
            counts[name] += 1
            print(f"{sum(counts.values())} tries, lost {len(lost)}: {name}, {kind}", file=sys.stderr, flush=True)
            fault = campaign.attempt(name, kind)
            if fault:
                lost.append(fault)
                print(fault, file=sys.stderr, flush=True)
    return sum(counts.values()), lost


def main_program() -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=[], choices=list(TRIED), metavar="COMMAND")
    parser.add_argument("--kinds", nargs="+", default=[], choices=list(SURROUNDINGS), metavar="KIND")
    parser.add_argument("--first", type=int, default=0, help="number of the first try")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no further try after so long")
    options = parser.parse_args()
    done, lost = run(options.count, options.seed, options.only, options.kinds, options.first, options.seconds)
    print(f"{done} tries of {len(options.only or TRIED) * len(options.kinds or usable())}, seed {options.seed}, "
          f"lost {len(lost)}")  # fmt: skip
    print(*lost, sep="\n")
    return int(bool(lost))


if __name__ == "__main__":
    sys.exit(main_program())
