"""A split is a torch dataset whose samples are windows with names."""

import pytest
import torch
from torch.utils.data import DataLoader

import physrep
from physrep.clip import Clip
from physrep.errors import PhysrepError
from tests.helpers.small_data import FRAMES, write_waves


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> physrep.ClipDataset:
    return physrep.open_splits(write_waves(tmp_path_factory.mktemp("data")))["train"]


def test_samples_are_windows(train: physrep.ClipDataset) -> None:
    windows = train.of_windows(4, stride=8, frame_step=2)
    rows = train.windows(4, 8, 2)
    assert len(windows) == len(rows) > train.n_trajectories and len(train) == train.n_trajectories
    clip = windows[3]
    assert isinstance(clip, Clip) and clip.fields.shape == (1, 3, 4, 16, 16) and clip.dt == pytest.approx(0.2)
    torch.testing.assert_close(clip.fields, train.clip(rows[[3]], 4, 2).fields, rtol=0, atol=0)
    assert train[0].fields.shape[2] == FRAMES and int(windows[-1].start) == rows[-1, 1]
    with pytest.raises(IndexError):
        windows[len(rows)]
    assert len(list(windows)) == len(rows)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_plain_loader_makes_batches_of_clips(train: physrep.ClipDataset, workers: int) -> None:
    windows = train.of_windows(4, stride=8)
    loader = DataLoader(windows, batch_size=5, num_workers=workers)
    batches = list(loader)
    assert sum(len(batch) for batch in batches) == len(windows)
    rows = train.windows(4, 8)[:5]
    torch.testing.assert_close(batches[0].fields, train.clip(rows, 4).fields, rtol=0, atol=0)
    torch.testing.assert_close(batches[0].parameters, train.parameters[rows[:, 0]], rtol=0, atol=0)
    assert batches[0].start.tolist() == rows[:, 1].tolist() and batches[0].channels == train.channels


def test_what_it_says_of_itself(train: physrep.ClipDataset) -> None:
    text = repr(train.of_windows(4, stride=8))
    for part in ("waves/train", "windows of 4 frames", "tracer, velocity_x, velocity_y", "16 x 16", "dt 0.1", "rate"):
        assert part in text, text


def test_errors_are_value_errors() -> None:
    assert issubclass(PhysrepError, ValueError)
