"""Samples per second: our cached windows against `the_well.data.WellDataset` followed by the same resize.

Both read windows of 16 + 16 frames from one temporary file with 11 channels (a scalar, a vector and two tensors, as
The Well's active_matter) and return them resized bilinearly. They take turns window by window on one thread, so that
whatever else the machine does weighs on both alike; times are process CPU time and wall time, medians over windows.
The file is in the page cache for both, and the values are compared before anything is timed. Building the cache, once
per data set, is timed apart.

    python benchmarks/reader.py            # 256x256 to 224x224, needs 1.5 GB of temporary disk
    python benchmarks/reader.py --quick    # 64x64 to 56x56, a few seconds
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from physrep.data import open_clips, write_well
from physrep.systems.description import Trajectories

FIELDS = {"concentration": 0, "velocity": 1, "D": 2, "E": 2}


def random_trajectories(n: int, frames: int, size: int) -> Trajectories:
    """Random numbers in the shape of active_matter."""
    generator = torch.Generator().manual_seed(0)
    axis = 10 * torch.arange(size, dtype=torch.float64) / size
    return Trajectories(
        system="active_matter",
        fields={
            name: torch.randn(n, frames, size, size, *(2,) * order, generator=generator)
            for name, order in FIELDS.items()
        },
        parameters={"zeta": torch.arange(n) + 1.0, "alpha": -torch.arange(n) - 1.0},
        time=0.25 * torch.arange(frames, dtype=torch.float64),
        coordinates={"x": axis, "y": axis},
        periodic=(True, True),
    )


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.process_time() - cpu, time.perf_counter() - wall


def main() -> None:
    """Run the comparison and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small frames, a few seconds")
    parser.add_argument("--windows", type=int, default=20, help="windows timed per reader")
    options = parser.parse_args()
    size, target, frames, n = (64, 56, 48, 4) if options.quick else (256, 224, 81, 2)
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    from the_well.data import WellDataset

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_well(root / "data" / "train" / "a.hdf5", random_trajectories(n, frames, size))
        well = WellDataset(path=str(root), well_split_name="train", n_steps_input=16, n_steps_output=16)
        start = time.process_time()
        sets = {
            name: open_clips(root, "train", resolution=(target, target), dtype=name) for name in ("float32", "float16")
        }
        built = time.process_time() - start
        windows = sets["float32"].windows(32)
        assert len(windows) == len(well)

        def from_the_well(i: int) -> Tensor:
            item = well[i]
            parts = [
                torch.nn.functional.interpolate(item[part].permute(0, 3, 1, 2), size=(target, target), mode="bilinear")
                for part in ("input_fields", "output_fields")
            ]
            return torch.cat(parts).transpose(0, 1)

        readers: dict[str, Callable[[int], object]] = {"the_well + resize": from_the_well}
        for name, clips in sets.items():
            readers[f"physrep cache {name}"] = lambda i, clips=clips: clips.clip(windows[[i]], 32).fields[0]
        # What no reader can beat: the same number of bytes copied between two blocks of memory that are in use already.
        source, copy = np.ones((2, 11, 32, target, target), dtype=np.float32)
        readers["plain copy of a window"] = lambda i: np.copyto(copy, source)
        order = np.random.default_rng(0).choice(len(windows), options.windows + 1).tolist()
        for call in list(readers.values())[1:3]:
            torch.testing.assert_close(call(order[0]), from_the_well(order[0]), atol=5e-3, rtol=1e-3)
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in readers}
        for i in order[1:]:
            for name, call in readers.items():
                times[name].append(timed(lambda call=call, i=i: call(i)))

        print(f"16+16 frames x 11 channels x {size}x{size} -> {target}x{target}, one thread, {options.windows} windows")
        print(f"{'reader':<24}{'CPU ms':>9}{'wall ms':>9}{'samples/s':>11}{'ratio CPU':>11}{'ratio wall':>12}")
        base = [statistics.median(column) for column in zip(*times["the_well + resize"], strict=True)]
        for name, rows in times.items():
            cpu, wall = (statistics.median(column) for column in zip(*rows, strict=True))
            speed = f"{1e3 * cpu:>9.2f}{1e3 * wall:>9.2f}{1 / wall:>11.1f}"
            print(f"{name:<24}{speed}{base[0] / cpu:>11.1f}{base[1] / wall:>12.1f}")
        print(f"building both caches once: {built:.1f} CPU s for {n} trajectories of {frames} frames")


if __name__ == "__main__":
    main()
