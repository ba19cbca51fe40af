"""Is there room for the caches? Asked for all splits together, before anything is written."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from physrep.data import SplitRequest, check_cache_space
from physrep.data.config import DataConfig
from physrep.data.space import check_space
from physrep.errors import PhysrepError
from tests.helpers.well_layout import LAYOUTS, SPLITS, write_layout

DOCS = Path(__file__).resolve().parents[2] / "docs/real_data.md"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_layout(tmp_path, "active_matter", frames=5, only=2)


def free(monkeypatch: pytest.MonkeyPatch, size: float) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=size))


def test_the_bytes_are_those_that_are_written(root: Path) -> None:
    config = DataConfig(path=str(root), resolution=[20, 12], crop="paper", fields=["concentration", "E"])
    needed = check_cache_space(root, SPLITS, config.request())
    assert needed == (4 + 2 + 2) * 5 * 5 * 20 * 12 * 4
    config.open_splits()
    files = sorted((root / "cache").glob("*/fields.npy"))
    assert len(files) == 3
    # NumPy's header takes up to 128 bytes.
    assert 0 < sum(path.stat().st_size for path in files) - needed <= 3 * 128
    assert not check_cache_space(root, SPLITS, config.request())


def test_half_precision_needs_half(root: Path) -> None:
    copied = check_cache_space(root, SPLITS, SplitRequest(cache_dir=root / "cache"))
    assert copied == 2 * check_cache_space(root, SPLITS, SplitRequest(dtype="float16")) and not check_cache_space(
        root, SPLITS, SplitRequest()
    )


@pytest.mark.parametrize("share", [0.6, 1.0])
def test_a_disk_that_holds_train_but_not_all_is_refused_at_once(
    share: float, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``share`` 1 the space is there, but the file system needs a little of it itself."""
    config = DataConfig(path=str(root), resolution=[224, 224])
    needed = check_cache_space(root, SPLITS, SplitRequest(resolution=(224, 224)))
    free(monkeypatch, share * needed)
    with pytest.raises(PhysrepError) as caught:
        config.open_splits()
    sentence = str(caught.value)
    assert sentence.startswith(f"{root / 'cache'}: the cache needs {needed / 1e9:.2f} GB, but")
    assert f"{share * needed / 1e9:.2f} GB are free" in sentence
    for remedy in ("lower resolution", "fewer fields", "float16", "cache_dir"):
        assert remedy in sentence
    assert not (root / "cache").exists()


def test_a_disk_just_large_enough(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, check_cache_space(root, SPLITS, SplitRequest(resolution=(24, 24))) / 0.97)
    assert DataConfig(path=str(root), resolution=[24, 24]).open_splits()["test"].shape == (24, 24)


def test_a_folder_that_does_not_exist_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("shutil.disk_usage", lambda folder: (asked.append(folder), SimpleNamespace(free=5))[1])
    with pytest.raises(PhysrepError, match="new/cache: it needs"):
        check_space(tmp_path / "new" / "cache", 6, "it", "free space")
    assert asked == [tmp_path]


def test_the_documented_sizes_are_the_formula() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for name, layout in LAYOUTS.items():
        channels = sum(2**order * len(names) for order, names in enumerate(layout.fields))
        values = sum(layout.trajectories.values()) * layout.frames * channels
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |") and "float16" not in line)
        full, half = (values * 224 * 224 * size / 1e9 for size in (4, 2))
        caches = next(line for line in text.splitlines() if line.startswith(f"| cache of `{name}` |"))
        assert f"| {full:.1f} GB | {half:.1f} GB |" in caches
        counts = " / ".join(str(layout.trajectories[split]) for split in SPLITS)
        files = " / ".join(str(len(layout.files[split])) for split in SPLITS)
        assert counts in row and files in row and f"{layout.grid[0]} x {layout.grid[1]}" in row
