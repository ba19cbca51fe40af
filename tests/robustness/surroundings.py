"""Surroundings that a command may be started in: variables, limits, streams, folders, mounts."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PIPED = '"$@" | head -n 1; exit ${PIPESTATUS[0]}'
NOTHING = '"$@" | true; exit ${PIPESTATUS[0]}'


@dataclass(frozen=True)
class Surroundings:
    """What is unusual.

    Attributes:
        variables: of the environment; None takes one away.
        shell: commands of bash before the program starts; ``$BASE`` is the folder of the campaign.
        start: how it starts it.
        flags: of Python.
        mounts: it mounts something, which root may do.
        refuses: exit codes besides that of an undisturbed run, told in one sentence or by the system.
        silent: its output cannot be compared or read.
        outside: it may end in what no program prevents: Python or a library ends before physrep begins, or cannot.
        umask: that files must honour.
        rounding: numbers may differ by rounding (threads, or without the compiled operator), so files are not compared.
        out: last part of the folder of the command.
    """

    variables: Mapping[str, str | None] = field(default_factory=dict)
    shell: str = ""
    start: str = 'exec "$@"'
    flags: tuple[str, ...] = ()
    mounts: bool = False
    refuses: tuple[int, ...] = ()
    silent: bool = False
    outside: bool = False
    umask: int | None = None
    rounding: bool = False
    out: str = "out"


def _of(rounding: bool = False, **variables: str | None) -> Surroundings:
    return Surroundings(variables, rounding=rounding)


SLURM = {
    "SLURM_JOB_ID": "77", "SLURM_NTASKS": "4", "SLURM_PROCID": "3", "SLURM_LOCALID": "1", "SLURM_NODEID": "1",
    "SLURM_NNODES": "2", "SLURM_JOB_NAME": "train", "SLURM_NTASKS_PER_NODE": "2", "SLURM_JOB_NODELIST": "n[1-2]",
    "SLURM_STEP_NUM_TASKS": "4", "SLURM_STEP_ID": "0", "SLURM_STEP_NODELIST": "n[1-2]", "SLURM_CPUS_PER_TASK": "x",
}  # fmt: skip

# Names of libraries and of Python's own modules, in the folder in which the command is started.
HOSTILE = (
    "yaml", "torch", "numpy", "h5py", "physrep", "lightning", "matplotlib", "sitecustomize", "pandas", "scipy",
    "random", "pickle", "signal", "secrets", "tempfile", "threading", "socket", "typing_extensions", "colorsys",
)  # fmt: skip

_PLANT = f"for n in {' '.join(HOSTILE)}; do echo \"open('$BASE/touched','w').write('$n')\" > $n.py; done"


def _read_only(place: str) -> str:
    return f'mount --bind "{place}" "{place}" && mount -o remount,bind,ro "{place}"'


def _clock(shift: int, step: int = 0) -> Surroundings:
    """A wall clock that is some seconds off, and goes on by others after 2 s."""
    source = Path(__file__).with_name("clock.c")
    library = '"$HOME/.cache/clock-$$.so"'
    made = f'mkdir -p "$HOME/.cache"; gcc -shared -fPIC -O2 -o {library} "{source}" -ldl && export LD_PRELOAD={library}'
    return Surroundings({"CLOCK_SHIFT": str(shift), "CLOCK_STEP": str(step)}, made)


SURROUNDINGS = {
    "SLURM, a task of four": Surroundings(SLURM),
    "SLURM, interactive": _of(SLURM_JOB_ID="78", SLURM_JOB_NAME="bash", SLURM_NTASKS="2"),
    "torchrun, half": _of(RANK="1", WORLD_SIZE="2"),
    "torchrun, junk": _of(RANK="x", WORLD_SIZE="-1", LOCAL_RANK="", MASTER_PORT="abc", MASTER_ADDR="nowhere"),
    "torchrun, whole": _of(RANK="1", WORLD_SIZE="2", LOCAL_RANK="1", MASTER_PORT="29511", MASTER_ADDR="127.0.0.1"),
    "MPI": _of(OMPI_COMM_WORLD_SIZE="4", OMPI_COMM_WORLD_RANK="2", PMI_RANK="2", PMI_SIZE="4"),
    "no HOME": _of(HOME=None, XDG_CACHE_HOME=None),
    "HOME nowhere": _of(HOME="/proc/nowhere", XDG_CACHE_HOME=None, MPLCONFIGDIR=None),
    "HOME read-only": Surroundings(
        {"HOME": "$BASE/home", "PHYSREP_CACHE": None}, _read_only("$BASE/home"), mounts=True, rounding=True
    ),
    "no PHYSREP_CACHE": _of(rounding=True, PHYSREP_CACHE="/proc/nowhere"),
    "PHYSREP_CACHE is a file": _of(rounding=True, PHYSREP_CACHE="/etc/hostname"),
    # Without docstrings, of which `list` prints parts, and which transformers (`study`) reads.
    "-OO": Surroundings(
        {"PYTHONPYCACHEPREFIX": "$BASE/bytecode", "PYTHONDONTWRITEBYTECODE": None}, flags=("-OO",), silent=True,
        refuses=(2,),
    ),
    "-P": Surroundings(flags=("-P",)),
    "hash seed": _of(PYTHONHASHSEED="4711"),
    "ASCII": Surroundings({"PYTHONIOENCODING": "ascii"}, silent=True),
    "Latin 1": Surroundings({"PYTHONIOENCODING": "latin-1"}, silent=True),
    "LANG=C": Surroundings(
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, silent=True
    ),
    "LANG nowhere": _of(LANG="xx_YY.UTF-9", LC_ALL="xx_YY.UTF-9"),
    "TZ": _of(TZ="Nowhere/Else"),
    "one column": Surroundings({"COLUMNS": "1", "LINES": "1", "TERM": "banana"}, silent=True),
    "no stdout": Surroundings(start='exec "$@" >&-', silent=True),
    "no stderr": Surroundings(start='exec "$@" 2>&-', silent=True),
    "no streams": Surroundings(start='exec "$@" <&- >&- 2>&-', silent=True),
    "no stdin": Surroundings(start='exec "$@" <&-'),
    "head": Surroundings(start=PIPED, silent=True),
    "reader gone": Surroundings(start=NOTHING, silent=True),
    "stdout full": Surroundings(start='exec "$@" >/dev/full', refuses=(2,), silent=True),
    "stderr full": Surroundings(start='exec "$@" 2>/dev/full', silent=True),
    "no /dev/shm": Surroundings(
        shell=f"mkdir -p $BASE/home && mount --bind $BASE/home /dev/shm && {_read_only('/dev/shm')}",
        mounts=True, refuses=(2,),
    ),
    "/dev/shm full": Surroundings(
        shell="mount -t tmpfs -o size=4k tmpfs /dev/shm; head -c 4096 /dev/zero > /dev/shm/x", mounts=True, refuses=(2,)
    ),
    "TMPDIR nowhere": _of(TMPDIR="/proc/nowhere"),
    "TMPDIR full": Surroundings(
        {"TMPDIR": "$BASE/tmp"}, "mount -t tmpfs -o size=4k tmpfs $BASE/tmp; head -c 4096 /dev/zero > $BASE/tmp/x",
        mounts=True, refuses=(2,),
    ),
    "umask 077": Surroundings(shell="umask 077", umask=0o077),
    "umask 027": Surroundings(shell="umask 027", umask=0o027),
    "umask 000": Surroundings(shell="umask 000", umask=0o000),
    "read-only data": Surroundings(shell=_read_only("$BASE/waves"), mounts=True),
    "read-only working folder": Surroundings(
        shell=f"mkdir -p $BASE/still; {_read_only('$BASE/still')}; cd $BASE/still", mounts=True
    ),
    "deleted working folder": Surroundings(shell="mkdir -p $BASE/gone; cd $BASE/gone; rmdir $BASE/gone", refuses=(2,)),
    "hostile modules": Surroundings(shell=f"mkdir -p $BASE/hostile; cd $BASE/hostile; {_PLANT}"),
    "odd folder": Surroundings(out="ou t [a] *%s {x} $HOME 'ü'"),
    "OMP_NUM_THREADS=0": _of(rounding=True, OMP_NUM_THREADS="0"),
    "OMP_NUM_THREADS=-3": _of(rounding=True, OMP_NUM_THREADS="-3"),
    "OMP_NUM_THREADS=abc": _of(rounding=True, OMP_NUM_THREADS="abc", MKL_NUM_THREADS="x"),
    "OMP_NUM_THREADS=2,1": _of(rounding=True, OMP_NUM_THREADS="2,1"),
    "OMP_NUM_THREADS empty": _of(rounding=True, OMP_NUM_THREADS=""),
    "CUDA_VISIBLE_DEVICES=banana": _of(CUDA_VISIBLE_DEVICES="banana"),
    "CUDA_VISIBLE_DEVICES=99": _of(CUDA_VISIBLE_DEVICES="99", NVIDIA_VISIBLE_DEVICES="none"),
    "CUDA_VISIBLE_DEVICES empty": _of(CUDA_VISIBLE_DEVICES=""),
    "MPLBACKEND": _of(MPLBACKEND="banana", DISPLAY=":99"),
    "MPLCONFIGDIR nowhere": _of(MPLCONFIGDIR="/proc/nowhere"),
    "HDF5": _of(HDF5_USE_FILE_LOCKING="banana", HDF5_PLUGIN_PATH="/proc/nowhere"),
    "proxies": _of(http_proxy="junk", https_proxy="http://127.0.0.1:9", ALL_PROXY="x"),
    "clock of 1971": _clock(-1_750_000_000),
    "clock of 2091": _clock(2_050_000_000),
    "clock that goes back": _clock(0, -7200),
    "nice": Surroundings(shell="renice -n 19 $$ >/dev/null"),
    "one core": Surroundings(shell="taskset -cp 0 $$ >/dev/null"),
    "64 files": Surroundings(shell="ulimit -n 64", refuses=(2,)),
    "20 files": Surroundings(shell="ulimit -n 20", refuses=(2,), outside=True),
    "8 GB of addresses": Surroundings(shell="ulimit -v 8000000", refuses=(2,)),
    "1 GB of addresses": Surroundings(shell="ulimit -v 1000000", refuses=(2,), outside=True),
    "small stack": Surroundings(shell="ulimit -s 512"),
    "no core, no locked memory": Surroundings(shell="ulimit -c 0; ulimit -l 0"),
    "signals ignored": Surroundings(shell="trap '' HUP INT QUIT PIPE USR1"),
    "children ignored": Surroundings(shell="trap '' CHLD"),
}  # fmt: skip


def usable() -> list[str]:
    """Names of what this machine allows: mounts need root, and namespaces."""
    may = os.geteuid() == 0 and shutil.which("unshare") is not None
    may = may and subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0
    return [name for name, one in SURROUNDINGS.items() if may or not one.mounts]
