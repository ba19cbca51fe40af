"""Fields as pictures: a colour map with a stated range, the same for every simulation and frame of a set.

A range of its own per picture would hide amplitudes, and one per simulation would leak them into the contrast. Fields
of both signs (waves) get a range that is symmetric about zero, so that zero has one colour everywhere. Pictures have
the first stored axis (x) downwards and the second (y) to the right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import PhysrepError
from ..files import atomic_path

LEVELS = 256
"""Colours of a map: pictures have 8 bits."""


@dataclass(frozen=True)
class ColourScale:
    """A colour map and the values that its ends stand for.

    Attributes:
        name: Matplotlib's name of the map, or ``physrep_diverging``.
        low, high: values at its ends; what lies outside takes the end colours.
    """

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise PhysrepError(f"the colour range [{self.low}, {self.high}] is empty; give low < high.")

    @property
    def table(self) -> np.ndarray:
        """The 256 colours, float32 in [0, 1] with shape ``(256, 3)``."""
        import matplotlib

        from ..palette import diverging

        if self.name == "physrep_diverging":
            return diverging()(np.arange(LEVELS))[:, :3].astype(np.float32)
        if self.name not in matplotlib.colormaps:
            import difflib

            close = difflib.get_close_matches(self.name, list(matplotlib.colormaps), n=1)
            hint = f"did you mean {close[0]!r}?" if close else "try inferno, viridis, gray or physrep_diverging."
            raise PhysrepError(f"there is no colour map {self.name!r}; {hint}")
        colours = matplotlib.colormaps[self.name](np.linspace(0, 1, LEVELS))
        return np.asarray(colours)[:, :3].astype(np.float32)

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"colour_map": self.name, "low": self.low, "high": self.high}


def fixed_range(fields: np.ndarray, rows: Sequence[int] | np.ndarray) -> tuple[float, float]:
    """``(0, largest)`` over these simulations, or ``(-m, m)`` with the largest magnitude m where values are negative.

    A value below zero by less than a thousandth of the largest is rounding, not a sign.
    """
    low = min(float(fields[i].min()) for i in rows)
    high = max(float(fields[i].max()) for i in rows)
    largest = max(abs(low), abs(high))
    if largest == 0:
        raise PhysrepError("the fields are zero everywhere, so there is nothing to draw; check the set's settings.")
    return (-largest, largest) if low < -1e-3 * largest else (0.0, largest)


def render(fields: np.ndarray | Tensor, scale: ColourScale, size: int | None = None) -> Tensor:
    """Pictures of fields, as an 8-bit video would hold them.

    Args:
        fields: with shape ``(B, T, H, W)``.
        scale: colour map and range.
        size: side of the picture; default that of the grid. Larger: bilinear in the field; smaller: area means.

    Returns:
        float32 in [0, 1] with shape ``(B, T, 3, H, W)``.
    """
    values = torch.as_tensor(np.array(fields, dtype=np.float32) if isinstance(fields, np.ndarray) else fields)
    batch, frames = values.shape[:2]
    if size is not None and tuple(values.shape[-2:]) != (size, size):
        flat = values.reshape(batch * frames, 1, *values.shape[-2:])
        if size < values.shape[-1]:
            flat = F.adaptive_avg_pool2d(flat, size)
        else:
            flat = F.interpolate(flat, size=(size, size), mode="bilinear", align_corners=False)
        values = flat.reshape(batch, frames, size, size)
    position = ((values - scale.low) / (scale.high - scale.low) * (LEVELS - 1)).round().clamp(0, LEVELS - 1)
    colours = torch.from_numpy(np.round(scale.table * 255) / 255).to(values)
    return colours[position.long()].permute(0, 1, 4, 2, 3).contiguous()


def save_video(video: Tensor, path: Path, fps: int = 12, enlarge: int = 4) -> tuple[Path, str]:
    """Write one video; returns its path and a sentence that says in which form.

    MP4 where an encoder (ffmpeg) is installed, else an animated PNG, which every browser shows and which keeps the
    colours exactly.

    Args:
        video: with shape ``(T, 3, H, W)`` in [0, 1].
        path: file without ending.
        fps: frames per second.
        enlarge: each pixel becomes this many squared.
    """
    from matplotlib.animation import FFMpegWriter
    from PIL import Image

    frames = (video.permute(0, 2, 3, 1).numpy() * 255).round().astype(np.uint8)
    frames = frames.repeat(enlarge, 1).repeat(enlarge, 2)
    if FFMpegWriter.isAvailable():
        return _save_mp4(frames, path.with_suffix(".mp4"), fps), "Videos are MP4 (H.264, by ffmpeg)."
    path = path.with_suffix(".png")
    images = [Image.fromarray(frame) for frame in frames]
    with atomic_path(path) as temporary:
        images[0].save(
            temporary, format="PNG", save_all=True, append_images=images[1:], duration=round(1000 / fps), loop=0
        )
    return path, "Videos are animated PNG files, because no MP4 encoder (ffmpeg) is installed."


def _save_mp4(frames: np.ndarray, path: Path, fps: int) -> Path:
    import subprocess

    height, width = frames.shape[1:3]
    with atomic_path(path) as temporary:
        command = ["ffmpeg", "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
        command += ["-s", f"{width}x{height}", "-r", str(fps), "-i", "-", "-pix_fmt", "yuv420p", "-f", "mp4"]
        done = subprocess.run([*command, str(temporary)], input=frames.tobytes(), capture_output=True)
        if done.returncode:
            raise PhysrepError(f"{path}: ffmpeg failed ({done.stderr.decode()[-200:].strip()}); uninstall or mend it.")
    return path
