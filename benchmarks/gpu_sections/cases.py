"""Every learner in a small size, with a clip that it can read."""

from __future__ import annotations

from typing import Any

import torch

from physrep.clip import Clip

CHANNELS = ("tracer", "pressure", "velocity_x")
FRAMES, SIZE = 8, 32
SIZES = {"mpp": 64}
"""On 2 x 2 tokens MPP's norms divide by next to nothing: float32 and float64 differ by half on a CPU already."""
CONV = {"encoder": "conv3d", "encoder_options": {"dims": (8, 16), "strides": ((2, 2, 2), (2, 2, 2)), "groups": 4}}
VIT = {"encoder": "vit3d", "encoder_options": {"patch": [2, 8, 8], "embed_dim": 48, "depth": 2}}
CONVNEXT = {
    "encoder": "convnext3d",
    "encoder_options": {"dims": (4, 8, 8, 12), "num_res_blocks": (1, 1, 1, 1), "layer_scale": 0.5},
}
PATCH = {"encoder": "patch_convnext3d", "encoder_options": {"patch": [1, 4, 4], "dims": (8, 8, 12)}}
LEARNER_CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "jepa convnext3d": ("jepa", CONVNEXT),
    "jepa patch_convnext3d": ("jepa", PATCH),
    "jepa vit3d clips": ("jepa", {**VIT, "level": "clip"}),
    "jepa conv3d sigreg": ("jepa", {**CONV, "regulariser": "sigreg"}),
    "masked_jepa": ("masked_jepa", VIT),
    "symmetry": ("symmetry", CONV),
    "videomae": ("videomae", {"size": "tiny"}),
    "mpp": ("mpp", {"size": "tiny", "layer_scale": 0.3}),
    "disco light": ("disco", {"size": "light", "layer_scale": 0.5, "drop_path": 0.0}),
    "masked_pixels": ("masked_pixels", VIT),
    "next_frame": ("next_frame", CONV),
    "operator": ("operator", CONV),
    "random": ("random", CONV),
    "statistics": ("statistics", {}),
    "pixels": ("pixels", {}),
    "spectra": ("spectra", {}),
    "dynamic_modes": ("dynamic_modes", {}),
}


def make_clip(batch: int, frames: int, size: int = SIZE, channels: tuple[str, ...] = CHANNELS, seed: int = 0) -> Clip:
    """Plane waves that differ from clip to clip, with some noise."""
    generator = torch.Generator().manual_seed(seed)
    h, w = torch.arange(size)[:, None] / size, torch.arange(size) / size
    phase, speed = 2 * torch.pi * torch.rand(2, batch, len(channels), 1, 1, 1, generator=generator)
    time = torch.arange(frames).view(-1, 1, 1) / frames
    fields = torch.sin(2 * torch.pi * (h + 2 * w) + phase + speed * time)
    fields = fields + 0.3 * torch.randn(fields.shape, generator=generator)
    parameters = torch.stack([10.0 ** (2 + torch.rand(batch, generator=generator)), torch.arange(batch) + 1.0], dim=1)
    index = torch.arange(batch)
    return Clip(fields, parameters, channels, ("Reynolds", "Schmidt"), 0.1, (0.5, 0.25), (True, True), index, index)
