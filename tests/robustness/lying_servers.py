"""Servers that lie: too brief, of another length, redirecting for ever or out of HTTP, slow, HTML instead of JSON,
other bytes, names that lead out of the folder; asked by `pull`, and as the place of data."""

from __future__ import annotations

import functools
import json
import random
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

from physrep.sharing import MANIFEST, places
from tests.robustness.odd_runs import world
from tests.robustness.tries import call

# fmt: off
NAMES = [
    "../escaped", "/tmp/escaped", "a/../../escaped", "..", ".", "", "x\x00y", "a\nb", "CON", "n" * 300, "ü",
    "~/x", "-o",
]
# fmt: on
LIES = (
    "brief",
    "longer",
    "shorter",
    "loop",
    "file",
    "ftp",
    "drip",
    "html",
    "500",
    "403",
    "garbage",
    "closed",
    "huge",
    "chunks",
)
LIES = (*LIES, "gzip", "flipped", "empty", "endless", "redirected", "no length", "204", "range")


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder; one request of several is answered by a lie."""

    generator = random.Random(0)
    lie = ""
    share = 1.0

    def log_message(self, format: str, *values: Any) -> None:
        return None

    def do_HEAD(self) -> None:
        if not self._lies(False):
            super().do_HEAD()

    def do_GET(self) -> None:
        if not self._lies(True):
            super().do_GET()

    def _lies(self, content: bool) -> bool:
        if type(self).generator.random() > type(self).share:
            return False
        place = Path(self.translate_path(self.path))
        data = place.read_bytes() if place.is_file() else b"<html><a href='x'>x</a></html>"
        self._answer(data if content else b"", type(self).lie, len(data))
        return True

    def _answer(self, data: bytes, lie: str, size: int) -> None:
        redirects = {
            "loop": self.path,
            "file": "file:///etc/hostname",
            "ftp": "ftp://127.0.0.1:1/x",
            "redirected": "/x",
        }
        if lie in ("garbage", "closed"):
            self.wfile.write(b"\x00\xff banana \r\n\r\n" if lie == "garbage" else b"")
            self.close_connection = True
            return
        code = 302 if lie in redirects else int(lie) if lie.isdigit() else 206 if lie == "range" else 200
        self.send_response(code)
        if lie in redirects:
            self.send_header("Location", redirects[lie])
        stated = {"brief": size, "longer": size + 100, "shorter": max(0, size - 7), "huge": 2**62, "drip": size + 10}
        if lie == "chunks":
            self.send_header("Transfer-Encoding", "chunked")
        elif lie == "gzip":
            self.send_header("Content-Encoding", "gzip")
        elif lie == "range":
            self.send_header("Content-Range", "bytes 5-3/x")
        if lie not in ("chunks", "no length", "endless"):
            self.send_header("Content-Length", str(stated.get(lie, size)))
        self.end_headers()
        self.close_connection = True
        if lie == "html":
            data = b"<html>" + b"x" * size
        elif lie == "flipped" and data:
            data = bytes([data[0] ^ 1]) + data[1:]
        elif lie == "brief":
            data = data[: len(data) // 2]
        elif lie == "empty":
            data = b""
        try:
            if lie == "drip":
                for byte in data[:8]:
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.3)
            elif lie == "endless":
                # As much as a real answer never has; the client has to give up.
                for _ in range(400 if data else 0):
                    self.wfile.write(b"[" * 100_000)
            else:
                self.wfile.write(b"ffffffffff\r\n" + data if lie == "chunks" else data)
        except OSError:
            return


class Quiet(ThreadingHTTPServer):
    """A server that says nothing of clients that hang up: they share its standard error."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over it."""


@contextmanager
def served(folder: Path, generator: random.Random, lie: str, share: float) -> Iterator[str]:
    """The address of a lying server of a folder."""
    own = type("Own", (Handler,), {"generator": generator, "lie": lie, "share": share})
    with Quiet(("127.0.0.1", 0), functools.partial(own, directory=str(folder))) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def servers(folder: Path, number: int) -> str | None:
    """A command asks a lying server; it refuses in one sentence, or ends with exactly what was shared."""
    generator = random.Random(number)
    whole, out = world(folder), folder / "try" / "out"
    shutil.rmtree(folder / "try", ignore_errors=True)
    (folder / "try").mkdir()
    root = folder / "try" / "root"
    shutil.copytree(whole / "shared", root / "shared")
    shutil.copytree(folder / "waves", root / "waves", ignore=shutil.ignore_patterns("cache"))
    before = {path for path in folder.rglob("*") if out not in path.parents}
    lie, share = generator.choice(LIES), generator.choice([1.0, 0.3])
    if number % 3 == 0:
        _odd_manifest(generator, root / "shared" / MANIFEST)
        share = 0.0
    environment = {
        "PHYSREP_CACHE": str(out / "cache"),
        "PHYSREP_REMOTE_CACHE": generator.choice(["blocks", "files", "none"]),
    }
    with (
        served(root, generator, lie, share) as address,
        mock.patch.object(places, "TIMEOUT", 1),
        mock.patch.object(places, "LARGEST_MANIFEST", 1_000_000),
        mock.patch.dict("os.environ", environment),
    ):
        if number % 3 < 2:
            asked = ["pull", f"{address}/shared", str(out / "run")]
        else:
            data = f"{address}/waves"
            asked = generator.choice([
                ["check", data],
                ["embed", str(whole / "run"), "--data", data, "--out", str(out / "tokens"), "--device", "cpu"],
                ["predict", str(whole / "run"), data, "--device", "cpu"],
                ["probe", str(whole / "run"), "--data", data, "--out", str(out / "tokens"), "--device", "cpu"],
            ])  # fmt: skip
        fault = call(asked)
    if fault:
        return f"{lie} {share}: {fault}"
    escaped = {path for path in folder.rglob("*") if out not in path.parents and path != out} - before
    if escaped or Path("/tmp/escaped").exists():
        return f"{lie}: {asked[0]} has written {sorted(escaped)[:3]}"
    pulled = asked[0] == "pull" and (out / "run").exists() and share
    if pulled and not all((out / "run" / p.name).read_bytes() == p.read_bytes() for p in (root / "shared").iterdir()):
        return f"{lie}: a run was pulled whose files are not those that were shared"
    return None


def _odd_manifest(generator: random.Random, path: Path) -> None:
    content = json.loads(path.read_text())
    way = generator.randrange(6)
    if way < 3:
        content["files"][generator.choice(NAMES)] = generator.choice(["0" * 64, 3, None, "", "../x"])
    elif way == 3:
        content["files"] = generator.choice([[], {}, None, "x", {"config.yaml": {"x": 1}}, {"manifest.json": "0" * 64}])
    elif way == 4:
        name = generator.choice(list(content["files"]))
        content["files"][name] = content["files"][name].upper() if generator.random() < 0.3 else "f" * 64
    else:
        content = generator.choice([[], 3, None, "x", {"files": content}])
    path.write_text(json.dumps(content))
