"""The table of `docs/performance.md`: `python -m tests.benchmarks [KIND...] [--rounds 7] [--seconds 60]`.

Kinds: `commands`, `look` (colour fit and contact sheet), `master` (finishing) and, with `--before FOLDER`, `takes` (a
film of 18 takes against another checkout of sora). `python -m tests.benchmarks.bench_workers` measures workers.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import bench_commands, bench_look, bench_master
from tests.benchmarks.pairs import HEAD, ROUNDS, machine


def main() -> int:
    """Print the rows that were asked for; 1 where one does not keep to its bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="pairs of each row")
    parser.add_argument("--seconds", type=int, default=60, help="length of the film that is finished")
    parser.add_argument("--quick", action="store_true", help="leave out MoviePy and the film ten times as long")
    parser.add_argument("--at-once", action="store_true", help="finish side by side with the rival, a processor each")
    parser.add_argument("--before", type=Path, help="another checkout of sora, for `takes`")
    asked = parser.parse_args()
    print(machine(), end="\n\n")
    print(HEAD, flush=True)
    held = True
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        folder = Path(place)
        told = {
            "commands": lambda: bench_commands.rows(folder, asked.rounds),
            "look": lambda: bench_look.rows(folder, asked.rounds),
            "master": lambda: bench_master.rows(
                folder, asked.rounds, asked.seconds, slow=not asked.quick, at_once=asked.at_once
            ),
        }
        if asked.before is not None:
            told["takes"] = lambda: bench_commands.takes(folder, asked.rounds, asked.before.resolve())
        if unknown := set(asked.kinds) - set(told):
            parser.error(f"no such kind: {', '.join(sorted(unknown))}; there are {', '.join(told)}")
        for kind in asked.kinds or told:
            for row in told[kind]():
                print(row, flush=True)
                held = held and row.held
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
