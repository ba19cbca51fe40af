"""The section ``cluster`` of a configuration: what a job asks of SLURM."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..ranges import setting


@dataclass
class ClusterConfig:
    """What every job asks of SLURM, and how its life is watched on any executor.

    Attributes:
        partition: of SLURM; default the cluster's own.
        time: minutes of one job; what does not fit is requeued and goes on from its last state.
        gpus: GPUs per job.
        cpus: cores per job, and torch threads of it; 1 gives the bytes of a local run with one thread per job.
        memory: GB per job; default the cluster's own.
        signal: seconds before the end of its time at which a job is warned, saves its state and is requeued.
        requeue: whether a warned job is put back into the queue by itself.
        parallel: jobs of one array that run at the same time, at most.
        account, qos, constraint: of SLURM, where a cluster asks for them.
        options: further options of sbatch, ``{name: value}``.
        setup: shell commands that a job runs first, e.g. ``module load``.
        retries: how often a job whose process has vanished is submitted again.
        heartbeat: seconds between two signs of life in the lease of a running job.
        expiry: seconds without one after which its owner counts as dead, and another worker takes the job over.
    """

    partition: str | None = None
    time: int = setting(240, at_least=1, at_most=10**6)
    gpus: int = setting(0, at_least=0, at_most=1024)
    cpus: int = setting(1, at_least=1, at_most=4096)
    memory: float | None = setting(None, above=0, at_most=1e6)
    signal: int = setting(120, at_least=1, at_most=10**6)
    requeue: bool = True
    parallel: int = setting(256, at_least=1, at_most=10**6)
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    setup: list[str] = field(default_factory=list)
    retries: int = setting(3, at_least=0, at_most=1000)
    heartbeat: float = setting(10.0, above=0, at_most=1e6)
    expiry: float = setting(120.0, above=0, at_most=1e7)
