"""Whether every extra can be installed beside the pinned torch: asks pip, installs nothing.

    python benchmarks/extras.py [EXTRA ...]

One line per extra: ``resolves`` with the number of packages that would be new, or pip's own words. Exit code 1 if one
does not. It needs the network, or whatever pip is configured to ask.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def resolve(extra: str) -> tuple[bool, str]:
    """Ask pip for one extra."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--disable-pip-version-check",
            "-c", str(ROOT / "constraints.txt"), "--report", str(report), f"{ROOT}[{extra}]",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            return False, (errors or ["no reason given"])[0][:200]
        packages = [item["metadata"] for item in json.loads(report.read_text())["install"]]
    names = {package["name"]: package["version"] for package in packages}
    torch = names.get("torch")
    if torch and not torch.startswith("2.13.0"):
        return False, f"pip would take torch {torch}"
    return True, f"resolves, {len(names) - 1} packages would be new"


def main() -> int:
    """Ask for all extras, or those that are named."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    good = True
    for extra in sys.argv[1:] or list(project["optional-dependencies"]):
        found, words = resolve(extra)
        good = good and found
        print(f"{extra:<14} {words}", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
