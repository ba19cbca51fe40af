"""What of a data set is shared: its files as they are, statistics, how it was made, a card; nothing of the machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data import SPLITS, WellFile, has_split, split_files
from ..data.convert.conversion import MARK as CONVERSION
from ..errors import PhysrepError
from ..files import read_record, write_json, write_text
from ..progress import Progress
from ..run_directory import CONFIG
from ..simulation import MARK as SIMULATION
from ..version import __version__
from .bundle import CARD, MANIFEST, refuse_secrets, sha256, without_places
from .data_card import card_of_data

STATISTICS = "stats.yaml"
_MACHINE = ("files", "source")
"""Settings of a conversion that tell of the machine: dates and sizes of its files, and where they lay."""


@dataclass(frozen=True)
class DataBundle:
    """A data set as it is shared.

    Attributes:
        files: name to where it lies here; names as in the data set, with ``/``.
        texts: name to content, of what is written for sharing.
    """

    files: dict[str, Path]
    texts: dict[str, str | dict[str, Any]]

    def write_texts(self, folder: Path) -> None:
        """Write what is small, the manifest last.

        Args:
            folder: where.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.texts.items():
            if isinstance(content, str):
                write_text(folder / name, content)
            else:
                write_json(folder / name, content)
            refuse_secrets(folder / name, folder)
        hashes = {name: sha256(folder / name) for name in self.texts}
        with Progress(len(self.files), "push", "files hashed") as progress:
            for name, path in self.files.items():
                hashes[name] = sha256(path)
                progress.advance(note=name)
        write_json(folder / MANIFEST, {"physrep": __version__, "kind": "data", "files": hashes})


def is_dataset(folder: Path) -> bool:
    """Whether a folder holds a data set, and neither a run nor a benchmark.

    Args:
        folder: any path.
    """
    return not (folder / CONFIG).is_file() and any((folder / "data" / split).is_dir() for split in SPLITS)


def data_bundle(root: str | Path, licence: str = "", say: Callable[[str], None] = print) -> DataBundle:
    """What is shared of a data set.

    Args:
        root: folder of the data set.
        licence: under which others may use it, an identifier of SPDX (``cc-by-4.0``); empty: the card says that none is
            given.
        say: takes lines for the user.

    Raises:
        PhysrepError: no data set, or a file of it cannot be read.
    """
    root = Path(root)
    files: dict[str, Path] = {}
    for split in SPLITS:
        for path in map(Path, map(str, split_files(root, split) if has_split(root, split) else ())):
            files[f"data/{split}/{path.name}"] = path
            _tell_places(path, say)
    if not files:
        raise PhysrepError(f"{root}: holds no files in data/train, data/valid or data/test; give a data set.")
    if (root / STATISTICS).is_file():
        files[STATISTICS] = root / STATISTICS
    texts: dict[str, str | dict[str, Any]] = {}
    for mark in (SIMULATION, CONVERSION):
        if (root / mark).is_file():
            kept = {key: value for key, value in read_record(root / mark).items() if key not in _MACHINE}
            texts[mark] = without_places(kept)
    if not licence:
        say("no licence is given, so nobody may use the data without asking; --licence cc-by-4.0 names one")
    texts[CARD] = card_of_data(root, licence)
    return DataBundle(files, texts)


def _tell_places(path: Path, say: Callable[[str], None]) -> None:
    """Say which attributes of a file, which is shared byte by byte, name a place of this machine."""
    with WellFile(path) as file:
        for name, value in file.attributes.items():
            if isinstance(value, str) and without_places(value) != value:
                say(f"{path}: its attribute {name}, {value!r}, is shared with it; delete it if that is not wanted")
