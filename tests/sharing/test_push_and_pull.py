"""A shared run is whole, says what it is, and tells nothing of the machine that it comes from."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch

from physrep import leftovers
from physrep.cli.main import main
from physrep.errors import PhysrepError
from physrep.files import write_json
from physrep.run_directory import build_learner, load_run, save_learner
from physrep.sharing import MANIFEST, pull, push
from physrep.sharing.bundle import without_places
from physrep.sharing.card import card_of_run
from tests.helpers.hub_server import HubHandler


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "run"
    config = {
        "physrep": "0.1.0", "learner": "random", "options": {"encoder": "conv3d"}, "in_channels": 2, "num_frames": 4,
        "parameters": {"p": "log"}, "seed": 0,
        "data": {"path": str(tmp_path / "home" / "my_flows"), "cache_dir": str(tmp_path / "cache"), "fields": None},
    }  # fmt: skip
    learner = build_learner(config)
    learner.set_normalisation(("a", "b"), [1.0, 2.0], [3.0, 4.0])
    save_learner(folder, learner, config)
    rows = [{"split": "test", "metric": "mse", "level": "trajectory", "parameter": "mean", "value": 0.25,
             "ci_low": 0.2, "ci_high": 0.3}]  # fmt: skip
    write_json(folder / "probe_ridge.json", {"options": {}, "rows": rows, "from": f"{tmp_path}/elsewhere/file"})
    return folder


def test_a_pulled_run_has_the_same_weights_and_no_places(run: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    assert main(["push", str(run), str(shared)]) == 0
    for path in shared.iterdir():
        assert str(tmp_path).encode() not in path.read_bytes(), path.name
    assert not (shared / "environment.json").exists()
    assert "my_flows" in (shared / "README.md").read_text() and "| 0.250 |" in (shared / "README.md").read_text()
    assert "No floors were run" in (shared / "README.md").read_text()
    assert main(["pull", str(shared), str(tmp_path / "back")]) == 0
    ours, theirs = load_run(run)[0].state_dict(), load_run(tmp_path / "back")[0].state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_relative_places_are_shortened(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_run(run)[1]
    start = {"run": "projects/secret/base", "sha256": "0"}
    save_learner(run, load_run(run)[0], {**config, "data": {"path": "projects/secret/my_flows"}, "init_from": start})
    monkeypatch.chdir(tmp_path)
    shared = tmp_path / "shared"
    push(run, str(shared))
    text = (shared / "config.yaml").read_text()
    assert "my_flows" in text and "base" in text and "secret" not in text


def test_it_comes_back_from_an_address(run: Path, tmp_path: Path) -> None:
    push(run, str(tmp_path / "shared"))
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        out = pull(f"http://127.0.0.1:{server.server_port}/shared", tmp_path / "back")
        with pytest.raises(PhysrepError, match="cannot be read"):
            pull(f"http://127.0.0.1:{server.server_port}/nothing", tmp_path / "none")
        server.shutdown()
    assert load_run(out)[1]["learner"] == "random"
    assert not (tmp_path / "none").exists()


def _killed_while_copying(words: list[str]) -> None:
    """Run a command that is killed when it copies its second file."""
    code = (
        "import os, shutil, signal, sys; copy, done = shutil.copyfile, []\n"
        "def second(a, b):\n"
        "    done.append(a) if not done else os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return copy(a, b)\n"
        "shutil.copyfile = second\n"
        "from physrep.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, check=False)
    assert done.returncode == -9, done.stderr


def test_a_killed_push_or_pull_is_repeated_and_leaves_nothing(run: Path, tmp_path: Path) -> None:
    (run / "readout_ridge.safetensors").write_bytes((run / "weights.safetensors").read_bytes())
    place = tmp_path / "place"
    for words in (["push", str(run), str(place / "shared")], ["pull", str(place / "shared"), str(place / "back")]):
        before = sorted(place.glob("*"))
        _killed_while_copying(words)
        assert [path.suffix for path in sorted(place.iterdir()) if path not in before] == [".tmp"]
        leftovers._swept.clear()
        assert main(words) == 0 and main(words) == 0, "the same command goes on, and has nothing to do when it is done"
        assert sorted(place.iterdir()) == sorted([*before, Path(words[-1])])
    assert (place / "back" / MANIFEST).read_bytes() == (place / "shared" / MANIFEST).read_bytes()
    _killed_while_copying(["push", str(run), str(place / "shared")])
    assert main(["push", str(run), str(place / "shared")]) == 0, "one over an earlier one too"
    write_json(place / "shared" / MANIFEST, {"files": {}})
    with pytest.raises(PhysrepError, match="holds another run already"):
        pull(str(place / "shared"), place / "back")


def test_damage_strange_names_and_tokens_are_refused(run: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    push(run, str(shared))
    (shared / "config.yaml").write_text("learner: other\n")
    with pytest.raises(PhysrepError, match="missing or damaged"):
        pull(str(shared), tmp_path / "back")
    assert not (tmp_path / "back").exists()
    write_json(shared / MANIFEST, {"files": {"../evil": "0"}})
    with pytest.raises(PhysrepError, match="not trusted"):
        pull(str(shared), tmp_path / "back")
    stored = json.loads((run / "probe_ridge.json").read_text())
    write_json(run / "probe_ridge.json", {**stored, "options": {"key": "hf_" + "a" * 30}})
    with pytest.raises(PhysrepError, match="token"):
        push(run, str(tmp_path / "other"))
    assert not (tmp_path / "other").exists()


def test_places_and_credentials_are_taken_out() -> None:
    given = {
        "a": "/home/me/flows",
        "b": ["https://me:secret@host/x?token=1", "hf://datasets/a/b"],
        "c": "C:\\Users\\me\\d",
    }
    assert without_places(given) == {"a": "flows", "b": ["https://host/x", "hf://datasets/a/b"], "c": "d"}


def test_it_goes_to_a_hub_and_back(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    with ThreadingHTTPServer(("127.0.0.1", 0), HubHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        for name, value in (("HF_ENDPOINT", address), ("HF_TOKEN", "none"), ("HF_HOME", str(tmp_path / "hub"))):
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PHYSREP_CACHE", str(tmp_path / "kept"))
        # The client reads its settings when it is imported, so it gets a process of its own.
        code = "import sys; from physrep.cli.main import main; sys.exit(main(sys.argv[1:]))"
        for words in (["push", str(run), "hf:me/run"], ["pull", "hf:me/run", str(tmp_path / "back")]):
            done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        # A command that only reads takes the cache, one that writes a copy of its own.
        places = "from physrep.sharing import local_run, own_copy; print(local_run('hf:me/run'), own_copy('hf:me/run'))"
        done = subprocess.run([sys.executable, "-c", places], capture_output=True, text=True, cwd=tmp_path, check=True)
        cached, own = done.stdout.split()
        assert Path(cached).is_relative_to(tmp_path / "kept") and own == "runs/me--run"
        assert (tmp_path / own / MANIFEST).read_bytes() == (Path(cached) / MANIFEST).read_bytes()
        server.shutdown()
    ours, theirs = load_run(run)[0].state_dict(), load_run(tmp_path / "back")[0].state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
    assert not any(str(tmp_path).encode() in data for data in HubHandler.files.values())


@pytest.mark.parametrize(
    ("learner", "summary", "said"),
    [
        ("jepa", {"steps": 300}, "Trained for 300 steps on train alone, without labels."),
        ("spectra", {"kind": "floor"}, "Nothing was trained: it is a floor"),
        ("random", {}, "Nothing was trained: it is a floor"),
        ("pde_regression", {"kind": "oracle"}, "an oracle"),
        ("operator_discovery", {"kind": "learner", "steps": 0}, "in closed form"),
        ("supervised", {"steps": 5}, "with its labels: a ceiling"),
        ("videomae", {"imported_from": {"file": "w.pth", "family": "videomae"}}, "w.pth (videomae), unchanged"),
    ],
)
def test_the_card_says_how_the_run_was_trained(
    tmp_path: Path, learner: str, summary: dict[str, Any], said: str
) -> None:
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    card = card_of_run(tmp_path, {"learner": learner, "in_channels": 1, "num_frames": 4, "data": {"path": "x"}})
    assert said in card
    assert ("Trained" in card) == ("steps" in summary and summary["steps"] > 0)
