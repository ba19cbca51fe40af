"""Clips per second of one epoch over HTTP with latency, beside the same files on the disk and `the_well`'s own reader.

A server in a process of its own gives out parts of files, waits before every answer, and counts the bytes of HDF5 files
that it sends. An epoch reads every window of 16 frames once, in the order in which a training sees them. "Cold" starts
with an empty cache, "warm" opens the data set anew and finds what the cold epoch left. Scanning the files and filling
caches belongs to our times; `the_well` keeps nothing. Values are compared before anything is
timed. Times are wall times: latency is what is measured.

    python benchmarks/remote.py [--latency 20] [--files 4] [--size 64]      # milliseconds; points per axis
"""

from __future__ import annotations

import argparse
import http.server
import multiprocessing
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from reader import random_trajectories

from physrep.data import open_clips, write_well
from physrep.training.stream import WindowStream

FRAMES, STRIDE, STEPS, BATCH = 16, 8, 48, 4


class Handler(http.server.SimpleHTTPRequestHandler):
    """Ranges of files after a wait; counts what it sends of HDF5 files, and requests."""

    protocol_version = "HTTP/1.1"
    latency = 0.0
    sent: Any = None
    requests: Any = None

    def do_GET(self) -> None:
        time.sleep(self.latency)
        with self.requests.get_lock():
            self.requests.value += 1
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            return super().do_GET()
        size, wanted = path.stat().st_size, self.headers.get("Range")
        low, _, high = (wanted or "bytes=0-").removeprefix("bytes=").partition("-")
        first, last = int(low), min(size - 1, int(high or size))
        self._head(path, 206 if wanted else 200, last + 1 - first)
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        with path.open("rb") as file:
            file.seek(first)
            self.wfile.write(file.read(last + 1 - first))
        if path.suffix == ".hdf5":
            with self.sent.get_lock():
                self.sent.value += last + 1 - first

    def do_HEAD(self) -> None:
        time.sleep(self.latency)
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            return super().do_HEAD()
        self._head(path, 200, path.stat().st_size)
        self.end_headers()

    def _head(self, path: Path, code: int, length: int) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(length))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{path.stat().st_mtime_ns}"')

    def log_message(self, format: str, *args: Any) -> None:
        pass


def serve(folder: str, latency: float, sent: Any, requests: Any, port: Any) -> None:
    """Until the process is ended."""
    handler = type("Own", (Handler,), {"latency": latency, "sent": sent, "requests": requests})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=folder))
    port.value = server.server_port
    server.serve_forever()


def of_physrep(place: str, mode: str, caches: Path) -> tuple[int, float]:
    """An epoch of ours; how many clips, and the sum of all values."""
    os.environ.update(PHYSREP_REMOTE_CACHE=mode, PHYSREP_CACHE=str(caches))
    stream = WindowStream(open_clips(place, "train", cache_dir=str(caches / "clips")), FRAMES, 1, BATCH, 0, STRIDE)
    stream.count = len(stream.windows) // BATCH
    fields = [clip.fields.double().sum() for clip in stream]
    return BATCH * len(fields), float(sum(fields))


def of_the_well(place: str) -> tuple[int, float]:
    """The same windows, shuffled, by `the_well`'s reader."""
    from the_well.data import WellDataset

    well = WellDataset(path=place, well_split_name="train", n_steps_input=FRAMES - 1, n_steps_output=1)
    starts = range(0, STEPS - FRAMES + 1, STRIDE)
    per_trajectory = STEPS - FRAMES + 1
    rows = [per_trajectory * number + start for number in range(len(well) // per_trajectory) for start in starts]
    total = 0.0
    for row in np.random.default_rng(0).permutation(rows):
        item = well[int(row)]
        total += float(item["input_fields"].double().sum() + item["output_fields"].double().sum())
    return len(rows), total


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=20.0, help="milliseconds before every answer")
    parser.add_argument("--files", type=int, default=4, help="files of two trajectories")
    parser.add_argument("--size", type=int, default=64, help="points per axis")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    context = multiprocessing.get_context("spawn")
    sent, requests, port = context.Value("q", 0), context.Value("q", 0), context.Value("i", 0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        served = folder / "served" / "active_matter"
        for number in range(options.files):
            write_well(served / "data" / "train" / f"{number}.hdf5", random_trajectories(2, STEPS, options.size))
        stored = sum(path.stat().st_size for path in served.rglob("*.hdf5"))
        server = context.Process(
            target=serve, args=(str(folder / "served"), options.latency / 1e3, sent, requests, port), daemon=True
        )
        server.start()
        while not port.value:
            time.sleep(0.05)
        url = f"http://127.0.0.1:{port.value}/active_matter"
        calls: dict[str, Callable[[], tuple[int, float]]] = {
            "physrep, disk": lambda: of_physrep(str(served), "none", folder / "disk"),
            "the_well, disk": lambda: of_the_well(str(served)),
        }
        for mode in ("none", "blocks", "files"):
            for state in ("cold", "warm"):
                calls[f"physrep, http, {mode}, {state}"] = partial(of_physrep, url, mode, folder / mode)
        calls["the_well, http"] = lambda: of_the_well(url)
        print(f"{stored / 1e6:.0f} MB in {options.files} files, {options.latency:g} ms before every answer")
        print(f"{'':<30}{'clips':>6}{'seconds':>9}{'clips/s':>9}{'requests':>10}{'bytes sent / stored':>21}")
        expected = None
        for label, call in calls.items():
            before, begun = (sent.value, requests.value), time.perf_counter()
            clips, total = call()
            took = time.perf_counter() - begun
            expected = total if expected is None else expected
            assert abs(total - expected) < 1e-6 * max(1.0, abs(expected)) + 1e-3, f"{label} reads other values"
            share = (sent.value - before[0]) / stored
            print(
                f"{label:<30}{clips:>6}{took:>9.2f}{clips / took:>9.1f}{requests.value - before[1]:>10}{share:>21.2f}",
                flush=True,
            )
        server.terminate()


if __name__ == "__main__":
    main()
