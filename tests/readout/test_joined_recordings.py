"""Operator discovery with joined windows, from the fit to the answer for a recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from physrep.benchmark import bench, read_config
from physrep.errors import PhysrepError
from physrep.learners import OperatorDiscovery
from physrep.learners.joined import encode_trajectories
from physrep.learners.operator_discovery.evidence import Scatter, evidence_of, joint_posterior, scatter_of
from physrep.readout import Instrument
from physrep.run_directory import load_run, run_data
from physrep.sharing.export import export
from physrep.simulation import SimulationConfig, simulate
from physrep.tokens import TokenStore

FRAMES, STRIDE, NOISE = 6, 3, 0.02


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark of the learner with and without, on heat with a diffusivity that noise hides in part."""
    root = tmp_path_factory.mktemp("joined")
    settings = SimulationConfig(
        trajectories=80, resolution=[16, 16], frames=12, save_dt=0.05, ranges={"diffusivity": [1e-3, 5e-3]},
        splits=[0.5, 0.25, 0.25],
    )  # fmt: skip
    data = simulate("heat", root / "data", settings, workers=1)
    options = {"grades": [1], "largest": 1, "directions": 1, "fit_stride": 3}
    config = {
        "data": {"path": str(data), "observation": [{"noise": {"level": NOISE}}]},
        "num_frames": FRAMES,
        "eval_stride": STRIDE,
        "probes": {"ridge": {}},
        "runs": [
            {"learner": "operator_discovery", "name": "each", "options": options},
            {"learner": "operator_discovery", "name": "joined", "options": {**options, "join_windows": True}},
        ],
        "n_resamples": 50,
    }
    bench(read_config(config, "test"), root / "bench")
    return root / "bench" / "runs"


def test_tokens_are_those_of_the_joint_posterior_with_the_scatter_of_the_fit(runs: Path) -> None:
    learner, config = load_run(runs / "joined-s0")
    assert isinstance(learner, OperatorDiscovery) and learner.v.shape[0] == 1
    splits = run_data(config).open_splits()
    train = splits["train"].clip(splits["train"].windows(FRAMES, 3), FRAMES)
    torch.testing.assert_close(learner.scatter, scatter_of([learner.read(train)], [train.trajectory], 1).table())
    windows = splits["valid"].windows(FRAMES, STRIDE)
    clip = splits["valid"].clip(windows, FRAMES)
    evidence = evidence_of(learner.read(clip))
    place = torch.arange(len(evidence)) // 3
    mean, _ = joint_posterior(evidence, place, Scatter.of_table(learner.scatter, 1))
    store = TokenStore.open(runs / "joined-s0" / "tokens" / "valid")
    assert store.joined
    np.testing.assert_allclose(store.tokens[:, 0, 0], mean[:, 0].repeat_interleave(3), rtol=1e-5, atol=1e-5)
    alone = clip.fields[:1], clip.trajectory[:1]
    one = splits["valid"].clip(windows[:1], FRAMES)
    assert torch.equal(alone[0], one.fields)
    torch.testing.assert_close(learner.encode(one), encode_trajectories(learner, one))
    assert (learner.encode(one) - torch.from_numpy(np.array(store.tokens[:1]))).abs().max() > 1e-4


def test_a_run_of_before_had_one_scatter_for_all_theta(runs: Path) -> None:
    learner, _ = load_run(runs / "joined-s0")
    assert isinstance(learner, OperatorDiscovery)
    old = learner.state_dict() | {"scatter": torch.full((1, 1), 0.3, dtype=torch.float64)}
    learner.load_state_dict(old)
    scatter = Scatter.of_table(learner.scatter, 1)
    torch.testing.assert_close(scatter.at(torch.tensor([[-9.0], [9.0]]).double()), old["scatter"].expand(2, 1, 1))
    torch.testing.assert_close(scatter.mean(), old["scatter"])


def test_off_nothing_is_stored_or_told_apart(runs: Path) -> None:
    learner, config = load_run(runs / "each-s0")
    assert isinstance(learner, OperatorDiscovery)
    assert "scatter" not in learner.state_dict() and "join_windows" not in vars(learner)
    joined, _ = load_run(runs / "joined-s0")
    assert joined.state_dict().keys() - learner.state_dict().keys() == {"scatter"}
    data = run_data(config).open_splits()["valid"]
    clip = data.clip(data.windows(FRAMES, STRIDE), FRAMES)
    store = TokenStore.open(runs / "each-s0" / "tokens" / "valid")
    np.testing.assert_array_equal(store.tokens, learner.encode(clip).numpy())
    np.testing.assert_allclose(store.tokens[:, 0, 0], learner.read(clip).mean[:, 0], rtol=1e-6)


def test_a_recording_is_read_together_and_no_program_of_one_window_is_made(runs: Path) -> None:
    instrument = Instrument(runs / "joined-s0")
    data = run_data(load_run(runs / "joined-s0")[1]).open_splits()["test"]
    clip = data.clip(data.windows(FRAMES, STRIDE)[:3], FRAMES)
    answer = instrument.readout.ask(instrument.learner, clip)
    np.testing.assert_allclose(answer.windows, np.broadcast_to(answer.estimate, answer.windows.shape), rtol=1e-6)
    tokens = torch.from_numpy(np.array(TokenStore.open(runs / "joined-s0" / "tokens" / "test").tokens[:3]))
    assert instrument.readout.probe is not None
    expected = instrument.readout.scaler.inverse(instrument.readout.probe.predict(tokens).double())
    np.testing.assert_allclose(answer.windows, expected, rtol=1e-5)
    with pytest.raises(PhysrepError, match="joins the windows"):
        export(runs / "joined-s0")
