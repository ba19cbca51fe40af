"""Videos as files to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import Tensor

from ..errors import PhysrepError
from ..files import atomic_path

SENTENCES = {
    ".mp4": "Videos are MP4 (H.264, by ffmpeg).",
    ".png": "Videos are animated PNG files, because no MP4 encoder (ffmpeg) is installed.",
}
"""What is said of the videos, by the ending of their files."""

FPS = 12
"""Frames per second."""


def save_video(video: Tensor, path: Path, enlarge: int = 4) -> tuple[Path, str]:
    """Write one video; returns its path and a sentence that says in which form.

    MP4 where an encoder (ffmpeg) is installed, else an animated PNG, which every browser shows and which keeps the
    colours exactly.

    Args:
        video: with shape ``(T, 3, H, W)`` in [0, 1].
        path: file without ending.
        enlarge: each pixel becomes this many squared.
    """
    from matplotlib.animation import FFMpegWriter
    from PIL import Image

    frames = (video.permute(0, 2, 3, 1).numpy() * 255).round().astype(np.uint8)
    frames = frames.repeat(enlarge, 1).repeat(enlarge, 2)
    if FFMpegWriter.isAvailable():
        return _save_mp4(frames, path.with_suffix(".mp4")), SENTENCES[".mp4"]
    path = path.with_suffix(".png")
    images = [Image.fromarray(frame) for frame in frames]
    with atomic_path(path) as temporary:
        images[0].save(
            temporary, format="PNG", save_all=True, append_images=images[1:], duration=round(1000 / FPS), loop=0
        )
    return path, SENTENCES[".png"]


def _save_mp4(frames: np.ndarray, path: Path) -> Path:
    import subprocess

    height, width = frames.shape[1:3]
    with atomic_path(path) as temporary:
        command = ["ffmpeg", "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
        command += ["-s", f"{width}x{height}", "-r", str(FPS), "-i", "-", "-pix_fmt", "yuv420p", "-f", "mp4"]
        done = subprocess.run([*command, str(temporary)], input=frames.tobytes(), capture_output=True)
        if done.returncode:
            raise PhysrepError(f"{path}: ffmpeg failed ({done.stderr.decode()[-200:].strip()}); uninstall or mend it.")
    return path
