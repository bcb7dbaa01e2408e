"""Two ways of doing the same work, in turn: A B, B A, A B, ... so that whatever else the machine does slows both.

Each run is a process of its own, whose costs the system tells when it ends, with those of all that it started. What
decides is the ratio of processor time within a pair: the median of seven or more, with the least and the greatest.
"""

from __future__ import annotations

import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from msgspec import Struct

ROUNDS = 7
RIVALS = ("av", "c2pa-python", "diffusers", "imageio-ffmpeg", "moviepy", "torch")


class Cost(Struct, frozen=True):
    """What a run took: seconds by the clock and of processors, and the most that one of its processes held, MB."""

    wall: float
    cpu: float
    peak: float


class Side(Struct, frozen=True, eq=False):
    """One way: a command, where it runs, and what it finds in its environment."""

    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str] | None = None

    def run(self) -> Cost:
        """Run it once.

        Raises:
            RuntimeError: it failed, with what it said.
        """
        with tempfile.TemporaryFile() as said:
            began = time.perf_counter()
            process = subprocess.Popen(
                self.command, cwd=self.folder, env={**os.environ, **(self.environment or {})},
                stdout=said, stderr=subprocess.STDOUT,
            )  # fmt: skip
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                said.seek(0)
                raise RuntimeError(f"{' '.join(self.command)}: {said.read().decode(errors='replace')[-2000:]}")
        return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def machine() -> str:
    """The processor, its cores and memory, and the versions of Python and of the rivals."""
    import imageio_ffmpeg

    cpu, memory = Path("/proc/cpuinfo"), Path("/proc/meminfo")
    named = re.search(r"model name\s*: (.*)", cpu.read_text()) if cpu.exists() else None
    held = re.search(r"MemTotal:\s*(\d+)", memory.read_text()) if memory.exists() else None
    facts = [
        named[1] if named else platform.machine(), f"{os.cpu_count()} cores",
        f"{int(held[1]) / 1e6:.0f} GB" if held else "", f"{platform.system()}, Python {platform.python_version()}",
        f"ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}", *(f"{name} {version(name)}" for name in RIVALS),
    ]  # fmt: skip
    return ", ".join(filter(None, facts))


def python(*words: str) -> list[str]:
    """A command of this Python, which tells no warnings."""
    return [sys.executable, "-W", "ignore", *words]


class Row(Struct, frozen=True):
    """A line of the table: what was measured, against what, both sides' runs, and the most that the ratio may be."""

    what: str
    rival: str
    ours: Sequence[Cost]
    theirs: Sequence[Cost]
    bar: float | None = None

    def ratios(self, part: str = "cpu") -> list[float]:
        """Ours / theirs of each pair, in order of size."""
        pairs = zip(self.ours, self.theirs, strict=True)
        return sorted(getattr(mine, part) / getattr(other, part) for mine, other in pairs)

    @property
    def held(self) -> bool:
        """Whether the median ratio keeps to its bar."""
        return self.bar is None or statistics.median(self.ratios()) <= self.bar

    def __str__(self) -> str:
        """The row in Markdown."""
        cpu, wall, peak = (self.ratios(part) for part in ("cpu", "wall", "peak"))
        bar = "" if self.bar is None else f"{self.bar:g}"
        mine = sorted(one.cpu for one in self.ours)
        seconds = f"{mine[0]:.2f}, {statistics.median(mine):.2f}, {mine[-1]:.2f} s"
        most = max(one.peak for one in self.ours)
        return (
            f"| {self.what} | {self.rival} | {len(cpu)} | {seconds} | "
            f"**{statistics.median(cpu):.2f}** ({cpu[0]:.2f} to {cpu[-1]:.2f}) | {statistics.median(wall):.2f} "
            f"| {most:.0f} MB, {statistics.median(peak):.2f} | {bar} |"
        )


HEAD = (
    "| what | against | pairs | ours: least, median, most | processor time, ours / theirs | wall | memory: ours, ratio "
    "| bar |\n"
    "|---|---|---|---|---|---|---|---|"
)


def _beside(pair: Sequence[Side]) -> list[Cost]:
    """The costs of runs at once, on a processor each."""

    def run(side: Side, processor: int) -> Cost:
        os.sched_setaffinity(0, {processor})  # of this thread, and of what it starts
        return side.run()

    with ThreadPoolExecutor(len(pair)) as pool:
        return list(pool.map(run, pair, sorted(os.sched_getaffinity(0))))


def in_turn(
    what: str,
    rival: str,
    ours: Side,
    theirs: Side,
    *,
    rounds: int = ROUNDS,
    bar: float | None = None,
    at_once: bool = False,
) -> Row:
    """Run both so many times, in turn; a first run of each, which fills caches, does not count.

    `at_once` runs a pair side by side, on a processor each, which they swap: where the machine's own speed scatters.
    """
    spent: dict[Side, list[Cost]] = {ours: [], theirs: []}
    for side in spent:
        side.run()
    for number in range(rounds):
        pair = (ours, theirs) if number % 2 else (theirs, ours)
        for side, cost in zip(pair, _beside(pair) if at_once else map(Side.run, pair), strict=True):
            spent[side].append(cost)
    return Row(what, rival, spent[ours], spent[theirs], bar)
