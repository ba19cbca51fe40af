"""Run a frozen encoder over windows once and keep its tokens."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ..clip import Clip
from ..devices import resolve_device
from ..errors import PhysrepError
from ..files import atomic_path, atomic_write, content_hash, write_json
from ..learners.abilities import JoinsWindows
from ..learners.joined import joined_tokens
from ..progress import Progress
from ..streams import say_line
from .as_stored import TooLargeError, checked_tokens
from .encoder_hash import encoder_hash
from .store import ARRAYS, META, TokenStore, is_complete

# Increase when the tokens change for the same request.
STORE_VERSION = 1
STEADY_WINDOWS, STEADY = 4, 1e-3
"""Windows that are encoded again to see that tokens are a function of the window; the share of their rms allowed."""


class ClipSource(Protocol):
    """What `embed` asks of a data set (`physrep.data.ClipDataset` is one).

    The name of ``folder`` identifies the content of the files behind the data set.
    """

    @property
    def folder(self) -> Path: ...
    @property
    def channels(self) -> tuple[str, ...]: ...
    @property
    def parameter_names(self) -> tuple[str, ...]: ...
    @property
    def n_trajectories(self) -> int: ...
    def clip(self, windows: np.ndarray, frames: int, frame_step: int = 1) -> Clip: ...


def embed(
    encoder: nn.Module,
    dataset: ClipSource,
    windows: np.ndarray,
    out: str | Path,
    *,
    frames: int,
    frame_step: int = 1,
    encode: Callable[[Clip], Tensor] | None = None,
    join: JoinsWindows | None = None,
    batch_size: int = 32,
    dtype: str = "float32",
    device: str = "cpu",
    settings: Any = None,
    label: str = "embed",
) -> TokenStore:
    """Tokens of the given windows, exactly these and in this order, computed once.

    If ``out`` already holds the complete tokens of the same weights, data, windows and type, they are opened; anything
    else there (stale, or left by an interrupted run) is replaced. Nothing is dropped: the last batch may be smaller.

    Args:
        encoder: module from fields ``(B, C, T, H, W)`` to tokens ``(B, N, D)``; it is run in evaluation mode.
        dataset: source of clips.
        windows: rows (trajectory, start) with shape ``(n, 2)``.
        out: folder of the store.
        frames, frame_step: frames per window and their distance.
        encode: how to get tokens from a clip; default ``encoder(clip.fields)``. For a learner: ``learner.encode``.
        join: the learner, where it joins windows: every window gets the token of all given windows of its trajectory;
            ``encode`` then only shows that it is steady.
        batch_size: windows per forward pass.
        dtype: "float32", or "float16" for half the space and about 3 digits. Tokens that float16 cannot hold
            (above 65504) are stored as float32 instead, all of them, and a line says so.
        device: where the encoder runs.
        settings: plain data with what else determines the tokens and is no tensor or plain attribute of the encoder.
        label: name shown with the progress.

    Raises:
        PhysrepError: the output has a wrong shape or type, or is NaN; the disk is full.
    """
    windows = np.ascontiguousarray(windows, dtype=np.int64)
    if windows.ndim != 2 or windows.shape[1] != 2 or len(windows) == 0:
        raise PhysrepError(f"windows have the shape {windows.shape}; give rows (trajectory, start), at least one.")
    if dtype not in ("float32", "float16"):
        raise PhysrepError(f"tokens cannot be stored as {dtype!r}; use 'float32' or 'float16'.")
    if batch_size < 1:
        raise PhysrepError(f"batch_size is {batch_size}; it must be at least 1.")
    device = resolve_device(device)
    out = Path(out)
    request = {
        "version": STORE_VERSION,
        "encoder": encoder_hash(encoder),
        "settings": settings,
        "data": [dataset.folder.name, list(dataset.channels), list(dataset.parameter_names), dataset.n_trajectories]
        + ([key] if (key := getattr(dataset, "label_key", "")) else []),
        "windows": hashlib.sha256(windows.tobytes()).hexdigest(),
        "frames": frames,
        "frame_step": frame_step,
        "dtype": dtype,
    }
    if join is not None:
        request["joined"] = True
    key = content_hash(request)
    if is_complete(out, key):
        return TokenStore.open(out)

    # From here on the folder is incomplete until its meta.json is back.
    (out / META).unlink(missing_ok=True)
    run = encode if encode is not None else lambda clip: encoder(clip.fields)
    own = _Pass(encoder, run, join, dataset, windows, frames, frame_step, batch_size, device, label)
    _check_steady(own)
    try:
        shape, labels, grid = _write_tokens(own, out, dtype)
    except TooLargeError as error:
        text = f"{label}: tokens reach {error.args[0]:.3g}, which float16 cannot hold; they are stored as float32."
        say_line(text)
        shape, labels, grid = _write_tokens(own, out, "float32")
    for name, array in (
        ("labels", labels),
        ("trajectory", np.ascontiguousarray(windows[:, 0])),
        ("start", np.ascontiguousarray(windows[:, 1])),
    ):
        with atomic_path(out / f"{name}.npy") as path, open(path, "wb") as file:
            np.save(file, array)
    meta = {
        "key": key,
        "request": request,
        "parameter_names": list(dataset.parameter_names),
        "shape": [len(windows), *shape],
        "grid": grid,
        "bytes": {name: (out / f"{name}.npy").stat().st_size for name in ARRAYS},
    }
    write_json(out / META, meta)
    return TokenStore.open(out)


@dataclass(frozen=True)
class _Pass:
    """Windows on their way through an encoder; arguments as in `embed`."""

    encoder: nn.Module
    encode: Callable[[Clip], Tensor]
    join: JoinsWindows | None
    dataset: ClipSource
    windows: np.ndarray
    frames: int
    frame_step: int
    batch_size: int
    device: str
    label: str

    def clip(self, first: int = 0) -> Clip:
        """The batch that starts with this window."""
        return self.dataset.clip(self.windows[first : first + self.batch_size], self.frames, self.frame_step)

    def run(self, clip: Clip) -> Tensor:
        """Tokens of a clip whose labels are hidden."""
        return self.encode(clip.to(self.device).blind())

    def batches(self, progress: Progress) -> Iterator[tuple[Clip, Tensor, Tensor]]:
        """A clip, tokens and parameters of the next windows, in order; where windows are joined, of all at once."""
        evidence, parameters, clip = [], [], None
        for first in range(0, len(self.windows), self.batch_size):
            clip = self.clip(first)
            if self.join is None:
                yield clip, self.run(clip), clip.parameters
            else:
                evidence.append(self.join.evidence(clip.to(self.device).blind()))
                parameters.append(clip.parameters)
            progress.advance(len(clip))
        if self.join is not None and clip is not None:
            trajectory = torch.from_numpy(self.windows[:, 0].copy())
            yield clip, joined_tokens(self.join, torch.cat(evidence), trajectory), torch.cat(parameters)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """The encoder in evaluation mode, without gradients."""
        training = self.encoder.training
        self.encoder.eval()
        try:
            with torch.inference_mode():
                yield
        finally:
            self.encoder.train(training)


def _check_steady(own: _Pass) -> None:
    """Encode a few windows again, in the same batch and in others: a frozen encoder must give the same tokens.

    Raises:
        PhysrepError: it draws random numbers, or the tokens of a window depend on its companions in the batch.
    """
    few = list(range(min(len(own.windows), own.batch_size, STEADY_WINDOWS)))
    with own.frozen():
        clip = own.clip().to(own.device)
        tokens = checked_tokens(own.run(clip), len(clip), (), "float32")
        near = STEADY * (float(np.sqrt(np.mean(np.square(tokens[few], dtype=np.float64)))) or 1.0)

        def steady(rows: list[int]) -> bool:
            other = checked_tokens(own.run(_rows(clip, rows)), len(rows), (), "float32")
            return other.shape[1:] == tokens.shape[1:] and np.allclose(other, tokens[rows], rtol=0, atol=near)

        if steady(few[::-1]) and steady(few[:1]):
            return
        again = steady(list(range(len(clip))))
    if not again:
        raise PhysrepError(
            f"{own.label}: the encoder is random: the same windows gave other tokens the second time; switch off "
            "dropout and noise in evaluation mode."
        )
    raise PhysrepError(
        f"{own.label}: the encoder mixes windows of a batch: a window's tokens change with its companions; use no "
        "statistics of the batch in evaluation mode."
    )


def _rows(clip: Clip, rows: list[int]) -> Clip:
    return replace(
        clip,
        fields=clip.fields[rows],
        parameters=clip.parameters[rows],
        trajectory=clip.trajectory[rows],
        start=clip.start[rows],
    )


def _write_tokens(own: _Pass, out: Path, dtype: str) -> tuple[tuple[int, ...], np.ndarray, list[int] | None]:
    """Write ``tokens.npy`` atomically; returns the shape of a window's tokens, the labels of all windows, the grid."""
    labels = []
    shape: tuple[int, ...] = ()
    grid: list[int] | None = None
    count = len(own.windows)
    with (
        own.frozen(),
        atomic_write(out / "tokens.npy", "wb") as file,
        Progress(count, own.label, "windows") as progress,
    ):
        for clip, found, parameters in own.batches(progress):
            tokens = checked_tokens(found, len(parameters), shape, dtype)
            if not shape:
                shape = tokens.shape[1:]
                grid = token_grid(own.encoder, clip, shape[0])
                header = {"descr": np.lib.format.dtype_to_descr(tokens.dtype), "fortran_order": False}
                np.lib.format.write_array_header_1_0(file, {**header, "shape": (count, *shape)})
            # Not through a memory map: there a full disk is a signal that kills, here it is an error.
            file.write(tokens.data)
            labels.append(parameters.to(torch.float64).numpy())
    return shape, np.concatenate(labels), grid


def token_grid(encoder: nn.Module, clip: Clip, count: int) -> list[int] | None:
    """Tokens along time, H and W, if the encoder has a method ``grid`` that agrees with their number; else None."""
    places: list[Any] = [getattr(encoder, "encoder", None), encoder]
    grid = next((place.grid for place in places if _takes_sizes(getattr(place, "grid", None))), None)
    if grid is None:
        return None
    found = [int(n) for n in grid(*clip.fields.shape[2:])]
    return found if math.prod(found) == count else None


def _takes_sizes(grid: Any) -> bool:
    """Whether this is the method ``grid(T, H, W)``: a setting or a method of another kind may have that name."""
    if not callable(grid):
        return False
    try:
        inspect.signature(grid).bind(1, 1, 1)
    except (TypeError, ValueError):
        return False
    return True
