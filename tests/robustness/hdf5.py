"""Fuzzing of HDF5: tiny files with flipped bytes, cut ends and nonsense attributes, given to `check` and the readers.

Every case must end with faults, one sentence (`PhysrepError`) or the content of the undamaged file; a traceback, a
hang, a crash and a file that passes with another content count as lost. Both run in the guarded child process of
`check`, which names a file that hangs or crashes the library.

    python tests/robustness/hdf5.py 2000            # seed 0
    python tests/robustness/hdf5.py 200 --seed 7
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import random
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import torch

from physrep.data import WellFile, check, write_well
from physrep.data.faults import Fault
from physrep.data.guard import check_in_child
from physrep.errors import PhysrepError
from physrep.systems.description import Trajectories

LIMIT = 10.0
"""Seconds without progress that `check` and the readers are given."""

BATCH = 100
TRACEBACK, SILENT = "traceback", "silent"

ITEMS = (
    "", "dimensions", "dimensions/time", "dimensions/x", "scalars", "scalars/rate", "boundary_conditions/x_periodic",
    "t0_fields", "t0_fields/tracer", "t1_fields", "t1_fields/velocity",
)  # fmt: skip
VALUES = (
    0, -1, 2**40, 1e308, float("nan"), "", "x", "../../etc", ["x", "x"], [], [1.5], [True, False], b"\xff\xfe",
    np.zeros((2, 2)), np.complex64(1j), np.array(["a", "b"], dtype=h5py.string_dtype()),
)  # fmt: skip


def write_sample(path: Path) -> None:
    """A tiny file in order."""
    generator = torch.Generator().manual_seed(0)
    axis = torch.arange(8, dtype=torch.float64) / 8
    fields = {
        "tracer": torch.randn(2, 4, 8, 8, generator=generator),
        "velocity": torch.randn(2, 4, 8, 8, 2, generator=generator),
    }
    parameters = {"rate": torch.rand(2, generator=generator, dtype=torch.float64)}
    time = 0.1 * torch.arange(4, dtype=torch.float64)
    write_well(path, Trajectories("toy", fields, parameters, time, {"x": axis, "y": axis}, (True, True)))


def mutate(path: Path, original: bytes, rng: random.Random) -> str:
    """Write a damaged copy; returns what was done to it."""
    kind = rng.choice(("bytes", "bytes", "header", "cut", "block", "attribute", "attribute", "dataset"))
    data = bytearray(original)
    if kind == "bytes":
        for _ in range(rng.choice((1, 1, 2, 8))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == "header":
        # Metadata lie between the fields; most of a flip there is read by HDF5 itself.
        place = rng.randrange(min(len(data), 6000))
        data[place] = rng.randrange(256)
    elif kind == "cut":
        del data[rng.randrange(len(data)) :]
    elif kind == "block":
        place = rng.randrange(len(data))
        size = min(rng.choice((8, 64, 512)), len(data) - place)
        data[place : place + size] = bytes(size) if rng.random() < 0.5 else rng.randbytes(size)
    path.write_bytes(data)
    if kind in ("attribute", "dataset"):
        with h5py.File(path, "r+") as file:
            item = rng.choice(ITEMS)
            owner = file[item] if item else file
            if kind == "attribute":
                name = rng.choice(sorted(owner.attrs))
                del owner.attrs[name]
                if rng.random() < 0.8:
                    owner.attrs[name] = rng.choice(VALUES)
            elif item:
                del file[item]
                if rng.random() < 0.7:
                    file[item] = rng.choice([value for value in VALUES if not isinstance(value, list)])
    return kind


def content(path: Path, step: Callable[[], None] = lambda: None) -> str:
    """A hash of everything that a reader gives of a file."""
    with WellFile(path) as file:
        step()
        said = (file.dataset_name, file.axes, file.shape, file.fields, file.boundaries, file.periodic)
        found = hashlib.sha256(repr((said, {name: v.tolist() for name, v in file.parameters.items()})).encode())
        found.update(repr((file.time.tolist(), {name: v.tolist() for name, v in file.coordinates.items()})).encode())
        for trajectory in range(file.n_trajectories):
            found.update(file.read(trajectory, 0, file.n_frames).tobytes())
            step()
    return found.hexdigest()


def check_and_read(path: Path, step: Callable[[], None], expected: str) -> list[Fault]:
    """What `check` says, and a reader that reads everything; an exception that is no sentence is a traceback."""
    try:
        faults = check(path, time_limit=0)
        step()
        try:
            if content(path, step) != expected and not faults:
                faults.append(Fault(path, SILENT, "passes with another content", "notice it"))
        except PhysrepError as error:
            faults.append(Fault(path, "reader", str(error), "see above"))
        return faults
    except Exception as error:
        return [Fault(path, TRACEBACK, f"{type(error).__name__}: {error}", "mend it")]


def run(count: int, seed: int = 0, start: int = 0) -> tuple[collections.Counter[str], list[str]]:
    """Outcomes of ``count`` cases from number ``start``, and descriptions of those that were lost."""
    outcomes: collections.Counter[str] = collections.Counter()
    lost: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        sample = Path(name) / "sample.hdf5"
        write_sample(sample)
        original, expected = sample.read_bytes(), content(sample)
        for first in range(start, start + count, BATCH):
            kinds = {
                (path := Path(name) / f"{case}.hdf5"): mutate(path, original, random.Random(f"{seed} {case}"))
                for case in range(first, min(first + BATCH, start + count))
            }
            for path, faults in check_in_child(list(kinds), partial(check_and_read, expected=expected), LIMIT):
                outcome = _outcome(faults)
                outcomes[outcome] += 1
                if outcome == "lost":
                    lost.append(f"case {path} ({kinds[path]}): {faults[0].problem}")
                path.unlink()
    return outcomes, lost


def _outcome(faults: list[Fault]) -> str:
    if any(fault.item in (TRACEBACK, SILENT) for fault in faults):
        return "lost"
    if any("ends the process" in fault.problem for fault in faults):
        return "crash of libhdf5, named"
    if any("library hangs" in fault.problem for fault in faults):
        return "hang of libhdf5, named"
    return "refused in one sentence" if any(fault.severity == "error" for fault in faults) else "valid"


def main() -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    outcomes, lost = run(options.count, options.seed, options.first)
    tried = f"{options.count} damaged HDF5 files, seed {options.seed}, from {options.first}"
    print(f"{tried}: {dict(outcomes)}, lost {len(lost)}")
    for text in lost[:20]:
        print(" ", text)
    return int(bool(lost))


if __name__ == "__main__":
    sys.exit(main())
