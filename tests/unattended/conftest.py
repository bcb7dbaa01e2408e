"""A machine for a night of renders: its own store, identity and folder, and an engine that draws."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.unattended.forks import POSSIBLE, Child, Forks, Stream, forks

ROOT = Path(__file__).parents[2]
SITE = {
    "METADATA": "Metadata-Version: 2.1\nName: sora-drawing\nVersion: 1\n",
    "entry_points.txt": "[sora.engines]\ndrawing = tests.unattended.drawing:CARD\n"
    "drawing-2 = tests.unattended.drawing:OTHER\ndrawing-long = tests.unattended.drawing:LONG\n",
}


Run = subprocess.Popen[bytes] | Child


@dataclass
class Machine:
    """A folder that programs run in, with nothing of the user's in it."""

    folder: Path
    environment: dict[str, str]
    forks: Forks | None = None
    """Where there is one, runs are its children, but for those that `start` begins as a user does."""

    def begin(self, *words: str, out: Stream, err: Stream, environment: Mapping[str, str] | None = None) -> Run:
        """The program, in a process of its own, with these streams; `environment` adds to the machine's."""
        environment = {**self.environment, **(environment or {})}
        if self.forks is not None:
            return self.forks.start(words, self.folder, environment, out, err)
        program = [sys.executable, "-m", "sora_cli", *words]
        return subprocess.Popen(program, cwd=self.folder, env=environment, stdout=out, stderr=err)

    def launch(self, name: str, *words: str, environment: Mapping[str, str] | None = None) -> Run:
        """The program with `--events`; what it says goes to `name.out` and `name.err`."""
        with (self.folder / f"{name}.out").open("w") as out, (self.folder / f"{name}.err").open("w") as err:
            return self.begin(*words, "--events", out=out, err=err, environment=environment)

    def lines(self, name: str) -> int:
        """How many events a launched run has told by now."""
        return (self.folder / f"{name}.out").read_bytes().count(b"\n")

    def hear(self, run: Run, name: str, words: str) -> None:
        """Wait until a launched run says these words, on either stream, or ends."""
        files = [self.folder / f"{name}.out", self.folder / f"{name}.err"]
        while run.poll() is None and not any(words in file.read_text(encoding="utf-8") for file in files):
            time.sleep(0.005)

    def said(self, name: str) -> str:
        """What a launched run has said to people by now."""
        return (self.folder / f"{name}.err").read_text(encoding="utf-8")

    def events(self, name: str) -> list[dict[str, Any]]:
        """What a launched run has told by now; a line that is not whole is not told yet."""
        lines = (self.folder / f"{name}.out").read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        """The program, in a process of its own; `environment` adds to the machine's."""
        environment = {**self.environment, **more.pop("environment", {})}
        more = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        program = [sys.executable, "-m", "sora_cli", *words]
        return subprocess.Popen(program, text=True, cwd=self.folder, env=environment, **more)

    def run(self, *words: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """The program, until it ends; `environment` adds to the machine's."""
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8") as out,
            tempfile.TemporaryFile("w+", encoding="utf-8") as err,
        ):
            code = self.begin(*words, out=out, err=err, environment=environment).wait(300)
            for stream in (out, err):
                stream.seek(0)
            return subprocess.CompletedProcess(words, code, out.read(), err.read())

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    @property
    def store(self) -> Path:
        return Path(self.environment["SORA_STORE"])

    def drawn(self) -> Counter[str]:
        """How often each take was made, by its key, over all runs."""
        log = self.folder / "drawn.log"
        return Counter(line.split()[0] for line in log.read_text().splitlines()) if log.exists() else Counter()

    def leftovers(self) -> list[Path]:
        """Files that nobody asked for: hidden ones, and locks of clips."""
        paths = [path for path in self.folder.rglob("*") if path.is_file()]
        return [
            path for path in paths if path.name.startswith(".") or (path.suffix == ".lock" and path.stem != "store")
        ]


@pytest.fixture(scope="session")
def warm() -> Iterator[Forks | None]:
    """What forks runs that need not read their code first; None where there is no such thing."""
    with forks() if POSSIBLE else contextlib.nullcontext() as made:
        yield made


@pytest.fixture
def machine(tmp_path: Path, warm: Forks | None) -> Machine:
    return new_machine(tmp_path, warm)


def new_machine(folder: Path, forks: Forks | None = None) -> Machine:
    site = folder / "site" / "sora_drawing-1.dist-info"
    site.mkdir(parents=True)
    for name, text in SITE.items():
        (site / name).write_text(text)
    ours = {
        "XDG_CONFIG_HOME": str(folder / "config"),
        "SORA_STORE": str(folder / "store"),
        "SORA_ENGINE": "drawing",
        "SORA_DRAW_LOG": str(folder / "drawn.log"),
        "PYTHONPATH": f"{site.parent}{os.pathsep}{ROOT}",
        "COLUMNS": "200",
    }
    return Machine(folder, {**os.environ, **ours}, forks)
