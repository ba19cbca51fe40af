"""Small clips with names, for the tests of learners."""

from __future__ import annotations

import torch

from physrep.clip import Clip

CHANNELS = ("tracer", "pressure", "velocity_x")


def make_clip(batch: int = 3, frames: int = 8, size: tuple[int, int] = (16, 24), seed: int = 0) -> Clip:
    """Smooth-ish random fields of three channels, with a Reynolds number and a Schmidt number."""
    with torch.device("cpu"):  # the same clips where the golden cases run on another device
        generator = torch.Generator().manual_seed(seed)
        fields = torch.randn(batch, len(CHANNELS), frames, *size, generator=generator)
        reynolds = 10.0 ** (2 + torch.rand(batch, generator=generator))
        parameters, index = torch.stack([reynolds, torch.arange(batch) + 1.0], dim=1), torch.arange(batch)
    clip = Clip(fields, parameters, CHANNELS, ("Reynolds", "Schmidt"), 0.1, (0.5, 0.25), (True, False), index, index)
    return clip.to(torch.get_default_device())


CONV = {"encoder": "conv3d", "encoder_options": {"dims": (8, 8, 8, 12), "groups": 4}}


def smooth_clip(batch: int = 4, frames: int = 8, size: tuple[int, int] = (16, 24), seed: int = 0) -> Clip:
    """Plane waves that travel, decay and differ from clip to clip: something that can be learned in a few steps."""
    clip, generator = make_clip(batch, frames, size, seed), torch.Generator().manual_seed(seed)
    h, w = torch.arange(size[0])[:, None] / size[0], torch.arange(size[1]) / size[1]
    phase, speed, decay = 2 * torch.pi * torch.rand(3, batch, len(CHANNELS), 1, 1, 1, generator=generator)
    time = torch.arange(frames).view(-1, 1, 1) / frames
    wave = torch.sin(2 * torch.pi * (h + w) + phase + speed * time) * torch.exp(-0.2 * decay * time)
    clip.fields = wave * (1 + 0.1 * torch.arange(len(CHANNELS)).view(-1, 1, 1, 1))
    return clip


TINY_VIDEO = {
    "crop_size": 16, "patch_size": 8, "hidden_size": 24, "num_attention_heads": 2, "num_hidden_layers": 1,
    "frames_per_clip": 8,
}  # fmt: skip
"""Options of a V-JEPA 2 that runs in milliseconds."""
SMALL_CONV = {"encoder": "conv3d", "encoder_options": {"dims": (8, 12), "strides": ((2, 2, 2), (2, 2, 2)), "groups": 4}}
CONVNEXT = {
    "encoder": "convnext3d",
    "encoder_options": {"dims": (4, 8, 8, 12), "num_res_blocks": (1, 1, 1, 1), "layer_scale": 0.5},
}
DISCO = {
    "size": "light", "dim": 48, "blocks": 2, "hidden": 2, "patch": 8, "drop_path": 0.0, "layer_scale": 0.5,
    "periodic": False, "depth": 2, "solver": "rk4", "steps": 1,
}  # fmt: skip
