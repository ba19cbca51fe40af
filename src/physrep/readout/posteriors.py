"""The posterior of a run: fitted to its tokens when it is first asked for, and kept beside the readouts."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from ..data.labelled import labelled
from ..errors import PhysrepError
from ..files import content_hash, read_json, readable, write_json, write_tensors
from ..posterior import NeuralPosterior, TokenPosterior, require_enough, require_sbi
from ..run_directory import run_data
from ..tokens import TokenStore, embed
from .remedy import making_command
from .state import pack, unpack

if TYPE_CHECKING:
    from .readout import Readout

FEATURES = {"tokens": ("tokens",), "spectra": ("spectra",), "both": ("tokens", "spectra")}
"""What a posterior may be given: names of encoders by name of the choice."""

VERSION = 1


def check_features(features: str) -> None:
    """Refuse another choice than those of `FEATURES`.

    Raises:
        PhysrepError: it is none of them.
    """
    if features not in FEATURES:
        raise PhysrepError(f"a posterior of {features!r} is unknown; give {', '.join(FEATURES)}.")


def run_posterior(run: str | Path, readout: Readout, config: Mapping[str, Any], features: str) -> TokenPosterior:
    """The stored posterior of a run, or a new one that is then stored as ``posterior_FEATURES``.

    Args:
        run: run directory with ``tokens``.
        readout: of it, for units and for the spectra.
        config: of the run.
        features: ``tokens``, ``spectra`` or ``both``.

    Raises:
        PhysrepError: other features, no tokens to fit on, too few trajectories, or `sbi` is not installed.
    """
    from safetensors.torch import load_file

    check_features(features)
    require_sbi()
    run = Path(run)
    record, weights = run / f"posterior_{features}.json", run / f"posterior_{features}.safetensors"
    stores = _stores(run)
    key = content_hash({
        "version": VERSION, "features": features, "scaler": readout.scaler.to_dict(),
        "tokens": None if stores is None else {split: store.meta.get("key") for split, store in stores.items()},
    })  # fmt: skip
    if record.is_file() and weights.is_file():
        stored = read_json(record)
        # What was pulled from elsewhere came without tokens.
        if stores is None or stored.get("key") == key:
            return unpack(stored["posterior"], load_file(readable(weights)))
    if stores is None:
        raise PhysrepError(
            f"{run}: holds neither a posterior of {features} nor tokens to fit one on; `{making_command(run)} embeds."
        )
    require_enough(stores["train"].n_trajectories, stores["valid"].n_trajectories)
    parts: dict[str, Mapping[str, TokenStore]] = {}
    folder = run / "posterior_spectra"
    for name in FEATURES[features]:
        parts[name] = stores if name == "tokens" else _spectra(stores, readout, config, folder)
    found = TokenPosterior(NeuralPosterior()).fit(parts, readout.scaler)
    shutil.rmtree(folder, ignore_errors=True)
    tensors: dict[str, Tensor] = {}
    content = {"key": key, "posterior": pack(found, tensors, "posterior")}
    write_tensors(weights, tensors)
    write_json(record, content)
    return found


def _stores(run: Path) -> dict[str, TokenStore] | None:
    try:
        return {split: TokenStore.open(run / "tokens" / split) for split in ("train", "valid")}
    except PhysrepError:
        return None


def _spectra(
    stores: Mapping[str, TokenStore], readout: Readout, config: Mapping[str, Any], folder: Path
) -> dict[str, TokenStore]:
    """Spectra of the windows that have tokens."""
    data, spectra = run_data(dict(config)), readout.background.spectra
    splits = labelled(data.open_splits())
    return {
        split: embed(
            spectra,
            splits[split],
            np.stack([store.trajectory, store.start], axis=1),
            folder / split,
            frames=spectra.num_frames,
            frame_step=data.frame_step,
            encode=spectra.encode,
            label=f"spectra of {split}",
        )
        for split, store in stores.items()
    }
