"""Many independent jobs on one machine or a cluster: executors, leases, and the order in which heads share the work."""

from .config import ClusterConfig
from .engine import Engine, InlineExecutor, open_engine
from .jobs import Job, JobLost, JobReply, Surroundings, run_job, run_jobs
from .lease import Lease, Terms, Watch, claim, hold, is_gone, read_lease
from .log import LOG, JobLog, last_event, read_log
from .memory import keep_freed_memory, keeping_freed_memory, return_freed_memory
from .process import cores, process_pool, quiet_resource_tracker, start_worker, starting, stop_workers
from .writers import writing

__all__ = [
    "LOG",
    "ClusterConfig",
    "Engine",
    "InlineExecutor",
    "Job",
    "JobLog",
    "JobLost",
    "JobReply",
    "Lease",
    "Surroundings",
    "Terms",
    "Watch",
    "claim",
    "cores",
    "hold",
    "is_gone",
    "keep_freed_memory",
    "keeping_freed_memory",
    "last_event",
    "open_engine",
    "process_pool",
    "quiet_resource_tracker",
    "read_lease",
    "read_log",
    "return_freed_memory",
    "run_job",
    "run_jobs",
    "start_worker",
    "starting",
    "stop_workers",
    "writing",
]
