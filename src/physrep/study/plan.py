"""What a study would do, and what of it is there: the text of ``physrep study --plan``."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from ..devices import resolve_device
from ..plans import THERE, TO_DO, PlanStep, plan_text
from ..simulation.plan import simulation_step
from ..training.clip_shape import shape_of_system
from ..training.estimate import estimate_costs
from ..training.plan import training_step
from .config import FTCS, EncoderConfig, StudyConfig
from .data import RECORD, settings_of_set


def plan_study(config: StudyConfig, out: str | Path, device: str = "cpu") -> str:
    """Simulations and trainings with their costs; embeddings and analyses by name, as they need the pictures.

    Raises:
        PhysrepError: settings that a system refuses.
    """
    out, kind = Path(out), resolve_device(device).partition(":")[0]
    steps: list[PlanStep] = []
    there = (out / "simulations" / RECORD).is_file()
    for name in config.systems:
        steps.append(_set(name, config, out / "simulations", kind, there))
    for name, encoder in config.encoders.items():
        if encoder.kind == "pretrain":
            steps += _training(name, encoder, config, out, kind)
        done = any((out / "embeddings" / name).glob("*"))
        steps.append(PlanStep(f"embed {name}", THERE if done else TO_DO, 0.0 if done else math.nan))
    for name in config.analyses:
        done = (out / "analyses" / f"{name}.csv").is_file()
        steps.append(PlanStep(f"analysis {name}", THERE if done else TO_DO, 0.0 if done else math.nan))
    return plan_text(f"plan of {out}: {config.title}", steps, kind)


def _set(name: str, config: StudyConfig, folder: Path, device: str, there: bool) -> PlanStep:
    own = config.systems[name]
    if there:
        return PlanStep(f"{name}: simulations", THERE)
    if own.system == FTCS or own.matched_to:
        size = (own.trajectories or config.trajectories) * config.frames * config.resolution**2 * 4
        return PlanStep(f"{name}: simulations", TO_DO, math.nan, 0.0, 2 * size)
    step = simulation_step(own.system, settings_of_set(name, own, config, config.seed), folder / name, device)
    return replace(step, name=f"{name}: {step.name}", note="")


def _training(name: str, encoder: EncoderConfig, config: StudyConfig, out: Path, device: str) -> list[PlanStep]:
    """The training of an encoder on other simulations, and these."""
    first = next(own for own in config.systems.values() if own.system != FTCS)
    shape = shape_of_system(first.system, [config.resolution] * 2, first.save_dt, 1)
    shape = replace(shape, channels=shape.channels[:1], parameters=())
    found = estimate_costs(encoder.source, encoder.options, encoder.num_frames, shape, True, device)
    return [training_step(name, found, encoder.training, out / "encoders" / name)]
