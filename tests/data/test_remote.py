"""Data behind addresses: the same windows as from the disk, what is kept here, and what is said when it fails."""

from __future__ import annotations

import http.server
import itertools
import os
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fsspec
import numpy as np
import pytest
import torch
from fsspec.implementations.memory import MemoryFileSystem

from physrep.data import WellSplit, as_path, check, exit_code, locate_dataset, open_clips, open_well, split_files
from physrep.data import remote_cache as remote_cache_module
from physrep.data.remote import RemotePath, fingerprint
from physrep.data.remote_blocks import RecentBlocks
from physrep.data.remote_cache import cache_home
from physrep.errors import PhysrepError
from tests.helpers.well_layout import write_layout

FRAMES = 8


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own folder for what is kept, and no settings of the machine."""
    monkeypatch.setenv("PHYSREP_CACHE", str(tmp_path / "home"))
    monkeypatch.delenv("PHYSREP_REMOTE_LIMIT", raising=False)
    monkeypatch.delenv("PHYSREP_REMOTE_CACHE", raising=False)
    return tmp_path / "home"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files per split of shear_flow, each larger than a block."""
    return write_layout(tmp_path_factory.mktemp("well"), "shear_flow", grid=(64, 256), frames=FRAMES, only=2)


@pytest.fixture
def memory(local: Path) -> Iterator[str]:
    """The same files in fsspec's memory."""
    fs = fsspec.filesystem("memory")
    fs.put(str(local), "/well/shear_flow", recursive=True)
    yield "memory://well/shear_flow"
    fs.rm("/well", recursive=True)


