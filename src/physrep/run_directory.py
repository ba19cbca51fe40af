"""A run directory: all that evaluation needs of a trained (or untrained) encoder, and nothing but plain data.

config.yaml          learner, its options, data, training, seed: resolved, complete; places as `physrep.relocation` says
weights.safetensors  the learner's state, with the statistics and channel names that normalise its input
metrics.csv          one row per logged step
environment.json     versions, machine, date
summary.json         costs; written last, so it marks the run as finished
state.pt             to resume an interrupted run: tensors and plain types only
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .data.config import DataConfig, data_content
from .environment import environment
from .errors import PhysrepError, one_line
from .files import read_record, read_yaml, readable, write_json, write_tensors, write_yaml
from .relocation import found_data, found_place, stored_data, stored_place
from .run_config import EXAMPLE, check_run_config, known_data
from .settings import construct
from .version import __version__

if TYPE_CHECKING:
    from torch import Tensor

    from .data import ClipDataset
    from .learners.base import Learner

CONFIG, WEIGHTS, METRICS = "config.yaml", "weights.safetensors", "metrics.csv"
ENVIRONMENT, SUMMARY, STATE = "environment.json", "summary.json", "state.pt"


def build_learner(config: Mapping[str, Any]) -> Learner:
    """The learner that a run's config describes, with fresh weights (seed torch first)."""
    from .learners import LEARNERS
    from .registry import build, current_options

    options = current_options(config["learner"], LEARNERS, "learner", config["options"], None)
    offered = {key: config[key] for key in ("in_channels", "num_frames", "parameters", "system") if key in config}
    return build(config["learner"], LEARNERS, "learner", options, offered)


def learner_config(
    learner: str,
    options: Mapping[str, Any],
    num_frames: int,
    train: ClipDataset,
    scales: Mapping[str, str],
    data: DataConfig,
    seed: int,
) -> dict[str, Any]:
    """The part of a run's config that `build_learner` and `load_run` read; the system only where the learner asks."""
    from .learners import LEARNERS
    from .registry import current_options, resolve

    options = current_options(learner, LEARNERS, "learner", options, f"learner {learner!r}")
    asked = inspect.signature(resolve(learner, LEARNERS, "learner")).parameters
    return {
        "physrep": __version__,
        "learner": learner,
        "options": plain(options),
        "in_channels": len(train.channels),
        "num_frames": num_frames,
        "parameters": dict(scales),
        "seed": seed,
        "data": {**data.as_dict(), "content": data_content(train)},
        **({"system": train.dataset_name} if "system" in asked else {}),
    }


def plain(value: Any) -> Any:
    """The same with lists for tuples, as it comes back from YAML, so that a stored config compares equal."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def prepare_learner(config: Mapping[str, Any], train: ClipDataset) -> Learner:
    """A seeded learner that knows the training split's statistics."""
    import torch

    from .learners.abilities import TakesLabels
    from .tokens import LabelScaler

    torch.manual_seed(config["seed"])
    learner = build_learner(config)
    learner.set_normalisation(train.channels, train.mean.tolist(), train.std.tolist())
    if "init_from" in config:
        load_start(learner, config["init_from"]["run"])
    if isinstance(learner, TakesLabels):
        scaler = LabelScaler.fit(train.parameters, train.parameter_names, config["parameters"])
        learner.set_labels(
            dict(zip(scaler.names, scaler.mean, strict=True)), dict(zip(scaler.names, scaler.std, strict=True))
        )
    return learner


