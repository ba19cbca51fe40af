"""Configurations with damaged bytes or odd values, for `bench`, `calibrate`, `study`, `pretrain` and `simulate`."""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from pathlib import Path

import yaml

from physrep.simulation import SimulationConfig
from physrep.systems import SYSTEMS
from physrep.training.config import TrainingConfig
from tests.robustness.tries import ODD, call, damaged, odd

CONFIGS = Path(__file__).parents[2] / "configs"
ENCODER = ("--encoder", "conv3d", "--encoder_options.dims", "[8, 16]", "--encoder_options.groups", "4")
ENCODER = (*ENCODER, "--encoder_options.strides", "[[2,2,2],[2,2,2]]", "--num_frames", "4", "--device", "cpu")


def yaml_files(folder: Path, number: int) -> str | None:
    """A shipped configuration with an odd value or damaged bytes; or one such setting on a command line."""
    generator = random.Random(number)
    if number % 5 == 4:
        return call(_setting_of_pretrain(generator, folder))
    if number % 10 == 3:
        return call(_setting_of_simulate(generator, folder))
    source = generator.choice(sorted(CONFIGS.glob("*.yaml")))
    path = folder / "config.yaml"
    if number % 2:
        path.write_bytes(damaged(generator, source.read_bytes()))
    else:
        path.write_text(yaml.safe_dump(odd(generator, yaml.safe_load(source.read_text()))))
    command = "study" if source.name.startswith("study") else generator.choice(["bench", "bench", "calibrate"])
    plan = command == "bench" and source.name.startswith("quick") and number % 8 == 0
    # A plan measures a learner on this machine, which takes seconds; printing reads and checks every setting.
    return call([command, str(path), *(["--plan", "--out", str(folder / "none")] if plan else ["--print_config"])])


def _value(generator: random.Random) -> str:
    value = generator.choice(ODD)
    return json.dumps(value) if generator.random() < 0.8 else str(value)


def _setting_of_pretrain(generator: random.Random, folder: Path) -> list[str]:
    names = [f"--training.{name}" for name in asdict(TrainingConfig())]
    names += [f"--options.{name}" for name in ("invariance", "level", "predictor", "embed_dim", "target")]
    names += ["--encoder_options.dims", "--encoder_options.strides", "--data.fields", "--data.observation"]
    names += ["--num_frames", "--resolution", "--fields", "--seed", "--devices", "--crop", "--init_from", "--encoder"]
    learner = generator.choice(["jepa", "masked_pixels", "next_frame", "supervised", "operator_discovery"])
    words = ["pretrain", learner, "--data", str(_waves(folder)), "--out", str(folder / "none"), "--plan", *ENCODER]
    return [*words, generator.choice(names), _value(generator)]


def _setting_of_simulate(generator: random.Random, folder: Path) -> list[str]:
    settings = [f"--{name}" for name in asdict(SimulationConfig()) if name not in ("ranges", "options")]
    name = generator.choice([*settings, "--range", "--option"])
    value = _value(generator)
    if name in ("--range", "--option"):
        value = f"{generator.choice(['Reynolds', 'model', 'initial', 'x', ''])}={value}"
    return ["simulate", generator.choice(list(SYSTEMS)), "--out", str(folder / "none"), "--plan", name, value]


def _waves(folder: Path) -> Path:
    from tests.helpers.small_data import write_waves

    return folder / "waves" if (folder / "waves").exists() else write_waves(folder)
