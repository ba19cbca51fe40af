"""What of a run directory is shared: config, weights, statistics, readouts, scores, a card; nothing of the machine."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import yaml

from ..errors import PhysrepError
from ..files import SEAL, read_json, read_record, write_json, write_record, write_text
from ..run_directory import CONFIG, SUMMARY, WEIGHTS, read_run_config
from .card import card_of_run

MANIFEST, CARD = "manifest.json", "README.md"
LONGEST_NAME = 255
PARTS = (SUMMARY, "scores.json", "probe_*.json", "readout_*.json", "readout_*.safetensors", "posterior_*.json",
         "posterior_*.safetensors")  # fmt: skip

_FILE_OF_DATA = re.compile(r"data/(train|valid|test)/[^/]+\.(hdf5|h5)")
_LEFT = ("cache_dir", "labels")
_CREDENTIALS = re.compile(r"://[^/\s@]+@")
_SECRETS = re.compile(r"hf_[A-Za-z0-9]{20,}|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|-----BEGIN [A-Z ]*PRIVATE KEY")


def make_bundle(run: str | Path, folder: Path) -> list[str]:
    """Write what is shared of a run into ``folder``; returns the names, the manifest last.

    Paths of this machine are shortened to their last part, credentials in addresses are taken out.

    Args:
        run: run directory.
        folder: a new folder.

    Raises:
        PhysrepError: no finished run, or a file holds what looks like a password or a token.
    """
    run, config = Path(run), read_run_config(run)
    folder.mkdir(parents=True, exist_ok=True)
    config = dict(without_places(config))
    kept = {k: v for k, v in config["data"].items() if k not in _LEFT}
    config["data"] = {k: _last(v) if k == "path" and v else v for k, v in kept.items()}
    if isinstance(config.get("init_from"), dict):
        config["init_from"] = {**config["init_from"], "run": _last(config["init_from"]["run"])}
    write_text(folder / CONFIG, yaml.safe_dump(config, sort_keys=False, width=120))
    shutil.copyfile(run / WEIGHTS, folder / WEIGHTS)
    for path in sorted(path for pattern in PARTS for path in run.glob(pattern)):
        if path.suffix == ".json":
            content = read_json(path)
            if isinstance(content, dict) and SEAL in content:
                write_record(folder / path.name, without_places(read_record(path)))
            else:
                write_json(folder / path.name, without_places(content))
        else:
            shutil.copyfile(path, folder / path.name)
    write_text(folder / CARD, card_of_run(run, config))
    names = sorted(path.name for path in folder.iterdir() if path.name != MANIFEST and not path.name.startswith("."))
    for name in names:
        if Path(name).suffix != ".safetensors":
            refuse_secrets(folder / name, run)
    write_json(folder / MANIFEST, {"physrep": config.get("physrep"), "files": {n: sha256(folder / n) for n in names}})
    return [*names, MANIFEST]


def without_places(value: Any) -> Any:
    """The same plain data with absolute paths shortened to their last part, and addresses without credentials."""
    if isinstance(value, dict):
        return {key: without_places(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_places(item) for item in value]
    if not isinstance(value, str):
        return value
    if "://" in value:
        address = _CREDENTIALS.sub("://", value).partition("?")[0]
        return address if not address.startswith("file://") else PurePosixPath(address).name
    if value.startswith(("/", "~")):
        return PurePosixPath(value).name
    return PureWindowsPath(value).name if PureWindowsPath(value).is_absolute() else value


def _last(place: str) -> str:
    """The last part of a path, relative ones too; addresses as they are."""
    return place if "://" in place else PurePosixPath(place).name


def refuse_secrets(path: Path, run: Path) -> None:
    """Refuse to share a text that holds what looks like a token.

    Args:
        path: of the text.
        run: what is shared, for the message.

    Raises:
        PhysrepError: it does.
    """
    if _SECRETS.search(path.read_text(encoding="utf-8")):
        raise PhysrepError(f"{run}: {path.name} holds what looks like a token; take it out before it is shared.")


def sha256(path: Path) -> str:
    """Hash of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_bundle(folder: Path, source: str) -> None:
    """Refuse a bundle that is not whole.

    Raises:
        PhysrepError: a file is missing, or has another content than the manifest says.
    """
    for name, wanted in files_of_manifest(folder / MANIFEST, source).items():
        if not (folder / name).is_file() or sha256(folder / name) != wanted:
            raise PhysrepError(f"{source}: {name} is missing or damaged; pull it again, or let it be pushed again.")


def files_of_manifest(path: Path, source: str) -> dict[str, str]:
    """Name to hash.

    Raises:
        PhysrepError: the manifest is no such thing, or names something outside of its folder.
    """
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        names = {str(name): str(value) for name, value in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PhysrepError(f"{source}: holds no {MANIFEST} of `physrep push`; give what was pushed.") from error
    for name in names:
        last = name.removeprefix(f"data/{PurePosixPath(name).parent.name}/") if _FILE_OF_DATA.fullmatch(name) else name
        plain = last == Path(last).name and last.isprintable() and len(last.encode()) <= LONGEST_NAME
        if not plain or last.startswith(".") or last == MANIFEST:
            shown = repr(name[:60])
            raise PhysrepError(
                f"{source}: {MANIFEST} names {shown}, which is no file of a run or a data set; it is not trusted."
            )
    return names
