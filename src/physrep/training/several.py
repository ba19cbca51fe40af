"""One training in several processes of this machine, which this module starts and ends."""

from __future__ import annotations

import multiprocessing
import os
import sys
import traceback
from multiprocessing.connection import wait
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed import TCPStore  # pyright: ignore[reportPrivateImportUsage]

from ..errors import PhysrepError
from ..executors import cores, quiet_resource_tracker, start_worker, starting, stop_workers
from ..run_directory import prepare_learner
from .group import Place, among_others, join
from .work import Work


def fit_together(work: Work, processes: int) -> None:
    """Train in ``processes`` processes; the result lies in the run's state.

    Raises:
        PhysrepError: a fault that one of them has met, or one that the system has killed.
    """
    quiet_resource_tracker()
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    context = multiprocessing.get_context("spawn")
    with starting():
        faults = context.SimpleQueue()
    threads = work.training.threads or max(1, cores() // processes)
    workers = []
    try:
        for rank in range(processes):
            place = Place(rank, processes, rank, "127.0.0.1", store.port)
            workers.append(context.Process(target=_train, args=(os.getpid(), threads, place, work, faults)))
            with starting():
                workers[-1].start()
        alive = list(workers)
        while alive:
            wait([worker.sentinel for worker in alive])
            ended = [worker for worker in alive if not worker.is_alive()]
            for worker in ended:
                worker.join()
                if worker.exitcode:
                    _tell(workers.index(worker), worker.exitcode, faults)
            alive = [worker for worker in alive if worker not in ended]
    except BaseException:
        stop_workers()
        raise


def _tell(rank: int, code: int, faults: Any) -> None:
    if not faults.empty():
        ours, text = faults.get()
        raise PhysrepError(text) if ours else RuntimeError(text)
    raise PhysrepError(
        f"process {rank} of the training ended with code {code}, killed by the system if memory is used up; the same "
        "command continues from the last state, a smaller training.batch_size needs less memory."
    )


def leave_together() -> None:
    """End this process of a group when all of it have arrived here, with code 0.

    The threads of gloo can abort a process that winds down in the usual way, after all work is done.
    """
    dist.barrier()
    if dist.get_backend() == "nccl":
        dist.destroy_process_group()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(0)


def _train(parent: int, threads: int, place: Place, work: Work, faults: Any) -> None:
    start_worker(parent, threads)
    from .loop import fit

    try:
        device = torch.device(work.kind, place.local) if work.kind == "cuda" else torch.device(work.kind)
        if device.type == "cuda":
            torch.cuda.set_device(device)
        join(place, device, TCPStore("127.0.0.1", place.port, is_master=False))
        train = work.data.open("train")
        learner: Any = prepare_learner(work.config, train)
        with among_others():
            fit(learner, train, work, device, place)
        leave_together()
    except PhysrepError as error:
        faults.put((True, str(error)))
        os._exit(2)
    except Exception:
        faults.put((False, traceback.format_exc()))
        os._exit(1)
