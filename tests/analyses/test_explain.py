"""Explanations of planted encoders: the one input that matters, the one direction, the one block."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from physrep.analyses import Context, FrozenRun
from physrep.analyses.explain import Explain, best_learner, input_sensitivity, principal_map
from physrep.analyses.stage_activations import stage_modules, stage_moments
from physrep.clip import Clip
from physrep.learners import RandomEncoder
from physrep.learners.base import Learner
from physrep.probes import Ridge, RidgeProbe
from physrep.probes.moments import smooth_moments, token_moments
from physrep.tokens import LabelScaler, TokenStore
from tests.helpers.learner_clips import make_clip
from tests.helpers.planted_energy import linear_in_energy, noise, planted_context


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("count", [1, 5])
def test_the_head_is_the_ridge_probe(count: int) -> None:
    tokens, labels = draw(60, count, 7) * torch.linspace(0.1, 30, 7) + 4, draw(60, 2, seed=1)
    tokens[..., 3] = 1.0  # A constant feature must not be blown up.
    probe = RidgeProbe().fit(tokens[:40], labels[:40], tokens[40:], labels[40:])
    moments = token_moments(tokens)
    head = Ridge().fit(moments[:40], labels[:40], moments[40:], labels[40:])
    torch.testing.assert_close(
        head.predict(smooth_moments(tokens)), probe.predict(tokens).double(), rtol=1e-4, atol=1e-5
    )


class OneInput(Learner):
    """Two tokens, of which each holds the sum of channel 1 of frame 2 in one half of the domain."""

    def __init__(self, gradients: bool = True) -> None:
        super().__init__(3, 8)
        self.gradients = gradients
        self.embed_dim = 1

    def loss(self, clip: Clip) -> dict[str, Tensor]:
        raise NotImplementedError

    def encode(self, clip: Clip) -> Tensor:
        x = self.fields(clip, 8)[:, 1, 2]
        half = x.shape[2] // 2
        tokens = torch.stack([x[:, :, :half].sum((1, 2)), x[:, :, half:].sum((1, 2))], 1)[..., None]
        return tokens if self.gradients else tokens.detach()


def test_the_one_input_that_matters_has_all_the_sensitivity() -> None:
    clip, learner = make_clip(), OneInput()
    tokens = draw(50, 2, 1)
    labels = torch.cat([tokens.mean(1), -3 * tokens.mean(1)], 1)
    moments = token_moments(tokens)
    head = Ridge().fit(moments[:30], labels[:30], moments[30:], labels[30:])
    found = input_sensitivity(learner, head, clip)
    assert found is not None and found.shape == (len(clip), 2, *clip.fields.shape[1:])
    # ŷ = mean of the two tokens = half the sum over all points.
    torch.testing.assert_close(found[:, 0, 1, 2], torch.full_like(found[:, 0, 1, 2], 0.5), rtol=1e-3, atol=0)
    torch.testing.assert_close(found[:, 1, 1, 2], torch.full_like(found[:, 1, 1, 2], -1.5), rtol=1e-3, atol=0)
    found[:, :, 1, 2] = 0
    assert float(found.abs().max()) == 0
    assert input_sensitivity(OneInput(gradients=False), head, clip) is None


def test_the_map_finds_the_planted_plane() -> None:
    plane = draw(200, 2) * torch.tensor([3.0, 1.5])
    rotation = torch.linalg.qr(draw(6, 6, seed=1))[0]
    # Every feature the same spread, so that standardising changes nothing of note.
    features = (plane @ rotation[:2]).double()
    points, shares = principal_map(features, features[:50])
    assert sum(shares) == pytest.approx(1.0) and points.shape == (50, 2)
    assert abs(float(torch.corrcoef(points.T)[0, 1])) < 0.3
    _, flat = principal_map(draw(500, 8).double(), draw(9, 8).double())
    assert flat[0] < 0.25


class Stack(nn.Module):
    """Channels-first convolutions, then tokens; the second block is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.Sequential(nn.Conv3d(3, 8, 2, 2), nn.Conv3d(8, 8, 1))
        self.twice = nn.Identity()
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.twice(self.twice(self.stages(x))).flatten(2).transpose(1, 2))


class Wrapped(OneInput):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = Stack()

    def encode(self, clip: Clip) -> Tensor:
        return self.encoder(self.fields(clip, 8))


