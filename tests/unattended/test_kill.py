"""Killed at any moment, run again: the same film, nothing made twice, nothing half-made taken for whole."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sora_cli.media.reel import read_frames
from sora_cli.store import Store, file_hash
from tests.unattended.conftest import Machine, new_machine

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
WORDS = ("storyboard", "four.yaml", "-o", "four.mp4", "--draft")


def pixels(film: Path) -> bytes:
    return read_frames(film, 0, json.loads(film.with_suffix(".json").read_text())["film"]["frames"]).tobytes()


class Ground:
    """Where runs are killed: what an undisturbed run makes, and how long it takes."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        machine.write("four.yaml", FOUR)
        began = time.monotonic()
        done = machine.run(*WORDS)
        assert done.returncode == 0, done.stderr
        self.seconds = time.monotonic() - began
        self.wanted = pixels(machine.folder / "four.mp4")
        self.clear()

    def clear(self) -> None:
        """Forget the film and its clips."""
        folder = self.machine.folder
        for path in [*folder.glob("four.*"), *folder.glob(".four*"), *self.machine.store.rglob("*")]:
            if path.is_file() and path.suffix != ".yaml":
                path.unlink()
        (folder / "drawn.log").unlink(missing_ok=True)

    def killed_once(self, after: float) -> None:
        """One run killed `after` seconds, then one that must end well."""
        process = self.machine.start(*WORDS)
        time.sleep(after)
        process.kill()
        process.communicate()
        kept = self.kept()
        done = self.machine.run(*WORDS, "--events")
        assert done.returncode == 0, done.stderr
        events = [json.loads(line) for line in done.stdout.splitlines()]
        made = {event["key"] for event in events if event["event"] == "take_kept" and not event["reused"]}
        assert not made & kept, "a clip that was kept was made again"
        assert pixels(self.machine.folder / "four.mp4") == self.wanted
        assert self.machine.leftovers() == []

    def kept(self) -> set[str]:
        """Keys of the clips that are there; each must be whole, by its hash."""
        store = Store(self.machine.store)
        cards = {path.stem for path in self.machine.store.glob("??/*.json") if not path.name.startswith(".")}
        for key in cards:
            card = store.card(key)
            assert card is not None
            assert file_hash(store.path(key, "mp4")) == card["sha256"]
        return cards


def rounds(ground: Ground, count: int, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  no secret
    for _ in range(count):
        ground.killed_once(chance.uniform(0.1, ground.seconds))
        ground.clear()


@pytest.fixture(scope="module")
def drawing(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    machine = new_machine(tmp_path_factory.mktemp("drawing"))
    machine.environment["SORA_DRAW_STEP"] = "0.02"
    return Ground(machine)


@pytest.fixture(scope="module")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    machine = new_machine(tmp_path_factory.mktemp("nano"))
    machine.environment["SORA_ENGINE"] = "nano"
    return Ground(machine)


def test_ten_kills(drawing: Ground) -> None:
    rounds(drawing, 10, seed=1)


def test_a_killed_run_of_the_embedded_model(nano: Ground) -> None:
    rounds(nano, 1, seed=2)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_200_kills_of_the_embedded_model(nano: Ground, seed: int) -> None:
    rounds(nano, 10, seed=100 + seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_200_kills_of_an_engine_that_draws(drawing: Ground, seed: int) -> None:
    rounds(drawing, 10, seed=200 + seed)


# -- signals ---------------------------------------------------------------------------------------------------


def lines_until(process: subprocess.Popen[str], event: str) -> Iterator[dict[str, object]]:
    assert process.stdout is not None
    for line in process.stdout:
        found = json.loads(line)
        yield found
        if found["event"] == event:
            return


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("moment", ["stage_started", "engine_loading", "step", "take_kept", "stage_step"])
def test_a_signal_ends_with_its_code_and_leaves_nothing_half_made(
    machine: Machine, number: signal.Signals, code: int, moment: str
) -> None:
    machine.write("four.yaml", FOUR)
    with machine.start(*WORDS, "--events", environment={"SORA_DRAW_STEP": "0.05"}) as process:
        for _ in lines_until(process, moment):
            pass
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert "run the same command again" in err
    assert machine.leftovers() == []
    # While the film itself is written, it is finished first; before that there is none.
    assert (machine.folder / "four.mp4").exists() == (moment == "stage_step")
    done = machine.run(*WORDS)
    assert done.returncode == 0, done.stderr
    assert set(machine.drawn().values()) == {1}


def test_a_second_signal_ends_at_once_and_the_next_run_tidies_up(machine: Machine) -> None:
    machine.write("four.yaml", FOUR)
    with machine.start(*WORDS, "--events", environment={"SORA_DRAW_STEP": "5"}) as process:
        for _ in lines_until(process, "take_started"):
            pass
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        process.communicate(timeout=30)
        assert time.monotonic() - began < 1
    assert process.returncode == 130
    assert machine.run(*WORDS).returncode == 0
    assert machine.leftovers() == []


def test_an_ignored_signal_stays_ignored(machine: Machine) -> None:
    machine.write("four.yaml", FOUR)

    def deaf() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with machine.start(*WORDS, "--events", preexec_fn=deaf) as process:
        for _ in lines_until(process, "take_kept"):
            pass
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_no_program_is_started_that_could_outlive_us(machine: Machine) -> None:
    machine.write("four.yaml", FOUR)
    children: set[str] = set()
    with machine.start(*WORDS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        tasks = Path(f"/proc/{process.pid}/task")
        if not tasks.is_dir():
            pytest.skip("no /proc")
        while process.poll() is None:
            for task in tasks.glob("*/children"):
                try:
                    children |= set(task.read_text().split())
                except OSError:
                    continue
            time.sleep(0.01)
    assert children == set()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_closed_pipe_does_not_end_the_work(machine: Machine, stream: str) -> None:
    machine.write("four.yaml", FOUR)
    with machine.start(*WORDS, "--events") as process:
        pipe = getattr(process, stream)
        pipe.readline()
        pipe.close()
        setattr(process, stream, None)
        process.wait(timeout=60)
    assert (machine.folder / "four.json").exists()
