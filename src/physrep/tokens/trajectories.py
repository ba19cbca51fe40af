"""Tokens of windows put together along the trajectories they come from: latent trajectories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..errors import PhysrepError
from .store import TokenStore

BLOCK = 8
"""Trajectories that are read at once."""


@dataclass(frozen=True)
class LatentTrajectories:
    """Embeddings of S trajectories at t times.

    Attributes:
        frames: one vector per time, the mean over its tokens, float32 with shape ``(S, t, D)``.
        grid: tokens in their places, with shape ``(S, t, h, w, D)``, memory-mapped where the store is; None where an
            encoder does not say how its tokens lie.
        times: middle of each time, in frames, with shape ``(t,)``.
    """

    frames: np.ndarray
    grid: np.ndarray | None
    times: np.ndarray

    @classmethod
    def of(cls, store: TokenStore, flat: bool = False) -> LatentTrajectories:
        """Those of one store, trajectories in the order of their numbers.

        A window that shares no frame with another one gives as many times as its tokens have; of windows that overlap,
        and of tokens without a grid, each is one time.

        Args:
            store: windows of one length; every trajectory has windows at the same starts.
            flat: a frame is all its tokens one after another, places kept, instead of their mean.

        Raises:
            PhysrepError: trajectories have windows at different starts, or all their windows hold one token.
        """
        if store.joined:
            raise PhysrepError(
                "windows of a trajectory were joined to one token, which does not move in time; embed them with "
                "join_windows false."
            )
        names, counts = np.unique(store.trajectory, return_counts=True)
        order = np.lexsort((store.start, store.trajectory))
        if len(set(counts.tolist())) > 1:
            raise PhysrepError(
                "trajectories of different lengths give latent trajectories of different lengths; choose data whose "
                "trajectories have one length."
            )
        starts = store.start[order].reshape(len(names), -1)
        if (starts != starts[0]).any():
            raise PhysrepError("trajectories have windows at different starts; embed them with one stride.")
        starts = starts[0]
        request = store.meta.get("request", {})
        span = (int(request.get("frames", 1)) - 1) * int(request.get("frame_step", 1)) + 1
        shape = store.meta.get("grid") or [1, 1, store.tokens.shape[1]]
        steps, places = int(shape[0]), tuple(int(n) for n in shape[1:])
        apart = len(starts) == 1 or int(np.diff(starts).min()) >= span
        per_window = steps if apart else 1
        tokens = store.tokens
        if not np.array_equal(order, np.arange(len(order))):
            tokens = tokens[order]
        # A view: nothing is read yet.
        whole = tokens.reshape(len(names), len(starts), steps, *places, tokens.shape[2])
        frames = np.concatenate([_frames(whole[i : i + BLOCK], apart, flat) for i in range(0, len(names), BLOCK)])
        grid: np.ndarray | None = None
        if store.meta.get("grid"):
            if apart:
                grid = whole.reshape(len(names), len(starts) * steps, *places, tokens.shape[2])
            else:
                parts = [_numpy(whole[i : i + BLOCK], 2) for i in range(0, len(names), BLOCK)]
                grid = np.concatenate(parts)
        within = (np.arange(per_window) + 0.5) * (span // per_window) - 0.5
        return cls(frames, grid, (starts[:, None] + within).flatten())


def joined_stores(parts: Sequence[LatentTrajectories]) -> LatentTrajectories:
    """The trajectories of several stores, one after another.

    Raises:
        PhysrepError: they have different times.
    """
    if len(parts) == 1:
        return parts[0]
    if any(not np.array_equal(part.times, parts[0].times) for part in parts):
        raise PhysrepError("the splits hold trajectories of different lengths; choose data of one length.")
    grids = [part.grid for part in parts if part.grid is not None]
    grid = np.concatenate(grids) if len(grids) == len(parts) else None
    return LatentTrajectories(np.concatenate([part.frames for part in parts]), grid, parts[0].times)


def _frames(block: np.ndarray, apart: bool, flat: bool) -> np.ndarray:
    """Of ``(S, windows, steps, h, w, D)``: ``(S, t, D)``."""
    if flat:
        whole = np.asarray(block, np.float32) if apart else _numpy(block, 2)[:, :, None]
        return whole.reshape(len(block), whole.shape[1] * whole.shape[2], -1)
    tokens = torch.from_numpy(np.array(block, np.float32))
    means = tokens.flatten(3, 4).mean(3) if apart else tokens.flatten(2, 4).mean(2)
    return means.flatten(1, means.dim() - 2).numpy()


def _numpy(block: np.ndarray, axis: int) -> np.ndarray:
    return torch.from_numpy(np.array(block, np.float32)).mean(axis).numpy()
