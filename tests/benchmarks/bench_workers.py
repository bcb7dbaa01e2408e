"""What workers gain beside what the cores give: `python -m tests.benchmarks.bench_workers`, on a quiet machine.

The same nano takes are shot by one process, by a plain loop of processes that share nothing but the folder of the store
(each has its half, with one thread), and by as many workers. Engines are loaded each time, as in a film.
"""

from __future__ import annotations

import os
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
from sora_cli.store import Store
from sora_cli.storyboard import from_data

TAKES = 16
PROCESSES = 2


def plan(first: int = 0, step: int = 1) -> Plan:
    """Every `step`th of the takes, from the `first` on."""
    shots = [{"name": f"s{n}", "prompt": f"a red ball {n}", "duration": "1s"} for n in range(first, TAKES, step)]
    return preflight.plan_of(from_data({"seed": 7, "engine": "nano", "shots": shots}, folder=Path()))


def shoot(folder: Path, planned: Plan, number: int) -> float:
    """Seconds that so many workers need."""
    began = time.monotonic()
    with Studio(Store(folder), workers=Workers(number=number)) as studio:
        studio.shoot(planned, Silent())
    return time.monotonic() - began


def loop(folder: Path) -> float:
    """Seconds that processes need which know nothing of each other."""
    began = time.monotonic()
    words = [sys.executable, "-m", "tests.benchmarks.bench_workers", str(folder)]
    runs = [subprocess.Popen([*words, str(each)]) for each in range(PROCESSES)]
    for run in runs:
        run.wait()
    return time.monotonic() - began


def main() -> None:
    """Print seconds and speed-ups."""
    with tempfile.TemporaryDirectory() as name:
        folder, planned = Path(name), plan()
        one = shoot(folder / "one", planned, 1)
        plain, workers = loop(folder / "loop"), shoot(folder / "workers", planned, PROCESSES)
    print(f"one process {one:.1f} s, {PROCESSES} processes {plain:.1f} s, {PROCESSES} workers {workers:.1f} s")
    print(f"speed-up {one / workers:.2f}, of processes {one / plain:.2f}: {plain / workers:.2f} of it")


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    if len(sys.argv) > 1:
        shoot(Path(sys.argv[1]), plan(int(sys.argv[2]), PROCESSES), 1)
    else:
        main()
