"""A server on this machine with the part of Hugging Face's interface that sharing one small repository needs."""

from __future__ import annotations

import base64
import hashlib
import json
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar
from urllib.parse import unquote

COMMIT = "a" * 40


class HubHandler(BaseHTTPRequestHandler):
    """One repository in memory."""

    files: ClassVar[dict[str, bytes]] = {}

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length")
        body = self.rfile.read(int(length)) if length is not None else self._chunks()
        if self.path.endswith("/preupload/main"):
            wanted = json.loads(body)["files"]
            modes = [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False, "oid": None} for f in wanted]
            return self._json({"files": modes})
        if self.path.endswith("/commit/main"):
            for line in filter(None, body.decode().split("\n")):
                entry = json.loads(line)
                if entry["key"] == "file":
                    self.files[entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
            return self._json(
                {
                    "commitUrl": f"http://{self.headers['Host']}/me/run/commit/{COMMIT}",
                    "commitOid": COMMIT,
                    "success": True,
                }
            )
        return self._json(
            {"url": f"http://{self.headers['Host']}/me/run", "name": "me/run", "errors": [], "warnings": []}
        )

    def do_HEAD(self) -> None:
        self._file(False)

    def do_GET(self) -> None:
        if "/resolve/" in self.path:
            return self._file(True)
        names = [{"rfilename": name} for name in self.files]
        about = {"id": "me/run", "modelId": "me/run", "sha": COMMIT, "siblings": names, "private": False}
        return self._json({**about, "tags": [], "downloads": 0, "likes": 0})

    def _file(self, content: bool) -> None:
        # /OWNER/NAME/resolve/REVISION/PATH, of a data set below /datasets.
        name = self.path.partition("?")[0].partition("/resolve/")[2].partition("/")[2]
        data = self.files.get(unquote(name))
        if data is None:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha1(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if content:
            self.wfile.write(data)

    def _json(self, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().strip() or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def log_message(self, *words: Any) -> None:
        """Quiet."""