def test_stages_are_pooled_over_positions_and_hooks_are_removed() -> None:
    torch.manual_seed(0)
    learner, clip = Wrapped().eval(), make_clip()
    assert [name for name, _ in stage_modules(learner.encoder)] == ["stages.0", "stages.1", "twice", "head"]
    found = stage_moments(learner, iter([clip, clip]))
    assert list(found) == ["input", "stages.0", "stages.1", "head"]
    assert [part.shape for part in found.values()] == [(2 * len(clip), 2 * width) for width in (3, 8, 8, 4)]
    with torch.no_grad():
        out = learner.encoder.stages[0](learner.fields(clip, 8)).double()
    torch.testing.assert_close(found["stages.0"][: len(clip), :8], out.mean((2, 3, 4)), rtol=1e-5, atol=1e-6)
    assert not any(module._forward_hooks for module in learner.modules())


def test_the_best_learner_is_chosen_on_valid_among_learners(tmp_path_factory: pytest.TempPathFactory) -> None:
    context = planted_context(tmp_path_factory.mktemp("best"), {"energy": linear_in_energy, "noise": noise}, n=12)
    for run, valid, test in zip(context.runs, (0.4, 0.3), (0.1, 0.9), strict=True):
        rows: list[dict[str, Any]] = [
            {
                "probe": "ridge",
                "level": "trajectory",
                "parameter": "mean",
                "split": split,
                "metric": "mse",
                "value": score,
            }
            for split, score in (("valid", valid), ("test", test))
        ]
        (run.folder / "scores.json").write_text(json.dumps(rows))
    assert cast(Any, best_learner(context)).name == "noise-s0"


class InSpace(Context):
    """Random fields on three axes; the label is the mean of the second channel."""

    def __init__(self, out: Path) -> None:
        torch.manual_seed(0)
        options = {"dims": (8,), "strides": ((2, 2, 2, 2),), "groups": 4}
        self.encoder = RandomEncoder(2, 4, "conv4d", options).eval()
        self.fields = torch.randn(12, 2, 4, 6, 8, 4)
        index = torch.arange(12)
        self.whole = Clip(
            self.fields, torch.zeros(12, 1), ("a", "b"), ("m",), 1.0, (1.0,) * 3, (True,) * 3, index, index * 0
        )
        labels = self.fields[:, 1].flatten(1).mean(1, keepdim=True).numpy()
        tokens = self.encoder.encode(self.whole).detach().numpy()
        self.made = TokenStore(tokens, labels, index.numpy(), index.numpy() * 0, ("m",))
        scaler = LabelScaler.fit(labels, ("m",), {"m": "linear"})
        split = SimpleNamespace(clip=self.clip, std=torch.tensor([1.0, 2.0]), channels=("a", "b"), axes=("x", "y", "z"),
                                dx=(1.0,) * 3, dt=1.0)  # fmt: skip
        data, splits = (
            cast(Any, SimpleNamespace(frame_step=1)),
            cast(Any, dict.fromkeys(("train", "valid", "test"), split)),
        )
        super().__init__("planted", data, splits, scaler, 4, 1, [], {}, out, n_resamples=50)

    def clip(self, windows, frames, frame_step=1) -> Clip:
        return replace(self.whole, fields=self.fields[np.asarray(windows)[:, 0]])

    def stores(self, run):
        return dict.fromkeys(("train", "valid", "test"), self.made)

    def learner(self, run):
        return self.encoder


def test_maps_of_fields_in_space_are_middle_planes_and_shares_are_of_all(tmp_path: Path) -> None:
    (tmp_path / "analyses").mkdir()
    run = FrozenRun("jepa-s0", "jepa", "jepa", "conv4d", 0, "learner", tmp_path)
    rows = Explain(windows=6, shown=2)._saliency(InSpace(tmp_path), run)
    shares = [row["value"] for row in rows if row["metric"] == "share_of_channel"]
    assert len(shares) == 2 and sum(shares) == pytest.approx(1)
    with np.load(next((tmp_path / "analyses").glob("*.npz"))) as file:
        assert file["fields"].shape == (2, 2, 4, 6, 8) and file["sensitivity"].shape == (2, 1, 2, 4, 6, 8)
