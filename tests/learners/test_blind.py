"""Labels and places in the data set are hidden from everything that is said to learn without them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from physrep.clip import Clip
from physrep.data.config import DataConfig
from physrep.errors import PhysrepError
from physrep.learners import Learner, Supervised
from physrep.tokens import embed
from physrep.training.config import TrainingConfig
from physrep.training.pretrain import pretrain
from tests.helpers.small_data import TINY_ENCODER, write_waves


class ReadsLabels(Learner):
    """Its tokens are the labels, its loss too: a clean win, were it not blind."""

    def __init__(self, in_channels: int, num_frames: int) -> None:
        super().__init__(in_channels, num_frames)
        self.weight, self.embed_dim = nn.Parameter(torch.ones(1)), 1

    def loss(self, clip: Clip) -> dict[str, Tensor]:
        return {"loss": (self.weight * clip.parameters).mean()}

    def encode(self, clip: Clip) -> Tensor:
        return (self.weight * clip.parameters.log())[:, None, :1].float()


class ReadsPlaces(ReadsLabels):
    """The number of the trajectory stands for its labels."""

    def encode(self, clip: Clip) -> Tensor:
        return (self.weight * clip.trajectory[:, None, None]).float() + 0 * clip.start[:, None, None]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_waves(tmp_path_factory.mktemp("data"))


def test_a_learner_that_reads_labels_gets_no_tokens(data: Path, tmp_path: Path) -> None:
    train = DataConfig(path=str(data)).open("train")
    learner = ReadsLabels(len(train.channels), 4)
    with pytest.raises(PhysrepError, match="hidden from it"):
        embed(learner, train, train.windows(4, 4), tmp_path / "t", frames=4, encode=learner.encode)


def test_places_are_blank(data: Path, tmp_path: Path) -> None:
    train = DataConfig(path=str(data)).open("train")
    learner = ReadsPlaces(len(train.channels), 4)
    store = embed(learner, train, train.windows(4, 4), tmp_path / "t", frames=4, encode=learner.encode)
    assert set(store.tokens[:].ravel().tolist()) == {-1.0}


def test_training_on_labels_in_secret_ends_with_a_sentence(data: Path, tmp_path: Path) -> None:
    training = TrainingConfig(steps=2, batch_size=4, log_every=1, probe_every=0)
    with pytest.raises(PhysrepError, match="needs_labels is False"):
        name = f"{__name__}:ReadsLabels"
        pretrain(name, DataConfig(path=str(data)), tmp_path / "run", num_frames=4, training=training)


def test_supervised_training_sees_labels_and_its_prediction_does_not(data: Path) -> None:
    train = DataConfig(path=str(data)).open("train")
    clip = train.clip(train.windows(4, 4)[:4], 4)
    names = {name: "linear" for name in train.parameter_names}
    learner = Supervised(len(train.channels), names, num_frames=4, **TINY_ENCODER)  # pyright: ignore[reportArgumentType]
    learner.set_labels(dict.fromkeys(names, 0.0), dict.fromkeys(names, 1.0))
    assert torch.isfinite(learner.loss(clip)["loss"])
    other = replace(clip, parameters=clip.parameters + 1)
    assert torch.equal(learner.eval().predict(clip), learner.predict(other))


class Random(nn.Module):
    """Noise in evaluation mode."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3, 4))[:, None] + torch.rand(len(x), 1, x.shape[1])


class Mixes(nn.Module):
    """Standardises with the statistics of the batch."""

    def forward(self, x: Tensor) -> Tensor:
        z = x.mean((2, 3, 4))[:, None]
        return z - z.mean(0)


@pytest.mark.parametrize(("encoder", "sentence"), [(Random(), "is random"), (Mixes(), "mixes windows of a batch")])
def test_tokens_must_be_a_function_of_the_window(encoder: nn.Module, sentence: str, data: Path, tmp_path: Path) -> None:
    train = DataConfig(path=str(data)).open("train")
    with pytest.raises(PhysrepError, match=sentence):
        embed(encoder, train, train.windows(4, 2), tmp_path / "t", frames=4)
