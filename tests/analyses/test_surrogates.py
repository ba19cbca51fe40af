"""Phase-randomised twins: the same spectra, no shape; an encoder of shapes is found out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from physrep.analyses import Context, FrozenRun
from physrep.analyses.surrogates import Surrogates, phase_randomised
from physrep.clip import Clip
from physrep.errors import PhysrepError
from physrep.learners import Classical, FieldStatistics, Spectra
from physrep.tokens import LabelScaler, TokenStore

FRAMES, POINTS = 8, 16


def clip_of(fields: torch.Tensor, periodic=(True, True)) -> Clip:
    index = torch.arange(len(fields))
    names = tuple(f"f{k}" for k in range(fields.shape[1]))
    return Clip(fields, torch.zeros(len(fields), 0), names, (), 0.1, (0.1, 0.1), periodic, index, index)


@pytest.mark.parametrize("periodic", [(True, True), (True, False)])
def test_twins_keep_power_and_jointly_cross_spectra(periodic):
    x = torch.randn(2, 2, FRAMES, POINTS, POINTS, generator=torch.Generator().manual_seed(0)) + 2
    x[:, 1] += x[:, 0].roll(1, 2)
    clip = clip_of(x, periodic)
    cross = Classical(2, FRAMES, parts=["cross_spectra"])
    for kind in ("alone", "jointly"):
        twins = phase_randomised(clip, kind, 0)
        assert (twins.fields - x).std() > 0.5
        torch.testing.assert_close(twins.fields.mean((2, 3, 4)), x.mean((2, 3, 4)), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(twins.fields.var((2, 3, 4)), x.var((2, 3, 4)), rtol=1e-3, atol=1e-3)
        if periodic[1]:
            spectra = [torch.fft.fftn(c.fields, dim=(2, 3, 4)).abs() for c in (twins, clip)]
            torch.testing.assert_close(*spectra, rtol=1e-3, atol=1e-2)
        apart = (cross.encode(twins) - cross.encode(clip))[..., 8:].abs().mean()
        assert (apart < 0.15) if kind == "jointly" else (apart > 0.1)
    again = phase_randomised(replace(clip, fields=x[1:], trajectory=clip.trajectory[1:], start=clip.start[1:]), kind, 0)
    torch.testing.assert_close(again.fields, twins.fields[1:])


@pytest.mark.parametrize("periodic", [(True, True), (True, False)])
def test_twins_in_space_keep_all_that_spectra_read_also_of_a_decay(periodic):
    x = torch.randn(3, 2, FRAMES, POINTS, POINTS, generator=torch.Generator().manual_seed(0))
    x = x.cumsum(2) * torch.linspace(2, 0.5, FRAMES).view(1, 1, -1, 1, 1) + torch.arange(FRAMES).view(1, 1, -1, 1, 1)
    clip = clip_of(x, periodic)
    twins = phase_randomised(clip, "space", 0)
    assert (twins.fields - x).std() > 0.5
    for floor in (Spectra(2, FRAMES), Classical(2, FRAMES, parts=["power", "decay", "coherence", "cross_spectra"])):
        torch.testing.assert_close(floor.encode(twins), floor.encode(clip), rtol=1e-3, atol=1e-3)
    assert (
        Spectra(2, FRAMES).encode(phase_randomised(clip, "jointly", 0)) - Spectra(2, FRAMES).encode(clip)
    ).std() > 0.1


class Data:
    """Sums of spots whose sign is the label: skewness tells it, the spectrum does not."""

    def __init__(self, seed: int, count: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        spots = (torch.rand(count, 1, FRAMES, POINTS, POINTS, generator=generator) < 0.05).float() - 0.05
        self.labels = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
        self.fields = spots * self.labels.view(-1, 1, 1, 1, 1) + 0.01 * torch.randn(spots.shape, generator=generator)

    def clip(self, windows, frames, frame_step=1) -> Clip:
        chosen = torch.from_numpy(np.asarray(windows)[:, 0])
        return replace(clip_of(self.fields[chosen]), trajectory=chosen, start=torch.zeros_like(chosen))


class Planted(Context):
    def __init__(self) -> None:
        self.encoder = FieldStatistics(1, FRAMES)
        splits = {split: Data(k, n) for k, (split, n) in enumerate({"train": 80, "valid": 40, "test": 40}.items())}
        self.made = {}
        for split, data in splits.items():
            n = len(data.labels)
            windows = np.stack([np.arange(n), np.zeros(n, int)], 1)
            tokens = self.encoder.encode(data.clip(windows, FRAMES)).numpy()
            self.made[split] = TokenStore(tokens, data.labels.numpy()[:, None], windows[:, 0], windows[:, 1], ("sign",))
        scaler = LabelScaler.fit(self.made["train"].labels, ("sign",), {"sign": "linear"})
        run = FrozenRun("statistics-s0", "statistics", "statistics", "none", 0, "floor", Path("."))
        data = cast(Any, SimpleNamespace(frame_step=1))
        super().__init__("planted", data, cast(Any, splits), scaler, FRAMES, 1, [run], {}, Path("."), n_resamples=200)

    def stores(self, run):
        return self.made

    def learner(self, run):
        return self.encoder


def test_knowledge_of_shapes_is_lost_in_twins():
    rows = Surrogates(kinds=["alone", "space"]).rows(Planted())
    assert all(set(row) == set(Surrogates.columns) for row in rows)
    scores = {row["twins"]: row for row in rows if row["parameter"] == "mean"}
    assert scores["real"]["value"] < 0.05 and scores["alone"]["ci_low"] > 0.5
    assert scores["space"]["ci_low"] > 0.5
    fewer = Surrogates(kinds=["space"], trajectories=20)
    assert (
        len(fewer._read("train", Planted().made["train"])) == 20
        and len(fewer._read("test", Planted().made["test"])) == 40
    )
    few = {row["twins"]: row["value"] for row in fewer.rows(Planted()) if row["parameter"] == "mean"}
    assert few["real"] != scores["real"]["value"] and few["real"] < 0.1 and few["space"] > 0.5
    with pytest.raises(PhysrepError, match="choose kinds from alone, jointly, space"):
        Surrogates(kinds=["both"])
