"""`physrep COMMAND ...`: finds the command, turns errors into one sentence and an exit code."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from ..errors import PhysrepError
from ..leftovers import remove_leftovers
from ..streams import outlive_readers
from ..version import __version__
from .barrier import encodable_output, guarded, leave

COMMANDS = {
    "simulate": ("simulate", "simulate a system into The Well's HDF5 format"),
    "convert": ("convert", "files that you have (NetCDF, Zarr, NumPy, HDF5, MATLAB, VTK, images) -> a data set"),
    "check": ("check", "validate a file, a split or a data set in The Well's format"),
    "pretrain": ("pretrain", "train a learner on a data set, without labels"),
    "import-checkpoint": ("import_checkpoint", "published weights -> a run directory"),
    "embed": ("embed", "run a frozen encoder over a data set and keep its tokens"),
    "probe": ("probe", "estimate physical parameters from frozen tokens"),
    "score": ("score", "is an encoder worth it? any encoder against the floors, on the same windows"),
    "fit": ("fit", "make an instrument of a labelled data set within a time: floors, pretraining, readout"),
    "predict": ("predict", "ask new recordings: parameters, how sure, and whether they are like the training data"),
    "push": ("push", "share a run or a data set: Hugging Face repository or folder, with a card"),
    "export": ("export", "write a run as a program that needs no physrep: torch.export or ONNX"),
    "pull": ("pull", "fetch a run or a data set that was shared, checked against its hashes"),
    "bench": ("bench", "simulate, train, probe, score and report, from one YAML file"),
    "calibrate": ("calibrate", "is a data set hard enough? its floors and its ceiling"),
    "study": ("study", "what does a frozen video model know of a field, and is it more than pixels?"),
    "status": ("status", "which runs of a benchmark are done, running, queued or failed"),
    "report": ("report", "rebuild tables, figures and page of a finished benchmark"),
    "compare": ("compare", "merge finished benchmarks into one table and one page"),
    "leaderboard": ("leaderboard", "one line per encoder over all systems of finished benchmarks"),
    "equation": ("equation", "print the equation that operator_discovery found"),
    "completion": ("completion", "print what bash, zsh or fish need to complete commands, options and files"),
    "list": ("list", "names that configurations accept: systems, learners, encoders, probes, metrics, analyses"),
}

_FLOW = "system -> trajectories (HDF5) -> clips -> learner (encoder) -> tokens -> probe -> scores -> report"


def usage() -> str:
    """The text of ``physrep --help``."""
    lines = [
        "usage: physrep COMMAND [ARGUMENTS] [--help]",
        "",
        "Learn representations of physical systems without labels, and measure what they know.",
        "",
        f"  {_FLOW}",
        "",
        "commands:",
        *(f"  {name:<18} {text}" for name, (_, text) in COMMANDS.items()),
        "",
        "start with:  physrep bench configs/quick.yaml --out runs/quick",
        "exit codes:  0 done, 1 `check` found faults, 2 bad input (one sentence says which),",
        "             3 `predict` found recordings outside of what was learned, 128 + n after signal n",
        "             (130 Ctrl-C, 143 SIGTERM, 138 SIGUSR1, 129 SIGHUP), where the same command continues",
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    encodable_output()
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if arguments else 2
    if arguments[0] in ("-V", "--version"):
        print(f"physrep {__version__}")
        return 0
    name, *rest = arguments
    return guarded(name, lambda: _run(name, rest))


def _run(name: str, arguments: Sequence[str]) -> int:
    if name not in COMMANDS:
        import difflib

        close = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(COMMANDS)}."
        raise PhysrepError(f"there is no command {name!r}; {hint}")
    for word, value in itertools.pairwise([*arguments, ""]):
        out = value if word == "--out" else word.partition("=")[2] if word.startswith("--out=") else ""
        if out and os.path.isdir(out):
            remove_leftovers(Path(out), deep=True)
            remove_leftovers(Path(out), deep=True, folders=True)
    # A repeated command may find all of its work done, and make no temporary folder again.
    with contextlib.suppress(OSError):
        remove_leftovers(Path(tempfile.gettempdir()), folders=True)
    module = importlib.import_module(f".{COMMANDS[name][0]}", __package__)
    return module.run(arguments) or 0


def entry() -> NoReturn:
    """The program `physrep`."""
    outlive_readers()
    # Pages are drawn without a window, and matplotlib cannot be imported with a name that it does not know.
    os.environ["MPLBACKEND"] = "agg"
    leave(main())


if __name__ == "__main__":
    entry()
