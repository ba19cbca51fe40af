"""A finished benchmark whose tokens are planted: real data files, tokens that are a known function of the fields."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from physrep.analyses import Context, FrozenRun
from physrep.clip import Clip
from physrep.data.config import DataConfig
from physrep.quantities import Grid
from physrep.quantities.flow import kinetic_energy
from physrep.tokens import LabelScaler, embed
from tests.helpers.small_data import write_waves

Encode = Callable[[Clip], Tensor]
FRAMES, STRIDE = 4, 4


def energy(clip: Clip) -> Tensor:
    """``log10`` of the window's mean kinetic energy, ``(B,)``."""
    return kinetic_energy(clip, Grid.of_clip(clip)).mean(1).log10()


def noise(clip: Clip, width: int = 6) -> Tensor:
    """Tokens that know nothing of the fields, ``(B, 3, width)``; the same for the same window."""
    generator = torch.Generator()
    rows = []
    for fields in clip.fields:
        own = zlib.crc32(fields.contiguous().numpy().tobytes())
        rows.append(torch.randn(3, width, generator=generator.manual_seed(own)))
    return torch.stack(rows)


def linear_in_energy(clip: Clip) -> Tensor:
    """Three tokens of noise about ``(2 e, 1 - e, 3 e)``, so that their mean and spread hold e among noise."""
    e = energy(clip).float()
    tokens = noise(clip)
    tokens = tokens - tokens.mean(1, keepdim=True)
    return torch.cat([tokens, torch.stack([2 * e, 1 - e, 3 * e], 1)[:, None].expand(-1, 3, 3)], 2)


def planted_context(folder: Path, encoders: dict[str, Encode], n: int = 60) -> Context:
    """A context with one run per entry, of the kind ``learner``."""
    path = write_waves(folder / "data", n=n)
    data = DataConfig(path=str(path))
    splits = data.open_splits()
    train = splits["train"]
    scaler = LabelScaler.fit(train.parameters, train.parameter_names, {"rate": "log"})
    runs = []
    for name, encode in encoders.items():
        run = folder / "bench" / "runs" / f"{name}-s0"
        for split, dataset in splits.items():
            embed(nn.Identity(), dataset, dataset.windows(FRAMES, STRIDE), run / "tokens" / split, frames=FRAMES,
                  encode=encode, settings=name)  # fmt: skip
        (run / "scores.json").write_text(json.dumps([]))
        runs.append(FrozenRun(f"{name}-s0", name, name, "none", 0, "learner", run))
    return Context(
        "waves", data, splits, scaler, FRAMES, STRIDE, runs, {"ridge": {}}, folder / "bench", n_resamples=200
    )
