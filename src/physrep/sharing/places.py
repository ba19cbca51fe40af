"""Where shared runs lie: a folder, an address (``https://``), or a repository of Hugging Face (``hf:OWNER/NAME``)."""

from __future__ import annotations

import os
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import PhysrepError
from ..files import cache_home, content_hash
from .bundle import MANIFEST, check_bundle, files_of_manifest, make_bundle

HUB = "hf:"
TIMEOUT = 60


def push(run: str | Path, target: str, private: bool = False) -> str:
    """Share a run; returns where it lies.

    Args:
        run: run directory.
        target: ``hf:OWNER/NAME``, or a new or empty folder.
        private: of a repository that is made.

    Raises:
        PhysrepError: no such run, the target is taken or cannot be written, or the hub refuses.
    """
    with tempfile.TemporaryDirectory() as place:
        names = make_bundle(run, Path(place))
        if target.startswith(HUB):
            return _to_hub(Path(place), target, private)
        if "://" in target:
            raise PhysrepError(f"{target}: an address cannot be written to; push to a folder, and put it there.")
        out = Path(target)
        if out.exists() and (not out.is_dir() or any(out.iterdir())) and not (out / MANIFEST).is_file():
            raise PhysrepError(f"{out}: holds something else; give a new folder.")
        out.mkdir(parents=True, exist_ok=True)
        (out / MANIFEST).unlink(missing_ok=True)
        for name in names:
            shutil.copyfile(Path(place) / name, out / name)
    return str(out)


def pull(source: str, out: str | Path) -> Path:
    """Fetch a shared run, checked against its hashes; returns the run directory.

    Args:
        source: ``hf:OWNER/NAME`` (``@REVISION``), an address, or a folder.
        out: run directory to make.

    Raises:
        PhysrepError: there is no shared run, it is damaged, or ``out`` holds something else.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PhysrepError(f"{out}: holds something already; give a new folder.")
    fetch = _from_hub(source) if source.startswith(HUB) else _from_address(source) if "://" in source else _copy(source)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as place:
        inside = Path(place) / "run"
        inside.mkdir()
        fetch(MANIFEST, inside / MANIFEST)
        for name in files_of_manifest(inside / MANIFEST, source):
            fetch(name, inside / name)
        check_bundle(inside, source)
        if out.is_dir():
            out.rmdir()
        os.rename(inside, out)
    return out


def local_run(source: str) -> str:
    """A run directory as it is; what ``hf:OWNER/NAME`` names is pulled once into the cache and found there.

    Raises:
        PhysrepError: as `pull`.
    """
    if not source.startswith(HUB):
        return source
    folder = cache_home() / "runs" / content_hash(source)
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
        address = f"{source.rstrip('/')}/{part}"
        try:
            with urllib.request.urlopen(address, timeout=TIMEOUT) as answer, open(to, "wb") as file:
                shutil.copyfileobj(answer, file)
        except (urllib.error.URLError, OSError) as error:
            raise PhysrepError(f"{address}: cannot be read ({error}); check the address.") from error

    return fetch


def _copy(source: str) -> Callable[[str, Path], None]:
    folder = Path(source)
    if not (folder / MANIFEST).is_file():
        raise PhysrepError(f"{source}: holds no {MANIFEST} of `physrep push`; give what was pushed.")

    def fetch(part: str, to: Path) -> None:
        try:
            shutil.copyfile(folder / part, to)
        except OSError as error:
            raise PhysrepError(f"{folder / part}: cannot be read ({error.strerror}); push it again.") from error

    return fetch
