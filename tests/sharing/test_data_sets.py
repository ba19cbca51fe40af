"""A shared data set comes back with the same bytes, says how it was made, and tells nothing of the machine."""

from __future__ import annotations

import functools
import shlex
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from physrep.cli.main import main
from physrep.data.convert import ConvertConfig, convert
from physrep.errors import PhysrepError
from physrep.files import read_json
from physrep.sharing import MANIFEST, pull, push
from tests.helpers.foreign_files import npz
from tests.helpers.hub_server import HubHandler

SIMULATION = [
    "simulate", "heat", "--trajectories", "10", "--resolution", "12", "16", "--frames", "4", "--seed", "3",
    "--ranges.diffusivity", "[0.001, 0.005]", "--per-file", "3", "--splits", "0.6", "0.2", "0.2",
]  # fmt: skip


@pytest.fixture(scope="module")
def heat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("home")
    assert main([*SIMULATION, "--out", str(out)]) == 0
    return out / "heat"


def contents(root: Path) -> dict[str, bytes]:
    paths = [*root.glob("data/*/*.hdf5"), root / "stats.yaml"]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def test_a_pulled_data_set_has_the_same_bytes_and_no_places(
    heat: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = tmp_path / "shared"
    assert main(["push", str(heat), str(shared)]) == 0
    assert "no licence is given" in capsys.readouterr().err
    assert main(["push", str(heat), str(shared), "--licence", "cc-by-4.0"]) == 0, "over an earlier one"
    assert main(["pull", str(shared), str(tmp_path / "back")]) == 0
    assert contents(tmp_path / "back") == contents(heat) and len(contents(heat)) > 4
    for path in shared.rglob("*"):
        assert path.is_dir() or str(heat.parent).encode() not in path.read_bytes(), path
    assert main(["check", str(tmp_path / "back")]) == 0
    assert main(["pull", str(shared), str(tmp_path / "back")]) == 0, "nothing to do"


def test_the_card_says_how_it_was_made_so_that_it_can_be_made_again(heat: Path, tmp_path: Path) -> None:
    push(heat, str(tmp_path / "shared"), licence="cc-by-4.0", say=lambda line: None)
    card = (tmp_path / "shared" / "README.md").read_text()
    head = yaml.safe_load(card.split("---")[1])
    assert head["license"] == "cc-by-4.0" and "simulation" in head["tags"]
    for text in ("| train | 2 | 6 | 4 |", "x 12 x y 16", "| diffusivity |", "- seed: 3", "exact", "∂ₜ"):
        assert text in card, text
    (words,) = [shlex.split(line) for line in card.splitlines() if line.startswith("physrep simulate ")]
    assert main([word.replace("DIR", str(tmp_path / "again")) for word in words[1:]]) == 0
    assert contents(tmp_path / "again" / "heat") == contents(heat)


def test_converted_data_say_that_their_making_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    root = convert(npz(tmp_path / "home"), tmp_path / "flow", ConvertConfig(name="flow"))
    push(root, str(tmp_path / "shared"), say=lambda line: None)
    card = (tmp_path / "shared" / "README.md").read_text()
    assert "Converted by `physrep convert`" in card and "None is given" in card and "Nothing else is recorded" in card
    for path in (tmp_path / "shared").rglob("*"):
        assert path.is_dir() or str(tmp_path).encode() not in path.read_bytes(), path


def test_an_interrupted_pull_goes_on_with_what_is_missing(
    heat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(heat, str(tmp_path / "shared"), say=lambda line: None)
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if len(asked) == 4:
                self.send_error(500)
            else:
                super().do_GET()

    handler = functools.partial(Handler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/shared"
        with pytest.raises(PhysrepError, match="cannot be read"):
            pull(address, tmp_path / "back")
        assert not (tmp_path / "back").exists()
        pull(address, tmp_path / "back")
        server.shutdown()
    assert contents(tmp_path / "back") == contents(heat)
    files = [path for path in asked if not path.endswith(MANIFEST)]
    assert len(files) == len(set(files)) + 1, "only the one that failed is asked for twice"
    assert not (tmp_path / "back.partial").exists()


def test_damage_and_wrong_places_are_refused(heat: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    push(heat, str(shared), say=lambda line: None)
    with pytest.raises(PhysrepError, match="a data set goes to hf:datasets/OWNER/NAME"):
        push(heat, "hf:me/heat")
    damaged = next((shared / "data" / "test").glob("*.hdf5"))
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    with pytest.raises(PhysrepError, match=f"data/test/{damaged.name} is missing or damaged"):
        pull(str(shared), tmp_path / "back")
    assert not (tmp_path / "back").exists()
    for name in ("data/train/../../evil.hdf5", "data/other/a.hdf5", "data/train/a.py", "data/train/.a.hdf5"):
        (shared / MANIFEST).write_text(f'{{"files": {{"{name}": "0"}}}}')
        with pytest.raises(PhysrepError, match="not trusted"):
            pull(str(shared), tmp_path / "back")


def test_it_goes_to_a_hub_and_back(heat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(HubHandler, "files", {})
    with ThreadingHTTPServer(("127.0.0.1", 0), HubHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        for name, value in (("HF_ENDPOINT", address), ("HF_TOKEN", "none"), ("HF_HOME", str(tmp_path / "hub"))):
            monkeypatch.setenv(name, value)
        # The client reads its settings when it is imported, so it gets a process of its own.
        code = "import sys; from physrep.cli.main import main; sys.exit(main(sys.argv[1:]))"
        place = "hf:datasets/me/heat"
        for words in (["push", str(heat), place, "--licence", "mit"], ["pull", place, str(tmp_path / "back")]):
            done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        server.shutdown()
    assert contents(tmp_path / "back") == contents(heat)
    assert read_json(tmp_path / "back" / MANIFEST)["kind"] == "data"
