"""Every learner of every shipped benchmark, with the options that the file gives it, takes a training step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from physrep.benchmark import expand, read_config
from physrep.clip import Clip
from physrep.files import read_yaml
from physrep.learners import LEARNERS
from physrep.registry import build
from physrep.systems import SYSTEMS

CONFIGS = sorted(Path(__file__).parents[1].glob("configs/*.yaml"))
# Those of the paper have patches of 16 points: at 16 points there is nothing to hide.
PATCHES = ("paper_", "active_matter_public")
BENCHES = [path for path in CONFIGS if "runs" in read_yaml(path) and not path.stem.startswith(PATCHES)]


def small(options: dict[str, Any]) -> dict[str, Any]:
    """The same options, with thin layers."""
    found = dict(options)
    if "encoder_options" in found:
        own = dict(found["encoder_options"])
        if "dims" in own:
            own["dims"] = [8 * 2**k for k in range(len(own["dims"]))]
        if "groups" in own:
            own["groups"] = 4
        found["encoder_options"] = own
    return found


@pytest.mark.parametrize("path", BENCHES, ids=lambda path: path.stem)
def test_every_learner_of_a_preset_takes_a_step(path: Path) -> None:
    config = read_config(read_yaml(path), str(path))
    system = SYSTEMS[config.system]
    seen: list[Any] = []
    for run in expand(config):
        if not run.trained or (run.learner, run.options) in seen:
            continue
        seen.append((run.learner, run.options))
        torch.manual_seed(0)
        names = [p.name for p in system.parameters]
        offered = {"in_channels": 2, "num_frames": config.num_frames, "system": config.system,
                   "parameters": dict.fromkeys(names, "linear")}  # fmt: skip
        learner = build(run.learner, LEARNERS, "learner", small(run.options), offered)
        if hasattr(learner, "fit"):
            continue  # in closed form
        clips, side = (12, 16)
        clip = Clip(
            fields=torch.randn(clips, 2, learner.train_frames, side, side),
            parameters=torch.rand(clips, len(names)), parameter_names=tuple(names), channels=("a", "b"),
            dt=1.0, dx=(1.0, 1.0), periodic=(True, True),
            trajectory=torch.arange(clips), start=torch.zeros(clips, dtype=torch.long),
        )  # fmt: skip
        learner.loss(clip)["loss"].backward()
        gradients = [p.grad for p in learner.parameters() if p.grad is not None]
        assert gradients and all(torch.isfinite(g).all() for g in gradients), run.name
    assert seen, path
