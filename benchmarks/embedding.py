"""Milliseconds of one window through the frozen encoders and floors of a finished benchmark, on one thread.

    python benchmarks/embedding.py runs/quick/data/shear_flow runs/quick/runs/*-s0 [--windows 32]

The clock is the process's CPU time, the best of five passes over one batch; reading the windows is not counted. Runs
without weights (the constant) are left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from clock import best

from physrep.data.config import DataConfig
from physrep.executors import keep_freed_memory
from physrep.run_directory import load_run


def main() -> None:
    """Print a line per run."""
    parser = argparse.ArgumentParser(description="Milliseconds of one window through every frozen encoder.")
    parser.add_argument("data", help="data set")
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--windows", type=int, default=32)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    valid = DataConfig(path=arguments.data).open("valid")
    for run in arguments.runs:
        if not (run / "weights.safetensors").is_file():
            continue
        learner, config = load_run(run)
        frames = config["num_frames"]
        clip = valid.clip(valid.windows(frames, frames, 1)[: arguments.windows], frames, 1)
        learner.eval()
        with torch.inference_mode():
            seconds = best(lambda encode=learner.encode, clip=clip: encode(clip), 5)
        print(f"{run.name:24} {1e3 * seconds / len(clip):6.2f} ms per window")


if __name__ == "__main__":
    main()
