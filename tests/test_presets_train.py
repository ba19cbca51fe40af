"""Every learner of every shipped file, with the options that the file gives it, takes a training step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from physrep.benchmark import expand, read_config
from physrep.clip import Clip
from physrep.files import read_yaml
from physrep.learners import LEARNERS
from physrep.registry import build
from physrep.study.config import read_study_config as read_study
from physrep.study.run import study
from physrep.systems import SYSTEMS
from tests.helpers.study_settings import TINY_MODEL

CONFIGS = sorted(Path(__file__).parents[1].glob("configs/*.yaml"))
# Those of the paper and of other benchmarks have tokens of 16 points: at 16 points there is nothing to hide.
PATCHES = ("paper_", "active_matter_public", "pdeinvbench_", "realpdebench_")
BENCHES = [path for path in CONFIGS if "runs" in read_yaml(path)]
STUDIES = [path for path in CONFIGS if path not in BENCHES]
# Sizes that the files of the paper leave to a published one, in place of that; all other options are the file's.
THIN_MPP = {"embed_dim": 24, "depth": 1, "num_heads": 2}
THIN: dict[str, dict[str, Any]] = {
    "videomae": {
        "embed_dim": 24,
        "depth": 1,
        "num_heads": 2,
        "decoder_dim": 16,
        "decoder_depth": 1,
        "decoder_heads": 2,
    },
    "mpp": THIN_MPP,
    "finetuned": {"base_options": THIN_MPP},
    "disco": {"dim": 48, "blocks": 1, "hidden": 2, "steps": 1},
}


def small(learner: str, options: dict[str, Any]) -> dict[str, Any]:
    """The same options, with thin layers."""
    found = dict(options)
    if "encoder_options" in found:
        own = dict(found["encoder_options"])
        if "dims" in own:
            own["dims"] = [8 * 2**k for k in range(len(own["dims"]))]
        if "num_res_blocks" in own:
            own["num_res_blocks"] = [1] * len(own["num_res_blocks"])
        if "groups" in own:
            own["groups"] = 4
        found["encoder_options"] = own
    # What the file leaves out or gives by the name of a published size.
    thin = THIN.get(learner, {}) if learner != "finetuned" or found.get("base") == "mpp" else {}
    return {**thin, **found}


def take_a_step(
    learner: str, options: dict[str, Any], num_frames: int, system: str, side: int, parameters: list[str] | None = None
) -> None:
    """A loss with finite gradients, on random clips."""
    torch.manual_seed(0)
    # Data of others have no system; their files name the labels.
    known = SYSTEMS.get(system)
    names = [p.name for p in known.parameters] if known else list(parameters or ())
    offered = {"in_channels": 2, "num_frames": num_frames, "system": system,
               "parameters": dict.fromkeys(names, "linear")}  # fmt: skip
    module = build(learner, LEARNERS, "learner", small(learner, options), offered)
    if hasattr(module, "fit"):
        return  # in closed form
    clips = 12
    axes = len(known.axes) if known else 1 if options.get("encoder") == "conv2d" else 2
    clip = Clip(
        fields=torch.randn(clips, 2, module.train_frames, *[side] * (axes - 1), 16 if side < 32 else side),
        parameters=torch.rand(clips, len(names)), parameter_names=tuple(names), channels=("a", "b"),
        dt=1.0, dx=(1.0,) * axes, periodic=(True,) * axes,
        trajectory=torch.arange(clips), start=torch.zeros(clips, dtype=torch.long),
    )  # fmt: skip
    module.loss(clip)["loss"].backward()
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    assert gradients and all(torch.isfinite(g).all() for g in gradients), (learner, options)


def different(runs: list[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, dict[str, Any]]]:
    seen: list[Any] = []
    for run in runs:
        if run not in seen:
            seen.append(run)
            yield run
    assert seen


@pytest.mark.parametrize("path", BENCHES, ids=lambda path: path.stem)
def test_every_learner_of_a_preset_takes_a_step(path: Path) -> None:
    config = read_config(read_yaml(path), str(path))
    side = 32 if path.stem.startswith(PATCHES) else 16
    for learner, options in different([(run.learner, run.options) for run in expand(config) if run.trained]):
        take_a_step(learner, options, config.num_frames, config.system, side, config.data.parameters)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_learner_of_a_study_takes_a_step(path: Path) -> None:
    config = read_study(read_yaml(path), str(path))
    system = next(iter(config.systems.values())).system
    for own in config.encoders.values():
        if own.kind == "pretrain":
            take_a_step(own.source, own.options, own.num_frames, system, 12)


@pytest.mark.slow
@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_study_runs_at_toy_size(path: Path, tmp_path: Path) -> None:
    """All of its encoders, analyses and settings; fewer and smaller trajectories, thinner layers, fewer steps."""
    values = {**read_yaml(path), "trajectories": 24, "resolution": 32, "splits": 2, "videos": 1}
    # Naming needs sixteen times: windows of eight frames, every second frame.
    values["frames"] = min(values["frames"], 40 if "naming" in values["analyses"] else 16)
    for system in values["systems"].values():
        # A grid of its own stays: Gray-Scott's fronts are not resolved on a coarser one.
        system.update({"trajectories": 24} if "trajectories" in system else {})
    for own in values["encoders"].values():
        if own["kind"] == "random_vjepa2":
            own["options"] = dict(TINY_MODEL)
        elif own["kind"] == "vjepa2":
            own["source"] = "nowhere/vjepa2"
        elif own["kind"] == "pretrain":
            own["options"] = small(own["source"], own["options"])
            own["trajectories"] = 16
            own["training"] = {**own["training"], "steps": 2, "batch_size": 4, "checkpoint_every": 2}
    study(read_study(values, path.name), tmp_path / "out")
    assert (tmp_path / "out" / "fit_metrics.json").is_file() and (tmp_path / "out" / "study.html").is_file()
