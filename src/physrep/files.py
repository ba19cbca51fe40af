"""Writing that never leaves half a file, and reading that says what is wrong."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import yaml

from .errors import PhysrepError, unwritable
from .leftovers import remove_leftovers, temporary_folder, temporary_name, unfinished
from .yaml_reader import SIZE, parse_yaml

if TYPE_CHECKING:
    from torch import Tensor

_PIECES, _PIECE = 9, 4096
"""Of a file that is looked at to see whether it changed: from its beginning to its end, and bytes of each."""

_TORCH_WRITER = ("inline_container.cc", "PytorchStreamWriter")


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that replaces it when the block ends well, and vanishes when it does not.

    Raises:
        PhysrepError: the disk is full or the folder cannot be written; what ``path`` held before is untouched.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent)
        temporary = path.parent / temporary_name(path.name)
        # The system takes the umask off this mode.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        mode = stat.S_IMODE(temporary.stat().st_mode)
    except OSError as error:
        raise unwritable(path, error) from error
    unfinished.add(temporary)
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
            # A library may put a file of its own there, which only its owner may read (safetensors 0.8).
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) != mode:
                os.chmod(temporary, mode)
        os.replace(temporary, path)
    except OSError as error:
        raise unwritable(path, error) from error
    except Exception as error:
        # torch and safetensors tell of a full disk in exceptions of their own.
        if type(error).__name__ != "SafetensorError" and not any(word in str(error) for word in _TORCH_WRITER):
            raise
        raise unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)
        unfinished.discard(temporary)


@contextlib.contextmanager
def atomic_folder(out: str | Path, last: str) -> Iterator[Path]:
    """A temporary folder that becomes ``out`` when the block ends well, and vanishes when it does not.

    What ``out`` holds already stays, but for files of the same names: they are replaced one by one, each as a whole.

    Args:
        out: the folder; an empty one is replaced.
        last: name of the file that says that the others are whole; it is replaced last.

    Raises:
        PhysrepError: the disk is full or the folder cannot be written.
    """
    out = Path(out)
    with temporary_folder(out.name, out.parent) as folder:
        yield folder
        try:
            try:
                os.rename(folder, out)
                return
            except OSError:
                # It is not empty, a mount point, or another's.
                if not out.is_dir():
                    raise
            for path in sorted(folder.iterdir(), key=lambda path: (path.name == last, path.name)):
                with atomic_path(out / path.name) as temporary:
                    shutil.copyfile(path, temporary)
        except OSError as error:
            raise unwritable(out, error) from error


@contextlib.contextmanager
def atomic_write(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """An open file that becomes ``path`` when the block ends well (see `atomic_path`)."""
    with atomic_path(path) as temporary, open(temporary, mode, encoding=None if "b" in mode else "utf-8") as file:
        yield file
        file.flush()


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` atomically."""
    with atomic_write(path) as file:
        file.write(text)


