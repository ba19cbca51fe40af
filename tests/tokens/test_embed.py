import errno
import math
import multiprocessing
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from physrep.clip import Clip
from physrep.data.config import DataConfig
from physrep.errors import PhysrepError
from physrep.learners import LEARNERS
from physrep.probes import PROBES, evaluate
from physrep.tokens import LabelScaler, TokenStore, embed, embed_splits
from physrep.tokens.encoder_hash import encoder_hash
from physrep.tokens.store import is_complete
from tests.helpers.small_data import TINY_ENCODER, write_waves


class FakeClips:
    """Clips whose every value tells trajectory and frame; counts how often it is read."""

    folder = Path("valid-0123456789abcdef")
    channels = ("a", "b")
    parameter_names = ("Re", "Sc")
    n_trajectories = 4

    def __init__(self):
        self.reads = 0

    def clip(self, windows, frames, frame_step=1):
        self.reads += 1
        trajectory, start = torch.from_numpy(windows).unbind(1)
        time = start[:, None] + frame_step * torch.arange(frames)
        fields = (100.0 * trajectory[:, None] + time)[:, None, :, None, None].expand(-1, 2, -1, 4, 4).contiguous()
        parameters = torch.stack([10.0**trajectory, trajectory.double()], dim=1)
        return Clip(
            fields, parameters, self.channels, self.parameter_names, 0.1, (1.0, 1.0), (True, True), trajectory, start
        )


