"""Killed at any moment, run again: the same film, nothing made twice, nothing half-made taken for whole."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from sora_cli.media.read import read_frames
from sora_cli.record import sidecar
from sora_cli.store import Store, file_hash
from tests.unattended.conftest import Machine, Run, new_machine
from tests.unattended.forks import Forks

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")

FOUR = """\
title: Four
seed: 7
shots:
  - {name: one, prompt: a red ball rolls right, duration: 1s}
  - {name: two, beats: [{prompt: a blue cube falls, duration: 1s}, {prompt: the cube stays still, duration: 1s}]}
  - {name: three, prompt: a green star floats up, duration: 1s, takes: 2}
  - {name: four, prompt: a red ball bounces, duration: 1s, transition: dissolve 0.5s}
"""
TWO = "".join(line for line in FOUR.splitlines(keepends=True) if "name: two" not in line and "name: three" not in line)
TWO = TWO.replace("0.5s", "0.25s").replace(" 1s", " 0.5s")
"""Two of its takes, half as long: what a slower engine makes."""
WORDS = ("storyboard", "four.yaml", "-o", "four.mp4", "--draft")

STAGES = (
    "starting", "planning", "opening an engine", "in a step", "keeping a clip", "between takes", "stitching", "signing",
    "the sheet and the sidecar",
)  # fmt: skip
"""What a run may be at when it is killed."""
TRIES = 8
"""Kills that are made to hit one stage: a busy machine may let a run go on before the kill is sent."""


def pixels(film: Path) -> bytes:
    return read_frames(film, 0, json.loads(sidecar.beside(film)[0].read_text())["film"]["frames"]).tobytes()


def stages(events: list[dict[str, Any]]) -> list[str]:
    """What a run was at, before its first event and after each."""
    found = ["starting"]
    for event in events:
        kind, stage = event["event"], event.get("stage")
        now = {
            ("stage_started", "plan"): "planning", ("stage_started", "shoot"): "opening an engine",
            ("stage_started", "finish"): "stitching", ("stage_started", "stamp"): "signing",
            ("stage_done", "stamp"): "the sheet and the sidecar",
        }.get((kind, stage), found[-1])  # fmt: skip
        if kind in {"take_started", "step"}:
            now = "keeping a clip" if kind == "step" and event["step"] == event["of"] else "in a step"
        found.append("between takes" if kind == "take_kept" else "the end" if kind == "released" else now)
    return found


@dataclass(frozen=True)
class Moment:
    """When a run is killed: `seconds` after its event `event` (0: its start), or when the file aside `file` is seen."""

    event: int = 0
    seconds: float = 0.0
    file: int = 0


class Ground:
    """Where runs are killed: what an undisturbed run makes and tells, and how long it takes."""

    def __init__(self, machine: Machine, board: str = FOUR) -> None:
        self.machine = machine
        machine.write("four.yaml", board)
        began = time.monotonic()
        assert machine.launch("calm", *WORDS).wait(300) == 0, machine.said("calm")
        seconds = time.monotonic() - began
        events = machine.events("calm")
        self.stages = stages(events)
        start = seconds - events[-1]["time"]
        self.times = [0.0, *(start + event["time"] for event in events)]
        self.frames = events[-1]["frames"]
        self.wanted = pixels(machine.folder / "four.mp4")
        self.files = 2 * sum(event["event"] == "take_kept" for event in events) + 3
        self.clear()

    def clear(self) -> None:
        """Forget the film and its clips."""
        folder = self.machine.folder
        for path in [*folder.glob("four.*"), *folder.glob(".four*"), *self.machine.store.rglob("*")]:
            if path.is_file() and path.suffix != ".yaml":
                path.unlink()
        (folder / "drawn.log").unlink(missing_ok=True)

    def moment(self, chance: random.Random) -> Moment:
        """Any time; or any time within a stage, since some are short; or while a file is written."""
        way = chance.choice(("time", "stage", "file"))
        if way == "file":
            return Moment(file=chance.randint(1, self.files))
        if way == "time":
            time_ = chance.uniform(0, self.times[-1])
            event = max(number for number, each in enumerate(self.times) if each <= time_)
            return Moment(event, time_ - self.times[event])
        return self.within(chance.choice(STAGES), chance)

    def within(self, stage: str, chance: random.Random, share: float = 1.0) -> Moment:
        """A time within the first `share` of a stage."""
        event = chance.choice([number for number, each in enumerate(self.stages) if each == stage])
        return Moment(event, chance.uniform(0, self.times[event + 1] - self.times[event]) * share)

    def killed_once(self, moment: Moment) -> Counter[str]:
        """One run that is killed, then one that must end well; what the first was at, and what it left half-written."""
        run = self.machine.launch("killed", *WORDS)
        self.wait(run, moment)
        run.kill()
        died = run.wait() == -signal.SIGKILL
        left = self.left()
        kept = self.kept()
        film = self.machine.folder / "four.mp4"
        if film.exists():
            assert read_frames(film, 0, self.frames).tobytes() == self.wanted, "a film that is not whole has its name"
        assert self.machine.launch("again", *WORDS).wait(300) == 0, self.machine.said("again")
        events = self.machine.events("again")
        made = {event["key"] for event in events if event["event"] == "take_kept" and not event["reused"]}
        found = {event["key"] for event in events if event["event"] == "take_kept" and event["reused"]}
        assert not made & kept, "a clip that was kept was made again"
        assert found <= kept, "a clip that was not whole was taken for whole"
        assert pixels(film) == self.wanted
        assert self.machine.leftovers() == []
        halves = {"half a clip" if path.suffix in {".mp4", ".npz"} else "half a card" for path in left["store"]}
        halves |= {"half a film" for _ in left["films"]}
        return Counter([stages(self.machine.events("killed"))[-1], *halves]) if died else Counter(["too late"])

    def wait(self, run: Run, moment: Moment) -> None:
        """Wait for the moment, or the end of the run."""
        seen: set[Path] = set()
        while run.poll() is None and (
            len(seen) < moment.file or self.machine.lines("killed") < moment.event
        ):  # fmt: skip
            if moment.file:
                left = self.left()
                seen |= {*left["store"], *left["films"]}
            time.sleep(0.001 if moment.file else 0.003)
        time.sleep(moment.seconds)

    def left(self) -> dict[str, list[Path]]:
        """Files that are being written, or were."""
        return {
            "store": [path for path in self.machine.store.glob("??/.*") if path.suffix != ".lock"],
            "films": list(self.machine.folder.glob(".four.*.part*")),
        }

    def kept(self) -> set[str]:
        """Keys of the clips that are there; each must be whole, by its hash."""
        store = Store(self.machine.store)
        cards = {
            path.stem
            for path in self.machine.store.glob("??/*.json")
            if not path.name.startswith(".") and not path.with_suffix(".flac").exists()  # a sound has its own kind
        }
        for key in cards:
            card = store.card(key)
            assert card is not None
            assert file_hash(store.path(key, "mp4")) == card.sha256
        return cards


def rounds(grounds: list[Ground], count: int, seed: int) -> Counter[str]:
    """So many kills, shared out over the grounds, side by side; how often runs died at what."""

    def some(ground: Ground, share: int, seed: int) -> Counter[str]:
        chance = random.Random(seed)  # noqa: S311  no secret
        died: Counter[str] = Counter()
        for number in range(share):
            moment = ground.moment(chance)
            try:
                died += ground.killed_once(moment)
            except AssertionError as error:
                error.add_note(f"kill {number} of seed {seed}: {moment}")
                raise
            ground.clear()
        return died

    with ThreadPoolExecutor(len(grounds)) as pool:
        ended = [pool.submit(some, ground, count // len(grounds), seed + n) for n, ground in enumerate(grounds)]
        return sum((each.result() for each in ended), Counter())


def kills_at(ground: Ground, wanted: Sequence[str], seed: int) -> None:
    """A kill at each wanted stage. On a busy machine one may come late: it is then made again, nearer to the start."""
    chance = random.Random(seed)  # noqa: S311  no secret
    for stage in wanted:
        for attempt in range(TRIES):
            died = ground.killed_once(ground.within(stage, chance, 0.5 if attempt == 0 else 0.0))
            ground.clear()
            if died[stage]:
                break
        else:
            pytest.fail(f"none of {TRIES} kills hit a run while it was at: {stage}")


def check_spread(died: Counter[str], least: int) -> None:
    """Kills hit a run at many different moments, seldom after its end."""
    print(dict(died))  # noqa: T201  for whoever runs the long test with `-s`
    assert len(set(STAGES) & set(died)) >= least, died
    assert died["too late"] <= sum(died[stage] for stage in (*STAGES, "the end")) / 5, died


def drawing_ground(folder: Path, forks: Forks | None) -> Ground:
    machine = new_machine(folder, forks)
    machine.environment["SORA_DRAW_STEP"] = "0.02"
    return Ground(machine)


def nano_ground(folder: Path, forks: Forks | None) -> Ground:
    machine = new_machine(folder, forks)
    machine.environment |= {"SORA_ENGINE": "nano", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return Ground(machine, TWO)


def test_four_kills(tmp_path: Path, warm: Forks | None) -> None:
    kills_at(drawing_ground(tmp_path, warm), ("starting", "in a step", "stitching", "signing"), seed=1)


def test_two_kills_of_the_embedded_model(tmp_path: Path, warm: Forks | None) -> None:
    kills_at(nano_ground(tmp_path, warm), ("opening an engine", "in a step"), seed=2)


@pytest.mark.long
@pytest.mark.parametrize("engine", ["nano", "drawing"])
def test_200_kills(tmp_path: Path, warm: Forks | None, engine: str) -> None:
    make = nano_ground if engine == "nano" else drawing_ground
    died = rounds([make(tmp_path / lane, warm) for lane in ("one", "other")], 200, seed=100)
    check_spread(died, len(STAGES) - 1)
    assert died["half a clip"]
    assert died["half a film"]


# -- signals ---------------------------------------------------------------------------------------------------


CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
MOMENTS = ("stage_started", "engine_loading", "step", "take_kept", "stage_step")


def signals() -> Iterator[object]:
    """Each signal at each moment; every moment and every signal is in the quick ones."""
    for number, moment in product(CODES, MOMENTS):
        quick = number == signal.SIGINT or moment == "step"
        name = f"{moment}-{number.name}"
        yield pytest.param(number, CODES[number], moment, marks=() if quick else pytest.mark.long, id=name)


@pytest.mark.parametrize(("number", "code", "moment"), list(signals()))
def test_a_signal_ends_with_its_code_and_leaves_nothing_half_made(
    machine: Machine, number: signal.Signals, code: int, moment: str
) -> None:
    machine.write("four.yaml", FOUR)
    slow = {"SORA_DRAW_STEP": "0" if moment == "stage_step" else "0.1"}
    for _ in range(TRIES):
        run = machine.launch("four", *WORDS, environment=slow)
        machine.hear(run, "four", f'"event": "{moment}"')
        run.send_signal(number)
        if run.wait(300) or "then stopping" in machine.said("four"):
            break
        (machine.folder / "four.mp4").unlink()  # the film was whole before the signal came: once more
    err = machine.said("four")
    # While the film itself is written, it is finished: then nothing is left to do, and nothing was interrupted.
    done = moment == "stage_step"
    assert run.returncode == (0 if done else code), err
    assert "Traceback" not in err
    assert ("run the same command again" in err) == (not done)
    assert machine.events("four")[-1]["event"] == ("released" if done else "stopped")
    assert machine.leftovers() == []
    assert (machine.folder / "four.mp4").exists() == done
    after = machine.run(*WORDS)
    assert after.returncode == 0, after.stderr
    assert set(machine.drawn().values()) == {1}


def test_a_second_signal_ends_at_once_and_the_next_run_tidies_up(machine: Machine) -> None:
    machine.write("four.yaml", FOUR)
    run = machine.launch("four", *WORDS, environment={"SORA_DRAW_STEP": "3600"})
    machine.hear(run, "four", '"take_started"')
    run.send_signal(signal.SIGINT)
    machine.hear(run, "four", "stops at once")
    run.send_signal(signal.SIGINT)
    assert run.wait(300) == 130  # the step that runs would take an hour
    assert machine.run(*WORDS).returncode == 0
    assert machine.leftovers() == []


def test_an_ignored_signal_stays_ignored(machine: Machine) -> None:
    machine.write("four.yaml", FOUR)

    def deaf() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with machine.start(*WORDS, "--events", preexec_fn=deaf) as process:
        assert process.stdout is not None
        while "take_kept" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=300)
    assert process.returncode == 0


def test_no_program_is_started_that_could_outlive_us(machine: Machine) -> None:
    machine.write("four.yaml", FOUR)
    seen: dict[str, list[str]] = {}
    with machine.start(*WORDS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        tasks = Path(f"/proc/{process.pid}/task")
        if not tasks.is_dir():
            pytest.skip("no /proc")
        while process.poll() is None:
            for task in tasks.glob("*/children"):
                with contextlib.suppress(OSError):
                    for child in task.read_text().split():
                        words = Path(f"/proc/{child}/cmdline").read_text().split("\0")
                        seen.setdefault(child, []).append(" ".join(words[1:]).strip())
            time.sleep(0.01)
    # scenedetect looks for ffmpeg as it is imported: that ends by itself, and may be met before it has its words. What
    # makes signatures reads our pipe, and ends when that does.
    # One that has ended has no words either, until we hear of it; one that has not yet begun has ours.
    ours = " ".join(process.args[1:])
    words_of = [[words for words in each if words and words != ours] for each in seen.values()]
    lasting = {max(words, key=len) for words in words_of if len(words) > 2}
    assert {words for words in lasting if " -i - " not in words} <= {"-version", "-v quiet"}


@pytest.mark.parametrize("stream", ["out", "err"])
def test_a_closed_pipe_does_not_end_the_work(machine: Machine, stream: str) -> None:
    machine.write("four.yaml", FOUR)
    ours, theirs = os.pipe()
    with Path(os.devnull).open("w") as other:
        streams: dict[str, Any] = {"out": other, "err": other, stream: theirs}
        run = machine.begin(*WORDS, "--events", **streams)
    os.close(theirs)
    os.read(ours, 1)
    os.close(ours)
    run.wait(300)
    assert (machine.folder / "four.mp4.sora.json").exists()
