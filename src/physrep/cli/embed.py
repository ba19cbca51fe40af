"""`physrep embed`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..data.config import DataConfig
from ..errors import PhysrepError
from ..known_names import check_name
from .arguments import Parser, add_data_root, add_device, chosen_device, dataclass_from, dataset_path, parser


def run(arguments: Sequence[str]) -> int:
    """Embed all splits."""
    p = parser(
        "embed",
        "Run a frozen encoder over all splits of a data set; OUT/{train,valid,test} hold the tokens. "
        "ENCODER is a run directory, or an import path (module:Class) of any torch module (B,C,T,H,W) -> (B,N,D).",
    )
    add_arguments(p)
    p.add_argument("--out", type=str | None, default=None, help="folder of the tokens; default RUN/tokens")
    values = p.parse_args(list(arguments))
    stores, *_ = embed_all(values, p, present=True)
    for split, store in stores.items():
        shape = "x".join(map(str, store.tokens.shape[1:]))
        print(f"{split}: {len(store)} windows of {store.n_trajectories} trajectories, {shape} tokens")
    print(f"tokens are in {token_folder(values)}")
    return 0


def add_arguments(p: Any) -> None:
    """Arguments that `embed` and `probe` share."""
    p.add_argument(
        "encoder", type=str, help="run directory, hf:OWNER/NAME of a shared one, or import path module:Class"
    )
    p.add_argument("--data", type=str | None, default=None, help="data set; default that of the run")
    add_data_root(p, "--data is then the NAME of a data set, default that of the run's")
    p.add_argument("--num-frames", type=int, default=16, help="frames per window, for an encoder by import path")
    p.add_argument("--stride", type=int, default=8, help="distance between the starts of windows")
    p.add_argument("--fields", type=str, nargs="+", help="fields to read, for an encoder by import path or imported")
    p.add_argument("--resolution", type=int, nargs="+", help="grid, for an encoder by import path or imported")
    p.add_argument("--labels", type=str | None, default=None, help="CSV file with further labels per trajectory")
    p.add_argument("--dtype", type=str, default="float32", help="type of stored tokens: float32 or float16")
    p.add_argument("--batch-size", type=int, default=32)
    add_device(p)


def token_folder(values: Any) -> Path:
    """Where the tokens go."""
    if getattr(values, "out", None):
        return Path(values.out)
    if Path(values.encoder).is_dir():
        return Path(values.encoder) / "tokens"
    return Path("runs") / values.encoder.replace(":", ".") / "tokens"


def _data_path(values: Any, trained_on: Mapping[str, Any]) -> str | None:
    """The data set that is asked for; None if it is that of the run, where the run found it."""
    name = values.data
    if name is None and values.data_root is not None:
        name = trained_on.get("dataset") or Path(trained_on.get("path") or "").name
    return None if name is None else dataset_path(name, values.data_root)


def is_run(encoder: str) -> bool:
    """Whether an argument ENCODER means a run directory, not an import path."""
    return Path(encoder).exists() or "/" in encoder


def check_places(values: Any) -> None:
    """Refuse an encoder or a data set that is not there, before anything large is imported.

    Raises:
        PhysrepError: the run directory or the data set does not exist, or the data set is not named.
    """
    if values.encoder.startswith("hf:"):
        from ..sharing import own_copy

        print(f"{values.encoder}: is in {(copy := own_copy(values.encoder))}")
        values.encoder = copy
    if is_run(values.encoder):
        from ..run_directory import read_run_config

        read_run_config(values.encoder)
    elif values.data is None:
        raise PhysrepError(f"--data is missing; name the data set that {values.encoder!r} is to encode.")
    else:
        check_name("encoder", values.encoder)
    if values.data is not None:
        dataset_path(values.data, values.data_root)


def embed_all(
    values: Any, p: Parser, present: bool = False, with_labels: bool = False
) -> tuple[dict[str, Any], dict[str, Any], dict[str, str], Any]:
    """Token stores and clips per split, the scale of each parameter, and the learner.

    Args:
        values, p: parsed arguments and their parser.
        present: take only the splits that the data have.
        with_labels: leave out trajectories without any label, and say so.

    Raises:
        PhysrepError: the data set is not named, or an option has no effect on this encoder.
    """
    check_places(values)
    from ..data.config import parameter_scales
    from ..data.labelled import labelled, say_known
    from ..run_directory import learner_config, load_run, prepare_learner, run_data
    from ..tokens import embed_splits

    given: dict[str, str] | None = None
    if is_run(values.encoder):
        learner, config = load_run(values.encoder)
        p.refuse(["num_frames"], f"{values.encoder} is a run, which reads windows of {learner.num_frames} frames")
        if config["data"].get("path"):
            p.refuse(("fields", "resolution"), f"{values.encoder} is a run, which has a view of its own on the data")
        data = run_data(config, _data_path(values, config["data"]))
        if not config["data"].get("path"):
            # An imported run has no view of its own.
            data.fields, data.resolution = values.fields, values.resolution
        data.labels = values.labels or data.labels
        given = config.get("parameters")
        train = data.open("train")
    else:
        data = dataclass_from(DataConfig, {**values.as_dict(), "path": dataset_path(values.data, values.data_root)})
        train = data.open("train")
        # The untrained wrapper only normalises the fields and encodes; the weights are the module's own.
        config = learner_config(
            "random", {"encoder": values.encoder}, values.num_frames, train, parameter_scales(train), data, 0
        )
        learner = prepare_learner(config, train).eval()
    splits = data.open_splits(present)
    if with_labels:
        say_known(splits)
        splits = labelled(splits)
    stores = embed_splits(
        learner,
        splits,
        token_folder(values),
        stride=values.stride,
        frame_step=data.frame_step,
        batch_size=values.batch_size,
        dtype=values.dtype,
        device=chosen_device(values),
    )
    scales = parameter_scales(train, {k: v for k, v in (given or {}).items() if k in train.parameter_names})
    return stores, splits, scales, learner
