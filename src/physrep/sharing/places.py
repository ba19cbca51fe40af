"""Where shared runs and data sets lie: a folder, an address (``https://``), or a repository of Hugging Face.

A run is ``hf:OWNER/NAME`` there, a data set ``hf:datasets/OWNER/NAME``.
"""

from __future__ import annotations

import http.client
import os
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..errors import PhysrepError, one_line
from ..files import atomic_folder, cache_home, content_hash
from ..leftovers import temporary_folder
from .bundle import MANIFEST, check_bundle, files_of_manifest, make_bundle
from .data_bundle import data_bundle, is_dataset
from .filling import fill

HUB, HUB_DATA = "hf:", "hf:datasets/"
TIMEOUT = 60
"""Seconds that a server may say nothing; after that, it must have sent `SLOWEST` bytes per second on average."""

SLOWEST = 1000
LARGEST_MANIFEST = 10_000_000
"""Bytes: a longer one lists no run."""


def push(
    source: str | Path, target: str, private: bool = False, licence: str = "", say: Callable[[str], None] = print
) -> str:
    """Share a run or a data set; returns where it lies.

    Args:
        source: run directory, or folder of a data set.
        target: ``hf:OWNER/NAME``, of a data set ``hf:datasets/OWNER/NAME``, or a new or empty folder.
        private: of a repository that is made.
        licence: of a data set, an identifier of SPDX.
        say: takes lines for the user.

    A new folder appears as a whole; in one that holds an earlier push files are replaced one by one, the manifest last.

    Raises:
        PhysrepError: no such run or data set, the target is taken or cannot be written, or the hub refuses.
    """
    data = is_dataset(Path(source))
    if licence and not data:
        raise PhysrepError(f"--licence goes with a data set, and {source} is none; leave it out.")
    if target.startswith(HUB) and data != target.startswith(HUB_DATA):
        wanted = f"{HUB_DATA}OWNER/NAME" if data else f"{HUB}OWNER/NAME"
        raise PhysrepError(f"{target}: a {'data set' if data else 'run'} goes to {wanted}; mend the target.")
    if target.startswith(HUB):
        with temporary_folder("physrep-push") as place:
            if data:
                bundle = data_bundle(source, licence, say)
                bundle.write_texts(place / "shared")
                for name, path in bundle.files.items():
                    (place / "shared" / name).parent.mkdir(parents=True, exist_ok=True)
                    (place / "shared" / name).symlink_to(path.resolve())
            else:
                make_bundle(source, place / "shared")
            return _to_hub(place / "shared", target, private)
    if "://" in target:
        raise PhysrepError(f"{target}: an address cannot be written to; push to a folder, and put it there.")
    out = Path(target)
    taken = out.exists() and (not out.is_dir() or any(out.iterdir()))
    if taken and not (out / MANIFEST).is_file():
        raise PhysrepError(f"{out}: holds something else; give a new folder.")
    if taken and data != (out / "data").is_dir():
        raise PhysrepError(f"{out}: holds a shared {'run' if data else 'data set'}; give a new folder.")
    if data:
        with temporary_folder("physrep-push") as place:
            bundle = data_bundle(source, licence, say)
            bundle.write_texts(place)

            def copy(name: str, to: Path) -> None:
                shutil.copyfile(bundle.files.get(name, place / name), to)

            fill(out, copy, place / MANIFEST, str(source), "push")
        return str(out)
    with atomic_folder(out, last=MANIFEST) as place:
        make_bundle(source, place)
    return str(out)


def pull(source: str, out: str | Path) -> Path:
    """Fetch a shared run or data set, checked against its hashes; returns its folder.

    What is there already, from the same source, is checked and kept. A data set that was interrupted goes on with the
    files that are missing.

    Args:
        source: ``hf:OWNER/NAME``, ``hf:datasets/OWNER/NAME`` (``@REVISION``), an address, or a folder.
        out: folder to make.

    Raises:
        PhysrepError: there is nothing shared, it is damaged, or ``out`` holds something else.
    """
    out = Path(out)
    taken = out.exists() and (not out.is_dir() or any(out.iterdir()))
    if taken and not (out / MANIFEST).is_file():
        raise PhysrepError(f"{out}: holds something already; give a new folder.")
    fetch = _from_hub(source) if source.startswith(HUB) else _from_address(source) if "://" in source else _copy(source)
    with temporary_folder("physrep-pull") as place:
        fetch(MANIFEST, place / MANIFEST)
        manifest = (place / MANIFEST).read_bytes()
        names = files_of_manifest(place / MANIFEST, source)
        if taken:
            if (out / MANIFEST).read_bytes() != manifest:
                kind = "data set" if (out / "data").is_dir() else "run"
                raise PhysrepError(f"{out}: holds another {kind} already; give a new folder.")
            check_bundle(out, str(out))
            return out
        if any("/" in name for name in names):
            fill(out, fetch, place / MANIFEST, source, "pull")
            return out
    with atomic_folder(out, last=MANIFEST) as place:
        (place / MANIFEST).write_bytes(manifest)
        for name in names:
            fetch(name, place / name)
        check_bundle(place, source)
    return out


