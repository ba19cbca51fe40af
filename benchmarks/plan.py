"""What ``--plan`` tells of a training step, beside the step itself: time per clip and memory.

For every trained run of a preset the costs are estimated as a plan does, and then whole steps of the preset's batch
(loss, backward pass, AdamW, random fields of the data's shape) are taken in the same process, on one thread; the clock
is the process's CPU time. Memory is what the backward pass keeps and the optimiser holds, against the growth of the
resident set during the first step.

    python benchmarks/plan.py quick [--runs jepa operator] [--steps 2]
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import torch
from clock import best

from physrep.benchmark.config import read_config
from physrep.benchmark.grid import expand
from physrep.benchmark.plan import chosen_channels
from physrep.cli.presets import config_path
from physrep.files import read_yaml
from physrep.learners.abilities import FitsInClosedForm, TakesLabels
from physrep.run_directory import build_learner
from physrep.training import clip_shape
from physrep.training.costs import PeakMemory
from physrep.training.estimate import estimate_costs


def step(learner: Any, clip: Any, optimiser: torch.optim.Optimizer) -> None:
    """One step of a training."""
    optimiser.zero_grad()
    learner.loss(clip)["loss"].backward()
    optimiser.step()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset")
    parser.add_argument("--runs", nargs="*", default=[], help="learners; default all that are trained by steps")
    parser.add_argument("--steps", type=int, default=2, help="steps timed, after one")
    options = parser.parse_args()
    torch.set_num_threads(1)
    config = read_config(read_yaml(config_path(options.preset)), options.preset)
    made = config.simulation
    grid = config.data.resolution or made.resolution
    shape = clip_shape.shape_of_system(config.system, grid, made.save_dt, config.data.frame_step)
    shape = chosen_channels(shape, config.data)
    print(f"{'':<24}{'ms per clip':>24}{'':>8}{'MB':>16}")
    print(f"{'':<24}{'plan':>12}{'step':>12}{'ratio':>8}{'plan':>8}{'step':>8}")
    seen = set()
    for run in expand(config):
        if not run.trained or run.learner in seen or (options.runs and run.learner not in options.runs):
            continue
        seen.add(run.learner)
        found = estimate_costs(run.learner, run.options, config.num_frames, shape, True)
        about = {"learner": run.learner, "options": run.options, "in_channels": len(shape.channels)}
        about |= {"num_frames": config.num_frames, "parameters": dict.fromkeys(shape.parameters, "linear")}
        learner: Any = build_learner({**about, "system": shape.system}).train()
        if isinstance(learner, FitsInClosedForm):
            continue
        learner.set_normalisation(shape.channels, [0.0] * len(shape.channels), [1.0] * len(shape.channels))
        labelled = isinstance(learner, TakesLabels)
        own: Any = learner
        if labelled:
            own.set_labels(dict.fromkeys(shape.parameters, 0.0), dict.fromkeys(shape.parameters, 1.0))
        batch = run.training.batch_size
        clip = shape.clip(own.train_frames, shape.points, "cpu", batch)
        optimiser = torch.optim.AdamW(own.parameters(), lr=1e-6)
        with PeakMemory() as memory:
            before = memory.peak or 0
            step(own, clip, optimiser)
            grown = (memory.peak or 0) - before
        took = best(partial(step, own, clip, optimiser), options.steps) / batch
        print(
            f"{run.learner:<24}{1e3 * found.train_seconds:>12.2f}{1e3 * took:>12.2f}{found.train_seconds / took:>8.2f}"
            f"{found.training_bytes(batch) / 1e6:>8.0f}{grown / 1e6:>8.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