def start_config(run: str | Path) -> dict[str, str]:
    """Which weights a run starts from, by place and by content.

    Raises:
        PhysrepError: the folder is no run directory with weights.
    """
    path = Path(run) / WEIGHTS
    if not path.is_file():
        raise PhysrepError(f"{run}: has no {WEIGHTS} to start from; give the directory of a finished run.")
    with path.open("rb") as file:
        return {"run": str(run), "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def load_start(learner: Learner, run: str | Path) -> None:
    """Put the weights of a run into the ``base`` of a fine-tuned learner, or into the encoder of any other.

    A frozen emulator takes everything, its normalisation too: it reads fields as they were when it was imported.

    Raises:
        PhysrepError: they do not fit.
    """
    from safetensors.torch import load_file

    from .learners.abilities import HasBase, HasEncoder

    stored = load_file(readable(Path(run) / WEIGHTS))
    try:
        if isinstance(learner, HasBase):
            learner.base.load_state_dict(stored)
            return
        if getattr(learner, "imported", False):
            learner.load_state_dict(stored)
            return
        weights = {k.removeprefix("encoder."): v for k, v in stored.items() if k.startswith("encoder.")}
        if not isinstance(learner, HasEncoder) or not weights:
            raise RuntimeError("there is no encoder on both sides")
        learner.encoder.load_state_dict(weights)
    except RuntimeError as error:
        reason = one_line(error, 300)
        raise PhysrepError(
            f"{run}: its weights do not fit this learner ({reason}); give the same learner, encoder and options."
        ) from error


def save_learner(run: str | Path, learner: Learner, config: Mapping[str, Any]) -> None:
    """Write weights and config, atomically, without marking the run as finished."""
    run = Path(run)
    write_run_config(run, config)
    state = {name: value.detach().cpu().contiguous() for name, value in learner.state_dict().items()}
    write_tensors(run / WEIGHTS, state)
    write_json(run / ENVIRONMENT, environment())


def load_run(run: str | Path) -> tuple[Learner, dict[str, Any]]:
    """The frozen learner of a run directory, in evaluation mode, and its config.

    Raises:
        PhysrepError: the directory, its config or its weights are missing or do not fit together.
    """
    config = read_run_config(run)
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    run = Path(run)
    learner = build_learner(config)
    weights = readable(run / WEIGHTS)
    try:
        learner.load_state_dict(load_file(weights))
    except (SafetensorError, OSError, RuntimeError) as error:
        raise PhysrepError(
            f"{run / WEIGHTS}: does not hold the weights of {CONFIG} ({one_line(error, 300)}); train the run again."
        ) from error
    return learner.eval().requires_grad_(False), config


def read_run_config(run: str | Path) -> dict[str, Any]:
    """The config of a run directory that holds weights; no learner is built.

    Raises:
        PhysrepError: the directory, its config, a section of it, or its weights are missing.
    """
    run = Path(run)
    if run.is_file() and run.suffix in (".pth", ".pt", ".ckpt", ".tar", ".bin", ".safetensors"):
        raise PhysrepError(
            f"{run}: holds weights, but a run directory is wanted; make one of it with `physrep import-checkpoint`."
        )
    if not run.is_dir():
        raise PhysrepError(f"{run}: is no run directory; give one that `physrep pretrain` wrote.")
    config = stored_run_config(run)
    if config is None:
        raise PhysrepError(f"{run / CONFIG}: describes no learner; give a directory that `physrep pretrain` wrote.")
    if not (run / WEIGHTS).is_file():
        raise PhysrepError(f"{run}: has no {WEIGHTS}; let `physrep pretrain` finish, or give another run directory.")
    return config


def write_run_config(run: str | Path, config: Mapping[str, Any]) -> None:
    """Write the config of a run, its places as `stored_place` has them."""
    write_yaml(Path(run) / CONFIG, _places(config, run, stored_data, stored_place))


def stored_run_config(run: str | Path) -> dict[str, Any] | None:
    """What the config of a run holds, its places as they are found from here; None if it describes no learner.

    Raises:
        PhysrepError: it cannot be read, or one of `physrep.run_config.RunSettings` is missing or wrong.
    """
    config = read_yaml(Path(run) / CONFIG)
    if not isinstance(config, dict) or "learner" not in config:
        return None
    check_run_config(config, Path(run) / CONFIG)
    return _places(config, run, found_data, found_place)


def stored_statistics(run: str | Path) -> tuple[Tensor, Tensor] | None:
    """Mean and standard deviation per channel that the weights of a run normalise with; None without weights."""
    path = Path(run) / WEIGHTS
    if not path.is_file():
        return None
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            names = set(file.keys())
            return (file.get_tensor(_MEAN), file.get_tensor(_STD)) if {_MEAN, _STD} <= names else None
    except (OSError, SafetensorError) as error:
        raise PhysrepError(f"{path}: is damaged ({error}); delete it, and the run is made again.") from error


_MEAN, _STD = "field_mean", "field_std"
"""Names of `physrep.learners.Learner` in the weights of a run."""


def _places(
    config: Mapping[str, Any],
    run: str | Path,
    data: Callable[[Mapping[str, Any], str | Path], dict[str, Any]],
    place: Callable[[str, str | Path], str],
) -> dict[str, Any]:
    config, start = dict(config), config.get("init_from")
    if isinstance(config.get("data"), Mapping):
        config["data"] = data(config["data"], run)
    if isinstance(start, Mapping) and isinstance(start.get("run"), str):
        config["init_from"] = {**start, "run": place(start["run"], run)}
    return config


def run_data(config: Mapping[str, Any], path: str | None = None) -> DataConfig:
    """The data that a run was trained on, or the same view on other data.

    Args:
        config: of the run.
        path: of other data.

    Raises:
        PhysrepError: the config holds no view on data, or the run names no data and none are given.
    """
    stored: DataConfig = construct(DataConfig, known_data(config.get("data")), "the run's config.yaml: data", EXAMPLE)
    if path is not None:
        if path != stored.path:
            stored.labels = None  # a table of labels is of one data set
        stored.path = path
    if not (stored.path or stored.root):
        raise PhysrepError("the run names no data, as it was imported; say with --data what to encode.")
    return stored


def is_finished(run: str | Path) -> bool:
    """Whether the run has written everything."""
    return (Path(run) / SUMMARY).is_file() and (Path(run) / WEIGHTS).is_file()


def read_summary(run: str | Path) -> dict[str, Any]:
    """Costs of a finished run."""
    return read_record(Path(run) / SUMMARY)