def local_run(source: str) -> str:
    """A run directory as it is; what ``hf:OWNER/NAME`` names is pulled once into the cache and found there.

    Raises:
        PhysrepError: as `pull`.
    """
    return _pulled(source, cache_home() / "runs" / content_hash(source))


def own_copy(source: str, parent: str | Path = "runs") -> str:
    """A run directory as it is; what ``hf:OWNER/NAME`` names is pulled once into ``parent``, for what writes into it.

    The copy in the cache, which `local_run` gives, stays as it was shared.

    Raises:
        PhysrepError: as `pull`.
    """
    return _pulled(source, Path(parent) / source.removeprefix(HUB).replace("/", "--").replace("@", "--"))


def _pulled(source: str, folder: Path) -> str:
    if not source.startswith(HUB):
        return source
    if not (folder / MANIFEST).is_file():
        pull(source, folder)
    return str(folder)


def _hub() -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise PhysrepError("hf: needs huggingface_hub; pip install physrep[hf].") from error
    return huggingface_hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None)


def _refused(source: str, error: Exception) -> PhysrepError:
    reason = one_line(error)
    return PhysrepError(f"{source}: the hub refuses ({reason}); check the name, and log in with `hf auth login`.")


def _repository(place: str) -> tuple[str | None, str]:
    """Type of a repository as the hub's client calls it, and its name."""
    if place.startswith(HUB_DATA):
        return "dataset", place.removeprefix(HUB_DATA)
    return None, place.removeprefix(HUB)


def _to_hub(folder: Path, target: str, private: bool) -> str:
    api, (kind, name) = _hub(), _repository(target)
    try:
        api.create_repo(name, private=private, exist_ok=True, repo_type=kind)
        said = f"Share a {'data set' if kind else 'run'} of physrep"
        done = api.upload_folder(repo_id=name, folder_path=str(folder), commit_message=said, repo_type=kind)
    except Exception as error:  # the hub's client, its transport and its checks have exceptions of their own
        raise _refused(target, error) from error
    return str(getattr(done, "repo_url", None) or target)


def _from_hub(source: str) -> Callable[[str, Path], None]:
    api, (kind, whole) = _hub(), _repository(source)
    name, _, revision = whole.partition("@")

    def fetch(part: str, to: Path) -> None:
        try:
            found = api.hf_hub_download(name, part, revision=revision or None, repo_type=kind)
        except Exception as error:  # as above
            raise _refused(source, error) from error
        shutil.copyfile(found, to)

    return fetch


def _from_address(source: str) -> Callable[[str, Path], None]:
    if not source.startswith(("http://", "https://")):
        raise PhysrepError(f"{source}: is no https:// address; give one, a folder, or hf:OWNER/NAME.")

    def fetch(part: str, to: Path) -> None:
        limit = LARGEST_MANIFEST if part == MANIFEST else None
        with open(to, "wb") as file:
            file.writelines(_blocks(f"{source.rstrip('/')}/{part}", limit))

    return fetch


def _blocks(address: str, limit: int | None) -> Iterator[bytes]:
    """An answer as it comes.

    Raises:
        PhysrepError: it cannot be had, is longer than ``limit`` bytes, or comes too slowly to end.
    """
    start, size = time.monotonic(), 0
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT) as answer:
            # Not more than has arrived, so that one who sends single bytes cannot keep us waiting.
            while block := answer.read1(1 << 20):
                yield block
                size += len(block)
                if limit is not None and size > limit:
                    raise PhysrepError(f"{address}: is longer than {limit / 1e6:g} MB, so it lists no run; check it.")
                seconds = time.monotonic() - start
                if seconds > TIMEOUT and size < SLOWEST * seconds:
                    raise PhysrepError(f"{address}: comes with less than {SLOWEST} bytes per second; try later.")
    except PhysrepError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise PhysrepError(f"{address}: cannot be read ({one_line(error)}); check the address.") from error


def _copy(source: str) -> Callable[[str, Path], None]:
    folder = Path(source)
    if not (folder / MANIFEST).is_file():
        raise PhysrepError(f"{source}: holds no {MANIFEST} of `physrep push`; give what was pushed.")

    def fetch(part: str, to: Path) -> None:
        try:
            shutil.copyfile(folder / part, to)
        except OSError as error:
            if error.filename != str(folder / part):  # the copy cannot be written
                raise
            raise PhysrepError(f"{folder / part}: is missing or cannot be read; push it again.") from error

    return fetch
