"""What `physrep simulate` would do, its time measured on two trajectories for two stored frames."""

from __future__ import annotations

import math
import time
from pathlib import Path

import torch

from ..errors import PhysrepError
from ..executors import cores
from ..plans import THERE, PlanStep, plan_text
from .config import SimulationConfig
from .dataset import file_tasks
from .file import draw_trajectories
from .request import Request, resolve_request


def simulation_step(
    system: str, config: SimulationConfig, out: Path, device: str, workers: int | None = None
) -> PlanStep:
    """The simulation of a data set below ``out``, as one step of a plan.

    Raises:
        PhysrepError: settings that the system refuses.
    """
    request = resolve_request(system, config)
    root = out / request.system.name
    tasks = file_tasks(root, request)
    pending = [task for task in tasks if not task.path.exists()]
    left = sum(len(task.indices) for task in pending)
    name = f"simulate {request.settings['trajectories']} x {request.system.name}"
    if not pending and (root / "stats.yaml").exists():
        return PlanStep(name, THERE)
    settings = request.settings
    components = sum(len(request.system.axes) ** f.order for f in request.system.fields)
    one = settings["frames"] * math.prod(settings["resolution"]) * components * 4
    rows = min(left, 2)
    seconds = math.nan if not rows else _seconds_per_frame(request, device) * (settings["frames"] - 1) * left
    many = max(1, min(len(pending), workers or cores())) if device == "cpu" else 1
    done = len(tasks) - len(pending)
    return PlanStep(
        name,
        f"{done} of {len(tasks)} files" if done else "to do",
        seconds / many,
        0.0,
        left * one,
        many * settings["per_file"] * one,
        "time measured on two trajectories between their first two stored frames; a flow that gets faster takes more",
    )


def _seconds_per_frame(request: Request, device: str) -> float:
    """Seconds per trajectory and stored frame after the first."""
    settings = request.settings
    seeds, parameters = draw_trajectories((0, 1), 0, request)

    def run(frames: int) -> float:
        begun = time.perf_counter()
        request.system.simulate(
            parameters,
            seeds,
            resolution=settings["resolution"],
            frames=frames,
            save_dt=settings["save_dt"],
            initial_condition=settings["initial_condition"],
            options=settings["options"],
            dtype=getattr(torch, settings["precision"]),
            device=device,
        )
        return time.perf_counter() - begun

    threads = torch.get_num_threads()
    try:
        # As in the worker processes, which have one thread each.
        torch.set_num_threads(1)
        run(1)
        start = run(1)
        return max(run(2) - start, 1e-6) / 2
    finally:
        torch.set_num_threads(threads)


def plan_simulation(system: str, out: str | Path, config: SimulationConfig, workers: int | None, device: str) -> str:
    """The text of ``physrep simulate --plan``.

    Raises:
        PhysrepError: settings that the system refuses.
    """
    if config.matched_to is not None:
        raise PhysrepError("--plan does not know matched data sets; plan the partner, which costs the same.")
    step = simulation_step(system, config, Path(out), device, workers)
    return plan_text(f"plan of {Path(out) / system}", [step], device)
