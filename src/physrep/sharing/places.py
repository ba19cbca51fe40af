"""Where shared runs lie: a folder, an address (``https://``), or a repository of Hugging Face (``hf:OWNER/NAME``)."""

from __future__ import annotations

import http.client
import os
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..errors import PhysrepError
from ..files import atomic_folder, cache_home, content_hash
from ..leftovers import temporary_folder
from .bundle import MANIFEST, check_bundle, files_of_manifest, make_bundle

HUB = "hf:"
TIMEOUT = 60
"""Seconds that a server may say nothing; after that, it must have sent `SLOWEST` bytes per second on average."""

SLOWEST = 1000
LARGEST_MANIFEST = 10_000_000
"""Bytes: a longer one lists no run."""


def push(run: str | Path, target: str, private: bool = False) -> str:
    """Share a run; returns where it lies.

    Args:
        run: run directory.
        target: ``hf:OWNER/NAME``, or a new or empty folder.
        private: of a repository that is made.

    A new folder appears as a whole; in one that holds an earlier push files are replaced one by one, the manifest last.

    Raises:
        PhysrepError: no such run, the target is taken or cannot be written, or the hub refuses.
    """
    if target.startswith(HUB):
        with temporary_folder("physrep-push") as place:
            make_bundle(run, place / "run")
            return _to_hub(place / "run", target, private)
    if "://" in target:
        raise PhysrepError(f"{target}: an address cannot be written to; push to a folder, and put it there.")
    out = Path(target)
    taken = out.exists() and (not out.is_dir() or any(out.iterdir()))
    if taken and not (out / MANIFEST).is_file():
        raise PhysrepError(f"{out}: holds something else; give a new folder.")
    with atomic_folder(out, last=MANIFEST) as place:
        make_bundle(run, place)
    return str(out)


def pull(source: str, out: str | Path) -> Path:
    """Fetch a shared run, checked against its hashes; returns the run directory.

    What is there already, from the same source, is checked and kept.

    Args:
        source: ``hf:OWNER/NAME`` (``@REVISION``), an address, or a folder.
        out: run directory to make.

    Raises:
        PhysrepError: there is no shared run, it is damaged, or ``out`` holds something else.
    """
    out = Path(out)
    taken = out.exists() and (not out.is_dir() or any(out.iterdir()))
    if taken and not (out / MANIFEST).is_file():
        raise PhysrepError(f"{out}: holds something already; give a new folder.")
    fetch = _from_hub(source) if source.startswith(HUB) else _from_address(source) if "://" in source else _copy(source)
    if taken:
        with temporary_folder("physrep-pull") as place:
            fetch(MANIFEST, place / MANIFEST)
            if (out / MANIFEST).read_bytes() != (place / MANIFEST).read_bytes():
                raise PhysrepError(f"{out}: holds another run already; give a new folder.")
        check_bundle(out, str(out))
        return out
    with atomic_folder(out, last=MANIFEST) as place:
        fetch(MANIFEST, place / MANIFEST)
        for name in files_of_manifest(place / MANIFEST, source):
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
    reason = " ".join(str(error).split())[:200]
    return PhysrepError(f"{source}: the hub refuses ({reason}); check the name, and log in with `hf auth login`.")


def _to_hub(folder: Path, target: str, private: bool) -> str:
    api, name = _hub(), target.removeprefix(HUB)
    try:
        api.create_repo(name, private=private, exist_ok=True)
        done = api.upload_folder(repo_id=name, folder_path=str(folder), commit_message="Share a run of physrep")
    except Exception as error:  # the hub's client, its transport and its checks have exceptions of their own
        raise _refused(target, error) from error
    return str(getattr(done, "repo_url", None) or target)


def _from_hub(source: str) -> Callable[[str, Path], None]:
    api = _hub()
    name, _, revision = source.removeprefix(HUB).partition("@")

    def fetch(part: str, to: Path) -> None:
        try:
            found = api.hf_hub_download(name, part, revision=revision or None)
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
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise PhysrepError(f"{address}: cannot be read ({reason}); check the address.") from error


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
