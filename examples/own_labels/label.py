"""Measure something of every trajectory and write it as a table of labels."""

import csv
import sys

from physrep.data import SPLITS, open_well, split_files

root = sys.argv[1] if len(sys.argv) > 1 else "data/shear_flow"
rows = []
for split in SPLITS:
    for path in split_files(root, split):
        with open_well(path) as file:
            for k in range(file.n_trajectories):
                first, last = (file.read(k, frame, 1, channels=["tracer"]) for frame in (0, file.n_frames - 1))
                rows.append([split, path.name, k, float(last.var() / first.var())])
middle = sorted(row[-1] for row in rows)[len(rows) // 2]
with open("labels.csv", "w", newline="") as table:
    writer = csv.writer(table)
    writer.writerow(["split", "file", "trajectory", "variance_left", "state"])
    writer.writerows([*row, "unmixed" if row[-1] > middle else "mixed"] for row in rows)