def write_json(path: str | Path, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file; a missing or broken one is a `PhysrepError`."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise PhysrepError(f"{path}: cannot be read ({error.strerror}); check the path.") from error
    except PhysrepError:
        raise
    except (ValueError, RecursionError) as error:
        raise PhysrepError(f"{path}: is not valid JSON ({error}); delete it and run the command again.") from error


SEAL = "content_hash"
"""Entry of a record that was written by `write_record`: the hash of all others."""


def write_record(path: str | Path, value: Mapping[str, Any]) -> None:
    """Write an object as JSON with a hash of its content, so that `read_record` notices any change."""
    write_json(path, {**value, SEAL: _seal(value)})


def _seal(value: Mapping[str, Any]) -> str:
    # As it comes back: keys are strings, tuples are lists.
    return content_hash(json.loads(json.dumps(value)))


def read_record(path: str | Path, *keys: str) -> dict[str, Any]:
    """The object in a JSON file, which holds these keys; any other content is a `PhysrepError`.

    What `write_record` wrote comes back as it was given, or is refused if it has changed since.
    """
    found = read_json(path)
    if isinstance(found, dict) and SEAL in found and found.pop(SEAL) != _seal(found):
        raise PhysrepError(f"{path}: has changed since it was written, so it is damaged; delete it and run again.")
    missing = [key for key in keys if key not in found] if isinstance(found, dict) else list(keys)
    if missing or not isinstance(found, dict):
        what = f"lacks {missing[0]!r}" if missing else "is no JSON object"
        raise PhysrepError(f"{path}: {what}, so it is damaged or of another version; delete it and run again.")
    return found


SCORE = ("split", "metric", "level", "parameter", "value")
"""What every row of ``scores.json`` holds."""


def read_rows(path: str | Path, keys: Sequence[str] = SCORE) -> list[dict[str, Any]]:
    """The rows in a JSON file, objects that all hold these keys; any other content is a `PhysrepError`."""
    found = read_json(path)
    if not isinstance(found, list) or not all(isinstance(row, dict) and all(k in row for k in keys) for row in found):
        raise PhysrepError(f"{path}: holds no rows of scores, so it is damaged; delete it and run again.")
    return found


def write_yaml(path: str | Path, value: Any) -> None:
    """Write ``value`` as YAML, atomically, keys in the given order."""
    write_text(path, yaml.safe_dump(value, sort_keys=False, width=120))


def write_csv(path: str | Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table atomically; a column that a row lacks stays empty."""
    with atomic_write(path) as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_csv(path: str | Path) -> list[dict[str, str]]:
    """Rows of a table with a header, as texts.

    Raises:
        PhysrepError: the file cannot be read.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            return [dict(row) for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PhysrepError(f"{path}: cannot be read ({error}); run `physrep bench` again.") from error


def write_npz(path: str | Path, arrays: Mapping[str, Any], compressed: bool = False) -> None:
    """Write named arrays to one ``.npz``, atomically.

    Raises:
        ValueError: an array of Python objects, which would have to be pickled.
    """
    import numpy as np

    # Before NumPy 2.2 `savez` has no ``allow_pickle``, and would store it as one more array.
    plain: dict[str, Any] = {name: np.asarray(value) for name, value in arrays.items()}
    objects = [name for name, value in plain.items() if value.dtype.hasobject]
    if objects:
        raise ValueError(f"{path}: {objects[0]} holds Python objects, which are not stored")
    with atomic_write(path, "wb") as file:
        (np.savez_compressed if compressed else np.savez)(file, **plain)


def write_tensors(path: str | Path, tensors: Mapping[str, Tensor]) -> None:
    """Write named tensors to one ``.safetensors`` file, atomically.

    Raises:
        PhysrepError: the disk is full or the folder cannot be written.
    """
    from safetensors.torch import save_file

    path = Path(path)
    # safetensors 0.8 writes to a file of its own name beside the one that it is given: a killed process would leave it
    # for ever, so it gets a folder that goes with the next command.
    with temporary_folder(path.name, path.parent) as folder, atomic_path(path) as temporary:
        save_file(dict(tensors), folder / path.name)
        os.replace(folder / path.name, temporary)


def read_yaml(path: str | Path) -> Any:
    """Read a YAML file; a missing or broken one is a `PhysrepError`, and so is a key that is given twice."""
    try:
        with open(path, "rb") as file:
            text = file.read(SIZE + 1)
    except PhysrepError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PhysrepError(f"{path}: cannot be read ({reason}); check the path.") from error
    return parse_yaml(text, str(path))


def content_hash(value: Any) -> str:
    """16 hexadecimal digits that identify plain data (nested dicts, lists, strings, numbers)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def readable(path: str | Path) -> Path:
    """The path, for libraries that say of a file without permission that it does not exist (safetensors).

    Raises:
        PhysrepError: the file is there, and cannot be read.
    """
    path = Path(path)
    try:
        with open(path, "rb"):
            return path
    except FileNotFoundError:
        return path
    except OSError as error:
        raise PhysrepError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions.") from error


def file_fingerprint(path: str | Path) -> dict[str, Any]:
    """Name, size, modification time and a sample of a file: what a cache key needs to notice that it changed.

    Files of the same shapes have the same size, and unpacked from archives often the same time, whatever they hold.

    Raises:
        PhysrepError: the file is not there, or cannot be read.
    """
    path = Path(path)
    try:
        status, digest = path.stat(), hashlib.sha256()
        if not path.is_dir():  # as a Zarr store is
            with open(path, "rb", buffering=0) as file:
                for i in range(_PIECES):
                    file.seek(max(0, status.st_size - _PIECE) * i // (_PIECES - 1))
                    digest.update(file.read(_PIECE))
    except OSError as error:
        raise PhysrepError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions.") from error
    sample = digest.hexdigest()[:16]
    return {"name": path.name, "size": status.st_size, "mtime_ns": status.st_mtime_ns, "sample": sample}


def cache_home() -> Path:
    """Folder of what is kept between commands: ``PHYSREP_CACHE``, else ``physrep`` in the user's cache.

    Raises:
        PhysrepError: nothing says where that is, as for a user without an entry in the system's list and without HOME.
    """
    given = os.environ.get("PHYSREP_CACHE")
    if given:
        return Path(given).expanduser()
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "physrep"
    except RuntimeError as error:
        raise PhysrepError("this user has no home folder; set PHYSREP_CACHE to a folder for caches.") from error
