"""Fine-tuning: the base starts from a run, moves or stays frozen, and runs of one benchmark can start from another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from physrep.benchmark import bench, read_config
from physrep.data.config import DataConfig
from physrep.errors import PhysrepError
from physrep.files import read_json
from physrep.learners import FineTuned
from physrep.run_directory import load_run
from physrep.training.config import TrainingConfig
from physrep.training.pretrain import pretrain
from tests.helpers.learner_clips import CHANNELS, CONV, make_clip
from tests.helpers.small_data import TINY_ENCODER, write_waves

SCALES: Any = {"Reynolds": "log", "Schmidt": "linear"}
FAST = TrainingConfig(steps=3, batch_size=4, probe_every=0, threads=1)


def stepped(learner: FineTuned) -> None:
    learner.train()
    optimiser = torch.optim.SGD([p for p in learner.parameters() if p.requires_grad], lr=0.1)
    learner.loss(make_clip(frames=8))["loss"].backward()
    optimiser.step()


@pytest.mark.parametrize("head", ["attentive", "linear"])
@pytest.mark.parametrize("freeze", [False, True])
def test_the_base_moves_unless_frozen(head: Any, freeze: bool) -> None:
    torch.manual_seed(0)
    learner = FineTuned(3, SCALES, 8, "next_frame", CONV, head, freeze=freeze)
    before = {key: value.clone() for key, value in learner.state_dict().items()}
    stepped(learner)
    moved = {key for key, value in learner.state_dict().items() if not torch.equal(value, before[key])}
    assert any(key.startswith("head.") for key in moved)
    assert any(key.startswith("base.encoder.") for key in moved) is not freeze
    assert learner.base.training is not freeze


def test_the_base_reads_what_it_was_trained_on() -> None:
    learner = FineTuned(3, SCALES, 8, "jepa", CONV)
    learner.set_normalisation(CHANNELS, (1, 2, 3), (4, 5, 6))
    assert learner.base.channels == CHANNELS and learner.base.field_std.tolist() == [4, 5, 6]


def test_start_from_a_run_directory(tmp_path: Path) -> None:
    data = DataConfig(path=str(write_waves(tmp_path)))
    common: dict[str, Any] = {"num_frames": 4, "training": FAST, "device": "cpu"}
    base = pretrain("jepa", data, tmp_path / "jepa", options=TINY_ENCODER, **common)
    options = {"base": "jepa", "base_options": TINY_ENCODER, "freeze": True}
    tuned = pretrain("finetuned", data, tmp_path / "tuned", options=options, init_from=str(base), **common)
    weights, start = load_file(tuned / "weights.safetensors"), load_file(base / "weights.safetensors")
    assert all(torch.equal(weights[f"base.{key}"], value) for key, value in start.items())
    learner, config = load_run(tuned)
    assert config["init_from"]["sha256"] and learner.kind == "finetuned"
    # The same encoder in another learner.
    ceiling = pretrain("supervised", data, tmp_path / "ceiling", options=TINY_ENCODER, init_from=str(base), **common)
    assert load_run(ceiling)[1]["init_from"] == config["init_from"]
    with pytest.raises(PhysrepError, match="do not fit this learner"):
        other = {"base": "next_frame", "base_options": TINY_ENCODER}
        pretrain("finetuned", data, tmp_path / "other", options=other, init_from=str(base), **common)
    with pytest.raises(PhysrepError, match="to start from"):
        pretrain("finetuned", data, tmp_path / "nothing", options=options, init_from=str(tmp_path / "no"), **common)
    # Other weights are another run.
    pretrain("jepa", data, tmp_path / "jepa2", options=TINY_ENCODER, seed=1, **common)
    with pytest.raises(PhysrepError, match="another init_from"):
        pretrain("finetuned", data, tmp_path / "tuned", options=options, init_from=str(tmp_path / "jepa2"), **common)


def study(tmp_path: Path, **changes: Any) -> Any:
    tuned = {
        "learner": "finetuned",
        "name": "tuned",
        "init_from": "jepa",
        "options": {"base": "jepa", "base_options": TINY_ENCODER},
    }
    return read_config(
        {
            "system": "waves",
            "data": {"path": str(tmp_path / "waves")},
            "num_frames": 4,
            "training": {"steps": 2, "batch_size": 4, "probe_every": 0},
            "encoder": TINY_ENCODER["encoder"],
            "encoder_options": TINY_ENCODER["encoder_options"],
            "runs": [{**tuned, **changes}, {"learner": "jepa"}, {"learner": "statistics"}, {"learner": "supervised"}],
            "n_resamples": 50,
            "seeds": [0, 1],
            "jobs": 1,
        },
        "test",
    )


def test_start_from_another_run_of_the_benchmark(tmp_path: Path) -> None:
    write_waves(tmp_path)
    bench(study(tmp_path), tmp_path / "out", device="cpu")
    runs = tmp_path / "out" / "runs"
    for seed in (0, 1):
        assert load_run(runs / f"tuned-s{seed}")[1]["init_from"]["run"] == str(runs / f"jepa-s{seed}")
        assert read_json(runs / f"tuned-s{seed}" / "summary.json")["kind"] == "finetuned"
    assert read_json(runs / "supervised-s0" / "summary.json")["kind"] == "ceiling"
    assert (runs / "tuned-s0" / "predictions_head.npz").is_file()


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"init_from": "jeppa"}, "did you mean 'jepa'"),
        ({"learner": "statistics", "options": {}}, "nothing to train"),
        ({"seeds": [0, 5]}, "not run for seed 5"),
    ],
)
def test_a_start_that_cannot_be(changes: dict[str, Any], match: str, tmp_path: Path) -> None:
    from physrep.benchmark import expand

    with pytest.raises(PhysrepError, match=match):
        expand(study(tmp_path, **changes))
