"""What the checksums of written files cost: windows read from chunks with Fletcher32 against a contiguous file.

Random windows of 16 frames of 11 channels (as in The Well's active_matter) are read from three files in turns, in one
process, and compared: contiguous without checksums; chunks with checksums, verified, as at the first reading; and the
same chunks as a reader takes frames that it has verified before. Both files are in the page cache.

    python benchmarks/checksums.py             # 128 x 128 points
    python benchmarks/checksums.py --size 32
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
from reader import random_trajectories

from physrep.data import WellFile, write_well


def contiguous_copy(source: Path, target: Path) -> None:
    """The same file without chunks."""
    with h5py.File(source) as old, h5py.File(target, "w") as new:
        new.attrs.update(old.attrs)

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            made = new.require_group(name) if isinstance(item, h5py.Group) else new.create_dataset(name, data=item[()])
            made.attrs.update(item.attrs)

        old.visititems(copy)


def main() -> None:
    """Time the three ways and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--windows", type=int, default=60)
    options = parser.parse_args()
    trajectories, frames = 2, 81
    with tempfile.TemporaryDirectory() as folder:
        chunked, plain = Path(folder) / "chunks.hdf5", Path(folder) / "contiguous.hdf5"
        start = time.perf_counter()
        write_well(chunked, random_trajectories(trajectories, frames, options.size))
        written = time.perf_counter() - start
        contiguous_copy(chunked, plain)
        names = ("contiguous", "chunks, verified", "chunks, known")
        times: dict[str, list[float]] = {name: [] for name in names}
        rng = np.random.default_rng(0)
        with WellFile(chunked) as with_checksums, WellFile(plain) as without:
            for window in range(options.windows + 3):
                trajectory, first = int(rng.integers(trajectories)), int(rng.integers(frames - 16))
                blocks = []
                for name in names:
                    file = without if name == "contiguous" else with_checksums
                    begin = time.perf_counter()
                    blocks.append(file.read(trajectory, first, 16, missing="raw", known=name == "chunks, known"))
                    if window >= 3:
                        times[name].append(time.perf_counter() - begin)
                assert all(np.array_equal(block, blocks[0]) for block in blocks)
        sizes = [path.stat().st_size for path in (chunked, plain)]
    print(f"16 frames of 11 x {options.size} x {options.size}, {options.windows} windows, medians")
    base = statistics.median(times["contiguous"])
    for name in names:
        median = statistics.median(times[name])
        print(f"{name:<18}{1e3 * median:8.2f} ms {median / base:7.2f} of contiguous")
    print(f"file {sizes[0] / sizes[1]:.3f} of the contiguous one; written in {written:.1f} s")


if __name__ == "__main__":
    main()
