"""Embedding stores: complete or not used, resumed without work done twice, stale ones replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from physrep.errors import PhysrepError
from physrep.study.store import META, PARTS, EmbeddingStore, is_complete, write_store

SIMULATIONS = [{"set": "heat", "parameters": {"diffusivity": 0.1 * i}, "pair": None} for i in range(7)]


class Embedder:
    """Counts the simulations that it embeds; stops after ``limit`` calls."""

    def __init__(self, limit: int = 99, grid: bool = True) -> None:
        self.limit, self.grid, self.rows = limit, grid, []

    def __call__(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        if len(self.rows) >= self.limit:
            raise KeyboardInterrupt
        self.rows.append(rows.tolist())
        frames = rows[:, None, None] + np.arange(12.0).reshape(1, 3, 4)
        grid = np.repeat(np.repeat(frames[:, :, None, None], 2, 2), 2, 3)
        return frames, grid if self.grid else None


def write(folder: Path, embedder: Embedder, request: dict[str, Any] | None = None) -> EmbeddingStore:
    return write_store(folder, request or {"weights": "a"}, SIMULATIONS, embedder, np.arange(3) * 2.0, batch_size=3)


def test_a_store_holds_what_was_embedded(tmp_path: Path) -> None:
    store = write(tmp_path / "s", Embedder())
    expected = np.arange(7)[:, None, None] + np.arange(12.0).reshape(1, 3, 4)
    assert np.array_equal(store.frames, expected) and store.frames.dtype == np.float32
    lengths = np.linalg.norm(store.normalised, axis=-1)
    assert np.allclose(lengths, 1, atol=1e-6)
    assert store.grid is not None and store.grid.shape == (7, 3, 2, 2, 4) and store.grid.dtype == np.float16
    assert store.times.tolist() == [0, 2, 4] and store.meta["simulations"] == SIMULATIONS
    assert isinstance(store.frames, np.memmap) and not (tmp_path / "s" / PARTS).exists()


def test_a_complete_store_is_opened_and_not_made_again(tmp_path: Path) -> None:
    write(tmp_path / "s", Embedder())
    again = Embedder()
    write(tmp_path / "s", again)
    assert again.rows == []


def test_an_interrupted_store_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "s", Embedder(limit=2))
    assert not is_complete(tmp_path / "s")
    with pytest.raises(PhysrepError, match="run `physrep study` again"):
        EmbeddingStore.open(tmp_path / "s")
    rest = Embedder()
    resumed = write(tmp_path / "s", rest)
    assert rest.rows == [[6]]
    assert np.array_equal(resumed.frames, write(tmp_path / "whole", Embedder()).frames)


def test_parts_of_another_request_are_not_used(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "s", Embedder(limit=2))
    other = Embedder()
    write(tmp_path / "s", other, {"weights": "b"})
    assert len(other.rows) == 3


@pytest.mark.parametrize("damage", ["stale", "truncated", "missing", "no mark"])
def test_a_stale_or_damaged_store_is_replaced(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "s"
    write(folder, Embedder())
    request = {"weights": "b"} if damage == "stale" else None
    if damage == "truncated":
        with open(folder / "frames.npy", "r+b") as file:
            file.truncate(100)
    elif damage == "missing":
        (folder / "grid.npy").unlink()
    elif damage == "no mark":
        (folder / META).unlink()
    again = Embedder()
    store = write(folder, again, request)
    assert len(again.rows) == 3 and len(store) == 7


def test_without_grid_none_is_stored(tmp_path: Path) -> None:
    store = write(tmp_path / "s", Embedder(grid=False))
    assert store.grid is None and not (tmp_path / "s" / "grid.npy").exists()


def test_values_that_cannot_be_kept_are_refused(tmp_path: Path) -> None:
    def nan(rows: np.ndarray) -> tuple[np.ndarray, None]:
        return np.full((len(rows), 3, 4), np.nan), None

    def large(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.ones((len(rows), 3, 4)), np.full((len(rows), 3, 2, 2, 4), 1e6)

    for embed, message in ((nan, "NaN"), (large, "too large for float16")):
        with pytest.raises(PhysrepError, match=message):
            write_store(tmp_path / "s", {}, SIMULATIONS, embed, np.arange(3))
