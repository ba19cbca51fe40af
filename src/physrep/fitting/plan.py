"""What `physrep fit` would do, and how long the parts take on this machine: the text of ``--plan``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..benchmark.config import BenchConfig, RunConfig
from ..benchmark.grid import expand
from ..benchmark.plan import evaluation_windows, plan_bench
from ..devices import resolve_device
from ..progress import duration
from ..training.estimate import estimate_costs
from ..training.plan import shape_of_data
from .budget import ENCODER_OF_AXES, FEWEST, MOST, SHARE, encoder_settings
from .fit import BATCH, PRETRAINED


def plan_fit(
    config: BenchConfig,
    out: str | Path,
    learners: list[str],
    budget: float,
    device: str = "cpu",
    given: Sequence[str] = (),
) -> str:
    """Operations, time, disk and memory of every part; training is planned for what the budget leaves it.

    Args:
        config: of the fit, with its floors.
        out: folder of the fit.
        learners: to pretrain.
        budget: seconds in all.
        device: where it will compute.
        given: run directories that are read as well.
    """
    device = resolve_device(device)
    kind = device.partition(":")[0]
    shape, lengths, _ = shape_of_data(config.data)
    encoder = encoder_settings(tuple(shape.points), config.num_frames)
    named = ENCODER_OF_AXES[len(shape.points)]
    said = [f"The budget is {duration(budget)} of wall time; what is not done by then is stopped and left out."]
    runs: list[RunConfig] = list(config.runs)
    windows = evaluation_windows(lengths, config)
    for name in learners if budget else []:
        asked = RunConfig(name, options=dict(PRETRAINED.get(name, {})))
        run = expand(replace(config, encoder=named, encoder_options=encoder, runs=[asked]))[0]
        found = estimate_costs(name, run.options, config.num_frames, shape, True, kind)
        left = budget / len(learners) - windows * found.encode_seconds
        steps = left * SHARE / (BATCH * found.train_seconds) if math.isfinite(found.train_seconds) else 0
        if steps < FEWEST:
            said.append(f"{name} is not pretrained: {max(0, int(steps))} steps fit, {FEWEST} are the least.")
            continue
        training = {"steps": min(MOST, int(steps)), "batch_size": BATCH, "probe_every": 0}
        runs.append(replace(asked, training=training))
    said.append("Floors go first; their time, with that of probes, is taken from the training when it is known.")
    if given:
        said.append(f"Embedding and probing the given runs ({', '.join(map(str, given))}) is not measured.")
    # One job at a time, as the fit does them.
    planned = replace(config, runs=runs, encoder=named, encoder_options=encoder or {})
    text = plan_bench(planned, out, device)
    return "\n".join([text, *said])
