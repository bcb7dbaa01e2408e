"""How soon the commands that only look answer: `python -m tests.benchmarks.bench_start [--rounds 20]`.

`sora --help`, `check`, `plan` and `models`, turn about, so that a busy machine slows all; `check` and `plan` of three
shots without sound, and of first-light.yaml, each for the second time. Prints each one's processor time in its quickest
round, and its ratio to that of two processes that do nothing: one imports typer, rich, yaml and pydantic; one does so
and has Typer read one path from a command line, for which Typer loads the rest of pydantic. The first ratio should be
at most 2.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

STORY = Path(__file__).parents[2] / "storyboards" / "first-light.yaml"
PLAIN = """
shots:
  - {prompt: a red ball rolls to the right, duration: 1s}
  - {prompt: a red ball bounces up and down, duration: 1s}
  - {prompt: a yellow star falls, duration: 1s}
"""
MOST = 2.0
LIBRARIES = "import typer, rich.console, yaml, pydantic"
NOTHING = """
from pathlib import Path
import typer, rich.console, yaml
app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
@app.command()
def check(file: Path): pass
app()
"""
RUNS = {"imports": ["-c", LIBRARIES], "one path read": ["-c", NOTHING, "plain.yaml"]}
COMMANDS = {
    "--help": ["-m", "sora_cli", "--help"],
    "models": ["-m", "sora_cli", "models"],
    "check, plain": ["-m", "sora_cli", "check", "plain.yaml"],
    "plan, plain": ["-m", "sora_cli", "plan", "plain.yaml"],
    "check, first light": ["-m", "sora_cli", "check", str(STORY)],
    "plan, first light": ["-m", "sora_cli", "plan", str(STORY)],
}


def spent(words: list[str], folder: Path) -> float:
    """Processor seconds of one run of Python in a folder, whose caches lie there too."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"XDG_CACHE_HOME": str(folder), "SORA_STORE": str(folder / "store")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], env=environment, capture_output=True, check=True, cwd=folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> int:
    """Measure, print, and fail where a ratio is above 2."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    runs = {**RUNS, **COMMANDS}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "plain.yaml").write_text(PLAIN, "utf-8")
        for words in runs.values():
            spent(words, folder)  # compiles what was never run, says the lines
        times = [{name: spent(words, folder) for name, words in runs.items()} for _ in range(rounds)]
    best = {name: min(one[name] for one in times) for name in runs}
    for name, seconds in best.items():
        ratios = [f"{seconds / best[nothing]:5.2f}" for nothing in RUNS]
        print(f"{name:18} {seconds * 1000:6.0f} ms", *ratios)
    return int(max(best.values()) > MOST * best["imports"])


if __name__ == "__main__":
    raise SystemExit(main())
