"""The table of `docs/performance.md`: `python -m tests.benchmarks [commands] [master] [--rounds 7] [--seconds 60]`."""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks import bench_commands, bench_master
from tests.benchmarks.pairs import HEAD, ROUNDS

RIVALS = ("av", "c2pa-python", "diffusers", "imageio-ffmpeg", "moviepy", "torch")


def main() -> int:
    """Print the rows that were asked for; 1 where one does not keep to its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", choices=["commands", "master", []])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="pairs of each row")
    parser.add_argument("--seconds", type=int, default=60, help="length of the film that is finished")
    parser.add_argument("--quick", action="store_true", help="leave out MoviePy and the film ten times as long")
    asked = parser.parse_args()
    kinds = asked.kinds or ["commands", "master"]
    print(f"{platform.machine()}, {platform.system()}, Python {platform.python_version()};",
          ", ".join(f"{name} {version(name)}" for name in RIVALS), end="\n\n")  # fmt: skip
    print(HEAD, flush=True)
    held = True
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        folder = Path(place)
        told = {
            "commands": lambda: bench_commands.rows(folder, asked.rounds),
            "master": lambda: bench_master.rows(folder, asked.rounds, asked.seconds, slow=not asked.quick),
        }
        for kind in kinds:
            for row in told[kind]():
                print(row, flush=True)
                held = held and row.held
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
