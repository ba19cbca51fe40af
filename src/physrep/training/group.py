"""The processes that train one learner together, and how a launcher says which of them this is.

Launchers are asked only if a command wants several processes (``--devices``): torchrun by ``RANK``, ``WORLD_SIZE``,
``LOCAL_RANK``, ``MASTER_ADDR`` and ``MASTER_PORT``, srun by ``SLURM_PROCID``, ``SLURM_STEP_NUM_TASKS``,
``SLURM_LOCALID`` and ``SLURM_STEP_NODELIST``. Without a launcher the processes are started here, on this machine.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist

from ..errors import PhysrepError, one_line


@dataclass(frozen=True)
class Place:
    """This process among those that train together.

    Attributes:
        rank: its number; 0 alone prints and writes.
        world: how many there are.
        local: its number on its machine, which is that of its GPU.
        address, port: where the process with rank 0 listens.
    """

    rank: int = 0
    world: int = 1
    local: int = 0
    address: str = "127.0.0.1"
    port: int = 0

    @property
    def first(self) -> bool:
        """Whether this process prints and writes."""
        return self.rank == 0


def launched(devices: int) -> Place | None:
    """The place that a launcher gives this process, or None if there is none, or one process is all that is asked for.

    Raises:
        PhysrepError: torchrun started another number of processes.
    """
    if devices <= 1:
        return None
    env = os.environ
    try:
        if "RANK" in env and "WORLD_SIZE" in env:
            world = int(env["WORLD_SIZE"])
            if world == 1:
                return None
            place = Place(
                int(env["RANK"]),
                world,
                int(env.get("LOCAL_RANK", env["RANK"])),
                env.get("MASTER_ADDR", "127.0.0.1"),
                int(env.get("MASTER_PORT", "29500")),
            )
        elif int(env.get("SLURM_STEP_NUM_TASKS", "1")) > 1:
            place = Place(
                int(env["SLURM_PROCID"]),
                int(env["SLURM_STEP_NUM_TASKS"]),
                int(env.get("SLURM_LOCALID", "0")),
                env.get("MASTER_ADDR") or first_host(env.get("SLURM_STEP_NODELIST", "127.0.0.1")),
                int(env.get("MASTER_PORT") or 20000 + int(env.get("SLURM_JOB_ID", "0")) % 20000),
            )
        else:
            return None
    except PhysrepError:
        raise
    except (KeyError, ValueError) as error:
        raise PhysrepError(f"a launcher's variables of ranks cannot be read ({error}); unset them.") from error
    if place.world != devices:
        raise PhysrepError(f"a launcher started {place.world} processes, but --devices is {devices}; make them equal.")
    return place


def first_host(nodes: str) -> str:
    """The first machine of SLURM's list: ``gpu[03-05,09],cpu1`` is ``gpu03``."""
    found = re.match(r"([^,\[]+)(?:\[([^,\-\]]+))?", nodes)
    return found.group(1) + (found.group(2) or "") if found else "127.0.0.1"


def join(place: Place, device: torch.device, store: Any = None) -> None:
    """Make this process one of the group; with a ``store`` on this machine, or at the address of rank 0.

    Raises:
        PhysrepError: the others are not there.
    """
    backend = "nccl" if device.type == "cuda" else "gloo"
    try:
        store = store if store is not None else _store_of_attempt(place)
        where: Any = {"store": store} if store is not None else {"init_method": f"tcp://{place.address}:{place.port}"}
        dist.init_process_group(backend, rank=place.rank, world_size=place.world, **where)
    except PhysrepError:
        raise
    except (RuntimeError, ValueError, OSError) as error:
        raise PhysrepError(
            f"process {place.rank} of {place.world} cannot join the others ({one_line(error)}); check the launcher."
        ) from error


def _store_of_attempt(place: Place) -> Any:
    """Torchrun's own store, under keys of this attempt; None if it has none.

    Torchrun keeps one store over restarts. There a process that was started again would find the addresses of those
    that were killed, and wait for them for ever.
    """
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return None
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    made: Any = dist  # Its stores are not among the names that it exports to type checkers.
    store = made.TCPStore(place.address, place.port, place.world, is_master=False)
    return made.PrefixStore(f"physrep attempt {attempt}", store)


@contextlib.contextmanager
def among_others() -> Iterator[None]:
    """What this process cannot send to a dead one becomes one sentence.

    Raises:
        PhysrepError: another process of the group has ended.
    """
    try:
        yield
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        if not any(sign in reason.lower() for sign in ("gloo", "nccl", "connection closed by peer")):
            raise
        raise PhysrepError(
            f"another process of this training has ended ({reason[:120]}); the same command continues from its state."
        ) from error


def any_process(flag: bool, device: torch.device) -> bool:
    """Whether ``flag`` is set in any process of the group."""
    if not dist.is_initialized():
        return flag
    value = torch.tensor(int(flag), device=device)
    dist.all_reduce(value, op=dist.ReduceOp.MAX)
    return bool(value)
