"""What a writer leaves behind: nothing of its own, and nothing of those that were killed; the umask is honoured."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from physrep import leftovers
from physrep.cli.main import main
from physrep.errors import PhysrepError, unwritable
from physrep.files import (
    atomic_folder,
    atomic_path,
    cache_home,
    read_json,
    read_record,
    read_rows,
    write_json,
    write_npz,
    write_record,
    write_tensors,
    write_text,
)
from physrep.leftovers import process_is_gone, remove_leftovers, started_at, temporary_folder, this_process

KILLED = """
import os, signal, sys
from physrep.files import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_the_umask_is_honoured(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        write_text(tmp_path / "a", "x")
        assert (tmp_path / "a").stat().st_mode & 0o777 == 0o666 & ~umask
    finally:
        os.umask(before)


def test_the_file_of_a_killed_writer_goes_with_the_next_write(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "weights")], check=False)
    assert [path.suffix for path in tmp_path.iterdir()] == [".tmp"]
    write_text(tmp_path / "other", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_the_number_of_a_killed_writer_may_be_given_again(tmp_path: Path) -> None:
    """In a container that is started anew the command has the number that the killed one had."""
    mine = started_at(os.getpid())
    assert mine is not None
    for started in (mine - 1, mine):
        (tmp_path / f".a.{leftovers.writer()}-{os.getpid()}-{started}-01234567.tmp").write_text("x")
    remove_leftovers(tmp_path)
    assert [path.name.split("-")[2] for path in tmp_path.iterdir()] == [str(mine)]
    about = this_process()
    assert not process_is_gone(about["machine"], about["process"], about["started"])
    assert process_is_gone(about["machine"], about["process"], about["started"] - 1)


KILLED_IN_LIBRARY = """
import os, signal, sys
import safetensors.torch, torch
from physrep.files import write_tensors
def save_file(tensors, path):
    # As safetensors 0.8 does: a file of its own name beside the one that it was given.
    (path.parent / ".tmpAbCdEf").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
safetensors.torch.save_file = save_file
from pathlib import Path
write_tensors(Path(sys.argv[1]), {"a": torch.ones(3)})
"""


def test_what_a_library_was_writing_when_it_was_killed_goes_too(tmp_path: Path) -> None:
    out = tmp_path / "out"
    subprocess.run([sys.executable, "-c", KILLED_IN_LIBRARY, str(out / "a.safetensors")], check=False)
    assert any(path.name == ".tmpAbCdEf" for path in out.rglob("*"))
    assert main(["embed", "nowhere", "--out", str(out)]) == 2
    assert not list(out.iterdir())
    before = os.umask(0o027)
    try:
        write_tensors(out / "a.safetensors", {"a": torch.ones(3)})
    finally:
        os.umask(before)
    assert [path.name for path in out.iterdir()] == ["a.safetensors"]
    assert (out / "a.safetensors").stat().st_mode & 0o777 == 0o640


def test_files_of_living_writers_of_other_machines_and_of_users_stay(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as alive:
        names = [f".a.{leftovers.writer()}-{alive.pid}-01234567.tmp", ".a.00000000-1-01234567.tmp", ".a.abcdefgh.tmp"]
        for name in [*names, ".mine.tmp", "notes.tmp"]:
            (tmp_path / name).write_text("x")
        with atomic_path(tmp_path / "b") as temporary:
            remove_leftovers(tmp_path, deep=True)
            assert temporary.exists()
        assert len(list(tmp_path.iterdir())) == 6
        alive.communicate(b"\n")


def test_old_files_of_unknown_writers_go_also_in_folders_below(tmp_path: Path) -> None:
    old = tmp_path / "a" / "b" / ".weights.safetensors.abcd_123.tmp"
    old.parent.mkdir(parents=True)
    old.write_text("x")
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    remove_leftovers(tmp_path, deep=True)
    assert not old.exists()


def test_a_wrong_clock_of_this_machine_deletes_no_file_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    young = tmp_path / ".a.00000000-1-01234567.tmp"
    young.write_text("x")
    in_a_month = time.time() + 30 * 24 * 3600
    monkeypatch.setattr(time, "time", lambda: in_a_month)
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == [young]


@pytest.mark.parametrize(
    "text", ["[enforce fail at inline_container.cc:672] . unexpected pos", "PytorchStreamWriter failed"]
)
def test_a_full_disk_that_torch_tells_in_its_own_words_is_one_sentence(text, tmp_path):
    (tmp_path / "a").write_text("before")
    with pytest.raises(PhysrepError, match="a: cannot be written"), atomic_path(tmp_path / "a"):
        raise RuntimeError(text)
    assert (tmp_path / "a").read_text() == "before" and [p.name for p in tmp_path.iterdir()] == ["a"]
    with pytest.raises(RuntimeError, match="other"), atomic_path(tmp_path / "a"):
        raise RuntimeError("other")


KILLED_IN_FOLDER = """
import os, signal, sys
from pathlib import Path
from physrep.leftovers import temporary_folder
with temporary_folder("unpacked", Path(sys.argv[1])) as folder:
    (folder / "array").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_folder_of_a_killed_process_goes_with_the_next_one(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED_IN_FOLDER, str(tmp_path)], check=False)
    (left,) = tmp_path.iterdir()
    assert (left / "array").exists()
    two_days_ago = time.time() - 2 * 24 * 3600
    others = [".a.00000000-1-01234567.tmp", ".a.abcdefgh.tmp", "a.tmp"]
    for name in others:
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (two_days_ago, two_days_ago))
    with temporary_folder("mine", tmp_path) as folder:
        assert folder.is_dir() and not left.exists()
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*others, folder.name])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)


def test_a_temporary_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(PhysrepError, match="file: cannot be written"), temporary_folder("a", tmp_path / "file"):
        pass


def test_the_remedy_follows_from_the_cause(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("nowhere")
    for place, remedy in (("file/a", "remove the file or link"), ("link/a", "remove the file or link"),
                          ("x" * 300, "give shorter names")):  # fmt: skip
        with pytest.raises(PhysrepError, match=f"cannot be written .*; {remedy}"):
            write_text(tmp_path / place, "x")
    assert "ask for permission or choose another --out" in str(unwritable("a", PermissionError(13, "denied")))
    assert "free space or name another" in str(unwritable("a", OSError(28, "full"), "name another"))


def test_a_folder_is_not_blamed_for_what_it_is_made_of(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="source"), atomic_folder(tmp_path / "out", "last"):
        (tmp_path / "source").read_bytes()
    (tmp_path / "out").write_text("a file")
    with pytest.raises(PhysrepError, match="out: cannot be written"), atomic_folder(tmp_path / "out", "last"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_folder_of_a_killed_process_goes_with_the_next_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run([sys.executable, "-c", KILLED_IN_FOLDER, str(tmp_path)], check=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert len(list(tmp_path.iterdir())) == 1
    assert main(["list", "systems"]) == 0
    assert not list(tmp_path.iterdir())


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("PHYSREP_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", unknown)
    with pytest.raises(PhysrepError, match="set PHYSREP_CACHE"):
        cache_home()


@pytest.mark.parametrize("text", ["[]", "3", "null", '"x"', '{"a": 1}', "{", "[" * 100_000])
def test_a_record_or_rows_of_another_form_are_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(PhysrepError, match=r"x\.json"):
        read_record(path, "b")
    if text != "[]":
        with pytest.raises(PhysrepError, match=r"x\.json"):
            read_rows(path)
    path.write_text('[{"split": "test"}]')
    with pytest.raises(PhysrepError, match="no rows of scores"):
        read_rows(path)


@pytest.mark.parametrize("compressed", [False, True])
def test_an_npz_holds_its_arrays_and_no_objects(compressed: bool, tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", {"x": [1.0, 2.0], "names": np.array(["u", "v"])}, compressed)
    with np.load(tmp_path / "a.npz") as file:
        assert sorted(file.files) == ["names", "x"] and file["names"].tolist() == ["u", "v"]
    with pytest.raises(ValueError, match="x holds Python objects"):
        write_npz(tmp_path / "a.npz", {"x": np.array([Path("x")], dtype=object)}, compressed)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_a_record_that_has_changed_is_refused(tmp_path: Path) -> None:
    path, value = tmp_path / "x.json", {"a": [1.5, float("nan")], "b": {"c": None, "d": "ü"}, "e": (1, 2)}
    write_record(path, value)
    assert read_record(path, "a", "b") == {**value, "a": pytest.approx([1.5, float("nan")], nan_ok=True), "e": [1, 2]}
    stored = read_json(path)
    for changed in (
        {**stored, "b": {"c": 0, "d": "ü"}},
        {**stored, "f": 1},
        {k: stored[k] for k in stored if k != "e"},
    ):
        write_json(path, changed)
        with pytest.raises(PhysrepError, match="has changed since it was written"):
            read_record(path)
    write_json(path, {"b": 1})  # by an earlier version
    assert read_record(path) == {"b": 1}


def test_a_writer_that_replaces_the_file_does_not_narrow_its_mode(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with atomic_path(tmp_path / "a") as temporary:
            other = tmp_path / "other"
            other.write_text("x")
            other.chmod(0o600)
            os.replace(other, temporary)  # as safetensors does
        assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640
    finally:
        os.umask(before)
