"""Several processes on one store: each take is made by exactly one of them, and every film is whole."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.unattended import buckets
from tests.unattended.conftest import Machine, Run
from tests.unattended.test_kill import pixels

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")

PROCESSES = 4
SLOW = {"SORA_DRAW_STEP": "0.02", "OMP_NUM_THREADS": "1"}
SHARED = "".join(f"  - {{name: s{number}, prompt: a red ball {number}, duration: 0.5s}}\n" for number in range(5))


def boards(machine: Machine) -> list[str]:
    """Storyboards that share five shots and have one each of their own."""
    names = []
    for number in range(PROCESSES):
        own = f"  - {{name: own, prompt: a cube of {number}, duration: 0.5s}}\n"
        machine.write(f"board-{number}.yaml", f"title: Board {number}\nseed: 3\nshots:\n{SHARED}{own}")
        names.append(f"board-{number}")
    return names


def one_round(machine: Machine, chance: random.Random, kills: int, *, bucket: bool) -> None:
    """Four runs at once, some of them killed and started again, until all their films are there.

    What runs share a `bucket` have a cache of their own each, as machines have.
    """
    names = boards(machine)
    told: list[dict[str, Any]] = []

    def start(name: str) -> Run:
        cache = {"XDG_CACHE_HOME": str(machine.folder / f"cache-of-{name}")} if bucket else {}
        place = replace(machine, environment=machine.environment | cache)
        return place.launch(name, "storyboard", f"{name}.yaml", "-o", f"{name}.mp4", "--draft")

    running = {name: start(name) for name in names}
    for name in chance.sample(names, kills):
        event, moment = chance.randrange(40), time.monotonic() + 300
        while len(machine.events(name)) < event and running[name].poll() is None and time.monotonic() < moment:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.1))
        running[name].kill()
        running[name].wait()
        told += machine.events(name)
        running[name] = start(name)
    for name, run in running.items():
        assert run.wait(300) == 0, (machine.folder / f"{name}.err").read_text()
        told += machine.events(name)
    check(machine, told, kills)


def check(machine: Machine, told: list[dict[str, Any]], kills: int) -> None:
    """Every take was kept once. One may be drawn again if its maker was killed between drawing it and keeping it."""
    kept = Counter(event["key"] for event in told if event["event"] == "take_kept" and not event["reused"])
    assert set(kept.values()) == {1}, "a take was kept twice"
    assert len(kept) <= 5 + PROCESSES <= len(kept) + kills, "more were kept in silence than runs were killed"
    if counts := machine.drawn():
        assert len(counts) == 5 + PROCESSES
        assert sum(counts.values()) - len(counts) <= kills
    assert machine.leftovers() == []


def clear(machine: Machine) -> None:
    for path in [*machine.folder.glob("board-*"), *machine.store.rglob("*"), machine.folder / "drawn.log"]:
        if path.is_file():
            path.unlink()


def films(machine: Machine) -> list[bytes]:
    return [pixels(Path(machine.folder / f"board-{number}.mp4")) for number in range(PROCESSES)]


@pytest.mark.long
def test_two_rounds(machine: Machine) -> None:
    machine.forks = None  # as users start them
    machine.environment |= SLOW
    rounds(machine, 2)


@pytest.mark.long
@pytest.mark.parametrize("engine", ["drawing", "nano"])
def test_twenty_rounds(machine: Machine, engine: str) -> None:
    machine.environment |= {**SLOW, "SORA_ENGINE": engine}
    rounds(machine, 20)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["s3", "azure"])
def test_twenty_rounds_on_a_bucket(machine: Machine, kind: str) -> None:
    with buckets.KINDS[kind]() as environment:
        machine.environment |= SLOW | environment
        rounds(machine, 20, bucket=True)


def rounds(machine: Machine, count: int, *, bucket: bool = False) -> None:
    chance = random.Random(count)  # noqa: S311  no secret
    wanted: list[bytes] = []
    store = machine.environment["SORA_STORE"]
    for number in range(count):
        machine.environment["SORA_STORE"] = f"{store}/{number}" if bucket else store
        one_round(machine, chance, 2 if number else 0, bucket=bucket)
        wanted = wanted or films(machine)
        assert films(machine) == wanted
        clear(machine)


def test_two_runs_of_one_film_make_it_once(machine: Machine) -> None:
    machine.write("one.yaml", f"title: One\nshots:\n{SHARED}")
    words = ("storyboard", "one.yaml", "-o", "one.mp4")
    names = ("first", "second", "third")
    running = [machine.launch(name, *words, environment={"SORA_DRAW_STEP": "0.02"}) for name in names]
    assert [run.wait(300) for run in running] == [0, 0, 0], [machine.said(name) for name in names]
    told = [machine.said(name) for name in names]
    assert sum("up to date" in err for err in told) == 2
    assert set(machine.drawn().values()) == {1}
    assert machine.leftovers() == []


def test_a_take_is_made_by_the_other_when_its_maker_dies(machine: Machine) -> None:
    machine.write("one.yaml", "title: One\nshots: [{prompt: a ball, duration: 0.5s}]\n")
    first = machine.launch("first", "storyboard", "one.yaml", "-o", "a.mp4", environment={"SORA_DRAW_STEP": "3600"})
    machine.hear(first, "first", '"take_started"')
    second = machine.launch("second", "storyboard", "one.yaml", "-o", "b.mp4")
    machine.hear(second, "second", '"take_elsewhere"')
    first.kill()
    first.wait(300)
    assert second.wait(300) == 0, machine.said("second")
    assert machine.events("second")[-1]["event"] == "released"
    assert (machine.folder / "b.mp4").exists()
