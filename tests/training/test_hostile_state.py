"""A planted state.pt: it is refused in one sentence, and nothing in it is executed."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from physrep.cli.main import main
from physrep.errors import PhysrepError
from physrep.run_directory import STATE
from physrep.training.state import State, read_state, write_state
from tests.helpers.small_data import write_waves

ENCODER = ("--encoder", "conv3d", "--encoder_options.dims", "[8, 16]", "--encoder_options.groups", "4")
ENCODER = (*ENCODER, "--encoder_options.strides", "[[2,2,2],[2,2,2]]", "--num_frames", "4", "--device", "cpu")
TRAINING = ("--training.steps", "2", "--training.batch_size", "4", "--training.probe_every", "0")


class Planted:
    """Makes a folder when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.place),)


class PlantedDict(dict[str, Any]):
    """A dictionary whose state is set by code of its own."""

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, (f"__import__('os').mkdir({self['place']!r})",)


def _state(weights: Any) -> dict[str, Any]:
    return {"format": 2, "step": 1, "weights": weights, "optimiser": {}, "scaler": {}, "best": [1.0, 1],
            "best_weights": {}, "seconds": 1.0}  # fmt: skip


def _raw(path: Path, place: Path) -> None:
    path.write_bytes(pickle.dumps(Planted(place)))


def _whole(path: Path, place: Path) -> None:
    torch.save(Planted(place), path)


def _before_zip(path: Path, place: Path) -> None:
    torch.save(Planted(place), path, _use_new_zipfile_serialization=False)


def _among_weights(path: Path, place: Path) -> None:
    torch.save(_state({"a": torch.ones(2), "b": Planted(place)}), path)


def _as_weights(path: Path, place: Path) -> None:
    torch.save(_state(PlantedDict(place=str(place))), path)


def _of_lightning(path: Path, place: Path) -> None:
    book = {"Bookkeeper": Planted(place)}
    torch.save({"pytorch-lightning_version": "2.5.0", "global_step": 1, "callbacks": book}, path)


PLANTS: list[Callable[[Path, Path], None]] = [_raw, _whole, _before_zip, _among_weights, _as_weights, _of_lightning]


@pytest.mark.parametrize("forced", ["", "1"])
@pytest.mark.parametrize("plant", PLANTS)
def test_nothing_of_a_planted_state_runs(
    plant: Callable[[Path, Path], None], forced: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if forced:  # what others recommend for their own checkpoints
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", forced)
    plant(tmp_path / STATE, tmp_path / "executed")
    with pytest.raises(PhysrepError, match=r"state\.pt: .*delete it, and the training begins anew\.$"):
        read_state(tmp_path)
    assert not (tmp_path / "executed").exists()
    # The plant is real: read without care, it runs.
    if plant is _raw:
        pickle.loads((tmp_path / STATE).read_bytes())
    else:
        torch.load(tmp_path / STATE, weights_only=False)
    assert (tmp_path / "executed").exists()


def test_a_state_of_ours_is_read(tmp_path: Path) -> None:
    write_state(tmp_path, State(3, {"a": torch.ones(2)}, {"state": {}}, {}, (0.5, 2)))
    found = read_state(tmp_path)
    assert found is not None and found.step == 3 and found.best == (0.5, 2)


def test_pretrain_says_so_and_leaves_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = str(write_waves(tmp_path))
    words = ["pretrain", "jepa", "--data", data, "--out", str(tmp_path / "run"), *ENCODER, *TRAINING]
    assert main(words) == 0
    for name in ("weights.safetensors", "summary.json"):
        (tmp_path / "run" / name).unlink()
    _among_weights(tmp_path / "run" / STATE, tmp_path / "executed")
    capsys.readouterr()
    assert main(words) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("physrep ")]
    assert len(said) == 1 and STATE in said[0] and "delete it" in said[0]
    assert not (tmp_path / "executed").exists()