class Encoder(nn.Module):
    """Two tokens of width 3: the mean of the first and of the last frame, scaled."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([1.0, 2.0, 3.0]))
        self.dropout = nn.Dropout(0.5)

    def forward(self, x):
        ends = torch.stack([x[:, :, 0].mean((1, 2, 3)), x[:, :, -1].mean((1, 2, 3))], dim=1)
        return self.dropout(ends[..., None] * self.scale)


WINDOWS = np.array([(i, 2 * s) for i in (2, 0, 1) for s in range(3)] + [(3, 5)])


def test_rows_are_exactly_the_windows(tmp_path):
    dataset, encoder = FakeClips(), Encoder().train()
    store = embed(encoder, dataset, WINDOWS, tmp_path / "tokens", frames=4, batch_size=4)
    assert store.tokens.shape == (10, 2, 3) and store.tokens.dtype == np.float32
    first = 100.0 * WINDOWS[:, 0] + WINDOWS[:, 1]
    np.testing.assert_allclose(store.tokens, np.stack([first, first + 3], 1)[..., None] * [1.0, 2.0, 3.0])
    assert (store.trajectory == WINDOWS[:, 0]).all() and (store.start == WINDOWS[:, 1]).all()
    np.testing.assert_allclose(store.labels, np.stack([10.0 ** WINDOWS[:, 0], WINDOWS[:, 0]], 1))
    assert store.parameter_names == ("Re", "Sc") and store.n_trajectories == 4
    assert isinstance(store.tokens, np.memmap)
    assert encoder.training


def test_a_finished_store_is_opened_not_computed(tmp_path):
    dataset, encoder = FakeClips(), Encoder()
    embed(encoder, dataset, WINDOWS, tmp_path, frames=4, batch_size=4)
    reads = dataset.reads
    embed(encoder, dataset, WINDOWS, tmp_path, frames=4, batch_size=3)
    assert dataset.reads == reads


def changed_weights(arguments):
    with torch.no_grad():
        arguments["encoder"].scale[0] += 1e-6


CHANGES = {
    "weights": changed_weights,
    "windows": lambda arguments: arguments.update(windows=WINDOWS[::-1]),
    "frames": lambda arguments: arguments.update(frames=5),
    "frame_step": lambda arguments: arguments.update(frame_step=2),
    "dtype": lambda arguments: arguments.update(dtype="float16"),
    "settings": lambda arguments: arguments.update(settings={"pool": 2}),
    "data": lambda arguments: setattr(arguments["dataset"], "folder", Path("valid-fedcba9876543210")),
    "trajectories": lambda arguments: setattr(arguments["dataset"], "n_trajectories", 5),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_stale_store_is_replaced(tmp_path, change):
    dataset = FakeClips()
    arguments = {"encoder": Encoder(), "dataset": dataset, "windows": WINDOWS, "out": tmp_path, "frames": 4}
    key = embed(**arguments).meta["key"]
    reads = dataset.reads
    change(arguments)
    assert embed(**arguments).meta["key"] != key
    assert dataset.reads > reads


@pytest.mark.parametrize("name", ["tokens.npy", "labels.npy", "trajectory.npy", "start.npy", "meta.json"])
@pytest.mark.parametrize("damage", ["missing", "short"])
def test_a_partial_store_is_replaced(tmp_path, name, damage):
    expected = np.array(embed(Encoder(), FakeClips(), WINDOWS, tmp_path, frames=4).tokens)
    path = tmp_path / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(PhysrepError, match="no complete tokens"):
        TokenStore.open(tmp_path)
    assert (embed(Encoder(), FakeClips(), WINDOWS, tmp_path, frames=4).tokens == expected).all()


def _embed_and_die(folder):
    class Killer(FakeClips):
        def clip(self, windows, frames, frame_step=1):
            if self.reads == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().clip(windows, frames, frame_step)

    encoder = Encoder()
    changed_weights({"encoder": encoder})
    embed(encoder, Killer(), WINDOWS, folder, frames=4, batch_size=2)


def test_a_killed_run_leaves_nothing_that_is_taken_for_complete(tmp_path):
    embed(Encoder(), FakeClips(), WINDOWS, tmp_path, frames=4)
    process = multiprocessing.get_context("fork").Process(target=_embed_and_die, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not is_complete(tmp_path)
    store = embed(Encoder(), FakeClips(), WINDOWS, tmp_path, frames=4)
    assert is_complete(tmp_path) and len(store) == len(WINDOWS)


def test_full_disk(tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(PhysrepError, match="No space left on device"):
        embed(Encoder(), FakeClips(), WINDOWS, tmp_path, frames=4)
    assert not is_complete(tmp_path)


def test_half_precision(tmp_path, capsys):
    store = embed(Encoder(), FakeClips(), WINDOWS, tmp_path / "half", frames=4, dtype="float16")
    assert store.tokens.dtype == np.float16 and np.isfinite(store.tokens).all()
    encoder = Encoder()
    with torch.no_grad():
        encoder.scale.mul_(1e4)
    large = embed(encoder, FakeClips(), WINDOWS, tmp_path / "large", frames=4, dtype="float16")
    assert "which float16 cannot hold; they are stored as float32" in capsys.readouterr().err
    assert large.tokens.dtype == np.float32 and len(large) == len(WINDOWS)
    single = embed(encoder, FakeClips(), WINDOWS, tmp_path / "single", frames=4)
    np.testing.assert_array_equal(large.tokens, single.tokens)
    np.testing.assert_array_equal(large.labels, single.labels)
    # A store like any other: the same request opens it.
    before = (tmp_path / "large" / "tokens.npy").stat().st_mtime_ns
    embed(encoder, FakeClips(), WINDOWS, tmp_path / "large", frames=4, dtype="float16")
    assert (tmp_path / "large" / "tokens.npy").stat().st_mtime_ns == before


def test_a_learner_gives_its_own_tokens(tmp_path):
    encoder = Encoder()
    store = embed(encoder, FakeClips(), WINDOWS, tmp_path, frames=4, encode=lambda clip: 2 * encoder(clip.fields))
    np.testing.assert_allclose(store.tokens[0, 0], [400.0, 800.0, 1200.0])


OUTPUTS = {
    "two axes": (lambda x: x.mean((2, 3, 4)), "not \\(10, tokens, channels\\)"),
    "five axes": (lambda x: x, "not \\(10, tokens, channels\\)"),
    "other batch": (lambda x: x.flatten(2)[1:], "gave \\(9, 2, 64\\) for 10 windows"),
    "no tokens": (lambda x: x.flatten(2)[:, :0], "not \\(10, tokens, channels\\)"),
    "no tensor": (lambda x: [x], "gave list"),
    "integers": (lambda x: x.flatten(2).long(), "floating-point"),
    "NaN": (lambda x: x.flatten(2) * torch.nan, "NaN"),
}


@pytest.mark.parametrize("output,message", OUTPUTS.values(), ids=OUTPUTS.keys())
def test_faulty_encoders_are_named(tmp_path, output, message):
    class Faulty(nn.Module):
        def forward(self, x):
            return output(x)

    with pytest.raises(PhysrepError, match=message):
        embed(Faulty(), FakeClips(), WINDOWS, tmp_path, frames=4)
    assert not is_complete(tmp_path)


def test_faulty_requests_are_named(tmp_path):
    for options, message in (
        ({"windows": WINDOWS[:0]}, "at least one"),
        ({"windows": WINDOWS[:, 0]}, "rows"),
        ({"dtype": "int8"}, "float16"),
        ({"batch_size": 0}, "batch_size"),
    ):
        with pytest.raises(PhysrepError, match=message):
            embed(Encoder(), FakeClips(), **{"windows": WINDOWS, "out": tmp_path, "frames": 4, **options})


def test_encoder_hash_sees_structure_and_buffers():
    encoder = Encoder()
    base = encoder_hash(encoder)
    assert encoder_hash(Encoder()) == base
    assert encoder_hash(encoder.eval()) == base
    encoder.dropout.p = 0.1
    assert encoder_hash(encoder) != base
    flatten = [nn.Flatten(start) for start in (1, 2)]
    assert encoder_hash(flatten[0]) != encoder_hash(flatten[1])
    norms = [nn.BatchNorm1d(3) for _ in range(2)]
    norms[1].running_mean = torch.ones(3)
    assert encoder_hash(norms[0]) != encoder_hash(norms[1])


@pytest.mark.parametrize("probe", ["ridge", "attentive"])
def test_half_precision_changes_no_score_beyond_noise(probe):
    # Tokens as encoders give them: correlated, of very different sizes, the parameter in one direction of many.
    rng = np.random.default_rng(0)
    stores = {}
    mixing = rng.normal(size=(32, 32)) * np.logspace(-3, 0, 32)
    for split, count in (("train", 300), ("valid", 100), ("test", 100)):
        latent = rng.normal(size=(count, 4, 32))
        labels = rng.normal(size=count)
        latent[:, :, 22] = labels[:, None] + 0.5 * rng.normal(size=(count, 1))
        tokens = (latent @ mixing.T + 0.2 * rng.normal(size=latent.shape) * 1e-3 + 1.0).astype(np.float32)
        trajectory = np.arange(count)
        stores[split] = TokenStore(tokens, labels[:, None], trajectory, np.zeros(count, int), ("nu",))
    scaler = LabelScaler.fit(stores["train"].labels, ("nu",), {"nu": "linear"})
    options = {"attentive": {"epochs": 60, "learning_rates": [3e-3], "weight_decays": [0.01]}}.get(probe, {})
    scores = []
    for dtype in (np.float32, np.float16):
        stored = {split: replace(store, tokens=store.tokens.astype(dtype)) for split, store in stores.items()}
        rows, _ = evaluate(PROBES[probe](**options), stored, scaler, name=probe, n_resamples=200)
        found = rows.query("level == 'window' and split == 'test' and parameter == 'nu' and metric == 'mse'")
        (row,) = found.to_dict("records")
        scores.append(row)
    width = scores[0]["ci_high"] - scores[0]["ci_low"]
    assert abs(scores[0]["value"] - scores[1]["value"]) < 0.1 * width
    assert scores[0]["value"] < 0.7


@pytest.mark.parametrize("name", ["jepa", "masked_pixels", "masked_jepa", "next_frame", "operator", "random"])
def test_learners_around_an_encoder_are_embedded_with_its_grid(name: str, tmp_path: Path) -> None:
    train = DataConfig(path=str(write_waves(tmp_path / "data"))).open("train")
    learner = LEARNERS[name](in_channels=len(train.channels), num_frames=4, **TINY_ENCODER)
    learner.set_normalisation(train.channels, train.stats.mean.tolist(), train.stats.std.tolist())
    splits = {"train": train}
    store = embed_splits(learner.eval(), splits, tmp_path / "tokens", stride=4)["train"]
    assert math.prod(store.meta["grid"]) == store.tokens.shape[1]