class Handler(http.server.SimpleHTTPRequestHandler):
    """A file server that answers ranges, counts the bytes of HDF5 files and knows a version of each file."""

    ranges = True
    sent: list[int]

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        wanted = self.headers.get("Range")
        if not path.is_file():
            return super().do_GET()
        content = path.read_bytes()
        first, last = 0, len(content) - 1
        if self.ranges and wanted:
            low, _, high = wanted.removeprefix("bytes=").partition("-")
            first, last = int(low), min(last, int(high or last))
        self.send_response(206 if self.ranges and wanted else 200)
        self.send_header("Content-Length", str(last + 1 - first))
        if self.ranges and wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        self.send_version(path)
        self.end_headers()
        self.sent.append(last + 1 - first)
        self.wfile.write(content[first : last + 1])

    def do_HEAD(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            return super().do_HEAD()
        self.send_response(200)
        self.send_header("Content-Length", str(path.stat().st_size))
        self.send_version(path)
        self.end_headers()

    def send_version(self, path: Path) -> None:
        self.send_header("Accept-Ranges", "bytes" if self.ranges else "none")
        self.send_header("ETag", f'"{path.stat().st_mtime_ns}"')

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A server of this process with its own copy of the files: ``url``, ``folder``, ``sent``, ``handler``."""
    folder = tmp_path / "served"
    write_layout(folder, "shear_flow", grid=(64, 256), frames=FRAMES, only=2)
    handler = type("Own", (Handler,), {"sent": []})
    http_server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    threading.Thread(target=http_server.serve_forever, args=(0.02,), daemon=True).start()
    url = f"http://127.0.0.1:{http_server.server_port}"
    yield SimpleNamespace(url=f"{url}/shear_flow", folder=folder / "shear_flow", sent=handler.sent, handler=handler)
    http_server.shutdown()
    http_server.server_close()


def total(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.hdf5"))


def same_windows(address: str, local: Path) -> None:
    here, there = WellSplit(local, "train", frames=4, stride=3), WellSplit(address, "train", frames=4, stride=3)
    assert np.array_equal(here.windows, there.windows)
    assert torch.equal(here.parameters, there.parameters)
    rows = [0, len(here) // 2, len(here) - 1]
    assert torch.equal(here.clip(rows).fields, there.clip(rows).fields)


@pytest.mark.parametrize("mode", ["files", "none"])
def test_windows_from_memory(mode: str, memory: str, local: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHYSREP_REMOTE_CACHE", mode)
    same_windows(memory, local)


@pytest.mark.parametrize("mode", ["blocks", "files", "none"])
def test_windows_over_http(mode: str, server: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("PHYSREP_REMOTE_CACHE", mode)
    same_windows(server.url, server.folder)
    assert home.exists() == (mode != "none")


@pytest.mark.parametrize(("mode", "most"), [("blocks", 1.001), ("none", 1.2)])
def test_an_epoch_fetches_every_byte_once(
    mode: str, most: float, server: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHYSREP_REMOTE_CACHE", mode)
    # Many blocks per file, as files of real size have, of which few are in memory.
    monkeypatch.setattr(remote_cache_module, "BLOCK_BYTES", 1 << 14)
    monkeypatch.setattr(remote_cache_module, "GLANCE_BYTES", 1 << 12)
    clips = open_clips(server.url, "train")
    for row in np.random.default_rng(0).permutation(clips.windows(4)):
        clips.clip(row[None], 4)
    size = total(server.folder / "data/train")
    assert 0.99 * size < sum(server.sent) < most * size


def test_recent_blocks_give_the_bytes_and_fetch_long_reads_once() -> None:
    content, asked = np.random.default_rng(0).bytes(100_003), []

    def fetch(start: int, stop: int) -> bytes:
        asked.append(stop - start)
        return content[start:stop]

    cache = RecentBlocks(1000, fetch, len(content), maxblocks=5)
    assert cache._fetch(2_500, 90_500) == content[2_500:90_500]
    assert asked == [89_000], "more blocks than are kept, in one request"
    assert cache._fetch(88_000, 91_500) == content[88_000:91_500] and asked[1:] == [1000]
    draw = np.random.default_rng(1)
    for start in draw.integers(len(content), size=300):
        stop = int(start) + int(draw.choice([1, 500, 3_000, 20_000, 200_000]))
        assert cache._fetch(int(start), stop) == content[start:stop]
    assert cache._fetch(None, None) == content and cache._fetch(5, 5) == b"" and len(cache._kept) == 5


def test_file_addresses_are_paths(local: Path) -> None:
    assert as_path(f"file://{local}") == local
    same_windows(f"file://{local}", local)


def test_training_clips_and_their_cache(memory: str, local: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHYSREP_REMOTE_CACHE", "none")
    options: dict[str, Any] = {"crop": "paper", "resolution": (16, 16)}
    here, there = open_clips(local, "train", **options), open_clips(memory, "train", **options)
    assert there.folder.parent == home / "clips" / "shear_flow"
    assert torch.equal(here.clip(here.windows(4), 4).fields, there.clip(there.windows(4), 4).fields)
    again = open_clips(memory, "train", **options)
    assert again.folder == there.folder
    path = split_files(memory, "train")[0]
    assert isinstance(path, RemotePath)
    fs, inner = path.filesystem()
    fs.pipe_file(inner, fs.cat_file(inner))
    assert open_clips(memory, "train", **options).folder != there.folder, "another version is another cache"


def test_scanning_a_split_reads_metadata_only(server: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHYSREP_REMOTE_CACHE", "files")
    monkeypatch.setattr(remote_cache_module, "BLOCK_BYTES", 1 << 16)
    reader = WellSplit(server.url, "train", frames=4)
    assert len(reader) > 0 and sum(server.sent) < 0.5 * total(server.folder / "data/train")


def test_whole_files_are_fetched_once(server: SimpleNamespace, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHYSREP_REMOTE_CACHE", "files")
    path = split_files(server.url, "train")[0]
    for _ in range(2):
        with open_well(path) as file:
            file.read(1, 2, 3)
    size = (server.folder / "data/train" / path.name).stat().st_size
    assert sum(server.sent) == size
    (copy,) = (home / "files").glob("*/*.hdf5")
    assert copy.name == path.name and copy.stat().st_size == size
    os.utime(server.folder / "data/train" / path.name, ns=(1, 1))
    with open_well(path) as file:
        file.read(0, 0, 1)
    assert sum(server.sent) == 2 * size, "another version is fetched again"


def test_blocks_are_fetched_once(server: SimpleNamespace, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_cache_module, "BLOCK_BYTES", 1 << 16)
    path = split_files(server.url, "train")[0]
    for _ in range(2):
        with open_well(path) as file:
            file.read(0, 0, 2)
        first = server.sent.copy()
    assert 0 < sum(first) < 0.7 * total(server.folder / "data/train") / 2
    with open_well(path) as file:
        file.read(0, 0, 2)
    # One byte is read to see whether the server gives out parts; it comes in a block of its own.
    assert len(server.sent) - len(first) <= 1
    with open_well(path) as file:
        file.read(1, 5, 3)
    assert sum(server.sent) > sum(first) + (1 << 16)


def test_a_server_that_gives_out_whole_files_only(
    server: SimpleNamespace, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.handler.ranges = False
    with pytest.raises(PhysrepError, match="gives out whole files only; set PHYSREP_REMOTE_CACHE=files"):
        WellSplit(server.url, "train", frames=4)
    monkeypatch.setenv("PHYSREP_REMOTE_CACHE", "files")
    same_windows(server.url, server.folder)
    assert len(list((home / "files").glob("*/*.hdf5"))) == 2


@pytest.mark.parametrize("step", [1, -1])
def test_the_limit_deletes_what_was_not_used_for_longest_also_with_a_clock_that_goes_back(
    step: int, memory: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.count(10**18, step * 10**9)
    monkeypatch.setattr(remote_cache_module, "time", SimpleNamespace(time_ns=lambda: next(ticks)))
    monkeypatch.setenv("PHYSREP_REMOTE_CACHE", "files")
    paths = [path for split in ("train", "valid", "test") for path in split_files(memory, split)]

    def use(path: Any) -> None:
        with open_well(path) as file:
            file.read(0, 0, 1)

    def kept() -> set[str]:
        return {entry.name for entry in (home / "files").glob("*/*.hdf5")}

    use(paths[2])
    (copy,) = (home / "files").glob("*/*.hdf5")
    small = copy.stat().st_size
    monkeypatch.setenv("PHYSREP_REMOTE_LIMIT", str(2.5 * small / 1e9))
    use(paths[3])
    use(paths[2])
    use(paths[4])
    # Valid and test have files of the same names, so folders are counted as well.
    assert len(list((home / "files").glob("*/*.hdf5"))) == 2 and kept() == {paths[2].name, paths[4].name}
    monkeypatch.setenv("PHYSREP_REMOTE_LIMIT", str(0.5 * small / 1e9))
    with pytest.raises(PhysrepError, match=r"one file has .* but PHYSREP_REMOTE_LIMIT is"):
        use(paths[5])
    monkeypatch.setenv("PHYSREP_REMOTE_LIMIT", "much")
    with pytest.raises(PhysrepError, match="PHYSREP_REMOTE_LIMIT is 'much'; give gigabytes"):
        use(paths[5])


def test_a_disk_too_small_for_a_file(memory: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHYSREP_REMOTE_CACHE", "files")
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(PhysrepError, match=r"the copy of a remote file needs .* free; .*PHYSREP_REMOTE_CACHE=none"):
        open_well(split_files(memory, "train")[0])
    assert not list(home.rglob("*.hdf5"))


def test_a_broken_transfer_leaves_nothing(memory: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHYSREP_REMOTE_CACHE", "files")
    path = split_files(memory, "train")[0]

    def half(self: Any, source: str, target: str, **_: Any) -> None:
        Path(target).write_bytes(self.cat_file(source)[:1000])

    monkeypatch.setattr(MemoryFileSystem, "get_file", half)
    with pytest.raises(PhysrepError, match="came with 1000 bytes instead of"):
        open_well(path)

    def broken(self: Any, source: str, target: str, **_: Any) -> None:
        Path(target).write_bytes(b"part")
        raise ConnectionResetError("reset by peer")

    monkeypatch.setattr(MemoryFileSystem, "get_file", broken)
    with pytest.raises(PhysrepError, match=r"cannot be reached \(ConnectionResetError: reset by peer\)"):
        open_well(path)
    assert not [entry for entry in home.rglob("*") if entry.is_file() and entry.name != ".lock"]
    monkeypatch.undo()
    monkeypatch.setenv("PHYSREP_CACHE", str(home))
    monkeypatch.setenv("PHYSREP_REMOTE_CACHE", "files")
    with open_well(path) as file:
        assert file.n_frames == FRAMES


def test_check_takes_addresses(memory: str, server: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(server.url) == []
    assert check(server.url, quick=True) == []
    assert check(f"{server.url}/data/train") == []
    monkeypatch.setenv("PHYSREP_REMOTE_CACHE", "none")
    assert check(memory) == []
    assert check(str(split_files(memory, "test")[1])) == []
    fs = fsspec.filesystem("memory")
    path = str(split_files(memory, "valid")[0]).removeprefix("memory:/")
    content = bytearray(fs.cat_file(path))
    fs.pipe_file(path, bytes(content[: len(content) // 2]))
    (fault,) = check(memory)
    assert exit_code([fault]) == 2 and str(fault.file).startswith("memory://well/shear_flow/data/valid/")
    fs.rm("/well/shear_flow/stats.yaml")
    (fault,) = check(f"{memory}/nothing")
    assert "no such file or folder" in fault.problem


def test_stats_are_read_from_the_address(memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHYSREP_REMOTE_CACHE", "none")
    fs = fsspec.filesystem("memory")
    text = fs.cat_file("/well/shear_flow/stats.yaml").decode()
    for broken in (text.replace("tracer", "trace"), text.replace("rms_delta", "rms_d"), "a: ["):
        fs.pipe_file("/well/shear_flow/stats.yaml", broken.encode())
        faults = check(memory)
        assert faults and all(str(fault.file).endswith("stats.yaml") for fault in faults)
    fs.rm("/well/shear_flow/stats.yaml")
    (fault,) = check(memory)
    assert fault.severity == "warning" and "is missing" in fault.problem


class HubLike(MemoryFileSystem):
    """Hugging Face's file system as far as addresses go: everything lies below ``datasets/OWNER/NAME``."""

    protocol = "hf"
    store: dict[str, Any] = {}  # noqa: RUF012 - as in the parent class
    pseudo_dirs = [""]  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.removeprefix("hf://").strip("/")

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        path = self._strip_protocol(path)
        if path.count("/") < 2:
            raise FileNotFoundError(path)
        inside = {name.removeprefix(path + "/").split("/")[0] for name in self.store if name.startswith(path + "/")}
        if not inside:
            raise FileNotFoundError(path)
        return [{"name": f"{path}/{entry}"} if detail else f"{path}/{entry}" for entry in inside]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        path = self._strip_protocol(path)
        if path not in self.store:
            raise FileNotFoundError(path)
        return {"name": path, "size": len(self.store[path]), "type": "file", "blob_id": f"blob of {path}"}

    def _open(self, path: str, mode: str = "rb", **_: Any) -> Any:
        import io

        return io.BytesIO(self.store[self._strip_protocol(path)])


def test_hugging_face_addresses(local: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHYSREP_REMOTE_CACHE", "none")
    monkeypatch.setitem(sys.modules["fsspec.registry"]._registry, "hf", HubLike)
    content = {
        f"datasets/polymathic-ai/shear_flow/{path.relative_to(local)}": path.read_bytes()
        for path in local.rglob("*")
        if path.is_file() and "cache" not in path.parts
    }
    monkeypatch.setattr(HubLike, "store", content)
    root = locate_dataset("hf://datasets/polymathic-ai", "shear_flow")
    assert str(root) == "hf://datasets/polymathic-ai/shear_flow"
    assert locate_dataset("hf://datasets/polymathic-ai/shear_flow/", "shear_flow") == root
    same_windows(str(root), local)
    version = fingerprint(split_files(root, "train")[0])
    assert version["version"].startswith("blob of datasets/polymathic-ai/shear_flow/data/train/shear_flow_Reynolds")
    with pytest.raises(PhysrepError, match="does not hold the data set 'active_matter'"):
        locate_dataset("hf://datasets/polymathic-ai", "active_matter")


def test_without_the_package_for_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("huggingface_hub")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "hf", raising=False)
    with pytest.raises(PhysrepError, match=r"pip install 'physrep\[hf\]'"):
        WellSplit("hf://datasets/polymathic-ai/shear_flow", "train", frames=4)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("gopher://a/b", "nothing is known of addresses gopher://"),
        ("http://127.0.0.1:9/shear_flow", r"cannot be reached \(Client"),
        ("memory://nowhere/at/all", "is not a dataset folder"),
    ],
)
def test_addresses_that_lead_nowhere(address: str, sentence: str) -> None:
    with pytest.raises(PhysrepError, match=sentence) as caught:
        WellSplit(address, "train", frames=4)
    assert "\n" not in str(caught.value)
    assert exit_code(check(f"{address}/a.hdf5")) == 2


def test_a_missing_file_and_a_missing_split(server: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PhysrepError, match="no such file or folder"):
        open_well(f"{server.url}/data/train/nothing.hdf5")
    with pytest.raises(PhysrepError, match="no split 'holdout'; it has"):
        WellSplit(server.url, "holdout", frames=4)
    monkeypatch.setenv("PHYSREP_REMOTE_CACHE", "some")
    with pytest.raises(PhysrepError, match="PHYSREP_REMOTE_CACHE is 'some'; set it to one of blocks, files, none"):
        WellSplit(server.url, "train", frames=4)


def test_where_things_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PHYSREP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_home() == tmp_path / "physrep"
