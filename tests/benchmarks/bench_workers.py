"""What workers gain beside what the cores give: `python -m tests.benchmarks.bench_workers`, on a quiet machine.

The same nano takes are shot by one process, by a plain loop of processes that share nothing but the folder of the store
(each has its share, with one thread), and by as many workers. Engines are loaded each time, as in a film. Clips of all
three are compared byte by byte. `--workers` says how many, `--takes 4` is a quick look; `--rounds` repeats, in turn,
and tells medians.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sora_cli.events import Silent
from sora_cli.flows import preflight
from sora_cli.plan import Plan
from sora_cli.shoot.studio import Studio
from sora_cli.shoot.workers import Workers
from sora_cli.store import Store, file_hash
from sora_cli.storyboard import from_data
from tests.benchmarks.pairs import machine

TAKES = 16
WORKERS = 2
LEAST = 0.9
"""Of the speed-up of plain processes, what as many workers must reach."""


def plan(takes: int, first: int = 0, step: int = 1) -> Plan:
    """Every `step`th of the takes, from the `first` on."""
    shots = [{"name": f"s{n}", "prompt": f"a red ball {n}", "duration": "1s"} for n in range(first, takes, step)]
    return preflight.plan_of(from_data({"seed": 7, "engine": "nano", "shots": shots}, folder=Path()))


def shoot(folder: Path, planned: Plan, number: int) -> float:
    """Seconds that so many workers need."""
    began = time.monotonic()
    with Studio(Store(folder), workers=Workers(number=number)) as studio:
        studio.shoot(planned, Silent())
    return time.monotonic() - began


def loop(folder: Path, takes: int, number: int) -> float:
    """Seconds that processes need which know nothing of each other."""
    began = time.monotonic()
    words = [sys.executable, "-m", "tests.benchmarks.bench_workers", "--takes", str(takes), "--workers", str(number)]
    runs = [subprocess.Popen([*words, "--share-into", str(folder), str(each)]) for each in range(number)]
    ended = [run.wait() for run in runs]  # all of them, before any is told of
    if any(ended):
        raise RuntimeError("a plain process failed")
    return time.monotonic() - began


def clips(folder: Path) -> dict[str, str]:
    """The hashes of the clips in a store, by their keys."""
    return {path.stem: file_hash(path) for path in folder.rglob("*.mp4")}


def once(takes: int, number: int) -> tuple[float, float, float]:
    """Seconds of one process, of plain processes and of workers.

    Raises:
        RuntimeError: their clips are not the same.
    """
    with tempfile.TemporaryDirectory() as name:
        one, plain, crew = (Path(name) / each for each in ("one", "loop", "workers"))
        seconds = shoot(one, plan(takes), 1), loop(plain, takes, number), shoot(crew, plan(takes), number)
        if not len(clips(one)) == takes or not clips(one) == clips(plain) == clips(crew):
            raise RuntimeError("the clips are not the same, byte by byte")
    return seconds


def main() -> int:
    """Print seconds and speed-ups; 1 where workers gain less than they should."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takes", type=int, default=TAKES)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="four takes")
    parser.add_argument("--share-into", nargs=2, metavar=("FOLDER", "WHICH"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.share_into is not None:
        folder, which = asked.share_into
        shoot(Path(folder), plan(asked.takes, int(which), asked.workers), 1)
        return 0
    print(machine(), end="\n\n", flush=True)
    runs = [once(4 if asked.quick else asked.takes, asked.workers) for _ in range(asked.rounds)]
    one, plain, crew = (statistics.median(column) for column in zip(*runs, strict=True))
    parts = sorted(each / mine for _, each, mine in runs)
    print(
        f"one process {one:.1f} s, {asked.workers} beside each other {plain:.1f} s, as workers {crew:.1f} s; same bytes"
    )
    print(f"speed-up {one / crew:.2f}, of processes {one / plain:.2f}: "
          f"{statistics.median(parts):.2f} of it ({parts[0]:.2f} to {parts[-1]:.2f}, at least {LEAST})")  # fmt: skip
    return int(statistics.median(parts) < LEAST)


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.exit(main())
